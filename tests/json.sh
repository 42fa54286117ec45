#!/bin/sh
# --json of every command is what docs/json.md says; completions and the editors' words are whole.
. "${srcdir:-.}/tests/lib.sh"
lines=$built/tests/json_lines
export NACRE_DEBUG="${NACRE_DEBUG:-unoptimized}"

# holds SECTION STATUS COMMAND...: what it prints on stdout, and with a status that is not 0 its messages.
holds() {
  section=$1 status=$2
  shift 2
  "$nacre" "$@" --json >out.txt 2>err.txt </dev/null
  got=$?
  [ $got -eq "$status" ] || { bad "status $got, not $status: $*"; cat err.txt; return; }
  if [ "$section" != - ]; then "$lines" "$here/docs/json.md" "$section" <out.txt || { bad "$*"; return; }; fi
  if [ "$status" -ne 0 ] && [ "$section" != fmt ]; then "$lines" "$here/docs/json.md" messages <err.txt || { bad "messages of $*"; return; }; fi
  good
}
printf 'nn 1\ntest "a" { expect 1 + 1 == 2 }\ntest "b" { expect 1 + 1 == 3 }\n' >t.nn
printf 'nn 1\nconst   a=3\n' >ugly.nn
printf 'nn 1\nmodel m(x: f32[B, 4]) -> f32[B, 2] { param w: f32[3, 2] = zeros\n  x @ w }\ntask one() -> i32[] { 1 }\n' >wrong.nn
printf 'nn 1\ntask images(n: int = 2)() -> f32[n, 3] { rand[n, 3] }\n' >task.nn
holds train 0 train "$examples/xor.nn" --out run --set train.epochs=2
"$nacre" train "$examples/xor.nn" --out many --seeds 2 --set train.epochs=2 --json >out.txt 2>err.txt || { bad "two seeds"; cat err.txt; }
tail -n 1 out.txt | "$lines" "$here/docs/json.md" seeds && good || bad "the last line of two seeds"
sed '$d' out.txt | "$lines" "$here/docs/json.md" train && good || bad "the lines of two seeds"
"$nacre" train "$examples/spiral.nn" --overfit-one-batch --json >out.txt 2>err.txt || { bad "one batch"; cat err.txt; }
tail -n 1 out.txt | "$lines" "$here/docs/json.md" overfit && good || bad "the last line of one batch"
sed '$d' out.txt | "$lines" "$here/docs/json.md" train && good || bad "the lines of one batch"
holds train 0 train "$examples/xor.nn" --out other --set train.epochs=3 --max-steps 40
awk 'BEGIN { print "a,kind"; for (i = 0; i < 40; i++) print i * i "," i % 2 }' >t.csv
holds new 0 new --data t.csv t.csv.nn
holds - 1 new --data t.csv t.csv.nn
holds - 4 new --data none.csv none.csv.nn
holds check 0 check "$examples/xor.nn" task.nn
holds - 3 check wrong.nn
holds - 1 check none.nn
holds fmt 1 fmt --check ugly.nn
holds fmt 0 fmt ugly.nn
holds - 1 fmt "$(printf 'no \377 UTF-8 \355\240\200 \300\200.nn')"
holds summary 0 summary "$examples/digits_cnn.nn"
holds summary 0 summary task.nn
holds graph 0 graph "$examples/gpt.nn"
holds graph 0 graph "$examples/xor.nn" --kernels -o xor.dot
holds - 2 graph "$examples/xor.nn" -o xor.gif
holds eval 0 eval run
holds report 0 report run -o page.html
holds - 1 report nowhere
holds predict 0 predict run
holds run 0 run task.nn images
holds test 1 test t.nn
holds explain 0 explain
holds explain 0 explain dense
for what in --graph --plan --opencl --timings --list-passes; do holds emit 0 emit "$examples/xor.nn" $what; done
"$nacre" emit --plan "$examples/xor.nn" --for predict >xor.plan
holds emit 0 emit --run-plan xor.plan
holds profile 0 profile "$examples/xor.nn" --steps 2
holds bench 0 bench "$examples/xor.nn" --runs 1 --seconds 1 --batches 20,40
holds - 2 bench "$examples/xor.nn" --batches 20,,40
holds - 4 bench "$examples/xor.nn" --batch 2000
holds runs 0 runs .
holds diff 0 diff run other
for editor in vim textmate; do holds syntax 0 syntax $editor; done
for shell in bash zsh fish; do holds completion 0 completion $shell; done
holds devices 0 devices
NACRE_DOCTOR_SECONDS=300 holds doctor 0 doctor --class cpu
holds - 2 trian
holds - 2 train --batsch 3
holds - 2 train --class fpga "$examples/xor.nn"
holds - 2 eval run --split tset
holds - 1 diff run nowhere
holds - 4 train "$examples/iris.nn" --set iris.path=missing.csv

# No command is left out: each has a table.
for verb in $("$nacre" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do
  if grep -qx "## $verb" "$here/docs/json.md"; then good; else bad "docs/json.md has no table for $verb"; fi
done

# A line that is not as told is found.
echo '{"file":"x","ok":1}' | "$lines" "$here/docs/json.md" check >/dev/null && bad "a wrong type is not seen"
echo '{"file":"x","ok":true,"more":1}' | "$lines" "$here/docs/json.md" check >/dev/null && bad "a field that is not documented is not seen"
echo '{"file":"x"}' | "$lines" "$here/docs/json.md" check >/dev/null && bad "a missing field is not seen"

# completes "WORDS…" WANTED: the last word may be a part of one.
for shell in bash zsh fish; do
  "$nacre" completion $shell >completion.$shell
  if command -v $shell >/dev/null; then if $shell -n completion.$shell; then good; else bad "the completion of $shell"; fi; fi
done
cat >complete.sh <<'END'
. ./completion.bash
eval "COMP_WORDS=($1)"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_nacre
echo "${COMPREPLY[*]}"
END
completes() {
  got=$(bash complete.sh "$1")
  if [ "$got" = "$2" ]; then good; else bad "nacre completes $1 to \`$got', not \`$2'"; fi
}
if command -v bash >/dev/null; then
  completes 'nacre tr' 'train'
  completes 'nacre train --cl' '--class'
  completes 'nacre train --class ""' 'cpu gpu'
  completes 'nacre completion f' 'fish'
  completes 'nacre summary ug' 'ugly.nn'
  completes 'nacre train --batch ""' ''
fi
"$nacre" syntax textmate >grammar.json
if grep -q '"scopeName": "source.nn"' grammar.json && grep -q '|repeat|' grammar.json && grep -q '|layer_norm|' grammar.json; then good; else bad "the grammar"; fi
"$nacre" syntax vim | grep -q 'syntax keyword nnWord if else' && good || bad "vim's syntax"
end
