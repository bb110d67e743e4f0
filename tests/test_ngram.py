"""N-grams against the equations counted by dictionary, against KenLM, and against themselves."""

import gzip
import math
import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aigc_lib import ngram
from aigc_lib.ngram import NGram

ORACLE = Path(__file__).parent / "oracle"
V = 4
STRENGTHS = {
    "add-k": st.floats(1e-3, 10),
    "interpolation": st.floats(0, 0.99),
    "absolute": st.floats(0.01, 0.99),
    "kneser-ney": st.none(),
}
texts = st.lists(st.integers(0, V - 1), min_size=2, max_size=60)
orders = st.integers(1, 5)
boundaries = st.sampled_from([None, 0])
settings = st.sampled_from(list(STRENGTHS)).flatmap(
    lambda name: st.tuples(st.just(name), STRENGTHS[name])
)


class ByDictionary:
    """The same model from the equations: no array, no rank, one n-gram after the other."""

    def __init__(self, ids, order, smoothing, strength, boundary):
        self.smoothing, self.strength, self.boundary = smoothing, strength, boundary
        self.counts = Counter()
        for end in range(1, len(ids) + 1):
            for k in range(1, min(order, end) + 1):
                gram = tuple(ids[end - k : end])
                if boundary not in gram[1:-1]:
                    self.counts[gram] += 1
        self.order = max(map(len, self.counts))
        if smoothing == "kneser-ney":
            self.count_what_comes_before()
        self.children = defaultdict(dict)
        for gram, c in self.counts.items():
            self.children[gram[:-1]][gram[-1]] = c

    def count_what_comes_before(self):
        before = defaultdict(set)
        for gram in self.counts:
            before[gram[1:]].add(gram[0])
        for gram in self.counts:
            if len(gram) < self.order and before[gram]:
                self.counts[gram] = len(before[gram])

    def discount(self, k, c):
        """Return what is taken from the count c of a k-gram."""
        if self.smoothing == "absolute":
            return self.strength
        n = [sum(c == j for gram, c in self.counts.items() if len(gram) == k) for j in range(5)]
        try:
            Y = n[1] / (n[1] + 2 * n[2])
            D = [j - (j + 1) * Y * n[j + 1] / n[j] for j in (1, 2, 3)]
        except ZeroDivisionError:
            D = [-1]
        if not all(0 <= d <= j for j, d in enumerate(D, 1)):
            D = [0.5, 1, 1.5]
        return D[min(c, 3) - 1]

    def rows(self, context):
        """Return p_0, p_1, ... of the next token, while the context is long enough."""
        if self.boundary in context:
            context = context[len(context) - 1 - context[::-1].index(self.boundary) :]
        uniform = [1 / V] * V
        rows = [uniform]
        for k in range(1, min(self.order, len(context) + 1) + 1):
            seen = self.children.get(tuple(context[len(context) + 1 - k :]), {})
            total = sum(seen.values())
            row = []
            for w, below in enumerate(rows[-1]):
                c = seen.get(w, 0)
                if self.smoothing == "add-k":
                    row.append((c + self.strength) / (total + self.strength * V))
                elif total == 0:
                    row.append(below)
                elif self.smoothing == "interpolation":
                    row.append(self.strength * c / total + (1 - self.strength) * below)
                else:
                    taken = sum(self.discount(k, c) for c in seen.values())
                    kept = max(c - self.discount(k, c), 0) if c else 0
                    row.append(kept / total + taken / total * below)
            rows.append(row)
        return rows


@given(texts, texts, orders, settings, boundaries)
def test_it_equals_the_equations_counted_with_dictionaries(text, other, order, setting, boundary):
    slow = ByDictionary(text, order, *setting, boundary)
    model = NGram(slow.order, V, *setting, boundary).fit(torch.tensor(text))
    expected = [slow.rows(other[:i])[-1][other[i]] for i in range(1, len(other))]
    found = model.log_probs(torch.tensor(other))
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([math.log(p) for p in expected], rel=1e-9, abs=1e-9)
    for context in ([], other[:1], other):
        expected = slow.rows(context)
        expected += expected[-1:] * (slow.order + 1 - len(expected))
        torch.testing.assert_close(
            model.backoff(context), torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=0
        )


