"""The exercises of lesson 09, each judged against loops over plain numbers or closed forms."""

import copy
import math
from decimal import Decimal
from itertools import permutations, product

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended, gradients, normal


def _tensor(numbers) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@exercise
def optimal_discriminator(fn: Attempt) -> None:
    """p/(p + q) in decimal numbers, which know no least one; then where e^ has no number."""
    plain = "D* = p/(p + q)."
    lost = (
        "e to so low a number is 0 for the computer, and 0/0 no number. Divide by p: "
        "1/(1 + q/p), and q/p = e^(log q − log p) needs the difference alone: a sigmoid."
    )
    far = "Here e to the difference is infinite: `torch.sigmoid` knows that, a quotient does not."
    for log_p, log_q, hint in (
        ([-1.2, 0.7, -3.0, -0.4], [-2.5, -0.3, -1.1, 0.5], plain),
        ([-2000.0, -1500.0, -900.0, -2000.0], [-1998.5, -1500.4, -903.0, -1999.0], lost),
        ([-3.0, -2000.0, -1.0, -1999.0], [-2000.0, -3.0, -1900.0, -2.0], far),
    ):
        p, q = ([Decimal(x).exp() for x in logs] for logs in (log_p, log_q))
        right = np.array([float(a / (a + b)) for a, b in zip(p, q, strict=True)])
        log_p, log_q = _tensor(log_p), _tensor(log_q)
        low_p, low_q = log_p.exp().numpy(), log_q.exp().numpy()
        with np.errstate(all="ignore"):
            mistakes = [
                (1 - right, "p and q are exchanged: D* is near 1 where real things are."),
                (log_p / (log_p + log_q), "These are the logarithms: the formula has p and q."),
                (log_p - log_q, "This is the logit, log p − log q: its sigmoid is D*."),
                (low_p / low_q, "This is p/q: D* = (p/q)/(1 + p/q)."),
                (np.log(right), "This is log D*: return D* itself."),
                (low_p, "This is p: q is missing."),
                (low_p / (1 + low_p), "A sigmoid of log p alone is p/(p + 1): q is missing."),
                (
                    1 / (1 + np.exp(low_q - low_p)),
                    "A sigmoid of the difference of the logarithms, not of the densities.",
                ),
                (1 / (1 + np.exp(-low_p / low_q)), "A sigmoid of log (p/q), not of p/q."),
                (
                    1 / (1 + np.exp(-(log_p + log_q).numpy())),
                    "The difference log p − log q, not the sum.",
                ),
                (right > 0.5, "D* is how sure one can be, a number from 0 to 1: no verdict."),
                (right.mean(), "One number for each place, (N,): no mean."),
            ]
        for e in (10.0**-k for k in range(1, 12)):
            wrongs = (
                low_p / (low_p + low_q + e),
                (low_p + e) / (low_p + low_q + e),
                (low_p + e) / (low_p + low_q + 2 * e),
            )
            mistakes += [(wrong, "Without an ε: it moves the value.") for wrong in wrongs]
        what = f"D* for log densities as low as {min(log_p.min(), log_q.min()):.0f}"
        expect(fn(log_p, log_q), right, what, mistakes if hint is plain else (), hint)


def _kl(p, q) -> float:
    """Return KL(p ‖ q) in nats, over the places where both have something."""
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a and b)


