"""Plausible wrong answers to the exercises of lesson 07, each with words of its hint."""

import math

import torch


def masked(V, tokens):
    return torch.zeros(V, dtype=torch.bool).index_fill(0, tokens, True)


def nucleus(
    probabilities=lambda logits: logits.softmax(0),
    down=True,
    stays=lambda x, before, p: before < p,
    back=lambda order, kept: kept[order.argsort()],
):
    """Return a top_p_kept with what the arguments change; `back` undoes the order."""

    def top_p_kept(logits, p):
        x, order = probabilities(logits).sort(descending=down)
        return back(order, stays(x, x.cumsum(0) - x, p))

    return top_p_kept


def crossing_cut(logits, p):
    """Stop before p is crossed, but keep the first."""
    kept = nucleus(stays=lambda x, before, p: before + x < p)(logits, p)
    kept[logits.argmax()] = True
    return kept


def shifted(logits, p):
    """Remove what comes after p is crossed, by a shift that forgets the first."""
    sorted_p, order = logits.softmax(0).sort(descending=True)
    removed = sorted_p.cumsum(0) > p
    removed[1:] = removed[:-1].clone()
    return ~removed[order.argsort()]


def unsorted(logits, p):
    x = logits.softmax(0)
    return x.cumsum(0) - x < p


def from_least(logits):
    """Return a softmax that is kept from overflow by the wrong end."""
    e = (logits - logits.min()).exp()
    return e / e.sum()


def power(log_p, T):
    p = log_p.exp() ** (1 / T)
    return (p / p.sum()).log()


def summed(log_p, T):
    return log_p / T - (log_p / T).exp().sum().log()


def penalty_by(rule, where=lambda logits, ids: ids):
    """Return a penalised that applies `rule` to some of the logits, once."""

    def penalised(logits, ids, penalty):
        new, some = logits.clone(), where(logits, ids)
        new[some] = rule(logits[some], penalty)
        return new

    return penalised


def down(x, penalty):
    return torch.where(x > 0, x / penalty, x * penalty)


def each_time(rule):
    """Return a penalised that applies `rule` as often as a token occurs."""

    def penalised(logits, ids, penalty):
        new = logits.clone()
        for token in ids:
            new[token] = rule(new[token], penalty)
        return new

    return penalised


def into_argument(logits, ids, penalty):
    logits[ids] = down(logits[ids], penalty)
    return logits


