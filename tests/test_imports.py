"""Imports go one way, and importing does nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent / "aigc_lib"
# Each module may import those in earlier layers; a lesson's own module counts as a model.
LAYERS = [
    ["lesson", "data", "tokenizers"],
    ["backprop", "classifier", "metrics", "ngram", "optim"],
    ["bpe", "gan", "rnn", "transformer", "vae"],
    ["gpt"],
    ["sampling", "train"],
    ["plot"],
    ["widgets"],
    ["check", "doctor"],
]
LAYER = {name: number for number, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(LIBRARY.rglob("*.py"))


def imported(tree):
    """Return the modules of aigc_lib that the syntax tree imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "aigc_lib":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aigc_lib."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("aigc_lib.")}
    return names


def backwards(name, source):
    """Return the imports of module `name` that point to its own layer or a later one."""
    allowed = {other for other in LAYER if LAYER[other] < LAYER[name]} | {name}
    return imported(ast.parse(source)) - allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path):
    name = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
    if name != "__init__":
        assert not backwards(name, path.read_text(encoding="utf8"))


def test_an_import_that_points_back_is_seen():
    for source in (
        "from aigc_lib import widgets",
        "from aigc_lib.widgets import Explorer",
        "import aigc_lib.widgets",
        "def f():\n    from aigc_lib.check import judge",
    ):
        assert backwards("plot", source)


def test_importing_the_library_prints_nothing_seeds_nothing_and_touches_no_file():
    names = [
        "aigc_lib."
        + ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path != LIBRARY / "__init__.py"
    ]
    code = f"""
import os, random, sys
import IPython.display, ipywidgets, matplotlib.pyplot, numpy, psutil, torch

def state():
    python, array = random.getstate(), numpy.random.get_state()[1].tolist()
    generators = python, array, torch.get_rng_state().tolist()
    return generators, sorted(os.environ.items()), os.getcwd(), list(sys.argv)

def watch(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        print("writes", args[0])

before = state()
sys.addaudithook(watch)
import {", ".join(names)}
assert state() == before
"""
    run = [sys.executable, "-B", "-c", code]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
