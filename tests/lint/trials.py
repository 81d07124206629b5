#!/usr/bin/python3
"""trials: hold CONTRIBUTING's list of trials against the tests that stage them.

A test of trial A5 is a function whose name begins with A5_. A row of the list is

  | A5 | what is tried | `folder/test_x`, `folder/test_y` |
"""
import re
import sys
from pathlib import Path

DOCUMENT = Path("CONTRIBUTING.md")
TEST = re.compile(r"^(?:static void|def) ([A-Z]\d+)_\w+\(", re.MULTILINE)
ROW = re.compile(r"^\| ([A-Z]\d+) \| .* \| (.*) \|$", re.MULTILINE)


def staged():
    """(trial, program) pairs, as the tests have them."""
    tests = Path("tests")
    for path in [*tests.glob("*/test_*.[cp]*"), *tests.glob("*/run_*.py")]:
        name = path.relative_to(tests).with_suffix("").as_posix()
        yield from ((trial, name) for trial in TEST.findall(path.read_text()))


def listed():
    for trial, programs in ROW.findall(DOCUMENT.read_text()):
        yield from ((trial, name) for name in re.findall(r"`([^`]+)`", programs))


def main():
    have, want = set(listed()), set(staged())
    for trial, name in sorted(want - have):
        print(f"{DOCUMENT}: Trials lacks `{name}` in the row of {trial}")
    for trial, name in sorted(have - want):
        print(f"{DOCUMENT}: Trials names `{name}` for {trial}, which has no such test")
    trials = {trial for trial, _ in want}
    print(f"{len(trials)} trials in {len({name for _, name in want})} programs")
    return 1 if have != want else 0


if __name__ == "__main__":
    sys.exit(main())
