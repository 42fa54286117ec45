#!/bin/sh
# What a program meets: nacre.h is whole, as C and as C++, and the library shows its functions and nothing else.
set -u
header=${srcdir:-.}/lib/nacre.h
library=lib/.libs/libnacre.so
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# compiles COMPILER LANGUAGE STANDARD
compiles() { "$1" -x "$2" "-std=$3" -pedantic -Wall -Wextra -Werror -fsyntax-only "$header" || fail "nacre.h as $3 ($1)"; }
# The first of these commands that is there.
first() { for c; do command -v "$c" && return; done; }

# shellcheck disable=SC2086 # CC may hold options
set -- ${CC:-cc}
compiles "$1" c c99
compiles "$1" c c11
cxx=$(first "${CXX:-g++}" c++ clang++ clang++-15 clang++-14)
if [ -n "$cxx" ]; then compiles "$cxx" c++ c++11 && compiles "$cxx" c++ c++20; else echo "no C++ compiler: not tried as C++"; fi

if [ -f $library ] && command -v nm >/dev/null; then
  nm -D --defined-only $library | sed 's/^.* //' | grep -v '^_' | sort >"$work/shown"
  grep -v '^ *//' "$header" | grep -o '\bnacre_[a-z_]*(' | tr -d '(' | sort -u >"$work/told"
  [ -s "$work/told" ] || fail "no function was found in nacre.h"
  diff "$work/told" "$work/shown" || fail "nacre.h and the library differ (< told by nacre.h, > shown by the library)"
fi
[ $failures -eq 0 ] && echo "public: nacre.h and libnacre agree"
exit $failures
