"""The training loop that every later lesson uses, and its checkpoints. Lesson 02.

A lesson writes `step` (forward, loss, backward, update); `fit` repeats it, records its numbers,
evaluates, stops early, saves and resumes, and never learns what a model is.
"""

import contextlib
import copy
import functools
import io
import math
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import get_total_norm
from torch.utils import _pytree
from tqdm.auto import tqdm

KIND = "aigc_lib.train, 2"  # what tells our checkpoints from other files
START_ANEW = "delete it to start anew, or give `checkpoint` another path"
# What a checkpoint may hold besides tensors and plain values: NumPy's numbers and arrays.
NUMPY = [np.dtype, np.ndarray, np.float64().__reduce__()[0], np.zeros(0).__reduce__()[0]]
NUMPY += {type(np.dtype(code)) for code in np.typecodes["All"]}


class CheckpointError(RuntimeError):
    """A checkpoint is damaged, does not fit this training, or was not written by `fit`."""


def minibatches(data: tuple[torch.Tensor, ...], batch_size: int, seed: int) -> Callable:
    """Return `batches(i)`, which gives the tensors of the i-th batch, i = 0, 1, 2, ...

    Each tensor of `data` is (N, ...), on any device; each of a batch is (B, ...). An epoch is
    N // B batches in an order of its own, drawn from `seed` and the epoch's number alone, and
    leaves out the N mod B examples at the end of that order. Raises ValueError if `data` is no
    tuple of tensors of one length of at least B. Lesson 02.
    """
    rows = (isinstance(part, torch.Tensor) and part.ndim for part in data)
    if isinstance(data, torch.Tensor) or not all(rows):
        raise ValueError(
            "minibatches needs a tuple of tensors of at least one dimension: write (x,) for one "
            "tensor x, and torch.from_numpy(a) for an array a"
        )
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
    - after `patience` evaluations with no "loss" below the best;
    - by the stop button or Ctrl-C: the step under way is finished first. A second press does not
      wait for it: `state` may be left in the middle of an update, and no checkpoint is written.
      Only this `fit` ends, not a loop around it;
    - by a NaN or infinite number of `step`, or parameter of `state`, looked at every `every` steps:
      no checkpoint is written. A NaN of `evaluate` is only recorded.

    With `patience`, `state` is put back to the best evaluation, or to the start if none is below
    infinity, at every end but an interrupt. Only evaluations with `patience` count: given first
    when training goes on from a checkpoint, it starts there.

    `state` names what must survive a stop: objects with `state_dict` and `load_state_dict` (model,
    optimiser, schedule) or generators. With `checkpoint`, a path, all of it, PyTorch's own CPU and
    CUDA generators (dropout) and the history are written there every `every` steps and at a stop;
    if the file is there already, training goes on from it, to the same parameters, bit for bit, as
    without the stop: the learning rate that it holds wins over the one in the code. If the stop was
    a smaller `steps`, that holds where it was a multiple of `every`: else it ended in an evaluation
    that the longer training has not. Not saved: the random state of Python, NumPy and MPS, and
    whether a model is in `train()` or `eval()` mode, so `step` and `evaluate` each set the mode
    that they need.

    Raises ValueError for arguments that do not fit together, TypeError if `step` or `evaluate`
    returns something else, CheckpointError for a file that cannot be resumed from, and RuntimeError
    that says which batch size to try if a GPU's memory runs out. Lesson 02.
    """
    state = state or {}
    _check(state, checkpoint, every, evaluate, patience)
    classes = {name: type(item).__name__ for name, item in state.items()}
    run = {"step": 0, "history": {}, "best": {}, "classes": classes}
    if checkpoint and os.path.exists(checkpoint):
        run = _load(checkpoint, state, classes)
        print(f"{checkpoint} goes on from step {run['step']}; {START_ANEW}")
    if patience and not run["best"]:
        _keep(run, state, math.inf)
    stopped, bad, pause = "", "", False
    with _stop_button() as pressed, tqdm(total=steps, initial=run["step"]) as bar:
        while not (stopped := bad or _end(run, steps, patience, pause)):
            numbers = _update(step, batches, run["step"])
            run["step"] += 1
            _record(run, numbers)
            if bar.update():  # it is shown a few times a second
                bar.set_postfix(numbers, refresh=False)
            bad = _not_finite(run["step"], numbers)
            due = run["step"] % every == 0 or run["step"] == steps
            if (due or pressed) and not bad:
                bad = _not_finite(run["step"], _norms(state))
                if due and evaluate and not bad:
                    _evaluate(run, state, evaluate, patience)
                if checkpoint and not bad:
                    _save(checkpoint, run, state)
                pause = bool(pressed)  # only here, so that a pause is checked and saved
        bar.set_postfix(_latest(run))
    stopped = stopped or f"interrupted at step {run['step']}: what came next may be half done"
    if patience and not stopped.startswith("interrupted"):
        _put_back(state, run["best"]["state"])
        stopped += f", back to step {run['best']['step']}, val_loss {run['best']['loss']:.4g}"
    last = ", ".join(f"{name} {x:.4g}" for name, x in _latest(run).items())
    print(f"{stopped}; last {last}" if last else stopped)
    return {**run["history"], "stopped": stopped}


def _check(state, checkpoint, every, evaluate, patience) -> None:
    """Raise ValueError for arguments of `fit` that do not fit together."""
    for name, item in state.items():
        if not (isinstance(item, torch.Generator) or hasattr(item, "load_state_dict")):
            needed = "no torch.Generator, so it needs `state_dict` and `load_state_dict`"
            raise ValueError(f"state[{name!r}] is a {type(item).__name__}: {needed}")
    if every < 1 or (patience is not None and patience < 1):
        raise ValueError(f"every={every}, patience={patience}: give numbers of at least 1")
    if patience and not (evaluate and state):
        raise ValueError(f"patience={patience} needs `evaluate` to watch and `state` to put back")
    if checkpoint and not (state and Path(checkpoint).parent.is_dir()):
        raise ValueError(f"checkpoint={str(checkpoint)!r} needs `state` and an existing folder")


def _end(run, steps, patience, pause) -> str:
    """Return why training ends here, or nothing if it goes on."""
    if patience and run["best"]["waited"] >= patience:
        return f"no better validation loss in {patience} evaluations"
    if run["step"] >= steps:
        return f"finished {run['step']} steps"
    return f"interrupted at step {run['step']}" if pause else ""


def _update(step, batches, i) -> dict:
    """Do step `i` and return its numbers."""
    batch = None
    try:
        batch = batches(i)
        return _numbers(step(batch), "step")
    except torch.OutOfMemoryError as error:
        size = next((len(x) for x in _pytree.tree_leaves(batch) if getattr(x, "ndim", 0)), 0)
        advice = f"a batch of {size // 2}, not {size}" if size > 1 else "a smaller batch or model"
        raise RuntimeError(f"no memory on the GPU for step {i}: try {advice}") from error


def _numbers(returned, by) -> dict:
    """Return what `step` or `evaluate` returned as floats; on a GPU this waits for them."""
    try:
        if any(name in ("step", "stopped") or name.startswith("val_") for name in returned):
            raise TypeError("the history uses this name itself")
        return {k: float(x.detach() if hasattr(x, "detach") else +x) for k, x in returned.items()}
    except (AttributeError, TypeError, ValueError) as error:  # + refuses a text, float would not
        wanted = '{"loss": loss, ...} (names other than step, stopped, val_...)'
        raise TypeError(f"{by} returned {returned!r}: let it return {wanted}") from error


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
    with torch.no_grad():
        return {f"the norm of {k}": get_total_norm(m.parameters()) for k, m in models.items()}


def _evaluate(run, state, evaluate, patience) -> None:
    """Record the numbers of `evaluate()` and, with `patience`, keep the best state."""
    numbers = _numbers(evaluate(), "evaluate")
    _record(run, {"val_step": run["step"], **{f"val_{name}": x for name, x in numbers.items()}})
    if patience:
        if "loss" not in numbers:
            raise ValueError(f'patience watches "loss", and evaluate returned {list(numbers)}')
        run["best"]["waited"] += 1
        if numbers["loss"] < run["best"]["loss"]:
            _keep(run, state, numbers["loss"])


def _keep(run, state, loss) -> None:
    """Make the present step and state the best."""
    kept = copy.deepcopy(_saved(state))
    run["best"] = {"loss": loss, "step": run["step"], "waited": 0, "state": kept}


@contextlib.contextmanager
def _stop_button() -> Iterator[list]:
    """Yield a list that is empty until the stop button is pressed; a second press leaves at once.

    Without this a press would break a step in its middle, which no checkpoint could mend.
    """
    pressed = []

    def press(number, frame):
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    main = threading.current_thread() is threading.main_thread()  # Python interrupts no other
    handle = signal.signal if main else lambda *_: None
    before = handle(signal.SIGINT, press)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield pressed
    finally:
        handle(signal.SIGINT, before)


def _saved(state) -> dict:
    """Return what is to be saved of each object in `state`, by reference."""
    return {
        name: item.get_state() if isinstance(item, torch.Generator) else item.state_dict()
        for name, item in state.items()
    }


def _put_back(state, saved) -> None:
    """Bring the objects in `state` back to what `_saved` returned; `saved` is then theirs."""
    for name, item in state.items():
        (item.set_state if isinstance(item, torch.Generator) else item.load_state_dict)(saved[name])


def _generators() -> dict[str, torch.Generator]:
    """Return PyTorch's own generators, which dropout draws from: the CPU's and each GPU's."""
    return {str(g.device): g for g in (torch.default_generator, *torch.cuda.default_generators)}


