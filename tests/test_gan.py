"""GANs against PyTorch's cross-entropy and spectral norm, scipy, closed forms, and plain loops."""

import copy
import itertools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.spatial.distance import jensenshannon
from torch import nn
from torch.autograd import gradcheck
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from aigc_lib import train
from aigc_lib.gan import (
    GAN,
    LOSSES,
    Affine,
    Duel,
    MinibatchDeviation,
    SpectralNorm,
    clip_weights,
    dcgan,
    discriminator_loss,
    first_weights,
    gradient_penalty,
    hinge,
    input_gradient,
    least_squares,
    mode_coverage,
    non_saturating,
    perceptrons,
    r1,
    ring,
    ring_centres,
    saturating,
    spectral,
    wasserstein,
)

INF, NAN = math.inf, math.nan
pytestmark = pytest.mark.usefixtures("one_thread")
few = settings(max_examples=30)
sizes, seeds = st.integers(1, 5), st.integers(0, 999)
numbers = st.lists(st.floats(-30, 30), min_size=1, max_size=6)
kinds = pytest.mark.parametrize("kind", [torch.float32, torch.float64])


def close(found, expected, atol=1e-10):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def double(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def slopes(value, leaf):
    return torch.autograd.grad(value, leaf)[0]


# ------------------------------------------------------------------------------------- the losses


def cross_entropy(logits, label):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


@few
@given(numbers, numbers)
def test_the_losses_of_the_game_are_cross_entropies(real, fake):
    """But for e^(−20), which PyTorch's softplus leaves out of numbers above 20."""
    real, fake, off = double(real), double(fake), math.exp(-20)
    told = cross_entropy(real, 1) + cross_entropy(fake, 0)
    close(discriminator_loss(real, fake), told, 2 * off)
    close(saturating(fake), -cross_entropy(fake, 0), off)
    close(non_saturating(fake), cross_entropy(fake, 1), off)
    real, fake = (one.detach().clamp(-15, 15).requires_grad_() for one in (real, fake))
    p, label = fake.sigmoid(), torch.zeros_like(fake)  # as probabilities, too
    close(saturating(fake), -F.binary_cross_entropy(p, label), 1e-8)
    close(non_saturating(fake), F.binary_cross_entropy(p, label + 1), 1e-8)
    assert gradcheck(discriminator_loss, (real, fake))
    assert gradcheck(saturating, fake)
    assert gradcheck(non_saturating, fake)


@few
@given(numbers, numbers)
def test_the_other_losses_are_sums_in_plain_python(real, fake):
    n, m, tensors = len(real), len(fake), (double(real), double(fake))
    squares = sum((a - 1) ** 2 for a in real) / (2 * n) + sum(b**2 for b in fake) / (2 * m)
    margins = sum(max(0, 1 - a) for a in real) / n + sum(max(0, 1 + b) for b in fake) / m
    for loss, expected in (
        (least_squares, squares),
        (hinge, margins),
        (wasserstein, sum(fake) / m - sum(real) / n),
    ):
        assert loss(*tensors).item() == pytest.approx(expected, abs=1e-10)
        assert loss(*(one[:, None] for one in tensors)).item() == loss(*tensors).item()


def mean_score(fake):
    return -sum(fake) / len(fake)


@pytest.mark.parametrize(
    ("name", "discriminators", "generators"),
    [
        ("saturating", discriminator_loss, lambda fake: -cross_entropy(fake, 0)),
        ("non-saturating", discriminator_loss, lambda fake: cross_entropy(fake, 1)),
        ("least squares", least_squares, lambda fake: F.mse_loss(fake, torch.ones(9)) / 2),
        ("hinge", hinge, mean_score),
        ("wasserstein", wasserstein, mean_score),
    ],
)
def test_each_name_has_the_losses_of_both(name, discriminators, generators):
    real, fake = 2 * torch.randn(2, 9)
    first, second = LOSSES[name]
    assert first(real, fake) == discriminators(real, fake)
    close(second(fake), generators(fake), 1e-6)
    assert len(LOSSES) == 5


def test_slopes_vanish_where_the_discriminator_wins_but_not_without_saturation():
    fake = double([-1000.0, -40, -2, 0, 2, 40, 1000])
    D = 1 / (1 + np.exp(-fake.detach().numpy().clip(-700)))
    close(7 * slopes(saturating(fake), fake), torch.tensor(-D), 1e-14)
    close(7 * slopes(non_saturating(fake), fake), torch.tensor(D - 1), 1e-14)


@kinds
def test_logits_of_a_thousand_are_no_infinity(kind):
    for real, fake, value in ((1000, -1000, 0), (-1000, 1000, 2000), (-1000, -1000, 1000)):
        a, b = (torch.tensor([float(x)], dtype=kind, requires_grad=True) for x in (real, fake))
        loss = discriminator_loss(a, b)
        assert loss.item() == value
        assert slopes(loss, (a,)).item() == -(real < 0)
        loss = discriminator_loss(a, b)
        assert slopes(loss, (b,)).item() == (fake > 0)
        assert saturating(b).item() == -max(0, fake)
        assert non_saturating(b).item() == max(0, -fake)


P, Q = [4, 1, 3, 2], [1, 5, 1, 3]  # how often each of four things is real, and made
p, q = np.array(P) / 10, np.array(Q) / 10


def of_numbers(loss, values):
    """Return `loss` where the discriminator gives `values` (4,) to the four things."""
    return loss(*(values.repeat_interleave(torch.tensor(counts)) for counts in (P, Q)))


def best(loss):
    """Return the numbers (4,) with the least loss, and the loss."""
    values = double([0.0] * 4)
    search = torch.optim.LBFGS([values], max_iter=200, line_search_fn="strong_wolfe")

    def again():
        search.zero_grad()
        (value := of_numbers(loss, values)).backward()
        return value

    search.step(again)
    return values.detach().numpy(), of_numbers(loss, values).item()


def test_the_best_discriminator_is_p_over_p_plus_q_and_the_game_is_worth_2_jsd_minus_log_4():
    logits, loss = best(discriminator_loss)
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(p / (p + q), abs=1e-4)
    assert -loss == pytest.approx(2 * jensenshannon(p, q) ** 2 - math.log(4), abs=1e-7)
    numbers, loss = best(least_squares)
    assert numbers == pytest.approx(p / (p + q), abs=1e-4)
    assert loss == pytest.approx((p * q / (p + q)).sum() / 2, abs=1e-7)


@few
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_the_best_number_under_hinge_is_a_sign_and_pays_the_overlap_twice(other):
    least = of_numbers(hinge, double(np.sign(p - q)))
    assert least.item() == pytest.approx(2 * np.minimum(p, q).sum(), abs=1e-12)
    assert of_numbers(hinge, double(other)) >= least - 1e-12


def test_the_best_critic_of_slope_one_measures_the_wasserstein_distance():
    """Linear programming: the loss of four numbers at four places, whose slopes are at most 1."""
    x, values = np.array([0.0, 0.7, 1.0, 3.0]), double([0.0] * 4)
    cost = slopes(of_numbers(wasserstein, values), values).numpy()
    pairs = list(itertools.permutations(range(4), 2))
    rows = [np.eye(4)[i] - np.eye(4)[j] for i, j in pairs]
    limits = [abs(x[i] - x[j]) for i, j in pairs]
    found = optimize.linprog(cost, rows, limits, bounds=(-9, 9))
    assert found.fun == pytest.approx(-stats.wasserstein_distance(x, x, p, q), abs=1e-9)


# ---------------------------------------------------------------------------------- the penalties


shapes = pytest.mark.parametrize("shape", [(2,), (1, 3, 2)])


def linear(w):
    return lambda x: x.flatten(1) @ w[:, None]


def quadratic(A):
    """D(x) = xᵀAx/2, whose slope is Ax."""
    return lambda x: ((x.flatten(1) @ A) * x.flatten(1)).sum(1) / 2


@shapes
@few
@given(B=sizes, seed=seeds)
def test_penalties_of_linear_and_quadratic_critics_are_known(shape, B, seed):
    torch.manual_seed(seed)
    n = math.prod(shape)
    w, A, real, fake = normal(n), normal(n, n), normal(B, *shape), normal(B, *shape)
    A = A + A.T
    close(input_gradient(linear(w), real), w.view(shape).expand(real.shape))
    close(gradient_penalty(linear(w), real, fake), (w.norm() - 1) ** 2)
    close(r1(linear(w), real), w @ w / 2)
    rows = real.flatten(1)
    close(input_gradient(quadratic(A), real).flatten(1), rows @ A)
    close(r1(quadratic(A), real), sum((A @ x) @ (A @ x) for x in rows) / (2 * B), 1e-8)
    eps, found = torch.rand(B, generator=seeded(seed), dtype=torch.float64), 0
    for e, x, y in zip(eps, rows, fake.flatten(1), strict=True):
        found += ((A @ (e * x + (1 - e) * y)).norm() - 1) ** 2 / B
    close(gradient_penalty(quadratic(A), real, fake, seeded(seed)), found, 1e-8)


@shapes
def test_the_places_of_the_penalty_are_drawn_evenly_between_each_pair(shape):
    seen, (real, fake) = [], (normal(4000, *shape), normal(4000, *shape))

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    before = torch.get_rng_state()
    gradient_penalty(critic, real, fake, seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    eps = ((seen[0] - fake) / (real - fake)).flatten(1)
    close(eps, eps[:, :1].expand_as(eps), 1e-8)
    assert stats.kstest(eps[:, 0].numpy(), "uniform").pvalue > 0.01
    gradient_penalty(critic, real, fake, seeded(1))
    gradient_penalty(critic, real, fake)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


@pytest.mark.parametrize("name", ["r1", "gradient_penalty"])
def test_a_penalty_is_learned_from_by_the_slopes_of_finite_differences(name):
    critic = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    names, weights = zip(*critic.named_parameters(), strict=True)
    real, fake = normal(3, 1, 3, 2), normal(3, 1, 3, 2)

    def penalty(*weights):
        def at(x):
            return torch.func.functional_call(critic, dict(zip(names, weights, strict=True)), x)

        return r1(at, real) if name == "r1" else gradient_penalty(at, real, fake, seeded())

    assert gradcheck(penalty, weights)
    penalty(*weights).backward()
    assert critic[1].weight.grad.abs().max() > 1e-3


def test_penalties_leave_the_data_alone_and_are_finite_at_no_slope():
    real, fake = normal(3, 2), normal(3, 2)
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for penalty, value in ((r1(linear(w), real), 0), (gradient_penalty(linear(w), real, fake), 1)):
        assert penalty.item() == value
        assert slopes(penalty, w).isfinite().all()
    assert not real.requires_grad
    input_gradient(linear(w), fake.requires_grad_()).sum().backward()
    assert fake.grad is None


def test_weights_are_clipped_to_both_sides():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    before = [3 * torch.randn_like(one) for one in net.parameters()]
    for one, value in zip(net.parameters(), before, strict=True):
        one.data.copy_(value)
    clip_weights(net, 0.7)
    for one, value in zip(net.parameters(), before, strict=True):
        expected = [max(-0.7, min(0.7, x)) for x in value.flatten().tolist()]
        assert one.flatten().tolist() == pytest.approx(expected)
        assert one.requires_grad


# ------------------------------------------------------------------------------ the spectral norm


layers = pytest.mark.parametrize(
    "make", [lambda: nn.Linear(5, 4), lambda: nn.Conv2d(2, 4, 3)], ids=["linear", "convolution"]
)


def pair(make):
    """Return a layer under our norm and one under PyTorch's, alike in all, and far from settled."""
    ours = make().double()
    theirs = parametrizations.spectral_norm(copy.deepcopy(ours))
    a, b = spectral(ours).parametrizations.weight[0], theirs.parametrizations.weight[0]
    a.u.copy_(F.normalize(normal(4), dim=0))
    b._u.copy_(a.u)
    b._v.copy_(F.normalize(theirs.parametrizations.weight.original.flatten(1).T @ a.u, dim=0))
    return ours, theirs, a, b


@layers
def test_the_spectral_norm_and_its_slopes_are_pytorchs(make):
    """In evaluation u stays; in training a forward takes one step."""
    with torch.no_grad():
        ours, theirs, a, b = pair(make)
    x = normal(3, 5) if isinstance(ours, nn.Linear) else normal(3, 2, 5, 5)
    for training in (False, True, True, False):
        before = a.u.clone()
        found, expected = (one.train(training)(x) for one in (ours, theirs))
        close(found, expected)
        close(a.u, b._u)
        assert torch.equal(a.u, before) != training
        for y, net in ((found, ours), (expected, theirs)):
            net.zero_grad()
            y.pow(3).sum().backward()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            close(mine.grad, other.grad, 1e-8)
            assert mine.grad.abs().max() > 1e-3
    assert not a.u.requires_grad


@layers
def test_steps_of_power_iteration_end_at_the_largest_singular_value(make):
    layer = spectral(make().double())
    assert type(layer.parametrizations.weight[0]) is SpectralNorm
    for _ in range(300):
        layer(normal(1, 5) if isinstance(layer, nn.Linear) else normal(1, 2, 3, 3))
    weight, original = layer.weight.flatten(1), layer.parametrizations.weight.original.flatten(1)
    close(torch.linalg.matrix_norm(weight, 2).item(), 1.0)
    close(weight, original / torch.linalg.svdvals(original)[0])


def test_the_first_estimate_is_of_fifteen_steps_and_each_forward_in_training_takes_one_more():
    W = normal(6, 4)
    u = torch.randn(6, generator=seeded()).double()
    torch.manual_seed(0)
    norm = SpectralNorm(W)
    for _ in range(15):
        u = W @ (W.T @ u)
        u = u / u.norm()
    close(norm.u, u, 1e-6)
    close(norm.sigma(W, 0), (W.T @ norm.u).norm())
    for _ in range(3):
        u = W @ (W.T @ u)
        u = u / u.norm()
        close(norm(W), W / (W.T @ u).norm(), 1e-6)
        close(norm.u, u, 1e-6)
    norm.eval()
    norm(W)
    close(norm.u, u, 1e-6)
    assert list(norm.state_dict()) == ["u"]


def test_spectral_goes_to_linear_layers_and_convolutions_wherever_they_stand():
    inner = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    net = nn.Sequential(inner, nn.Flatten(), nn.Linear(8, 3), nn.ReLU(), nn.Linear(3, 1))
    before = copy.deepcopy(net.state_dict())
    assert spectral(net) is net
    changed = {name for name, _ in net.named_parameters()} - set(before)
    places = ("0.0", "2", "4")
    assert changed == {f"{place}.parametrizations.weight.original" for place in places}
    for place in places:
        found = net.state_dict()[f"{place}.parametrizations.weight.original"]
        assert torch.equal(found, before[f"{place}.weight"])
        weight = net.get_submodule(place).eval().weight
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


# ----------------------------------------------------------------- the deviation within the batch


@pytest.mark.parametrize("shape", [(4,), (3, 2, 5)])
@few
@given(B=sizes, seed=seeds)
def test_the_deviation_is_that_of_a_loop(shape, B, seed):
    torch.manual_seed(seed)
    h, deviations = 3 * normal(B, *shape), []
    for column in h.flatten(1).T.tolist():
        mean = sum(column) / B
        deviations.append(math.sqrt(sum((x - mean) ** 2 for x in column) / B + 1e-8))
    found = MinibatchDeviation()(h)
    assert found.shape == (B, shape[0] + 1, *shape[1:])
    assert torch.equal(found[:, :-1], h)
    told = torch.full_like(found[:, -1:], sum(deviations) / len(deviations))
    close(found[:, -1:], told, 1e-12)


def test_the_deviation_is_learned_from():
    assert gradcheck(MinibatchDeviation(), normal(3, 2, 2).requires_grad_())


def test_equal_things_deviate_by_nothing_with_a_slope():
    h = torch.ones(3, 4, requires_grad=True)
    found = MinibatchDeviation()(h)
    close(found[:, 4], torch.full((3,), 1e-4), 1e-8)
    assert slopes(found.sum(), h).isfinite().all()


# ---------------------------------------------------------------------------------------- the GAN


def points(K=3, seed=0, **options):
    """Return a GAN of points (B, 2) in double precision, of small smooth networks."""
    torch.manual_seed(seed)
    generator = nn.Sequential(nn.Linear(K, 5), nn.Tanh(), nn.Linear(5, 2))
    discriminator = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    return GAN(generator.double(), discriminator.double(), K, **options)


def normalised(K=3):
    """Return a GAN of points whose two networks have batch normalisation."""
    G = nn.Sequential(nn.Linear(K, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2)).double()
    D = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1)).double()
    return GAN(G, D, K)


