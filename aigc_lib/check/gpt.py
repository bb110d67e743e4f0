"""The exercises of lesson 06, each judged against strings, loops, draws or PyTorch's counter."""

import math
import re
import warnings
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, normal
from aigc_lib.gpt import GPT
from aigc_lib.optim import orthogonal


def _expect_same(got, want, what: str, mistakes, hint: str) -> None:
    """Raise `Wrong` unless `got` is `want`; `mistakes` and `hint` are as in `expect`."""
    if got == want:
        return
    for wrong, advice in mistakes:
        if got == wrong:
            raise Wrong(f"{what} is not right yet. {advice}")
    raise Wrong(f"{what} is {got}, but it should be {want}. {hint}")


def _joined(words: dict, pair: tuple[str, str], count: int = 0) -> dict:
    """Return `words` with `pair` joined, by a regular expression; in a word `count` times if > 0.

    Source: the program in Sennrich, Haddow and Birch 2016, arXiv:1508.07909, algorithm 1.
    """
    places = re.compile(rf"(?<!\S){' '.join(pair)}(?!\S)")
    joined = {word: places.sub("".join(pair), " ".join(word), count) for word in words}
    return {tuple(joined[word].split()): n for word, n in words.items()}


@exercise
def one_merge(fn: Attempt) -> None:
    """The most frequent pair, known for each of these words, is joined wherever it stands."""
    cases = [
        (
            {("n", "e", "w"): 1, ("n", "e", "t"): 2, ("t", "o"): 5},
            ("t", "o"),
            [
                (
                    {("ne", "w"): 1, ("ne", "t"): 2, ("t", "o"): 5},
                    "A word that occurs n times has each of its pairs n times.",
                )
            ],
        ),
        (
            {("o", "n"): 4, ("a", "t"): 4, ("t", "o"): 4},
            ("a", "t"),
            [
                (
                    {("on",): 4, ("a", "t"): 4, ("t", "o"): 4},
                    "All three are there 4 times: take the smallest, not the first you met.",
                ),
                (
                    {("o", "n"): 4, ("a", "t"): 4, ("to",): 4},
                    "All three are there 4 times: take the smallest, not the largest.",
                ),
            ],
        ),
        (
            {("n", "a", "n", "a"): 2, ("o", "n"): 3},
            ("n", "a"),
            [
                (
                    {("n", "a", "n", "a"): 2, ("on",): 3},
                    "A pair that stands twice in a word counts twice.",
                )
            ],
        ),
        (
            {("a", "a", "a"): 2},
            ("a", "a"),
            [
                (
                    {("aa", "aa"): 2},
                    "The a in the middle is in two pairs, and may be used only once.",
                ),
                ({("a", "aa"): 2}, "Go from left to right: (a, a, a) becomes (aa, a)."),
            ],
        ),
        (
            {("ab", "c"): 2, ("a", "bc"): 2, ("x", "y"): 3},
            ("x", "y"),
            [
                (
                    {("abc",): 2, ("x", "y"): 3},
                    "(ab, c) and (a, bc) are two pairs: do not count by what they spell.",
                )
            ],
        ),
    ]
    for words, pair, mistakes in cases:
        by_twos, unskipped = {}, {}
        for word, n in words.items():
            at = [word[i : i + 2] == pair for i in range(len(word))]
            parts = ["".join(pair) if here else token for token, here in zip(word, at, strict=True)]
            unskipped[tuple(parts)] = n
            by_twos[tuple("".join(word[i : i + 2]) for i in range(0, len(word), 2))] = n
        mistakes = [
            *mistakes,
            (words, "These are the words as they were: nothing is joined."),
            (_joined(words, pair, 1), "Join the pair in each place of a word, not only the first."),
            (unskipped, "The second token of the pair has been used up: skip it."),
            (by_twos, "Only the most frequent pair is joined: all others stay apart."),
            ({("".join(word),): n for word, n in words.items()}, "Make one merge, not all."),
            (
                {word: n for word, n in _joined(words, pair).items() if "".join(pair) in word},
                "Words without the pair stay, as they are.",
            ),
        ]
        given = dict(words)
        answer = fn(given)
        if given != words:
            raise Wrong("it changed its argument `words`: build a new dict, and return that.")
        if not isinstance(answer, dict):
            raise Wrong(f"return all words after the merge, a dict, not {type(answer).__name__}.")
        if not all(isinstance(word, tuple) for word in answer):
            raise Wrong("a word is a tuple of tokens, before the merge and after it.")
        right = _joined(words, pair)
        if answer.keys() == right.keys() and answer != right:
            raise Wrong("the words are right, but how often each of them occurs must stay.")
        hint = f"The pair is {pair}; join it wherever it stands."
        _expect_same(answer, right, f"the result for {words}", mistakes, hint)


