"""Reading and writing parts of arrays, in PyTorch."""

import builtins

import torch

_slice = builtins.slice  # this module's own `slice` is the op

__all__ = ["get_item", "scatter_add", "scatter_update", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x, key):
    # PyTorch has no negative steps: such an axis is read forward, then flipped
    keys = key if isinstance(key, tuple) else (key,)
    if not any(isinstance(k, _slice) and (k.step or 1) < 0 for k in keys):
        return x[key]
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        used = sum(k is not None and k is not Ellipsis for k in keys)
        keys = (*keys[:at], *[_slice(None)] * (x.ndim - used), *keys[at + 1 :])
    forward, flipped, axis_in, axis_out = [], [], 0, 0
    for k in keys:
        if isinstance(k, _slice) and (k.step or 1) < 0:
            positions = range(*k.indices(x.shape[axis_in]))[::-1]
            k = _slice(positions.start, positions.stop, positions.step) if len(positions) else _slice(0, 0)
            flipped.append(axis_out)
        forward.append(k)
        axis_in += k is not None
        axis_out += not isinstance(k, int)
    return torch.flip(x[tuple(forward)], flipped)


def take(x, indices, axis):
    size = x.shape[axis]
    indices = torch.where(indices < 0, indices + size, indices).clamp(0, size - 1)
    if indices.ndim == 1:
        return torch.index_select(x, axis, indices)
    return torch.index_select(x, axis, indices.reshape(-1)).reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def take_along_axis(x, indices, axis):
    size = x.shape[axis]
    indices = torch.where(indices < 0, indices + size, indices).clamp(0, size - 1)
    shape = torch.broadcast_shapes(x.shape[:axis] + x.shape[axis + 1 :], indices.shape[:axis] + indices.shape[axis + 1 :])
    x = x.expand(*shape[:axis], size, *shape[axis:])
    return torch.gather(x, axis, indices.long().expand(*shape[:axis], indices.shape[axis], *shape[axis:]))


def _window(x, start, shape):
    starts = [min(max(int(s), 0), size - n) for s, size, n in zip(start, x.shape, shape, strict=True)]
    return tuple(_slice(s, s + n) for s, n in zip(starts, shape, strict=True))


def slice(x, start, shape):
    return x[_window(x, start, shape)]


def slice_update(x, start, updates):
    out = x.clone()
    out[_window(x, start, updates.shape)] = updates
    return out


def scatter_update(x, indices, updates):
    return x.index_put(tuple(indices.long().unbind(-1)), updates)


def scatter_add(x, indices, updates):
    return x.index_put(tuple(indices.long().unbind(-1)), updates, accumulate=True)