class Keep(nn.Module):
    """A generator that shows its noise."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, z):
        return self.scale * z


@kinds
def test_noise_is_standard_normal_of_the_generators_kind(kind):
    gan = GAN(Keep(), nn.Linear(3, 1), 3).to(kind)
    for z in (gan.noise(3000, seeded(1)), gan.sample(3000, seeded(1))):
        assert (z.dtype, z.shape, z.requires_grad) == (kind, (3000, 3), False)
        assert stats.kstest(z.numpy().ravel(), "norm").pvalue > 0.01
        assert stats.pearsonr(*z.T[:2].numpy()).pvalue > 0.01
    assert gan.shape == (3,)
    assert gan.bounds == (-INF, INF)


def test_a_sample_is_what_the_generator_makes_of_its_noise_and_logits_are_one_a_thing():
    gan = points()
    x = gan.sample(7, seeded(3))
    z = torch.randn(7, 3, generator=seeded(3), dtype=torch.float64)
    close(x, gan.generator(z).detach(), 0)
    assert torch.equal(gan.generate(z), gan.generator(z))
    assert gan.generate(z).requires_grad
    close(gan.logits(x), gan.discriminator(x)[:, 0], 0)
    assert gan.sample(0).shape == (0, 2)
    assert gan.sample(np.int64(2)).shape == (2, 2)


def test_with_a_generator_all_repeats_and_the_global_one_is_left_alone():
    gan = points()
    for draw in (gan.sample, gan.noise):
        before = torch.get_rng_state()
        one, same, other = (draw(3, seeded(seed)) for seed in (5, 5, 6))
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
        torch.manual_seed(7)
        one, other = draw(3), draw(3)
        assert not torch.equal(one, other)
        torch.manual_seed(7)
        assert torch.equal(one, draw(3))


def test_to_make_a_gan_draws_nothing_and_changes_no_network():
    G, D = dcgan(4, 2)
    before, state = torch.get_rng_state(), copy.deepcopy(G.state_dict())
    gan = GAN(G, D, 4, (0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert (gan.shape, gan.bounds, gan.K) == ((1, 28, 28), (0, 1), 4)
    assert gan.generator is G
    assert gan.discriminator is D
    torch.testing.assert_close(G.state_dict(), state, rtol=0, atol=0)
    assert G.training
    assert D.training


@pytest.mark.parametrize("training", [True, False])
def test_a_sample_uses_running_statistics_and_gives_the_mode_back(training):
    gan = normalised()
    for _ in range(3):  # so that the statistics are not those of N(0, 1)
        gan.generate(gan.noise(9))
    gan.train(training)
    state = copy.deepcopy(gan.state_dict())
    one = gan.sample(1, seeded(1))
    torch.testing.assert_close(gan.state_dict(), state, rtol=0, atol=0)
    assert {layer.training for layer in gan.modules()} == {training}
    z = torch.cat([torch.randn(1, 3, generator=seeded(1), dtype=torch.float64), normal(5, 3)])
    with torch.no_grad():
        close(one, gan.eval().generate(z)[:1], 1e-12)  # a row of a larger sample


def test_the_mode_comes_back_after_an_error_too():
    gan = points()
    gan.generator = nn.Linear(4, 2)
    with pytest.raises(RuntimeError):
        gan.sample(1)
    assert {layer.training for layer in gan.modules()} == {True}


def test_noise_goes_where_the_generator_is():
    """Drawn on the CPU, as a GPU draws others: "meta" is a device without values."""
    gan = points().to("meta")
    assert gan.noise(3, seeded()).is_meta
    assert gan.sample(3, seeded()).is_meta
    real = torch.zeros(3, 2, device="meta")
    assert gradient_penalty(gan.logits, real, real, seeded()).is_meta


@pytest.mark.parametrize(
    ("layer", "counts"),
    [
        (nn.BatchNorm1d(6), True),
        (MinibatchDeviation(), True),
        (nn.LayerNorm(6), False),
        (nn.Dropout(0.5), False),
    ],
)
def test_a_gan_knows_whether_it_counts_on_batches(layer, counts):
    inside = nn.Sequential(nn.Linear(2, 6), nn.Sequential(layer), nn.LazyLinear(1))
    inside(torch.zeros(2, 2))
    assert GAN(nn.Linear(3, 2), inside, 3).counts_on_batches is counts


# ------------------------------------------------------------------------------------ the trainer


DATA = torch.randn(48, 2, generator=seeded(8), dtype=torch.float64)
BATCHES = train.minibatches((DATA,), 12, seed=0)


def sgd(net):
    return torch.optim.SGD(net.parameters(), 0.3, momentum=0.5)


def adam(net, lr=0.02):
    return torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.9))


def trainer_of(gan, make=sgd, **options):
    return Duel(gan, make(gan.discriminator), make(gan.generator), **options)


BY_HAND = {
    "saturating": (
        lambda a, b: cross_entropy(a, 1) + cross_entropy(b, 0),
        lambda b: -cross_entropy(b, 0),
    ),
    "non-saturating": (
        lambda a, b: cross_entropy(a, 1) + cross_entropy(b, 0),
        lambda b: cross_entropy(b, 1),
    ),
    "least squares": (
        lambda a, b: ((a - 1) ** 2 / 2 + b**2 / 2).mean(),
        lambda b: ((b - 1) ** 2 / 2).mean(),
    ),
    "hinge": (lambda a, b: ((1 - a).relu() + (1 + b).relu()).mean(), lambda b: -b.mean()),
    "wasserstein": (lambda a, b: (b - a).mean(), lambda b: -b.mean()),
}


def steepness(gan, real):
    """3·‖∇D‖² over two, by the chain rule: D = w₂ tanh(W₁x + b₁) + b₂."""
    first, _, last = gan.discriminator
    h = (real @ first.weight.T + first.bias).tanh()
    slope = ((1 - h**2) * last.weight) @ first.weight
    return 3 * (slope**2).sum(1).mean() / 2


def play_by_hand(gan, loss, rounds, turns, penalised, rng, make=sgd):
    """Play as a trainer should; return both losses of each round, and the generator's weights."""
    d_loss, g_loss = BY_HAND[loss]
    D, G = make(gan.discriminator), make(gan.generator)
    history, weights = [], []

    def made(n):
        return gan.generator(torch.randn(n, 3, generator=rng, dtype=torch.float64))

    for i in range(rounds):
        n = 12 // turns
        for t in range(turns):
            real, fake = BATCHES(i)[0][t * n :][:n], made(n).detach()
            lost = d_loss(gan.discriminator(real), gan.discriminator(fake))
            gan.zero_grad()
            (lost + steepness(gan, real) if penalised else lost).backward()
            D.step()
        paid = g_loss(gan.discriminator(made(n)))
        gan.zero_grad()
        paid.backward()
        G.step()
        history.append({"discriminator": lost.item(), "generator": paid.item()})
        weights.append([one.detach().clone() for one in gan.generator.parameters()])
    return history, weights


