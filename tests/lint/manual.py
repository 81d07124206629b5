#!/usr/bin/python3
"""manual: hold the tables of the headers against the manual pages, both ways.

  core/command_def.h  verbs    p2pmsg.1            .It Ic VERB ...     in COMMANDS
  base/option_def.h   options  p2pmsg.conf.5       .It Cm OPTION ...   in OPTIONS
  wire/msg_def.h      messages p2pmsg-protocol.7   .It NUMBER Ta NAME ... in MESSAGES
  wire/proto.h        codes    p2pmsg-protocol.7   .It NUMBER Ta NAME ... in CODES
  core/event_def.h    events   p2pmsg.1            .It Cm EVENT in EVENTS, a line `Kept.`
                                                   or none, and after a line `Fields:`
                                                   lines of .Va with all of them in order

The tables are read by the C preprocessor, so that a row may be written in any way C
allows. Macros such as Li or Dv may stand before a NUMBER or a NAME.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

NUMBERED = r"\.It (?:[A-Z][a-z] )?(\d+) Ta (?:[A-Z][a-z] )?(\w+)"


def section_lines(page, section):
    inside = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith(".Sh "):
            inside = line[4:].strip().strip('"') == section
        elif inside:
            yield number, line


def items_by(pattern):
    """Makes a function: what the items of a section name, with their lines."""
    def items(page, section):
        found = {}
        for number, line in section_lines(page, section):
            match = re.match(pattern, line)
            if match:
                found.setdefault(" ".join(match.groups()), number)
        return found
    return items


def event_items(page, section):
    """`peer KEPT id name ...`, as a row of the table becomes it."""
    found, words, at, is_fields = {}, [], 0, False
    for number, line in [*section_lines(page, section), (0, ".It end")]:
        if line.startswith(".It "):
            if is_fields:
                found[" ".join(words)] = at
            words, at, is_fields = [line.split()[-1], "REPLY"], number, False
        if line == "Kept.":
            words[1] = "KEPT"
        if is_fields and line.startswith(".Va "):
            words += [w for w in line.split()[1:] if w not in ",."]
        is_fields = is_fields or line == "Fields:"
    return found


CHECKS = [
    # page, section, header, table, what a row becomes, what reads the items
    ("p2pmsg.1", "COMMANDS", "core/command_def.h", "COMMAND_TABLE(ROW)",
     "#define ROW(N, n, flags, help) @ n", items_by(r"\.It Ic (\S+)")),
    ("p2pmsg.1", "EVENTS", "core/event_def.h", "EVENT_TABLE(ROW)",
     "#define FIELD(n, type) n\n"
     "#define ROW(N, n, keep) @ n keep EVENT_FIELDS_##N(FIELD)", event_items),
    ("p2pmsg.conf.5", "OPTIONS", "base/option_def.h", "OPTION_TABLE(ROW)",
     "#define ROW(n, ...) @ n", items_by(r"\.It Cm (\S+)")),
    ("p2pmsg-protocol.7", "MESSAGES", "wire/msg_def.h", "MSG_TABLE(ROW)",
     "#define ROW(N, n, number, ...) @ number N", items_by(NUMBERED)),
    ("p2pmsg-protocol.7", "CODES", "wire/proto.h", "CODE_TABLE(ROW)",
     "#define ROW(N, number, text) @ number N", items_by(NUMBERED)),
]


def table_rows(header, table, row):
    source = f'#include "{header}"\n{row}\n{table}\n'
    argv = os.environ.get("CC", "gcc").split() + ["-E", "-P", "-Iinclude", "-xc", "-"]
    out = subprocess.run(argv, input=source, capture_output=True, text=True, check=True)
    return {" ".join(r.split()) for r in re.findall(r"@ ([^@\n]*)", out.stdout)}


def main():
    failures = 0
    for name, section, header, table, row, read in CHECKS:
        page = Path("man") / name
        if not page.exists():
            print(f"{page}: is not there")
            failures += 1
            continue
        rows = table_rows(header, table, row)
        items = read(page, section)
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
