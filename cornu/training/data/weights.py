"""Class weights as sample weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cornu import tree
from cornu.errors import DataError
from cornu.training.data.columns import host

__all__ = ["class_weighting"]


def class_weighting(class_weight: Any) -> Callable[[Any], np.ndarray]:
    """The function from targets to the weight of each row.

    Targets are class numbers, of shape (rows,) or (rows, 1), or one-hot rows, whose largest entry names the class. A class without a weight
    in `class_weight` weighs 1.

    >>> class_weighting({0: 1.0, 1: 5.0})(np.array([0, 1, 2])).tolist()
    [1.0, 5.0, 1.0]

    Raises:
        DataError: `class_weight` is no dict of numbers, or the targets are several arrays, or rows that are not one-hot.
    """
    if not isinstance(class_weight, Mapping) or not class_weight:
        raise DataError(f"class_weight must be a dict from class numbers to weights, such as {{0: 1.0, 1: 5.0}}, got {class_weight!r}.")
    try:
        classes = np.array([int(k) for k in class_weight], "int64")
        weights = np.array([float(v) for v in class_weight.values()], "float32")
    except (TypeError, ValueError):
        raise DataError(f"class_weight must map whole numbers to numbers, got {dict(class_weight)!r}.") from None
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise DataError(f"Class weights must be finite and not negative, got {dict(class_weight)!r}.")
    ascending = np.argsort(classes)
    classes, weights = classes[ascending], weights[ascending]

    def weigh(y: Any) -> np.ndarray:
        labels = labels_of(y)
        place = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        return np.where(classes[place] == labels, weights[place], np.float32(1.0))

    return weigh


def labels_of(y: Any) -> np.ndarray:
    """The class number of each row."""
    if y is None or tree.is_nested(y):
        what = "no targets" if y is None else f"a {type(y).__name__} of targets"
        raise DataError(f"class_weight goes by the classes in one array of targets, got {what}. Give sample_weight for several outputs.")
    y = host(y, "y")
    if y.ndim > 1 and y.shape[-1] > 1:
        # sequences of class numbers look like one-hot rows, but do not add up to 1; half precision and smoothed labels nearly do
        if not ((y >= 0).all() and (y <= 1).all() and np.allclose(y.sum(axis=-1, dtype="float64"), 1, atol=1e-2)):
            raise DataError(
                f"With class_weight, targets of shape {y.shape} must be one-hot: each entry from 0 to 1, the last axis with sum 1; got others. "
                f"For class numbers, give sample_weight of shape (rows, {', '.join(map(str, y.shape[1:]))}), the weight of each, instead of class_weight."
            )
        return y.argmax(axis=-1)
    return y[..., 0] if y.ndim > 1 else y


def refuse_both(sample_weight: Any, class_weight: Any) -> None:
    """Raises where rows would get weights in two ways."""
    if sample_weight is not None and class_weight is not None:
        raise DataError(
            "Rows get their weights from class_weight or from sample_weight, got both. "
            "Multiply them yourself: sample_weight * np.array([class_weight[c] for c in labels])."
        )
