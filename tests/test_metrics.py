"""Bits a character, the leaderboard, verse; BLEU against nltk, distinct-n by a loop, Fréchet."""

import json
import math
import re
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import sentence_bleu
from scipy import linalg

from aigc_lib import data, metrics


def test_bits_do_not_depend_on_the_tokens():
    # A fair coin's text, as letters and as pairs of letters: 1 bit a letter.
    assert metrics.bits_per_character(0.6931471805599453, 8, 8) == 1
    assert metrics.bits_per_character(2 * 0.6931471805599453, 4, 8) == 1


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    kept = {"03_a": {"coin": 5.0, "count": 2.5}, "04_b": {"net": 2.0}, "05_c": {"x": 1, "y": 1.5}}
    (tmp_path / "leaderboard.json").write_text(json.dumps(kept))


def test_the_leaderboard_has_earlier_lessons_and_this_one(record, capsys):
    metrics.leaderboard("04_b", {"net": 2.004})
    assert capsys.readouterr().out.splitlines() == [
        " 5.000 bits a character  coin",
        " 2.500 bits a character  count",
        " 2.004 bits a character  net  (new)",
    ]


@pytest.mark.parametrize(
    "scores", [{"net": 2.011}, {"net": 1.989}, {"net": 2.0, "other": 1.0}, {"other": 2.0}, {}]
)
def test_scores_that_are_not_the_recorded_ones_are_told(record, scores):
    with pytest.raises(ValueError, match=r"04_b is recorded with \{'net': 2.0\}"):
        metrics.leaderboard("04_b", scores)


def test_each_score_is_compared_and_one_that_is_gone_is_not_shown(record, capsys):
    metrics.leaderboard("05_c", {"x": 1.009, "y": 1.491})
    for scores in ({"x": 1, "y": 1.6}, {"x": 1.1, "y": 1.5}, {"y": 1.5}):
        capsys.readouterr()
        with pytest.raises(ValueError, match="05_c is recorded"):
            metrics.leaderboard("05_c", scores)
    assert "  x" not in capsys.readouterr().out


def test_a_lesson_without_a_record_is_told(record, capsys):
    with pytest.raises(ValueError, match=r"06_d is recorded with \{\}"):
        metrics.leaderboard("06_d", {"new": 0.5})
    assert "0.500 bits a character  new  (new)" in capsys.readouterr().out


# 流 and 楼 rhyme (ou), 家 and 花 too (a), 花 and 鱼 do not (a, ü), as a dictionary has it.
FIVES = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
SEVENS = "一二三四五六书，一二三四五六花。一二三四五六花，一二三四五六鱼。"
MIXED = "一二三四书，一二三四五六家。一二三四鱼，一二三四五六花。"
RAGGED = "一二三四书，一二三鱼。一二三四五书，一二三四家。"
THREE = "一二三四家，一二三四花。一二三四家。"
STRANGE = "一二三四流，一二三四□。一二三四流，一二三四楼。"


@pytest.mark.parametrize(
    ("poems", "shares"),
    [
        ([FIVES], (1, 1, 1)),
        ([SEVENS], (1, 1, 0)),
        ([FIVES, SEVENS], (1, 1, 1 / 2)),
        ([MIXED], (1, 0, 1)),
        ([RAGGED], (2 / 4, 0, 0)),
        ([THREE], (1, 0, math.nan)),
        ([STRANGE], (1, 1, math.nan)),
        ([FIVES.replace("楼", "□")], (1, 1, math.nan)),
        ([""], (0, 0, math.nan)),
        ([], (math.nan, math.nan, math.nan)),
        ([FIVES, THREE], (1, 1 / 2, 1)),
        ([FIVES + "\n", FIVES[:-1]], (1, 1, 1)),
        ([FIVES, SEVENS, MIXED, RAGGED, THREE, STRANGE], (21 / 23, 3 / 6, 2 / 4)),
    ],
)
def test_the_form_of_verse_is_known_of_small_poems(poems, shares, recwarn):
    assert metrics.verse_form(poems) == pytest.approx(shares, nan_ok=True)
    assert not recwarn.list


def test_a_line_of_verse_is_without_its_mark():
    lines = ["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"]
    assert metrics.verse_lines(FIVES) == metrics.verse_lines(FIVES[:-1] + "。\n") == lines
    assert metrics.verse_lines("白，。日") == ["白", "", "日"]


def test_the_quatrains_have_the_form_that_their_loader_promises():
    lines, form, rhyme = metrics.verse_form([poem.text for poem in data.quatrains()["test"]])
    assert (lines, form) == (1, 1)
    assert 0.75 < rhyme < 0.82


words = st.lists(st.sampled_from("ab"), max_size=12)
orders = st.integers(1, 4)


