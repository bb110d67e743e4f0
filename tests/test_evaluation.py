"""Measures of generators against torchmetrics, scikit-learn, scipy, closed forms, and loops."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance, poly_mmd

from aigc_lib.metrics import (
    bootstrap_interval,
    copied,
    frechet_distance,
    inception_score,
    kernel_distance,
    memorised,
    precision_recall,
    wilson_interval,
)

NAN, INF = math.nan, math.inf
few = settings(max_examples=40)
seeds, widths = st.integers(0, 999), st.integers(1, 6)
# Whole numbers: their distances are exact, and many of them are equal.
grids = st.lists(st.tuples(*[st.integers(0, 3)] * 2), min_size=4, max_size=12)
sizes = pytest.mark.parametrize("F", [1, 8, 64])
kinds = pytest.mark.parametrize("kind", [torch.float32, torch.int64])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(seed, *shape):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def clouds(F, seed, n=30, m=40):
    """Return features of two distributions, each with a mean and a covariance of its own."""
    mix, to, *rows = (normal(seed + i, *s) for i, s in enumerate([(F, F), (F,), (n, F), (m, F)]))
    return rows[0], rows[1] @ mix + to


def moved(F, seed):
    """Return a rotation, a shift, and an order of 30 rows, by NumPy and scipy."""
    rng = np.random.default_rng(seed)
    turn = stats.ortho_group.rvs(F, random_state=rng) if F > 1 else -np.eye(1)
    return torch.tensor(turn), torch.tensor(rng.normal(size=F)), torch.tensor(rng.permutation(30))


def bands(*values):
    """Return the mean of `values` and four standard errors of it."""
    return np.mean(values), 4 * np.std(values) / math.sqrt(len(values))


class Features(nn.Identity):
    """What torchmetrics asks of a net: its input is the features, of which it has so many."""

    def __init__(self, F):
        super().__init__()
        self.num_features = F


# Fréchet.


@pytest.mark.parametrize(("n", "m", "F"), [(300, 200, 1), (200, 300, 8), (300, 400, 64)])
def test_the_frechet_distance_is_that_of_torchmetrics_and_of_scipys_root(n, m, F):
    a, b = clouds(F, 3, n, m)
    theirs = FrechetInceptionDistance(feature=Features(F)).set_dtype(torch.float64)
    for piece in a.split(70):
        theirs.update(piece, real=True)
    theirs.update(b, real=False)
    found = frechet_distance(a, b)
    assert found == pytest.approx(theirs.compute().item(), rel=1e-8)
    S, T = (np.atleast_2d(np.cov(x.numpy(), rowvar=False)) for x in (a, b))
    gap = (a.mean(0) - b.mean(0)).square().sum().item()
    expected = gap + np.trace(S) + np.trace(T) - 2 * np.trace(linalg.sqrtm(S @ T)).real
    assert found == pytest.approx(expected, rel=1e-8)


def test_fewer_samples_than_features_have_torchmetrics_distance():
    a, b = clouds(64, 5, 30, 40)
    theirs = FrechetInceptionDistance(feature=Features(64)).set_dtype(torch.float64)
    theirs.update(a, real=True)
    theirs.update(b, real=False)
    assert frechet_distance(a, b) == pytest.approx(theirs.compute().item(), rel=1e-6)


@few
@given(widths, seeds)
def test_the_frechet_distance_survives_rotation_shift_and_order(F, seed):
    a, b = clouds(F, seed)
    turn, shift, order = moved(F, seed)
    expected = pytest.approx(frechet_distance(a, b), rel=1e-6)
    assert frechet_distance(a @ turn + shift, b @ turn + shift) == expected
    assert frechet_distance(a[order], b.flip(0)) == expected
    assert frechet_distance(b, a) == expected


def test_small_samples_of_one_distribution_are_at_a_distance_that_falls_with_their_size():
    def mean(n):
        pairs = (normal(i, 2 * n, 6) for i in range(40))
        return np.mean([frechet_distance(*pair.split(n)) for pair in pairs])

    means = [mean(n) for n in (16, 64, 256)]
    for small, large in itertools.pairwise(means):
        assert 3 < small / large < 6  # about 1/N
    assert means[-1] > 0


@pytest.mark.parametrize(("n", "m"), [(64, 200), (200, 64), (20, 20)])
def test_as_few_samples_as_features_are_told(n, m):
    with pytest.warns(UserWarning, match=rf"{min(n, m)} samples of 64 features"):
        frechet_distance(*clouds(64, 0, n, m))


@pytest.mark.filterwarnings("error")
def test_enough_samples_give_no_warning():
    frechet_distance(*clouds(64, 0, 65, 65))


# Inception score.


def score_by_loop(p):
    """Return the exponential of the mean divergence, one picture and class at a time."""
    q = [sum(row[c] for row in p) / len(p) for c in range(len(p[0]))]
    parts = [x * math.log(x / q[c]) for row in p for c, x in enumerate(row) if x > 0]
    return math.exp(sum(parts) / len(p))


@pytest.mark.filterwarnings("ignore")  # of memory, and of the spread of one split
@pytest.mark.parametrize(("n", "C", "scale"), [(50, 10, 1), (500, 10, 5), (7, 3, 20), (1, 4, 1)])
def test_the_inception_score_is_torchmetrics(n, C, scale):
    logits = scale * normal(n, n, C) + normal(1, C)
    theirs = InceptionScore(nn.Identity(), splits=1)
    theirs.update(logits)
    found = inception_score(logits.softmax(1).requires_grad_())
    assert type(found) is float
    assert found == pytest.approx(theirs.compute()[0].item(), rel=1e-10)


@few
@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any), min_size=1))
def test_the_inception_score_is_that_of_a_loop_whatever_is_0(counts):
    p = [[x / sum(row) for x in row] for row in counts]
    found = inception_score(torch.tensor(p, dtype=torch.float64))
    assert found == pytest.approx(score_by_loop(p), rel=1e-12)
    assert 1 - 1e-12 <= found <= min(4, len(p)) + 1e-12
    again = torch.tensor(p + p, dtype=torch.float64).flip(0, 1)
    assert inception_score(again) == pytest.approx(found, rel=1e-12)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=9).filter(any))
def test_of_sure_answers_it_is_the_exponential_of_the_entropy_of_the_classes(counts):
    sure = torch.eye(len(counts)).repeat_interleave(torch.tensor(counts), 0)
    assert inception_score(sure) == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-12)
    assert inception_score(sure.long()) == inception_score(sure)


def test_the_inception_score_is_from_1_to_the_classes_that_come():
    assert inception_score(normal(0, 1, 10).softmax(1).expand(20, 10)) == pytest.approx(1)
    eye = torch.eye(10)
    assert inception_score(eye) == pytest.approx(10)
    assert inception_score(eye[:9]) == pytest.approx(9)
    assert inception_score(eye[:1].expand(5, 10)) == pytest.approx(1)


def test_probabilities_may_be_rounded():
    p = normal(0, 30, 10).softmax(1)
    assert inception_score(p.float()) == pytest.approx(inception_score(p), rel=1e-6)
    for factor in (1 + 5e-5, 1 - 5e-5):
        inception_score(p * factor)
    for factor in (1 + 2e-4, 1 - 2e-4):
        with pytest.raises(ValueError, match=r"^probabilities of shape \(30, 10\)"):
            inception_score(p * factor)


@pytest.mark.parametrize(
    "p",
    [
        torch.zeros(0, 3),
        torch.zeros(3, 0),
        torch.ones(3),
        torch.ones(1, 1, 1),
        torch.tensor([[0.5, 0.5], [2.0, -1.0]]),  # logits whose sum happens to be 1
        torch.tensor([[0.5, 0.5], [0.25, 0.25]]),
        torch.tensor([[0.5, 0.5], [NAN, 0.5]]),
        torch.tensor([[0.5, 0.5], [INF, 0.5]]),
    ],
)
def test_what_is_no_distribution_is_refused(p):
    message = f"probabilities of shape {tuple(p.shape)}: give (N, C), each row from 0 to 1"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}.* softmax"):
        inception_score(p)


# Kernel distance.


@pytest.mark.filterwarnings("ignore")  # of memory
@sizes
def test_the_kernel_distance_is_torchmetrics(F):
    a, b = clouds(F, 1, 60, 60)
    theirs = KernelInceptionDistance(Features(F), subsets=1, subset_size=60).set_dtype(
        torch.float64
    )
    theirs.update(a, real=True)
    theirs.update(b, real=False)
    found = kernel_distance(a, b)
    assert type(found) is float
    assert found == pytest.approx(theirs.compute()[0].item(), rel=1e-9)
    assert found == pytest.approx(poly_mmd(a, b).item(), rel=1e-9)


@few
@given(widths, st.integers(2, 9), st.integers(2, 9), seeds)
def test_the_kernel_distance_is_the_mean_of_scikit_learns_kernel_over_pairs(F, n, m, seed):
    a, b = clouds(F, seed, n, m)
    k = polynomial_kernel(torch.cat([a, b]), degree=3, coef0=1)
    one, other = range(n), range(n, n + m)
    expected = np.mean([k[i, j] for i, j in itertools.permutations(one, 2)])
    expected += np.mean([k[i, j] for i, j in itertools.permutations(other, 2)])
    expected -= 2 * np.mean([k[i, j] for i in one for j in other])
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-12 * abs(k).max())


@few
@given(widths, seeds)
def test_the_kernel_distance_survives_rotation_and_order_but_no_shift(F, seed):
    a, b = clouds(F, seed)
    turn, shift, order = moved(F, seed)
    found = kernel_distance(a, b)
    expected = pytest.approx(found, rel=1e-8)
    assert kernel_distance(a @ turn, b @ turn) == expected
    assert kernel_distance(a[order], b.flip(0)) == expected
    assert kernel_distance(b, a) == expected
    assert kernel_distance(a + 9 * shift, b + 9 * shift) != pytest.approx(found, rel=1e-3)


def test_the_kernel_distance_of_one_distribution_is_0_in_the_mean_also_of_few():
    found = [kernel_distance(*normal(i, 7, 3).split([3, 4])) for i in range(2000)]
    mean, band = bands(*found)
    assert abs(mean) < band
    assert 0.3 < np.mean(np.array(found) < 0) < 0.8


def test_the_kernel_distance_of_small_samples_is_in_the_mean_that_of_the_distributions():
    """Of one feature, 3 Δ(E x)² + 3 Δ(E x²)² + Δ(E x³)², with moments (0, 1, 0), (½, 5/4, 13/8)."""
    found = [kernel_distance(x[:5], x[5:] + 0.5) for x in (normal(i, 9, 1) for i in range(5000))]
    mean, band = bands(*found)
    assert band < 3
    assert abs(mean - (3 / 4 + 3 / 16 + (13 / 8) ** 2)) < band


# Precision and recall.


def precision_by_loop(real, made, k):
    """Return the share of `made` within scikit-learn's radius of some of `real`."""
    real, made = (np.asarray(torch.as_tensor(x).double()) for x in (real, made))
    radii = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
    near = [
        any(math.sqrt(((x - y) ** 2).sum()) <= r for y, r in zip(real, radii, strict=True))
        for x in made
    ]
    return sum(near) / len(near)


