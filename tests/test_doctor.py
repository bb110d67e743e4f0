"""The doctor: each thing that can be wrong is named, with what to do about it."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from importlib import metadata, util
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import transformers  # noqa: F401  (it reads versions when first imported, so not faked ones)

from aigc_lib import data, doctor

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "ipywidgets",
    "jupyterlab",
    "matplotlib",
    "numpy",
    "pillow",
    "psutil",
    "regex",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "tqdm",
    "transformers",
}
PYTHON = sys.executable
DATA = {f"data {name}" for name in data.names()}


@pytest.fixture(autouse=True)
def healthy(monkeypatch):
    """A machine on which nothing is wrong but what a test breaks."""
    monkeypatch.delenv("AIGC_DEVICE", raising=False)
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2e9))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2e9))
    monkeypatch.setattr(sys, "prefix", "an environment")
    monkeypatch.setattr(sys, "executable", "/a [new] folder/python")


def without_torch(name: str) -> str:
    """Answer for importlib.metadata.version on a machine without PyTorch."""
    if name == "torch":
        raise metadata.PackageNotFoundError(name)
    return "9999"


def old_torch(name: str) -> str:
    """Answer for importlib.metadata.version on a machine with an old PyTorch."""
    return "2.8.1+cpu" if name == "torch" else "9999"


def damaged(folder: Path) -> Path:
    """Return a file that is no dataset."""
    (folder / "damaged").write_bytes(b"0")
    return folder / "damaged"


def digits_at(path: Path):
    """Return a `data.find` that looks for the digits at `path`, for other data where they are."""
    find = data.find
    return lambda name: [path] if name == "digits" else find(name)


BREAK = {
    "an old Python": (
        lambda patch, folder: patch.setattr(doctor, "OLDEST", (99, 1)),
        "python", "too old", "install Python 99.1",
    ),
    "a missing package": (
        lambda patch, folder: patch.setattr(metadata, "version", without_torch),
        "torch", "missing", "torch>=2.9",
    ),
    "an old package": (
        lambda patch, folder: patch.setattr(metadata, "version", old_torch),
        "torch", "2.8.1+cpu, older than 2.9", "torch>=2.9",
    ),
    "a broken package": (
        lambda patch, folder: patch.setitem(sys.modules, "matplotlib", None),
        "matplotlib", "cannot be imported (ModuleNotFoundError: ", "--force-reinstall",
    ),
    "an unknown device": (
        lambda patch, folder: patch.setenv("AIGC_DEVICE", "tpu"),
        "device", "AIGC_DEVICE='tpu'", "unset AIGC_DEVICE",
    ),
    "no memory": (
        lambda patch, folder: patch.setattr(
            psutil, "virtual_memory", lambda: SimpleNamespace(available=9e8)
        ),
        "memory", "0.9 GB free", "close other programs",
    ),
    "a full disk": (
        lambda patch, folder: patch.setattr(
            shutil, "disk_usage", lambda path: SimpleNamespace(free=9e8)
        ),
        "disk", "0.9 GB free", "make room",
    ),
    "a damaged data file": (
        lambda patch, folder: patch.setattr(data, "find", digits_at(damaged(folder))),
        "data digits", "damaged", "restore it with",
    ),
    "a missing data file": (
        lambda patch, folder: patch.setattr(data, "find", digits_at(folder / "gone")),
        "data digits", "missing", "restore it with",
    ),
    "no list of data files": (
        lambda patch, folder: patch.setattr(data, "folder", lambda: folder),
        "data", "no list of files", "git checkout -- data",
    ),
}  # fmt: skip


def test_a_healthy_machine_will_do(capsys):
    assert doctor.main() == 0
    report = capsys.readouterr().out
    assert "->" not in report
    *lines, _ = report.splitlines()
    names = {line[: doctor.WIDTH - 1].rstrip() for line in lines}
    assert names == PACKAGES | {"python", "device", "memory", "disk"} | DATA
    assert {line[doctor.WIDTH - 1] for line in lines} == {" "}


@pytest.mark.parametrize("damage", BREAK)
def test_what_is_wrong_is_named_with_its_remedy(damage, capsys, monkeypatch, tmp_path):
    cause, name, state, remedy = BREAK[damage]
    cause(monkeypatch, tmp_path)
    assert doctor.main() == 1
    *lines, last = capsys.readouterr().out.splitlines()
    (number,) = [n for n, line in enumerate(lines) if line[: doctor.WIDTH].rstrip() == name]
    assert state in lines[number]
    assert lines[number + 1].startswith(" " * doctor.WIDTH + "-> ")
    assert remedy in lines[number + 1]
    assert [line for line in lines if "->" in line] == [lines[number + 1]]
    assert last == f"The course will not run yet: {name}."


@pytest.mark.parametrize("missing", ["numpy", "torch", "psutil"])
def test_the_doctor_speaks_when_a_package_cannot_be_imported(missing, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith("aigc_lib.")]:
        monkeypatch.delitem(sys.modules, name)
    assert doctor.main() == 1
    assert re.search(rf"^{missing} .*cannot be imported", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("complete", [False, True])
def test_in_the_courses_environment_one_line_says_how_to_mend_it(
    complete, capsys, monkeypatch, tmp_path
):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    (tmp_path / "tools").mkdir()
    for name in ("tools/install.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(metadata, "version", nothing)
    if complete:
        (tmp_path / ".venv").mkdir()
        stamp = runpy.run_path(str(tmp_path / "tools/install.py"))["stamp"]("lab")
        (tmp_path / ".venv/installed.txt").write_text(stamp)
    assert doctor.main() == 1
    (remedy,) = re.findall("-> (.*)", capsys.readouterr().out)
    how = "`make lab` (without make: python tools/install.py lab)"
    incomplete = f"the installation is not complete: {how} goes on from there"
    assert remedy == (f"delete .venv, then {how}" if complete else incomplete)


def test_elsewhere_pip_is_called_with_the_python_that_runs(monkeypatch):
    monkeypatch.setattr(metadata, "version", without_torch)
    _, remedy = doctor.package("torch", "2.9")
    assert remedy == '"/a [new] folder/python" -m pip install --upgrade "torch>=2.9"'


def test_a_damaged_package_is_restored_at_its_pinned_version(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "find", digits_at(damaged(tmp_path)))
    pip = '"/a [new] folder/python" -m pip install --force-reinstall --no-deps '
    pins = f'--constraint "{ROOT / "constraints.txt"}" '
    assert doctor.dataset("digits")[1] == f"restore it with: {pip}{pins}scikit-learn"
    monkeypatch.setattr(data, "__file__", str(tmp_path / "aigc_lib/data.py"))
    monkeypatch.setattr(data, "folder", lambda: ROOT / "data")
    assert doctor.dataset("digits")[1] == f"restore it with: {pip}scikit-learn"


def test_data_in_a_missing_package_are_restored_by_make(monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert doctor.dataset("digits")[1] == "restore it with: make lab"


def test_on_a_bare_python_every_package_is_missing(tmp_path):
    (tmp_path / "aigc_lib").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "aigc_lib/doctor.py", tmp_path / "aigc_lib")
    done = subprocess.run(
        [PYTHON, "-S", "-m", "aigc_lib.doctor"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "CONDA_PREFIX"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert set(re.findall(r"^(\S+) +missing$", done.stdout, re.MULTILINE)) == PACKAGES
    assert re.findall("-> (.*)", done.stdout) == [
        "`make lab` (without make: python tools/install.py lab)"
    ]


def test_the_bounds_are_those_of_pyproject_installed_or_not(monkeypatch):
    def not_installed(name):
        raise metadata.PackageNotFoundError(name)

    installed = doctor.requirements()
    assert installed.keys() == PACKAGES
    monkeypatch.setattr(metadata, "requires", not_installed)
    assert doctor.requirements() == installed
    monkeypatch.setenv("COLAB_RELEASE_TAG", "ci")
    assert doctor.requirements().keys() == PACKAGES - {"jupyterlab"}


def test_versions_are_compared_by_number():
    assert doctor.release("2.13.0+cpu") == (2, 13, 0)
    assert doctor.release("2.13") > doctor.release("2.9")
