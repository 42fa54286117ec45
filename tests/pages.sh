#!/bin/sh
# The pages of docs/ that are printed from something else are as that prints them; what any page links to is there.
# NACRE_RENEW=1 writes them anew.
. "${srcdir:-.}/tests/lib.sh"

# printed PAGE COMMAND...
printed() {
  page=$here/$1
  shift
  "$@" >page.txt 2>err.txt || bad "$*"
  if [ -n "${NACRE_RENEW:-}" ]; then cp page.txt "$page"; fi
  if diff "$page" page.txt >out.txt; then good; else head -n 12 out.txt; bad "${page#"$here"/} is not what \`${*##*/}' prints (NACRE_RENEW=1 writes it)"; fi
}
printed docs/prelude.md "$nacre" explain --markdown
printed docs/errors/README.md sh "$here/docs/errors/index.sh" "$here/lib/base/errors.def"

# Each word that `nacre explain` lists has a place on the page of all words.
"$nacre" explain | awk '/^Data sources/ { exit } /^  / { print $1 }' >words.txt
[ "$(wc -l <words.txt)" -gt 200 ] || bad "few words are listed"
while read -r word; do
  if grep -q "^### $word\$" "$here/docs/prelude.md" || grep '^- `' "$here/docs/prelude.md" | grep -qwF -e "$word"; then good; else bad "docs/prelude.md lacks $word"; fi
done <words.txt
expect 2 E0704 "$nacre" explain dense --markdown

# Whole files that docs/language.md shows are right, and laid out.
awk '/^```/ { n += code = !code; first = 1; next } code { if (first) whole = $0 == "nn 1"; first = 0; if (whole) print >("shown" n ".nn") }' "$here/docs/language.md"
[ -e shown1.nn ] || bad "docs/language.md shows no file"
for f in shown*.nn; do
  expect 0 'no errors' "$nacre" check "$f"
  expect 0 '' "$nacre" fmt --check "$f"
done

# Graph and plan of docs/architecture.md, in part, are those of an example; but for the number of its source, and the program's length.
cp "$examples/xor.nn" . && { "$nacre" emit --graph --for predict xor.nn; "$nacre" emit --plan --class cpu xor.nn; } >emitted.txt 2>err.txt
alike='s/@[0-9]*:/@N:/; s/^program [0-9]*/program N/'
sed "$alike" emitted.txt >lines.txt
awk '/^    (graph predict|nacre-plan)/ { on = 1 } !/^    / { on = 0 } on { print substr($0, 5) }' "$here/docs/architecture.md" | grep -v '^ *\.\.\.$' | sed "$alike" >told.txt
[ "$(wc -l <told.txt)" -gt 15 ] || bad "docs/architecture.md shows no graph or plan"
while IFS= read -r line; do
  if grep -qxF -e "$line" lines.txt; then good; else bad "docs/architecture.md shows a line that is not emitted: $line"; fi
done <told.txt

# anchors PAGE: what its headings can be called by, as GitHub forms it.
anchors() { sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g'; }
# Links [text](path#anchor) outside of code: the file is there, and has the heading.
for page in "$here"/*.md "$here"/docs/*.md "$here"/docs/guide/*.md; do
  [ -f "$page" ] || continue
  awk '/^ *```/ { code = !code; next } !code' "$page" | tr '\n' ' ' | sed 's/`[^`]*`//g' | grep -o '\[[^]\\]*\]([^)]*)' | sed 's/.*(//; s/)$//' | sort -u >links.txt
  while read -r link; do
    case $link in *:*) continue ;; esac
    file=${link%%#*} anchor=
    case $link in *'#'*) anchor=${link#*#} ;; esac
    target=$page
    [ -z "$file" ] || target=$(dirname "$page")/$file
    if [ ! -e "$target" ]; then bad "${page#"$here"/} links to $file, which is not there"
    elif [ -n "$anchor" ] && ! anchors "$target" | grep -qxF -e "$anchor"; then bad "${page#"$here"/} links to $link: there is no such heading"
    else good; fi
  done <links.txt
done
end
