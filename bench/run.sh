#!/bin/sh
# make bench: training steps beside PyTorch's, interleaved, medians. PYTHON names an interpreter that has torch;
# without one only Nacre is timed.
set -eu
step=$1 here=$2 out=${3:-bench/out}
python=${PYTHON:-python3}
export OMP_NUM_THREADS=2 POCL_MAX_PTHREAD_COUNT=2
mkdir -p "$out"
peer=yes
"$python" -c 'import torch' 2>/dev/null || { peer=no; echo "no torch in $python: set PYTHON to compare with PyTorch"; }

median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

{
  printf '{'
  comma=
  for w in mlp cnn; do
    steps=100
    [ $w = cnn ] && steps=10
    : >"$out/$w.nacre"; : >"$out/$w.torch"
    for _ in 1 2 3 4 5; do
      "$step" "$here/$w.nn" 3 $steps | awk '/^step/ {print $2}' >>"$out/$w.nacre"
      [ $peer = no ] || "$python" "$here/torch_step.py" $w 3 $steps | awk '/^step/ {print $2}' >>"$out/$w.torch"
    done
    mine=$(median <"$out/$w.nacre")
    printf '%s"%s":{"nacre_ms":%s' "$comma" $w "$mine"
    if [ $peer = yes ]; then
      theirs=$(median <"$out/$w.torch")
      ratio=$(awk "BEGIN {printf \"%.2f\", $theirs / $mine}")
      printf ',"torch_ms":%s,"ratio":%s' "$theirs" "$ratio"
      echo "$w: $mine ms a step, PyTorch $theirs ms: ${ratio}x" >&2
    else
      echo "$w: $mine ms a step" >&2
    fi
    printf '}'
    comma=,
  done
  printf '}\n'
} >"$out/results.json"
