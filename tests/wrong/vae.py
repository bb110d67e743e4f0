"""Plausible wrong answers to the exercises of lesson 08, each with words of its hint."""

import math

import torch
from torch.nn import functional as F


def entropy(p):
    return -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p)


def floor_of(term=entropy, reduce=lambda terms: terms.flatten(1).sum(1)):
    """Return a grey_floor with another entropy of a pixel, or another way to add them up."""
    return lambda x: reduce(term(x))


def naive(x):
    return -x * x.log() - (1 - x) * (1 - x).log()


def kl_of(
    term=lambda mu, log_var: (mu**2 + log_var.exp() - log_var - 1) / 2,
    reduce=lambda terms: terms.sum(1),
):
    """Return a gaussian_kl with another term, or another way to add them up."""
    return lambda mu, log_var: reduce(term(mu, log_var))


def rebuilt(fn):
    """Return fn with its answer built again from plain numbers."""
    return lambda *args: torch.tensor(fn(*args).tolist(), dtype=torch.float64)


def code(mean=lambda mu: mu, log_var=lambda log_var: log_var):
    """Return a draw_code that does something to μ and to log σ² before it uses them."""
    return lambda mu, log_variance, noise: mean(mu) + (log_var(log_variance) / 2).exp() * noise


@torch.no_grad()
def without_gradient(mu, log_var, noise):
    return code()(mu, log_var, noise)


def with_own_seed(mu, log_var, noise):
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
    return code()(mu, log_var, own)


def straight_through(mu, log_var, noise):
    """Give each of μ and log σ² the whole gradient."""
    z = code()(mu, log_var, noise)
    return z.detach() + (mu - mu.detach()) + (log_var - log_var.detach())


def sigma_is_fixed(mu, log_var, noise):
    return mu + (log_var / 2).exp().detach() * noise + 0 * log_var


def scores(
    weight=lambda f, z, mu, sigma, noise: f(z),
    slope=lambda z, mu, sigma: (z - mu) / sigma**2,
    sigma=lambda log_var: (log_var / 2).exp(),
    result=lambda estimates: estimates,
):
    """Return a score_gradient with what the arguments change."""

    def score_gradient(f, mu, log_var, noise):
        s = sigma(log_var)
        z = mu + s * noise
        return result(weight(f, z, mu, s, noise) * slope(z, mu, s))

    return score_gradient


def slope_over(variance):
    """Return a score_gradient that draws well, but divides by that variance."""

    def score_gradient(f, mu, log_var, noise):
        z = mu + (log_var / 2).exp() * noise
        return f(z) * (z - mu) / variance(log_var)

    return score_gradient


def pathwise(f, mu, log_var, noise):
    z = (mu + (log_var / 2).exp() * noise).requires_grad_()
    return torch.autograd.grad(f(z).sum(), z)[0]


def bound(log_px, rate):
    return (rate.sum(1) - log_px).mean()


def log_q(z, mu, sigma):
    return torch.distributions.Normal(mu, sigma).log_prob(z)


def tilted(integral):
    """Return a continuous_bernoulli for that integral of e^(ηx) over x from 0 to 1."""
    return lambda logits, x: logits * x - integral(logits).log()


def integral(eta):
    return torch.where(eta == 0, 1, torch.expm1(eta) / eta)


def by_lambda(eta, x):
    """Write the integral with λ, as the paper does, except near λ = 1/2."""
    p = eta.sigmoid()
    c = 2 * torch.atanh(1 - 2 * p) / (1 - 2 * p)
    far = torch.xlogy(x, p) + torch.xlogy(1 - x, 1 - p) + c.log()
    return torch.where(eta.abs() < 0.1, tilted(integral)(eta, x), far)


def bernoulli(logits, x):
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def mean_first(rate, least):
    return torch.maximum(rate.mean(0), torch.tensor(least).double())


def sphere(
    omega=lambda a, b: torch.acos(a @ b / (a.norm() * b.norm())),
    sine=torch.sin,
    ends=lambda a, b: (a, b),
):
    """Return a great_circle with what the arguments change."""

    def great_circle(a, b, t):
        angle = omega(a, b)
        one, other = ends(a, b)
        return (((1 - t) * angle).sin() * one + (t * angle).sin() * other) / sine(angle)

    return great_circle


