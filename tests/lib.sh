# What the scripts of tests share. Read with `.` from the folder of the build; from then on a script works in a folder of its
# own, which goes when it ends.
set -u
LC_ALL=C; export LC_ALL          # awk and sort write and order numbers as the tests read them
nacre=${NACRE:-$PWD/nacre}
built=$PWD
here=$(cd "${srcdir:-.}" && pwd)
examples=$here/examples
work=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 99
export POCL_CACHE_DIR="${POCL_CACHE_DIR:-$work/pocl}" XDG_CACHE_HOME="${XDG_CACHE_HOME:-$work/cache}" NO_COLOR=1
passed=0 failed=0

good() { passed=$((passed + 1)); }
# bad WHAT...: and what the command said last, if it left that in err.txt.
bad() {
  echo "FAILED: $*"
  [ ! -s "$work/err.txt" ] || sed 's/^/    /' "$work/err.txt" | tail -n 8
  failed=$((failed + 1))
}

# expect STATUS WORD COMMAND...: the exit status, and a word that stdout or stderr must hold ("" for none).
expect() {
  status=$1 word=$2
  shift 2
  "$@" >out.txt 2>err.txt </dev/null
  got=$?
  if [ $got -ne "$status" ]; then bad "(status $got, not $status) $*"
  elif [ -n "$word" ] && ! grep -qF -e "$word" out.txt err.txt; then
    sed 's/^/    /' out.txt | head -n 12
    bad "(no \`$word') $*"
  else good; fi
}
# holds WHAT COMMAND...: succeeds.
holds() {
  what=$1
  shift
  if "$@" >out.txt 2>err.txt </dev/null; then good; else bad "$what"; fi
}

file() { printf 'nn 1\n%s\n' "$2" >"$1"; }

# The last line of a script.
end() {
  if [ $((passed + failed)) -gt 0 ]; then echo "$passed passed, $failed failed"; else echo "nothing failed"; fi
  [ "$failed" -eq 0 ]
}
