"""Convolutions in TensorFlow.

On a CPU its kernels take channels last, so axes are moved. Some builds and dtypes have kernels, and gradients, for groups and dilation; see
`_has`. Where they are missing, groups are convolved one by one, and a dilated kernel is spread out with zeros between its cells.

Microseconds of the value, the gradient of the input and that of the kernel on 2 CPU cores, float32, the way around first:
(16, 28, 28, 64) -> 64, 3x3, 4 groups: 5,487, 5,014, 4,706 against 2,857, 2,344, 3,922; (16, 28, 28, 128) -> 128, 32 groups: 10,920, 10,961, 10,937
against 3,875, 3,987, 6,169; (8, 28, 28, 64) -> 64, 3x3, dilation 2: 5,510, 5,032, 6,736 against 2,141, 2,051, 3,193; depthwise, (8, 28, 28, 64),
3x3, dilation 2: 949, 1,033, 2,984 against 819, 732, 794.
"""

from __future__ import annotations

import functools
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


@functools.cache
def _has(rank: int, dtype: str, groups: int, dilation: int) -> bool:
    """Whether TensorFlow's own kernel, and its gradients, take groups and dilation here; tried out once, on a few numbers."""
    axes, version = max(rank, 2), "V2" if rank == 3 else ""
    name, settings = f"Conv{axes}D", {"strides": [1] * (axes + 2), "padding": "VALID", "dilations": [1, *(dilation,) * axes, 1]}
    with tf.init_scope():
        x, kernel = tf.ones((1, *(4,) * axes, 2), dtype), tf.ones((*(2,) * axes, 2 // groups, 2), dtype)
        try:
            y = getattr(tf.raw_ops, name)(input=x, filter=kernel, **settings)
            to_input, to_filter = (getattr(tf.raw_ops, f"{name}Backprop{end}{version}") for end in ("Input", "Filter"))
            to_input(input_sizes=x.shape, filter=kernel, out_backprop=y, **settings)
            to_filter(input=x, filter_sizes=kernel.shape, out_backprop=y, **settings)
        except tf.errors.OpError:
            return False
        return True


def _fit(kernel: Any, strides: Ints, dilation: Ints) -> tuple[Any, Ints]:
    """The kernel and the dilation that TensorFlow is given: as they are, or spread out and 1."""
    if set(dilation) <= {1} or _has(len(strides), kernel.dtype.name, 1, 2):
        return kernel, dilation
    return _spread(kernel, dilation), (1,) * len(dilation)


def conv(x: Any, kernel: Any, strides: Ints, padding: Pairs, dilation: Ints, groups: int, channels_last: bool) -> Any:
    x = to_last(x, channels_last)
    windows = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    named = same_or_valid(x.shape[1:-1], windows, strides, padding)
    x, named = (x, named) if named else (padded(x, padding), "VALID")
    if groups > 1 and kernel.shape[-2] == 1:
        shape = (*kernel.shape[:-2], groups, kernel.shape[-1] // groups)
        return as_given(_depthwise(x, tf.reshape(kernel, shape), strides, named, dilation), channels_last)
    kernel, dilation = _fit(kernel, strides, dilation)
    if groups == 1 or _has(len(strides), kernel.dtype.name, 2, min(max(dilation), 2)):
        return as_given(_convolve(x, kernel, strides, named, dilation), channels_last)
    pairs = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return as_given(tf.concat([_convolve(a, k, strides, named, dilation) for a, k in pairs], -1), channels_last)


def _convolve(x: Any, kernel: Any, strides: Ints, padding: str, dilation: Ints) -> Any:
    if len(strides) == 1:  # as images of height 1
        return tf.squeeze(tf.nn.conv2d(x[:, None], kernel[None], (1, *strides), padding, dilations=(1, *dilation)), 1)
    if len(strides) == 2:
        return tf.nn.conv2d(x, kernel, strides, padding, dilations=dilation)
    return tf.nn.conv3d(x, kernel, (1, *strides, 1), padding, dilations=(1, *dilation, 1))


def _depthwise(x: Any, kernel: Any, strides: Ints, padding: str, dilation: Ints) -> Any:
    rank = len(strides)
    if rank == 1:
        y = _depthwise(x[:, None], kernel[None], (strides[0], strides[0]), padding, (dilation[0], dilation[0]))
        return tf.squeeze(y, 1)
    if rank == 2 and max(strides) == 1:
        return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), padding, dilations=dilation)
    kernel = _spread(kernel, dilation)
    if rank == 2 and strides[0] == strides[1]:
        return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], padding)
    channels = kernel.shape[-2]
    pairs = zip(tf.split(x, channels, -1), tf.split(kernel, channels, -2), strict=True)
    return tf.concat([_convolve(a, k, strides, padding, (1,) * rank) for a, k in pairs], -1)


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
    x = to_last(x, channels_last)
    kernel, dilation = _fit(kernel, strides, dilation)
    whole = [n + low + high for n, (low, high) in zip(output_shape, padding, strict=True)]
    sizes, steps, gaps = [x.shape[0], *whole, kernel.shape[-2]], [1, *strides, 1], [1, *dilation, 1]
    if len(strides) == 2:
        y = tf.raw_ops.Conv2DBackpropInput(input_sizes=sizes, filter=kernel, out_backprop=x, strides=steps, padding="VALID", dilations=gaps)
    else:
        y = tf.raw_ops.Conv3DBackpropInputV2(
            input_sizes=sizes, filter=kernel, out_backprop=x, strides=steps, padding="VALID", dilations=gaps
        )
    y = y[:, *(slice(low, low + n) for n, (low, _) in zip(output_shape, padding, strict=True))]
    if any(high < 0 for _, high in padding):  # cells that no window reaches
        y = tf.pad(y, [(0, 0), *((0, max(-high, 0)) for _, high in padding), (0, 0)])
    return as_given(y, channels_last)
