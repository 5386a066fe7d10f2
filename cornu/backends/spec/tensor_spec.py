"""A shape and a dtype, standing for an array that does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import dtypes
from cornu.errors import DTypeError, ShapeError

__all__ = ["STAND_INS", "TensorSpec", "broadcast", "known"]

STAND_INS = (55440, 83160)
"""What an unknown dimension is while shapes are inferred: once the one, once the other. Highly composite, so that splitting
and striding divide them; their greatest common divisor is large, so that what depends on them is seen to differ."""


class TensorSpec:
    """A shape (whole numbers, or None where unknown) and a dtype.

    >>> TensorSpec((None, 3), "float32")
    TensorSpec((None, 3), float32)
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Sequence[int | None], dtype: Any = "float32") -> None:
        self.shape: tuple[Any, ...] = tuple(None if n is None else int(n) for n in shape)
        self.dtype = dtypes.standardize(dtype)
        if any(n is not None and n < 0 for n in self.shape):
            raise ShapeError(f"Dimensions must not be negative, got the shape {self.shape}.")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    def stood_in(self, stand_in: int) -> TensorSpec:
        """The same with a number in place of each unknown dimension."""
        return TensorSpec([stand_in if n is None else n for n in self.shape], self.dtype)

    def __repr__(self) -> str:
        return f"TensorSpec({self.shape}, {self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise ShapeError(f"An array of shape {self.shape} has no known length.")
        return self.shape[0]

    def __bool__(self) -> bool:
        raise DTypeError(
            "A symbolic value has no truth value. Use `ops.where` or `ops.cond` in place of `if`, and `ops.logical_and` in place of `and`."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise DTypeError("A symbolic value holds no numbers, so NumPy cannot read it. Use the function of the same name in `cornu.ops`.")


def known(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """The shape with stand-ins turned back into None: what a layer is built with while shapes are inferred.

    >>> known((55440, 8))
    (None, 8)
    """
    return tuple(None if n is None or (n and n % STAND_INS[0] == 0) else n for n in shape)


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which all of these broadcast. NumPy's own counts the numbers, too many where lengths stand for unknown ones.

    >>> broadcast((3, 1), (4,), ())
    (3, 4)
    """
    rank = max(map(len, shapes), default=0)
    columns = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    lengths = [set(column) - {1} or {1} for column in columns]
    if any(len(found) > 1 for found in lengths):
        raise ShapeError(
            f"Shapes must be equal, or 1 where they differ, counted from the last axis; got {' and '.join(map(str, shapes))}. "
            "Add or drop an axis with `ops.expand_dims` or `ops.squeeze`, or check that the right arrays meet here."
        )
    return tuple(found.pop() for found in lengths)
