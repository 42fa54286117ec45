#!/bin/sh
# nacre profile and nacre bench: what it tells fits together. Never how long anything takes.
. "${srcdir:-.}/tests/lib.sh"
check() { if eval "$2"; then good; else bad "$1"; fi; }

# The sum of FIELD over the rows of LIST, in the one JSON object of FILE.
sum() { sed "s/.*\"$2\":\[\([^]]*\)\].*/\1/" "$1" | tr '{' '\n' | sed -n "s/.*\"$3\":\([-0-9.e+]*\).*/\1/p" | awk '{s += $1} END {printf "%.9g\n", s}'; }
field() { sed "s/\"lines\":.*//; s/.*\"$2\":\([-0-9.e+]*\).*/\1/" "$1"; }
near() { awk -v a="$1" -v b="$2" 'BEGIN {d = a - b; exit !(d * d <= 1e-8 * (a * a + b * b))}'; }

"$nacre" profile "$examples/xor.nn" --steps 3 --json >xor.json 2>err.txt || bad "a profile"
for list in lines layers kernels; do
  check "the times of $list add up" 'near "$(sum xor.json $list ms)" "$(field xor.json kernels_ms)"'
  for what in launches bytes flops; do check "$what of $list add up" '[ "$(sum xor.json $list $what)" = "$(awk -v v="$(field xor.json $what)" "BEGIN {printf \"%.9g\", v}")" ]'; done
done
check "kernels and the rest are the step" 'near "$(awk -v a="$(field xor.json kernels_ms)" -v b="$(field xor.json outside_ms)" "BEGIN {print a + b}")" "$(field xor.json step_ms)"'
planned=$("$nacre" summary "$examples/xor.nn" --json | sed 's/.*"training_launches":\([0-9]*\).*/\1/')
check "all launches of the plan are there" '[ "$(field xor.json launches)" = "$planned" ]'
for layer in xor_net.dense xor_net.dense_2 adam; do check "layer $layer" 'grep -q "\"layer\":\"$layer\"" xor.json'; done
check "the line of the layers" 'grep -q "xor.nn:6\",\"text\":\"x |> dense(hidden) |> tanh |> dense(2)\"" xor.json'

# As tables: with few rows shown, the others are one, and the sums are the same.
"$nacre" profile "$examples/xor.nn" --steps 2 --top 1 >top.txt 2>err.txt || bad "a profile as tables"
check "three tables with one sum" '[ "$(grep "all kernels$" top.txt | sort -u | wc -l)" -eq 1 ] && [ "$(grep -c "all kernels$" top.txt)" -eq 3 ]'
check "what is not shown" 'grep -q " others$" top.txt'
"$nacre" profile "$examples/xor.nn" --steps 2 --for predict --json >predict.json 2>err.txt || bad "a profile of predicting"
check "predicting has fewer launches" '[ "$(field predict.json launches)" -lt "$planned" ] && grep -q "\"purpose\":\"predict\"" predict.json'

# A loop's launches count as often as they run, and small batches of `accumulate` too.
cat >loop.nn <<'END'
nn 1
model net(x: f32[B, 2]) -> f32[B, 2] { concat(x, x, x, x, x, x, axis = 1) |> reshape[B, 12, 1] |> lstm(3, last = true) |> dense(2) }
data points { source = spiral(n = 40); split = (train = 1.0) }
train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); batch = 4; epochs = 1; accumulate = 3 }
END
"$nacre" profile loop.nn --steps 2 --json >loop.json 2>err.txt || bad "a profile of a loop"
planned=$("$nacre" summary loop.nn --json | sed 's/.*"training_launches":\([0-9]*\).*/\1/')
check "$planned launches of a loop" '[ "$(field loop.json launches)" = "$planned" ] && [ "$(sum loop.json kernels launches)" = "$planned" ]'
check "examples of a step" 'grep -q "\"batch\":12" loop.json'

# What a training left, and what cannot be measured.
"$nacre" train "$examples/xor.nn" --max-steps 5 --out run --quiet 2>err.txt
"$nacre" profile run --steps 2 --json >run.json 2>err.txt || bad "a profile of a run directory"
check "the run's own file" 'grep -q "\"file\":\"run/model.nn\"" run.json'
"$nacre" profile "$examples/xor.nn" --for eval >out.txt 2>err.txt
status=$?
check "only steps and predictions" '[ $status -eq 2 ] && [ ! -s out.txt ] && grep -q E0702 err.txt'

# A row for each batch size; a token model tells tokens; nothing is left of the caches that were empty.
mkdir tmp
printf 'to be or not to be that is the question whether it is nobler in the mind to suffer the slings and arrows of fortune ' >play.txt
cat >text.nn <<'END'
nn 1
data play { source = text("play.txt", tokens = chars, window = 9); split = (train = 1.0) }
model m(x: i32[B, T]) -> f32[B, T, 30] { x |> embedding(30, 4) |> dense(30) }
train m on play { loss = cross_entropy(m(tok[:, 0..8]), tok[:, 1..9]); optimizer = sgd(0.1); batch = 2; epochs = 1 }
END
TMPDIR=$work/tmp "$nacre" bench text.nn --runs 2 --seconds 1 --batches 1,2 --json >bench.json 2>err.txt || bad "nacre bench"
check "two rows" '[ "$(sed "s/.*\"batch\":\([0-9]*\),.*/\1/" bench.json | tr "\n" " ")" = "1 2 " ]'
one() { sed -n "$1s/.*\"$2\":\([-0-9.e+]*\).*/\1/p" bench.json; }
for row in 1 2; do
  check "the interval of row $row" 'awk -v l="$(one $row low_ms)" -v m="$(one $row ms)" -v h="$(one $row high_ms)" "BEGIN {exit !(l > 0 && l <= m && m <= h)}"'
  check "examples of row $row" 'near "$(awk -v m="$(one $row ms)" "BEGIN {print $row * 1000 / m}")" "$(one $row examples_per_second)"'
  check "tokens of row $row" 'near "$(awk -v e="$(one $row examples_per_second)" "BEGIN {print 8 * e}")" "$(one $row tokens_per_second)"'
  check "steps of row $row" '[ "$(one $row steps)" -ge 10 ] && [ "$(one $row peak_bytes)" -gt "$(one $row planned_bytes)" ]'
done
check "nothing is left" '[ -z "$(ls tmp)" ]'

end
