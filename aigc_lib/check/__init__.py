"""Checks of the exercises, one module per lesson: `check.backprop.sigmoid_slope(fn)`.

A check prints one sentence and returns a `Result`; it never raises. `summary` shows what is done.
"""

from aigc_lib.check import (
    backprop,
    decoding,
    evaluation,
    gan,
    gpt,
    ngram,
    rnn,
    training,
    transformer,
    vae,
)
from aigc_lib.check.judge import summary

__all__ = [
    "backprop",
    "decoding",
    "evaluation",
    "gan",
    "gpt",
    "ngram",
    "rnn",
    "summary",
    "training",
    "transformer",
    "vae",
]
