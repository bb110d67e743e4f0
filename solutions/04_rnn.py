"""Solutions to the exercises of lesson 04. The tests hand each of them to its check."""

import math

import torch
from torch.nn import functional as F


def contexts_and_targets(ids, n):
    pieces = ids.unfold(0, n, 1)
    return pieces[:, :-1], pieces[:, -1]


def bptt_step(delta, h, h_before, U):
    da = delta * (1 - h**2)
    return da.T @ h_before, da @ U


def clip(gradients, limit):
    norm = math.sqrt(sum((g**2).sum().item() for g in gradients))
    return [g * (limit / max(norm, limit)) for g in gradients]


def gru_update(x, h, n, W, U, b):
    z = torch.sigmoid(x @ W.T + h @ U.T + b)
    return (1 - z) * n + z * h


def carried_losses(model, windows):
    losses, state = [], None
    for window in windows:
        loss, state = model(window, state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        losses.append(loss)
    return losses


def mended_bits(model, ids):
    logits, _ = model(ids[:, :-1], None)
    nats = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    return nats.item() / math.log(2)
