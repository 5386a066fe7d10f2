"""Diabetes: 442 patients, ten figures of each, and how far the disease had gone a year later. They come with scikit-learn.

B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least angle regression", Annals of Statistics 32, 2004.
"""

from __future__ import annotations

from cornu.datasets.bundled import load
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data(test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The patients, shuffled and cut in two.

    Args:
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x float64 of shape (n, 10), each column of mean 0 and norm 1; y float64 of shape (n,), 25 to 346.

    Raises:
        ArgumentError: `test_split` is no such share.
        BackendError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((353, 10), (89, 10))
    """
    return load("diabetes", test_split, seed, y_dtype="float64")
