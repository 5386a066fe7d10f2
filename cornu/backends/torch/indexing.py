"""Reading and writing parts of arrays, in PyTorch."""

from __future__ import annotations

import builtins
from typing import Any

import torch

from cornu.backends.torch.elementwise import widened

_slice = builtins.slice  # this module's own `slice` is the op

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: Any, key: Any) -> Any:
    keys, axis = [], 0
    for k in key:
        if isinstance(k, _slice) and (k.step or 1) < 0:  # PyTorch has no negative steps: such an axis is read forward, then flipped
            positions = range(*k.indices(x.shape[axis]))[::-1]
            forward = _slice(positions.start, positions.stop, positions.step) if len(positions) else _slice(0, 0)
            x, k = torch.flip(x[(_slice(None),) * axis + (forward,)], (axis,)), _slice(None)
        elif isinstance(k, torch.Tensor) and k.dtype != torch.bool:
            k = k.long()
        keys.append(k)
        axis += 0 if k is None else k.ndim if isinstance(k, torch.Tensor) and k.dtype == torch.bool else 1
    return x[tuple(keys)]


def nonzero(x: Any) -> Any:
    return tuple(i.to(torch.int32) for i in torch.nonzero(x, as_tuple=True))


def take(x: Any, indices: Any, axis: Any) -> Any:
    size = x.shape[axis]
    indices = torch.where(indices < 0, indices + size, indices).clamp(0, size - 1)
    if indices.ndim == 1:
        return widened(lambda x: torch.index_select(x, axis, indices))(x)
    found = widened(lambda x: torch.index_select(x, axis, indices.reshape(-1)))(x)
    return found.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def take_along_axis(x: Any, indices: Any, axis: Any) -> Any:
    size = x.shape[axis]
    indices = torch.where(indices < 0, indices + size, indices).clamp(0, size - 1)
    shape = torch.broadcast_shapes(x.shape[:axis] + x.shape[axis + 1 :], indices.shape[:axis] + indices.shape[axis + 1 :])
    x = x.expand(*shape[:axis], size, *shape[axis:])
    places = indices.long().expand(*shape[:axis], indices.shape[axis], *shape[axis:])
    return widened(lambda x: torch.gather(x, axis, places))(x)


def _window(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    starts = [min(max(int(s) + size * (int(s) < 0), 0), size - n) for s, size, n in zip(start, x.shape, shape, strict=True)]
    return tuple(_slice(s, s + n) for s, n in zip(starts, shape, strict=True))


def slice(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    return x[_window(x, start, shape)]


def slice_update(x: Any, start: Any, updates: Any) -> Any:
    out = x.clone()
    out[_window(x, start, updates.shape)] = updates
    return out


_REDUCTIONS = {"mul": "prod", "max": "amax", "min": "amin"}


def scatter_rows(x: Any, rows: Any, updates: Any, reduction: str | None) -> Any:
    # one row more than there are takes what belongs nowhere
    out, rows = torch.cat([x, x.new_zeros((1, *x.shape[1:]))]), rows.long()
    if reduction is None:
        return widened(lambda out, updates: out.index_put((rows,), updates))(out, updates)[:-1]
    if reduction == "add":
        return widened(lambda out, updates: out.index_add(0, rows, updates))(out, updates)[:-1]
    places = rows.reshape(-1, *[1] * (x.ndim - 1)).expand_as(updates)
    return widened(lambda out, updates: out.scatter_reduce(0, places, updates, _REDUCTIONS[reduction]))(out, updates)[:-1]
