"""What must hold of every lesson's file: one function for each rule.

A rule takes the notebook and its path, `course/notebooks/NAME.ipynb`, and returns a list of
complaints, each a sentence; a sound notebook gets none.
"""

import ast
import copy
import re
from difflib import unified_diff
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

from notebooks import WIDGET_VIEW, address, clean, launch_link, setup_cell, slug

TAGS = {"lib", "nbval-ignore-output", "raises-exception"}
MAX_BYTES = 500_000
MAX_LINES = 20
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
VERBATIM = re.compile(r"\$\$.*?\$\$|`[^`\n]+`|\$[^$\n]+\$", re.DOTALL)
OUTPUT_WIDGET = re.compile(
    r"(\binteract(ive(_output)?|_manual)?|\bOutput)\s*\(|@\S*\binteract|\bimport\b.*\binteract"
)


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of `nb` that have something in them."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell: NotebookNode) -> set[str]:
    """Return the tags of `cell`."""
    return set(cell.metadata.get("tags", []))


def label(cell: NotebookNode) -> str:
    """Return words that name `cell` to a reader: how it begins."""
    return f"the cell that begins with {cell.source.strip().splitlines()[0][:50]!r}"


def prose(nb: NotebookNode) -> str:
    """Return the Markdown of `nb` without its fenced code."""
    pages = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    return FENCED.sub("", "\n\n".join(pages))


def difference(before: str, after: str) -> str:
    """Return the first lines in which two texts differ."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return "\n".join([line for line in lines if not line.startswith(("---", "+++"))][:12])


# Outputs


def run_counts(nb: NotebookNode, path: Path) -> list[str]:
    """The saved outputs come from one run from top to bottom."""
    counts = [cell.execution_count for cell in code_cells(nb)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [
        f"the run counts are {counts}, not 1 to {len(counts)}: "
        f"`python tools/notebooks.py run {path.stem}`"
    ]


def errors_are_promised(nb: NotebookNode, path: Path) -> list[str]:
    """Only a cell tagged raises-exception shows an error."""
    return [
        f"{label(cell)} shows {output.ename} without the tag raises-exception"
        for cell in code_cells(nb)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in tags(cell)
    ]


def small_file(nb: NotebookNode, path: Path) -> list[str]:
    """The file is small enough to clone, to open and to read a diff of."""
    size = path.stat().st_size
    if size <= MAX_BYTES:
        return []
    return [f"the file has {size} bytes, more than {MAX_BYTES}: draw fewer or smaller figures"]


def no_residue(nb: NotebookNode, path: Path) -> list[str]:
    """Nothing is saved that an editor or a clock put there: widget state, times, jupytext."""
    cleaned = copy.deepcopy(nb)
    clean(cleaned)
    residue = difference(nbformat.writes(nb), nbformat.writes(cleaned))
    if not residue:
        return []
    return [f"`python tools/notebooks.py run {path.stem}` would clean away:\n{residue}"]


class Pictures(HTMLParser):
    """The text alternatives of the pictures on a page of HTML."""

    def __init__(self, page: str):
        super().__init__()
        self.alternatives = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        """Note the text alternative if `tag` is a picture."""
        if tag in ("img", "svg"):
            alternative = dict(attributes).get("alt" if tag == "img" else "aria-label")
            self.alternatives.append((alternative or "").strip())


def faults_of_bundle(data: dict) -> list[str]:
    """Return what is wrong with the pictures in one output's bundle `data`."""
    alternatives = Pictures(data.get("text/html", "")).alternatives
    text = data.get("text/plain", "").strip()
    faults = [f"a bare {mime}" for mime in data if mime.startswith("image/")]
    if "" in alternatives:
        faults.append("a picture without a text alternative")
    if (alternatives and not text) or text.startswith(("<Figure", "<IPython.core.display")):
        faults.append(f"a picture whose plain text is {text!r}")
    if WIDGET_VIEW in data and not alternatives and "<pre" not in data.get("text/html", ""):
        faults.append("a widget without a picture or text for where no kernel runs")
    return faults


def pictures_are_described(nb: NotebookNode, path: Path) -> list[str]:
    """Whoever cannot see a picture can read what it shows."""
    complaints = [
        f"{label(cell)} shows {fault}: draw with aigc_lib.plot.show(alt) or a widget of aigc_lib"
        for cell in code_cells(nb)
        for output in cell.outputs
        for fault in faults_of_bundle(output.get("data", {}))
    ]
    text = VERBATIM.sub("", prose(nb))
    alternatives = re.findall(r"!\[(.*?)\]", text) + Pictures(text).alternatives
    if not all(alternative.strip() for alternative in alternatives):
        complaints.append("a picture in the Markdown has no text alternative: say what it shows")
    return complaints


