"""Plausible wrong answers to the exercises of lesson 10, each with words of its hint."""

import math
from itertools import product

import torch

LN2 = math.log(2)


def bits(each=lambda x, d: x / (d * LN2), reduce=torch.mean):
    """Return a bits_per_dimension with another number for a picture, or another reduction."""
    return lambda nats, dims: reduce(each(nats, dims))


def logs(p):
    """Return p log p − p log p(y), entry by entry."""
    return torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))


def score(terms=logs, reduce=lambda t: t.sum(1).mean().exp()):
    """Return an inception_score with other terms, or another way to make one number of them."""
    return lambda p: reduce(terms(p))


def of_zeros(term):
    """Return an inception_score by `term` of p and p(y), with what it makes of 0."""
    return score(lambda p: term(p, p.mean(0)))


def root(A):
    """Return the root of a symmetric matrix."""
    values, vectors = torch.linalg.eigh(A)
    return vectors * values.sqrt() @ vectors.T


def eigenvalues(S, T):
    return torch.linalg.eigvals(S @ T).real


def frechet(
    way=lambda d: (d**2).sum(),
    spread=lambda S, T: S.trace() + T.trace(),
    cross=lambda S, T: 2 * eigenvalues(S, T).sqrt().sum(),
    result=lambda x: x,
):
    """Return a frechet_gaussians with what the arguments change."""
    return lambda mu, S, nu, T: result(way(mu - nu) + spread(S, T) - cross(S, T))