def three_r1(critic, real, fake):
    return 3 * r1(critic, real)


@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_trainer_plays_as_a_loop_written_out_in_pytorch(loss, turns, penalised):
    ours, other = points(seed=1), points(seed=1)
    options = {"penalty": three_r1} if penalised else {}
    trainer = trainer_of(ours, loss=loss, turns=turns, rng=seeded(2), **options)
    history, _ = play_by_hand(other, loss, 6, turns, penalised, seeded(2))
    before = torch.get_rng_state()
    for i, expected in enumerate(history):
        found = trainer(BATCHES(i))
        assert not any(one.requires_grad for one in found.values())
        assert {k: x.item() for k, x in found.items()} == pytest.approx(expected, abs=1e-9)
    assert torch.equal(torch.get_rng_state(), before)
    for mine, theirs in zip(ours.parameters(), other.parameters(), strict=True):
        close(mine, theirs, 1e-9)


def test_a_trainer_does_not_saturate_unless_told_and_takes_one_turn_without_an_average():
    ours, other = points(), points()
    trainer = trainer_of(ours)
    torch.manual_seed(3)
    noise = torch.Generator().set_state(torch.get_rng_state())
    history, _ = play_by_hand(other, "non-saturating", 3, 1, False, noise)
    found = [{k: x.item() for k, x in trainer(BATCHES(i)).items()} for i in range(3)]
    for mine, expected in zip(found, history, strict=True):
        assert mine == pytest.approx(expected, abs=1e-9)
    assert trainer.average is ours


