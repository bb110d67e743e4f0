"""The training loop that every later lesson uses, and its checkpoints. Lesson 02.

A lesson writes `step` (forward, loss, backward, update); `fit` repeats it, records its numbers,
evaluates, stops early, saves and resumes, and never learns what a model is.
"""

import contextlib
import copy
import functools
import math
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

READ_EVERY = 10  # steps; to read a number of a GPU is to wait for it, so several are read at once
KIND = "aigc_lib.train, 1"  # what tells our checkpoints from other files
START_ANEW = "delete it to start anew, or give `checkpoint` another path"


class CheckpointError(RuntimeError):
    """A checkpoint is damaged, does not fit this training, or was not written by `fit`."""


def minibatches(data: tuple[torch.Tensor, ...], batch_size: int, seed: int) -> Callable:
    """Return `batches(i)`, which gives the tensors of the i-th batch, i = 0, 1, 2, ...

    Each tensor of `data` is (N, ...), on any device; each of a batch is (B, ...). An epoch is
    N // B batches in an order of its own, drawn from `seed` and the epoch's number alone, and
    leaves out the N mod B examples at the end of that order. Raises ValueError if `data` is no
    tuple of tensors of one length of at least B. Lesson 02.
    """
    if isinstance(data, torch.Tensor):
        raise ValueError("minibatches needs a tuple of tensors: write (x,) for one tensor x")
    sizes = {len(tensor) for tensor in data}
    if len(sizes) != 1 or not 1 <= batch_size <= min(sizes):
        raise ValueError(
            f"no batch of {batch_size} in tensors of length {sorted(sizes)}: give tensors of one "
            "length, and a batch_size from 1 to that length"
        )
    size = sizes.pop()

    @functools.lru_cache(maxsize=1)
    def order(epoch: int) -> torch.Tensor:
        (mixed,) = np.random.SeedSequence(seed, spawn_key=(epoch,)).generate_state(1)
        generator = torch.Generator().manual_seed(int(mixed))
        return torch.randperm(size, generator=generator).to(data[0].device)

    def batches(i: int) -> tuple[torch.Tensor, ...]:
        epoch, place = divmod(i, size // batch_size)
        chosen = order(epoch)[place * batch_size :][:batch_size]
        return tuple(tensor.index_select(0, chosen.to(tensor.device)) for tensor in data)

    return batches


def precision(device: torch.device | str) -> contextlib.AbstractContextManager:
    """Return a context for the forward pass: bfloat16 where a GPU computes in it, else nothing.

    Only CUDA devices with bfloat16 in hardware gain enough; the loss and the update stay outside
    or in float32 by autocast's own rules. Lesson 02.
    """
    if torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported(
        including_emulation=False
    ):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def fit(
    step: Callable[..., dict],
    batches: Callable[[int], object],
    steps: int,
    *,
    state: dict | None = None,
    checkpoint: str | Path | None = None,
    every: int = 100,
    evaluate: Callable[[], dict] | None = None,
    patience: int | None = None,
) -> dict:
    """Call `step(batches(i))` for i = 0, ..., steps - 1, and return the history.

    `step` does one update and returns a dict of numbers (floats or tensors of one element);
    `batches(i)` depends on i alone, so that a position in the data is a number.

    The history has a list for each number of `step`, an entry a step; for each number of
    `evaluate`, called every `every` steps and at the end, a list under its name after `val_`, with
    the steps in `val_step`; and under `stopped` a sentence that says why training ended. That is
    printed too, with the last numbers:

    - after `steps` steps;
    - after `patience` evaluations with no "loss" below the best: `state` is put back to the best;
    - by the stop button or Ctrl-C: the step under way is finished first. A second press does not
      wait for it, and then no checkpoint is written;
    - by a NaN or infinite number of `step`, seen at most 10 steps later, or parameter of `state`,
      looked at every `every` steps: no checkpoint is written.

    `state` names what must survive a stop: objects with `state_dict` and `load_state_dict` (model,
    optimiser, schedule) or generators. With `checkpoint`, a path, all of it, PyTorch's own CPU and
    CUDA generators (dropout) and the history are written there every `every` steps and at a stop;
    if the file is there already, training goes on from it, to the same parameters, bit for bit, as
    without the stop. Not saved: the random state of Python, NumPy and MPS, and whether a model is
    in `train()` or `eval()` mode, so `step` and `evaluate` each set the mode that they need.

    Raises ValueError for arguments that do not fit together, CheckpointError for a file that cannot
    be resumed from, and RuntimeError that says which batch size to try if a GPU's memory runs out.
    Lesson 02.
    """
    state = state or {}
    _check(state, checkpoint, every, evaluate, patience)
    run = {"step": 0, "history": {}, "best": {"loss": math.inf, "step": 0, "waited": 0}}
    if checkpoint and os.path.exists(checkpoint):
        run = _load(checkpoint, state)
        print(f"{checkpoint} goes on from step {run['step']}; {START_ANEW}")
    if patience:
        run["best"].setdefault("state", copy.deepcopy(_saved(state)))
    unread, bad, pause = [], "", False
    with _stop_button() as pressed, tqdm(total=steps, initial=run["step"]) as bar:
        try:
            while not (stopped := bad or _end(run, steps, patience, pause)):
                unread.append(_update(step, batches(run["step"])))
                run["step"] += 1
                pause, due = bool(pressed), run["step"] % every == 0 or run["step"] == steps
                if due or pause or len(unread) == READ_EVERY:
                    bad = _read(run, unread, bar)
                if (due or pause) and not bad:
                    bad = _not_finite(run["step"], _norms(state))
                if due and evaluate and not bad:
                    _evaluate(run, state, evaluate, patience)
                if (due or pause) and checkpoint and not bad:
                    _save(checkpoint, run, state)
        except KeyboardInterrupt:
            stopped = f"interrupted at step {run['step']}, within the next one"
            stopped = _read(run, unread, bar) or stopped
    print(", ".join([stopped, *(f"{name} {x:.4g}" for name, x in _latest(run).items())]))
    return {**run["history"], "stopped": stopped}


def _check(state, checkpoint, every, evaluate, patience) -> None:
    """Raise ValueError for arguments of `fit` that do not fit together."""
    for name, item in state.items():
        if not (isinstance(item, torch.Generator) or hasattr(item, "load_state_dict")):
            kind = type(item).__name__
            raise ValueError(f"state[{name!r}] is a {kind}: give a model, optimiser or generator")
    if every < 1 or (patience is not None and patience < 1):
        raise ValueError(f"every={every}, patience={patience}: give numbers of at least 1")
    if patience and not (evaluate and state):
        raise ValueError(f"patience={patience} needs `evaluate` to watch and `state` to put back")
    if checkpoint and not state:
        raise ValueError(f"checkpoint={str(checkpoint)!r} needs `state`: name what to save")


def _end(run, steps, patience, pause) -> str:
    """Return why training ends here, or nothing if it goes on."""
    done, best = run["step"], run["best"]
    if patience and best["waited"] >= patience:
        without = f"no better validation loss in {patience} evaluations"
        return f"{without}, back to step {best['step']}"
    if done >= steps:
        return f"finished {done} steps"
    return f"interrupted at step {done}" if pause else ""


def _update(step, batch) -> dict:
    """Do one step and return its numbers."""
    try:
        numbers = step(batch)
    except torch.OutOfMemoryError as error:
        size = len(batch if isinstance(batch, torch.Tensor) else batch[0])
        advice = f"a batch of {size // 2}" if size > 1 else "a smaller model"
        raise RuntimeError(f"no memory for a batch of {size} on the GPU: try {advice}") from error
    if not isinstance(numbers, dict):
        raise TypeError(f'step returned {numbers!r}: let it return numbers, as {{"loss": loss}}')
    return {name: _number(x) for name, x in numbers.items()}


def _number(x):
    """Return `x` as a float or, where reading would wait for a GPU, a copy to be read later."""
    if not isinstance(x, torch.Tensor):
        return float(x)
    return x.detach().item() if x.device.type == "cpu" else x.detach().clone()


def _read(run, unread, bar) -> str:
    """Move the numbers of the last steps to the history; return what is wrong with them."""
    for number, row in enumerate(unread, run["step"] - len(unread) + 1):
        numbers = {name: float(x) for name, x in row.items()}
        _record(run, numbers)
        if wrong := _not_finite(number, numbers):
            return wrong
    bar.update(len(unread))
    bar.set_postfix(_latest(run), refresh=False)
    unread.clear()
    return ""


def _record(run, numbers) -> None:
    for name, x in numbers.items():
        run["history"].setdefault(name, []).append(x)


def _latest(run) -> dict:
    return {name: xs[-1] for name, xs in run["history"].items() if name != "val_step"}


def _not_finite(step, numbers) -> str:
    """Return which number is NaN or infinite, and the usual causes, or nothing."""
    for name, x in numbers.items():
        if not math.isfinite(x):
            causes = "a learning rate too large, inputs not scaled, the log of 0, a division by 0"
            return f"stopped at step {step}, {name} is {x} (usual causes: {causes})"
    return ""


def _norms(state) -> dict:
    """Return the norm of the parameters of each model in `state`: one number that shows a NaN."""
    models = {name: item for name, item in state.items() if isinstance(item, torch.nn.Module)}
    parameters = {name: [p.detach() for p in item.parameters()] for name, item in models.items()}
    norm = torch.nn.utils.get_total_norm
    return {f"the norm of {name}": float(norm(found)) for name, found in parameters.items()}


def _evaluate(run, state, evaluate, patience) -> None:
    """Record the numbers of `evaluate()`; where patience ends, put `state` back to the best."""
    numbers, best = {name: float(_number(x)) for name, x in evaluate().items()}, run["best"]
    _record(run, {f"val_{name}": x for name, x in {"step": run["step"], **numbers}.items()})
    if patience and "loss" not in numbers:
        raise ValueError(f'patience watches "loss", and evaluate returned only {list(numbers)}')
    if patience and numbers["loss"] < best["loss"]:
        found = {"step": run["step"], "waited": 0, "state": copy.deepcopy(_saved(state))}
        best |= {"loss": numbers["loss"], **found}
    elif patience:
        best["waited"] += 1
        if best["waited"] == patience:
            _put_back(state, best["state"])


@contextlib.contextmanager
def _stop_button() -> Iterator[list]:
    """Yield a list that is empty until the stop button is pressed; a second press interrupts.

    Without this a press would break a step in its middle, which no checkpoint could mend.
    """
    pressed = []

    def press(number, frame):
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield pressed  # Python interrupts the main thread only
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _saved(state) -> dict:
    """Return what is to be saved of each object in `state`, by reference."""
    return {
        name: item.get_state() if isinstance(item, torch.Generator) else item.state_dict()
        for name, item in state.items()
    }


def _put_back(state, saved) -> None:
    """Bring the objects in `state` back to what `_saved` returned; `saved` stays its own."""
    for name, item in state.items():
        load = item.set_state if isinstance(item, torch.Generator) else item.load_state_dict
        load(copy.deepcopy(saved[name]))


def _generators() -> dict[str, torch.Generator]:
    """Return PyTorch's own generators, which dropout draws from: the CPU's and each GPU's."""
    cuda = {f"cuda:{i}": one for i, one in enumerate(torch.cuda.default_generators)}
    return {"cpu": torch.default_generator, **cuda}


def _save(path, run, state) -> None:
    """Write a checkpoint so that a stop at any moment leaves a whole one: the old or the new."""
    path = Path(path)
    new = path.with_name(path.name + ".new")
    saved = {"state": _saved(state), "generators": _saved(_generators())}
    with open(new, "wb") as file:
        torch.save({"kind": KIND, "run": run, **saved}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _load(path, state) -> dict:
    """Bring `state` to the checkpoint at `path` and return the run's position and history.

    Raises CheckpointError, and leaves `state` as it was, if the file cannot be resumed from.
    """
    saved, before = _read_file(path), copy.deepcopy(_saved(state))
    names = f"it holds {', '.join(saved['state'])} and `state` names {', '.join(state)}"
    try:
        if saved["state"].keys() != state.keys():
            raise ValueError(names)
        _put_back(state, saved["state"])
    except Exception as error:  # each kind of object raises another
        _put_back(state, before)
        why = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{path} does not fit this training: {why}; {START_ANEW}") from error
    here = {name: one for name, one in _generators().items() if name in saved["generators"]}
    _put_back(here, saved["generators"])
    return saved["run"]


def _read_file(path) -> dict:
    """Return what `_save` wrote to `path`, or raise CheckpointError that says what is there."""
    found, cause = "was not written by fit", None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(saved, dict) and saved.get("kind") == KIND:
            return saved
    except Exception as error:  # torch.load has no error of its own
        cause = error
        with open(path, "rb") as file:
            if b"PK".startswith(file.read(2)) and not zipfile.is_zipfile(path):
                found = "is damaged: its end is missing"
    raise CheckpointError(f"{path} {found}; {START_ANEW}") from cause
