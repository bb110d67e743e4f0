"""The VAE against torch.distributions, sums over a fine grid, 60 digits, and loops written out."""

import copy
import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import geometric_slerp
from torch import distributions as D
from torch import nn
from torch.autograd import gradcheck

from aigc_lib import train
from aigc_lib.vae import (
    VAE,
    Bernoulli,
    ContinuousBernoulli,
    Gaussian,
    Trainer,
    active_units,
    convolutional,
    dense,
    free_bits,
    importance_bound,
    kl,
    log_normal,
    negative_elbo,
    reparameterise,
    slerp,
)

INF, NAN = math.inf, math.nan
EPS = {torch.float64: 2.0**-52, torch.float32: 2.0**-23}
pytestmark = pytest.mark.usefixtures("one_thread")
few = settings(max_examples=30)
sizes, seeds = st.integers(1, 5), st.integers(0, 999)
kinds = pytest.mark.parametrize("kind", EPS)
likelihoods = pytest.mark.parametrize("likelihood", [Bernoulli, ContinuousBernoulli, Gaussian])


def close(found, expected, atol=1e-10):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def near(draws, expected):
    """Assert that the mean of `draws` (n, ...) is `expected` but for 5 of its standard errors."""
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - expected).abs() <= 5 * error + 1e-12).all()


def with_digits(function):
    """Let `function` of Decimals reckon with 60 digits, and return its value as a float."""

    def exact(*numbers):
        with localcontext(prec=60):
            return float(function(*map(Decimal, numbers)))

    return exact


# ----------------------------------------------------------------------------- the normal's parts


@few
@given(sizes, sizes, seeds)
def test_the_kl_is_that_of_torch_distributions_dimension_by_dimension(B, K, seed):
    torch.manual_seed(seed)
    mu, log_var = 2 * normal(B, K), 2 * normal(B, K)
    expected = D.kl_divergence(D.Normal(mu, log_var.exp().sqrt()), D.Normal(0.0, 1.0))
    close(kl(mu, log_var), expected, 1e-12 * (1 + expected.max().item()))
    single = kl(mu.float(), log_var.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=1e-5)
    leaves = (mu.requires_grad_(), log_var.requires_grad_())
    assert gradcheck(kl, leaves)  # by finite differences


@pytest.mark.parametrize("log_var", [0, 1e-9, -1e-7, 5e-5, -3e-4, 0.01, -0.5, 20, -80])
def test_near_the_prior_the_kl_loses_no_digits(log_var):
    """Against 60 digits; in single precision e^a − a − 1 would be noise, and at times negative."""
    for kind, eps in EPS.items():
        a = torch.tensor(log_var, dtype=kind)
        exact = with_digits(lambda a: (a.exp() - a - 1) / 2)(a.item())
        found = kl(torch.zeros((), dtype=kind), a).item()
        assert found == pytest.approx(exact, rel=4 * eps, abs=eps * abs(log_var))
        assert found >= -eps * abs(log_var)


@pytest.mark.parametrize(("mu", "log_var"), [(0, 0), (3, 0), (-1.5, 2), (0.2, -6), (-4, -3)])
def test_the_kl_is_its_integral(mu, log_var):
    sigma = math.exp(log_var) ** 0.5
    z = np.linspace(mu - 12 * sigma, mu + 12 * sigma, 4001)
    log_q = stats.norm.logpdf(z, mu, sigma)
    integral = np.trapezoid(np.exp(log_q) * (log_q - stats.norm.logpdf(z)), z)
    found = kl(*torch.tensor([mu, log_var], dtype=torch.float64))
    assert found.item() == pytest.approx(integral, abs=1e-10)


@few
@given(sizes, sizes, seeds)
def test_a_reparameterised_draw_is_the_quantile_of_its_noise(B, K, seed):
    torch.manual_seed(seed)
    mu, log_var, noise = normal(B, K), normal(B, K), normal(B, K)
    z = reparameterise(mu, log_var, noise)
    q = D.Normal(mu, log_var.exp().sqrt())
    close(q.cdf(z), D.Normal(0.0, 1.0).cdf(noise), 1e-12)
    close(log_normal(z, mu, log_var), D.Independent(q, 1).log_prob(z), 1e-11)
    one = normal()  # one variance for all, as the Gaussian has
    close(log_normal(z, mu, one), D.Normal(mu, one.exp().sqrt()).log_prob(z).sum(1), 1e-10)
    assert reparameterise(mu.float(), log_var.float(), noise.float()).dtype == torch.float32


def test_gradients_through_a_draw_are_those_of_the_integral():
    """d/dθ ∫ f(z) q(z) dz = ∫ f(z) q(z) d log q(z)/dθ dz, for θ = μ and for θ = log σ²."""
    mu, log_var, n = 0.7, -0.8, 100_000
    z = np.linspace(mu - 10, mu + 10, 4001)

    def f(z):
        return (2 * z).sin() + z**2 / 2

    weighted = f(torch.tensor(z)).numpy() * stats.norm.pdf(z, mu, math.exp(log_var) ** 0.5)
    score_mu = (z - mu) / math.exp(log_var)
    score_log_var = (score_mu * (z - mu) - 1) / 2
    expected = [np.trapezoid(weighted * score, z) for score in (score_mu, score_log_var)]
    leaves = torch.tensor([[mu, log_var]], dtype=torch.float64).repeat(n, 1).requires_grad_()
    noise = torch.randn(n, generator=seeded(), dtype=torch.float64)
    f(reparameterise(leaves[:, 0], leaves[:, 1], noise)).sum().backward()
    near(leaves.grad, torch.tensor(expected))


# -------------------------------------------------------------------------------- the likelihoods


def pictures(*shape, binary=False):
    x = torch.rand(shape, dtype=torch.float64)
    return x.round() if binary else x


def theirs(likelihood, logits, x):
    """Return log p of every pixel by torch.distributions."""
    if isinstance(likelihood, Gaussian):
        return D.Normal(torch.special.expit(logits), likelihood.log_sigma.exp()).log_prob(x)
    return getattr(D, type(likelihood).__name__)(logits=logits).log_prob(x)


