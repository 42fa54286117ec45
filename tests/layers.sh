#!/bin/sh
# Who may include whom. The compiler and the device layer never see each other: they meet in the plan.
set -u
cd "${srcdir:-.}" || exit 1
failures=0

# deny FOLDER PATTERN: no file below FOLDER includes what matches PATTERN.
deny() {
  found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1" --include='*.c' --include='*.h')
  [ -z "$found" ] && return
  printf 'forbidden in %s:\n%s\n' "$1" "$found"
  failures=$((failures + 1))
}

compiler='front/|elab/|graph/|ops/|eval/|passes/|gen/|compile\.h'
deny lib/base   "plan/|device/|data/|io/|train/|show/|nacre\.h|CL/|$compiler"
deny lib/plan   "device/|data/|io/|train/|show/|nacre\.h|CL/|$compiler"
deny lib/io     "plan/|device/|data/|train/|show/|nacre\.h|CL/|$compiler"
deny lib/data   "plan/|device/|train/|show/|nacre\.h|CL/|$compiler"
deny lib/device "data/|io/|train/|show/|nacre\.h|$compiler"
deny compiler   "device/|data/[^s]|io/|train/|show/|nacre\.h|CL/|clblast"
deny cli        "base/|plan/|device/|data/|io/|train/|show/|CL/|$compiler"

[ $failures -eq 0 ] && echo "layers: every include is allowed"
exit $failures
