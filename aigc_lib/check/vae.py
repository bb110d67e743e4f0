"""The exercises of lesson 08, each judged against loops over plain numbers or quadrature."""

import math
from decimal import Decimal

import numpy as np
import torch
from torch.nn import functional as F

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended, gradients, normal


def _added_up(x, term) -> np.ndarray:
    """Return the sum of term(pixel) over the pixels of each picture of x (B, 1, H, W): (B,)."""
    return np.array([sum(map(term, picture.flatten().tolist())) for picture in x])


def _entropy(p: float) -> float:
    return -sum(q * math.log(q) for q in (p, 1 - p) if q)


def _slopes(fn: Attempt, what: str, arguments: list[tuple], weight=1.0) -> list[torch.Tensor]:
    """Return the gradients of the sum of weight · fn, by autograd, in each argument with a name.

    `arguments` are pairs of a value and a name, "" for what is not learned. Raises `Wrong` where no
    gradient gets to one; it says that `what` is right, so compare the values before.
    """
    args = [x.clone().requires_grad_() if name else x for x, name in arguments]
    leaves = {name: x for x, (_, name) in zip(args, arguments, strict=True) if name}
    try:
        answer = fn(*args)
    except Wrong as wrong:
        raise Wrong(
            f"where {' and '.join(leaves)} ask for a gradient {wrong} A gradient passes through "
            "functions of torch alone, not of NumPy or math."
        ) from None
    advice = (
        "something cuts it off, as `detach`, `.data`, `.item()`, `torch.no_grad` and "
        "`torch.tensor` do."
    )
    return gradients(answer, leaves, what, advice, weight)


@exercise
def grey_floor(fn: Attempt) -> None:
    """The entropy of each pixel by a loop, first of grey ones, then of black and white, too."""
    grey = normal(2, 1, 2, 3).sigmoid()
    mixed = grey.clone()
    mixed[0, 0, 0, 1], mixed[0, 0, 1, 0] = 0, 1
    formula = "−x log x − (1 − x) log(1 − x), added up over the pixels."
    limit = "0 · log 0 counts as 0, its limit: `torch.xlogy(x, x)` is x log x and knows that."
    for what, x, hint in (("grey pictures", grey, formula), ("some black and white", mixed, limit)):
        right = _added_up(x, _entropy)
        shifted = [
            term
            for e in (10.0**-k for k in range(1, 11))
            for term in (
                lambda p, e=e: _entropy(min(max(p, e), 1 - e)),
                lambda p, e=e: -p * math.log(p + e) - (1 - p) * math.log(1 - p + e),
            )
        ]
        mistakes = [
            (right / x[0].numel(), "Add the pixels of a picture up: this is their mean."),
            (right / math.log(2), "Take natural logarithms, nats: these are bits."),
            (-right, "The sign: the logarithm of a probability is below 0, so put a minus."),
            (
                _added_up(x, lambda p: -p * math.log(p) if p else 0),
                "Half is missing: (1 − x) log(1 − x), for no ink.",
            ),
            (
                _added_up(x, lambda p: -(1 - p) * math.log(1 - p) if p < 1 else 0),
                "Half is missing: x log x, for ink.",
            ),
            (
                _added_up(x, lambda p: math.log(1 + math.exp(p)) - p * p),
                "x is a probability already, not a logit.",
            ),
            (0 * right, "Only a black or white pixel costs 0 nats at best: a grey one costs more."),
            (right.sum(), "One number for each picture: add up over its pixels alone."),
            (x[0], "Add up over the pixels, not over the pictures."),
            (x[:, 0, 0], "Add up over all pixels, rows and columns: `flatten(1).sum(1)`."),
            (x[:, :, 0, 0], "Its shape is (B,): `flatten(1).sum(1)`."),
            (x, "Add the pixels of a picture up."),
            *((_added_up(x, term), "Without an ε: it moves the value.") for term in shifted),
        ]
        expect(fn(x), right, f"the floor of {what}", mistakes, hint)


