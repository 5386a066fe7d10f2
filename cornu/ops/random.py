"""Random numbers as functions of a key of two uint32 words; `cornu.random` gives them seeds.

The same key gives the same numbers on one backend, and numbers of the same distribution on all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from cornu import config, dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Shape, array, as_shape, broadcast, floating
from cornu.ops.core import convert_to_tensor
from cornu.ops.dispatch import primitive

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


Source = TypeVar("Source", bound=Callable[..., Any])
_sources: list[Callable[..., Any]] = []


def draw_keys_by(source: Source) -> Source:
    """Makes ops that take a seed draw their keys by `source(seed)`: the streams of seeds live above the ops."""
    _sources[:] = [source]
    return source


def draw_key(seed: Any) -> Array:
    """The key for one draw from a seed. Before `cornu.state` is loaded there are no streams: None then takes the system's entropy."""
    if _sources:
        return _sources[0](seed)
    first = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
    return convert_to_tensor(np.array([first & 0xFFFFFFFF, 0], "uint32"))


def _float(dtype: str | None) -> str:
    name = config.floatx() if dtype is None else dtypes.standardize(dtype)
    if not dtypes.is_floating(name):
        raise ArgumentError(f"Random real numbers need a float dtype, got {name!r}. For integers use `random.randint`.")
    return name


@primitive
def random_uniform(on: Any, key: Array, shape: Shape, dtype: str | None = None) -> Array:
    """Uniform on [0, 1)."""
    return on.random_uniform(array(on, key, "uint32"), as_shape(shape), _float(dtype))


@primitive
def random_normal(on: Any, key: Array, shape: Shape, dtype: str | None = None) -> Array:
    """Normal with mean 0 and deviation 1."""
    return on.random_normal(array(on, key, "uint32"), as_shape(shape), _float(dtype))


@primitive
def random_truncated_normal(on: Any, key: Array, shape: Shape, dtype: str | None = None) -> Array:
    """Normal with mean 0 and deviation 1, values beyond 2 drawn again."""
    return on.random_truncated_normal(array(on, key, "uint32"), as_shape(shape), _float(dtype))


@primitive
def random_integers(on: Any, key: Array, shape: Shape, low: int, high: int, dtype: str = "int32") -> Array:
    """Whole numbers from `low` up to but without `high`, all as likely."""
    return on.random_integers(array(on, key, "uint32"), as_shape(shape), low, high, dtypes.standardize(dtype))


def _parameters(on: Any, shape: Shape, dtype: str | None, *values: Array) -> tuple[tuple[int, ...], str, list[Array]]:
    """The shape, the dtype of the result, and the parameters in float32 at least, which must broadcast to the shape."""
    name, size = _float(dtype), as_shape(shape)
    kind = name if name == "float64" else "float32"
    arrays = [array(on, value, kind) for value in values]
    if broadcast(size, *(tuple(a.shape) for a in arrays)) != size:
        raise ShapeError(
            f"The parameters of a distribution must broadcast to the shape, got {[tuple(a.shape) for a in arrays]} for {size}."
        )
    return size, name, arrays


@primitive
def random_gamma(on: Any, key: Array, alpha: Array, shape: Shape, dtype: str | None = None) -> Array:
    """Gamma with this shape parameter, scale 1."""
    size, name, (alpha,) = _parameters(on, shape, dtype, alpha)
    return array(on, on.random_gamma(array(on, key, "uint32"), alpha, size), name)


@primitive
def random_beta(on: Any, key: Array, alpha: Array, beta: Array, shape: Shape, dtype: str | None = None) -> Array:
    """Beta with these two parameters."""
    size, name, (alpha, beta) = _parameters(on, shape, dtype, alpha, beta)
    return array(on, on.random_beta(array(on, key, "uint32"), alpha, beta, size), name)


@primitive
def random_binomial(on: Any, key: Array, counts: Array, probabilities: Array, shape: Shape, dtype: str | None = None) -> Array:
    """How many of `counts` trials succeed, each with this probability."""
    size, name, (counts, probabilities) = _parameters(on, shape, dtype, counts, probabilities)
    return array(on, on.random_binomial(array(on, key, "uint32"), counts, probabilities, size), name)


@primitive
def permutation(on: Any, key: Array, n: int) -> Array:
    """The numbers from 0 to n - 1 in random order."""
    return on.permutation(array(on, key, "uint32"), int(n))


@primitive
def categorical(on: Any, key: Array, logits: Array, num_samples: int, dtype: str = "int32") -> Array:
    """`num_samples` classes for each row of logits (batch, classes)."""
    return on.categorical(array(on, key, "uint32"), floating(on, logits), int(num_samples), dtypes.standardize(dtype))


@primitive
def advance_key(on: Any, state: Array) -> tuple[Array, Array]:
    """The key that a seed's state stands at, (seed, counter), and the state after it."""
    return on.advance_key(array(on, state, "uint32"))