def unit(v):
    return v / v.norm()


def lengths_by_line(a, b, t):
    return ((1 - t) * a.norm() + t * b.norm()) * sphere()(unit(a), unit(b), t)


def arcsine(a, b):
    return torch.asin(torch.linalg.cross(a, b).norm() / (a.norm() * b.norm()))


def shifted_by(end):
    """Return an importance_weighted that takes end(log_w) out of the sum."""

    def importance_weighted(log_w):
        m = end(log_w)
        return m + (log_w - m).exp().mean(0).log()

    return importance_weighted


def loss_of(pixels="sum", batch="mean", twice=False, dims="sum", kl_batch="mean", kl_factor=1):
    """Return a mended_loss that adds up or averages each part, over each dimension, as it says."""

    def mended_loss(logits, x, mu, log_var):
        eta = logits.sigmoid() if twice else logits
        pixel = F.binary_cross_entropy_with_logits(eta, x, reduction="none").flatten(1)
        kl = (mu**2 + log_var.exp() - log_var - 1) / 2
        distortion = getattr(getattr(pixel, pixels)(1), batch)()
        return distortion + kl_factor * getattr(getattr(kl, dims)(1), kl_batch)()

    return mended_loss


def verdict(*mended):
    return ", ".join(
        f"bug {n} {'mended' if m else 'still there'}" for n, m in enumerate(mended, start=1)
    )


