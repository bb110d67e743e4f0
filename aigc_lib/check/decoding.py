"""The exercises of lesson 07, each judged against loops over plain numbers or an enumeration."""

import math
from functools import cache
from itertools import permutations

import numpy as np
import torch

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, normal


def _looked(q, keys, values, root: float) -> list[list[float]]:
    """Return what each head's query sees, with its scores divided by `root`, by loops."""
    out = []
    for query, K, V in zip(q.tolist(), keys.tolist(), values.tolist(), strict=True):
        scores = [sum(a * b for a, b in zip(query, key, strict=True)) for key in K]
        weights = [math.exp(s / root) for s in scores]
        columns = [
            sum(w * x for w, x in zip(weights, v, strict=True)) for v in zip(*V, strict=True)
        ]
        out.append([x / sum(weights) for x in columns])
    return out


@exercise
def cache_step(fn: Attempt) -> None:
    """Each head by loops over its t + 1 tokens, and what is handed on with the new token last."""
    nh, hs = 2, 3
    for t in (4, 0):
        q, k, v = (normal(nh, hs, seed=s) for s in range(3))
        past_k, past_v = (normal(nh, t, hs, seed=s) for s in (3, 4))
        keys, values = (
            torch.stack([torch.stack([*old, x]) for old, x in zip(past, new, strict=True)])
            for past, new in ((past_k, k), (past_v, v))
        )
        try:
            answer = fn(q, k, v, past_k, past_v)
        except Wrong as wrong:
            if t:
                raise
            raise Wrong(f"for an empty cache, t = 0, {wrong}") from None
        if not isinstance(answer, (tuple, list)) or len(answer) != 3:
            raise Wrong("return three things: the output, the keys and the values.")
        out, *handed = answer
        for name, got, right, past, new, other, others in (
            ("keys", handed[0], keys, past_k, k, v, values),
            ("values", handed[1], values, past_v, v, k, keys),
        ):
            mistakes = [
                (past, f"The {name} of the new token are missing: t + 1 in all."),
                (new[:, None], "Those of the tokens before are missing: t + 1 in all."),
                (torch.cat((new[:, None], past), 1), "The new token comes last, as in the text."),
                (others, "Keys and values are exchanged: the keys come first."),
                (
                    torch.cat((past, other[:, None]), 1),
                    "The new token's key goes to the keys, and its value to the values.",
                ),
                (torch.cat((past, q[:, None]), 1), "A query is asked once, and never kept."),
            ]
            hint = "The past and the new, one after another along dimension 1."
            expect(got, right, f"the tensor of {name} for t = {t}", mistakes, hint)
        right = _looked(q, keys, values, math.sqrt(hs))
        scores = (q[:, None] * keys).sum(2) / math.sqrt(hs)  # (nh, t + 1)
        over = "The softmax goes over the t + 1 tokens."
        mistakes = [
            (
                _looked(q, past_k, past_v, math.sqrt(hs)) if t else right,
                "The new token looks at itself, too: t + 1 tokens.",
            ),
            (_looked(q, keys, values, 1), "The scores are not divided by √hs."),
            (_looked(q, keys, values, hs), "Divide by the root of hs, not by hs."),
            (
                _looked(q, keys, values, math.sqrt(nh * hs)),
                "The root of hs, the size of a head, not of all of them.",
            ),
            (_looked(q, keys, values, math.sqrt(t + 1)), "Divide by √hs, not by √(t + 1)."),
            ((scores.softmax(0)[..., None] * values).sum(1), over),
            (((q[:, None] * keys / math.sqrt(hs)).softmax(2) * values).sum(1), over),
            ((scores[..., None] * values).sum(1), "The softmax is missing."),
            (_looked(q, values, keys, math.sqrt(hs)), "Keys and values are exchanged."),
            (_looked(k, keys, values, math.sqrt(hs)), "The query is q, not k."),
            (v, "It sees itself alone: the tokens before are in past_k and past_v."),
            (
                values[:, 0],
                "It sees the first token alone, as with is_causal=True: the newest needs no mask.",
            ),
            (np.array(right)[:, None], "There is one new token: drop its dimension, (nh, hs)."),
            (scores.softmax(1), "These are the weights: average the values with them."),
        ]
        expect(out, right, f"the output for t = {t}", mistakes, "softmax(q Kᵀ/√hs) V, each head.")