@exercise
def encode_piece(fn: Attempt) -> None:
    """The merges, one after another, as replacements in a string whose characters are the ids."""
    a, b, c, d, e = range(97, 102)
    cases = [
        (
            "banana",
            [(97, 110)],
            [
                ([98, 256, 97, 110, 97], "A merge joins its pair in every place of the piece."),
                ([98, 256, 110, 256, 110, 97], "The second id of a pair has been used: skip it."),
            ],
        ),
        (
            "aaa",
            [(a, a)],
            [
                ([a, 256], "Go from left to right: aaa becomes (aa)a."),
                ([256, 256], "The a in the middle is in two pairs, and may be used only once."),
            ],
        ),
        (
            "abcd",
            [(c, d), (b, c), (a, 257), (a, b)],
            [([258, d], "The longest token is not looked for: merge in the order of learning.")],
        ),
        (
            "abcde",
            [(b, c), (c, d), (a, b), (d, e)],
            [
                ([258, 257, e], "Which pair comes first is for the merges to say, not the text."),
                ([258, c, 259], "The merge that was learned first comes first: start at 256."),
            ],
        ),
        (
            "low",
            [(108, 111), (256, 119)],
            [([256, 119], "A merge may join what a merge before it has made.")],
        ),
        (
            "春é",
            [(195, 169), (230, 152), (257, 165)],
            [(list(map(ord, "春é")), "Begin with the bytes of UTF-8, not with code points.")],
        ),
    ]
    for piece, merges, mistakes in cases:
        text = piece.encode().decode("latin1")  # one character a byte
        for i, (left, right) in enumerate(merges):
            text = text.replace(chr(left) + chr(right), chr(256 + i))
        ids = list(map(ord, text))
        mistakes = [
            *mistakes,
            (
                [n - (n > 255) for n in ids],
                "Merge i makes 256 + i: i starts at 0, and the ids at 256.",
            ),
            ([n % 256 for n in ids], "Merge i makes 256 + i: the bytes have 0 to 255."),
            (list(piece.encode()), "These are the bytes: no merge was made."),
        ]
        answer = fn(piece, merges)
        if not isinstance(answer, list) or not all(isinstance(n, int) for n in answer):
            raise Wrong(f"return a list of ids, which are whole numbers, not {answer!r:.60}.")
        what = f"the answer for {piece!r} and the merges {merges}"
        _expect_same(answer, ids, what, mistakes, "The bytes, then merge 0, merge 1, and so on.")


@exercise
def bits(fn: Attempt) -> None:
    """nats · tokens / (characters · ln 2), of a text that has more bytes than characters."""
    nats, tokens, text = 2.5, 9, "Où est le café ?"
    total, n = nats * tokens, len(text)
    mistakes = [
        (total / n, "These are nats: a bit is ln 2 nats."),
        (
            total / n * math.log(2),
            "A bit is ln 2 nats, so there are more bits: divide by ln 2.",
        ),
        (nats / math.log(2), "These are bits a token: how many tokens has a character?"),
        (nats / n / math.log(2), "`nats` is a mean: times `tokens`, it is the whole text's."),
        (total / math.log(2), "These are the bits of the whole text: divide by its length."),
        (
            total / len(text.encode()) / math.log(2),
            "A character may have several bytes: len(text) counts characters.",
        ),
        (
            nats * n / tokens / math.log(2),
            "The ratio is upside down: characters are below the line.",
        ),
    ]
    what = f"the number of bits for {nats} nats, {tokens} tokens and {text!r}"
    expect(fn(nats, tokens, text), total / n / math.log(2), what, mistakes, "Divide by ln 2.")


