"""Plausible wrong answers to the exercises of lesson 03, each with words of its hint."""

import math

import torch


def score(fitted="train", choose="validation", base=math.e, tests=1):
    """Return a mended_score with the leaks that the arguments leave in."""

    def mended_score(fit, train, validation, test, orders):
        texts = {"train": train, "validation": validation, "test": test}
        ids = torch.cat([texts[part] for part in fitted.split("+")])
        models = {order: fit(ids, order) for order in orders}
        best = min(orders, key=lambda order: models[order].loss(texts[choose]))
        return best, base ** [models[best].loss(test) for _ in range(tests)][-1]

    return mended_score


def largest_order(fit, train, validation, test, orders):
    models = [fit(train, order) for order in orders]
    losses = [model.loss(validation) for model in models]
    return orders[losses.index(max(losses))], math.exp(models[1].loss(test))


def on_validation(fit, train, validation, test, orders):
    models = {order: fit(train, order) for order in orders}
    best = min(orders, key=lambda order: models[order].loss(validation))
    models[best].loss(test)
    return best, math.exp(models[best].loss(validation))


def of_another(fit, train, validation, test, orders):
    models = {order: fit(train, order) for order in orders}
    best = min(orders, key=lambda order: models[order].loss(validation))
    return best, math.exp(models[orders[-1]].loss(test))


WRONG = {
    "perplexity": [
        (lambda log_p: math.exp(log_p.mean()), "The sign is missing"),
        (lambda log_p: 2 ** -log_p.mean().item(), "the base is e"),
        (lambda log_p: math.exp(-log_p.sum()), "the mean over the tokens"),
        (lambda log_p: -log_p.mean(), "its exponential is missing"),
        (lambda log_p: -log_p.mean() / math.log(2), "a number of tokens"),
        (lambda log_p: 1 / log_p.exp().mean(), "not of the probabilities"),
        (lambda log_p: (-log_p).exp().mean(), "not of 1/p"),
        (lambda log_p: log_p.exp().prod().item() ** (-1 / len(log_p)), "so many probabilities"),
    ],
    "add_k_probs": [
        (lambda c, k: (c + k) / (c.sum() + k), "one k a token"),
        (lambda c, k: (c + 1) / (c.sum() + len(c)), "Add k, not 1"),
        (lambda c, k: c + k, "Divide by what"),
        (lambda c, k: (c + k) / c.sum(), "Their sum is not 1"),
        (lambda c, k: c / c.sum(), "one of them is 0"),
        (lambda c, k: c / (c.sum() + k * len(c)), "above the line too"),
        (lambda c, k: ((c + k) / (c.sum() + k * len(c)))[0], "shape"),
    ],
    "continuation_counts": [
        (lambda p, V: torch.bincount(p[:, 1], minlength=V), "count each once"),
        (
            lambda p, V: torch.bincount(p.unique_consecutive(dim=0)[:, 1], minlength=V),
            "count each once",
        ),
        (lambda p, V: torch.bincount(p.unique(dim=0)[:, 0], minlength=V), "not after"),
        (lambda p, V: torch.bincount(p[:, 0], minlength=V), "by the right-hand token"),
        (lambda p, V: torch.bincount(p.unique(dim=0)[:, 1]), "minlength=V"),
        (
            lambda p, V: torch.bincount(p.unique(dim=0)[:, 1], minlength=V) / len(p.unique(dim=0)),
            "not their shares",
        ),
    ],
    "kn_discount": [
        (lambda j, n: j - (j + 1) * n[j] / n[j - 1], "factor Y is missing"),
        (lambda j, n: n[0] / (n[0] + 2 * n[1]), "D₁ for each j"),
        (lambda j, n: j - j * n[0] / (n[0] + 2 * n[1]) * n[j] / n[j - 1], "j + 1"),
        (lambda j, n: 1 - (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[j] / n[j - 1], "begins with j"),
        (lambda j, n: (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[j] / n[j - 1], "Subtract that"),
        (lambda j, n: j - (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[j - 1] / n[j], "stands above"),
        (lambda j, n: j - (j + 1) * n[0] / (n[0] + n[1]) * n[j] / n[j - 1], "doubled"),
        (lambda j, n: j - (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[j + 1] / n[j], "starts at n₁"),
    ],
    "with_temperature": [
        (lambda log_p, T: torch.softmax(log_p * T, 0), "do not multiply"),
        (lambda log_p, T: (log_p / T).exp(), "adds up to 1"),
        (lambda log_p, T: torch.softmax(log_p, 0), "no effect"),
        (lambda log_p, T: torch.log_softmax(log_p / T, 0), "not their logarithms"),
        (lambda log_p, T: log_p.exp() ** (1 / T) / (log_p.exp() ** (1 / T)).sum(), "largest"),
        (lambda log_p, T: (log_p / T).exp() / (log_p / T).exp().sum(), "Subtract the largest"),
    ],
    "mended_score": [
        (score("train+test", "test", 2), "bug 1 still there, bug 2 still there, bug 3 still there"),
        (score("train+test"), "bug 1 still there, bug 2 mended, bug 3 mended"),
        (score("train+validation"), "bug 1 still there, bug 2 mended, bug 3 mended"),
        (score("validation"), "Not to one by which it is judged"),
        (score(choose="test"), "bug 1 mended, bug 2 still there, bug 3 mended"),
        (score(base=2), "bug 1 mended, bug 2 mended, bug 3 still there"),
        (score(choose="train"), "on which text may you choose"),
        (score(tests=2), "how often may you read"),
        (largest_order, "on which text may you choose"),
        (on_validation, "which base"),
        (of_another, "the perplexity"),
        (lambda *texts: score()(*texts)[1], "return two things"),
    ],
}
