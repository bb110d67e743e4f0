"""The exercises of lesson 01, each judged against a closed form or a property, with its hints."""

import numpy as np

from aigc_lib.backprop import Value
from aigc_lib.check.judge import Attempt, Wrong, exercise, expect, expect_mended


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _pair(answer, what: str) -> tuple:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong(f"return two things, in this order: {what}.")
    return answer


@exercise
def sigmoid_slope(fn: Attempt) -> None:
    """σ′(z) from a = σ(z) alone."""
    for a in (0.5, 0.75, 0.9):
        mistakes = [
            (a * (1 + a), "Watch the sign: differentiate 1/(1 + e^−z) once more, slowly."),
            (_sigmoid(a) * (1 - _sigmoid(a)), "You are given a = σ(z), not z: σ is done already."),
            (1 - a, "A factor is missing: σ′ falls to 0 at both ends, for a → 0 and for a → 1."),
            (a * 1 - a, "Mind the brackets: a * (1 - a)."),
            (a * (1 - a) / 2, "It is half as large as it should be."),
        ]
        hint = "Write e^−z = (1 − a)/a and put it into σ′(z) = e^−z / (1 + e^−z)²."
        expect(fn(a), a * (1 - a), f"the slope at a = {a}", mistakes, hint)


@exercise
def neuron_gradient(fn: Attempt) -> None:
    """∂L/∂w and ∂L/∂b of L = ½(y − t)², y = σ(w·x + b)."""
    rng = np.random.default_rng(1)
    for n, b, t in ((2, 0.3, 1.0), (3, -0.7, 0.2)):
        w, x = rng.normal(size=n), rng.normal(size=n)
        y = _sigmoid(w @ x + b)
        dz = (y - t) * y * (1 - y)
        slips = [
            (-dz, "Watch the sign: ∂L/∂y is y − t, since L falls while y rises towards t."),
            (2 * dz, "The square brings down a 2, and the one-half in L cancels it."),
            (y - t, "The slope of σ is missing: the way from L to w leads through σ."),
            (y * (1 - y), "The error y − t is missing: multiply by what comes from above."),
        ]
        dw, db = _pair(fn(w, b, x, t), "∂L/∂w, ∂L/∂b")
        if np.shape(dw) == () and np.shape(db) == (n,):
            raise Wrong("∂L/∂w comes first, then ∂L/∂b.")
        in_w = [(wrong * x, hint) for wrong, hint in slips]
        in_w.append((dz * w, "∂z/∂w is what w is multiplied by: x, not w."))
        in_w.append((dz, "∂z/∂w is x, so every weight has a gradient of its own."))
        expect(dw, dz * x, "∂L/∂w", in_w, "Follow the way L → y → z → w, one factor a step.")
        in_b = [*slips, (dz * x.sum(), "∂z/∂b is 1: b meets no x on its way.")]
        in_b.append((np.zeros(n), "w·x is a sum, a number: `w @ x`."))
        expect(db, dz, "∂L/∂b", in_b, "Follow the way L → y → z → b, one factor a step.")


@exercise
def softplus(fn: Attempt) -> None:
    """softplus(x) = log(1 + e^x) as a new operation of the engine."""
    theirs = getattr(fn.fn, "__globals__", {}).get("Value")  # the lesson defines its own class
    engine = theirs if isinstance(theirs, type) else Value
    for x in (0.5, -2.0, 0.0, 1000.0, -1000.0):
        rewrite = (
            "Write value and slope with e^−|x|, which never overflows." if abs(x) > 700 else ""
        )
        leaf = engine(x)
        try:
            out = fn(leaf)
        except Wrong as wrong:
            raise Wrong(f"at x = {x:g} {wrong} {rewrite}".rstrip()) from wrong
        if not hasattr(out, "backward"):
            raise Wrong("return a Value, so that gradients can flow on through it.")
        if not all(isinstance(part, (tuple, list)) for part in (out.parents, out.local)):
            raise Wrong("parents and local are tuples: write `(x,)`, comma included.")
        if not out.parents:
            raise Wrong("no gradient can reach x: name x as a parent, with its local derivative.")
        if len(out.parents) != len(out.local):
            raise Wrong(
                "each parent needs its local derivative: there are "
                f"{len(out.parents)} and {len(out.local)}."
            )
        (out * 3).backward()
        s = np.exp(-np.logaddexp(0, -x))
        hint = rewrite or "softplus(x) = log(1 + e^x)."
        expect(out.data, np.logaddexp(0, x), f"softplus({x:g})", hint=hint)
        mistakes = [
            (3 * (1 - s), "The local derivative is mirrored: it goes to 1 for large x."),
            (3 * np.logaddexp(0, x), "The local derivative is a slope, not the value itself."),
        ]
        hint = rewrite or "Differentiate log(1 + e^x): you know this function well."
        expect(leaf.grad, 3 * s, f"the gradient of 3 softplus(x) at {x:g}", mistakes, hint)


