"""Plausible wrong answers to the exercises of lesson 09, each with words of its hint."""

import math
from itertools import product

import torch
from torch.nn import functional as F


def ratio(e=0.0, above=0.0):
    """Return p/(p + q) with an ε below, and one above, the line."""
    return lambda log_p, log_q: (log_p.exp() + above) / (log_p.exp() + log_q.exp() + e)


def by_quotient(log_p, log_q):
    r = (log_p - log_q).exp()
    return r / (1 + r)


def sigmoid_of(number):
    return lambda log_p, log_q: torch.sigmoid(number(log_p, log_q))


def kl(p, q):
    return torch.xlogy(p, p / q).nansum()


def js(m=lambda p, q: (p + q) / 2, left=0.5, right=0.5, term=kl, result=lambda total: total):
    """Return a jensen_shannon with what the arguments change."""
    return lambda p, q: result(left * term(p, m(p, q)) + right * term(q, m(p, q)))


def plain_kl(p, q):
    return (p * (p / q).log()).sum()


def kl_of_a_quotient(p, m):
    return torch.xlogy(p, p / m).sum()


def shifted_kl(e):
    return lambda p, q: (p * ((p + e) / (q + e)).log()).sum()


def where_both(p, q):
    keep = (p > 0) & (q > 0)
    return js()(p[keep], q[keep])


def entry_by_entry(p, q):
    m = (p + q) / 2
    return (torch.xlogy(p, p / m).nan_to_num() + torch.xlogy(q, q / m).nan_to_num()) / 2


def loss_of(chance=torch.sigmoid, term=torch.log, reduce=torch.mean):
    """Return a non_saturating_loss with another chance to be real, or another loss of it."""
    return lambda logits: -reduce(term(chance(logits)))


def rebuilt(fn):
    """Return fn with its answer built again from a plain number."""
    return lambda *args: torch.tensor(fn(*args).item(), dtype=torch.float64)


def without_slope(logits):
    with torch.no_grad():
        return -F.logsigmoid(logits).mean()


def twice_the_slope(logits):
    loss = -F.logsigmoid(logits).mean()
    return 2 * loss - loss.detach()


