"""Solutions to the exercises of lesson 03. The tests hand each of them to its check."""

import math

import torch


def perplexity(log_probs):
    return math.exp(-log_probs.mean())


def add_k_probs(counts, k):
    return (counts.double() + k) / (counts.sum() + k * len(counts))


def continuation_counts(pairs, V):
    return torch.bincount(pairs.unique(dim=0)[:, 1], minlength=V)


def kn_discount(j, n):
    Y = n[0] / (n[0] + 2 * n[1])
    return j - (j + 1) * Y * n[j] / n[j - 1]


def with_temperature(log_p, T):
    return torch.softmax((log_p - log_p.max()) / T, dim=0)


def mended_score(fit, train, validation, test, orders):
    models = {order: fit(train, order) for order in orders}
    best = min(orders, key=lambda order: models[order].loss(validation))
    return best, math.exp(models[best].loss(test))  # once
