"""Make `.venv` and install the course in it: `python tools/install.py lab`, or `test`.

Only the syntax of Python 3.6 is used, so that a Python that is too old can say so itself.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.txt"
OLDEST = (3, 11)

# Measured for the extra `test`: 1.9 GB installed and 0.4 GB of downloads beside it; with CUDA 5.9
# and 3.0 GB. The rest is room to work.
NEEDED_GB = {"cpu": 3, "cuda": 10}


def check_python() -> None:
    """Stop unless this Python is new enough and can make environments."""
    version = ".".join(map(str, sys.version_info[:2]))
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        sys.exit(f"Python {version} is too old: install {oldest} or newer, then do this again.")
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        sys.exit(
            f"Python {version} has no venv module: install it (on Debian and Ubuntu: "
            f"apt install python{version}-venv), then do this again."
        )


def check_disk(build: str) -> None:
    """Stop if the environment with this build of PyTorch, less what is there already, won't fit."""
    there = sum(path.stat().st_size for path in VENV.rglob("*") if path.is_file())
    free = shutil.disk_usage(str(ROOT)).free
    if (there + free) / 1e9 < NEEDED_GB[build]:
        hint = ", or take its CPU build (see README.md)" if build == "cuda" else ""
        sys.exit(
            f"Too little disk: the course with PyTorch's {build.upper()} build needs "
            f"{NEEDED_GB[build]} GB and {ROOT} has {free / 1e9:.1f} GB free: make room{hint}, "
            "then do this again."
        )


def run(*command, **options) -> str:
    """Run `command` and return its output if it is asked for; stop in one line if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stderr=PIPE, text=True, errors="replace", **options)
    if done.returncode:
        sys.exit(reason(done.stderr + (done.stdout or "")))
    return done.stdout


def reason(log: str) -> str:
    """Return the one line that says why an installation failed and what to do."""
    if "No space left on device" in log:
        return "The disk is full: make room (see README.md), then do this again."
    if re.search("CertVerif|CERTIFICATE_VERIFY", log):
        return (
            "pip does not trust its package index's certificate: a proxy may stand between; "
            "set PIP_CERT to your school's certificate file, then do this again."
        )
    if re.search("Retrying|Connection|Timeout|IncompleteRead", log):
        return "pip cannot reach its package index: connect to the network, then do this again."
    errors = [line for line in log.splitlines() if "error" in line.lower()] or log.splitlines()
    return f"The installation failed; the last error was: {errors[-1] if errors else 'none given'}"


def pip(*arguments, **options) -> str:
    """Run the environment's pip, held to the versions in constraints.txt."""
    constraints = ROOT / "constraints.txt"
    return run(PYTHON, "-m", "pip", *arguments, "--constraint", constraints, **options)


def torch_build() -> str:
    """Return which build of PyTorch pip would install: "cuda" or "cpu"."""
    if sys.platform != "linux":
        return "cpu"
    report = pip("install", "-q", "--dry-run", "--no-deps", "--report=-", "torch", stdout=PIPE)
    versions = [package["metadata"]["version"] for package in json.loads(report)["install"]]
    return "cpu" if all("+cpu" in version for version in versions) else "cuda"


def works() -> bool:
    """Return whether `.venv` has a Python that is new enough and has pip."""
    code = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return PYTHON.exists() and not subprocess.call([str(PYTHON), "-c", code], stderr=DEVNULL)


def stamp(extra: str) -> str:
    """Return what `.venv/installed.txt` says once `extra` is installed as the files ask for now."""
    files = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return f"{extra} {hashlib.sha256(b''.join([str(ROOT).encode(), *files])).hexdigest()}"


def installed(extra: str) -> bool:
    """Return whether `.venv` holds what the files ask for now with `extra`; test contains lab."""
    return STAMP.exists() and STAMP.read_text() in (stamp(extra), stamp("test"))


def install(extra: str) -> None:
    """Make `.venv` and install the course with `extra`, unless that is done already."""
    check_python()
    if installed(extra) and works():
        return
    print(f"Installing the course in {VENV}; the first time takes some minutes.", flush=True)
    check_disk("cpu")
    if not works():
        run(sys.executable, "-m", "venv", "--clear", VENV, stdout=PIPE)
    pip("install", "-q", "--upgrade", "pip")
    check_disk(torch_build())
    pip("install", "--editable", f"{ROOT}[{extra}]")
    STAMP.write_text(stamp(extra))  # last, so that an interrupted installation is taken up again


def prepare_lab() -> None:
    """Copy each lesson to `work/`, where the student's copy is kept; turn JupyterLab's news off."""
    work = ROOT / "work"
    work.mkdir(exist_ok=True)
    for lesson in (ROOT / "notebooks").glob("*.ipynb"):
        if not (work / lesson.name).exists():
            shutil.copy(lesson, work)
    settings = VENV / "etc/jupyter/labconfig/page_config.json"
    if not settings.exists():
        news = "@jupyterlab/apputils-extension:announcements"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"disabledExtensions": {news: True}}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extra", choices=["lab", "test"])
    try:
        extra = parser.parse_args().extra
        install(extra)
        if extra == "lab":
            prepare_lab()
    except KeyboardInterrupt:
        sys.exit("Stopped: the same command goes on from here.")