def test_neither_half_touches_the_others_weights_or_gradients():
    gan = normalised()

    def penalty(critic, real, fake):  # one that goes by way of the generator
        return critic(gan.generate(gan.noise(5))).mean()

    trainer = trainer_of(gan, penalty=penalty)
    nets = gan.discriminator, gan.generator
    learn = (
        lambda: trainer.learn_discriminator(DATA[:5]),
        lambda: trainer.learn_generator(5),
    )
    for half in (0, 1):
        for one in gan.parameters():
            one.grad = torch.full_like(one, 7)
        before = copy.deepcopy([list(net.parameters()) for net in nets])
        learn[half]()
        for mine, kept in zip(nets[1 - half].parameters(), before[1 - half], strict=True):
            assert torch.equal(mine, kept)
            assert (mine.grad == 7).all()
        for mine in nets[half].parameters():
            assert not (mine.grad == 7).any()
        assert not torch.equal(nets[half][0].weight, before[half][0])
    assert trainer.round == 1


@pytest.mark.parametrize(("turns", "shares"), [(1, [12]), (2, [6, 6]), (3, [4, 4, 4])])
def test_each_turn_has_a_piece_of_its_own_and_made_things_as_many(turns, shares):
    gan, seen, made = points(), [], []
    gan.generator.register_forward_hook(lambda net, z, x: made.append(x))

    def penalty(critic, real, fake):
        assert critic(real).requires_grad
        assert critic(real).shape == (len(real),)
        assert fake.shape == real.shape
        assert not fake.requires_grad
        assert torch.equal(fake, made[-1])
        seen.append(real)
        return 0 * critic(real).sum()

    trainer_of(gan, turns=turns, penalty=penalty)((DATA[:12],))
    assert [len(real) for real in seen] == shares
    assert torch.equal(torch.cat(seen), DATA[:12])
    assert [len(x) for x in made] == [*shares, shares[-1]]
    assert not torch.equal(made[-2], made[-1])


