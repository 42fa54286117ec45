#!/bin/sh
# nacre new: what it writes for small tables, series, arrays and folders of images is laid out, opens and trains with no edit.
. "${srcdir:-.}/tests/lib.sh"

# makes DATA WORD...: a model for it that holds these words.
makes() {
  data=$1
  shift
  expect 0 "wrote made.nn" "$nacre" new --data "$data" made.nn --force
  for word; do expect 0 '' grep -qF -e "$word" made.nn; done
  expect 0 '' "$nacre" fmt --check made.nn
}
trains() { expect 0 'stopped after 3 steps' "$nacre" train made.nn --out run --force --max-steps 3 --set train.epochs=1; }

# tables
awk 'BEGIN { print "id,kind,size,weight,note"
  for (i = 0; i < 90; i++) printf "%d,%s,%.2f,%s,n%d\n", i, i % 3 ? "cat" : "dog", i % 3 + i / 900, i % 30 ? i % 7 : "", i }' >pets.csv
makes pets.csv 'label = "kind"' 'features = ["size", "weight"]' 'id numbers the rows' 'note is different in nearly every row' 'missing = "drop"'
expect 0 '' "$nacre" train made.nn --out pets --force --set train.epochs=12
"$nacre" eval pets --json >score.txt 2>err.txt
expect 0 '' grep -qE '"accuracy":1(\.0)?[,}]' score.txt
expect 0 'target = "size"' "$nacre" new --data pets.csv - --target size
awk 'BEGIN { for (i = 0; i < 60; i++) printf "%.3f;%.3f;%.3f\n", i / 7, i % 5 + 0.5, 1000 + 30 * i / 7 }' >plain.csv
makes plain.csv 'header = false' 'delimiter = ";"' 'target = "column3"' 'r2 = r2('
trains
# One column over time.
awk 'BEGIN { print "month,sold"; for (i = 0; i < 96; i++) printf "%d-%02d,%.1f\n", 2000 + i / 12, i % 12 + 1, 50 + i + 20 * (i % 12 > 5) }' >sales.csv
makes sales.csv 'series(' 'window = 12' 'columns = "sold"' 'naive'
trains
# Dates: those of the rows' own time decide what comes last; when somebody was born does not.
awk 'BEGIN { print "born,day,room,minutes"
  for (i = 0; i < 120; i++) printf "19%02d-03-04,%02d.%02d.%d,%s,%.1f\n", i % 90 + 10, i * 7 % 28 + 1, i * 5 % 12 + 1, 2020 + i % 4, i % 3 ? "red" : "blue", 20.5 + i % 9 * 3 }' >visits.csv
makes visits.csv 'target = "minutes"' 'dates = ["born", "day"]' 'time = "day"' 'split_by = time' 'features = ["born", "day", "room"]'
trains
# Rows with empty cells stay where they are many; a date that is missing in one of them then says nothing of when.
awk 'BEGIN { print "day,size,kind"; for (i = 1; i <= 60; i++)
  printf "%s,%s,%s\n", i == 7 ? "" : sprintf("2024-%02d-%02d", 1 + i / 28, 1 + i % 28), i % 3 ? i * 7 % 11 : "", i % 2 ? "big" : "small" }' >holes.csv
expect 0 'missing = "mean"' "$nacre" new - --data holes.csv
if grep -q 'dates = \["day"\]' out.txt && ! grep -q 'time =\|split_by' out.txt; then good; else bad "holes.csv is split by a day that may be missing"; fi
awk 'BEGIN { print "day,sold"; for (i = 0; i < 60; i++) printf "%02d.%02d.2025,%d\n", i % 28 + 1, i / 28 + 1, 50 + i % 7 }' >days.csv
makes days.csv 'series(' 'columns = "sold"'