@exercise
def jensen_shannon(fn: Attempt) -> None:
    """Both halves by a loop; without zeros, with zeros in one and in both, with 300 in one."""
    formula = "½KL(p ‖ m) + ½KL(q ‖ m) with m = (p + q)/2."
    limit = (
        "0 · log 0 counts as 0, its limit: `torch.xlogy(x, y)` is x log y and knows that. But "
        "where both are 0, p/m is 0/0, and that is NaN for xlogy as well: log p − log m, two "
        "xlogy, divides nothing."
    )
    moved = "Without an ε: it moves the value. Where p is 0, xlogy needs none."
    for what, p, q, hint in (
        ("no zeros", [0.5, 0.2, 0.3], [0.1, 0.6, 0.3], formula),
        ("zeros", [0.5, 0.0, 0.3, 0.2, 0.0], [0.0, 0.6, 0.3, 0.1, 0.0], limit),
        ("300 zeros", 300 * [0.0] + [1.0], 300 * [1e-8] + [1 - 3e-6], moved),
    ):
        m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        of_p, of_q = _kl(p, m), _kl(q, m)
        right = (of_p + of_q) / 2
        both = [(a, b, c) for a, b, c in zip(p, q, m, strict=True) if a and b]
        common = sum(a * math.log(a / c) + b * math.log(b / c) for a, b, c in both) / 2
        summed = right - math.log(2)  # m = p + q, so that each logarithm is lower by log 2
        one_half = "Both halves: KL(p ‖ m) and KL(q ‖ m), each times ½."
        straight = "Each is compared with the mean m = (p + q)/2, not with the other."
        mistakes = [
            (2 * right, "The one-half is forgotten."),
            (right / math.log(2), "Take natural logarithms, nats: these are bits."),
            (math.sqrt(right), "This is its root, a distance: leave the root out."),
            (
                2 * right - math.log(4),
                "This is 2 JSD − log 4, the value of the game: one-half before each KL, and m the "
                "mean of p and q, not their sum.",
            ),
            (-right, "The sign: it is never below 0."),
            (summed, "m is the mean of p and q: halve their sum."),
            *((half, one_half) for half in (of_p, of_q, of_p / 2, of_q / 2)),
            (_kl(p, q), straight),
            (_kl(q, p), straight),
            (_kl(p, q) + _kl(q, p), straight),
            ((_kl(p, q) + _kl(q, p)) / 2, straight),
            (
                (_kl(m, p) + _kl(m, q)) / 2,
                "The other way round: KL(p ‖ m) weighs log (p/m) with p, not with m.",
            ),
            (_kl(m, p) + _kl(m, q), "It is KL(p ‖ m) that weighs with p; and the one-half."),
            (right / len(p), "Add the places up: this is their mean."),
            (common, "Where one of them is 0, the other still counts: only its own term is 0."),
            (
                sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2,
                "This is the total variation: the logarithms are missing.",
            ),
            (p, "Add the places up."),
        ]
        for e in (10.0**-k for k in range(1, 15)):
            p_e, q_e, m_e = ([x + e for x in xs] for xs in (p, q, m))
            wrongs = (
                (_kl(p_e, m_e) + _kl(q_e, m_e)) / 2,
                sum(a * math.log((a + e) / (c + e)) for a, c in zip(p + q, m + m, strict=True)) / 2,
                sum(a * math.log(a / c + e) for a, c in zip(p + q, m + m, strict=True) if c) / 2,
                sum(a * math.log((a + e) / c) for a, c in zip(p + q, m + m, strict=True) if c) / 2,
                sum(a * math.log(a / (c + e)) for a, c in zip(p + q, m + m, strict=True) if a) / 2,
            )
            mistakes += [(wrong, moved) for wrong in wrongs]
        expect(fn(*map(_tensor, (p, q))), right, f"the divergence with {what}", mistakes, hint)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@exercise
def non_saturating_loss(fn: Attempt) -> None:
    """−log σ of each logit by a loop, and the slope of their mean; then at ±1000."""
    steady = (
        "σ(−1000) is 0 for the computer, and log 0 infinite: `F.logsigmoid`, `F.softplus` or "
        "`F.binary_cross_entropy_with_logits` go past the σ."
    )
    for numbers, hint in (
        ([0.8, -1.5, 2.2, -0.3], "The mean of −log σ(logit)."),
        ([1000.0, -1000.0, 60.0, -800.0, -60.0], steady),
    ):
        N = len(numbers)
        each = [_softplus(-x) for x in numbers]
        chances = [math.exp(-e) for e in each]
        right, other = sum(each) / N, sum(map(_softplus, numbers)) / N
        mistakes = [
            (-right, "The sign: a loss is small where D is near 1, so put a minus."),
            (
                -other,
                "This is log(1 − D), the saturating loss: its slope dies where D is near 0.",
            ),
            (
                other,
                "This is −log(1 − D), what the discriminator pays: the generator wants D near 1.",
            ),
            (N * right, "Take the mean: this is the sum."),
            (right / math.log(2), "Take natural logarithms, nats: these are bits."),
            (
                sum(_softplus(-chance) for chance in chances) / N,
                "One sigmoid too many: `logsigmoid` and the like take the logits themselves.",
            ),
            (1 - sum(chances) / N, "The logarithm is missing."),
            (-sum(chances) / N, "The logarithm is missing."),
            (sum(chances) / N, "The logarithm is missing, and the minus."),
            (-sum(numbers) / N, "The mean of −log σ(logit), not of −logit: that is Wasserstein's."),
            (_softplus(-sum(numbers) / N), "First the logarithm of each, then the mean."),
            (-math.log(sum(chances) / N), "First the logarithm of each, then the mean."),
            (numbers, "One number: take the mean over the batch."),
            (
                sum(min(e, 100.0) for e in each) / N,
                "`binary_cross_entropy` cuts each logarithm off at −100: take the one of logits.",
            ),
        ]
        for e in (10.0**-k for k in range(1, 17)):
            wrongs = (
                sum(-math.log(chance + e) for chance in chances) / N,
                sum(-math.log(max(chance, e)) for chance in chances) / N,
                sum(-math.log(min(max(chance, e), 1 - e)) for chance in chances) / N,
            )
            mistakes += [(wrong, f"Without an ε: it moves the value. {steady}") for wrong in wrongs]
        what = f"the loss of logits such as {numbers[0]:g} and {numbers[1]:g}"
        logits = _tensor(numbers).requires_grad_()
        answer = fn(logits)
        expect(answer, right, what, mistakes, hint)
        cut = "something cuts it off, as `detach`, `.data`, `torch.no_grad` and `torch.tensor` do."
        (slope,) = gradients(answer, {"the logits": logits}, what, cut)
        want = [-math.exp(-_softplus(x)) / N for x in numbers]
        rest = f"Leave the slope to autograd. {steady}"
        expect(slope, want, f"{what} is right, but its slope in the logits", (), rest)