@exercise
def mended_embedding(fn: Attempt) -> None:
    """Token s of a row is at the position start + s, by a loop."""
    longest, tokens, positions = 9, normal(5, 4), normal(9, 4, seed=1)
    for rows, start in (([[3], [1]], 4), ([[3, 1, 3], [0, 4, 2]], 2)):
        T, ids = len(rows[0]), torch.tensor(rows)

        def at(places, rows=rows) -> np.ndarray:
            """Return both tables' rows, where the tokens of a row stand at these places."""
            x = [
                [tokens[i] + positions[s] for i, s in zip(row, places, strict=True)] for row in rows
            ]
            return np.array([[both.numpy() for both in row] for row in x])

        right = at(range(start, start + T))
        first = "The first of `ids` comes after `start` tokens, which stand at 0 to start − 1."
        alone = "These are the positions alone: add the rows of the tokens."
        mistakes = [
            (at(range(T)), "The positions begin at 0 again, and the cache is not empty."),
            (at([start] * T), "All stand at `start`: each should be one further than the last."),
            (at(range(start - 1, start - 1 + T)), first),
            (at(range(start + 1, start + 1 + T)), first),
            (at(range(longest - T, longest)), "These are the last rows of the table: count on."),
            (
                tokens[ids] + positions[ids],
                "The row of a position is where a token stands, not which token it is.",
            ),
            (right - tokens[ids].numpy(), alone),
            (positions[start : start + T], alone),
            (tokens[ids], "The positions are gone: move them instead."),
            (
                tokens[ids[:, :1]] + positions[start:],
                "positions[start:] goes on to the end of the table: stop at start + T.",
            ),
        ]
        what = f"x for ids {(2, T)} that come after {start} tokens"
        expect(fn(ids, start, tokens, positions), right, what, mistakes, "Where does each stand?")


def _normalised(x) -> np.ndarray:
    """Return x minus the log of Σ eˣ, the largest term first taken out of the sum."""
    most = max(x)
    return np.array([a - most - math.log(sum(math.exp(b - most) for b in x)) for a in x])


@exercise
def tempered(fn: Attempt) -> None:
    """log p / T minus the log of what that adds up to, where p itself is too small for float64."""
    drawn, tiny = normal(5).log_softmax(0), [-0.5, math.log(1 - math.exp(-0.5)), -2000.0]
    plain = "log p / T, normalised."
    underflow = "p^(1/T) is too small for float64: stay with logarithms, and use log_softmax."
    for given, T, hint in ((drawn, 0.7, plain), (drawn, 2.0, plain), (tiny, 0.0005, underflow)):
        log_p = torch.as_tensor(given, dtype=torch.float64)
        x, p, right = log_p.numpy(), log_p.exp().numpy(), _normalised([a / T for a in log_p])
        mistakes = [
            (x / T, "The probabilities do not add up to 1: normalise, with log_softmax."),
            (_normalised(x * T), "p^(1/T) is log p / T in log space: divide, do not multiply."),
            (x * T, "Divide log p by T, do not multiply; then normalise."),
            (x - math.log(T), "That is log(p/T): the temperature divides log p, not p."),
            (_normalised(p / T), "That is a softmax of p/T: the temperature divides log p, not p."),
            (x, "These are log p as they were: p/T, normalised, is p. The power of p is 1/T."),
            (np.exp(right), "These are the probabilities: return their logarithms."),
            (right / math.log(2), "Return natural logarithms: these are of base 2."),
        ]
        expect(fn(log_p, T), right, f"the result for temperature {T}", mistakes, hint)
    log_p = torch.cat([drawn, torch.tensor([-math.inf])])
    right = [*_normalised([a / 0.7 for a in drawn]), -math.inf]
    what = "the exponential of the result, where the last log p is −inf,"  # `expect` takes no −inf
    hint = "There p is 0 at any temperature."
    expect(np.exp(np.asarray(fn(log_p, 0.7))), np.exp(right), what, (), hint)


