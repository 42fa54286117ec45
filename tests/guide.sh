#!/bin/sh
# The guide: its files are those of docs/guide, its commands run in the order of its pages, in one shell, as in a fresh clone,
# and print what it shows. (How exactly: tests/guide.awk, guide_same.awk.) A command succeeds, unless it shows an error.
# What the first page has done is not done again: ./quickstart.
. "${srcdir:-.}/tests/lib.sh"
unset NACRE_DEBUG

set -- "$here"/docs/guide/README.md "$here"/docs/guide/[0-9]*.md
mkdir fenced clone home bin clone/build clone/docs
awk -v out=fenced -f "$here/tests/guide.awk" "$@" || bad "the pages of docs/guide"
while read -r name copy at; do
  if cmp -s "$copy" "$here/docs/guide/$name"; then good; else bad "$at shows another $name than docs/guide has"; fi
done <fenced/files
for f in "$here"/docs/guide/*; do
  case $f in *.md) continue ;; esac
  grep -q "^${f##*/} " fenced/files || grep -q "\`${f##*/}\`" "$@" || bad "no page shows ${f##*/}"
done

# A clone whose build has nacre and what pkg-config finds, and a compiler that links as the library is linked.
cp -r "$here/docs/guide" clone/docs && chmod -R u+w clone/docs       # a release is read-only where it is tested
ln -s "$here/examples" clone
ln -s "$built/lib" clone/build/lib
printf '#!/bin/sh\nexec "%s" "$@"\n' "$nacre" >clone/build/nacre
link=
! grep -q __asan_init "$built/lib/.libs/libnacre.so" 2>/dev/null || link=-fsanitize=address,undefined
printf '#!/bin/sh\nPATH=%s exec %s %s "$@"\n' "'$PATH'" "${CC:-cc}" "$link" >bin/cc
printf '#!/bin/sh\nsleep 0\n' >clone/quickstart
chmod +x clone/build/nacre bin/cc clone/quickstart

# run N NEAR PLACE <command
cat >session <<'END'
status=0
run() {
  command=$(cat)
  (exit $status)
  eval "$command" >"$fenced/$1.got" 2>&1 </dev/null
  status=$?
  echo "$1 $2 $3 $status" >>"$fenced/done"
}
END
cat fenced/commands >>session
(cd clone && HOME=$work/home PATH=$work/bin:$PATH fenced=$work/fenced sh ../session) || bad "the session"

commands=$(grep -c '^run ' fenced/commands)
[ "$commands" -gt 50 ] && [ "$(wc -l <fenced/done)" -eq "$commands" ] || bad "of $commands commands $(wc -l <fenced/done) were run"
while read -r n near at status; do
  [ "$(sed -n "/^run $n /{n;p;}" fenced/commands)" = ./quickstart ] && continue
  if grep -q '^error\[' "fenced/$n.want"; then fails=1; else fails=0; fi
  if [ $fails -eq 0 ] && [ "$status" -ne 0 ]; then bad "$at ends with status $status"; tail -n 5 "fenced/$n.got"
  elif [ $fails -eq 1 ] && [ "$status" -eq 0 ]; then bad "$at succeeds, but shows an error"
  elif awk -v near="$near" -f "$here/tests/guide_same.awk" "fenced/$n.want" "fenced/$n.got" >same.txt; then good
  else bad "$at prints something else"; cat same.txt; fi
done <fenced/done

# What those trainings left is what docs/run-directory.md tells: each file, and each field of run.json, whose other fields are
# those of runs that had a reason for them.
schema=$here/docs/run-directory.md
(
  cd home/nacre-guide || exit 1
  for f in $(ls hidden half); do
    case $f in *:) continue ;; esac
    grep -q "^| .*\`$f\`" "$schema" || { echo "docs/run-directory.md does not tell of $f"; exit 1; }
  done
  awk '/^## /{ on = /run.json/ } on && /^\| `/ { split($0, cell, "|"); print cell[2] }' "$schema" | grep -o '[a-z_]*' | sort >told.txt
  sed -n 's/^  "\([a-z_]*\)":.*/\1/p' hidden/run.json half/run.json small/run.json | sort -u >found.txt
  comm -13 told.txt found.txt | sed 's/^/a field of run.json of which docs\/run-directory.md does not tell: /' | grep . && exit 1
  printf '%s\n' chosen_model early recompute stage | comm -23 told.txt - | comm -23 - found.txt |
    sed 's/^/a field of run.json that docs\/run-directory.md tells of, and no run has: /' | grep . && exit 1
  exit 0
) || bad "the run directory's description"
if [ -n "${NACRE_KEEP:-}" ]; then cp -r fenced "$NACRE_KEEP"; fi
end
