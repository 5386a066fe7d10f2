"""Making arrays and changing their shape, in NumPy."""

import numpy as np
from numpy import broadcast_to, concatenate, flip, repeat, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu.dtypes import numpy_dtype

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile",
    "transpose", "tril", "triu", "view",
]  # fmt: skip


def full(shape, value, dtype):
    return np.full(shape, value, numpy_dtype(dtype))


def arange(start, stop, step, dtype):
    return np.arange(start, stop, step).astype(numpy_dtype(dtype))


def pad(x, pad_width, mode, value):
    return np.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else np.pad(x, pad_width, mode)


def view(x, dtype):
    return x.view(numpy_dtype(dtype))