def by_nltk(text, references, n):
    return sentence_bleu(references, text, weights=(1 / n,) * n)


@pytest.mark.filterwarnings("ignore:(?s).*hypothesis contains 0 counts")
@given(words, st.lists(words, min_size=1, max_size=4), orders)
def test_bleu_is_that_of_nltk(text, references, n):
    kept = [text, *map(list, references)]
    assert metrics.bleu(text, references, n) == pytest.approx(by_nltk(text, references, n))
    assert kept == [text, *references]


@pytest.mark.filterwarnings("ignore:(?s).*hypothesis contains 0 counts")
@given(st.lists(words, min_size=2, max_size=5), orders)
def test_self_bleu_is_the_mean_of_nltk_over_the_others(texts, n):
    scores = []
    for i, text in enumerate(texts):
        others = [other for j, other in enumerate(texts) if j != i]
        scores.append(by_nltk(text, others, n))
    assert metrics.self_bleu(texts, n) == pytest.approx(statistics.fmean(scores))


def test_bleu_is_known_of_small_texts():
    text = ["the", "cat", "sat", "on", "the", "mat"]
    assert metrics.bleu(text, [text]) == metrics.self_bleu([text] * 3) == 1
    assert metrics.bleu(text[:3], [text]) == metrics.bleu([], [text]) == 0  # none of its 4-grams
    assert metrics.bleu(text[:3], [text], 3) == pytest.approx(math.exp(1 - 6 / 3))
    assert metrics.bleu(text, [["a", "dog"]], 1) == 0
    seven = ["the"] * 7  # the example of Papineni et al., section 2.1: one "the" counts once
    assert metrics.bleu(seven, [["the", "cat", "is", "here"]], 1) == pytest.approx(1 / 7)
    assert metrics.bleu("aaaa", ["aa", "a" * 6], 1) == 1  # both are as near: r = 2, not 6
    for references in (["aaa", "b" * 5], ["b" * 5, "aaa"]):  # r = 3, not 5
        assert metrics.bleu("aaaa", references, 1) == pytest.approx(3 / 4)
    assert metrics.bleu("abcde", ["abcde"]) == 1  # characters
    assert metrics.bleu("abcd", ["abcx", "xbcd"]) == 0
    pairs = metrics.bleu("abcd", ["abxx", "xxcd"], 2)
    assert pairs == pytest.approx(math.sqrt(1 * 2 / 3))


@given(st.lists(words, max_size=5), orders)
def test_distinct_is_that_of_a_loop(texts, n):
    seen, total = [], 0
    for text in texts:
        for i in range(len(text) - n + 1):
            total += 1
            if text[i : i + n] not in seen:
                seen.append(text[i : i + n])
    expected = len(seen) / total if total else math.nan
    assert metrics.distinct(texts, n) == pytest.approx(expected, nan_ok=True)


def test_distinct_is_known_of_small_texts():
    assert metrics.distinct(["abab", "ba"], 1) == 2 / 6
    assert metrics.distinct(["abab", "ba"], 2) == 2 / 4
    assert metrics.distinct(["abcd"], 2) == 1
    assert math.isnan(metrics.distinct(["ab", ""], 3))
    assert math.isnan(metrics.distinct([], 1))


@pytest.mark.parametrize("texts", [[], ["abc"]])
def test_one_text_has_no_others(texts):
    message = f"{len(texts)} text has no others to be compared with: give two at least"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        metrics.self_bleu(texts)


def cloud(n, F, seed):
    """Return n features (n, F), correlated and off the origin."""
    rng = torch.Generator().manual_seed(seed)
    shift, mix = torch.randn(2, F, F, generator=rng, dtype=torch.float64)
    return torch.randn(n, F, generator=rng, dtype=torch.float64) @ mix + 2 * shift[0]


def rounding(*clouds):
    """Return what rounding may do: to the root of an eigenvalue near 0, √2⁻⁵² of the largest."""
    return 1e-6 * sum(1 + x.var(0).sum().item() for x in clouds)


def frechet_by_scipy(a, b):
    """Return it with scipy's root of ST and NumPy's moments."""
    a, b = a.detach().double().numpy(), b.double().numpy()
    S, T = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(S + T - 2 * linalg.sqrtm(S @ T).real)


def gaussian(mu, sigma):
    """Return features whose mean is `mu` and whose covariance is exactly diag(sigma²)."""
    rows = torch.tensor(linalg.hadamard(8)[:, 1 : 1 + len(mu)]).double()  # orthogonal, of sum 0
    return torch.tensor(mu) + rows * math.sqrt(7 / 8) * torch.tensor(sigma)


few = settings(max_examples=40)
widths, seeds = st.integers(2, 5), st.integers(0, 999)
moments = st.tuples(*[st.lists(st.floats(0, 5), min_size=5, max_size=5)] * 4)


