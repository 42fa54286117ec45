#!/bin/sh
# make bench: the workloads of bench/workloads beside what is installed of PyTorch (eager and compiled), ONNX Runtime and
# tinygrad, interleaved, medians; ratios are printed, and all of it goes to OUT/results.json. First each is started with every
# cache empty and runs one step (cold_s); the starts that are measured find what it left (warm_s).
#   run.sh STEP SOURCE OUT
# Environment: PYTHON (an interpreter that has the peers; without one only Nacre is timed), WORKLOADS (which; else all),
# PEERS (of torch compile onnx tinygrad; else all), THREADS (2), ROUNDS (3: how often each is started), SECONDS of a round,
# COLD (1; 0: without the starts with empty caches).
set -eu
step=$1 source=$2 out=$3
python=${PYTHON:-python3} peers=${PEERS-torch compile onnx tinygrad} threads=${THREADS:-2} starts=${ROUNDS:-3}
export OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads" POCL_MAX_PTHREAD_COUNT="$threads" SECONDS="${SECONDS:-1}" ROUNDS=3
export NACRE_COMPILE="${NACRE_COMPILE-$(cd "$(dirname "$step")/.." && pwd)/nacre-compile}"    # not installed yet
mkdir -p "$out"
out=$(cd "$out" && pwd)

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
# Without cold starts the first one of FILE has met empty caches, too.
warm() { awk -v cold="${COLD:-1}" '$1 == "first_s" && (n++ || cold == 1) {print $2}' "$1" | sort -n | head -n 1; }
last() { awk -v k="$2" '$1 == k {v = $2} END {print v}' "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a != "" && b > 0) printf "%.2f", a / b; else printf "null"}'; }
short() { if [ -n "$1" ]; then printf '%.2f' "$1"; else printf '?'; fi; }
number() { if [ -n "$1" ]; then printf '%s' "$1"; else printf null; fi; }

figures() {   # of FILE, as JSON without braces
  printf '"ms":%s,"cpu_ms":%s,"cold_s":%s,"warm_s":%s,"peak_kb":%s' "$(number "$(median "$1" ms)")" "$(number "$(least "$1" cpu_ms)")" \
    "$(number "$(last "$1.cold" first_s)")" "$(number "$(warm "$1")")" "$(number "$(last "$1" peak_kb)")"
}

# Every cache in a folder of the framework's own, which is empty at its first start.
run_one() {   # FRAMEWORK COMMAND...
  folder=$out/cache/$1
  shift
  mkdir -p "$folder"
  POCL_CACHE_DIR=$folder XDG_CACHE_HOME=$folder TORCHINDUCTOR_CACHE_DIR=$folder/inductor TRITON_CACHE_DIR=$folder/triton \
    CUDA_CACHE_PATH=$folder CACHEDB=$folder/tinygrad.db "$@"
}
mine() { run_one nacre "$step" "$kind" "$source/$file" "$@"; }
theirs() {   # PEER
  run_one "$1" "$python" "$source/bench/peer.py" "$1" "$kind" "$name" "${batch#batch=}" 2>"$out/$name.$1.log" || {
    status=$?
    refused="$refused $1"
    [ $status -eq 4 ] || tail -n 1 "$out/$name.$1.log" | sed "s/^/$name, $1: /" >&2
  }
}
takes_part() { case " $refused " in *" $1 "*) return 1 ;; esac; }

compare() {   # NAME PEER: prints the ratio, and appends to the JSON
  mine=$out/$1.nacre theirs=$out/$1.$2
  if [ "$(last "$mine" parameters)" != "$(last "$theirs" parameters)" ] && [ -n "$(last "$mine" parameters)" ]; then
    echo "  $2 builds another network: $(last "$theirs" parameters) parameters, here $(last "$mine" parameters)" >&2
    return
  fi
  wall=$(ratio "$(median "$theirs" ms)" "$(median "$mine" ms)") cpu=$(ratio "$(least "$theirs" cpu_ms)" "$(least "$mine" cpu_ms)")
  memory=$(ratio "$(last "$theirs" peak_kb)" "$(last "$mine" peak_kb)")
  printf '  %-9s %10.3f ms  %5s×   processor %10.3f ms  %5s×   peak %5.0f MB  %5s×   cold %6s s, warm %6s s\n' "$2" "$(median "$theirs" ms)" \
    "$wall" "$(least "$theirs" cpu_ms)" "$cpu" "$(ratio "$(last "$theirs" peak_kb)" 1024)" "$memory" "$(short "$(last "$theirs.cold" first_s)")" \
    "$(short "$(warm "$theirs")")" >&2
  printf ',"%s":{%s,"ratio":%s,"ratio_cpu":%s,"ratio_memory":%s}' "$2" "$(figures "$theirs")" "$wall" "$cpu" "$memory"
  case "$wall $cpu $memory" in *null*) ;; *) echo "$2 $wall $cpu $memory" >>"$out/ratios" ;; esac
}

