"""Reductions, scans and orders in PyTorch."""

import torch

__all__ = ["all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "sort", "sum", "top_k"]

# In PyTorch an empty tuple of axes means all of them; here it means none.


def sum(x, axis, keepdims):
    return torch.sum(x, axis, keepdims, dtype=x.dtype) if axis else x


def mean(x, axis, keepdims):
    return torch.mean(x, axis, keepdims) if axis else x


def max(x, axis, keepdims):
    return torch.amax(x, axis, keepdims) if axis else x


def min(x, axis, keepdims):
    return torch.amin(x, axis, keepdims) if axis else x


def any(x, axis, keepdims):
    return torch.any(x, axis, keepdims) if axis else x


def all(x, axis, keepdims):
    return torch.all(x, axis, keepdims) if axis else x


def prod(x, axis, keepdims):
    for a in sorted(axis, reverse=True):
        x = torch.prod(x, a, keepdims, dtype=x.dtype)
    return x


def argmax(x, axis, keepdims):
    return torch.argmax(x, axis, keepdims).to(torch.int32)


def argmin(x, axis, keepdims):
    return torch.argmin(x, axis, keepdims).to(torch.int32)


def cumsum(x, axis):
    return torch.cumsum(x, axis, dtype=x.dtype)


def cumprod(x, axis):
    return torch.cumprod(x, axis, dtype=x.dtype)


def sort(x, axis):
    return torch.sort(x, stable=True, dim=axis).values


def argsort(x, axis):
    return torch.argsort(x, axis, stable=True).to(torch.int32)


def top_k(x, k, sorted):
    # torch.topk promises no order among equal values; a stable sort does
    values, indices = torch.sort(x, stable=True, dim=-1, descending=True)
    return values[..., :k], indices[..., :k].to(torch.int32)
