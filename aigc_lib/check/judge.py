"""How an exercise is judged: one sentence, a status, and never an exception.

A check is written as a function of an `Attempt` that raises `Wrong` with the sentence that helps.
`exercise` turns it into what a lesson calls: `check.<lesson>.<name>(fn)`.
"""

import copy
import functools
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

OK, WRONG, NOT_ATTEMPTED, NOT_CHECKED = "ok", "wrong", "not attempted", "not checked"

# how NumPy and torch say that shapes do not fit
MISFITS = ("matmul", "broadcast", "size of tensor", "cannot be multiplied", "size mismatch")


class Wrong(Exception):
    """The answer is wrong; the message is the sentence that the learner reads."""


@dataclass(frozen=True)
class Result:
    """What a check found: the exercise's name, its status, and the sentence that was printed."""

    name: str
    status: str
    sentence: str

    def _ipython_display_(self) -> None:
        """Show nothing under a cell that ends in a check: the sentence is printed already."""


class Attempt:
    """A learner's function, watched while it is called.

    Calling it raises `Wrong` where the function raises, returns nothing or changes its arguments;
    NotImplementedError, which marks a stub, passes through.
    """

    def __init__(self, fn: Callable):
        self.fn = fn

    def __call__(self, *args):
        parameters = self._parameters(args)
        before = copy.deepcopy(args)
        try:
            with np.errstate(all="ignore"):
                answer = self.fn(*args)
        except Wrong:  # from something of the check's own that the function called
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, NotImplementedError) and self._is_mine(error):
                raise
            raise Wrong(self._raised(error, parameters, args)) from error
        for name, *pair in zip(parameters, before, args, strict=True):
            if not _same(*pair):
                raise Wrong(
                    f"it changed its argument `{name}`: build a new array instead of writing into "
                    "the one you were given."
                )
        if answer is None:
            raise Wrong("it returned None: `print` shows a value, only `return` hands it back.")
        return answer

    def _parameters(self, args: tuple) -> list[str]:
        names = []
        try:
            names = list(inspect.signature(self.fn).bind(*args).arguments)
        except TypeError:
            raise Wrong(
                f"the check calls it with {len(args)} argument{'s' * (len(args) > 1)}, as the "
                "first line of the stub has it: leave that line as it is."
            ) from None
        except ValueError:
            pass  # a built-in function does not tell the names of its parameters
        return names if len(names) == len(args) else [str(n + 1) for n in range(len(args))]

    def _is_mine(self, error: BaseException) -> bool:
        """Say whether the function itself raised `error`, not something that it called."""
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        return trace.tb_frame.f_code is getattr(self.fn, "__code__", None)

    def _raised(self, error: BaseException, parameters: list[str], args: tuple) -> str:
        file = getattr(getattr(self.fn, "__code__", None), "co_filename", None)
        lines = [f.line for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        where = f" at `{lines[-1]}`" if lines and lines[-1] else ""
        message = " ".join(str(error).split())
        of_numbers = isinstance(error, (ValueError, RuntimeError))  # NumPy's and torch's
        if of_numbers and any(words in message for words in MISFITS):
            pairs = zip(parameters, args, strict=True)
            shapes = ", ".join(f"{name} {tuple(a.shape)}" for name, a in pairs if _has_axes(a))
            return (
                f"the shapes do not fit{where}: you were given {shapes}. In `P @ Q`, P has as many "
                "columns as Q has rows; in `P * Q` and `P + Q`, each axis is equal or 1, counted "
                "from the last."
            )
        if of_numbers and "more than one" in message and "ambiguous" in message:
            return (
                f"`if`, `and`, `max` and the like ask for one truth, but here are many{where}: "
                "choose number by number, with `torch.where` or `clamp` (in NumPy `np.where` or "
                "`np.maximum`)."
            )
        said = f"it raised {type(error).__name__}: {message}{where}."
        if isinstance(error, TypeError) and re.search("must be Tensor, not (float|int)", message):
            return (
                f"{said} Functions of torch take tensors: for a plain number there is `math`, for "
                "the larger of a tensor and a number `clamp`."
            )
        return said


def _has_axes(value) -> bool:
    return isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim > 0


def _same(before, after) -> bool:
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, torch.Tensor):
        before, after = before.detach(), after.detach()  # NumPy reads no tensor with a gradient
    if isinstance(before, (np.ndarray, torch.Tensor)):
        return before.shape == after.shape and np.array_equal(before, after)
    if hasattr(before, "parents"):  # a value of the engine
        return all(getattr(before, a) == getattr(after, a) for a in ("data", "grad", "label"))
    return True


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return float64 draws of N(0, 1) for an exercise: the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def expect(got, want, what: str = "the result", mistakes=(), hint: str = "") -> None:
    """Raise `Wrong` unless `got` equals `want` (a number or an array), to 1e-8.

    The tolerance is relative to the largest entry of `want`. The complaints descend: type, shape,
    precision, NaN, value. `mistakes` are pairs of a wrong value that a known mistake gives and the
    hint that fits it; `hint` serves all other values.
    """
    want = np.asarray(want, dtype=float)
    try:
        value = np.asarray(got.detach() if isinstance(got, torch.Tensor) else got)
        is_number = value.dtype.kind in "fiub"
    except (Exception, SystemExit):
        is_number = False
    if not is_number:
        raise Wrong(f"{what} should be {_kind(want)}, not {_short(got)} ({type(got).__name__}).")
    if value.shape != want.shape:
        advice = next((text for wrong, text in mistakes if np.shape(wrong) == value.shape), hint)
        shape = want.shape or "(): a plain number"
        raise Wrong(f"{what} has shape {value.shape} instead of {shape}. {advice}".rstrip())
    if value.dtype != np.float64:
        raise Wrong(
            f"{what} has dtype {value.dtype} instead of float64: "
            "an integer or a short float cuts off digits."
        )
    if not np.isfinite(value).all():
        raise Wrong(f"{what} contains {value[~np.isfinite(value)].flat[0]}. {hint}".rstrip())
    if _close(value, want):
        return
    for wrong, advice in mistakes:
        if np.shape(wrong) == value.shape and _close(value, np.asarray(wrong, dtype=float)):
            raise Wrong(f"{what} is not right yet. {advice}")
    error = np.abs(value - want).max() / np.abs(want).max(initial=1e-300)
    if error < 1e-5:
        raise Wrong(f"{what} is right only to a relative error of {error:.0e}: compute in float64.")
    raise Wrong(f"{what} is {_short(value)}, but it should be {_short(want)}. {hint}".rstrip())


