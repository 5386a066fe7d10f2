"""Wine: 178 Italian wines of three vineyards, 13 figures of each. They come with scikit-learn.

M. Forina et al., UCI repository, 1991.
"""

from __future__ import annotations

from cornu.datasets.bundled import load
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data(test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The wines, shuffled and cut in two.

    Args:
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x float64 of shape (n, 13); y int64 of shape (n,), the vineyards 0 to 2.

    Raises:
        ArgumentError: `test_split` is no such share.
        BackendError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((142, 13), (36, 13))
    """
    return load("wine", test_split, seed)
