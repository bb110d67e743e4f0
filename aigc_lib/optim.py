"""What lessons 02 and 06 teach of optimisers: each rule in the open, each equal to PyTorch's.

A rule gets a parameter w and its gradient g at every step, and keeps two running averages of its
own for it: m of the gradient and s of its square.
"""

import math

import torch


class Optimizer:
    """What all rules share: parameters, a step counter, and the averages m and s, at first 0.

    `lr` may be changed between steps, as a schedule does. Source: lesson 02.
    """

    def __init__(self, params, lr: float):
        self.params, self.lr, self.t = list(params), lr, 0
        self.m = [torch.zeros_like(w) for w in self.params]
        self.s = [torch.zeros_like(w) for w in self.params]

    def zero_grad(self):
        """Forget the gradients of the last step."""
        for w in self.params:
            w.grad = None

    @torch.no_grad()
    def step(self):
        """Move every parameter once, by the rule that `update` states."""
        self.t += 1
        for w, m, s in zip(self.params, self.m, self.s, strict=True):
            self.update(w, w.grad, m, s)


class SGD(Optimizer):
    """Stochastic gradient descent: m ← momentum m + g + λw, w ← w − lr m; λ is the weight decay.

    Source: Rumelhart, Hinton and Williams 1986, equations 8 and 9; lesson 02.
    """

    def __init__(self, params, lr: float, momentum: float = 0.0, weight_decay: float = 0.0):
        super().__init__(params, lr)
        self.momentum, self.weight_decay = momentum, weight_decay

    def update(self, w, g, m, s):
        m.mul_(self.momentum).add_(g + self.weight_decay * w)
        w.sub_(self.lr * m)


class RMSProp(Optimizer):
    """Divide by the gradient's recent size: s ← αs + (1−α)g², w ← w − lr g/(√s + ε).

    Source: Tieleman and Hinton 2012, lecture 6e of Neural Networks for Machine Learning; lesson 02.
    """

    def __init__(self, params, lr: float, alpha: float = 0.99, eps: float = 1e-8):
        super().__init__(params, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, w, g, m, s):
        s.mul_(self.alpha).add_((1 - self.alpha) * g**2)
        w.sub_(self.lr * g / (s.sqrt() + self.eps))


class Adam(Optimizer):
    """Both averages, each divided by the weight that it has collected so far.

    m ← β₁m + (1−β₁)g, s ← β₂s + (1−β₂)g², w ← w − lr m̂/(√ŝ + ε) with m̂ = m/(1−β₁ᵗ) and
    ŝ = s/(1−β₂ᵗ). Source: Kingma and Ba 2015, algorithm 1; lesson 02.
    """

    def __init__(self, params, lr: float, betas=(0.9, 0.999), eps: float = 1e-8):
        super().__init__(params, lr)
        self.betas, self.eps = betas, eps

    def update(self, w, g, m, s):
        beta1, beta2 = self.betas
        m.mul_(beta1).add_((1 - beta1) * g)
        s.mul_(beta2).add_((1 - beta2) * g**2)
        m_hat, s_hat = m / (1 - beta1**self.t), s / (1 - beta2**self.t)
        w.sub_(self.lr * m_hat / (s_hat.sqrt() + self.eps))


class AdamW(Adam):
    """Adam, with a weight decay that does not pass through the averages: w ← (1 − lr λ) w first.

    Source: Loshchilov and Hutter 2019, algorithm 2; lesson 02.
    """

    def __init__(self, params, lr: float, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    def update(self, w, g, m, s):
        w.mul_(1 - self.lr * self.weight_decay)
        super().update(w, g, m, s)


class Muon(Optimizer):
    """Momentum, orthogonalised: a matrix moves by the same length in each of its directions.

    m ← μm + (1−μ)g, u = orthogonal((1−μ)g + μm), w ← (1 − lr λ) w − lr √max(1, rows/columns) u.
    It is for the matrices (rows, columns) that a network multiplies with, not for embeddings or
    vectors. Raises ValueError for a parameter that is no matrix. Source: Jordan et al. 2024, Muon:
    an optimizer for hidden layers in neural networks; its decay: Liu et al. 2025, arXiv:2502.16982;
    lesson 06.
    """

    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.1):
        super().__init__(params, lr)
        self.momentum, self.weight_decay = momentum, weight_decay
        if others := [tuple(w.shape) for w in self.params if w.ndim != 2]:
            raise ValueError(f"a parameter of shape {others[0]} is no matrix: give it to AdamW")

    def update(self, w, g, m, s):
        m.lerp_(g, 1 - self.momentum)
        u = orthogonal(g.lerp(m, self.momentum))
        w.mul_(1 - self.lr * self.weight_decay)
        w.sub_(self.lr * max(1, w.shape[0] / w.shape[1]) ** 0.5 * u)


def orthogonal(g: torch.Tensor) -> torch.Tensor:
    """Return about U Vᵀ for a matrix g = U S Vᵀ: its directions, all of a length near 1.

    Five times X ← aX + (bXXᵀ + c(XXᵀ)²)X from X = g/‖g‖ take each singular value x along
    ax + bx³ + cx⁵: from 0.006 or more to between 0.68 and 1.14, while 0 stays 0. It takes only
    products of matrices, no decomposition. Source: a, b, c of Jordan et al. 2024; Higham 2008,
    Functions of Matrices, section 8.3, for the iteration's kind; lesson 06.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    X = (g if g.shape[0] <= g.shape[1] else g.T) / (g.norm() + 1e-7)
    for _ in range(5):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X if g.shape[0] <= g.shape[1] else X.T


def warmup_cosine(step: int, steps: int, lr: float, warmup: int) -> float:
    """Return the learning rate of step 0 ≤ `step` < `steps`.

    It rises in equal parts to `lr` over the first `warmup` steps, then falls along half a cosine:
    lr (1 + cos π(step − warmup)/(steps − warmup))/2. Source: Loshchilov and Hutter 2017,
    equation 5, for one period; lesson 02.

    Raises ValueError if `warmup` is not below `steps`.
    """
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup must be at least 0 and below steps = {steps}, not {warmup}")
    if step < warmup:
        return lr * (step + 1) / warmup
    return lr * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
