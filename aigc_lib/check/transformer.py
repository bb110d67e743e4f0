"""The exercises of lesson 05, each judged against loops, PyTorch or a count."""

import math

import numpy as np
import torch
from torch import nn

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, normal


def _looped(q, k, v, mask=None) -> tuple[np.ndarray, np.ndarray]:
    """Return attention's output and weights by loops over plain numbers."""
    q, k, v = q.tolist(), k.tolist(), v.tolist()
    out, weights = [], []
    for t, query in enumerate(q):
        fit = [sum(a * b for a, b in zip(query, key, strict=True)) for key in k]
        e = [math.exp(s / math.sqrt(len(query))) for s in fit]
        if mask is not None:
            e = [x * float(mask[t][s]) for s, x in enumerate(e)]
        weights.append([x / sum(e) for x in e])
        out.append(
            [
                sum(a * row[c] for a, row in zip(weights[-1], v, strict=True))
                for c in range(len(v[0]))
            ]
        )
    return np.array(out), np.array(weights)


@exercise
def scaled_attention(fn: Attempt) -> None:
    """softmax(q kᵀ/√d) v, for four queries of three numbers and five keys."""
    q, k, v = normal(4, 3), normal(5, 3, seed=1), normal(5, 2, seed=2)
    right, weights = _looped(q, k, v)
    scores = q @ k.T
    mistakes = [
        (scores.softmax(1) @ v, "The scores are not divided by √d."),
        ((scores / 3).softmax(1) @ v, "Divide by the root of d, not by d."),
        (
            (scores / math.sqrt(5)).softmax(1) @ v,
            "d is the length of a query, not the number of keys.",
        ),
        (
            (scores / math.sqrt(3)).softmax(0) @ v,
            "The softmax goes over the keys: each row adds up to 1.",
        ),
        ((scores * math.sqrt(3)).softmax(1) @ v, "Divide by √d, do not multiply."),
        ((scores / math.sqrt(3)) @ v, "The softmax is missing."),
        (weights, "These are the weights: their average of the values is missing."),
    ]
    expect(fn(q, k, v), right, "the output", mistakes, "softmax(q kᵀ/√d) v.")


@exercise
def causal_mask(fn: Attempt) -> None:
    """Query t is token past + t, and looks at columns 0 to past + t."""
    for T, past in ((4, 0), (3, 2), (1, 5)):
        right = np.array([[s <= past + t for s in range(past + T)] for t in range(T)])
        answer = fn(T, past)
        if not isinstance(answer, (torch.Tensor, np.ndarray)):
            raise Wrong(f"return a tensor of bool, not {type(answer).__name__}.")
        if answer.dtype not in (torch.bool, np.bool_):
            raise Wrong(f"the mask has dtype {answer.dtype}: it is bool, True or False.")
        mistakes = [
            (~right, "It is upside down: True is where a query may look."),
            (
                [[s < past + t for s in range(past + T)] for t in range(T)],
                "A token may look at itself.",
            ),
            ([[s <= t for s in range(past + T)] for t in range(T)], "Query t is token past + t."),
            ([[s >= past + t for s in range(past + T)] for t in range(T)], "Back, not ahead."),
            (
                [[s <= t for s in range(T)] for t in range(T)],
                "The past has columns, too: past + T in all.",
            ),
        ]
        numbers = [(np.array(wrong, dtype=float), hint) for wrong, hint in mistakes]
        what = f"the mask for T = {T} and past = {past}"
        got = np.asarray(answer).astype(float)
        expect(got, right.astype(float), what, numbers, "mask[t, s] is s <= past + t.")


