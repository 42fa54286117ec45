#!/bin/sh
# The example networks: the sizes that their authors published. (That each is checked, laid out and run: cli.sh.)
set -u
nacre=${NACRE:-$PWD/nacre}
examples=$(cd "${srcdir:-.}" && pwd)/examples
passed=0 failed=0

# parameters COUNT FILE SETTING...: at full size, where what is trained is smaller.
parameters() {
  count=$1 file=$2
  shift 2
  for s; do set -- "$@" --set "$s"; shift; done
  if "$nacre" summary --json "$examples/$file.nn" "$@" | grep -q "\"parameters\":$count,"; then
    passed=$((passed + 1))
  else
    echo "FAILED: $file has other than $count parameters"; failed=$((failed + 1))
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

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
