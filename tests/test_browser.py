"""Lessons in JupyterLab in a real browser: they show, they run, and their widgets answer."""

import os
import shutil

import browser
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from outputs import WIDGET
from playwright.sync_api import sync_playwright

# What `make test` opens, one line each; `make test-all` sets AIGC_ALL_LESSONS and opens them all.
LESSONS = [
    "01_backprop",
]
if os.environ.get("AIGC_ALL_LESSONS"):
    LESSONS = sorted(path.stem for path in (browser.ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def chromium():
    """A Chromium; where there is none the tests are skipped, or fail where CI promises one."""
    with sync_playwright() as playwright:
        running = browser.launch(playwright)
        if running is None:
            give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            give_up("No Chromium or Chrome is found: install one to test lessons in a browser.")
        yield running
        running.close()


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    lab = browser.Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_shows_runs_and_answers(chromium, lab, lesson):
    shots = browser.ROOT / "build" / "screenshots" / lesson
    shutil.rmtree(shots, ignore_errors=True)
    shots.mkdir(parents=True)
    assert browser.Visit(chromium, lab, lesson, shots).make() == []


DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
IMAGE = f'<img alt="A dot." src="data:image/png;base64,{DOT}">'
TORN = '<img alt="Torn." src="data:image/png;base64,torn">'
WIDGETS = "import ipywidgets as w\nfrom IPython.display import HTML, Javascript, display\n"


def write(lab, name: str, *cells: tuple[str, dict]) -> None:
    """Write a lesson of cells, each a source and the bundle that it saved, next to the others."""
    saved = [
        new_code_cell(
            WIDGETS + source,
            execution_count=count,
            outputs=[new_output("display_data", data=bundle)] if bundle else [],
        )
        for count, (source, bundle) in enumerate(cells, 1)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    lesson = new_notebook(cells=saved, metadata=kernel)
    nbformat.write(lesson, lab.notebooks / f"{name}.ipynb")


def slider(reaction: str, name: str) -> tuple[str, dict]:
    """Return a cell with a slider above a picture; a move of the slider does the `reaction`."""
    source = f"""
slider, html = w.FloatSlider(description="{name}", step=0.01), w.HTML('{IMAGE}')
def react(change, html=html):
    {reaction}
slider.observe(react, "value")
view = {{"version_major": 2, "version_minor": 0, "model_id": w.VBox([slider, html]).model_id}}
display({{"{WIDGET}": view, "text/html": '{IMAGE}'}}, raw=True)"""
    return source, {WIDGET: {"model_id": "saved"}, "text/html": IMAGE}


ANSWER = "html.value = html.value.replace('A dot.', 'Another dot.')"
KINDS = """
controls = [
    w.FloatSlider(), w.IntSlider(100), w.FloatLogSlider(), w.IntRangeSlider(),
    w.SelectionSlider(options="abc"), w.Dropdown(options="abc", value="c"), w.Select(options="abc"),
    w.ToggleButtons(options="abc"), w.ToggleButton(True), w.Checkbox(),
    w.RadioButtons(options="ab"), w.IntText(), w.BoundedFloatText(), w.Text(), w.Textarea(),
]
label = w.Label("untouched")
def react(change):
    label.value = str([control.value for control in controls])
for control in controls:
    control.observe(react, "value")
w.VBox([*controls, label])"""


def test_every_kind_of_control_answers(chromium, lab, tmp_path):
    write(lab, "kinds", (KINDS, {WIDGET: {"model_id": "saved"}}), slider(ANSWER, "picture"))
    assert browser.Visit(chromium, lab, "kinds", tmp_path).make() == []
    shots = {path.name for path in tmp_path.iterdir()}
    assert {"before-01.png", "after-01.png", "control-01.png", "control-20.png"} <= shots


EXPECTED = [
    "before the run 4 pictures show instead of 5",
    "after the run 4 pictures show instead of 5",
    "browser console: grumbles",
    "page error: trips",
    "UserWarning: mind",
    "cell 10 shows 'ZeroDivisionError: division by zero'",
    "Run All stopped at code cell 10 of 11",
    "control 1 (dead 0.00) changes nothing",
    "is of a kind that KEYS in tests/browser.py lacks",
    "log console: loose talk",
    "log console: a picture",
    "log console: ValueError: slipped",
]


def test_what_goes_wrong_is_named(chromium, lab, tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "PATIENCE", 2.0)
    write(
        lab,
        "broken",
        slider("pass", "dead"),
        slider(f"{ANSWER}; print('loose talk')", "talks"),
        slider(f"{ANSWER}; display(HTML('{IMAGE}'))", "draws"),
        slider(f"{ANSWER}; raise ValueError('slipped')", "raises"),
        ("w.ColorPicker()", {WIDGET: {"model_id": "saved"}}),
        (f"display(HTML('{TORN}'))", {"text/html": TORN}),
        ("display(Javascript('console.error(`grumbles`)'))", {}),
        ("display(Javascript('setTimeout(() => { throw Error(`trips`) })'))", {}),
        ("import warnings; warnings.warn('mind')", {}),
        ("print(1 / 0)", {}),
        ("print('never')", {}),
    )
    faults = "\n".join(browser.Visit(chromium, lab, "broken", tmp_path).make())
    for fault in EXPECTED:
        assert fault in faults
