"""Arrays prepared by hand, before any model sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.errors import ArgumentError

__all__ = ["normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows, float32, from class numbers.

    Args:
        x: whole numbers from 0; a last axis of length 1 goes.
        num_classes: one more than the largest by default.

    Raises:
        ArgumentError: an entry is no whole number, or none from 0 to `num_classes` - 1.

    >>> to_categorical([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = _whole(np.asarray(x))
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = int(labels.max()) + 1 if num_classes is None and labels.size else int(num_classes or 0)
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise ArgumentError(f"Class numbers must be from 0 to num_classes - 1 = {count - 1}, got {labels.min()} to {labels.max()}.")
    rows = np.zeros((*labels.shape, count), dtype="float32")
    if labels.size:
        np.put_along_axis(rows, labels[..., None], 1, axis=-1)
    return rows


def _whole(labels: np.ndarray) -> np.ndarray:
    """The labels as int64."""
    try:
        with np.errstate(invalid="ignore"):  # what is not finite differs from the number that it becomes
            whole = labels.astype("int64")
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(
            f"Class numbers must be numbers, got an array of {labels.dtype}: {str(labels)[:80]}. Number the classes from 0 first."
        ) from None
    if not np.issubdtype(labels.dtype, np.integer) and not np.array_equal(labels, whole):
        raise ArgumentError(f"Class numbers must be whole, got an array of {labels.dtype} with others: {str(labels)[:80]}.")
    return whole


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """A NumPy array divided by its norm along an axis; vectors of length 0 stay as they are.

    >>> normalize([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    values = np.asarray(x)
    length = np.atleast_1d(np.linalg.norm(values, order, axis, keepdims=True))
    return values / np.where(length == 0, 1, length)
