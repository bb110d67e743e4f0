"""The course's code beside what one would otherwise write: `python tools/bench.py`.

Every ratio comes from one run on one machine: the sides of a comparison take turns, so that a busy
moment meets both, and the ratio is the median over the turns. Times are of the processor, on one
thread, so that they leave out waiting for other programs. The exit status is 1 if a goal is missed.
An entry is a function that returns rows; later lessons add theirs to `ENTRIES`.
"""

import contextlib
import io
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from aigc_lib import data, train

BATCH = 128


@dataclass
class Row:
    """Two sides of a comparison, their seconds in each turn, and the goal for usual / ours."""

    usual: str
    ours: str
    seconds: list[tuple[float, float]]
    at_least: float

    @property
    def ratio(self) -> float:
        return statistics.median(usual / ours for usual, ours in self.seconds)

    def __str__(self) -> str:
        usual, ours = (1000 * statistics.median(side) for side in zip(*self.seconds, strict=True))
        verdict = "ok" if self.ratio >= self.at_least else "MISSED"
        return (
            f"{self.usual:31} {usual:7.0f} ms   {self.ours:27} {ours:7.0f} ms   "
            f"{self.ratio:6.3f} (goal {self.at_least}) {verdict}"
        )


def take_turns(turns: int, *sides: Callable[[], None]) -> list[tuple[float, ...]]:
    """Call the sides `turns` times one after the other, once more to warm up; return seconds."""

    def seconds(side: Callable[[], None]) -> float:
        start = time.process_time()
        side()
        return time.process_time() - start

    return [tuple(map(seconds, sides)) for _ in range(turns + 1)][1:]


def quiet_fit(*arguments, **options) -> dict:
    """Call `fit`, with its bar and its line, which cost time, going nowhere."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        return train.fit(*arguments, **options)


def small_model() -> Callable[[tuple], dict]:
    """Return the training step of a small network for 28x28 pictures of ten classes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(batch: tuple) -> dict:
        x, y = batch
        loss = nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss}

    return step


class Pictures(Dataset):
    """What one would otherwise write: PIL images, each made a tensor when it is asked for."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor):
        pixels = (images[:, 0] * 255).round().byte().numpy()
        self.images, self.labels = [Image.fromarray(picture) for picture in pixels], labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        pixels = np.array(self.images[i], dtype=np.float32)
        return torch.from_numpy(pixels)[None] / 255, self.labels[i]


def loader() -> list[Row]:
    """An epoch of `fit` and `minibatches` against one of a DataLoader: same model, same batches.

    The model's own work is most of our epoch, which bounds what a loader can gain: beside ready
    tensors, 2 as well was aimed at and 1.6 reached, so the loaders are compared alone too.
    """
    x, y = data.fashion_mnist()["train"]
    steps = len(y) // BATCH
    batches = train.minibatches((x, y), BATCH, seed=0)
    numbers = train.minibatches((torch.arange(len(y)),), BATCH, seed=0)
    order = [i for number in range(steps) for i in numbers(number)[0].tolist()]

    def epoch_of(dataset: Dataset) -> Callable[[], None]:
        step = small_model()
        batches = DataLoader(dataset, BATCH, sampler=order)

        def epoch() -> None:
            for batch in batches:
                step(batch)["loss"].item()

        return epoch

    step = small_model()
    pictures, tensors = epoch_of(Pictures(x, y)), epoch_of(TensorDataset(x, y))
    seconds = take_turns(5, pictures, tensors, lambda: quiet_fit(step, batches, steps))
    alone = take_turns(
        5,
        lambda: list(DataLoader(TensorDataset(x, y), BATCH, sampler=order)),
        lambda: [batches(i) for i in range(steps)],
    )
    ours = "fit + minibatches, an epoch"
    return [
        Row("DataLoader over PIL images", ours, [(a, c) for a, _, c in seconds], 2),
        Row("DataLoader over a TensorDataset", ours, [(b, c) for _, b, c in seconds], 1.5),
        Row("  the same without the model", "minibatches alone", alone, 2),
    ]


def overhead() -> list[Row]:
    """`fit` against a bare loop that records nothing: 0.97 is an overhead of 3 %."""
    x, y = data.fashion_mnist()["train"]
    batches = train.minibatches((x, y), BATCH, seed=0)
    step = small_model()

    def bare() -> None:
        for i in range(1000):
            step(batches(i))

    seconds = take_turns(25, bare, lambda: quiet_fit(step, batches, 1000))
    return [Row("a bare loop, 1000 steps", "fit, 1000 steps", seconds, 0.97)]


ENTRIES = [loader, overhead]


def main() -> int:
    """Print the table; return the exit status."""
    torch.set_num_threads(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} thread")
    rows = []
    for entry in ENTRIES:
        rows += (found := entry())
        print(*found, sep="\n", flush=True)
    return int(any(row.ratio < row.at_least for row in rows))


if __name__ == "__main__":
    sys.exit(main())