means() {   # of the ratios to each peer: geometric, and the least
  awk '{n[$1]++; s[$1] += log($2); c[$1] += log($3); m[$1] += log($4); if (n[$1] == 1 || $2 < l[$1]) l[$1] = $2}
    END {for (p in n) printf "%s\"%s\":{\"workloads\":%d,\"ratio\":%.3f,\"ratio_cpu\":%.3f,\"ratio_memory\":%.3f,\"least_ratio\":%.3f}",
      (k++ ? "," : ""), p, n[p], exp(s[p] / n[p]), exp(c[p] / n[p]), exp(m[p] / n[p]), l[p]}' "$out/ratios"
}

workload() {   # NAME KIND FILE batch=N SETTINGS…
  name=$1 kind=$2 file=$3 batch=$4
  shift 3
  for p in nacre $installed; do : >"$out/$name.$p"; : >"$out/$name.$p.cold"; done
  refused=
  rm -rf "$out/cache"
  if [ "${COLD:-1}" = 1 ]; then
    ROUNDS=0 mine "$@" >"$out/$name.nacre.cold"
    for p in $installed; do ROUNDS=0 theirs "$p" >"$out/$name.$p.cold"; done
  fi
  i=0
  while [ $i -lt "$starts" ]; do
    i=$((i + 1))
    mine "$@" >>"$out/$name.nacre"
    for p in $installed; do
      if takes_part "$p"; then theirs "$p" >>"$out/$name.$p"; fi
    done
  done
  rm -rf "$out/cache"
  share=$(ratio "$(least "$out/$name.nacre" limit_ms)" "$(median "$out/$name.nacre" ms)")
  printf '%s ms a step, processor %s ms, %s launches, %s bytes planned, peak %s MB, cold %s s, warm %s s, %s of what copies and products leave\n' \
    "$name: $(median "$out/$name.nacre" ms)" "$(least "$out/$name.nacre" cpu_ms)" "$(last "$out/$name.nacre" launches)" \
    "$(last "$out/$name.nacre" planned_bytes)" "$(ratio "$(last "$out/$name.nacre" peak_kb)" 1024)" "$(short "$(last "$out/$name.nacre.cold" first_s)")" \
    "$(short "$(warm "$out/$name.nacre")")" "$share" >&2
  printf '"%s":{"nacre":{%s' "$name" "$(figures "$out/$name.nacre")"
  for k in launches planned_bytes; do printf ',"%s":%s' $k "$(number "$(last "$out/$name.nacre" $k)")"; done
  printf ',"limit_ms":%s,"limit_share":%s}' "$(number "$(least "$out/$name.nacre" limit_ms)")" "$share"
  for p in $installed; do
    if takes_part "$p"; then compare "$name" "$p"; fi
  done
  printf '}'
}

# The best that any start measured: others use the machine too.
most() { cat "$out"/*.nacre | awk -v k="$1" '$1 == k && $2 > v {v = $2} END {print v}'; }

machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
versions=$("$python" -c 'import importlib.metadata as m
for p in ("torch", "onnxruntime", "tinygrad"):
    try: print(",\"%s\":\"%s\"" % (p, m.version(p)), end="")
    except m.PackageNotFoundError: pass' 2>/dev/null || true)
rm -f "$out"/*.nacre "$out/ratios"
: >"$out/ratios"
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
  printf '},"copy_gbs":%s,"product_gflops":%s,"means":{%s}}\n' "$(number "$(most copy_gbs)")" "$(number "$(most product_gflops)")" "$(means)"
} >"$out/results.json"
awk '{n[$1]++; s[$1] += log($2); m[$1] += log($4)} END {for (p in n) printf "%s: geometric mean %.2f×, memory %.2f×, of %d workloads\n", p, exp(s[p] / n[p]), exp(m[p] / n[p]), n[p]}' "$out/ratios" >&2