@exercise
def gaussian_kl(fn: Attempt) -> None:
    """KL of each dimension by torch.distributions, added up; first of log σ² that have a root."""
    B, K = 3, 2
    mu, noise = normal(B, K), normal(B, K, seed=1)
    normals = torch.distributions.Normal
    for log_var in (noise.abs(), noise):
        q, prior = normals(mu, log_var.exp().sqrt()), normals(0 * mu, 1 + 0 * mu)
        each = torch.distributions.kl_divergence(q, prior)
        right = each.sum(1)
        variance = log_var.exp()
        logs = "`log_var` is log σ² already: its exponential is σ²."
        mistakes = [
            (2 * right, "The one-half is forgotten."),
            (each.sum(), "One number for each picture: leave the batch as it is."),
            (each.sum(0), "Add up over the K dimensions, not over the batch: `sum(1)`."),
            (each, "Add the K dimensions up."),
            (right / K, "Add the dimensions up: this is their mean."),
            (-right, "The sign: no KL is below 0."),
            (
                (mu**2 + variance**2 - 2 * log_var - 1).sum(1) / 2,
                "`log_var` is log σ² already, not log σ.",
            ),
            (
                (mu**2 + variance**2 - log_var - 1).sum(1) / 2,
                "e to `log_var` is σ² already: do not square it.",
            ),
            ((mu**2 + log_var - log_var.log() - 1).sum(1) / 2, logs),
            ((mu**2 + variance - log_var.log() - 1).sum(1) / 2, logs),
            (right + K / 2, "The −1 is forgotten."),
            (
                right + (K - 1) / 2,
                "The −1 comes once for each dimension: subtract before you add up.",
            ),
            (
                torch.distributions.kl_divergence(prior, q).sum(1),
                "It is KL(prior ‖ q), the other way round: σ² and μ² stand above, not below.",
            ),
            ((mu**2 - 1).sum(1) / 2, "σ² is e to `log_var`."),
            ((mu**2 + variance.sqrt() - log_var - 1).sum(1) / 2, "σ² stands in it, not σ."),
            (right - (mu**2).sum(1) / 2, "μ² is missing."),
            ((mu + variance - log_var - 1).sum(1) / 2, "μ is squared."),
            (right + log_var.sum(1), "log σ² is subtracted."),
            (right + log_var.sum(1) / 2, "log σ² is missing."),
        ]
        hint = "(μ² + σ² − log σ² − 1)/2, added up over the K dimensions."
        expect(fn(mu, log_var), right, "the KL of each picture", mistakes, hint)
    _slopes(fn, "the KL", [(mu, "μ"), (log_var, "log σ²")])


@exercise
def minus_elbo(fn: Attempt) -> None:
    """−log p(x | z) + KL of each picture by a loop, and their mean."""
    B, K = 4, 3
    log_px, rate = -20 - 5 * normal(B), normal(B, K, seed=1) ** 2
    pairs = list(zip(log_px.tolist(), rate.tolist(), strict=True))
    right = sum(-log_p + sum(row) for log_p, row in pairs) / B
    distortion, total = -log_px.mean().item(), rate.sum().item() / B
    mistakes = [
        (-right, "This is the ELBO, which should be large: a loss is its negative."),
        (total - distortion, "The sign of log p: the loss is small where log p is large."),
        (distortion - total, "The sign of the KL: it is a price, so −ELBO has a plus."),
        (distortion + total / K, "Add the K rates of a picture up: this is their mean."),
        (B * right, "Take the mean over the batch: this is its sum."),
        (
            distortion + B * total,
            "The KL is the sum over the batch, log p the mean: both the mean.",
        ),
        (
            B * distortion + total,
            "log p is the sum over the batch, the KL the mean: both the mean.",
        ),
        (K * distortion + total, "Add the rates up first: log p is counted K times."),
        (distortion, "The KL is missing."),
        (total, "log p is missing."),
        (distortion + total / 2, "The rate is the KL already: no one-half."),
        (rate[:, 0], "A loss is one number: take the mean over the batch."),
        (rate, "Add the K rates of a picture up; then take the mean over the batch."),
        (rate[0], "Add the K rates of a picture up, `sum(1)`; then take the mean over the batch."),
    ]
    expect(fn(log_px, rate), right, "the loss", mistakes, "The mean of −log p(x | z) + KL.")
    _slopes(fn, "the loss", [(log_px, "log p(x | z)"), (rate, "the rate")])


