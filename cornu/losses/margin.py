"""Losses of margins: 0 where an output lies on the right side by 1 or more."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.losses.loss import FunctionLoss
from cornu.losses.reduction import same_shape
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


def hinge(y_true: Array, y_pred: Array) -> Array:
    """Mean of `max(1 - t y, 0)` along the last axis.

    Args:
        y_true: -1 or 1; targets that are all 0 or 1 are taken as -1 and 1.
        y_pred: outputs of the same shape.

    Raises:
        ShapeError: the shapes differ.

    >>> hinge([[0, 1]], [[0.5, 0.3]]).tolist()
    [1.1]
    """
    return ops.mean(_margin(y_true, y_pred, "hinge"), -1)


def squared_hinge(y_true: Array, y_pred: Array) -> Array:
    """Mean of `max(1 - t y, 0)²` along the last axis. Arguments as for `hinge`.

    >>> squared_hinge([[0, 1]], [[0.5, 0.3]]).tolist()
    [1.37]
    """
    return ops.mean(ops.square(_margin(y_true, y_pred, "squared_hinge")), -1)


def categorical_hinge(y_true: Array, y_pred: Array) -> Array:
    """`max(1 + n - p, 0)`, p the output of the right class (`sum(t y)`) and n the largest of the others (`max((1 - t) y)`).

    Args:
        y_true: one-hot targets.
        y_pred: outputs of the same shape.

    Raises:
        ShapeError: the shapes differ.

    >>> categorical_hinge([[0, 1]], [[0.5, 0.3]]).tolist()
    [1.2]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "categorical_hinge")
    right = ops.sum(y_true * y_pred, -1)
    wrong = ops.max((1.0 - y_true) * y_pred, -1)
    return ops.maximum(1.0 + wrong - right, 0.0)


def _margin(y_true: Array, y_pred: Array, name: str) -> Array:
    y_true, y_pred = same_shape(y_true, y_pred, name)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.maximum(1.0 - ops.where(binary, 2.0 * y_true - 1.0, y_true) * y_pred, 0.0)


for _function in (hinge, squared_hinge, categorical_hinge):
    LOSSES.add(_function)


@LOSSES.add
class Hinge(FunctionLoss):
    """The mean of `max(1 - t y, 0)`, for targets -1 and 1 (or 0 and 1).

    >>> Hinge()([[0, 1]], [[0.5, 0.3]]).tolist()
    1.1
    """

    _function_ = staticmethod(hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class SquaredHinge(FunctionLoss):
    """The mean of `max(1 - t y, 0)²`, for targets -1 and 1 (or 0 and 1).

    >>> SquaredHinge()([[0, 1]], [[0.5, 0.3]]).tolist()
    1.37
    """

    _function_ = staticmethod(squared_hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class CategoricalHinge(FunctionLoss):
    """The mean of `max(1 + n - p, 0)`, for one-hot targets: p the right class's output, n the largest other.

    >>> CategoricalHinge()([[0, 1]], [[0.5, 0.3]]).tolist()
    1.2
    """

    _function_ = staticmethod(categorical_hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)