@few
@given(widths, st.integers(1, 9), seeds)
def test_precision_and_recall_are_those_of_scikit_learns_neighbours(F, k, seed):
    real, made = clouds(F, seed, 10, 40)
    found = precision_recall(real, made, k)
    assert [type(x) for x in found] == [float, float]
    assert found == pytest.approx(
        (precision_by_loop(real, made, k), precision_by_loop(made, real, k))
    )
    assert found == pytest.approx(precision_recall(made, real, k)[::-1])


@given(grids, grids, st.integers(1, 3))
def test_a_ball_has_its_edge_and_twins_are_two(real, made, k):
    found = precision_recall(torch.tensor(real), torch.tensor(made), k)
    assert found == (precision_by_loop(real, made, k), precision_by_loop(made, real, k))


@few
@given(widths, seeds)
def test_precision_and_recall_survive_rotation_shift_and_order(F, seed):
    real, made = clouds(F, seed)
    turn, shift, order = moved(F, seed)
    expected = precision_recall(real, made)
    assert precision_recall(real @ turn + shift, made @ turn + shift) == expected
    assert precision_recall(real[order], made.flip(0)) == expected


@few
@given(widths, seeds, st.integers(4, 30))
def test_of_some_of_the_real_ones_all_are_precise(F, seed, n):
    real, _ = clouds(F, seed)
    precision, recall = precision_recall(real, real[:n])
    assert precision == 1
    assert recall >= n / 30
    assert precision_recall(real[:n], real) == (recall, precision)


