"""A solution can be pasted into its lesson: every name that it uses is defined above its cell."""

import ast
import builtins
import re
from pathlib import Path

import nbformat
import pytest

from aigc_lib.check import judge

ROOT = Path(__file__).parent.parent
LESSONS = sorted(ROOT.glob("notebooks/*.ipynb"))


def bound(tree):
    """Return the names that running `tree` at the top level of a notebook binds."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names


def free(function):
    """Return the names that `function` reads and does not bind itself."""
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return read - bound(function) - arguments - set(dir(builtins))


def missing(notebook, solutions):
    """Return exercise -> names that its solution uses before the notebook defines them."""
    functions = {node.name: node for node in solutions.body if isinstance(node, ast.FunctionDef)}
    known, found = set(), {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source = re.sub(r"^\s*!.*$", "    pass", cell.source, flags=re.MULTILINE)
        exercise = source.rpartition("(")[2].rstrip(")\n")
        if source.splitlines()[-1:] and exercise in functions and "check." in source:
            found[exercise] = free(functions[exercise]) - known
        known |= bound(ast.parse(source))
    return found


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_solution_uses_only_what_the_lesson_has_defined(path):
    solutions = ast.parse((ROOT / "solutions" / f"{path.stem}.py").read_text("utf8"))
    found = missing(nbformat.read(path, as_version=4), solutions)
    assert found == {name: set() for name in judge.board[path.stem.partition("_")[2]]}


def test_a_name_that_comes_too_late_is_seen():
    cells = ["def f(x):\n    raise NotImplementedError\n\n\ncheck.l.f(f)", "def helper(x): pass"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    solution = "def f(x):\n    return helper(x)"
    assert missing(notebook, ast.parse(solution)) == {"f": {"helper"}}
