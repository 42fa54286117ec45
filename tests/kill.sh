#!/bin/bash
# No work is lost: a training that is killed, or meets a full disk, at any moment leaves a whole checkpoint behind, and what
# is gone on with ends in the same bytes as what was never stopped. NACRE_TEST_KILLS and NACRE_TEST_FULL say how many times;
# of the kills there are so many at random moments, and so many at calls that write the run directory (full_disk.c).
. "${srcdir:-.}/tests/lib.sh"
kills=${NACRE_TEST_KILLS:-3} fulls=${NACRE_TEST_FULL:-3} RANDOM=${NACRE_TEST_SEED:-20}

# Everything that a checkpoint must hold. Data of a file, an import, augmentations, mixup, dropout, statistics, averages, small
# batches, a schedule, a best of its own; then stages, a rate that follows the validation, and patience.
mkdir layers
cat >layers/parts.nn <<'END'
nn 1
layer head()(x: f32[B, F...]) -> f32[B, 4] { x |> flatten |> dropout(0.3) |> dense(4) }
END
cp "$here/tests/new/digits.npz" .
cat >one.nn <<'END'
nn 1
import "layers/parts.nn" as parts
model net(x: f32[B, 1, 6, 5]) -> f32[B, 4] { x |> conv(4, 3) |> batch_norm |> relu |> parts.head }
data marks {
  source = npz("digits.npz", image = "x_train", label = "y_train")
  x = (image / 255)[:, new] |> random_flip |> random_crop(1) |> cutout(2)
  split = (train = 0.8, valid = 0.2)
}
train net on marks {
  let (m, t) = mixup(classes = 4)(x, label)
  loss = cross_entropy(net(m), t)
  metrics = [accuracy(net(x), label)]
  optimizer = adam(cosine(0.05, warmup = 10))
  batch = 4; accumulate = 2; epochs = 8; seed = 4; ema = 0.9; keep = loss; checkpoint = every(3)
}
END
cat >two.nn <<'END'
nn 1
model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(16) |> batch_norm |> relu |> dropout(0.3) |> dense(2) as head }
data points { source = xor(n = 150, noise = 0.1); split = (train = 0.8, valid = 0.2) }
train net on points {
  loss = cross_entropy(net(x), label)
  metrics = [accuracy(net(x), label)]
  batch = 20; seed = 4; ema = 0.9; keep = accuracy; patience = 6; checkpoint = every(2)
  stage warm { only = [head]; optimizer = sgd(plateau(0.5, patience = 1), momentum = 0.9); epochs = 3 }
  stage tune { optimizer = adam(cosine(0.02, warmup = 10)); epochs = 6 }
}
END

# What must be equal: all files, but for clocks.
tags() { grep -aoE '(train|valid)/[a-z]+' "$1"; wc -c <"$1"; }
state() {
  (cd "$1" && find . -type f | sort && sha256sum last.safetensors best.safetensors model.nn resolved.nn data.json
   sed 's/"seconds":[0-9.]*//' metrics.jsonl
   tags events.out.tfevents.nacre
   grep -vE '^\| (time|begun) ' README.md
   grep -E '^  "(state|steps|total_steps|epoch|early|split|batch|seed|stage)"' run.json)
}
# Where the checkpoint stands; -1 where there is none.
at() { if [ -e run/last.safetensors ]; then grep -aoE '"step":"[0-9]+"' run/last.safetensors | tr -dc 0-9; else echo -1; fi; }
# train ENVIRONMENT...: in the background; goes on with the run where it has a checkpoint, else begins it anew.
train() {
  was=$(at)
  if [ "$was" -ge 0 ]; then set -- "$@" "$nacre" train --resume run; else set -- "$@" "$nacre" train $model.nn --out run --force; fi
  env "$@" --quiet >out.txt 2>err.txt &
}
check_end() {
  state run >got.txt
  cmp -s want.txt got.txt || { bad "$model, $1: not what comes of it without a stop"; diff want.txt got.txt | head -n 20; }
  rm -rf run
}
# What a stop leaves: nothing of what was saved is gone.
check_left() { [ "$(at)" -ge "$was" ] || { bad "$model, $1: its checkpoint stood at $was and now at $(at)"; rm -rf run; }; }
through() { [ -e run/run.json ] && grep -q '"state": "finished"' run/run.json; }