@likelihoods
@few
@given(sizes, sizes, sizes, seeds)
def test_log_probs_are_the_sums_of_torch_distributions(likelihood, B, H, W, seed):
    torch.manual_seed(seed)
    ours, logits = likelihood().double(), 3 * normal(B, 1, H, W).clamp(-3, 3)
    x = pictures(B, 1, H, W, binary=likelihood is Bernoulli)
    found = ours.log_prob(logits, x)
    assert found.shape == (B,)
    close(found, theirs(ours, logits, x).sum((1, 2, 3)))
    close(ours.log_prob(logits.flatten(1), x.flatten(1)), found)
    close(ours.float().log_prob(logits.float(), x.float()).double(), found, 1e-3)
    if likelihood is not Gaussian:
        mean = getattr(D, likelihood.__name__)(logits=logits).mean
        close(ours.mean(logits), mean)


@few
@given(sizes, seeds)
def test_the_cross_entropy_of_a_grey_picture_is_at_least_its_entropy(n, seed):
    torch.manual_seed(seed)
    x, logits = pictures(1, n), 3 * normal(1, n)
    p = 1 / (1 + (-logits).exp())
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    close(-Bernoulli().log_prob(logits, x), expected)
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).sum(1)
    close(-Bernoulli().log_prob(x.log() - (1 - x).log(), x), entropy)
    assert (expected >= entropy - 1e-10).all()


ETAS = [0, 1e-9, 1e-3, 3e-3, 0.0199, 0.0201, 0.1, 0.3, 1, 7.5, 30, 60]
ETAS = [-eta for eta in ETAS[:0:-1]] + ETAS


@kinds
@likelihoods
def test_densities_integrate_to_one_and_the_mean_is_theirs(likelihood, kind):
    ours = likelihood().to(kind)
    if likelihood is Bernoulli:
        x, w = torch.tensor([0.0, 1.0]), torch.ones(2)
    elif likelihood is Gaussian:  # from 10 standard deviations below 0 to as many above 1
        x, w = (
            torch.linspace(-3, 4, 281, dtype=torch.float64),
            torch.full((281,), 0.025, dtype=torch.float64),
        )
    else:
        x, w = map(torch.tensor, np.polynomial.legendre.leggauss(80))  # exact up to x¹⁵⁹
        x, w = (x + 1) / 2, w / 2
    for eta in ETAS:
        logits = torch.full((len(x), 1), eta, dtype=kind)
        p = ours.log_prob(logits, x[:, None].to(kind)).exp().double()
        total, mean = (w * p).sum().item(), (w * p * x).sum().item()
        assert total == pytest.approx(1, abs=max(16 * EPS[kind] * (4 + abs(eta)), 1e-12))
        found = ours.mean(logits)
        assert (found.dtype, found.shape) == (kind, logits.shape)
        assert found[0].item() == pytest.approx(mean, abs=max(16 * EPS[kind] * 60, 1e-12))


def log_density(eta, x):
    """log p(x | η) of the continuous Bernoulli, in Decimals."""
    return eta * x + (eta / (eta.exp() - 1)).ln() if eta else Decimal(0)


def expectation(eta):
    """E[x | η] of the continuous Bernoulli, in Decimals."""
    return 1 / (1 - (-eta).exp()) - 1 / eta if eta else 1 / Decimal(2)


def slope(f):
    """The derivative of f by finite differences, to about 30 digits."""
    h = Decimal("1e-15")
    return lambda eta, *rest: (f(eta + h, *rest) - f(eta - h, *rest)) / (2 * h)


@kinds
@pytest.mark.parametrize("x", [0, 0.25, 1])
def test_the_continuous_bernoulli_to_the_last_digits(x, kind):
    """Values and slopes, on both sides of |η| = 0.02, where the series begin.

    The errors allowed: rounding, and the first term that each series leaves out.
    """
    ours, eps = ContinuousBernoulli(), EPS[kind]
    eta = torch.tensor([-1000, *ETAS, 1000], dtype=kind, requires_grad=True)
    log_p, mean = ours.log_prob(eta[:, None], torch.full_like(eta, x)[:, None]), ours.mean(eta)
    (log_p_slope,) = torch.autograd.grad(log_p.sum(), eta)
    (mean_slope,) = torch.autograd.grad(mean.sum(), eta)
    for i, value in enumerate(eta.tolist()):
        off = 1 / max(abs(value), 0.02)  # 1/η is taken from a number as large: digits are lost
        for found, exact, arguments, error in (
            (log_p, log_density, (value, x), eps * (2 + abs(value)) + 4e-15),
            (log_p_slope, slope(log_density), (value, x), 4 * eps * off + 7e-13),
            (mean, expectation, (value,), 2 * eps * off + 2e-13),
            (mean_slope, slope(expectation), (value,), 8 * eps * off**2 + 4e-11),
        ):
            expected = with_digits(exact)(*arguments)
            assert found[i].item() == pytest.approx(expected, rel=4 * eps, abs=error), value


@likelihoods
def test_gradients_of_a_likelihood_are_finite_differences(likelihood):
    torch.manual_seed(0)
    ours, x = likelihood().double(), pictures(2, 7, binary=likelihood is Bernoulli)
    logits = (3 * normal(2, 7)).requires_grad_()
    parameters = tuple(ours.parameters())
    assert [p.shape for p in parameters] == [()] * (likelihood is Gaussian)
    assert gradcheck(lambda *leaves: ours.log_prob(leaves[0], x), (logits, *parameters))
    assert gradcheck(ours.mean, logits)


def test_the_noise_of_the_gaussian_begins_where_it_is_told():
    for sigma in (0.05, 1, 2.5):
        assert Gaussian(sigma).log_sigma.exp().item() == pytest.approx(sigma)
    assert Gaussian().log_sigma.exp().item() == pytest.approx(0.3)
    logits = torch.zeros(1, 2)
    close(Gaussian(2.0).mean(logits), torch.full((1, 2), 0.5))
    found = Gaussian(2.0).log_prob(logits, torch.tensor([[0.5, 2.5]]))
    close(found.item(), stats.norm.logpdf([0, 2], 0, 2).sum(), 1e-6)


# -------------------------------------------------------------------------------------- the model


