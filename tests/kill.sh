#!/bin/bash
# No work is lost: a training that is killed, or meets a full disk, at any moment leaves a whole checkpoint behind, and what
# is gone on with ends in the same bytes as what was never stopped. NACRE_TEST_KILLS and NACRE_TEST_FULL say how many times.
. "${srcdir:-.}/tests/lib.sh"
kills=${NACRE_TEST_KILLS:-3} fulls=${NACRE_TEST_FULL:-3} RANDOM=${NACRE_TEST_SEED:-20}

# Dropout, a state, Adam, averages, a schedule and patience: everything that a checkpoint must hold.
cat >model.nn <<'END'
nn 1
model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(16) |> batch_norm |> relu |> dropout(0.3) |> dense(2) }
data points { source = xor(n = 150, noise = 0.1); split = (train = 0.8, valid = 0.2) }
train net on points {
  loss = cross_entropy(net(x), label)
  metrics = [accuracy(net(x), label)]
  optimizer = adam(cosine(0.02, warmup = 10))
  batch = 20; epochs = 8; seed = 4; ema = 0.9; keep = accuracy; patience = 6; checkpoint = every(2)
}
END

# What must be equal: both checkpoints, and the log but for its clock.
state() { sha256sum <"$1/last.safetensors"; sha256sum <"$1/best.safetensors"; sed 's/"seconds":[0-9.]*//' "$1/metrics.jsonl" | sha256sum; }
# train ENVIRONMENT...: in the background; goes on with the run where it has a checkpoint, else begins it anew.
train() {
  if [ -e run/last.safetensors ]; then set -- "$@" "$nacre" train --resume run; else set -- "$@" "$nacre" train model.nn --out run --force; fi
  env "$@" --quiet >out.txt 2>err.txt &
}
check_end() {
  state run >got.txt
  cmp -s want.txt got.txt || bad "$1: other bytes than without a stop"
  for f in run/*.tmp-*; do [ -e "$f" ] && bad "$1: $f was left"; done
  rm -rf run
}

train; wait $! || { bad "the training itself"; exit 1; }
state run >want.txt
rm -rf run
start=$(date +%s%N)
train; wait $!
span=$((($(date +%s%N) - start) / 1000000))          # ms, with warm caches
check_end "a second training"

# Killed after its last step: what is left to do is the record. And nobody else may train it meanwhile.
train
n=0
while [ ! -e run/last.safetensors ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
if kill -0 $! 2>/dev/null; then
  "$nacre" train --resume run >out.txt 2>other.txt
  status=$?
  kill -0 $! 2>/dev/null && { [ $status -eq 1 ] && grep -q 'another process' other.txt || bad "two at a time: status $status"; }
fi
wait $! || bad "a training beside which another one was refused"
sed -i -e 's/"state": "finished"/"state": "running"/' -e 's/"resumed": [0-9]*/"resumed": 2147483647/' run/run.json
train; wait $! || bad "a run that was killed after its last step"
grep -q '"state": "finished"' run/run.json || bad "its record was not finished"
grep -q '"resumed": 2147483647' run/run.json || bad "a number of resumptions that no int holds the next of"
check_end "killed after the last step"

# kill -9 again and again, until the training is through; then the next one.
killed=0 through=0 tries=0
while [ $killed -lt "$kills" ] && [ $tries -lt $((4 * kills + 20)) ]; do
  tries=$((tries + 1))
  train
  ms=$(((RANDOM * 32768 + RANDOM) % span))
  sleep $((ms / 1000)).$(printf %03d $((ms % 1000)))
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  status=$?
  case $status in
    0) through=$((through + 1)); check_end "killed $killed times" ;;
    137) killed=$((killed + 1)) ;;
    *) bad "status $status after a kill"; rm -rf run ;;
  esac
done
if [ -d run ]; then
  train; wait $! || bad "it does not go on after the last kill"
  through=$((through + 1))
  check_end "killed $killed times"
fi
[ $killed -ge "$kills" ] || bad "only $killed of $kills kills met a training"
echo "killed $killed times in $through trainings"

# A full disk. Sanitizers must be loaded first, and then nothing else can be.
met=0
if [ -d /proc/self/fd ] && ! grep -q __asan_init "$nacre" "$(dirname "$nacre")"/lib/.libs/libnacre.so 2>/dev/null &&
   ${CC:-cc} -shared -fPIC -o full_disk.so "$here/tests/full_disk.c" -ldl 2>err.txt; then
  while [ $met -lt "$fulls" ]; do
    # The calls of the first seconds, and of what follows.
    calls=$((1 + RANDOM % 400))
    [ -d run ] || calls=$((1 + RANDOM % 200))
    train NACRE_TEST_FOLDER="$work/run" NACRE_TEST_DISK=$calls LD_PRELOAD="$work/full_disk.so"
    wait $!
    status=$?
    if [ $status -eq 0 ]; then check_end "full $met times"; continue; fi
    met=$((met + 1))
    [ $status -eq 1 ] && grep -q 'No space left' err.txt || { bad "status $status on a full disk"; rm -rf run; }
  done
  train; wait $! || bad "it does not go on after a full disk"
  check_end "full $met times"
  echo "the disk was full $met times"
else
  echo "full disks were not tried"
fi
end
