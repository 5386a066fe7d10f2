"""California housing: prices of homes in 20,640 districts of California in 1990, with 8 figures of each.

R. Pace, R. Barry, "Sparse spatial autoregressions", Statistics & Probability Letters 33, 1997. The figures: median income, age of houses,
rooms and bedrooms a household, inhabitants, members a household, latitude, longitude.
"""

from __future__ import annotations

import numpy as np

from cornu.datasets.npz import read_npz
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Split, check_split, shuffled, split
from cornu.errors import ArgumentError

__all__ = ["load_data"]

_SMALL = 600


def load_data(version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int | None = 113) -> Split:
    """The districts, shuffled and cut in two.

    Args:
        version: "large" for all of them, "small" for the first 600.
        path: what the file is called in the cache's folder `datasets`.
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x of shape (n, 8); y of shape (n,), dollars.

    Raises:
        ArgumentError: another version, or `test_split` is no such share.
        SavingError: the file is not in the cache and could not be fetched; the message says where to put it.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.california_housing.load_data(version="small")
    """
    if version not in ("small", "large"):
        raise ArgumentError(f"version must be 'small' (600 districts) or 'large' (20,640), got {version!r}.")
    check_split(test_split)
    x, y = read_npz(fetch("california_housing", path), ("x", "y"))
    if version == "small":
        x, y = x[:_SMALL], y[:_SMALL]
    return split(*shuffled(x, y, np.random.RandomState(seed)), test_split)
