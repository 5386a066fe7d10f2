"""Convolutions and poolings over one, two or three spatial axes.

Layouts: `channels_last` (batch, *spatial, channels), the default, or `channels_first` (batch, channels, *spatial). Padding: "valid" adds nothing; "same"
adds zeros so that the output has ceil(length / stride) cells, the odd one at the end; "causal" adds them all in front (one spatial axis only).
Like every deep-learning library these compute cross-correlation: the kernel is not flipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import config
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, array, as_tuple, floating, promoted
from cornu.ops.dispatch import composite, primitive

__all__ = ["average_pool", "conv", "conv_transpose", "depthwise_conv", "max_pool", "separable_conv"]

Window = int | Sequence[int]


def layout(x: Array, data_format: str | None, op: str) -> tuple[int, bool, tuple[int, ...]]:
    """The number of spatial axes, whether channels come last, and the spatial lengths."""
    rank = x.ndim - 2
    if rank not in (1, 2, 3):
        raise ShapeError(
            f"ops.{op} takes a batch with one, two or three spatial axes and channels (3 to 5 axes), got the shape {tuple(x.shape)}."
        )
    last = config.standardize_data_format(data_format) == "channels_last"
    return rank, last, tuple(x.shape[1:-1] if last else x.shape[2:])


def padding_pairs(
    padding: str, lengths: Sequence[int], windows: Sequence[int], strides: Sequence[int], op: str
) -> tuple[tuple[int, int], ...]:
    """Cells to add before and after each spatial axis."""
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind == "valid":
        return ((0, 0),) * len(lengths)
    if kind == "same":
        missing = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(lengths, windows, strides, strict=True)]
        return tuple((m // 2, m - m // 2) for m in missing)
    if kind == "causal" and len(lengths) == 1:
        return ((windows[0] - 1, 0),)
    raise ArgumentError(f"The padding of ops.{op} must be 'valid' or 'same' ('causal' too over one spatial axis), got {padding!r}.")


def _reach(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """The lengths that a dilated kernel spans."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))


def _ready(
    on: Any, inputs: Array, kernel: Array, strides: Window, padding: str, data_format: str | None, dilation_rate: Window, op: str
) -> tuple[Any, ...]:
    """What all convolutions do to their arguments."""
    x, kernel = (floating(on, array(on, v)) for v in promoted(on, array(on, inputs), array(on, kernel)))
    rank, last, lengths = layout(x, data_format, op)
    if kernel.ndim != rank + 2:
        raise ShapeError(
            f"The kernel of ops.{op} has {rank} spatial axes and two of channels for this input, got the shape {tuple(kernel.shape)}."
        )
    steps, dilation = as_tuple(strides, rank, "strides"), as_tuple(dilation_rate, rank, "dilation_rate")
    if max(steps) > 1 and max(dilation) > 1:
        raise ArgumentError(f"strides and dilation_rate cannot both exceed 1, got {strides} and {dilation_rate}.")
    reach = _reach(kernel.shape[:rank], dilation)
    pairs = padding_pairs(padding, lengths, reach, steps, op)
    for n, (low, high), r in zip(lengths, pairs, reach, strict=True):
        if n + low + high < r:
            raise ShapeError(
                f"The kernel must fit in the input, got one that spans {reach} over spatial lengths {lengths} with padding={padding!r}. "
                "Use padding='same', a smaller kernel, or fewer pooling and strided layers before."
            )
    return x, kernel, steps, pairs, dilation, last


