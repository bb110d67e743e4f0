"""A training killed at random moments ends with the same parameters as one left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

KILLS = 20


def train_to_the_end(checkpoint, result, seconds_a_step=0.001):
    """Train the small lesson of test_train, with a checkpoint, and write its parameters."""
    import torch
    from test_train import lesson

    from aigc_lib import train

    torch.set_num_threads(1)
    course = lesson(width=1024)

    def step(batch):
        time.sleep(seconds_a_step)  # so that kills come between writes, and within them
        return course.step(batch)

    options = {"state": course.state, "checkpoint": checkpoint, "every": 3}
    history = train.fit(step, course.batches, 400, **options)
    torch.save({"model": course.model.state_dict(), "history": history}, result)


def born(*arguments):
    """Start a life of the training, and return its process id."""
    if child := os.fork():
        return child
    try:
        train_to_the_end(*arguments)
        os._exit(0)
    finally:
        os._exit(1)


def written(path):
    """When the file was last replaced, or nothing if it is not there."""
    return path.stat().st_mtime_ns if path.exists() else None


def alive(child):
    return psutil.Process(child).status() != psutil.STATUS_ZOMBIE


def ended(child):
    """Wait for a life to end; return whether it was killed. Fail if it broke."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def equal(a, b):
    """Whether two files of results hold the same values, bit for bit."""
    import torch

    a, b = (torch.load(path, weights_only=True) for path in (a, b))
    parameters = a["model"].keys() == b["model"].keys() and all(
        torch.equal(a["model"][name], b["model"][name]) for name in a["model"]
    )
    return parameters and a["history"] == b["history"]


def main(folder):
    """Kill and resume until 20 kills were survived; print how many, and in how many runs."""
    # Once, as every life is a fork of this process; PyTorch imports the first when it trains.
    import torch._dynamo  # noqa: F401

    import aigc_lib.train  # noqa: F401

    whole, checkpoint, result = folder / "whole.pt", folder / "run.pt", folder / "result.pt"
    start = time.monotonic()
    assert not ended(born(folder / "unused.pt", whole))
    seconds = time.monotonic() - start
    moments, kills, runs, resumed = random.Random(0), 0, 0, 0
    while not result.exists():
        before = written(checkpoint)
        life = born(checkpoint, result)
        if kills < KILLS:
            # Every other life gets as far as a checkpoint, so that there is progress to lose.
            while kills % 2 and written(checkpoint) == before and alive(life):
                time.sleep(0.001)
            time.sleep(moments.uniform(0, seconds / 20))
            os.kill(life, signal.SIGKILL)
        kills += ended(life)
        resumed += before is not None
        if result.exists() and kills < KILLS:  # too fast: once more from the start
            assert equal(whole, result)
            checkpoint.unlink()
            result.unlink()
            runs += 1
    assert equal(whole, result)
    assert resumed >= KILLS // 2
    print(kills, "kills,", runs + 1, "runs,", resumed, "lives went on from a checkpoint")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork and no SIGKILL.")
def test_twenty_kills_change_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
    assert f"\n{KILLS} kills" in done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
