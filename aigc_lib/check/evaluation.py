"""The exercises of lesson 10, each judged against loops over plain numbers."""

import copy
import math
from itertools import product

import numpy as np
import torch
from torch import nn

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended, normal


def _tensor(numbers) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def _number(answer):
    """Return one number as a float, whatever its type; anything else as it is.

    For shares of 8 or 64, which every type of float holds exactly.
    """
    if isinstance(answer, (int, float)) or getattr(answer, "ndim", None) == 0:
        return float(answer.detach() if torch.is_tensor(answer) else answer)
    return answer


@exercise
def bits_per_dimension(fn: Attempt) -> None:
    """The mean of nats/(dims · ln 2) by a loop; then with densities above 1."""
    below = "A density may be above 1, and then −log p is below 0: no clamp, no absolute value."
    for numbers, dims, hint in (
        ([3.1, 7.4, 5.0, 2.2], 6, "The mean of nats/(dims · ln 2)."),
        ([-4.0, 2.5, -9.1], 5, below),
    ):
        B, ln2 = len(numbers), math.log(2)
        each = [x / (dims * ln2) for x in numbers]
        right, mean = sum(each) / B, sum(numbers) / B
        whole = "These are bits for the whole picture: divide by dims."
        mistakes = [
            (mean / dims, "These are nats per dimension: a bit is ln 2 nats, so divide by ln 2."),
            (
                mean * ln2 / dims,
                "A bit is fewer nats than 1, so there are more bits: divide by it.",
            ),
            (mean / dims / math.log(10), "Divide by ln 2, the natural logarithm of 2: not ln 10."),
            (mean / dims / math.log10(2), "`log10` is not the natural logarithm: `math.log(2)`."),
            (mean / dims / 2, "Divide by ln 2, about 0.693, not by 2."),
            (mean / ln2, whole),
            (mean * dims / ln2, f"{whole} Here they are multiplied by it."),
            (mean, "Divide by dims and by ln 2: these are nats for the whole picture."),
            (B * right, "Take the mean over the pictures: this is the sum."),
            (right / B, "Divide by the number of pictures once: `mean` has done it."),
            (sum(map(abs, each)) / B, below),
            (abs(right), below),
            (sum(max(x, 0.0) for x in each) / B, below),
            (max(right, 0.0), below),
            (-right, "The sign: you are given −log p already."),
            (math.exp(mean / dims), "No power of 2 or e: bits are asked, the logarithm itself."),
            (each, "One number: take the mean over the pictures."),
        ]
        if min(numbers) > 0:
            logs = "The logarithm is taken already: nats become bits by a division by ln 2."
            mistakes += [
                (sum(map(math.log2, numbers)) / B / dims, logs),
                (math.log2(mean) / dims, logs),
                (math.log2(mean / dims), logs),
                (sum(-math.log2(x) for x in numbers) / B / dims, logs),
            ]
        what = f"the bits per dimension of {B} pictures with {dims} pixels"
        expect(fn(_tensor(numbers), dims), right, what, mistakes, hint)


def _kl(p, q) -> float:
    """Return KL(p ‖ q) in nats, over the places where both have something."""
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a and b)


def _entropy(p) -> float:
    return -sum(a * math.log(a) for a in p if a)


@exercise
def inception_score(fn: Attempt) -> None:
    """KL of each row and the mean row by a loop; without zeros, with them, with an unseen class."""
    formula = "exp of the mean over the pictures of Σ p(y|x) log (p(y|x)/p(y))."
    limit = (
        "0 · log 0 counts as 0: `torch.xlogy(a, b)` is a log b and knows that. A class that no "
        "picture has makes p(y|x)/p(y) = 0/0, NaN for xlogy as well: take log p(y|x) − log p(y), "
        "two xlogy, which divides nothing."
    )
    for what, rows, hint in (
        ("no zeros", [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1]], formula),
        ("zeros", [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 0.3, 0.7]], limit),
        ("a class that no picture has", [[0.9, 0.1, 0, 0], [0, 0.25, 0.75, 0]], limit),
    ):
        N, C = len(rows), len(rows[0])
        marginal = [sum(column) / N for column in zip(*rows, strict=True)]
        each = [_kl(row, marginal) for row in rows]
        mean = sum(each) / N
        right = math.exp(mean)
        entropies = sum(map(_entropy, rows)) / N
        soft = [[math.exp(a) / sum(map(math.exp, row)) for a in row] for row in rows]
        of_soft = [sum(column) / N for column in zip(*soft, strict=True)]
        quotients = [
            sum(a * a / m for a, m in zip(row, marginal, strict=True) if m) for row in rows
        ]
        other = sum(_kl(marginal, row) for row in rows) / N
        mistakes = [
            (mean, "The exp is missing: this is the mean KL in nats."),
            (mean / math.log(2), "The exp is missing, and take natural logarithms: this is bits."),
            (
                math.exp(mean / math.log(2)),
                "Natural logarithms belong to exp: these are of base 2.",
            ),
            (2**mean, "e to the mean of natural logarithms, not 2 to it."),
            (math.exp(N * mean), "Take the mean over the pictures: this is the sum."),
            (
                math.exp(mean / C),
                "KL is the *sum* over the classes, and then comes the mean over the pictures.",
            ),
            (sum(map(math.exp, each)) / N, "First the mean of the KLs, then the exp of it."),
            (sum(map(math.exp, each)), "First the mean of the KLs, then one exp."),
            (1 / right, "The sign: a KL is never below 0, so the score is 1 at least."),
            (-right, "The sign: the score is 1 at least."),
            (
                C * math.exp(-entropies),
                "p(y) is the mean over the pictures, dimension 0. Over the classes, dimension 1, "
                "it is 1/C for each.",
            ),
            (right / N, "p(y) is the mean of the rows, not their sum."),
            (
                math.exp(other),
                "The other way round: KL(p(y|x) ‖ p(y)) weighs with p(y|x), not with p(y).",
            ),
            (
                math.exp(-other),
                "KL(p(y|x) ‖ p(y)) weighs each logarithm with p(y|x): this does it with p(y).",
            ),
            (math.exp(_entropy(marginal)), "This is of p(y) alone: log p(y|x) is missing."),
            (math.exp(-entropies), "This is of p(y|x) alone: log p(y) is missing."),
            (math.exp(entropies), "This is of p(y|x) alone: log p(y) is missing."),
            (math.exp(sum(quotients) / N), "The logarithm is missing."),
            (
                math.exp(sum(_kl(row, of_soft) for row in soft) / N),
                "These are probabilities already: no softmax.",
            ),
            (each, "One number: take the mean over the pictures, then exp."),
            ([math.exp(kl) for kl in each], "One number: the mean over the pictures, then exp."),
            (rows, "Add up over the classes, take the mean over the pictures, then exp."),
        ]
        if all(map(all, rows)):
            logs = [
                sum(math.log(a / m) for a, m in zip(row, marginal, strict=True)) for row in rows
            ]
            mistakes += [
                (math.exp(sum(logs) / n), "Each logarithm is weighed with its p(y|x).")
                for n in (N, N * C)
            ]
        for e in (10.0**-k for k in range(1, 9)):
            for above, ratio in product((0, e), (0, e)):
                wrong = sum(
                    a * math.log((a + above) / (m + e) + ratio)
                    for row in rows
                    for a, m in zip(row, marginal, strict=True)
                    if a
                )
                mistakes.append((math.exp(wrong / N), "Without an ε: it moves the value."))
        expect(fn(_tensor(rows)), right, f"the score with {what}", mistakes, hint)


