"""A language model by counting n-grams, and what to do about those never seen. Lesson 03.

Every smoothing here is one recursion over the order k, from the uniform distribution p_0 = 1/V up:

    p_k(w | h) = α_k(h, w) + γ_k(h) p_{k-1}(w | h'),

where h is the last k-1 tokens, h' is h without its first, α is the part of the seen, and γ is what
is left for the shorter context. A context never seen has α = 0 and γ = 1.

The distinct k-grams are a sorted array of numbers, their keys: the rank of the first k-1 tokens
among the (k-1)-grams, times V, plus the last token. So the k-grams of one context lie side by side,
and a text is looked up order by order, all positions at once. Rank -1 means never seen: as an
index it picks the entry that stands behind the others, where α is 0 and γ is 1.
"""

import contextlib
import math
import operator
from itertools import pairwise
from numbers import Real
from typing import NamedTuple

import torch
from torch.nn.functional import pad

# Each smoothing, and the strength that it has if none is given.
SMOOTHINGS = {"add-k": 1.0, "interpolation": 0.5, "absolute": 0.75, "kneser-ney": None}


def reach(ids: torch.Tensor, order: int, boundary: int | None = None) -> torch.Tensor:
    """Return for each token of `ids` (N,) how long an n-gram may end there: 1 to `order`, (N,).

    An n-gram starts no earlier than the text, nor than the last `boundary` before its last token.
    Lesson 03.
    """
    place, start = torch.arange(len(ids)), torch.zeros_like(ids)
    if boundary is not None:
        start[1:] = torch.where(ids == boundary, place, 0).cummax(0).values[:-1]
    return (place - start + 1).clamp(max=order)


def count(ids: torch.Tensor, order: int, vocab_size: int, boundary: int | None = None) -> list:
    """Return for k = 1 to `order`: the keys of the distinct k-grams, their counts and suffixes.

    All are (M_k,) and sorted by key = (rank of the first k-1 tokens) V + last token; a suffix is
    the rank of the last k-1 tokens. The text is `ids` (N,). Raises ValueError if no n-gram of the
    order fits into it. Lesson 03.
    """
    length, rank, grams = reach(ids, order, boundary), torch.zeros_like(ids), []
    for k in range(1, order + 1):  # rank[i] is that of the (k-1)-gram that ends at i
        at = (length >= k).nonzero()[:, 0]  # where a k-gram ends
        if len(at) == 0:
            raise ValueError(
                f"order {order} needs {order} tokens in a row, and this text has at most {k - 1}: "
                f"give a longer text or order={k - 1}"
            )
        key = rank[at - 1] * vocab_size + ids[at]
        keys, inverse, c = torch.unique(key, return_inverse=True, return_counts=True)
        suffix = torch.empty_like(keys)
        suffix[inverse] = rank[at]
        rank[at] = inverse
        grams.append((keys, c, suffix))
    return grams


def continuations(grams: list) -> list:
    """Return `grams` with counts as Kneser and Ney count below the highest order.

    N₁₊(• g) = the number of distinct tokens seen before g; an n-gram that none is seen before, as
    at the start of a text, keeps its count. Source: Kneser and Ney 1995; lesson 03.
    """
    counted = []
    for (keys, c, suffix), (_, _, longer) in pairwise(grams):
        before = torch.bincount(longer, minlength=len(keys))
        counted.append((keys, torch.where(before > 0, before, c), suffix))
    return [*counted, grams[-1]]


