#!/bin/sh
# Images from the folder to the prediction: augmentations in a training that goes on with the same bits, and `nacre predict` of
# single files.
. "${srcdir:-.}/tests/lib.sh"
lines=$built/tests/json_lines

cat >digits.nn <<'END'
nn 1
model net(x: f32[B, 1, 28, 28]) -> f32[B, 10] { x |> max_pool(2) |> flatten |> dense(10) }
data digits {
  source = digits(n = 400)
  x = (image / 255)[:, new] |> random_crop(2) |> random_rotate(10) |> cutout(6)
  split = (train = 0.5, test = 0.5)
}
train net on digits {
  let (m, t) = mixup(classes = 10)(x, label)
  loss = cross_entropy(net(m), t)
  optimizer = adam(0.003); batch = 20; epochs = 2
}
END
expect 0 finished "$nacre" train digits.nn --out whole
expect 0 stopped "$nacre" train digits.nn --out half --max-steps 7
expect 0 finished "$nacre" train --resume half
expect 0 '' cmp whole/last.safetensors half/last.safetensors
"$nacre" eval whole >one.txt 2>&1
"$nacre" eval whole >two.txt 2>&1
expect 0 '' cmp one.txt two.txt                        # nothing is drawn where nothing is learned
for wrong in 'random_flip(rate = 2.0)' 'random_crop(-1)' 'random_rotate(200)' 'cutout(0)'; do
  sed "s/ |> random_crop.*/ |> $wrong/" digits.nn >wrong.nn
  expect 3 E0211 "$nacre" check wrong.nn
done
# Single images: of any size, in colour or grey, brought to the network's own.
printf 'nn 1\ntask dot() -> f32[1, 28, 28] { rand[1, 28, 28] }\ntask wide() -> f32[1, 3, 40, 90] { rand[1, 3, 40, 90] }\n' >make.nn
expect 0 'wrote dot.png' "$nacre" run make.nn dot -o dot.png
expect 0 'wrote wide.png' "$nacre" run make.nn wide -o wide.png
expect 0 'file,class,probability,0,1,2,3,4,5,6,7,8,9' "$nacre" predict whole dot.png wide.png
awk -F, 'NR > 1 { sum = 0; for (i = 4; i <= NF; i++) sum += $i; if (NF == 13 && sum > 0.9999 && sum < 1.0001 && $3 == $(4 + $2)) good++ } END { exit good != 2 }' out.txt ||
  bad "probabilities"
cp out.txt one.txt
for i in 1 2 3 4 5 6; do cp dot.png dot$i.png; done
"$nacre" predict whole dot.png wide.png dot1.png dot2.png dot3.png dot4.png dot5.png dot6.png dot.png wide.png 2>err.txt | tail -n 2 >two.txt
tail -n 2 one.txt >last.txt
expect 0 '' cmp two.txt last.txt
expect 0 'wrote out.npy: f32[2,10]' "$nacre" predict whole dot.png wide.png -o out.npy
"$nacre" predict whole dot.png --json >line.txt 2>err.txt
expect 0 '' sh -c '"$1" "$2" "predict of images" <line.txt' - "$lines" "$here/docs/json.md"
head -c 300 dot.png >cut.png
echo 'no image' >text.jpg
expect 4 '`cut.png` is no sound PNG image' "$nacre" predict whole dot.png cut.png dot1.png dot2.png text.jpg dot3.png dot4.png dot5.png
expect 4 'E0402' "$nacre" predict whole text.jpg
expect 4 'E0401' "$nacre" predict whole absent.png
printf 'GIF89a' >moves.gif
expect 4 'is a GIF image; PNG and JPEG are read' "$nacre" predict whole moves.gif
printf 'nn 1\ntask row() -> f32[1, 1000001] { zeros[1, 1000001] }\n' >row.nn
expect 1 'an image of 1000001 by 1 points for `row.png` is too large' "$nacre" run row.nn row -o row.png
expect 2 'must all be images' "$nacre" predict whole dot.png x.csv
printf 'nn 1\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\ndata p { source = moons(n = 40); split = (train = 1.0) }\ntrain net on p { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1 }\n' >points.nn
expect 0 '' "$nacre" train points.nn --out points
expect 2 'the model takes no images' "$nacre" predict points dot.png

# What is not a number is null for a program; a class is written as a cell of CSV.
cat >shares.nn <<'END'
nn 1
model net(x: f32[B, 1, 28, 28]) -> f32[B, 10] { x / max(x, axis = [1, 2, 3], keep = true) |> max_pool(7) |> flatten |> dense(10) }
data digits { source = digits(n = 60); x = (image / 255)[:, new]; split = (train = 1.0) }
train net on digits { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); batch = 20; epochs = 1 }
END
expect 0 '' "$nacre" train shares.nn --out shares
sed 's/^task dot.*/task black() -> f32[1, 28, 28] { rand[1, 28, 28] * 0 }/' make.nn >black.nn
expect 0 'wrote black.png' "$nacre" run black.nn black -o black.png
"$nacre" predict shares black.png --json >line.txt 2>err.txt
expect 0 '' sh -c '"$1" "$2" "predict of images" <line.txt' - "$lines" "$here/docs/json.md"
expect 0 '"probability":null' cat line.txt
awk 'BEGIN { print "a,kind"; for (i = 0; i < 40; i++) printf "%d,%s\n", i, i < 20 ? "\"a \"\"cat\"\", grey\"" : "dog" }' >pets.csv
printf 'nn 1\nmodel net(x: f32[B, 1]) -> f32[B, 2] { x |> dense(2) }\ndata p { source = csv("pets.csv", label = "kind"); x = x / 40; split = (train = 1.0) }\ntrain net on p { loss = cross_entropy(net(x), label); optimizer = sgd(1.0); epochs = 9 }\n' >pets.nn
expect 0 '' "$nacre" train pets.nn --out pets
expect 0 '"a ""cat"", grey",' "$nacre" predict pets --split train
end