@exercise
def hidden_delta(fn: Attempt) -> None:
    """Δ1 (B, H) from Δ2 (B, K), W2 (K, H) and A1 (B, H)."""
    rng = np.random.default_rng(3)
    for B, K, H in ((4, 2, 3), (2, 3, 3)):
        delta2, W2 = rng.normal(size=(B, K)), rng.normal(size=(K, H))
        A1 = rng.uniform(size=(B, H))
        below = np.einsum("bk,kh->bh", delta2, W2)
        mistakes = [
            (below, "The slope of σ is missing: multiply by A1 ⊙ (1 − A1)."),
            (below * A1, "The slope of σ is a(1 − a): one factor is missing."),
            (
                below * _sigmoid(A1) * (1 - _sigmoid(A1)),
                "A1 is σ(Z1) already: do not apply σ again.",
            ),
            (below * A1 * (1 - A1) / B, "1/B is counted twice: Δ2 already has it, from the loss."),
        ]
        if K == H:
            transposed = np.einsum("bk,hk->bh", delta2, W2)
            for slope in (1, A1 * (1 - A1)):
                hint = "W2 came transposed: hidden unit h collects Δ2 over W2[:, h], its column."
                mistakes.append((transposed * slope, hint))
        hint = (
            "Hidden unit h feeds every output k with weight W2[k, h]: add up all these ways back."
        )
        expect(fn(delta2, W2, A1), below * A1 * (1 - A1), "Δ1", mistakes, hint)


@exercise
def weight_gradient(fn: Attempt) -> None:
    """∂L/∂W (out, in) of a layer from Δ = ∂L/∂Z (B, out), 1/B included, and its input A (B, in)."""
    rng = np.random.default_rng(2)
    for B, n_out, n_in in ((4, 3, 2), (5, 3, 3)):
        delta, A = rng.normal(size=(B, n_out)), rng.normal(size=(B, n_in))
        right = np.einsum("bi,bj->ij", delta, A)
        mistakes = [
            (right.T, "This is its transpose: W is (out, in), and its gradient has its shape."),
            (right / B, "1/B is counted twice: Δ already has it, from the mean in the loss."),
            (np.outer(delta[0], A[0]), "Only the first example arrived: add all of them up."),
            (-right, "Return the gradient itself; the minus belongs to the update."),
        ]
        hint = "One example gives δ aᵀ; write the sum over the rows of Δ and A as one product."
        expect(fn(delta, A), right, "∂L/∂W", mistakes, hint)


