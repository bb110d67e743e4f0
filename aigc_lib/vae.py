"""The variational autoencoder in the open: hidden causes, the bound and its parts. Lesson 08.

Letters: B pictures, K latent width, S samples a picture. A picture x is (B, 1, H, W) in [0, 1], its
code z is (B, K). All is in nats a picture: summed over pixels and over latent dimensions.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from aigc_lib.ngram import whole
from aigc_lib.optim import warmup_cosine


def kl(mu: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor:
    """Return KL(N(μ, σ²) ‖ N(0, 1)) = (μ² + σ² − 1 − log σ²)/2 of each entry, in nats.

    `log_var` is log σ². Codes (B, K) give the rate of each dimension (B, K); for N(μ, diag σ²)
    against N(0, I) add them up. Source: Kingma and Welling 2014, appendix B; lesson 08.
    """
    return (mu**2 + log_var.expm1() - log_var) / 2  # expm1(a) is eᵃ − 1, exact for a small a


def reparameterise(mu, log_var, noise) -> torch.Tensor:
    """Return z = μ + σε, a draw of N(μ, diag σ²) if `noise` ε is one of N(0, I).

    It can be differentiated in μ and log σ². Source: Kingma and Welling 2014, section 2.4; lesson
    08.
    """
    return mu + (log_var / 2).exp() * noise


def log_normal(z, mu, log_var) -> torch.Tensor:
    """Return log N(z; μ, diag σ²), in nats, summed over the last dimension. Lesson 08."""
    return -((z - mu) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(-1) / 2


class Bernoulli(nn.Module):
    """Pixels that are 0 or 1: p(x | η) = λˣ (1−λ)¹⁻ˣ with λ = 1/(1 + e⁻ᵑ) for a logit η.

    Of a grey x this is no density; its -log p, the cross-entropy, is at least the entropy of x.
    Source: Kingma and Welling 2014, appendix C.1; lesson 08.
    """

    def log_prob(self, logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return log p(x | η) (B,) of pictures x (B, ...) for logits of the same shape."""
        loss = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return -loss.flatten(1).sum(1)

    def mean(self, logits: torch.Tensor) -> torch.Tensor:
        """Return E[x | η], pixel by pixel."""
        return logits.sigmoid()


class ContinuousBernoulli(Bernoulli):
    """Pixels anywhere from 0 to 1: the density p(x | η) = e^(ηx) η/(eᵑ − 1).

    It is the Bernoulli's λˣ (1−λ)¹⁻ˣ divided by its integral over x, which is tanh(η/2)/η. Source:
    Loaiza-Ganem and Cunningham 2019, arXiv:1907.06845, section 3; lesson 08.
    """

    def log_prob(self, logits, x):
        """Return log p(x | η) (B,), a density: it may be positive."""
        half = logits.abs() / 2
        small = half < 0.01  # there a series, as 0/0 has no value and its neighbours no digits
        h = half.masked_fill(small, 1)
        c = torch.where(small, 2 + 2 * half**2 / 3 - 2 * half**4 / 45, 2 * h / h.tanh())
        return super().log_prob(logits, x) + c.log().flatten(1).sum(1)

    def mean(self, logits):
        """Return E[x | η] = 1/(1 − e⁻ᵑ) − 1/η, pixel by pixel."""
        small = logits.abs() < 0.02
        e = logits.masked_fill(small, 1)
        series = 0.5 + logits / 12 - logits**3 / 720
        return torch.where(small, series, (1 + 1 / (e / 2).tanh()) / 2 - 1 / e)


class Gaussian(nn.Module):
    """Pixels with noise: p(x | η) = N(x; λ, σ²) with λ = 1/(1 + e⁻ᵑ) and one σ for all, learned.

    Source: Kingma and Welling 2014, appendix C.2; one σ for all pixels: Rybkin et al. 2021,
    arXiv:2006.13202; lesson 08.
    """

    def __init__(self, sigma: float = 0.3):
        super().__init__()
        self.log_sigma = nn.Parameter(torch.tensor(math.log(sigma)))

    def log_prob(self, logits, x):
        """Return log p(x | η) (B,), a density: it may be positive."""
        return log_normal(x.flatten(1), logits.sigmoid().flatten(1), 2 * self.log_sigma)

    def mean(self, logits):
        """Return E[x | η], pixel by pixel."""
        return logits.sigmoid()


