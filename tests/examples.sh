#!/bin/sh
# The example networks: each is checked, laid out, and passes its own tests; the published ones have the sizes that their
# authors tell; some of the cheap ones train for two steps. (The first ones of examples/ are trained in cli.sh.)
. "${srcdir:-.}/tests/lib.sh"

for f in "$examples"/*.nn "$examples"/zoo/*.nn; do
  name=${f#"$examples"/}
  holds "$name is checked" "$nacre" check "$f"
  holds "$name is laid out" "$nacre" fmt --check "$f"
  if grep -q '^test ' "$f"; then holds "$name passes its tests" "$nacre" test "$f"; fi
done
for f in "$examples"/zoo/*.nn; do
  holds "${f#"$examples"/} fits on a page" [ "$(wc -l <"$f")" -le 40 ]
done

# parameters COUNT FILE SETTING...: at full size, where what is trained is smaller.
parameters() {
  count=$1 file=$2
  shift 2
  for s; do set -- "$@" --set "$s"; shift; done
  if "$nacre" summary --json "$examples/$file.nn" "$@" | grep -q "\"parameters\":$count,"; then
    good
  else
    bad "$file has other than $count parameters"
  fi
}
parameters 61706 lenet
parameters 61100840 alexnet alexnet.width=64 alexnet.classes=1000 digits.scale=8
parameters 132863336 vgg11 vgg11.width=64 vgg11.classes=1000 digits.scale=8
parameters 11689512 resnet18 resnet18.width=64 resnet18.classes=1000
parameters 25557032 resnet50 resnet50.width=64 resnet50.classes=1000
parameters 5288548 efficientnet_b0 efficientnet_b0.part=1 efficientnet_b0.classes=1000
parameters 3504872 mobilenet_v2 mobilenet_v2.part=1 mobilenet_v2.classes=1000
parameters 31030658 unet unet.width=64

# two_steps FILE SETTING...: trains something small.
two_steps() {
  file=$1
  shift
  for s; do set -- "$@" --set "$s"; shift; done
  holds "$file trains" "$nacre" train "$examples/$file.nn" "$@" --max-steps 2 --force --out "$work/run" --quiet
}
two_steps lenet digits.n=100 train.batch=8
two_steps zoo/radial_basis points.n=100 train.batch=8
two_steps zoo/support_vector points.n=100 train.batch=8
two_steps zoo/extreme_learning digits.n=100 train.batch=8 machine.hidden=16

end
