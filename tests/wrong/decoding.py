"""Plausible wrong answers to the exercises of lesson 07, each with words of its hint."""

import math

import torch
from torch.nn import functional as F


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


def step(
    see=lambda q, k, v, keys, values: (keys, values),
    scale=lambda q, keys: math.sqrt(q.shape[1]),
    dim=1,
    hand=lambda q, k, v, keys, values: (keys, values),
    ask=lambda q, k: q,
):
    """Return a cache_step with what the arguments change."""

    def cache_step(q, k, v, past_k, past_v):
        keys, values = (torch.cat(x, 1) for x in ((past_k, k[:, None]), (past_v, v[:, None])))
        K, V = see(q, k, v, keys, values)
        scores = (ask(q, k)[:, None] @ K.mT)[:, 0] / scale(q, K)
        weights = scores if dim is None else scores.softmax(dim)
        return (weights[:, None] @ V)[:, 0], *hand(q, k, v, keys, values)

    return cache_step


def before(x):
    return x[:, :-1]


def turned(x):
    return torch.cat([x[:, -1:], x[:, :-1]], 1)


def put(keys, new):
    return torch.cat([keys[:, :-1], new[:, None]], 1)


def output(change):
    """Return a cache_step whose output is what `change` makes of q, the output, keys, values."""

    def cache_step(q, k, v, past_k, past_v):
        out, keys, values = step()(q, k, v, past_k, past_v)
        return change(q, out, keys, values), keys, values

    return cache_step


def by_columns(q, out, keys, values):
    weights = (q[:, None] * keys / math.sqrt(q.shape[1])).softmax(2)
    return (weights * values).sum(1)


def by_pytorch(q, out, keys, values):
    return F.scaled_dot_product_attention(q[:, None], keys, values, is_causal=True)[:, 0]


def not_empty(q, k, v, past_k, past_v):
    """Ask for the last key of the past, which an empty one does not have."""
    assert past_k[:, -1].shape == k.shape
    return step()(q, k, v, past_k, past_v)


def empty_sees_nothing(q, k, v, past_k, past_v):
    out, keys, values = step()(q, k, v, past_k, past_v)
    return (out if past_k.shape[1] else torch.zeros_like(v)), keys, values


def embedded(places):
    """Return a mended_embedding with the rows positions[places(start, T, ids)]."""
    return lambda ids, start, tokens, positions: (
        tokens[ids] + positions[places(start, ids.shape[1], ids)]
    )


def close(text, opened, left):
    return {")" if opened[-1] == "(" else "]"} if opened else set()


def room(text, opened, left):
    return set("([") if left > len(opened) else set()


def counted(text, opened, left):
    return {b for a, b in ("()", "[]") if text.count(a) > text.count(b)}


def reduced_once(text, length):
    rest = [c for c in text.replace("()", "").replace("[]", "") if c in "(["]
    left = length - len(text)
    return close(text, rest, left) | room(text, rest, left)


