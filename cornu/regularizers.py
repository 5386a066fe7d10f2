"""Penalties on weights or outputs, added to the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cornu import ops, serialization
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array
from cornu.registry import REGULARIZERS

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2", "orthogonal_regularizer",
    "serialize",
]  # fmt: skip


class Regularizer(Configurable):
    """The base of penalties: a subclass defines `__call__(self, x)`, which gives a number for an array.

    >>> class Size(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.absolute(x))
    >>> float(Size()([-3.0, 1.0]))
    3.0
    """

    def __call__(self, x: Array) -> Array:
        """The penalty on `x`, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, x)`.")


def _factor(name: str, value: Any) -> Any:
    """`value`, checked to be a number from 0 upwards."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, (str, bool)) or not 0 <= number < math.inf:
        raise ArgumentError(f"A regularizer's {name} must be a finite number of at least 0, got {value!r}.")
    return value


@REGULARIZERS.add
class L1(Regularizer):
    """The sum of absolute values, which makes weights sparse (R. Tibshirani, 1996): `l1 * sum(|x|)`.

    Args:
        l1: the factor; 0.01 if None.

    >>> float(L1(0.5)([1.0, -3.0]))
    2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Array) -> Array:
        return ops.multiply(ops.sum(ops.absolute(x)), self.l1)


@REGULARIZERS.add
class L2(Regularizer):
    """The sum of squares, which keeps weights small (A. Hoerl, R. Kennard, 1970): `l2 * sum(x ** 2)`.

    Args:
        l2: the factor; 0.01 if None.

    >>> float(L2(0.5)([1.0, -3.0]))
    5.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Array) -> Array:
        return ops.multiply(ops.sum(ops.square(x)), self.l2)


class L1L2(Regularizer):
    """Both sums, the elastic net (H. Zou, T. Hastie, 2005): `l1 * sum(|x|) + l2 * sum(x ** 2)`.

    Args:
        l1, l2: the factors; 0 if None.

    >>> float(L1L2(0.5, 0.25)([1.0, -3.0]))
    4.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Array) -> Array:
        return ops.add(ops.multiply(ops.sum(ops.absolute(x)), self.l1), ops.multiply(ops.sum(ops.square(x)), self.l2))


REGULARIZERS.add(L1L2, "l1_l2", "l1l2")


@REGULARIZERS.add
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of `|cos|` of the angles between every two rows (or columns) of a matrix.

    It is 0 where all are orthogonal, and `factor` where all are parallel.

    Args:
        factor: the factor.
        mode: "rows" or "columns".

    >>> float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ArgumentError(f"mode must be 'rows' or 'columns', got {mode!r}.")
        self.factor, self.mode = _factor("factor", factor), mode

    def __call__(self, x: Array) -> Array:
        x = ops.convert_to_tensor(x)
        if len(x.shape) != 2:
            raise ShapeError(f"OrthogonalRegularizer needs a matrix, got the shape {tuple(x.shape)}. Reshape the weight to two axes first.")
        rows = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        count = rows.shape[0]
        cosines = ops.matmul(rows, ops.transpose(rows))  # (rows, rows)
        cosines = ops.multiply(cosines, ops.subtract(1.0, ops.eye(count, dtype=rows.dtype)))  # those of pairs: no row with itself
        return ops.multiply(ops.sum(ops.absolute(cosines)), self.factor / max(count * (count - 1), 1))


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """A regularizer from one, a name, a configuration, a class, or any function of an array; None gives None.

    >>> get("l2")
    L2()
    """
    return REGULARIZERS.get(identifier)


def serialize(regularizer: Any) -> dict[str, Any]:
    """The regularizer's configuration, as `deserialize` reads it."""
    return serialization.serialize(regularizer)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer that a configuration describes."""
    return serialization.deserialize(config, custom_objects, REGULARIZERS)
