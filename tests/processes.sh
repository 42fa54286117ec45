#!/bin/bash
# Whatever becomes of a process, those that it began go with it, and what they were writing is whole or not there; and processes
# that share their caches do not disturb each other. NACRE_TEST_KILLS says how often each of them is killed.
. "${srcdir:-.}/tests/lib.sh"
[ -r /proc/self/environ ] || { echo "there is no /proc to look for processes in"; exit 77; }
kills=${NACRE_TEST_KILLS:-1} RANDOM=${NACRE_TEST_SEED:-20}
export NACRE_DEBUG="${NACRE_DEBUG:-unoptimized}"     # nothing here is about how fast anything is
mark=NACRE_TEST_MARK=$work
export POCL_CACHE_DIR="$work/pocl" XDG_CACHE_HOME="$work/cache"       # they are removed below: never somebody's own

# Enough kernels for several parts, of which another process compiles some. To be called with & or in ( ).
train() { exec env "$mark" "$nacre" train "$examples/digits_cnn.nn" --out "$1" --force --max-steps 2 --quiet; }
same() { if cmp -s want/last.safetensors "$1/last.safetensors"; then good; else bad "$2: other bytes"; fi; }
clear_caches() { rm -rf "$POCL_CACHE_DIR" "$XDG_CACHE_HOME"; }
marked() { grep -lsz -e "^$mark" /proc/[0-9]*/environ; }      # its status tells of processes that end meanwhile too
nobody_left() {
  n=0
  while left=$(marked); [ -n "$left" ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n + 1)); done
  if [ -z "$left" ]; then good; else bad "$1: left is $(echo "$left" | sed 's|environ|cmdline|' | xargs -r cat | tr '\0' ' ')"; fi
}
# stop SIGNAL SPAN WHAT COMMAND...: at some moment of the span, in ms.
stop() {
  signal=$1 ms=$(((RANDOM * 32768 + RANDOM) % $2)) what="$3, $1"
  shift 3
  "$@" >out.txt 2>err.txt &
  job=$!
  sleep $((ms / 1000)).$(printf %03d $((ms % 1000)))
  kill "-$signal" $job 2>/dev/null
  wait $job 2>/dev/null
  nobody_left "$what"
}
# timed COMMAND...: the milliseconds that it takes, in `span`.
timed() {
  start=$(date +%s%N)
  ("$@") >out.txt 2>err.txt || bad "$*"
  span=$((($(date +%s%N) - start) / 1000000))
}

# Compiling, alone: nobody helps.
NACRE_COMPILE='' timed train want
clear_caches
# Killed again and again; what they left in the caches is used by the next, up to the end.
for k in $(seq "$kills"); do stop KILL "$span" "a training that compiles" train run; done
(train run) || bad "after $kills kills"
same run "after $kills kills"
nobody_left "a training"
(train again) || bad "with the caches that kills left"
same again "with the caches that kills left"

# Two with empty caches, and ten with full ones.
clear_caches
train one & job=$!
(train two) || bad "beside another one"
wait $job || bad "one of two"
same one "one of two"
same two "the other of two"
jobs=
for k in $(seq 10); do train ten-$k & jobs="$jobs $!"; done
for job in $jobs; do wait $job || bad "one of ten"; done
for k in $(seq 10); do same ten-$k "one of ten"; done

# What works in child processes. `nacre tune` goes on with what is kept.
file m.nn 'model net(x: f32[B, 2]) -> f32[B, 2] { concat(x, x, x, x, x, x, x, x, axis = 1) |> dense(2) }
data points { source = spiral(n = 100); split = (train = 1.0) }
train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); batch = 60; epochs = 1; seed = 1 }'
tune() { exec env "$mark" "$nacre" tune m.nn --class cpu --seconds 900 --json; }
timed tune
known=$(tail -n 1 out.txt | sed 's/.*"searched":\([0-9]*\).*/\1/')
rm -rf "$XDG_CACHE_HOME"
for k in $(seq "$kills"); do stop KILL "$span" "tune" tune; done
stop TERM "$span" "tune" tune
(tune) >out.txt 2>err.txt || bad "tune after kills"
if [ "$known" -gt 0 ] && tail -n 1 out.txt | grep -q '"left":0'; then good; else bad "tune after kills: $(tail -n 1 out.txt), and without $known"; fi
(tune) >out.txt 2>err.txt
if tail -n 1 out.txt | grep -q '"searched":0'; then good; else bad "what was tuned is not known: $(tail -n 1 out.txt)"; fi
for verb in "bench m.nn --runs 1 --seconds 1" "doctor --class cpu"; do
  for signal in KILL TERM; do stop $signal 1500 "$verb" env "$mark" TMPDIR="$work" "$nacre" $verb; done
done
end
