#!/bin/sh
# nacre train --seeds: mean and interval of several trainings, of which what is finished stays.
. "${srcdir:-.}/tests/lib.sh"
cat >model.nn <<'END'
nn 1
model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(4) |> tanh |> dense(2) }
data points { source = spiral(n = 100); split = (train = 0.6, valid = 0.2, test = 0.2) }
train net on points {
  loss = cross_entropy(net(x), label); metrics = [accuracy(net(x), label)]
  optimizer = sgd(0.5); batch = 20; epochs = 3; seed = 7; keep = accuracy
}
END
# The line of JSON without its folder.
told() { tail -n 1 "$1" | sed 's/"run":"[^"]*",//'; }

"$nacre" train model.nn --seeds 3 --out whole --json >whole.txt 2>err.txt || bad "three seeds"
for k in 7 8 9; do [ -e whole/seed-$k/best.safetensors ] || bad "seed $k has no run directory"; done
cmp -s whole/seed-7/last.safetensors whole/seed-8/last.safetensors && bad "two seeds gave the same weights"
told whole.txt | grep -q '"split":"test","seeds":3,"first":7' || bad "what is told: $(told whole.txt)"

expect 0 './whole/seed-8  finished' "$nacre" runs .

# By its own seed, each is the same bits; and its score is what eval says.
"$nacre" train model.nn --set train.seed=8 --out one --quiet 2>err.txt || bad "one seed"
cmp -s one/last.safetensors whole/seed-8/last.safetensors || bad "seed 8 by itself gives other bits"
loss=$("$nacre" eval one --json 2>err.txt | sed 's/.*"loss":\([0-9.]*\).*/\1/')
told whole.txt | tr '[]{' '\n' | grep -A1 '"loss"' | grep -q "^[0-9.]*,$(echo "$loss" | cut -c1-7)" || bad "the loss of seed 8 ($loss) is not its value"
# The interval by hand: t of two degrees of freedom is 4.302653.
told whole.txt | sed 's/.*"metric":"loss",//; s/}.*//; s/"[a-z]*"://g; s/[][]//g' | tr ',' ' ' | awk '
  { m = ($5 + $6 + $7) / 3; d = sqrt((($5 - m) ^ 2 + ($6 - m) ^ 2 + ($7 - m) ^ 2) / 2); h = 4.302653 * d / sqrt(3)
    near = (($1 - m) ^ 2 < 1e-12 && ($2 - m + h) ^ 2 < 1e-10 && ($3 - m - h) ^ 2 < 1e-10 && ($4 - d) ^ 2 < 1e-12 && d > 0) }
  END { exit !near }' || bad "mean and interval: $(told whole.txt)"

# Stopped in the second one: the first stays, the second goes on with the same bits, the third begins.
cp -r whole part
sed -i 's/"state": "finished"/"state": "stopped"/' part/seed-8/run.json
rm -r part/seed-8 part/seed-9
"$nacre" train model.nn --set train.seed=8 --out part/seed-8 --max-steps 4 --quiet 2>err.txt || bad "a part of the second seed"
sed -i '/"scores"/,$d' part/seeds.json
echo '"scores": {} }' >>part/seeds.json
touch -d '2001-01-01' part/seed-7/last.safetensors
"$nacre" train --resume part --json >part.txt 2>err.txt || bad "going on"
[ "$(told part.txt)" = "$(told whole.txt)" ] || bad "what went on tells something else: $(told part.txt)"
for k in 7 8 9; do cmp -s part/seed-$k/last.safetensors whole/seed-$k/last.safetensors || bad "seed $k went on to other bits"; done
[ -n "$(find part/seed-7/last.safetensors ! -newermt 2001-01-02)" ] || bad "what was finished was trained again"
"$nacre" train --resume part --seeds 4 2>err.txt | grep -q '4 seeds from 7: mean and 95 % confidence interval' || bad "a fourth seed"

# refused STATUS TEXT ARGUMENT...
refused() {
  status=$1 text=$2
  shift 2
  "$nacre" train "$@" >out.txt 2>err.txt
  got=$?
  [ $got -eq "$status" ] && grep -q "$text" err.txt || bad "status $got, not $status with \`$text': $*"
}
refused 1 'holds an earlier training' model.nn --seeds 2 --out whole
refused 2 'is finished' --resume whole/seed-7
refused 2 'more than 2' --resume whole --seeds 2
refused 2 'between 1 and' model.nn --seeds 0
refused 2 'max-steps' model.nn --seeds 2 --max-steps 3
mkdir torn && echo '{"nacre_seeds": 1' >torn/seeds.json
refused 1 'cannot be gone on with' --resume torn
echo '{"nacre_seeds": 1, "seeds": 2, "first": 1}' >torn/seeds.json
refused 1 'not a run directory' --resume torn
echo '{"nacre_seeds": 1, "seeds": 2, "first": 9223372036854775800}' >torn/seeds.json
refused 1 'cannot be gone on with' --resume torn
echo 'nn 1' >none.nn
refused 3 'train' none.nn --seeds 2 --out none
[ -e none ] && bad "a folder was made for a file that trains nothing"

# What ends before the first step leaves nothing; what a killed call left before it is in nobody's way.
refused 5 'E0501' model.nn --seeds 2 --out early --device 99
[ -e early ] && bad "a folder was left by a training that did not begin"
mkdir kept && echo note >kept/note.txt
refused 5 'E0501' model.nn --seeds 2 --out kept --device 99
[ "$(ls kept)" = note.txt ] || bad "left in a folder that was there: $(ls kept)"
mkdir killed && echo '{"nacre_seeds": 1, "seeds": 2, "first": 7, "scores": {}}' >killed/seeds.json
"$nacre" train model.nn --seeds 1 --out killed --quiet >out.txt 2>err.txt || bad "a seeds.json without a run is in the way"
end