def gradients(
    answer, leaves: dict[str, torch.Tensor], what: str, advice: str, weight=1.0
) -> list[torch.Tensor]:
    """Return the gradients of the sum of weight · answer, by autograd, in each of `leaves`.

    Raises `Wrong` with `advice` where none gets to one; it says that `what` is right, so compare
    the values before.
    """
    if not isinstance(answer, torch.Tensor):
        raise Wrong(
            f"{what} is right, but return a tensor, through which a gradient can pass, not a "
            f"{type(answer).__name__}: `.item()`, `float`, `.tolist()` and `.numpy()` cut it off."
        )
    slopes = [None] * len(leaves)
    if answer.requires_grad:
        total = (weight * answer).sum()
        slopes = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    for name, slope in zip(leaves, slopes, strict=True):
        if slope is None:
            raise Wrong(f"{what} is right, but no gradient gets from it to {name}: {advice}")
    return slopes


def expect_mended(verdicts: list[tuple[bool, str]]) -> None:
    """Raise `Wrong` with a verdict for each bug unless all pairs (mended, hint) are mended."""
    if all(mended for mended, _ in verdicts):
        return
    state = ", ".join(
        f"bug {number} {'mended' if mended else 'still there'}"
        for number, (mended, _) in enumerate(verdicts, start=1)
    )
    hint = next(hint for mended, hint in verdicts if not mended)
    raise Wrong(f"{state}. Hint for the first that is left: {hint}")


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    near = np.abs(a - b) <= 1e-8 * np.abs(b).max(initial=0) + 1e-12
    return bool(np.isfinite(b).all() and np.all(near))  # any number is within inf of an infinite b


def _kind(want: np.ndarray) -> str:
    return f"an array of shape {want.shape}" if want.ndim else "a number"


def _short(value) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, threshold=6, separator=", ").replace("\n", "")
    try:
        text = repr(value)
    except BaseException:  # a learner's object may refuse to be shown
        text = "something that cannot be shown"
    return text if len(text) <= 60 else text[:57] + "..."


board: dict[str, dict[str, str]] = {}  # lesson -> exercise -> status, in the order of the lesson


def exercise(check: Callable[[Attempt], None]) -> Callable[[Callable], Result]:
    """Turn `check`, which raises `Wrong`, into one that prints a sentence and never raises."""
    lesson, name = check.__module__.rpartition(".")[2], check.__name__
    board.setdefault(lesson, {})[name] = NOT_CHECKED

    @functools.wraps(check)
    def judged(fn: Callable) -> Result:
        status, sentence = _judge(check, fn)
        board[lesson][name] = status
        print(f"{name}: {sentence}")
        sys.stdout.flush()
        return Result(name, status, sentence)

    return judged


def _judge(check: Callable, fn: Callable) -> tuple[str, str]:
    if not callable(fn):
        return WRONG, f"hand over the function itself, without calling it, not {_short(fn)}."
    try:
        check(Attempt(fn))
    except NotImplementedError:
        return NOT_ATTEMPTED, "not attempted yet."
    except Wrong as wrong:
        return WRONG, str(wrong)
    except (Exception, SystemExit) as error:  # an answer so odd that the check stumbled over it
        return WRONG, f"its answer cannot be used: {type(error).__name__}: {error}."
    return OK, "ok."


def summary() -> None:
    """Print which exercises are done, for each lesson that was checked in this session."""
    marks = {OK: "✓", WRONG: "✗", NOT_ATTEMPTED: "·", NOT_CHECKED: "·"}
    for lesson, exercises in board.items():
        if set(exercises.values()) == {NOT_CHECKED}:
            continue
        done = sum(status == OK for status in exercises.values())
        print(f"{lesson}: {done} of {len(exercises)} exercises done")
        for name, status in exercises.items():
            print(f"  {marks[status]} {name}: {status}")
