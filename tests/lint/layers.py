#!/usr/bin/python3
"""layers: hold the table of layers (CONTRIBUTING.md) against every #include.

    layers.py [ROOT]

Fails with file:line when a layer includes one it may not, a private header of another
layer, or a library outside its place, and when headers include each other in a circle.
Modules (a header together with its .c) that need each other are named, without failing:
parts of one thing, or a border in the wrong place.
"""
import re
import sys
from pathlib import Path

BELOW = {
    "base": "",
    "crypto": "base",
    "wire": "base crypto",
    "store": "base crypto wire",
    "files": "base crypto wire",
    "net": "base crypto wire",
    "discovery": "base net",
    "core": "base crypto wire store files net discovery",
    "rendezvous": "base crypto wire store files net discovery core",
    "ui": "base net core",
    "cli": "base crypto wire store files net discovery core rendezvous ui",
}
# Front ends see commands, replies and events of core, nothing else.
UI_SEES_OF_CORE = {"core/front.h", "core/command_def.h", "core/event_def.h"}

# An outside library, by its headers, and where it may be included.
LIBRARIES = [
    (r"sodium\.h|sodium/", r"(include|src)/(base|crypto)/"),
    (r"openssl/", r"src/crypto/bulkseal\.c"),
    (r"utf8proc\.h|pthread\.h", r"src/base/"),
    (r"msgpack\.h|msgpack/", r"src/wire/"),
    (r"sqlite3\.h", r"src/store/sqlite\w*\.[ch]"),
    (r"libpq-fe\.h", r"src/store/postgres\w*\.[ch]"),
    (r"uv\.h|uv/", r"src/net/"),
    (r"avahi-(common|client|core)/", r"src/discovery/"),
    (r"(ncursesw/)?(curses|term|termcap)\.h", r"src/ui/"),
    (r"jansson\.h|qrencode\.h", r"src/ui/"),
]
# Not a library: C, POSIX and Linux.
SYSTEM = re.compile(
    r"(sys|net|netinet|arpa|linux)/\w+\.h"
    r"|(assert|ctype|errno|float|inttypes|limits|locale|math|setjmp|signal|stdalign|"
    r"stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|time|wchar|"
    r"wctype|dirent|dlfcn|endian|fcntl|fnmatch|getopt|glob|grp|ifaddrs|langinfo|libgen|"
    r"mqueue|netdb|nl_types|poll|pty|pwd|regex|sched|semaphore|spawn|strings|sysexits|"
    r"syslog|termios|threads|ucontext|unistd|utime|utmp)\.h")
INCLUDE = re.compile(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")


def wrong(root, file, bracket, name):
    """Why this file may not include that, or None. bracket is < or a quote."""
    path = file.as_posix()
    layer = file.parts[1]
    if bracket == "<":
        for headers, places in LIBRARIES:
            if re.match(headers, name):
                allowed = re.match(places, path)
                return None if allowed else f"<{name}> belongs to {places} only"
        return None if SYSTEM.fullmatch(name) else f"<{name}> is not known to tests/lint/layers.py"
    other = name.split("/")[0]
    public = (root / "include" / name).exists()
    if other not in BELOW or "/" not in name:
        return f'"{name}" does not begin with a layer'
    if not public and not (root / "src" / name).exists():
        return f'"{name}" does not exist'
    if other != layer and other not in BELOW[layer].split():
        return f"{layer} may not include {other}: {name}"
    if other != layer and not public:
        return f"{name} is private to {other}"
    if file.parts[0] == "include" and not public:
        return f"a public header includes {name}, which is private"
    if layer == "ui" and other == "core" and name not in UI_SEES_OF_CORE:
        return f"ui may include of core only {', '.join(sorted(UI_SEES_OF_CORE))}"
    return None


def circles(graph):
    """Sets of modules that reach each other (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(stack[at:])
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [sorted(members) for members in found if len(members) > 1]


def tell_circles(what, graph, where):
    found = circles(graph)
    for members in found:
        print(f"{what} of {len(members)}: {' '.join(members)}")
        for node in members:
            for other in sorted(graph[node] & set(members)) if where else ():
                print(f"{where[node, other]}: {node} includes {other}")
    return len(found)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    failures, includes, headers, modules, where = 0, 0, {}, {}, {}
    files = sorted(f for top in ("include", "src") for f in (root / top).glob("*/*.[ch]"))
    for file in (f.relative_to(root) for f in files):
        if file.parts[1] not in BELOW:
            print(f"{file}:1: {file.parts[1]} is not in the table of layers")
            failures += 1
            continue
        header = f"{file.parts[1]}/{file.name}"
        for number, line in enumerate((root / file).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            includes += 1
            why = wrong(root, file, *match.groups())
            if why:
                print(f"{file}:{number}: {why}")
                failures += 1
            if match[1] == "<":
                continue
            headers.setdefault(header, set()).add(match[2])
            where[header, match[2]] = f"{file}:{number}"
            if header[:-2] != match[2][:-2]:
                modules.setdefault(header[:-2], set()).add(match[2][:-2])
    print(f"{len(files)} files, {includes} includes, {failures} against the layers")
    tell_circles("modules that need each other", modules, None)
    rounds = tell_circles("include cycle", headers, where)
    if not rounds:
        print("no include cycle")
    return 1 if failures or rounds else 0


if __name__ == "__main__":
    sys.exit(main())
