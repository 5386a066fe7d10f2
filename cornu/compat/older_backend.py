"""Functions of `keras.backend` before Keras 3, written in today's ops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import config, ops, random
from cornu.compat import older_state
from cornu.errors import ArgumentError

__all__ = ["TODAY", "find"]

Array = Any
Axis = int | Sequence[int] | None

_SAME = (
    "abs", "all", "any", "arange", "argmax", "argmin", "concatenate", "cos", "cumprod", "cumsum", "dot", "equal", "exp", "expand_dims", "eye",
    "greater", "greater_equal", "less", "less_equal", "log", "logsumexp", "max", "maximum", "mean", "min", "minimum", "not_equal", "ones_like", "prod",
    "reshape", "round", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient",
    "sum", "tanh", "tile", "transpose", "var", "zeros_like",
)  # fmt: skip
"""Those that `keras.ops` has under the same name, with arguments in the same order."""


def batch_dot(x: Array, y: Array, axes: int | Sequence[int] | None = None) -> Array:
    """Row by row the product over an axis of each, the last of `x` and the last but one of `y` by default.

    >>> batch_dot(np.ones((2, 3)), np.ones((2, 3)), axes=1).tolist()
    [[3.0], [3.0]]
    """
    ranks = len(x.shape), len(y.shape)
    pair = (ranks[0] - 1, max(ranks[1] - 2, 1)) if axes is None else (axes, axes) if isinstance(axes, int) else tuple(axes)
    first, second = (axis % rank for axis, rank in zip(pair, ranks, strict=True))
    letters = "abcdefghijklmnopqrstuvwxyz"
    left, right = letters[: ranks[0]], letters[0] + letters[ranks[0] : ranks[0] + ranks[1] - 1]
    right = right[:second] + left[first] + right[second + 1 :]
    result = left.replace(left[first], "") + right[1:].replace(left[first], "")
    out = ops.einsum(f"{left},{right}->{result}", x, y)
    return ops.expand_dims(out, 1) if len(out.shape) == 1 else out


def batch_flatten(x: Array) -> Array:
    """Each row as a vector."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def bias_add(x: Array, bias: Array, data_format: str | None = None) -> Array:
    """`x + bias`, where a bias of rank 1 runs along the channels."""
    if len(bias.shape) == 1 and config.standardize_data_format(data_format) == "channels_first":
        bias = ops.reshape(bias, (-1, *(1,) * (len(x.shape) - 2)))
    return x + bias


def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """Element by element."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """Of one-hot targets."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """Of class numbers."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def cast(x: Array, dtype: str) -> Array:
    """The array in another dtype."""
    return ops.cast(x, dtype)


def cast_to_floatx(x: Array) -> np.ndarray:
    """A NumPy array in `floatx`."""
    return ops.convert_to_numpy(ops.cast(x, config.floatx()))


def clip(x: Array, min_value: float | None, max_value: float | None) -> Array:
    """Values brought into a range."""
    return ops.clip(x, -math.inf if min_value is None else min_value, math.inf if max_value is None else max_value)


def dropout(x: Array, level: float, noise_shape: Sequence[int] | None = None, seed: int | None = None) -> Array:
    """A share of the elements at 0, the others scaled up."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """The exponential linear unit."""
    return ops.elu(x, alpha)


def flatten(x: Array) -> Array:
    """The elements as a vector."""
    return ops.reshape(x, (-1,))


def foldl(fn: Callable[[Any, Any], Any], elems: Array, initializer: Any = None) -> Any:
    """`fn(fn(e0, e1), e2) …` from left to right."""
    rows = list(ops.unstack(elems))
    result = rows.pop(0) if initializer is None else initializer
    for row in rows:
        result = fn(result, row)
    return result


def foldr(fn: Callable[[Any, Any], Any], elems: Array, initializer: Any = None) -> Any:
    """The same from right to left."""
    return foldl(fn, ops.flip(elems, 0), initializer)


def gather(reference: Array, indices: Array) -> Array:
    """The rows at these places."""
    return ops.take(reference, indices, axis=0)


def hard_sigmoid(x: Array) -> Array:
    """`clip(0.2 x + 0.5, 0, 1)`, as Keras 2 had it; today's has the slope 1/6."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def in_top_k(predictions: Array, targets: Array, k: int) -> Array:
    """Whether each target is among the k largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def is_sparse(tensor: Any) -> bool:
    """False: Cornu's tensors are dense."""
    if not ops.is_tensor(tensor):
        raise ArgumentError(f"is_sparse takes a tensor, got {type(tensor).__name__}.")
    return False


def l2_normalize(x: Array, axis: int = -1) -> Array:
    """Vectors of length 1."""
    return ops.normalize(x, axis=axis, order=2)