def negative_elbo(distortion, rate, i=0) -> torch.Tensor:
    """Return −ELBO, the mean of distortion (B,) + rate (B, K) summed over K, at any step i.

    Source: Kingma and Welling 2014, equation 10, with the KL in closed form; lesson 08.
    """
    return (distortion + rate.sum(1)).mean()


class VAE(nn.Module):
    """A model of pictures with hidden causes: z ~ N(0, I), K wide, x | z ~ likelihood(decoder).

    `encoder` maps pictures (B, 1, H, W) to features (B, F), of which one linear layer makes μ and
    log σ² of q(z | x) = N(μ, diag σ²). `decoder` maps codes (B, K) to as many numbers as a picture
    has pixels. `mean` (1, H, W), the mean training picture, on the device of both, is subtracted
    from what the encoder sees, and its logit added to what the decoder says, so that both begin
    near the data. With `classes`, the class of a picture, one-hot, is joined to the features and to
    the code, so that the decoder reads (B, K + classes). Raises ValueError for sizes that are no
    whole numbers, and for a `mean` that is no picture.

    Source: Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014; with classes Sohn et al.
    2015; lesson 08.
    """

    def __init__(self, encoder, decoder, K, mean, likelihood=None, classes=0):
        super().__init__()
        check_pictures(mean[None], mean)
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.K, self.classes = whole("K", K, 1), whole("classes", classes, 0)
        self.register_buffer("mean", mean)
        self.register_buffer("base", mean.clamp(0.01, 0.99).logit())
        with torch.no_grad():
            features = encoder(mean[None]).shape[1]
        self.head = nn.Linear(features + classes, 2 * K)

    def join(self, h, labels):
        """Return `h` (B, ·) with the one-hot classes of `labels` (B,) behind it, if there are."""
        if not self.classes:
            return h
        return torch.cat([h, F.one_hot(labels, self.classes).to(h)], 1)

    def encode(self, x, labels=None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return μ and log σ² of q(z | x), each (B, K).

        Raises ValueError for pictures of another shape, with a NaN or outside [0, 1], and for
        labels that are missing, not asked for, or no classes of this model.
        """
        check_pictures(x, self.mean)
        check_labels(labels, len(x), self.classes)
        return self.head(self.join(self.encoder(x - self.mean), labels)).chunk(2, 1)

    def logits(self, z, labels=None) -> torch.Tensor:
        """Return the logits (B, 1, H, W) of the pixels, given codes (B, K).

        Raises ValueError for codes of another width, and for labels as `encode` does.
        """
        if z.ndim != 2 or z.shape[1] != self.K:
            raise ValueError(f"codes of shape {tuple(z.shape)}: this model reads (B, {self.K})")
        check_labels(labels, len(z), self.classes)
        return self.decoder(self.join(z, labels)).view(len(z), *self.mean.shape) + self.base

    def decode(self, z, labels=None) -> torch.Tensor:
        """Return the mean picture E[x | z] (B, 1, H, W) of codes (B, K); raises as `logits`."""
        return self.likelihood.mean(self.logits(z, labels))

    def draw(self, mu, log_var, generator=None) -> torch.Tensor:
        """Return a code (B, K) from q; `generator`, if any, is a torch.Generator of the CPU."""
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
        return reparameterise(mu, log_var, noise.to(mu.device))

    def terms(self, x, labels=None, generator=None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the parts of −ELBO: distortion −log p(x | z) (B,), one z each, and rate (B, K).

        Raises ValueError as `encode` does.
        """
        mu, log_var = self.encode(x, labels)
        logits = self.logits(self.draw(mu, log_var, generator), labels)
        return -self.likelihood.log_prob(logits, x), kl(mu, log_var)

    def loss(self, x, labels=None, generator=None) -> torch.Tensor:
        """Return −ELBO = E_q[−log p(x | z)] + KL(q(z | x) ‖ p(z)), the mean nats a picture.

        One draw of z for each picture. Raises ValueError as `encode` does.
        """
        return negative_elbo(*self.terms(x, labels, generator))

    @torch.no_grad()
    def log_weights(self, x, S, labels=None, generator=None) -> torch.Tensor:
        """Return log p(x | z) p(z)/q(z | x) (S, B) for S draws of z from q(z | x) each.

        Their mean is an estimate of the ELBO, and `importance_bound` of them a tighter bound.
        Raises ValueError as `encode` does, and for an S that is no whole number of at least 1.
        """
        mu, log_var = self.encode(x, labels)
        rows, zero = [], torch.zeros_like(mu)
        for _ in range(whole("S", S, 1)):
            z = self.draw(mu, log_var, generator)
            log_px = self.likelihood.log_prob(self.logits(z, labels), x)
            rows.append(log_px + log_normal(z, zero, zero) - log_normal(z, mu, log_var))
        return torch.stack(rows)

    @torch.no_grad()
    def sample(self, n, generator=None, labels=None) -> torch.Tensor:
        """Return `n` pictures (n, 1, H, W): the mean picture E[x | z] of codes from N(0, I).

        The noise of the likelihood is left out. With classes, `labels` (n,) says which to draw.
        """
        shape = whole("n", n, 0), self.K
        z = torch.randn(shape, generator=generator, dtype=self.mean.dtype)
        return self.decode(z.to(self.mean.device), labels)


def check_pictures(x, mean) -> None:
    """Raise ValueError unless `x` are pictures (B, *mean.shape) in [0, 1] without NaN."""
    if mean.ndim != 3:
        raise ValueError(f"a mean picture of shape {tuple(mean.shape)}: give (1, H, W)")
    if not isinstance(x, torch.Tensor):
        raise ValueError(f"pictures of type {type(x).__name__}: give a tensor, as torch.from_numpy")
    if x.shape[1:] != mean.shape or not x.is_floating_point():
        raise ValueError(
            f"pictures of shape {tuple(x.shape)} and {x.dtype}: this model reads floating-point "
            f"numbers (B, {', '.join(map(str, mean.shape))}), as data.fashion_mnist has them"
        )
    low, high = x.aminmax() if x.numel() else (0, 1)
    if not (low >= 0 and high <= 1):
        if bad := int(x.isnan().sum()):
            rows = x.isnan().flatten(1).any(1).nonzero().flatten().tolist()
            raise ValueError(f"NaN in {bad} pixels, first in picture {rows[0]}: leave such out")
        raise ValueError(
            f"pixels from {low:.4g} to {high:.4g}, and this likelihood takes [0, 1]: divide bytes "
            "by 255, and undo a standardisation"
        )


def check_labels(labels, B, classes) -> None:
    """Raise ValueError unless `labels` are B of the `classes`, or None if there are none."""
    if not classes:
        if labels is not None:
            raise ValueError("labels for a model without classes: make it with classes=10, say")
        return
    if not isinstance(labels, torch.Tensor):
        raise ValueError(f"labels={labels!r}: this model needs a tensor of {B} classes, int64")
    if labels.shape != (B,) or labels.dtype != torch.int64:
        got = f"{tuple(labels.shape)}, {labels.dtype}"
        raise ValueError(f"labels: {got}; this model needs ({B},), int64, from 0 to {classes - 1}")
    if len(wrong := labels[(labels < 0) | (labels >= classes)]):
        raise ValueError(f"the label {wrong[0]} is no class: they are 0 to {classes - 1}")


def importance_bound(log_w: torch.Tensor) -> torch.Tensor:
    """Return log (1/S) Σ w of log-weights (S, B): on average a lower bound (B,) on log p(x).

    The ELBO for S = 1; it does not fall as S grows, and tends to log p(x) if weights are bounded.

    Source: Burda, Grosse and Salakhutdinov 2016, equation 8; lesson 08.
    """
    return log_w.logsumexp(0) - math.log(len(log_w))


def free_bits(rate: torch.Tensor, least: float) -> torch.Tensor:
    """Return Σ_k max(least, mean rate of dimension k), in nats, of rates (B, K).

    A dimension pays nothing for its first `least` nats. Source: Kingma et al. 2016, equation 15;
    lesson 08.
    """
    return rate.mean(0).clamp(min=least).sum()


def active_units(mu: torch.Tensor) -> torch.Tensor:
    """Return which of the K dimensions say something: (K,), True where Var μ > 0.01 over (N, K).

    Source: Burda, Grosse and Salakhutdinov 2016, section 5.2; lesson 08.
    """
    return mu.var(0, correction=0) > 0.01


def slerp(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    """Return the point at 0 ≤ t ≤ 1 of the way from a to b (..., K) along a great circle.

    (sin((1−t)Ω) a + sin(tΩ) b)/sin Ω, where Ω is the angle between a and b; the line between them
    where that is 0. Raises ValueError for opposite directions, which have no one way between them.
    Source: Shoemake 1985, section 3.3; for codes White 2016, arXiv:1609.04468; lesson 08.
    """
    unit_a, unit_b = (v / v.norm(dim=-1, keepdim=True).clamp(min=1e-12) for v in (a, b))
    omega = 2 * torch.atan2((unit_a - unit_b).norm(dim=-1), (unit_a + unit_b).norm(dim=-1))
    omega = omega[..., None]  # exact where the angle is small, unlike the arccosine of a · b
    if (omega > math.pi - 1e-4).any():
        raise ValueError(
            "a and b point in opposite directions: no way between them is the shortest"
        )
    near = omega < 1e-4
    sine = omega.masked_fill(near, 1).sin()
    arc = ((1 - t) * omega).sin() / sine * a + (t * omega).sin() / sine * b
    return torch.where(near, (1 - t) * a + t * b, arc)


def dense(pixels: int, hidden: int, inputs: int) -> tuple[nn.Module, nn.Module]:
    """Return encoder and decoder, each with one hidden ReLU layer; codes have `inputs` numbers.

    Source: Kingma and Welling 2014, appendix C, whose hidden units are tanh; lesson 08.
    """
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, pixels))
    return encoder, decoder