A, OFFSET = (0.9, -0.6, 0.4), (0.3, 0.5, -0.2)


class _Bowl(nn.Module):
    """The critic Σ (a x²/2 + b x) over the features of x: its slope in x is a·x + b."""

    def __init__(self, column: bool):
        super().__init__()
        self.a, self.b = nn.Parameter(_tensor(A)), nn.Parameter(_tensor(OFFSET))
        self.column = column

    def forward(self, x):
        return (self.a * x**2 / 2 + self.b * x).sum(-1, keepdim=self.column)


def _judge_penalty(fn: Attempt, rest: list, right, slopes, mistakes, hint: str) -> None:
    """Judge a penalty on the slope of a `_Bowl`, and what the bowl learns from it.

    `rest` is what fn takes after the critic; `slopes` are the penalty's gradients in a and b.
    """
    for column in (True, False):
        critic = _Bowl(column)
        answer = fn(critic, *(x.clone() for x in rest))
        what = f"the penalty with a critic that returns {'(B, 1)' if column else '(B,)'}"
        expect(answer, right, what, mistakes, hint)
        if any(p.grad is not None for p in critic.parameters()):
            raise Wrong(
                f"{what} is right, but `backward` wrote into the `.grad` of the critic's weights, "
                "too: `torch.autograd.grad` returns the slope in x, and writes nothing."
            )
        advice = (
            "pass `create_graph=True` when you take the slope, and cut nothing off with `detach`, "
            "`.data` or `.item()`."
        )
        leaves = {"the critic's weights": critic.a, "its offsets": critic.b}
        got = gradients(answer, leaves, what, advice)
        for one, want in zip(got, slopes, strict=True):
            whole = "Nothing may be cut off on the way: no `detach`, no `.data`, no `no_grad`."
            name = f"{what} is right, but its gradient in the critic's weights"
            expect(one, want, name, (), whole)


@exercise
def r1_penalty(fn: Attempt) -> None:
    """The squared slope of a critic whose slope is known, ax + b, and its gradients in a and b."""
    B, width = 5, 3
    real = normal(B, width)
    x, a, b = real.numpy(), np.array(A), np.array(OFFSET)
    slope = a * x + b
    squares = (slope**2).sum(1)
    right = squares.mean() / 2
    half = (1, ""), (2, "The one-half is forgotten.")
    features = (
        (1, ""),
        (1 / width, "‖∇ℓ‖² is the sum of the squares over the features: this is their mean."),
    )
    batch = (
        (1, ""),
        (B, "Take the mean over the batch: this is the sum."),
        (
            1 / B**2,
            "The slope of the *mean* of the critic's numbers is B times too small: take that of "
            "their sum, as each number depends on its own x alone.",
        ),
        (1 / B, "Take the slope of the sum of the critic's numbers, and then the mean over x."),
    )
    mistakes = []
    for factors in product(batch, features, half):
        advice = " ".join(text for _, text in factors if text)
        if advice:
            mistakes.append((right * math.prod(factor for factor, _ in factors), advice))
    lengths = np.sqrt(squares)
    in_weights = [(x**2 / 2).sum(0), x.sum(0)]
    number = (a * x**2 / 2 + b * x).sum(1)
    square_it = "The length of the slope is squared: ‖∇ℓ‖²."
    first_square = "Square first, then add up: ‖∇ℓ‖² is the sum of squares."
    mistakes += [(lengths.mean() / 2, square_it), (lengths.mean(), square_it)]
    mistakes += [
        (wrong, "Square each length before the mean, not after it.")
        for wrong in (lengths.mean() ** 2 / 2, lengths.mean() ** 2)
    ]
    for scale in (1, 1 / B):
        total = sum(((scale * w) ** 2).sum() for w in in_weights)
        mistakes += [
            (total, "This is the slope in the critic's weights: take that in x."),
            (total / 2, "This is the slope in the critic's weights: take that in x."),
        ]
    mean_slope = (slope.mean(0) ** 2).sum()
    mistakes += [
        (mean_slope / 2, "Square the slope of each x, then take the mean: here the mean is first."),
        (mean_slope, "Square the slope of each x, then take the mean: here the mean is first."),
        ((slope.sum(1) ** 2).mean() / 2, first_square),
        ((slope.sum(1) ** 2).mean(), first_square),
        (
            ((lengths - 1) ** 2).mean(),
            "Nothing is subtracted: R1 wants a slope of 0, it is the penalty of WGAN-GP that wants "
            "1.",
        ),
        (((lengths - 1) ** 2).mean() / 2, "Nothing is subtracted: R1 wants a slope of 0."),
        (math.sqrt(squares.sum()) / 2, "Each x has its own ‖∇ℓ‖²: not the norm of the batch."),
        (math.sqrt(squares.sum()), "Each x has its own ‖∇ℓ‖²: not the norm of the batch."),
        ((number**2).mean() / 2, "This is of ℓ itself: its slope in x is asked for."),
        ((number**2).mean(), "This is of ℓ itself: its slope in x is asked for."),
        (-right, "The sign: a penalty is above 0."),
        (squares, "One number: take the mean over the batch."),
        (slope, "This is of the shape of x: square, add up over the features, take the mean."),
        (slope[0], "Add up over the features, dimension 1, then take the mean over the batch."),
    ]
    slopes = (slope * x).mean(0), slope.mean(0)
    hint = "The mean over x of Σ (∂ℓ/∂x)²/2, the sum over the features."
    _judge_penalty(fn, [real], right, slopes, mistakes, hint)


