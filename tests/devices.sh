#!/bin/sh
# make check-devices: every kernel family on every OpenCL implementation that is installed, in several settings. A
# setting whose implementation is missing is skipped. Takes minutes; `make check` does not run it.
nacre=${1:-./nacre}
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache NACRE_DOCTOR_SECONDS=${NACRE_DOCTOR_SECONDS-120}
export XDG_CACHE_HOME NACRE_DOCTOR_SECONDS

# doctor NAME KNOWN ARGUMENTS…: KNOWN is a pattern of lines that are that implementation's own fault.
doctor() {
  name=$1 known=$2
  shift 2
  "$nacre" doctor --json "$@" > "$work/out" 2> "$work/err"
  bad=$(grep -vE '"verdict":"(right|skipped)"' "$work/out" | grep -vE "${known:-^$}")
  if [ -n "$bad" ] || ! grep -q '"verdict":"right"' "$work/out"; then
    failed=1
    printf 'FAIL: %s\n%s\n' "$name" "$bad"
    cat "$work/err"
  else
    printf 'PASS: %s (%s right)\n' "$name" "$(grep -c '"verdict":"right"' "$work/out")"
  fi
}

if "$nacre" devices 2>/dev/null | grep -q 'Portable Computing'; then
  doctor 'PoCL' '' --device Portable
  (POCL_MAX_PTHREAD_COUNT=1 && export POCL_MAX_PTHREAD_COUNT && doctor 'PoCL, one thread' '' --device Portable; exit $failed) || failed=1
  (POCL_MAX_WORK_GROUP_SIZE=64 && export POCL_MAX_WORK_GROUP_SIZE && doctor 'PoCL, groups of 64' '' --device Portable; exit $failed) || failed=1
else
  echo 'SKIP: PoCL'
fi

RUSTICL_ENABLE=llvmpipe
export RUSTICL_ENABLE
if "$nacre" devices 2>/dev/null | grep -q rusticl; then doctor 'rusticl' '' --device rusticl
else echo 'SKIP: rusticl'; fi

# Oclgrind interprets every work-item: races and accesses outside of buffers. It is too slow for CLBlast.
grind=${OCLGRIND_RT:-/usr/lib/oclgrind/liboclgrind-rt.so}
if [ -e "$grind" ]; then
  NACRE_OPENCL=$grind OCLGRIND_DATA_RACES=1 OCLGRIND_BUILD_OPTIONS=-cl-opt-disable OCLGRIND_LOG=$work/log
  export NACRE_OPENCL OCLGRIND_DATA_RACES OCLGRIND_BUILD_OPTIONS OCLGRIND_LOG
  for class in cpu gpu; do
    : > "$work/log"
    doctor "Oclgrind, $class class" '"family":"dot, CLBlast"' --class $class
    grep -E '^(Invalid|Read-write data race|Write-write data race)' "$work/log" && failed=1
  done
else
  echo 'SKIP: Oclgrind'
fi
exit $failed