# arrays: 40 images of 8 by 8 and their labels
{ printf '\000\000\010\003\000\000\000\050\000\000\000\010\000\000\000\010'; head -c 2560 /dev/zero | tr '\000' '\007'; } >train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\050'; for i in 1 2 3 4 5 6 7 8; do printf '\000\001\002\001\000'; done; } >train-labels-idx1-ubyte
makes train-images-idx3-ubyte 'f32[B, 8, 8]' '-> f32[B, 3]' 'image / 255'
trains
makes train-labels-idx1-ubyte 'examples: str = "train-images-idx3-ubyte"'
mkdir mnist; mv train-*-ubyte mnist
makes mnist 'model mnist_net' 'examples: str = "mnist/train-images-idx3-ubyte"'
printf 'nn 1\ntask dots() -> f32[9, 7] { rand[9, 7] }\ntask rows() -> f32[40, 3] { rand[40, 3] }\ntask which() -> i32[40] { i32(rand[40] * 3) }\n' >make.nn
"$nacre" run make.nn rows -o x.npy >out.txt 2>&1 && "$nacre" run make.nn which -o y.npy >out.txt 2>&1
makes x.npy 'x: f32[B, 3]' 'npy(x = examples, label = labels)'
# What is to be told: a class in a column of its own, a row with a single 1, numbers; whole ones that are a quantity.
told() { printf 'nn 1\ntask y() -> %s { %s }\n' "$1" "$2" >told.nn && "$nacre" run told.nn y -o y.npy >out.txt 2>&1 || bad "told.nn"; }
told 'f32[40, 3]' 'f32(one_hot(i32(rand[40] * 3), 3))'
makes x.npy 'y = labels' 'label = argmax(y, axis = 1)' 'examples of 3 classes' 'cross_entropy'
trains
told 'f32[40, 2]' '3 * rand[40, 2] + 5'
makes x.npy 'target = labels' 'to tell 2 numbers of each' '-> f32[B, 2]' 'r2 = r2('
trains
told 'i32[40, 1]' 'i32(rand[40, 1] * 3)'
makes x.npy 'label = labels'
told 'f32[40]' 'floor(rand[40] * 3)'
makes x.npy 'label = i32(y)'
told 'i32[40]' '2 * i32(rand[40] > 0.5) - 1'
makes x.npy 'label = i32(y > 0)'
told 'i32[40]' 'i32(rand[40] * 5000)'
makes x.npy 'target = f32(y)' '-> f32[B] {'
told 'f32[40]' 'ones[40]'
expect 4 'E0413' "$nacre" new --data x.npy never.nn
told 'f32[40, 3]' 'floor(rand[40, 3] + 0.5)'
expect 4 'several yes-or-no answers' "$nacre" new --data x.npy never.nn
# archives, as numpy.savez_compressed wrote this one, with images for a test that stand first
makes "$here/tests/new/digits.npz" 'npz(path, image = "x_train", label = "y_train")' '# left out: x_test u8[8,6,5]' 'image / 255' '-> f32[B, 3]'
trains
# [40, 8, 7, 3]: rows, columns and then the channels
makes "$here/tests/new/colour.npz" 'permute(image, (0, 3, 1, 2)) / 255' 'x: f32[B, 3, 8, 7]'
trains
# [40, 1]: a class for each, as Keras keeps them
makes "$here/tests/new/column.npz" 'label = "y"' '-> f32[B, 2]'
trains
expect 4 'its arrays are `a` f32[5,3], `b` i64[4]' "$nacre" new --data "$here/tests/new/alone.npz" never.nn
# CIFAR: records of a label and 3072 bytes
mkdir cifar
for i in 1 2 3 4 5 6 7 8 9 10; do printf "\\$((i % 10 / 8))$((i % 10 % 8))"; head -c 3072 /dev/zero | tr '\000' "\\$((i * 2 / 8 % 8))$((i * 2 % 8))"; done >ten.bin
cat ten.bin ten.bin ten.bin >cifar/data_batch_1.bin
cp ten.bin cifar/test_batch.bin
makes cifar 'cifar(path)' 'split_by = order' 'train = 27, valid = 3, test = 10' '-> f32[B, 10]'
trains
makes cifar/data_batch_1.bin 'train = 0.8, valid = 0.1, test = 0.1'
head -c 9000 ten.bin >cut.bin
expect 4 'no number of records' "$nacre" new --data cut.bin never.nn

# folders of images, where this build reads PNG
if "$nacre" run make.nn dots -o dot.png >out.txt 2>&1; then
  mkdir -p pics/a pics/b
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cp dot.png pics/a/$i.png; cp dot.png pics/b/$i.png; done
  makes pics 'images(path, height = 9, width = 7, channels = 1)' '-> f32[B, 2]'
  trains
  head -c 40 dot.png >pics/b/1.png
  expect 4 'pics/b/1.png' "$nacre" new --data pics never.nn
  rm pics/b/*
  expect 4 'E0406' "$nacre" new --data pics never.nn
fi

# refused
expect 2 '--data PATH' "$nacre" new
expect 2 'E0701' "$nacre" new --date x
expect 4 'E0401' "$nacre" new --data none.csv never.nn
expect 4 'E0402' "$nacre" new --data make.nn never.nn
expect 4 'did you mean `size`' "$nacre" new --data pets.csv --target sise never.nn
printf 'a,b\n1,2\n2,3\n' >short.csv
expect 4 'E0406' "$nacre" new --data short.csv never.nn
awk 'BEGIN { print "a,b"; for (i = 0; i < 30; i++) printf "%.2f,text%d\n", i * i / 7, 99 - i }' >odd.csv
expect 4 'no column from which `a`' "$nacre" new --data odd.csv never.nn
expect 4 '--target NAME' "$nacre" new --data odd.csv --target b never.nn
expect 1 'no/such/place.nn' "$nacre" new --data pets.csv no/such/place.nn
[ ! -e never.nn ] || { bad 'never.nn was written'; }
# What is there stays.
echo mine >pets.nn
expect 1 '--force' "$nacre" new --data pets.csv
expect 0 'mine' cat pets.nn
expect 0 '{"file":"pets.nn","data":"pets.csv"}' "$nacre" new --data pets.csv --force --json
# Names and texts that the language has other uses for.
mkdir 'odd {place}'
sed 's/^id,kind/"i{d}","k""ind"/' pets.csv >'odd {place}/1 if "{x}".csv'
expect 0 '' "$nacre" new --data 'odd {place}/1 if "{x}".csv' --target 'k"ind' odd.nn
expect 0 'no errors' "$nacre" check odd.nn
# Column names are texts of people: they may hold anything, also what would end a comment.
{ printf 'b,"na\nme","ki\nnd \001x"\n'; awk 'BEGIN { for (i = 0; i < 60; i++) printf "%d,n%d,%s\n", i % 7, i, i % 2 ? "u" : "v" }'; } >lines.csv
makes lines.csv 'to tell which `ki nd  x` a row has' '# left out: na me is different' 'label = "ki\nnd'
# A path without a name of its own.
for path in '' / . .. ./ ../; do
  "$nacre" new --data="$path" >out.txt 2>err.txt </dev/null
  [ ! -e ..nn ] && [ ! -e .nn ] || bad "a file is named for \`$path'"
done
mkdir here; cp lines.csv here/x.csv
(cd here && mv x.csv .hidden.csv && "$nacre" new --data .hidden.csv >/dev/null 2>&1 && [ -s .hidden.nn ]) || bad '.hidden.csv has no .hidden.nn'
(cd mnist && "$nacre" new --data . >/dev/null 2>&1 && [ -s model.nn ]) || bad '`--data .` has no model.nn'

end