def slope_in(critic, x, of=torch.sum, create_graph=True):
    """Return the slope of the critic's numbers, put together by `of`, in x."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(of(critic(x)), x, create_graph=create_graph)[0]


def in_weights(critic, x, of=torch.sum):
    """Return the slope of the critic in its weights, in a row."""
    return torch.cat(torch.autograd.grad(of(critic(x)), [*critic.parameters()], create_graph=True))


def r1(of=torch.sum, reduce=lambda s: (s**2).sum(1).mean() / 2, create_graph=True):
    """Return an r1_penalty with another slope, or another way to make one number of it."""
    return lambda critic, real: reduce(slope_in(critic, real, of, create_graph))


def r1_by_backward(critic, real):
    x = real.detach().requires_grad_()
    critic(x).sum().backward(create_graph=True)
    return (x.grad**2).sum(1).mean() / 2


def half_detached(critic, real):
    slope = slope_in(critic, real)
    return (slope * slope.detach()).sum(1).mean() / 2


def no_scalar(critic, real):
    x = real.detach().requires_grad_()
    return (torch.autograd.grad(critic(x), x)[0] ** 2).sum(1).mean() / 2


def read_clamped(x, real):
    return F.binary_cross_entropy(x.clamp(0, 1), torch.full_like(x, float(real)))


def read(x, real):
    return F.binary_cross_entropy_with_logits(x, torch.full_like(x, float(real)))


def read_rounded(x, real):
    return F.binary_cross_entropy(x.sigmoid(), torch.full_like(x, float(real)))


def read_logarithm(x, real):
    return -(x.sigmoid() if real else 1 - x.sigmoid()).log().mean()


def read_twice(x, real):
    return read(x.sigmoid(), real)


def game(
    clear=True,
    losses=(read, read, read),
    detach=True,
    d_loss_of=lambda real, fake: real + fake,
    g_loss_of=lambda says, reading: reading(says, True),
    clear_early=False,
    clear_generator=True,
    of_generator=lambda made: made,
    returned=lambda d_loss, g_loss: (d_loss, g_loss),
):
    """Return a mended_step with what the arguments change: the three bugs and others."""

    def mended_step(generator, discriminator, g_optimizer, d_optimizer, real, z):
        if clear_generator:
            g_optimizer.zero_grad()
        fake = generator(z)
        said_real = losses[0](discriminator(real), True)
        said_fake = losses[1](discriminator(fake.detach() if detach else fake), False)
        d_loss = d_loss_of(said_real, said_fake)
        if clear:
            d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        if clear_early:
            d_optimizer.zero_grad()
        g_loss = g_loss_of(discriminator(of_generator(generator(z))), losses[2])
        g_loss.backward()
        g_optimizer.step()
        return returned(d_loss, g_loss)

    return mended_step


def fresh_noise(generator, discriminator, g_optimizer, d_optimizer, real, z):
    d_loss = read(discriminator(real), True) + read(discriminator(generator(z).detach()), False)
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = read(discriminator(generator(torch.randn_like(z))), True)
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss


def with_bugs(cleared, logits, detached):
    return game(cleared, 3 * [read if logits else read_clamped], detached)


def cleared_too_late(generator, discriminator, g_optimizer, d_optimizer, real, z):
    d_loss = read(discriminator(real), True) + read(discriminator(generator(z).detach()), False)
    d_loss.backward()
    d_optimizer.zero_grad()
    d_optimizer.step()
    g_loss = read(discriminator(generator(z)), True)
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss


def generator_first(generator, discriminator, g_optimizer, d_optimizer, real, z):
    g_loss = read(discriminator(generator(z)), True)
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    d_loss = read(discriminator(real), True) + read(discriminator(generator(z).detach()), False)
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    return d_loss, g_loss


def both_before_a_step(generator, discriminator, g_optimizer, d_optimizer, real, z):
    fake = generator(z)
    g_loss = read(discriminator(fake), True)
    g_optimizer.zero_grad()
    g_loss.backward()
    d_loss = read(discriminator(real), True) + read(discriminator(fake.detach()), False)
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.step()
    return d_loss, g_loss


def verdict(*mended):
    return ", ".join(
        f"bug {n} {'mended' if m else 'still there'}" for n, m in enumerate(mended, start=1)
    )


def coverage(
    near=lambda distance, sigma: distance <= 3 * sigma,
    enough=lambda count, least: count >= least,
    result=lambda covered: covered.sum(),
):
    """Return a modes_covered with another way to say what is near, or enough."""

    def modes_covered(points, centres, sigma, least):
        distance, nearest = torch.cdist(points, centres).min(1)
        count = torch.bincount(nearest[near(distance, sigma)], minlength=len(centres))
        return result(enough(count, least))

    return modes_covered


def within_each(points, centres, sigma, least):
    """Count a point for each centre that it is near to."""
    return ((torch.cdist(points, centres) <= 3 * sigma).sum(0) >= least).sum()


def first_within(points, centres, sigma, least):
    """Count a point for the first centre that it is near to."""
    near = torch.cdist(points, centres) <= 3 * sigma
    first = near & (near.cumsum(1) == 1)
    return (first.sum(0) >= least).sum()


def in_a_square(points, centres, sigma, least):
    near = ((points[:, None] - centres).abs() <= 3 * sigma).all(2)
    return (near.sum(0) >= least).sum()


def any_point(points, centres, sigma, least):
    return (torch.cdist(points, centres) <= 3 * sigma).any(0).sum()


def moved(one=lambda a: a.sort().values, other=lambda b: b.sort().values, cost=None):
    """Return a wasserstein_distance with another pairing, or another cost of the pairs."""
    cost = cost or (lambda way: way.abs().mean())
    return lambda a, b: cost(one(a) - other(b))


def by_place(a):
    return a.sort()[1]


def gaps(of=lambda gaps: gaps.min(1).values.mean()):
    return lambda a, b: of((a[:, None] - b).abs())


def nearest_points(points, centres, sigma, least):
    """Take the nearest point of each centre for the nearest centre of each point."""
    distance, nearest = torch.cdist(points, centres).min(0)
    count = torch.bincount(nearest[distance <= 3 * sigma], minlength=len(centres))
    return (count >= least).sum()


def nearest_point_within(points, centres, sigma, least):
    return (torch.cdist(points, centres).min(0).values <= 3 * sigma).sum()


def wgan(
    place=lambda x, y, e: e * x + (1 - e) * y,
    of=torch.sum,
    length=lambda slope: slope.norm(dim=1),
    cost=lambda n: ((n - 1) ** 2).mean(),
    create_graph=True,
):
    """Return a critic_penalty with what the arguments change."""
    return lambda critic, real, fake, eps: cost(
        length(slope_in(critic, place(real, fake, eps), of, create_graph))
    )


def wgan_in(which):
    """Return a critic_penalty that takes the slope in real (0), fake (1) or eps (2)."""

    def critic_penalty(critic, *args):
        args = [x.clone().requires_grad_() for x in args]
        real, fake, eps = args
        numbers = critic(eps * real + (1 - eps) * fake).sum()
        (slope,) = torch.autograd.grad(numbers, args[which], create_graph=True)
        return ((slope.norm(dim=1) - 1) ** 2).mean()

    return critic_penalty


def wgan_in_weights(critic, real, fake, eps, of=torch.sum):
    slope = in_weights(critic, eps * real + (1 - eps) * fake, of)
    return (slope.norm() - 1) ** 2


def wgan_by_backward(critic, real, fake, eps):
    x = (eps * real + (1 - eps) * fake).requires_grad_()
    critic(x).sum().backward(create_graph=True)
    return ((x.grad.norm(dim=1) - 1) ** 2).mean()


def unit(v):
    return v / v.norm()


def power(
    count=lambda steps: steps,
    v_of=lambda v: unit(v),
    u_of=lambda u: unit(u),
    result=lambda W, u, v: u @ W @ v,
):
    """Return a spectral_norm with what the arguments change."""

    def spectral_norm(W, u, steps):
        for _ in range(count(steps)):
            v = v_of(W.T @ u)
            u = u_of(W @ v)
        return result(W, u, v)

    return spectral_norm


def u_before(normed):
    """Return a spectral_norm that multiplies the last v with the u from which it comes."""

    def spectral_norm(W, u, steps):
        for _ in range(steps):
            before = unit(u) if normed else u
            v = unit(W.T @ u)
            u = unit(W @ v)
        return before @ W @ v

    return spectral_norm


def never_longer(v):
    return v / v.norm().clamp(min=1)


def normed_at_the_end(W, u, steps):
    for _ in range(steps):
        v = W.T @ u
        u = W @ v
    return unit(u) @ W @ unit(v)


def in_place(W, u, steps):
    for _ in range(steps):
        v = unit(W.T @ u)
        u[:] = unit(W @ v)
    return u @ W @ v


def u_forgotten(W, u, steps):
    """Start each step with the first u."""
    for _ in range(steps):
        v = unit(W.T @ u)
        new = unit(W @ v)
    return new @ W @ v


WRONG = {
    "optimal_discriminator": [
        (sigmoid_of(lambda p, q: q - p), "p and q are exchanged"),
        (lambda p, q: p / (p + q), "These are the logarithms"),
        (lambda p, q: p - q, "its sigmoid is D*"),
        (lambda p, q: (p - q).exp(), "This is p/q"),
        (lambda p, q: F.logsigmoid(p - q), "This is log D*"),
        (lambda p, q: p.exp(), "This is p: q is missing"),
        (sigmoid_of(lambda p, q: p), "A sigmoid of log p alone"),
        (sigmoid_of(lambda p, q: p.exp() - q.exp()), "not of the densities"),
        (sigmoid_of(lambda p, q: (p - q).exp()), "not of p/q"),
        (sigmoid_of(lambda p, q: p + q), "not the sum"),
        (lambda p, q: (p > q).double(), "no verdict"),
        (lambda p, q: torch.sigmoid(p - q).mean(), "One number for each place, (N,): no mean"),
        (sigmoid_of(lambda p, q: 2 * (p - q)), "D* = p/(p + q)."),
        *((ratio(e), "as low as -3 is not right yet. Without an ε") for e in (1e-3, 1e-8)),
        *((ratio(e, e), "Without an ε") for e in (1e-3, 1e-8)),
        *((ratio(2 * e, e), "Without an ε") for e in (1e-3, 1e-8)),
        (ratio(), "as low as -2000 contains nan. e to so low a number is 0"),
        (ratio(1e-12), "as low as -2000 is [0., 0., 0., 0.]"),
        (lambda p, q: ratio()(p, q).nan_to_num(0.5), "needs the difference alone: a sigmoid"),
        (by_quotient, "contains nan. Here e to the difference is infinite"),
        (by_quotient, "`torch.sigmoid` knows that"),
    ],
    "jensen_shannon": [
        (js(left=1, right=1), "The one-half is forgotten"),
        (js(result=lambda total: total / math.log(2)), "these are bits"),
        (js(result=torch.sqrt), "leave the root out"),
        (js(result=lambda total: 2 * total - math.log(4)), "the value of the game"),
        (js(result=lambda total: -total), "it is never below 0"),
        (js(m=lambda p, q: p + q), "halve their sum."),
        (js(m=lambda p, q: p + q, left=1, right=1), "one-half before each KL"),
        (js(right=0), "Both halves"),
        (js(left=0), "Both halves"),
        (js(left=1, right=0), "Both halves"),
        (js(left=0, right=1), "Both halves"),
        (kl, "not with the other"),
        (lambda p, q: kl(q, p), "not with the other"),
        (lambda p, q: kl(p, q) + kl(q, p), "not with the other"),
        (lambda p, q: (kl(p, q) + kl(q, p)) / 2, "not with the other"),
        (js(term=lambda p, m: kl(m, p)), "The other way round"),
        (js(term=lambda p, m: F.kl_div(p.log(), m, reduction="sum")), "The other way round"),
        (js(left=1, right=1, term=lambda p, m: kl(m, p)), "that weighs with p; and the one-half"),
        (lambda p, q: entry_by_entry(p, q).mean(), "this is their mean"),
        (entry_by_entry, "has shape (3,) instead of (): a plain number. Add the places up"),
        (lambda p, q: (p - q).abs().sum() / 2, "the logarithms are missing"),
        (js(left=0.3, right=0.7), "½KL(p ‖ m) + ½KL(q ‖ m) with m"),
        *((js(term=shifted_kl(e)), "Without an ε") for e in (1e-3, 1e-8)),
        (js(term=lambda p, q: (p * (p / q + 1e-6).log()).sum()), "Without an ε"),
        (js(term=lambda p, q: (p * ((p + 1e-6) / q).log()).sum()), "Without an ε"),
        (js(term=lambda p, q: (p * (p / (q + 1e-6)).log()).sum()), "Without an ε"),
        (lambda p, q: js(term=plain_kl)(p + 1e-6, q + 1e-6), "Without an ε"),
        (js(term=plain_kl), "with zeros contains nan. 0 · log 0"),
        (js(term=plain_kl), "`torch.xlogy(x, y)` is x log y"),
        (js(term=kl_of_a_quotient), "with zeros contains nan. 0 · log 0"),
        (js(term=kl_of_a_quotient), "where both are 0, p/m is 0/0"),
        *(
            (js(term=shifted_kl(e)), "with 300 zeros is not right yet. Without")
            for e in (1e-9, 1e-12)
        ),
        (js(term=shifted_kl(3e-10)), "Where p is 0, xlogy needs none"),
        (lambda p, q: js(term=plain_kl)(p, q).nan_to_num(), "0 · log 0 counts as 0"),
        (where_both, "Where one of them is 0, the other still counts"),
    ],
    "non_saturating_loss": [
        (lambda x: F.logsigmoid(x).mean(), "so put a minus"),
        (lambda x: F.logsigmoid(-x).mean(), "the saturating loss"),
        (lambda x: -F.logsigmoid(-x).mean(), "what the discriminator pays"),
        (lambda x: F.binary_cross_entropy_with_logits(x, 0 * x), "what the discriminator pays"),
        (lambda x: -F.logsigmoid(x).sum(), "this is the sum"),
        (loss_of(term=torch.log2), "these are bits"),
        (lambda x: -F.logsigmoid(x.sigmoid()).mean(), "One sigmoid too many"),
        (lambda x: (1 - x.sigmoid()).mean(), "The logarithm is missing."),
        (loss_of(term=lambda p: p), "The logarithm is missing."),
        (lambda x: x.sigmoid().mean(), "The logarithm is missing, and the minus"),
        (lambda x: -x.mean(), "that is Wasserstein's"),
        (lambda x: -F.logsigmoid(x.mean()), "First the logarithm of each"),
        (lambda x: -x.sigmoid().mean().log(), "First the logarithm of each"),
        (lambda x: -F.logsigmoid(x), "has shape (4,) instead of (): a plain number. One number"),
        (loss_of(term=lambda p: (p + 1e-3).log()), "such as 0.8 and -1.5 is not right yet. With"),
        (loss_of(term=lambda p: p.clamp(min=0.4).log()), "The mean of −log σ(logit)."),
        (loss_of(), "such as 1000 and -1000 contains inf. σ(−1000) is 0 for the computer"),
        (
            lambda x: F.binary_cross_entropy(x.sigmoid(), torch.ones_like(x)),
            "cuts each logarithm off at −100",
        ),
        *((loss_of(term=lambda p, e=e: (p + e).log()), "Without an ε") for e in (1e-6, 1e-12)),
        *((loss_of(term=lambda p, e=e: p.clamp(min=e).log()), "Without") for e in (1e-9, 1e-15)),
        (loss_of(term=lambda p: p.clamp(1e-7, 1 - 1e-7).log()), "Without an ε"),
        (loss_of(term=lambda p: p.log().clamp(min=-50)), "go past the σ"),
        (lambda x: (1 + (-x).exp()).log().mean(), "contains inf. σ(−1000) is 0"),
        (without_slope, "is right, but no gradient gets from it to the logits"),
        (lambda x: -F.logsigmoid(x.detach()).mean(), "something cuts it off"),
        (rebuilt(lambda x: -F.logsigmoid(x).mean()), "no gradient gets from it to the logits"),
        (lambda x: -F.logsigmoid(x).mean().item(), "return a tensor"),
        (twice_the_slope, "is right, but its slope in the logits is"),
        (
            lambda x: torch.where(x > -700, (1 + (-x).exp()).log(), -x).mean(),
            "is right, but its slope in the logits contains nan. Leave the slope to autograd",
        ),
    ],
    "r1_penalty": [
        (r1(reduce=lambda s: (s**2).sum(1).mean()), "The one-half is forgotten."),
        (r1(reduce=lambda s: (s**2).sum() / 2), "Take the mean over the batch: this is the sum."),
        (r1(reduce=lambda s: (s**2).sum()), "this is the sum. The one-half is forgotten"),
        (r1(reduce=lambda s: (s**2).mean() / 2), "over the features: this is their mean"),
        (r1(reduce=lambda s: (s**2).mean()), "this is their mean. The one-half is forgotten"),
        (r1(of=torch.mean), "The slope of the *mean*"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).sum() / 2), "Take the slope of the sum"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).sum()), "over x. The one-half is forgotten"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).sum(1).mean()), "own x alone. The one-half"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).mean() / 2), "own x alone. ‖∇ℓ‖² is the sum"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).mean()), "their mean. The one-half"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).mean(1).sum() / 2), "mean over x. ‖∇ℓ‖² is"),
        (r1(of=torch.mean, reduce=lambda s: (s**2).mean(1).sum()), "their mean. The one-half"),
        (r1(reduce=lambda s: (s**2).mean(1).sum() / 2), "this is the sum. ‖∇ℓ‖² is the sum"),
        (r1(reduce=lambda s: (s**2).mean(1).sum()), "their mean. The one-half is forgotten"),
        (r1(reduce=lambda s: s.norm(dim=1).mean() ** 2), "before the mean, not after"),
        (r1(reduce=lambda s: s.norm(dim=1).mean() / 2), "The length of the slope is squared"),
        (r1(reduce=lambda s: s.norm(dim=1).mean()), "The length of the slope is squared"),
        (r1(reduce=lambda s: s.norm(dim=1).mean() ** 2 / 2), "before the mean, not after"),
        (r1(reduce=lambda s: (s.mean(0) ** 2).sum() / 2), "here the mean is first"),
        (r1(reduce=lambda s: (s.mean(0) ** 2).sum()), "here the mean is first"),
        (r1(reduce=lambda s: (s.sum(1) ** 2).mean() / 2), "Square first, then add up"),
        (r1(reduce=lambda s: (s.sum(1) ** 2).mean()), "Square first, then add up"),
        (r1(reduce=lambda s: ((s.norm(dim=1) - 1) ** 2).mean()), "WGAN-GP"),
        (r1(reduce=lambda s: ((s.norm(dim=1) - 1) ** 2).mean() / 2), "Nothing is subtracted"),
        (r1(reduce=lambda s: s.norm() / 2), "not the norm of the batch"),
        (r1(reduce=lambda s: s.norm()), "not the norm of the batch"),
        (r1(reduce=lambda s: -(s**2).sum(1).mean() / 2), "The sign"),
        (r1(reduce=lambda s: (s**2).sum(1) / 2), "a plain number. One number: take the mean"),
        (r1(reduce=lambda s: s**2 / 2), "take the mean"),
        (r1(reduce=lambda s: (s**2).mean(0) / 2), "Add up over the features, dimension 1"),
        (lambda critic, x: (critic(x) ** 2).mean() / 2, "This is of ℓ itself"),
        (lambda critic, x: (critic(x) ** 2).mean(), "This is of ℓ itself"),
        (lambda critic, x: (in_weights(critic, x) ** 2).sum(), "in the critic's weights"),
        (
            lambda critic, x: (in_weights(critic, x, torch.mean) ** 2).sum() / 2,
            "in the critic's weights",
        ),
        (lambda critic, x: (in_weights(critic, x) ** 2).sum() / 2, "in the critic's weights"),
        (lambda critic, x: (in_weights(critic, x, torch.mean) ** 2).sum(), "the critic's weights"),
        (r1(reduce=lambda s: (s**4).sum(1).mean()), "The mean over x of Σ (∂ℓ/∂x)²/2"),
        (r1(create_graph=False), "is right, but no gradient gets from it to the critic's weights"),
        (r1(create_graph=False), "pass `create_graph=True`"),
        (r1(reduce=lambda s: (s.detach() ** 2).sum(1).mean() / 2), "cut nothing off"),
        (lambda *args: r1()(*args).item(), "return a tensor, through which"),
        (rebuilt(r1()), "no gradient gets from it to the critic's weights"),
        (r1_by_backward, "`backward` wrote into the `.grad` of the critic's weights"),
        (half_detached, "is right, but its gradient in the critic's weights is"),
        (half_detached, "Nothing may be cut off on the way"),
        (r1(of=lambda numbers: numbers[:, 0].sum()), "too many indices"),
        (r1(of=lambda numbers: numbers @ torch.ones_like(numbers)), "the shapes do not fit"),
        (no_scalar, "grad can be implicitly created only for scalar outputs"),
    ],
    "mended_step": [
        *(
            (with_bugs(*mended), verdict(*mended))
            for mended in product((False, True), repeat=3)
            if not all(mended)
        ),
        (with_bugs(False, True, True), "who clears the discriminator's?"),
        (with_bugs(True, False, True), "what is 3 after `clamp(0, 1)`?"),
        (with_bugs(True, True, False), "how far back"),
        (game(clear=False, clear_early=True), verdict(False, True, True)),
        (game(clear=False, clear_early=True), "right after its step is too early"),
        (game(clear=False, clear_early=True, detach=False), "just before its own `backward`"),
        (fresh_noise, "both halves use the z that it is given"),
        (game(losses=(read, read, read_clamped)), verdict(True, False, True)),
        (game(losses=(read, read_clamped, read)), verdict(True, False, True)),
        (game(losses=(read_clamped, read, read)), verdict(True, False, True)),
        (game(losses=(read_clamped, read, read), detach=False), verdict(True, False, False)),
        (game(losses=3 * [read_twice]), verdict(True, False, True)),
        (game(losses=3 * [read_twice]), "Give it them as they are"),
        (game(losses=(read_twice, read, read_clamped)), "what is 3 after `clamp(0, 1)`?"),
        (game(losses=3 * [read_twice], clear=False, detach=False), verdict(False, False, False)),
        (game(d_loss_of=lambda real, fake: (real + fake) / 2), "the sum of both means"),
        (game(d_loss_of=lambda real, fake: 6 * (real + fake)), "Each half is a mean"),
        (game(d_loss_of=lambda real, fake: -real - fake), "a loss is above 0"),
        (game(d_loss_of=lambda real, fake: real), "The half of the made things is gone"),
        (game(d_loss_of=lambda real, fake: fake), "The half of the real things is gone"),
        (game(losses=[lambda x, real: read(x, not real)] * 2 + [read]), "The labels: 1 for real"),
        (game(d_loss_of=lambda real, fake: real + 2 * fake), "It is that of −E log D(x) − E log"),
        (cleared_too_late, "it was cleared after `backward`"),
        (game(g_loss_of=lambda says, reading: -reading(says, False)), "the saturating loss"),
        (game(g_loss_of=lambda says, reading: reading(says, False)), "its labels are 1"),
        (game(g_loss_of=lambda says, reading: reading(says, True) / 2), "no one-half"),
        (game(g_loss_of=lambda says, reading: 6 * reading(says, True)), "no sum"),
        (game(g_loss_of=lambda says, reading: -says.mean()), "It is that of −E log D(G(z)), with"),
        (game(of_generator=torch.Tensor.detach), "detach in the discriminator's half alone"),
        (both_before_a_step, "with the discriminator after its step"),
        (generator_first, "one step of the discriminator's optimiser, then one of the"),
        (game(clear_generator=False), "of the round before are not cleared: they were"),
        (game(returned=lambda d_loss, g_loss: d_loss + g_loss), "return two things"),
        (game(returned=lambda d_loss, g_loss: (g_loss, d_loss)), "d_loss is"),
        (game(returned=lambda d_loss, g_loss: (d_loss / 2, g_loss)), "d_loss is not right yet. No"),
        (game(returned=lambda d_loss, g_loss: (d_loss, -g_loss)), "A loss is above 0"),
        (game(losses=3 * [read_rounded]), verdict(True, False, True)),
        (game(losses=3 * [read_rounded]), "a loss of probabilities, loses large logits"),
        (game(losses=3 * [read_rounded], clear=False), verdict(False, False, True)),
        (game(losses=3 * [read_rounded], detach=False), verdict(True, False, False)),
        (game(losses=3 * [read_rounded], clear=False, detach=False), verdict(False, False, False)),
        (game(losses=(read, read_rounded, read)), verdict(True, False, True)),
        (game(losses=(read, read, read_rounded)), verdict(True, False, True)),
        (game(losses=3 * [read_logarithm]), "loses large logits"),
        (
            game(returned=lambda d, g: (d.clamp(max=50), g)),
            "d_loss of a discriminator that is sure",
        ),
        (
            game(returned=lambda d, g: (d, g.clamp(max=50))),
            "g_loss of a discriminator that is sure",
        ),
    ],
    "modes_covered": [
        (coverage(result=lambda covered: covered.double().mean()), "this is their share"),
        (coverage(result=lambda covered: covered), "One number: how many centres"),
        (lambda points, centres, sigma, least: points[:, 0] < sigma, "One number: how many"),
        (lambda points, *rest: len(points), "not the points"),
        (lambda points, centres, *rest: 2, "At 4 of the 5 centres there are 30 points"),
        (nearest_points, "`min(0)` the nearest point of each centre"),
        (nearest_point_within, "does not tell how many"),
        (coverage(enough=lambda count, least: count >= 25), "an argument, no fixed number"),
        (coverage(enough=lambda count, least: count > least), "At least 3 is 3 or more"),
        (any_point, "two centres have just 3 points, one has 2"),
        (lambda points, centres, *rest: len(centres), "Not all are covered. At 4 of the 5"),
        (coverage(near=lambda d, sigma: d <= sigma), "Up to 3σ from the centre"),
        (coverage(near=lambda d, sigma: d <= 2 * sigma), "Up to 3σ from the centre"),
        (coverage(near=lambda d, sigma: d**2 <= 3 * sigma**2), "Up to 3σ from the centre"),
        (coverage(near=lambda d, sigma: d < math.inf), "A point farther than 3σ counts for none"),
        (coverage(near=lambda d, sigma: d**2 <= 3 * sigma), "not its square"),
        (in_a_square, "Within 3σ is a circle"),
        (within_each, "A point counts for its nearest centre only"),
        (first_within, "3 have the one, 3 the other"),
    ],
    "wasserstein_distance": [
        (moved(lambda a: a, lambda b: b), "The order of a sample means nothing"),
        (moved(other=lambda b: b), "Sort both: then the lowest goes"),
        (moved(one=lambda a: a), "Sort both: then the lowest goes"),
        (moved(other=lambda b: b.sort(descending=True).values), "the same way round"),
        (moved(cost=lambda way: way.mean().abs()), "must not cancel"),
        (moved(cost=lambda way: way.mean()), "must not cancel"),
        (moved(cost=lambda way: way.abs().sum()), "this is the sum"),
        (moved(cost=lambda way: (way**2).mean()), "This is the mean square"),
        (moved(cost=lambda way: (way**2).mean().sqrt()), "the root of the mean square"),
        (moved(cost=lambda way: (way**2).sum()), "not its square; and the mean"),
        (moved(cost=lambda way: way.norm()), "not the norm"),
        (moved(cost=lambda way: way.abs().mean() / 2), "No one-half"),
        (moved(cost=lambda way: -way.abs().mean()), "a distance is not below 0"),
        (moved(cost=lambda way: way.abs().max()), "not the longest way"),
        (moved(cost=torch.abs), "has shape (5,) instead of (): a plain number. One number"),
        (gaps(), "the nearest may be taken already"),
        (gaps(lambda gaps: gaps.min(0).values.mean()), "the nearest may be taken already"),
        (gaps(torch.mean), "This is over all pairs"),
        (moved(cost=lambda way: way.abs().median()), "the lowest with the lowest"),
        (lambda a, b: a.sort() - b.sort(), "it raised TypeError"),
        (lambda a, b: a.sort() - b.sort(), "the sorted numbers are `a.sort().values`"),
        (moved(by_place, by_place), "could not infer output dtype"),
        (moved(by_place, by_place), "the sorted numbers are `a.sort().values`"),
        (moved(by_place, by_place, lambda way: way.abs().double().mean()), "`a.sort().values`"),
        (moved(by_place, by_place, lambda way: way.abs().float().mean()), "`a.sort().values`"),
        (moved(by_place, by_place, lambda way: way.abs().sum() / len(way)), "`a.sort().values`"),
    ],
    "critic_penalty": [
        (wgan(cost=lambda n: ((n - 1).clamp(min=0) ** 2).mean()), "It costs on both sides: a"),
        (wgan(cost=lambda n: ((1 - n).clamp(min=0) ** 2).mean()), "above 1, too"),
        (wgan(lambda x, y, e: (1 - e) * x + e * y), "eps belongs to the real thing"),
        (wgan(lambda x, y, e: x), "not at the real"),
        (wgan(lambda x, y, e: y), "not at the made"),
        (wgan(lambda x, y, e: (x + y) / 2), "x̂ is not the middle"),
        (wgan(lambda x, y, e: e * x + y), "x̂ = eps · real + (1 − eps) · fake"),
        (wgan(lambda x, y, e: e * (x - y)), "x̂ = eps · real + (1 − eps) · fake"),
        (wgan_in(0), "in the real thing, which has a factor eps more"),
        (wgan_in(1), "in the made thing, which has a factor 1 − eps more"),
        (wgan_in(2), "This is the slope in eps"),
        (lambda *args: wgan_in_weights(*args, torch.mean), "This is the slope in the critic's"),
        (wgan_in_weights, "This is the slope in the critic's weights"),
        (wgan(of=torch.mean), "The slope of the *mean*"),
        (wgan(length=torch.norm), "Each x̂ has its own norm"),
        (wgan(of=torch.mean, length=torch.norm), "over the features, dimension 1. The slope of"),
        (wgan(length=lambda s: s.norm(dim=0)), "Each x̂ has its own norm"),
        (wgan(length=torch.abs), "This compares each ∂f/∂x̂ with 1"),
        (wgan(length=lambda s: (s**2).mean(1).sqrt()), "no mean"),
        (wgan(length=lambda s: (s**2).mean(1)), "no mean"),
        (wgan(length=lambda s: s.abs().sum(1)), "not Σ |·|"),
        (wgan(length=lambda s: s.sum(1)), "not the sum"),
        (wgan(length=lambda s: (s**2).sum(1)), "the root is missing"),
        (wgan(cost=lambda n: (n**2 - 1).mean()), "here the norm is squared"),
        (wgan(cost=lambda n: (n**2).mean()), "1 is not subtracted"),
        (wgan(cost=lambda n: (n**2).mean() / 2), "This is R1"),
        (wgan(cost=lambda n: (n - 1).abs().mean()), "What is off 1 is squared"),
        (wgan(cost=lambda n: (n - 1).mean()), "What is off 1 is squared"),
        (wgan(cost=lambda n: (n.mean() - 1) ** 2), "square for each x̂, then take the mean"),
        (wgan(cost=lambda n: (n - 1).sum() ** 2), "Square for each x̂"),
        (wgan(cost=lambda n: ((n - 1) ** 2).sum()), "this is the sum"),
        (wgan(cost=lambda n: ((n - 1) ** 2).mean() / 2), "No one-half here"),
        (wgan(cost=lambda n: 10 * ((n - 1) ** 2).mean()), "No factor of 10"),
        (wgan(cost=lambda n: ((n - 1) ** 2).mean().sqrt()), "No root"),
        (wgan(cost=lambda n: -((n - 1) ** 2).mean()), "The sign"),
        (wgan(cost=lambda n: (n - 1) ** 2), "a plain number. One number: take the mean"),
        (wgan(length=lambda s: s), "This compares each ∂f/∂x̂ with 1"),
        (wgan(length=lambda s: s - 1, cost=lambda s: (s**2).sum(1).mean()), "once for each x̂"),
        (wgan(length=lambda s: s - 1, cost=lambda s: (s**2).mean()), "once for each x̂"),
        (wgan(length=lambda s: s - 1, cost=lambda s: (s**2).sum()), "once for each x̂"),
        (wgan(length=lambda s: s, cost=lambda s: (s - 1) ** 2), "This has the shape of x̂"),
        (wgan(length=lambda s: s.norm(dim=0), cost=lambda n: n), "and then comes the mean"),
        (
            lambda critic, x, y, e: ((critic(e * x + (1 - e) * y) - 1) ** 2).mean(),
            "The slope of f, not f itself",
        ),
        (wgan(cost=lambda n: ((n - 2) ** 2).mean()), "The mean of (‖∇f(x̂)‖ − 1)² at x̂ = eps"),
        (wgan(lambda x, y, e: torch.rand_like(e) * (x - y) + y), "it should be"),
        (wgan(create_graph=False), "pass `create_graph=True`"),
        (wgan(length=lambda s: s.detach().norm(dim=1)), "no gradient gets from it to the critic's"),
        (lambda *args: wgan()(*args).item(), "return a tensor"),
        (wgan_by_backward, "`backward` wrote into the `.grad`"),
        (
            wgan(cost=lambda n: ((n - 1) * (n - 1).detach()).mean()),
            "is right, but its gradient in the critic's weights is",
        ),
    ],
    "spectral_norm": [
        (power(result=lambda W, u, v: (W.T @ u).norm()), "no v after it"),
        (power(result=lambda W, u, v: u @ W @ unit(W.T @ u)), "no v after it"),
        (power(lambda steps: steps + 1), "another number of steps"),
        (power(lambda steps: max(1, steps - 1)), "after 3 steps is not right yet. This is after"),
        (power(lambda steps: 1), "The loop runs once only"),
        (u_forgotten, "with u from the step before"),
        (lambda W, u, steps: torch.linalg.matrix_norm(W, 2), "asked is what `steps` give"),
        (u_before(False), "this is with the one before"),
        (u_before(True), "this is with the one before"),
        (power(v_of=lambda v: v, u_of=lambda u: u), "both v and u"),
        (power(u_of=lambda u: u), "This is σ²"),
        (power(v_of=lambda v: v), "both v and u"),
        (power(result=lambda W, u, v: (u @ W @ v) ** 2), "This is σ²"),
        (power(result=lambda W, u, v: (u @ W @ v).sqrt()), "No root"),
        (lambda W, u, steps: W.norm(), "no σ of W"),
        (lambda W, u, steps: W.abs().max(), "is not its norm"),
        (power(result=lambda W, u, v: 1 / (u @ W @ v)), "not 1/σ"),
        (power(result=lambda W, u, v: -(u @ W @ v)), "σ is above 0"),
        (power(result=lambda W, u, v: W / (u @ W @ v)), "the layer divides W by it afterwards"),
        (power(result=lambda W, u, v: u), "Return σ, one number: uᵀWv"),
        (power(result=lambda W, u, v: v), "Return σ, one number: uᵀWv"),
        (power(result=lambda W, u, v: (u @ W @ v)[None]), "u and v have one axis"),
        (power(result=lambda W, u, v: (u @ W @ v)[None, None]), "u and v have one axis"),
        (in_place, "it changed its argument `u`"),
        (power(v_of=lambda v: v / v.sum()), "Once v = Wᵀu/‖Wᵀu‖"),
        (power(lambda steps: min(steps, 4)), "it is the largest singular value"),
        (normed_at_the_end, "near 1000 after 1000 steps contains nan. Divide v and u"),
        (lambda W, *rest: normed_at_the_end(W / 10, *rest) * 10, "in *every* step"),
        (power(v_of=never_longer, u_of=never_longer), "near 0.001 after 1000 steps"),
        (power(result=lambda W, u, v: v @ W @ u), "the shapes do not fit"),
    ],
}