@exercise
def mended_attention(fn: Attempt) -> None:
    """The mask is applied before the softmax: rows add up to 1, and the future changes nothing."""
    q, k, v = normal(4, 3), normal(4, 3, seed=1), normal(4, 2, seed=2)
    mask = torch.ones(4, 4, dtype=torch.bool).tril()
    right, _ = _looped(q, k, v, mask)
    scores = q @ k.T / math.sqrt(3)
    weights = scores.softmax(1)
    mistakes = [
        (
            weights.masked_fill(~mask, 0) @ v,
            "The rows of the weights do not add up to 1: mask first.",
        ),
        (
            scores.masked_fill(~mask, 0).softmax(1) @ v,
            "e⁰ is 1, not 0: what must weigh 0 is −∞ before.",
        ),
        (weights @ v, "The mask is gone."),
    ]
    answer = fn(q, k, v, mask)
    if np.shape(answer) == (4, 2) and not np.isfinite(np.asarray(answer, dtype=float)[3]).all():
        raise Wrong("a row has nothing to look at: was −∞ written where the mask is True?")
    expect(
        answer, right, "the output", mistakes, "Set what is not allowed to −∞, then the softmax."
    )
    few, holes = normal(2, 3, seed=9), torch.tensor([[0, 1, 0, 1], [1, 1, 1, 0]]).bool()
    hint = "Use the mask that is given, (T, S): it need not be causal."
    expect(
        fn(few, k, v, holes), _looped(few, k, v, holes)[0], "the output for a mask (2, 4)", (), hint
    )
    later = k.clone()
    later[3] = 50.0
    same = fn(q, later, v, mask)
    expect(same[:3], right[:3], "the first three outputs, after a change of the fourth key,")


@exercise
def split_heads(fn: Attempt) -> None:
    """(B, T, C) to (B, nh, T, hs)."""
    B, T, nh, hs = 2, 3, 4, 5
    x = normal(B, T, nh * hs)
    right = np.empty((B, nh, T, hs))
    for b in range(B):
        for i in range(nh):
            for t in range(T):
                right[b, i, t] = x[b, t, i * hs : (i + 1) * hs]
    strided = x.unflatten(2, (hs, nh)).permute(0, 3, 1, 2)
    mistakes = [
        (x.reshape(B, nh, T, hs), "Tokens were mixed: cut the last dimension, then exchange two."),
        (strided, "Head i has neighbouring columns: unflatten into (nh, hs), in this order."),
        (x.unflatten(2, (nh, hs)), "Exchange the two dimensions in the middle: (B, nh, T, hs)."),
    ]
    expect(fn(x, nh), right, "the result", mistakes, "(B, T, nh, hs), then transpose(1, 2).")


@exercise
def cross_attention(fn: Attempt) -> None:
    """Queries of x, keys and values of the memory, by loops."""
    x, memory = normal(3, 4), normal(5, 4, seed=1)
    W_Q, W_K, W_V = (normal(4, 2, seed=s) for s in (2, 3, 4))
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    right, _ = _looped(q, k, v)
    mistakes = [
        (_looped(x @ W_Q, x @ W_K, x @ W_V)[0], "That is self-attention: look at the memory."),
        (_looped(memory @ W_Q, x @ W_K, x @ W_V)[0], "The queries come from x: it asks."),
        (_looped(q, v, k)[0], "Keys are memory W_K, values memory W_V: they are exchanged."),
        ((q @ k.T).softmax(1) @ v, "The scores are not divided by √d."),
        ((q @ k.T / 2).softmax(1) @ v, "d is the number of columns of W_Q, not of x."),
        (_looped(q, k, k)[0], "The values have a map of their own, W_V."),
    ]
    answer = fn(x, memory, W_Q, W_K, W_V)
    expect(answer, right, "the result", mistakes, "attention(x W_Q, memory W_K, memory W_V).")