def _expect_kept(answer, V: int, right: list[int], what: str, mistakes, hint: str) -> None:
    """Raise `Wrong` unless `answer` is a mask (V,) that is True for the tokens `right` alone.

    `mistakes` are pairs of the tokens that a known mistake keeps and the hint that fits it.
    """
    if not isinstance(answer, (list, tuple, np.ndarray, torch.Tensor)):
        raise Wrong(f"return a tensor of bool, not {type(answer).__name__}.")
    mask = np.asarray(answer)
    if mask.dtype.kind == "i":
        raise Wrong(
            "it returned whole numbers, as indices are: return True or False for each token."
        )
    if mask.dtype != bool:
        raise Wrong(
            f"it returned {mask.dtype}, as logits have: return True for what stays, or False."
        )
    if mask.shape != (V,):
        raise Wrong(f"the mask has shape {mask.shape} instead of {(V,)}: one entry for each token.")
    kept = mask.nonzero()[0].tolist()
    if kept == right:
        return
    for wrong, advice in mistakes:
        if kept == wrong:
            raise Wrong(f"{what} is not right yet. {advice}")
    raise Wrong(f"{what} keeps the tokens {kept}, but it should keep {right}. {hint}")


@exercise
def top_k_kept(fn: Attempt) -> None:
    """A token stays if fewer than k have a higher logit, by a count for each."""
    ties = "What ties with the k-th stays, too: compare each logit with the k-th highest."
    cases = [
        (
            [1.0, 0.5, 3.0, -1.0, 2.0],
            2,
            [
                ([2], "The k-th itself stays: `>=`, not `>`."),
                ([0, 2, 4], "One too many: in falling order, index k − 1 is the k-th."),
                ([1, 3], "These are the least probable: take the highest logits."),
                ([0, 1, 2, 4], "The threshold is the k-th from below: count from the highest."),
                ([0, 1, 3], "It is upside down: True is for a token that stays."),
                ([0, 1], "The mask is in falling order of the logits: return it in theirs."),
            ],
        ),
        (
            [2.0, 1.0, 0.0, 3.0, 1.0],
            3,
            [([0, 1, 3], ties), ([0, 3, 4], ties), ([0, 3], ties)],
        ),
        (
            [1.0, 3.0, 2.0, 3.0],
            2,
            [([1, 2, 3], "Equal logits are several tokens: count each of them.")],
        ),
    ]
    for logits, k, mistakes in cases:
        right = [t for t, x in enumerate(logits) if sum(y > x for y in logits) < k]
        answer = fn(torch.tensor(logits, dtype=torch.float64), k)
        what = f"the mask for the logits {logits} and k = {k}"
        hint = "Compare each logit with the k-th highest."
        _expect_kept(answer, len(logits), right, what, mistakes, hint)


