"""Products in floats of eight bits: scales that follow the largest numbers of the last steps.

P. Micikevicius et al., "FP8 formats for deep learning", https://arxiv.org/abs/2209.05433.
"""

from __future__ import annotations

from typing import Any

from cornu import dtypes, ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array

__all__ = ["FLOAT8_MAX", "compute_float8_amax_history", "compute_float8_scale", "quantize_and_dequantize"]

FLOAT8_MAX = {"float8_e4m3fn": 448.0, "float8_e5m2": 57344.0}
"""The largest number of each format."""


def compute_float8_scale(amax: Array, scale: Array, dtype_max: float, margin: int = 0) -> Array:
    """The scale by which numbers up to `amax` fit into a format: `amax * 2**margin / dtype_max`; the old one where `amax` is 0 or infinite.

    >>> float(compute_float8_scale(4.0, 1.0, 448.0)) * 448
    4.0
    """
    new = ops.multiply(ops.divide(amax, dtype_max), 2.0**margin)
    known = ops.logical_and(ops.greater(amax, 0.0), ops.isfinite(amax))
    return ops.where(known, new, scale)


def compute_float8_amax_history(x: Array, amax_history: Array) -> Array:
    """The history of largest magnitudes, moved on by one, with that of `x` in front.

    >>> compute_float8_amax_history([1.0, -5.0], [1.0, 2.0, 3.0]).tolist()
    [5.0, 3.0, 1.0]
    """
    history = ops.convert_to_tensor(amax_history)
    newest = ops.reshape(ops.cast(ops.max(ops.abs(x)), history.dtype), (1,))
    return ops.concatenate([newest, ops.roll(history, -1)[1:]])


def quantize_and_dequantize(inputs: Array, scale: Array, quantized_dtype: Any, compute_dtype: Any) -> Array:
    """What is left of numbers that went through a float of eight bits: `float8(clip(x / scale)) * scale`.

    Args:
        inputs: floats.
        scale: what they are divided by meanwhile.
        quantized_dtype: "float8_e4m3fn" or "float8_e5m2".
        compute_dtype: that of the result.

    >>> import numpy as np
    >>> quantize_and_dequantize(np.array([1.0, 1.03], "float32"), 1.0, "float8_e4m3fn", "float32").tolist()
    [1.0, 1.0]
    """
    kind = dtypes.standardize(quantized_dtype)
    if kind not in FLOAT8_MAX:
        raise ArgumentError(f"quantized_dtype must be one of {', '.join(FLOAT8_MAX)}, got {quantized_dtype!r}.")
    most = FLOAT8_MAX[kind]
    scale = ops.cast(scale, compute_dtype)
    within = ops.clip(ops.divide(ops.cast(inputs, compute_dtype), scale), -most, most)
    return ops.multiply(ops.cast(ops.cast(within, kind), compute_dtype), scale)