def test_what_a_generator_leaves_out_costs_recall_and_what_it_invents_precision():
    here, there = normal(0, 100, 2), normal(1, 100, 2) + 100
    assert precision_recall(torch.cat([here, there]), here) == (1, 0.5)
    assert precision_recall(here, torch.cat([here, there])) == (0.5, 1)
    assert precision_recall(here, there) == (0, 0)


def test_a_wider_ball_takes_in_more_and_three_is_the_usual():
    real, made = clouds(4, 0)
    found = [precision_recall(real, made, k) for k in (1, 2, 3, 4, 29)]
    assert all(p < q and r < s for (p, r), (q, s) in itertools.pairwise(found))
    assert found[2] == precision_recall(real, made)


@pytest.mark.parametrize("far", [0, 1e5])
def test_samples_with_twins_are_near_themselves(far):
    """Whose radius is 0, so that no rounding may come between them and themselves."""
    for seed in range(20):
        twins = normal(seed, 1, 5).expand(40, 5) + far
        assert precision_recall(twins, twins[:20].clone()) == (1, 1)
        some = torch.cat([twins, normal(seed, 20, 5)])
        assert precision_recall(some, some.flip(0)) == (1, 1)


@pytest.mark.parametrize(("n", "m", "k"), [(9, 5, 5), (5, 9, 5), (9, 9, 0), (9, 9, -1), (2, 2, 3)])
def test_a_k_that_a_sample_has_not_is_refused(n, m, k):
    message = f"k={k} of {n} real and {m} made: give 1 to fewer than all"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        precision_recall(normal(0, n, 2), normal(1, m, 2), k)


