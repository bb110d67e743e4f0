"""Generative adversarial networks in the open: the game, its losses, what steadies it. Lesson 09.

Letters: B a batch, K the width of the noise, M modes. A generator makes things of noise (B, K):
points (B, 2), or pictures (B, 1, H, W) in [0, 1]. A discriminator, called critic where it speaks of
no probability, gives each a number, (B, 1): its logit, which is positive where it says real.
"""

import copy
import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from aigc_lib.ngram import whole


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return −E log D(x) − E log(1 − D(G(z))), in nats, of logits: D is 1/(1 + e^(−logit)).

    It is −V(D, G), the value of the game. Source: Goodfellow et al. 2014, equation 1; lesson 09.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def saturating(fake: torch.Tensor) -> torch.Tensor:
    """Return E log(1 − D(G(z))), in nats, of logits: what the generator pays in the game itself.

    Its slope in a logit is −D, and so 0 where the discriminator wins. Source: Goodfellow et al.
    2014, equation 1; lesson 09.
    """
    return -F.softplus(fake).mean()


def non_saturating(fake: torch.Tensor) -> torch.Tensor:
    """Return −E log D(G(z)), in nats, of logits.

    Its slope in a logit is −(1 − D), and so −1 where the discriminator wins. Source: Goodfellow et
    al. 2014, section 3; lesson 09.
    """
    return F.softplus(-fake).mean()


def least_squares(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return E (D(x) − 1)²/2 + E D(G(z))²/2, where D is the number itself.

    Source: Mao et al. 2017, equation 9; lesson 09.
    """
    return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2


def hinge(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))), where D is the number itself.

    Source: Lim and Ye 2017; Miyato et al. 2018, equation 16; lesson 09.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return E D(G(z)) − E D(x), where D is the number itself.

    The best critic whose slope is at most 1 makes it minus the Wasserstein distance. Source:
    Arjovsky et al. 2017, equation 2; lesson 09.
    """
    return fake.mean() - real.mean()


# name -> what the discriminator minimises, of its numbers for real and for made things, and what
# the generator minimises, of those for made things
LOSSES = {
    "saturating": (discriminator_loss, saturating),
    "non-saturating": (discriminator_loss, non_saturating),
    "least squares": (least_squares, lambda fake: ((fake - 1) ** 2).mean() / 2),
    "hinge": (hinge, lambda fake: -fake.mean()),
    "wasserstein": (wasserstein, lambda fake: -fake.mean()),
}


def input_gradient(critic, x: torch.Tensor) -> torch.Tensor:
    """Return ∇D(x), of the shape of x: the slope in the *input*, to be differentiated once more.

    `critic` maps x (B, ...) to numbers, each of its own x alone. Lesson 09.
    """
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def gradient_penalty(critic, real, fake, generator=None) -> torch.Tensor:
    """Return E (‖∇D(x̂)‖ − 1)² at x̂ = εx + (1 − ε)G(z), one ε from U(0, 1) a pair.

    `real` and `fake` are alike in shape. Source: Gulrajani et al. 2017, equation 3; lesson 09.
    """
    shape = len(real), *[1] * (real.ndim - 1)
    eps = torch.rand(shape, generator=generator, dtype=real.dtype).to(real.device)
    slope = input_gradient(critic, eps * real + (1 - eps) * fake)
    return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()


def r1(critic, real) -> torch.Tensor:
    """Return E ‖∇D(x)‖²/2 over real x. Source: Mescheder et al. 2018, equation 9; lesson 09."""
    return input_gradient(critic, real).flatten(1).square().sum(1).mean() / 2


@torch.no_grad()
def clip_weights(net: nn.Module, limit: float) -> None:
    """Bring each weight of `net` into [−limit, limit].

    Source: Arjovsky et al. 2017, algorithm 1; lesson 09.
    """
    for p in net.parameters():
        p.clamp_(-limit, limit)


class SpectralNorm(nn.Module):
    """W/σ(W) of a weight, whose rows are its first dimension; σ is its largest singular value.

    A forward in training multiplies u once by Wᵀ and W (a step of power iteration); σ = uᵀWv, with
    the v that belongs to the new u, as in PyTorch. Source: Miyato et al. 2018, algorithm 1; lesson
    09.
    """

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(len(weight)).to(weight), dim=0))
        self.sigma(weight.detach(), 15)

    def sigma(self, weight, steps=1) -> torch.Tensor:
        """Return σ after so many steps; its gradient takes u and v as constants."""
        w = weight.flatten(1)
        with torch.no_grad():
            for _ in range(steps):
                v = F.normalize(w.T @ self.u, dim=0)
                self.u = F.normalize(w @ v, dim=0)
            v = F.normalize(w.T @ self.u, dim=0)
        return self.u.clone() @ w @ v

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight / self.sigma(weight, int(self.training))


