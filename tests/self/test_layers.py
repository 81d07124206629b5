#!/usr/bin/python3
"""The layer check, on small trees: each kind of wrong include is found, by its line."""
import subprocess
import sys
import tempfile
from pathlib import Path

LAYERS = Path(__file__).resolve().parent.parent / "lint" / "layers.py"

SOUND = {
    "include/base/map.h": "#include <stddef.h>\n",
    "include/base/text.h": '#include "base/map.h"\n',
    "src/base/map.c": '#include "base/map.h"\n#include <sodium.h>\n',
    "include/net/loop.h": '#include "base/map.h"\n',
    "src/net/loop.c": '#include "net/loop.h"\n#include <uv.h>\n#include <sys/socket.h>\n',
    "src/net/conn.h": "\n",
    "include/core/front.h": "\n",
    "include/core/core.h": '#include "net/loop.h"\n',
    "src/ui/line.c": '#include "core/front.h"\n',
    "src/cli/main.c": '#include "core/core.h"\n',
}
# name: (file, its text, what is said)
TRIALS = {
    "upward": ("src/base/list.c", '\n#include "net/loop.h"\n',
               "src/base/list.c:2: base may not include net"),
    "upward_from_a_header": ("include/base/list.h", '#include "core/core.h"\n',
                             "include/base/list.h:1: base may not include core"),
    "private_of_another_layer": ("src/core/core.c", '#include "net/conn.h"\n',
                                 "src/core/core.c:1: net/conn.h is private to net"),
    "private_in_a_public_header": ("include/net/listen.h", '#include "net/conn.h"\n',
                                   "which is private"),
    "library_outside_its_place": ("src/core/core.c", "#include <uv.h>\n",
                                  "src/core/core.c:1: <uv.h> belongs to src/net/ only"),
    "library_type_in_a_public_header": ("include/net/x.h", "#include <uv.h>\n",
                                        "include/net/x.h:1: <uv.h>"),
    "unknown_library": ("src/net/x.c", "#include <zlib.h>\n", "<zlib.h> is not known"),
    "ui_sees_too_much": ("src/ui/tui.c", '#include "core/core.h"\n',
                         "src/ui/tui.c:1: ui may include of core only"),
    "no_layer": ("src/net/x.c", '#include "loop.h"\n', "does not begin with a layer"),
    "missing": ("src/net/x.c", '#include "net/no.h"\n', "does not exist"),
    "new_layer": ("src/extra/x.c", "\n", "extra is not in the table"),
    "cycle": ("include/base/map.h", '#include "base/text.h"\n', "include cycle of 2"),
}


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([LAYERS, root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    failed = 0

    def tell(name, holds, output):
        nonlocal failed
        failed += not holds
        print(f"ok {name}" if holds else f"{output}not ok {name}")

    status, output = check(SOUND)
    tell("sound", status == 0 and "no include cycle" in output, output)
    for name, (file, text, said) in TRIALS.items():
        status, output = check(dict(SOUND, **{file: text}))
        tell(name, status == 1 and said in output, output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