# What somebody may make of a discriminator's numbers x, where it should say real, or made.
READINGS = {
    "logits": lambda x, real: F.softplus(-x if real else x).mean(),
    "clamped": lambda x, real: F.binary_cross_entropy(
        x.clamp(0, 1), torch.full_like(x, float(real))
    ),
    "twice": lambda x, real: READINGS["logits"](x.sigmoid(), real),
}


class _Watched(torch.optim.SGD):
    """An optimiser that keeps, before each step, what is in `.grad`, and a copy of both nets."""

    def __init__(self, name: str, net: nn.Module, nets: tuple, log: list):
        super().__init__(net.parameters(), lr=0.01)
        self.name, self.net, self.nets, self.log = name, net, nets, log

    def step(self, closure=None):
        self.log.append((self.name, _held(self.net), copy.deepcopy(self.nets)))
        return super().step(closure)


def _held(net: nn.Module) -> torch.Tensor:
    """Return what is in `.grad` of all weights of `net`, in a row; 0 where there is none."""
    each = [torch.zeros_like(p) if p.grad is None else p.grad for p in net.parameters()]
    return torch.cat([grad.detach().flatten() for grad in each])


def _slope(loss: torch.Tensor, net: nn.Module) -> torch.Tensor:
    """Return the gradient of `loss` in all weights of `net`, in a row."""
    each = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
    return torch.cat([grad.flatten() for grad in each])


def _which(got: torch.Tensor, known: dict):
    """Return the key of the first of `known` that equals `got`, None if there is none."""
    for key, want in known.items():
        if torch.allclose(got, want, rtol=0, atol=1e-8 * want.abs().max().item()):
            return key
    return None


def _rounds(fn: Attempt, scale: float, rounds: int):
    """Call fn so often, on nets that learn meanwhile; yield what it was given, left and returned.

    `scale` multiplies the discriminator's numbers.
    """
    generator = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    nets = generator, discriminator
    seeds = 0, 53  # with these, D says numbers in [0, 1], and others
    for first, net in zip(seeds, nets, strict=True):
        for seed, p in enumerate(net.parameters(), start=first):
            p.data = normal(*p.shape, seed=seed)
    for p in discriminator[-1].parameters():
        p.data *= scale
    log = []
    optimizers = [_Watched(*pair, nets, log) for pair in zip("gd", nets, strict=True)]
    for number in range(rounds):
        real, z = normal(6, 2, seed=30 + number), normal(6, 2, seed=40 + number)
        left = [_held(net) for net in nets]
        log.clear()
        before = torch.get_rng_state()
        answer = fn(generator, discriminator, *optimizers, real, z)
        if not torch.equal(torch.get_rng_state(), before):
            raise Wrong("it draws noise of its own: both halves use the z that it is given.")
        if "".join(name for name, *_ in log) != "dg":
            raise Wrong(
                "each call takes one step of the discriminator's optimiser, then one of the "
                "generator's, as the step of the card does."
            )
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong("return two things: d_loss and g_loss.")
        at_d, at_g = ((held, *(net.requires_grad_() for net in pair)) for _, held, pair in log)
        yield real, z, left, at_d, at_g, answer


def _d_losses(said_real, said_fake) -> dict[tuple[str, str], torch.Tensor]:
    """Return the discriminator's loss for each reading of its numbers for real and made things."""
    return {
        (r, f): READINGS[r](said_real, True) + READINGS[f](said_fake, False)
        for r, f in product(READINGS, READINGS)
    }


def _at_d_step(got, D, said_real, said_fake, left) -> tuple[tuple[str, str], int]:
    """Say with which readings `got` is the gradient in D, and whether `left` was added to it."""
    losses = _d_losses(said_real, said_fake)
    known = {
        (pair, stale): _slope(loss, D) + stale * left
        for pair, loss in losses.items()
        for stale in (0, 1)
    }
    if found := _which(got, known):
        return found
    right, read = losses["logits", "logits"], READINGS["logits"]
    mistakes = [
        (_slope(wrong, D), advice)
        for wrong, advice in (
            (0 * right, "There is none: it was cleared after `backward`, or never came."),
            (right / 2, "The loss is the sum of both means: no one-half."),
            (right * len(said_real), "Each half is a mean over the batch: no sum."),
            (
                read(said_real, False) + read(said_fake, True),
                "The labels: 1 for real things, 0 for made ones.",
            ),
            (-right, "The sign: a loss is above 0."),
            (read(said_real, True), "The half of the made things is gone."),
            (read(said_fake, False), "The half of the real things is gone."),
        )
    ]
    what = "the gradient of the discriminator at its step"
    hint = "It is that of −E log D(x) − E log(1 − D(G(z)))."
    expect(got, _slope(right, D), what, mistakes, hint)