def brackets(*parts):
    """Return a may_come that allows what any of `parts` does."""

    def may_come(text, length):
        opened = ""
        for c in text:
            opened = opened + c if c in "([" else opened[:-1]
        return set().union(*(part(text, opened, length - len(text)) for part in parts))

    return may_come


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
        (lambda log_p, T: (log_p / max(T, 1)).log_softmax(0), "temperature 0.7 is not right"),
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
            "the exponential of the result, where the last log p is −inf, has shape (5,)",
        ),
    ],
    "top_k_kept": [
        (lambda logits, k: masked(len(logits), logits.topk(k).indices), "What ties with the k-th"),
        (
            lambda logits, k: masked(len(logits), logits.argsort(stable=True)[-k:]),
            "What ties with the k-th",
        ),
        (
            lambda logits, k: masked(len(logits), logits.argsort(descending=True, stable=True)[:k]),
            "What ties with the k-th",
        ),
        (lambda logits, k: logits > logits.topk(k).values[-1], "`>=`, not `>`"),
        (lambda logits, k: logits > logits.topk(k + 1).values[-1], "What ties with the k-th"),
        (
            lambda logits, k: logits >= logits.unique()[-k],
            "the mask for the logits [1.0, 3.0, 2.0, 3.0] and k = 2 is not right yet. Equal",
        ),
        (
            lambda logits, k: logits >= logits.topk(k + 1).values[-1],
            "k = 2 is not right yet. One too many",
        ),
        (lambda logits, k: logits <= logits.kthvalue(k).values, "the least probable"),
        (lambda logits, k: logits >= logits.kthvalue(k).values, "the k-th from below"),
        (lambda logits, k: logits < logits.topk(k).values[-1], "upside down"),
        (
            lambda logits, k: logits.sort(descending=True).values >= logits.topk(k).values[-1],
            "in falling order",
        ),
        (
            lambda logits, k: logits > -2,
            "k = 2 keeps the tokens [0, 1, 2, 3, 4], but it should keep [2, 4]. Compare",
        ),
        (lambda logits, k: logits.topk(k).indices, "as indices are"),
        (lambda logits, k: logits.topk(k).values, "as logits have"),
        (
            lambda logits, k: logits.masked_fill(logits < logits.topk(k).values[-1], -math.inf),
            "as logits have",
        ),
        (
            lambda logits, k: logits.topk(k).values >= logits.topk(k).values[-1],
            "the mask has shape (2,) instead of (5,): one entry",
        ),
        (lambda logits, k: set(logits.topk(k).indices.tolist()), "a tensor of bool, not set"),
    ],
    "top_p_kept": [
        (nucleus(stays=lambda x, before, p: before <= p), "less than p has come, not p"),
        (
            lambda logits, p: logits >= logits[nucleus()(logits, p)].min(),
            "Equal ones come one by one",
        ),
        (nucleus(stays=lambda x, before, p: before + x <= p), "The token that crosses p stays"),
        (crossing_cut, "The token that crosses p stays"),
        (nucleus(stays=lambda x, before, p: (before - x.roll(1)).clamp(0) < p), "One too many"),
        (lambda logits, p: logits.softmax(0) >= p, "Not each probability by itself"),
        (lambda logits, p: logits.softmax(0) >= 1 - p, "Not each probability by itself"),
        (nucleus(down=False), "Begin with the most probable"),
        (nucleus(down=False, stays=lambda x, before, p: before + x <= p), "Begin with the most"),
        (unsorted, "Sort first"),
        (nucleus(back=lambda order, kept: kept), "in falling order"),
        (
            nucleus(back=lambda order, kept: kept[order]),
            "and p = 0.62 is not right yet. Undo the order",
        ),
        (nucleus(lambda logits: logits), "take their softmax"),
        (nucleus(torch.exp), "take their softmax"),
        (nucleus(lambda logits: logits.log_softmax(0)), "Add up probabilities"),
        (nucleus(stays=lambda x, before, p: before >= p), "upside down"),
        (nucleus(stays=lambda x, before, p: x == x.min()), "Add the softmax up"),
        (nucleus(stays=lambda x, before, p: x == x.median()), "Add the softmax up"),
        (
            shifted,
            "the mask for the probabilities [0.08, 0.8, 0.12] and p = 0.3 is not right yet. The",
        ),
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
        (each_time(down), "and the penalty 1.3 is not right yet. A token that stands twice"),
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
        (
            lambda logits, ids, penalty: down(logits[ids], penalty),
            "has shape (5,) instead of (6,). Return the logits of all V tokens",
        ),
        (
            penalty_by(lambda x, penalty: x - math.log(penalty)),
            "the result for the logits [2.0, -1.5, 0.0, 0.8, -0.4, 3.0], the ids [0, 4, 2, 0, 1]",
        ),
        (penalty_by(lambda x, penalty: x.abs()), "Divide what is positive"),
        (into_argument, "changed its argument `logits`"),
    ],
    "beam_step": [
        (
            beam(lambda log_p, after: log_p[:, None] * after),
            "for live = 3, V = 4, width = 3 is not right yet. Probabilities are",
        ),
        (beam(lambda log_p, after: after), "log_p is missing"),
        (best_of_each_row, "another none"),
        (best_of_rows_sorted, "another none"),
        (beam(largest=False), "the least probable"),
        (reordered([2, 0, 1]), "the best comes first"),
        (reordered([2, 1, 0]), "the best comes first"),
        (beam(split=lambda p, live, V: (p // live, p % live)), "is what to divide by"),
        (beam(split=lambda p, live, V: (p // live, p % V)), "is what to divide by"),
        (beam(split=lambda p, live, V: (p // V, p % live)), "is what to divide by"),
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
        (
            lambda log_p, n, alpha: log_p * n**alpha,
            "the list of scores for alpha = 0.7 is not right yet. Divide: with more",
        ),
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
        (lambda log_p, n, alpha: log_p / n ** (alpha or 0.5), "length^0 is 1"),
        (
            lambda log_p, n, alpha: log_p / n ** (alpha or 1),
            "the list of scores for alpha = 0 is [-1.3",
        ),
    ],
    "cache_step": [
        (step(lambda q, k, v, K, V: (before(K), before(V))), "looks at itself, too"),
        (step(scale=lambda q, K: 1), "not divided by √hs"),
        (step(scale=lambda q, K: q.shape[1]), "not by hs"),
        (step(scale=lambda q, K: math.sqrt(q.numel())), "not of all of them"),
        (step(scale=lambda q, K: math.sqrt(K.shape[1])), "not by √(t + 1)"),
        (step(dim=0), "over the t + 1 tokens"),
        (output(by_columns), "over the t + 1 tokens"),
        (step(dim=None), "The softmax is missing"),
        (step(lambda q, k, v, K, V: (V, K)), "not right yet. Keys and values are exchanged."),
        (step(ask=lambda q, k: k), "not k"),
        (output(lambda q, out, K, V: V[:, -1]), "It sees itself alone"),
        (output(by_pytorch), "is_causal=True"),
        (output(lambda q, out, K, V: out[:, None]), "drop its dimension"),
        (
            output(lambda q, out, K, V: (q[:, None] @ K.mT / math.sqrt(3)).softmax(2)[:, 0]),
            "These are the weights",
        ),
        (output(lambda q, out, K, V: -out), "softmax(q Kᵀ/√hs) V"),
        (step(hand=lambda q, k, v, K, V: (before(K), V)), "The keys of the new token are missing"),
        (
            step(hand=lambda q, k, v, K, V: (K, before(V))),
            "The values of the new token are missing",
        ),
        (step(hand=lambda q, k, v, K, V: (k[:, None], v[:, None])), "before are missing"),
        (
            step(hand=lambda q, k, v, K, V: (turned(K), turned(V))),
            "the tensor of keys for t = 4 is not right yet. The new token comes last",
        ),
        (step(hand=lambda q, k, v, K, V: (K, turned(V))), "comes last"),
        (step(hand=lambda q, k, v, K, V: (V, K)), "the keys come first"),
        (step(hand=lambda q, k, v, K, V: (put(K, v), put(V, k))), "goes to the keys"),
        (step(hand=lambda q, k, v, K, V: (put(K, q), V)), "never kept"),
        (step(hand=lambda q, k, v, K, V: (K.mT, V)), "along dimension 1"),
        (step(hand=lambda q, k, v, K, V: (K, 2 * V)), "along dimension 1"),
        (not_empty, "for an empty cache, t = 0, it raised IndexError"),
        (empty_sees_nothing, "the output for t = 0"),
        (lambda *args: step()(*args)[0], "return three things"),
        (lambda *args: step()(*args)[:2], "return three things"),
    ],
    "mended_embedding": [
        (
            embedded(lambda start, T, ids: slice(0, T)),
            "ids (2, 1) that come after 4 tokens is not right yet. The positions begin",
        ),
        (embedded(lambda start, T, ids: start), "one further than the last"),
        (
            embedded(lambda start, T, ids: slice(start - 1, start - 1 + T)),
            "stand at 0 to start − 1",
        ),
        (
            embedded(lambda start, T, ids: slice(start + 1, start + 1 + T)),
            "stand at 0 to start − 1",
        ),
        (embedded(lambda start, T, ids: slice(-T, None)), "the last rows of the table"),
        (embedded(lambda start, T, ids: ids), "where a token stands"),
        (
            lambda ids, start, tokens, positions: embedded(
                lambda start, T, ids: slice(start, start + T)
            )(ids, start, 0 * tokens, positions),
            "the positions alone",
        ),
        (
            lambda ids, start, tokens, positions: positions[start : start + ids.shape[1]],
            "the positions alone",
        ),
        (lambda ids, start, tokens, positions: tokens[ids], "The positions are gone"),
        (embedded(lambda start, T, ids: slice(start, None)), "stop at start + T"),
        (embedded(lambda start, T, ids: slice(0, None)), "Where does each stand"),
    ],
    "may_come": [
        (brackets(close, lambda text, opened, left: set("([")), "There is no room for another"),
        (
            brackets(close, lambda text, opened, left: set("([") if left > 1 else set()),
            "There is no room for another",
        ),
        (brackets(room, lambda text, opened, left: set(")]")), "Nothing is open"),
        (
            brackets(room, lambda text, opened, left: set(")]") if opened else set()),
            "A bracket is closed by its own kind: '(' is open",
        ),
        (brackets(room, counted), "What was opened last, '[', is closed first"),
        (
            brackets(close, lambda text, opened, left: set("([") if opened or not text else set()),
            "There is no room",
        ),
        (
            brackets(close, lambda *args: room(*args) if args[1] or not args[0] else set()),
            "a new pair may open",
        ),
        (brackets(close, lambda *args: room(*args) & {"("}), "both kinds may open"),
        (
            brackets(close, lambda text, opened, left: room(text, opened, left - 2)),
            "left: 2, brackets open: 0. There is room",
        ),
        (brackets(close, lambda *args: room(*args) if not args[1] else set()), "There is room"),
        (brackets(room, lambda *args: close(*args) if not room(*args) else set()), "may be closed"),
        (
            brackets(
                room,
                lambda text, opened, left: (
                    close(text, text, left) if text[-1:] in tuple("([") else set()
                ),
            ),
            "may be closed",
        ),
        (reduced_once, "after '(())', of 6 characters in all"),
        (lambda text, length: {"()", "[]"}, "four characters"),
        (
            lambda text, length: [c in brackets(close, room)(text, length) for c in "()[]"],
            "four characters",
        ),
        (lambda text, length: dict.fromkeys("(["), "return a set of characters, not dict"),
        (lambda text, length: set(), "it lets nothing come"),
    ],
}
