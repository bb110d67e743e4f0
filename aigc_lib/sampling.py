"""How probabilities become text: the key-value cache, samplers and beams. Lesson 07.

Letters: B texts side by side, T tokens, V vocabulary. Logits (B, V) are log p up to a constant of
each row, and -inf is a token that cannot come. So each way to choose is a function from logits to
logits, and they can be applied one after another.
"""

import math
from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import torch
from torch.nn import functional as F

from aigc_lib.gpt import GPT
from aigc_lib.ngram import check_ids, whole
from aigc_lib.transformer import angles, causal, check_rows


class KVCache:
    """What a GPT has read of `rows` texts: the keys and values of each token, in each layer.

    Token t looks at the keys and values of tokens 0 to t, and no later token changes those: each is
    computed once and kept, 2 · layers · C numbers a token, in `kv` (layers, 2, B, nh, longest, hs).
    The weights are those that the model has now. Source: Shazeer 2019, arXiv:1911.02150, section
    2.4; positions turned as complex numbers: Su et al. 2021, arXiv:2104.09864, equation 12; lesson
    07.
    """

    def __init__(self, model: GPT, rows: int):
        attn, C = model.h[0].attn, model.wte.embedding_dim
        self.model, self.length, self.heads = model, 0, (3, attn.nh, C // attn.nh)
        shape = len(model.h), 2, whole("rows", rows, 1), attn.nh, model.longest, C // attn.nh
        self.kv, self.layers, self.turns = model.wte.weight.new_empty(shape), [], None
        for block in model.h:
            qkv = [(f.weight, f.bias) for f in (block.attn.q, block.attn.k, block.attn.v)]
            parts = block.ln_1, block.attn.c_proj, block.ln_2, block.mlp.c_fc, block.mlp.c_proj
            joined = [torch.cat(parts).detach() for parts in zip(*qkv, strict=True)]
            self.layers.append([joined, *((f.weight, f.bias) for f in parts)])
        if model.wpe is None:
            a = angles(torch.arange(model.longest), C // attn.nh)
            turns = torch.polar(torch.ones_like(a), a).to(self.kv.dtype.to_complex())  # e^{ia}
            self.turns = turns[:, None, None].to(self.kv.device)  # (longest, 1, 1, hs/2)

    @torch.inference_mode()
    def read(self, ids) -> torch.Tensor:
        """Read on: return the logits (B, T, V) after each of the next tokens `ids` (B, T).

        They are known to be tokens. The logits have no gradient (`torch.inference_mode`). Raises
        ValueError for other rows than the cache has, and for more tokens than `longest` in all.
        """
        (B, T), start, model, rows = ids.shape, self.length, self.model, self.kv.shape[2]
        if rows != B:
            raise ValueError(f"ids of {B} rows for a cache of {rows}: give a row for each text")
        if (end := start + T) > model.longest:
            raise ValueError(
                f"{start} tokens are read and {T} more are given, and the model has longest="
                f"{model.longest}: start a new cache with a shorter text"
            )
        x = model.wte(ids)  # (B, T, C)
        if self.turns is None:
            x += model.wpe.weight[start:end]
        mask = None if T == 1 else causal(end)[start:].to(x.device)
        now, known = self.kv[..., start:end, :], self.kv[..., :end, :]
        layers = zip(self.layers, now.unbind(), known.unbind(), strict=True)
        for (qkv, ln_1, proj, ln_2, fc, out), new_kv, kv in layers:
            y = F.linear(F.layer_norm(x, x.shape[2:], *ln_1), *qkv).view(B, T, *self.heads)
            if self.turns is not None:  # the queries and keys, in y itself
                pairs = y[:, :, :2].view(B, T, 2, self.heads[1], -1, 2)
                torch.view_as_complex(pairs).mul_(self.turns[start:end])
            y = y.permute(2, 0, 3, 1, 4)  # (3, B, nh, T, hs)
            new_kv.copy_(y[1:])
            y = F.scaled_dot_product_attention(y[0], *kv, attn_mask=mask)
            x += F.linear(y.transpose(1, 2).flatten(2), *proj)
            y = F.linear(F.layer_norm(x, x.shape[2:], *ln_2), *fc)
            x += F.linear(F.gelu(y, approximate="tanh"), *out)
        self.length = end
        return F.linear(model.ln_f(x), model.wte.weight)

    def select(self, rows) -> None:
        """Go on with `rows`, ids of texts, in this order; one that stands twice becomes two."""
        kept = self.kv.new_empty(*self.kv.shape[:2], len(rows), *self.kv.shape[3:])
        kept[..., : self.length, :] = self.kv[:, :, rows, :, : self.length]
        self.kv = kept


def pick(logits, generator: torch.Generator | None = None) -> torch.Tensor:
    """Return a token for each row of logits (B, V), drawn from their softmax: (B,).

    Without a generator, which is of the CPU as the logits are, it is the most probable one, and of
    several the first. Raises ValueError for a row in which no token can come. Lesson 07.
    """
    best = logits.max(-1)
    if not (possible := best.values.isfinite()).all():
        row = possible.tolist().index(False)
        raise ValueError(
            f"row {row} of the logits has {best.values[row].item()} as its highest: nothing can be "
            "picked; if a rule or constraint made them, let it leave a token"
        )
    if generator is None:
        return best.indices
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]


def generate(
    model: GPT,
    ids: torch.Tensor,
    n: int,
    generator: torch.Generator | None = None,
    rule: Callable | None = None,
) -> torch.Tensor:
    """Return the `n` tokens that go on from each row of `ids` (B, T): (B, n), on the CPU.

    Each is what `pick` takes from the model's logits, or from what `rule(logits, ids)` makes of
    them: logits (B, V), float64, and ids (B, t), the whole text so far, both on the CPU. Raises
    ValueError for ids that are no tokens, for T + n above the model's `longest`, and as `pick`
    does. Lesson 07.
    """
    check_prompt(model, ids, n)
    device, T, ids = model.wte.weight.device, ids.shape[1], ids.cpu()
    cache, new = KVCache(model, len(ids)), ids
    for _ in range(n):
        logits = cache.read(new.to(device))[:, -1].cpu().double()
        new = pick(logits if rule is None else rule(logits, ids), generator)[:, None]
        ids = torch.cat([ids, new], 1)
    return ids[:, T:]


def check_prompt(model: GPT, ids, n) -> None:
    """Raise ValueError if `ids` are no rows (B, T) of tokens that leave room for `n` more."""
    if ids.ndim == 2 and not ids.shape[1]:
        raise ValueError("the prompt is empty: give at least a token, as that of a line break")
    check_rows("ids", ids, model, math.inf)
    if (total := ids.shape[1] + whole("n", n, 0)) > model.longest:
        raise ValueError(
            f"{ids.shape[1]} tokens and {n} more are {total}, and the model has longest="
            f"{model.longest}: give the last {max(model.longest - n, 1)} at most, or ask for fewer"
        )


def real(x) -> float:
    """Return `x` if it is a number, and NaN, which lies in no range, if it is not."""
    return x if isinstance(x, Real) and not isinstance(x, bool) else math.nan


def with_temperature(logits, temperature: float) -> torch.Tensor:
    """Return logits / temperature: p^(1/temperature), normalised.

    Raises ValueError for a temperature that is not positive and finite. Source: Ackley, Hinton and
    Sejnowski 1985, A learning algorithm for Boltzmann machines; lesson 07.
    """
    if not 0 < real(temperature) < math.inf:
        raise ValueError(
            f"temperature={temperature!r}: give a positive number; for its limit at 0, the most "
            "probable token, `pick` without a generator"
        )
    return logits / temperature


def top_k(logits, k: int) -> torch.Tensor:
    """Return the logits (..., V) with -inf below the k-th highest; what ties with it stays.

    Raises ValueError for a k that is not a whole number from 1 to V. Source: Fan, Lewis and Dauphin
    2018, arXiv:1805.04833; lesson 07.
    """
    V = logits.shape[-1]
    if whole("k", k, 1) > V:
        raise ValueError(f"k={k} of a vocabulary of {V} tokens: give 1 to {V}")
    least = logits.topk(k).values[..., -1:]
    return logits.masked_fill(logits < least, -math.inf)


def top_p(logits, p: float) -> torch.Tensor:
    """Return the logits (..., V) with -inf outside the nucleus: the fewest that have p together.

    A token stays if those before it, in order of falling probability, have less than p together: so
    the first always stays. Raises ValueError for a p that is not in (0, 1]. Source: Holtzman et al.
    2020, arXiv:1904.09751, equation 2; lesson 07.
    """
    if not 0 < real(p) <= 1:
        raise ValueError(f"p={p!r}: give a probability above 0 and up to 1")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    sorted_p = logits.softmax(-1).gather(-1, order)
    before = sorted_p.cumsum(-1) - sorted_p
    cut = (before >= p) & (p < 1)  # of p = 1 nothing is cut, whatever is lost in rounding
    return logits.masked_fill(torch.empty_like(cut).scatter(-1, order, cut), -math.inf)


def repetition_penalty(logits, ids, penalty: float) -> torch.Tensor:
    """Return logits (B, V) that are lower for each token that stands in its row of ids (B, T).

    A positive logit is divided by the penalty, a negative one multiplied. Raises ValueError for a
    penalty below 1. Source: Keskar et al. 2019, arXiv:1909.05858, section 4.1, where negative ones
    are divided, too; lesson 07.
    """
    if not 1 <= real(penalty) < math.inf:
        raise ValueError(f"penalty={penalty!r}: give a number of at least 1")
    seen = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.where(seen > 0, seen / penalty, seen * penalty))