def test_the_largest_k_is_one_fewer_than_all():
    assert precision_recall(normal(0, 5, 2), normal(1, 9, 2), 4)[0] > 0


@kinds
@pytest.mark.parametrize("measure", [kernel_distance, precision_recall, frechet_distance])
def test_features_of_any_kind_are_reckoned_in_double_precision(measure, kind):
    a, b = ((10 * x).to(kind) for x in clouds(4, 2))
    expected = measure(a.double(), b.double())
    assert measure(a, b) == expected
    if kind.is_floating_point:
        assert measure(a.requires_grad_(), b) == expected


@pytest.mark.parametrize("measure", [kernel_distance, precision_recall])
@pytest.mark.parametrize(
    ("a", "b"),
    [((4,), (4,)), ((4, 2), (2,)), ((4, 2), (4, 3)), ((1, 2), (4, 2)), ((4, 2), (0, 2))],
)
def test_features_that_are_none_are_refused(measure, a, b):
    message = f"features of shapes {a} and {b}: give (N, F) and (M, F), at least two of each"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        measure(torch.zeros(a), torch.zeros(b))


@pytest.mark.parametrize("measure", [kernel_distance, precision_recall])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_features_that_are_not_finite_are_refused(measure, value):
    good, bad = torch.zeros(5, 2), torch.zeros(5, 2)
    bad[3, 1] = value
    for pair in ((bad, good), (good, bad)):
        with pytest.raises(ValueError, match=r"^features with NaN or infinity: look for them in"):
            measure(*pair)


@pytest.mark.parametrize("measure", [kernel_distance, precision_recall, frechet_distance])
def test_features_that_are_all_alike_are_told(measure):
    a, _ = clouds(4, 0)
    for pair in ((a, a[:1].expand(9, 4)), (a[:1].expand(9, 4), a)):
        with pytest.warns(UserWarning, match="all alike"):
            measure(*pair)


@pytest.mark.parametrize("measure", [kernel_distance, precision_recall, frechet_distance])
def test_no_features_are_refused(measure):
    with pytest.raises(ValueError, match=r"^features of shapes \(5, 0\) and \(5, 0\)"):
        measure(torch.zeros(5, 0), torch.zeros(5, 0))


# Copies.


def copied_by_loop(made, train, held_out):
    """Return the share of `made` that scikit-learn finds nearer to `train`, ties for half."""

    def nearest(x):
        neighbours = NearestNeighbors(n_neighbors=1).fit(torch.as_tensor(x).numpy())
        return neighbours.kneighbors(torch.as_tensor(made).numpy())[0][:, 0]

    first, second = nearest(train).tolist(), nearest(held_out).tolist()
    pairs = list(zip(first, second, strict=True))
    return sum(1 if x < y else 0.5 if x == y else 0 for x, y in pairs) / len(pairs)


@few
@given(widths, seeds)
def test_copied_is_that_of_scikit_learns_neighbours(F, seed):
    train, made = clouds(F, seed, 60, 40)
    found = copied(made, *train.split(30))
    assert type(found) is float
    assert found == pytest.approx(copied_by_loop(made, *train.split(30)))
    assert copied(made, *train.split(30)[::-1]) == pytest.approx(1 - found)
    assert copied(made.float().requires_grad_(), *train.float().split(30)) == pytest.approx(found)