def model_of(likelihood=Bernoulli, K=2, classes=0, seed=0):
    """Return a VAE of 3x2 pictures in double precision, of smooth networks whose inputs matter."""
    torch.manual_seed(seed)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Tanh())
    decoder = nn.Sequential(nn.Linear(K + classes, 5), nn.Tanh(), nn.Linear(5, 6))
    mean = pictures(1, 3, 2)
    model = VAE(encoder.double(), decoder.double(), K, mean, likelihood(), classes).double()
    with torch.no_grad():
        for weights in (decoder[0].weight, decoder[2].weight):
            weights.mul_(2)
    return model


def batch_of(B, classes=0, binary=False):
    labels = torch.randint(classes, (B,)) if classes else None
    return pictures(B, 1, 3, 2, binary=binary), labels


def layer(weights, bias, h, label=None):
    """Apply a linear layer to a vector h, and add the column of its class, if it has one."""
    found = []
    for row, b in zip(weights, bias, strict=True):
        total = b + sum(w * a for w, a in zip(row, h, strict=False))
        found.append(total if label is None else total + row[len(h) + label])
    return found


def by_hand(model, x, z, label):
    """Return μ, log σ² and logits of one picture x and one code z, in plain Python."""
    weights = {name: w.tolist() for name, w in model.state_dict().items()}
    parts = ("encoder.1", "head", "decoder.0", "decoder.2")
    encoder, head, first, last = ((weights[f"{p}.weight"], weights[f"{p}.bias"]) for p in parts)
    seen = [a - b for a, b in zip(x.flatten().tolist(), model.mean.flatten().tolist(), strict=True)]
    numbers = layer(*head, [math.tanh(a) for a in layer(*encoder, seen)], label)
    hidden = [math.tanh(a) for a in layer(*first, z.tolist(), label)]
    clamped = [min(max(p, 0.01), 0.99) for p in model.mean.flatten().tolist()]
    base = [math.log(p / (1 - p)) for p in clamped]
    logits = [a + b for a, b in zip(layer(*last, hidden), base, strict=True)]
    return numbers[: model.K], numbers[model.K :], logits


@pytest.mark.parametrize("classes", [0, 1, 3])
@few
@given(sizes, st.integers(1, 3), seeds)
def test_the_model_is_what_its_layers_say_in_plain_python(classes, B, K, seed):
    model = model_of(K=K, classes=classes, seed=seed)
    (x, labels), z = batch_of(B, classes), normal(B, K)
    mu, log_var = model.encode(x, labels)
    logits = model.logits(z, labels)
    assert (mu.shape, log_var.shape, logits.shape) == ((B, K), (B, K), (B, 1, 3, 2))
    for b in range(B):
        c = None if labels is None else labels[b].item()
        hand = [torch.tensor(one, dtype=mu.dtype) for one in by_hand(model, x[b], z[b], c)]
        for found, expected in zip((mu, log_var, logits.flatten(1)), hand, strict=True):
            close(found[b], expected)


def test_an_untaught_decoder_says_the_mean_picture():
    mean = torch.tensor([[[0.0, 0.005, 0.2], [0.7, 0.995, 1.0]]])
    model = VAE(*dense(6, 3, 2), 2, mean)
    assert isinstance(model.likelihood, Bernoulli)
    for weights in model.decoder[2].parameters():
        nn.init.zeros_(weights)
    expected = torch.tensor([[[0.01, 0.01, 0.2], [0.7, 0.99, 0.99]]])
    close(model.decode(torch.randn(4, 2)), expected.expand(4, 1, 2, 3), 1e-6)
    features = model.encoder(torch.zeros(1, 1, 2, 3))
    close(torch.cat(model.encode(mean[None]), 1), model.head(features), 1e-6)


@likelihoods
def test_a_decoded_picture_is_the_mean_of_the_likelihood(likelihood):
    """Of torch.distributions where they have one, else the sigmoid."""
    model, z = model_of(likelihood), normal(7, 2)
    logits = model.logits(z)
    close(model.decode(z), model.likelihood.mean(logits), 0)
    if likelihood is ContinuousBernoulli:
        close(model.decode(z), D.ContinuousBernoulli(logits=logits).mean)
    else:
        close(model.decode(z), torch.special.expit(logits))


@likelihoods
@pytest.mark.parametrize("classes", [0, 3])
def test_terms_loss_and_log_weights_are_those_of_the_drawn_codes(likelihood, classes):
    model = model_of(likelihood, classes=classes)
    x, labels = batch_of(4, classes, binary=likelihood is Bernoulli)
    mu, log_var = model.encode(x, labels)
    q, prior = D.Normal(mu, log_var.exp().sqrt()), D.Normal(0.0, 1.0)
    codes, draw = [], model.draw
    model.draw = lambda *parts: codes.append(draw(*parts)) or codes[-1]
    distortion, rate = model.terms(x, labels, seeded(1))
    weights = model.log_weights(x, 5, labels, seeded(1))
    log_p = [theirs(model.likelihood, model.logits(z, labels), x).sum((1, 2, 3)) for z in codes]
    close(distortion, -log_p[0])
    close(rate, D.kl_divergence(q, prior))
    assert (rate.shape, weights.shape, weights.requires_grad) == ((4, 2), (5, 4), False)
    for row, z, expected in zip(weights, codes[1:], log_p[1:], strict=True):
        close(row, expected + (prior.log_prob(z) - q.log_prob(z)).sum(1))
    loss = model.loss(x, labels, seeded(1))
    assert loss.item() == pytest.approx(((rate.sum() - log_p[0].sum()) / 4).item(), abs=1e-10)
    assert loss.item() == negative_elbo(distortion, rate, 9).item()
    loss.backward()
    assert all(weights.grad.abs().max() > 0 for weights in model.parameters())


def test_draws_are_normal_with_the_mean_and_variance_of_q():
    model, n = model_of(), 4000
    mu, log_var = torch.tensor([[1.0, -2.0]]).expand(n, 2), torch.tensor([[-3.0, 2.0]]).expand(n, 2)
    for kind in EPS:
        z = model.draw(mu.to(kind), log_var.to(kind), seeded(2))
        assert (z.dtype, z.shape) == (kind, (n, 2))
        for k, (mean, variance) in enumerate([(1, math.exp(-3)), (-2, math.exp(2))]):
            assert stats.kstest(z[:, k].numpy(), "norm", (mean, variance**0.5)).pvalue > 0.01
        assert stats.pearsonr(*z.T.numpy()).pvalue > 0.01


