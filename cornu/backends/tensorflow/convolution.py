"""Convolutions in TensorFlow.

On a CPU its kernels take channels last, one group (two axes, depthwise: equal strides) and no dilation in their gradients. So axes are
moved, groups convolved one by one, and a dilated kernel is spread out with zeros between its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.backends.tensorflow.library import tf

__all__ = ["conv", "conv_transpose", "depthwise_conv"]

Pairs = Sequence[tuple[int, int]]
Ints = Sequence[int]


def to_last(x: Any, channels_last: bool) -> Any:
    return x if channels_last else tf.transpose(x, [0, *range(2, x.ndim), 1])


def as_given(y: Any, channels_last: bool) -> Any:
    return y if channels_last else tf.transpose(y, [0, y.ndim - 1, *range(1, y.ndim - 1)])


def padded(x: Any, padding: Pairs, value: Any = 0) -> Any:
    """Cells added around the spatial axes of (batch, *spatial, channels), or taken away where a number is negative."""
    if any(n < 0 for pair in padding for n in pair):
        x = x[:, *(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(x.shape[1:-1], padding, strict=True))]
        padding = [(max(low, 0), max(high, 0)) for low, high in padding]
    return tf.pad(x, [(0, 0), *padding, (0, 0)], constant_values=value) if any(map(any, padding)) else x


def same_or_valid(lengths: Ints, windows: Ints, strides: Ints, padding: Pairs) -> str | None:
    """TensorFlow's own word for the padding, if it has one: then nothing is copied."""
    if not any(map(any, padding)):
        return "VALID"
    missing = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(lengths, windows, strides, strict=True)]
    return "SAME" if [tuple(pair) for pair in padding] == [(m // 2, m - m // 2) for m in missing] else None


def _spread(kernel: Any, dilation: Ints) -> Any:
    """The kernel with zeros between its cells."""
    for axis, d in enumerate(dilation):
        if d > 1 and kernel.shape[axis] > 1:
            shape = list(kernel.shape)
            between = tf.pad(
                kernel[(slice(None),) * (axis + 1) + (None,)], [(0, d - 1) if a == axis + 1 else (0, 0) for a in range(kernel.ndim + 1)]
            )
            shape[axis] *= d
            kernel = tf.reshape(between, shape)[(slice(None),) * axis + (slice(0, shape[axis] - d + 1),)]
    return kernel


def conv(x: Any, kernel: Any, strides: Ints, padding: Pairs, dilation: Ints, groups: int, channels_last: bool) -> Any:
    x, kernel = to_last(x, channels_last), _spread(kernel, dilation)
    named = same_or_valid(x.shape[1:-1], kernel.shape[:-2], strides, padding)
    x = x if named else padded(x, padding)
    if groups > 1 and kernel.shape[-2] == 1:
        shape = (*kernel.shape[:-2], groups, kernel.shape[-1] // groups)
        return as_given(_depthwise(x, tf.reshape(kernel, shape), strides, named or "VALID"), channels_last)
    pairs = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    parts = [_convolve(a, k, strides, named or "VALID") for a, k in pairs]
    return as_given(parts[0] if groups == 1 else tf.concat(parts, -1), channels_last)


def _convolve(x: Any, kernel: Any, strides: Ints, padding: str) -> Any:
    if len(strides) == 1:  # as images of height 1
        return tf.squeeze(tf.nn.conv2d(x[:, None], kernel[None], [1, *strides], padding), 1)
    convolve = tf.nn.conv2d if len(strides) == 2 else tf.nn.conv3d
    return convolve(x, kernel, [1, *strides, 1], padding)


def _depthwise(x: Any, kernel: Any, strides: Ints, padding: str) -> Any:
    rank = len(strides)
    if rank == 1:
        y = _depthwise(x[:, None], kernel[None], (strides[0], strides[0]), padding)
        return tf.squeeze(y, 1)
    if rank == 2 and strides[0] == strides[1]:
        return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], padding)
    channels = kernel.shape[-2]
    pairs = zip(tf.split(x, channels, -1), tf.split(kernel, channels, -2), strict=True)
    return tf.concat([_convolve(a, k, strides, padding) for a, k in pairs], -1)


def depthwise_conv(x: Any, kernel: Any, strides: Ints, padding: Pairs, dilation: Ints, channels_last: bool) -> Any:
    *spatial, channels, multiplier = kernel.shape
    return conv(x, tf.reshape(kernel, (*spatial, 1, channels * multiplier)), strides, padding, dilation, channels, channels_last)


def conv_transpose(x: Any, kernel: Any, strides: Ints, padding: Pairs, output_shape: Ints, dilation: Ints, channels_last: bool) -> Any:
    if len(strides) == 1:
        axis = 1 if channels_last else 2
        y = conv_transpose(
            tf.expand_dims(x, axis), kernel[None], (1, *strides), ((0, 0), *padding), (1, *output_shape), (1, *dilation), channels_last
        )
        return tf.squeeze(y, axis)
    x, kernel = to_last(x, channels_last), _spread(kernel, dilation)
    whole = [n + low + high for n, (low, high) in zip(output_shape, padding, strict=True)]
    sizes, steps = [x.shape[0], *whole, kernel.shape[-2]], [1, *strides, 1]
    if len(strides) == 2:
        y = tf.raw_ops.Conv2DBackpropInput(input_sizes=sizes, filter=kernel, out_backprop=x, strides=steps, padding="VALID")
    else:
        y = tf.raw_ops.Conv3DBackpropInputV2(input_sizes=sizes, filter=kernel, out_backprop=x, strides=steps, padding="VALID")
    y = y[:, *(slice(low, low + n) for n, (low, _) in zip(output_shape, padding, strict=True))]
    if any(high < 0 for _, high in padding):  # cells that no window reaches
        y = tf.pad(y, [(0, 0), *((0, max(-high, 0)) for _, high in padding), (0, 0)])
    return as_given(y, channels_last)
