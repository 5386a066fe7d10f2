"""Projections of weights, applied after each update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu import config as settings
from cornu import ops, serialization
from cornu.configurable import Configurable
from cornu.ops.arguments import Array
from cornu.registry import CONSTRAINTS

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm", "non_neg", "serialize",
    "unit_norm",
]  # fmt: skip

Axes = int | Sequence[int]


class Constraint(Configurable):
    """The base of projections: a subclass defines `__call__(self, w)`, which gives the projected weight.

    >>> class Capped(Constraint):
    ...     def __call__(self, w):
    ...         return ops.minimum(w, 1.0)
    >>> Capped()([0.5, 2.0]).tolist()
    [0.5, 1.0]
    """

    def __call__(self, w: Array) -> Array:
        """The projection of `w`, of the same shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, w)`.")


def _norms(w: Array, axis: Axes) -> Array:
    return ops.sqrt(ops.sum(ops.square(w), axis, keepdims=True))


def _scaled(w: Array, wanted: Array, norms: Array) -> Array:
    """`w` with its norms brought to the wanted ones; a norm of 0 stays 0."""
    return ops.multiply(w, ops.divide(wanted, ops.add(norms, settings.epsilon())))


@CONSTRAINTS.add
class MaxNorm(Constraint):
    """Norms of at most a bound: `w * min(norm, max_value) / norm` (N. Srivastava and others, "Dropout", 2014).

    Args:
        max_value: the bound.
        axis: the axes over which a norm is taken: 0 for a Dense kernel (input, output), `[0, 1, 2]` for that of a Conv2D.

    >>> MaxNorm(1.0)([[3.0], [4.0]]).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Array) -> Array:
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return _scaled(w, ops.clip(norms, 0, self.max_value), norms)


@CONSTRAINTS.add
class NonNeg(Constraint):
    """No number below 0: `max(w, 0)`.

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        return ops.maximum(ops.convert_to_tensor(w), 0)


@CONSTRAINTS.add
class UnitNorm(Constraint):
    """Norms of 1: `w / norm`.

    Args:
        axis: the axes over which a norm is taken.

    >>> UnitNorm()([[3.0], [4.0]]).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, axis: Axes = 0) -> None:
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        w = ops.convert_to_tensor(w)
        return ops.divide(w, ops.add(_norms(w, self.axis), settings.epsilon()))


@CONSTRAINTS.add
class MinMaxNorm(Constraint):
    """Norms drawn between two bounds: `w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / norm`.

    Args:
        min_value, max_value: the bounds.
        rate: how far towards the bounds an update goes, from 0 to 1.
        axis: the axes over which a norm is taken.

    >>> MinMaxNorm(10.0, 20.0)([[3.0], [4.0]]).tolist()
    [[6.0], [8.0]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axes = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Array) -> Array:
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        wanted = ops.add(ops.multiply(ops.clip(norms, self.min_value, self.max_value), self.rate), ops.multiply(norms, 1 - self.rate))
        return _scaled(w, wanted, norms)


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier: Any) -> Any:
    """A constraint from one, a name, a configuration, a class, or any function of a weight; None gives None.

    >>> get("non_neg")
    NonNeg()
    """
    return CONSTRAINTS.get(identifier)


def serialize(constraint: Any) -> dict[str, Any]:
    """The constraint's configuration, as `deserialize` reads it."""
    return serialization.serialize(constraint)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint that a configuration describes."""
    return serialization.deserialize(config, custom_objects, CONSTRAINTS)
