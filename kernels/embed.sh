#!/bin/sh
# Prints a C source that holds the given files as arrays of bytes: embed.sh SYMBOL FILE...
# The table is NcEmbedded SYMBOL[], ended by a row whose name is NULL; names are without their folder.
set -eu
symbol=$1
shift
echo '#include "base/embed.h"'
i=0
for f in "$@"; do
  echo "static const unsigned char file_$i[] = {"
  od -An -v -tu1 "$f" | sed 's/^ *//; s/  */,/g; s/$/,/'
  echo '0};'
  i=$((i + 1))
done
echo "const NcEmbedded $symbol[] = {"
i=0
for f in "$@"; do
  echo "  {\"${f##*/}\", (const char *)file_$i, sizeof file_$i - 1},"
  i=$((i + 1))
done
echo '  {0, 0, 0}};'
