"""Plausible wrong answers to the exercises of lesson 06, each with words of its hint."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aigc_lib.optim import orthogonal


def by_words(word, n):
    """Yield the pairs of a word, each as often as the word occurs."""
    for pair in pairwise(word):
        yield pair, n


def replaced(ids, pair, new, step=2, times=99):
    """Return `ids` with `new` for `pair`, going on after `step` ids, at most so many times."""
    out, i = [], 0
    while i < len(ids):
        here = tuple(ids[i : i + 2]) == pair and times > 0
        out.append(new if here else ids[i])
        times -= here
        i += step if here else 1
    return out


def leftwards(ids, pair, new):
    return replaced(ids[::-1], pair[::-1], new)[::-1]


def shared(ids, pair, new):
    """Return `ids` with `new` for `pair`, where one may be the second of a pair and a first."""
    starts = [tuple(ids[i : i + 2]) == pair for i in range(len(ids))]
    found = zip(ids, starts, [False, *starts[:-1]], strict=True)
    return [new if start else x for x, start, end in found if start or not end]


def glue(put=replaced, **options):
    """Return what joins a pair in a word as `put` does it with ids."""
    return lambda word, pair: tuple(put(word, pair, "".join(pair), **options))


def merge(pairs=by_words, best=lambda c: min(c, key=lambda p: (-c[p], p)), join=None):
    """Return a one_merge with this way to count, to choose and to join."""

    def one_merge(words):
        counts = Counter()
        for word, n in words.items():
            for pair, k in pairs(word, n):
                counts[pair] += k
        pair = best(counts)
        return {(join or glue())(word, pair): n for word, n in words.items()}

    return one_merge


def spelled(words):
    counts = Counter()
    for word, n in words.items():
        for a, b in pairwise(word):
            counts[a + b] += n
    best = max(sorted(counts), key=counts.get)
    joined = {}
    for word, n in words.items():
        pair = next((pair for pair in pairwise(word) if "".join(pair) == best), None)
        joined[glue()(word, pair) if pair else word] = n
    return joined


def in_place(words):
    new = merge()(words)
    words.clear()
    words.update(new)
    return words


def encode(begin=lambda piece: list(piece.encode()), first=256, order=list, put=replaced):
    """Return an encode_piece with this beginning, this first id, and this order of merges."""

    def encode_piece(piece, merges):
        ids = begin(piece)
        for new, pair in order(list(enumerate(merges, first))):
            ids = put(ids, pair, new)
        return ids

    return encode_piece


def leftmost(piece, merges):
    """Join the first pair that is known, as long as there is one."""
    ids = list(piece.encode())
    while known := [i for i, pair in enumerate(pairwise(ids)) if pair in merges]:
        i = known[0]
        ids[i : i + 2] = [256 + merges.index((ids[i], ids[i + 1]))]
    return ids


def longest(piece, merges):
    """Cut off the longest token with which the rest begins."""
    tokens = [bytes([i]) for i in range(256)]
    for a, b in merges:
        tokens.append(tokens[a] + tokens[b])
    rest, ids = piece.encode(), []
    while rest:
        token = max(filter(rest.startswith, tokens), key=len)
        ids.append(tokens.index(token))
        rest = rest[len(token) :]
    return ids


def bytes_alone(piece, merges):
    """Join pairs of bytes alone."""
    short = [(new, pair) for new, pair in enumerate(merges, 256) if max(pair) < 256]
    return encode(order=lambda numbered: short)(piece, merges)


def score(read=slice(None), target=slice(None), **options):
    """Return a mended_loss of these columns of logits and ids."""

    def mended_loss(logits, ids):
        z, y = logits[:, read].flatten(0, 1), ids[:, target].flatten()
        return F.cross_entropy(z, y, **options)

    return mended_loss


BUT_LAST, BUT_FIRST = slice(None, -1), slice(1, None)


def expected(even=math.log, more=lambda s: s * s / 2):
    return lambda V, s: even(V) + more(s)


def flops(maps=24, attention=4, output=2, times=lambda layers, T: 1, each=True):
    """Return a flops_per_token with these numbers of operations."""

    def flops_per_token(C, layers, T, V):
        layer = maps * C * C + attention * T * C
        return ((layers if each else 1) * layer + output * C * V) * times(layers, T)

    return flops_per_token


def grouped(choose, given=True, decays=None, hand=lambda name, p: p, where=None):
    """Return a decay_groups that decays what choose(name, p) says."""

    def decay_groups(model, decay):
        parameters = list((where or nn.Module.named_parameters)(model))
        high, low = decays or (decay, 0.0)
        yes = [hand(name, p) for name, p in parameters if choose(name, p)]
        no = [hand(name, p) for name, p in parameters if not choose(name, p)]
        rest = {"params": no, "weight_decay": low} if given else {"params": no}
        return [{"params": yes, "weight_decay": high}, rest]

    return decay_groups


def matrix(name, p):
    return p.ndim == 2


def of_each_module(model):
    for prefix, module in model.named_modules():
        for name, p in module.named_parameters(recurse=False):
            yield f"{prefix}.{name}", p


def matrices_alone(model, decay):
    return [{"params": [p for p in model.parameters() if p.ndim == n], "weight_decay": w}
            for n, w in ((2, decay), (3, 0.0))]  # fmt: skip


def in_both(model, decay):
    yes = [p for p in model.parameters() if p.ndim == 2]
    return [
        {"params": yes, "weight_decay": decay},
        {"params": list(model.parameters()), "weight_decay": 0.0},
    ]


def decomposed(result, full=False):
    """Return a directions of what `result` makes of U, S and Vᵀ."""
    return lambda g: result(*torch.linalg.svd(g, full_matrices=full))


def product(U, S, Vt):
    return U @ Vt


def turned_back(U, S, Vt):
    return U @ Vt.T


def whitened(g):
    """Return g (gᵀg)^(−1/2), which needs as many rows as columns."""
    values, vectors = torch.linalg.eigh(g.T @ g)
    return g @ vectors / values.sqrt() @ vectors.T


def fitted(of_x=np.log, of_y=np.log, result=lambda slope, k: (np.exp(k), -slope), turned=False):
    """Return a power_law by the line of of_y(y) against of_x(x)."""

    def power_law(x, y):
        points = (of_y(y), of_x(x)) if turned else (of_x(x), of_y(y))
        return result(*np.polyfit(*points, 1))

    return power_law


def same(x):
    return x


def ends(x, y):
    return fitted()(x[[0, -1]], y[[0, -1]])


WRONG = {
    "one_merge": [
        (merge(lambda word, n: ((pair, 1) for pair in pairwise(word))), "occurs n times"),
        (merge(best=lambda c: max(c, key=c.get)), "not the first you met"),
        (merge(best=lambda c: max(c, key=lambda p: (c[p], p))), "not the largest"),
        (merge(lambda word, n: ((p, n) for p in set(pairwise(word)))), "counts twice"),
        (merge(join=glue(times=1)), "not only the first"),
        (merge(join=glue(step=1)), "skip it"),
        (merge(join=glue(shared)), "used only once"),
        (merge(join=glue(leftwards)), "becomes (aa, a)"),
        (merge(join=lambda word, pair: word), "nothing is joined"),
        (
            merge(join=lambda w, pair: tuple("".join(w[i : i + 2]) for i in range(0, len(w), 2))),
            "all others stay apart",
        ),
        (lambda words: {("".join(word),): n for word, n in words.items()}, "not all"),
        (spelled, "by what they spell"),
        (
            lambda words: {w: n for w, n in merge()(words).items() if w not in words},
            "Words without the pair",
        ),
        (lambda words: dict.fromkeys(merge()(words), 1), "must stay"),
        (lambda words: {" ".join(w): n for w, n in merge()(words).items()}, "a tuple of tokens"),
        (lambda words: ("t", "o"), "a dict, not tuple"),
        (in_place, "changed its argument `words`"),
        (merge(best=min), "The pair is ('t', 'o')"),
    ],
    "encode_piece": [
        (leftmost, "not the text"),
        (longest, "The longest token"),
        (encode(order=reversed), "learned first comes first"),
        (encode(begin=lambda piece: list(map(ord, piece))), "not with code points"),
        (encode(first=255), "i starts at 0"),
        (encode(first=0), "the bytes have 0 to 255"),
        (encode(put=lambda *a: replaced(*a, times=1)), "every place"),
        (encode(put=lambda *a: replaced(*a, step=1)), "skip it"),
        (encode(put=shared), "used only once"),
        (encode(put=leftwards), "from left to right"),
        (bytes_alone, "a merge before it"),
        (lambda piece, merges: list(piece.encode()), "no merge was made"),
        (lambda piece, merges: list(piece), "whole numbers"),
        (lambda piece, merges: encode()(piece, merges)[:-1], "merge 0, merge 1"),
        (lambda piece, merges: encode()(piece, [merges.pop(0), *merges]), "changed its argument"),
    ],
    "bits": [
        (lambda nats, tokens, text: nats * tokens / len(text), "These are nats"),
        (lambda nats, tokens, text: nats * tokens / len(text) * math.log(2), "divide by ln 2"),
        (
            lambda nats, tokens, text: nats * tokens / len(text.encode()) / math.log(2),
            "several bytes",
        ),
        (lambda nats, tokens, text: nats / math.log(2), "bits a token"),
        (lambda nats, tokens, text: nats * len(text) / tokens / math.log(2), "upside down"),
        (lambda nats, tokens, text: nats / len(text) / math.log(2), "is a mean"),
        (lambda nats, tokens, text: nats * tokens / math.log(2), "the whole text"),
    ],
    "mended_loss": [
        (score(), "nothing to guess"),
        (score(BUT_FIRST, BUT_LAST), "It looks back"),
        (score(slice(None, -2), slice(2, None)), "not by two"),
        (score(BUT_LAST, BUT_LAST), "cut the first column"),
        (score(BUT_FIRST, BUT_FIRST), "cut the last"),
        (
            lambda logits, ids: F.cross_entropy(logits.mT, torch.roll(ids, -1, 1)),
            "there is nothing to score",
        ),
        (
            lambda logits, ids: F.cross_entropy(logits.flatten(0, 1)[:-1], ids.flatten()[1:]),
            "shift, then flatten",
        ),
        (score(BUT_LAST, BUT_FIRST, reduction="sum"), "not the sum"),
        (
            lambda logits, ids: score(BUT_LAST, BUT_FIRST, reduction="sum")(logits, ids) / len(ids),
            "of all rows",
        ),
        (
            lambda logits, ids: (
                score(BUT_LAST, BUT_FIRST, reduction="sum")(logits, ids) / ids.numel()
            ),
            "divide by their number",
        ),
        (
            lambda logits, ids: score(BUT_LAST, BUT_FIRST)(logits, ids) / math.log(2),
            "Return nats",
        ),
        (score(BUT_LAST, BUT_FIRST, reduction="none"), "has shape (8,)"),
    ],
    "initial_loss": [
        (expected(more=lambda s: 0), "the more so with s"),
        (expected(more=lambda s: s), "Not s itself"),
        (expected(more=lambda s: s * s), "Half of that"),
        (expected(more=lambda s: s / 2), "squared"),
        (expected(more=lambda s: -s * s / 2), "add it"),
        (expected(math.log2), "the natural one."),
        (expected(math.log2, lambda s: 0), "where is s"),
        (lambda V, s: expected()(V, s) / math.log(2), "These are bits"),
        (lambda V, s: 1 / V, "the probability of a token"),
        (lambda V, s: -math.log(V), "above 0"),
        (lambda V, s: V * math.exp(s * s / 2), "its logarithm"),
        (expected(more=lambda s: s**3), "250 draws"),
        (lambda V, s: 2.0, "V = 4000 and s = 0.6"),
        (lambda V, s: 8.4736, "V = 2000 and s = 1.2"),
    ],
    "flops_per_token": [
        (flops(12, 2, 1), "that is 2, not 1"),
        (flops(attention=0), "Attention multiplies"),
        (flops(attention=2), "causal or not"),
        (flops(output=0), "The logits are missing"),
        (
            lambda C, layers, T, V: layers * 24 * C * C + 4 * T * C + 2 * C * V,
            "not only one",
        ),
        (flops(maps=12), "are 24C² operations"),
        (flops(output=1), "each with an addition"),
        (flops(output=4), "To look a row"),
        (flops(maps=8), "of 4C hidden units are missing"),
        (flops(maps=16), "16C², in a layer"),
        (flops(maps=22), "c_proj is one"),
        (flops(times=lambda layers, T: T), "return it for one"),
        (
            lambda C, layers, T, V: layers * (24 * C * C + 4 * T * T * C) + 2 * C * V,
            "not T²",
        ),
        (flops(times=lambda layers, T: 3), "the forward part"),
        (flops(72, 0, 6), "6N is for training"),
        (flops(each=False), "as many such blocks"),
        (flops(maps=18), "mn multiplications"),
        (lambda C, layers, T, V: 1, "C = 8, layers = 3"),
        (lambda C, layers, T, V: 5888, "C = 12, layers = 2"),
    ],
    "decay_groups": [
        (grouped(lambda name, p: True), "everything is decayed"),
        (grouped(lambda name, p: not name.endswith("bias")), "ln_1.weight is a vector"),
        (grouped(lambda name, p: p.ndim == 1), "are exchanged"),
        (grouped(lambda name, p: False), "it is decayed"),
        (grouped(lambda name, p: p.ndim == 2 and "w" not in name[:1]), "wte.weight has two"),
        (matrices_alone, "is in no group"),
        (in_both, "belongs in one of the two"),
        (grouped(matrix, where=of_each_module), "is there twice"),
        (grouped(matrix, hand=lambda name, p: name), "not its name"),
        (grouped(matrix, hand=lambda name, p: p.detach().clone()), "not copies"),
        (grouped(matrix, given=False), "AdamW's own, 0.01"),
        (grouped(matrix, decays=(0.1, 0.0)), "as given"),
        (lambda model, decay: list(model.parameters()), "two groups"),
        (lambda model, decay: decay, "two groups"),
        (lambda model, decay: (model.parameters(), []), "two groups"),
        (lambda model, decay: grouped(matrix)(model, decay)[:1], "two groups"),
    ],
    "directions": [
        (decomposed(product, full=True), "full_matrices=False"),
        (decomposed(turned_back), "not transposed"),
        (lambda g: g / g.norm(), "Dividing by a norm"),
        (lambda g: g / torch.linalg.matrix_norm(g, 2), "Only the largest"),
        (lambda g: g / g.norm(dim=0), "Each column"),
        (lambda g: g / g.norm(dim=1, keepdim=True), "Each row"),
        (torch.sign, "the signs of the entries"),
        (orthogonal, "Muon's short cut"),
        (decomposed(lambda U, S, Vt: S), "the singular values"),
        (decomposed(lambda U, S, Vt: U), "This is U"),
        (decomposed(lambda U, S, Vt: Vt), "This is Vᵀ"),
        (decomposed(lambda U, S, Vt: U * S @ Vt), "This is g again"),
        (decomposed(lambda U, S, Vt: (U @ Vt).T), "transposed"),
        (decomposed(lambda U, S, Vt: -U @ Vt), "The sign"),
        (decomposed(lambda U, S, Vt: U * S.sqrt() @ Vt), "from torch.linalg.svd"),
        (whitened, "for g of shape (3, 5)"),
        (lambda g: whitened(g.T).T, "for g of shape (5, 3)"),
    ],
    "power_law": [
        (fitted(result=lambda slope, k: (np.exp(k), slope)), "b is minus the slope"),
        (fitted(result=lambda slope, k: (-slope, np.exp(k))), "a comes first"),
        (fitted(result=lambda slope, k: (k, -slope)), "take its exponential"),
        (fitted(result=lambda slope, k: (k, slope)), "and the slope is −b"),
        (fitted(result=lambda slope, k: (slope, k)), "slope, −b, first"),
        (fitted(result=lambda k, slope: (np.exp(k), -slope)), "the slope first, and then"),
        (fitted(result=lambda slope, k: (10**k, -slope)), "not with a power of 10"),
        (fitted(np.log10, np.log10), "undone by a power of 10"),
        (fitted(np.log10, np.log), "the same logarithm"),
        (
            fitted(np.log, np.log10, lambda slope, k: (10**k, -slope)),
            "the same logarithm",
        ),
        (
            fitted(turned=True, result=lambda slope, k: (np.exp(-k / slope), -1 / slope)),
            "not of log x",
        ),
        (fitted(turned=True), "the two are exchanged"),
        (ends, "not only the first and the last"),
        (fitted(of_x=same), "of x as well"),
        (fitted(of_y=same, result=lambda slope, k: (k, -slope)), "of y as well"),
        (fitted(of_y=same), "of y as well"),
        (fitted(same, same, lambda slope, k: (k, -slope)), "fitted to logarithms"),
        (fitted(same, same, lambda slope, k: (k, slope)), "fitted to logarithms"),
        (fitted(result=lambda slope, k: (k + 1, -slope)), "log y = log a"),
        (lambda x, y: fitted()(x, y)[0], "has shape ()"),
    ],
}