class Hypothesis(NamedTuple):
    """A text that a beam search found: its tokens, their log p in nats, and its score."""

    ids: list[int]
    log_p: float
    score: float


def beam_search(
    model: GPT, ids, n: int, width: int, alpha: float = 0.0, end: int | None = None
) -> list[Hypothesis]:
    """Return the best continuations of `ids` (T,) that a beam of `width` meets, best first.

    The score is log p / length^alpha, where length is the number of new tokens: `n`, or fewer if
    the last is `end`. Of all texts that are longer by a token, those of the `width` best that end
    are put aside, and the `width` best that do not go on; the best in the end is one of either. A
    width of V^(n-1) loses none of the best. Returned are at most `width`. Raises ValueError as
    `generate` does, for an alpha that is negative or not finite, and for an `end` that is no token.
    Source: Sutskever et al. 2014, arXiv:1409.3215, section 3.2; for alpha, Wu et al. 2016,
    arXiv:1609.08144, equation 14, whose penalty is ((5 + length)/6)^alpha; lesson 07.
    """
    ids = check_ids(ids, model.vocab_size, 1)
    check_prompt(model, ids[None], n)
    width = whole("width", width, 1)
    if not 0 <= real(alpha) < math.inf:
        raise ValueError(f"alpha={alpha!r}: give 0, for no correction by length, or more")
    V, device = model.vocab_size, model.wte.weight.device
    if end is not None and whole("end", end, 0) >= V:
        raise ValueError(f"end={end} is none of the tokens, 0 to {V - 1}: give one, or None")
    cache, new, found = KVCache(model, 1), ids[None], []
    texts, log_p = ids.new_empty(1, 0), torch.zeros(1, dtype=torch.float64)
    for _ in range(n):
        logits = cache.read(new.to(device))[:, -1].cpu().double()
        log_p = log_p[:, None] + logits.log_softmax(-1)  # (live, V)
        log_p, places = log_p.flatten().topk(min(2 * width, log_p.numel()))
        rows, new = places // V, places % V
        texts = torch.cat([texts[rows], new[:, None]], 1)
        ended = new == (-1 if end is None else end)
        done, live = ended[:width].nonzero()[:, 0], (~ended).nonzero()[:width, 0]
        found += zip(texts[done].tolist(), log_p[done].tolist(), strict=True)
        texts, log_p, new = texts[live], log_p[live], new[live, None]
        cache.select(rows[live].to(device))
    found += zip(texts.tolist(), log_p.tolist(), strict=True)
    scored = [Hypothesis(text, x, x / max(len(text), 1) ** alpha) for text, x in found]
    return sorted(scored, key=lambda h: -h.score)[:width]