@exercise
def positions(fn: Attempt) -> None:
    """sin and cos of t · 10000^(−2i/C), side by side."""
    T, C = 5, 6
    right, halves, swapped, ordinary, half, double, later = (np.zeros((T, C)) for _ in range(7))
    for t in range(T):
        for i in range(C // 2):
            a = t * 10000 ** (-2 * i / C)
            right[t, 2 * i], right[t, 2 * i + 1] = math.sin(a), math.cos(a)
            halves[t, i], halves[t, C // 2 + i] = math.sin(a), math.cos(a)
            swapped[t, 2 * i], swapped[t, 2 * i + 1] = math.cos(a), math.sin(a)
            for table, b in (
                (half, t * 10000 ** (-i / C)),
                (double, t * 10000 ** (-4 * i / C)),
                (later, (t + 1) * 10000 ** (-2 * i / C)),
            ):
                table[t, 2 * i], table[t, 2 * i + 1] = math.sin(b), math.cos(b)
        for j in range(C):
            a = t * 10000 ** (-j / C)
            ordinary[t, j] = math.cos(a) if j % 2 else math.sin(a)
    mistakes = [
        (halves, "Sine and cosine take turns: columns 2i and 2i + 1."),
        (swapped, "The sine is in the even columns, the cosine in the odd ones."),
        (ordinary, "Both columns of a pair have the angle of 2i."),
        (half, "The exponent is −2i/C, with the 2."),
        (double, "torch.arange(0, C, 2) is 2i already: do not double it."),
        (right.T, "A position is a row: (T, C)."),
        (later, "The first position is 0."),
    ]
    answer = fn(T, C)
    if isinstance(answer, torch.Tensor) and answer.dtype == torch.float32:
        answer, digits = answer.double().numpy(), 1e-5  # float32 has seven
        for wrong, hint in [(right, "compute in float64, from torch.arange on."), *mistakes]:
            if wrong.shape == answer.shape and np.abs(answer - wrong).max() < digits:
                raise Wrong(f"PE is not right yet. {hint[0].upper() + hint[1:]}")
    expect(answer, right, "PE", mistakes, "PE(t, 2i) = sin(t · 10000^(−2i/C)).")


@exercise
def rotate_pair(fn: Attempt) -> None:
    """(x cos a − y sin a, x sin a + y cos a), a = tθ."""
    pair, t, theta = normal(4, 2), torch.tensor([0.0, 1.0, 5.0, 9.0]).double(), 0.3
    a = [theta * s for s in t.tolist()]

    def turned(sign=1, by=a):
        rows = zip(pair.tolist(), by, strict=True)
        return np.array(
            [
                (x * math.cos(b) - sign * y * math.sin(b), sign * x * math.sin(b) + y * math.cos(b))
                for (x, y), b in rows
            ]
        )

    plus = [
        (x * math.cos(b) + y * math.sin(b), x * math.sin(b) + y * math.cos(b))
        for (x, y), b in zip(pair.tolist(), a, strict=True)
    ]
    mistakes = [
        (turned(-1), "It turns the other way: the minus stands in the first component."),
        (np.array(plus), "One of the two sines has a minus: else lengths change."),
        (turned(by=[theta] * 4), "The angle is t·theta, another one for each row."),
        (turned(by=t.tolist()), "The angle is t·theta."),
        (turned()[:, ::-1], "The two components are exchanged."),
        (turned().T, "A pair is a row: (N, 2)."),
    ]
    expect(fn(pair, t, theta), turned(), "the result", mistakes, "(x cos a − y sin a, …).")


@exercise
def layer_parameters(fn: Attempt) -> None:
    """As many as PyTorch's layers have."""
    for C, hidden, decoder in ((12, 20, True), (8, 32, False), (6, 5, True), (6, 5, False)):
        kind = nn.TransformerDecoderLayer if decoder else nn.TransformerEncoderLayer
        right = sum(p.numel() for p in kind(C, 1, hidden).parameters())
        attention, thinks = 4 * (C * C + C), 2 * C * hidden + hidden + C
        whole = attention * (1 + decoder) + thinks + 2 * C * (2 + decoder)
        mistakes = [
            (whole - 4 * C * (1 + decoder), "Each of an attention's four maps has a bias of C."),
            (whole - hidden - C, "The feed-forward network has hidden + C biases."),
            (whole - 2 * C * (2 + decoder), "The norms learn 2C numbers each."),
            (whole - C * (2 + decoder), "A norm learns a scale and a shift: 2C."),
            (
                whole - (C * C + C) * (1 + decoder),
                "An attention has four maps: W^O is one of them.",
            ),
        ]
        if decoder:
            mistakes += [
                (attention + thinks + 4 * C, "A decoder layer has a second attention, and a norm."),
                (whole - 2 * C, "A decoder layer has three norms."),
                (whole - attention, "A decoder layer has two attentions."),
            ]
        answer = fn(C, hidden, decoder)
        what = f"the number for C = {C}, hidden = {hidden}, decoder = {decoder},"
        if np.ndim(answer) == 0 and not isinstance(answer, (bool, str)):
            answer = float(answer)
        hint = "A linear map has as many biases as outputs; count maps, biases and norms."
        expect(answer, float(right), what, mistakes, hint)