def _root(A: np.ndarray) -> np.ndarray:
    """Return A^½ by the iteration of Denman and Beavers, which knows no eigenvalues."""
    Y, Z = A, np.eye(len(A))
    for _ in range(50):
        Y, Z = (Y + np.linalg.inv(Z)) / 2, (Z + np.linalg.inv(Y)) / 2
    return Y


@exercise
def frechet_gaussians(fn: Attempt) -> None:
    """The root by an iteration; on a line, for independent features, and for any two matrices."""
    first, second = normal(4, 3, seed=1).numpy(), normal(4, 3, seed=2).numpy()
    line = "On a line it is (μ − ν)² + (σ − τ)², σ² and τ² the variances."
    formula = (
        "‖μ − ν‖² + tr(S + T) − 2 Σ √λ, the sum over the eigenvalues λ of S @ T, which is not "
        "symmetric: `torch.linalg.eigvals`."
    )
    for what, mu, S, nu, T, hint in (
        ("on a line", [1.5], [[4.0]], [-0.7], [[2.25]], line),
        (
            "with independent features",
            [1.0, 0.2, -0.5],
            np.diag([4.0, 1.0, 0.25]),
            [0.0, 1.0, 0.4],
            np.diag([1.0, 9.0, 2.25]),
            formula,
        ),
        (
            "with features that are correlated",
            [0.3, -1.0, 0.8],
            first.T @ first + 0.1 * np.eye(3),
            [-0.4, 0.1, 0.2],
            second.T @ second + 0.1 * np.eye(3),
            formula,
        ),
    ):
        mu, S, nu, T = map(np.array, (mu, S, nu, T))
        n, ST, spread = len(mu), S @ T, S.trace() + T.trace()
        way, root = ((mu - nu) ** 2).sum(), _root(ST)
        trace = root.trace()
        right = way + spread - 2 * trace

        def with_root(wrong, rest=way + spread) -> float:
            return rest - 2 * wrong

        lower = np.linalg.eigvalsh(ST)
        matrix = "The root of each entry is not the root of the matrix: R with R @ R = S @ T."
        symmetric = (
            "`eigvalsh` takes its matrix for symmetric, and S @ T is not: `torch.linalg.eigvals`."
        )
        mistakes = [
            (with_root(ST.trace()), "The root is missing: the sum of √λ, not of λ."),
            (with_root(trace / 2), "The root counts twice: − 2 (ST)^½."),
            (with_root(-trace), "The sign: − 2 (ST)^½."),
            (way + spread, "The term − 2 (ST)^½ is missing."),
            (
                with_root(trace, math.sqrt(way) + spread),
                "‖μ − ν‖² is the square of the length: this is the length.",
            ),
            (with_root(trace, way / n + spread), "‖μ − ν‖² is the sum of squares, not the mean."),
            (
                with_root(trace, (mu - nu).sum() ** 2 + spread),
                "Square first, then add up: ‖μ − ν‖² = Σ (μ − ν)².",
            ),
            (with_root(trace, ((mu + nu) ** 2).sum() + spread), "The difference μ − ν, no sum."),
            (way, "The part of the covariances is missing."),
            (spread - 2 * trace, "The part of the means is missing: ‖μ − ν‖²."),
            (with_root(trace, way + S.trace()), "T is missing in tr(S + T)."),
            (with_root(trace, way + T.trace()), "S is missing in tr(S + T)."),
            (with_root(np.sqrt(np.diag(ST)).sum()), matrix),
            (
                with_root((_root(S) @ _root(T)).trace()),
                "S^½T^½ is not (ST)^½, unless ST = TS: take the eigenvalues of S @ T.",
            ),
            (
                with_root(math.sqrt(ST.trace())),
                "First the roots, then the sum: this is the root of the trace.",
            ),
            (
                with_root(np.sqrt(np.linalg.eigvalsh(S * T)).sum()),
                "`S * T` multiplies entry by entry: the product of matrices is `S @ T`.",
            ),
            (
                with_root(np.sqrt(np.diag(S) * np.diag(T)).sum()),
                "These are the variances alone: the covariances beside them count, too. The "
                "product of matrices is `S @ T`.",
            ),
            (
                with_root(np.sqrt(np.linalg.svd(ST)[1]).sum()),
                "Singular values of S @ T are not its eigenvalues: it is not symmetric.",
            ),
            (with_root(np.sqrt(lower.clip(0)).sum()), symmetric),
            (with_root(np.sqrt(abs(lower)).sum()), symmetric),
            (with_root(math.sqrt(np.linalg.det(ST))), "The sum of √λ, not their product."),
            (with_root(trace / n), "The sum of √λ, not their mean."),
            (
                (way + spread - 2 * trace) / n,
                "A trace is a sum: nothing is divided by the number of features.",
            ),
            (
                way + (S + T - 2 * root).sum(),
                "The trace is the sum of the diagonal, `.trace()`: this is that of all entries.",
            ),
            (way + ((S - T) ** 2).sum(), "The covariances are compared by tr(S + T − 2(ST)^½)."),
            (math.sqrt(right), "No root of the whole: it is a squared distance."),
            (right / 2, "No one-half."),
            (-right, "The sign: a distance is not below 0."),
            (S, "One number: the trace, `.trace()`, is the sum of the diagonal."),
            (mu, "One number: add up over the features."),
        ]
        given = [torch.from_numpy(x.copy()) for x in (mu, S, nu, T)]
        answer = fn(*given)
        if torch.is_tensor(answer) and answer.is_complex():
            raise Wrong(
                f"the distance {what} is a complex number: `eigvals` returns such, as a matrix may "
                "have them. Here their imaginary part is 0: `.real`."
            )
        expect(answer, right, f"the distance {what}", mistakes, hint)


