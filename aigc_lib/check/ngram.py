"""The exercises of lesson 03, each judged against a sum by hand, a closed form or what it read."""

import math

import numpy as np
import torch

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended


def _tensor(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@exercise
def perplexity(fn: Attempt) -> None:
    """e to the mean of −log p."""
    p = _tensor(0.5, 0.25, 0.1, 0.02)
    right = math.prod(p.tolist()) ** (-1 / 4)
    bits = -p.log().mean().item()
    mistakes = [
        (1 / right, "The sign is missing: a perplexity is never below 1."),
        (2**bits, "The logarithms are natural ones, so the base is e, not 2."),
        (math.prod(p.tolist()) ** -1, "Take the mean over the tokens, not the sum."),
        (bits, "This is the loss: its exponential is missing."),
        (bits / math.log(2), "This is the loss in bits: the perplexity is a number of tokens."),
        (1 / p.mean().item(), "Take the mean of the logarithms, not of the probabilities."),
        ((1 / p).mean().item(), "Take the mean of the logarithms, not of 1/p."),
    ]
    expect(
        fn(p.log()), right, "the perplexity of p = ½, ¼, 0.1, 0.02", mistakes, "e^(−mean log p)."
    )
    many = torch.full((2000,), math.log(0.2), dtype=torch.float64)
    hint = "Take the mean of the logarithms: the product of so many probabilities is 0."
    expect(fn(many), 5.0, "the perplexity of 2,000 tokens with p = 0.2", (), hint)


@exercise
def add_k_probs(fn: Attempt) -> None:
    """(c + k)/(Σc + kV), for counts with a zero and for no counts at all."""
    for counts, k in (([3, 0, 1, 6], 0.5), ([0, 0, 0], 2.0)):
        c = _tensor(*counts)
        V, total = len(counts), sum(counts)
        right = np.array([(n + k) / (total + k * V) for n in counts])
        mistakes = [
            (
                right * (total + k * V) / (total + k),
                "In the denominator there is one k a token: kV.",
            ),
            (np.array([(n + 1) / (total + V) for n in counts]), "Add k, not 1."),
            (np.array([n + k for n in counts]), "Divide by what these add up to."),
        ]
        if total:
            mistakes += [
                (np.array([(n + k) / total for n in counts]), "Their sum is not 1: c(h) + kV."),
                (np.array([n / total for n in counts]), "Add k to each count: one of them is 0."),
                (
                    np.array([n / (total + k * V) for n in counts]),
                    "Add k above the line too: one count is 0.",
                ),
            ]
        what = f"the result for counts {counts} and k = {k}"
        expect(fn(c, k), right, what, mistakes, "(c + k)/(c(h) + kV).")


@exercise
def continuation_counts(fn: Attempt) -> None:
    """After how many different tokens each token occurs."""
    pairs = torch.tensor([[0, 1], [2, 1], [0, 1], [3, 2], [1, 3], [2, 2], [0, 1], [1, 3]])
    V = 6
    before = [set() for _ in range(V)]
    after = [set() for _ in range(V)]
    for left, right in pairs.tolist():
        before[right].add(left)
        after[left].add(right)
    right = np.array([len(tokens) for tokens in before])
    mistakes = [
        (torch.bincount(pairs[:, 1], minlength=V).numpy(), "These are all pairs: count each once."),
        (
            np.array([len(tokens) for tokens in after]),
            "Count what stands before a token, not after: the right-hand one is w.",
        ),
        (
            torch.bincount(pairs[:, 0], minlength=V).numpy(),
            "Count by the right-hand token, once each.",
        ),
        (right[:4], "A token that never occurs has a 0: `minlength=V`."),
        (right / right.sum(), "Return the counts themselves, not their shares."),
    ]
    answer = fn(pairs, V)
    if isinstance(answer, (list, tuple, torch.Tensor, np.ndarray)):
        answer = np.asarray(answer, dtype=float).round(6)
    expect(
        answer, right, "the counts", mistakes, "Each pair once, then count the right-hand tokens."
    )


@exercise
def kn_discount(fn: Attempt) -> None:
    """D_j = j − (j+1) Y n_{j+1}/n_j."""
    n = [1000, 400, 220, 150]
    Y = n[0] / (n[0] + 2 * n[1])
    for j in (1, 2, 3):
        right = j - (j + 1) * Y * n[j] / n[j - 1]
        mistakes = [
            (Y, "This is D₁ for each j."),
            (j - (j + 1) * n[j] / n[j - 1], "The factor Y is missing."),
            (j - j * Y * n[j] / n[j - 1], "The factor before Y is j + 1."),
            (1 - (j + 1) * Y * n[j] / n[j - 1], "It begins with j, not with 1."),
            ((j + 1) * Y * n[j] / n[j - 1], "Subtract that from j."),
            (j - (j + 1) * Y * n[j - 1] / n[j], "n_{j+1} stands above n_j."),
            (
                j - (j + 1) * n[0] / (n[0] + n[1]) * n[j] / n[j - 1],
                "In Y, n₂ is doubled: n₁ + 2n₂.",
            ),
        ]
        if j < 3:
            shifted = j - (j + 1) * Y * n[j + 1] / n[j]
            mistakes.append((shifted, "The list starts at n₁: n_j is n[j - 1]."))
        expect(fn(j, n), right, f"D_{j} for n = {n}", mistakes, "D_j = j − (j+1) Y n_{j+1}/n_j.")


@exercise
def with_temperature(fn: Attempt) -> None:
    """p^(1/T), normalised, for ordinary and for extreme log-probabilities."""
    p = _tensor(0.6, 0.3, 0.1)
    for T in (2.0, 0.5, 1.0):
        powers = [x ** (1 / T) for x in p.tolist()]
        right = np.array(powers) / sum(powers)
        wrong = [x**T for x in p.tolist()]
        mistakes = [
            (np.array(wrong) / sum(wrong), "Divide the logarithms by T, do not multiply."),
            (np.array(powers), "Normalise: the result adds up to 1."),
            (p.numpy(), "The temperature has no effect."),
            (np.log(right), "Return probabilities, not their logarithms."),
        ]
        expect(fn(p.log(), T), right, f"the result at T = {T}", mistakes, "softmax(log p / T).")
    far = _tensor(-800, -801, -math.inf)
    hint = "Subtract the largest log-probability before you divide by T."
    for T, right in ((1.0, [1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0]), (0.01, [1.0, 0.0, 0.0])):
        answer = fn(far, T)
        expect(
            answer, np.array(right), f"the result for log p = −800, −801, −∞ at T = {T}", (), hint
        )


@exercise
def mended_score(fn: Attempt) -> None:
    """Find the leaks: a score, judged by what the models saw and when."""
    train, validation, test = torch.arange(5), torch.arange(5, 8), torch.arange(8, 12)
    texts = {"train": train, "validation": validation, "test": test}
    fitted, read, judged_on_own = [], [], []

    def seen(ids) -> str:
        found = {int(i) for i in ids}
        return "+".join(name for name, t in texts.items() if found & set(t.tolist()))

    class Model:
        def __init__(self, order: int):
            self.order, self.text = order, fitted[-1]

        def loss(self, ids) -> float:
            read.append(seen(ids))
            judged_on_own.append("validation" in read[-1] and "validation" in self.text)
            return {"validation": [1.6, 1.2, 1.4], "test": [1.7, 1.5, 1.3]}.get(
                read[-1], [0.9, 0.6, 0.3]
            )[self.order - 1]

    def fit(ids, order):
        fitted.append(seen(ids))
        return Model(order)

    answer = fn(fit, train, validation, test, [1, 2, 3])
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong("return two things: the order and the perplexity.")
    if not fitted or not read:
        raise Wrong("fit a model for each order, and ask it for its loss.")
    verdicts = [
        (
            not any("test" in text for text in fitted) and not any(judged_on_own),
            "which text may a model be fitted to? Not to one by which it is judged.",
        ),
        (
            answer[0] == 2 and read.count("test") == 1 and read.count("validation") >= 3,
            "on which text may you choose, and how often may you read the test?",
        ),
        (
            any(math.isclose(answer[1], math.exp(x), rel_tol=1e-6) for x in (1.7, 1.5, 1.3)),
            "the loss is in nats: which base has the perplexity, and of which text is it?",
        ),
    ]
    expect_mended(verdicts)
    expect(answer[1], math.exp(1.5), "the perplexity")
