"""What surrounds the lessons agrees with itself: versions, environments, workflows, front door."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import notebooks

ROOT = Path(__file__).resolve().parents[1]
COURSE = "aigc-course"
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
PAGES = ["README.md", "CONTRIBUTING.md"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
TEXT = "[Open in Colab]"
BADGE = f"[!{TEXT}(https://colab.research.google.com/assets/colab-badge.svg)]"
# Addresses of package registries, and folders that exist on one person's machine.
PRIVATE = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|download\.pytorch\.org"
    r"|conda\.anaconda\.org|(?<![\w.~])/(?:home|root|work|Users)/"
)


def read(name: str) -> str:
    """Return the text of the file `name` of the course."""
    return (ROOT / name).read_text("utf-8")


def asked(*extras: str) -> list[Requirement]:
    """Return what pyproject.toml asks for: the dependencies, and those of `extras`."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    optional = project["optional-dependencies"]
    lines = project["dependencies"] + [line for extra in extras for line in optional[extra]]
    return [asked for asked in map(Requirement, lines) if asked.name != COURSE]


def pins() -> dict[str, str]:
    """Return the version of each package in constraints.txt."""
    lines = [line for line in read("constraints.txt").splitlines() if line and line[0] != "#"]
    found = {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}
    assert len(found) == len(lines)
    return found


def test_pyproject_asks_for_lower_bounds_only():
    for needed in asked("lab", "test"):
        assert [bound.operator for bound in needed.specifier] == [">="], needed


def test_every_pin_satisfies_pyproject():
    for needed in asked("lab", "test"):
        assert needed.specifier.contains(pins()[canonicalize_name(needed.name)]), needed
    assert not any("+" in version for version in pins().values())


def needed_here() -> set[str]:
    """Return each package that the course with its test tools needs on this machine."""
    seen, todo = set(), [(COURSE, ("test",))]
    while todo:
        name, extras = todo.pop()
        for need in map(Requirement, requires(name) or []):
            places = [{"extra": extra} for extra in ("", *extras)]
            entry = canonicalize_name(need.name), tuple(need.extras)
            if entry not in seen and (not need.marker or any(map(need.marker.evaluate, places))):
                seen.add(entry)
                todo.append(entry)
    return {name for name, _ in seen} - {COURSE}


def test_whatever_make_installs_is_pinned():
    cuda = ("nvidia-", "cuda-", "triton")  # which of these, PyTorch itself decides
    unpinned = needed_here() - pins().keys()
    assert {name for name in unpinned if not name.startswith(cuda)} == set()


def test_conda_gets_what_pyproject_asks_for():
    *packages, pip = yaml.safe_load(read("environment.yml"))["dependencies"]
    found = {
        str(spec.name.normalized): str(spec.version) if spec.version else ""
        for spec in map(MatchSpec, packages)
    }
    expected = {CONDA_NAMES.get(need.name, need.name): str(need.specifier) for need in asked("lab")}
    assert found == expected | {"python": "3.12.*", "pip": ""}
    assert "- python=3.12\n" in read("environment.yml")  # Binder reads no other way of saying it
    assert pip == {"pip": ["-e ."]}