@kinds
def test_a_sample_is_the_mean_picture_of_codes_from_the_prior(kind):
    """The decoder here tells the code by its pixels, so that they can be asked."""
    decoder = nn.Linear(2, 2, bias=False)
    nn.init.eye_(decoder.weight)
    model = VAE(nn.Flatten(), decoder, 2, torch.full((1, 1, 2), 0.3)).to(kind)
    x = model.sample(4000, seeded(1))
    assert (x.dtype, x.shape, x.requires_grad) == (kind, (4000, 1, 1, 2), False)
    codes = (x.logit() - torch.tensor(0.3).logit()).flatten(1).numpy()
    assert stats.kstest(codes.ravel(), "norm").pvalue > 0.01
    assert stats.pearsonr(*codes.T).pvalue > 0.01
    assert model.sample(0).shape == (0, 1, 1, 2)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_class_goes_with_the_code_into_the_sample(classes):
    """A linear decoder: a class adds its column of the weights to the logits."""
    torch.manual_seed(0)
    model = VAE(nn.Flatten(), nn.Linear(2 + classes, 6), 2, torch.rand(1, 3, 2), classes=classes)
    labels = torch.tensor([0, 1, 2, 2]) if classes else None
    x = model.sample(4, seeded(1), labels).logit()
    if classes:
        others = model.sample(4, seeded(1), torch.tensor([0, 2, 2, 1])).logit()
        weights = model.decoder.weight.detach()[:, 2:].T
        expected = weights[[0, 2, 2, 1]] - weights[[0, 1, 2, 2]]
        close((others - x).flatten(1), expected, 1e-5)
        assert (expected[[1, 3]].abs().max(1).values > 0.1).all()
    assert torch.equal(x, model.sample(4, seeded(1), labels).logit())


def test_with_a_generator_all_repeats_and_the_global_one_is_left_alone():
    model, (x, _) = model_of(), batch_of(3)
    mu, log_var = (part.detach() for part in model.encode(x))
    for drawn in (
        lambda generator: model.sample(3, generator),
        lambda generator: model.loss(x, generator=generator),
        lambda generator: model.terms(x, generator=generator)[0],
        lambda generator: model.log_weights(x, 2, generator=generator),
        lambda generator: model.draw(mu, log_var, generator),
    ):
        torch.manual_seed(7)
        before = torch.get_rng_state()
        one, same, other = (drawn(seeded(seed)) for seed in (5, 5, 6))
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
        one, other = drawn(None), drawn(None)
        assert not torch.equal(torch.get_rng_state(), before)
        assert not torch.equal(one, other)
        torch.manual_seed(7)
        assert torch.equal(one, drawn(None))


def test_the_noise_goes_where_the_model_is():
    """Drawn on the CPU, as a GPU draws others: "meta" is a device without values."""
    model = model_of(classes=3).to("meta")
    assert model.sample(3, seeded(), torch.arange(3)).is_meta  # labels may stay where they are
    codes = torch.zeros(3, 2, device="meta")
    assert model.draw(codes, codes, seeded()).is_meta
    assert {buffer.device.type for buffer in model.buffers()} == {"meta"}


def test_everything_follows_the_precision_of_the_model():
    for kind in EPS:
        model, (x, labels) = model_of(Gaussian, classes=3).to(kind), batch_of(4, 3)
        x = x.to(kind)
        found = [*model.encode(x, labels), *model.terms(x, labels), model.loss(x, labels)]
        found += [model.log_weights(x, 2, labels), model.sample(4, None, labels)]
        assert {one.dtype for one in found} == {kind}


def test_a_model_is_saved_with_its_mean_picture():
    model, other = model_of(Gaussian), model_of(Gaussian, seed=1)
    x, z = pictures(2, 1, 3, 2), normal(2, 2)
    assert not torch.equal(model.decode(z), other.decode(z))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model.decode(z), other.decode(z))
    assert torch.equal(model.encode(x)[0], other.encode(x)[0])
    names = {name for name, _ in model.named_parameters()}
    assert {"likelihood.log_sigma", "head.weight"} <= names
    assert set(model.state_dict()) - names == {"mean", "base"}


# ---------------------------------------------------------------- the bound, on a line of codes z


Z = torch.linspace(-14, 14, 2801, dtype=torch.float64)  # smooth integrands: the sum is exact
DZ = 0.01


def on_the_line(model, x):
    """Return log p(x | z), log p(z) and log q(z | x) at every z of `Z`, for one picture x."""
    mu, log_var = model.encode(x[None])
    logits = model.logits(Z[:, None])
    log_lik = theirs(model.likelihood, logits, x.expand_as(logits)).sum((1, 2, 3))
    return (
        log_lik,
        D.Normal(0.0, 1.0).log_prob(Z),
        D.Normal(mu, log_var.exp().sqrt()).log_prob(Z)[0],
    )


def one_cause(likelihood, seed=0):
    """Return a model with one hidden cause, and a picture."""
    model = model_of(likelihood, K=1, seed=seed)
    return model, pictures(1, 3, 2, binary=likelihood is Bernoulli)


@likelihoods
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_log_p_is_the_elbo_and_the_kl_from_the_posterior(likelihood, seed):
    """ELBO by `kl` and the model's own likelihood, log p(x) and the posterior by the integral."""
    model, x = one_cause(likelihood, seed)
    with torch.no_grad():
        log_lik, log_prior, log_q = on_the_line(model, x)
        q = log_q.exp()
        assert (q.sum() * DZ).item() == pytest.approx(1, abs=1e-12)
        log_p = ((log_lik + log_prior).exp().sum() * DZ).log()
        gap = (q * (log_q - (log_lik + log_prior - log_p))).sum() * DZ
        ours = model.likelihood.log_prob(model.logits(Z[:, None]), x.expand(len(Z), 1, 3, 2))
        _, rate = model.terms(x[None])
        elbo = (q * ours).sum() * DZ - rate.sum()
    assert (elbo + gap).item() == pytest.approx(log_p.item(), abs=1e-10)
    assert gap > 0.001


