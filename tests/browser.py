"""JupyterLab in a real browser: a server to open lessons on, and one visit to one lesson."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from outputs import differences, pictures
from playwright.sync_api import Browser, Error, Page, Playwright, TimeoutError

ROOT = Path(__file__).resolve().parents[1]
START = 120.0  # seconds for JupyterLab and for its kernel to start
PATIENCE = 30.0  # seconds for a widget to answer
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
NAMED = "runtime/jpserver-*.json"  # where JupyterLab writes the port that it found

SETTINGS = {
    # JupyterLab leaves out the cells that are not on the screen; here each must be in the page.
    "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
        "windowingMode": "none"
    },
    # No question about news, which would cover the lesson and ask the network.
    "config/labconfig/page_config.json": {
        "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}
    },
}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}

# What a learner can reach by keyboard in a widget, and the keys that move it: the second where the
# first does not, at the end of a range.
KEYS = {
    "[role=slider]": ("ArrowRight", "ArrowLeft"),
    "select": ("End", "Home"),  # JupyterLab keeps the arrow keys for its cells
    "button, input[type=checkbox], input[type=radio]": ("Space",),
    "input[type=number]": ("ArrowUp", "ArrowDown"),
    "input[type=text], textarea": ("End", "a"),  # at its end, which a model of text looks at
}
CONTROLS = (
    ":is(.jupyter-widgets, .jupyter-widgets *):is([role=slider], select, button, input, textarea)"
)
CHOSEN = ".widget-toggle-buttons .mod-active, input[type=radio]:checked"
PICTURES = """[...document.querySelectorAll('.jp-OutputArea-output img')]
    .filter(image => image.naturalWidth && image.alt).length"""
POSITION = "e => [e.parentElement.style.transform, e.value, e.checked].join()"
NAME = "e => e.innerText || e.closest('.widget-inline-hbox')?.innerText || e.outerHTML"
# What a widget shows: its pictures and texts, without the controls and their read-outs.
SHOWN = """e => [...e.closest('.jp-OutputArea-output').querySelectorAll(
    '.widget-html-content, .widget-htmlmath-content, .widget-image, .jupyter-widgets.widget-label'
    )].map(shown => shown.outerHTML).join()"""
RUN_ALL = """() => {
    const run = name => window.jupyterapp.commands.execute('notebook:' + name);
    run('clear-all-cell-outputs').then(() => run('run-all-cells')).finally(() => lesson.ran = true);
}"""


def launch(playwright: Playwright) -> Browser | None:
    """Start the Chromium of this machine, or the Chrome; return None where there is neither."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        # Without a path Playwright looks where Chrome's installers for macOS and Windows put it.
        return playwright.chromium.launch(
            executable_path=path, channel=None if path else "chrome", args=FLAGS
        )
    except Error:
        if path:
            raise
        return None


class Lab:
    """JupyterLab on a free port, over a copy of the lessons, with nothing from the user's home."""

    def __init__(self, folder: Path):
        self.folder, self.notebooks = folder, folder / "course" / "notebooks"
        shutil.copytree(ROOT / "notebooks", self.notebooks)
        for name, setting in SETTINGS.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(setting))
        environ = os.environ | {name: str(folder / place) for name, place in FOLDERS.items()}
        environ |= {"JUPYTER_TOKEN": "token", "PYTHONPATH": str(ROOT / "tests/offline")}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += ["--ServerApp.port=0", f"--ServerApp.root_dir={self.notebooks.parent}"]
        with (folder / "log.txt").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--expose-app-in-browser"], env=environ, stdout=log, stderr=log
            )

    def address(self, lesson: str) -> str:
        """Return where the browser finds `lesson`, as soon as the server has named its port."""
        end = time.monotonic() + START
        while not (named := [f for f in self.folder.glob(NAMED) if f.stat().st_size]):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("JupyterLab did not start:\n" + self.log())
            time.sleep(0.1)
        url = json.loads(named[0].read_text())["url"]
        return f"{url}lab/workspaces/{lesson}/tree/notebooks/{lesson}.ipynb?token=token"

    def log(self) -> str:
        """Return what the server has printed."""
        return (self.folder / "log.txt").read_text()

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.terminate()
        self.process.wait()


