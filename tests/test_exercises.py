"""Every exercise: solution accepted, stub not attempted, wrong answers refused with their hint."""

import importlib.util
from pathlib import Path

import nbformat
import numpy as np
import pytest

from aigc_lib import check
from aigc_lib.check import judge

ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.stem.partition("_")[2]: path for path in ROOT.glob("notebooks/*.ipynb")}
EXERCISES = [(lesson, name) for lesson, names in judge.board.items() for name in names]
each_exercise = pytest.mark.parametrize(("lesson", "name"), EXERCISES)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_check(lesson, name, fn):
    return getattr(getattr(check, lesson), name)(fn)


def wrong_answers(lesson, name):
    """Return the pairs of a wrong answer and its hint; none if nobody wrote any yet."""
    path = ROOT / "tests" / "wrong" / f"{lesson}.py"
    return load(path).WRONG.get(name, []) if path.exists() else []


def stub(lesson, name):
    """Return the function as the notebook defines it, in the cell that ends with its check."""
    call = f"check.{lesson}.{name}({name})"
    cells = nbformat.read(NOTEBOOKS[lesson], as_version=4).cells
    sources = [cell.source for cell in cells if cell.source.endswith(call)]
    assert sources, f"no cell of {NOTEBOOKS[lesson].name} ends with `{call}`"
    (source,) = sources
    namespace = {}
    exec(source.removesuffix(call), namespace)
    return namespace[name]


@each_exercise
def test_the_solution_is_accepted(lesson, name, capsys):
    solution = getattr(load(ROOT / "solutions" / f"{NOTEBOOKS[lesson].stem}.py"), name)
    result = run_check(lesson, name, solution)
    assert (result.status, capsys.readouterr().out) == ("ok", f"{name}: ok.\n")


@each_exercise
def test_the_stub_is_not_attempted_yet(lesson, name):
    result = run_check(lesson, name, stub(lesson, name))
    assert (result.status, result.sentence) == ("not attempted", "not attempted yet.")


@each_exercise
def test_at_least_two_wrong_answers_are_known(lesson, name):
    count = len(wrong_answers(lesson, name))
    file = f"tests/wrong/{lesson}.py"
    assert count >= 2, f"{file} knows {count} wrong answers to {name}: write at least two"


@pytest.mark.parametrize(
    ("lesson", "name", "number"),
    [
        (lesson, name, number)
        for lesson, name in EXERCISES
        for number in range(len(wrong_answers(lesson, name)))
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits_it(lesson, name, number, capsys):
    answer, hint = wrong_answers(lesson, name)[number]
    assert hint.strip(), f"wrong answer {number} to {name} expects no hint: quote words of it"
    result = run_check(lesson, name, answer)
    assert result.status == "wrong"
    assert hint in result.sentence
    assert capsys.readouterr().out == f"{name}: {result.sentence}\n"


def raises(*args):
    raise IndexError("no such thing")


def leaves(*args):
    raise SystemExit(1)


def recurses(*args):
    return recurses(*args)


MISBEHAVIOUR = {
    "raises": (raises, "it raised IndexError: no such thing at `raise IndexError"),
    "leaves": (leaves, "it raised SystemExit"),
    "recurses": (recurses, "it raised RecursionError"),
    "takes no arguments": (lambda: 1, "leave that line as it is"),
    "is built in": (max, ""),
    "returns nothing": (lambda *args: None, "it returned None"),
    "returns text": (lambda *args: "0.5", ""),
    "returns a ragged list": (lambda *args: [[1.0], [1.0, 2.0]], ""),
    "returns NaN": (lambda *args: np.full((2, 2), np.nan), ""),
    "returns an object": (lambda *args: object(), ""),
    "returns a generator": (lambda *args: (a for a in args), ""),
}


@pytest.mark.parametrize("kind", MISBEHAVIOUR)
@each_exercise
def test_whatever_a_function_does_the_check_answers_with_a_sentence(lesson, name, kind):
    fn, sentence = MISBEHAVIOUR[kind]
    result = run_check(lesson, name, fn)
    assert result.status == "wrong"
    assert sentence in result.sentence