@likelihoods
def test_the_loss_is_the_integral_but_for_chance_and_so_is_its_gradient(likelihood):
    model, x = one_cause(likelihood)
    log_lik, log_prior, log_q = on_the_line(model, x)
    expected = -(log_q.exp() * (log_lik + log_prior - log_q)).sum() * DZ
    gradient = torch.autograd.grad(expected, model.parameters())
    many, generator = x.expand(20_000, 1, 3, 2), seeded(4)
    distortion, rate = (part.detach() for part in model.terms(many, generator=generator))
    near(distortion + rate.sum(1), expected)
    near(distortion, -(log_q.exp() * log_lik).sum() * DZ)
    near(model.log_weights(x[None], 2000, generator=generator), -expected)
    losses, gradients = [], []
    for part in many.split(500):
        losses.append(model.loss(part, generator=generator))
        found = torch.autograd.grad(losses[-1], model.parameters())
        gradients.append(torch.cat([one.flatten() for one in found]))
    near(torch.stack(losses).detach(), expected)
    near(torch.stack(gradients), torch.cat([one.flatten() for one in gradient]))


@likelihoods
def test_more_draws_bring_the_bound_up_to_log_p(likelihood):
    """The same 40 000 draws in groups of 1, 10, 100 and all: the means of their bounds."""
    model, x = one_cause(likelihood, seed=1)
    with torch.no_grad():
        log_lik, log_prior, log_q = on_the_line(model, x)
        log_p = ((log_lik + log_prior).exp().sum() * DZ).log().item()
        elbo = ((log_q.exp() * (log_lik + log_prior - log_q)).sum() * DZ).item()
        ratio = log_lik + log_prior - log_p - log_q  # log w/p(x), whose weight has the mean 1
        spread = ((log_q + 2 * ratio).exp().sum() * DZ - 1).sqrt().item()
    generator, n = seeded(5), 40_000
    weights = model.log_weights(x.expand(400, 1, 3, 2), 100, generator=generator)
    bounds = [
        importance_bound(weights.T.reshape(-1, S).T).mean().item() for S in (1, 10, 100, 40_000)
    ]
    assert bounds == sorted(bounds)
    assert bounds[0] == pytest.approx(elbo, abs=5 * weights.std().item() / n**0.5)
    error = 5 * spread / n**0.5
    assert 0 < spread < 5
    assert bounds[2] < log_p + error
    assert bounds[3] == pytest.approx(log_p, abs=error)
    assert log_p - elbo > error  # else this says nothing


class Noise(nn.Module):
    """x ~ N(logits, 0.4²), whose posterior under a linear decoder is a normal, too."""

    def log_prob(self, logits, x):
        return D.Normal(logits, 0.4).log_prob(x).sum((1, 2, 3))


def test_with_the_exact_posterior_each_weight_is_log_p():
    """A linear decoder of orthogonal columns: x ~ N(b, WWᵀ + 0.4² I), and q can be p(z | x)."""
    torch.manual_seed(0)
    W = torch.linalg.qr(normal(6, 2)).Q * torch.tensor([0.5, 2.0])
    mean = torch.full((1, 3, 2), 0.5)  # whose logit is 0
    model = VAE(nn.Flatten(), nn.Linear(2, 6), 2, mean, Noise()).double()
    variance = 1 / (1 + (W**2).sum(0) / 0.4**2)
    b = normal(6)
    with torch.no_grad():
        model.decoder.weight.copy_(W)
        model.decoder.bias.copy_(b)
        model.head.weight.copy_(torch.cat([variance[:, None] * W.T / 0.4**2, torch.zeros(2, 6)]))
        model.head.bias.copy_(torch.cat([variance * (W.T @ (0.5 - b)) / 0.4**2, variance.log()]))
    x = pictures(5, 1, 3, 2)
    covariance = W @ W.T + 0.4**2 * torch.eye(6, dtype=torch.float64)
    log_p = D.MultivariateNormal(b, covariance).log_prob(x.flatten(1))
    close(model.log_weights(x, 3), log_p.expand(3, 5), 1e-9)
    close(importance_bound(model.log_weights(x, 3)), log_p, 1e-9)
    distortion, rate = (part.detach() for part in model.terms(x.repeat(4000, 1, 1, 1)))
    near(-(distortion + rate.sum(1)).view(4000, 5), log_p)


# ------------------------------------------------------------- bounds, bits, units, great circles


log_weights = st.lists(
    st.lists(st.floats(-1200, 1200), min_size=3, max_size=3), min_size=1, max_size=12
)


@given(log_weights)
@example(5 * [3 * [-1000.0]])
def test_the_bound_is_the_log_of_the_mean_weight_with_60_digits(rows):
    @with_digits
    def exact(*column):
        return (sum(w.exp() for w in column) / len(column)).ln()

    expected = [exact(*column) for column in zip(*rows, strict=True)]
    found = importance_bound(torch.tensor(rows, dtype=torch.float64))
    assert found.tolist() == pytest.approx(expected, rel=1e-14, abs=1e-12)


@given(st.integers(1, 4), st.integers(1, 4), st.floats(0, 30), seeds)
def test_a_bound_of_more_draws_is_at_least_the_mean_of_its_parts(groups, S, scale, seed):
    torch.manual_seed(seed)
    weights = scale * normal(groups * S, 3)
    parts = torch.stack([importance_bound(part) for part in weights.split(S)]).mean(0)
    assert (importance_bound(weights) >= parts - 1e-10).all()
    close(importance_bound(weights[:1]), weights[0])


@few
@given(sizes, sizes, st.floats(0, 2), seeds)
def test_free_bits_are_counted_dimension_by_dimension(B, K, least, seed):
    torch.manual_seed(seed)
    rate = pictures(B, K) * 2
    means = [sum(rate[:, k].tolist()) / B for k in range(K)]
    found = free_bits(rate.requires_grad_(), least)
    assert found.item() == pytest.approx(sum(max(least, mean) for mean in means), abs=1e-12)
    found.backward()
    paid = torch.tensor([float(mean > least) for mean in means]).double() / B
    close(rate.grad, paid.expand(B, K))


def test_a_unit_is_active_if_its_mean_varies_by_more_than_a_hundredth():
    s = torch.tensor([0.0, 0.0098, 0.0102, 5]).double().sqrt()
    mu = torch.stack([7 + s, 7 - s])  # the variance of ±s is s²
    assert active_units(mu).tolist() == [False, False, True, True]
    mu = normal(50, 6) * torch.logspace(-2, 0, 6)
    assert active_units(mu).tolist() == (np.var(mu.numpy(), axis=0) > 0.01).tolist()


