"""Say whether the course will run here: `python -m aigc_lib.doctor`.

Prints what is found and, under each thing that is wrong, or the last of several that have one cure,
what to do about it; the exit status is 0 if the course will run. Nothing but the standard library
is imported before it is looked at, and only the syntax of Python 3.7 is used, so that the doctor
can speak where much is missing.
"""

import importlib
import os
import re
import runpy
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
WIDTH = 23  # of the column of names
# Where a package is not imported by its own name.
MODULES = {"pillow": "PIL", "scikit-learn": "sklearn"}


def requirements() -> dict:
    """Return the oldest version that will do, by package: the dependencies, and JupyterLab."""
    from importlib import metadata

    try:
        lines = metadata.requires("aigc-course")
    except metadata.PackageNotFoundError:  # a clone that is not installed, as on Colab
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
        lines = project["dependencies"] + project["optional-dependencies"]["lab"]
    wanted = [line for line in lines if not re.search("extra == .(?!lab)", line)]
    found = dict(re.match(r"([\w.-]+)>=([\d.]+)", line).groups() for line in wanted)
    if "COLAB_RELEASE_TAG" in os.environ:  # Colab is a front end of its own
        del found["jupyterlab"]
    return found


def release(version: str) -> tuple:
    """Return the numbers of a version: "2.13.0+cpu" gives (2, 13, 0)."""
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+")[0]))


def python() -> tuple:
    """Return what Python this is, and what to do if it is too old."""
    version = sys.version.split()[0]
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"{version}, too old", f"install Python {oldest} or newer, then run `make lab`"
    return f"{version} ({sys.executable})", None


def repair(arguments: str) -> str:
    """Return how to mend a package: by make, or by pip with `arguments` where make is not used."""
    make = "`make lab` (without make: python tools/install.py lab)"
    if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve():
        if runpy.run_path(str(ROOT / "tools/install.py"))["installed"]("lab"):
            return f"delete .venv, then {make}"
        return f"the installation is not complete: {make} goes on from there"
    if sys.prefix == sys.base_prefix and not {"CONDA_PREFIX", "COLAB_RELEASE_TAG"} & {*os.environ}:
        return make
    return f'"{sys.executable}" -m pip install {arguments}'


def package(name: str, oldest: str) -> tuple:
    """Return which version of a package is here, and what to do if it cannot be used."""
    from importlib import metadata

    wanted = f'"{name}>={oldest}"'
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing", repair(f"--upgrade {wanted}")
    if release(version) < release(oldest):
        return f"{version}, older than {oldest}", repair(f"--upgrade {wanted}")
    try:
        importlib.import_module(MODULES.get(name, name))
    except Exception as error:  # whatever a broken package raises is worth reporting
        text = " ".join(str(error).split())[:200]
        problem = f"{version} cannot be imported ({type(error).__name__}: {text})"
        return problem, repair(f"--force-reinstall {wanted}")
    return version, None


def device() -> tuple:
    """Return the device that the lessons will use, and what to do if that fails."""
    try:
        from aigc_lib.lesson import choose_device
    except Exception:
        return "not known without numpy and torch", None
    try:
        return str(choose_device()), None
    except (RuntimeError, ValueError) as error:
        return str(error), "unset AIGC_DEVICE, and the course takes the fastest device here"


def memory() -> tuple:
    """Return how much memory is free, and what to do if that is too little for a lesson."""
    try:
        import psutil
    except Exception:
        return "not known without psutil", None
    free = psutil.virtual_memory().available / 1e9
    return f"{free:.1f} GB free", None if free >= 1 else "close other programs: a lesson needs 1 GB"


def disk() -> tuple:
    """Return how much disk is free where the course lies, and what to do if that is too little."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    return f"{free:.1f} GB free", None if free >= 1 else f"make room: 1 GB on the disk of {ROOT}"


def datasets() -> dict:
    """Return the state of each data file, and what to do if it is not as it should be."""
    try:
        from aigc_lib import data

        names = data.names()
    except ImportError:
        return {"data": ("not known without numpy", None)}
    except (OSError, ValueError) as error:
        return {"data": (f"no list of files: {error}", "git checkout -- data")}
    return {f"data {name}": dataset(name) for name in names}


def dataset(name: str) -> tuple:
    """Return the state of one data file, and what to do if it is not as it should be."""
    from aigc_lib import data

    try:
        data.verify(name)
    except (data.DataError, OSError) as error:
        problem, _, remedy = str(error).rpartition("; ")
        return problem, remedy
    return "as the course needs it", None


def examine() -> dict:
    """Return the state of everything the course needs, and what to do: name -> (state, remedy)."""
    found = {"python": python()}
    if found["python"][1]:
        return found
    found.update({name: package(name, oldest) for name, oldest in requirements().items()})
    found.update({"device": device(), "memory": memory(), "disk": disk()})
    return {**found, **datasets()}


def main() -> int:
    """Print what `examine` finds; return 0 if the course will run here, else 1."""
    sys.stdout.reconfigure(errors="replace")
    found = examine()
    last = {remedy: name for name, (_, remedy) in found.items()}
    for name, (state, remedy) in found.items():
        print(f"{name:{WIDTH}}{state}")
        if remedy and last[remedy] == name:
            print(f"{'':{WIDTH}}-> {remedy}")
    wrong = [name for name, (_, remedy) in found.items() if remedy]
    print(f"The course will not run yet: {', '.join(wrong)}." if wrong else "The course will run.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
