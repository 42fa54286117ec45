#!/bin/sh
# make bench: the workloads of bench/workloads beside what is installed of PyTorch (eager and compiled), ONNX Runtime and
# tinygrad, interleaved, medians; ratios are printed, and all of it goes to OUT/results.json.
#   run.sh STEP SOURCE OUT
# Environment: PYTHON (an interpreter that has the peers; without one only Nacre is timed), WORKLOADS (which; else all),
# PEERS (of torch compile onnx tinygrad; else all), THREADS (2), ROUNDS (3: how often each is started), SECONDS of a round.
set -eu
step=$1 source=$2 out=$3
python=${PYTHON:-python3} peers=${PEERS-torch compile onnx tinygrad} threads=${THREADS:-2} starts=${ROUNDS:-3}
export OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads" POCL_MAX_PTHREAD_COUNT="$threads" SECONDS="${SECONDS:-1}" ROUNDS=3
mkdir -p "$out"

have() {
  case $1 in
    compile) "$python" -c 'import torch' ;;
    onnx) "$python" -c 'import torch, onnx, onnxruntime' ;;
    *) "$python" -c "import $1" ;;
  esac 2>/dev/null
}
installed=
for p in $peers; do
  if have "$p"; then installed="$installed $p"; else echo "not installed for $python: $p" >&2; fi
done

# What KEY stands for in FILE's lines: the median, or the least, or the last.
median() { awk -v k="$2" '$1 == k {print $2}' "$1" | sort -n | awk '{v[NR] = $1} END {if (NR) printf "%.4f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'; }
least() { awk -v k="$2" '$1 == k {print $2}' "$1" | sort -n | head -n 1; }
last() { awk -v k="$2" '$1 == k {v = $2} END {print v}' "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a != "" && b > 0) printf "%.2f", a / b; else printf "null"}'; }
number() { if [ -n "$1" ]; then printf '%s' "$1"; else printf null; fi; }

figures() {   # of FILE, as JSON without braces
  printf '"ms":%s,"cpu_ms":%s,"first_s":%s,"peak_kb":%s' "$(number "$(median "$1" ms)")" "$(number "$(least "$1" cpu_ms)")" \
    "$(number "$(least "$1" first_s)")" "$(number "$(last "$1" peak_kb)")"
}

compare() {   # NAME PEER: prints the ratio, and appends to the JSON
  mine=$out/$1.nacre theirs=$out/$1.$2
  if [ "$(last "$mine" parameters)" != "$(last "$theirs" parameters)" ] && [ -n "$(last "$mine" parameters)" ]; then
    echo "  $2 builds another network: $(last "$theirs" parameters) parameters, here $(last "$mine" parameters)" >&2
    return
  fi
  wall=$(ratio "$(median "$theirs" ms)" "$(median "$mine" ms)") cpu=$(ratio "$(least "$theirs" cpu_ms)" "$(least "$mine" cpu_ms)")
  printf '  %-9s %10.3f ms  %5s×   processor %10.3f ms  %5s×   peak %5.0f MB\n' "$2" "$(median "$theirs" ms)" "$wall" \
    "$(least "$theirs" cpu_ms)" "$cpu" "$(ratio "$(last "$theirs" peak_kb)" 1024)" >&2
  printf ',"%s":{%s,"ratio":%s,"ratio_cpu":%s}' "$2" "$(figures "$theirs")" "$wall" "$cpu"
}

workload() {   # NAME KIND FILE batch=N SETTINGS…
  name=$1 kind=$2 file=$3 batch=$4
  shift 3
  for p in nacre $installed; do : >"$out/$name.$p"; done
  refused=
  i=0
  while [ $i -lt "$starts" ]; do
    i=$((i + 1))
    "$step" "$kind" "$source/$file" "$@" >>"$out/$name.nacre"
    for p in $installed; do
      case " $refused " in *" $p "*) continue ;; esac
      "$python" "$source/bench/peer.py" "$p" "$kind" "$name" "${batch#batch=}" >>"$out/$name.$p" 2>"$out/$name.$p.log" || {
        refused="$refused $p"
        [ $? -eq 4 ] || tail -n 1 "$out/$name.$p.log" | sed "s/^/$name, $p: /" >&2
      }
    done
  done
  printf '%s ms a step, processor %s ms, %s launches, %s bytes planned, peak %s MB\n' "$name: $(median "$out/$name.nacre" ms)" \
    "$(least "$out/$name.nacre" cpu_ms)" "$(last "$out/$name.nacre" launches)" "$(last "$out/$name.nacre" planned_bytes)" \
    "$(ratio "$(last "$out/$name.nacre" peak_kb)" 1024)" >&2
  printf '"%s":{"nacre":{%s,"launches":%s,"planned_bytes":%s}' "$name" "$(figures "$out/$name.nacre")" \
    "$(number "$(last "$out/$name.nacre" launches)")" "$(number "$(last "$out/$name.nacre" planned_bytes)")"
  for p in $installed; do
    case " $refused " in *" $p "*) ;; *) compare "$name" "$p" ;; esac
  done
  printf '}'
}

machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
versions=$("$python" -c 'import importlib.metadata as m
for p in ("torch", "onnxruntime", "tinygrad"):
    try: print(",\"%s\":\"%s\"" % (p, m.version(p)), end="")
    except m.PackageNotFoundError: pass' 2>/dev/null || true)
{
  printf '{"machine":"%s, %s threads, load %s","commit":"%s"%s,"workloads":{' "$machine" "$threads" \
    "$(cut -d' ' -f1 /proc/loadavg 2>/dev/null)" "$(git -C "$source" rev-parse --short HEAD 2>/dev/null)" "$versions"
  comma=
  while read -r name rest; do
    case $name in '' | '#'*) continue ;; esac
    case " ${WORKLOADS:-$name} " in *" $name "*) ;; *) continue ;; esac
    printf '%s' "$comma"
    workload "$name" $rest
    comma=,
  done <"$source/bench/workloads"
  printf '}}\n'
} >"$out/results.json"
