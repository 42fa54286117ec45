# What is fenced in the pages of docs/guide, for tests/guide.sh: awk -v out=FOLDER -f guide.awk PAGE...
# Commands go to FOLDER/commands, with what they shall print in FOLDER/N.want; whole files to FOLDER/files.
#
#   ```console          lines behind "$ " are commands ("> " goes on with one), the others are what they print
#   ```console about    the same, of what training made: numbers with a fraction need only be near
#   ```nn neuron.nn     the file docs/guide/neuron.nn, whole
FNR == 1 { if (fence) wrong("a fence is not closed before"); sub(/.*\//, "", FILENAME); fence = "" }
/^```/ {
  if (fence) { if (fence == "console") close_command(); fence = ""; next }
  n = split(substr($0, 4), word, " ")
  fence = n ? word[1] : "none"
  if (fence == "console") { near = word[2] == "about"; if (n > 1 && !near) wrong("unknown word `" word[2] "'") }
  else if (n == 2) { copy = out "/" (++files) ".file"; printf "" >copy; print word[2], copy, FILENAME ":" FNR >(out "/files") }
  else wrong("this fence is neither a file nor commands")
  next
}
fence == "console" && /^\$ / { close_command(); open_command(substr($0, 3)); next }
fence == "console" && /^> / { if (!command) wrong("`> ' goes on with nothing"); command = command "\n" substr($0, 3); next }
fence == "console" { if (!command) wrong("output of no command"); print >want; next }
fence { print >copy }
END { if (fence) wrong("a fence is not closed"); if (bad) exit 1 }

function wrong(what) { print FILENAME ":" FNR ": " what >"/dev/stderr"; bad = 1 }
function open_command(text) { command = text; at = FILENAME ":" FNR; want = out "/" (++commands) ".want"; printf "" >want }
function close_command() {
  if (!command) return
  close(want)
  print "run " commands " " near " " at " <<'__command'\n" command "\n__command" >(out "/commands")
  command = ""
}
