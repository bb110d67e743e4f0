"""Plausible wrong answers to the exercises of lesson 04, each with words of its hint."""

import math

import torch
from torch.nn import functional as F


def cut(begin, end, target):
    """Return a contexts_and_targets with these columns of the n as context and target."""
    return lambda ids, n: (ids.unfold(0, n, 1)[:, begin:end], ids.unfold(0, n, 1)[:, target])


def back(slope, multiplied="before", turned=False, passes=True, transposed=False, share=1):
    """Return a bptt_step with this slope and what else the arguments change."""

    def bptt_step(delta, h, h_before, U):
        da = delta * slope(h, h_before)
        dU = da.T @ (h_before if multiplied == "before" else h) / share
        sent = da @ (U.T if turned else U) if passes else da
        return (dU.T if transposed else dU), sent

    return bptt_step


def tanh_slope(h, before):
    return 1 - h**2


def scaled(factor):
    """Return a clip that multiplies each gradient by factor(gradient, all norms, limit)."""

    def clip(gradients, limit):
        norms = torch.stack([g.norm() for g in gradients])
        return [g * factor(g, norms, limit) for g in gradients]

    return clip


def updated(squash=torch.sigmoid, bias=1, turned=False, swapped=False, reads=(1, 1), out="h"):
    """Return a gru_update with what the arguments change."""

    def gru_update(x, h, n, W, U, b):
        z = squash(reads[0] * x @ W.T + reads[1] * h @ (U if turned else U.T) + bias * b)
        if swapped:
            return (1 - z) * h + z * n
        return {"h": (1 - z) * n + z * h, "z": z, "old": z * h, "sum": n + z * h}[out]

    return gru_update


def carry(hand_on):
    """Return a carried_losses that hands `hand_on(state)` to the next window."""

    def carried_losses(model, windows):
        losses, state = [], None
        for window in windows:
            loss, state = model(window, state)
            state = hand_on(state)
            losses.append(loss)
        return losses

    return carried_losses


def cut_losses(model, windows):
    return [
        x.detach()
        for x in carry(
            lambda s: tuple(map(torch.detach, s)) if isinstance(s, tuple) else s.detach()
        )(model, windows)
    ]


def first_alone(state):
    return state.detach() if isinstance(state, torch.Tensor) else state[0].detach()


def half_cut(state):
    return state.detach() if isinstance(state, torch.Tensor) else (state[0].detach(), state[1])


def score(leak=False, warm=False, base=2, rows=False):
    """Return a mended_bits with the bugs that the arguments leave in."""

    def mended_bits(model, ids):
        state = model(ids)[1] if warm else None
        logits, _ = model(ids[:, 1:] if leak else ids[:, :-1], state)
        total = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")
        return total.item() / (len(ids) if rows else ids[:, 1:].numel()) / math.log(base)

    return mended_bits


WRONG = {
    "contexts_and_targets": [
        (cut(0, None, -1), "the last is the target"),
        (cut(1, None, -1), "that is a leak"),
        (cut(0, -1, -2), "comes after the context"),
        (cut(0, -1, 0), "the last of the n"),
        (lambda ids, n: (ids.unfold(0, n, 1)[:, :-1].flip(1), ids[n - 1 :]), "left to right"),
        (lambda ids, n: (ids.unfold(0, n, 1)[:-1, :-1], ids[n - 1 : -1]), "there is one more"),
        (lambda ids, n: (ids.unfold(0, n, 1)[:, :-1], ids.unfold(0, n, 1)[:, -1:]), "one number"),
        (lambda ids, n: ids.unfold(0, n, 1), "return two things"),
    ],
    "bptt_step": [
        (back(lambda h, before: 1), "The slope of tanh, 1 - h², is missing"),
        (back(lambda h, before: 1 - before**2), "not h_before"),
        (back(lambda h, before: 1 - h), "not 1 - h."),
        (back(lambda h, before: h * (1 - h)), "a sigmoid"),
        (back(tanh_slope, multiplied="after"), "h_before, not h"),
        (back(tanh_slope, transposed=True), "transposed"),
        (back(tanh_slope, share=3), "do not average"),
        (back(tanh_slope, turned=True), "`v @ U`"),
        (
            lambda d, h, b, U: ((d * (1 - h**2)).T @ b, d * (1 - h**2) @ U + d),
            "only what passes through U",
        ),
        (back(tanh_slope, passes=False), "passes through U"),
        (lambda d, h, b, U: (d * (1 - h**2)).T @ b, "return two things"),
    ],
    "clip": [
        (scaled(lambda g, norms, limit: limit / norms.norm()), "leave them as they are"),
        (scaled(lambda g, norms, limit: min(1, limit / g.norm())), "one norm for all"),
        (lambda gs, limit: [g.clamp(-limit, limit) for g in gs], "scale all alike"),
        (scaled(lambda g, norms, limit: min(1, limit / norms.norm() ** 2)), "square root"),
        (scaled(lambda g, norms, limit: min(1, limit / norms.max())), "not only of the longest"),
        (scaled(lambda g, norms, limit: min(1, limit / norms.sum())), "not the norms"),
        (lambda gs, limit: gs, "were not scaled"),
        (
            lambda gs, limit: [
                g * min(torch.tensor(1.0), limit / torch.stack([x.norm() for x in gs]).norm())
                if any(x.any() for x in gs)
                else g / g.norm()
                for g in gs
            ],
            "must not be divided by",
        ),
        (scaled(lambda g, norms, limit: min(1, limit / (norms.norm() + 1e-6))), "adds 1e-6"),
        (scaled(lambda g, norms, limit: 1 / norms.norm()), "Multiply by the limit"),
        (lambda gs, limit: torch.cat([g.flatten() for g in gs]), "a list with a tensor"),
    ],
    "gru_update": [
        (updated(swapped=True), "z keeps the old state"),
        (updated(squash=torch.tanh), "σ, not tanh"),
        (updated(squash=lambda a: a), "σ is missing"),
        (updated(bias=0), "The bias b is missing"),
        (updated(turned=True), "`h @ U.T`"),
        (updated(reads=(1, 0)), "+ h Uᵀ"),
        (updated(reads=(0, 1)), "x Wᵀ"),
        (updated(out="z"), "return the new state"),
        (updated(out="old"), "the candidate is missing"),
        (updated(out="sum"), "weight 1 − z"),
    ],
    "carried_losses": [
        (carry(lambda state: None), "pass the state on"),
        (carry(lambda state: state), "detach the state"),
        (carry(half_cut), "detach the state"),
        (carry(first_alone), "a pair, or not"),
        (cut_losses, "cut the state alone"),
        (lambda model, windows: model(windows[0], None)[0], "each of the three"),
    ],
    "mended_bits": [
        (
            score(leak=True, warm=True, rows=True),
            "bug 1 still there, bug 2 still there, bug 3 still",
        ),
        (score(leak=True), "bug 1 still there, bug 2 mended, bug 3 mended"),
        (score(warm=True), "bug 1 mended, bug 2 still there, bug 3 mended"),
        (score(base=math.e), "bug 1 mended, bug 2 mended, bug 3 still there"),
        (score(rows=True), "a mean over all tokens"),
        (score(warm=True, leak=True), "bug 1 still there, bug 2 still there, bug 3 mended"),
        (
            lambda model, ids: (
                F.cross_entropy(model(ids)[0][:, 1:].flatten(0, 1), ids[:, 1:].flatten()).item()
                / math.log(2)
            ),
            "bug 1 still there",
        ),
        (lambda model, ids: 2.0, "never called the model"),
    ],
}
