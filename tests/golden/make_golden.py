"""Writes the golden files of check_golden, check_networks, check_vision and check_train beside this script, from the installed PyTorch.

usage: python3 make_golden.py [NAME …]        all, or some families and networks: layers lenet …

A family is a file cases_FAMILY.py whose `family` is a table of cases (golden.py says how a row is written); networks of
examples/ stand in networks_*.py (network.py says how).
"""
import importlib
import os
import re
import sys

import digits_losses

folder = os.path.dirname(os.path.abspath(__file__))
wanted = sys.argv[1:]
for file in sorted(os.listdir(folder)):
    found = re.fullmatch(r"(cases|networks)_(\w+)\.py", file)
    if not found:
        continue
    table = importlib.import_module(file[:-3])
    if found[1] == "networks":
        for network in table.networks:
            if not wanted or network.name in wanted:
                network.write(f"{folder}/networks/{found[2]}")
    elif not wanted or found[2] in wanted:
        table.family.write(folder)
if not wanted:
    digits_losses.write(folder)
