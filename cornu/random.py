"""Random numbers, from a seed.

`seed` is a whole number (the same numbers each time), a `SeedGenerator` (others each time, repeatable), or None (drawn from the
process's own generator). The same seed gives the same numbers on one backend, and numbers of the same distribution on all.
"""

from __future__ import annotations

from typing import Any

from cornu import config, dtypes
from cornu.errors import ArgumentError
from cornu.ops import random as keyed
from cornu.ops.arguments import Array, Shape, as_axis
from cornu.ops.core import cast, convert_to_tensor, where
from cornu.ops.creation import zeros_like
from cornu.ops.elementwise import add, divide, greater_equal, less, less_equal, multiply
from cornu.ops.indexing import take
from cornu.ops.shaping import broadcast_to
from cornu.state.seed import SeedGenerator, draw_key

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip

Seed = int | SeedGenerator | None


def uniform(shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: Seed = None) -> Array:
    """Uniform on [minval, maxval). What rounds to `maxval` in the dtype counts as `minval`: each has half of a cell of the dtype's numbers there.

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    name = config.floatx() if dtype is None else dtypes.standardize(dtype)
    if dtypes.is_integer(name):
        return randint(shape, int(minval), int(maxval), name, seed)
    key, whole = draw_key(seed), _is(minval, 0) and _is(maxval, 1)
    return keyed.random_uniform(key, shape, name) if whole else _between(key, shape, minval, maxval, name)


def _between(key: Array, shape: Shape, minval: float, maxval: float, dtype: str) -> Array:
    """Uniform on [minval, maxval), computed in float32 at least and rounded once."""
    drawn = keyed.random_uniform(key, shape, dtype if dtype == "float64" else "float32")
    x = cast(_scaled(drawn, maxval - minval, minval), dtype)
    low, high = cast(minval, dtype), cast(maxval, dtype)
    beyond = where(less(low, high), greater_equal(x, high), less_equal(x, high))
    return where(beyond, low, x)


def normal(shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Seed = None) -> Array:
    """Normal with this mean and standard deviation."""
    return _scaled(keyed.random_normal(draw_key(seed), shape, dtype), stddev, mean)


def truncated_normal(shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Seed = None) -> Array:
    """Normal with this mean and standard deviation, values beyond two deviations drawn again."""
    return _scaled(keyed.random_truncated_normal(draw_key(seed), shape, dtype), stddev, mean)


def randint(shape: Shape, minval: int, maxval: int, dtype: str = "int32", seed: Seed = None) -> Array:
    """Whole numbers from `minval` up to but without `maxval`, all as likely."""
    if not maxval > minval:
        raise ArgumentError(f"randint needs maxval above minval, got {minval} and {maxval}.")
    return keyed.random_integers(draw_key(seed), shape, minval, maxval, dtype)


def categorical(logits: Array, num_samples: int, dtype: str = "int32", seed: Seed = None) -> Array:
    """`num_samples` classes for each row of logits (batch, classes), by their softmax probabilities."""
    return keyed.categorical(draw_key(seed), logits, num_samples, dtype)


def gamma(shape: Shape, alpha: Array, dtype: str | None = None, seed: Seed = None) -> Array:
    """Gamma with the shape parameter `alpha` (a number, or an array that broadcasts to the shape) and the scale 1: mean and variance `alpha`.

    >>> gamma((2, 3), 2.0, seed=1).shape == (2, 3)
    True
    """
    return keyed.random_gamma(draw_key(seed), alpha, shape, dtype)


def beta(shape: Shape, alpha: Array, beta: Array, dtype: str | None = None, seed: Seed = None) -> Array:
    """Beta on [0, 1] with these two parameters (numbers, or arrays that broadcast to the shape): mean `alpha / (alpha + beta)`.

    >>> beta((2, 3), 2.0, [1.0, 2.0, 3.0], seed=1).shape == (2, 3)
    True
    """
    return keyed.random_beta(draw_key(seed), alpha, beta, shape, dtype)


def binomial(shape: Shape, counts: Array, probabilities: Array, dtype: str | None = None, seed: Seed = None) -> Array:
    """How many of `counts` trials succeed, each with the given probability, as floats; both may be arrays that broadcast to the shape.

    >>> binomial((2,), 5, [0.0, 1.0], seed=1).tolist()
    [0.0, 5.0]
    """
    return keyed.random_binomial(draw_key(seed), counts, probabilities, shape, dtype)


def shuffle(x: Array, axis: int = 0, seed: Seed = None) -> Array:
    """The slices along an axis in random order."""
    x = convert_to_tensor(x)
    axis = as_axis(axis, x.ndim)
    return take(x, keyed.permutation(draw_key(seed), x.shape[axis]), axis)


def dropout(inputs: Array, rate: float, noise_shape: Shape | None = None, seed: Seed = None) -> Array:
    """Each element is 0 with probability `rate`, else divided by `1 - rate`, so that the mean stays.

    Along axes of length 1 in `noise_shape` one draw serves all. N. Srivastava and others, "Dropout", JMLR 15, 2014.
    """
    inputs = convert_to_tensor(inputs)
    if not 0 <= rate < 1:
        raise ArgumentError(f"A dropout rate must be at least 0 and below 1, got {rate!r}.")
    wanted: Any = inputs.shape if noise_shape is None else [m if n is None else n for n, m in zip(noise_shape, inputs.shape, strict=True)]
    keep = less(keyed.random_uniform(draw_key(seed), tuple(wanted), "float32"), 1 - rate)
    return where(broadcast_to(keep, inputs.shape), divide(inputs, 1 - rate), zeros_like(inputs))


def _is(x: Any, value: int) -> bool:
    return isinstance(x, (int, float)) and x == value


def _scaled(x: Array, factor: float, shift: float) -> Array:
    x = x if factor == 1 else multiply(x, cast(factor, x.dtype) if hasattr(factor, "dtype") else factor)
    return x if _is(shift, 0) else add(x, shift)