def test_a_penalty_adds_to_what_is_learned_and_not_to_what_is_told():
    plain, pushed = points(), points()
    values = []

    def penalty(critic, real, fake):
        values.append(gradient_penalty(critic, real, fake, seeded(4)))
        return 10 * values[-1]

    told = [
        trainer_of(gan, penalty=one, rng=seeded()).learn_discriminator(DATA[:6]).item()
        for gan, one in ((plain, None), (pushed, penalty))
    ]
    assert told[0] == told[1]
    assert len(values) == 1
    net = points().discriminator
    fake = points().sample(6, seeded())
    expected = torch.autograd.grad(
        10 * gradient_penalty(net, DATA[:6], fake, seeded(4)), net.parameters(), allow_unused=True
    )
    for a, b, gap in zip(
        pushed.discriminator.parameters(), plain.discriminator.parameters(), expected, strict=True
    ):
        close(a.grad - b.grad, torch.zeros_like(a) if gap is None else gap, 1e-9)


@pytest.mark.parametrize("decay", [0.05, 0.4, 0.999])
def test_the_average_is_that_of_a_loop_and_forgets_the_first_weights_soon(decay):
    """0.05 is at once the smaller of the two, 0.4 from round 5 on, and 0.999 never here."""
    ours, other = points(bounds=(-99, 99)), points()
    start = copy.deepcopy(list(ours.generator.parameters()))
    trainer = trainer_of(ours, decay=decay, rng=seeded(2))
    _, weights = play_by_hand(other, "non-saturating", 9, 1, False, seeded(2))
    mean = [one.tolist() for one in map(torch.flatten, start)]
    for i in range(9):
        trainer(BATCHES(i))
        a = min(decay, (1 + i) / (10 + i))
        mean = [
            [a * x + (1 - a) * y for x, y in zip(old, new.flatten().tolist(), strict=True)]
            for old, new in zip(mean, weights[i], strict=True)
        ]
        for found, expected in zip(trainer.average.generator.parameters(), mean, strict=True):
            assert found.flatten().tolist() == pytest.approx(expected, abs=1e-9)
    average = trainer.average
    assert (average.K, average.bounds, average.shape) == (3, (-99, 99), (2,))
    assert average.discriminator is ours.discriminator
    assert average is not ours
    assert average.generator is not ours.generator


def test_the_average_is_that_of_pytorch():
    gan = points()
    theirs = torch.optim.swa_utils.AveragedModel(
        gan.generator, avg_fn=lambda old, new, i: 0.3 * old + 0.7 * new
    )
    theirs.update_parameters(gan.generator)  # the first one copies
    trainer = trainer_of(gan, decay=0.3)
    trainer.round = 99
    for i in range(4):
        trainer(BATCHES(i))
        theirs.update_parameters(gan.generator)
    for mine, other in zip(
        trainer.average.generator.parameters(), theirs.module.parameters(), strict=True
    ):
        close(mine, other, 1e-12)


