"""Convolutions and poolings in PyTorch, and the composites for which it has one kernel.

The gains noted beside the overrides say how many times as fast as the composite they are, forward and backward together, in float32 on two
cores of a CPU (torch 2.13): first for a small array, (32, 32), then for a large one, (64, 26, 26, 32), unless other shapes are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from cornu import config
from cornu.backends.torch.core import transformed

__all__ = [
    "average_pool", "batch_normalization", "conv", "conv_transpose", "dense", "depthwise_conv", "dot_product_attention", "elu", "gelu",
    "hard_sigmoid", "hard_silu", "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "normalize_by_batch",
    "relu", "relu6", "selu", "silu", "softmax", "softplus",
]  # fmt: skip

Pairs = Sequence[tuple[int, int]]

# ── convolutions ─────────────────────────────────────────────────────────────────────────────────────────


def _channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """A view of (batch, channels, *spatial).

    Of a contiguous (batch, *spatial, channels) it is what PyTorch calls the channels_last memory format, for which oneDNN has its fastest
    kernels: nothing is copied, and a training step of a small network takes 0.8 to 0.9 of its time with contiguous channels first.
    """
    return x.movedim(-1, 1) if channels_last else x


def _as_given(y: torch.Tensor, channels_last: bool) -> torch.Tensor:
    return y.movedim(1, -1) if channels_last else y


def _padded(x: torch.Tensor, padding: Pairs, value: float = 0) -> torch.Tensor:
    """Cells added around the spatial axes of (batch, channels, *spatial)."""
    return F.pad(x, [n for pair in reversed(padding) for n in pair], value=value)


def conv(
    x: torch.Tensor, kernel: torch.Tensor, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int, channels_last: bool
) -> torch.Tensor:
    if len(strides) == 1:
        # As images of height 1: oneDNN's memory format with channels last exists for those only (1.3 to 3 times as fast as conv1d)
        axis = 1 if channels_last else 2
        y = conv(x.unsqueeze(axis), kernel[None], (1, *strides), ((0, 0), *padding), (1, *dilation), groups, channels_last)
        return y.squeeze(axis)
    x = _channels_first(x, channels_last)
    around = tuple(low for low, _ in padding)
    if any(low != high for low, high in padding):
        x, around = _padded(x, padding), (0,) * len(padding)
    kernel = kernel.movedim((-1, -2), (0, 1))  # (filters, depth, *spatial); copying it into another format first gained nothing
    convolve = F.conv2d if len(strides) == 2 else F.conv3d
    return _as_given(convolve(x, kernel, None, strides, around, dilation, groups), channels_last)


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
    if len(strides) == 1:  # as in `conv`
        axis = 1 if channels_last else 2
        y = conv_transpose(
            x.unsqueeze(axis), kernel[None], (1, *strides), ((0, 0), *padding), (1, *output_shape), (1, *dilation), channels_last
        )
        return y.squeeze(axis)
    x = _channels_first(x, channels_last)
    reached = ((n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(x.shape[2:], strides, kernel.shape, dilation, strict=False))
    # PyTorch cuts both ends alike; what is left to cut or to add is so here
    around = tuple(max(min(low, r - low - n), 0) for r, (low, _), n in zip(reached, padding, output_shape, strict=True))
    kernel = kernel.movedim((-1, -2), (0, 1))  # (channels, filters, *spatial)
    transpose = F.conv_transpose2d if len(strides) == 2 else F.conv_transpose3d
    y = transpose(x, kernel, None, strides, around, 0, 1, dilation)
    first = [low - cut for (low, _), cut in zip(padding, around, strict=True)]
    y = y[:, :, *(slice(start, start + n) for start, n in zip(first, output_shape, strict=True))]
    unreached = [(0, n - m) for n, m in zip(output_shape, y.shape[2:], strict=True)]
    return _as_given(_padded(y, unreached) if any(map(any, unreached)) else y, channels_last)


# ── poolings ─────────────────────────────────────────────────────────────────────────────────────────────


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
        last = -(-(n + 2 * low - w) // s)  # the last place if rounded up, which exists where it begins within the input
        if last * s >= n + low or last != (n + low + high - w) // s:
            return None
    return around, True


def max_pool(x: torch.Tensor, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> torch.Tensor:
    if x.dtype == torch.bool:
        return max_pool(x.to(torch.uint8), window, strides, padding, channels_last).to(torch.bool)
    if len(window) == 1:  # max_pool1d takes no integers
        axis = 1 if channels_last else 2
        return max_pool(x.unsqueeze(axis), (1, *window), (1, *strides), ((0, 0), *padding), channels_last).squeeze(axis)
    x = _channels_first(x, channels_last)
    native = _native_padding(x.shape[2:], window, strides, padding)
    if native is None:
        least = float("-inf") if x.is_floating_point() else torch.iinfo(x.dtype).min
        x, native = _padded(x, padding, least), ((0,) * len(padding), False)
    around, round_up = native
    pool = F.max_pool2d if len(window) == 2 else F.max_pool3d
    return _as_given(pool(x, window, strides, around, ceil_mode=round_up), channels_last)


_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def average_pool(x: torch.Tensor, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> torch.Tensor:
    if len(window) == 3 and x.dtype in (torch.float16, torch.bfloat16) and x.device.type == "cpu":  # PyTorch lacks that kernel
        return average_pool(x.float(), window, strides, padding, channels_last).to(x.dtype)
    x = _channels_first(x, channels_last)
    pool = _AVERAGE[len(window)]
    native = _native_padding(x.shape[2:], window, strides, padding)
    if native is not None:
        around, round_up = native
        return _as_given(pool(x, window, strides, around, round_up, count_include_pad=False), channels_last)
    inside = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    mean, share = (pool(_padded(a, padding), window, strides) for a in (x, inside))
    return _as_given(mean / share, channels_last)


# ── activations: one kernel each way, where the composite writes several arrays and keeps them for the gradient ──


def all_floats(*xs: Any) -> bool:
    """Whether all are tensors of one real floating dtype (None counts as one): else the composite promotes them."""
    dtypes = {x.dtype if isinstance(x, torch.Tensor) else None for x in xs if x is not None}
    return len(dtypes) == 1 and all(dtype is not None and dtype.is_floating_point for dtype in dtypes)


def relu(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x) if all_floats(x) else NotImplemented  # 1.7, 12 times


def relu6(x: torch.Tensor) -> torch.Tensor:
    return F.relu6(x) if all_floats(x) else NotImplemented  # 1.5, 3.8 times


def leaky_relu(x: torch.Tensor, negative_slope: float = 0.2) -> torch.Tensor:
    plain = all_floats(x) and isinstance(negative_slope, (int, float))
    return F.leaky_relu(x, negative_slope) if plain else NotImplemented  # 2.4, 23 times


def elu(x: torch.Tensor, alpha: float = 1.0) -> torch.Tensor:
    return F.elu(x, alpha) if all_floats(x) and isinstance(alpha, (int, float)) else NotImplemented  # 3.8, 16 times


def selu(x: torch.Tensor) -> torch.Tensor:
    return F.selu(x) if all_floats(x) else NotImplemented  # 1.6, 1.4 times


def gelu(x: torch.Tensor, approximate: bool = True) -> torch.Tensor:
    return F.gelu(x, approximate="tanh" if approximate else "none") if all_floats(x) else NotImplemented  # 4.2, 3.7 times


def silu(x: torch.Tensor) -> torch.Tensor:
    return F.silu(x) if all_floats(x) else NotImplemented  # 1.4, 2.5 times


def hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    return F.hardsigmoid(x) if all_floats(x) else NotImplemented  # 1.9, 3.5 times


def hard_silu(x: torch.Tensor) -> torch.Tensor:
    return F.hardswish(x) if all_floats(x) else NotImplemented  # 1.4, 3.1 times


def softplus(x: torch.Tensor) -> torch.Tensor:
    # PyTorch takes x itself above a threshold: 40 is where ln(1 + e ** x) rounds to x in float64 too (its own 20 is not)
    return F.softplus(x, 1.0, 40.0) if all_floats(x) else NotImplemented  # 3.4, 9.5 times


def log_sigmoid(x: torch.Tensor) -> torch.Tensor:
    return F.logsigmoid(x) if all_floats(x) else NotImplemented  # 1.5, 1.7 times


def softmax(x: torch.Tensor, axis: int | tuple[int, ...] | None = -1) -> torch.Tensor:
    return torch.softmax(x, axis) if all_floats(x) and isinstance(axis, int) else NotImplemented  # 2.7, 6 times


def log_softmax(x: torch.Tensor, axis: int | tuple[int, ...] | None = -1) -> torch.Tensor:
    return torch.log_softmax(x, axis) if all_floats(x) and isinstance(axis, int) else NotImplemented  # 2.7, 2.5 times


# ── layers ───────────────────────────────────────────────────────────────────────────────────────────────


def dense(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None = None, axes: int = 1) -> torch.Tensor:
    # (32, 784) by (784, 32): 1.7 times; (128, 512) by (512, 512): equal; three axes: 1.1 times
    if bias is None or bias.shape != kernel.shape[axes:] or x.shape[-axes:] != kernel.shape[:axes] or not all_floats(x, kernel, bias):
        return NotImplemented
    if kernel.ndim == 2:
        return torch.addmm(bias, x, kernel) if x.ndim == 2 else F.linear(x, kernel.T, bias)
    flat = x if axes == 1 else x.flatten(-axes)
    matrix = kernel.reshape(flat.shape[-1], -1)
    return F.linear(flat, matrix.T, bias.reshape(-1)).reshape(*x.shape[:-axes], *bias.shape)


def batch_normalization(
    x: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    axis: int,
    offset: torch.Tensor | None = None,
    scale: torch.Tensor | None = None,
    epsilon: float = 1e-3,
) -> torch.Tensor:
    # One pass over x instead of two. Forward (32, 64): 2.7 times, (64, 28, 28, 64): 3.9 times; with backward 1.4 times, equal.
    # F.batch_norm is slower in evaluation, and lets no gradient through to the statistics.
    if not all_floats(x, mean, variance, offset, scale):
        return NotImplemented
    factor = torch.rsqrt(variance + epsilon)
    factor = factor if scale is None else factor * scale
    shift = -mean * factor if offset is None else torch.addcmul(offset, mean, factor, value=-1)
    shape = [1] * x.ndim
    shape[axis] = -1
    return torch.addcmul(shift.reshape(shape), x, factor.reshape(shape))


def normalize_by_batch(
    x: torch.Tensor, axis: int, offset: torch.Tensor | None = None, scale: torch.Tensor | None = None, epsilon: float = 1e-3
) -> tuple[torch.Tensor, ...]:
    # forward and backward, (32, 16, 16, 32): 4 times, (128, 64): 3.3 times; by rows of channels 4.6 times as fast as channels moved for (32, 64, 64)
    if not all_floats(x, offset, scale) or not x.numel():
        return NotImplemented
    axis %= x.ndim
    if axis not in (1, x.ndim - 1) or transformed():
        return NotImplemented
    rows = x if axis == 1 else x.reshape(-1, x.shape[-1])
    y, mean, inverse = torch.native_batch_norm(rows, scale, offset, None, None, True, 0.0, epsilon)
    return y.reshape(x.shape), mean.detach(), (inverse.detach() ** -2 - epsilon).clamp(min=0)


def layer_normalization(
    x: torch.Tensor,
    gamma: torch.Tensor | None = None,
    beta: torch.Tensor | None = None,
    axis: int | Sequence[int] | None = -1,
    epsilon: float | None = None,
) -> torch.Tensor:
    # (32, 64): 3.8 times, (32, 128, 256): 6 times, (64, 28, 28, 64): 11 times
    if axis is None or not all_floats(x, gamma, beta):
        return NotImplemented
    axes = sorted(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))
    shape = x.shape[x.ndim - len(axes) :]
    if axes != list(range(x.ndim - len(axes), x.ndim)) or any(v is not None and v.shape != shape for v in (gamma, beta)):
        return NotImplemented
    return F.layer_norm(x, shape, gamma, beta, config.epsilon() if epsilon is None else epsilon)


def dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> torch.Tensor:
    # (batch 32, 32 places, 4 heads of 16): 2.4 times, (8, 128, 8 of 64): 1.2 times, (1, 1024, 4 of 64): 1.4 times; without gradients 0.8,
    # 1.3 and 1.7 times. With values of another length than keys it is slower than the composite.
    fused = config.is_flash_attention_enabled() if flash_attention is None else flash_attention
    if fused is False or attn_logits_soft_cap is not None or not _attends_fused(query, key, value, bias, mask):
        return NotImplemented
    if is_causal and not (bias is None and mask is None):  # PyTorch takes one or the other
        causal = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool, device=query.device).tril()
        mask, is_causal = causal if mask is None else mask.bool() & causal, False
    heads = [x.transpose(1, 2) for x in (query, key, value)]  # (batch, heads, places, features)
    if mask is not None:  # a target that sees nothing weighs all sources alike: it asks for nothing, and sees all
        sees = mask.bool().any(-1, keepdim=True)
        heads[0], mask = torch.where(sees, heads[0], 0), mask.bool() | ~sees
        bias = None if bias is None else torch.where(sees, bias, 0)
    added, grouped = _added(bias, mask, query), key.shape[2] != query.shape[2]
    settings: Any = {"attn_mask": added, "is_causal": is_causal, "scale": scale, "enable_gqa": grouped}
    if not fused:
        return F.scaled_dot_product_attention(*heads, **settings).transpose(1, 2)
    try:
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]):
            return F.scaled_dot_product_attention(*heads, **settings).transpose(1, 2)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:  # no such kernel for these arrays: the composite says so
        return NotImplemented


def _attends_fused(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None, mask: torch.Tensor | None
) -> bool:
    """Whether PyTorch's attention gives what the composite gives."""
    if transformed() or not all_floats(query, key, value):
        return False  # its gradient cannot be differentiated again, and nothing tells whether it is to be
    if any(x.ndim != 4 for x in (query, key, value)) or query.shape[2] % key.shape[2]:
        return False
    exact = bias is None or query.dtype in (torch.float32, torch.float64)  # half-size logits would take the bias in half size
    given = all(isinstance(x, torch.Tensor) and x.ndim > 0 for x in (bias, mask) if x is not None)
    return exact and given and key.shape == value.shape and (query.shape[0], query.shape[3]) == (key.shape[0], key.shape[3])


def _added(bias: torch.Tensor | None, mask: torch.Tensor | None, query: torch.Tensor) -> torch.Tensor | None:
    """What is added to the logits: the bias, and where a source is not seen a number so low that no logit changes it.

    Half of the lowest number: kernels that count in powers of 2 multiply it by 1.44.
    """
    bias = None if bias is None else bias.to(query.dtype)
    if mask is None:
        return bias
    return torch.where(mask, query.new_zeros(()) if bias is None else bias, torch.finfo(query.dtype).min / 2)