@exercise
def gradient_is_right(fn: Attempt) -> None:
    """The property that every gradient must satisfy, as a function (f, grad, x) → bool."""
    x, cancel = np.array([0.5, -1.0, 2.0]), np.array([0.1, -0.1, 0.0])
    nudges = []

    def judge(f, grad):
        def watched(point):
            nudges.append(np.asarray(point, dtype=float) - x)
            return f(point)

        verdict = fn(watched, grad, x)
        if not isinstance(verdict, (bool, np.bool_)):
            many = " (`.all()` makes one answer of many)" * isinstance(verdict, np.ndarray)
            raise Wrong(f"return True or False, not {type(verdict).__name__}{many}.")
        return verdict

    def sines(x):
        return np.sin(x).sum()

    def steep(x):  # its slopes are 1000 in one direction and 0.1 in the others
        return 1e3 * x[0] ** 2 + 0.1 * (x[1] + x[2])

    def slopes(x):
        return np.array([2e3 * x[0], 0.1, 0.1])

    right = [
        ("Σ sin x", sines, np.cos),
        ("10⁶ Σ x²", lambda x: 1e6 * (x**2).sum(), lambda x: 2e6 * x),
        ("10⁻⁹ Σ sin x", lambda x: 1e-9 * sines(x), lambda x: 1e-9 * np.cos(x)),
        ("1000 x₁² + 0.1 (x₂ + x₃)", steep, slopes),
    ]
    for name, f, grad in right:
        if not judge(f, grad):
            raise Wrong(
                f"it refuses the right gradient of {name}: use central differences, and allow an "
                "error relative to the size of the gradient."
            )
    wrong = [
        ("one that is twice too large", sines, lambda x: 2 * np.cos(x)),
        ("one with the wrong sign", sines, lambda x: -np.cos(x)),
        ("one whose last entry is 0", sines, lambda x: np.cos(x) * [1, 1, 0]),
        ("one whose first entry is 0", sines, lambda x: np.cos(x) * [0, 1, 1]),
        ("one whose middle entry is 0", sines, lambda x: np.cos(x) * [1, 0, 1]),
        ("one whose errors cancel in the sum", sines, lambda x: np.cos(x) + cancel),
        ("one whose entries are exchanged", sines, lambda x: np.cos(x)[::-1]),
        ("one that is 0.1 % too large", sines, lambda x: 1.001 * np.cos(x)),
        ("one that is 0.1 % too small", sines, lambda x: 0.999 * np.cos(x)),
        ("0 for a function as small as 10⁻⁹ Σ sin x", right[2][1], lambda x: 0 * x),
        ("one with small entries 0 beside a large one", steep, lambda x: slopes(x) * [1, 0, 0]),
    ]
    for name, f, grad in wrong:
        if judge(f, grad):
            raise Wrong(
                f"it accepts a wrong gradient: {name}. Compare every entry with its own nudge, "
                "relative to its own size."
            )
    directions = [nudge / np.linalg.norm(nudge) for nudge in nudges if nudge.any()]
    if not directions or np.linalg.matrix_rank(directions, tol=1e-3) < len(x):
        raise Wrong(
            "it calls f along too few directions: an error at right angles to all of them passes. "
            "Nudge every entry of x on its own."
        )


@exercise
def softmax_cross_entropy(fn: Attempt) -> None:
    """Mean cross-entropy of softmax(Z) and its gradient ∂L/∂Z."""
    rng = np.random.default_rng(4)
    B, K, labels = 4, 3, np.array([2, 0, 0, 1])
    for scale in (1.0, 1000.0):
        Z = scale * rng.normal(size=(B, K))
        shifted = Z - Z.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        p, one_hot = np.exp(log_p), np.eye(K)[labels]
        losses, right = -log_p[np.arange(B), labels], (p - one_hot) / B
        loss, delta = _pair(fn(Z, labels), "the loss (a number), ∂L/∂Z (B, K)")
        if np.shape(loss) == (B, K) and np.shape(delta) == ():
            raise Wrong("the loss comes first, then ∂L/∂Z.")
        hint = ""
        if scale > 1 and np.shape(delta) == (B, K) and np.allclose(delta, right):
            hint = "A p rounds to 0 here, and log 0 is −∞: use log p = z − log Σ e^z, z shifted."
        elif scale > 1:
            hint = "At logits of ±1000 e^z overflows: subtract the largest of each row first."
        by_column = np.exp(Z - Z.max(axis=0)) / np.exp(Z - Z.max(axis=0)).sum(axis=0)
        axis = "The p of one row must sum to 1: sum over axis=1."
        of_loss = [
            (losses, "Take the mean: one number for the batch."),
            (losses.sum(), "Take the mean over the batch, not the sum."),
            (losses.mean() / np.log(2), "Use the natural logarithm: the unit is nats, not bits."),
            (-losses.mean(), "The sign: log p is negative, the loss is not."),
            (losses.mean() / K, "Divide by the number of examples B, not by that of all entries."),
        ]
        if scale == 1:
            of_loss.append((-np.log(by_column[np.arange(B), labels]).mean(), axis))
        expect(loss, losses.mean(), "the loss", of_loss, hint)
        of_delta = [
            (B * right, "1/B is missing: the loss is a mean over the batch."),
            (p / B, "Subtract 1 at the entry of the label: p − one-hot."),
            (-right, "The sign: raising the label's own entry of Z lowers the loss."),
            ((by_column - one_hot) / B, axis),
        ]
        expect(delta, right, "∂L/∂Z", of_delta, hint or "Each row of ∂L/∂Z sums to 0.")


