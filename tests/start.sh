#!/bin/sh
# The second start compiles nothing: what a training made for the device is found again, whatever the seed or the
# number of epochs; what lies in our own cache may be cut short or be nonsense. Counted in files, for times tell nothing.
. "${srcdir:-.}/tests/lib.sh"
mkdir driver ours || exit 99
POCL_CACHE_DIR=$work/driver XDG_CACHE_HOME=$work/ours NACRE_DEBUG=unoptimized; export NACRE_DEBUG

train() { "$nacre" train --quiet --force --out "$work/run" --max-steps 2 --set points.n=200 "$@" "$examples/xor.nn"; }

# What was compiled: machine code and programs in PoCL's cache, programs in ours. $1: further conditions for find.
made() { find "$work/driver" "$work/ours" -type f \( -name '*.so' -o -name 'program*' \) "$@"; }
nothing_new() { [ -z "$(made -newer "$work/mark")" ] || { made -newer "$work/mark"; return 1; } }
from_here() { touch "$work/mark"; sleep 0.05; }

"$nacre" devices >/dev/null 2>&1 || { echo "no OpenCL device: nothing is started"; exit 77; }
holds "a first start" train
[ -n "$(made)" ] || { echo "this driver keeps what it compiles elsewhere: not counted"; exit 77; }

from_here
holds "a second start" train
holds "a second start compiles nothing" nothing_new
holds "another seed and number of epochs" train --set train.seed=7 --set train.epochs=3
holds "another seed and number of epochs compile nothing" nothing_new

something_new() { ! nothing_new; }
from_here
holds "another batch size" train --set train.batch=20
holds "another batch size is compiled" something_new

# For the gpu class drivers are probed, and what they answered is kept.
holds "a start of the gpu class" train --class gpu
spoiled=0
for f in "$work"/ours/nacre/*; do
  [ -f "$f" ] || continue
  spoiled=$((spoiled + 1))
  head -c 20 "$f" >"$work/short" && cp "$work/short" "$f"
  holds "a start with $(basename "$f") cut short" train --class gpu
  printf 'nonsense\n' >"$f"
  holds "a start with nonsense in $(basename "$f")" train --class gpu
  from_here
  holds "a start after that" train --class gpu
  holds "what was spoiled was written anew, and serves again" nothing_new
done
if [ $spoiled -gt 0 ]; then good; else bad "nothing lies in our own cache"; fi

two_at_once() { rm -rf "$work/driver"/* "$work/ours"/*; train --out "$work/a" & a=$!; train --out "$work/b"; b=$?; wait $a && [ $b -eq 0 ]; }
holds "two first starts at once" two_at_once
holds "they made the same" cmp "$work/a/last.safetensors" "$work/b/last.safetensors"

end
