"""What lesson 01 teaches: gradients by graph, by matrix product, and by nudging.

Conventions of the whole course: a weight matrix W is (out, in), a batch is rows, a loss is the mean
over the batch, and the squared error carries its one-half. Shapes: B batch, in, hid(den), out.
"""

import math

import numpy as np


class Value:
    """A number that remembers how it was made, so that gradients can find their way back.

    Every operation stores its operands as `parents` and its partial derivatives with respect to
    them, evaluated here and now, as `local`. A plain number met on the way becomes a leaf.

    Raises ValueError where an operation has no real value or slope, OverflowError where it exceeds
    the largest float, ZeroDivisionError.
    Source: reverse mode, Baydin et al. 2018, section 3.2; lesson 01.
    """

    def __init__(self, data, parents=(), local=(), label=""):
        self.data, self.grad = float(data), 0.0
        self.parents, self.local, self.label = parents, local, label

    def __repr__(self):
        return f"Value({self.data:.6g}, grad={self.grad:.6g})"

    @staticmethod
    def lift(x):
        """Return `x` itself if it is a value, else a new leaf that holds the number `x`."""
        return x if hasattr(x, "parents") else Value(x, label=f"{float(x):g}")

    def __add__(self, other):
        other = Value.lift(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __sub__(self, other):
        other = Value.lift(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0), "−")

    def __mul__(self, other):
        other = Value.lift(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "×")

    def __truediv__(self, other):
        other = Value.lift(other)
        quotient = self.data / other.data
        return Value(quotient, (self, other), (1 / other.data, -quotient / other.data), "/")

    def __pow__(self, n):
        """Return x**n for a plain number n; local derivative n x**(n−1)."""
        if hasattr(n, "parents"):
            raise TypeError(
                f"the exponent must be a plain number, not {n}: use (y * x.log()).exp()"
            )
        if (self.data < 0 and n != int(n)) or (self.data == 0 and n < 1 and n != 0):
            raise ValueError(
                f"{self.data:g}**{n:g} has no finite real slope: keep the base above 0"
            )
        slope = n * self.data ** (n - 1) if n != 0 else 0.0
        return Value(self.data**n, (self,), (slope,), f"**{n:g}")

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return 0 - self

    def __rsub__(self, other):
        return Value.lift(other) - self

    def __rtruediv__(self, other):
        return Value.lift(other) / self

    def exp(self):
        if self.data > 709.78:
            raise OverflowError(f"exp({self.data:g}) exceeds the largest float, about exp(709.78)")
        e = math.exp(self.data)
        return Value(e, (self,), (e,), "exp")

    def log(self):
        if self.data <= 0:
            raise ValueError(
                f"log({self.data:g}) is not a real number: its argument must be above 0"
            )
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t**2,), "tanh")

    def sigmoid(self):
        e = math.exp(-abs(self.data))  # at most 1, so that no exponential overflows
        s = 1 / (1 + e) if self.data >= 0 else e / (1 + e)
        return Value(s, (self,), (e / (1 + e) ** 2,), "σ")

    def relu(self):
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def order(self):
        """Return every value that this one was made from, parents first, itself last."""
        done, seen, stack = [], set(), [(self, False)]
        while stack:  # a loop, not a recursion: graphs are deeper than Python's call stack
            value, parents_done = stack.pop()
            if parents_done:
                done.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value.parents)
        return done

    def backward(self):
        """Add ∂self/∂leaf to the `grad` of every leaf; set `grad` of every value in between."""
        order = self.order()
        for value in order:
            if value.parents:
                value.grad = 0.0
        self.grad += 1.0
        for value in reversed(order):
            for parent, local in zip(value.parents, value.local, strict=True):
                parent.grad += local * value.grad


def central_difference(f, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Return the gradient of the scalar function `f` at `x`, one nudge at a time; shape of `x`.

    ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, with an error of order h² from truncation and of
    order 1e-16 |f|/h from rounding. Costs two evaluations of `f` per entry. Source: lesson 01.

    Raises ValueError if `h` is not above 0.
    """
    if not h > 0:
        raise ValueError(f"the step h must be above 0, not {h}")
    x = np.asarray(x, dtype=float)
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[i] = h
        gradient[i] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return gradient


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return σ(z) = 1/(1 + e^−z), entry by entry, without overflow; shape of `z`. Lesson 01."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def forward(params: list, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hidden activations A1 (B, hid) and the outputs before their σ, Z2 (B, out).

    Z1 = X W1ᵀ + b1, A1 = σ(Z1), Z2 = A1 W2ᵀ + b2, with params = [W1 (hid, in), b1 (hid,),
    W2 (out, hid), b2 (out,)] and X (B, in). Source: lesson 01.
    """
    W1, b1, W2, b2 = params
    A1 = sigmoid(X @ W1.T + b1)
    return A1, A1 @ W2.T + b2


def backward(params: list, X: np.ndarray, A1: np.ndarray, delta2: np.ndarray) -> list:
    """Return ∂L/∂W1, ∂L/∂b1, ∂L/∂W2, ∂L/∂b2, each in the shape of its parameter.

    `delta2` = ∂L/∂Z2 (B, out) is where the loss comes in, 1/B included. Then
    Δ1 = Δ2 W2 ⊙ A1 ⊙ (1 − A1), ∂L/∂W = Δᵀ A, ∂L/∂b = the sum of the rows of Δ.
    Source: Rumelhart, Hinton and Williams 1986, equations 5 to 7; lesson 01.
    """
    W2 = params[2]
    delta1 = (delta2 @ W2) * A1 * (1 - A1)
    return [delta1.T @ X, delta1.sum(axis=0), delta2.T @ A1, delta2.sum(axis=0)]


def softmax_cross_entropy(Z: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean cross-entropy in nats of softmax(Z) and its gradient ∂L/∂Z (B, out).

    L = −1/B Σ log p[label], p = softmax of a row of Z (B, out); ∂L/∂Z = (p − one-hot)/B.
    The largest entry of each row is subtracted first, which changes nothing but the overflow.
    Source: lesson 01.
    """
    Z = Z - Z.max(axis=1, keepdims=True)
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    rows = np.arange(len(Z))
    delta = np.exp(log_p)
    delta[rows, labels] -= 1
    return -log_p[rows, labels].mean(), delta / len(Z)


def descend(gradient, start, lr: float, momentum: float = 0.0, steps: int = 50) -> np.ndarray:
    """Return the path (steps + 1, parameters) of gradient descent from `start`, start included.

    v ← momentum v + ∇L(w), w ← w − lr v, from v = 0: the form that PyTorch's SGD uses.
    Source: Rumelhart, Hinton and Williams 1986, equations 8 and 9 (where v contains lr); lesson 01.
    """
    path = [np.asarray(start, dtype=float)]
    v = np.zeros_like(path[0])
    for _ in range(steps):
        v = momentum * v + gradient(path[-1])
        path.append(path[-1] - lr * v)
    return np.array(path)