@exercise
def mended_step(fn: Attempt) -> None:
    """Find the bugs: one step of gradient descent on the two-layer network."""
    rng = np.random.default_rng(5)
    B, n, H, K = 4, 3, 5, 3
    names = ("W1", "b1", "W2", "b2")
    params = [rng.normal(size=shape) for shape in ((H, n), (H,), (K, H), (K,))]
    W1, b1, W2, b2 = params
    X, labels = rng.normal(size=(B, n)), np.array([0, 2, 1, 1])
    A1 = _sigmoid(X @ W1.T + b1)

    def gradients(delta2):  # of the first rows of X, as many as delta2 has
        x, a1 = X[: len(delta2)], A1[: len(delta2)]
        delta1 = delta2 @ W2 * a1 * (1 - a1)
        return [delta1.T @ x, delta1.sum(axis=0), delta2.T @ a1, delta2.sum(axis=0)]

    def moved(X, labels, lr=2.0):
        new = fn(params, X, labels, lr)
        if not isinstance(new, (list, tuple)) or len(new) != 4:
            raise Wrong("return the four new parameters [W1, b1, W2, b2].")
        for name, old, after in zip(names, params, new, strict=True):
            if np.shape(after) != old.shape:
                raise Wrong(f"the new {name} has shape {np.shape(after)} instead of {old.shape}.")
            if np.asarray(after).dtype != np.float64:
                raise Wrong(
                    f"the new {name} has dtype {np.asarray(after).dtype} instead of float64."
                )
        if all(np.array_equal(old, after) for old, after in zip(params, new, strict=True)):
            raise Wrong("nothing moved: return the new parameters, not the old ones.")
        return [(old - after) / lr for old, after in zip(params, new, strict=True)]

    # Each verdict looks at something that the other two bugs leave alone. The move of b2 after one
    # example is δ2 itself. Between two sets of labels the softmax drops out of the difference, and
    # at a tiny learning rate the new W2 is the old one.
    one = moved(X[:1], labels[:1])
    of_ones, of_zeros = (moved(X, np.full(B, label), lr=1e-6) for label in (1, 0))
    difference = gradients(np.tile(np.eye(K)[0] - np.eye(K)[1], (B, 1)) / B)
    mean = [
        not np.allclose(ones - zeros, factor * want, atol=1e-5)
        for ones, zeros, want in zip(of_ones, of_zeros, difference, strict=True)
        for factor in (B, 1 / B)  # 1/B forgotten, 1/B twice
    ]
    verdicts = [
        (np.isclose(one[3].sum(), 0), "the p of one example must sum to 1: over which axis?"),
        (all(mean), "a batch twice as long must not step twice as far, in no parameter."),
        (np.allclose(one[0], gradients(one[3][None])[0]), "is W2 the same on the way up and back?"),
    ]
    expect_mended(verdicts)
    P = np.exp(A1 @ W2.T + b2)
    right = gradients((P / P.sum(axis=1, keepdims=True) - np.eye(K)[labels]) / B)
    for name, got, want in zip(names, moved(X, labels), right, strict=True):
        uphill = [(-want, "It goes uphill: the gradient is subtracted.")]
        hint = "The three bugs are mended, but this changed."
        expect(got, want, f"the step of {name}", uphill, hint)
