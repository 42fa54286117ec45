"""Writes the golden files of tests/check_golden.c and tests/check_train.c beside this script, from the installed PyTorch.

usage: python3 make_golden.py [FAMILY …]        all families, or some: layers nets …

A family is a file cases_FAMILY.py whose `family` is a table of cases (golden.py says how a row is written).
"""
import importlib
import os
import sys

import digits_losses

folder = os.path.dirname(os.path.abspath(__file__))
families = sorted(f[6:-3] for f in os.listdir(folder) if f.startswith("cases_") and f.endswith(".py"))
wanted = sys.argv[1:] or families
for name in wanted:
    importlib.import_module("cases_" + name).family.write(folder)
if not sys.argv[1:]:
    digits_losses.write(folder)
