"""Plausible wrong answers to the exercises of lesson 02, each with words of its hint."""

import math

import torch
import torch.nn.functional as F


def adam(change):
    """Return an adam_step in which `change` makes (w, m, s) from all that a slip needs."""

    def adam_step(w, g, m, s, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        new_m, new_s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        m_hat, s_hat = new_m / (1 - beta1**t), new_s / (1 - beta2**t)
        return change(w, g, new_m, new_s, m_hat, s_hat, lr, eps)

    return adam_step


def plain(w, g, m, s, m_hat, s_hat, lr, eps):
    return w - lr * m_hat / (s_hat.sqrt() + eps), m, s


def rate(decay, warm=lambda step, lr, warmup: lr * (step + 1) / warmup):
    def learning_rate(step, steps, lr, warmup):
        if step < warmup:
            return warm(step, lr, warmup)
        return lr * decay((step - warmup) / (steps - warmup))

    return learning_rate


def patient(better):
    """Return a stop_early that counts evaluations in a row that are not `better`."""

    def stop_early(losses, patience):
        count = 0
        for i in range(1, len(losses)):
            count = 0 if better(losses, i) else count + 1
        return losses.index(min(losses)), count >= patience

    return stop_early


def last_best(losses, patience):
    best = max(i for i, loss in enumerate(losses) if loss == min(losses))
    return best, len(losses) - 1 - best >= patience


def stops_for_good(losses, patience):
    for i in range(1, len(losses) + 1):
        best = losses.index(min(losses[:i]))
        if i - 1 - best >= patience:
            return best, True
    return best, False


def conv(image, kernel, rows=0, columns=0):
    z = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    return z[: len(z) - rows, : z.shape[1] - columns]


def training(mode=True, zero=True, choose="validate", tests=1):
    """Return a mended_training with the bugs that the arguments leave in."""

    def mended_training(model, optimizer, batches, validate, test, epochs):
        best = 0.0
        model.train()
        for _ in range(epochs):
            if mode:
                model.train()
            for inputs, truth in batches:
                loss = F.cross_entropy(model(inputs), truth)
                if zero:
                    optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            if mode != "never eval":
                model.eval()
            best = max(best, validate() if choose == "validate" else test())
        return best, [test() for _ in range(tests)][-1]

    return mended_training


def hard_coded(w, g, m, s, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam(plain)(w, g, m, s, t)


def cleared_too_late(model, optimizer, batches, validate, test, epochs):
    for inputs, truth in batches:
        F.cross_entropy(model(inputs), truth).backward()
        optimizer.zero_grad()
        optimizer.step()
    return validate(), test()


def first_batch_only(model, optimizer, batches, validate, test, epochs):
    return training()(model, optimizer, batches[:1] * 3, validate, test, epochs)


def one_batch_an_epoch(model, optimizer, batches, validate, test, epochs):
    best = 0.0
    for batch in batches:
        best = max(best, training()(model, optimizer, [batch] * 3, validate, lambda: None, 1)[0])
    return best, test()


def the_last(model, optimizer, batches, validate, test, epochs):
    for _ in range(epochs):
        model.train()
        for inputs, truth in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), truth).backward()
            optimizer.step()
        model.eval()
        last = validate()
    return last, test()