@given(texts, texts, orders, settings, boundaries)
def test_probabilities_sum_to_one_and_the_two_ways_agree(text, other, order, setting, boundary):
    order = ByDictionary(text, order, *setting, boundary).order
    model = NGram(order, V, *setting, boundary).fit(text)
    log_probs = model.log_probs(other)
    assert model.loss(other) == pytest.approx(-sum(log_probs.tolist()) / len(log_probs))
    for i in range(1, len(other)):
        rows = model.backoff(other[:i])
        assert rows.shape == (order + 1, V)
        torch.testing.assert_close(
            rows.sum(1), torch.ones(order + 1, dtype=torch.float64), rtol=0, atol=1e-12
        )
        torch.testing.assert_close(rows[-1], model.probs(other[:i]), rtol=0, atol=0)
        torch.testing.assert_close(rows[-1, other[i]].log(), log_probs[i - 1], rtol=0, atol=1e-12)


def arpa(name):
    """Return what KenLM wrote: (tokens, log10 p, log10 of the back-off weight or None) each."""
    for line in gzip.decompress((ORACLE / f"{name}.arpa.gz").read_bytes()).decode().splitlines():
        if len(columns := line.split("\t")) > 1:
            p, tokens, *weight = columns
            yield tokens.split(" "), float(p), float(*weight) if weight else None


@pytest.mark.parametrize(("name", "order"), [("names", 4), ("scene", 3)])
def test_it_equals_kenlm_to_the_precision_of_a_float32(name, order):
    lines = [line.split() for line in (ORACLE / f"{name}.txt").read_text("utf8").splitlines()]
    words = ["<unk>", *sorted({word for line in lines for word in line})]
    ids = {"<s>": 0, "</s>": 0} | {word: i for i, word in enumerate(words, 1)}
    text = [0] + [ids[word] for line in lines for word in [*line, "</s>"]]
    model = NGram(order, len(words) + 1, boundary=0).fit(text)
    sizes = Counter()
    for tokens, log_p, weight in arpa(name):
        gram = [ids[token] for token in tokens]
        sizes[len(gram)] += 1
        if gram != [0] or tokens == ["</s>"]:  # KenLM's <s> is never predicted
            found = model.backoff(gram[:-1])[len(gram), gram[-1]].log10().item()
            assert found == pytest.approx(log_p, abs=2e-6), tokens
        if weight is not None and tokens not in (["<unk>"], ["</s>"]):
            unseen = model.backoff(gram)[:, ids["<unk>"]]
            found = (unseen[len(gram) + 1] / unseen[len(gram)]).log10().item()
            assert found == pytest.approx(weight, abs=2e-6), tokens
    assert [sizes[k] for k in range(2, order + 1)] == model.sizes[1:]
    assert sizes[1] == model.sizes[0] + 2  # <unk>, and the boundary is two tokens


def test_maximum_likelihood_is_the_share_of_the_counts_and_a_zero_is_silent():
    text = torch.tensor([0, 1, 0, 1, 0, 2])
    model = NGram(2, 4, "interpolation", strength=1).fit(text)
    assert model.probs([0]).tolist() == [0, 2 / 3, 1 / 3, 0]
    with warnings.catch_warnings(action="error"):
        assert model.log_probs([0, 1, 3]).tolist() == [math.log(2 / 3), -math.inf]
        assert model.loss([0, 3]) == math.inf
        model.sample(20, torch.Generator().manual_seed(0))


def test_the_discounts_are_those_of_the_counts_of_counts_or_the_fallback():
    c = torch.tensor([1] * 10 + [2] * 4 + [3] * 2 + [4] + [5, 9, 700])
    Y = 10 / 18
    expected = [1 - 2 * Y * 4 / 10, 2 - 3 * Y * 2 / 4, 3 - 4 * Y * 1 / 2]
    assert ngram.modified_discounts(c).tolist() == pytest.approx(expected)
    for impossible in ([1, 1, 2], [2, 3, 4], [1] * 9 + [2] + [3] * 3 + [4]):
        D = ngram.modified_discounts(torch.tensor(impossible))
        assert (D.tolist(), D.dtype) == ([0.5, 1, 1.5], torch.float64)


