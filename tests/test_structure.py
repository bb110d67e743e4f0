"""Every lesson keeps every rule, and every rule refuses a notebook that breaks it."""

import shutil
from pathlib import Path

import nbformat
import pytest
import structure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebooks

ROOT = Path(__file__).parent.parent
LESSONS = sorted(ROOT.glob("notebooks/*.ipynb"))
LIBRARY = '''\
"""A library."""

import math


class Value:
    """A number that remembers."""

    def __init__(self, data):
        """Remember `data`."""
        self.data = data

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)


def root(value):
    return math.sqrt(value.data)
'''
CHECK = "def Value(fn):\n    return fn(1)"
TAUGHT = (
    """\
class Value:
    def __init__(self, data):
        self.data = data  # a comment is no part of the definition

    def __add__(self, other):
        import math
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)
"""
    + "# A whole definition may be long.\n" * 20
)
TEXT = """\
## A step

See [the other lesson](02_other.ipynb#x), [the data](../data/README.md "title"), [above](#A-step),
[here](#here), [elsewhere](https://example.org/a.md), <a id="here"></a>
[the data on Colab]({address}/blob/main/data/README.md) and [the issues]({address}/issues/1).

### A smaller step

![a curve](../data/curve.png), <img alt="a curve" src="../data/curve.png">, `![](x)`, $f[x](y)$

```python
# no heading
![](no_picture.png)
```
"""


@pytest.fixture
def lesson(tmp_path) -> Path:
    """Return the path of a sound lesson in a small course, where another lesson follows it."""
    for folder in ("notebooks", "data", "aigc_lib/check"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "aigc_lib" / "engine.py").write_text(LIBRARY)
    (tmp_path / "aigc_lib" / "check" / "engine.py").write_text(CHECK)
    (tmp_path / "data" / "README.md").touch()
    (tmp_path / "data" / "curve.png").touch()
    path, address = tmp_path / "notebooks" / "01_sound.ipynb", notebooks.address(tmp_path)
    nbformat.write(other_lesson(), path.with_name("02_other.ipynb"))
    cells = [
        new_markdown_cell(f"# Sound\n\n{notebooks.launch_link(address, path.name)}"),
        code(notebooks.setup_cell(address), "nbval-ignore-output"),
        new_markdown_cell(TEXT.format(address=address)),
        code(TAUGHT, "lib"),
        code("1 / 0", "raises-exception", output=new_output("error", ename="ZeroDivisionError")),
        code("plot.show('a curve')", output=picture('<img alt="a curve" src="">', "a curve")),
        new_code_cell(""),
    ]
    nb = new_notebook(cells=cells)
    for count, cell in enumerate(structure.code_cells(nb), 1):
        cell.execution_count = count
    notebooks.clean(nb)
    nbformat.write(nb, path)
    return path


def code(source: str, *tags: str, output=None):
    """Return a code cell with tags and an output."""
    outputs = [output] if output else []
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs)


def picture(html: str, text: str, **more: str):
    """Return the output of a cell that shows a picture."""
    return new_output("display_data", {"text/html": html, "text/plain": text, **more})


def other_lesson():
    """Return a notebook that teaches `root`."""
    return new_notebook(cells=[code("def root(value):\n    return math.sqrt(value.data)", "lib")])


def source(index: int, old: str, new: str):
    """Return a breakage that writes `new` for `old` in the cell at `index`."""

    def break_it(nb, path):
        assert old in nb.cells[index].source
        nb.cells[index].source = nb.cells[index].source.replace(old, new)

    return break_it


def tagged(index: int, *tags: str):
    """Return a breakage that gives the cell at `index` other tags."""
    return lambda nb, path: nb.cells[index].metadata.update(tags=list(tags))


def output(new):
    """Return a breakage that makes `new` the output of the cell that shows a picture."""
    return lambda nb, path: nb.cells[5].update(outputs=[new])