WRONG = {
    "grey_floor": [
        (floor_of(reduce=lambda terms: terms.flatten(1).mean(1)), "this is their mean"),
        (floor_of(lambda x: entropy(x) / math.log(2)), "these are bits"),
        (floor_of(lambda x: x * x.log2() + (1 - x) * (1 - x).log2()), "it should be"),
        (floor_of(lambda x: -entropy(x)), "put a minus"),
        (
            floor_of(lambda x: -torch.xlogy(x, x)),
            "Half is missing: (1 − x) log(1 − x), for no ink.",
        ),
        (floor_of(lambda x: -torch.xlogy(1 - x, 1 - x)), "Half is missing: x log x, for ink."),
        (
            floor_of(lambda x: F.binary_cross_entropy_with_logits(x, x, reduction="none")),
            "not a logit",
        ),
        (lambda x: torch.zeros(len(x)).double(), "a grey one costs more"),
        (lambda x: entropy(x).sum(), "shape () instead of (2,). One number for each picture"),
        (lambda x: F.binary_cross_entropy(x, x), "One number for each picture"),
        (lambda x: entropy(x).sum(0), "not over the pictures"),
        (lambda x: entropy(x).sum((1, 2)), "rows and columns"),
        (lambda x: entropy(x).sum((2, 3)), "Its shape is (B,)"),
        (entropy, "shape (2, 1, 2, 3) instead of (2,). Add the pixels of a picture up."),
        (floor_of(lambda x: entropy(x) + 1), "the floor of grey pictures is"),
        (floor_of(lambda x: x * (1 - x)), "added up over the pixels."),
        (floor_of(naive), "the floor of some black and white contains nan. 0 · log 0"),
        (floor_of(lambda x: naive(x).nan_to_num(), lambda e: e.sum((1, 2, 3)) + 1), "added up"),
        (lambda x: naive(x).flatten(1).sum(1).nan_to_num(), "counts as 0, its limit"),
        (floor_of(lambda x: naive(x.clamp(1e-6, 1 - 1e-6))), "Without an ε"),
        (
            floor_of(lambda x: -x * (x + 1e-8).log() - (1 - x) * (1 - x + 1e-8).log()),
            "the floor of grey pictures is not right yet. Without an ε",
        ),
    ],
    "gaussian_kl": [
        (kl_of(lambda mu, log_var: mu**2 + log_var.exp() - log_var - 1), "one-half is forgotten"),
        (kl_of(reduce=torch.sum), "leave the batch as it is"),
        (kl_of(reduce=torch.mean), "leave the batch as it is"),
        (kl_of(reduce=lambda terms: terms.sum(0)), "not over the batch"),
        (kl_of(reduce=lambda terms: terms), "instead of (3,). Add the K dimensions up"),
        (kl_of(reduce=lambda terms: terms.mean(1)), "this is their mean"),
        (kl_of(reduce=lambda terms: -terms.sum(1)), "no KL is below 0"),
        (
            kl_of(lambda mu, log_var: (mu**2 + (2 * log_var).exp() - 2 * log_var - 1) / 2),
            "not log σ.",
        ),
        (kl_of(lambda mu, log_var: (mu**2 + log_var.exp() - log_var) / 2), "−1 is forgotten"),
        (
            lambda mu, log_var: ((mu**2 + log_var.exp() - log_var).sum(1) - 1) / 2,
            "once for each dimension",
        ),
        (
            kl_of(lambda mu, log_var: ((mu**2 + 1) / log_var.exp() + log_var - 1) / 2),
            "the other way round",
        ),
        (kl_of(lambda mu, log_var: (mu**2 + log_var - log_var - 1) / 2), "σ² is e to"),
        (
            kl_of(lambda mu, log_var: (mu**2 + (log_var / 2).exp() - log_var - 1) / 2),
            "σ² stands in it, not σ",
        ),
        (kl_of(lambda mu, log_var: (log_var.exp() - log_var - 1) / 2), "μ² is missing"),
        (kl_of(lambda mu, log_var: (mu + log_var.exp() - log_var - 1) / 2), "μ is squared"),
        (kl_of(lambda mu, log_var: (mu**2 + log_var.exp() + log_var - 1) / 2), "is subtracted"),
        (kl_of(lambda mu, log_var: (mu**2 + log_var.exp() - 1) / 2), "log σ² is missing"),
        (
            kl_of(lambda mu, log_var: (mu**2 + log_var - log_var.log() - 1) / 2),
            "`log_var` is log σ² already: its exponential is σ²",
        ),
        (
            kl_of(lambda mu, log_var: (mu**2 + log_var.exp() - log_var.log() - 1) / 2),
            "`log_var` is log σ² already: its exponential is σ²",
        ),
        (
            kl_of(lambda mu, log_var: (mu**2 + log_var.exp() ** 2 - log_var - 1) / 2),
            "do not square it",
        ),
        (kl_of(lambda mu, log_var: (mu**2 + log_var.exp() - log_var.abs() - 1) / 2), "it should"),
        (
            kl_of(lambda mu, log_var: (mu**2 + log_var.exp() - log_var.abs() - 1) / 2),
            "(μ² + σ² − log σ² − 1)/2, added up",
        ),
        (lambda *args: kl_of()(*args).detach(), "the KL is right, but no gradient gets from it"),
        (lambda mu, log_var: kl_of()(mu.detach(), log_var), "no gradient gets from it to μ"),
        (lambda mu, log_var: kl_of()(mu, log_var.data), "no gradient gets from it to log σ²"),
        (rebuilt(kl_of()), "no gradient gets from it to μ"),
        (lambda *args: kl_of()(*args).numpy(), "A gradient passes through functions of torch"),
        (lambda *args: kl_of()(*args).tolist(), "can pass, not a list"),
    ],
    "draw_code": [
        (lambda mu, log_var, noise: mu + log_var.exp() * noise, "this is σ²"),
        (lambda mu, log_var, noise: mu + log_var * noise, "take e to its half"),
        (
            lambda mu, log_var, noise: mu + log_var.exp().exp().sqrt() * noise,
            "One exponential too many",
        ),
        (lambda mu, log_var, noise: mu + (-log_var / 2).exp() * noise, "does not divide it"),
        (lambda mu, log_var, noise: mu + noise, "σ is missing"),
        (lambda mu, log_var, noise: mu, "this is the mean"),
        (lambda mu, log_var, noise: mu + (log_var / 2).exp(), "σ multiplies ε."),
        (lambda mu, log_var, noise: (log_var / 2).exp() * noise, "μ is missing"),
        (lambda mu, log_var, noise: mu - (log_var / 2).exp() * noise, "not subtracted"),
        (lambda mu, log_var, noise: (log_var / 2).exp() + mu * noise, "are exchanged"),
        (lambda mu, log_var, noise: mu + log_var.sqrt() * noise, "is log σ², not σ²"),
        (lambda mu, log_var, noise: mu + log_var.exp() / 2 * noise, "not its half: halve"),
        (lambda mu, log_var, noise: mu + log_var / 2 * noise, "half of log σ² is log σ"),
        (lambda mu, log_var, noise: code()(mu, log_var.abs(), noise), "z = μ + σε: ε is"),
        (with_own_seed, "it should be"),
        (with_own_seed, "ε is `noise`."),
        (
            lambda mu, log_var, noise: torch.normal(mu, (log_var / 2).exp()),
            "two calls with the same noise give two codes",
        ),
        (
            lambda mu, log_var, noise: mu + (log_var / 2).exp() * torch.randn_like(noise),
            "draw nothing yourself",
        ),
        (lambda mu, log_var, noise: code()(mu, log_var, noise)[0], "has shape (3,)"),
        (lambda *args: code()(*args).detach(), "no gradient gets from it to μ"),
        (lambda *args: code()(*args).data, "no gradient gets from it to μ"),
        (without_gradient, "something cuts it off"),
        (lambda *args: code()(*args).detach().requires_grad_(), "gets from it to μ"),
        (code(log_var=torch.Tensor.detach), "no gradient gets from it to log σ²"),
        (code(mean=torch.Tensor.detach), "no gradient gets from it to μ"),
        (rebuilt(code()), "gets from it to μ"),
        (
            lambda mu, log_var, noise: torch.from_numpy(mu.numpy() + 0) + code()(0, log_var, noise),
            "A gradient passes through functions of torch alone",
        ),
        (lambda *args: code()(*args).tolist(), "can pass, not a list"),
        (straight_through, "its gradient to log σ² is"),
        (sigma_is_fixed, "its gradient to log σ² is"),
        (lambda mu, *args: code()(2 * mu - mu.detach(), *args), "its gradient to μ is"),
        (sigma_is_fixed, "Leave the derivative to autograd"),
    ],
    "minus_elbo": [
        (lambda log_px, rate: (log_px - rate.sum(1)).mean(), "This is the ELBO"),
        (lambda log_px, rate: (log_px + rate.sum(1)).mean(), "The sign of log p"),
        (lambda log_px, rate: -(log_px + rate.sum(1)).mean(), "The sign of the KL"),
        (lambda log_px, rate: (rate.mean(1) - log_px).mean(), "this is their mean"),
        (lambda log_px, rate: rate.mean() - log_px.mean(), "this is their mean"),
        (lambda log_px, rate: (rate.sum(1) - log_px).sum(), "this is its sum"),
        (lambda log_px, rate: rate.sum() - log_px.mean(), "The KL is the sum over the batch"),
        (
            lambda log_px, rate: rate.sum(1).mean() - log_px.sum(),
            "log p is the sum over the batch",
        ),
        (lambda log_px, rate: (rate - log_px[:, None]).sum(1).mean(), "counted K times"),
        (lambda log_px, rate: -log_px.mean(), "The KL is missing"),
        (lambda log_px, rate: rate.sum(1).mean(), "log p is missing"),
        (lambda log_px, rate: (rate.sum(1) / 2 - log_px).mean(), "no one-half"),
        (lambda log_px, rate: rate.sum(1) - log_px, "has shape (4,) instead of (): a plain number"),
        (lambda log_px, rate: rate.sum(1) - log_px, "A loss is one number"),
        (
            lambda log_px, rate: rate - log_px[:, None],
            "shape (4, 3) instead of (): a plain number. Add the K rates of a picture up; then",
        ),
        (lambda log_px, rate: rate.sum(0) - log_px.mean(), "`sum(1)`; then"),
        (lambda log_px, rate: (rate.sum(1) - log_px).median(), "the loss is"),
        (lambda log_px, rate: (rate.sum(1) - log_px).median(), "The mean of −log p(x | z)"),
        (
            lambda log_px, rate: (rate.sum(1) - log_px).mean().item(),
            "the loss is right, but return",
        ),
        (lambda *args: bound(*args).item(), "not a float: `.item()`, `float`"),
        (lambda *args: bound(*args).detach(), "no gradient gets from it to log p(x | z)"),
        (lambda log_px, rate: bound(log_px.detach(), rate), "gets from it to log p(x | z)"),
        (lambda log_px, rate: bound(log_px, rate.detach()), "the loss is right, but no gradient"),
        (lambda log_px, rate: bound(log_px, rate.detach()), "gets from it to the rate"),
        (rebuilt(bound), "`.item()`, `torch.no_grad` and `torch.tensor` do"),
        (
            lambda log_px, rate: -log_px + rate,
            "the shapes do not fit at `lambda log_px, rate: -log_px + rate,`: you were given "
            "log_px (4,), rate (4, 3).",
        ),
        (lambda log_px, rate: (rate - log_px).mean(), "equal or 1, counted from the last"),
    ],
    "score_gradient": [
        (pathwise, "No gradient passes through f"),
        (scores(slope=lambda z, mu, sigma: z - mu), "Divide by σ²: (z − μ)/σ²"),
        (scores(slope=lambda z, mu, sigma: (z - mu) / sigma), "not by σ: z − μ"),
        (lambda f, mu, log_var, noise: scores()(f, mu, log_var, noise).mean(), "no mean and no"),
        (scores(result=torch.sum), "One estimate for each draw"),
        (
            scores(slope=lambda z, mu, sigma: (z - mu) / sigma**3),
            "which leaves ε/σ",
        ),
        (
            scores(lambda f, z, mu, sigma, noise: f(z) - f(z).mean()),
            "A baseline is subtracted from f",
        ),
        (
            scores(lambda f, z, mu, sigma, noise: f(z) - (f(z).sum() - f(z)) / (len(z) - 1)),
            "A baseline is subtracted from f",
        ),
        (scores(lambda f, z, mu, sigma, noise: f(z) - f(mu)), "A baseline is subtracted from f"),
        (scores(lambda f, z, mu, sigma, noise: f(noise)), "not at the noise"),
        (scores(lambda f, z, mu, sigma, noise: f(mu)), "at each draw, not at μ"),
        (scores(sigma=torch.exp, slope=lambda z, mu, s: (z - mu) / s), "σ is the root"),
        (scores(sigma=torch.exp), "σ is the root"),
        (scores(sigma=lambda log_var: log_var.exp() / 2), "σ is the root"),
        (scores(sigma=lambda log_var: log_var), "log σ², not σ: take"),
        (scores(sigma=lambda log_var: log_var, slope=lambda z, mu, s: (z - mu) / s), "not σ: take"),
        (
            lambda f, mu, log_var, noise: f(mu + log_var * noise) * log_var * noise / log_var.exp(),
            "log σ², not σ: take",
        ),
        (scores(sigma=torch.sqrt), "log σ², not σ²"),
        (slope_over(lambda log_var: log_var**2), "σ² is e to `log_var`"),
        (slope_over(lambda log_var: log_var), "σ² is e to `log_var`"),
        (
            lambda f, mu, log_var, noise: (
                f(mu + (log_var / 2).exp() * noise) * (noise - mu) / log_var.exp()
            ),
            "z is the draw μ + σε, not the noise",
        ),
        (
            lambda f, mu, log_var, noise: f(noise) * (noise - mu) / log_var.exp(),
            "z is the draw μ + σε, not the noise",
        ),
        (
            scores(lambda f, z, mu, sigma, noise: f(z) * log_q(z, mu, sigma).exp()),
            "No factor q(z)",
        ),
        (scores(lambda f, z, mu, sigma, noise: 1), "f is missing"),
        (scores(slope=lambda z, mu, sigma: 1), "f alone is no gradient"),
        (scores(slope=lambda z, mu, sigma: (mu - z) / sigma**2), "log q rises towards z"),
        (scores(slope=log_q), "not log q itself"),
        (
            scores(slope=lambda z, mu, sigma: ((z - mu) ** 2 / sigma**2 - 1) / 2),
            "the gradient in log σ²",
        ),
        (scores(slope=lambda z, mu, sigma: z / sigma**2), "not z/σ²"),
        (scores(slope=lambda z, mu, sigma: (z - mu) ** 2), "the tensor of estimates is"),
        (scores(slope=lambda z, mu, sigma: (z - mu) ** 2), "f(z) (z − μ)/σ²."),
    ],
    "continuous_bernoulli": [
        (bernoulli, "This is the Bernoulli's"),
        (
            lambda logits, x: 2 * bernoulli(logits, x) - tilted(integral)(logits, x),
            "The constant has the wrong sign",
        ),
        (lambda logits, x: -tilted(integral)(logits, x), "this is the loss"),
        (lambda logits, x: tilted(integral)(logits, x).exp(), "Return the logarithm"),
        (lambda logits, x: logits * x, "is missing."),
        (lambda logits, x: logits * x, "Divide by the integral"),
        (tilted(torch.expm1), "The factor η is missing"),
        (lambda logits, x: logits * x + integral(logits).log(), "not multiplied with it"),
        (lambda logits, x: -integral(logits).log() + 0 * x, "the constant alone"),
        (lambda logits, x: tilted(integral)(logits, x).sum(), "shape () instead of (2, 1, 1, 3)"),
        (lambda logits, x: tilted(integral)(logits, x).mean(), "Pixel by pixel"),
        (
            lambda logits, x: tilted(integral)(logits, x).flatten(1).sum(1),
            "shape (2,) instead of (2, 1, 1, 3). Pixel by pixel",
        ),
        (lambda logits, x: tilted(integral)(logits, 1 - x), "such as 0.3 and 0.6 is"),
        (lambda logits, x: tilted(integral)(logits, 1 - x), "ηx + log η − log(e^η − 1)."),
        (
            lambda logits, x: logits * x + logits.log() - torch.expm1(logits).log(),
            "such as -0.6 and -0.3 contains nan. η and e^η − 1 are both below 0",
        ),
        (
            lambda logits, x: torch.where(
                logits == 0, 0, logits * x + logits.abs().log() - torch.expm1(logits.abs()).log()
            ),
            "take the logarithm of their quotient",
        ),
        (tilted(lambda eta: torch.expm1(eta) / eta), "such as 0 contains nan. There e^η = 1"),
        (
            tilted(lambda eta: torch.expm1(eta) / (eta + 1e-12)),
            "its logarithm 0",
        ),
        (
            tilted(lambda eta: torch.where(eta == 0, 1, (eta.exp() - 1) / eta)),
            "such as -2e-07 and 1e-07 is",
        ),
        (
            tilted(lambda eta: torch.where(eta == 0, 1, (eta.exp() - 1) / eta)),
            "has lost its digits",
        ),
        (
            lambda logits, x: torch.where(logits.abs() < 1e-3, 0, tilted(integral)(logits, x)),
            "Near 0 it is not 0 yet",
        ),
        *(
            (lambda logits, x, e=e: tilted(integral)(logits + e, x), "Without an ε: it moves")
            for e in (1e-2, 1e-6, 1e-8, 1e-10)
        ),
        (lambda logits, x: logits * x - integral(logits + 1e-6).log(), "Without an ε"),
        (tilted(lambda eta: torch.expm1(eta) / (eta + 1e-8)), "Without an ε"),
        (tilted(lambda eta: (torch.expm1(eta) + 1e-8) / eta), "Without an ε"),
        (tilted(lambda eta: (torch.expm1(eta) + 1e-8) / (eta + 1e-8)), "Without an ε"),
        (
            lambda logits, x: tilted(lambda eta: torch.expm1(eta) / eta)(logits + 1e-9, x),
            "such as 0 is not right yet. Without an ε",
        ),
        (
            lambda logits, x: torch.where(logits == 0, -0.3, tilted(integral)(logits, x)),
            "it should be [[[[0., 0., 0.]]], [[[0., 0., 0.]]]]. There e^η = 1",
        ),
        (
            lambda logits, x: torch.where(
                logits.abs() < 0.2, logits * (x - 0.5), tilted(integral)(logits, x)
            ),
            "such as -0.1 and 0.01 is not right yet. η(x − 1/2) is its first term alone.",
        ),
        (
            lambda logits, x: torch.where(
                logits.abs() < 0.05, logits * (x - 0.49), tilted(integral)(logits, x)
            ),
            "η = 0 alone asks for another",
        ),
        (
            lambda logits, x: tilted(integral)(logits, x) if logits == 0 else logits * x,
            "ask for one truth, but here are many at `lambda logits, x: tilted(integral)(logits, "
            "x) if logits == 0 else logits * x,`: choose number by number, with `torch.where`",
        ),
        (by_lambda, "such as -50 and 50 contains"),
        (by_lambda, "The sigmoid is rounded"),
        (
            lambda logits, x: torch.distributions.ContinuousBernoulli(logits=logits).log_prob(x),
            "write it with η alone",
        ),
    ],
    "free_nats": [
        (lambda rate, least: rate.clamp(min=least).mean(0).sum(), "The mean over the batch comes"),
        (lambda rate, least: rate.clamp(min=least).sum(1).mean(), "then the larger: a picture"),
        (lambda rate, least: rate.sum(1).mean().clamp(min=least), "take the larger for each"),
        (lambda rate, least: rate.sum(1).mean().clamp(min=3 * least), "take the larger for each"),
        (lambda rate, least: rate.mean().clamp(min=least), "Each dimension costs at least"),
        (lambda rate, least: rate.mean(0).clamp(max=least).sum(), "not the smaller"),
        (lambda rate, least: (rate.mean(0) + least).sum(), "not their sum"),
        (lambda rate, least: mean_first(rate, least).mean(), "this is their mean"),
        (lambda rate, least: rate.sum(0).clamp(min=least).sum(), "not its sum"),
        (lambda rate, least: rate.mean(0).sum(), "take the larger for each"),
        (lambda rate, least: (rate.mean(0) - least).clamp(min=0).sum(), "its whole rate"),
        (lambda rate, least: F.threshold(rate.mean(0), least, 0.0).sum(), "not nothing"),
        (lambda rate, least: rate.mean(1).clamp(min=least).sum(), "are exchanged"),
        (mean_first, "has shape (3,) instead of (): a plain number. Add the K dimensions up"),
        (
            lambda rate, least: rate.clamp(min=least).sum(1),
            "The mean over the batch comes first: `mean(0)`",
        ),
        (lambda rate, least: rate.clamp(min=least), "then the sum over K"),
        (lambda rate, least: max(least, rate.mean(0)).sum(), "`torch.where` or `clamp`"),
        (lambda rate, least: torch.maximum(rate.mean(0), least).sum(), "and a number `clamp`"),
        (lambda *args: mean_first(*args).sum().detach(), "no gradient gets from it to the rate"),
        (rebuilt(lambda *args: mean_first(*args).sum()), "no gradient gets from it to the rate"),
        (
            lambda rate, least: sum(max(least, mean) for mean in rate.mean(0).tolist()),
            "can pass, not a float",
        ),
        (lambda rate, least: rate.median(0).values.sum(), "the rate with least = 0.5 is"),
        (lambda rate, least: rate.median(0).values.sum(), "Σ max(least, mean over the batch)"),
    ],
    "great_circle": [
        (lambda a, b, t: (1 - t) * a + t * b, "the straight line"),
        (sphere(lambda a, b: torch.acos((a @ b).clamp(-1, 1))), "divide a · b by both lengths"),
        (lambda a, b, t: unit(sphere()(a, b, t)), "The length is lost"),
        (sphere(ends=lambda a, b: (unit(a), unit(b))), "The length is lost"),
        (lengths_by_line, "not for their lengths"),
        (lambda a, b, t: sphere()(b, a, t), "are exchanged: t = 0 is a"),
        (sphere(sine=lambda angle: 1), "Divide by sin Ω"),
        (
            sphere(lambda a, b: a @ b / (a.norm() * b.norm())),
            "Ω is the angle, not its cosine",
        ),
        (sphere(arcsine), "the arccosine finds it"),
        (lambda a, b, t: sphere()(a, b, t) @ a, "no sum over its numbers"),
        (
            lambda a, b, t: torch.sin(1 - t) * a,
            "for a plain number there is `math`",
        ),
        (sphere(sine=torch.tan), "the code at t = 0.3 between two that are 77° apart is"),
        (sphere(sine=torch.tan), "(sin((1 − t)Ω) a + sin(tΩ) b)/sin Ω."),
    ],
    "importance_weighted": [
        (lambda log_w: log_w.mean(0), "the ELBO"),
        (lambda log_w: log_w.logsumexp(0), "not their sum"),
        (lambda log_w: log_w.logsumexp(0) / len(log_w), "do not divide the logarithm"),
        (lambda log_w: log_w.logsumexp(0) + math.log(len(log_w)), "do not add it"),
        (lambda log_w: log_w.logsumexp(0) - math.log(log_w.shape[1]), "the rows: `len(log_w)`"),
        (lambda log_w: log_w.max(0).values, "The largest is no mean"),
        (lambda log_w: math.log(len(log_w)) - log_w.logsumexp(0), "this is the loss"),
        (lambda log_w: log_w.exp().mean(0), "The logarithm is missing"),
        (lambda log_w: (log_w.softmax(0) * log_w).sum(0), "a mean of the logarithms with weights"),
        (
            lambda log_w: log_w.logsumexp(1) - math.log(log_w.shape[1]),
            "has shape (3,) instead of (2,). The mean is over the samples",
        ),
        (
            lambda log_w: log_w.flatten().logsumexp(0) - math.log(log_w.numel()),
            "the mean is over dimension 0",
        ),
        (lambda log_w: log_w - math.log(len(log_w)), "The mean over the samples is missing"),
        (lambda log_w: log_w.median(0).values, "the bound for log weights from -2 to"),
        (lambda log_w: log_w.median(0).values, "log (Σ w/S) over the S samples"),
        (
            lambda log_w: log_w.exp().mean(0).log(),
            "from -1900 to -199 contains -inf. e to so low a number",
        ),
        (shifted_by(torch.max), "contains -inf. e to so low"),
        (shifted_by(lambda log_w: log_w.min(0).values), "contains inf. e to so low"),
    ],
    "mended_loss": [
        *(
            (
                loss_of(
                    pixels="sum" if mended[0] else "mean",
                    twice=not mended[1],
                    kl_batch="mean" if mended[2] else "sum",
                ),
                verdict(*mended),
            )
            for mended in (
                (False, False, False),
                (False, False, True),
                (False, True, False),
                (False, True, True),
                (True, False, False),
                (True, False, True),
                (True, True, False),
            )
        ),
        (loss_of(pixels="mean", dims="mean"), verdict(False, True, True)),
        (loss_of(dims="mean"), verdict(False, True, True)),
        (loss_of(batch="sum", kl_batch="sum"), verdict(True, True, False)),
        (loss_of(batch="sum"), verdict(True, True, False)),
        (loss_of(pixels="mean"), "what is added up, what averaged?"),
        (loss_of(twice=True), "do to its logits?"),
        (loss_of(kl_batch="sum"), "does either grow with the batch?"),
        (lambda *args: -loss_of()(*args), "This is the ELBO"),
        (loss_of(kl_factor=-1), "The sign of the KL was right"),
        (loss_of(kl_factor=2), "The one-half of the KL was right"),
        (loss_of(kl_factor=0), "it belongs to the loss"),
        (
            lambda logits, x, mu, log_var: (
                F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
            ),
            "has shape (3,) instead of (): a plain number. A loss is one number",
        ),
        (
            lambda logits, x, mu, log_var: (
                784 * F.binary_cross_entropy_with_logits(logits.sigmoid(), x)
                + kl_of()(mu, log_var).mean()
            ),
            verdict(True, False, True),
        ),
        (lambda *args: loss_of()(*args).item(), "not a float: `.item()`"),
        (lambda *args: loss_of(pixels="mean")(*args).item(), verdict(False, True, True)),
        (lambda *args: loss_of()(*args).detach(), "no gradient gets from it to the logits"),
        (rebuilt(loss_of()), "no gradient gets from it to the logits"),
        (
            lambda logits, x, mu, log_var: loss_of()(logits, x, mu.detach(), log_var),
            "no gradient gets from it to μ",
        ),
        (
            lambda logits, x, mu, log_var: loss_of()(logits, x, mu, log_var.data),
            "no gradient gets from it to log σ²",
        ),
        (loss_of(kl_factor=0.5), "the loss is"),
        (loss_of(kl_factor=0.5), "the mean over the batch."),
    ],
}
