"""Handwritten digits of 8×8 points, as programs that mix Keras and scikit-learn ask `keras.datasets` for them."""

from __future__ import annotations

from typing import Any

from cornu.compat.notice import notice
from cornu.errors import BackendError

__all__ = ["load_digits"]


def load_digits(*, n_class: int = 10, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """scikit-learn's 1,797 digits: `data` (1797, 64) from 0 to 16, `target` (1797,), `images` (1797, 8, 8).

    Args:
        n_class: how many of the ten digits.
        return_X_y: give (data, target) alone.
        as_frame: as pandas frames.

    >>> load_digits().data.shape
    (1797, 64)
    """
    notice("keras.datasets.load_digits", "is `sklearn.datasets.load_digits`")
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise BackendError("load_digits needs the package 'scikit-learn'. Install it with `pip install scikit-learn`.") from error
    return datasets.load_digits(n_class=n_class, return_X_y=return_X_y, as_frame=as_frame)