@few
@given(st.integers(2, 6), st.floats(0, 1), seeds)
def test_slerp_is_scipys_between_unit_vectors_and_weighs_lengths_apart(K, t, seed):
    torch.manual_seed(seed)
    a, b = (v / v.norm() for v in normal(2, K))
    expected = geometric_slerp(a.numpy(), b.numpy(), t)
    found = slerp(a, b, t)
    close(found, torch.tensor(expected))
    assert found.norm().item() == pytest.approx(1, abs=1e-12)
    parts = np.linalg.lstsq(torch.stack([a, b], 1).numpy(), expected)[0]
    expected = 1e-5 * parts[0] * a + 30 * parts[1] * b
    close(slerp(1e-5 * a, 30 * b, t), expected)


@kinds
@pytest.mark.parametrize("omega", [0, 1e-9, 1e-6, 9e-5, 1.1e-4, 1e-3, 0.1, 1, 2, 3, math.pi - 1e-3])
def test_slerp_goes_equal_ways_in_equal_times(omega, kind):
    """On a circle: from the angle 1 to the angle 1 + Ω, and back."""
    angles = [torch.tensor(angle, dtype=torch.float64) for angle in (1, 1 + omega)]
    a, b = (torch.stack([angle.cos(), angle.sin()]).to(kind) for angle in angles)
    for t in (0, 0.1, 0.5, 0.75, 1):
        found, angle = slerp(a, b, t), 1 + t * omega
        expected = torch.tensor([math.cos(angle), math.sin(angle)], dtype=kind)
        close(found, expected, 4 * EPS[kind] / max(1e-3, math.sin(omega)) + 1.3e-9)
        close(slerp(b, a, 1 - t), found, 4 * EPS[kind] / max(1e-3, math.sin(omega)))
    assert torch.equal(slerp(a, b, 0), a)
    assert torch.equal(slerp(a, b, 1), b)


def test_slerp_takes_batches_row_by_row():
    """Of equal vectors, near ones, far ones and zeros."""
    torch.manual_seed(0)
    a, b = normal(2, 3, 4), normal(2, 3, 4)
    b[0, 0], b[0, 1], b[1, 1] = a[0, 0], a[0, 1] * (1 + 1e-7), 0
    found = slerp(a, b, 0.3)
    assert found.shape == (2, 3, 4)
    for i in range(2):
        for j in range(3):
            close(found[i, j], slerp(a[i, j], b[i, j], 0.3))
    assert torch.equal(slerp(a, b, 0), a)
    assert torch.equal(slerp(a, b, 1), b)
    zeros = torch.zeros(4)
    assert torch.equal(slerp(zeros, zeros, 0.5), zeros)
    a.requires_grad_()
    (grad,) = torch.autograd.grad(slerp(a, b, 0.3)[0, 0].sum(), a)
    assert grad.isfinite().all()


@pytest.mark.parametrize("off", [0, 1e-7])
def test_slerp_refuses_opposite_directions(off):
    a, b = normal(3, 4), normal(3, 4)
    b[1] = -3 * a[1]
    b[1, 0] += off
    with pytest.raises(ValueError, match="opposite directions: no way between them is the short"):
        slerp(a, b, 0.5)


# ----------------------------------------------------------------------------------- the networks


def test_a_dense_pair_has_one_hidden_layer_each():
    encoder, decoder = dense(6, 8, 3)
    x, z = torch.rand(5, 1, 3, 2), torch.randn(5, 3)
    weights = list(encoder.parameters()) + list(decoder.parameters())
    assert [tuple(w.shape) for w in weights] == [(8, 6), (8,), (8, 3), (8,), (6, 8), (6,)]
    features = (x.flatten(1) @ weights[0].T + weights[1]).clamp(min=0)
    close(encoder(x), features, 1e-6)
    hidden = (z @ weights[2].T + weights[3]).clamp(min=0)
    close(decoder(z), hidden @ weights[4].T + weights[5], 1e-6)


def test_a_convolutional_pair_halves_twice_and_doubles_twice():
    encoder, decoder = convolutional(4, 3)
    sizes = []
    for part in (*encoder, *decoder):
        part.register_forward_hook(lambda part, x, y: sizes.append(tuple(y.shape[1:])))
    assert decoder(torch.randn(2, 3)).shape == (2, 1, 28, 28)
    assert encoder(torch.rand(2, 1, 28, 28)).shape == (2, 392)
    down = [(4, 14, 14), (4, 14, 14), (8, 7, 7), (8, 7, 7), (392,)]
    up = [(392,), (392,), (8, 7, 7), (4, 14, 14), (4, 14, 14), (1, 28, 28)]
    assert sizes == up + down
    weights = [tuple(w.shape) for w in (*encoder.parameters(), *decoder.parameters()) if w.ndim > 2]
    assert weights == [(4, 1, 4, 4), (8, 4, 4, 4), (8, 4, 4, 4), (4, 1, 4, 4)]
    kinds = [type(part).__name__ for part in (*encoder, *decoder)]
    assert [i for i, name in enumerate(kinds) if name == "ReLU"] == [1, 3, 6, 9]


@pytest.mark.parametrize("classes", [0, 10])
@pytest.mark.parametrize("kind", ["dense", "convolutional"])
def test_both_pairs_make_a_model_that_learns_everywhere(kind, classes):
    torch.manual_seed(0)
    pair = dense(784, 16, 5 + classes) if kind == "dense" else convolutional(4, 5 + classes)
    model = VAE(*pair, 5, torch.rand(1, 28, 28), classes=classes)
    x, labels = torch.rand(3, 1, 28, 28), torch.tensor([9, 0, 4]) if classes else None
    model.loss(x, labels).backward()
    for name, weights in model.named_parameters():
        assert weights.grad.isfinite().all(), name
        assert weights.grad.abs().max() > 0, name
    assert model.sample(3, None, labels).shape == (3, 1, 28, 28)


# ----------------------------------------------------------------------------------- the training


DATA = torch.rand(24, 1, 3, 2, generator=seeded(8), dtype=torch.float64)
BATCHES = train.minibatches((DATA,), 6, seed=0)


def beta_warm_up(distortion, rate, i):
    return (distortion + 3 * min(1, i / 10) * rate.sum(1)).mean()