def _dot(x, y) -> float:
    return sum(p * q for p, q in zip(x, y, strict=True))


def _by(number: float):
    """Return the kernel (x·y/number + 1)³."""
    return lambda x, y: (_dot(x, y) / number + 1) ** 3


def _over_pairs(k, x, y, without=False) -> float:
    """Return the mean of k over all pairs of x and y, or without those of one place."""
    pairs = product(range(len(x)), range(len(y)))
    values = [k(x[i], y[j]) for i, j in pairs if i != j or not without]
    return sum(values) / len(values)


@exercise
def kernel_distance(fn: Attempt) -> None:
    """The mean of k over pairs, by loops; then of two samples so alike that it is below 0."""
    same, near = normal(4, 2, seed=2).tolist(), normal(5, 2, seed=3).tolist()
    below = "It may be below 0, by chance: no clamp, no absolute value."
    for a, b, hint in (
        (
            [[1.2, -0.3, 0.8], [0.1, 0.9, -1.1], [-0.6, 0.4, 1.5], [2.0, 0.2, -0.7]],
            [[1.5, 2.0, 0.4], [-1.2, 1.3, 0.6], [2.1, 1.7, -0.2], [1.8, -0.9, 2.1], [2, 1, 1.4]],
            "The mean of k over the pairs within a, plus that within b, minus 2 of the mean of k "
            "over the pairs of a and b.",
        ),
        (same, near, below),
    ):
        N, M, n = len(a), len(b), len(a[0])

        kernels = (
            (_by(n), ""),
            (_by(1), "k has x·y/n: divided by the number of features."),
            (lambda x, y, n=n: (_dot(x, y) / n) ** 3, "The + 1 of k is missing, in the bracket."),
            (lambda x, y: _dot(x, y) ** 3, "The + 1 of k is missing, and the /n."),
            (lambda x, y, n=n: (_dot(x, y) / n + 1) ** 2, "The power of k is 3."),
            (lambda x, y, n=n: _dot(x, y) / n + 1, "The power of k, 3, is missing."),
            (lambda x, y, n=n: ((_dot(x, y) + 1) / n) ** 3, "x·y/n + 1: the 1 is not divided."),
            (_by(n**0.5), "x·y/n: not divided by √n."),
        )
        withins = (
            (lambda k, x: _over_pairs(k, x, x, True), ""),
            (
                lambda k, x: _over_pairs(k, x, x),
                "Within one sample leave out the pairs of a thing with itself, the diagonal.",
            ),
            (
                lambda k, x: _over_pairs(k, x, x, True) * (len(x) - 1) / len(x),
                "Without the diagonal there are N(N − 1) pairs, not N².",
            ),
            (
                lambda k, x: _over_pairs(k, x, x) * len(x) / (len(x) - 1),
                "The number of pairs, N(N − 1), is right, but the diagonal is still in the sum.",
            ),
            (
                lambda k, x: _over_pairs(k, x, x, True) / 2,
                "Each pair within a sample counts once here, so there are N(N − 1)/2 of them.",
            ),
        )
        twice = (
            (2, ""),
            (1, "The mean over the pairs of a and b counts twice: − 2."),
            (-2, "The sign: − 2 of the mean over the pairs of a and b."),
            (2 * N * M, "Take the mean over the pairs of a and b: this is the sum."),
        )
        products, alike = [], "This leaves out some pairs of a and b: all NM of them count."
        for (k, of_k), (within, of_within), (factor, of_factor) in product(kernels, withins, twice):
            value = within(k, a) + within(k, b) - factor * _over_pairs(k, a, b)
            products.append((value, " ".join(filter(None, (of_k, of_within, of_factor)))))
        right, k = products.pop(0)[0], kernels[0][0]
        within_a, within_b, across = withins[0][0](k, a), withins[0][0](k, b), _over_pairs(k, a, b)
        others = N * M * across - sum(k(x, y) for x, y in zip(a, b, strict=False))
        counts = N * (N - 1), M * (M - 1), N * (M - 1), M * (N - 1), N * M, N * M - N
        mistakes = [
            *(((abs(right), below), (0.0, below)) if right < 0 else ()),
            (right / 2, "No one-half."),
            (-right, "The sign: it is large where the samples differ."),
            *products,
            (
                _over_pairs(_by(N), a, a, True)
                + _over_pairs(_by(M), b, b, True)
                - 2 * _over_pairs(_by(N), a, b),
                "n is the number of features, `x.shape[1]`, not of rows.",
            ),
            *((within_a + within_b - 2 * others / count, alike) for count in counts),
            (within_a - 2 * across, "The pairs within b are missing."),
            (within_b - 2 * across, "The pairs within a are missing."),
            (within_a + within_b, "The pairs of a and b are missing."),
            (math.sqrt(abs(right)), "No root: it is the squared distance."),
            (a, "One number: take the mean over the pairs."),
            ([0.0] * N, "One number: take the mean over the pairs."),
            ([[0.0] * N] * N, "One number: take the mean over the pairs."),
            ([[0.0] * M] * N, "One number: take the mean over the pairs."),
        ]
        what = f"the distance of {N} and {M} things of {n} features"
        expect(fn(_tensor(a), _tensor(b)), right, what, mistakes, hint)


