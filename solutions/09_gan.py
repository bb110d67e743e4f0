"""Solutions to the exercises of lesson 09. The tests hand each of them to its check."""

import torch
from torch.nn import functional as F


def optimal_discriminator(log_p, log_q):
    return torch.sigmoid(log_p - log_q)


def jensen_shannon(p, q):
    m = (p + q) / 2
    halves = torch.xlogy(p, p) + torch.xlogy(q, q) - 2 * torch.xlogy(m, m)
    return halves.sum() / 2


def non_saturating_loss(logits):
    return -F.logsigmoid(logits).mean()


def r1_penalty(critic, real):
    x = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slope**2).sum(1).mean() / 2


def mended_step(generator, discriminator, g_optimizer, d_optimizer, real, z):
    fake = generator(z).detach()
    d_loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = F.softplus(-discriminator(generator(z))).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss


def modes_covered(points, centres, sigma, least):
    distance, nearest = torch.cdist(points, centres).min(1)
    count = torch.bincount(nearest[distance <= 3 * sigma], minlength=len(centres))
    return int((count >= least).sum())


def wasserstein_distance(a, b):
    return (a.sort().values - b.sort().values).abs().mean()


def critic_penalty(critic, real, fake, eps):
    x = (eps * real + (1 - eps) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def spectral_norm(W, u, steps):
    for _ in range(steps):
        v = F.normalize(W.T @ u, dim=0)
        u = F.normalize(W @ v, dim=0)
    return u @ W @ v
