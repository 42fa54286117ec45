#!/bin/sh
# Prints docs/errors/README.md from lib/base/errors.def: index.sh FILE
set -eu
echo '<!-- Printed by docs/errors/index.sh from lib/base/errors.def. -->
# Errors

Every message has a code. `nacre explain CODE` prints its page: what it means, and, where that can be shown, a file that has it
beside the same file mended. The tests run both. The status is that with which the command exits: 1 the run failed, 2 usage, 3 the
model is wrong, 4 the data is wrong, 5 the device failed.'
awk 'BEGIN {
  n = split("E01 Syntax|E02 Shapes and types|E03 Names and settings|E04 Data|E05 Device|E06 Runs and files|" \
            "E07 Command line|E08 Texts of graphs and plans|E09 The compiler'\''s own checks", part, "|")
  for (i = 1; i <= n; i++) name[substr(part[i], 1, 3)] = substr(part[i], 5)
}
/^NC_ERR\(/ {
  code = substr($0, 8, 5); status = substr($0, 15, 1); title = substr($0, 19, length($0) - 20)
  group = substr(code, 1, 3)
  if (!(group in name)) { print "index.sh: no name for " group >"/dev/stderr"; exit 1 }
  if (group != last) print "\n## " name[group] "\n\n| code | | status |\n|---|---|---|"
  last = group
  print "| [" code "](" code ".md) | " title " | " status " |"
}' "$1"
