"""Plausible wrong answers to the exercises of lesson 01, each with words of its hint."""

import numpy as np

from aigc_lib.backprop import Value, central_difference


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def neuron(change):
    """Return a neuron_gradient in which `change` made one slip of (dw, db) from the parts."""

    def neuron_gradient(w, b, x, t):
        y = sigmoid(w @ x + b)
        return change(w, x, y - t, y * (1 - y))

    return neuron_gradient


def target_is_one(w, b, x, t):
    """Use the target of section 1 instead of the argument."""
    y = sigmoid(w @ x + b)
    return (y - 1) * y * (1 - y) * x, (y - 1) * y * (1 - y)


def softmax_loss(Z, labels, reduce=np.mean, shift=True, axis=1):
    if shift:
        Z = Z - Z.max(axis=axis, keepdims=True)
    p = np.exp(Z) / np.exp(Z).sum(axis=axis, keepdims=True)
    return reduce(-np.log(p[np.arange(len(Z)), labels])), (p - np.eye(Z.shape[1])[labels]) / len(Z)


def stable(Z, labels):
    """Return the right loss and p, without overflow and without log 0."""
    Z = Z - Z.max(axis=1, keepdims=True)
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(Z)), labels].mean(), np.exp(log_p), np.eye(Z.shape[1])[labels]


def changes_logits(Z, labels):
    Z -= Z.max(axis=1, keepdims=True)
    loss, p, one_hot = stable(Z, labels)
    return loss, (p - one_hot) / len(Z)


def softplus(slope, value=lambda x: np.logaddexp(0, x), parents=True):
    def new_operation(x):
        return Value(value(x.data), (x,) if parents else (), (slope(x.data),) if parents else ())

    return new_operation


def changes_value(x):
    x.data = float(np.logaddexp(0, x.data))
    return Value(x.data, (x,), (1.0,))


def step(axis=1, mean=True, old=True, sign=1):
    """Return a mended_step with the bugs that the arguments leave in."""

    def mended_step(params, X, labels, lr):
        W1, b1, W2, b2 = params
        A1 = sigmoid(X @ W1.T + b1)
        P = np.exp(A1 @ W2.T + b2)
        P = P / P.sum(axis=axis, keepdims=True)
        delta2 = (P - np.eye(len(b2))[labels]) / (len(X) if mean is True else 1)
        new_W2, new_b2 = W2 - lr * delta2.T @ A1, b2 - lr * delta2.sum(axis=0)
        if mean == "in b2 only":
            new_b2 = b2 - lr * delta2.mean(axis=0)
        delta1 = delta2 @ (W2 if old else new_W2) * A1 * (1 - A1)
        return [W1 - lr * delta1.T @ X, b1 - sign * lr * delta1.sum(axis=0), new_W2, new_b2]

    return mended_step


def compares(agree, h=1e-5):
    """Return a gradient_is_right that asks `agree(candidate, central differences)`."""
    return lambda f, grad, x: bool(agree(grad(x), central_difference(f, x, h)))


def forward_difference(f, grad, x, h=1e-3):
    slopes = np.array([(f(x + h * e) - f(x)) / h for e in np.eye(len(x))])
    return bool(np.allclose(grad(x), slopes, rtol=1e-6))


def one_direction(f, grad, x, h=1e-5):
    v = np.array([1.0, 2.0, 3.5])
    slope = (f(x + h * v) - f(x - h * v)) / (2 * h)
    return bool(abs(grad(x) @ v - slope) <= 1e-6 * abs(slope) + 1e-15 * abs(f(x)) / h)