def module(name: str, text: str):
    """Return a breakage that writes `text` to the module `name` of the library."""
    return lambda nb, path: (path.parent.parent / "aigc_lib" / name).write_text(text)


VIEW = {notebooks.WIDGET_VIEW: {"model_id": "0"}}
IMG = '<img alt="a curve" src="">'

# For each rule, a way to break it, and words of the complaint.
BREAKAGES = [
    ("run_counts", lambda nb, path: nb.cells[3].update(execution_count=None), "[1, None, 3, 4]"),
    ("run_counts", lambda nb, path: nb.cells.pop(3), "[1, 3, 4]"),
    ("errors_are_promised", tagged(4), "ZeroDivisionError"),
    ("small_file", lambda nb, path: path.write_text(" " * 500_001), "500001 bytes"),
    ("no_residue", lambda nb, path: nb.metadata.update(widgets={}), "widgets"),
    ("no_residue", lambda nb, path: nb.metadata.update(jupytext={}), "jupytext"),
    ("no_residue", lambda nb, path: nb.cells[3].metadata.update(execution={}), "execution"),
    ("no_residue", output(picture(IMG, "a curve", **VIEW)), "model_id"),
    ("pictures_are_described", output(picture("<img src=''>", "a curve")), "without a text"),
    ("pictures_are_described", output(picture("<img alt=' ' src=''>", "a")), "without a text"),
    ("pictures_are_described", output(picture("<svg></svg>", "a")), "without a text"),
    ("pictures_are_described", output(picture(IMG, "a", **{"image/png": ""})), "image/png"),
    ("pictures_are_described", output(picture("", "a", **{"image/jpeg": ""})), "image/jpeg"),
    ("pictures_are_described", output(picture("", "a", **{"image/svg+xml": ""})), "image/svg"),
    ("pictures_are_described", output(picture(IMG, "")), "plain text is ''"),
    ("pictures_are_described", output(picture("", "<Figure size 1x1 with 1 Axes>")), "<Figure"),
    ("pictures_are_described", output(picture("", "a", **VIEW)), "no kernel runs"),
    ("pictures_are_described", output(picture("<p>a</p>", "a", **VIEW)), "no kernel runs"),
    ("pictures_are_described", source(2, "![a curve]", "![]"), "in the Markdown"),
    ("pictures_are_described", source(2, ' alt="a curve"', ""), "in the Markdown"),
    ("headings_in_order", source(0, "# Sound", "Sound"), "one title"),
    ("headings_in_order", source(0, "# Sound", "Sound\n\n# Sound"), "one title"),
    ("headings_in_order", source(2, "## A step", "# A step"), "one title"),
    ("headings_in_order", source(2, "## A step", "### A step"), "from level 1 to level 3"),
    ("launch_link_points_here", source(0, "01_sound", "02_other"), "01_sound.ipynb"),
    ("launch_link_points_here", source(0, "/github/", "/github/other-"), "01_sound.ipynb"),
    ("relative_links_lead_somewhere", source(2, "02_other", "02_gone"), "02_gone.ipynb"),
    ("relative_links_lead_somewhere", source(2, 'src="../', 'src="'), "data/curve.png"),
    ("course_links_lead_somewhere", source(2, "main/data/README", "main/data/GONE"), "data/GONE"),
    ("course_links_lead_somewhere", source(2, "/main/", "/master/"), "on master"),
    ("course_links_lead_somewhere", source(0, "01_sound", "01_gone"), "01_gone.ipynb"),
    ("anchors_exist", source(2, "(#A-step)", "(#A-leap)"), "#A-leap"),
    ("anchors_exist", source(2, 'id="here"', ""), "#here"),
    ("known_tags", tagged(4, "raise-exception"), "raise-exception"),
    ("setup_cell_is_the_same", source(1, "seed=0", "seed=1"), "+device = "),
    ("setup_cell_is_the_same", source(1, "github.com/", "github.com/other-"), "/other-"),
    ("setup_cell_is_the_same", tagged(1), "needs nbval-ignore-output"),
    ("short_cells", source(4, "1 / 0", "\n".join("1" * 21)), "21 lines"),
    ("no_output_widgets", source(4, "1 / 0", "ipywidgets.interact(f, x=1)"), "interact("),
    ("no_output_widgets", source(4, "1 / 0", "interactive (f, x=1)"), "interactive ("),
    ("no_output_widgets", source(4, "1 / 0", "interactive_output(f, {})"), "interactive_output("),
    ("no_output_widgets", source(4, "1 / 0", "out = widgets.Output()"), "Output("),
    ("no_output_widgets", source(4, "1 / 0", "@interact\ndef f(x): x"), "@interact"),
    ("no_output_widgets", source(4, "1 / 0", "from ipywidgets import interact"), "interact"),
    ("lib_cells_only_define", source(3, "class Value", "x = 1\nclass Value"), "nothing else"),
    ("lib_cells_only_define", source(3, TAUGHT, "import math"), "nothing else"),
    ("lib_cells_only_define", source(3, TAUGHT, "!ls"), "nothing else"),
    ("lib_cells_equal_the_library", source(3, " + other", " - other"), "+        return Value"),
    ("lib_cells_equal_the_library", source(3, "class Value", "class Other"), "in []"),
    ("lib_cells_equal_the_library", module("copy.py", LIBRARY), "aigc_lib/copy.py"),
    ("lib_cells_equal_the_library", module("engine.py", ""), "in []"),
    ("lib_names_are_taught_once", source(4, "1 / 0", "def Value(): ..."), "defined again"),
    (
        "lib_names_are_taught_once",
        source(3, TAUGHT, other_lesson().cells[0].source),
        "also taught in 02_other.ipynb",
    ),
    (
        "library_never_tests_taught_classes",
        module("draw.py", "def draw(x):\n    return isinstance(x, (int, engine.Value))"),
        "aigc_lib/draw.py tests isinstance of Value",
    ),
]


