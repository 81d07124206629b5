#!/usr/bin/python3
"""The runner itself, on a project of fake programs: every way to fail is counted."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RUN = Path(__file__).resolve().parent.parent / "run"

CMOCKA = """echo "[==========] Running {n} test(s)."
{body}
echo "[==========] {n} test(s) run."
"""
OK = 'echo "[ RUN      ] good"; echo "[       OK ] good"'
FAILED = 'echo "[ RUN      ] bad"; echo "why it is bad"; echo "[  FAILED  ] bad"'
SKIPPED = 'echo "[ RUN      ] away"; echo "skip: no such thing"; echo "[  SKIPPED ] away"'


def cmocka(*bodies, n=None):
    return CMOCKA.format(n=len(bodies) if n is None else n, body="\n".join(bodies))


# name of the trial: (kind of program, shell script, counts, what the output holds)
TRIALS = {
    "passes": ("unit", cmocka(OK, OK), (2, 0, 0), ""),
    "shows_a_failure": ("unit", cmocka(OK, FAILED) + "exit 1", (1, 1, 0), "| why it is bad"),
    "lists_a_skip": ("unit", cmocka(OK, SKIPPED), (1, 0, 1), "away: no such thing"),
    "summary_is_not_counted_twice": (
        "unit", cmocka(FAILED) + 'echo "[  FAILED  ] bad"; exit 1', (0, 1, 0), ""),
    "group_setup": (
        "unit", 'echo "[==========] Running 2 test(s)."; echo "[  FAILED  ] GROUP SETUP";'
        'echo "[==========] 0 test(s) run."; exit 1', (0, 1, 0), "GROUP SETUP"),
    "crash": ("unit", 'echo "[==========] Running 2 test(s)."; echo "[ RUN      ] dies";'
              "kill -SEGV $$", (0, 1, 0), "killed by SIGSEGV, ended inside dies"),
    "status_without_failure": ("unit", cmocka(OK) + "exit 7", (1, 1, 0), "exit status 7"),
    "tests_that_were_not_run": ("unit", cmocka(OK, n=3), (1, 1, 0), "1 of 3 tests"),
    "silence": ("unit", "echo hello", (0, 1, 0), "reported no test"),
    "empty_group": ("unit", cmocka(n=0), (0, 1, 0), "reported no test"),
    "not_built": ("unit", None, (0, 1, 0), "not built"),
    "too_slow": ("unit", OK + "; sleep 60", (0, 1, 0), "took longer than 2 s"),
    "leaves_a_process": ("unit", cmocka(OK) + "sleep 60 &", (1, 1, 0), "left 1 processes"),
    "replay": ("fuzz", 'echo "3 inputs"', (1, 0, 0), ""),
    "replay_of_nothing": ("fuzz", 'echo "0 inputs"', (0, 1, 0), "there is no corpus"),
    "replay_crashes": ("fuzz", "echo corpus/x; kill -ABRT $$", (0, 1, 0), "| corpus/x"),
    "script": ("e2e", 'echo "ok A"; echo "skip B no network"; echo noise', (1, 0, 1), "B: no"),
    "script_fails": ("e2e", 'echo "seen"; echo "not ok A 1 != 2"; exit 1', (0, 1, 0), "| seen"),
    "script_dies": ("e2e", 'echo "ok A"; exit 3', (1, 1, 0), "exit status 3"),
    "home_is_a_temporary_one": (
        "e2e", '[ "$HOME" != "$OUTER" ] && [ -d "$TMPDIR" ] && [ -d "$XDG_RUNTIME_DIR" ] &&'
        'case $XDG_DATA_HOME in "$HOME"/*) echo "ok A";; esac', (1, 0, 0), ""),
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def run_one(kind, script):
    root = Path(tempfile.mkdtemp())
    (root / "tests").mkdir()
    shutil.copy(RUN, root / "tests" / "run")
    if kind == "e2e":
        write(root / "tests" / "e2e" / "fake", "#!/bin/sh\n" + script)
    else:
        name = "test_fake" if kind == "unit" else "fuzz_fake"
        write(root / "tests" / kind / f"{name}.c", "")
        if script is not None:
            write(root / "build" / "tests" / kind / name, "#!/bin/sh\n" + script)
    env = dict(os.environ, OUTER=os.environ.get("HOME", "/nowhere"))
    done = subprocess.run([root / "tests" / "run", "--build", "build", "--limit", "2"],
                          capture_output=True, text=True, env=env)
    shutil.rmtree(root)
    return done


def main():
    failed = 0
    for name, (kind, script, counts, holds) in TRIALS.items():
        done = run_one(kind, script)
        last = "{} passed, {} failed, {} skipped".format(*counts)
        if (done.stdout.splitlines()[-1:] == [last] and holds in done.stdout
                and done.returncode == (1 if counts[1] else 0)):
            print(f"ok {name}")
        else:
            failed += 1
            print(f"{done.stdout}{done.stderr}status {done.returncode}")
            print(f"not ok {name} expected '{last}' and '{holds}'")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
