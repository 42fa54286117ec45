#!/bin/sh
# What is told before a training: warnings of the data and of the first loss, errors where it would teach nothing, and
# --overfit-one-batch.
. "${srcdir:-.}/tests/lib.sh"
# what the command before said on stderr, and what not
says() { if grep -qF -e "$1" err.txt; then good; else bad "no \`$1'"; fi; }
silent() { if grep -qF -e "$1" err.txt; then bad "\`$1' is said"; else good; fi; }

awk 'BEGIN { print "a,b,kind"
  for (i = 0; i < 120; i++) printf "%d,%d,%s\n", i % 40, 7, i % 30 ? "cat" : "dog" }' >pets.csv
cat >pets.nn <<'END'
nn 1
const scale = 40
model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }
data pets { source = csv("pets.csv", label = "kind"); a = x / scale; split = (train = 0.5, test = 0.5) }
train net on pets { loss = cross_entropy(net(a), label); optimizer = sgd(0.1); batch = 8; epochs = 1 }
END
expect 0 'finished' "$nacre" train pets.nn --out run
says 'warning[E0404]: the column `b` has the same value in all examples'
says 'warning[E0415]: class `cat` of `label` has'
says 'warning[E0414]:'
silent E0607
expect 0 '' "$nacre" train pets.nn --out run --force --quiet
silent warning
"$nacre" train pets.nn --out run --force --max-steps 3 2>err.txt
expect 0 '' "$nacre" train --resume run                        # all that was told when it began
silent warning
expect 0 'warning[E0607]: the first loss is' "$nacre" train pets.nn --out run --force --set scale=0.001
awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 40; i++) printf "%d,%d,%s\n", i, i * i, "cat" }' >pets.csv
expect 4 'E0413' "$nacre" train pets.nn --out none
expect 1 '' test -e none

# Which examples are in a part, and how often a class is drawn.
awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 60; i++) printf "%d,%d,%s\n", i, i * i, i < 50 ? "cat" : "dog" }' >pets.csv
by() { expect "$1" "$2" "$nacre" train pets.nn --out run --force --max-steps 2 --set scale=2000; }
sed -i 's/^data.*/data pets { source = csv("pets.csv", label = "kind", features = "a"); a = x \/ 60; split_by = label; balance = label; split = (train = 0.5, test = 0.5) }/; s/B, 2\]) ->/B, 1]) ->/' pets.nn
by 0 'stopped after 2 steps'
silent warning
sed -i 's/balance = label/balance = kind/' pets.nn
by 3 '`kind` is no field of labels'
sed -i 's/balance = kind; //; s/split_by = label/split_by = order/' pets.nn
by 4 'E0413'                                                     # the first half has cats alone
sed -i 's/split_by = order/split_by = x/' pets.nn
by 3 'it may be `order`'

expect 0 'one batch is learnt by heart: its loss fell from' "$nacre" train "$examples/spiral.nn" --overfit-one-batch
expect 1 '' test -e runs
expect 1 'E0608' "$nacre" train "$examples/spiral.nn" --overfit-one-batch --max-steps 5 --set 'train.optimizer=sgd(0.0)'
says 'it does not move'
expect 1 'E0608' "$nacre" train "$examples/spiral.nn" --overfit-one-batch --set 'train.optimizer=sgd(1e30)'
says 'it grows'
for option in '--seeds 2' '--out run' '--force' '--resume run'; do
  # shellcheck disable=SC2086
  expect 2 'E0704' "$nacre" train "$examples/spiral.nn" --overfit-one-batch $option
done
end
