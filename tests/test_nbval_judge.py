"""The ways in which nbval alone passes a bad notebook, or waits for it: conftest.py closes them."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from nbformat import v4, write

ROOT = Path(__file__).parent.parent


def code(source: str, *tags: str, count: int | None = 1, output=None):
    """Return a code cell that seems to have been run, unless `count` is None."""
    return v4.new_code_cell(
        source,
        execution_count=count,
        metadata={"tags": list(tags)},
        outputs=[output] if output else [],
    )


def picture(alt: str, png: str) -> dict:
    """Return the bundle that `aigc_lib.plot.show` puts out."""
    return {"text/html": f'<img alt="{alt}" src="data:image/png;base64,{png}">', "text/plain": alt}


def show(ran: dict, saved: dict):
    """Return a cell that displays the bundle `ran`, where `saved` was displayed before."""
    source = f"from IPython.display import display\ndisplay({ran!r}, raw=True)"
    return code(source, output=v4.new_output("display_data", saved))


ONE = v4.new_output("stream", name="stdout", text="1\n")
WAIT = "__import__('time').sleep(600)"
LISTEN = """\
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1])).close()"""
UDP = "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 80))"
OFFLINE = "Lessons run without the network"

# For each notebook its cells, each with words of its failure, or with None if it must pass.
NOTEBOOKS = {
    "sound": [
        (code("print(1)", output=ONE), None),
        (code("1 / 0", "raises-exception", "nbval-ignore-output"), None),
        (code("print(2)", "nbval-ignore-output"), None),
        (code("", count=None), None),
    ],
    "memory": [(code("x = b'x' * 300_000_000\ndel x"), None)],
    "outputs": [
        (code("print(2)", output=ONE), "Cell outputs differ"),
        (code("print(1)"), "Unexpected output fields"),
        (code("import warnings\nwarnings.warn('old')"), "stderr"),
        (show(picture("a", "AA"), picture("a", "BB")), None),
        (show(picture("a", "AA"), picture("b", "AA")), "Cell outputs differ"),
    ],
    "pretences": [
        (code("print(1)", count=None), "notebooks.py run pretences"),
        (code("0", "raises-exception", "nbval-ignore-output"), "raises nothing"),
        (code("1 / 0", "nbval-skip"), "nbval-skip hides"),
    ],
    "exit": [
        (code("import os\nos._exit(3)", "raises-exception"), "The kernel died with exit status 3"),
        (code("pass"), "Not run, because the kernel died in Cell 0."),
    ],
    "network": [
        (code(LISTEN), None),
        (code("socket.create_connection(('192.0.2.1', 80))"), OFFLINE),
        (code("socket.getaddrinfo('example.org', 80)"), OFFLINE),
        (code("socket.gethostbyname('example.org')"), OFFLINE),
        (code(UDP), OFFLINE),
    ],
}
SLOW_NOTEBOOKS = {
    "slow": [
        (code(WAIT), "Timeout of 1 seconds exceeded"),
        (code("pass"), "Not run, because the time was up in Cell 0."),
    ],
    "slow_caught": [(code(f"try:\n    {WAIT}\nexcept KeyboardInterrupt: 0"), "make it shorter")],
    "slow_promised": [(code(WAIT, "raises-exception", "nbval-ignore-output"), "make it shorter")],
}


def judge(folder: Path, notebooks: dict, cell_timeout: int):
    """Run pytest on `notebooks` in `folder` with the course's own settings.

    Returns a dictionary from (notebook, number of the cell) to its time in seconds and its failure
    (or None), and what pytest printed.
    """
    for name, cells in notebooks.items():
        write(v4.new_notebook(cells=[cell for cell, _ in cells]), folder / f"{name}.ipynb")
    report = folder / "report.xml"
    options = ["-c", "pyproject.toml", "-p", "conftest", "-p", "no:cacheprovider", "--color=no"]
    options += [f"--nbval-cell-timeout={cell_timeout}", f"--junitxml={report}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    verdicts = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failure = case.find("failure")
        key = case.get("classname").split(".")[-2], int(case.get("name").split()[1])
        verdicts[key] = float(case.get("time")), None if failure is None else failure.text
    return verdicts, run.stdout


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> tuple[dict, str]:
    """Return the verdict on each cell above, and what pytest printed on all but the slow ones."""
    verdicts, printed = judge(tmp_path_factory.mktemp("quick"), NOTEBOOKS, cell_timeout=60)
    slow_verdicts, _ = judge(tmp_path_factory.mktemp("slow"), SLOW_NOTEBOOKS, cell_timeout=1)
    return verdicts | slow_verdicts, printed


CELLS = [
    pytest.param(name, number, words, id=f"{name}-{number}")
    for name, cells in (NOTEBOOKS | SLOW_NOTEBOOKS).items()
    for number, (_, words) in enumerate(cells)
]


@pytest.mark.parametrize(("name", "number", "words"), CELLS)
def test_each_cell_gets_the_verdict_it_deserves(judged, name, number, words):
    _, failure = judged[0][name, number]
    if words is None:
        assert failure is None
    else:
        assert words in failure


def table_row(printed: str, name: str) -> list[float]:
    """Return cells, seconds and peak MB of a notebook from the table at the end of the run."""
    row = re.search(rf"^{name}\.ipynb +(.*)$", printed.split("= notebooks =")[1], re.MULTILINE)
    return [float(number) for number in row[1].split()]


def test_table_has_one_row_for_each_notebook(judged):
    table = judged[1].split("= notebooks =")[1]
    assert re.findall(r"^(\w+)\.ipynb ", table, re.MULTILINE) == sorted(NOTEBOOKS)


def test_table_counts_cells_and_the_seconds_of_every_phase(judged):
    cells, seconds, _ = table_row(judged[1], "sound")
    times = [time for (name, _), (time, _) in judged[0].items() if name == "sound"]
    assert cells == len(times) == 4
    assert seconds == pytest.approx(sum(times), abs=0.06)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS keeps no peak of another process")
def test_table_shows_the_peak_of_memory_that_was_given_back(judged):
    _, _, peak = table_row(judged[1], "memory")
    _, _, usual = table_row(judged[1], "sound")
    assert usual + 290 < peak < usual + 400
