#!/bin/sh
# Images from the folder to the prediction: augmentations in a training that goes on with the same bits, and `nacre predict` of
# single files.
set -u
nacre=${NACRE:-$PWD/nacre}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
export POCL_CACHE_DIR="${POCL_CACHE_DIR:-$work/pocl}" XDG_CACHE_HOME="${XDG_CACHE_HOME:-$work/cache}" NO_COLOR=1
passed=0 failed=0

# expect STATUS WORD COMMAND...: the exit status, and a word that stdout or stderr must hold ("" for none).
expect() {
  status=$1 word=$2
  shift 2
  "$@" >out.txt 2>err.txt </dev/null
  got=$?
  if [ $got -ne "$status" ] || { [ -n "$word" ] && ! grep -qF -e "$word" out.txt err.txt; }; then
    echo "FAILED (status $got, not $status, or no \`$word'): $*"
    sed 's/^/    /' out.txt err.txt | head -n 12
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

cat >digits.nn <<'END'
nn 1
model net(x: f32[B, 1, 28, 28]) -> f32[B, 10] { x |> max_pool(2) |> flatten |> dense(10) }
data digits {
  source = digits(n = 400)
  x = (image / 255)[:, new] |> random_crop(2) |> random_rotate(10) |> cutout(6)
  split = (train = 0.5, test = 0.5)
}
train net on digits {
  let (m, t) = mixup(classes = 10)(x, label)
  loss = cross_entropy(net(m), t)
  optimizer = adam(0.003); batch = 20; epochs = 2
}
END
expect 0 finished "$nacre" train digits.nn --out whole
expect 0 stopped "$nacre" train digits.nn --out half --max-steps 7
expect 0 finished "$nacre" train --resume half
expect 0 '' cmp whole/last.safetensors half/last.safetensors
"$nacre" eval whole >one.txt 2>&1
"$nacre" eval whole >two.txt 2>&1
expect 0 '' cmp one.txt two.txt                        # nothing is drawn where nothing is learned
for wrong in 'random_flip(rate = 2.0)' 'random_crop(-1)' 'random_rotate(200)' 'cutout(0)'; do
  sed "s/ |> random_crop.*/ |> $wrong/" digits.nn >wrong.nn
  expect 3 E0211 "$nacre" check wrong.nn
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
