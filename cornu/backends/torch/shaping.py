"""Making arrays and changing their shape, in PyTorch."""

import torch
from torch import broadcast_to, flip, permute, reshape, roll, stack, tensor_split, tile, tril, triu

from cornu.backends.torch.core import asarray, device, native_dtype

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "linspace", "pad", "repeat", "reshape", "roll", "split", "stack", "tile",
    "transpose", "tril", "triu",
]  # fmt: skip

transpose = permute


def concatenate(xs, axis):
    return torch.cat(xs, axis)


def split(x, indices_or_sections, axis):
    return list(tensor_split(x, indices_or_sections, axis))


def full(shape, value, dtype):
    if isinstance(value, torch.Tensor):
        return value.to(native_dtype(dtype)).expand(shape).clone()
    return torch.full(shape, value, dtype=native_dtype(dtype), device=device())


def arange(start, stop, step, dtype):
    return torch.arange(start, stop, step, device=device()).to(native_dtype(dtype))


def linspace(start, stop, num, endpoint, dtype, axis):
    start, stop = (asarray(v, dtype) for v in (start, stop))
    steps = torch.arange(num, dtype=start.dtype, device=start.device) / max(num - 1 if endpoint else num, 1)
    values = start + torch.tensordot(steps, stop - start, 0)
    return torch.movedim(values, 0, axis)


def repeat(x, repeats, axis):
    return torch.repeat_interleave(x, repeats if isinstance(repeats, int) else torch.as_tensor(repeats, device=x.device), axis)


def pad(x, pad_width, mode, value):
    if mode == "constant":
        flat = [n for pair in reversed(pad_width) for n in pair]
        return torch.nn.functional.pad(x, flat, value=value)
    for axis, (low, high) in enumerate(pad_width):
        if low or high:
            x = torch.index_select(x, axis, _mirrored(x.shape[axis], low, high, mode).to(x.device))
    return x


def _mirrored(length, low, high, mode):
    """Positions along an axis continued beyond its ends: mirrored at the ends, or with them ("symmetric"), or the ends repeated ("edge")."""
    index = torch.arange(-low, length + high)
    if mode == "edge":
        return index.clamp(0, length - 1)
    if mode == "wrap":
        return index % length
    period = 2 * length if mode == "symmetric" else max(2 * (length - 1), 1)
    index = index % period
    return torch.where(index >= length, period - index - (1 if mode == "symmetric" else 0), index)
