"""The simulated Colab: what it serves, what it compares, and what turns it red.

Whole runs need `.venv-colab`, so they are left to `make test-all`, which sets AIGC_ALL_LESSONS.
"""

import os
import subprocess
import tomllib
from pathlib import Path

import colab
import nbformat
import outputs
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from packaging.requirements import Requirement

PICTURE = {"text/html": '<img alt="A line &amp; a dot." src="data:image/png;base64,AAAA">'}
WIDGET = {outputs.WIDGET: {"model_id": "7"}}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout with one file committed, one not, and one ignored, in the place of ours."""
    course = tmp_path / "checkout"
    course.mkdir()
    subprocess.run(["git", "init", "--quiet", course], check=True)
    source = 'project = {urls = {Source = "https://course.invalid/a/course"}}'
    (course / "pyproject.toml").write_text(source)
    (course / ".gitignore").write_text("ignored.txt")
    subprocess.run(["git", "-C", course, "add", "--all"], check=True)
    (course / "new.txt").write_text("not committed")
    (course / "ignored.txt").write_text("ignored")
    monkeypatch.setattr(colab, "ROOT", course)
    return course


def clone(address: str, tmp_path: Path) -> subprocess.CompletedProcess:
    """Clone `address` as a kernel in the simulated Colab would."""
    served = colab.serve(tmp_path / "served.git")
    environ = colab.colab_environ(Path("python"), served, tmp_path)
    command = ["git", "clone", "--depth", "1", address, tmp_path / "clone"]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def test_a_clone_of_the_courses_address_holds_the_working_tree(course, tmp_path):
    index = (course / ".git/index").read_bytes()
    assert clone("https://course.invalid/a/course", tmp_path).returncode == 0
    held = {path.name for path in (tmp_path / "clone").iterdir()}
    assert held == {".git", ".gitignore", "pyproject.toml", "new.txt"}
    assert (course / ".git/index").read_bytes() == index


def test_no_other_address_can_be_cloned(course, tmp_path):
    refused = clone("https://course.invalid/another/course", tmp_path)
    assert refused.returncode != 0
    assert "transport 'https' not allowed" in refused.stderr


def test_colabs_versions_satisfy_the_course():
    lines = colab.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins["torch"] = "2.11.0"  # the one version that the simulation does not share with Colab
    project = tomllib.loads((colab.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for needed in map(Requirement, project["dependencies"]):
        assert needed.specifier.contains(pins[needed.name]), f"{needed} refuses Colab's version"


def cell(*data: dict, source="", tags=(), **streams: str):
    """Return a code cell that shows each bundle in `data` and each of the `streams`."""
    shown = [new_output("display_data", data=bundle) for bundle in data]
    shown += [new_output("stream", name=name, text=text) for name, text in streams.items()]
    return new_code_cell(source, outputs=shown, metadata={"tags": list(tags)})


ERROR = new_code_cell(outputs=[new_output("error", ename="ValueError", evalue="no", traceback=[])])
OTHER = {"text/html": '<img alt="Another line." src="data:image/png;base64,AAAA">'}


@pytest.mark.parametrize(
    ("saved", "ran", "expected"),
    [
        (cell(PICTURE, WIDGET), cell(PICTURE, WIDGET), ""),
        (cell(stdout="1.0"), cell(stdout="np.float64(1.0)"), ""),
        (cell(PICTURE), cell(), "shows 0 pictures instead of 1"),
        (cell(PICTURE), cell(OTHER), "of ['Another line.'] instead of ['A line & a dot.']"),
        (cell(PICTURE, tags=["nbval-ignore-output"]), cell(OTHER), ""),
        (cell(PICTURE, tags=["nbval-ignore-output"]), cell(), "shows 0 pictures instead of 1"),
        (cell(WIDGET), cell(), "shows 0 widgets instead of 1"),
        (cell(), ERROR, "shows 'ValueError: no'"),
        (ERROR, ERROR, ""),
        (cell(), cell(stderr="a.py:1: UserWarning: mind"), "UserWarning: mind"),
    ],
)
def test_what_a_run_may_not_change(saved, ran, expected):
    found = outputs.differences(new_notebook(cells=[saved]), new_notebook(cells=[ran]))
    assert bool(found) == bool(expected)
    assert expected in "".join(found)


@pytest.mark.parametrize(
    ("module", "version", "known"),
    [
        ("@jupyter-widgets/controls", "1.5.0", True),
        ("@jupyter-widgets/controls", "2.0.0", False),
        ("jupyter-matplotlib", "1.0.0", False),
    ],
)
def test_only_widgets_of_ipywidgets_7_are_known(module, version, known):
    model = {"_model_module": module, "_model_module_version": version, "_model_name": "SomeModel"}
    assert (colab.foreign({"7": model}) == []) == known


SETUP = next(
    cell.source
    for cell in nbformat.read(colab.ROOT / "notebooks/01_backprop.ipynb", as_version=4).cells
    if cell.cell_type == "code"
)


@pytest.fixture(scope="module")
def python():
    if not os.environ.get("AIGC_ALL_LESSONS"):
        pytest.skip("Whole runs in the simulated Colab are part of `make test-all`.")
    return colab.install()


@pytest.fixture(scope="module")
def served(python, tmp_path_factory):
    return colab.serve(tmp_path_factory.mktemp("served") / "served.git")


@pytest.fixture
def faults(python, served, tmp_path):
    """Return a function that runs a lesson of these cells and returns what was wrong."""

    def run(*cells) -> list[str]:
        lesson = tmp_path / "lesson.ipynb"
        nbformat.write(new_notebook(cells=list(cells)), lesson)
        return colab.run(lesson, python, served, tmp_path / "run")[0]

    return run


@pytest.mark.parametrize(
    "lesson", sorted((colab.ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_every_lesson_passes(python, served, tmp_path, lesson):
    assert colab.run(lesson, python, served, tmp_path / "run")[0] == []


def test_a_sound_lesson_passes(faults):
    draw = "import matplotlib.pyplot as plt\nfrom aigc_lib import plot\n"
    show = cell(PICTURE, source=draw + "plt.plot([1, 2])\nplot.show('A line & a dot.')")
    slide = cell(WIDGET, source="import ipywidgets\nipywidgets.FloatSlider()")
    assert faults(new_code_cell(SETUP), show, slide) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("import ipywidgets\nipywidgets.TagsInput()", "no attribute 'TagsInput'"),
        ("import ipywidgets\nipywidgets.IntSlider(behavior='snap')", "behavior='snap'"),
        ("import urllib.request as r\nr.urlopen('https://a.invalid')", "without the network"),
        ("import os\nos._exit(1)", "died"),
    ],
)
def test_a_broken_cell_is_named(faults, broken, expected):
    (fault,) = faults(new_code_cell(SETUP), new_code_cell(broken))
    assert fault.startswith("cell 2:")
    assert expected in fault


@pytest.mark.parametrize("line", ["os.mkdir('once')", "assert os.getcwd().endswith('content')"])
def test_a_setup_cell_that_works_only_once_or_in_one_folder_is_refused(faults, line):
    (fault,) = faults(new_code_cell(f"{SETUP}\n{line}"))
    assert fault.startswith("the setup cell, run again: ")


def test_a_library_that_is_not_the_clones_is_refused(faults):
    setup = f"import sys\nsys.path.append({str(colab.ROOT)!r})\nimport aigc_lib"
    (fault,) = faults(new_code_cell(setup))
    assert "not from the clone" in fault


def test_a_lesson_that_installs_is_refused(faults):
    (stray,) = colab.ENVIRONMENT.glob("**/site-packages")
    stray /= "aigc_stray-1.0.dist-info"
    install = f"from pathlib import Path\np = Path({str(stray)!r})\np.mkdir()\n"
    install += "(p / 'METADATA').write_text('Metadata-Version: 2.1\\nName: aigc-stray\\n"
    install += "Version: 1.0\\n');"
    try:
        (fault,) = faults(new_code_cell(SETUP), new_code_cell(install))
    finally:
        (stray / "METADATA").unlink()
        stray.rmdir()
    assert fault == "installed packages changed: aigc-stray==1.0"
