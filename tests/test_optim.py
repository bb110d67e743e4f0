"""The optimisers and the schedule of lessons 02 and 06 against PyTorch's."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aigc_lib import optim

rate = st.floats(1e-4, 0.1)
decay = st.floats(0, 0.5)
beta = st.floats(0, 0.999)
# Each rule with its PyTorch twin and the settings that both understand.
RULES = {
    "SGD": (optim.SGD, torch.optim.SGD, {"lr": rate, "momentum": beta, "weight_decay": decay}),
    "RMSProp": (optim.RMSProp, torch.optim.RMSprop, {"lr": rate, "alpha": beta}),
    "Adam": (optim.Adam, torch.optim.Adam, {"lr": rate, "betas": st.tuples(beta, beta)}),
    "AdamW": (
        optim.AdamW,
        torch.optim.AdamW,
        {"lr": rate, "betas": st.tuples(beta, beta), "weight_decay": decay},
    ),
}


@pytest.mark.parametrize("name", RULES)
@given(data=st.data(), seed=st.integers(0, 999), steps=st.integers(1, 50))
def test_every_step_equals_that_of_torch(name, data, seed, steps):
    """Both get the same gradients: fed back, a rounding error could flip the sign of a step."""
    ours, theirs, settings = RULES[name]
    chosen = {key: data.draw(strategy, label=key) for key, strategy in settings.items()}
    generator = torch.Generator().manual_seed(seed)
    shapes = (3,), (2, 2)
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    twins = [[p.clone().requires_grad_() for p in start] for _ in range(2)]
    rules = [ours(twins[0], **chosen), theirs(twins[1], **chosen)]
    for _ in range(steps):
        gradients = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
        for params, rule in zip(twins, rules, strict=True):
            rule.zero_grad()
            assert all(p.grad is None for p in params)
            for p, g in zip(params, gradients, strict=True):
                p.grad = g.clone()
            rule.step()
        for a, b in zip(*twins, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_the_learning_rate_may_change_between_steps():
    w = torch.tensor([1.0], requires_grad=True)
    rule = optim.SGD([w], lr=1.0)
    w.grad = torch.tensor([1.0])
    rule.lr = 0.25
    rule.step()
    assert w.item() == 0.75


def polynomial(x):
    """Return what five times ax + bx³ + cx⁵ make of numbers x."""
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return x


@given(st.integers(1, 7), st.integers(1, 7), st.floats(1, 1e6), st.integers(0, 999))
def test_orthogonal_keeps_the_directions_and_makes_the_lengths_alike(rows, columns, scale, seed):
    generator = np.random.default_rng(seed)
    U, _, Vt = np.linalg.svd(generator.normal(size=(rows, columns)), full_matrices=False)
    lengths = generator.uniform(0.05, 1, min(rows, columns))
    g = torch.from_numpy(U * scale * lengths @ Vt)
    expected = polynomial(lengths / np.linalg.norm(lengths))
    found = optim.orthogonal(g)
    np.testing.assert_allclose(found.numpy(), U * expected @ Vt, atol=1e-5)  # g/(‖g‖ + 1e-7)
    directions, lengths, back = torch.linalg.svd(found, full_matrices=False)
    assert 0.68 <= lengths.min() <= lengths.max() <= 1.14
    np.testing.assert_allclose((directions @ back).numpy(), U @ Vt, atol=1e-5)
    assert optim.orthogonal(g.float()).dtype == torch.float32


def test_orthogonal_brings_lengths_from_0006_to_1_into_the_band():
    def length(x):
        return optim.orthogonal(torch.tensor([[x, 0], [0, math.sqrt(1 - x * x)]]).double())[0, 0]

    found = [length(x).item() for x in np.geomspace(0.006, 1, 1000)]
    assert 0.68 <= min(found) < 0.685
    assert 1.13 < max(found) <= 1.14
    assert length(0.005) > 1.15
    assert length(0.001) < 0.5
    assert length(0) == 0


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (1, 4), (4, 1)])
@pytest.mark.parametrize("exact", [True, False])
def test_muon_is_pytorchs(shape, exact, monkeypatch):
    """But for rounding: PyTorch's has three digits when it makes a matrix orthogonal."""
    if exact:
        monkeypatch.setattr(optim, "orthogonal", lambda g: g)
        monkeypatch.setattr(
            torch.optim._muon, "_zeropower_via_newtonschulz", lambda g, *settings: g.clone()
        )
    dtype, atol = (torch.float64, 1e-12) if exact else (torch.float32, 0.02)
    torch.manual_seed(0)
    start = torch.randn(shape, dtype=dtype)
    twins = start.clone().requires_grad_(), start.clone().requires_grad_()
    for settings in ({"lr": 0.1}, {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.3}):
        rules = optim.Muon(twins[:1], **settings), torch.optim.Muon(twins[1:], **settings)
        for _ in range(5):
            g = torch.randn(shape, dtype=dtype)
            for w, rule in zip(twins, rules, strict=True):
                w.grad = g.clone()
                rule.step()
            torch.testing.assert_close(*twins, rtol=0, atol=atol)
            with torch.no_grad():
                twins[0].copy_(twins[1])
    assert (twins[0] - start).abs().max() > 0.1


def test_muon_without_a_gradient_only_decays():
    w = torch.ones(2, 3, requires_grad=True)
    rule = optim.Muon([w], lr=0.5)
    w.grad = torch.zeros(2, 3)
    rule.step()
    torch.testing.assert_close(w.detach(), torch.full((2, 3), 1 - 0.5 * 0.1))


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)])
def test_muon_refuses_what_is_no_matrix(shape):
    params = [torch.zeros(2, 2), torch.zeros(shape)]
    message = f"a parameter of shape {shape} is no matrix: give it to AdamW"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        optim.Muon(params, lr=0.1)


def test_the_schedule_meets_its_corners():
    rates = [optim.warmup_cosine(i, 100, 0.004, 10) for i in range(100)]
    np.testing.assert_allclose(rates[:10], 0.004 * np.arange(1, 11) / 10)
    assert rates[10] == 0.004
    assert rates[55] == pytest.approx(0.002)
    assert 0 < rates[99] < 1e-5


def test_the_cosine_equals_that_of_torch():
    w = torch.nn.Parameter(torch.zeros(1))
    sgd = torch.optim.SGD([w], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=20)
    for i in range(20):
        assert optim.warmup_cosine(i, 20, 0.1, 0) == pytest.approx(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule.step()


@pytest.mark.parametrize("warmup", [-1, 20, 30])
def test_a_warmup_that_does_not_fit_is_refused(warmup):
    with pytest.raises(ValueError, match=f"not {warmup}"):
        optim.warmup_cosine(0, 20, 0.1, warmup)
    assert math.isfinite(optim.warmup_cosine(0, 20, 0.1, 19))
