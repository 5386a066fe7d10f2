"""Iris: 150 flowers of three species, four measures of each. They come with scikit-learn.

R. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7, 1936.
"""

from __future__ import annotations

from cornu.datasets.bundled import load
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data(test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The flowers, shuffled and cut in two.

    Args:
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x float64 of shape (n, 4), lengths and widths of sepal and petal in cm; y int64 of
        shape (n,), 0 setosa, 1 versicolor, 2 virginica.

    Raises:
        ArgumentError: `test_split` is no such share.
        BackendError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((120, 4), (30, 4))
    """
    return load("iris", test_split, seed)