def faults_of_workflow(path: Path) -> str:
    """Return what the schema of GitHub's workflows says against the file at `path`."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*check, "vendor.github-workflows", path], capture_output=True, text=True, cwd=ROOT
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_fits_its_schema(path):
    assert faults_of_workflow(path) == ""


@pytest.mark.parametrize(
    ("sound", "broken"), [("runs-on:", "run-on:"), ("timeout-minutes: 30", "timeout-minutes: soon")]
)
def test_a_broken_workflow_is_refused(sound, broken, tmp_path):
    text = WORKFLOWS[0].read_text("utf-8")
    assert sound in text
    (tmp_path / "broken.yml").write_text(text.replace(sound, broken))
    assert "broken.yml" in faults_of_workflow(tmp_path / "broken.yml")


def test_the_workflow_tests_every_system_and_python():
    jobs = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]
    matrix = jobs["cpu"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert jobs["cuda"]["if"] == "github.event_name == 'workflow_dispatch'"
    runs = [step["run"] for step in jobs["cpu"]["steps"] if "Windows'" in step.get("if", "")]
    on_windows = [line for run in runs[1:] for line in run.splitlines()]
    assert set(on_windows) <= set(read("README.md").splitlines())


def test_commit_hooks_run_what_the_environment_holds():
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        python, m, module, *words = hook["entry"].split()
        assert (python, m) == ("python", "-m")
        assert module in ("ruff", "pytest")
        assert all((ROOT / word).exists() for word in words if "/" in word)


def test_each_word_of_make_is_explained():
    text = read("Makefile")
    assert re.search(r"^\.PHONY: (.*)", text, re.MULTILINE)[1].split() == TARGETS
    assert re.findall(r"^([a-z-]+):  ## \S", text, re.MULTILINE) == TARGETS
    assert TARGETS[0] == "help"


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("make"), reason="There is no make.")
def test_make_finds_a_python_behind_shims_that_lead_nowhere(tmp_path):
    for name, script in [("python3.13", "exit 127"), ("python3.12", f'exec {sys.executable} "$@"')]:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    plan = subprocess.check_output(["make", "-n", "lab"], cwd=ROOT, env={"PATH": path}, text=True)
    assert plan.startswith("python3.12 tools/install.py lab\n")
    (lesson,) = re.findall(r"/lab/tree/work/(\S+)", plan)
    assert (ROOT / "notebooks" / lesson).exists()
    assert ("--no-browser" in plan) == (sys.platform != "darwin")


def test_windows_opens_jupyterlab_as_make_does():
    (in_make,) = re.findall(r"--ServerApp\S+ \\\s+--LabApp\S+", read("Makefile"))
    assert in_make.replace("\\\n\t\t", "") in read("README.md")


def test_a_folder_in_the_users_own_settings_is_overruled(tmp_path):
    (tmp_path / "jupyter_lab_config.py").write_text(f"c.ServerApp.root_dir = {str(tmp_path)!r}")
    option = re.findall(r"--ServerApp\S+", read("Makefile"))
    found = []
    for options in ([], option):
        shown = subprocess.check_output(
            [sys.executable, "-m", "jupyterlab", "--show-config-json", *options],
            env=os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path)},
            text=True,
        )
        found.append(json.loads(shown)["ServerApp"]["root_dir"])
    assert found == [str(tmp_path), "."]


def test_git_leaves_the_copies_of_lessons_alone():
    assert "work/" in read(".gitignore").splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_files_that_a_page_names_exist(page):
    text = read(page)
    words = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert words <= set(TARGETS)
    named = re.findall(r"\b(?:tools|tests|aigc_lib|data)[/\\]\w+\.\w+", text)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for name in [name.replace("\\", "/") for name in named] + links:
        assert (ROOT / name).exists(), name


def test_the_front_door_lists_every_lesson():
    row = r"^\| \[(.+?)\]\((.+?)\) \| .+ \| .+ \| \d+ \| (.+) \|$"
    rows = re.findall(row, read("README.md"), re.MULTILINE)
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [name for _, name, _ in rows] == [f"notebooks/{path.name}" for path in lessons]
    for path, (title, _, badge) in zip(lessons, rows, strict=True):
        first = nbformat.read(path, as_version=4).cells[0].source
        assert first.splitlines()[0] == f"# {title}"
        launch = notebooks.launch_link(notebooks.address(), path.name).removeprefix(TEXT)
        assert badge == BADGE + launch


def test_both_licences_are_there():
    assert "Apache License\n" in read("LICENSE")
    assert read("LICENSE-CC-BY-4.0").startswith("Attribution 4.0 International")


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    if not (ROOT / ".git").exists():
        pytest.skip("This is no clone, so which files are the course's is not known.")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    texts = {name: (ROOT / name).read_bytes().decode("utf-8", "replace") for name in names}
    found = {name: PRIVATE.findall(text) for name, text in texts.items()}
    assert {name: matches for name, matches in found.items() if matches} == {}
