#!/bin/sh
# What README.md shows is what is there: the first example, what the command prints, files, verbs and options.
. "${srcdir:-.}/tests/lib.sh"
readme=$here/README.md

# shown COMMAND: what stands below `$ COMMAND` there, to the next paragraph.
shown() {
  awk -v c="    \$ $1" '$0 == c {on = 1; next} on && $0 != "" && !/^    /{exit} on {print}' "$readme" | sed 's/^    //' |
    awk '{ lines[++n] = $0; if ($0 != "") last = n } END { for (i = 1; i <= last; i++) print lines[i] }'
}
# prints COMMAND: the command and README.md agree, but for spaces at the ends of lines.
prints() {
  shown "$1" >want.txt
  # shellcheck disable=SC2086 # the words of a command
  set -- "$1" ${1#nacre }
  command=$1
  shift
  "$nacre" "$@" 2>&1 | sed 's/ *$//' >got.txt
  if [ -s want.txt ] && cmp -s want.txt got.txt; then good; else bad "README.md shows something else for $command"; diff want.txt got.txt; fi
}

cat >cnn.nn <<'END'
nn 1

layer linear(units: int)(x: f32[B, 784]) -> f32[B, units] {
  param w: f32[units, 784] = glorot_uniform
  x @ w.T
}

model cnn(x: f32[B, 1, 28, 28]) -> f32[B, 10] {
  x |> conv(32, 5) |> max_pool(2) |> flatten |> linear(10)
}
END
ln -s "$examples" examples
prints 'nacre check cnn.nn'
prints 'nacre explain mish'
prints 'nacre summary examples/digits_mlp.nn'

# "That is all of it" but for its comments.
awk '/^    nn 1$/{on = 1} on && /^That is all of/{exit} on' "$readme" | sed 's/^    //; /^$/d' >want.txt
sed '/^#/d; /^$/d' examples/spiral.nn >got.txt
expect 0 '' cmp want.txt got.txt

# Every example has a line, and every line its file.
grep -o '`[a-z_0-9/]*\.nn`' "$readme" | tr -d '`' | sed 's,^examples/,,' | sort -u >told.txt
(cd examples && ls -- *.nn zoo/*.nn) | sort >there.txt
while read -r f; do grep -qx "$f" told.txt && good || bad "README.md does not tell of examples/$f"; done <there.txt
while read -r f; do [ -f "examples/$f" ] && good || bad "README.md tells of $f, which is not there"; done <told.txt

# Verbs and options, of this page and the others.
"$nacre" --man | sed 's/\\-/-/g' >man.txt
cat "$readme" "$here"/docs/*.md "$here/HACKING.md" >pages.txt
grep -oE '(`|\$ |    )nacre [a-z]+' pages.txt | sed 's/.*nacre //' | sort -u >verbs.txt
[ "$(wc -l <verbs.txt)" -ge 15 ] && good || bad "hardly a verb was found"
while read -r verb; do expect 0 '' "$nacre" "$verb" --help; done <verbs.txt
grep -oE 'nacre [a-z]+ [^`|]*' pages.txt | grep -v 'nacre run ' | grep -oE -e ' --[a-z][a-z-]+' | sort -u >options.txt
[ "$(wc -l <options.txt)" -ge 15 ] && good || bad "hardly an option was found"
while read -r option; do grep -q -e "^.B $option\b" man.txt && good || bad "no command has the option $option"; done <options.txt
end
