"""Solutions to the exercises of lesson 10. The tests hand each of them to its check."""

import math

import torch


def bits_per_dimension(nats, dims):
    return nats.mean() / (dims * math.log(2))


def inception_score(p):
    kl = torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))
    return kl.sum(1).mean().exp()


def frechet_gaussians(mu, S, nu, T):
    root = torch.linalg.eigvals(S @ T).real.clamp(min=0).sqrt()
    return ((mu - nu) ** 2).sum() + S.trace() + T.trace() - 2 * root.sum()


def kernel_distance(a, b):
    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


def precision(real, made, k):
    radii = torch.cdist(real, real).kthvalue(k + 1, 1).values  # the nearest is the thing itself
    return (torch.cdist(made, real) <= radii).any(1).double().mean()


def copied_share(made, train, held_out):
    first, second = (torch.cdist(made, x).min(1).values for x in (train, held_out))
    return ((first < second).double() + (first == second).double() / 2).mean()


def mean_interval(values, rows):
    return values[rows].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=values.dtype))


def distinct_n(texts, n):
    grams = [tuple(words[i : i + n]) for words in texts for i in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams)


def mended_distance(cnn, real, made):
    was = cnn.training
    cnn.eval()
    means = []
    with torch.no_grad():
        for pictures in (real, (made + 1) / 2):
            features = torch.cat([cnn.features(batch) for batch in pictures.split(100)])
            means.append(features.double().mean(0))
    cnn.train(was)
    return ((means[0] - means[1]) ** 2).sum()
