"""Makes nbval an honest judge of the notebooks, and ends a run with what each of them cost.

nbval alone lets a cell pass that was never run, that is skipped, that raises nothing where it
promises to, or that comes after a time-out; and it waits for a dead kernel until the time is up.
Here each of these fails with a sentence, and kernels are kept off the network.
"""

import math
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from queue import Empty

import nbval.plugin
import psutil
import pytest
from nbval.kernel import RunningKernel, start_new_kernel
from nbval.plugin import IPyNbCell

OFFLINE = Path(__file__).parent / "tests" / "offline"
STOPPED = pytest.StashKey[str]()  # of a notebook: why the rest of its cells are not run


class KernelDied(Exception):
    """The process that runs a notebook's cells is gone; the argument is its exit status."""


class JudgedKernel(RunningKernel):
    """nbval's kernel, kept off the network, that notices its death and knows its memory."""

    def __init__(self, kernel_name: str, cwd: str, startup_timeout: float):
        path = [str(OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.km, self.kc = start_new_kernel(
            startup_timeout=startup_timeout,
            kernel_name=kernel_name,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        )
        self._ensure_iopub_up()

    def await_reply(self, msg_id: str, timeout: float) -> None:
        """Wait for a reply as nbval does, but look every second whether the kernel is alive."""
        for _ in range(math.ceil(timeout)):
            try:
                return super().await_reply(msg_id, timeout=1)
            except Empty:
                if not self.is_alive():
                    raise KernelDied(self.km.provisioner.process.returncode) from None
        raise Empty

    def peak_mb(self) -> float:
        """Return the peak memory, in MB, of the largest among the kernel and its children."""
        kernel = psutil.Process(self.km.provisioner.pid)
        return max(peak_bytes(process) for process in (kernel, *kernel.children(True))) / 1e6


def peak_bytes(process: psutil.Process) -> int:
    """Return the peak memory of `process`, or its present memory on macOS, which keeps no peak."""
    try:
        if sys.platform == "linux":
            status = Path(f"/proc/{process.pid}/status").read_text()
            return sum(1024 * int(kb) for kb in re.findall(r"VmHWM:\s*(\d+) kB", status))
        memory = process.memory_info()
        return getattr(memory, "peak_wset", memory.rss)
    except (OSError, psutil.Error):  # it ended meanwhile
        return 0


def pytest_configure() -> None:
    """Put our kernel in the place of nbval's."""
    nbval.plugin.RunningKernel = JudgedKernel


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before nbval's mark, that cells then fail, is read
def pytest_runtest_call(item: pytest.Item):
    """Run and compare a cell as nbval does, and raise NbCellError for what nbval overlooks."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    refuse_unjudged(item)
    notebook = item.parent
    try:
        yield
    except KernelDied as death:
        notebook.stash[STOPPED] = f"the kernel died in {item.name}"
        item.raise_cell_error(
            f"The kernel died with exit status {death} (-9 is mostly for want of memory): run "
            "this cell alone and watch its memory."
        )
    finally:
        if notebook.timed_out:
            notebook.stash[STOPPED] = f"the time was up in {item.name}"
        if notebook.kernel.is_alive():
            item.user_properties.append(("peak_mb", notebook.kernel.peak_mb()))
    refuse_pretence(item)


def refuse_unjudged(cell: IPyNbCell) -> None:
    """Raise NbCellError if `cell` would not be run or has nothing to be compared with."""
    if STOPPED in cell.parent.stash:
        cell.raise_cell_error(f"Not run, because {cell.parent.stash[STOPPED]}.")
    if cell.options["skip"]:
        cell.raise_cell_error(
            "nbval-skip hides a cell from every test: mend the cell, or tag it "
            "nbval-ignore-output if only its output cannot be compared."
        )
    if cell.cell.execution_count is None and cell.cell.source.strip():
        cell.raise_cell_error(
            "This cell was never run, so there is nothing to compare with: run "
            f"`python tools/notebooks.py run {cell.path.stem}` and commit the notebook."
        )


def refuse_pretence(cell: IPyNbCell) -> None:
    """Raise NbCellError if `cell` caught its time-out or did not raise what it promises."""
    if STOPPED in cell.parent.stash:
        cell.raise_cell_error(
            f"The cell took longer than {cell.config.option.nbval_cell_timeout:g} seconds and "
            "caught the interrupt: make it shorter."
        )
    raised = any(output.output_type == "error" for output in cell.test_outputs)
    if cell.options["check_exception"] and not raised:
        cell.raise_cell_error(
            "This cell is tagged raises-exception but raises nothing: mend it or drop the tag."
        )


def pytest_terminal_summary(terminalreporter) -> None:
    """Print one table: cells, seconds (kernel start included) and peak memory of each notebook."""
    notebooks = {}
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and ".ipynb::" in report.nodeid:
            notebooks.setdefault(report.nodeid.split("::")[0], []).append(report)
    if notebooks:
        terminalreporter.section("notebooks")
        terminalreporter.line(f"{'notebook':40}{'cells':>8}{'seconds':>10}{'peak MB':>10}")
    for path, reports in sorted(notebooks.items()):
        cells = len({report.nodeid for report in reports})
        seconds = sum(report.duration for report in reports)
        peak = max(dict(report.user_properties).get("peak_mb", 0) for report in reports)
        terminalreporter.line(f"{Path(path).name:40}{cells:8}{seconds:10.1f}{peak:10.0f}")
