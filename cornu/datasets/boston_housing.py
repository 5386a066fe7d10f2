"""Boston housing: prices of homes in 506 suburbs of Boston in the 1970s, with 13 figures of each.

D. Harrison, D. Rubinfeld, "Hedonic prices and the demand for clean air", J. Environ. Economics & Management 5, 1978. One of the figures was made
on the assumption that segregation raises prices; `california_housing` with `version="small"` takes this data set's place.
"""

from __future__ import annotations

import numpy as np

from cornu.datasets.npz import read_npz
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Split, check_split, shuffled, split

__all__ = ["load_data"]


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The suburbs, shuffled and cut in two.

    Args:
        path: what the file is called in the cache's folder `datasets`.
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x float64 of shape (n, 13); y float64 of shape (n,), thousands of dollars.

    Raises:
        ArgumentError: `test_split` is no such share.
        SavingError: the file is not in the cache and could not be fetched; the message says where to put it.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.boston_housing.load_data()
    """
    check_split(test_split)
    x, y = read_npz(fetch("boston_housing", path), ("x", "y"))
    return split(*shuffled(x, y, np.random.RandomState(seed)), test_split)