def test_the_discounts_used_are_told():
    text = [0, 1, 0, 2, 0, 1, 1]
    assert [D.tolist() for D in NGram(2, 3).fit(text).discounts] == [[0.5, 1, 1.5]] * 2
    absolute = NGram(2, 3, "absolute", 0).fit(text)
    assert [D.tolist() for D in absolute.discounts] == [[0, 0, 0]] * 2
    assert NGram(2, 3, "add-k").fit(text).discounts == []


def test_no_context_reaches_back_past_a_boundary():
    model = NGram(4, 4, boundary=0).fit([0, 1, 2, 3, 0, 1, 3, 2, 0])
    assert torch.equal(model.backoff([1, 2, 0]), model.backoff([0]))
    assert not torch.equal(model.probs([1, 0, 2]), model.probs([1, 2]))


def test_a_model_tells_its_size_and_forgets_its_last_text():
    model = NGram(3, 3)
    assert (model.sizes, model.nbytes) == ([], 0)
    model.fit([2, 2, 1, 2, 0, 0, 0, 1])
    model.fit([0, 1, 0, 1, 2])
    assert model.sizes == [3, 3, 3]
    entries = 3 + 4 + 2 + 3 + 4 + 4 + 3 + 4 + 4  # keys, alpha and gamma of each level
    assert model.nbytes == 8 * entries
    fresh = NGram(3, 3).fit(torch.tensor([0, 1, 0, 1, 2], dtype=torch.uint8))
    assert torch.equal(model.probs([0, 1]), fresh.probs([0, 1]))


@pytest.mark.parametrize("temperature", [0.5, 1, 2])
def test_samples_are_as_frequent_as_they_are_probable(temperature):
    model = NGram(2, 3).fit([0, 1, 0, 2, 1, 1, 0, 0, 2])
    ids = model.sample(3000, torch.Generator().manual_seed(1), [0], temperature)
    assert (ids.dtype, ids.shape) == (torch.int64, (3000,))
    pairs = Counter(zip([0, *ids.tolist()], ids.tolist(), strict=False))
    for context in range(3):
        observed = [pairs[context, w] for w in range(3)]
        powers = [p ** (1 / temperature) for p in model.probs([context]).tolist()]
        expected = [sum(observed) * power / sum(powers) for power in powers]
        assert stats.chisquare(observed, expected).pvalue > 0.01


def test_a_sample_repeats_and_starts_at_the_boundary():
    names = NGram(3, 4, "interpolation", 1, boundary=0).fit([0, 1, 2, 3, 0, 1, 2, 0])
    samples = [names.sample(9, torch.Generator().manual_seed(seed)).tolist() for seed in range(9)]
    assert samples[5] == names.sample(9, torch.Generator().manual_seed(5)).tolist()
    assert {tuple(sample[:2]) for sample in samples} == {(1, 2)}
    assert len({*map(tuple, samples)}) > 1
    assert names.sample(0, torch.Generator()).shape == (0,)


def test_no_temperature_is_too_low_or_too_high():
    model = NGram(2, 3, "absolute", 0.5).fit([0, 1, 0, 1, 0, 1, 2, 0])
    cold = model.sample(6, torch.Generator().manual_seed(0), [0], temperature=5e-324)
    assert cold.tolist() == [1, 0] * 3
    hot = model.sample(999, torch.Generator().manual_seed(0), [0], temperature=1e308)
    assert stats.chisquare(torch.bincount(hot)).pvalue > 0.01


