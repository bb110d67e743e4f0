"""Run every lesson as a Colab user would, on this machine: `python tools/colab.py`.

A kernel with Colab's versions starts in an empty folder, and the lesson's own setup cell clones the
course: git is told to fetch this working tree in place of the course's address, and no other
address can be reached. Prints one line for each lesson; the exit status is 1 if one failed.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell
from outputs import differences

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "tests/colab/requirements.txt"
ENVIRONMENT = ROOT / ".venv-colab"
ON_PATH = [ROOT / "tests/colab/stub", ROOT / "tests/offline"]
FRONT_END = {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"}

# Run after the lesson, in its kernel: where the library came from, and the most memory in use.
PROBE = """
import json, sys, aigc_lib
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
except ImportError:
    import psutil
    peak = psutil.Process().memory_info().peak_wset
print(json.dumps({"library": aigc_lib.__file__, "peak": peak}))
"""


def address() -> str:
    """Return the address that the lessons clone the course from."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["urls"]["Source"]


def clean_environ() -> dict[str, str]:
    """Return the environment variables less those that steer git, Python or Jupyter."""
    steering = ("GIT_", "PYTHON", "JUPYTER", "IPYTHON", "MPLBACKEND", "VIRTUAL_ENV")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def install() -> Path:
    """Return Colab's Python, after installing Colab's versions where the list is new."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = ENVIRONMENT / "installed.txt", REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print("Installing Colab's versions, once, into", ENVIRONMENT.name, flush=True)
        pip = [python, "-m", "pip", "--quiet"]
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        subprocess.run([*pip, "install", "--requirement", REQUIREMENTS], check=True)
        subprocess.run([*pip, "check"], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def installed(python: Path) -> set[str]:
    """Return every package of Colab's Python, with its version."""
    command = [python, "-m", "pip", "freeze", "--all"]
    return set(subprocess.check_output(command, env=clean_environ(), text=True).splitlines())


def serve(folder: Path) -> str:
    """Commit the working tree to a new repository in `folder` and return its address.

    Served is what is tested: each file that git does not ignore, committed or not. The checkout's
    own index and history are not touched.
    """

    def git(*arguments):
        identity = ["-c", "user.name=aigc", "-c", "user.email=aigc@localhost"]
        place = [f"--git-dir={folder}", f"--work-tree={ROOT}"]
        command = ["git", *identity, *place, *arguments]
        subprocess.run(command, cwd=ROOT, env=clean_environ(), check=True)

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message=The working tree")
    return folder.as_uri()


def colab_environ(python: Path, served: str, folder: Path) -> dict[str, str]:
    """Return what the kernel finds in its environment, with `served` in place of the course."""
    environ = clean_environ()
    return environ | {
        "COLAB_RELEASE_TAG": "ci",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{served}.insteadOf",
        "GIT_CONFIG_VALUE_0": address(),
        "IPYTHONDIR": str(folder / "ipython"),
        "PATH": os.pathsep.join([str(python.parent), environ["PATH"]]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns of Python's own modules
        "PYTHONPATH": os.pathsep.join(map(str, ON_PATH)),
        # ipywidgets 7 only warns of an argument that a later version knows, and the lesson would
        # look different from what was tested.
        "PYTHONWARNINGS": "error:Passing unrecognized arguments to super:DeprecationWarning",
    }


class ColabKernel(AsyncKernelManager):
    """A kernel of Colab's Python, which loads `google.colab` as it starts, as Colab's own does."""

    python: Path

    @property
    def kernel_spec(self) -> KernelSpec:
        launch = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=[*launch, "--IPKernelApp.extensions=google.colab"])


def visit(saved, folder: Path):
    """Return the cells of `saved`, then the setup cell twice more, once from another folder."""
    setup = next(cell.source for cell in saved.cells if cell.cell_type == "code")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    leave = f"import os\nos.chdir({str(elsewhere)!r})"
    visited = copy.deepcopy(saved)
    visited.cells += [new_code_cell(source) for source in (setup, leave, setup, PROBE)]
    return visited


def stop(error: Exception, number: int, saved) -> str:
    """Return, in one line, where and why a run stopped before its end."""
    reason = str(error)
    if isinstance(error, CellExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    where = f"cell {number}" if number <= len(saved.cells) else "the setup cell, run again"
    return f"{where}: {reason.strip().splitlines()[0]}"


def foreign(models: dict) -> list[str]:
    """Return each kind of widget that Colab's front end, ipywidgets 7, does not know."""
    names = {
        f"{model['_model_module']} {model['_model_module_version']} {model['_model_name']}"
        for model in models.values()
        if model["_model_module"] not in FRONT_END or model["_model_module_version"][0] != "1"
    }
    return [f"the widget {name} is not in ipywidgets 7" for name in sorted(names)]


def run(lesson: Path, python: Path, served: str, folder: Path) -> tuple[list[str], float]:
    """Run `lesson` in an empty folder below `folder`; return its faults and peak bytes."""
    saved = nbformat.read(lesson, as_version=4)
    content, before = folder / "content", installed(python)
    content.mkdir(parents=True)
    ran = visit(saved, folder)
    kernel = ColabKernel()
    kernel.python = python
    started = []
    client = NotebookClient(
        ran,
        km=kernel,
        timeout=600,
        on_cell_start=lambda cell, cell_index: started.append(cell_index),
    )
    try:
        client.execute(cwd=content, env=colab_environ(python, served, folder))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return [stop(error, started[-1] + 1, saved)], float("nan")
    probe = json.loads(ran.cells[-1].outputs[0].text)
    faults = differences(saved, ran) + foreign(client.widget_state)
    if content.resolve() / address().split("/")[-1] not in Path(probe["library"]).resolve().parents:
        faults.append(f"aigc_lib came from {probe['library']}, not from the clone")
    if changed := sorted(installed(python) ^ before):
        faults.append(f"installed packages changed: {', '.join(changed)}")
    return faults, probe["peak"]


def main() -> int | str:
    """Run every lesson; return the exit status, or what to do where none could be run."""
    try:
        python = install()
    except subprocess.CalledProcessError:
        return "Colab's versions are not installed: mend what pip says above, then run this again."
    failed = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        served = serve(Path(name) / "served.git")
        for lesson in sorted((ROOT / "notebooks").glob("*.ipynb")):
            start = time.monotonic()
            faults, peak = run(lesson, python, served, Path(name) / lesson.stem)
            seconds = time.monotonic() - start
            verdict = "; ".join(faults) or "ok"
            print(f"{lesson.stem:20} {seconds:5.0f} s {peak / 1e6:6.0f} MB  {verdict}", flush=True)
            failed |= bool(faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
