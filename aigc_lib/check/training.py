"""The exercises of lesson 02, each judged against PyTorch, a closed form or recorded behaviour."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended, normal


@exercise
def mean_squared_error(fn: Attempt) -> None:
    """The mean of (prediction − target)² for shapes (B,) and (B, 1) in any combination."""
    prediction, target = normal(4, seed=0), normal(4, seed=1)
    right = F.mse_loss(prediction, target).item()
    everyone = (prediction[:, None] - target).square().mean().item()
    for p in (prediction, prediction[:, None]):
        for t in (target, target[:, None]):
            shapes = f"for shapes {tuple(p.shape)} and {tuple(t.shape)}, the error"
            mistakes = [
                (everyone, "Every prediction met every target: flatten both before you subtract."),
                (4 * right, "Take the mean over the batch, not the sum."),
                (right / 2, "There is no one-half in this one."),
                (math.sqrt(right), "Do not take the root."),
                ((prediction - target).abs().mean().item(), "Square the difference."),
            ]
            expect(fn(p, t), right, shapes, mistakes, "Subtract, square, mean.")


@exercise
def adam_step(fn: Attempt) -> None:
    """A later step of Adam with the default settings, then the first, from averages of 0."""
    zero = torch.zeros(5, dtype=torch.float64)
    w = normal(5, seed=2)
    starts = [(3, 1e-4 * normal(5, seed=3), 1e-8 * normal(5, seed=4) ** 2), (1, zero, zero)]
    for t, m, s in starts:
        g = 1e-4 * normal(5, seed=5 + t)  # small, so that the place of ε is seen
        given = {3: (0.001, 0.9, 0.999, 1e-8), 1: (0.01, 0.8, 0.99, 1e-6)}[t]
        lr, beta1, beta2, eps = given
        answer = fn(w, g, m, s, t, *given) if t == 1 else fn(w, g, m, s, t)
        if not isinstance(answer, (tuple, list)) or len(answer) != 3:
            raise Wrong("return three things: the new w, m and s.")
        m_new, s_new = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        of_m = [
            (beta1 * m + g, "m is an average: g has the weight 1 − β₁."),
            (m_new / (1 - beta1**t), "Return m itself: the hat is for this step only."),
        ]
        expect(answer[1], m_new, f"m after step {t}", of_m, "m ← β₁ m + (1 − β₁) g.")
        of_s = [
            (beta2 * s + (1 - beta2) * g, "s averages the square of g."),
            (beta2 * s + g**2, "s is an average: g² has the weight 1 − β₂."),
            (s_new / (1 - beta2**t), "Return s itself: the hat is for this step only."),
        ]
        expect(answer[2], s_new, f"s after step {t}", of_s, "s ← β₂ s + (1 − β₂) g².")

        m_hat, s_hat = m_new / (1 - beta1**t), s_new / (1 - beta2**t)
        of_w = [
            (
                w - lr * m_new / (s_new.sqrt() + eps),
                "The hats are missing: divide m and s by theirs.",
            ),
            (w - lr * m_hat / (s_hat + eps).sqrt(), "ε is added to the root, not under it."),
            (w - lr * m_hat / (s_hat + eps), "The root of ŝ is missing."),
            (w - lr * m_hat / s_hat.sqrt(), "ε is missing: divide by √ŝ + ε."),
            (w + lr * m_hat / (s_hat.sqrt() + eps), "It goes uphill: subtract the step."),
            (_moved(w, m, s, t, *given), "Take the hats of the new averages, not of the old ones."),
        ]
        right = _moved(w, m_new, s_new, t, *given)
        hint = "w ← w − η m̂ / (√ŝ + ε), with m̂ = m/(1 − β₁ᵗ) and ŝ = s/(1 − β₂ᵗ)."
        expect(answer[0] - w, right - w, f"the move of w in step {t}", _shift(of_w, w), hint)


def _moved(w, m, s, t, lr, beta1, beta2, eps):
    return w - lr * m / (1 - beta1**t) / ((s / (1 - beta2**t)).sqrt() + eps)


def _shift(mistakes: list, w: torch.Tensor) -> list:
    return [(wrong - w, hint) for wrong, hint in mistakes if torch.isfinite(wrong).all()]


@exercise
def learning_rate(fn: Attempt) -> None:
    """Linear warm-up, then half a cosine."""
    lr = 0.01
    for steps, warmup in ((20, 4), (10, 0)):
        for step in range(steps):
            along = (step - warmup) / (steps - warmup)
            half = lr * (1 + math.cos(math.pi * along)) / 2
            what = f"the rate at step {step} of {steps}, warm-up {warmup},"
            if step < warmup:
                mistakes = [
                    (lr * step / warmup, "The first step is already step 1 of W: (i + 1)/W."),
                    (half, "During warm-up the rate rises in equal parts."),
                ]
                expect(fn(step, steps, lr, warmup), lr * (step + 1) / warmup, what, mistakes)
                continue
            mistakes = [
                (2 * half, "Half of 1 + cos: at the top it is lr, not 2 lr."),
                (lr * math.cos(math.pi * along / 2), "Half a cosine: from cos 0 to cos π, plus 1."),
                (
                    lr * (1 + math.cos(math.pi * step / steps)) / 2,
                    "The cosine starts after warm-up.",
                ),
                (
                    lr * (1 + math.cos(math.pi * (step - warmup) / (steps - 1 - warmup))) / 2,
                    "Divide by steps − warmup: the rate would reach 0 at the step after the last.",
                ),
                (
                    lr * (1 + math.cos(math.pi * (step - warmup) / steps)) / 2,
                    "The cosine has steps − warmup steps, not all of them.",
                ),
                (
                    lr * (step + 1) / max(warmup, 1),
                    "Step number `warmup` is the first of the cosine: use <, not <=.",
                ),
                (lr * (1 - along), "That is a straight line: use the cosine."),
                (lr * (1 + math.cos(along)) / 2, "The cosine runs to π: multiply by π."),
            ]
            expect(fn(step, steps, lr, warmup), half, what, mistakes)


@exercise
def stop_early(fn: Attempt) -> None:
    """The index of the lowest loss, and whether the last `patience` losses are no better."""
    cases = [
        ([3.0, 2.0, 1.0], 2, (2, False), "it still improves, and the index counts from 0"),
        ([3.0, 1.0, 2.0], 2, (1, False), "one bad loss is less than the patience"),
        ([3.0, 1.0, 2.0, 2.0], 2, (1, True), "stop after exactly `patience` losses no better"),
        (
            [3.0, 1.0, 2.0, 1.5],
            2,
            (1, True),
            "better than the one before is not better than the best",
        ),
        ([3.0, 1.0, 2.0, 0.5, 0.7], 2, (3, False), "an improvement starts the count anew"),
        ([1.0, 2.0, 0.5, 2.0, 0.6, 0.7], 3, (2, True), "the losses need not rise one by one"),
        ([2.0, 1.0, 1.0, 1.0], 2, (1, True), "a loss that equals the best is no improvement"),
        ([1.0, 2.0, 3.0, 4.0], 2, (0, True), "more losses than the patience came after the best"),
        ([3.0, 1.0, 2.0, 2.0, 0.5], 2, (4, False), "judge the whole list: its best is the last"),
        ([5.0], 1, (0, False), "the first loss is the best so far"),
    ]
    for losses, patience, right, why in cases:
        answer = fn(losses, patience)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong("return two things: the index of the best loss, and True or False.")
        if not isinstance(answer[1], (bool, np.bool_)) or isinstance(answer[0], (bool, float)):
            raise Wrong("the index is a whole number, and the second is True or False.")
        if tuple(answer) != right:
            raise Wrong(
                f"for losses {losses} and patience {patience} it returns {tuple(answer)} instead "
                f"of {right}: {why}."
            )


@exercise
def convolve(fn: Attempt) -> None:
    """Cross-correlation of a picture (H, W) with a filter (h, w), without padding."""
    for H, W, h, w in ((5, 7, 3, 3), (4, 6, 2, 3)):
        # Whole numbers, so that short floats are exact too.
        image, kernel = (
            (5 * normal(H, W, seed=H)).round().float(),
            (3 * normal(h, w, seed=w)).round().float(),
        )
        right = F.conv2d(image[None, None], kernel[None, None])[0, 0]
        flipped = F.conv2d(image[None, None], kernel.flip(0, 1)[None, None])[0, 0]
        mistakes = [
            (flipped, "The filter is flipped: a convolution layer does not flip it."),
            (right / (h * w), "Add the products up; no mean."),
            (right[:-1], "The last row is missing: range(H − h + 1)."),
            (right[:, :-1], "The last column is missing: range(W − w + 1)."),
            (right[:-1, :-1], "The last row and column are missing: range(H − h + 1)."),
            (np.zeros((H, W)), "Without padding the result is smaller than the picture."),
        ]
        hint = "z[i, j] is the sum over image[i:i+h, j:j+w] * kernel."
        mistakes.append((right.T, "Rows and columns are exchanged."))
        answer = fn(image, kernel)
        if isinstance(answer, list):
            raise Wrong("return one tensor: fill in `torch.zeros(H − h + 1, W − w + 1)`, no list.")
        if getattr(answer, "dtype", None) in (torch.float32, np.dtype(np.float32)):
            answer = np.asarray(answer, dtype=float)
        expect(answer, right, "the result", mistakes, hint)


class _Watched(torch.nn.Module):
    """A linear model that keeps what it is called with, and in which mode."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2).double()
        self.linear.weight.data, self.linear.bias.data = normal(2, 3, seed=7), normal(2, seed=8)
        self.log = []

    def forward(self, x):
        self.log.append(("train" if self.training else "eval", x))
        return self.linear(x)


