"""Digits: 1,797 pictures of handwritten digits, 8×8 grey points each. They come with scikit-learn.

E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI repository, 1998.
"""

from __future__ import annotations

from typing import Any

from cornu.datasets.bundled import load, scikit_learn_datasets
from cornu.datasets.splitting import Split

__all__ = ["load_data", "load_digits"]


def load_data(test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The pictures, shuffled and cut in two.

    Args:
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x uint8 of shape (n, 8, 8), 0 to 16; y uint8 of shape (n,), the digits 0 to 9.

    Raises:
        ArgumentError: `test_split` is no such share.
        BackendError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((1437, 8, 8), (360, 8, 8))
    """
    return load("digits", test_split, seed, x_dtype="uint8", y_dtype="uint8", shape=(8, 8))


def load_digits(*, n_class: int = 10, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """The same digits as scikit-learn gives them: one bunch, in the order of the file, not cut in two.

    Args:
        n_class: how many of the ten digits, from 0 on.
        return_X_y: only `(data, target)`, not the bunch.
        as_frame: as tables of pandas.

    Returns:
        A bunch with `data` (1797, 64) and `images` (1797, 8, 8), float64 0 to 16, and `target` (1797,), the digits.

    Raises:
        BackendError: scikit-learn is not installed.

    >>> load_digits().data.shape
    (1797, 64)
    """
    return scikit_learn_datasets().load_digits(n_class=n_class, return_X_y=return_X_y, as_frame=as_frame)
