"""Shapes of convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import ShapeError

__all__ = ["average_pool", "conv", "conv_transpose", "depthwise_conv", "max_pool"]

Pairs = Sequence[tuple[int, int]]


def _numbers(x: TensorSpec) -> tuple[int, ...]:
    return x.shape


def _split(x: TensorSpec, channels_last: bool) -> tuple[tuple[int, ...], int]:
    """The spatial lengths and the number of channels."""
    _, *rest = _numbers(x)
    return (tuple(rest[:-1]), rest[-1]) if channels_last else (tuple(rest[1:]), rest[0])


def _joined(x: TensorSpec, lengths: Sequence[int], channels: int, channels_last: bool) -> TensorSpec:
    batch = x.shape[0]
    return TensorSpec((batch, *lengths, channels) if channels_last else (batch, channels, *lengths), x.dtype)


def _slid(lengths: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: Pairs, what: str) -> list[int]:
    """How many places a window has along each axis."""
    padded = [n + low + high for n, (low, high) in zip(lengths, padding, strict=True)]
    if any(n < w for n, w in zip(padded, window, strict=True)):
        raise ShapeError(
            f"{what} must fit in the padded input, got one that spans {tuple(window)} over spatial lengths {tuple(padded)} with padding. "
            "Use padding='same', a smaller one, or fewer pooling and strided layers before."
        )
    return [(n - w) // s + 1 for n, w, s in zip(padded, window, strides, strict=True)]


def _reach(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """The lengths that a dilated kernel spans."""
    return [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]


def conv(
    x: TensorSpec, kernel: TensorSpec, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int, channels_last: bool
) -> TensorSpec:
    """A cell for each place of the kernel, a channel for each filter."""
    lengths, channels = _split(x, channels_last)
    *spatial, depth, filters = _numbers(kernel)
    if channels != depth * groups or filters % groups:
        raise ShapeError(
            f"The input's channels must be the kernel's times the groups, and the groups must divide the filters; got {channels} channels "
            f"in the shape {x.shape} for the kernel {kernel.shape} in {groups} groups. Check data_format and the channel axis of the input."
        )
    return _joined(x, _slid(lengths, _reach(spatial, dilation), strides, padding, "The kernel"), filters, channels_last)


def depthwise_conv(
    x: TensorSpec, kernel: TensorSpec, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], channels_last: bool
) -> TensorSpec:
    """A cell for each place of the kernel, `multiplier` channels for each of the input's."""
    lengths, channels = _split(x, channels_last)
    *spatial, depth, multiplier = _numbers(kernel)
    if channels != depth:
        raise ShapeError(f"The kernel must have filters for each channel, got {kernel.shape} for the input {x.shape}. Check data_format.")
    return _joined(x, _slid(lengths, _reach(spatial, dilation), strides, padding, "The kernel"), channels * multiplier, channels_last)


def conv_transpose(
    x: TensorSpec,
    kernel: TensorSpec,
    strides: Sequence[int],
    padding: Pairs,
    output_shape: Sequence[int],
    dilation: Sequence[int],
    channels_last: bool,
) -> TensorSpec:
    """The spatial lengths asked for, of which the convolution makes those of `x`."""
    lengths, channels = _split(x, channels_last)
    *spatial, filters, depth = _numbers(kernel)
    if channels != depth:
        raise ShapeError(f"The kernel is (*spatial, filters, channels) with the input's channels, got {kernel.shape} for {x.shape}.")
    made = _slid(output_shape, _reach(spatial, dilation), strides, padding, "The kernel")
    if made != list(lengths):
        raise ShapeError(f"A convolution of {tuple(output_shape)} must give the input's spatial lengths {lengths}, got {tuple(made)}.")
    return _joined(x, output_shape, filters, channels_last)


def max_pool(x: TensorSpec, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> TensorSpec:
    """A cell for each place of the window."""
    lengths, channels = _split(x, channels_last)
    return _joined(x, _slid(lengths, window, strides, padding, "The pooling window"), channels, channels_last)


average_pool = max_pool
