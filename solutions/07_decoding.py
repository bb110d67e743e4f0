"""Solutions to the exercises of lesson 07. The tests hand each of them to its check."""

import math

import torch


def tempered(log_p, temperature):
    return (log_p / temperature).log_softmax(0)


def top_k_kept(logits, k):
    return logits >= logits.topk(k).values[-1]


def top_p_kept(logits, p):
    sorted_p, order = logits.softmax(0).sort(descending=True)
    kept = torch.empty_like(order, dtype=torch.bool)
    kept[order] = sorted_p.cumsum(0) - sorted_p < p
    return kept


def penalised(logits, ids, penalty):
    seen = logits[ids]
    new = logits.clone()
    new[ids] = torch.where(seen > 0, seen / penalty, seen * penalty)
    return new


def beam_step(log_p, next_log_p, width):
    best = (log_p[:, None] + next_log_p).flatten().topk(width)
    V = next_log_p.shape[1]
    return best.indices // V, best.indices % V, best.values


def length_normalised(log_p, lengths, alpha):
    return log_p / lengths**alpha


def cache_step(q, k, v, past_k, past_v):
    keys = torch.cat([past_k, k[:, None]], 1)
    values = torch.cat([past_v, v[:, None]], 1)
    weights = (q[:, None] @ keys.mT / math.sqrt(q.shape[1])).softmax(2)  # (nh, 1, t + 1)
    return (weights @ values)[:, 0], keys, values


def mended_embedding(ids, start, tokens, positions):
    return tokens[ids] + positions[start : start + ids.shape[1]]


def may_come(text, length):
    pairs, closers = {"(": ")", "[": "]"}, []
    for c in text:
        if c in pairs:
            closers.append(pairs[c])
        else:
            closers.pop()
    room = length - len(text) > len(closers)
    return set(closers[-1:]) | (set(pairs) if room else set())
