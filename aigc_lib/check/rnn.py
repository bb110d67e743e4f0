"""The exercises of lesson 04, each judged against loops, autograd or what it read."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended, normal


def _two(answer, of: str) -> tuple:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong(f"return two things, {of}.")
    return tuple(answer)


@exercise
def contexts_and_targets(fn: Attempt) -> None:
    """Each piece of n neighbours: the first n-1, and the last."""
    ids = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6])
    for n in (3, 2, 5):
        pieces = np.array([ids[i : i + n].tolist() for i in range(len(ids) - n + 1)])
        contexts, targets = _two(fn(ids, n), "the contexts and the targets")
        mistakes = [
            (pieces, "These are n tokens: the last is the target, and must not be in it."),
            (pieces[:, 1:], "The context holds its own target: that is a leak."),
            (pieces[:, -2::-1], "The context reads as the text does, from left to right."),
            (pieces[:-1, :-1], "The last target is the text's last token: there is one more."),
            (pieces[:, :-1].T, "A context is a row."),
        ]
        what = f"the contexts for n = {n}"
        expect(_whole(contexts), pieces[:, :-1], what, mistakes, "ids.unfold(0, n, 1)[:, :-1].")
        mistakes = [
            (pieces[:, -2], "The target comes after the context: it is not its last token."),
            (pieces[:, 0], "The target is the last of the n, not the first."),
            (pieces[:, -1:], "The targets are (N-n+1,): one number for each context."),
        ]
        what = f"the targets for n = {n}"
        expect(_whole(targets), pieces[:, -1], what, mistakes, "ids.unfold(0, n, 1)[:, -1].")


def _whole(ids):
    """Return whole numbers as `expect` compares them, and anything else as it is."""
    if isinstance(ids, (list, tuple, np.ndarray, torch.Tensor)):
        return np.asarray(ids, dtype=float)
    return ids


@exercise
def bptt_step(fn: Attempt) -> None:
    """da = δ ∘ (1 − h²); dU = daᵀ h_before, and da U goes back: compared with autograd."""
    U, before = normal(4, 4).requires_grad_(), normal(3, 4, seed=1).requires_grad_()
    delta = normal(3, 4, seed=2)
    h = torch.tanh(normal(3, 4, seed=3) + before @ U.T)
    dU, back = (g.numpy() for g in torch.autograd.grad((delta * h).sum(), (U, before)))
    u, b, h = U.detach(), before.detach(), h.detach()
    da, flat, wrong = delta * (1 - h**2), delta, delta * (1 - b**2)
    answers = _two(fn(delta, h, b, u), "the part of dL/dU and what goes back to h_before")
    no_slope = "The slope of tanh, 1 - h², is missing."
    other_h = "The slope is of the state that came out of the tanh: h, not h_before."
    mistakes = [
        (dU.T, "It is transposed: entry (i, j) belongs to U[i, j], the sum of da_i · h_before_j."),
        (flat.T @ b, no_slope),
        (wrong.T @ b, other_h),
        (da.T @ h, "U was multiplied with the state before the step: h_before, not h."),
        (dU / 3, "Sum over the batch, do not average: δ has the mean in it, if there is one."),
        (da.T @ b * 0 + (delta * (1 - h)).T @ b, "The slope of tanh is 1 - h², not 1 - h."),
        ((delta * h * (1 - h)).T @ b, "h (1 - h) is the slope of a sigmoid; tanh has 1 - h²."),
    ]
    expect(answers[0], dU, "the part of dL/dU", mistakes, "daᵀ h_before, with da = δ ∘ (1 − h²).")
    mistakes = [
        (da @ u.T, "With a batch in rows Uᵀ v is `v @ U`: this is U v."),
        (flat @ u, no_slope),
        (wrong @ u, other_h),
        (da, "What goes back passes through U as well."),
        (da @ u + delta, "δ has gone into da already: only what passes through U goes back."),
    ]
    expect(answers[1], back, "what goes back", mistakes, "da @ U, with da = δ ∘ (1 − h²).")


@exercise
def clip(fn: Attempt) -> None:
    """One factor for all tensors: min(1, limit/norm)."""
    large = [normal(3, 2), 5 * normal(4, seed=1), normal(1, 2, 2, seed=2)]
    for limit, scale in ((1.5, 1.0), (2.5, 1.0), (3.0, 0.01)):
        gradients = [scale * g for g in large]
        norm = math.sqrt(sum(x * x for g in gradients for x in g.flatten().tolist()))
        factor = min(1.0, limit / norm)
        own = [min(1.0, limit / g.norm().item()) for g in gradients]
        longest = max(g.norm().item() for g in gradients)
        sums = sum(g.norm().item() for g in gradients)
        answers = fn([g.clone() for g in gradients], limit)
        if not isinstance(answers, (list, tuple)) or len(answers) != len(gradients):
            raise Wrong("return a list with a tensor for each one that was given.")
        for i, (answer, g) in enumerate(zip(answers, gradients, strict=True)):
            mistakes = [
                (g * limit / norm, "These were shorter than the limit: leave them as they are."),
                (g * own[i], "Each was clipped by a norm of its own: take one norm for all."),
                (g.clamp(-limit, limit), "The numbers were cut one by one: scale all alike."),
                (g * limit, "Divide by the norm as well."),
                (g / norm, "Multiply by the limit as well."),
                (
                    g * min(1.0, limit / (norm + 1e-6)),
                    "PyTorch adds 1e-6 to the norm: do not, here.",
                ),
                (g * min(1.0, limit / norm**2), "The square root of the sum is missing."),
                (g * min(1.0, limit / longest), "Add the squares of all, not only of the longest."),
                (g * min(1.0, limit / sums), "Add the squares, not the norms."),
                (g, "The gradients are longer than the limit, and were not scaled."),
            ]
            if factor == 1:
                mistakes = mistakes[:7]
            what = f"tensor {i + 1} of 3, of global norm {norm:.3g}, for the limit {limit:g}"
            expect(answer, g * factor, what, mistakes, "g · min(1, limit / global norm).")

    (still,) = fn([torch.zeros(3, dtype=torch.float64)], 1.0)
    hint = "A norm of 0 must not be divided by: limit / max(norm, limit) is safe."
    expect(still, np.zeros(3), "a gradient of zeros", (), hint)


@exercise
def gru_update(fn: Attempt) -> None:
    """h ← (1 − z) ∘ n + z ∘ h, z = σ(x Wᵀ + h Uᵀ + b)."""
    B, D, H = 3, 2, 4
    x, h, n = normal(B, D), normal(B, H, seed=1), torch.tanh(normal(B, H, seed=2))
    W, U, b = normal(H, D, seed=3), normal(H, H, seed=4), normal(H, seed=5)

    def mixed(squash, bias=b, u=U, w=W, old=h, new=n):
        z = squash(x @ w.T + h @ u.T + bias)
        return ((1 - z) * new + z * old).numpy()

    z = torch.sigmoid(x @ W.T + h @ U.T + b)
    mistakes = [
        (mixed(torch.sigmoid, old=n, new=h), "z keeps the old state: (1 − z) is for the new one."),
        (mixed(torch.tanh), "A gate is between 0 and 1: σ, not tanh."),
        (mixed(lambda a: a), "A gate is between 0 and 1: the σ is missing."),
        (mixed(torch.sigmoid, bias=0), "The bias b is missing."),
        (mixed(torch.sigmoid, u=U.T), "h is multiplied with Uᵀ: `h @ U.T`."),
        (mixed(torch.sigmoid, u=0 * U), "The gate reads the state as well: + h Uᵀ."),
        (mixed(torch.sigmoid, w=0 * W), "The gate reads the input as well: x Wᵀ."),
        (z, "This is the gate z: return the new state."),
        (z * h, "The part of the candidate is missing: (1 − z) ∘ n."),
        (n + z * h, "The candidate has the weight 1 − z."),
    ]
    expect(fn(x, h, n, W, U, b), mixed(torch.sigmoid), "the new state", mistakes, "(1 − z)n + zh.")


@exercise
def carried_losses(fn: Attempt) -> None:
    """Values of a carried state, gradients of a cut one, for a tensor and for a pair."""
    for pair in (False, True):
        w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        got = fn(_counting(w, pair), [normal(2, 3, seed=i) for i in range(3)])
        if not isinstance(got, (list, tuple)) or len(got) != 3:
            raise Wrong("return a list with the loss of each of the three windows.")
        of = "a pair" if pair else "a tensor"
        losses, slopes = _by_hand(0.7, carry=True, cut=True)
        mistakes = [
            (
                _by_hand(0.7, carry=False, cut=True)[0],
                "Each window starts anew: pass the state on.",
            ),
        ]
        if not all(isinstance(x, torch.Tensor) and x.requires_grad for x in got):
            raise Wrong("return the losses as they are, with their graphs: cut the state alone.")
        values = torch.stack([x.detach() for x in got])
        expect(values, losses, f"the losses, where the state is {of},", mistakes, "Carry it on.")
        found = []
        for x in got:
            w.grad = None
            try:
                x.backward()
            except RuntimeError:
                raise Wrong(
                    "the graph of a window reaches into the one before it: detach the state "
                    "before you hand it on."
                ) from None
            found.append(w.grad.item())
        whole = _by_hand(0.7, carry=True, cut=False)[1]
        hint = "Detach each part of the state, and nothing else."
        mistakes = [(whole, "The gradient walks into earlier windows: detach the state.")]
        expect(np.array(found), slopes, f"their gradients, where it is {of},", mistakes, hint)


def _counting(w, pair):
    """Return a model whose state is s ← w s + the mean of each window, and whose loss is s²."""

    def model(window, state):
        s = torch.zeros((), dtype=torch.float64)
        if state is not None:
            if isinstance(state, (tuple, list)) != pair:
                raise Wrong("hand the model a state of the kind that it returned: a pair, or not.")
            s = sum(state) if pair else state
        s = w * s + window.mean()
        return s**2, ((0.25 * s, 0.75 * s) if pair else s)

    return model


def _by_hand(w: float, carry: bool, cut: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of `_counting` and their derivatives by w, with plain numbers."""
    losses, slopes, s, ds = [], [], 0.0, 0.0
    for i in range(3):
        s, ds = (s, 0.0 if cut else ds) if carry else (0.0, 0.0)
        s, ds = w * s + normal(2, 3, seed=i).mean().item(), s + w * ds
        losses.append(s * s)
        slopes.append(2 * s * ds)
    return np.array(losses), np.array(slopes)


