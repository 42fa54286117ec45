#!/usr/bin/env python3
"""Writes unicode.def: the classes of code points that patterns of tokenizers name, from Python's Unicode tables."""
import pathlib
import unicodedata

NAMES = {"L": "LETTER", "M": "MARK", "N": "NUMBER", "P": "PUNCTUATION", "S": "SYMBOL"}


def rows():
    first, before = 0, ""
    for code in range(0x110001):
        kind = unicodedata.category(chr(code))[0] if code < 0x110000 else ""
        if kind == before:
            continue
        if before in NAMES:
            yield f"{before}({first:#x}, {code - 1:#x})"
        first, before = code, kind


lines, line = [], ""
for row in rows():
    if len(line) + len(row) > 118:
        lines.append(line.rstrip())
        line = ""
    line += row + " "
head = f"// Written by unicode_def.py: classes of code points, Unicode {unicodedata.unidata_version}: letter L, mark M, number N, punctuation P, symbol S.\n"
pathlib.Path(__file__).with_name("unicode.def").write_text(head + "\n".join(lines + [line.rstrip()]) + "\n")