def test_a_trainer_counts_its_rounds_and_learns_with_batch_normalisation():
    gan = normalised()
    trainer = trainer_of(gan, turns=2)
    for i in range(3):
        trainer(BATCHES(i))
    assert trainer.round == 3
    assert gan.generator[1].num_batches_tracked == 9  # two turns and one for the generator
    assert gan.discriminator[1].num_batches_tracked == 15  # real and made in each turn, then made
    assert trainer.average is gan


def spectral_points(seed):
    gan = points(seed=seed)
    spectral(gan.discriminator)
    return gan


def normalised_points(seed):
    torch.manual_seed(seed)
    return normalised()


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    ("make", "decay"),
    [(lambda seed: points(seed=seed), 0.9), (spectral_points, 0.9), (normalised_points, 0.0)],
    ids=["average", "spectral", "batch normalisation"],
)
def test_training_that_was_stopped_goes_on_bit_for_bit(make, decay, killed, tmp_path):
    path = tmp_path / "gan.pt"

    def run(n, seed, batches=BATCHES, checkpoint=path):
        gan, rng = make(seed), seeded(seed + 5)
        trainer = trainer_of(gan, adam, decay=decay, rng=rng, turns=2, penalty=gradient_penalty)
        state = {"gan": gan, "trainer": trainer, "rng": rng}
        torch.manual_seed(seed)
        history = train.fit(trainer, batches, n, state=state, checkpoint=checkpoint, every=4)
        mean = trainer.average.generator.state_dict()
        return gan.state_dict(), trainer.state_dict(), rng.get_state(), mean, history

    def power_cut(i):
        if i == 11:
            raise OSError("power cut")
        return BATCHES(i)

    if killed:
        with pytest.raises(OSError, match="power cut"):
            run(16, 0, power_cut)
    else:
        run(8, 0)
    resumed, whole = run(16, 1), run(16, 0, checkpoint=None)
    assert resumed[-1] == whole[-1]
    assert set(whole[-1]) == {"discriminator", "generator", "stopped"}
    assert len(whole[-1]["generator"]) == 16
    torch.testing.assert_close(resumed[:-1], whole[:-1], rtol=0, atol=0)
    assert whole[1]["round"] == 16
    assert set(whole[1]) == {"optimizers", "average", "round"}
    assert bool(whole[1]["average"]) == bool(decay)


# --------------------------------------------------------------------------------------- the ring


def test_the_centres_stand_evenly_on_a_circle():
    expected = 2 * np.exp(2j * np.pi * np.arange(8) / 8)
    close(ring_centres(), torch.tensor(np.stack([expected.real, expected.imag], 1)).float(), 1e-6)


def test_points_of_the_ring_are_eight_gaussians():
    n = 20_000
    (x,) = ring(n, 0)(0)
    assert (x.shape, x.dtype) == ((n, 2), torch.float32)
    gaps = x[:, None] - ring_centres()
    distance, mode = gaps.norm(dim=2).min(1)
    assert stats.chisquare(np.bincount(mode, minlength=8)).pvalue > 0.01
    noise = gaps[torch.arange(n), mode].numpy() / 0.02
    for axis in (0, 1):
        assert stats.kstest(noise[:, axis], "norm").pvalue > 0.01
    assert stats.pearsonr(*noise.T).pvalue > 0.01
    good = int((distance <= 0.06).sum())
    assert stats.binomtest(good, n, 1 - math.exp(-4.5)).pvalue > 0.01
    second = (x.double().T @ x.double()).numpy() / n  # (R²/2 + σ²) I
    assert second == pytest.approx((2 + 0.02**2) * np.eye(2), abs=5 * 2 / n**0.5)


def test_batches_of_the_ring_are_numbered_and_all_different():
    before = torch.get_rng_state()
    seen = [ring(2, seed)(i)[0] for seed in range(4) for i in range(4)]
    assert torch.equal(torch.get_rng_state(), before)
    assert len({tuple(x.flatten().tolist()) for x in seen}) == 16
    batches = ring(2, 1)
    for i in (3, 0, 3):
        assert torch.equal(batches(i)[0], seen[4 + i])


def coverage_by_loop(points, least):
    """Return what is covered, by Python's loops over points and centres."""
    centres = [(2 * math.cos(k * math.pi / 4), 2 * math.sin(k * math.pi / 4)) for k in range(8)]
    counts = [0] * 8
    for point in points.tolist():
        for k, centre in enumerate(centres):
            counts[k] += math.dist(point, centre) <= 0.06
    total = sum(counts)
    kl = stats.entropy(counts, [1 / 8] * 8) if total else NAN
    return {
        "modes": sum(count >= least for count in counts),
        "good": total / len(points),
        "kl": float(kl),
    }


@few
@given(st.lists(st.integers(0, 30), min_size=8, max_size=8), st.integers(1, 30), seeds)
def test_coverage_is_that_of_a_loop(counts, least, seed):
    mode = torch.repeat_interleave(torch.arange(8), torch.tensor(counts))
    rng = seeded(seed)
    here = ring_centres()[mode].double() + 0.03 * torch.randn(len(mode), 2, generator=rng).double()
    far = torch.tensor([[0.0, 0], [9, 9]]).double()
    x = torch.cat([here, far])
    found = mode_coverage(x, least)
    assert found == pytest.approx(coverage_by_loop(x, least), abs=1e-12, nan_ok=True)
    assert type(found["modes"]) is int


def test_coverage_is_known_of_some_clouds():
    centres = ring_centres()
    even = centres.repeat(25, 1)
    assert mode_coverage(even) == {"modes": 8, "good": 1.0, "kl": pytest.approx(0, abs=1e-12)}
    assert mode_coverage(even[:-1])["modes"] == 7  # the last has 24
    alone = mode_coverage(centres[:1].expand(40, 2))
    assert alone == {"modes": 1, "good": 1.0, "kl": pytest.approx(math.log(8))}
    lost = mode_coverage(torch.full((5, 2), NAN))
    assert (lost["modes"], lost["good"]) == (0, 0)
    assert math.isnan(lost["kl"])
    for off, good in ((0.0599, 1), (0.0601, 0)):
        assert mode_coverage(centres + torch.tensor([off, 0.0]))["good"] == good
    edge = torch.tensor([[2, 3 * 0.02]], dtype=torch.float64)
    assert mode_coverage(edge)["good"] == 1
    true = mode_coverage(ring(8000, 3)(0)[0])
    assert true["modes"] == 8
    assert true["good"] == pytest.approx(1 - math.exp(-4.5), abs=0.005)
    assert 0 < true["kl"] < 0.005


