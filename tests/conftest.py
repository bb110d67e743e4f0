"""What the course's tests share: a fixture, and hypothesis without deadline or, in CI, chance."""

import os

import pytest
import torch
from hypothesis import settings

settings.register_profile("course", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("course")


@pytest.fixture
def one_thread():
    """Small models are slow on threads that wait for a busy machine; and all repeat."""
    torch.manual_seed(0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
