"""The engine and the matrix formulas of lesson 01 against PyTorch and mpmath."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aigc_lib import backprop
from aigc_lib.backprop import Value

# Each operation with its domain. The domain also keeps out what no two implementations agree on to
# ten digits: sums that cancel, logarithms near 1, slopes of σ and tanh that are lost to rounding.
BINARY = {
    "add": (lambda a, b: a + b, lambda a, b: abs(a + b) > 1e-2 * (abs(a) + abs(b))),
    "subtract": (lambda a, b: a - b, lambda a, b: abs(a - b) > 1e-2 * (abs(a) + abs(b))),
    "multiply": (lambda a, b: a * b, lambda a, b: abs(a * b) < 1e6),
    "divide": (lambda a, b: a / b, lambda a, b: abs(b) > 1e-2 and abs(a / b) < 1e6),
}
UNARY = {
    "exp": (lambda a: a.exp(), lambda a: a < 10),
    "log": (lambda a: a.log(), lambda a: a > 1e-2 and abs(a - 1) > 1e-2),
    "tanh": (lambda a: a.tanh(), lambda a: abs(a) < 5),
    "sigmoid": (lambda a: a.sigmoid(), lambda a: abs(a) < 10),
    "relu": (lambda a: a.relu(), lambda a: a != 0),
    "negate": (lambda a: -a, lambda a: True),
    "square": (lambda a: a**2, lambda a: abs(a) < 1e3),
    "cube root": (lambda a: a ** (1 / 3), lambda a: a > 1e-2),
    "inverse square": (lambda a: a**-2, lambda a: abs(a) > 1e-2),
    "number minus": (lambda a: 2.5 - a, lambda a: abs(2.5 - a) > 1e-2 * (2.5 + abs(a))),
    "number over": (lambda a: 2.5 / a, lambda a: abs(a) > 1e-2),
    "number times": (lambda a: 2.5 * a, lambda a: abs(a) < 1e6),
    "number plus": (lambda a: 2.5 + a, lambda a: abs(2.5 + a) > 1e-2 * (2.5 + abs(a))),
}
leaf = st.floats(-3, 3, allow_subnormal=False)
step = st.tuples(st.sampled_from(sorted(BINARY | UNARY)), st.integers(0, 99), st.integers(0, 99))


def grow(leaves, steps):
    """Apply each step to earlier values, in the engine and in PyTorch; leave out those outside."""
    ours = [Value(x) for x in leaves]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in leaves]
    for name, *picks in steps:
        operation, inside = (BINARY | UNARY)[name]
        picks = [pick % len(ours) for pick in picks[: 2 if name in BINARY else 1]]
        if inside(*(ours[i].data for i in picks)):
            ours.append(operation(*(ours[i] for i in picks)))
            theirs.append(operation(*(theirs[i] for i in picks)))
    return ours, theirs


def path_sizes(root):
    """Return for each value the sum over all paths of |product of local derivatives|."""
    order = root.order()
    sizes = dict.fromkeys(order, 0.0)
    sizes[root] = 1.0
    for value in reversed(order):
        for parent, local in zip(value.parents, value.local, strict=True):
            sizes[parent] += abs(local) * sizes[value]
    return sizes


@settings(max_examples=300)
@given(st.lists(leaf, min_size=1, max_size=4), st.lists(step, min_size=1, max_size=12))
def test_random_expressions_agree_with_torch(leaves, steps):
    ours, theirs = grow(leaves, steps)
    for value, tensor in zip(ours, theirs, strict=True):
        assert value.data == pytest.approx(tensor.item(), rel=1e-10, abs=0)
    ours[-1].backward()
    theirs[-1].backward()
    sizes = path_sizes(ours[-1])
    for value, tensor in zip(ours[: len(leaves)], theirs, strict=False):
        expected = 0.0 if tensor.grad is None else tensor.grad.item()
        # Relative to what was added up: contributions of opposite sign may cancel.
        assert abs(value.grad - expected) <= 1e-10 * sizes.get(value, 0.0)


@pytest.mark.parametrize("x", [-700.0, -40.0, -1e-3, 0.0, 1e-3, 40.0, 700.0])
def test_sigmoid_is_accurate_where_it_saturates(x):
    with mpmath.workdps(700):
        exact = 1 / (1 + mpmath.exp(-mpmath.mpf(x)))
        value, slope = float(exact), float(exact * (1 - exact))
    leaf = Value(x)
    out = leaf.sigmoid()
    out.backward()
    assert (out.data, leaf.grad) == (pytest.approx(value), pytest.approx(slope))
    assert backprop.sigmoid(np.array(x)) == pytest.approx(value)


def test_a_value_used_several_times_collects_every_gradient():
    x = Value(3)
    (x * x + x + x * x * x).backward()
    assert x.grad == 2 * 3 + 1 + 3 * 9


def test_leaves_add_up_over_calls_and_values_between_do_not():
    x = Value(0.5)
    middle = x * x
    root = middle * middle
    root.backward()
    assert (x.grad, middle.grad) == (4 * 0.5**3, 2 * 0.25)
    root.backward()
    assert (x.grad, middle.grad) == (2 * 4 * 0.5**3, 2 * 0.25)


def test_a_leaf_has_slope_one_with_respect_to_itself():
    x = Value(2)
    x.backward()
    assert x.grad == 1


def test_order_lists_every_value_once_and_parents_first():
    x = Value(1)
    y = x + x
    root = (y * x + y) * (x - y)
    order = root.order()
    assert len(order) == len(set(order))
    assert order[-1] is root
    assert all(order.index(p) < order.index(v) for v in order for p in v.parents)


def test_a_chain_of_100_000_operations_works_and_is_freed():
    x = Value(1)
    y = x
    for _ in range(100_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert x.grad == 1
    del y


def test_numpy_numbers_are_numbers():
    x = Value(2)
    for two in (np.float64(2), np.float32(2), np.int64(2)):
        assert [v.data for v in (x * two, two * x, x - two, two / x, x**two)] == [4, 4, 0, 1, 4]


def test_values_of_another_engine_join_the_graph():
    """A learner's class meets the library's in the exercises: neither asks for its own class."""

    class Lookalike:
        def __init__(self):
            self.data, self.grad, self.parents, self.local = 3.0, 0.0, (), ()

    other = Lookalike()
    (Value(2) * other).backward()
    assert other.grad == 2


@pytest.mark.parametrize(
    ("operation", "error", "sentence"),
    [
        (lambda: Value(-2).log(), ValueError, r"log\(-2\)"),
        (lambda: Value(0).log(), ValueError, r"log\(0\)"),
        (lambda: Value(1000).exp(), OverflowError, r"exp\(1000\)"),
        (lambda: Value(-2) ** 0.5, ValueError, r"-2\*\*0\.5"),
        (lambda: Value(0) ** -1, ValueError, r"0\*\*-1"),
        (lambda: Value(0) ** 0.5, ValueError, r"0\*\*0\.5"),
        (lambda: Value(2) ** Value(2), TypeError, "plain number"),
        (lambda: Value(1) / 0, ZeroDivisionError, "division"),
        (lambda: Value("two"), ValueError, "'two'"),
        (lambda: Value(1) + None, TypeError, "NoneType"),
    ],
)
def test_outside_its_domain_an_operation_names_the_number(operation, error, sentence):
    with pytest.raises(error, match=sentence):
        operation()


def test_powers_at_zero_have_the_slopes_that_exist():
    for n, slope in ((0, 0.0), (1, 1.0), (2, 0.0)):
        x = Value(0)
        (x**n).backward()
        assert x.grad == slope


# The matrix formulas, with PyTorch's autograd as the oracle.

sizes = st.integers(1, 5)
losses = {
    "squared error": (
        lambda Z, T: (
            (backprop.sigmoid(Z) - T) * backprop.sigmoid(Z) * backprop.sigmoid(-Z) / len(Z)
        ),
        lambda Z, T: 0.5 * ((torch.sigmoid(Z) - T) ** 2).sum() / len(Z),
    ),
    "binary cross-entropy": (
        lambda Z, T: (backprop.sigmoid(Z) - T) / len(Z),
        lambda Z, T: (
            torch.nn.functional.binary_cross_entropy_with_logits(Z, T, reduction="sum") / len(Z)
        ),
    ),
}


@pytest.mark.parametrize("loss", losses)
@given(B=sizes, n=sizes, H=sizes, K=sizes, seed=st.integers(0, 999))
def test_backward_agrees_with_torch(loss, B, n, H, K, seed):
    rng = np.random.default_rng(seed)
    params = [rng.normal(size=shape) for shape in ((H, n), (H,), (K, H), (K,))]
    X, T = rng.normal(size=(B, n)), rng.uniform(size=(B, K))
    delta, torch_loss = losses[loss]
    A1, Z2 = backprop.forward(params, X)
    ours = backprop.backward(params, X, A1, delta(Z2, T))

    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    hidden = torch.sigmoid(torch.tensor(X) @ tensors[0].T + tensors[1])
    Z = hidden @ tensors[2].T + tensors[3]
    torch_loss(Z, torch.tensor(T)).backward()
    np.testing.assert_allclose(Z2, Z.detach().numpy(), rtol=1e-12, atol=1e-13)
    for gradient, param, tensor in zip(ours, params, tensors, strict=True):
        assert gradient.shape == param.shape
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-13)


@given(B=sizes, K=sizes, scale=st.sampled_from([1.0, 30.0, 1000.0]), seed=st.integers(0, 999))
def test_softmax_cross_entropy_agrees_with_torch(B, K, scale, seed):
    rng = np.random.default_rng(seed)
    Z, labels = scale * rng.normal(size=(B, K)), rng.integers(K, size=B)
    before = Z.copy()
    loss, delta = backprop.softmax_cross_entropy(Z, labels)
    tensor = torch.tensor(Z, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(tensor, torch.tensor(labels))
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(delta, tensor.grad.numpy(), rtol=1e-9, atol=1e-13)
    np.testing.assert_array_equal(Z, before)


def test_central_difference_is_exact_on_a_parabola_and_keeps_the_shape():
    x = np.arange(6.0).reshape(2, 3)
    gradient = backprop.central_difference(lambda x: (x**2).sum(), x, h=0.5)
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-14)
    assert gradient.shape == x.shape


def test_central_difference_has_an_error_of_second_order():
    errors = [backprop.central_difference(np.exp, 0.0, h) - 1 for h in (0.1, 0.01)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)
    assert errors[0] == pytest.approx(0.1**2 / 6, rel=0.01)


@pytest.mark.parametrize("h", [0, -1e-5, math.nan])
def test_central_difference_refuses_a_step_that_is_not_positive(h):
    with pytest.raises(ValueError, match=str(h)):
        backprop.central_difference(np.sum, np.zeros(2), h)


@given(
    lr=st.floats(1e-3, 0.3),
    momentum=st.floats(0, 0.95),
    curvature=st.floats(0.1, 5),
    start=st.floats(-3, 3),
)
def test_descend_is_the_sgd_of_torch(lr, momentum, curvature, start):
    ours = backprop.descend(lambda w: curvature * w, [start, 1.0], lr, momentum, steps=20)
    w = torch.tensor([start, 1.0], dtype=torch.float64, requires_grad=True)
    sgd = torch.optim.SGD([w], lr=lr, momentum=momentum)
    path = [w.detach().numpy().copy()]
    for _ in range(20):
        w.grad = curvature * w.detach()
        sgd.step()
        path.append(w.detach().numpy().copy())
    np.testing.assert_allclose(ours, path, rtol=1e-9, atol=1e-12)