WRONG = {
    "mean_squared_error": [
        (lambda p, t: ((p - t) ** 2).mean(), "Every prediction met every target"),
        (lambda p, t: ((p.flatten() - t.flatten()) ** 2).sum(), "not the sum"),
        (lambda p, t: (p.flatten() - t.flatten()).abs().mean(), "Square the difference"),
        (lambda p, t: F.mse_loss(p.flatten(), t.flatten()) / 2, "no one-half"),
        (lambda p, t: F.mse_loss(p.flatten(), t.flatten()).sqrt(), "Do not take the root"),
    ],
    "adam_step": [
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w - lr * m / (s.sqrt() + e), m, s)), "The hats"),
        (
            adam(lambda w, g, m, s, mh, sh, lr, e: (w - lr * mh / (sh + e).sqrt(), m, s)),
            "not under",
        ),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w + lr * mh / (sh.sqrt() + e), m, s)), "uphill"),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w - lr * mh / (sh + e), m, s)), "root of ŝ"),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w - lr * mh / sh.sqrt(), m, s)), "ε is missing"),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w, mh, sh)), "for this step only"),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w, m + 0.9 * g, s)), "m is an average"),
        (adam(lambda w, g, m, s, mh, sh, lr, e: (w, m)), "three things"),
        (hard_coded, "m after step 1"),
        (lambda w, g, m, s, t: adam(plain)(w, g, m, s, t + 1), "the move of w in step"),
        (lambda w, g, m, s, t, lr=0.001: (w.sub_(lr * g), m, s), "changed its argument `w`"),
    ],
    "learning_rate": [
        (rate(lambda a: 1 + math.cos(math.pi * a)), "not 2 lr"),
        (rate(lambda a: math.cos(math.pi * a / 2)), "from cos 0 to cos π"),
        (rate(lambda a: 1 - a), "straight line"),
        (rate(lambda a: (1 + math.cos(a)) / 2), "multiply by π"),
        (
            rate(lambda a: (1 + math.cos(math.pi * a)) / 2, lambda i, lr, W: lr * i / W),
            "already step 1",
        ),
        (
            lambda i, n, lr, W: (
                lr * (i + 1) / W
                if i < W
                else lr * (1 + math.cos(math.pi * (i - W) / (n - 1 - W))) / 2
            ),
            "Divide by steps − warmup",
        ),
        (
            lambda i, n, lr, W: (
                lr * (i + 1) / W if i < W else lr * (1 + math.cos(math.pi * (i - W) / n)) / 2
            ),
            "not all of them",
        ),
        (
            lambda i, n, lr, W: (
                lr * (i + 1) / max(W, 1)
                if i <= W
                else lr * (1 + math.cos(math.pi * (i - W) / (n - W))) / 2
            ),
            "use <, not <=",
        ),
        (
            lambda step, steps, lr, warmup: (
                lr * (step + 1) / warmup
                if step < warmup
                else lr * (1 + math.cos(math.pi * step / steps)) / 2
            ),
            "starts after warm-up",
        ),
    ],
    "stop_early": [
        (patient(lambda losses, i: losses[i] < losses[i - 1]), "not better than the best"),
        (patient(lambda losses, i: losses[i] <= min(losses[:i])), "no improvement"),
        (last_best, "no improvement"),
        (lambda losses, patience: (losses.index(min(losses)), False), "after exactly `patience`"),
        (lambda losses, patience: (losses.index(min(losses)) + 1, False), "counts from 0"),
        (
            lambda losses, patience: (
                losses.index(min(losses)),
                len(losses) - 1 - losses.index(min(losses)) == patience,
            ),
            "more losses than the patience",
        ),
        (stops_for_good, "judge the whole list"),
        (lambda losses, patience: losses.index(min(losses)), "return two things"),
        (lambda losses, patience: (min(losses), False), "whole number"),
    ],
    "convolve": [
        (lambda image, kernel: conv(image, kernel.flip(0, 1)), "flipped"),
        (lambda image, kernel: conv(image, kernel, rows=1), "last row is missing"),
        (
            lambda image, kernel: conv(image, kernel, rows=1, columns=1),
            "row and column are missing",
        ),
        (lambda image, kernel: conv(image, kernel) / kernel.numel(), "no mean"),
        (lambda image, kernel: torch.zeros_like(image), "Without padding"),
        (lambda image, kernel: conv(image, kernel).tolist(), "return one tensor"),
        (lambda image, kernel: conv(image, kernel).T, "exchanged"),
    ],
    "mended_training": [
        (
            training(mode=False, zero=False, choose="test"),
            "bug 1 still there, bug 2 still there, bug 3",
        ),
        (training(mode=False), "bug 1 still there, bug 2 mended, bug 3 mended"),
        (training(mode="never eval"), "bug 1 still there, bug 2 mended"),
        (training(zero=False), "bug 1 mended, bug 2 still there, bug 3 mended"),
        (training(choose="test"), "bug 1 mended, bug 2 mended, bug 3 still there"),
        (training(tests=2), "how often test"),
        (lambda *args: training()(*args[:5], 1), "9 steps"),
        (cleared_too_late, "the gradients were cleared before the step"),
        (
            first_batch_only,
            "once on each batch, and epoch 1 trained on those with the numbers [0, 0",
        ),
        (one_batch_an_epoch, "once on each batch"),
        (the_last, "not the last"),
    ],
}
