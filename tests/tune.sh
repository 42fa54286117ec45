#!/bin/sh
# nacre tune: what is found is right, kept, gone on with and handed on; drivers that crash and kernels that are wrong are survived.
. "${srcdir:-.}/tests/lib.sh"
lines=$built/tests/json_lines
export NACRE_DEBUG="${NACRE_DEBUG:-unoptimized}"     # nothing here is about how fast anything is
file m.nn 'model net(x: f32[B, 2]) -> f32[B, 2] { concat(x, x, x, x, x, x, x, x, axis = 1) |> dense(2) }
data points { source = spiral(n = 100); split = (train = 1.0) }
train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); batch = 60; epochs = 1; seed = 1 }'
check() { if eval "$2"; then good; else bad "$1"; fi; }
last() { tail -n 1 "$1" | sed "s/.*\"$2\":\([0-9]*\).*/\1/"; }
plan() { "$nacre" emit m.nn --plan --device 0 --class cpu; }
loss() { "$nacre" emit --run-plan "$1" --class cpu | sed -n 's/^loss [^:]*: //p'; }

plan >usual.plan
holds "a search" "$nacre" tune m.nn --class cpu --seconds 900 --json
mv out.txt first.txt
check "a line for each" 'sed "\$d" first.txt | "$lines" "$here/docs/json.md" tune'
check "a last line" 'tail -n 1 first.txt | "$lines" "$here/docs/json.md" tuned'
n=$(last first.txt searched)
check "all are searched" '[ "$n" -ge 2 ] && [ "$(last first.txt left)" -eq 0 ]'
holds "a second search" "$nacre" tune m.nn --class cpu --seconds 900 --json --output kept.txt
check "what is known is not searched again" '[ "$(last out.txt searched)" -eq 0 ] && [ "$(last out.txt known)" -ge "$n" ]'
check "what is kept" 'head -n 1 kept.txt | grep -qx "nacre-tuned 1" && grep -q "^gemm_cpu 1 " kept.txt'

# Handed on: other choices make other kernels with the same results.
sed 's/^\(gemm_cpu .* = \)[0-9]* [0-9]* [0-9]* [0-9]*$/\12 8 1 3/' kept.txt >other.txt
XDG_CACHE_HOME=$work/elsewhere
holds "an import" "$nacre" tune m.nn --class cpu --seconds 900 --json --import other.txt
check "what was imported is known" '[ "$(last out.txt searched)" -eq 0 ] && [ "$(last out.txt known)" -ge "$n" ]'
plan >other.plan
check "plans follow what was found" '! cmp -s usual.plan other.plan'
check "with the same loss" 'awk -v a="$(loss usual.plan)" -v b="$(loss other.plan)" "BEGIN {exit !(a > 0 && (a - b) ^ 2 < 1e-10)}"'
launches() { sed 's/.*"launches":\([0-9]*\).*/\1/' out.txt; }
holds "a bench of that" "$nacre" bench m.nn --class cpu --runs 1 --seconds 1 --json
check "a bench runs what was found" '[ "$(launches)" -eq "$(grep -c "^step " other.plan)" ] && [ "$(launches)" -gt "$(grep -c "^step " usual.plan)" ]'
sed 's/class cpu"/class fpga"/' kept.txt >foreign.txt
expect 2 "another device" "$nacre" tune m.nn --class cpu --seconds 900 --import foreign.txt
expect 2 "is not what" "$nacre" tune m.nn --class cpu --seconds 900 --import m.nn
expect 1 E0601 "$nacre" tune m.nn --class cpu --seconds 900 --import nothing.txt

# A file that is damaged, or of another device, is as none.
for f in "$work"/elsewhere/nacre/tuned-*; do head -c 200 other.txt >"$f"; done
plan >now.plan
check "a damaged file is not believed" 'cmp -s usual.plan now.plan'
for f in "$work"/elsewhere/nacre/tuned-*; do cp foreign.txt "$f"; done
plan >now.plan
check "nor one of another device" 'cmp -s usual.plan now.plan'

# One product alone, whose candidates but the usual one end their processes, or are wrong: the usual choice stays.
sed '/^gemm_cpu .*/d' kept.txt >less.txt
grep '^gemm_cpu' kept.txt | sed 1d >>less.txt
for what in CRASH WRONG; do
  XDG_CACHE_HOME=$work/$what
  export "NACRE_TEST_TUNE_$what=1"
  holds "$what" "$nacre" tune m.nn --class cpu --seconds 900 --json --import less.txt
  unset "NACRE_TEST_TUNE_$what"
  check "one is searched" '[ "$(last out.txt searched)" -eq 1 ]'
  check "the usual one stays" 'grep -q "\"gain\":1,\"tried\":1," out.txt'
  case $what in
    CRASH) check "crashes are counted" 'grep -q "\"wrong\":0,\"crashed\":[1-9]" out.txt' ;;
    WRONG) check "wrong ones are counted" 'grep -q "\"wrong\":[1-9][0-9]*,\"crashed\":0" out.txt' ;;
  esac
done
# Where the usual one itself is wrong, nothing is kept of it.
XDG_CACHE_HOME=$work/none
NACRE_TEST_TUNE_WRONG=0
export NACRE_TEST_TUNE_WRONG
holds "the usual one is wrong" "$nacre" tune m.nn --class cpu --seconds 900 --import less.txt --json
check "it is told" 'grep -q E0505 err.txt && [ "$(last out.txt searched)" -eq 0 ]'
end
