"""Making arrays and changing their shape, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import broadcast_to, concatenate, flip, repeat, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu.dtypes import numpy_dtype

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip


def full(shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    return np.full(shape, value, numpy_dtype(dtype))


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    return np.arange(start, stop, step).astype(numpy_dtype(dtype))


def pad(x: Any, pad_width: Sequence[tuple[int, int]], mode: Any, value: Any) -> Any:
    return np.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else np.pad(x, pad_width, mode)


def view(x: Any, dtype: str) -> Any:
    return x.view(numpy_dtype(dtype))
