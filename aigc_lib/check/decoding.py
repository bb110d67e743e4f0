"""The exercises of lesson 07, each judged against loops over plain numbers or an enumeration."""

import math

import numpy as np
import torch

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, normal


def _normalised(x) -> np.ndarray:
    """Return x minus the log of Σ eˣ, the largest term first taken out of the sum."""
    most = max(x)
    return np.array([a - most - math.log(sum(math.exp(b - most) for b in x)) for a in x])


@exercise
def tempered(fn: Attempt) -> None:
    """log p / T minus the log of what that adds up to, where p itself is too small for float64."""
    drawn, tiny = normal(5).log_softmax(0), [-0.5, math.log(1 - math.exp(-0.5)), -2000.0]
    plain = "log p / T, normalised."
    underflow = "p^(1/T) is too small for float64: stay with logarithms, and use log_softmax."
    for given, T, hint in ((drawn, 0.7, plain), (drawn, 2.0, plain), (tiny, 0.0005, underflow)):
        log_p = torch.as_tensor(given, dtype=torch.float64)
        x, p, right = log_p.numpy(), log_p.exp().numpy(), _normalised([a / T for a in log_p])
        mistakes = [
            (x / T, "The probabilities do not add up to 1: normalise, with log_softmax."),
            (_normalised(x * T), "p^(1/T) is log p / T in log space: divide, do not multiply."),
            (x * T, "Divide log p by T, do not multiply; then normalise."),
            (x - math.log(T), "That is log(p/T): the temperature divides log p, not p."),
            (_normalised(p / T), "That is a softmax of p/T: the temperature divides log p, not p."),
            (x, "These are log p as they were: p/T, normalised, is p. The power of p is 1/T."),
            (np.exp(right), "These are the probabilities: return their logarithms."),
            (right / math.log(2), "Return natural logarithms: these are of base 2."),
        ]
        expect(fn(log_p, T), right, f"the result for temperature {T}", mistakes, hint)
    log_p = torch.cat([drawn, torch.tensor([-math.inf])])
    right = [*_normalised([a / 0.7 for a in drawn]), -math.inf]
    what = (
        "the exponential of the result, where the last log p is −inf,"  # for `expect` takes no −inf
    )
    hint = "There p is 0 at any temperature."
    expect(np.exp(np.asarray(fn(log_p, 0.7))), np.exp(right), what, (), hint)


def _expect_kept(answer, V: int, right: list[int], what: str, mistakes, hint: str) -> None:
    """Raise `Wrong` unless `answer` is a mask (V,) that is True for the tokens `right` alone.

    `mistakes` are pairs of the tokens that a known mistake keeps and the hint that fits it.
    """
    if not isinstance(answer, (list, tuple, np.ndarray, torch.Tensor)):
        raise Wrong(f"return a tensor of bool, not {type(answer).__name__}.")
    mask = np.asarray(answer)
    if mask.dtype.kind == "i":
        raise Wrong(
            "it returned whole numbers, as indices are: return True or False for each token."
        )
    if mask.dtype != bool:
        raise Wrong(
            f"it returned {mask.dtype}, as logits have: return True for what stays, or False."
        )
    if mask.shape != (V,):
        raise Wrong(f"the mask has shape {mask.shape} instead of {(V,)}: one entry for each token.")
    kept = mask.nonzero()[0].tolist()
    if kept == right:
        return
    for wrong, advice in mistakes:
        if kept == wrong:
            raise Wrong(f"{what} is not right yet. {advice}")
    raise Wrong(f"{what} keeps the tokens {kept}, but it should keep {right}. {hint}")


@exercise
def top_k_kept(fn: Attempt) -> None:
    """A token stays if fewer than k have a higher logit, by a count for each."""
    ties = "What ties with the k-th stays, too: compare each logit with the k-th highest."
    cases = [
        (
            [1.0, 0.5, 3.0, -1.0, 2.0],
            2,
            [
                ([2], "The k-th itself stays: `>=`, not `>`."),
                ([0, 2, 4], "One too many: in falling order, index k − 1 is the k-th."),
                ([1, 3], "These are the least probable: take the highest logits."),
                ([0, 1, 2, 4], "The threshold is the k-th from below: count from the highest."),
                ([0, 1, 3], "It is upside down: True is for a token that stays."),
                ([0, 1], "The mask is in falling order of the logits: return it in theirs."),
            ],
        ),
        (
            [2.0, 1.0, 0.0, 1.0, 3.0, 1.0],
            3,
            [([0, 1, 4], ties), ([0, 3, 4], ties), ([0, 4, 5], ties), ([0, 4], ties)],
        ),
        (
            [1.0, 3.0, 2.0, 3.0],
            2,
            [([1, 2, 3], "Equal logits are several tokens: count each of them.")],
        ),
    ]
    for logits, k, mistakes in cases:
        right = [t for t, x in enumerate(logits) if sum(y > x for y in logits) < k]
        answer = fn(torch.tensor(logits, dtype=torch.float64), k)
        what = f"the mask for the logits {logits} and k = {k}"
        hint = "Compare each logit with the k-th highest."
        _expect_kept(answer, len(logits), right, what, mistakes, hint)


@exercise
def top_p_kept(fn: Attempt) -> None:
    """From the most probable token on, by a loop that keeps what it meets until p has come."""
    cases = [
        (
            [0.06, 0.35, 0.04, 0.25, 0.18, 0.12],
            0.62,
            [
                ([1, 3], "The token that crosses p stays: before it less than p had come."),
                ([1, 3, 4, 5], "One too many: before it p had come already."),
                ([], "Not each probability by itself: what came before it is compared with p."),
                ([0, 2, 3, 4, 5], "Begin with the most probable token."),
                ([0, 2, 4, 5], "Begin with the most probable token."),
                ([0, 1, 2, 3], "Sort first: the most probable token comes first."),
                ([0, 1, 2], "The mask is in falling order of the logits: return it in theirs."),
                ([0, 4, 5], "Undo the order: mask[order] = kept, not mask = kept[order]."),
                ([1], "Logits, or e to them, do not add up to 1: take their softmax."),
                ([0, 1, 2, 3, 4, 5], "Add up probabilities, not their logarithms."),
                ([0, 2, 5], "It is upside down: True is for a token that stays."),
            ],
            "Sum up the softmax in falling order.",
        ),
        (
            [0.08, 0.8, 0.12],
            0.3,
            [([], "The first always stays, even if it alone has more than p.")],
            "Sum up the softmax in falling order.",
        ),
        ([0.27, 0.0, 0.73, 0.0], 0.9, [], "A logit of −inf is a probability of 0."),
    ]
    for probabilities, p, mistakes, hint in cases:
        V, right, before = len(probabilities), [], 0.0
        for token in sorted(range(V), key=lambda token: -probabilities[token]):
            if before < p:
                right.append(token)
            before += probabilities[token]
        answer = fn(torch.tensor(probabilities, dtype=torch.float64).log() + 2, p)
        what = f"the mask for probabilities of {probabilities} and p = {p}"
        _expect_kept(answer, V, sorted(right), what, mistakes, hint)