@given(grids, grids)
def test_ties_count_half(made, both):
    half = len(both) // 2
    train, held_out = both[:half], both[half : 2 * half]
    found = copied(*(torch.tensor(x) for x in (made, train, held_out)))
    assert found == pytest.approx(copied_by_loop(made, train, held_out))


@few
@given(widths, seeds)
def test_copied_survives_rotation_shift_and_order(F, seed):
    made, both = clouds(F, seed, 30, 60)
    turn, shift, order = moved(F, seed)
    train, held_out = both.split(30)
    expected = copied(made, train, held_out)
    assert copied(*(x @ turn + shift for x in (made, train, held_out))) == expected
    assert copied(made[order], train.flip(0), held_out[order]) == expected


def test_copies_are_copied_and_pictures_held_out_are_not():
    train, held_out = normal(0, 2, 40, 1, 6, 6)
    assert copied(train, train, held_out) == 1
    assert copied(held_out, train, held_out) == 0
    assert copied(torch.cat([train[:10], held_out[:30]]), train, held_out) == 0.25
    assert copied(train + 0.01 * normal(1, *train.shape), train, held_out) == 1


def test_new_things_are_as_near_to_the_one_as_to_the_other():
    """Also more of them than are compared at once."""
    train, held_out, made = normal(3, 4000, 3).split([1000, 1000, 2000])
    assert copied(made, train, held_out) == pytest.approx(0.5, abs=0.06)
    nearer = [(x - train).norm(dim=1).min() < (x - held_out).norm(dim=1).min() for x in made]
    assert copied(made, train, held_out) == sum(nearer).item() / 2000


@pytest.mark.parametrize("far", [0, 1e5])
def test_what_is_in_both_samples_is_a_tie_however_they_are_ordered(far):
    train, new = torch.rand(2, 103, 1, 28, 28, generator=seeded(), dtype=torch.float64) + far
    for seed in range(5):
        held_out = train[torch.randperm(103, generator=seeded(seed))]
        assert copied(train, train, held_out) == copied(new, train, held_out) == 0.5


@pytest.mark.parametrize(
    "shapes",
    [
        [(5, 2), (4, 2), (3, 2)],
        [(5, 2), (4, 2), (4, 3)],
        [(5, 3), (4, 2), (4, 2)],
        [(0, 2), (4, 2), (4, 2)],
        [(5, 1, 4), (4, 2, 2), (4, 2, 2)],
        [(4,), (4, 2), (4, 2)],
        [(5, 2), (0, 2), (0, 2)],
        [(5,), (4,), (4,)],
    ],
)
def test_samples_that_are_not_alike_are_refused(shapes):
    message = ", ".join(map(str, shapes))
    with pytest.raises(ValueError, match=f"^shapes {re.escape(message)}: give made "):
        copied(*map(torch.zeros, shapes))


@pytest.mark.parametrize("which", range(3))
def test_samples_with_nan_are_refused(which):
    samples = [normal(i, 5, 2) for i in range(3)]
    samples[which][1, 1] = NAN
    with pytest.raises(ValueError, match="NaN"):
        copied(*samples)


# Intervals.


def test_a_bootstrap_draws_whole_rows_with_replacement():
    values, seen = torch.arange(20).reshape(10, 2), []

    def statistic(rows):
        seen.append(rows)
        return rows[:, 0].double().sqrt().mean()

    low, high = bootstrap_interval(values, statistic, generator=seeded())
    assert {tuple(rows.shape) for rows in seen} == {(10, 2)}
    rows = torch.stack(seen)
    assert (rows[..., 1] == rows[..., 0] + 1).all()
    assert rows.dtype == values.dtype
    counts = rows[..., 0].flatten().bincount(minlength=19)[::2]  # each row is as likely
    assert stats.chisquare(counts.numpy()).pvalue > 0.001
    places = rows[:, :, 0].double()
    assert abs(np.corrcoef(places.T)[~np.eye(10, dtype=bool)]).max() < 0.15
    found = np.array([part[:, 0].double().sqrt().mean() for part in seen])
    assert len(found) == 1000
    assert (low, high) == pytest.approx(np.quantile(found, [0.025, 0.975]), rel=1e-12)
    assert type(low) is type(high) is float


