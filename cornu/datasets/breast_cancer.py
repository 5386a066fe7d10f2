"""Breast cancer Wisconsin: 569 tumours, 30 figures of each one's cell nuclei. They come with scikit-learn.

W. Street, W. Wolberg, O. Mangasarian, "Nuclear feature extraction for breast tumor diagnosis", 1993.
"""

from __future__ import annotations

from cornu.datasets.bundled import load
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data(test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The tumours, shuffled and cut in two.

    Args:
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x float64 of shape (n, 30); y int64 of shape (n,), 0 malignant, 1 benign.

    Raises:
        ArgumentError: `test_split` is no such share.
        BackendError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((455, 30), (114, 30))
    """
    return load("breast_cancer", test_split, seed)
