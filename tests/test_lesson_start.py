"""The first cell of every lesson: where it may be run from, the device, the seed."""

import os
import random
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from aigc_lib import lesson

ROOT = Path(__file__).resolve().parents[1]


def setup_cell(path: Path) -> str:
    """Return the source of the first code cell of the notebook at `path`."""
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


SETUP = setup_cell(ROOT / "notebooks/01_backprop.ipynb")


@pytest.mark.parametrize("place", ["notebooks", ".", "elsewhere"])
def test_setup_cell_runs_twice_from_anywhere_and_clones_nothing(place, tmp_path):
    here = tmp_path if place == "elsewhere" else ROOT / place
    ran_git = tmp_path / "git.log"  # which git writes if anything calls it
    told = {
        "AIGC_DEVICE": "cpu",
        "GIT_TRACE": str(ran_git),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    command = [sys.executable, "-m", "IPython", "--quick", "-c", f"{SETUP}\n{SETUP}"]
    run = subprocess.run(command, cwd=here, env=os.environ | told, capture_output=True, text=True)
    assert run.stdout.splitlines() == ["device: cpu"] * 2, run.stdout + run.stderr
    assert run.returncode == 0
    assert not ran_git.exists()


@pytest.fixture
def cpu_only(monkeypatch):
    """A machine without a GPU."""
    monkeypatch.delenv("AIGC_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_fastest_device_is_chosen(cpu_only, monkeypatch):
    assert lesson.choose_device().type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert lesson.choose_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert lesson.choose_device().type == "cuda"


def test_the_environment_overrides_the_choice(cpu_only, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("AIGC_DEVICE", "cpu")
    assert lesson.choose_device().type == "cpu"


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        ("tpu", ValueError, "AIGC_DEVICE='tpu' names no device: set it to cpu, cuda or mps."),
        ("cuda", RuntimeError, "AIGC_DEVICE='cuda', but PyTorch finds only cpu on this machine."),
    ],
)
def test_a_device_that_is_not_here_is_refused(cpu_only, monkeypatch, asked, error, sentence):
    monkeypatch.setenv("AIGC_DEVICE", asked)
    with pytest.raises(error) as refused:
        lesson.start()
    assert str(refused.value) == sentence


def test_start_makes_random_numbers_repeat(cpu_only, capsys):
    def draw(seed: int) -> list[float]:
        lesson.start(seed)
        return [random.random(), np.random.rand(), torch.rand(()).item()]

    assert draw(1) == draw(1)
    assert all(one != two for one, two in zip(draw(1), draw(2), strict=True))
    assert capsys.readouterr().out == "device: cpu\n" * 4
