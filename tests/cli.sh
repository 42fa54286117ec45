#!/bin/sh
# The command as a person uses it: every verb, wrong usage, tasks, runs that stop and go on. (Wrong input is in wrong.sh.)
. "${srcdir:-.}/tests/lib.sh"
POCL_CACHE_DIR=$work/pocl XDG_CACHE_HOME=$work/cache      # every cache begins empty
absent() { if [ -e "$1" ]; then bad "$1 was written"; else good; fi; }

# usage
expect 2 'usage' "$nacre"
expect 0 'usage' "$nacre" --help
expect 0 'nacre 0' "$nacre" --version
expect 0 '--max-steps' "$nacre" help train
expect 0 'nacre eval' "$nacre" --help eval
expect 2 'did you mean `train`' "$nacre" help trian
expect 2 'did you mean `train`' "$nacre" trian
verbs=$("$nacre" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
if [ "$(echo "$verbs" | wc -w)" -ge 20 ]; then good; else bad "the help names hardly a command: $verbs"; fi
for verb in $verbs; do
  expect 0 '--json' "$nacre" "$verb" --help
  expect 2 '--no-such-option' "$nacre" "$verb" --no-such-option
done
# Every option that has a number or one of a few words, with neither.
wrong=0
for verb in $verbs; do
  for option in $("$nacre" "$verb" --help | sed -n 's/^  --\([a-z-]*\) N .*/\1/p'); do
    expect 2 'E0702' "$nacre" "$verb" "--$option" many
    expect 2 'E0702' "$nacre" "$verb" "--$option=-1"
    wrong=$((wrong + 1))
  done
  for option in $("$nacre" "$verb" --help | sed -n 's/^  --\(class\|split\|checkpoint\|format\) [A-Z].*/\1/p'); do
    expect 2 'E0702' "$nacre" "$verb" "--$option" nonsense
    wrong=$((wrong + 1))
  done
done
if [ $wrong -ge 30 ]; then good; else bad "only $wrong options were found"; fi
expect 2 'did you mean `--device`' "$nacre" train --devise x "$examples/xor.nn"
expect 2 'no option `--split`, which is one of `nacre eval`' "$nacre" check --split x "$examples/xor.nn"
# What other tools call it: where it is here, with the value that was given.
expect 2 'write `--set train.epochs=5`' "$nacre" train --epoch 5 "$examples/xor.nn"
expect 2 'write `--set train.epochs=3`' "$nacre" train --epochs "';" "$examples/xor.nn"
expect 2 "write \`--set 'train.optimizer=adam(0.01)'\`" "$nacre" train --lr=0.01 "$examples/xor.nn"
expect 2 'write `--batch 64`' "$nacre" predict --batch-size 64 run
expect 2 'write `--set train.seed=3`' "$nacre" train --seed 3
expect 2 'write `--output report.html`' "$nacre" report run --out report.html
expect 2 'E0701' "$nacre" eval run --lr 3
if grep -q 'optimizer' err.txt; then bad 'eval knows of an optimizer'; else good; fi
expect 2 'did you mean `--overfit-one-batch`' "$nacre" train --overfit
expect 2 'write `nacre train FILE`' "$nacre" fit
expect 2 'write `nacre predict RUN INPUT` or `nacre run RUN TASK`' "$nacre" infer
expect 2 'which compilation' "$nacre" emit --for
expect 2 'it takes FILE' "$nacre" summary a.nn b.nn
for wrong in many -1 1e3 99999999999999999999 ''; do expect 2 'whole number of 1 or more' "$nacre" train --batch "$wrong" "$examples/xor.nn"; done
for wrong in -1 nan '2 3'; do expect 2 'whole number of 0 or more' "$nacre" train --max-steps "$wrong" "$examples/xor.nn"; done
expect 0 'loss └──' "$nacre" train "$examples/xor.nn" --out plotted --set train.epochs=3 --plot=always
expect 2 'always' "$nacre" train "$examples/xor.nn" --plot=never
"$nacre" train "$examples/xor.nn" --out settings --set train.epochs=3 --set train.seed=7 --quiet
"$nacre" train settings/resolved.nn --out resolved --quiet
if cmp settings/last.safetensors resolved/last.safetensors; then good; else bad "resolved.nn trains to other bits"; fi
expect 2 'whole number' "$nacre" train --batch 0 "$examples/xor.nn"
expect 2 'E0701' "$nacre" trian
expect 2 'needs a value' "$nacre" train "$examples/xor.nn" --out
expect 2 'PATH=VALUE' "$nacre" check "$examples/xor.nn" --set hidden
expect 2 'needs' "$nacre" check
expect 2 'class' "$nacre" train "$examples/xor.nn" --class fpga --out none
expect 2 'E0703' "$nacre" check "$examples/xor.nn" --set xor_net.hiden=3
expect 2 "--set 'train.optimizer=adam(0.1)'" "$nacre" check "$examples/digits_mlp.nn" --set train.lr=0.1
absent none

# looking
expect 0 'no errors' "$nacre" check "$examples/digits_cnn.nn"
for f in "$here"/compiler/prelude/*.nn; do expect 0 '' "$nacre" fmt --check "$f"; done
expect 0 '"ok":true' "$nacre" check --json "$examples/xor.nn"
expect 0 'parameters' "$nacre" summary "$examples/digits_cnn.nn"
expect 0 '"parameters":421642' "$nacre" summary --json "$examples/digits_cnn.nn"
# Launches of the plan of a training step: what fusion must not lose.
expect 0 '"training_launches":11,' "$nacre" summary --json --class cpu "$examples/digits_mlp.nn"
expect 0 '"training_launches":12,' "$nacre" summary --json --class gpu "$examples/digits_mlp.nn"
expect 0 '"training_launches":26,' "$nacre" summary --json --class cpu "$examples/digits_cnn.nn"
expect 0 '"training_launches":29,' "$nacre" summary --json --class gpu "$examples/digits_cnn.nn"
expect 0 'output "loss"' "$nacre" emit --graph "$examples/xor.nn"
expect 0 'nacre-plan 1' "$nacre" emit --plan "$examples/xor.nn"
expect 0 '__kernel' "$nacre" emit --opencl "$examples/xor.nn" --class gpu
expect 0 'fuse' "$nacre" emit --list-passes
expect 0 'graph' "$nacre" emit --after simplify "$examples/xor.nn"
expect 2 'simplify' "$nacre" emit --after simplfy "$examples/xor.nn"
expect 0 'ms' "$nacre" emit --timings "$examples/xor.nn"
expect 0 'units' "$nacre" explain dense
expect 0 'noise' "$nacre" explain spiral
expect 0 'Recurrent layers' "$nacre" explain
expect 0 'E0203' "$nacre" explain E0203
expect 2 'dense' "$nacre" explain densse

# wrong input, which wrong.sh has in full, as one who reads JSON meets it
file unknown.nn 'model m(x: f32[B, 2]) -> f32[B, 2] { x |> dens(2) }'
expect 3 '"code":"E0301"' "$nacre" check --json unknown.nn
expect 0 'no errors' env OCL_ICD_VENDORS="$work/none" "$nacre" check "$examples/xor.nn"

# Looking maps no OpenCL library; asking for devices does. (Where the dynamic linker tells what it maps.)
mapped() {
  rm -f ld.*
  LD_DEBUG=files LD_DEBUG_OUTPUT="$work/ld" "$nacre" "$@" >out.txt 2>err.txt
  cat ld.* 2>/dev/null | grep -qi 'file=[^ ]*libopencl'
}
if mapped devices; then
  for verb in check summary fmt\ --check; do
    if mapped $verb "$examples/spiral.nn"; then bad "$verb maps OpenCL"; else good; fi
  done
fi

# PoCL has no device where it cannot write; where it is the only driver, the error says so.
echo a file >"$work/file"
if [ "$("$nacre" devices --json 2>/dev/null | grep -vc '"platform":"Portable')" = 0 ]; then
  expect 5 'POCL_CACHE_DIR' env POCL_CACHE_DIR="$work/file/pocl" "$nacre" devices
fi

# training and using
expect 0 '' "$nacre" train "$examples/xor.nn" --out run --quiet
expect 0 '"accuracy"' "$nacre" eval run --split test --json
expect 2 'did you mean `test`' "$nacre" eval run --split tset
expect 0 'class' "$nacre" predict run --split test
expect 0 '"output"' "$nacre" predict run --split test --format json
expect 2 'csv or json' "$nacre" predict run --format yaml
expect 4 'an input is a .csv or .npy file' "$nacre" predict run "$examples/xor.nn"
expect 1 'E0602' "$nacre" train "$examples/xor.nn" --out run
expect 2 'finished' "$nacre" train --resume run
expect 2 'leave out --batch' "$nacre" train --resume run --batch 7
# A run that may not be written is told before anything is computed, and no --out, which --resume refuses, is advised.
stranger() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
chmod 755 "$work" && chmod -R a+rX,a-w run
if stranger "$nacre" --version >/dev/null 2>&1; then
  expect 1 'go on with a copy: `cp -r run COPY`' stranger "$nacre" train --resume run --set train.epochs=31
fi
chmod -R u+w run
expect 0 'saved in run' "$nacre" train --resume run --set train.epochs=31
if grep -q '^epoch 31/31  step [0-9]*/930  loss ' err.txt; then good; else bad "no line tells of the first step"; fi
"$nacre" predict run --split train 2>err.txt | head -n 1 >out.txt
if [ -s out.txt ] && [ ! -s err.txt ]; then good; else bad "predict into a closed pipe"; fi
if [ -c /dev/full ]; then
  "$nacre" explain dense >/dev/full 2>err.txt
  if [ $? -eq 1 ] && grep -q 'could not be written' err.txt; then good; else bad "output to a full disk"; fi
fi
"$nacre" explain dense >&- 2>err.txt
if [ $? -eq 1 ] && grep -q 'could not be written' err.txt; then good; else bad "a closed standard output"; fi
"$nacre" train "$examples/xor.nn" --out closed --set train.epochs=2 <&- >&- 2>&-
if grep -q '"state": "finished"' closed/run.json && ! grep -rq '^epoch' closed; then good; else bad "closed standard streams"; fi
expect 2 'no option' "$nacre" eval run --force
for f in model.nn run.json metrics.jsonl README.md last.safetensors best.safetensors events.out.tfevents.nacre; do
  [ -s run/$f ] || { bad "run/$f is missing"; }
done
for f in run/*.tmp-*; do absent "$f"; done
"$nacre" train "$examples/xor.nn" --out other --set train.epochs=2 --set xor_net.hidden=5 --set train.seed=3 --quiet --max-steps 40
printf '\n# a note\n' >>other/model.nn
mkdir -p all/empty && mv other all/other && cp -r run all/one && sed -i 's/"finished"/"running"/' all/one/run.json
expect 0 'killed' "$nacre" runs all
expect 0 'all/other  stopped' "$nacre" runs all
expect 0 '"state":"stopped"' "$nacre" runs all --json
expect 0 'no runs' "$nacre" runs all/empty
expect 1 'E0601' "$nacre" runs none
printf '{' >all/empty/run.json
expect 0 'line 1' "$nacre" runs all
expect 0 'hidden           (none) -> 5' "$nacre" diff run all/other
expect 0 'seed                     1 -> 3' "$nacre" diff run all/other
expect 0 '# a note' "$nacre" diff run all/other
expect 0 '"field":"parameters","a":"42","b":"27"' "$nacre" diff run all/other --json
expect 0 'are alike' "$nacre" diff run run
expect 1 'E0604' "$nacre" diff run all
expect 1 'E0604' "$nacre" diff run all/empty
expect 2 'needs' "$nacre" diff run
expect 0 'the default' "$nacre" devices
"$nacre" emit --plan "$examples/xor.nn" --for predict >xor.plan
expect 0 'output' "$nacre" emit --run-plan xor.plan
head -c 300 xor.plan >torn.plan
expect 5 'E0802' "$nacre" emit --run-plan torn.plan

# What an update spoiled is not saved, and takes the place of nothing that was.
expect 1 'E0603' "$nacre" train "$examples/xor.nn" --out spoiled --set 'train.optimizer=adam(nan)' --max-steps 1
absent spoiled/last.safetensors
expect 0 'spoiled  failed' "$nacre" runs spoiled
expect 0 '' "$nacre" train "$examples/xor.nn" --out spoiled --force --max-steps 1
cp spoiled/last.safetensors good.safetensors
expect 1 'at step 2, epoch 1' "$nacre" train --resume spoiled --set 'train.optimizer=adam(nan)' --max-steps 1
expect 0 '' cmp spoiled/last.safetensors good.safetensors

# a model with several outputs of several types
file several.nn 'model net(x: f32[B, 2]) -> (recon: f32[B, 2], code: f32[B, 3], label: i32[B], far: bool[B]) {
  let h = x |> dense(3) |> tanh
  (code = h, recon = dense(2)(h), far = sum(x ^ 2, axis = 1) > 0, label = argmax(h, axis = 1))
}
data d { source = spiral(n = 60); split = (train = 0.5, test = 0.5) }
train net on d { let o = net(x); loss = mse(o.recon, x); optimizer = adam(0.01); epochs = 1; batch = 30 }'
expect 0 '' "$nacre" train several.nn --out several --quiet
expect 0 'example,recon0,recon1,code0,code1,code2,label,far' "$nacre" predict several
expect 0 '"far":[1]}' "$nacre" predict several --json
expect 0 'wrote s-far.npy: bool[30]' "$nacre" predict several -o s.npy
expect 2 'leave out --format' "$nacre" predict several -o s.npy --format csv
file whole.nn 'model net(x: f32[B, 2]) -> (y: f32[B, 2], total: f32[]) { (y = dense(2)(x), total = sum(x)) }
data d { source = spiral(n = 60); split = (train = 0.5, test = 0.5) }
train net on d { loss = mse(net(x).y, x); optimizer = adam(0.01); epochs = 1; batch = 30 }'
expect 0 '' "$nacre" train whole.nn --out whole --quiet
expect 3 'no value for each example' "$nacre" predict whole

# index notation and gradients inside of gradients, on both classes
file second.nn 'test "PyTorch 2.15: u = tanh(x w) v, second derivatives" {
  let x = tensor([[0.1], [0.7], [-1.2]])
  let w = tensor([[0.5, -0.3, 0.8]])
  let u = tanh(x @ w + tensor([0.1, -0.2, 0.3])) @ tensor([[0.7], [-0.4], [0.9]])
  let du = grad(sum(u), x)
  let loss = mean((grad(sum(du), x) + 0.4 * du + 2 * u) ^ 2)
  expect abs(grad(loss, w)[0] - tensor([0.962441688698674, -0.9784673168380191, -0.34431380915280285])) < 1e-4
}
test "index notation" {
  let a = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
  let k = tensor([2, 0, 3])
  expect (for i < 3, j < 3 { sum for k < 3 { a[i, k] * a[k, j] } }) == a @ a
  expect (for i < 3 { a[k[i], i] + a[i, 2 - i] }) == tensor([10.0, 7.0, 7.0])
  expect (for b < 3, i < 2 { sum for r < 2 { a[b, i + r] * (r + 1) } }) == a[:, 0..2] + 2 * a[:, 1..3]
}'
for class in cpu gpu; do
  expect 0 '2 passed' "$nacre" test second.nn --class $class
done

# tasks: with a run's weights and without, arguments of every form, outputs of every form
file tasks.nn 'model net(w: int = 3)(x: f32[B, 2]) -> f32[B, 2] { x |> dense(w) as first |> tanh |> dense(2) as second }
data d { source = spiral(n = 100); split = (train = 1.0) }
train net on d { loss = cross_entropy(net(x), label); optimizer = adam(0.01); epochs = 1; batch = 50 }
task probe(z: f32[P, 2]) -> (hidden: f32[P, net.w], class: i32[P], sure: bool[P]) {
  let y = softmax(net(z))
  (hidden = tanh(net.first(z)), class = argmax(y, axis = 1), sure = max(y, axis = 1) > 0)
}
task images(n: int = 4, scale: float = 1)() -> f32[n, 3, 8, 9] { scale * rand[n, 3, 8, 9] }
task given(i: i32[n], x: f32[], s: f32[2, k]) { (first = i + 1, second = s * x) }'
expect 0 '' "$nacre" train tasks.nn --out trained --quiet
printf 'a,b\n1,2\n-3,0.5\n' >points.csv
expect 0 '"sure","dtype":"bool","shape":[2],"value":[true,true]' "$nacre" run trained probe --z points.csv --json
expect 0 'f32[1,3]' "$nacre" run trained probe --z 1,2
expect 0 'wrote p-class.npy: i32[2]' "$nacre" run trained probe --z points.csv -o p.npy
expect 0 'wrote p-hidden.csv' "$nacre" run trained probe --z points.csv -o p.csv
expect 0 '' "$nacre" run trained given --i 1,2,3 --x 0.5 --s points.csv --output g.json
if grep -q '"first","dtype":"i32","shape":\[3\],"value":\[2,3,4\]' g.json && grep -q '\[\[0.5,1\],\[-1.5,0.25\]\]' g.json; then
  good
else
  bad "outputs of a task"
fi
expect 0 'task images(n: int = 4, scale: float = 1)() -> f32[n, 3, 8, 9]' "$nacre" summary tasks.nn
expect 0 '"tasks":["probe(z: f32[P, 2])' "$nacre" summary tasks.nn --json
file pairs.nn 'model gap(pair: (left: f32[B, 8], right: f32[B, 8])) -> f32[B] { sum(dense(4)(pair.left - pair.right), axis = 1) }
task t(p: (left: f32[N], right: f32[N]), q: (i32[2], f32[])) -> f32[N] { p.left * q[1] - p.right + f32(q[0][0]) }'
expect 0 '"value":[14,24,34]' "$nacre" run pairs.nn t --p.left 1,2,3 --p.right 1,1,1 --q.0 5,6 --q.1 10 --json
expect 2 'needs `--q.1`' "$nacre" run pairs.nn t --p.left 1,2,3 --p.right 1,1,1 --q.0 5,6
expect 0 'gap                                  f32[B]' "$nacre" summary pairs.nn
expect 2 'it takes --p.left, --p.right, --q.0, --q.1' "$nacre" run pairs.nn t --p 1
expect 0 'of device memory' sh -c '"$1" summary tasks.nn | grep "^task images"' sh "$nacre"
expect 0 'index notation' "$nacre" explain for
expect 0 'wrote images.png: 4 images of 9 by 8' "$nacre" run tasks.nn images
expect 0 'wrote images-2.png: 4 images of 9 by 8' "$nacre" run tasks.nn images
expect 0 'is black' "$nacre" run tasks.nn images --set images.n=1 --scale=3 -o i.png
if [ "$(head -c 4 images.png | tail -c 3)" = PNG ]; then good; else bad "images.png"; fi
"$nacre" run tasks.nn images --seed 7 --json 2>/dev/null >one.json
"$nacre" run tasks.nn images --seed 7 --json 2>/dev/null >two.json
"$nacre" run tasks.nn images --seed 8 --json 2>/dev/null >three.json
if cmp -s one.json two.json && ! cmp -s one.json three.json; then good; else bad "the seed of a task"; fi
expect 2 'did you mean `probe`' "$nacre" run trained prob
expect 2 'did you mean `--scale`' "$nacre" run tasks.nn images --scal 2
expect 2 'needs `--z`' "$nacre" run trained probe
expect 2 'neither a file nor numbers' "$nacre" run trained probe --z abc
expect 2 'needs a value' "$nacre" run trained probe --z
expect 2 'given twice' "$nacre" run trained probe --z 1,2 --z 1,2
expect 2 'vocabulary' "$nacre" run trained given --i "some text" --x 1 --s 1,2
expect 2 'E0702' "$nacre" run trained probe --z 1,2 -o x.doc
expect 2 'no image' "$nacre" run trained given --i 1 --x 1 --s points.csv -o x.png
expect 2 'has no task' "$nacre" run "$examples/xor.nn" sample
expect 2 'belongs to a run' "$nacre" run tasks.nn images --checkpoint last
expect 3 'must be an integer' "$nacre" run tasks.nn images --n 2.5
expect 3 'E0203' "$nacre" run trained probe --z 1,2,3
expect 4 'E0401' "$nacre" run trained probe --z none.npy
expect 4 'no i32' "$nacre" run trained given --i 1.5 --x 1 --s 1,2
expect 1 'E0602' "$nacre" run trained probe --z 1,2 -o none/x.npy
absent x.doc
absent none

# stopped SIGNAL READY COMMAND...: a signal as soon as the command READY succeeds; the training ends by it with 130.
stopped() {
  signal=$1 ready=$2
  shift 2
  : >err.txt   # what the one before told is not this one's
  "$@" >out.txt 2>err.txt &
  job=$! n=0
  while ! eval "$ready" && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
  kill "-$signal" $job
  n=0
  while kill -0 $job 2>/dev/null && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
  kill -KILL $job 2>/dev/null
  wait $job
  got=$?
  if [ $got -eq 130 ]; then good; else bad "$signal gave status $got: $*"; fi
}
signals='INT TERM'
sh -c 'kill -HUP $$' 2>/dev/null || signals="$signals HUP"   # not under nohup, where trainings ignore it too
# Before a step is done there is nothing to save: the driver's compiler is not waited for, and no directory is left.
for signal in $signals; do
  stopped $signal '[ -n "$(ls fresh 2>/dev/null)" ]' env POCL_CACHE_DIR="$PWD/fresh" "$nacre" train "$examples/digits_cnn.nn" --out early
  absent early
  rm -rf fresh
done
# Under nohup a hangup does nothing, in the driver's compiler neither.
(trap '' HUP; exec env POCL_CACHE_DIR="$PWD/fresh" "$nacre" train "$examples/xor.nn" --out calm --max-steps 1 --quiet) 2>err.txt &
job=$! n=0
while [ -z "$(ls fresh 2>/dev/null)" ] && [ $n -lt 20000 ]; do sleep 0.002; n=$((n + 1)); done
while kill -HUP $job 2>/dev/null && [ $n -lt 20000 ]; do sleep 0.002; n=$((n + 1)); done
expect 0 '' wait $job
rm -rf fresh
# Nor does what the driver compiles between steps fail by a signal: it is for the training alone.
file small.nn 'model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(16) |> relu |> dense(2) }
data points { source = xor(n = 40); split = (train = 0.5, valid = 0.5) }
train net on points { loss = cross_entropy(net(x), label); optimizer = adam(0.01); batch = 20; epochs = 900 }'
for ms in 05 15 30; do
  stopped INT "[ -e small/run.json ] && sleep 0.$ms" env POCL_CACHE_DIR="$PWD/fresh" NACRE_COMPILE= "$nacre" train small.nn --out small --quiet
  if [ -s err.txt ]; then bad "a signal while the driver compiles"; else good; fi
  rm -rf fresh small
done
# Later a signal saves, before the first checkpoint too, and the run goes on.
stopped INT 'grep -q step err.txt' "$nacre" train "$examples/spiral.nn" --out long --set train.epochs=100000
expect 0 '"state": "stopped"' cat long/run.json
for signal in ${signals#INT }; do stopped $signal 'grep -q step err.txt' "$nacre" train --resume long; done
before=$(cksum long/*)
stopped INT '[ -n "$(ls fresh 2>/dev/null)" ]' env POCL_CACHE_DIR="$PWD/fresh" "$nacre" train --resume long
if [ "$before" = "$(cksum long/*)" ]; then good; else bad "a run changed before a step of it was done"; fi
expect 0 '' "$nacre" train --resume long --max-steps 5 --quiet

# on a terminal: colours, and lines no wider than it is
if command -v script >/dev/null && script -qec true /dev/null </dev/null >out.txt 2>&1; then
  typed() { script -qec "$1" /dev/null </dev/null >out.txt 2>err.txt; }
  file wrong.nn 'const a = b'
  colours() { grep -q "$(printf '\033\[1;31m')" out.txt; }
  typed "env -u NO_COLOR TERM=xterm '$nacre' check wrong.nn"; if colours; then good; else bad "no colours on a terminal"; fi
  typed "env NO_COLOR= TERM=xterm '$nacre' check wrong.nn"; if colours; then good; else bad "an empty NO_COLOR took the colours"; fi
  for none in NO_COLOR=1\ TERM=xterm TERM=dumb -u\ TERM; do
    typed "env -u NO_COLOR $none '$nacre' check wrong.nn"; if colours; then bad "colours with $none"; else good; fi
  done
  typed "stty cols 30; env TERM=xterm '$nacre' train '$examples/xor.nn' --out narrow --force --set train.epochs=2"
  if tr '\r' '\n' <out.txt | grep 'epoch 1/2  loss' | awk '{ gsub(/\033\[K/, "") } length($0) > 29 { wide++ } END { exit !(NR && !wide) }'; then
    good
  else
    bad "a line of progress wider than the terminal"
  fi
  typed "env TERM=dumb '$nacre' train '$examples/xor.nn' --out narrow --force --max-steps 1"
  if grep -q 'stopped after 1 step, ' out.txt && ! grep -q "$(printf '\033')" out.txt; then good; else bad "a terminal that is dumb"; fi
fi

# parts of the data
file whole.nn 'model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }
data points { source = spiral(n = 100) }
train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1 }'
expect 3 'whole.nn:3:24' "$nacre" train whole.nn --out none
expect 3 'split = (train = 0.8' "$nacre" train whole.nn --out none
sed 's/(n = 100)/(n = 100); split = (valid = 0.5)/' whole.nn >half.nn
expect 3 'half.nn:3:50' "$nacre" train half.nn --out none
absent none

# a text that is laid out otherwise
printf 'nn 1\nconst   a=3\n' >ugly.nn
expect 1 'would change' "$nacre" fmt --check ugly.nn
expect 0 '' "$nacre" fmt ugly.nn
expect 0 '' "$nacre" fmt --check ugly.nn
file tests.nn 'test "two and two" { expect 2 + 2 == 4; gradcheck triplet(margin = 3.0) on (f32[2, 3], f32[2, 3], f32[2, 3]) }'
expect 0 'passed' "$nacre" test tests.nn
file fails.nn 'test "two and two" { expect sum(ones[2]) == 3.0 }'
expect 1 'E0605' "$nacre" test fails.nn

end