@exercise
def draw_code(fn: Attempt) -> None:
    """μ + σε, and the slopes of it: 1 for μ, and σε/2 for log σ²."""
    mu, other, noise, weight = (normal(2, 3, seed=s) for s in range(4))
    for log_var in (other.abs(), other):  # first such as have a root
        sigma = log_var.exp().sqrt()
        code, again = fn(mu, log_var, noise), fn(mu, log_var, noise)
        if isinstance(code, torch.Tensor) and not torch.allclose(code, again, equal_nan=True):
            raise Wrong(
                "two calls with the same noise give two codes: draw nothing yourself "
                "(`torch.normal` and `randn` do), for ε is `noise`."
            )
        mistakes = [
            (mu + sigma**2 * noise, "σ is the root of e to `log_var`: this is σ²."),
            (
                mu + sigma**2 / 2 * noise,
                "σ is the root of σ², not its half: halve `log_var` before you take e to it.",
            ),
            (mu + log_var * noise, "`log_var` is log σ², not σ: take e to its half."),
            (mu + log_var / 2 * noise, "The half of log σ² is log σ: take e to it."),
            (mu + log_var.sqrt() * noise, "`log_var` is log σ², not σ²: take e to its half."),
            (mu + log_var.exp().exp().sqrt() * noise, "One exponential too many."),
            (mu + noise / sigma, "σ multiplies ε; it does not divide it."),
            (mu + noise, "σ is missing: it multiplies ε."),
            (mu, "The noise is ignored: this is the mean, and no draw."),
            (mu + sigma, "The noise is ignored: σ multiplies ε."),
            (sigma * noise, "μ is missing."),
            (mu - sigma * noise, "The noise is added, not subtracted."),
            (sigma + mu * noise, "μ and σ are exchanged."),
        ]
        expect(code, mu + sigma * noise, "the code", mistakes, "z = μ + σε: ε is `noise`.")
    slopes = _slopes(fn, "the code", [(mu, "μ"), (log_var, "log σ²"), (noise, "")], weight)
    names, right = ("μ", "log σ²"), (weight, weight * sigma * noise / 2)
    for name, slope, want in zip(names, slopes, right, strict=True):
        hint = "Leave the derivative to autograd: compute z = μ + σε, no more."
        expect(slope, want, f"the code is right, but its gradient to {name}", (), hint)


@exercise
def score_gradient(fn: Attempt) -> None:
    """f(z)(z − μ)/σ² of each draw by a loop, for a staircase f: no gradient passes through it."""
    mu, log_var, noise = torch.tensor(0.7).double(), torch.tensor(0.9).double(), normal(6, seed=3)

    def f(z):
        return 5 - 2 * torch.floor(2 * z)

    m, variance = mu.item(), math.exp(log_var.item())
    sigma = math.sqrt(variance)
    draws = [m + sigma * e for e in noise.tolist()]
    heights = np.array([5.0 - 2 * math.floor(2 * z) for z in draws])
    slope = np.array([(z - m) / variance for z in draws])  # of log q in μ
    right = heights * slope
    log_q = -((np.array(draws) - m) ** 2) / variance / 2 - math.log(sigma * math.sqrt(2 * math.pi))
    later = "A baseline is subtracted from f: the lesson brings that afterwards. Leave it out here."
    rest = (heights.sum() - heights) / (len(heights) - 1)
    mistakes = [
        (
            0 * right,
            "No gradient passes through f, a staircase: weigh the slope of log q with f instead.",
        ),
        (right * variance, "Divide by σ²: (z − μ)/σ² is the slope of log q."),
        (right * sigma, "Divide by σ², not by σ: z − μ is σε already."),
        (right / sigma, "Divide z − μ = σε by σ², which leaves ε/σ: this is ε/σ²."),
        (right.mean(), "One estimate for each draw, (S,): no mean and no sum."),
        ((heights - heights.mean()) * slope, later),
        ((heights - rest) * slope, later),
        ((heights - f(mu).item()) * slope, later),
        (
            heights * (noise.numpy() - m) / variance,
            "z is the draw μ + σε, not the noise: (z − μ)/σ².",
        ),
        (f(noise).numpy() * (noise.numpy() - m) / variance, "z is the draw μ + σε, not the noise."),
        (
            right * np.exp(log_q),
            "No factor q(z): the draws come from q, so the likely ones are there more often.",
        ),
        (f(noise).numpy() * slope, "f is taken at the draw z = μ + σε, not at the noise."),
        (f(mu).item() * slope, "f is taken at each draw, not at μ."),
        (slope, "f is missing: it weighs the slope of log q."),
        (heights, "The slope of log q is missing: f alone is no gradient."),
        (-right, "The sign: log q rises towards z, so its slope is (z − μ)/σ²."),
        (heights * log_q, "f weighs the slope of log q in μ, not log q itself."),
        (
            heights * (slope**2 * variance - 1) / 2,
            "This is the gradient in log σ²: here it is asked for in μ.",
        ),
        (heights * draws / variance, "(z − μ)/σ², not z/σ²."),
    ]
    rooted = "A draw is z = μ + σε: σ is the root of e to `log_var`."
    for s, hint in (
        (variance, rooted),
        (variance / 2, rooted),
        (log_var.item(), "`log_var` is log σ², not σ: take e to its half."),
        (math.sqrt(log_var), "`log_var` is log σ², not σ²: take e to its half."),
    ):
        above = f(mu + s * noise).numpy() * s * noise.numpy()
        mistakes += [(above / below, hint) for below in (s, s**2, variance)]
        mistakes += [(right * variance / below, "σ² is e to `log_var`.") for below in (s, s**2)]
    expect(
        fn(f, mu, log_var, noise), right, "the tensor of estimates", mistakes, "f(z) (z − μ)/σ²."
    )