@pytest.mark.parametrize("statistic", [torch.mean, torch.std])
def test_a_bootstrap_gives_scipys_percentiles(statistic):
    values = normal(0, 80).exp()
    found = bootstrap_interval(values, statistic, 4000, seeded())
    theirs = stats.bootstrap(
        [values.numpy()],
        lambda x: statistic(torch.tensor(x)).item(),
        n_resamples=4000,
        vectorized=False,
        method="percentile",
        random_state=0,
    )
    assert found == pytest.approx(
        tuple(theirs.confidence_interval), abs=0.2 * theirs.standard_error
    )


def test_a_bootstrap_covers_the_mean_in_95_of_100_samples():
    spans = [bootstrap_interval(normal(i, 50), torch.mean, 200, seeded(i)) for i in range(400)]
    assert 0.91 < np.mean([low < 0 < high for low, high in spans]) < 0.98
    for side in np.array(spans).T:  # as often missed on either side
        assert 0.005 < np.mean(side > 0 if side.mean() < 0 else side < 0) < 0.06
    widths = [high - low for low, high in spans]
    assert np.mean(widths) == pytest.approx(2 * 1.96 / math.sqrt(50), rel=0.05)


def test_a_bootstrap_repeats_with_its_generator():
    values = normal(0, 30)
    state = torch.get_rng_state()
    first = bootstrap_interval(values, torch.mean, 50, seeded(1))
    assert bootstrap_interval(values, torch.mean, 50, seeded(1)) == first
    assert bootstrap_interval(values, torch.mean, 50, seeded(2)) != first
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert bootstrap_interval(values, torch.mean, 50) == first


def test_a_statistic_keeps_its_precision():
    assert bootstrap_interval(torch.ones(2), lambda rows: 0.1, 3) == (0.1, 0.1)
    assert bootstrap_interval(torch.ones(2), lambda rows: torch.tensor(2), 3) == (2, 2)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_a_bootstrap_of_a_distance_does_not_even_hold_the_distance(distance):
    """Drawn with replacement, features have twins: fewer of them are new, and twins are alike."""
    both = torch.stack([normal(1, 300, 16), normal(2, 300, 16)], 1)
    low, _ = bootstrap_interval(both, lambda x: distance(x[:, 0], x[:, 1]), 200, seeded())
    assert distance(both[:, 0], both[:, 1]) < low


@pytest.mark.parametrize("n", [0, 1])
def test_a_bootstrap_of_one_value_is_refused(n):
    message = f"{n} value: a bootstrap needs at least two to draw from"
    with pytest.raises(ValueError, match=f"^{message}$"):
        bootstrap_interval(torch.zeros(n), torch.mean)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_scipys(trials):
    hits, n = trials
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson_interval(hits, n)
    assert found == pytest.approx((theirs.low, theirs.high), rel=1e-7, abs=1e-15)
    low, high = wilson_interval(n - hits, n)
    assert (1 - high, 1 - low) == pytest.approx(found, abs=1e-12)


def test_a_wilson_interval_never_leaves_0_to_1_and_has_the_share_in_it():
    for n in range(1, 200):
        for hits in range(n + 1):
            low, high = wilson_interval(hits, n)
            assert 0 <= low < high <= 1
            assert low - 1e-15 < hits / n < high + 1e-15


@pytest.mark.parametrize(("hits", "n"), [(4, 3), (-1, 3), (0, 0), (1, 0), (NAN, 3), (0, -1)])
def test_hits_of_no_trials_are_refused(hits, n):
    message = f"{hits} hits of {n}: give at least one trial, and hits from 0 to {n}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        wilson_interval(hits, n)


@pytest.mark.parametrize("seed", range(3))
def test_memorised_is_the_statistic_of_mann_and_whitney(seed):
    made, train, held_out = (normal(10 * seed + i, n, 3) for i, n in enumerate((40, 60, 50)))
    near = [[(x - train).norm(dim=1).min().item() for x in part] for part in (made, held_out)]
    expected = 1 - stats.mannwhitneyu(*near).statistic / (40 * 50)
    assert memorised(made, train, held_out) == pytest.approx(expected, abs=1e-12)


def test_copies_are_memorised_and_new_things_are_not():
    train, held_out, new, far = (normal(seed, 400, 4) for seed in range(4))
    assert memorised(train[:50], train, held_out) == 1
    assert memorised(held_out, train, held_out) == 0.5
    assert memorised(new, train, held_out) == pytest.approx(0.5, abs=0.06)
    assert memorised(far + 100, train, held_out) == 0


def test_memorised_refuses_nan():
    a, b = normal(0, 5, 2), normal(1, 5, 2)
    with pytest.raises(ValueError, match="NaN or infinity"):
        memorised(a * math.nan, a, b)
