"""The command for those who edit notebooks: what it runs, cleans, refuses and readdresses."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import structure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks

ROOT = Path(__file__).parent.parent
OLD, NEW = "https://github.com/old-owner/old.course", "https://github.com/new-owner/new-course"
FORK = "git clone https://github.com/you/old.course"
VIEW = """\
display({"text/plain": "a", "application/vnd.jupyter.widget-view+json": {"model_id": id({})}},
        raw=True)"""


def write(path: Path, *cells) -> Path:
    """Write a notebook of `cells` to `path`."""
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture
def untidy(tmp_path) -> Path:
    """Return a notebook with everything that a run has to fill in or to clean away."""
    path = write(
        tmp_path / "untidy.ipynb",
        new_markdown_cell("# Untidy", metadata={"editable": True}),
        new_code_cell("from pathlib import Path\nPath.cwd().name", metadata={"execution": {}}),
        new_code_cell("", execution_count=9),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"], "collapsed": False}),
        new_code_cell(VIEW),
    )
    nb = nbformat.read(path, as_version=4)
    nb.metadata.update(widgets={}, jupytext={}, language_info={"name": "python", "version": "3"})
    nbformat.write(nb, path)
    return path


def test_run_saves_counts_and_outputs_and_keeps_ids_and_tags(untidy):
    before = nbformat.read(untidy, as_version=4)
    notebooks.run(untidy)
    nb = nbformat.read(untidy, as_version=4)
    assert [cell.id for cell in nb.cells] == [cell.id for cell in before.cells]
    assert [cell.source for cell in nb.cells] == [cell.source for cell in before.cells]
    assert [cell.get("execution_count") for cell in nb.cells] == [None, 1, None, 2, 3]
    assert nb.cells[1].outputs[0].data["text/plain"] == f"'{untidy.parent.name}'"
    assert nb.cells[3].outputs[0].ename == "ZeroDivisionError"
    assert [cell.metadata for cell in nb.cells] == [{}, {}, {}, {"tags": ["raises-exception"]}, {}]
    assert nb.metadata == notebooks.METADATA


def test_second_run_changes_no_byte(untidy):
    notebooks.run(untidy)
    first = untidy.read_bytes()
    notebooks.run(untidy)
    assert untidy.read_bytes() == first
    assert b"\r" not in first
    assert [path.name for path in untidy.parent.iterdir()] == [untidy.name]


def test_run_keeps_what_a_cell_shows_but_not_its_progress_bars(tmp_path):
    bar = "from tqdm.auto import tqdm\nfor i in tqdm(range(3)):\n    pass\nprint('done')"
    path = write(tmp_path / "bar.ipynb", new_code_cell(bar))
    notebooks.run(path)
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.text == "done\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('a\\nb')", "ValueError: a "),
        ("import os\nos._exit(1)", "the kernel died"),
    ],
)
def test_failing_cell_is_named_and_leaves_the_file_alone(tmp_path, source, reason):
    cells = map(new_code_cell, ["", "", "0", source])
    path = write(tmp_path / "a.ipynb", *cells)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match=rf"a\.ipynb, cell \[2\].*{reason}") as caught:
        notebooks.run(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.fixture
def course(tmp_path) -> Path:
    """Return a small course that was written for the address OLD."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nSource = "{OLD}"\n')
    (tmp_path / "README.md").write_text(
        f"[badge](https://colab.research.google.com/github/{notebooks.slug(OLD)}/blob/main/a.ipynb)\n"
        f"git clone {OLD}.git && cd old.course\n"
        f"{OLD}-extra and https://github.com/old-owner/other stay.\n"
    )
    (tmp_path / "CONTRIBUTING.md").write_text(f"See {OLD}/issues.\n{FORK}\n")
    write(
        tmp_path / "notebooks" / "01_a.ipynb",
        new_markdown_cell(f"# A\n\n{notebooks.launch_link(OLD, '01_a.ipynb')}"),
        new_code_cell(notebooks.setup_cell(OLD), metadata={"tags": ["nbval-ignore-output"]}),
        new_markdown_cell(f"[data]({OLD}/blob/main/data/README.md), then git clone https://x.y/z"),
    )
    return tmp_path