def map_fn(fn: Callable[[Any], Any], elems: Array) -> Any:
    """`fn` on each row."""
    return ops.map(fn, elems)


def one_hot(indices: Array, num_classes: int) -> Array:
    """One-hot rows."""
    return ops.one_hot(indices, num_classes)


def permute_dimensions(x: Array, pattern: Sequence[int]) -> Array:
    """The axes in another order."""
    return ops.transpose(x, pattern)


def pow(x: Array, a: float) -> Array:
    """Element by element."""
    return ops.power(x, a)


def random_normal(shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: int | None = None) -> Array:
    """Draws from a normal distribution."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: int | None = None
) -> Array:
    """Draws from a uniform distribution."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: int | None = None
) -> Array:
    """Draws from a normal distribution, cut off at two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def relu(x: Array, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """The rectified linear unit: x from `threshold` up, at most `max_value`, `alpha * (x - threshold)` below."""
    x = ops.convert_to_tensor(x)
    up = x if max_value is None else ops.minimum(x, max_value)
    return ops.where(x >= threshold, up, alpha * (x - threshold))


def repeat(x: Array, n: int) -> Array:
    """(rows, features) as (rows, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Array, rep: int, axis: int) -> Array:
    """Each element `rep` times."""
    return ops.repeat(x, rep, axis=axis)


def resize_images(x: Array, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest") -> Array:
    """Images enlarged by whole factors."""
    size = [
        n * f for n, f in zip(x.shape[1:3] if data_format == "channels_last" else x.shape[2:], (height_factor, width_factor), strict=True)
    ]
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def reverse(x: Array, axes: Axis) -> Array:
    """The order along axes reversed."""
    return ops.flip(x, axes)


def spatial_2d_padding(x: Array, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Array:
    """Rows and columns of zeros around images."""
    last = config.standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, ((0, 0), *padding, (0, 0)) if last else ((0, 0), (0, 0), *padding))


def switch(condition: Array, then_expression: Any, else_expression: Any) -> Any:
    """One or the other, by a condition: element by element, or of two functions the one that is called."""
    if callable(then_expression):
        return ops.cond(condition, then_expression, else_expression)
    return ops.where(condition, then_expression, else_expression)


def temporal_padding(x: Array, padding: Sequence[int] = (1, 1)) -> Array:
    """Steps of zeros before and after."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def conv2d(
    x: Array,
    kernel: Array,
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sequence[int] = (1, 1),
) -> Array:
    """A convolution of images."""
    return ops.conv(x, kernel, tuple(strides), padding, config.standardize_data_format(data_format), tuple(dilation_rate))


def pool2d(
    x: Array,
    pool_size: Sequence[int],
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Array:
    """The largest or the mean of each window."""
    pool = {"max": ops.max_pool, "avg": ops.average_pool}.get(pool_mode)
    if pool is None:
        raise ArgumentError(f"pool_mode must be 'max' or 'avg', got {pool_mode!r}.")
    return pool(x, tuple(pool_size), tuple(strides), padding, config.standardize_data_format(data_format))


_OPS = {
    "batch_dot": "einsum", "batch_flatten": "reshape", "bias_add": "add", "binary_crossentropy": "binary_crossentropy", "cast": "cast",
    "cast_to_floatx": "cast", "categorical_crossentropy": "categorical_crossentropy", "clip": "clip", "conv2d": "conv", "elu": "elu", "flatten": "reshape",
    "foldl": "scan", "foldr": "scan", "gather": "take", "hard_sigmoid": "hard_sigmoid", "in_top_k": "in_top_k", "is_sparse": "is_tensor",
    "l2_normalize": "normalize", "map_fn": "map", "one_hot": "one_hot", "permute_dimensions": "transpose", "pool2d": "max_pool", "pow": "power",
    "relu": "relu", "repeat": "repeat", "repeat_elements": "repeat", "resize_images": "image.resize", "reverse": "flip",
    "sparse_categorical_crossentropy": "sparse_categorical_crossentropy", "spatial_2d_padding": "pad", "switch": "where", "temporal_padding": "pad",
}  # fmt: skip
_RANDOM = {"dropout": "dropout", "random_normal": "normal", "random_uniform": "uniform", "truncated_normal": "truncated_normal"}

TODAY: dict[str, str] = {
    **{name: f"is `keras.ops.{name}` today" for name in _SAME},
    **{old: f"is `keras.ops.{today}` today" for old, today in _OPS.items()},
    **{old: f"is `keras.random.{today}` today" for old, today in _RANDOM.items()},
    **older_state.TODAY,
}
"""What each function is called today, as the end of a sentence."""


def find(name: str) -> Any:
    """The function of that name."""
    if name in _SAME:
        return getattr(ops, name)
    return getattr(older_state, name) if name in older_state.TODAY else globals()[name]
