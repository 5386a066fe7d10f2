"""Reductions, scans and orders in PyTorch."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import torch
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from cornu.backends.torch.core import transformed
from cornu.backends.torch.elementwise import widened

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "cumprod",
    "cumsum",
    "max",
    "mean",
    "min",
    "prod",
    "searchsorted",
    "sort",
    "sum",
    "top_k",
]

_UNORDERED = frozenset((torch.bool, torch.uint16, torch.uint32, torch.uint64))


def _over_axes(reduction: Callable[..., Any]) -> Any:
    """In PyTorch an empty tuple of axes means all of them; here it means none."""
    return lambda x, axis, keepdims: widened(lambda x: reduction(x, axis, keepdims))(x) if axis else x


def _ordered(x: Any) -> Any:
    """In a dtype whose values PyTorch compares."""
    return x.to(torch.int64) if x.dtype in _UNORDERED else x


sum = _over_axes(lambda x, axis, keepdims: torch.sum(x, axis, keepdims, dtype=x.dtype))
mean, max, min, any, all = (_over_axes(f) for f in (torch.mean, torch.amax, torch.amin, torch.any, torch.all))


def prod(x: Any, axis: Any, keepdims: bool) -> Any:
    for a in sorted(axis, reverse=True):
        x = widened(lambda x, a=a: torch.prod(x, a, keepdims, dtype=x.dtype))(x)
    return x


def argmax(x: Any, axis: Any, keepdims: bool) -> Any:
    return torch.argmax(_ordered(x), axis, keepdims).to(torch.int32)


def argmin(x: Any, axis: Any, keepdims: bool) -> Any:
    return torch.argmin(_ordered(x), axis, keepdims).to(torch.int32)


def cumsum(x: Any, axis: Any) -> Any:
    return widened(lambda x: torch.cumsum(x, axis, dtype=x.dtype))(x)


def cumprod(x: Any, axis: Any) -> Any:
    return widened(lambda x: torch.cumprod(x, axis, dtype=x.dtype))(x)


def sort(x: Any, axis: Any) -> Any:
    return torch.sort(x, stable=True, dim=axis).values


def argsort(x: Any, axis: Any) -> Any:
    return torch.sort(x, stable=True, dim=axis).indices.to(torch.int32)


def top_k(x: Any, k: int) -> Any:
    # torch.topk promises no order among equal values; a stable sort does. Ten of 1000, 64 rows: 0.15 ms where no two are equal, 1.6 ms sorted
    if k and _can_be_looked_at(x):
        values, indices = torch.topk(x, builtins.min(k + 1, x.shape[-1]))
        if (values[..., :-1] > values[..., 1:]).all():
            return values[..., :k], indices[..., :k].to(torch.int32)
    values, indices = torch.sort(x, stable=True, dim=-1, descending=True)
    return values[..., :k], indices[..., :k].to(torch.int32)


def _can_be_looked_at(x: Any) -> bool:
    """Whether the numbers are there and at hand: on a CPU, not while a function is recorded, differentiated or mapped."""
    at_hand = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64, torch.int32, torch.int64)
    return at_hand and get_proxy_mode() is None and not transformed()


def searchsorted(sequence: Any, values: Any, side: str) -> Any:
    if sequence.is_floating_point():  # PyTorch loses its way among NaN, which come last
        sequence = torch.where(sequence.isnan(), torch.inf, sequence)
    return torch.searchsorted(_ordered(sequence), _ordered(values).contiguous(), side=side, out_int32=True)