# ----------------------------------------------------------------------------------- the networks


def test_perceptrons_have_three_hidden_layers_each():
    for net, (inputs, outputs) in zip(perceptrons(5, 7), [(5, 2), (2, 1)], strict=True):
        weights = list(net.parameters())
        widths = [inputs, 7, 7, 7, outputs]
        told = [shape for i, o in itertools.pairwise(widths) for shape in ((o, i), (o,))]
        assert [tuple(one.shape) for one in weights] == told
        x = h = torch.randn(4, inputs)
        for w, b in zip(weights[:6:2], weights[1:6:2], strict=True):
            h = (h @ w.T + b).clamp(min=0)
        close(net(x), h @ weights[6].T + weights[7], 1e-6)
    assert perceptrons(2)[0][0].out_features == 64


def test_affine_is_a_line_with_nothing_to_learn():
    x = normal(3, 2)
    close(Affine(2.5, -1.5)(x), 2.5 * x - 1.5)
    assert not list(Affine(2, -1).parameters())


def test_the_networks_of_pictures_double_and_halve_twice():
    G, D = dcgan(6, 4)
    shapes = []
    for part in (*G, *D):
        part.register_forward_hook(lambda part, x, y: shapes.append(tuple(y.shape[1:])))
    x = G(3 * torch.randn(5, 6))
    assert x.shape == (5, 1, 28, 28)
    assert D(x).shape == (5, 1)
    up = [(392,), (8, 7, 7), (8, 7, 7), (8, 7, 7), (4, 14, 14), (4, 14, 14), (4, 14, 14)]
    up += [(1, 28, 28)] * 3
    down = [(1, 28, 28), (4, 14, 14), (4, 14, 14), *[(8, 7, 7)] * 3, (392,), (1,)]
    assert shapes == up + down
    names = ["Linear", "Unflatten", "BatchNorm2d", "ReLU", "ConvTranspose2d", "BatchNorm2d"]
    names += ["ReLU", "ConvTranspose2d", "Tanh", "Affine", "Affine", "Conv2d", "LeakyReLU"]
    names += ["Conv2d", "BatchNorm2d", "LeakyReLU", "Flatten", "Linear"]
    assert [type(part).__name__ for part in (*G, *D)] == names
    assert [part.negative_slope for part in D if isinstance(part, nn.LeakyReLU)] == [0.2, 0.2]
    with_bias = [getattr(part, "bias", None) is not None for part in (*G, *D)]
    assert [i for i, bias in enumerate(with_bias) if bias] == [2, 5, 7, 11, 14, 17]
    kernels = [part.weight.shape[2:] for part in (*G, *D) if hasattr(part, "stride")]
    assert kernels == [(4, 4)] * 4
    assert dcgan(6)[0][2].num_features == 32


def test_pictures_are_made_in_0_to_1_and_read_as_minus_1_to_1():
    G, D = dcgan(4, 2)
    for sign in (-1, 1):
        nn.init.constant_(G[7].bias, 50 * sign)
        x = G(torch.randn(3, 4))
        close(x, torch.full_like(x, (1 + sign) / 2), 1e-6)
        assert x.min() >= 0
        assert x.max() <= 1
    nn.init.zeros_(G[7].weight)
    nn.init.constant_(G[7].bias, 0.3)
    close(G(torch.randn(3, 4)), torch.full((3, 1, 28, 28), (1 + math.tanh(0.3)) / 2), 1e-6)
    close(D[0](torch.tensor([0.0, 0.25, 1.0])), torch.tensor([-1.0, -0.5, 1.0]))


def test_first_weights_are_small_and_normal():
    G, D = dcgan(20, 16)
    scales = {2: 1, 5: 1, 14: 1}  # batch normalisation
    for i, part in enumerate((*G, *D)):
        if hasattr(part, "weight"):
            weights = part.weight.detach().flatten().numpy()
            mean = scales.get(i, 0)
            assert stats.kstest(weights, "norm", (mean, 0.02)).pvalue > 0.001, i
        if i in scales:
            assert not part.bias.any()
    layer = nn.Conv1d(2, 3, 3)
    kept = layer.weight.clone()
    first_weights(layer)
    assert torch.equal(layer.weight, kept)


# -------------------------------------------------------------------------------- what it refuses


PLAIN = points(bounds=(-2, 2))
GOOD = torch.linspace(-1.9, 1.9, 8, dtype=torch.float64).view(4, 2)


def with_number(*values):
    x = GOOD.clone()
    for i, value in enumerate(values):
        x[2 + i, 1] = value
    return x


makes = "this generator makes tensors of floating-point numbers (B, 2)"
lost = "NaN or infinity in {} of 4, first in number {}: leave such out"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (GOOD[:, :1], f"a batch of shape (4, 1) and torch.float64: {makes}"),
        (GOOD[:, :, None], f"a batch of shape (4, 2, 1) and torch.float64: {makes}"),
        (GOOD[0], f"a batch of shape (2,) and torch.float64: {makes}"),
        (GOOD.long(), f"a batch of shape (4, 2) and torch.int64: {makes}"),
        (GOOD > 0, f"a batch of shape (4, 2) and torch.bool: {makes}"),
        (GOOD[:0], "a batch of 0: give at least 1"),
        (with_number(NAN), lost.format(1, 2)),
        (with_number(NAN, INF), lost.format(2, 2)),
        (with_number(0, INF), lost.format(1, 3)),
        (with_number(-INF), lost.format(1, 2)),
        (GOOD * NAN, lost.format(4, 0)),
        (
            with_number(2.5),
            "numbers from -1.9 to 2.5, and this generator makes only -2 to 2: scale the data into "
            "that, else what is outside gives it away",
        ),
        (with_number(-2.25), "numbers from -2.25 to 1.9, and this generator makes only -2 to 2"),
        (with_number(2 + 1e-9), "numbers from -1.9 to 2, and this generator makes only -2 to 2"),
    ],
)
def test_batches_that_are_none_are_refused(x, message):
    trainer = trainer_of(PLAIN)
    for wrong in (PLAIN.check, trainer.learn_discriminator, lambda x: trainer((x,))):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            wrong(x)