@exercise
def mended_loss(fn: Attempt) -> None:
    """The loss of each token but a row's first, by the logits at the token before it."""
    B, T, V = 2, 5, 4
    logits, ids = normal(B, T, V), torch.tensor([[0, 3, 1, 1, 2], [2, 2, 0, 3, 1]])

    def mean(pairs) -> float:
        """Return the mean loss for pairs of a place whose logits are read and one of a target."""
        losses = []
        for (row, t), (target_row, s) in pairs:
            z = logits[row, t].tolist()
            losses.append(math.log(sum(map(math.exp, z))) - z[ids[target_row, s]])
        return sum(losses) / len(losses)

    def shifted(by: int) -> float:
        return mean(((b, t), (b, t + by)) for b in range(B) for t in range(T) if 0 <= t + by < T)

    places = [(b, t) for b in range(B) for t in range(T)]
    right = shifted(1)
    mistakes = [
        (shifted(0), "The model has read ids[:, t] when it makes logits[:, t]: nothing to guess."),
        (shifted(-1), "It looks back: logits[:, t] are for the token at t + 1, not at t − 1."),
        (shifted(2), "The next token is at t + 1: shift by one, not by two."),
        (
            mean((place, place) for place in places if place[1] < T - 1),
            "Both were cut at the end: from ids, cut the first column.",
        ),
        (
            mean((place, place) for place in places if place[1] > 0),
            "Both were cut at the start: from the logits, cut the last.",
        ),
        (
            mean(((b, t), (b, (t + 1) % T)) for b, t in places),
            "The last token of a row predicts the first: after it there is nothing to score.",
        ),
        (
            mean(pairwise(places)),
            "The last token of a row predicts the first of the next row: shift, then flatten.",
        ),
        (right * B * (T - 1), "Return the mean over the tokens, not the sum."),
        (right * (T - 1), "Return the mean over the tokens of all rows."),
        (right * (T - 1) / T, "A row has T − 1 tokens to predict: divide by their number."),
        (right / math.log(2), "Return nats, as F.cross_entropy does."),
    ]
    hint = "Compare logits[:, :-1] with ids[:, 1:]."
    expect(fn(logits, ids), right, "the loss", mistakes, hint)


@exercise
def initial_loss(fn: Attempt) -> None:
    """The mean loss over drawn logits, to 0.01, when each token is as often the right one.

    −log p(w) = log Σ exp z − z_w. For large V the sum is near its mean, V exp(s²/2), and the mean
    of z_w is 0: ln V + s²/2, which the draws confirm and whose variants are the known mistakes.
    """
    for V, s in ((4000, 0.6), (2000, 1.2)):
        z = s * normal(250, V)
        drawn = (z.logsumexp(1) - z.mean(1)).mean().item()
        answer = fn(V, s)
        is_number = (
            isinstance(answer, (float, np.floating, torch.Tensor)) and np.shape(answer) == ()
        )
        if is_number and abs(answer - drawn) < 0.01:
            continue
        even, more = math.log(V), s * s / 2
        mistakes = [
            (even, "That is for equal logits: drawn ones make it larger, the more so with s."),
            (even + s, "Not s itself is added: what is the mean of e^z for z of N(0, s²)?"),
            (even + s / 2, "The spread is squared: what is the mean of e^z for z of N(0, s²)?"),
            (even + s * s, "Half of that is added: the mean of e^z is e^(s²/2)."),
            (even - more, "Logits that say what is not so cost something: add it."),
            (math.log2(V) + more, "Nats: the logarithm is the natural one."),
            (math.log2(V), "Nats: the logarithm is the natural one, and where is s?"),
            ((even + more) / math.log(2), "These are bits: return nats."),
            (1 / V, "That is the probability of a token: the loss is its −log."),
            (-even, "A loss is −log p, so it is above 0."),
            (V * math.exp(more), "That is the mean of Σ e^z: its logarithm is missing."),
        ]
        what = f"the loss for V = {V} and s = {s}"
        expect(answer, drawn, what, mistakes, "That is the mean over 250 draws of V logits.")


def _gpt(V: int, C: int, layers: int, T: int) -> GPT:
    """Return a GPT that has shapes and no numbers."""
    with torch.device("meta"):
        return GPT(V, C, 2, layers, T)


