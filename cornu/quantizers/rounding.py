"""Floats as whole numbers of few bits times a scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.ops.core import stop_gradient

__all__ = ["abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "fake_quant_with_min_max_vars"]


def abs_max_quantize(
    inputs: Array,
    axis: int | Sequence[int] | None,
    value_range: Sequence[int] = (-127, 127),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array]:
    """Whole numbers such that the largest magnitude becomes the end of the range: `round(x * scale)`, `scale = high / (max|x| + epsilon)`.

    Args:
        inputs: floats.
        axis: the axes over which the maximum is taken; all if None.
        value_range: the smallest and the largest whole number.
        dtype: that of the whole numbers.
        epsilon: keeps the scale finite where all is 0.
        to_numpy: whether to compute in NumPy, which spares an accelerator's memory for large weights.

    Gives the whole numbers in the shape of the inputs, and the scale, of length 1 along the axes: `x ≈ whole / scale`.

    >>> import numpy as np
    >>> whole, scale = abs_max_quantize(np.array([[0.5, -2.0]]), axis=-1)
    >>> whole.tolist()
    [[32, -127]]
    """
    low, high = value_range
    x = ops.convert_to_numpy(inputs) if to_numpy else ops.convert_to_tensor(inputs)
    kind = ops.dtype(x)
    largest = ops.max(ops.abs(x), axis=axis if axis is None or isinstance(axis, int) else tuple(axis), keepdims=True)
    scale = ops.cast(ops.divide(high, ops.add(largest, epsilon)), kind)
    whole = ops.clip(ops.round(ops.multiply(x, scale)), low, high)
    return ops.cast(whole, dtype), scale


def abs_max_quantize_grouped_with_zero_point(
    inputs: Array,
    block_size: int,
    value_range: Sequence[int] = (-8, 7),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array, Array]:
    """Whole numbers with a scale and a zero point for each block of rows: `round(x / scale) + zero`.

    `scale = (max - min + epsilon) / (high - low)`, `zero = round(-min / scale) + low`. A last block that is short counts as filled with 0;
    of a block of equal numbers, the minimum is taken 1 lower and the maximum 1 higher.

    Args:
        inputs: floats, (rows, columns).
        block_size: the number of rows in a block; -1 for one block.
        value_range: the smallest and the largest whole number.
        dtype: that of the whole numbers and zero points.
        epsilon: keeps the scale above 0.
        to_numpy: whether to compute in NumPy.

    Gives the whole numbers (rows, columns), the scales and the zero points (blocks, columns): `x ≈ (whole - zero) * scale`.

    >>> import numpy as np
    >>> whole, scale, zero = abs_max_quantize_grouped_with_zero_point(np.array([[0.0], [1.5]], "float32"), 2)
    >>> whole.tolist(), round(float(scale[0, 0]), 5), zero.tolist()
    ([[-8], [7]], 0.1, [[-8]])
    """
    low, high = value_range
    x = ops.convert_to_numpy(inputs) if to_numpy else ops.convert_to_tensor(inputs)
    rows, columns = x.shape
    length = rows if block_size == -1 else min(block_size, rows)
    if not isinstance(length, int) or length < 1:
        raise ArgumentError(f"block_size must be a whole number of at least 1, or -1, got {block_size!r}.")
    missing = -rows % length
    blocks = ops.reshape(ops.pad(x, ((0, missing), (0, 0))), (-1, length, columns))  # (blocks, length, columns)
    least, most = ops.min(blocks, axis=1, keepdims=True), ops.max(blocks, axis=1, keepdims=True)
    spare = ops.cast(ops.equal(least, most), least.dtype)  # where all are equal, a range of 1 on either side
    least, most = ops.subtract(least, spare), ops.add(most, spare)
    scale = ops.divide(ops.add(ops.subtract(most, least), epsilon), high - low)
    zero = ops.clip(ops.add(ops.round(ops.divide(ops.negative(least), scale)), low), low, high)
    whole = ops.clip(ops.add(ops.round(ops.divide(blocks, scale)), zero), low, high)
    whole = ops.reshape(whole, (-1, columns))[:rows]
    return ops.cast(whole, dtype), ops.squeeze(scale, 1), ops.cast(ops.squeeze(zero, 1), dtype)


def fake_quant_with_min_max_vars(
    inputs: Array, min_vals: Any, max_vals: Any, num_bits: int = 8, narrow_range: bool = False, axis: int | None = None
) -> Array:
    """The nearest of `2**num_bits` evenly spaced numbers between a minimum and a maximum, which are moved a little such that 0 is one of them.

    The gradient is 1 between the two and 0 outside, as in quantisation-aware training.

    Args:
        inputs: floats.
        min_vals, max_vals: numbers; with `axis`, one for each place along it.
        num_bits: from 2 to 16.
        narrow_range: whether the lowest number is left out.
        axis: the axis with a range of its own for each place.

    B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
    https://arxiv.org/abs/1712.05877.

    >>> fake_quant_with_min_max_vars([0.3, 5.0], 0.0, 3.0, num_bits=2).tolist()
    [0.0, 3.0]
    """
    if not isinstance(num_bits, int) or not 2 <= num_bits <= 16:
        raise ArgumentError(f"num_bits must be a whole number from 2 to 16, got {num_bits!r}.")
    x = ops.convert_to_tensor(inputs)
    x = x if "float" in ops.dtype(x) else ops.cast(x, "float32")
    shape = [1] * len(x.shape)
    if axis is not None:
        shape[axis] = x.shape[axis]
    least, most = (ops.reshape(ops.cast(v, x.dtype), shape) for v in (min_vals, max_vals))
    low, high = int(narrow_range), 2**num_bits - 1
    empty = ops.equal(most, least)
    scale = ops.where(empty, ops.ones_like(least), ops.divide(ops.subtract(most, least), high - low))
    zero = ops.clip(ops.round(ops.subtract(low, ops.divide(least, scale))), low, high)
    least, most = ops.multiply(ops.subtract(low, zero), scale), ops.multiply(ops.subtract(high, zero), scale)
    steps = ops.floor(ops.add(ops.divide(ops.subtract(ops.clip(x, least, most), least), scale), 0.5))
    near = ops.where(empty, ops.zeros_like(x), ops.add(ops.multiply(steps, scale), least))
    inside = ops.cast(ops.logical_and(ops.greater_equal(x, least), ops.less_equal(x, most)), x.dtype)
    return ops.add(stop_gradient(near), ops.multiply(inside, ops.subtract(x, stop_gradient(x))))
