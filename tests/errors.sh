#!/bin/sh
# The pages of the errors. Every code has one, `nacre explain` prints it, and where a page shows commands, the wrong ones fail
# with its code and the mended ones succeed; those that are warned succeed too, and the mended ones are not.
. "${srcdir:-.}/tests/lib.sh"
POCL_CACHE_DIR=$work/pocl XDG_CACHE_HOME=$work/cache      # every cache begins empty

# fenced PAGE HEADING: the shell commands under it
fenced() { awk -v h="## $2" '/^## /{in_it = $0 == h} /^```/{show = in_it && $0 == "```sh"; next} show' "$1"; }

mkdir "$work/bin"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$nacre" >"$work/bin/nacre"
chmod +x "$work/bin/nacre"

# commands FILE: runs them in a new folder that holds the examples; stderr to err.txt
commands() {
  rm -rf "$work/place" && mkdir "$work/place" && cp "$here"/examples/*.nn "$work/place" || exit 99
  (cd "$work/place" && PATH="$work/bin:$PATH" sh -e "$1" >"$work/out.txt" 2>"$work/err.txt" </dev/null)
}

sed -n 's/^NC_ERR(\(E[0-9]*\), \([0-9]*\), "\(.*\)")$/\1 \2 \3/p' "$here/lib/base/errors.def" >"$work/codes"
[ -s "$work/codes" ] || exit 99
while read -r code status title; do
  page=$here/docs/errors/$code.md
  good
  [ -f "$page" ] || { bad "$code has no page"; continue; }
  [ "$(head -n 1 "$page")" = "# $code: $title" ] || bad "$code.md does not begin with its title: $title"
  "$nacre" explain "$code" 2>&1 | cmp -s - "$page" || bad "nacre explain $code does not print its page"
  fenced "$page" Wrong >"$work/wrong"
  fenced "$page" Warned >"$work/warned"
  fenced "$page" Mended >"$work/mended"
  if [ -s "$work/warned" ]; then
    commands "$work/warned" && grep -q "^warning\[$code\]" "$work/err.txt" || bad "the commands of $code.md are not warned"
    commands "$work/mended" || bad "the mended commands of $code.md"
    grep -q "^warning\[$code\]" "$work/err.txt" && bad "the mended commands of $code.md are warned"
    continue
  fi
  [ -s "$work/wrong" ] || continue
  [ -s "$work/mended" ] || { bad "$code.md mends nothing"; continue; }
  commands "$work/wrong"
  got=$?
  [ $got -eq "$status" ] && grep -q "^error\[$code\]" "$work/err.txt" ||
    bad "the wrong commands of $code.md end with status $got and"
  grep '^error\[' "$work/err.txt" | grep -v "^error\[$code\]" && bad "the wrong commands of $code.md give other errors too"
  commands "$work/mended" || bad "the mended commands of $code.md"
done <"$work/codes"
for page in "$here"/docs/errors/E*.md; do
  code=$(basename "$page" .md)
  grep -q "^$code " "$work/codes" || bad "$code.md is about no error"
done
end