@exercise
def flops_per_token(fn: Attempt) -> None:
    """What PyTorch counts while a GPT reads T tokens, with attention written out, divided by T."""
    for C, layers, T, V in ((8, 3, 5, 50), (12, 2, 7, 11)):
        model = _gpt(V, C, layers, T)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model.read(torch.zeros(1, T, dtype=torch.int64, device="meta"))
        right = counter.get_total_flops() / T
        weights, scores, output = layers * 12 * C * C, layers * 2 * T * C, 2 * C * V
        mistakes = [
            (right / 2, "With each weight you multiply and add: that is 2, not 1."),
            (right - 2 * scores, "Attention multiplies, too: scores and averages, over T keys."),
            (right - scores, "Scores and averages cost 2TC each, causal or not."),
            (right - output, "The logits are missing: a product with the table (V, C)."),
            (right - weights, "12C² weights a layer are 24C² operations: multiply and add."),
            (right - output / 2, "The logits are CV products, each with an addition: 2CV."),
            (right + output, "To look a row of the table up multiplies nothing."),
            (right - 16 * layers * C * C, "The two matrices of 4C hidden units are missing."),
            (right - 8 * layers * C * C, "A C × 4C matrix and a 4C × C one: 16C², in a layer."),
            (right - 2 * layers * C * C, "An attention has four matrices: c_proj is one of them."),
            (right * T, "That is for all T tokens: return it for one."),
            (right + 2 * scores * (T - 1), "One token has T scores, not T²."),
            (right * 3, "That is forward and backward: return the forward part."),
            (
                3 * (right - 2 * scores),
                "6N is for training: forward it is 2N, and attention comes on top.",
            ),
            ((right - output) / layers + output, "There are as many such blocks as `layers`."),
            (
                right - 2 * scores * (layers - 1) / layers,
                "Each of the `layers` has its scores and averages, not only one.",
            ),
        ]
        answer = fn(C, layers, T, V)
        if isinstance(answer, (int, np.integer)) and not isinstance(answer, bool):
            answer = float(answer)
        what = f"the number for C = {C}, layers = {layers}, T = {T}, V = {V}"
        hint = "Each product (1, m) (m, n) has mn multiplications and as many additions."
        expect(answer, right, what, mistakes, hint)


@exercise
def decay_groups(fn: Attempt) -> None:
    """What AdamW takes, by its own reading: linear maps and tables decayed, all else not."""
    with torch.device("meta"):  # which draws no numbers
        tied = nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 5))
    tied[2].weight = tied[0].weight
    for model, decay in ((_gpt(7, 4, 1, 5), 0.1), (tied, 0.2)):
        answer = fn(model, decay)
        if (
            not isinstance(answer, (list, tuple))
            or len(answer) != 2
            or not all(isinstance(group, dict) for group in answer)
        ):
            raise Wrong('return a list of two groups, {"params": [...], "weight_decay": ...} each.')
        if not all("weight_decay" in group for group in answer):
            raise Wrong("a group without a weight_decay gets AdamW's own, 0.01: write 0.0 there.")
        try:
            with warnings.catch_warnings(action="ignore"):  # of a parameter that is there twice
                groups = torch.optim.AdamW(answer).param_groups
        except (TypeError, ValueError, KeyError) as error:
            raise Wrong(
                f"AdamW does not take it: {error}. Each parameter itself, not its name, belongs "
                "in one of the two lists."
            ) from None
        if sorted(group["weight_decay"] for group in groups) != [0.0, decay]:
            raise Wrong(f"the weight decays are {decay}, as given, and 0.0: one for each group.")
        found = [(id(p), group["weight_decay"]) for group in groups for p in group["params"]]
        listed, decays = [p for p, _ in found], dict(found)
        names = {id(p): name for name, p in model.named_parameters()}
        if set(listed) - names.keys():
            raise Wrong("a tensor is none of the model's parameters: hand over those, not copies.")
        for p, name in names.items():
            if listed.count(p) != 1:
                raise Wrong(
                    f"{name} is there twice: a table that reads and writes is one parameter."
                    if p in decays
                    else f"{name} is in no group, so AdamW would never change it."
                )
        matrices = {id(m.weight) for m in model.modules() if type(m) in (nn.Linear, nn.Embedding)}
        wrong = [p for p in names if decays[p] != decay * (p in matrices)]
        if len(wrong) == len(names):
            raise Wrong("the groups are exchanged: matrices are decayed, and vectors are not.")
        if set(wrong) == names.keys() - matrices:
            raise Wrong("everything is decayed: biases and the gains of norms should not be.")
        for p in wrong:
            raise Wrong(
                f"{names[p]} has two dimensions, a matrix or a table: it is decayed."
                if p in matrices
                else f"{names[p]} is a vector, so it is not decayed: ask for the number of "
                "dimensions, not for the name."
            )