@exercise
def top_p_kept(fn: Attempt) -> None:
    """From the most probable token on, by a loop that keeps what it meets until p has come."""
    plain = "Add the softmax up, from the most probable token on."
    cases = [
        (
            [0.06, 0.35, 0.04, 0.25, 0.18, 0.12],
            0.62,
            [
                ([1, 3], "The token that crosses p stays: before it less than p had come."),
                ([1, 3, 4, 5], "One too many: before it p had come already."),
                ([], "Not each probability by itself: what came before it is compared with p."),
                ([0, 2, 3, 4, 5], "Begin with the most probable token."),
                ([0, 2, 4, 5], "Begin with the most probable token."),
                ([0, 1, 2, 3], "Sort first: the most probable token comes first."),
                ([0, 1, 2], "The mask is in falling order of the logits: return it in theirs."),
                ([0, 4, 5], "Undo the order: mask[order] = kept, not mask = kept[order]."),
                ([1], "Logits, or e to them, do not add up to 1: take their softmax."),
                ([0, 1, 2, 3, 4, 5], "Add up probabilities, not their logarithms."),
                ([0, 2, 5], "It is upside down: True is for a token that stays."),
            ],
            plain,
        ),
        (
            [0.08, 0.8, 0.12],
            0.3,
            [([], "The first always stays, even if it alone has more than p.")],
            plain,
        ),
        ([0.27, 0.0, 0.73, 0.0], 0.9, [], "A logit of −inf is a probability of 0."),
    ]
    for probabilities, p, mistakes, hint in cases:
        V, right, before = len(probabilities), [], 0.0
        for token in sorted(range(V), key=lambda token: -probabilities[token]):
            if before < p:
                right.append(token)
            before += probabilities[token]
        answer = fn(torch.tensor(probabilities, dtype=torch.float64).log() + 2, p)
        what = f"the mask for the probabilities {probabilities} and p = {p}"
        _expect_kept(answer, V, sorted(right), what, mistakes, hint)
    for p, n in ((0.6, 3), (0.5, 2)):
        kept = int(np.asarray(fn(torch.zeros(4, dtype=torch.float64), p)).sum())
        if kept != n:
            advice = (
                "Equal ones come one by one; before one that stays less than p has come, not p."
            )
            raise Wrong(f"of four tokens of 0.25 each, p = {p} keeps {kept}, not {n}. {advice}")


@exercise
def penalised(fn: Attempt) -> None:
    """By a loop over the tokens of the text, each once."""
    logits, ids, penalty = [2.0, -1.5, 0.0, 0.8, -0.4, 3.0], [0, 4, 2, 0, 1], 1.3

    def after(rule, tokens) -> list[float]:
        """Return the logits with the rule applied to each of `tokens`, one after another."""
        new = list(logits)
        for token in tokens:
            new[token] = rule(new[token])
        return new

    def down(x):
        return x / penalty if x > 0 else x * penalty

    in_text, nothing = set(ids), "Nothing is subtracted: divide by the penalty, or multiply."
    right = after(down, in_text)
    mistakes = [
        (
            after(lambda x: x / penalty, in_text),
            "A negative logit that is divided rises, and its token becomes more probable.",
        ),
        (
            after(lambda x: x * penalty, in_text),
            "A positive logit that is multiplied rises, and its token becomes more probable.",
        ),
        (
            after(lambda x: x * penalty if x > 0 else x / penalty, in_text),
            "This rewards repetition: positive logits are divided, negative ones multiplied.",
        ),
        (after(lambda x: x - penalty, in_text), nothing),
        (after(lambda x: x - penalty, ids), nothing),
        (after(down, ids), "A token that stands twice in the text is punished once."),
        (after(down, range(6)), "Only tokens that stand in the text are punished."),
        (
            after(down, set(range(6)) - in_text),
            "The tokens in the text are punished, not the rest.",
        ),
        (after(down, ids[-1:]), "All tokens of the text are punished, not only the last."),
        (after(lambda x: x / penalty if x > 0 else x, in_text), "Negative logits are multiplied."),
        (after(lambda x: x * penalty if x < 0 else x, in_text), "Positive logits are divided."),
        (logits, "These are the logits as they were."),
        ([down(logits[token]) for token in ids], "Return the logits of all V tokens."),
    ]
    answer = fn(torch.tensor(logits, dtype=torch.float64), torch.tensor(ids), penalty)
    what = f"the result for the logits {logits}, the ids {ids} and the penalty {penalty}"
    expect(answer, right, what, mistakes, "Divide what is positive, multiply what is negative.")


