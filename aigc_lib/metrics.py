"""How good is a model, of text or of pictures, and which is the best so far. Lessons 03 and 10."""

import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from aigc_lib import data


def bits_per_character(nats: float, tokens: int, characters: int) -> float:
    """Return what a model pays for a character, in bits: nats · tokens / (characters · ln 2).

    `nats` is its loss, the mean over `tokens`; `characters` is the length of the same text. Only
    this may be compared between models whose tokens differ. Lesson 03.
    """
    return nats * tokens / (characters * math.log(2))


def leaderboard(lesson: str, scores: dict[str, float], tolerance: float = 0.01) -> None:
    """Print the models of all lessons up to `lesson` by their bits a character, the worst first.

    `scores` has what `lesson` has just measured on Shakespeare's test part (`data.HELD_OUT`).
    Raises ValueError, once it has printed, if those are not, to `tolerance`, the scores that
    data/leaderboard.json holds for it, from which later lessons start. Lesson 03.
    """
    record = json.loads((data.folder() / "leaderboard.json").read_text(encoding="utf8"))
    rows = {name: x for key in record if key < lesson for name, x in record[key].items()} | scores
    for name in sorted(rows, key=rows.get, reverse=True):
        print(f"{rows[name]:6.3f} bits a character  {name}{'  (new)' * (name in scores)}")
    kept = record.get(lesson, {})
    if kept.keys() != scores.keys() or any(abs(scores[x] - kept[x]) > tolerance for x in kept):
        raise ValueError(
            f"{lesson} is recorded with {kept}: what it has now is your own result, if you changed "
            "something; else mend it, or write the new scores to data/leaderboard.json"
        )


def verse_lines(poem: str) -> list[str]:
    """Return the lines of a Chinese poem, without the comma or full stop after each. Lesson 03."""
    return re.split("[\uff0c\u3002]", poem.strip("\u3002\n"))


def verse_form(poems: list[str]) -> tuple[float, float, float]:
    """Return the shares of lines of 5 or 7, of quatrains, and of rhymes where there are 4 lines.

    A quatrain has four lines of 5 or four of 7 characters; the rhyme is of its second line with the
    fourth, in today's Mandarin, as `data.pinyin` has it. A share of none is NaN. Lesson 03.
    """
    sound, cut = data.pinyin(), [verse_lines(poem) for poem in poems]
    lengths = [len(line) in (5, 7) for poem in cut for line in poem]
    form = [len(poem) == 4 and {len(line) for line in poem} in ({5}, {7}) for poem in cut]
    ends = [(poem[1][-1:], poem[3][-1:]) for poem in cut if len(poem) >= 4]
    rhyme = [sound[a][0] == sound[b][0] for a, b in ends if a in sound and b in sound]
    return tuple(np.mean(hits) if hits else math.nan for hits in (lengths, form, rhyme))


def ngrams(words: Sequence, n: int) -> Counter:
    """Return how often each run of `n` words, a tuple, occurs in `words`. Lesson 07."""
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


def distinct(texts: list[Sequence], n: int) -> float:
    """Return distinct-n: the distinct n-grams of all `texts`, which are words, over all n-grams.

    1 says that none comes twice; NaN that there is none. Source: Li et al. 2016, arXiv:1510.03055,
    who divide by the number of words; lesson 07.
    """
    counts = sum((ngrams(words, n) for words in texts), Counter())
    return len(counts) / counts.total() if counts else math.nan


def bleu(words: Sequence, references: list[Sequence], n: int = 4) -> float:
    """Return BLEU-n, from 0 to 1: how much of `words` stands in some of the `references`.

    (p_1 · ... · p_n)^(1/n) · min(1, e^(1 - r/c)), where p_k is the share of the k-grams of `words`
    that a reference has, each counted at most as often as there; c is the length of `words` and r
    that of the reference nearest to it, the shorter of two. Source: Papineni et al. 2002, BLEU: a
    method for automatic evaluation of machine translation, section 2.3; lesson 07.
    """
    log_p = 0.0
    for k in range(1, n + 1):
        mine, known = ngrams(words, k), Counter()
        for reference in references:
            known |= ngrams(reference, k)
        if not (hits := (mine & known).total()):
            return 0.0
        log_p += math.log(hits / mine.total()) / n
    r = min((abs(len(words) - len(reference)), len(reference)) for reference in references)[1]
    return math.exp(log_p + min(0, 1 - r / len(words)))