@exercise
def mended_training(fn: Attempt) -> None:
    """Find the bugs: a training loop, judged by what it did when."""
    model, events, clean, trained = _Watched(), [], [], []
    batches = [(normal(4, 3, seed=i), torch.tensor([0, 1, 1, 0])) for i in range(3)]
    scores = iter([0.6, 0.9, 0.7, 0.7, 0.7])

    class Watching(torch.optim.SGD):
        def step(self, closure=None):
            mode, x = model.log[-1]
            i = next(i for i, (inputs, _) in enumerate(batches) if torch.equal(inputs, x))
            truth = batches[i][1]
            if model.linear.weight.grad is None:
                raise Wrong("the gradients were cleared before the step could use them.")
            fresh = torch.autograd.grad(
                F.cross_entropy(model.linear(x), truth), model.linear.weight
            )
            clean.append(torch.allclose(model.linear.weight.grad, fresh[0]))
            events.append(mode)
            trained.append(i)
            super().step(closure)

    def validate():
        events.append("validate in eval" if not model.training else "validate in train")
        return next(scores, 0.7)

    def test():
        events.append("test in eval" if not model.training else "test in train")
        return 0.95

    answer = fn(model, Watching(model.parameters(), lr=0.1), batches, validate, test, 3)
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong("return two things: the best validation accuracy and the test accuracy.")
    steps = [event for event in events if event in ("train", "eval")]
    if len(steps) != 9:
        raise Wrong(f"3 epochs of 3 batches are 9 steps of the optimiser, not {len(steps)}.")
    for epoch in range(3):
        if sorted(trained[3 * epoch :][:3]) != [0, 1, 2]:
            raise Wrong(
                f"every epoch trains once on each batch, and epoch {epoch + 1} trained on those "
                f"with the numbers {trained[3 * epoch :][:3]}."
            )
    scored = [event for event in events if event.startswith(("validate", "test"))]
    once = [event.startswith("test") for event in scored] == [False] * 3 + [True]
    verdicts = [
        (
            set(steps) == {"train"} and all(event.endswith("eval") for event in scored),
            "in which mode is the model in the second epoch, and in which when it is scored?",
        ),
        (all(clean), "into what does `backward` add?"),
        (
            once and not math.isclose(answer[0], 0.95),
            "on which data may you choose, and how often test?",
        ),
    ]
    expect_mended(verdicts)
    last = (0.7, "Keep the best of all epochs, not the last.")
    expect(answer[0], 0.9, "the best validation accuracy", [last])
    expect(answer[1], 0.95, "the test accuracy")