def _log_density(eta: float, x: float) -> float:
    """Return log of e^(ηx) over its integral from 0 to 1, by quadrature of 64 nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return eta * x - math.log(weights @ np.exp(eta * (nodes + 1) / 2) / 2)


@exercise
def continuous_bernoulli(fn: Attempt) -> None:
    """e^(ηx) divided by its integral, which is found by quadrature."""
    quotient = "η and e^η − 1 are both below 0 here: take the logarithm of their quotient."
    zero = (
        "There e^η = 1, and 0/0 is no number, but the density is 1, and its logarithm 0: choose "
        "with `torch.where`, without an ε."
    )
    near = "e^η − 1 has lost its digits here: `torch.expm1(η)` keeps them."
    small = "Here the formula holds as it stands: η = 0 alone asks for another."
    far = "The sigmoid is rounded to 0 or 1 there: write it with η alone."
    for logits, hint in (
        ([[0.6, 2.5, 4.0], [0.3, 1.7, 3.1]], "ηx + log η − log(e^η − 1)."),
        ([[-0.6, -2.5, -4.0], [-0.3, -1.7, -3.1]], quotient),
        ([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], zero),
        ([[0.01, -0.01, 0.1], [-0.1, 0.1, -0.01]], small),
        ([[1e-7, -1e-7, 2e-7], [-2e-7, 1e-6, -1e-6]], near),
        ([[50.0, 50.0, 50.0], [-50.0, -50.0, -50.0]], far),
    ):
        pixels = [[0.0, 0.2, 1.0], [1.0, 0.35, 0.0]]
        eta, x = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (logits, pixels))
        pairs = zip(eta.flatten().tolist(), x.flatten().tolist(), strict=True)
        right = np.array([_log_density(*pair) for pair in pairs]).reshape(eta.shape)
        plain = torch.distributions.Bernoulli(logits=eta, validate_args=False).log_prob(x).numpy()
        tilt = eta * x
        linear = tilt.numpy()
        mistakes = [
            (
                plain,
                "This is the Bernoulli's: over x from 0 to 1 it does not integrate to 1.",
            ),
            (2 * plain - right, "The constant has the wrong sign: η/(e^η − 1) is a factor."),
            (-right, "The sign: this is the loss, −log p."),
            (np.exp(right), "Return the logarithm of the density."),
            (linear, "Divide by the integral of e^(ηx): η/(e^η − 1) is missing."),
            (tilt - eta.expm1().abs().log(), "The factor η is missing."),
            (0 * right, "Near 0 it is not 0 yet, but about η(x − 1/2)."),
            (2 * linear - right, "e^(ηx) is divided by its integral, not multiplied with it."),
            (right - linear, "ηx is missing: this is the constant alone."),
            (tilt - eta / 2, "η(x − 1/2) is its first term alone."),
            (right.sum(), "Pixel by pixel: add nothing up, (B, 1, H, W)."),
            (right.sum((1, 2, 3)), "Pixel by pixel: add nothing up, (B, 1, H, W)."),
        ]
        for e in (10.0**-k for k in range(1, 13)):
            moved, growth = eta + e, eta.expm1()
            shifted = (
                moved * x - (moved.expm1() / moved).log(),
                tilt - (moved.expm1() / moved).log(),
                tilt + (moved / growth).log(),
                tilt + (eta / (growth + e)).log(),
                tilt + (moved / (growth + e)).log(),
            )
            mistakes += [(wrong, "Without an ε: it moves the value.") for wrong in shifted]
        places = " and ".join(f"{v:g}" for v in sorted({row[0] for row in logits}))
        what = f"the log density for logits such as {places}"
        expect(fn(eta, x), right, what, mistakes, hint)


@exercise
def importance_weighted(fn: Attempt) -> None:
    """The logarithm of the mean weight, in decimal numbers, which know no least one."""
    S, B = 3, 2
    small = [[-1000.0, -200.0], [-1001.5, -204.0], [-1900.0, -199.0]]
    plain = "log (Σ w/S) over the S samples of a picture."
    underflow = "e to so low a number is 0 for the computer: `torch.logsumexp` is made for it."
    for log_w, hint in (
        (normal(S, B), plain),
        (torch.tensor(small, dtype=torch.float64), underflow),
    ):
        columns = [[Decimal(x).exp() for x in column] for column in log_w.T.tolist()]
        right = np.array([float((sum(column) / S).ln()) for column in columns])
        summed = right + math.log(S)
        mistakes = [
            (log_w.mean(0), "This is the mean of the logarithms, the ELBO: average the weights."),
            (summed, "Subtract log S: it is the mean of the weights, not their sum."),
            (summed / S, "log (Σ w/S) is log Σ w − log S: do not divide the logarithm by S."),
            (summed + math.log(S), "Subtract log S, do not add it."),
            (summed - math.log(B), "S is the number of samples, the rows: `len(log_w)`."),
            (log_w.max(0).values, "The largest is no mean."),
            (-right, "The sign: this is the loss, but the bound itself is asked for."),
            (np.exp(right), "The logarithm is missing."),
            (
                (log_w.softmax(0) * log_w).sum(0),
                "This is a mean of the logarithms with weights: take the logarithm of a mean.",
            ),
            (log_w[:, 0], "The mean is over the samples, dimension 0: one number a picture."),
            (log_w.sum(), "One number for each picture: the mean is over dimension 0."),
            (log_w, "The mean over the samples is missing."),
        ]
        what = f"the bound for log weights from {log_w.min():.0f} to {log_w.max():.0f}"
        expect(fn(log_w), right, what, mistakes, hint)


@exercise
def mended_loss(fn: Attempt) -> None:
    """Find the bugs: the loss is told apart from each that is added up or averaged otherwise."""
    logits, x = 2 * normal(3, 1, 28, 28), normal(3, 1, 28, 28, seed=1).sigmoid()
    mu, log_var = normal(3, 4, seed=2), normal(3, 4, seed=3)
    ways = [(along, across) for along in ("sum", "mean") for across in ("mean", "sum")]

    def reduced(table, along, across) -> float:
        """Return table (B, ·) added up or averaged over a picture's numbers, then the batch."""
        return getattr(np, across)(getattr(np, along)(table, 1)).item()

    kl = torch.distributions.kl_divergence(
        torch.distributions.Normal(mu, log_var.exp().sqrt()),
        torch.distributions.Normal(0 * mu, 1 + 0 * mu),
    ).numpy()
    losses = {}
    for twice in (False, True):
        p = (logits.sigmoid() if twice else logits).sigmoid()
        distortion = F.binary_cross_entropy(p, x, reduction="none").flatten(1).numpy()
        for one in ways:
            for other in ways:
                losses[twice, one, other] = reduced(distortion, *one) + reduced(kl, *other)
    answer = fn(logits, x, mu, log_var)
    is_tensor = isinstance(answer, torch.Tensor) and answer.ndim == 0
    got = answer.item() if is_tensor else answer if isinstance(answer, float) else math.nan
    for (twice, one, other), value in losses.items():
        if math.isclose(got, value):
            verdicts = [
                (
                    one[0] == other[0] == "sum",
                    "a picture has 784 pixels and K dimensions: what is added up, what averaged?",
                ),
                (not twice, "what does `binary_cross_entropy_with_logits` do to its logits?"),
                (
                    one[1] == other[1] == "mean",
                    "both parts are of one picture: does either grow with the batch?",
                ),
            ]
            expect_mended(verdicts)
    right = losses[False, ("sum", "mean"), ("sum", "mean")]
    mistakes = [
        (x[:, 0, 0, 0], "A loss is one number: the mean over the batch."),
        (-right, "This is the ELBO, which should be large: a loss is its negative."),
        (right - 2 * kl.sum(1).mean(), "The sign of the KL was right."),
        (right + kl.sum(1).mean(), "The one-half of the KL was right."),
        (right - kl.sum(1).mean(), "The KL is gone: it belongs to the loss."),
    ]
    hint = "The cross-entropy over the pixels plus the KL over K, the mean over the batch."
    expect(answer, right, "the loss", mistakes, hint)
    learned = [(logits, "the logits"), (x, ""), (mu, "μ"), (log_var, "log σ²")]
    _slopes(fn, "the loss", learned)