def beam(
    score=lambda log_p, after: log_p[:, None] + after,
    split=lambda places, live, V: (places // V, places % V),
    result=lambda rows, tokens, best, log_p, after: best,
    **options,
):
    """Return a beam_step with what the arguments change; the options are those of topk."""

    def beam_step(log_p, next_log_p, width):
        best, places = score(log_p, next_log_p).flatten().topk(width, **options)
        rows, tokens = split(places, *next_log_p.shape)
        return rows, tokens, result(rows, tokens, best, log_p, next_log_p)

    return beam_step


def reordered(order):
    return lambda *args: tuple(part[order] for part in beam()(*args))


def best_of_each_row(log_p, next_log_p, width):
    best, tokens = (log_p[:, None] + next_log_p).max(1)
    return torch.arange(len(log_p)), tokens, best


def best_of_rows_sorted(log_p, next_log_p, width):
    rows, tokens, best = best_of_each_row(log_p, next_log_p, width)
    order = best.argsort(descending=True)[:width]
    return rows[order], tokens[order], best[order]


def unflattened(log_p, next_log_p, width):
    best, tokens = (log_p[:, None] + next_log_p).topk(width)
    return torch.arange(len(log_p)), tokens, best


WRONG = {
    "tempered": [
        (lambda log_p, T: log_p / T, "do not add up to 1"),
        (lambda log_p, T: (log_p * T).log_softmax(0), "divide, do not multiply"),
        (lambda log_p, T: log_p * T, "; then normalise"),
        (lambda log_p, T: (log_p.exp() / T).log(), "That is log(p/T)"),
        (lambda log_p, T: (log_p.exp() / T).log_softmax(0), "a softmax of p/T"),
        (lambda log_p, T: (log_p.exp() / T).log().log_softmax(0), "as they were"),
        (lambda log_p, T: (log_p / T).softmax(0), "return their logarithms"),
        (lambda log_p, T: (log_p / T).log_softmax(0) / math.log(2), "of base 2"),
        (lambda log_p, T: log_p + T, "log p / T, normalised"),
        (lambda log_p, T: (log_p / max(T, 1)).log_softmax(0), "The power of p is 1/T"),
        (lambda log_p, T: (log_p / min(T, 1)).log_softmax(0), "temperature 2.0 is not right"),
        (power, "contains nan. p^(1/T) is too small"),
        (summed, "contains inf. p^(1/T) is too small"),
        (lambda log_p, T: (log_p / T).softmax(0).log(), "contains -inf. p^(1/T) is too small"),
        (
            lambda log_p, T: (log_p / T).nan_to_num(neginf=0.0).log_softmax(0),
            "p is 0 at any temperature",
        ),
        (
            lambda log_p, T: (log_p[log_p > -math.inf] / T).log_softmax(0),
            "p is 0 at any temperature",
        ),
    ],
    "top_k_kept": [
        (lambda logits, k: masked(len(logits), logits.topk(k).indices), "What ties with the k-th"),
        (lambda logits, k: logits > logits.topk(k).values[-1], "`>=`, not `>`"),
        (lambda logits, k: logits > logits.topk(k + 1).values[-1], "What ties with the k-th"),
        (lambda logits, k: logits >= logits.unique()[-k], "count each of them"),
        (lambda logits, k: logits >= logits.topk(k + 1).values[-1], "One too many"),
        (lambda logits, k: logits <= logits.kthvalue(k).values, "the least probable"),
        (lambda logits, k: logits >= logits.kthvalue(k).values, "the k-th from below"),
        (lambda logits, k: logits < logits.topk(k).values[-1], "upside down"),
        (
            lambda logits, k: logits.sort(descending=True).values >= logits.topk(k).values[-1],
            "in falling order",
        ),
        (lambda logits, k: logits > -2, "keeps the tokens [0, 1, 2, 3, 4], "),
        (lambda logits, k: logits.topk(k).indices, "as indices are"),
        (lambda logits, k: logits.topk(k).values, "as logits have"),
        (
            lambda logits, k: logits.masked_fill(logits < logits.topk(k).values[-1], -math.inf),
            "as logits have",
        ),
        (
            lambda logits, k: logits.topk(k).values >= logits.topk(k).values[-1],
            "one entry for each",
        ),
        (lambda logits, k: set(logits.topk(k).indices.tolist()), "a tensor of bool, not set"),
    ],
    "top_p_kept": [
        (nucleus(stays=lambda x, before, p: before + x <= p), "The token that crosses p stays"),
        (crossing_cut, "The token that crosses p stays"),
        (nucleus(stays=lambda x, before, p: (before - x.roll(1)).clamp(0) < p), "One too many"),
        (lambda logits, p: logits.softmax(0) >= p, "Not each probability by itself"),
        (lambda logits, p: logits.softmax(0) >= 1 - p, "Not each probability by itself"),
        (nucleus(down=False), "Begin with the most probable"),
        (nucleus(down=False, stays=lambda x, before, p: before + x <= p), "Begin with the most"),
        (unsorted, "Sort first"),
        (nucleus(back=lambda order, kept: kept), "in falling order"),
        (nucleus(back=lambda order, kept: kept[order]), "Undo the order"),
        (nucleus(lambda logits: logits), "take their softmax"),
        (nucleus(torch.exp), "take their softmax"),
        (nucleus(lambda logits: logits.log_softmax(0)), "not their logarithms"),
        (nucleus(stays=lambda x, before, p: before >= p), "upside down"),
        (nucleus(stays=lambda x, before, p: x == x.min()), "Sum up the softmax"),
        (nucleus(stays=lambda x, before, p: x == x.median()), "Sum up the softmax"),
        (shifted, "The first always stays"),
        (nucleus(from_least), "a probability of 0"),
        (nucleus(back=lambda order, kept: order[kept]), "as indices are"),
        (nucleus(back=lambda order, kept: kept.double()), "as logits have"),
    ],
    "penalised": [
        (penalty_by(lambda x, penalty: x / penalty), "divided rises"),
        (penalty_by(lambda x, penalty: x * penalty), "multiplied rises"),
        (
            penalty_by(lambda x, penalty: torch.where(x > 0, x * penalty, x / penalty)),
            "rewards repetition",
        ),
        (penalty_by(lambda x, penalty: x - penalty), "Nothing is subtracted"),
        (each_time(lambda x, penalty: x - penalty), "Nothing is subtracted"),
        (each_time(down), "punished once"),
        (penalty_by(down, lambda logits, ids: slice(None)), "Only tokens that stand in the text"),
        (
            penalty_by(down, lambda logits, ids: ~masked(len(logits), ids)),
            "not the rest",
        ),
        (penalty_by(down, lambda logits, ids: ids[-1]), "not only the last"),
        (
            penalty_by(lambda x, penalty: torch.where(x > 0, x / penalty, x)),
            "Negative logits are multiplied",
        ),
        (
            penalty_by(lambda x, penalty: torch.where(x < 0, x * penalty, x)),
            "Positive logits are divided",
        ),
        (penalty_by(lambda x, penalty: x), "as they were"),
        (lambda logits, ids, penalty: down(logits[ids], penalty), "of all V tokens"),
        (penalty_by(lambda x, penalty: x - math.log(penalty)), "Divide what is positive"),
        (into_argument, "changed its argument `logits`"),
    ],
    "beam_step": [
        (beam(lambda log_p, after: log_p[:, None] * after), "their logarithms are added"),
        (beam(lambda log_p, after: after), "log_p is missing"),
        (best_of_each_row, "another none"),
        (best_of_rows_sorted, "another none"),
        (beam(largest=False), "the least probable"),
        (reordered([2, 0, 1]), "the best comes first"),
        (reordered([2, 1, 0]), "the best comes first"),
        (beam(split=lambda p, live, V: (p // live, p % live)), "divide by V"),
        (beam(split=lambda p, live, V: (p // live, p % V)), "divide by V"),
        (beam(split=lambda p, live, V: (p // V, p % live)), "divide by V"),
        (beam(split=lambda p, live, V: (p % V, p // V)), "rows come first"),
        (beam(split=lambda p, live, V: (p / V, p % V)), "`//`, not `/`"),
        (beam(split=lambda p, live, V: (p // V, p)), "place % V"),
        (beam(result=lambda rows, tokens, best, log_p, after: best.exp()), "not p."),
        (
            beam(result=lambda rows, tokens, best, log_p, after: after[rows, tokens]),
            "not of its last token alone",
        ),
        (
            beam(result=lambda rows, tokens, best, log_p, after: log_p[rows]),
            "comes on top",
        ),
        (beam(lambda log_p, after: log_p[:, None] + after.exp()), "next_log_p, flattened"),
        (lambda log_p, after, width: beam()(log_p, after, len(log_p)), "the `width` best of it"),
        (unflattened, "flatten the table"),
        (lambda *args: beam()(*args)[2], "return three things"),
        (lambda *args: beam()(*args)[:2], "return three things"),
    ],
    "length_normalised": [
        (lambda log_p, n, alpha: log_p * n**alpha, "further below 0"),
        (lambda log_p, n, alpha: log_p / n, "alpha is missing"),
        (lambda log_p, n, alpha: log_p, "as they were: divide"),
        (lambda log_p, n, alpha: -log_p / n**alpha, "No minus"),
        (lambda log_p, n, alpha: (log_p / n**alpha).exp(), "not e to it"),
        (lambda log_p, n, alpha: log_p / alpha**n, "not alpha^length"),
        (lambda log_p, n, alpha: log_p / (alpha * n), "A power, not a product"),
        (lambda log_p, n, alpha: log_p / len(n) ** alpha, "its own length"),
        (lambda log_p, n, alpha: log_p / n.max() ** alpha, "its own length"),
        (lambda log_p, n, alpha: log_p / ((5 + n) / 6) ** alpha, "Wu et al."),
        (lambda log_p, n, alpha: (log_p / n**alpha).sort(descending=True).values, "in their order"),
        (lambda log_p, n, alpha: (log_p / n) ** alpha, "contains nan. log p / length^alpha"),
        (lambda log_p, n, alpha: log_p**alpha / n, "contains nan. log p / length^alpha"),
        (lambda log_p, n, alpha: log_p / n ** (alpha or 1), "length^0 is 1"),
    ],
}
