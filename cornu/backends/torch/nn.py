"""Convolutions and poolings in PyTorch, and the composites for which it has one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

__all__ = ["average_pool", "conv", "conv_transpose", "depthwise_conv", "max_pool"]

Pairs = Sequence[tuple[int, int]]

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def _channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """A view: a contiguous (batch, *spatial, channels) is what PyTorch calls the channels_last memory format of (batch, channels, *spatial)."""
    return x.movedim(-1, 1) if channels_last else x


def _as_given(y: torch.Tensor, channels_last: bool) -> torch.Tensor:
    return y.movedim(1, -1) if channels_last else y


def _padded(x: torch.Tensor, padding: Pairs, value: float = 0) -> torch.Tensor:
    """Cells added around the spatial axes of (batch, channels, *spatial); taken away where negative."""
    return F.pad(x, [n for pair in reversed(padding) for n in pair], value=value)


def conv(
    x: torch.Tensor, kernel: torch.Tensor, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int, channels_last: bool
) -> torch.Tensor:
    x = _channels_first(x, channels_last)
    around = tuple(low for low, _ in padding)
    if any(low != high for low, high in padding):
        x, around = _padded(x, padding), (0,) * len(padding)
    kernel = kernel.movedim((-1, -2), (0, 1))  # (filters, depth, *spatial)
    return _as_given(_CONV[len(strides)](x, kernel, None, strides, around, dilation, groups), channels_last)


def depthwise_conv(
    x: torch.Tensor, kernel: torch.Tensor, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], channels_last: bool
) -> torch.Tensor:
    channels, multiplier = kernel.shape[-2:]
    kernel = kernel.reshape(*kernel.shape[:-2], 1, channels * multiplier)
    return conv(x, kernel, strides, padding, dilation, channels, channels_last)


def conv_transpose(
    x: torch.Tensor,
    kernel: torch.Tensor,
    strides: Sequence[int],
    padding: Pairs,
    output_shape: Sequence[int],
    dilation: Sequence[int],
    channels_last: bool,
) -> torch.Tensor:
    x = _channels_first(x, channels_last)
    around = tuple(low for low, _ in padding)
    kernel = kernel.movedim((-1, -2), (0, 1))  # (channels, filters, *spatial)
    y = _CONV_TRANSPOSE[len(strides)](x, kernel, None, strides, around, 0, 1, dilation)
    missing = [(0, n - m) for n, m in zip(output_shape, y.shape[2:], strict=True)]
    return _as_given(_padded(y, missing) if any(map(any, missing)) else y, channels_last)


def _native_padding(
    lengths: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: Pairs
) -> tuple[tuple[int, ...], bool] | None:
    """PyTorch's own `padding` and `ceil_mode` that place the windows as asked, if there are such."""
    around = tuple(low for low, _ in padding)
    if any(2 * low > w for low, w in zip(around, window, strict=True)):
        return None
    if all(low == high for low, high in padding):
        return around, False
    for n, w, s, (low, high) in zip(lengths, window, strides, padding, strict=True):
        # rounding up adds one place where cells are left over, if that place begins within the input
        more = -(-(n + 2 * low - w) // s)
        if more * s >= n + low or more != (n + low + high - w) // s:
            return None
    return around, True


def max_pool(x: torch.Tensor, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> torch.Tensor:
    x = _channels_first(x, channels_last)
    native = _native_padding(x.shape[2:], window, strides, padding)
    if native is None:
        x, native = _padded(x, padding, _least(x.dtype)), ((0,) * len(padding), False)
    around, round_up = native
    return _as_given(_MAX_POOL[len(window)](x, window, strides, around, ceil_mode=round_up), channels_last)


def _least(dtype: torch.dtype) -> float:
    """What no element of the dtype is less than."""
    return float("-inf") if dtype.is_floating_point else torch.iinfo(dtype).min


def average_pool(x: torch.Tensor, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> torch.Tensor:
    x = _channels_first(x, channels_last)
    pool = _AVERAGE_POOL[len(window)]
    native = _native_padding(x.shape[2:], window, strides, padding)
    if native is not None:
        around, round_up = native
        return _as_given(pool(x, window, strides, around, round_up, count_include_pad=False), channels_last)
    inside = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    y = pool(_padded(x, padding), window, strides) / pool(_padded(inside, padding), window, strides)
    return _as_given(y, channels_last)