def convolutional(channels: int, inputs: int) -> tuple[nn.Module, nn.Module]:
    """Return a convolutional encoder and decoder of 28x28 pictures; codes have `inputs` numbers.

    Source: lesson 08.
    """
    encoder = nn.Sequential(
        nn.Conv2d(1, channels, 4, stride=2, padding=1),  # (B, channels, 14, 14)
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),  # (B, 2 channels, 7, 7)
        nn.ReLU(),
        nn.Flatten(),  # (B, 98 channels)
    )
    decoder = nn.Sequential(
        nn.Linear(inputs, 98 * channels),
        nn.ReLU(),
        nn.Unflatten(1, (2 * channels, 7, 7)),
        nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),
    )
    return encoder, decoder


class Trainer:
    """One step of training a VAE: a `step` for `fit`.

    `objective(distortion, rate, i)` makes the loss of step i out of `VAE.terms`: −ELBO, or what a
    lesson puts in its place. A gradient longer than `limit` is cut to that; AdamW follows
    `warmup_cosine` up to the rate `lr` and down, over `steps` steps, a twentieth of them up. Name
    it to `fit` beside the model: it holds what else must survive a stop. Source: lesson 08.
    """

    def __init__(self, model, steps, lr=0.02, objective=negative_elbo, limit=100.0):
        self.model, self.objective, self.limit = model, objective, limit
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda i: warmup_cosine(min(i, steps - 1), steps, 1, steps // 20)
        )

    def __call__(self, batch: tuple) -> dict:
        """Learn from pictures, and their labels if the model has classes; return the parts."""
        distortion, rate = self.model.terms(*batch)
        loss = self.objective(distortion, rate, self.schedule.last_epoch)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.limit)
        self.optimizer.step()
        self.schedule.step()
        return {"loss": loss, "distortion": distortion.mean(), "rate": rate.sum(1).mean()}

    def state_dict(self) -> dict:
        """Return what `fit` saves: the optimiser and the schedule."""
        return {name: getattr(self, name).state_dict() for name in ("optimizer", "schedule")}

    def load_state_dict(self, saved: dict) -> None:
        """Go on from what `state_dict` returned."""
        for name, state in saved.items():
            getattr(self, name).load_state_dict(state)
