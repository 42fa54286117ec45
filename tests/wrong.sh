#!/bin/sh
# Wrong input: each kind is told with its code, its place and its exit status, and nothing is written.
# (Wrong usage, and what belongs to a run, are in cli.sh; the pages of the codes in errors.sh.)
. "${srcdir:-.}/tests/lib.sh"
mkdir here && cd here || exit 99
POCL_CACHE_DIR=$work/pocl XDG_CACHE_HOME=$work/cache      # every cache begins empty

listing() { find . -exec ls -ldi {} + | cksum; find . -type f -exec cksum {} + | cksum; }

# refused STATUS "WORD|WORD..." COMMAND...: ends so, says each word, prints no result, and leaves the folder as it was.
refused() {
  status=$1 words=$2 before=$(listing)
  shift 2
  "$@" >../out.txt 2>../err.txt </dev/null
  got=$?
  why=
  [ $got -eq "$status" ] || why="status $got, not $status"
  printf '%s\n' "$words" | tr '|' '\n' >../words
  while read -r word; do grep -qF -e "$word" ../err.txt || why="$why no \`$word'"; done <../words
  [ ! -s ../out.txt ] || why="$why something on standard output"
  [ "$(listing)" = "$before" ] || why="$why files were written or changed"
  if [ -z "$why" ]; then good; else bad "($why) $*"; fi
}
# bytes FILE OCTAL...: those bytes; zeros FILE N: as many of 0 at its end.
bytes() { f=$1; shift; : >"$f"; for b; do printf "\\$b" >>"$f"; done; }
zeros() { head -c "$2" /dev/zero >>"$1"; }

# --- the text of a model
file syntax.nn 'model m(x: f32[B, 2]) -> f32[B, 2] { x |> }
const a = = 3'
refused 3 'error[E01|syntax.nn:2:|syntax.nn:3:' "$nacre" check syntax.nn
printf 'model m(x: f32[B]) -> f32[B] { x }\n' >version.nn
refused 3 'E0104' "$nacre" check version.nn
head -c 3000 /dev/zero | tr '\0' '(' >deep.nn
refused 3 'E01' "$nacre" check deep.nn
printf %b "$(awk 'BEGIN { srand(7); for (i = 0; i < 3000; i++) printf "\\0%o", int(256 * rand()) }')" >noise.nn   # always the same
refused 3 'error[E01' "$nacre" check noise.nn
file unknown.nn 'model m(x: f32[B, 2]) -> f32[B, 2] { x |> dens(2) }'
refused 3 'E0301|unknown.nn:2:|did you mean `dense`' "$nacre" check unknown.nn
file shape.nn 'model m(x: f32[B, 4]) -> f32[B, 2] { param w: f32[3, 2] = zeros
  x @ w }'
refused 3 'E0203|shape.nn:3:|f32[B, 4]|f32[3, 2]' "$nacre" check shape.nn
file type.nn 'model m(x: i32[B, 4]) -> f32[B, 2] { x |> dense(2) }'
refused 3 'E0204|type.nn:2:' "$nacre" check type.nn
file carry.nn 'model m(x: f32[B, 4, 3]) -> f32[B, 3] {
  scan xt in x axis 1 with h = zeros[B, 2] { next xt }
}'
refused 3 'E0203|carry.nn:3:|the carry `h` is f32[B, 2], but the next one would be f32[B, 3]' "$nacre" check carry.nn

