"""Two numbers of four bits in one byte."""

from __future__ import annotations

from cornu import ops
from cornu.errors import ArgumentError, DTypeError
from cornu.ops.arguments import Array

__all__ = ["pack_int4", "unpack_int4"]

BYTES = ("int8", "uint8")


def _check(dtype: str) -> None:
    if dtype not in BYTES:
        raise ArgumentError(f"Numbers of four bits stand in int8 or uint8, got dtype={dtype!r}.")


def pack_int4(arr: Array, axis: int = 0, dtype: str = "int8") -> tuple[Array, tuple[int, ...], int]:
    """Two neighbours along an axis in one byte: the first in its low four bits, the second in its high four; an odd end is filled with 0.

    Args:
        arr: whole numbers of that dtype, from -8 to 7, or 0 to 15 if unsigned.
        axis: along which neighbours are joined.
        dtype: "int8" or "uint8".

    Gives the bytes, their shape, and the length that the axis had.

    >>> import numpy as np
    >>> packed, shape, length = pack_int4(np.array([1, 2, -1], "int8"))
    >>> packed.tolist(), shape, length
    ([33, 15], (2,), 3)
    """
    _check(dtype)
    x = ops.convert_to_tensor(arr)
    if ops.dtype(x) != dtype:
        raise DTypeError(f"Numbers to pack must be of dtype {dtype}, got {ops.dtype(x)}. Cast them first.")
    axis = axis % len(x.shape)
    length = x.shape[axis]
    x = ops.moveaxis(x, axis, 0)
    x = ops.pad(x, ((0, length % 2), *[(0, 0)] * (len(x.shape) - 1)))
    packed = ops.bitwise_or(ops.bitwise_and(x[0::2], _byte(15, dtype)), ops.left_shift(x[1::2], _byte(4, dtype)))
    packed = ops.moveaxis(packed, 0, axis)
    return packed, tuple(packed.shape), length


def unpack_int4(packed: Array, orig_len: int, axis: int = 0, dtype: str = "int8") -> Array:
    """What `pack_int4` joined.

    Args:
        packed: the bytes.
        orig_len: the length that the axis had.
        axis, dtype: as for `pack_int4`.

    >>> import numpy as np
    >>> unpack_int4(np.array([33, 15], "int8"), 3).tolist()
    [1, 2, -1]
    """
    _check(dtype)
    x = ops.convert_to_tensor(packed)
    if ops.dtype(x) != dtype:
        raise DTypeError(f"Bytes to unpack must be of dtype {dtype}, got {ops.dtype(x)}. Cast them first.")
    axis = axis % len(x.shape)
    x = ops.moveaxis(x, axis, 0)
    four = _byte(4, dtype)
    high = ops.right_shift(x, four)  # of int8, with its sign
    low = ops.right_shift(ops.left_shift(x, four), four) if dtype == "int8" else ops.bitwise_and(x, _byte(15, dtype))
    both = ops.reshape(ops.stack([low, high], axis=1), (2 * x.shape[0], *x.shape[1:]))[:orig_len]
    return ops.moveaxis(both, 0, axis)


def _byte(value: int, dtype: str) -> Array:
    return ops.convert_to_tensor(value, dtype)