def two_free_nats(distortion, rate, i):
    return distortion.mean() + free_bits(rate, 0.2)


def train_by_hand(model, n, loss_of, limit, lr):
    """Train as a trainer of 30 steps should; return losses, rates of learning and norms."""
    optimiser, losses, rates, norms = torch.optim.AdamW(model.parameters()), [], [], []
    for i in range(n):
        j = min(i, 29)  # one step up; then down in the other 29, and on at the last rate
        rates.append(lr if j == 0 else lr * (1 + math.cos(math.pi * (j - 1) / 29)) / 2)
        optimiser.param_groups[0]["lr"] = rates[-1]
        (x,) = BATCHES(i)
        mu, log_var = model.encode(x)
        q = D.Normal(mu, log_var.exp().sqrt())
        logits = model.logits(q.loc + q.scale * torch.randn_like(mu))
        distortion = -theirs(model.likelihood, logits, x).sum((1, 2, 3))
        loss = loss_of(distortion.mean(), D.kl_divergence(q, D.Normal(0.0, 1.0)).mean(0), i)
        optimiser.zero_grad()
        loss.backward()
        grads = [weights.grad for weights in model.parameters()]
        norms.append(math.sqrt(sum((grad**2).sum().item() for grad in grads)))
        for grad in grads:
            grad.mul_(min(1, limit / (norms[-1] + 1e-6)))
        optimiser.step()
        losses.append(loss.item())
    return losses, rates, norms


@pytest.mark.parametrize(
    ("objective", "loss_of"),
    [
        (None, lambda d, r, i: d + r.sum()),
        (beta_warm_up, lambda d, r, i: d + (0.3 * i if i < 10 else 3) * r.sum()),
        (two_free_nats, lambda d, r, i: d + sum(max(0.2 + 0 * one, one) for one in r)),
    ],
    ids=["elbo", "beta and warm-up", "free bits"],
)
def test_a_trainer_learns_as_a_loop_written_out_in_pytorch(objective, loss_of):
    """Some gradients are clipped; the rate goes up for one step of 30, then down and on."""
    ours, other = model_of(Gaussian), model_of(Gaussian)
    options = {"objective": objective} if objective else {}
    trainer = Trainer(ours, 30, lr=0.02, limit=3.0, **options)
    torch.manual_seed(1)
    losses, rates, norms = train_by_hand(other, 33, loss_of, 3.0, 0.02)
    assert min(norms) < 3 < max(norms)
    torch.manual_seed(1)
    for i in range(33):
        assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(rates[i], abs=1e-15)
        assert trainer(BATCHES(i))["loss"].item() == pytest.approx(losses[i], abs=1e-9)
        grads = [weights.grad.flatten() for weights in ours.parameters()]
        assert torch.cat(grads).norm().item() == pytest.approx(min(3, norms[i]), rel=1e-5)
    for found, expected in zip(ours.parameters(), other.parameters(), strict=True):
        close(found, expected, 1e-8)


def test_a_trainer_goes_up_for_a_twentieth_of_the_steps():
    trainer, rates = Trainer(model_of(), 100, lr=0.02), []
    for i in range(100):
        rates.append(trainer.optimizer.param_groups[0]["lr"] / 0.02)
        trainer(BATCHES(i))
    assert rates[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    assert rates[52] == pytest.approx((1 + math.cos(math.pi * 47 / 95)) / 2)
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize("classes", [0, 3])
def test_an_objective_is_told_the_step_and_its_parts_come_back(classes):
    seen = []

    def objective(distortion, rate, i):
        seen.append((i, distortion, rate))
        return (2 * distortion + rate.sum(1)).mean()

    model = model_of(classes=classes)
    trainer = Trainer(model, 10, objective=objective)
    for i in range(4):
        (x,), labels = BATCHES(i), torch.arange(6) % 3
        found = trainer((x, labels) if classes else (x,))
        step, distortion, rate = seen[-1]
        assert (step, distortion.shape, rate.shape) == (i, (6,), (6, 2))
        parts = [sum(distortion.tolist()) / 6, sum(rate.flatten().tolist()) / 6]
        expected = {"loss": 2 * parts[0] + parts[1], "distortion": parts[0], "rate": parts[1]}
        assert {name: one.item() for name, one in found.items()} == pytest.approx(expected)
    assert len(seen) == 4


@likelihoods
@pytest.mark.parametrize("killed", [False, True])
def test_training_that_was_stopped_goes_on_bit_for_bit(likelihood, killed, tmp_path):
    path, steps = tmp_path / "vae.pt", []

    def objective(distortion, rate, i):
        steps.append(i)
        return beta_warm_up(distortion, rate, i)

    def run(n, seed, batches=BATCHES, checkpoint=path):
        model = model_of(likelihood, seed=seed)
        trainer = Trainer(model, 22, objective=objective)
        state = {"model": model, "trainer": trainer}
        history = train.fit(trainer, batches, n, state=state, checkpoint=checkpoint, every=4)
        return model.state_dict(), trainer.state_dict(), history

    def power_cut(i):
        if i == 15:
            raise OSError("power cut")
        return BATCHES(i)

    if killed:
        with pytest.raises(OSError, match="power cut"):
            run(22, 0, power_cut)
    else:
        run(12, 0)
    steps.clear()
    resumed = copy.deepcopy(run(22, 1))
    assert steps == list(range(12, 22))
    whole = run(22, 0, checkpoint=None)
    assert resumed[2] == whole[2]
    torch.testing.assert_close(resumed[:2], whole[:2], rtol=0, atol=0)
    assert set(whole[1]) == {"optimizer", "schedule"}


# -------------------------------------------------------------------------------- what it refuses


PLAIN, CLASSY = model_of(), model_of(classes=3)
GOOD = torch.linspace(0.05, 0.9, 24, dtype=torch.float64).view(4, 1, 3, 2)
LABELS = torch.tensor([0, 1, 2, 0])


def with_pixel(value):
    x = GOOD.clone()
    x[2, 0, 1, 1] = value
    return x


wants = "this model reads floating-point numbers (B, 1, 3, 2)"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (with_pixel(-0.1), "pixels from -0.1 to 0.9"),
        (with_pixel(1.1), "to 1.1, and this likelihood takes [0, 1]: divide bytes by 255"),
        (with_pixel(1 + 1e-9), "to 1, and this likelihood takes [0, 1]"),
        (with_pixel(INF), "to inf, and this likelihood takes [0, 1]"),
        (with_pixel(-INF), "pixels from -inf to 0.9"),
        (255 * GOOD, "this likelihood takes [0, 1]: divide bytes by 255"),
        ((GOOD - GOOD.mean()) / GOOD.std(), "and undo a standardisation"),
        (with_pixel(NAN), "NaN in 1 pixels, first in picture 2: leave such out"),
        (torch.full((2, 1, 3, 2), NAN), "NaN in 12 pixels, first in picture 0: leave such out"),
        ((255 * GOOD).byte(), f"pictures of shape (4, 1, 3, 2) and torch.uint8: {wants}"),
        (GOOD.numpy(), "pictures of type ndarray: give a tensor, as torch.from_numpy"),
        (GOOD > 0.5, f"pictures of shape (4, 1, 3, 2) and torch.bool: {wants}"),
        (GOOD[:, :, :2], f"pictures of shape (4, 1, 2, 2) and torch.float64: {wants}"),
        (GOOD.mT, f"pictures of shape (4, 1, 2, 3) and torch.float64: {wants}"),
        (GOOD[:, 0], f"pictures of shape (4, 3, 2) and torch.float64: {wants}"),
        (GOOD[0], f"pictures of shape (1, 3, 2) and torch.float64: {wants}"),
        (GOOD.flatten(1), f"pictures of shape (4, 6) and torch.float64: {wants}"),
    ],
)
def test_pictures_that_are_none_are_refused(x, message):
    for wrong in (PLAIN.encode, PLAIN.terms, PLAIN.loss, lambda x: PLAIN.log_weights(x, 2)):
        with pytest.raises(ValueError, match=re.escape(message)):
            wrong(x)