@pytest.mark.parametrize("rule", structure.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps_rule(path, rule):
    complaints = rule(nbformat.read(path, as_version=4), path)
    assert not complaints, f"{path.name}: " + "\n".join(complaints)


def test_there_are_lessons():
    assert LESSONS


@pytest.mark.parametrize("rule", structure.RULES, ids=lambda rule: rule.__name__)
def test_rule_lets_a_sound_lesson_pass(lesson, rule):
    assert rule(nbformat.read(lesson, as_version=4), lesson) == []


@pytest.mark.parametrize(("name", "break_it", "words"), BREAKAGES)
def test_rule_refuses_a_broken_lesson(lesson, name, break_it, words):
    nb = nbformat.read(lesson, as_version=4)
    break_it(nb, lesson)
    complaints = getattr(structure, name)(nb, lesson)
    assert words in "\n".join(complaints)


def test_an_exercise_may_ask_for_what_is_taught_after_it(lesson):
    nb = nbformat.read(lesson, as_version=4)
    nb.cells.insert(3, code("class Value:\n    pass"))
    assert structure.lib_names_are_taught_once(nb, lesson) == []


def test_a_dot_in_the_course_s_name_is_a_dot(lesson):
    (lesson.parent.parent / "pyproject.toml").write_text(
        '[project.urls]\nSource = "https://github.com/owner/the.course"\n'
    )
    link = "[x](https://github.com/owner/the{}course/blob/main/gone)".format
    notebook = [new_notebook(cells=[new_markdown_cell(link(dot))]) for dot in ".-"]
    found = [structure.course_links_lead_somewhere(nb, lesson) for nb in notebook]
    assert [len(complaints) for complaints in found] == [1, 0]


def test_every_rule_is_broken_above():
    assert {name for name, _, _ in BREAKAGES} == {rule.__name__ for rule in structure.RULES}
