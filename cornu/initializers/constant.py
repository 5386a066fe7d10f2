"""Initializers without chance: zeros, ones, a value, the identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.errors import ShapeError
from cornu.initializers.initializer import Initializer, asked
from cornu.ops.arguments import Array, as_shape
from cornu.registry import INITIALIZERS

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Zeros(Initializer):
    """Zeros; False for booleans.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        return ops.zeros(*asked(self, shape, dtype, kwargs))


class Ones(Initializer):
    """Ones; True for booleans.

    >>> Ones()((2,), "int32").tolist()
    [1, 1]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        return ops.ones(*asked(self, shape, dtype, kwargs))


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts to the shape.

    Args:
        value: a number or an array.

    >>> Constant([1, 2])((2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """

    def __init__(self, value: Array = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        shape, dtype = asked(self, shape, dtype, kwargs)
        return ops.broadcast_to(ops.cast(self.value, dtype), shape)


class Given(Constant):
    """An array that somebody gave in an initializer's place: it must have the weight's shape. Files call it a Constant.

    Args:
        value: the array.
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        if tuple(self.value.shape) != as_shape(shape):
            raise ShapeError(f"An array given as an initializer must have the weight's shape, {shape}, got {tuple(self.value.shape)}.")
        return super().__call__(shape, dtype, **kwargs)

    def _config_head_(self) -> dict[str, Any]:
        """The name under which files know it."""
        return {"module": "keras.initializers", "class_name": "Constant", "registered_name": None}


class Identity(Initializer):
    """The identity matrix times `gain`: `gain` where the row's number is the column's, else 0.

    Args:
        gain: the factor.

    Raises:
        ShapeError: the shape has not two axes.

    >>> Identity(2.0)((2, 3)).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        shape, dtype = asked(self, shape, dtype, kwargs)
        if len(shape) != 2:
            raise ShapeError(f"Identity makes matrices, so the shape must have two axes, got {shape}.")
        return ops.multiply(ops.eye(*shape, dtype=dtype), ops.cast(self.gain, dtype))


INITIALIZERS.add(Zeros, "zero")
INITIALIZERS.add(Ones, "one")
INITIALIZERS.add(Constant)
INITIALIZERS.add(Identity, "IdentityInitializer")
