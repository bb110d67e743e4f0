"""The optimisers and the schedule of lesson 02 against PyTorch's."""

import math

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