def spectral(net: nn.Module) -> nn.Module:
    """Put `SpectralNorm` on each weight of a linear or convolutional layer of `net`; return it.

    As in PyTorch's `spectral_norm`, of a convolution it is the norm of the kernel as a matrix (out,
    in · height · width). Source: Miyato et al. 2018, section 2.1; lesson 09.
    """
    for layer in list(net.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return net


class MinibatchDeviation(nn.Module):
    """Append how much a batch differs in itself: (B, F) -> (B, F + 1), or a channel to a map.

    The number, the same for all, is the mean over features of their standard deviation over the
    batch. Source: Karras et al. 2018, section 3; lesson 09.
    """

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        s = (h.var(0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([h, s.expand(len(h), 1, *h.shape[2:])], 1)


class GAN(nn.Module):
    """A generator and a discriminator, which play against each other: `sample` it, but no score.

    Noise z ~ N(0, I) is K wide. `bounds` are the least and the largest number that the generator
    can make. Raises ValueError if the generator does not read noise of that width.

    Source: Goodfellow et al. 2014; lesson 09.
    """

    def __init__(self, generator, discriminator, K, bounds=(-math.inf, math.inf)):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.K, self.bounds = whole("K", K, 1), bounds
        try:
            self.shape = self.sample(0).shape[1:]
        except RuntimeError as error:
            raise ValueError(f"this generator does not read noise of K = {K}: {error}") from error

    @property
    def counts_on_batches(self) -> bool:
        """Say whether a layer's output for one thing depends on the others of its batch."""
        kinds = nn.modules.batchnorm._BatchNorm, MinibatchDeviation
        return any(isinstance(layer, kinds) for layer in self.modules())

    def noise(self, n, generator=None) -> torch.Tensor:
        """Return z (n, K); `generator`, if any, is a torch.Generator of the CPU."""
        place = next(self.generator.parameters())
        z = torch.randn(n, self.K, generator=generator, dtype=place.dtype)
        return z.to(place.device)

    def generate(self, z: torch.Tensor) -> torch.Tensor:
        """Return what the generator makes of noise z (B, K); ValueError for another width."""
        if z.ndim != 2 or z.shape[1] != self.K:
            raise ValueError(f"noise of shape {tuple(z.shape)}: this generator reads (B, {self.K})")
        return self.generator(z)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return the discriminator's number for each of x (B, ...), as (B,)."""
        return self.discriminator(x).view(len(x))

    @torch.no_grad()
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return what the generator makes of noise z (B, K), in evaluation mode."""
        was_training = self.generator.training
        self.generator.eval()
        try:
            return self.generate(z)
        finally:
            self.generator.train(was_training)

    def sample(self, n, generator=None) -> torch.Tensor:
        """Return n things that the generator makes, in evaluation mode."""
        return self.decode(self.noise(whole("n", n, 0), generator))

    def check(self, real: torch.Tensor) -> None:
        """Raise ValueError unless `real` (B, ...) is a batch to learn from.

        That is: numbers without NaN, of the shape and within the bounds of what the generator
        makes, and at least two where a layer takes statistics over the batch.
        """
        is_tensor = isinstance(real, torch.Tensor) and real.is_floating_point()
        if not is_tensor or real.shape[1:] != self.shape:
            raise ValueError(
                f"a batch of shape {tuple(real.shape)} and {real.dtype}: this generator makes "
                f"tensors of floating-point numbers (B, {', '.join(map(str, self.shape))})"
            )
        if len(real) < (least := 1 + self.counts_on_batches):
            why = ", as a layer takes statistics over the batch" * (least - 1)
            raise ValueError(f"a batch of {len(real)}: give at least {least}{why}")
        low, high = real.aminmax()
        if not (low.isfinite() and high.isfinite()):
            bad = (~real.isfinite()).flatten(1).any(1).nonzero().flatten()
            raise ValueError(
                f"NaN or infinity in {len(bad)} of {len(real)}, first in number {bad[0]}: leave "
                "such out"
            )
        bottom, top = self.bounds
        if low < bottom or high > top:
            raise ValueError(
                f"numbers from {low:.4g} to {high:.4g}, and this generator makes only {bottom:.4g} "
                f"to {top:.4g}: scale the data into that, else what is outside gives it away"
            )


class Duel:
    """One round of the game: a `step` for `fit`. The discriminator learns `turns` times, G once.

    A batch is cut into as many pieces. The losses are those of `LOSSES`; `penalty(critic, real,
    fake)`, if any, is added to the discriminator's. Neither half touches the other's gradients.
    With a `decay`, `average` is a GAN whose generator has the exponential moving average of the
    weights, w̄ ← a·w̄ + (1 − a)·w with a = min(decay, (1 + i)/(10 + i)) in round i, which forgets
    the first weights soon; else it is the GAN itself. Noise comes from `rng`, a torch.Generator of
    the CPU. Name it to `fit` beside the GAN, and `rng` as well.

    Raises ValueError for an unknown loss, turns below 1, a decay outside [0, 1), a decay for a
    generator with buffers (batch or spectral normalisation), which fit no mean of weights, and
    optimisers of other weights; and, when called, for a batch that is no multiple of `turns`, and
    as `GAN.check` does.

    Source: Goodfellow et al. 2014, algorithm 1; the average: Yazıcı et al. 2019; lesson 09.
    """

    def __init__(
        self,
        gan,
        d_optimizer,
        g_optimizer,
        loss="non-saturating",
        penalty=None,
        turns=1,
        decay=0.0,
        rng=None,
    ):
        if loss not in LOSSES:
            raise ValueError(f"loss={loss!r} is unknown: give {', '.join(LOSSES)}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay!r}: give a number from 0 to below 1")
        if decay and any(True for _ in gan.generator.buffers()):
            raise ValueError(
                f"decay={decay!r} with buffers in the generator, as batch and spectral "
                "normalisation have: they fit no mean of weights, so give 0"
            )
        optimizers = {"discriminator": d_optimizer, "generator": g_optimizer}
        for name, optimizer in optimizers.items():
            own = {id(p) for p in getattr(gan, name).parameters()}
            if not own.issuperset(id(p) for g in optimizer.param_groups for p in g["params"]):
                raise ValueError(
                    f"the {name}'s optimiser has weights that are not the {name}'s: give "
                    "Duel(gan, d_optimizer, g_optimizer)"
                )
        self.gan, self.d_optimizer, self.g_optimizer = gan, d_optimizer, g_optimizer
        self.d_loss, self.g_loss = LOSSES[loss]
        self.penalty, self.turns, self.decay = penalty, whole("turns", turns, 1), decay
        self.rng, self.round = rng, 0
        self.average = gan
        if decay:
            mean = copy.deepcopy(gan.generator)
            self.average = GAN(mean, gan.discriminator, gan.K, gan.bounds)

    def learn_discriminator(self, real: torch.Tensor) -> torch.Tensor:
        """Take a step of the discriminator with real things (B, ...); return its loss."""
        self.gan.check(real)
        with torch.no_grad():  # made things are data here: nothing flows back to the generator
            fake = self.gan.generate(self.gan.noise(len(real), self.rng))
        loss = self.d_loss(self.gan.logits(real), self.gan.logits(fake))
        total = loss + self.penalty(self.gan.logits, real, fake) if self.penalty else loss
        self.d_optimizer.zero_grad()
        total.backward(inputs=list(self.gan.discriminator.parameters()))
        self.d_optimizer.step()
        return loss.detach()

    def learn_generator(self, n: int) -> torch.Tensor:
        """Take a step of the generator with n things that it makes; return its loss."""
        loss = self.g_loss(self.gan.logits(self.gan.generate(self.gan.noise(n, self.rng))))
        self.g_optimizer.zero_grad()
        loss.backward(inputs=list(self.gan.generator.parameters()))
        self.g_optimizer.step()
        self.follow()
        return loss.detach()

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average one step after the generator's weights."""
        a = min(self.decay, (1 + self.round) / (10 + self.round))
        self.round += 1
        if self.decay:
            nets = self.average.generator, self.gan.generator
            for mean, now in zip(*(net.parameters() for net in nets), strict=True):
                mean.lerp_(now, 1 - a)  # a·mean + (1 − a)·now

    def __call__(self, batch: tuple) -> dict:
        """Learn from real things (turns · B, ...), all there is in `batch`; return both losses."""
        if len(batch[0]) % self.turns:
            raise ValueError(f"turns={self.turns}, a batch of {len(batch[0])}: give a multiple")
        pieces = batch[0].chunk(self.turns)
        losses = [self.learn_discriminator(piece) for piece in pieces]
        return {"discriminator": losses[-1], "generator": self.learn_generator(len(pieces[-1]))}

    def state_dict(self) -> dict:
        """Return what `fit` saves: both optimisers, the average and the number of the round."""
        optimizers = {"d": self.d_optimizer.state_dict(), "g": self.g_optimizer.state_dict()}
        average = self.average.generator.state_dict() if self.decay else {}
        return {"optimizers": optimizers, "average": average, "round": self.round}

    def load_state_dict(self, saved: dict) -> None:
        """Go on from what `state_dict` returned."""
        self.d_optimizer.load_state_dict(saved["optimizers"]["d"])
        self.g_optimizer.load_state_dict(saved["optimizers"]["g"])
        if self.decay:
            self.average.generator.load_state_dict(saved["average"])
        self.round = saved["round"]


RADIUS, SIGMA, MODES = 2.0, 0.02, 8


def ring_centres() -> torch.Tensor:
    """Return the centres (8, 2) of eight Gaussians on a circle of radius 2. Lesson 09."""
    angle = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angle.cos(), angle.sin()], 1)


def ring(n: int, seed: int):
    """Return `batches(i)` of n points (n, 2) each, fresh ones, from eight Gaussians of σ = 0.02.

    Source: the mixture of Metz et al. 2017, appendix A; lesson 09.
    """
    centres = ring_centres()

    def batches(i: int) -> tuple[torch.Tensor]:
        rng = torch.Generator().manual_seed(1_000_000 * seed + i)
        mode = torch.randint(MODES, (n,), generator=rng)
        return (centres[mode] + SIGMA * torch.randn(n, 2, generator=rng),)

    return batches


def mode_coverage(points: torch.Tensor, least: int = 25) -> dict:
    """Return what `points` (N, 2) cover of the ring: {"modes", "good", "kl"}.

    A point is good within 3σ of a centre (of true ones 1 − e^(−4.5) = 98.9 % are), and a mode with
    at least `least` good points is covered. The KL is that of the good points' histogram over the
    modes from the uniform one, in nats: 0 if even, log 8 if all are at one, NaN if none is good.
    Lesson 09.
    """
    exact = "donot_use_mm_for_euclid_dist"  # matrix products would round a short distance
    centres = ring_centres().to(points.dtype)
    distance, mode = torch.cdist(points.cpu(), centres, compute_mode=exact).min(1)
    count = torch.bincount(mode[distance <= 3 * SIGMA], minlength=MODES).double()
    share = count / count.sum()
    kl = (torch.special.xlogy(share, share).sum() + math.log(MODES)).item()
    good = count.sum().item() / len(points)
    return {"modes": int((count >= least).sum()), "good": good, "kl": kl}


def perceptrons(K: int, hidden: int = 64) -> tuple[nn.Module, nn.Module]:
    """Return generator and discriminator of points (B, 2), three hidden ReLU layers each.

    Source: lesson 09.
    """

    def layers(inputs, outputs):
        net = nn.Sequential()
        for i, o in pairwise([inputs, hidden, hidden, hidden]):
            net.extend([nn.Linear(i, o), nn.ReLU()])
        return net.append(nn.Linear(hidden, outputs))

    return layers(K, 2), layers(2, 1)


class Affine(nn.Module):
    """a·x + b, with nothing to learn: from pixels in [0, 1] to [−1, 1] and back. Lesson 09."""

    def __init__(self, a: float, b: float):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a * x + self.b


def dcgan(K: int, channels: int = 16) -> tuple[nn.Module, nn.Module]:
    """Return generator and discriminator of 28x28 pictures (B, 1, 28, 28) in [0, 1].

    Strided convolutions in the place of pooling, batch normalisation but for the first layer of the
    discriminator and the last of the generator, ReLU in the generator and leaky ReLU in the
    discriminator, tanh at the end, first weights from N(0, 0.02²).

    Source: Radford, Metz and Chintala 2016, section 3; lesson 09.
    """
    C = channels
    generator = nn.Sequential(
        nn.Linear(K, 98 * C, bias=False),
        nn.Unflatten(1, (2 * C, 7, 7)),
        nn.BatchNorm2d(2 * C),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * C, C, 4, stride=2, padding=1, bias=False),  # (B, C, 14, 14)
        nn.BatchNorm2d(C),
        nn.ReLU(),
        nn.ConvTranspose2d(C, 1, 4, stride=2, padding=1),  # (B, 1, 28, 28)
        nn.Tanh(),
        Affine(0.5, 0.5),  # from [−1, 1] to [0, 1]
    )
    discriminator = nn.Sequential(
        Affine(2, -1),
        nn.Conv2d(1, C, 4, stride=2, padding=1),  # (B, C, 14, 14)
        nn.LeakyReLU(0.2),
        nn.Conv2d(C, 2 * C, 4, stride=2, padding=1, bias=False),  # (B, 2C, 7, 7)
        nn.BatchNorm2d(2 * C),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(98 * C, 1),
    )
    return generator.apply(first_weights), discriminator.apply(first_weights)


def first_weights(layer: nn.Module) -> None:
    """Draw a layer's weights from N(0, 0.02²), those of batch normalisation from N(1, 0.02²).

    Source: Radford, Metz and Chintala 2016, section 4, and their code; lesson 09.
    """
    normal = {nn.BatchNorm2d: 1.0, nn.Linear: 0.0, nn.Conv2d: 0.0, nn.ConvTranspose2d: 0.0}
    if type(layer) in normal:
        nn.init.normal_(layer.weight, normal[type(layer)], 0.02)
