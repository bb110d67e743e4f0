"""Solutions to the exercises of lesson 06. The tests hand each of them to its check."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F


def one_merge(words):
    counts = Counter()
    for word, n in words.items():
        for pair in pairwise(word):
            counts[pair] += n
    most = max(counts.values())
    best = min(pair for pair, n in counts.items() if n == most)
    merged = {}
    for word, n in words.items():
        tokens, i = [], 0
        while i < len(word):
            here = 2 if word[i : i + 2] == best else 1
            tokens.append("".join(word[i : i + here]))
            i += here
        merged[tuple(tokens)] = n
    return merged


def encode_piece(piece, merges):
    ids = list(piece.encode())
    for new, pair in enumerate(merges, 256):
        i = 0
        while i < len(ids) - 1:
            if (ids[i], ids[i + 1]) == tuple(pair):
                ids[i : i + 2] = [new]
            i += 1
    return ids


def bits(nats, tokens, text):
    return nats * tokens / (len(text) * math.log(2))


def mended_loss(logits, ids):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


def initial_loss(V, s):
    return math.log(V) + s**2 / 2


def flops_per_token(C, layers, T, V):
    maps = 4 * C * C + 2 * 4 * C * C  # q, k, v, c_proj; the two of 4C hidden units
    attention = 2 * T * C  # scores and averages
    return 2 * (layers * (maps + attention) + C * V)


def decay_groups(model, decay):
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim != 2], "weight_decay": 0.0},
    ]


def directions(g):
    U, _, Vt = torch.linalg.svd(g, full_matrices=False)
    return U @ Vt


def power_law(x, y):
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return np.exp(intercept), -slope
