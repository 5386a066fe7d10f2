"""Ops of neural networks: affine maps, normalisations, cross-entropies, images as blocks."""

from __future__ import annotations

from cornu import config
from cornu.errors import ShapeError
from cornu.ops.activation import log_softmax, softplus
from cornu.ops.arguments import Array, Axis, as_axes
from cornu.ops.core import cast, clip, convert_to_tensor, to_floating
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, divide, log, log10, multiply, negative, rsqrt, square, subtract
from cornu.ops.indexing import one_hot
from cornu.ops.products import matmul
from cornu.ops.reduce import mean, moments, sum
from cornu.ops.shaping import reshape, squeeze, transpose

__all__ = [
    "batch_normalization", "binary_crossentropy", "categorical_crossentropy", "dense", "depth_to_space", "layer_normalization", "psnr",
    "rms_normalization", "space_to_depth", "sparse_categorical_crossentropy",
]  # fmt: skip


@composite
def dense(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """An affine map of the last axis: `x @ kernel + bias`, kernel (features, units), bias (units,).

    >>> import numpy as np
    >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0], [1.0]]), np.array([0.5])).tolist()
    [[3.5]]
    """
    y = matmul(x, kernel)
    return y if bias is None else add(y, bias)


@composite
def batch_normalization(
    x: Array, mean: Array, variance: Array, axis: int, offset: Array | None = None, scale: Array | None = None, epsilon: float = 1e-3
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, statistics along `axis` (S. Ioffe, C. Szegedy, https://arxiv.org/abs/1502.03167).

    >>> batch_normalization([[1.0, 5.0]], [1.0, 1.0], [4.0, 4.0], axis=1, epsilon=0.0).tolist()
    [[0.0, 2.0]]
    """
    x = to_floating(x)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    # one multiplication and one addition an element: the statistics are folded into a factor and a shift first
    factor = rsqrt(add(variance, epsilon))
    factor = factor if scale is None else multiply(factor, scale)
    shift = negative(multiply(mean, factor))
    shift = shift if offset is None else add(shift, offset)
    return add(multiply(x, reshape(factor, shape)), reshape(shift, shape))


def _epsilon(epsilon: float | None) -> float:
    return config.epsilon() if epsilon is None else epsilon


def _along(x: Array, axis: Axis) -> tuple[tuple[int, ...], list[int]]:
    """The axes, and the shape in which weights of their lengths broadcast against `x`."""
    axes = as_axes(axis, x.ndim)
    return axes, [n if i in axes else 1 for i, n in enumerate(x.shape)]


@composite
def layer_normalization(
    x: Array, gamma: Array | None = None, beta: Array | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the axes of each sample (J. L. Ba and others, https://arxiv.org/abs/1607.06450).

    gamma and beta have the lengths of those axes; epsilon is `config.epsilon()` by default.

    >>> layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]
    """
    x = to_floating(x)
    axes, shape = _along(x, axis)
    center, variance = moments(x, axes, keepdims=True)
    y = multiply(subtract(x, center), rsqrt(add(variance, _epsilon(epsilon))))
    y = y if gamma is None else multiply(y, reshape(gamma, shape))
    return y if beta is None else add(y, reshape(beta, shape))


@composite
def rms_normalization(x: Array, scale: Array | None = None, axis: Axis = -1, epsilon: float | None = None) -> Array:
    """`x / sqrt(mean(x ** 2) + epsilon) * scale` over the axes of each sample (B. Zhang, R. Sennrich, https://arxiv.org/abs/1910.07467).

    >>> rms_normalization([[2.0, -2.0]], epsilon=0.0).tolist()
    [[1.0, -1.0]]
    """
    x = to_floating(x)
    axes, shape = _along(x, axis)
    y = multiply(x, rsqrt(add(mean(square(x), axes, keepdims=True), _epsilon(epsilon))))
    return y if scale is None else multiply(y, reshape(scale, shape))


@composite
def psnr(x1: Array, x2: Array, max_val: float) -> Array:
    """Peak signal-to-noise ratio in decibels: `20 log10(max_val) - 10 log10(mean((x1 - x2) ** 2))`.

    >>> psnr([1.0, 1.0], [0.0, 0.0], 1.0).tolist()
    0.0
    """
    x1, x2 = to_floating(x1), to_floating(x2)
    _same_shape(x1, x2, "psnr")
    return multiply(log10(divide(max_val**2, mean(square(subtract(x1, x2))))), 10)


def _image(x: Array, data_format: str | None, op: str) -> tuple[Array, bool, tuple[int, ...]]:
    """The images, whether channels come last, and batch, height, width, channels."""
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"ops.{op} takes a batch of images (4 axes), got the shape {tuple(x.shape)}.")
    last = config.standardize_data_format(data_format) == "channels_last"
    batch, *rest = x.shape
    return x, last, (batch, *rest) if last else (batch, rest[1], rest[2], rest[0])


@composite
def depth_to_space(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Channels laid out as blocks of pixels: (batch, h, w, b * b * c) to (batch, h * b, w * b, c); also called pixel shuffle.

    >>> depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
    [[[[1], [2]], [[3], [4]]]]
    """
    x, last, (batch, height, width, channels) = _image(x, data_format, "depth_to_space")
    b = block_size
    if channels % (b * b):
        raise ShapeError(f"depth_to_space needs channels that {b * b} divides, got {channels} in the shape {tuple(x.shape)}.")
    if last:
        x = transpose(reshape(x, (batch, height, width, b, b, channels // b**2)), (0, 1, 3, 2, 4, 5))  # (batch, h, b, w, b, c)
        return reshape(x, (batch, height * b, width * b, channels // b**2))
    x = transpose(reshape(x, (batch, b, b, channels // b**2, height, width)), (0, 3, 4, 1, 5, 2))  # (batch, c, h, b, w, b)
    return reshape(x, (batch, channels // b**2, height * b, width * b))


@composite
def space_to_depth(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Blocks of pixels laid out as channels: (batch, h, w, c) to (batch, h / b, w / b, b * b * c); undoes `depth_to_space`.

    >>> space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x, last, (batch, height, width, channels) = _image(x, data_format, "space_to_depth")
    b = block_size
    if height % b or width % b:
        raise ShapeError(
            f"space_to_depth needs a height and a width that {b} divides, got {height} and {width} in the shape {tuple(x.shape)}."
        )
    h, w = height // b, width // b
    if last:
        x = transpose(reshape(x, (batch, h, b, w, b, channels)), (0, 1, 3, 2, 4, 5))  # (batch, h, w, b, b, c)
        return reshape(x, (batch, h, w, channels * b * b))
    x = transpose(reshape(x, (batch, channels, h, b, w, b)), (0, 3, 5, 1, 2, 4))  # (batch, b, b, c, h, w)
    return reshape(x, (batch, channels * b * b, h, w))


def _same_shape(target: Array, output: Array, op: str) -> None:
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(f"ops.{op} needs target and output of one shape, got {tuple(target.shape)} and {tuple(output.shape)}.")


@composite
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """`-(t ln p + (1 - t) ln(1 - p))` element by element; p is the output, or its sigmoid if `from_logits`.

    Probabilities are held `config.epsilon()` away from 0 and 1.

    >>> binary_crossentropy([1.0, 0.0], [1000.0, -1000.0], from_logits=True).tolist()
    [0.0, 0.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    _same_shape(target, output, "binary_crossentropy")
    if from_logits:  # softplus(z) - t z: what -ln sigmoid and -ln(1 - sigmoid) come to, without overflow
        return subtract(softplus(output), multiply(target, output))
    p = clip(output, config.epsilon(), 1 - config.epsilon())
    return negative(add(multiply(target, log(p)), multiply(subtract(1, target), log(subtract(1, p)))))


@composite
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """`-sum(t ln p)` along the class axis, which goes; p is the output made to sum to 1, or its softmax if `from_logits`.

    >>> categorical_crossentropy([[0.0, 1.0]], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    _same_shape(target, output, "categorical_crossentropy")
    return negative(sum(multiply(target, _log_probabilities(output, from_logits, axis)), axis))


@composite
def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """`-ln p[t]` along the class axis, which goes; the target names classes by number, with that axis absent or of length 1.

    A label out of range has the loss 0 here; `fit` refuses it before any step.

    >>> sparse_categorical_crossentropy([1], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = squeeze(target, axis)
    rest = [n for i, n in enumerate(output.shape) if i != axis % output.ndim]
    if list(target.shape) != rest:
        raise ShapeError(
            f"Sparse labels have the output's shape without the class axis, {tuple(rest)}, got {tuple(target.shape)} for the output {tuple(output.shape)}. "
            "For one-hot labels use categorical_crossentropy."
        )
    return sparse_crossentropy_of_classes(cast(target, "int32"), output, from_logits, axis)


@composite
def sparse_crossentropy_of_classes(target: Array, output: Array, from_logits: bool, axis: int) -> Array:
    """The cross-entropy for class numbers whose shape fits: a product with a comparison, whose gradient is no scatter."""
    chosen = one_hot(target, output.shape[axis], axis=axis, dtype=output.dtype)
    return negative(sum(multiply(chosen, _log_probabilities(output, from_logits, axis)), axis))


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return log_softmax(output, axis)
    p = divide(output, sum(output, axis, keepdims=True))
    return log(clip(p, config.epsilon(), 1 - config.epsilon()))