def _radii(of, k: int, among=None) -> list[float]:
    """Return how far the k-th nearest of `among` is from each; of the others if that is None."""
    return [
        sorted(math.dist(x, y) for j, y in enumerate(among or of) if among or j != i)[k - 1]
        for i, x in enumerate(of)
    ]


def _inside(of, centres, radii) -> list[bool]:
    """Say of each whether it is within the ball of any centre."""
    return [any(math.dist(x, c) <= r for c, r in zip(centres, radii, strict=True)) for x in of]


@exercise
def precision(fn: Attempt) -> None:
    """All distances by a loop; then with ties, with twins, and far from all things."""
    plain = "The share of made that are in the ball of any real one."
    # with these seeds no two mistakes give the same share at k = 3
    cloud = normal(16, 2, seed=8060).tolist(), (1.6 * normal(64, 2, seed=5060)).tolist()
    lonely = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [10.0, 0.0]]
    around = [[3.0, 0.0], [4.0, 1.0], [2.5, 0.5], [0.5, 0.5], [-4.0, 0.0], [0, 20], [1, 8], [19, 1]]
    line = [[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [8.0, 0.0]]
    edge = [[12.0, 0.0], [0.0, 2.0], [2.0, 2.0], [8.0, 4.0], [-2.0, 0], [-3.0, 0], [9, 9], [-9, 0]]
    twins = [[0.0, 0.0], [0.0, 0.0], [5.0, 0.0], [6.0, 0.0]]
    spots = [[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [5.5, 0.0], [7, 0.5], [0, 4], [9, 0], [-1, 0]]
    for what, real, made, k, hint in (
        ("two clouds, k = 3", *cloud, 3, plain),
        ("two clouds, k = 1", *cloud, 1, plain),
        (
            "a real thing far from the others",
            lonely,
            around,
            1,
            "Its ball is large: it holds made things that are nearer to another real one.",
        ),
        ("made things on the very edge of a ball", line, edge, 1, "Within is a distance ≤ radius."),
        (
            "a real thing that is there twice",
            twins,
            spots,
            1,
            "Leave a thing itself out by its place, not by its distance of 0: its twin is at 0 as "
            "well, and is another.",
        ),
        ("made things far off", cloud[0], [[99.0, i] for i in range(8)], 3, "Here all are far."),
    ):
        N, M = len(real), len(made)
        radii = _radii(real, k)
        hits = _inside(made, real, radii)
        right = sum(hits) / M

        def share(centres, radii, of=made, M=M) -> float:
            return sum(_inside(of, centres, radii)) / M

        nearest = [min(range(N), key=lambda i, x=x: math.dist(x, real[i])) for x in made]
        itself = "Each is its own nearest, at distance 0: the k-th nearest *other* is asked."
        mistakes = [
            (sum(hits), "This is their number: divide by how many are made."),
            (sum(hits) / N, "The share of the made things: divide by M, not by N."),
            (1 - right, "This is the share of those that are in no ball."),
            (share(real, _radii(real, k, among=real)), itself),
            (share(real, _radii(real, min(k + 1, N - 1))), "This is the (k + 1)-th nearest other."),
            (
                sum(
                    all(math.dist(x, c) <= r for c, r in zip(real, radii, strict=True))
                    for x in made
                )
                / M,
                "In *any* of the balls, not in all.",
            ),
            (
                sum(math.dist(x, real[i]) <= radii[i] for x, i in zip(made, nearest, strict=True))
                / M,
                "Not only the ball of the nearest real one: the ball of another, farther off, may "
                "be large enough.",
            ),
            (
                sum(_inside(real, made, _radii(made, k))) / N,
                "real and made are exchanged: this is the recall.",
            ),
            (
                sum(
                    any(math.dist(c, x) <= r for x in made)
                    for c, r in zip(real, radii, strict=True)
                )
                / N,
                "This is the share of real ones whose ball holds a made one: `any` over the real "
                "ones is `any(0)` of a table with a row for each real one.",
            ),
            (
                share(real, _radii(real, k, among=made)),
                "The ball reaches to the k-th nearest other *real* one, not to a made one.",
            ),
            (share(real, [max(radii)] * N), "Each real one has its own radius, not the largest."),
            (share(real, [min(radii)] * N), "Each real one has its own radius, not the least."),
            (share(real, [sum(radii) / N] * N), "Each real one has its own radius, no mean."),
            (
                share(
                    real, [sum(_radii(real, j)[i] for j in range(1, k + 1)) / k for i in range(N)]
                ),
                "The k-th nearest, not the mean of the k nearest.",
            ),
            (
                share(real, [max(math.dist(x, y) for y in real) for x in real]),
                "The k-th *nearest*.",
            ),
            (share(real, [r**2 for r in radii]), "Compare distance with distance: one is squared."),
            (
                share(real, [r**0.5 for r in radii]),
                "Compare distance with distance: one is squared.",
            ),
            (share(real, [2 * r for r in radii]), "The radius is not doubled."),
            (share(real, [r / 2 for r in radii]), "The radius is not halved."),
            (
                sum(
                    any(math.dist(x, c) < r for c, r in zip(real, radii, strict=True)) for x in made
                )
                / M,
                "Within is ≤: on the edge is in.",
            ),
            ([0.0] * M, "One number: the share of the made things, `.double().mean()`."),
            ([0.0] * N, "One number: the share of the made things, `.double().mean()`."),
            (
                [[0.0] * M] * N,
                "In any of the balls, `any`, and then the share, `.double().mean()`.",
            ),
            (
                [[0.0] * N] * M,
                "In any of the balls, `any`, and then the share, `.double().mean()`.",
            ),
        ]
        answer = _number(fn(_tensor(real), _tensor(made), k))
        known = mistakes if hint is plain else ()  # whoever comes farther has made none of them
        expect(answer, right, f"the precision with {what}", known, hint)


@exercise
def copied_share(fn: Attempt) -> None:
    """The nearest of both samples by a loop; then with ties, and with copies."""
    # with these seeds no two mistakes give the same share
    clouds = [
        normal(size, 3, seed=s).tolist() for size, s in ((64, 25014), (16, 26014), (16, 27014))
    ]
    ties = (
        [[0.0, 0.0], [9.0, 9.0], [1.0, 0.0], [20.0, 0.0], [0.0, 1.0], [0, -30], [0, -9], [12, 0]],
        [[3.0, 4.0], [10.0, 9.0], [19.0, 0.0]],
        [[0.0, 5.0], [8.0, 9.0], [0.0, -20.0]],
    )
    plain = "Compare the nearest of train with the nearest of held_out."
    half = "Where both nearest are equally far, it counts half."
    for what, made, train, held_out, hint in (
        ("three clouds", *clouds, plain),
        ("ties", *ties, half),
        ("copies alone", clouds[1], *clouds[1:], "A copy's nearest is at 0."),
    ):
        M, N = len(made), len(train)

        def nearest(among, dist=math.dist, of=made) -> list[float]:
            return [min(dist(x, y) for y in among) for x in of]

        def share(first, second, tie=0.5) -> float:
            pairs = zip(first, second, strict=True)
            return sum((a < b) + tie * (a == b) for a, b in pairs) / len(first)

        def mean(of) -> list[float]:
            return [sum(column) / len(of) for column in zip(*of, strict=True)]

        first, second = nearest(train), nearest(held_out)
        right = share(first, second)
        root = "The distance is the root of the sum of the squares over the features."
        others = [
            [sum(math.dist(x, y) for y in among) / N for x in made] for among in (train, held_out)
        ]
        backward = [nearest(made, of=among) for among in (train, held_out)]
        single = [[math.dist(x, mean(among)) for x in made] for among in (train, held_out)]
        far = [[max(math.dist(x, y) for y in among) for x in made] for among in (train, held_out)]
        pairs = [
            math.dist(x, y) < math.dist(x, z)
            for x in made
            for y, z in zip(train, held_out, strict=True)
        ]
        mistakes = [
            (1 - right, "The share that is nearer to *train*: this is that of held_out."),
            (sum(pairs) / len(pairs), "Take the nearest, `min(1)`, before you compare."),
            (M * right, "This is their number: divide by how many are made."),
            (share(*others), "The *nearest* of each sample, not the mean over it."),
            (share(*single), "The *nearest* of each sample, not the distance to its mean."),
            (share(*far), "The *nearest*, the least distance: this is the farthest."),
            (
                share(*backward),
                "The nearest of train for each made thing, not the nearest made thing for each of "
                "train: `cdist(made, train)` has a row for each made thing, so `min(1)`.",
            ),
        ]
        for name, dist in (
            ("|·|", lambda x, y: sum(abs(p - q) for p, q in zip(x, y, strict=True))),
            ("the largest", lambda x, y: max(abs(p - q) for p, q in zip(x, y, strict=True))),
            ("a product", lambda x, y: -sum(p * q for p, q in zip(x, y, strict=True))),
            ("the first feature", lambda x, y: abs(x[0] - y[0])),
        ):
            pair = nearest(train, dist), nearest(held_out, dist)
            mistakes += [(share(*pair, tie), f"{root} Here it is {name}.") for tie in (0.5, 0, 1)]
        mistakes += [
            (sum(first) / M, "A share: how often the nearest of train is nearer."),
            (sum(first) / sum(second), "A share: how often the nearest of train is nearer."),
            ([0.0] * M, "One number: the mean over the made things."),
            ([0.0] * N, "One number, over the made things: `cdist(made, train).min(1)`."),
            ([[0.0] * N] * M, "Take the nearest, `min(1)`, before you compare."),
        ]
        try:
            answer = _number(fn(*map(_tensor, (made, train, held_out))))
        except Wrong as wrong:  # of two pairs that are compared as tuples
            if "ask for one truth" in str(wrong):
                both = "`min(1)` returns two tensors, what and where: `.min(1).values`."
                raise Wrong(f"{wrong} {both}") from None
            raise
        known = mistakes
        if hint is not plain:  # whoever comes here has made none of them
            known = [
                (share(first, second, 0), f"{half} Here it counts nothing."),
                (share(first, second, 1), f"{half} Here it counts whole."),
            ]
        expect(answer, right, f"the share with {what}", known, hint)


def _quantile(values, share: float, cut=None) -> float:
    """Return the quantile between two neighbours in order; at the one that `cut` chooses."""
    low, place = sorted(values), share * (len(values) - 1)
    if cut:
        return low[cut(place)]
    left = min(int(place), len(values) - 2)
    return low[left] + (place - left) * (low[left + 1] - low[left])


@exercise
def mean_interval(fn: Attempt) -> None:
    """The mean of each draw by a loop, put in order."""
    for N, draws, seed in ((6, 43, 0), (5, 9, 1)):
        values = (normal(N, seed=seed) + 2).tolist()
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(N, (draws, N), generator=generator).tolist()
        drawn = [[values[i] for i in row] for row in rows]
        means = [sum(row) / N for row in drawn]

        def interval(of, low=0.025, high=0.975, cut=None) -> list[float]:
            return [_quantile(of, low, cut), _quantile(of, high, cut)]

        right = interval(means)
        middle, found = sum(values) / N, sum(means) / draws
        spreads = [(sum((m - found) ** 2 for m in means) / (draws - d)) ** 0.5 for d in (0, 1)]
        spreads += [(sum((v - middle) ** 2 for v in values) / (N - d) / N) ** 0.5 for d in (0, 1)]
        normals = "Take the quantiles of the means as they are: no ± 1.96 deviations."
        linear = "Between two neighbours the quantile goes linearly, as `torch.quantile` does it."
        each_row = "Each *row* is a draw: its mean is over dimension 1."
        columns = [sum(column) / draws for column in zip(*drawn, strict=True)]
        medians = [_quantile(row, 0.5) for row in drawn]
        tails = "2.5 % on each side, so that 95 % lie between: 0.025 and 0.975."
        mistakes = [
            (right[::-1], "The lower quantile first."),
            (interval(means, 0.05, 0.95), tails),
            (interval(means, 0.025, 0.95), tails),
            (interval(means, 0.05, 0.975), tails),
            (interval(means, 0.005, 0.995), tails),
            (interval(means, 0.25, 0.75), tails),
            (interval(means, 0.0, 0.95), tails),
            (interval(means, 0.0, 1.0), "These are the least and the largest mean."),
            (interval(values), "These are quantiles of the values: take the mean of each draw."),
            (
                interval([v for row in drawn for v in row]),
                "These are quantiles of all drawn values: first the mean of each draw.",
            ),
            (interval(columns), each_row),
            (interval([N * m for m in means]), "The mean of each draw: this is its sum."),
            (interval(medians), "The mean of each draw: this is its median."),
            (
                interval([row[max(0, (N - 1) // 2)] for row in map(sorted, drawn)]),
                "The mean of each draw: this is its median.",
            ),
            (
                interval([sum(row) / N for row in rows]),
                "rows are numbers of values: `values[rows]` are the values themselves.",
            ),
            (
                interval([m - middle for m in means]),
                "The quantiles of the means themselves: nothing is subtracted.",
            ),
            (
                [2 * middle - right[1], 2 * middle - right[0]],
                "The quantiles of the means themselves: nothing is mirrored.",
            ),
            *((interval(means, cut=cut), linear) for cut in (math.floor, math.ceil, round)),
            (interval(means, cut=lambda place, D=draws: int(place / (D - 1) * D)), linear),
            *(
                ([m - z * s, m + z * s], normals)
                for s in spreads
                for z in (1.96, 2, 1.959964)
                for m in (middle, found)
            ),
            (right[0], "Two numbers: the 2.5 % and the 97.5 % quantile."),
            (means, "Two numbers: of these means the 2.5 % and the 97.5 % quantile."),
            ([right] * draws, "Two numbers: first the mean of each draw, then the quantiles."),
            ([means] * 2, "Two numbers: first the mean of each draw, then the quantiles."),
            ([values] * 2, "Two numbers: the mean is over dimension 1, `.mean(1)`."),
        ]
        hint = "The 0.025 and the 0.975 quantile of the means of `values[rows]`, row by row."
        answer = fn(_tensor(values), torch.tensor(rows))
        expect(answer, right, f"the interval from {draws} draws of {N}", mistakes, hint)


TEXTS = [
    "the cat saw a dog and the cat saw a dog sit and the cat ran",
    "a dog and the cat saw us",
    "we ran and the cat saw a bird fly by",
]


def _grams(words, n: int) -> list[tuple]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


@exercise
def distinct_n(fn: Attempt) -> None:
    """All n-grams in a list and in a set; each case has what one mistake counts wrong."""
    plain = "Distinct n-grams of all texts over all n-grams of all texts."
    ordered = "The order counts: (a, b) is not (b, a)."
    glued = "Keep the words apart, as a tuple: (ab, c) and (a, bc) are two."
    short = "A text of just n words has one n-gram, the text itself."
    for texts, n, hint in (
        (TEXTS, 3, plain),
        (TEXTS, 2, plain),
        (TEXTS, 1, plain),
        (["a b a b", "b a b c"], 2, ordered),
        (["ab c d", "a bc d"], 2, glued),
        (["a b c", "a b c", "b c d"], 3, short),
    ):
        texts = [text.split() for text in texts]
        grams = [_grams(words, n) for words in texts]
        together = [gram for each in grams for gram in each]
        words = [word for text in texts for word in text]
        count = len(together)
        right = len(set(together)) / count
        joined = _grams(words, n)
        other, less = ([g for text in texts for g in _grams(text, m)] for m in (n + 1, n - 1))
        early = [gram for each in grams for gram in each[:-1]]
        apart = [tuple(text[i : i + n]) for text in texts for i in range(0, len(text) - n + 1, n)]
        cut = [tuple(text[i : i + n]) for text in texts for i in range(len(text))]

        def ratio(of) -> float:
            return len(set(of)) / len(of) if of else math.nan

        of_words = "Over the number of n-grams, of which a text has n − 1 fewer than words."
        all_texts = "Count over all texts at once: what two texts share is not distinct."
        mistakes = [
            (len(set(together)), "This is their number: divide by the number of all n-grams."),
            (len(set(together)) / len(words), of_words),
            (len(set(together)) / len(set(words)), of_words),
            (len(set(together)) / len(texts), "Divide by all n-grams, not by the texts."),
            (sum(len(set(g)) / len(g) for g in grams) / len(grams), all_texts),
            (sum(len(set(g)) for g in grams) / count, all_texts),
            (ratio(joined), "No n-gram goes from the end of a text into the next."),
            (len(set(joined)) / count, "No n-gram goes from the end of a text into the next."),
            (ratio(grams[0]), "This is of the first text alone."),
            (ratio(grams[-1]), "This is of the last text alone."),
            (ratio(early), "The last n-gram of each text is missing: there are len − n + 1."),
            (len(set(early)) / count, "The last n-gram of each text is missing."),
            (
                sum(together.count(g) == 1 for g in set(together)) / count,
                "Distinct: what comes twice counts once. This leaves it out.",
            ),
            (1 - right, "This is the share of repetitions: 1 minus it."),
            (1 / right, "The other way round: distinct over all."),
            (ratio(other), "These are (n + 1)-grams."),
            (ratio(less) if n > 1 else math.nan, "These are (n − 1)-grams."),
            (ratio(words), "These are the words: n-grams have n of them, n an argument."),
            (ratio(apart), "n-grams overlap: one begins at each word, not at each n-th."),
            (ratio(cut), "At the end of a text some of these are shorter than n."),
            (100 * right, "A share from 0 to 1, no per cent."),
            ([0.0] * len(texts), "One number for all texts."),
        ]
        what = f"distinct-{n} of {', '.join(repr(' '.join(text)) for text in texts)}"
        answer = _number(fn(texts, n))
        expect(answer, right, what, mistakes if hint is plain else (), hint)


class _Net(nn.Module):
    """A small network with batch normalisation: 2x2 pictures, 3 features, 2 logits."""

    def __init__(self):
        super().__init__()
        layers = nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)
        self.blocks, self.head = nn.Sequential(*layers), nn.Linear(3, 2)
        self.double()
        for seed, p in enumerate(self.parameters()):
            p.data = normal(*p.shape, seed=seed)
        self.blocks[1].running_mean = normal(4, seed=20)
        self.blocks[1].running_var = 0.5 + normal(4, seed=21) ** 2

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


# What somebody may give the network: real pictures in [0, 1], made ones in [−1, 1].
RANGES = {
    "right": lambda real, made: (real, (made + 1) / 2),
    "as they are": lambda real, made: (real, made),
    "clamped": lambda real, made: (real, made.clamp(0, 1)),
    "absolute": lambda real, made: (real, made.abs()),
    "shifted": lambda real, made: (real, made + 1),
    "halved": lambda real, made: (real, made / 2),
    "both": lambda real, made: ((real + 1) / 2, (made + 1) / 2),
    "stretched": lambda real, made: (2 * real - 1, made),
    "fitted": lambda real, made: (real, (made - made.min()) / (made.max() - made.min())),
}
MEANS = {
    "right": lambda f, batches: f.mean(0),
    "of batches": lambda f, batches: torch.stack([b.mean(0) for b in batches]).mean(0),
    "of whole batches": lambda f, batches: torch.cat([b for b in batches if len(b) == 100]).mean(0),
    "of the first": lambda f, batches: batches[0].mean(0),
    "of the last": lambda f, batches: batches[-1].mean(0),
}


def _known(cnn: nn.Module, real: torch.Tensor, made: torch.Tensor) -> dict[tuple, list]:
    """Return the distances for each mode (of real, of made), range and mean somebody may take.

    They are two: in training mode it matters whether batches or all go through at once.
    """

    def seen(net, pictures, training, whole):
        net.train(training)
        batches = [net.features(b) for b in pictures.split(len(pictures) if whole else 100)]
        features = torch.cat(batches)
        return {name: mean(features, features.split(100)) for name, mean in MEANS.items()}

    known = {}
    with torch.no_grad():
        for span, whole in product(RANGES, (False, True)):
            x, y = RANGES[span](real, made)
            for modes in ((False, False), (True, True), (True, False)):
                net = copy.deepcopy(cnn)
                f, g = (seen(net, z, m, whole) for z, m in zip((x, y), modes, strict=True))
                for mean in MEANS:
                    way = float(((f[mean] - g[mean]) ** 2).sum())
                    known.setdefault((modes, span, mean), []).append(way)
    return known


@exercise
def mended_distance(fn: Attempt) -> None:
    """Find the bugs: the value for each mode, range and mean, and the network afterwards."""
    real = normal(130, 1, 2, 2, seed=30).sigmoid()
    made = normal(250, 1, 2, 2, seed=31).tanh()
    readings, left, touched = [], [], False
    for training in (True, False):
        cnn = _Net().train(training)
        before = copy.deepcopy(cnn.state_dict())
        known = _known(cnn, real, made)
        answer = fn(cnn, real.clone(), made.clone())
        value = _number(answer)
        found = [
            reading
            for reading, wants in known.items()
            if isinstance(value, float) and any(math.isclose(value, w, rel_tol=1e-8) for w in wants)
        ]
        left.append(all(m.training == training for m in cnn.modules()))
        changed = any(not torch.equal(x, before[key]) for key, x in cnn.state_dict().items())
        touched |= changed
        right = known[(False, False), "right", "right"][0]
        if not found:
            with torch.no_grad():
                cnn = _Net().eval()
                f, g = (cnn.features(x).mean(0) for x in RANGES["right"](real, made))
                of_logits = ((cnn(real).mean(0) - cnn((made + 1) / 2).mean(0)) ** 2).sum()
            way = f - g
            mistakes = [
                (right**0.5, "The *squared* distance: no root."),
                (right / len(way), "The sum of the squares over the features, not their mean."),
                (way.abs().sum(), "Square the differences before you add them up."),
                (way.sum() ** 2, "First square, then add up."),
                (-right, "A squared distance is not below 0."),
                (of_logits, "Compare `cnn.features`, not the logits."),
                (way, "One number: the sum of the squares over the features."),
            ]
            hint = (
                "It fits none of the bugs, mended or not: change only what they need, and leave "
                "the rest of the function as it is."
            )
            if changed:
                hint = (
                    "The network's running statistics were changed: it must be in evaluation mode "
                    "before the first picture goes in."
                )
            expect(answer, right, "the distance", mistakes, hint)
        readings.append(found[0])

    modes, spans, means = (set(which) for which in zip(*readings, strict=True))
    mode = (
        "in training mode the features of a picture depend on the other pictures of its batch: "
        "which method of `cnn` changes the mode?"
    )
    if (True, False) in modes and (True, True) not in modes:
        mode = "the real pictures went through before the network was in evaluation mode."
    elif modes == {(False, False)} and touched:
        mode = "the features are right, but the network's running statistics were changed."
    elif modes == {(False, False)} and not left[0]:
        mode = (
            "the features are right, but the network came in training mode and is left in "
            "evaluation mode: keep `cnn.training`, and give it back at the end, `cnn.train(...)`."
        )
    elif modes == {(False, False)}:
        mode = (
            "the network came in evaluation mode and is left in training mode: give back the mode "
            "that it had, `cnn.training` at the start."
        )
    spans, means = spans - {"right"}, means - {"right"}
    span = {
        "clamped": "`clamp` and the like make black of all below 0: map −1 to 0 and 1 to 1.",
        "absolute": "the absolute value makes white of −1: map −1 to 0 and 1 to 1.",
        "shifted": "−1 goes to 0, but where does 1 go?",
        "halved": "1/2 of −1 is below 0: map −1 to 0 and 1 to 1.",
        "both": "the real pictures are in [0, 1] already: map the made ones alone.",
        "stretched": "the network was trained on pictures in [0, 1]: map the made ones to that.",
        "fitted": "the map is the same for all made pictures ever, −1 to 0 and 1 to 1: no minimum.",
    }
    pixels = "what is a black pixel in `real`, and what in `made`?"
    average = "the last batch is smaller than the others: how much does each of its pictures count?"
    if means - {"of batches"}:
        average = "every picture counts, also those that fill no batch."
    expect_mended(
        [
            (modes == {(False, False)} and not touched and all(left), mode),
            (not spans, span.get(min(spans, default=""), pixels)),
            (not means, average),
        ]
    )
    expect(answer, right, "the distance")
