#!/usr/bin/env python3
"""Writes unicode.def and normal.def: the classes of code points that patterns of tokenizers name, and what normal forms C and D
are made of. From Python's Unicode tables, or those of the package unicodedata2 where that is installed.
"""
import pathlib

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

HANGUL = range(0xAC00, 0xD7A4)          # composed by rule
FOLDER = pathlib.Path(__file__).parent


def write(name, about, rows):
    lines, line = [], ""
    for row in rows:
        if len(line) + len(row) > 126:
            lines.append(line.rstrip())
            line = ""
        line += row + " "
    head = f"// Written by unicode_def.py from Unicode {unicodedata.unidata_version}: {about}\n"
    (FOLDER / name).write_text(head + "\n".join(lines + [line.rstrip()]) + "\n")


def runs(of):
    """(first, last, value) for each row of code points with one value; none where the value is None."""
    first, before = 0, None
    for code in range(0x110001):
        value = of(code) if code < 0x110000 else None
        if value == before:
            continue
        if before is not None:
            yield first, code - 1, before
        first, before = code, value


def alternating(rows):
    """Joins rows of single code points that are upper and lower case in turn: A(first, last)."""
    joined = []
    for first, last, kind in rows:
        open_ = joined and joined[-1][2] in ("Lu", "A") and joined[-1][1] == first - 1 and first == last
        if open_ and (kind == "Ll" if (first - joined[-1][0]) % 2 else kind == "Lu"):
            if joined[-1][2] == "A" or joined[-1][0] == joined[-1][1]:
                joined[-1] = (joined[-1][0], first, "A")
                continue
        joined.append((first, last, kind))
    return joined


def classes():
    kinds = runs(lambda c: None if (k := unicodedata.category(chr(c))) == "Cn" else k)
    for first, last, kind in alternating(kinds):
        yield f"A({first:#x}, {last:#x})" if kind == "A" else f"R({first:#x}, {last:#x}, {kind})"


def canonical(code):
    text = unicodedata.decomposition(chr(code))
    return [int(c, 16) for c in text.split()] if text and not text.startswith("<") else None


def normal():
    for first, last, order in runs(lambda c: unicodedata.combining(chr(c)) or None):
        yield f"ORDER({first:#x}, {last:#x}, {order})"
    parts = {c: p for c in range(0x110000) if c not in HANGUL and (p := canonical(c))}
    for code, p in parts.items():
        yield f"PARTS({code:#x}, {p[0]:#x}, {p[1] if len(p) > 1 else 0:#x})"
    numbers = {code: i for i, code in enumerate(parts)}
    again = [(tuple(p), c) for c, p in parts.items() if len(p) == 2 and unicodedata.normalize("NFC", chr(c)) == chr(c)]
    for _, code in sorted(again):
        yield f"WHOLE({numbers[code]})"


write("unicode.def", "R: a class; A: upper and lower case in turn.", classes())
write("normal.def", "ORDER of marks; PARTS of a code point; WHOLE: numbers of those that are put together again, by their parts.", normal())
