"""What the first cell of every lesson calls: one seed, one device."""

import os
import random

import numpy as np
import torch


def choose_device() -> torch.device:
    """Return the fastest device here: CUDA, else Apple's MPS, else the CPU.

    The environment variable ``AIGC_DEVICE`` (``cpu``, ``cuda`` or ``mps``) overrides the choice.

    Raises ValueError if ``AIGC_DEVICE`` names no device, RuntimeError if it names one that is not
    here.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    here = [name for name, is_here in present.items() if is_here]
    asked = os.environ.get("AIGC_DEVICE") or here[0]
    if asked not in present:
        raise ValueError(f"AIGC_DEVICE={asked!r} names no device: set it to cpu, cuda or mps.")
    if asked not in here:
        found = ", ".join(here)
        raise RuntimeError(
            f"AIGC_DEVICE={asked!r}, but PyTorch finds only {found} on this machine."
        )
    return torch.device(asked)


def start(seed: int = 0) -> torch.device:
    """Seed Python, NumPy and PyTorch with `seed`; choose the device, print it and return it."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    device = choose_device()
    print(f"device: {device}")
    return device