@exercise
def directions(fn: Attempt) -> None:
    """U Vᵀ for g = U S Vᵀ that was made from U, S and V: no decomposition is needed."""
    for m, n in ((4, 4), (3, 5), (5, 3)):
        k = min(m, n)
        U, V = torch.linalg.qr(normal(m, k)).Q, torch.linalg.qr(normal(n, k, seed=1)).Q
        S = torch.linspace(3, 0.5, k, dtype=torch.float64)
        g, right = U * S @ V.T, U @ V.T
        u, s, vt = torch.linalg.svd(g, full_matrices=False)
        mistakes = [
            (-right, "The sign has turned: it should point where g points."),
            (right.T, "It is transposed: U Vᵀ has the shape of g."),
            (g, "This is g again: leave S out of U S Vᵀ."),
            (s, "These are the singular values: return U Vᵀ."),
            (u, "This is U: multiply it with Vᵀ."),
            (vt, "This is Vᵀ: multiply U with it."),
            (g / g.norm(), "Dividing by a norm makes g shorter, and leaves its shape as it was."),
            (g / s[0], "Only the largest singular value is 1 now: all of them should be."),
            (g / g.norm(dim=0), "Each column has length 1, but their directions overlap still."),
            (g / g.norm(dim=1, keepdim=True), "Each row has length 1, but they overlap still."),
            (g.sign(), "These are the signs of the entries: no singular values were made 1."),
            (orthogonal(g), "Muon's short cut makes them about 1: use the SVD, which is exact."),
        ]
        if m == n:
            mistakes.append(
                (u @ vt.T, "U @ V, not transposed: torch.linalg.svd returns Vᵀ as it is needed.")
            )
        what = f"the result for g of shape {(m, n)}"
        try:
            answer = fn(g)
        except Wrong as wrong:
            if m == n:
                raise
            raise Wrong(
                f"for g of shape {(m, n)} {wrong} A square g works: is full_matrices=False there?"
            ) from None
        expect(answer, right, what, mistakes, "U Vᵀ, with U and Vᵀ from torch.linalg.svd.")


def _line(x: list[float], y: list[float]) -> tuple[float, float]:
    """Return the intercept and the slope of the line of least squares, by sums."""
    mx, my = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    slope = across / sum((a - mx) ** 2 for a in x)
    return my - slope * mx, slope


@exercise
def power_law(fn: Attempt) -> None:
    """The line of log y against log x, for points that lie near a power law and not on it."""
    x, y = [1e3, 3e3, 1e4, 3e4, 1e5], [4.4, 3.7, 3.4, 2.8, 2.7]
    log_x, log_y = [math.log(v) for v in x], [math.log(v) for v in y]
    k, slope = _line(log_x, log_y)
    a, b = math.exp(k), -slope
    j, turned = _line(log_y, log_x)
    ends = (log_y[-1] - log_y[0]) / (log_x[-1] - log_x[0])
    flat, tilt = _line(x, y)
    half, bent = _line(x, log_y)
    other, steep = _line(log_x, y)
    mistakes = [
        ((a, -b), "The law has −b in it: b is minus the slope."),
        ((b, a), "a comes first, then b."),
        ((k, b), "The intercept is log a: take its exponential."),
        ((k, -b), "The intercept is log a, and the slope is −b."),
        ((-b, k), "np.polyfit gives the slope, −b, first, and then log a."),
        ((math.exp(-b), -k), "np.polyfit gives the slope first, and then log a."),
        ((10**k, b), "The logarithms are natural: undo them with exp, not with a power of 10."),
        ((math.exp(k / math.log(10)), b), "exp undoes log; log10 is undone by a power of 10."),
        ((a, b / math.log(10)), "Take the same logarithm of x and of y."),
        ((a, b * math.log(10)), "Take the same logarithm of x and of y."),
        (
            (math.exp(-j / turned), -1 / turned),
            "The squares to be least are those of log y, not of log x.",
        ),
        ((math.exp(j), -turned), "Fit log y against log x: the two are exchanged."),
        ((y[0] / x[0] ** ends, -ends), "Use all points, not only the first and the last."),
        ((math.exp(half), -bent), "Take the logarithm of x as well."),
        ((other, -steep), "Take the logarithm of y as well."),
        ((math.exp(other), -steep), "Take the logarithm of y as well."),
        ((flat, -tilt), "A straight line is fitted to logarithms, of x and of y."),
        ((flat, tilt), "A straight line is fitted to logarithms, of x and of y."),
    ]
    answer = fn(np.array(x), np.array(y))
    expect(
        answer,
        (a, b),
        "the pair a, b",
        mistakes,
        "log y = log a − b log x: a line, by least squares.",
    )