@few
@given(widths, st.integers(10, 30), st.integers(10, 30), seeds)
def test_the_frechet_distance_is_that_of_scipys_root(F, n, m, seed):
    a, b = cloud(n, F, seed), cloud(m, F, seed + 1000)
    found = metrics.frechet_distance(a, b)
    assert type(found) is float
    assert found == pytest.approx(frechet_by_scipy(a, b), abs=rounding(a, b))
    assert metrics.frechet_distance(b, a) == pytest.approx(found, abs=rounding(a, b))
    assert found > 0


@few
@given(moments)
def test_of_uncorrelated_gaussians_it_is_a_sum_of_squares(parts):
    mu, sigma, nu, tau = parts
    expected = sum((m - n) ** 2 for m, n in zip(mu, nu, strict=True))
    expected += sum((s - t) ** 2 for s, t in zip(sigma, tau, strict=True))
    found = metrics.frechet_distance(gaussian(mu, sigma), gaussian(nu, tau))
    assert found == pytest.approx(expected, abs=1e-5)  # a variance of 0 is one of 1e-15


@few
@given(widths, seeds)
def test_to_turn_to_shift_and_to_reorder_all_changes_no_distance(F, seed):
    a, b = cloud(20, F, seed), cloud(25, F, seed + 1000)
    rng = np.random.default_rng(seed)
    turn = torch.tensor(np.linalg.qr(rng.normal(size=(F, F))).Q)
    shift = torch.tensor(rng.normal(size=F))
    expected = metrics.frechet_distance(a, b)
    for x, y in (
        (a @ turn, b @ turn),
        (a + shift, b + shift),
        (a[torch.tensor(rng.permutation(20))], b.flip(0)),
    ):
        assert metrics.frechet_distance(x, y) == pytest.approx(expected, abs=rounding(a, b))
    thrice = metrics.frechet_distance(3 * a, 3 * b)
    assert thrice == pytest.approx(9 * expected, abs=9 * rounding(a, b))
    away = metrics.frechet_distance(a, a + shift)
    assert away == pytest.approx((shift @ shift).item(), abs=rounding(a, a))


@few
@given(widths, st.integers(2, 30), seeds)
def test_equal_features_are_at_no_distance_also_where_they_are_few(F, n, seed):
    a = cloud(n, F, seed)
    assert metrics.frechet_distance(a, a.clone()) == pytest.approx(0, abs=rounding(a, a))


def test_singular_covariances_have_a_distance():
    """On two lines at an angle θ: S^½TS^½ has the one eigenvalue (στ cos θ)²."""
    for theta in (0, 0.3, 1.2, math.pi / 2):
        t = torch.linspace(-1, 1, 9, dtype=torch.float64)
        t = t / t.std()
        a = torch.stack([3 * t, 0 * t], 1)
        b = torch.stack([2 * t * math.cos(theta), 2 * t * math.sin(theta)], 1)
        expected = 9 + 4 - 2 * 3 * 2 * math.cos(theta)
        assert metrics.frechet_distance(a, b) == pytest.approx(expected, abs=1e-6)
    same = torch.ones(4, 3)
    assert metrics.frechet_distance(same, same + 2) == pytest.approx(12)


def test_features_of_any_kind_are_reckoned_in_double_precision():
    a, b = (1000 + cloud(30, 4, seed) for seed in (1, 2))
    for kind in (torch.float32, torch.float64):
        found = metrics.frechet_distance(a.to(kind).requires_grad_(), b.to(kind))
        assert found == pytest.approx(frechet_by_scipy(a.to(kind), b.to(kind)), rel=1e-7)
    a, b = (10 * a).long(), (10 * b).long()
    assert metrics.frechet_distance(a, b) == pytest.approx(frechet_by_scipy(a, b), rel=1e-7)


def test_one_feature_has_a_distance_too():
    a, b = cloud(9, 2, 0)[:, :1], cloud(9, 2, 1)[:, :1]
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert metrics.frechet_distance(a, b) == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("a", "b"),
    [((4,), (4, 2)), ((4, 2), (2,)), ((4, 2), (4, 3)), ((1, 2), (4, 2)), ((4, 2), (1, 2))],
)
def test_features_that_are_none_are_refused(a, b):
    message = f"features of shapes {a} and {b}: give (N, F) and (M, F), at least two of each"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        metrics.frechet_distance(torch.zeros(a), torch.zeros(b))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_features_that_are_not_finite_are_refused(value):
    good, bad = torch.zeros(4, 2), torch.zeros(4, 2)
    bad[3, 1] = value
    for pair in ((bad, good), (good, bad), (bad, bad)):
        with pytest.raises(ValueError, match=r"^features with NaN or infinity: look for them in"):
            metrics.frechet_distance(*pair)