def cube(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def off_diagonal(k):
    return (k.sum() - k.trace()) / (len(k) * (len(k) - 1))


def mmd(kernel=cube, within=off_diagonal, across=lambda k: 2 * k.mean(), result=lambda x: x):
    """Return a kernel_distance with what the arguments change."""
    return lambda a, b: result(within(kernel(a, a)) + within(kernel(b, b)) - across(kernel(a, b)))


def kth(d, k):
    """Return the k-th nearest other of each, from the distances of all to all."""
    return d.kthvalue(k + 1, 1).values


def near(radii=kth, inside=lambda d, r: d <= r, reduce=lambda x: x.any(1).double().mean()):
    """Return a precision with what the arguments change; d has a row for each made thing."""
    return lambda real, made, k: reduce(
        inside(torch.cdist(made, real), radii(torch.cdist(real, real), k))
    )


def nearest_ball(real, made, k):
    d, which = torch.cdist(made, real).min(1)
    return (d <= kth(torch.cdist(real, real), k)[which]).double().mean()


def without_zeros(d, k):
    return d.masked_fill(d == 0, math.inf).kthvalue(k, 1).values


def made_radii(real, made, k):
    d = torch.cdist(made, real)
    return (d <= d.kthvalue(k, 0).values).any(1).double().mean()


def copied(
    distance=torch.cdist,
    least=lambda d: d.min(1).values,
    compare=lambda a, b: ((a < b).double() + (a == b).double() / 2).mean(),
):
    """Return a copied_share with what the arguments change."""
    return lambda made, *both: compare(*(least(distance(made, x)) for x in both))


def interval(
    of=lambda values, rows: values[rows].mean(1),
    low=0.025,
    high=0.975,
    **rule,
):
    """Return a mean_interval with other numbers, or other quantiles of them."""
    return lambda values, rows: of(values, rows).quantile(
        torch.tensor([low, high], dtype=torch.float64), **rule
    )


def by_deviations(values, rows):
    means = values[rows].mean(1)
    return torch.stack([means.mean() - 1.96 * means.std(), means.mean() + 1.96 * means.std()])


def grams(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def ratio(of=grams, key=lambda gram: gram, result=lambda found: len(set(found)) / len(found)):
    """Return a distinct_n with other n-grams, or another ratio of them."""
    return lambda texts, n: result([key(gram) for words in texts for gram in of(words, n)])


def across_texts(texts, n):
    found = grams([word for words in texts for word in words], n)
    return len(set(found)) / len(found)


def text_by_text(texts, n):
    shares = [len(set(grams(words, n))) / len(grams(words, n)) for words in texts]
    return sum(shares) / len(shares)


def over_words(texts, n):
    return len({gram for words in texts for gram in grams(words, n)}) / sum(map(len, texts))


def mean_of_all(batches):
    return torch.cat(batches).mean(0)


def mean_of_means(batches):
    return torch.stack([f.mean(0) for f in batches]).mean(0)


def halfway(pictures):
    return (pictures + 1) / 2


def measure(
    evaluate=True,
    span=halfway,
    mean=mean_of_all,
    real_span=lambda pictures: pictures,
    give_back=lambda cnn, was: cnn.train(was),
    features=lambda cnn, batch: cnn.features(batch),
    result=lambda way: (way**2).sum(),
    peek=False,
):
    """Return a mended_distance with what the arguments change: the three bugs and others."""

    def mended_distance(cnn, real, made):
        was = cnn.training
        with torch.no_grad():
            if peek:
                cnn(real)
            if evaluate:
                cnn.eval()
            means = [
                mean([features(cnn, batch) for batch in pictures.split(100)])
                for pictures in (real_span(real), span(made))
            ]
        give_back(cnn, was)
        return result(means[0] - means[1])

    return mended_distance


def with_bugs(evaluate, span, mean):
    return measure(
        evaluate, halfway if span else torch.clone, mean_of_all if mean else mean_of_means
    )


def one_more_look(cnn, was):
    cnn.train(was)
    cnn(torch.ones(3, 1, 2, 2, dtype=torch.float64))


def late(cnn, real, made):
    """Change the mode when the real pictures are through."""
    was = cnn.training
    f = cnn.features(real).mean(0)
    cnn.eval()
    g = cnn.features(halfway(made)).mean(0)
    cnn.train(was)
    return ((f - g) ** 2).sum()


def at_once(cnn, real, made):
    """Leave the network in training mode, and mend the mean by one batch of all."""
    f, g = cnn.features(real).mean(0), cnn.features(halfway(made)).mean(0)
    return ((f - g) ** 2).sum()


def verdict(*mended):
    return ", ".join(
        f"bug {n} {'mended' if m else 'still there'}" for n, m in enumerate(mended, start=1)
    )


WRONG = {
    "bits_per_dimension": [
        (bits(lambda x, d: x / d), "These are nats per dimension"),
        (bits(lambda x, d: x * LN2 / d), "divide by it"),
        (bits(lambda x, d: x / d / math.log(10)), "not ln 10"),
        (bits(lambda x, d: x / d / math.log10(2)), "`log10` is not the natural logarithm"),
        (bits(lambda x, d: x / (2 * d)), "not by 2"),
        (bits(lambda x, d: x / LN2), "These are bits for the whole picture: divide by dims."),
        (bits(lambda x, d: x / LN2 * d), "Here they are multiplied by it"),
        (bits(lambda x, d: x), "Divide by dims and by ln 2"),
        (bits(reduce=torch.sum), "this is the sum"),
        (bits(reduce=lambda x: x.mean() / len(x)), "`mean` has done it"),
        (bits(reduce=lambda x: -x.mean()), "you are given −log p already"),
        (bits(lambda x, d: x.log2() / d), "The logarithm is taken already"),
        (bits(lambda x, d: -x.log2() / d), "The logarithm is taken already"),
        (bits(reduce=lambda x: x.mean().exp2()), "No power of 2 or e"),
        (lambda nats, dims: (nats.mean() / dims).exp(), "No power of 2 or e"),
        (bits(reduce=lambda x: x.abs().mean()), "A density may be above 1"),
        (bits(reduce=lambda x: x.mean().abs()), "A density may be above 1"),
        (bits(reduce=lambda x: x.clamp(min=0).mean()), "no clamp"),
        (bits(reduce=lambda x: x.mean().clamp(min=0)), "no clamp"),
        (bits(reduce=lambda x: x), "has shape (4,) instead of (): a plain number. One number"),
        (bits(reduce=lambda x: x.float().mean()), "has dtype float32"),
    ],
    "inception_score": [
        (score(reduce=lambda t: t.sum(1).mean()), "The exp is missing"),
        (score(reduce=lambda t: t.sum(1).mean() / LN2), "this is bits"),
        (score(reduce=lambda t: (t.sum(1).mean() / LN2).exp()), "these are of base 2"),
        (score(reduce=lambda t: t.sum(1).mean().exp2()), "not 2 to it"),
        (score(reduce=lambda t: t.sum().exp()), "Take the mean over the pictures"),
        (score(reduce=lambda t: t.mean().exp()), "KL is the *sum* over the classes"),
        (score(reduce=lambda t: t.sum(1).exp().mean()), "First the mean of the KLs"),
        (score(reduce=lambda t: t.sum(1).exp().sum()), "then one exp"),
        (score(reduce=lambda t: (-t.sum(1).mean()).exp()), "The sign: a KL is never below 0"),
        (score(reduce=lambda t: t.sum(1)), "One number"),
        (score(reduce=lambda t: t.sum(1).exp()), "One number"),
        (score(reduce=lambda t: t), "Add up over the classes"),
        (of_zeros(lambda p, m: p * (p / p.mean(1, keepdim=True)).log()), "it is 1/C for each"),
        (of_zeros(lambda p, m: p * (p / p.sum(0)).log()), "not their sum"),
        (of_zeros(lambda p, m: m * (m / p).log()), "The other way round"),
        (of_zeros(lambda p, m: m * (p / m).log()), "this does it with p(y)"),
        (of_zeros(lambda p, m: -p * m.log()), "This is of p(y) alone"),
        (of_zeros(lambda p, m: p * p.log()), "This is of p(y|x) alone"),
        (of_zeros(lambda p, m: -p * p.log()), "This is of p(y|x) alone"),
        (of_zeros(lambda p, m: p * p / m), "The logarithm is missing"),
        (of_zeros(lambda p, m: (p / m).log()), "weighed with its p(y|x)"),
        (lambda p: score()(p.softmax(1)), "no softmax"),
        (of_zeros(lambda p, m: p * (p / m).log()), "the score with zeros contains nan"),
        (of_zeros(lambda p, m: p * (p.log() - m.log())), "0 · log 0 counts as 0"),
        (of_zeros(lambda p, m: torch.xlogy(p, p / m)), "no picture has contains nan"),
        (of_zeros(lambda p, m: p * (p / m + 1e-6).log()), "Without an ε"),
        (of_zeros(lambda p, m: p * ((p + 1e-6) / (m + 1e-6)).log()), "Without an ε"),
        (of_zeros(lambda p, m: p * (p / (m + 1e-4) + 1e-4).log()), "Without an ε"),
    ],
    "frechet_gaussians": [
        (frechet(cross=lambda S, T: 2 * (S @ T).trace()), "The root is missing"),
        (frechet(cross=lambda S, T: 2 * eigenvalues(S, T).sum()), "the sum of √λ, not of λ"),
        (frechet(cross=lambda S, T: eigenvalues(S, T).sqrt().sum()), "The root counts twice"),
        (frechet(cross=lambda S, T: -2 * eigenvalues(S, T).sqrt().sum()), "The sign"),
        (frechet(cross=lambda S, T: 0), "is missing"),
        (frechet(way=lambda d: d.norm()), "this is the length"),
        (frechet(way=lambda d: (d**2).mean()), "the sum of squares, not the mean"),
        (frechet(way=lambda d: d.sum() ** 2), "Square first, then add up"),
        (frechet(way=lambda d: d.sum()), "this is the length"),
        (frechet(way=lambda d: 0), "The part of the means is missing"),
        (frechet(spread=lambda S, T: 0, cross=lambda S, T: 0), "of the covariances is missing"),
        (frechet(spread=lambda S, T: S.trace()), "T is missing"),
        (frechet(cross=lambda S, T: 2 * (S @ T).sqrt().trace()), "The root of each entry"),
        (frechet(cross=lambda S, T: 2 * (root(S) @ root(T)).trace()), "S^½T^½ is not (ST)^½"),
        (frechet(cross=lambda S, T: 2 * (S @ T).trace().sqrt()), "the root of the trace"),
        (
            frechet(cross=lambda S, T: 2 * torch.linalg.eigvals(S * T).real.sqrt().sum()),
            "multiplies entry by entry",
        ),
        (frechet(cross=lambda S, T: 2 * (S * T).sqrt().trace()), "the variances alone"),
        (
            frechet(cross=lambda S, T: 2 * torch.linalg.svdvals(S @ T).sqrt().sum()),
            "Singular values",
        ),
        (
            frechet(cross=lambda S, T: 2 * torch.linalg.eigvalsh(S @ T).clamp(min=0).sqrt().sum()),
            "`eigvalsh` takes its matrix for symmetric",
        ),
        (frechet(cross=lambda S, T: 2 * (S @ T).det().sqrt()), "not their product"),
        (frechet(cross=lambda S, T: 2 * eigenvalues(S, T).sqrt().mean()), "not their mean"),
        (
            frechet(cross=lambda S, T: 2 * torch.linalg.eigvals(S @ T).sqrt().sum()),
            "is a complex number",
        ),
        (frechet(result=torch.sqrt), "No root of the whole"),
        (frechet(result=lambda x: x / 2), "No one-half"),
        (frechet(result=lambda x: -x), "a distance is not below 0"),
        (frechet(way=lambda d: d**2), "add up over the features"),
        (
            frechet(way=lambda d: 0, spread=torch.add, cross=lambda S, T: 2 * root(S) @ root(T)),
            "One number: the trace",
        ),
        (
            lambda mu, S, nu, T: ((mu - nu) ** 2).sum() + ((S - T) ** 2).sum(),
            "The covariances are compared by",
        ),
    ],
    "kernel_distance": [
        (mmd(within=torch.mean), "the diagonal"),
        (mmd(within=lambda k: (k.sum() - k.trace()) / len(k) ** 2), "not N²"),
        (mmd(within=lambda k: k.sum() / (len(k) * (len(k) - 1))), "the diagonal is still in"),
        (
            mmd(within=lambda k: k.triu(1).sum() / (len(k) * (len(k) - 1))),
            "there are N(N − 1)/2",
        ),
        (mmd(lambda x, y: (x @ y.T + 1) ** 3), "divided by the number of features"),
        (mmd(lambda x, y: (x @ y.T / x.shape[1]) ** 3), "The + 1 of k is missing, in the bracket"),
        (mmd(lambda x, y: (x @ y.T) ** 3), "and the /n"),
        (mmd(lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2), "The power of k is 3"),
        (mmd(lambda x, y: x @ y.T / x.shape[1] + 1), "The power of k, 3, is missing"),
        (mmd(lambda x, y: (x @ y.T / x.shape[1]) ** 3 + 1), "missing, in the bracket"),
        (mmd(lambda x, y: ((x @ y.T + 1) / x.shape[1]) ** 3), "the 1 is not divided"),
        (mmd(lambda x, y: (x @ y.T / len(x) + 1) ** 3), "not of rows"),
        (mmd(lambda x, y: (x @ y.T / x.shape[1] ** 0.5 + 1) ** 3), "not divided by √n"),
        (mmd(across=torch.mean), "counts twice"),
        (mmd(across=lambda k: -2 * k.mean()), "The sign: − 2"),
        (mmd(across=lambda k: 2 * k.sum()), "this is the sum"),
        (mmd(across=lambda k: 2 * off_diagonal(k)), "all NM of them count"),
        (mmd(across=lambda k: 0), "The pairs of a and b are missing"),
        (lambda a, b: off_diagonal(cube(a, a)) - 2 * cube(a, b).mean(), "within b are missing"),
        (mmd(within=torch.mean, across=torch.mean), "the diagonal. The mean over the pairs of a"),
        (mmd(result=torch.sqrt), "No root"),
        (mmd(result=lambda x: x / 2), "No one-half"),
        (mmd(result=lambda x: -x), "large where the samples differ"),
        (mmd(result=lambda x: x.clamp(min=0)), "no clamp"),
        (mmd(result=torch.abs), "no absolute value"),
        (cube, "One number: take the mean over the pairs"),
        (lambda a, b: cube(a, a) + cube(b, b) - 2 * cube(a, b), "the shapes do not fit"),
    ],
    "precision": [
        (near(lambda d, k: d.kthvalue(k, 1).values), "the k-th nearest *other*"),
        (near(lambda d, k: kth(d, min(k + 1, len(d) - 1))), "the (k + 1)-th nearest other"),
        (near(reduce=lambda x: x.all(1).double().mean()), "in all"),
        (near(reduce=lambda x: x.any(1).sum()), "This is their number"),
        (near(reduce=lambda x: x.any(0).double().mean()), "whose ball holds a made one"),
        (near(reduce=lambda x: 1 - x.any(1).double().mean()), "in no ball"),
        (near(reduce=lambda x: x.any(1)), "One number: the share"),
        (near(reduce=lambda x: x), "In any of the balls"),
        (lambda real, made, k: near()(made, real, k), "this is the recall"),
        (nearest_ball, "Not only the ball of the nearest real one"),
        (made_radii, "not to a made one"),
        (near(lambda d, k: kth(d, k).max()), "not the largest"),
        (near(lambda d, k: kth(d, k).mean()), "no mean"),
        (near(lambda d, k: d.sort(1).values[:, 1 : k + 1].mean(1)), "not the mean of the k"),
        (near(lambda d, k: d.max(1).values), "The k-th *nearest*"),
        (near(lambda d, k: kth(d, k) ** 2), "one is squared"),
        (near(lambda d, k: kth(d, k).sqrt()), "one is squared"),
        (near(inside=lambda d, r: d < r), "Within is"),
        (near(without_zeros), "by its place, not by its distance"),
        (near(lambda d, k: kth(d, k).clamp(max=3)), "Its ball is large"),
        (near(lambda d, k: kth(d, k)[:, None]), "the shapes do not fit"),
    ],
    "copied_share": [
        (lambda made, train, held_out: copied()(made, held_out, train), "nearer to *train*"),
        (copied(compare=lambda a, b: (a < b).double().mean()), "Here it counts nothing"),
        (copied(compare=lambda a, b: (a <= b).double().mean()), "Here it counts whole"),
        (copied(compare=lambda a, b: (a < b).sum()), "This is their number"),
        (copied(compare=lambda a, b: (a < b).double()), "One number: the mean over the made"),
        (copied(least=lambda d: d.mean(1)), "not the mean over it"),
        (copied(least=lambda d: d.max(1).values), "this is the farthest"),
        (copied(least=lambda d: d.min(0).values), "so `min(1)`"),
        (copied(least=lambda d: d), "Take the nearest, `min(1)`, before you compare"),
        (copied(distance=lambda x, y: torch.cdist(x, y, p=1)), "Here it is |·|"),
        (copied(distance=lambda x, y: torch.cdist(x, y, p=math.inf)), "Here it is the largest"),
        (copied(distance=lambda x, y: -x @ y.T), "Here it is a product"),
        (copied(distance=lambda x, y: torch.cdist(x, y.mean(0)[None])), "the distance to its mean"),
        (copied(compare=lambda a, b: a.mean() / b.mean()), "A share: how often"),
        (copied(compare=lambda a, b: a.mean()), "A share: how often"),
        (copied(least=lambda d: d.min(1)), "`.min(1).values`"),
    ],
    "mean_interval": [
        (interval(low=0.05, high=0.95), "2.5 % on each side"),
        (interval(low=0.025, high=0.95), "2.5 % on each side"),
        (interval(low=0.25, high=0.75), "2.5 % on each side"),
        (interval(low=2.5, high=97.5), "range"),
        (interval(low=0.975, high=0.025), "The lower quantile first"),
        (interval(low=0.0, high=1.0), "the least and the largest mean"),
        (interval(lambda values, rows: values), "These are quantiles of the values"),
        (interval(lambda values, rows: values[rows].flatten()), "quantiles of all drawn values"),
        (interval(lambda values, rows: values[rows].mean(0)), "Each *row* is a draw"),
        (interval(lambda values, rows: values[rows].sum(1)), "this is its sum"),
        (interval(lambda values, rows: values[rows].quantile(0.5, 1)), "this is its median"),
        (interval(lambda values, rows: values[rows].median(1).values), "this is its median"),
        (interval(lambda values, rows: rows.double().mean(1)), "rows are numbers of values"),
        (
            interval(lambda values, rows: values[rows].mean(1) - values.mean()),
            "nothing is subtracted",
        ),
        (interval(interpolation="nearest"), "goes linearly"),
        (interval(interpolation="lower"), "goes linearly"),
        (interval(interpolation="higher"), "goes linearly"),
        (by_deviations, "no ± 1.96 deviations"),
        (lambda values, rows: interval()(values, rows)[0], "Two numbers: the 2.5 %"),
        (lambda values, rows: values[rows].mean(1), "of these means the 2.5 %"),
        (interval(lambda values, rows: values[rows], dim=0), "`.mean(1)`"),
        (interval(lambda values, rows: values[rows], dim=1), "first the mean of each draw"),
        (
            lambda values, rows: interval()(values, rows.flip(1)).float(),
            "has dtype float32",
        ),
        (
            lambda values, rows: values[rows].mean(1).quantile(torch.tensor([0.025, 0.975])),
            "dtype",
        ),
    ],
    "distinct_n": [
        (ratio(result=lambda found: len(set(found))), "This is their number"),
        (over_words, "Over the number of n-grams"),
        (text_by_text, "Count over all texts at once"),
        (across_texts, "No n-gram goes from the end of a text into the next"),
        (lambda texts, n: ratio()(texts[:1], n), "This is of the first text alone"),
        (ratio(lambda words, n: grams(words, n)[:-1] or [0]), "The last n-gram of each text"),
        (ratio(key=lambda gram: tuple(sorted(gram))), "The order counts"),
        (ratio(key=frozenset), "The order counts"),
        (ratio(key="".join), "Keep the words apart"),
        (
            ratio(result=lambda found: sum(found.count(g) == 1 for g in found) / len(found)),
            "what comes twice counts once",
        ),
        (ratio(result=lambda found: 1 - len(set(found)) / len(found)), "the share of repetitions"),
        (ratio(result=lambda found: len(found) / len(set(found))), "The other way round"),
        (ratio(lambda words, n: grams(words, n + 1)), "These are (n + 1)-grams"),
        (ratio(lambda words, n: grams(words, max(1, n - 1))), "These are (n − 1)-grams"),
        (ratio(lambda words, n: words), "These are the words"),
        (ratio(lambda words, n: grams(words, n)[::n]), "n-grams overlap"),
        (
            ratio(lambda words, n: [tuple(words[i : i + n]) for i in range(len(words))]),
            "some of these are shorter than n",
        ),
        (lambda texts, n: 100 * ratio()(texts, n), "no per cent"),
        (ratio(lambda words, n: [words[i : i + n] for i in range(len(words))]), "unhashable"),
        (lambda texts, n: [ratio()([words], n) for words in texts], "One number for all texts"),
    ],
    "mended_distance": [
        *(
            (with_bugs(*mended), verdict(*mended))
            for mended in product((False, True), repeat=3)
            if not all(mended)
        ),
        (with_bugs(False, True, True), "depend on the other pictures of its batch"),
        (with_bugs(True, False, True), "what is a black pixel in `real`"),
        (with_bugs(True, True, False), "the last batch is smaller than the others"),
        (at_once, verdict(False, True, True)),
        (at_once, "which method of `cnn` changes the mode?"),
        (late, verdict(False, True, True)),
        (late, "before the network was in evaluation mode"),
        (measure(give_back=lambda cnn, was: None), verdict(False, True, True)),
        (measure(give_back=lambda cnn, was: None), "is left in evaluation mode"),
        (measure(give_back=lambda cnn, was: cnn.train()), "is left in training mode"),
        (measure(give_back=lambda cnn, was: cnn.train(not was)), "is left in evaluation mode"),
        (measure(peek=True), "it must be in evaluation mode before the first picture goes in"),
        (measure(give_back=one_more_look), verdict(False, True, True)),
        (measure(give_back=one_more_look), "running statistics were changed"),
        (measure(span=lambda x: x.clamp(0, 1)), verdict(True, False, True)),
        (measure(span=lambda x: x.clamp(0, 1)), "make black of all below 0"),
        (measure(span=torch.abs), "makes white of −1"),
        (measure(span=lambda x: x + 1), "where does 1 go?"),
        (measure(span=lambda x: x / 2), "1/2 of −1 is below 0"),
        (measure(span=lambda x: (x - x.min()) / (x.max() - x.min())), "no minimum"),
        (measure(real_span=halfway), "map the made ones alone"),
        (
            measure(span=lambda x: x, real_span=lambda x: 2 * x - 1),
            "the network was trained on pictures in [0, 1]",
        ),
        (measure(mean=lambda batches: mean_of_all(batches[:-1])), "also those that fill no batch"),
        (measure(mean=lambda batches: batches[0].mean(0)), verdict(True, True, False)),
        (measure(result=torch.norm), "no root"),
        (measure(result=lambda way: (way**2).mean()), "not their mean"),
        (measure(result=lambda way: way.abs().sum()), "Square the differences"),
        (measure(result=lambda way: way.sum() ** 2), "First square"),
        (measure(result=lambda way: way), "One number: the sum of the squares"),
        (measure(features=lambda cnn, batch: cnn(batch)), "not the logits"),
        (measure(result=lambda way: 3 * (way**2).sum()), "It fits none of the bugs"),
        (measure(result=lambda way: (way**2).sum().float()), "dtype float32"),
    ],
}