# Text


def headings(nb: NotebookNode) -> list[tuple[int, str]]:
    """Return the level and the text of each heading, in order."""
    found = re.findall(r"^(#{1,6}) +(.*?) *$", prose(nb), re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def headings_in_order(nb: NotebookNode, path: Path) -> list[str]:
    """The first cell has the one title; below it no level is skipped."""
    levels = headings(nb)
    complaints = []
    if not nb.cells[0].source.startswith("# ") or [level for level, _ in levels].count(1) != 1:
        complaints.append("a lesson has one title, `# ...`, at the top of its first cell")
    for (above, _), (level, text) in pairwise(levels):
        if level > above + 1:
            complaints.append(f"the heading {text!r} skips from level {above} to level {level}")
    return complaints


def launch_link_points_here(nb: NotebookNode, path: Path) -> list[str]:
    """The first cell's launch link opens this notebook, at the address in pyproject.toml."""
    link = launch_link(address(path.parent.parent), path.name)
    return [] if link in nb.cells[0].source else [f"the first cell lacks the link {link}"]


def targets(nb: NotebookNode) -> list[str]:
    """Return the target of each link and picture in the Markdown."""
    text = VERBATIM.sub("", prose(nb))
    return re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"(?:href|src)=\"(.*?)\"", text)


def relative_links_lead_somewhere(nb: NotebookNode, path: Path) -> list[str]:
    """Each relative link names a file of the course."""
    files = [target.split("#")[0] for target in targets(nb) if not re.match(r"[\w+]+:", target)]
    return [
        f"the link to {file} leads nowhere: there is no such file beside {path.name}"
        for file in files
        if file and not (path.parent / unquote(file)).exists()
    ]


def course_links_lead_somewhere(nb: NotebookNode, path: Path) -> list[str]:
    """Each absolute link into the course's repository names a file of the branch main."""
    root = path.parent.parent
    home = re.escape(slug(address(root)))
    branches = rf"(?:/{home}/(?:blob|tree|raw)|raw\.githubusercontent\.com/{home})"
    file = rf"{branches}/([\w.-]+)/([^\s)\"'<>#?]+)"
    links = re.findall(file, "\n".join(cell.source for cell in nb.cells))
    return [
        f"the link to {name} on {branch} leads nowhere: link to a file of main"
        for branch, name in links
        if branch != "main" or not (root / unquote(name)).exists()
    ]


def anchors_exist(nb: NotebookNode, path: Path) -> list[str]:
    """Each `#...` link names a heading of this notebook, as JupyterLab writes it, or an id."""
    ids = {re.sub(r"[`*]", "", text).replace(" ", "-") for _, text in headings(nb)}
    ids |= set(re.findall(r"\bid=\"(.*?)\"", prose(nb)))
    return [
        f"the link to {target} leads nowhere: there is no such heading or id"
        for target in targets(nb)
        if target.startswith("#") and unquote(target[1:]) not in ids
    ]


# Code


def known_tags(nb: NotebookNode, path: Path) -> list[str]:
    """A tag is one that a test reads, so that a slip of the pen does not switch the test off."""
    return [
        f"{label(cell)} has the unknown tag {tag!r}: the tags are {', '.join(sorted(TAGS))}"
        for cell in nb.cells
        for tag in sorted(tags(cell) - TAGS)
    ]


def setup_cell_is_the_same(nb: NotebookNode, path: Path) -> list[str]:
    """The first code cell is that of every lesson, and its output is not compared."""
    first, expected = code_cells(nb)[0], setup_cell(address(path.parent.parent))
    complaints = []
    if first.source != expected:
        complaints.append(
            "the first code cell is not the setup cell (`python tools/notebooks.py address` "
            f"writes it):\n{difference(expected, first.source)}"
        )
    if tags(first) != {"nbval-ignore-output"}:
        complaints.append("the setup cell, which prints the device, needs nbval-ignore-output")
    return complaints


def short_cells(nb: NotebookNode, path: Path) -> list[str]:
    """A cell is short enough to be read at once, unless it is a whole definition."""
    return [
        f"{label(cell)} has {len(lines)} lines, more than {MAX_LINES}: split it"
        for cell in code_cells(nb)
        if len(lines := cell.source.splitlines()) > MAX_LINES and "lib" not in tags(cell)
    ]


def no_output_widgets(nb: NotebookNode, path: Path) -> list[str]:
    """Nothing draws into an Output widget, which never compares equal."""
    return [
        f"{label(cell)} uses {match[0].strip()!r}: draw into an HTML widget, as Explorer does"
        for cell in code_cells(nb)
        if (match := OUTPUT_WIDGET.search(cell.source))
    ]


# Definitions: what a cell tagged `lib` teaches is what the library holds

