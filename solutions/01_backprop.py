"""Solutions to the exercises of lesson 01. The tests hand each of them to its check."""

import numpy as np

from aigc_lib.backprop import Value, sigmoid


def sigmoid_slope(a):
    # σ′ = e^−z / (1 + e^−z)² = σ · (1 − σ), since 1 − σ = e^−z / (1 + e^−z).
    return a * (1 - a)


def neuron_gradient(w, b, x, t):
    y = 1 / (1 + np.exp(-(w @ x + b)))
    dz = (y - t) * y * (1 - y)
    return dz * x, dz


def softplus(x):
    # log(1 + e^x) = max(x, 0) + log(1 + e^−|x|); its slope is e^x / (1 + e^x) = σ(x).
    e = np.exp(-abs(x.data))
    slope = 1 / (1 + e) if x.data >= 0 else e / (1 + e)
    return Value(max(x.data, 0) + np.log1p(e), (x,), (slope,), "softplus")


def hidden_delta(delta2, W2, A1):
    return (delta2 @ W2) * A1 * (1 - A1)


def weight_gradient(delta, A):
    # Row i of Δᵀ A is Σ over the batch of delta[b, i] A[b, :].
    return delta.T @ A


def gradient_is_right(f, grad, x):
    # For every direction v: (f(x + hv) − f(x − hv)) / 2h ≈ ∇f(x)·v. The n axes are enough.
    h = 1e-5
    nudges = h * np.eye(len(x))
    slopes = np.array([(f(x + nudge) - f(x - nudge)) / (2 * h) for nudge in nudges])
    rounding = 1e-15 * abs(f(x)) / h
    return bool(np.all(np.abs(grad(x) - slopes) <= 1e-6 * np.abs(slopes) + rounding))


def softmax_cross_entropy(Z, labels):
    Z = Z - Z.max(axis=1, keepdims=True)
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    one_hot = np.eye(Z.shape[1])[labels]
    loss = -(one_hot * log_p).sum(axis=1).mean()
    return loss, (np.exp(log_p) - one_hot) / len(Z)


def mended_step(params, X, labels, lr):
    W1, b1, W2, b2 = params
    A1 = sigmoid(X @ W1.T + b1)
    Z2 = A1 @ W2.T + b2
    P = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)  # per example, not per class
    delta2 = (P - np.eye(len(b2))[labels]) / len(X)  # the mean over the batch
    delta1 = (delta2 @ W2) * A1 * (1 - A1)  # before W2 moves
    W2 = W2 - lr * delta2.T @ A1
    b2 = b2 - lr * delta2.sum(axis=0)
    W1 = W1 - lr * delta1.T @ X
    b1 = b1 - lr * delta1.sum(axis=0)
    return [W1, b1, W2, b2]