# --- a recipe
NET='model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(8) as body |> tanh |> dense(2) as head }
data points { source = spiral(n = 200); split = (train = 1.0) }'
# recipe FILE LOSS SETTINGS
recipe() { file "$1" "$NET
train net on points { loss = $2; optimizer = sgd(0.1); epochs = 1; batch = 10; $3 }"; }
recipe only.nn 'cross_entropy(net(x), label)' 'only = [haed]'
refused 3 'E0313|only.nn:4:|did you mean `head`' "$nacre" train only.nn --out run
recipe setting.nn 'cross_entropy(net(x), label)' 'learning_rate = 0.1'
refused 3 'E0311|setting.nn:4:' "$nacre" train setting.nn --out run
recipe path.nn 'mean((f32(argmax(net(x), axis = 1)) - f32(label)) ^ 2)' ''
refused 3 'E0210|path.nn:4:|no gradient passes from `net.body.weight`|`argmax` gives i32' "$nacre" train path.nn --out run
recipe good.nn 'cross_entropy(net(x), label)' ''
refused 2 'E0703|did you mean' "$nacre" train good.nn --set train.epoch=3 --out run
refused 2 'E0701|--outt' "$nacre" train good.nn --outt run

# --- weights: safetensors with one tensor missing, one too many and one of another shape, all told at once
header='{"body.weight":{"dtype":"F32","shape":[2,9],"data_offsets":[0,72]},"body.b":{"dtype":"F32","shape":[8],"data_offsets":[72,104]},"body.c":{"dtype":"F32","shape":[1],"data_offsets":[104,108]}}'
printf "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header" >some.safetensors
zeros some.safetensors 108
adapted() { file "$1" 'weights some = safetensors("'"$2"'")
layer pair(x: f32[B, 2]) -> f32[B, 8] { let h = x |> dense(8) as body
  param gain: f32[8] = ones
  h * gain }
model net(x: f32[B, 2]) -> f32[B, 2] { x |> pair as trunk from some |> dense(2) as head }
data points { source = spiral(n = 200); split = (train = 1.0) }
train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1; batch = 10 }'; }
adapted adapted.nn some.safetensors
refused 4 'E0411|adapted.nn:6:|f32[2,9] there and f32[8,2] here|missing: `gain`, f32[8] here|not in this layer: `body.c`, f32[1] there' "$nacre" check adapted.nn
head -c 150 some.safetensors >torn.safetensors
adapted torn.nn torn.safetensors
refused 4 'E0402|torn.safetensors' "$nacre" check torn.nn
adapted absent.nn absent.safetensors
refused 4 'E0401|absent.safetensors' "$nacre" train absent.nn --out run

# --- data files: four images of 28 by 28, their labels, and what is wrong with either
bytes images 0 0 10 3 0 0 0 4 0 0 0 34 0 0 0 34
zeros images 3136
bytes labels 0 0 10 1 0 0 0 4 1 2 3 4
bytes beyond 0 0 10 1 0 0 0 4 1 2 3 14
bytes fewer 0 0 10 1 0 0 0 3 1 2 3
head -c 2000 images >torn
gzip -c images | head -c 30 >torn.gz
zeros zero 100
: >empty; : >empty.csv
file digits.nn 'model net(x: f32[B, 28, 28]) -> f32[B, 10] { x |> flatten |> dense(10) }
data d(images: str = "", labels: str = "") {
  source = idx(image = images, label = labels)
  x = image / 255
  split = (train = 1.0)
}
train net on d { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1; batch = 2 }'
# digits CODE WORDS IMAGES LABELS
digits() { refused 4 "$1|digits.nn:4:|$2" "$nacre" train digits.nn --set "d.images=$3" --set "d.labels=$4" --out run; }
digits E0401 'No such file' absent labels
digits E0402 'its header says u8[4,28,28]' torn labels
digits E0402 'in the middle of its gzip data' torn.gz labels
digits E0402 'zero' zero labels
digits E0402 'empty' empty labels
digits E0405 '3 examples|4 examples' images fewer
digits E0403 '`label` of example 3 is 12|there are 10 classes' images beyond
sed 's/net(x), label)/net(x), label, ignore = 12)/' digits.nn >ignore.nn   # which is no error
"$nacre" train ignore.nn --set d.images=images --set d.labels=beyond --out ignored --quiet || bad "a training"

printf 'sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3,4,a\n1,2,x,4,b\n1,1,1,1,c\n' >letters.csv
printf 'sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3,4,a\n1,2,3\n' >ragged.csv
printf 'sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3,4,"a\n' >quote.csv
printf 'sepal_length,sepal_width,petal_length,petal_width,kind\n1,2,3,4,a\n' >column.csv
for wrong in absent:E0401 letters:E0404 ragged:E0402 quote:E0402 column:E0407 empty:E0406; do
  f=${wrong%:*}
  refused 4 "${wrong#*:}|iris.nn:" "$nacre" train "$examples/iris.nn" --set iris.path=$f.csv --out run
done

# --- texts: what is no text, what is too short, and tokens that the network has no place for
printf 'To be, or not to be, that is the question.\n' >line
i=0; : >play.txt
while [ $i -lt 40 ]; do cat line >>play.txt; i=$((i + 1)); done
printf 'a\377b' >latin.txt
printf 'too short' >short.txt
# gpt STATUS WORDS SETTINGS...
gpt() {
  status=$1 words=$2
  shift 2
  refused "$status" "$words" "$nacre" train "$examples/gpt.nn" "$@" --out run
}
gpt 4 'E0401|gpt.nn:' --set play.path=absent.txt
gpt 4 'E0402|gpt.nn:|byte 1 is ff' --set play.path=latin.txt
gpt 4 'E0406|gpt.nn:|9 tokens' --set play.path=short.txt
gpt 3 'E0211|gpt.nn:|a sequence of 64 is longer than the context 48' --set play.path=play.txt --set gpt.context=48
file rows.nn 'model net(tok: i32[B, T]) -> f32[B, T, 50] { tok |> embedding(5, 8) |> dense(50) }
data book { source = text("play.txt", tokens = chars, window = 9); split = (train = 0.9, valid = 0.1) }
train net on book { loss = cross_entropy(net(tok[:, 0..8]), tok[:, 1..9]); optimizer = sgd(0.1); steps = 1; batch = 4 }'
refused 4 'E0403|`tok` holds|embedding(5, 8)' "$nacre" train rows.nn --out run

# --- a network that was trained, and what it is then asked
file small.nn 'model net(V: int, D: int = 4)(tok: i32[B, T]) -> f32[B, T, V] { tok |> embedding(V, D) |> dense(V) }
data book { source = text("play.txt", tokens = chars, window = 9); split = (train = 0.9, valid = 0.1) }
train net(V = book.vocabulary) on book {
  loss = cross_entropy(net(tok[:, 0..8]), tok[:, 1..9]); optimizer = sgd(0.1); steps = 1; batch = 4
}
task say(n: int = 4)(prompt: i32[1, P]) -> i32[1, P + n] { decode(net, prompt, n, context = 8) }'
"$nacre" train small.nn --out run --quiet || bad "a training"
refused 4 'E0409|vocabulary' "$nacre" run run say --prompt 'To be? Z'
refused 4 'E0409|UTF-8' "$nacre" run run say --prompt "$(cat latin.txt)"
refused 3 'E0203|the prompt has 9 tokens, more than the context 8 of `net`' "$nacre" run run say --prompt 'To be, or'
cp -r run other && head -c 200 run/best.safetensors >other/best.safetensors
refused 4 'E0402|best.safetensors' "$nacre" eval other --split valid
refused 4 'E0408|f32[17,4]|f32[17,3]' "$nacre" eval run --split valid --set net.D=3
echo '{' >other/run.json
refused 1 'E0604' "$nacre" eval other --split valid

# --- places and devices
refused 1 'E0601' "$nacre" check absent
refused 1 'E0602' "$nacre" train good.nn --out empty/run
refused 1 'E0602' "$nacre" train good.nn --out run
if [ "$(id -u)" -ne 0 ]; then
  mkdir closed && chmod a-w closed
  refused 1 'E0602' "$nacre" train good.nn --out closed/run
fi
refused 1 'E0604' "$nacre" eval nowhere
refused 1 'E0604' "$nacre" train --resume nowhere
refused 5 'E0501' "$nacre" train good.nn --device no-such-device --out none
refused 5 'E0501' env OCL_ICD_VENDORS="$work/none" "$nacre" train good.nn --out none
refused 5 'E0504|nor does a part of the batch' "$nacre" train "$examples/digits_mlp.nn" --memory 1M --set mlp.hidden=20000 --out none
refused 2 'E0702|number of bytes' "$nacre" train good.nn --memory much --out none
refused 2 'E0702|number of bytes' "$nacre" train good.nn --memory 500i --out none

end