class Visit:
    """One learner's visit to one lesson; `faults` has a line for each thing that went wrong."""

    def __init__(self, browser: Browser, lab: Lab, lesson: str, shots: Path):
        self.lesson, self.lab, self.shots = lesson, lab, shots
        self.faults: list[str] = []
        self.saved = nbformat.read(lab.notebooks / f"{lesson}.ipynb", as_version=4)
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1600})
        self.page.set_default_timeout(1000 * START)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("console", self.hear)

    def hear(self, message) -> None:
        """Note what the page reports as an error on the browser's console."""
        if message.type == "error":
            self.faults.append(f"browser console: {message.text}")

    def make(self) -> list[str]:
        """Read the lesson, run it, move every control of it, and return the faults."""
        self.page.goto(self.lab.address(self.lesson))
        self.page.get_by_text("| Idle").wait_for()
        self.page.evaluate("() => { window.lesson = window.jupyterapp.shell.currentWidget; }")
        self.look("before")
        self.run()
        self.look("after")
        for number, control in enumerate(self.page.query_selector_all(CONTROLS), 1):
            if not control.evaluate("(e, chosen) => e.matches(chosen)", CHOSEN):
                self.move(control, number)
        self.read_log()
        self.page.evaluate("() => lesson.context.sessionContext.shutdown()")
        self.page.close()
        return self.faults

    def wait(self, condition: str, argument=None) -> bool:
        """Return whether the JavaScript `condition` comes true while patience lasts."""
        try:
            self.page.wait_for_function(condition, arg=argument, timeout=1000 * PATIENCE)
        except TimeoutError:
            return False
        return True

    def look(self, when: str) -> None:
        """Note pictures that do not show or have no text alternative; keep the page's pictures."""
        expected = sum(len(pictures(c)) for c in self.saved.cells if c.cell_type == "code")
        if not self.wait(f"{PICTURES} == {expected}"):
            shown = self.page.evaluate(PICTURES)
            self.faults.append(f"{when} the run {shown} pictures show instead of {expected}")
        scroller = self.page.locator(".jp-WindowedPanel-outer")
        height, window = scroller.evaluate("e => [e.scrollHeight, e.clientHeight]")
        for number, top in enumerate(range(0, height, window), 1):
            scroller.evaluate("(e, top) => e.scrollTop = top", top)
            self.page.screenshot(path=self.shots / f"{when}-{number:02}.png")

    def run(self) -> None:
        """Run All; note cells that were not run, or that no longer show what was saved."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("lesson.ran", timeout=600_000)
        notebook = self.page.evaluate("JSON.stringify(lesson.content.model.toJSON())")
        ran = nbformat.reads(notebook, as_version=4)
        self.faults += differences(self.saved, ran)
        code = [cell for cell in ran.cells if cell.cell_type == "code"]
        if (last := sum(cell.execution_count is not None for cell in code)) < len(code):
            self.faults.append(f"Run All stopped at code cell {last} of {len(code)}")

    def move(self, control, number: int) -> None:
        """Move `control` by keyboard, and note if what the widget shows stays the same."""
        before, position = control.evaluate(SHOWN), control.evaluate(POSITION)
        name = f"control {number} ({' '.join(control.evaluate(NAME).split())})"
        matches = "(e, kind) => e.matches(kind)"
        keys = next((KEYS[kind] for kind in KEYS if control.evaluate(matches, kind)), None)
        if keys is None:
            self.faults.append(f"{name} is of a kind that KEYS in tests/browser.py lacks")
            return
        for key in keys:
            if control.evaluate(POSITION) == position:
                control.press(key)
        changed = f"([e, before]) => ({SHOWN})(e) !== before"
        if not self.wait(changed, [control, before]):
            self.faults.append(f"{name} changes nothing that its widget shows")
        # A second answer to the same key must not be taken for the next control's.
        self.page.wait_for_timeout(250)
        self.wait("lesson.context.sessionContext.session.kernel.status === 'idle'")
        output = control.evaluate_handle("e => e.closest('.jp-OutputArea-output')").as_element()
        output.screenshot(path=self.shots / f"control-{number:02}.png")

    def read_log(self) -> None:
        """Note what is in the log console, where no learner looks."""
        self.page.evaluate("window.jupyterapp.commands.execute('logconsole:open')")
        self.page.locator(".jp-LogConsolePanel").wait_for()
        for entry in self.page.locator(".jp-LogConsolePanel .jp-OutputArea-output").all():
            lines = entry.inner_text().strip().splitlines()
            # The widgets of the last run, which JupyterLab looks for as it opens the lesson.
            if not lines or not all(line.startswith("No such comm") for line in lines):
                self.faults.append(f"log console: {(lines or ['a picture'])[-1]}")
