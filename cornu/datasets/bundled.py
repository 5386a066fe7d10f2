"""The small data sets that come with scikit-learn, in the manner of the others; no network is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.datasets.splitting import Split, check_split, shuffled, split
from cornu.errors import BackendError

__all__ = ["load", "scikit_learn_datasets"]


def scikit_learn_datasets() -> Any:
    """The module `sklearn.datasets`."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise BackendError(
            "This data set comes with the package scikit-learn, which is not installed. Install it: pip install 'cornu[data]'"
        ) from error
    return datasets


def load(
    name: str, test_split: float, seed: int | None, *, x_dtype: str = "float64", y_dtype: str = "int64", shape: tuple[int, ...] = ()
) -> Split:
    """A bundled data set, shuffled and cut in two.

    Args:
        name: what scikit-learn calls it.
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.
        x_dtype: dtype of the samples.
        y_dtype: dtype of the targets.
        shape: a sample's shape, if not a row.
    """
    check_split(test_split)
    x, y = getattr(scikit_learn_datasets(), f"load_{name}")(return_X_y=True)
    x = x.reshape(-1, *shape) if shape else x
    return split(*shuffled(x.astype(x_dtype), y.astype(y_dtype), np.random.RandomState(seed)), test_split)
