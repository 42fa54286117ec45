#!/bin/sh
# What a program meets: nacre.h is whole, as C and as C++, and the library shows its functions and nothing else.
. "${srcdir:-.}/tests/lib.sh"
cd "$built" || exit 99
header=${srcdir:-.}/lib/nacre.h
library=lib/.libs/libnacre.so

# compiles LANGUAGE STANDARD COMPILER...
compiles() {
  language=$1 standard=$2
  shift 2
  "$@" -x "$language" "-std=$standard" -pedantic -Wall -Wextra -Werror -fsyntax-only "$header" || bad "nacre.h as $standard ($*)"
}
# The first of these commands that is there.
first() { for c; do command -v "$c" && return; done; }

# shellcheck disable=SC2086 # CC may be several words
for standard in c99 c11; do compiles c $standard ${CC:-cc}; done
cxx=$(first "${CXX:-g++}" c++ clang++ clang++-15 clang++-14)
if [ -n "$cxx" ]; then compiles c++ c++11 "$cxx" && compiles c++ c++20 "$cxx"; else echo "no C++ compiler: not tried as C++"; fi

if [ -f $library ] && command -v nm >/dev/null; then
  nm -D --defined-only $library | sed 's/^.* //' | grep -v '^_' | sort >"$work/shown"
  grep -v '^ *//' "$header" | grep -o '\bnacre_[a-z_]*(' | tr -d '(' | sort -u >"$work/told"
  [ -s "$work/told" ] || bad "no function was found in nacre.h"
  diff "$work/told" "$work/shown" || bad "nacre.h and the library differ (< told by nacre.h, > shown by the library)"
fi
# The examples in C: a network that was trained is used, alone and in a stream, as the command uses it.
export POCL_CACHE_DIR="${POCL_CACHE_DIR:-$work/pocl}" XDG_CACHE_HOME="${XDG_CACHE_HOME:-$work/cache}" NO_COLOR=1
here=$PWD
(
  cd "$work" || exit 1
  awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 60; i++) print sin(i * 2.7) "," cos(i * 1.3) "," (sin(i * 2.7) > cos(i * 1.3) ? "upper" : "lower") }' >kinds.csv
  cat >kinds.nn <<'END'
nn 1
data kinds { source = csv("kinds.csv", label = "kind"); split = (train = 0.8, valid = 0.2) }
model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(8) |> tanh |> dense(2) }
train net on kinds { loss = cross_entropy(net(x), label); optimizer = adam(0.05); batch = 8; epochs = 4 }
END
  "$here/nacre" train kinds.nn --out run --quiet || exit 1
  head -n 6 kinds.csv | cut -d, -f1,2 >points.csv
  "$here/nacre" predict run points.csv | tail -n +2 | cut -d, -f2- >want.txt || exit 1
  { tail -n +2 points.csv; echo 'no numbers'; echo 1; } | "$here/examples/stream" run >got.txt 2>err.txt || exit 1
  [ "$(grep -c 'left out' err.txt)" = 2 ] || exit 1
  paste -d, want.txt got.txt | awk -F, '{ for (i = 2; i < 4; i++) if (($i - $(i + 2)) ^ 2 > 1e-8) exit 1; n++ } END { exit n != 5 }' || exit 1
  point=$(sed -n 2p points.csv | tr , ' ')
  # shellcheck disable=SC2086 # two numbers
  "$here/examples/classify" run $point >one.txt || exit 1
  grep -q " $(sed -n 1p want.txt | cut -d, -f1)," one.txt || exit 1
  "$here/examples/classify" run 1 2>/dev/null && exit 1
  "$here/examples/classify" nowhere 1 2 2>err.txt && exit 1
  grep -q 'not a run directory' err.txt
) || bad "the examples in C"

# A program in C++, from the source to a prediction. Sanitizers would have to be in it too.
if [ -n "$cxx" ] && [ -f $library ] && ! grep -q __asan_init $library; then
  cat >"$work/plus.cc" <<'END'
#include <nacre.h>
#include <cstdio>
#include <cstring>
#include <string>
static void keep(void *to, const char *text, size_t n) { static_cast<std::string *>(to)->append(text, n); }
int main() {
  const char source[] = "nn 1\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x * 2 }\n";
  std::string text;
  NacreModel *m = nullptr;
  NacreStatus s = nacre_open_text("net.nn", source, std::strlen(source), nullptr, &m);
  NacreEmit e = NacreEmit();
  e.what = "graph";
  e.purpose = "predict";
  if (s == NACRE_OK) s = nacre_emit(m, &e, keep, &text);
  const float x[] = {1, 2, 3, 4}, *y = nullptr;
  const void *data[] = {x};
  const NacreTensor *shape = nullptr;
  if (s == NACRE_OK) s = nacre_predict(m, 2, data, &shape, &y);
  if (s == NACRE_OK && (y[3] != 8 || text.find("graph predict") == std::string::npos)) s = NACRE_RUN;
  std::fputs(nacre_message(m), stderr);
  nacre_close(m);
  if (s == NACRE_OK) {   // what could not be opened says so, and says it again
    if (nacre_open_text("none.nn", "nn 2", 4, nullptr, &m) != NACRE_MODEL) s = NACRE_RUN;
    if (nacre_predict(m, 2, data, &shape, &y) != NACRE_USAGE || !*nacre_message(m) || nacre_class_name(m, 0)) s = NACRE_RUN;
    nacre_close(m);
  }
  if (s == NACRE_OK) {   // a file with nothing to predict with
    int n = 0;
    if (nacre_open_text("empty.nn", "nn 1\n", 5, nullptr, &m) != NACRE_OK) s = NACRE_RUN;
    if (nacre_inputs(m, &n, &shape) != NACRE_MODEL || nacre_predict(m, 2, data, &shape, &y) != NACRE_MODEL) s = NACRE_RUN;
    nacre_close(m);
  }
  return s;
}
END
  if "$cxx" -std=c++11 -Wall -Wextra -Werror -I"$(dirname "$header")" "$work/plus.cc" -o "$work/plus" -Llib/.libs -lnacre; then
    LD_LIBRARY_PATH=$PWD/lib/.libs "$work/plus" || bad "a program in C++"
  else bad "a program in C++ does not link"; fi
fi
end
