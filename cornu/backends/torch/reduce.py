"""Reductions, scans and orders in PyTorch."""

import torch

from cornu.backends.torch.elementwise import widened

__all__ = ["all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "searchsorted", "sort", "sum", "top_k"]

_UNORDERED = frozenset((torch.bool, torch.uint16, torch.uint32, torch.uint64))


def _over_axes(reduction):
    """In PyTorch an empty tuple of axes means all of them; here it means none."""
    return lambda x, axis, keepdims: widened(lambda x: reduction(x, axis, keepdims))(x) if axis else x


def _ordered(x):
    """In a dtype whose values PyTorch compares."""
    return x.to(torch.int64) if x.dtype in _UNORDERED else x


sum = _over_axes(lambda x, axis, keepdims: torch.sum(x, axis, keepdims, dtype=x.dtype))
mean, max, min, any, all = (_over_axes(f) for f in (torch.mean, torch.amax, torch.amin, torch.any, torch.all))


def prod(x, axis, keepdims):
    for a in sorted(axis, reverse=True):
        x = widened(lambda x, a=a: torch.prod(x, a, keepdims, dtype=x.dtype))(x)
    return x


def argmax(x, axis, keepdims):
    return torch.argmax(_ordered(x), axis, keepdims).to(torch.int32)


def argmin(x, axis, keepdims):
    return torch.argmin(_ordered(x), axis, keepdims).to(torch.int32)


def cumsum(x, axis):
    return widened(lambda x: torch.cumsum(x, axis, dtype=x.dtype))(x)


def cumprod(x, axis):
    return widened(lambda x: torch.cumprod(x, axis, dtype=x.dtype))(x)


def sort(x, axis):
    return torch.sort(x, stable=True, dim=axis).values


def argsort(x, axis):
    return torch.sort(x, stable=True, dim=axis).indices.to(torch.int32)


def top_k(x, k):
    # torch.topk promises no order among equal values; a stable sort does
    values, indices = torch.sort(x, stable=True, dim=-1, descending=True)
    return values[..., :k], indices[..., :k].to(torch.int32)


def searchsorted(sequence, values, side):
    if sequence.is_floating_point():  # PyTorch loses its way among NaN, which come last
        sequence = torch.where(sequence.isnan(), torch.inf, sequence)
    return torch.searchsorted(_ordered(sequence), _ordered(values).contiguous(), side=side, out_int32=True)
