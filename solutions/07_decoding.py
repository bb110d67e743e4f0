"""Solutions to the exercises of lesson 07. The tests hand each of them to its check."""

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