@exercise
def free_nats(fn: Attempt) -> None:
    """The larger of `least` and the mean, by a loop over the dimensions."""
    B, K, least = 4, 3, 0.5
    rate = normal(B, K, seed=5) ** 2 * torch.tensor([0.1, 1.0, 2.0])
    columns = rate.T.tolist()
    means = [sum(column) / B for column in columns]
    right = sum(max(least, mean) for mean in means)
    total = sum(means)
    own = "Each dimension costs at least `least`: take the larger for each, then add the K up."
    mistakes = [
        (
            sum(max(least, r) for column in columns for r in column) / B,
            "The mean over the batch comes first, then the larger: a picture may pay less.",
        ),
        (total, own),  # here it is max(least, total) and max(K least, total), too
        (max(least, total / K), own),
        (sum(min(least, mean) for mean in means), "The larger of the two, not the smaller."),
        (total + K * least, "The larger of the two, not their sum."),
        (right / K, "Add the K dimensions up: this is their mean."),
        (
            sum(max(least, sum(column)) for column in columns),
            "The mean over the batch, not its sum.",
        ),
        (
            sum(max(0, mean - least) for mean in means),
            "A dimension below `least` costs `least`, and above it its whole rate.",
        ),
        (
            sum(mean for mean in means if mean > least),
            "A dimension below `least` costs `least`, not nothing.",
        ),
        (
            sum(max(least, sum(row) / K) for row in rate.tolist()),
            "Batch and dimensions are exchanged: the mean is over the B pictures.",
        ),
        (means, "Add the K dimensions up."),
        (
            rate[:, 0],
            "The mean over the batch comes first: `mean(0)`. Then the larger, then the sum.",
        ),
        (rate, "The mean over the batch, then the larger, then the sum over K."),
    ]
    what, hint = f"the rate with least = {least}", "Σ max(least, mean over the batch)."
    expect(fn(rate, least), right, what, mistakes, hint)
    _slopes(fn, "the value", [(rate, "the rate"), (least, "")])


