"""Making arrays and changing their shape, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import broadcast_to, permute, reshape, roll, stack, tensor_split, tile

from cornu.backends.torch.core import device, native_dtype
from cornu.backends.torch.elementwise import widened

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip

transpose = permute


def concatenate(xs: Sequence[Any], axis: Any) -> Any:
    return torch.cat(xs, axis)


def split(x: Any, positions: Sequence[int], axis: Any) -> Any:
    return list(tensor_split(x, positions, axis))


def flip(x: Any, axes: Any) -> Any:
    return widened(lambda x: torch.flip(x, axes))(x)


def tril(x: Any, k: int) -> Any:
    return widened(lambda x: torch.tril(x, k))(x)


def triu(x: Any, k: int) -> Any:
    return widened(lambda x: torch.triu(x, k))(x)


def full(shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(native_dtype(dtype)).expand(shape).clone()
    return torch.full(shape, value, dtype=native_dtype(dtype), device=device())


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    if (stop - start) * step < 0:  # PyTorch refuses what is empty
        stop = start
    return torch.arange(start, stop, step, device=device()).to(native_dtype(dtype))


def repeat(x: Any, repeats: int | Sequence[int], axis: Any) -> Any:
    return torch.repeat_interleave(x, repeats if isinstance(repeats, int) else torch.as_tensor(repeats, device=x.device), axis)


def pad(x: Any, pad_width: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    if mode == "constant":
        flat = [n for pair in reversed(pad_width) for n in pair]
        return torch.nn.functional.pad(x, flat, value=value)
    for axis, (low, high) in enumerate(pad_width):
        if low or high:
            x = x[(slice(None),) * axis + (_mirrored(x.shape[axis], low, high, mode).to(x.device),)]
    return x


def _mirrored(length: int, low: Any, high: Any, mode: str) -> Any:
    """Positions along an axis continued beyond its ends: mirrored at the ends, or with them ("symmetric"), or the ends repeated ("edge")."""
    index = torch.arange(-low, length + high)
    if mode == "edge":
        return index.clamp(0, length - 1)
    if mode == "wrap":
        return index % length
    period = 2 * length if mode == "symmetric" else max(2 * (length - 1), 1)
    index = index % period
    return torch.where(index >= length, period - index - (1 if mode == "symmetric" else 0), index)


def view(x: Any, dtype: str) -> Any:
    return x.contiguous().view(native_dtype(dtype))