def command(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the tool in `course`."""
    line = [sys.executable, course / "tools" / "notebooks.py", *arguments]
    return subprocess.run(line, capture_output=True, text=True)


def test_a_new_address_is_written_everywhere(course):
    lesson, readme = course / "notebooks" / "01_a.ipynb", course / "README.md"
    rules = [structure.setup_cell_is_the_same, structure.launch_link_points_here]
    assert notebooks.misaddressed(course) == {}

    (course / "pyproject.toml").write_text(f'[project.urls]\nSource = "{NEW}"\n')
    assert {path.name for path in notebooks.misaddressed(course)} == {
        "01_a.ipynb",
        "CONTRIBUTING.md",
        "README.md",
    }
    assert all(rule(nbformat.read(lesson, as_version=4), lesson) for rule in rules)

    run = command(course, "address")
    assert run.returncode == 0, run.stderr
    assert notebooks.misaddressed(course) == {}
    nb = nbformat.read(lesson, as_version=4)
    assert not any(rule(nb, lesson) for rule in rules)
    assert nb.cells[2].source == (
        f"[data]({NEW}/blob/main/data/README.md), then git clone https://x.y/z"
    )
    assert (course / "CONTRIBUTING.md").read_text() == f"See {NEW}/issues.\n{FORK}\n"
    assert readme.read_text() == (
        "[badge](https://colab.research.google.com/github/new-owner/new-course/blob/main/a.ipynb)\n"
        f"git clone {NEW}.git && cd new-course\n"
        f"{OLD}-extra and https://github.com/old-owner/other stay.\n"
    )


def test_a_lesson_from_before_the_move_is_readdressed_too(course):
    (course / "pyproject.toml").write_text(f'[project.urls]\nSource = "{NEW}"\n')
    (course / "README.md").write_text(f"git clone {NEW}\n")
    text = notebooks.misaddressed(course)[course / "notebooks" / "01_a.ipynb"]
    assert f"({NEW}/blob/main/data/README.md)" in text


def test_a_readme_from_before_the_move_is_readdressed_too(course):
    lesson = course / "notebooks" / "01_a.ipynb"
    (course / "pyproject.toml").write_text(f'[project.urls]\nSource = "{NEW}"\n')
    lesson.write_text(lesson.read_text().replace(notebooks.slug(OLD), notebooks.slug(NEW)))
    assert notebooks.misaddressed(course)[course / "README.md"].startswith("[badge](https://colab")


@pytest.mark.parametrize("source", [f"{OLD}/", f"{OLD}.git", f"{OLD}.git/"])
def test_an_address_may_end_as_a_browser_or_git_writes_it(course, source):
    (course / "pyproject.toml").write_text(f'[project.urls]\nSource = "{source}"\n')
    assert notebooks.address(course) == OLD
    assert notebooks.misaddressed(course) == {}


@pytest.mark.parametrize(
    "source",
    [
        "",
        "https://github.com/owner",
        "https://github.com/owner/course/tree/main",
        "https://gitlab.com/owner/course",
        "git@github.com:owner/course.git",
        "see https://github.com/owner/course",
    ],
)
def test_an_address_that_colab_cannot_open_is_refused(course, source):
    before = {path: path.read_bytes() for path in course.glob("*/*.ipynb")}
    (course / "pyproject.toml").write_text(f'[project.urls]\nSource = "{source}"\n')
    run = command(course, "address")
    assert (run.stdout, run.returncode) == ("", 1)
    assert run.stderr == (
        f"pyproject.toml's Source is '{source}': write it as https://github.com/OWNER/REPOSITORY "
        "(Colab opens notebooks from GitHub only).\n"
    )
    assert {path: path.read_bytes() for path in course.glob("*/*.ipynb")} == before


def test_address_writes_an_outdated_setup_cell_anew(course):
    lesson = course / "notebooks" / "01_a.ipynb"
    lesson.write_text(lesson.read_text().replace("seed=0", "seed=1"))
    command(course, "address")
    nb = nbformat.read(lesson, as_version=4)
    assert nb.cells[1].source == notebooks.setup_cell(OLD)


def test_address_leaves_alone_a_notebook_whose_first_code_is_no_setup_cell(course):
    write(course / "notebooks" / "02_b.ipynb", new_code_cell("1 + 1"))
    assert notebooks.misaddressed(course) == {}


def test_run_takes_names_and_lists_the_known_ones(course):
    write(course / "notebooks" / "02_b.ipynb", new_code_cell("1 + 1"))
    run = command(course, "run", "02_b")
    assert (run.stdout, run.returncode) == ("02_b.ipynb ran and is saved\n", 0), run.stderr
    run = command(course, "run", "03_c")
    assert run.returncode == 1
    assert run.stderr == "No notebook is called '03_c': choose among 01_a, 02_b.\n"


def test_the_course_says_its_own_address():
    wrong = [path.name for path in notebooks.misaddressed()]
    assert not wrong, f"{wrong} name another address: run `python tools/notebooks.py address`"