@exercise
def great_circle(fn: Attempt) -> None:
    """The first code's direction, turned by tΩ in the plane of both; then their lengths."""
    for a, b, t in (
        (torch.tensor([0.9, 0.2, -0.4]), torch.tensor([0.3, 1.1, 0.5]), 0.3),
        (torch.tensor([1.5, -0.8, 1.0]), torch.tensor([-2.0, 0.3, 1.2]), 0.8),
    ):
        a, b = a.double(), b.double()
        x, y = a.numpy(), b.numpy()
        long_x, long_y = np.linalg.norm(x), np.linalg.norm(y)
        u, w = x / long_x, y / long_y
        across = w - (u @ w) * u
        omega = math.atan2(np.linalg.norm(across), u @ w)

        def between(omega, x=x, y=y, t=t) -> np.ndarray:
            """Return the point at t if the angle were `omega`, from cos and sin of t · omega."""
            of_y = math.sin(t * omega) / math.sin(omega)
            return (math.cos(t * omega) - math.cos(omega) * of_y) * x + of_y * y

        right, direction = between(omega), between(omega, u, w)
        unscaled = "The angle is that of the directions: divide a · b by both lengths."
        lost = "The length is lost: the weights are for a and b themselves."
        mistakes = [
            ((1 - t) * x + t * y, "That is the straight line: the weights are sines."),
            (between(math.acos(max(-1, min(1, x @ y)) * (1 - 1e-15))), unscaled),
            (right / np.linalg.norm(right), lost),
            (direction, lost),
            (
                ((1 - t) * long_x + t * long_y) * direction,
                "The weights are for a and b themselves, not for their lengths.",
            ),
            (between(omega, x, y, 1 - t), "t and 1 − t are exchanged: t = 0 is a."),
            (math.sin(omega) * right, "Divide by sin Ω."),
            (between(u @ w), "Ω is the angle, not its cosine: `torch.acos`."),
            (between(math.pi - omega), "Ω is over 90° here: the arccosine finds it, no arcsine."),
            (right @ right, "Return the code, (K,): no sum over its numbers."),
        ]
        hint = "(sin((1 − t)Ω) a + sin(tΩ) b)/sin Ω."
        degrees = round(math.degrees(omega))
        what = f"the code at t = {t} between two that are {degrees}° apart"
        expect(fn(a, b, t), right, what, mistakes, hint)