def _at_g_step(got, G, says, flowed, left) -> tuple[str, int, int]:
    """Say with which reading `got` is G's gradient, and whether `flowed` and `left` were added."""
    known = {
        (r, flows, stale): _slope(read(says, True), G) + flows * flowed + stale * left
        for r, read in READINGS.items()
        for flows in (0, 1)
        for stale in (0, 1)
    }
    if found := _which(got, known):
        return found
    right, caught = READINGS["logits"](says, True), READINGS["logits"](says, False)
    mistakes = [
        (_slope(wrong, G), advice)
        for wrong, advice in (
            (
                0 * right,
                "There is none: detach in the discriminator's half alone, and clear before "
                "`backward`.",
            ),
            (-caught, "This is the saturating loss, log(1 − D(G(z)))."),
            (caught, "The generator wants to hear real: its labels are 1."),
            (right / 2, "The loss is the mean: no one-half."),
            (right * len(says), "The loss is the mean over the batch: no sum."),
        )
    ]
    what = "the gradient of the generator at its step"
    hint = "It is that of −E log D(G(z)), with the discriminator after its step."
    expect(got, _slope(right, G), what, mistakes, hint)


@exercise
def mended_step(fn: Attempt) -> None:
    """Find the bugs: what is in `.grad` at each step, against gradients taken afresh.

    The logits are small first, then in the hundreds, where a σ is rounded to 0 or 1.
    """
    stale, early, readings, touched, forgotten, values = [], [], set(), [], [], []
    into_d = None  # what the generator's half of the round before left in the discriminator
    for real, z, left, (got_d, G, D), (got_g, new_G, new_D), answer in _rounds(fn, 1.0, 2):
        said_real, said_fake, says = D(real), D(G(z)), new_D(new_G(z))
        d_losses = _d_losses(said_real, said_fake)
        pair, old = _at_d_step(got_d, D, said_real, said_fake, left[1])
        early.append(old and _which(left[1], {True: into_d}))
        flowed = _slope(d_losses[pair], G)  # to the generator, in the discriminator's half
        reading, flows, older = _at_g_step(got_g, new_G, says, flowed, left[0])
        into_d = _slope(READINGS[reading](says, True), new_D)
        stale.append(old)
        readings |= {*pair, reading}
        touched.append(flows)
        forgotten.append(older)
        values += [
            ("d_loss", answer[0], d_losses["logits", "logits"]),
            ("g_loss", answer[1], READINGS["logits"](says, True)),
        ]

    for real, z, _, (got_d, G, D), (got_g, new_G, new_D), answer in _rounds(fn, 300.0, 1):
        d_loss = _d_losses(D(real), D(G(z)))["logits", "logits"]
        g_loss = READINGS["logits"](new_D(new_G(z)), True)
        of_g, flowed = _slope(g_loss, new_G), _slope(d_loss, G)
        at_d, at_g = {True: _slope(d_loss, D)}, {"detached": of_g, "flows": of_g + flowed}
        keeps = _which(got_d, at_d) and _which(got_g, at_g)
        values += [
            ("d_loss of a discriminator that is sure", answer[0], d_loss),
            ("g_loss of a discriminator that is sure", answer[1], g_loss),
        ]

    cleared = "into what does `backward` add, and who clears the discriminator's?"
    if any(early):
        cleared = (
            "clear the discriminator's just before its own `backward`: right after its step is too "
            "early, as the generator's `backward` fills them again."
        )
    bounded = "a discriminator without a sigmoid says any number: what is 3 after `clamp(0, 1)`?"
    if readings <= {"logits", "twice"}:
        bounded = "what does a loss `with_logits` do to its logits? Give it them as they are."
    if readings == {"logits"}:
        bounded = (
            "a sigmoid, and then a loss of probabilities, loses large logits: from the tens on σ "
            "is rounded. `F.binary_cross_entropy_with_logits` and `F.softplus` need no σ."
        )
    verdicts = [
        (not any(stale), cleared),
        (readings == {"logits"} and keeps, bounded),
        (not any(touched), "how far back does the discriminator's `backward` go?"),
    ]
    expect_mended(verdicts)
    if any(forgotten):
        raise Wrong("now the generator's gradients of the round before are not cleared: they were.")
    hint = "Return both losses of this call: the generator's is taken after the other's step."
    for name, value, right in values:
        mistakes = [(right.item() / 2, "No one-half."), (-right.item(), "A loss is above 0.")]
        expect(value, right.item(), name, mistakes, hint)


