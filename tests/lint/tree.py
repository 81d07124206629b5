#!/usr/bin/python3
"""tree: what every file of the repository must keep to.

No trailing blanks, a newline at the end, no path of somebody's machine; README's FILES
list names every top-level file and folder, CONTRIBUTING's map every folder of src. New
files count before they are committed. Corpora and pictures are left alone.
"""
import re
import subprocess
import sys
from pathlib import Path

RAW = re.compile(r"tests/fuzz/corpus/|.*\.(png|bin|json|lock)$")
# Written so that this line does not match itself.
MACHINE = re.compile(r"/(wor[k]|far[m]|roo[t]|workspac[e])/[a-z.]|/hom[e]/(?!ada|bob|user)")
# Each document, once it exists, names each of these.
MAPS = [("README.md", "*"), ("CONTRIBUTING.md", "src/*")]


def repository():
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], capture_output=True, check=True).stdout
    return [f for f in out.decode().split("\0") if f and Path(f).is_file()]


def check_text(path):
    lines = Path(path).read_bytes().decode(errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end of the line"
        if MACHINE.search(line):
            yield f"{path}:{number}: names a path of a machine: {line.strip()}"
    if lines[-1]:
        yield f"{path}:{len(lines)}: no newline at the end"
    if len(lines) > 2 and not lines[-2]:
        yield f"{path}:{len(lines) - 1}: an empty line at the end"


def check_map(document, pattern, files):
    if not Path(document).exists():
        print(f"{document}: not there yet")
        return
    text = Path(document).read_text()
    depth = pattern.count("/") + 1
    names = {"/".join(f.split("/")[:depth]) for f in files
             if Path(f).match(pattern) or (depth == 1 or f.startswith("src/"))}
    for name in sorted(names - {document}):
        stem = name.split("/")[-1]
        if not re.search(rf"(?<![\w.]){re.escape(stem)}(?!\w)", text):
            yield f"{document}: does not say what {name} is"


def main():
    files = repository()
    found = [f for path in files if not RAW.match(path) for f in check_text(path)]
    for document, pattern in MAPS:
        found += check_map(document, pattern, files)
    print("\n".join(found + [f"{len(files)} files, {len(found)} faults"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