def _save(path, run, state) -> None:
    """Write a checkpoint so that a stop at any moment leaves a whole one: the old or the new."""
    saved = {"state": _saved(state), "generators": _saved(_generators())}
    with open(new := f"{path}.new", "wb") as file:
        torch.save({"kind": KIND, "run": run, **saved}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _load(path, state, classes) -> dict:
    """Bring `state` to the checkpoint at `path` and return the run's position and history.

    Raises CheckpointError, and leaves `state` as it was, if the file cannot be resumed from.
    """
    saved, before = _read_file(path), copy.deepcopy(_saved(state))
    try:
        if saved["run"]["classes"] != classes:
            raise ValueError(f"it holds {saved['run']['classes']}, and `state` names {classes}")
        _put_back(state, saved["state"])
    except Exception as error:  # each kind of object raises another
        _put_back(state, before)
        why = (str(error) or repr(error)).splitlines()[-1].strip()
        raise CheckpointError(f"{path} does not fit this training: {why}; {START_ANEW}") from error
    here = {name: one for name, one in _generators().items() if name in saved["generators"]}
    _put_back(here, saved["generators"])
    return saved["run"]


def _read_file(path) -> dict:
    """Return what `_save` wrote to `path`, or raise CheckpointError that says what is there."""
    content, whole, cause = Path(path).read_bytes(), False, None
    try:
        if part := zipfile.ZipFile(io.BytesIO(content)).testzip():
            raise zipfile.BadZipFile(f"the checksum of {part} is wrong")
        whole = True
        with torch.serialization.safe_globals(NUMPY):
            saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if saved["kind"] == KIND:
            return saved
    except Exception as error:  # torch.load has no error of its own
        cause = error
    ours = not whole and (b"PK".startswith(content[:2]) or KIND.encode() in content)
    found = f"is damaged ({cause})" if ours else "was not written by fit"
    raise CheckpointError(f"{path} {found}; {START_ANEW}") from cause