@exercise
def modes_covered(fn: Attempt) -> None:
    """Clouds put around centres one by one, so that each mistake counts one of them wrong."""
    sigma, least = 0.1, 3
    square = [(0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0), (2.0, 8.0)]
    pair = [(0.0, 0.0), (0.25, 0.0), (4.0, 4.0)]  # two 2.5σ apart
    across = [(k + 0.5) * math.pi / 4 for k in range(8)]
    corners = [(k + 0.5) * math.pi / 2 for k in range(4)]
    behind = [math.pi - 0.3, math.pi, math.pi + 0.3]
    ahead = [-0.3, 0.0, 0.3]
    around = [k * math.pi / 15 for k in range(30)]
    # centres, clouds (the centre, how many σ from it, in which directions), modes, a hint
    cases = [
        (
            square,
            [(k, 0.9, around) for k in range(4)],
            4,
            "At 4 of the 5 centres there are 30 points. `cdist(points, centres)` has a row for "
            "each point: `min(1)` is its nearest centre, but `min(0)` the nearest point of each "
            "centre.",
        ),
        (
            square,
            [(k, 0.9, across[:5]) for k in range(4)],
            4,
            "At 4 of the 5 centres there are 5 points, and least is 3: an argument, no fixed "
            "number.",
        ),
        (
            square,
            [(0, 0.9, across[:3]), (1, 0.9, across[:3]), (2, 0.9, across[:2])],
            2,
            "At least 3 is 3 or more: two centres have just 3 points, one has 2. So count them: "
            "the nearest point of each centre, `min(0)`, does not tell how many there are.",
        ),
        (
            square,
            [(0, 2.5, across), (3, 2.0, across)],
            2,
            "Up to 3σ from the centre a point counts: here all are within 2.5σ.",
        ),
        (
            square,
            [(0, 9.0, across), (1, 0.9, across)],
            1,
            "A point farther than 3σ counts for none, be it the nearest centre's.",
        ),
        (
            square,
            [(0, 4.5, across), (1, 0.9, across)],
            1,
            "Compare the distance with 3σ, not its square: these are 4.5σ away.",
        ),
        (
            square,
            [(0, 3.6, corners), (1, 0.9, across)],
            1,
            "Within 3σ is a circle: (Δx² + Δy²)^½ ≤ 3σ; both Δx and Δy below 3σ is a square.",
        ),
        (
            pair,
            [(0, 0.5, across)],
            1,
            "A point counts for its nearest centre only, though two are within 3σ.",
        ),
        (
            pair,
            [(0, 0.3, behind), (1, 0.3, ahead)],
            2,
            "Each of these points has its nearest centre: 3 have the one, 3 the other.",
        ),
    ]
    for centres, clouds, right, hint in cases:
        points = [
            (centres[k][0] + r * sigma * math.cos(t), centres[k][1] + r * sigma * math.sin(t))
            for k, r, directions in clouds
            for t in directions
        ]
        shares = "How many centres, a whole number: this is their share."
        mistakes = [
            (right / len(centres), shares),
            (len(centres), f"Not all are covered. {hint}"),
            (len(points), "Count the centres that are covered, not the points."),
            ([0.0] * len(centres), "One number: how many centres have `least` points or more."),
            ([0.0] * len(points), "One number: how many centres have `least` points or more."),
        ]
        answer = fn(_tensor(points), _tensor(centres), sigma, least)
        what = f"the number of modes covered by {len(points)} points"
        if isinstance(answer, (int, float)) or getattr(answer, "ndim", None) == 0:
            if answer == right:
                continue
            advice = next((text for wrong, text in mistakes if wrong == answer), hint)
            raise Wrong(f"{what} is {answer:g}, but it should be {right}. {advice}")
        expect(answer, right, what, mistakes, hint)


@exercise
def wasserstein_distance(fn: Attempt) -> None:
    """The cheapest of all ways to move one sample onto the other, found by trying each."""
    for a, b, hint in (
        (
            [0.9, -1.3, 2.4, 0.2, -0.6],
            [1.7, 3.1, -0.5, -2.2, 0.4],
            "The mean of |a − b| over the pairs, the lowest with the lowest, and so on.",
        ),
        ([0.0, 3.0, 1.0, 7.0], [5.0, 2.0, 9.0, 2.5], "Each moves up here, by its own way."),
        ([0.5, -1.0, 2.0], [2.0, 0.5, -1.0], "The same numbers in another order: nothing to move."),
    ):
        N, low_a, low_b = len(a), sorted(a), sorted(b)
        pairs = list(zip(low_a, low_b, strict=True))
        right = min(
            sum(abs(x - y) for x, y in zip(a, other, strict=True)) / N for other in permutations(b)
        )
        squared = sum((x - y) ** 2 for x, y in pairs) / N

        def paired(one, other, N=N) -> float:
            return sum(abs(x - y) for x, y in zip(one, other, strict=True)) / N

        order_a, order_b = ([*map(of.index, low)] for of, low in ((a, low_a), (b, low_b)))
        of_places = paired(order_a, order_b)
        places = (
            "`sort` returns the values and their places: the sorted numbers are `a.sort().values`."
        )
        nearest = [sum(min(abs(x - y) for y in to) for x in of) / N for of, to in ((a, b), (b, a))]
        both_sorted = "Sort both: then the lowest goes to the lowest, and so on."
        unsigned = "Take |a − b| of each pair: ways up and down must not cancel."
        to_nearest = "Each place of b takes one of a: the nearest may be taken already."
        mistakes = [
            (paired(a, b), f"The order of a sample means nothing. {both_sorted}"),
            (paired(low_a, b), both_sorted),
            (paired(a, low_b), both_sorted),
            (of_places, places),
            (paired(low_a, low_b[::-1]), "Sort both the same way round."),
            ((sum(a) - sum(b)) / N, unsigned),
            ((sum(b) - sum(a)) / N, unsigned),
            (N * right, "Take the mean over the pairs: this is the sum."),
            (squared, "This is the mean square: the way itself costs, |a − b|."),
            (math.sqrt(squared), "This is the root of the mean square: the mean of |a − b|."),
            (squared * N, "The way itself costs, |a − b|, not its square; and the mean."),
            (math.sqrt(squared * N), "Take the mean of |a − b|, not the norm."),
            (right / 2, "No one-half."),
            (-right, "The sign: a distance is not below 0."),
            (max(abs(x - y) for x, y in pairs), "The mean over the pairs, not the longest way."),
            (
                sum(abs(x - y) for x in a for y in b) / N**2,
                "This is over all pairs: each of a goes to one of b alone.",
            ),
            *((wrong, to_nearest) for wrong in nearest),
            (a, "One number: take the mean over the pairs."),
        ]
        what = f"the distance of two samples of {N}"
        try:
            answer = fn(_tensor(a), _tensor(b))
        except Wrong as wrong:  # of a pair of tensors, or of the places, which are whole numbers
            if any(words in str(wrong) for words in ("return_types.sort", "output dtype")):
                raise Wrong(f"{wrong} {places}") from None
            raise
        if getattr(answer, "dtype", None) == torch.float32 and torch.allclose(
            answer, torch.tensor(of_places)
        ):
            raise Wrong(f"{what} is not right yet. {places}")
        expect(answer, right, what, mistakes, hint)