WRONG = {
    "sigmoid_slope": [
        (lambda a: a * (1 + a), "Watch the sign"),
        (lambda a: sigmoid(a) * (1 - sigmoid(a)), "σ is done already"),
        (lambda a: 1 - a, "factor is missing"),
        (lambda a: a * 1 - a, "Mind the brackets"),
        (lambda a: [a * (1 - a)], "instead of (): a plain number"),
        (lambda a: a**2, "Write e^−z"),
    ],
    "neuron_gradient": [
        (neuron(lambda w, x, e, s: (2 * e * s * x, 2 * e * s)), "one-half in L cancels"),
        (neuron(lambda w, x, e, s: (-e * s * x, -e * s)), "Watch the sign"),
        (neuron(lambda w, x, e, s: (e * x, e)), "slope of σ is missing"),
        (neuron(lambda w, x, e, s: (s * x, s)), "error y − t is missing"),
        (neuron(lambda w, x, e, s: (e * s * w, e * s)), "x, not w"),
        (neuron(lambda w, x, e, s: (e * s * x, e * s * x.sum())), "meets no x"),
        (neuron(lambda w, x, e, s: (e * s, e * s)), "shape () instead of (2,)"),
        (neuron(lambda w, x, e, s: e * s * x), "return two things"),
        (neuron(lambda w, x, e, s: (e * s * x, e * s * x)), "`w @ x`"),
        (neuron(lambda w, x, e, s: (e * s, e * s * x)), "∂L/∂w comes first"),
        (target_is_one, "but it should be"),
        (lambda w, b, x: (x, b), "calls it with 4 arguments"),
    ],
    "softplus": [
        (softplus(lambda x: sigmoid(-x)), "mirrored"),
        (softplus(lambda x: np.logaddexp(0, x)), "not the value itself"),
        (softplus(sigmoid, parents=False), "no gradient can reach x"),
        (softplus(lambda x: sigmoid(x), value=lambda x: np.log(1 + np.exp(x))), "never overflows"),
        (softplus(lambda x: np.exp(x) / (1 + np.exp(x))), "never overflows"),
        (changes_value, "changed its argument `x`"),
        (lambda x: Value(np.logaddexp(0, x.data), x, sigmoid(x.data)), "comma included"),
        (lambda x: Value(np.logaddexp(0, x.data), (x,)), "there are 1 and 0"),
        (lambda x: (x.exp() + 1).log(), "never overflows"),
        (lambda x: np.logaddexp(0, x.data), "return a Value"),
        (softplus(sigmoid, value=lambda x: max(x, 0)), "softplus(x) = log(1 + e^x)"),
    ],
    "hidden_delta": [
        (lambda d, W, A: d @ W, "slope of σ is missing"),
        (lambda d, W, A: d @ W * A, "one factor is missing"),
        (lambda d, W, A: d @ W.T * A * (1 - A), "delta2 (4, 2), W2"),
        (lambda d, W, A: d @ (W.T if len(W) == 3 else W) * A * (1 - A), "W2 came transposed"),
        (lambda d, W, A: d @ W * A * (1 - A) / len(A), "1/B is counted twice"),
        (lambda d, W, A: d @ W * sigmoid(A) * (1 - sigmoid(A)), "do not apply σ again"),
    ],
    "weight_gradient": [
        (lambda d, A: A.T @ d, "its transpose"),
        (lambda d, A: d.T @ A / len(A), "counted twice"),
        (lambda d, A: np.outer(d[0], A[0]), "Only the first example"),
        (lambda d, A: d.T @ A * 2, "one product"),
    ],
    "gradient_is_right": [
        (lambda f, grad, x: True, "twice too large"),
        (lambda f, grad, x: False, "refuses the right gradient"),
        (compares(lambda g, d: np.isclose(g.sum(), d.sum(), atol=0)), "cancel in the sum"),
        (compares(lambda g, d: np.isclose(g[0], d[0], atol=0)), "last entry"),
        (compares(lambda g, d: np.allclose(abs(g), abs(d), atol=0)), "wrong sign"),
        (compares(lambda g, d: np.allclose(g, d, rtol=1e-2, atol=0)), "0.1 %"),
        (compares(lambda g, d: abs(g - d).max() < 1e-6), "relative to the size"),
        (compares(lambda g, d: np.allclose(g[[0, 2]], d[[0, 2]], atol=0)), "middle entry"),
        (compares(lambda g, d: np.allclose(np.sort(g), np.sort(d), atol=0)), "exchanged"),
        (compares(lambda g, d: (abs(g) <= abs(d) * (1 + 1e-6)).all()), "wrong sign"),
        (compares(lambda g, d: abs(g - d).max() < 1e-4 * abs(d).max()), "beside a large one"),
        (one_direction, "too few directions"),
        (compares(lambda g, d: np.allclose(g, d)), "as small as"),
        (forward_difference, "central differences"),
        (lambda f, grad, x: "yes", "True or False"),
        (lambda f, grad, x: np.isclose(grad(x), 0), "`.all()`"),
    ],
    "softmax_cross_entropy": [
        (lambda Z, y: softmax_loss(Z, y, shift=False), "overflows"),
        (lambda Z, y: softmax_loss(Z, y, reduce=np.sum), "mean over the batch"),
        (lambda Z, y: (stable(Z, y)[0] / np.log(2), 0), "nats, not bits"),
        (lambda Z, y: (-stable(Z, y)[0], 0), "the loss is not"),
        (lambda Z, y: (stable(Z, y)[0], stable(Z, y)[1] - stable(Z, y)[2]), "1/B is missing"),
        (lambda Z, y: (stable(Z, y)[0], stable(Z, y)[1] / len(Z)), "p − one-hot"),
        (lambda Z, y: softmax_loss(Z, y), "log 0 is −∞"),
        (lambda Z, y: softmax_loss(Z, y)[::-1], "the loss comes first"),
        (lambda Z, y: softmax_loss(Z, y, reduce=lambda losses: losses), "one number"),
        (lambda Z, y: softmax_loss(Z, y, axis=0), "sum over axis=1"),
        (changes_logits, "changed its argument `Z`"),
        (lambda Z, y: stable(Z, y)[0], "return two things"),
    ],
    "mended_step": [
        (
            step(axis=0, mean=False, old=False),
            "bug 1 still there, bug 2 still there, bug 3 still there. Hint for the first",
        ),
        (step(axis=0), "bug 1 still there, bug 2 mended, bug 3 mended"),
        (step(mean=False), "bug 1 mended, bug 2 still there, bug 3 mended"),
        (step(old=False), "bug 1 mended, bug 2 mended, bug 3 still there"),
        (step(mean="in b2 only"), "bug 2 still there"),
        (step(sign=-1), "the step of b1"),
        (lambda params, X, labels, lr: params[:2], "four new parameters"),
        (lambda params, X, labels, lr: params, "nothing moved"),
        (lambda *args: [p.astype(np.float32) for p in step()(*args)], "dtype float32"),
        (lambda params, X, labels, lr: step()(params, X, labels, -lr), "uphill"),
    ],
}