@exercise
def beam_step(fn: Attempt) -> None:
    """The best of all live · V texts, which are listed and sorted."""
    for live, V, width in ((3, 4, 3), (2, 3, 4)):
        log_p, after = -normal(live, seed=1).abs(), normal(live, V, seed=2).log_softmax(1)
        old, new = log_p.tolist(), after.tolist()
        texts = [(row, token) for row in range(live) for token in range(V)]
        total = {(row, token): old[row] + new[row][token] for row, token in texts}

        def table(score, texts, width=width) -> np.ndarray:
            """Return rows, tokens and scores (3, width) of the `width` texts of highest score."""
            best = sorted(texts, key=lambda text: -score[text])[:width]
            return np.array([(*text, score[text]) for text in best]).T

        right = table(total, texts)
        rows, tokens, sums = right
        places = rows * V + tokens
        own = table(total, [max(texts[r * V : r * V + V], key=total.get) for r in range(live)])
        wrong_row = "The place in the table is row · V + token: V is what to divide by."
        mistakes = [
            *(
                (right[:, list(order)], "These are the right texts: the best comes first.")
                for order in permutations(range(width))
            ),
            (
                table({(r, t): old[r] * new[r][t] for r, t in texts}, texts),
                "Probabilities are multiplied, so their logarithms are added.",
            ),
            (
                table({(r, t): new[r][t] for r, t in texts}, texts),
                "A text has the log p of all its tokens: log_p is missing.",
            ),
            *(
                (own[:, list(order)], "One row may have several of the best, another none.")
                for order in permutations(range(own.shape[1]))
            ),
            (
                table({text: -x for text, x in total.items()}, texts) * [[1], [1], [-1]],
                "These are the least probable: take the highest log p.",
            ),
            ([places // live, places % live, sums], wrong_row),
            ([places // live, tokens, sums], wrong_row),
            ([rows, places % live, sums], wrong_row),
            ([tokens, rows, sums], "Rows and tokens are exchanged: rows come first."),
            ([places / V, tokens, sums], "A row is a whole number: `//`, not `/`."),
            ([rows, places, sums], "A token is the rest after whole rows: place % V."),
            ([rows, tokens, np.exp(sums)], "Return log p, not p."),
            (
                [rows, tokens, [new[r][t] for r, t in right[:2].T.astype(int)]],
                "Return log p of the whole text, not of its last token alone.",
            ),
            (
                [rows, tokens, [old[row] for row in rows.astype(int)]],
                "Return log p of the new texts: that of the last token comes on top.",
            ),
        ]
        answer = fn(log_p, after, width)
        if not isinstance(answer, (tuple, list)) or len(answer) != 3:
            raise Wrong("return three things: rows, tokens and log p.")
        for name, part in zip(("rows", "tokens", "log p"), answer, strict=True):
            if np.shape(part) != (width,):
                raise Wrong(
                    f"{name} has shape {tuple(np.shape(part))} instead of {(width,)}: flatten the "
                    "table of all live · V sums, and take the `width` best of it."
                )
        got = np.array([np.asarray(part, dtype=float) for part in answer])
        what = f"the table of rows, tokens and log p for live = {live}, V = {V}, width = {width}"
        hint = "The highest of log_p[:, None] + next_log_p, flattened."
        expect(got, right, what, mistakes, hint)


@exercise
def length_normalised(fn: Attempt) -> None:
    """log p / length^alpha by a loop, and log p for alpha = 0."""
    log_p, lengths, alpha = [-4.0, -6.5, -1.2, -9.0], [3.0, 8.0, 1.0, 12.0], 0.7
    pairs = list(zip(log_p, lengths, strict=True))
    right, own = [x / n**alpha for x, n in pairs], "Each text is divided by its own length."
    mistakes = [
        ([x * n**alpha for x, n in pairs], "Divide: with more tokens log p is further below 0."),
        ([x / n for x, n in pairs], "alpha is missing: divide by length^alpha."),
        (log_p, "These are log p as they were: divide by length^alpha."),
        (np.negative(right), "No minus: the best text has the highest score, nearest to 0."),
        (np.exp(right), "Return the score itself, not e to it."),
        ([x / alpha**n for x, n in pairs], "length^alpha, not alpha^length."),
        ([x / (alpha * n) for x, n in pairs], "A power, not a product: length^alpha."),
        ([x / len(log_p) ** alpha for x in log_p], own),
        ([x / max(lengths) ** alpha for x in log_p], own),
        (
            [x / ((5 + n) / 6) ** alpha for x, n in pairs],
            "That is the penalty of Wu et al.: here it is length^alpha.",
        ),
        (sorted(right, reverse=True), "Leave the texts in their order."),
    ]
    given = [torch.tensor(x, dtype=torch.float64) for x in (log_p, lengths)]
    hint = "log p / length^alpha: only the length is raised to a power."
    expect(fn(*given, alpha), right, f"the list of scores for alpha = {alpha}", mistakes, hint)
    hint = "length^0 is 1, so these are log p as they were."
    expect(fn(*given, 0.0), log_p, "the list of scores for alpha = 0", (), hint)


@cache
def _balanced(n: int) -> tuple[str, ...]:
    """Return all balanced strings of `n` characters: the first pair, and what is in and after it.

    Source: the grammar S -> (S)S | [S]S | nothing.
    """
    if n == 0:
        return ("",)
    return tuple(
        left + inside + right + after
        for left, right in ("()", "[]")
        for m in range(0, n, 2)
        for inside in _balanced(m)
        for after in _balanced(n - 2 - m)
    )


def _advice(text: str, left: int, got: set, right: set) -> str:
    """Return the hint that fits `got`, if `left` characters follow `text`."""
    opened = text
    for _ in text:
        opened = opened.replace("()", "").replace("[]", "")
    extra, missing = got - right, right - got
    if got - set("()[]"):
        return "Only the four characters of ()[] can come."
    for opening, closing in ("()", "[]"):
        if closing in extra and not opened:
            return "Nothing is open, so nothing can be closed."
        if closing in extra and opening in opened:
            return f"What was opened last, {opened[-1]!r}, is closed first: a count forgets that."
        if closing in extra:
            return f"A bracket is closed by its own kind: {opened[-1]!r} is open."
    numbers = f"Characters left: {left}, brackets open: {len(opened)}."
    if extra:
        return f"{numbers} There is no room for another pair."
    if len(missing & set("([")) == 1:
        return "There is room for a pair, and both kinds may open."
    if missing & set("([") and text and not opened:
        return "All is closed, and there is room: a new pair may open."
    if missing & set("(["):
        return f"{numbers} There is room for a pair."
    return "What was opened last may be closed, also where there is room for more."


@exercise
def may_come(fn: Attempt) -> None:
    """What comes next in those of all balanced strings that begin so, for each beginning."""
    for length in (2, 4, 6):
        strings = _balanced(length)
        for text in (text for n in range(length) for text in sorted({s[:n] for s in strings})):
            right = {s[len(text)] for s in strings if s.startswith(text)}
            answer = fn(text, length)
            if not isinstance(answer, (set, frozenset, list, tuple, str)):
                raise Wrong(f"return a set of characters, not {type(answer).__name__}.")
            if (got := set(answer)) != right:
                given, asked = (" ".join(sorted(map(str, x))) or "nothing" for x in (got, right))
                raise Wrong(
                    f"after {text!r}, of {length} characters in all, it lets {given} come, but it "
                    f"should be {asked}. {_advice(text, length - len(text), got, right)}"
                )