@exercise
def critic_penalty(fn: Attempt) -> None:
    """(‖ax̂ + b‖ − 1)² of a critic whose slope is ax + b, and its gradients in a and b."""
    B, width = 5, 3
    real, fake = 2 * normal(B, width), normal(B, width, seed=1)
    eps = _tensor([[0.15], [0.9], [0.6], [0.3], [0.75]])
    x, y, e, a, b = (v.numpy() for v in (real, fake, eps, *map(_tensor, (A, OFFSET))))
    between = e * x + (1 - e) * y

    def slope_at(place) -> np.ndarray:
        return a * place + b

    def length(slope) -> np.ndarray:
        return np.sqrt((slope**2).sum(1))

    def off(n) -> float:
        return ((n - 1) ** 2).mean()

    slope = slope_at(between)
    n = length(slope)
    right = off(n)
    whole = math.sqrt((slope**2).sum())
    in_weights = [(between**2 / 2).sum(0), between.sum(0)]
    theirs = math.sqrt(sum((w**2).sum() for w in in_weights))
    weights = "This is the slope in the critic's weights: take that in x̂."
    chain = "This is the slope in the {} thing, which has a factor {} more: take that in x̂ itself."
    mean_of = (
        "The slope of the *mean* of the critic's numbers is B times too small: take that of their "
        "sum, as each number depends on its own x̂ alone."
    )
    two_sided = "It costs on both sides: a slope below 1 is pulled up as well."
    own = "Each x̂ has its own norm: over the features, dimension 1."
    each_off = (
        "This compares each ∂f/∂x̂ with 1: first their norm over the features, ‖∇f‖, then subtract "
        "1 and square, once for each x̂."
    )
    norm_first = "The norm itself is compared with 1, not its square: the root is missing."
    mistakes = [
        (np.maximum(n - 1, 0) ** 2 @ np.ones(B) / B, two_sided),
        (np.maximum(1 - n, 0) ** 2 @ np.ones(B) / B, "It costs on both sides: above 1, too."),
        (
            off(length(slope_at((1 - e) * x + e * y))),
            "eps belongs to the real thing, 1 − eps to the made one.",
        ),
        (off(length(slope_at(x))), "The slope is taken at x̂, between the two, not at the real."),
        (off(length(slope_at(y))), "The slope is taken at x̂, between the two, not at the made."),
        (off(length(slope_at((x + y) / 2))), "x̂ is not the middle: each pair has its own eps."),
        (off(length(e * slope)), chain.format("real", "eps")),
        (off(length((1 - e) * slope)), chain.format("made", "1 − eps")),
        (off(abs((slope * (x - y)).sum(1))), "This is the slope in eps: take that in x̂."),
        (off(n / B), mean_of),
        ((whole - 1) ** 2, own),
        ((whole / B - 1) ** 2, f"{own} {mean_of}"),
        (off(np.sqrt((slope**2).sum(0))), own),
        *(
            (factor * off(each), each_off)
            for factor, each in product((1, width, B * width), (slope, abs(slope)))
        ),
        (off(n / math.sqrt(width)), "The norm is the root of the sum over features, no mean."),
        (off((slope**2).mean(1)), "The norm is the root of the sum over features, no mean."),
        (off(abs(slope).sum(1)), "The norm is the root of the sum of squares, not Σ |·|."),
        (off(slope.sum(1)), "The norm is the root of the sum of squares, not the sum."),
        (off(n**2), norm_first),
        ((n**2 - 1).mean(), "Subtract 1 from the norm, then square: here the norm is squared."),
        ((n**2).mean(), "1 is not subtracted: the slope should be 1, not 0."),
        ((n**2).mean() / 2, "This is R1, for a slope of 0: here it should be 1."),
        (abs(n - 1).mean(), "What is off 1 is squared."),
        ((n - 1).mean(), "What is off 1 is squared."),
        ((n.mean() - 1) ** 2, "Subtract 1 and square for each x̂, then take the mean."),
        (((n - 1).sum()) ** 2, "Square for each x̂, then take the mean."),
        (B * right, "Take the mean over the batch: this is the sum."),
        (right / 2, "No one-half here."),
        (10 * right, "No factor of 10 yet: λ is multiplied outside."),
        (math.sqrt(right), "No root of the mean."),
        (-right, "The sign: a penalty is above 0."),
        *(((length_ - 1) ** 2, weights) for length_ in (theirs, theirs / B)),
        (off((a * between**2 / 2 + b * between).sum(1)), "The slope of f, not f itself."),
        (n, "One number: take the mean over the batch."),
        (slope, "This has the shape of x̂: take the norm over the features, then the mean."),
        (slope[0], "The norm is over the features, dimension 1, and then comes the mean."),
    ]
    force = (2 * (n - 1) / n)[:, None] * slope  # the penalty's gradient in the slope at each x̂
    slopes = (force * between).mean(0), force.mean(0)
    hint = "The mean of (‖∇f(x̂)‖ − 1)² at x̂ = eps · real + (1 − eps) · fake."
    _judge_penalty(fn, [real, fake, eps], right, slopes, mistakes, hint)


