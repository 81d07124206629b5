#!/usr/bin/python3
"""manual: hold the tables of the headers against the manual pages, both ways.

  core/command_def.h  verbs    p2pmsg.1            .It Ic VERB ...     in COMMANDS
  base/option_def.h   options  p2pmsg.conf.5       .It Cm OPTION ...   in OPTIONS
  wire/msg_def.h      messages p2pmsg-protocol.7   .It NUMBER Ta NAME ... in MESSAGES
  wire/proto.h        codes    p2pmsg-protocol.7   .It NUMBER Ta NAME ... in CODES

The tables are read by the C preprocessor, so that a row may be written in any way C
allows. Macros such as Li or Dv may stand before a NUMBER or a NAME.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

CHECKS = [
    # page, section, header, table, what a row becomes, what an item looks like
    ("p2pmsg.1", "COMMANDS", "core/command_def.h", "COMMAND_TABLE(ROW)",
     "#define ROW(N, n, flags, help) @ n", r"\.It Ic (\S+)"),
    ("p2pmsg.conf.5", "OPTIONS", "base/option_def.h", "OPTION_TABLE(ROW)",
     "#define ROW(n, ...) @ n", r"\.It Cm (\S+)"),
    ("p2pmsg-protocol.7", "MESSAGES", "wire/msg_def.h", "MSG_TABLE(ROW)",
     "#define ROW(N, n, number, ...) @ number N", None),
    ("p2pmsg-protocol.7", "CODES", "wire/proto.h", "CODE_TABLE(ROW)",
     "#define ROW(N, number, text) @ number N", None),
]
NUMBERED = r"\.It (?:[A-Z][a-z] )?(\d+) Ta (?:[A-Z][a-z] )?(\w+)"
# Written today or tomorrow: a page that is not there is no fault yet.
LENIENT = True


def table_rows(header, table, row):
    source = f'#include "{header}"\n{row}\n{table}\n'
    argv = os.environ.get("CC", "gcc").split() + ["-E", "-P", "-Iinclude", "-xc", "-"]
    out = subprocess.run(argv, input=source, capture_output=True, text=True, check=True)
    return {" ".join(r.split()) for r in re.findall(r"@ ([^@\n]*)", out.stdout)}


def section_items(page, section, item):
    """What the items of a section name, with their lines."""
    items, inside = {}, False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith(".Sh "):
            inside = line[4:].strip().strip('"') == section
        match = re.match(item, line)
        if inside and match:
            items.setdefault(" ".join(match.groups()), number)
    return items


def main():
    failures = 0
    for name, section, header, table, row, item in CHECKS:
        page = Path("man") / name
        if not page.exists():
            print(f"{page}: not there yet")
            failures += not LENIENT
            continue
        rows = table_rows(header, table, row)
        items = section_items(page, section, item or NUMBERED)
        for missing in sorted(rows - items.keys()):
            print(f"{page}: {section} lacks '{missing}' of {header}")
        for stale in sorted(items.keys() - rows):
            print(f"{page}:{items[stale]}: '{stale}' is not in {header}")
        failures += len(rows ^ items.keys())
        print(f"{page}: {section} has {len(rows & items.keys())} of {len(rows)} rows"
              f" of {header}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