DEFINITIONS = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Bare(ast.NodeTransformer):
    """Takes docstrings and imports out of a syntax tree."""

    def visit(self, node: ast.AST) -> ast.AST | None:
        """Return `node` without them, or None if it is an import."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            return None
        self.generic_visit(node)
        if isinstance(node, ast.Module | DEFINITIONS) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return node


def bare(source: str) -> list[ast.AST]:
    """Return the statements of `source` without docstrings and imports; none if not Python."""
    try:
        return Bare().visit(ast.parse(source)).body
    except SyntaxError:  # a magic, such as `!git clone`
        return []


def definitions(source: str) -> dict[str, str]:
    """Return each class and function in `source` by name: its bare text."""
    nodes = [node for node in bare(source) if isinstance(node, DEFINITIONS)]
    return {node.name: ast.unparse(node) for node in nodes}


def lib_cells(nb: NotebookNode) -> list[NotebookNode]:
    """Return the cells of `nb` tagged `lib`."""
    return [cell for cell in code_cells(nb) if "lib" in tags(cell)]


def taught(nb: NotebookNode) -> dict[str, str]:
    """Return what the cells tagged `lib` define, by name."""
    return {name: text for cell in lib_cells(nb) for name, text in definitions(cell.source).items()}


def lib_cells_only_define(nb: NotebookNode, path: Path) -> list[str]:
    """A cell tagged `lib` holds definitions, imports aside, and nothing else."""
    return [
        f"{label(cell)} is tagged lib, so it must hold a class or a function and nothing else"
        for cell in lib_cells(nb)
        if not all(isinstance(node, DEFINITIONS) for node in bare(cell.source) or [None])
    ]


def lib_cells_equal_the_library(nb: NotebookNode, path: Path) -> list[str]:
    """What a cell tagged `lib` defines stands in one module of aigc_lib, in the same words.

    Not in aigc_lib.check, where a check bears the name of the function that it checks.
    """
    root, complaints = path.parent.parent, []
    modules = {
        module.relative_to(root).as_posix(): definitions(module.read_text("utf-8"))
        for module in root.glob("aigc_lib/*.py")
    }
    for name, text in taught(nb).items():
        homes = [module for module, found in modules.items() if name in found]
        if len(homes) != 1:
            complaints.append(f"{name} is defined in {homes}: it must stand in one module")
        elif text != modules[homes[0]][name]:
            changes = difference(modules[homes[0]][name], text)
            complaints.append(f"{name} differs from {homes[0]}:\n{changes}")
    return complaints


def lib_names_are_taught_once(nb: NotebookNode, path: Path) -> list[str]:
    """What a cell tagged `lib` defines is not defined again, here or in another lesson.

    An exercise may ask for it first, in an earlier cell.
    """
    complaints = []
    for name in taught(nb):
        cells = [cell for cell in code_cells(nb) if name in definitions(cell.source)]
        if any("lib" in tags(cell) for cell in cells[:-1]):
            complaints.append(f"{name} is defined again in {label(cells[-1])}: rename that one")
    for other in sorted(set(path.parent.glob("*.ipynb")) - {path}):
        for name in sorted(taught(nb).keys() & taught(nbformat.read(other, as_version=4)).keys()):
            complaints.append(f"{name} is also taught in {other.name}: import it in one of the two")
    return complaints


def tested_classes(node: ast.AST, own: str) -> set[str]:
    """Return the names that `isinstance` and `issubclass` test for outside the class `own`."""
    if isinstance(node, ast.ClassDef) and node.name == own:
        return set()
    names = set()
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
        names = set(re.findall(r"\w+", ast.unparse(node.args[1])))
    return names.union(*(tested_classes(child, own) for child in ast.iter_child_nodes(node)))


def library_never_tests_taught_classes(nb: NotebookNode, path: Path) -> list[str]:
    """In a lesson that defines a class, the library's class of that name is another class."""
    root = path.parent.parent
    return [
        f"{module.relative_to(root).as_posix()} tests isinstance of {name}, of which {path.name} "
        "has its own: test for what the object can do"
        for module in sorted(root.glob("aigc_lib/**/*.py"))
        for name in taught(nb)
        if name in tested_classes(ast.parse(module.read_text("utf-8")), name)
    ]


RULES = [
    run_counts,
    errors_are_promised,
    small_file,
    no_residue,
    pictures_are_described,
    headings_in_order,
    launch_link_points_here,
    relative_links_lead_somewhere,
    course_links_lead_somewhere,
    anchors_exist,
    known_tags,
    setup_cell_is_the_same,
    short_cells,
    no_output_widgets,
    lib_cells_only_define,
    lib_cells_equal_the_library,
    lib_names_are_taught_once,
    library_never_tests_taught_classes,
]