MODEL = NGram(2, 3).fit([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NGram(0, 3), "order=0: give a whole number of at least 1"),
        (lambda: NGram(2.0, 3), "order=2.0: give a whole number"),
        (lambda: NGram(True, 3), "order=True: give a whole number"),
        (lambda: NGram(2, 0), "vocab_size=0: give a whole number"),
        (lambda: NGram(2, 3, "laplace"), "'laplace' is unknown: give add-k, interpolation, abs"),
        (lambda: NGram(2, 3, "add-k", 0), "strength=0: give a positive number k"),
        (lambda: NGram(2, 3, "add-k", math.inf), "strength=inf: give a positive number k"),
        (lambda: NGram(2, 3, "add-k", 1e308), "strength=1e+308: give a positive number k"),
        (lambda: NGram(2, 3, "add-k", "1"), "strength='1': give a positive number k"),
        (lambda: NGram(2, 3, "absolute", "1"), "strength='1': give a number from 0 to 1"),
        (lambda: NGram(2, 3, ["add-k"]), "smoothing=['add-k'] is unknown: give add-k, "),
        (lambda: NGram(torch.tensor(2.0), 3), "order=tensor(2.): give a whole number"),
        (lambda: MODEL.sample(2, None, temperature="1"), "temperature='1': give a positive"),
        (lambda: NGram(2, 3, "interpolation", 1.5), "strength=1.5: give a number from 0 to 1"),
        (lambda: NGram(2, 3, "absolute", math.nan), "strength=nan: give a number from 0 to 1"),
        (lambda: NGram(2, 3, "absolute", -0.1), "strength=-0.1: give a number from 0 to 1"),
        (lambda: NGram(2, 3, strength=0.75), "strength=0.75: Kneser-Ney takes its discounts from"),
        (lambda: NGram(2, 3, boundary=3), "ids[0] is 3, and the tokens are 0 to 2"),
        (lambda: NGram(2, 3, boundary="\n"), "boundary='\\n': give a whole number"),
        (lambda: NGram(2, 3, boundary=-1), "boundary=-1: give a whole number of at least 0"),
        (lambda: NGram(2, 3).loss([0, 1]), "has seen no text: call fit(ids) first"),
        (lambda: NGram(2, 3).probs([0]), "has seen no text: call fit(ids) first"),
        (lambda: MODEL.fit([]), "a text of 0 tokens is too short: give at least 1"),
        (lambda: MODEL.fit([1]), "order 2 needs 2 tokens in a row, and this text has at most 1"),
        (lambda: NGram(4, 3, boundary=0).fit([0, 0, 1, 0, 0]), "give a longer text or order=3"),
        (lambda: MODEL.fit("emma"), "'emma' is not ids: encode the text with a tokenizer"),
        (lambda: MODEL.fit([0, 1, 3]), "ids[2] is 3, and the tokens are 0 to 2"),
        (lambda: MODEL.fit([0, -1]), "ids[1] is -1, and the tokens are 0 to 2"),
        (lambda: MODEL.fit([0.0, 1.0]), "ids of shape (2,) and torch.float32: give whole numbers"),
        (lambda: MODEL.fit([True, False]), "ids of shape (2,) and torch.bool"),
        (lambda: MODEL.fit([[0, 1]]), "ids of shape (1, 2) and torch.int64: give whole numbers"),
        (lambda: MODEL.loss([1]), "a text of 1 tokens is too short: give at least 2"),
        (lambda: MODEL.log_probs([0, 5]), "ids[1] is 5, and the tokens are 0 to 2"),
        (lambda: MODEL.probs([7]), "ids[0] is 7, and the tokens are 0 to 2"),
        (lambda: MODEL.sample(2, None, [7]), "ids[0] is 7, and the tokens are 0 to 2"),
        (lambda: MODEL.sample(-1, None), "n=-1: give a whole number of at least 0"),
        (lambda: MODEL.sample(2, None, temperature=0), "temperature=0: give a positive number"),
        (lambda: MODEL.sample(2, None, temperature=-1), "temperature=-1: give a positive"),
        (lambda: MODEL.sample(2, None, temperature=math.nan), "at 0, take the argmax"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_whole_numbers_of_any_type_are_taken():
    model = NGram(np.int64(2), torch.tensor(3), boundary=np.uint8(0)).fit([0, 1, 2, 0])
    assert (model.order, model.vocab_size, model.boundary) == (2, 3, 0)