# Killed after its last step: what is left to do is the record. And nobody else may train it meanwhile.
last_step() {
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
  through || bad "its record was not finished"
  grep -q '"resumed": 2147483647' run/run.json || bad "a number of resumptions that no int holds the next of"
  check_end "killed after the last step"
}

# settle STATUS WANTED WHAT: after a training that came to STATUS, where one that is stopped comes to WANTED. A kill may meet
# one that has just ended.
settle() {
  [ "$1" -eq "$2" ] && met=$((met + 1))
  if through; then
    ended=$((ended + 1))
    check_end "$3 $met times"
  elif [ "$1" -eq "$2" ]; then check_left "$3 $met times"
  else
    bad "$model: status $1 where it was $3"
    rm -rf run
  fi
}
# What the last of them left is gone on with.
go_on() {
  if [ -d run ]; then
    train; wait $! || bad "$model does not go on after it was $1 $met times"
    ended=$((ended + 1))
    check_end "$1 $met times"
  fi
  [ $met -ge "$2" ] || bad "$model was only $met of $2 times $1"
  echo "$model: $1 $met times in $ended trainings${3+ of $3 calls}"
}

random_kills() {
  met=0 ended=0 tries=0
  while [ $met -lt "$1" ] && [ $tries -lt $((4 * $1 + 20)) ]; do
    tries=$((tries + 1))
    train
    ms=$(((RANDOM * 32768 + RANDOM) % span))
    sleep $((ms / 1000)).$(printf %03d $((ms % 1000)))
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    settle $? 137 killed
  done
  go_on killed "$1"
}

# at_calls TIMES WHAT STATUS: so many trainings that meet it at one of the calls that the rest of them may have; every other one
# that begins anew at one of those that make its folder.
at_calls() {
  met=0 ended=0 tries=0
  while [ $met -lt "$1" ] && [ $tries -lt $((4 * $1 + 20)) ]; do
    tries=$((tries + 1))
    range=$calls
    [ -d run ] || [ $((tries % 2)) -eq 0 ] || range=40
    train NACRE_TEST_FOLDER="$work/run" NACRE_TEST_CALL=$((1 + RANDOM % range)) NACRE_TEST_WHAT="$2" LD_PRELOAD="$work/full_disk.so"
    wait $! 2>/dev/null
    status=$?
    [ "$2" != full ] || [ $status -ne "$3" ] || grep -q 'No space left' err.txt || bad "nothing is told of the full disk"
    settle $status "$3" "at calls: $2"
  done
  go_on "at calls: $2" "$1" "$calls"
}

# Sanitizers must be loaded first, and then nothing else can be.
preloads=no
if [ -d /proc/self/fd ] && ! grep -q __asan_init "$nacre" "$(dirname "$nacre")"/lib/.libs/libnacre.so 2>/dev/null &&
   ${CC:-cc} -shared -fPIC -o full_disk.so "$here/tests/full_disk.c" -ldl 2>err.txt; then preloads=yes; fi

for model in one two; do
  train; wait $! || { bad "the training itself"; exit 1; }
  state run >want.txt
  [ $model != one ] || grep -q '^| `digits.npz` | 2139 bytes | sha256' want.txt || bad "no check sum of the data"
  rm -rf run
  start=$(date +%s%N)
  train; wait $!
  span=$((($(date +%s%N) - start) / 1000000))          # ms, with warm caches
  check_end "a second training"
  last_step
  random_kills $(((kills + 1) / 2))
  [ $preloads = yes ] || { echo "$model: kills and a full disk at calls were not tried"; continue; }
  train NACRE_TEST_FOLDER="$work/run" NACRE_TEST_CALLS="$work/calls.txt" LD_PRELOAD="$work/full_disk.so"; wait $!
  calls=$(cat calls.txt)
  check_end "counted"
  at_calls $(((kills + 1) / 2)) kill 137
  at_calls $(((fulls + 1) / 2)) full 1
done
end
