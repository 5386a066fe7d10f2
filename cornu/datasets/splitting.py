"""Shuffled by a seed and cut in two, with NumPy's older generator: the samples of each part are those that Keras gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.errors import ArgumentError

__all__ = ["Array", "Split", "check_split", "shuffled", "split"]

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]
"""`(x_train, y_train), (x_test, y_test)`."""


def check_split(test_split: float) -> None:
    """Refuses a share for the test that leaves nothing to train on."""
    if not 0 <= test_split < 1:
        raise ArgumentError(f"test_split must be at least 0 and under 1, the share of the samples kept for the test, got {test_split!r}.")


def shuffled(x: Array, y: Array, random: np.random.RandomState) -> tuple[Array, Array]:
    """Both in the same new order."""
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def split(x: Array, y: Array, test_split: float) -> Split:
    """The first `int(len(x) * (1 - test_split))` samples, and the others.

    >>> (_, train), (_, test) = split(np.zeros((5, 2)), np.arange(5), test_split=0.2)
    >>> train, test
    (array([0, 1, 2, 3]), array([4]))
    """
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
