#!/usr/bin/python3
"""functions: how long the functions and files of src are, by universal-ctags.

Fails when the median is over 15 lines or one in ten is over 40; names the functions
over 60 lines and the files over 600, which usually hold two secrets.
"""
import json
import subprocess
import sys
from pathlib import Path

MEDIAN, NINE_IN_TEN, LONG, FILE_LINES = 15, 40, 60, 600


def functions(files):
    argv = ["ctags", "--output-format=json", "--languages=C", "--kinds-C=f",
            "--fields=+ne", "-f", "-", "-L", "-"]
    out = subprocess.run(argv, input="\n".join(files), capture_output=True, text=True,
                         check=True).stdout
    for tag in map(json.loads, out.splitlines()):
        if "end" in tag:
            yield tag["end"] - tag["line"] + 1, tag["path"], tag["line"], tag["name"]


def main():
    files = sorted(str(f) for f in Path("src").glob("*/*.[ch]"))
    lengths = sorted(functions(files))
    if not lengths:
        print("no functions")
        return 0
    for lines, path, line, name in lengths:
        if lines > LONG:
            print(f"{path}:{line}: {name} has {lines} lines")
    for path in files + sorted(str(f) for f in Path("include").glob("*/*.h")):
        lines = len(Path(path).read_text().splitlines())
        if lines > FILE_LINES:
            print(f"{path}: {lines} lines")
    median = lengths[len(lengths) // 2][0]
    ninth = lengths[len(lengths) * 9 // 10][0]
    print(f"{len(lengths)} functions in {len(files)} files: median {median} lines"
          f" (at most {MEDIAN}), nine in ten within {ninth} (at most {NINE_IN_TEN}),"
          f" longest {lengths[-1][0]}")
    return 0 if median <= MEDIAN and ninth <= NINE_IN_TEN else 1


if __name__ == "__main__":
    sys.exit(main())