def self_bleu(texts: list[Sequence], n: int = 4) -> float:
    """Return the mean BLEU-n of each of `texts` against all others: 1 for texts all alike.

    (Of n words at least: BLEU-n is 0 where there is no n-gram.) Raises ValueError for fewer than
    two texts. Source: Zhu et al. 2018, arXiv:1802.01886; lesson 07.
    """
    if len(texts) < 2:
        raise ValueError(f"{len(texts)} text has no others to be compared with: give two at least")
    scores = [bleu(t, texts[:i] + texts[i + 1 :], n) for i, t in enumerate(texts)]
    return sum(scores) / len(scores)


def frechet_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return ‖μ − ν‖² + tr(S + T − 2 (ST)^½) of features a (N, F) and b (M, F): 0 if alike.

    μ and S are the mean and the covariance of `a`, ν and T those of `b`; it is the squared
    Wasserstein distance of the two Gaussians. In float64; the trace of the root is Σ √λ over the
    eigenvalues λ of S^½ T S^½, which are those of ST, also where S has no inverse. Raises
    ValueError for features that are not (N, F) of one F, fewer than two, or not finite.

    Source: Dowson and Landau 1982; as a measure of generators Heusel et al. 2017, equation 6;
    lessons 09 (a tool) and 10.
    """
    a, b = _features(a, b)
    if (n := min(len(a), len(b))) <= a.shape[1]:
        warnings.warn(
            f"{n} samples of {a.shape[1]} features: their covariance has no inverse, and the "
            "distance is far too large; compare it only with one of as many samples",
            stacklevel=2,
        )
    S, T = (torch.atleast_2d(x.T.cov()) for x in (a, b))
    values, vectors = torch.linalg.eigh(S)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    trace = torch.linalg.eigvalsh(root @ T @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + S.trace() + T.trace() - 2 * trace).item()


def _features(*clouds: torch.Tensor) -> list[torch.Tensor]:
    """Return features (N, F) in float64 on the CPU; raise ValueError if they are none."""
    shapes = [tuple(cloud.shape) for cloud in clouds]
    if any(len(s) != 2 or s[0] < 2 or not s[1] for s in shapes) or len({s[1] for s in shapes}) > 1:
        told = " and ".join(map(str, shapes))
        raise ValueError(f"features of shapes {told}: give (N, F) and (M, F), at least two of each")
    clouds = [cloud.detach().cpu().double() for cloud in clouds]
    if not all(cloud.isfinite().all() for cloud in clouds):
        raise ValueError("features with NaN or infinity: look for them in what was generated")
    if any((cloud == cloud[0]).all() for cloud in clouds):
        warnings.warn(
            "features that are all alike: the distance is one of means alone, and each ball of "
            "precision or recall is a point",
            stacklevel=3,
        )
    return clouds


def inception_score(probabilities: torch.Tensor) -> float:
    """Return exp E KL(p(y | x) ‖ p(y)) of class probabilities (N, C), from 1 to C: high is good.

    p(y) is their mean over the N pictures. It is C if the classifier is sure of each picture and
    sees all classes equally often, whatever else the pictures are; a class that never comes leaves
    at most C − 1. Raises ValueError unless each row is a distribution.

    Source: Salimans et al. 2016, section 4; lesson 10.
    """
    p = probabilities.detach().cpu().double()
    if p.ndim != 2 or not len(p) or not ((p >= 0).all() and (p.sum(1) - 1).abs().max() < 1e-4):
        raise ValueError(
            f"probabilities of shape {tuple(p.shape)}: give (N, C), each row from 0 to 1 with the "
            "sum 1, as softmax(1) makes them"
        )
    mean = p.mean(0)
    return (torch.xlogy(p, p) - torch.xlogy(p, mean)).sum(1).mean().exp().item()


def kernel_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return E k(a, a') + E k(b, b') − 2 E k(a, b) of features a (N, F) and b (M, F), unbiased.

    k(x, y) = (x·y/F + 1)³, and a' is another of the same sample than a, so that the mean over
    samples of any size is the squared MMD of the distributions; one may be below 0. Raises
    ValueError as `frechet_distance` does.

    Source: Gretton et al. 2012, equation 3; as KID Bińkowski et al. 2018, section 3; lesson 10.
    """
    a, b = _features(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return (within(a) + within(b) - 2 * kernel(a, b).mean()).item()


def _distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return ‖x_i − y_j‖ (N, M); by differences, since a product of matrices rounds 0 to 1e-8."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def precision_recall(real: torch.Tensor, made: torch.Tensor, k: int = 3) -> tuple[float, float]:
    """Return the share of made features near some real one, and of real ones near some made one.

    Each of `real` (N, F) has a ball that reaches to the k-th nearest of the others. Precision is
    the share of `made` (M, F) in any of these balls; recall is that with both exchanged. Raises
    ValueError as `frechet_distance` does, and unless each sample has more than k.

    Source: Kynkäänniemi et al. 2019, equations 1 and 2; lesson 10.
    """
    real, made = _features(real, made)
    if not 1 <= k < min(len(real), len(made)):
        raise ValueError(
            f"k={k} of {len(real)} real and {len(made)} made: give 1 to fewer than all"
        )
    radii = [_distances(x, x).kthvalue(k + 1, 1).values for x in (real, made)]  # itself is first
    d = _distances(real, made)
    near = (d <= radii[0][:, None]).any(0), (d <= radii[1]).any(1)
    return tuple(share.double().mean().item() for share in near)


def copied(made: torch.Tensor, train: torch.Tensor, held_out: torch.Tensor) -> float:
    """Return the share of `made` (M, ...) that have their nearest neighbour in `train`.

    `train` and `held_out` (N, ...) are alike in number and in kind, pictures or features; ties
    count half. New things are as near to the one as to the other, ½; copies of `train` give 1.
    Raises ValueError for samples that are not alike.

    Source: Platzer and Reutterer 2021, arXiv:2104.00635; lesson 10.
    """
    alike = train.shape == held_out.shape and made.shape[1:] == train.shape[1:]
    if not alike or made.ndim < 2 or not len(made) or not len(train):
        shapes = ", ".join(str(tuple(x.shape)) for x in (made, train, held_out))
        raise ValueError(
            f"shapes {shapes}: give made (M, ...) and two samples (N, ...) of one size"
        )
    made, *both = (x.detach().flatten(1).cpu().double() for x in (made, train, held_out))
    if not all(x.isfinite().all() for x in (made, *both)):
        raise ValueError("samples with NaN or infinity have no nearest neighbours")

    def gap(x):  # to the nearest, by differences: torch.cdist rounds, and would break ties
        nearest = torch.cat([torch.cdist(m, x).argmin(1) for m in made.split(500)])
        return (made - x[nearest]).norm(dim=1)

    first, second = map(gap, both)
    return ((first < second).double() + (first == second).double() / 2).mean().item()


def memorised(made: torch.Tensor, train: torch.Tensor, held_out: torch.Tensor) -> float:
    """Return how probable it is that a made thing is nearer to `train` than a held-out one is.

    All are features (·, F), and near is the distance to the nearest of `train`, which is all that a
    model has seen; ties count half. New things of the kind give ½, copies of `train` 1, and what is
    unlike `train` less than ½. Raises ValueError as `frechet_distance` does.

    Source: Meehan et al. 2020, section 3, whose test adds cells; lesson 10.
    """
    made, train, held_out = _features(made, train, held_out)
    ours, theirs = (
        torch.cat([torch.cdist(x, train).amin(1) for x in part.split(500)])
        for part in (made, held_out)
    )
    theirs = theirs.sort().values
    beaten = torch.searchsorted(theirs, ours) + torch.searchsorted(theirs, ours, right=True)
    return 1 - beaten.double().mean().item() / (2 * len(theirs))


def bootstrap_interval(values: torch.Tensor, statistic, draws: int = 1000, generator=None) -> tuple:
    """Return the 2.5 and the 97.5 % quantile of `statistic` over samples drawn from `values`.

    Each is of as many rows as `values` (N, ...) has, drawn with replacement; `statistic` makes one
    number of them. For a mean over rows it tells how much another sample of this size might differ;
    not how much another training would, and not for a distance or a share of balls, which rows that
    are drawn twice make worse. Raises ValueError for fewer than two rows.

    Source: Efron 1979; lesson 10.
    """
    if len(values) < 2:
        raise ValueError(f"{len(values)} value: a bootstrap needs at least two to draw from")
    rows = torch.randint(len(values), (draws, len(values)), generator=generator)
    found = torch.tensor([float(statistic(values[some])) for some in rows], dtype=torch.float64)
    return tuple(found.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist())


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a probability of which `hits` of n trials were seen.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²))/(1 + z²/n) with p = hits/n and z = 1.96. Raises ValueError
    unless 0 ≤ hits ≤ n and n ≥ 1. Source: Wilson 1927; lesson 10.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} hits of {n}: give at least one trial, and hits from 0 to {n}")
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return max(0.0, low), min(1.0, high)  # which rounding may leave