def test_a_shape_of_pictures_is_told_whole():
    message = "a batch of shape (2, 28, 28) and torch.float32: this generator makes tensors of "
    end = "floating-point numbers (B, 1, 28, 28)"
    with pytest.raises(ValueError, match=re.escape(message + end)):
        GAN(*dcgan(4, 2), 4).check(torch.rand(2, 28, 28))


def test_a_refused_batch_teaches_nothing():
    gan = points(bounds=(-2, 2))
    trainer, before, rng = trainer_of(gan), copy.deepcopy(gan.state_dict()), torch.get_rng_state()
    with pytest.raises(ValueError, match="numbers from"):
        trainer((with_number(7),))
    torch.testing.assert_close(gan.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), rng)
    assert trainer.round == 0


def test_batches_at_the_edges_are_taken():
    for x in (with_number(2), with_number(-2), GOOD[:1]):
        assert PLAIN.check(x) is None
    assert points().check(1e300 * GOOD) is None


def deviating():
    D = nn.Sequential(nn.Linear(2, 4), MinibatchDeviation(), nn.Linear(5, 1)).double()
    return GAN(points().generator, D, 3)


@pytest.mark.parametrize("make", [normalised, deviating])
def test_a_batch_of_one_has_no_statistics(make):
    gan = make()
    gan.check(GOOD[:2])
    for x in (GOOD[:1], GOOD[:0]):
        message = (
            f"a batch of {len(x)}: give at least 2, as a layer takes statistics over the batch"
        )
        for wrong in (gan.check, lambda x: trainer_of(gan)((x,))):
            with pytest.raises(ValueError, match=f"^{message}$"):
                wrong(x)


def test_an_array_is_refused():
    message = "a batch of shape (4, 2) and float64: this generator makes tensors"
    with pytest.raises(ValueError, match=re.escape(message)):
        PLAIN.check(GOOD.numpy())


@pytest.mark.parametrize("training", [True, False])
def test_sampling_leaves_the_mode_of_each_network_alone(training):
    gan = normalised()
    gan.generator.train(training)
    gan.discriminator.train(not training)
    gan.sample(3)
    GAN(gan.generator, gan.discriminator, 3)
    assert (gan.generator.training, gan.discriminator.training) == (training, not training)


@pytest.mark.parametrize("shape", [(4, 2), (4, 4), (3,), (4, 3, 1), (0, 2)])
def test_noise_of_another_width_is_refused(shape):
    message = f"noise of shape {shape}: this generator reads (B, 3)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PLAIN.generate(torch.zeros(shape))


def test_a_generator_of_another_width_is_refused():
    for make in (lambda: perceptrons(4), lambda: dcgan(4, 2)):
        with pytest.raises(
            ValueError, match=r"^this generator does not read noise of K = 3: .*shapes"
        ) as info:
            GAN(*make(), 3)
        assert isinstance(info.value.__cause__, RuntimeError)


@pytest.mark.parametrize("number", [0, -1, 2.5, "2", None, True, NAN])
def test_numbers_that_count_nothing_are_refused(number):
    for name, wrong in (
        ("K", lambda: GAN(*perceptrons(2), number)),
        ("turns", lambda: trainer_of(PLAIN, turns=number)),
    ):
        sentence = f"{name}={number!r}: give a whole number of at least 1"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            wrong()
    if number != 0:
        sentence = f"n={number!r}: give a whole number of at least 0"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            PLAIN.sample(number)


def test_an_unknown_loss_is_told_the_known_ones():
    known = "saturating, non-saturating, least squares, hinge, wasserstein"
    with pytest.raises(ValueError, match=f"^loss='Hinge' is unknown: give {known}$"):
        trainer_of(PLAIN, loss="Hinge")


@pytest.mark.parametrize("decay", [1, 1.5, -0.1, NAN])
def test_a_decay_outside_0_to_1_is_refused(decay):
    with pytest.raises(ValueError, match=f"^decay={decay}: give a number from 0 to below 1$"):
        trainer_of(PLAIN, decay=decay)


def test_an_average_of_a_generator_with_buffers_is_refused():
    message = "decay=0.5 with buffers in the generator, as batch and spectral normalisation have"
    turned = GAN(spectral(points().generator), points().discriminator, 3)
    for gan in (normalised(), turned):
        with pytest.raises(ValueError, match=f"^{message}: they fit no mean of weights, so give 0"):
            trainer_of(gan, decay=0.5)
    only_there = GAN(points().generator, normalised().discriminator, 3)
    assert trainer_of(only_there, decay=0.5).average is not only_there


def test_optimisers_of_other_weights_are_refused():
    gan, other = points(), points()

    def sgd(net):
        return torch.optim.SGD(net.parameters(), lr=0.1)

    d, g = sgd(gan.discriminator), sgd(gan.generator)
    Duel(gan, d, g)
    Duel(gan, torch.optim.SGD(list(gan.discriminator.parameters())[:1], lr=0.1), g)  # a part
    for name, pair in {
        "discriminator": (g, d),
        "generator": (d, sgd(other.generator)),
    }.items():
        message = f"the {name}'s optimiser has weights that are not the {name}'s: give Duel"
        with pytest.raises(ValueError, match=f"^{message}"):
            Duel(gan, *pair)


@pytest.mark.parametrize(("n", "turns"), [(3, 5), (6, 4), (7, 2)])
def test_a_batch_that_is_no_multiple_of_turns_is_refused(n, turns):
    with pytest.raises(ValueError, match=f"^turns={turns}, a batch of {n}: give a multiple$"):
        trainer_of(points(), turns=turns)((DATA[:n],))
