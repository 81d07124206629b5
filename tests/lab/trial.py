"""trial: runs the functions of a test file, each in a lab of its own.

    @trial(limit=90)
    def D1_spoofed_txt(lab): ...

    if __name__ == "__main__":
        main()

Prints `ok NAME`, `not ok NAME why` or `skip NAME why`, and lines with # for the
reader; the exit status is 1 when one failed. Words on the command line choose by
part of the name. P2PMSG_LAB_JOBS labs run at the same time; P2PMSG_LAB_KEEP=1
keeps the folders.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import lab as lab_module
from lab import Failed, Lab, SOAK, Skip

PR_SET_PDEATHSIG = 1
SLACK_S = 60  # for making and ending a lab
trials = {}


def trial(limit=90, soak_limit=None, binary=True):
    """limit: seconds after which it hangs."""
    def note(fn):
        trials[fn.__name__] = (fn, soak_limit if SOAK and soak_limit else limit, binary)
        return fn
    return note


# ---- inside the namespaces ----


def report(word, name, why=""):
    print(f"{word} {name} {' '.join(str(why).split())}".rstrip(), flush=True)


def tell(the_lab):
    """What a failure left behind, for the reader."""
    for note in the_lab.notes[-40:]:
        print(f"#   {note}")
    for host in the_lab.hosts:
        for name in sorted(os.listdir(host.dir)):
            if name.endswith(".log"):
                with open(os.path.join(host.dir, name), encoding="utf-8",
                          errors="replace") as f:
                    lines = f.read().splitlines()[-25:]
                print(f"#   ---- {host.name}/{name}")
                print("\n".join(f"#   {line}" for line in lines))
    sys.stdout.flush()


def watch(the_lab, name, limit):
    """The end of this process is the end of everything in the lab."""
    def hang():
        tell(the_lab)
        report("not ok", name, f"hangs: {limit} s passed, waiting for "
                               f"{the_lab.waiting_for}")
        os._exit(1)
    timer = threading.Timer(limit, hang)
    timer.daemon = True
    timer.start()


def attempt(fn, the_lab):
    try:
        fn(the_lab)
        the_lab.close()
        return "ok", ""
    except Skip as e:
        return "skip", e
    except (Failed, AssertionError, subprocess.TimeoutExpired) as e:
        return "not ok", f"{type(e).__name__}: {e}"
    except Exception:  # a fault of the trial itself
        return "not ok", traceback.format_exc()[-600:]


def inside(name, folder):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    fn, limit, _ = trials[name]
    the_lab = Lab(folder, seed=1, is_root=os.environ["P2PMSG_LAB_ROOT"] == "1")
    watch(the_lab, name, limit)
    word, why = attempt(fn, the_lab)
    if word == "not ok":
        tell(the_lab)
        try:
            the_lab.close()
        except (Failed, OSError, subprocess.SubprocessError):
            pass
    report(word, name, why)
    sys.stdout.flush()
    os._exit(1 if word == "not ok" else 0)


# ---- outside ----


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def short_folder():
    """The path of a control socket has 107 bytes at most."""
    usual = tempfile.gettempdir()
    return usual if len(usual) < 50 else "/tmp"


class Run:
    """One trial on its way."""

    def __init__(self, name):
        self.name = name
        self.limit = trials[name][1] + SLACK_S
        self.folder = tempfile.mkdtemp(prefix="lab-", dir=short_folder())
        self.began = time.monotonic()
        with open(self.folder + "/report", "wb") as out:
            self.process = subprocess.Popen(
                [*lab_module.unshare_command(), sys.executable, "-B", sys.argv[0],
                 "--in-lab", name, self.folder],
                env={**os.environ, "PATH": lab_module.path(),
                     "P2PMSG_LAB_ROOT": "1" if os.geteuid() == 0 else "0"},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=die_with_parent)

    def is_over(self):
        if time.monotonic() - self.began > self.limit:
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def end(self):
        """Prints what it said; true when it did not fail."""
        with open(self.folder + "/report", encoding="utf-8", errors="replace") as f:
            text = f.read()
        sys.stdout.write(text)
        words = ("ok ", "not ok ", "skip ")
        last = [line for line in text.splitlines() if line.startswith(words)]
        if not last:
            report("not ok", self.name, "ended without a word")
        print(f"# {self.name}: {time.monotonic() - self.began:.1f} s", flush=True)
        if os.environ.get("P2PMSG_LAB_KEEP") == "1":
            print(f"# {self.name}: kept in {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return bool(last) and not last[-1].startswith("not ok")


def run_all(names, jobs):
    waiting, running, good = list(names), [], True
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Run(waiting.pop(0)))
            for run in [r for r in running if r.is_over()]:
                running.remove(run)
                good = run.end() and good
            time.sleep(0.05)
    finally:
        for run in running:
            run.process.kill()
            run.process.wait()
            shutil.rmtree(run.folder, ignore_errors=True)
    return good


def main():
    if sys.argv[1:2] == ["--in-lab"]:
        inside(*sys.argv[2:4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    words = sys.argv[1:]
    names = [n for n in trials if not words or any(w in n for w in words)]
    import node
    why = lab_module.why_not()
    lacks_binary = not os.access(node.BIN, os.X_OK)
    if why:
        for name in names:
            report("skip", name, why)
        return
    good = True
    for name in [n for n in names if lacks_binary and trials[n][2]]:
        report("not ok", name, f"there is no {node.BIN}: run make first, or set "
                               "P2PMSG_BIN")
        names.remove(name)
        good = False
    jobs = int(os.environ.get("P2PMSG_LAB_JOBS", str((os.cpu_count() or 1) + 1)))
    good = run_all(names, jobs) and good
    sys.exit(0 if good else 1)