def modified_discounts(c: torch.Tensor) -> torch.Tensor:
    """Return D₁, D₂ and D₃, taken from counts of 1, 2 and more, by the counts `c` (M,) of an order.

    D_j = j - (j+1) Y n_{j+1}/n_j with Y = n₁/(n₁ + 2n₂), where n_j is how many n-grams have
    count j. Where that gives no D_j in [0, j], as in a tiny text, they are 1/2, 1 and 3/2, as
    KenLM's fallback. Source: Chen and Goodman 1998, TR-10-98, equation 26; lesson 03.
    """
    n = torch.bincount(c.clamp(max=5), minlength=6)[1:5].double()
    j = torch.arange(1, 4).double()
    D = j - (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
    return D if ((D >= 0) & (j >= D)).all() else j / 2


def add_k(c, h, total, k, vocab_size):
    """Return α = c/(c(h) + kV) and γ = kV/(c(h) + kV); what is mixed in is p_0, at every order.

    Counts `c` (M,) belong to the contexts of rank `h` (M,), whose sums are `total` (H,). Source:
    Lidstone 1920; lesson 03.
    """
    whole = total + k * vocab_size
    return c / whole[h], k * vocab_size / whole


def interpolate(c, h, total, weight):
    """Return α = λ c/c(h) and γ = 1 - λ; arguments as in `add_k`, λ is `weight`.

    Source: Jelinek and Mercer 1980, with one λ for all contexts; lesson 03.
    """
    return weight * (c / total[h]), torch.full_like(total, 1 - weight)


def discount(c, h, total, D):
    """Return α = (c - D_c)/c(h) and γ = Σ_w D_c(hw)/c(h); arguments as in `add_k`.

    `D` (3,) is what is taken from counts of 1, 2, and 3 or more: one number three times is
    absolute discounting. Source: Ney, Essen and Kneser 1994; Chen and Goodman 1999; lesson 03.
    """
    taken = D[c.clamp(max=3) - 1]
    return (c - taken) / total[h], torch.bincount(h, taken, minlength=len(total)) / total


def look_up(keys: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the ranks of `wanted` among the sorted `keys`, -1 for one that is not there."""
    rank = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[rank] == wanted, rank, -1)


class Level(NamedTuple):
    """The k-grams of one k: `keys` (M_k,) and `alpha` (M_k + 1,); `gamma` (M_{k-1} + 1,)."""

    keys: torch.Tensor
    alpha: torch.Tensor
    gamma: torch.Tensor


class NGram:
    """A model of the next of V = `vocab_size` tokens, given the `order` - 1 tokens before it.

    `smoothing` is "add-k", "interpolation", "absolute" or "kneser-ney" (interpolated and modified,
    as KenLM's). `strength` is the first three's k > 0 (if not given, 1), λ in [0, 1] (1/2) or D in
    [0, 1] (3/4); Kneser-Ney takes its own from the counts. With λ = 1, contexts seen are left at
    maximum likelihood. `boundary` is a token that both begins and ends each document: no context
    reaches back past the last one.

    Once fitted, `levels` holds a `Level` for each k, and `discounts` D₁, D₂, D₃ for each k where
    there are any. Raises ValueError for settings outside these ranges. Source: Chen and Goodman
    1999, An empirical study of smoothing techniques for language modeling; lesson 03.
    """

    def __init__(self, order, vocab_size, smoothing="kneser-ney", strength=None, boundary=None):
        self.order = whole("order", order, 1)
        self.vocab_size = whole("vocab_size", vocab_size, 1)
        _check_smoothing(smoothing, strength)
        self.boundary = None if boundary is None else whole("boundary", boundary, 0)
        if boundary is not None:
            check_ids([self.boundary], vocab_size, 1)
        self.smoothing = smoothing
        self.strength = SMOOTHINGS[smoothing] if strength is None else strength
        self.levels, self.discounts = [], []

    def fit(self, ids) -> "NGram":
        """Count the n-grams of the text `ids` (N,), forget any other text, and return the model.

        Raises ValueError for a text in which no n-gram of the order fits, or with ids outside 0 to
        V-1.
        """
        ids = check_ids(ids, self.vocab_size, 1)
        grams = count(ids, self.order, self.vocab_size, self.boundary)
        if self.smoothing == "kneser-ney":
            grams = continuations(grams)
        self.levels, self.discounts, contexts = [], [], 1
        for keys, c, _ in grams:
            self.levels.append(self._level(keys, c, contexts))
            contexts = len(keys)
        return self

    def _level(self, keys, c, contexts) -> Level:
        """Return the level of the k-grams that have these keys and counts, and `contexts`."""
        h = keys // self.vocab_size
        total = torch.bincount(h, c.double(), contexts)
        if self.smoothing == "add-k":
            alpha, gamma = add_k(c, h, total, self.strength, self.vocab_size)
        elif self.smoothing == "interpolation":
            alpha, gamma = interpolate(c, h, total, self.strength)
        else:
            absolute = self.smoothing == "absolute"
            D = total.new_full((3,), self.strength) if absolute else modified_discounts(c)
            self.discounts.append(D)
            alpha, gamma = discount(c, h, total, D)
        gamma[total == 0] = 1  # what ends a text or a document is followed by nothing
        return Level(keys, pad(alpha, (0, 1), value=0), pad(gamma, (0, 1), value=1))

    def log_probs(self, ids) -> torch.Tensor:
        """Return log p(ids[i] | the tokens before it), i = 1 to N-1, in nats: float64, (N-1,).

        A probability of 0, which λ = 1 and D = 0 may give, has the logarithm -inf. Raises
        ValueError for fewer than two ids, or ids outside 0 to V-1.
        """
        ids = check_ids(ids, self.vocab_size, 2)
        length, rank = reach(ids, self.order, self.boundary), torch.zeros_like(ids)
        p = torch.full(ids.shape, 1 / self.vocab_size, dtype=torch.float64)
        for k, level in enumerate(self._fitted(), 1):
            at = (length >= k).nonzero()[:, 0]
            h = rank[at - 1]
            rank[at] = found = look_up(level.keys, h * self.vocab_size + ids[at])
            p[at] = level.alpha[found] + level.gamma[h] * self._lower(p[at])
        return p[1:].log()

    def _lower(self, p: torch.Tensor) -> torch.Tensor:
        """Return what γ multiplies: p_{k-1}, for add-k always p_0."""
        return torch.full_like(p, 1 / self.vocab_size) if self.smoothing == "add-k" else p

    def loss(self, ids) -> float:
        """Return the mean of -`log_probs`: nats a token, the first being context only."""
        return -self.log_probs(ids).mean().item()

    def backoff(self, context) -> torch.Tensor:
        """Return p_0, p_1, ..., p_order of the next token, one to a row: (order + 1, V).

        Row k is given the last k-1 tokens of `context` (N,), or as many as there are since the last
        boundary; row 0 is uniform, the last row is the model's. Raises ValueError for ids outside
        0 to V-1.
        """
        context = check_ids(context, self.vocab_size, 0)
        known = reach(torch.cat([context, context.new_zeros(1)]), self.order, self.boundary)[-1] - 1
        context = context[len(context) - known :]
        rows = [torch.full((self.vocab_size,), 1 / self.vocab_size, dtype=torch.float64)]
        for level, start in zip(self._fitted(), range(len(context), -1, -1), strict=False):
            h = self._rank(context[start:])
            first, end = torch.searchsorted(level.keys, torch.stack([h, h + 1]) * self.vocab_size)
            row = level.gamma[h] * self._lower(rows[-1])
            row[level.keys[first:end] % self.vocab_size] += level.alpha[first:end]
            rows.append(row)
        return torch.stack(rows + rows[-1:] * (self.order + 1 - len(rows)))

    def _rank(self, gram: torch.Tensor) -> torch.Tensor:
        """Return the rank of one n-gram among those of its length, -1 if it was never seen."""
        rank = torch.tensor(0)
        for level, token in zip(self.levels, gram, strict=False):
            rank = look_up(level.keys, rank * self.vocab_size + token)
        return rank

    def probs(self, context) -> torch.Tensor:
        """Return the distribution of the token after `context` (N,): float64, (V,)."""
        return self.backoff(context)[-1]

    def sample(self, n, generator, context=None, temperature=1.0) -> torch.Tensor:
        """Return `n` ids (n,) that go on from `context`, drawn from p^(1/temperature), normalised.

        `generator` is a torch.Generator of the CPU. The context, if not given, is the boundary, or
        nothing. Raises ValueError for a temperature that is not positive and finite.
        """
        whole("n", n, 0)
        if context is None:
            context = [] if self.boundary is None else [self.boundary]
        context = check_ids(context, self.vocab_size, 0)
        ids = torch.cat([context, context.new_zeros(n)])
        for i in range(len(context), len(ids)):
            log_p = self.probs(ids[max(0, i - self.order + 1) : i]).log()
            ids[i] = draw(log_p, generator, temperature)
        return ids[len(context) :]

    @property
    def sizes(self) -> list[int]:
        """The number of distinct k-grams, k = 1 to order."""
        return [len(level.keys) for level in self.levels]

    @property
    def nbytes(self) -> int:
        """The bytes that the model's arrays take."""
        return sum(array.nbytes for level in self.levels for array in level)

    def _fitted(self) -> list[Level]:
        if not self.levels:
            raise ValueError("this model has seen no text: call fit(ids) first")
        return self.levels


def draw(log_p: torch.Tensor, generator: torch.Generator, temperature: float) -> torch.Tensor:
    """Return one id (1,) on the CPU, drawn from p^(1/temperature), normalised.

    `log_p` (V,), on any device, is log p up to a constant, so logits will do; `generator` is of the
    CPU. Raises ValueError for a temperature that is not positive and finite. Lesson 03.
    """
    if not isinstance(temperature, Real) or not 0 < temperature < math.inf:
        raise ValueError(
            f"temperature={temperature!r}: give a positive number; for the most probable token, "
            "which is the limit at 0, take the argmax of the probabilities"
        )
    log_p = log_p.cpu().double()
    p = ((log_p - log_p.max()) / temperature).softmax(0)
    return torch.multinomial(p, 1, generator=generator)


def check_ids(ids, vocab_size: int, least: int) -> torch.Tensor:
    """Return `ids` as an int64 tensor (N,) on the CPU, if they are tokens and at least so many."""
    try:
        found = torch.as_tensor(ids, device="cpu")
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{ids!r:.40} is not ids: encode the text with a tokenizer") from None
    other = found.is_floating_point() or found.is_complex() or found.dtype == torch.bool
    if found.ndim != 1 or (other and len(found)):
        raise ValueError(
            f"ids of shape {tuple(found.shape)} and {found.dtype}: give whole numbers, shape (N,)"
        )
    found = found.long()
    if len(found) < least:
        raise ValueError(f"a text of {len(found)} tokens is too short: give at least {least}")
    wrong = ((found < 0) | (found >= vocab_size)).nonzero()
    if len(wrong):
        raise ValueError(
            f"ids[{wrong[0].item()}] is {found[wrong[0]].item()}, and the tokens are 0 to "
            f"{vocab_size - 1}: encode with the tokenizer of this vocabulary"
        )
    return found


def whole(name: str, number, least: int) -> int:
    """Return a whole number of any type as an int, if it is at least `least`."""
    if not isinstance(number, bool):
        with contextlib.suppress(TypeError):
            if (whole := operator.index(number)) >= least:
                return whole
    raise ValueError(f"{name}={number!r}: give a whole number of at least {least}")


def _check_smoothing(smoothing: str, strength: float | None) -> None:
    if not isinstance(smoothing, str) or smoothing not in SMOOTHINGS:
        raise ValueError(f"smoothing={smoothing!r} is unknown: give {', '.join(SMOOTHINGS)}")
    if strength is None:
        return
    if smoothing == "kneser-ney":
        raise ValueError(
            f"strength={strength}: Kneser-Ney takes its discounts from the counts, give none"
        )
    if smoothing == "add-k":
        if not (isinstance(strength, Real) and 0 < strength < 1e100):  # k V must not overflow
            raise ValueError(f"strength={strength!r}: give a positive number k")
    elif not (isinstance(strength, Real) and 0 <= strength <= 1):
        raise ValueError(f"strength={strength!r}: give a number from 0 to 1")