def test_pictures_at_the_edges_are_taken():
    for x in (with_pixel(0), with_pixel(1), torch.zeros_like(GOOD), torch.ones_like(GOOD)):
        assert PLAIN.loss(x).isfinite()


def test_of_no_pictures_there_are_no_numbers():
    none, labels = GOOD[:0], LABELS[:0]
    for model, batch in ((PLAIN, (none,)), (CLASSY, (none, labels))):
        assert model.encode(*batch)[0].shape == (0, 2)
        assert [part.shape for part in model.terms(*batch)] == [(0,), (0, 2)]
        assert model.log_weights(none, 3, *batch[1:]).shape == (3, 0)
        assert model.sample(0, None, *batch[1:]).shape == (0, 1, 3, 2)


@pytest.mark.parametrize(
    "z", [normal(4, 1), normal(4, 3), normal(2), normal(4, 2, 1), normal(4, 5)]
)
def test_codes_of_another_width_are_refused(z):
    message = f"codes of shape {tuple(z.shape)}: this model reads (B, 2)"
    for model, labels in ((PLAIN, None), (CLASSY, LABELS)):
        for wrong in (model.logits, model.decode):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                wrong(z, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels=None: this model needs a tensor of 4 classes, int64"),
        ([0, 1, 2, 0], "labels=[0, 1, 2, 0]: this model needs a tensor of 4 classes, int64"),
        (LABELS[:3], "labels: (3,), torch.int64; this model needs (4,), int64, from 0 to 2"),
        (LABELS[:, None], "labels: (4, 1), torch.int64; this model needs (4,)"),
        (LABELS.double(), "labels: (4,), torch.float64; this model needs (4,), int64"),
        (LABELS.byte(), "labels: (4,), torch.uint8; this model needs (4,), int64"),
        (torch.tensor([0, 3, 2, 7]), "the label 3 is no class: they are 0 to 2"),
        (torch.tensor([0, 1, 2, -1]), "the label -1 is no class: they are 0 to 2"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message):
    z = normal(4, 2)
    for wrong in (
        lambda: CLASSY.encode(GOOD, labels),
        lambda: CLASSY.loss(GOOD, labels),
        lambda: CLASSY.log_weights(GOOD, 1, labels),
        lambda: CLASSY.logits(z, labels),
        lambda: CLASSY.decode(z, labels),
        lambda: CLASSY.sample(4, None, labels),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            wrong()


def test_labels_nobody_asked_for_are_refused():
    message = "labels for a model without classes: make it with classes=10, say"
    for wrong in (
        lambda: PLAIN.encode(GOOD, LABELS),
        lambda: PLAIN.logits(normal(4, 2), LABELS),
        lambda: PLAIN.sample(4, None, LABELS),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            wrong()


@pytest.mark.parametrize("number", [0, -1, 2.5, "2", None, True, NAN])
def test_numbers_that_count_nothing_are_refused(number):
    mean = torch.rand(1, 3, 2)
    for name, wrong in (
        ("K", lambda: VAE(*dense(6, 4, 2), number, mean)),
        ("S", lambda: PLAIN.log_weights(GOOD, number)),
    ):
        sentence = f"{name}={number!r}: give a whole number of at least 1"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            wrong()
    if number == 0:
        return  # no pictures, no classes
    for name, wrong in (
        ("n", lambda: PLAIN.sample(number)),
        ("classes", lambda: VAE(*dense(6, 4, 2), 2, mean, classes=number)),
    ):
        sentence = f"{name}={number!r}: give a whole number of at least 0"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            wrong()


def test_whole_numbers_of_any_type_are_taken():
    model = VAE(*dense(6, 4, 5), np.int64(2), torch.rand(1, 3, 2), classes=np.int64(3))
    assert model.sample(np.int64(4), None, LABELS).shape == (4, 1, 3, 2)
    assert PLAIN.log_weights(GOOD, torch.tensor(2)).shape == (2, 4)


@pytest.mark.parametrize(
    ("mean", "message"),
    [
        (torch.rand(3, 2), "a mean picture of shape (3, 2): give (1, H, W)"),
        (255 * torch.ones(1, 3, 2), "pixels from 255 to 255, and this likelihood takes [0, 1]"),
        (torch.full((1, 3, 2), NAN), "NaN in 6 pixels, first in picture 0"),
    ],
)
def test_a_mean_that_is_no_picture_is_refused(mean, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        VAE(*dense(6, 4, 2), 2, mean)