@exercise
def spectral_norm(fn: Attempt) -> None:
    """σ = ‖Wv‖ with v from a power of WᵀW; after many steps, the largest singular value.

    Last, products of so many W and Wᵀ that no computer has a number for them.
    """
    m, n = 4, 3
    W, u = normal(m, n, seed=5), normal(m, seed=1)  # the second σ is 0.9 of the first
    w, first = W.numpy(), u.numpy()
    largest = np.linalg.norm(w, 2)

    def direction(steps) -> np.ndarray:
        """Return v after so many steps, in closed form: (WᵀW)^(steps − 1) Wᵀu, of length 1."""
        v = np.linalg.matrix_power(w.T @ w / largest**2, steps - 1) @ w.T @ first
        return v / np.linalg.norm(v)

    def sigma(steps) -> float:
        return float(np.linalg.norm(w @ direction(steps)))

    every = (
        "Divide v and u by their lengths in *every* step, not after the loop: otherwise they "
        "change by a factor of σ² a step, until they are infinite, or 0."
    )
    for steps, hint in (
        (1, "Once v = Wᵀu/‖Wᵀu‖, once u = Wv/‖Wv‖, then uᵀWv."),
        (3, "Three times v, then u, each from the one before; then uᵀWv."),
        (200, f"After so many steps it is the largest singular value. {every}"),
    ):
        right = sigma(steps)
        v = direction(steps)
        u_last = w @ v / right
        u_before = first if steps == 1 else w @ direction(steps - 1)
        bare_v = direction(steps) * np.linalg.norm(w.T @ first)  # as long as after one step
        bare_u = w @ bare_v
        once_more = "uᵀWv with the last v and u of the loop: no v after it."
        lengths = "Divide each new vector by its own length, both v and u."
        stop = "This is after another number of steps: `range(steps)`, v and u in each."
        mistakes = [
            (float(np.linalg.norm(w.T @ u_last)), once_more),
            (sigma(steps + 1), stop),
            *([(sigma(steps - 1), stop)] if steps > 1 else []),
            (sigma(1), "The loop runs once only: `steps` times, with u from the step before."),
            (largest, "This is the largest singular value itself: asked is what `steps` give."),
            (float(u_before @ w @ v), "uᵀWv with the new u: this is with the one before."),
            (
                float(u_before @ w @ v / np.linalg.norm(u_before)),
                "uᵀWv with the new u: this is with the one before.",
            ),
            (float(bare_u @ w @ bare_v), lengths),
            (float(u_last @ w @ bare_v), lengths),
            (right**2, "This is σ²: divide u by its length, too."),
            (math.sqrt(right), "No root: uᵀWv is σ."),
            (float(np.linalg.norm(w)), "This is the root of the sum of all squares, no σ of W."),
            (float(abs(w).max()), "The largest number in W is not its norm."),
            (1 / right, "Return σ, not 1/σ."),
            (-right, "The sign: σ is above 0."),
            (w, "Return σ, one number: the layer divides W by it afterwards."),
            (u_last, "Return σ, one number: uᵀWv."),
            (v, "Return σ, one number: uᵀWv."),
            (np.ones((1, 1)), "Return σ, one number: u and v have one axis."),
            (np.ones(1), "Return σ, one number: u and v have one axis."),
        ]
        what = f"σ after {steps} step{'s' * (steps > 1)}"
        expect(fn(W, u, steps), right, what, mistakes, hint)

    W, u = normal(64, 32, seed=5), normal(64, seed=1)
    for scale in (1e3, 1e-3):
        right = np.linalg.norm(scale * W.numpy(), 2)
        what = f"σ of a (64, 32) matrix of numbers near {scale:g} after 1000 steps"
        expect(fn(scale * W, u, 1000), right, what, (), every)
