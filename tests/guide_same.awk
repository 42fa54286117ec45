# Whether a command printed what the guide shows: awk -v near=0 -f guide_same.awk WANT GOT
# A line … stands for any lines, a … within a line for anything there; the rest must be equal. With near=1 numbers with a
# fraction (of either side) may be off by 0.03 or a tenth of themselves, and blanks may be more or fewer. Lines that tell the speed come every
# ten seconds, and are left out.
BEGIN { any = "…" }
FILENAME == ARGV[1] { want[++wants] = $0; next }
/ examples\/s  / { next }
{ got[++gots] = $0 }
END {
  if (lines(1, 1)) exit 0
  printf "  from line %d on, the guide has\n    %s\n  and the command\n    %s\n", most_got, want[most_want], got[most_got]
  exit 1
}

function lines(i, j) {
  if (j > most_got || (j == most_got && i > most_want)) { most_got = j; most_want = i }
  if (i > wants) return j > gots
  if (want[i] == any) {
    for (; j <= gots + 1; j++) if (lines(i + 1, j)) return 1
    return 0
  }
  return j <= gots && same(want[i], got[j]) && lines(i + 1, j + 1)
}

# The number that s begins with, as text.
function number(s) { return match(s, /^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?/) ? substr(s, 1, RLENGTH) : "" }
function close_to(a, b,  d) { d = a - b; if (d < 0) d = -d; if (a < 0) a = -a; return d <= 0.03 || d <= 0.1 * a }

function same(w, g,  n, m) {
  while (w != "") {
    if (substr(w, 1, length(any)) == any) {
      w = substr(w, length(any) + 1)
      for (; ; g = substr(g, 2)) { if (same(w, g)) return 1; if (g == "") return 0 }
    }
    if (near && (n = number(w)) != "" && (m = number(g)) != "" && (n m) ~ /[.e]/) {
      if (!close_to(n, m)) return 0
      w = substr(w, length(n) + 1); g = substr(g, length(m) + 1)
    } else if (near && match(w, /^ +/)) {
      w = substr(w, RLENGTH + 1)
      if (!match(g, /^ +/)) return 0
      g = substr(g, RLENGTH + 1)
    } else if (substr(w, 1, 1) != substr(g, 1, 1)) return 0
    else { w = substr(w, 2); g = substr(g, 2) }
  }
  return g == ""
}