@exercise
def mended_bits(fn: Attempt) -> None:
    """The inputs are all tokens but the last, read once, from no state; the mean is in bits."""
    V, ids = 5, torch.tensor([[0, 3, 1, 4, 4, 2, 0], [2, 2, 1, 0, 3, 4, 1]])
    table, calls = normal(V, V), []

    def model(tokens, state=None):
        if not isinstance(tokens, torch.Tensor) or tokens.ndim != 2 or len(tokens) != len(ids):
            raise Wrong("the model reads a tensor (B, T): keep all rows, and choose columns.")
        calls.append((tokens, state))
        return table[tokens], len(calls)  # the state is the number of calls

    answer = fn(model, ids)
    if not calls:
        raise Wrong("it never called the model.")
    try:
        answer = float(answer)
    except (TypeError, ValueError):
        raise Wrong(f"return a number, not {type(answer).__name__}.") from None
    inputs, targets = ids[:, :-1], ids[:, 1:]
    scored, leaked = (
        F.cross_entropy(table[x].flatten(0, 1), targets.flatten()).item() for x in (inputs, targets)
    )  # nats a token
    honest = min(abs(answer - scored / unit) for unit in (1, math.log(2))) < 1e-6
    in_turn = [state for _, state in calls] == [None, *range(1, len(calls))]
    read = torch.cat([tokens for tokens, _ in calls], 1) if in_turn else calls[-1][0]
    sees = torch.equal(read, inputs) or (torch.equal(read, ids) and honest)
    begins_anew = calls[0][1] is None and (len(calls) == 1 or (in_turn and sees))
    if in_turn and len(calls) > 1 and not sees:  # the last one alone
        sees = torch.equal(calls[-1][0], inputs)
    mean = abs(answer - (scored if sees else leaked) / math.log(2)) < 1e-6
    expect_mended(
        [
            (sees, "Which tokens does the model see when it predicts ids[:, 1]? Only ids[:, 0]."),
            (begins_anew, "What has the model read before it starts to score?"),
            (mean, "Is it a mean over all tokens of all rows? In nats or in bits?"),
        ]
    )