@primitive
def conv(
    on: Any,
    inputs: Array,
    kernel: Array,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Array:
    """Convolution. `out[b, i, o] = sum over k, c of in[b, i * stride + k * dilation, c] * kernel[k, c, o]`.

    Args:
        inputs: (batch, *spatial, channels), or with the channels first.
        kernel: (*spatial, channels // groups, filters). Fewer channels than the input has make groups: each group of filters sees its own channels.
        strides: steps between outputs, one number or one for each spatial axis.
        padding: "valid", "same" or (one spatial axis) "causal".
        data_format: "channels_last", "channels_first", or None for the default.
        dilation_rate: distance between the kernel's cells; not together with strides.

    Returns:
        (batch, *new_spatial, filters), or with the channels first.

    >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
    [[[3.0], [5.0]]]
    """
    x, kernel, steps, pairs, dilation, last = _ready(on, inputs, kernel, strides, padding, data_format, dilation_rate, "conv")
    channels, wanted, filters = x.shape[-1 if last else 1], kernel.shape[-2], kernel.shape[-1]
    groups = channels // wanted if wanted else 0
    if not groups or channels % wanted or filters % groups:
        raise ShapeError(
            f"The input's channels must be those of the kernel, or a multiple that divides the filters; got {channels} channels in the shape "
            f"{tuple(x.shape)} for the kernel {tuple(kernel.shape)}. Check data_format and the channel axis of the input."
        )
    return on.conv(x, kernel, steps, pairs, dilation, groups, last)


@primitive
def depthwise_conv(
    on: Any,
    inputs: Array,
    kernel: Array,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Array:
    """Convolution of each channel by itself, with `multiplier` filters: kernel (*spatial, channels, multiplier).

    The output has channels * multiplier channels, those of one input channel side by side.

    >>> depthwise_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [2.0]], [[1.0], [2.0]]]).tolist()
    [[[3.0, 60.0]]]
    """
    x, kernel, steps, pairs, dilation, last = _ready(on, inputs, kernel, strides, padding, data_format, dilation_rate, "depthwise_conv")
    if x.shape[-1 if last else 1] != kernel.shape[-2]:
        raise ShapeError(f"The kernel must have a filter for each channel, got {tuple(kernel.shape)} for the input {tuple(x.shape)}.")
    return on.depthwise_conv(x, kernel, steps, pairs, dilation, last)


@composite
def separable_conv(
    inputs: Array,
    depthwise_kernel: Array,
    pointwise_kernel: Array,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Array:
    """A depthwise convolution, then one of size 1 across channels (L. Sifre, 2014; F. Chollet, https://arxiv.org/abs/1610.02357).

    >>> separable_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [2.0]], [[1.0], [2.0]]], [[[1.0], [1.0]]]).tolist()
    [[[63.0]]]
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format)


@primitive
def conv_transpose(
    on: Any,
    inputs: Array,
    kernel: Array,
    strides: Window = 1,
    padding: str = "valid",
    output_padding: Window | None = None,
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Array:
    """The transpose of a convolution: each input cell adds the kernel, times its value, around its place in the output.

    kernel: (*spatial, filters, channels). The output's spatial length is `length * stride` with "same" padding and
    `length * stride + max(reach - stride, 0)` with "valid", where the kernel reaches over `(k - 1) * dilation + 1` cells; with `output_padding` it is
    `(length - 1) * stride + reach - 2 * pad + output_padding`, pad being `reach // 2` for "same" and 0 for "valid".

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]]).tolist()
    [[[1.0], [12.0], [20.0]]]
    """
    x, kernel = (floating(on, array(on, v)) for v in promoted(on, array(on, inputs), array(on, kernel)))
    rank, last, lengths = layout(x, data_format, "conv_transpose")
    steps, dilation = as_tuple(strides, rank, "strides"), as_tuple(dilation_rate, rank, "dilation_rate")
    if kernel.ndim != rank + 2 or kernel.shape[-1] != x.shape[-1 if last else 1]:
        raise ShapeError(
            f"The kernel of conv_transpose is (*spatial, filters, channels of the input), got {tuple(kernel.shape)} for the input {tuple(x.shape)}."
        )
    reach = _reach(kernel.shape[:rank], dilation)
    extra = None if output_padding is None else as_tuple(output_padding, rank, "output_padding", least=0)
    outputs, pairs = _transposed_geometry(lengths, reach, steps, padding, extra)
    return on.conv_transpose(x, kernel, steps, pairs, outputs, dilation, last)


def _transposed_geometry(
    lengths: Sequence[int], reach: Sequence[int], steps: Sequence[int], padding: str, extra: Sequence[int] | None
) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Spatial lengths of the output, and the padding of the convolution that is transposed."""
    kind = padding.lower()
    if kind not in ("valid", "same"):
        raise ArgumentError(f"The padding of ops.conv_transpose must be 'valid' or 'same', got {padding!r}.")
    outputs, pairs = [], []
    for i, (n, r, s) in enumerate(zip(lengths, reach, steps, strict=True)):
        if extra is None:
            out = n * s if kind == "same" else n * s + max(r - s, 0)
        else:
            out = (n - 1) * s + r - (2 * (r // 2) if kind == "same" else 0) + extra[i]
        total = (n - 1) * s + r - out  # what the forward convolution adds around its input, so that it gives n cells
        low = 0 if kind == "valid" else max(total, 0) // 2
        outputs.append(out)
        pairs.append((low, total - low))
    return tuple(outputs), tuple(pairs)


def _pool(
    on: Any, inputs: Array, pool_size: Window, strides: Window | None, padding: str, data_format: str | None, op: str
) -> tuple[Any, ...]:
    x = array(on, inputs)
    rank, last, lengths = layout(x, data_format, op)
    window = as_tuple(pool_size, rank, "pool_size")
    steps = window if strides is None else as_tuple(strides, rank, "strides")
    pairs = padding_pairs(padding, lengths, window, steps, op)
    if any(n + low + high < w for n, (low, high), w in zip(lengths, pairs, window, strict=True)):
        raise ShapeError(
            f"The pooling window must fit in the input, got {window} over spatial lengths {lengths}. "
            "Use padding='same', a smaller window, or fewer pooling and strided layers before."
        )
    return x, window, steps, pairs, last


@primitive
def max_pool(
    on: Any, inputs: Array, pool_size: Window, strides: Window | None = None, padding: str = "valid", data_format: str | None = None
) -> Array:
    """The largest value in each window, `strides` (the window's size by default) apart; among equals the first takes the gradient.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[3.0], [2.0]]]
    """
    return on.max_pool(*_pool(on, inputs, pool_size, strides, padding, data_format, "max_pool"))


@primitive
def average_pool(
    on: Any, inputs: Array, pool_size: Window, strides: Window | None = None, padding: str = "valid", data_format: str | None = None
) -> Array:
    """The mean of each window, `strides` (the window's size by default) apart; padded cells do not count.

    >>> average_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[2.0], [1.0]]]
    """
    return on.average_pool(*_pool(on, floating(on, inputs), pool_size, strides, padding, data_format, "average_pool"))
