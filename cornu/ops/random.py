"""Random numbers as functions of a key of two uint32 words; `cornu.random` gives them seeds.

The same key gives the same numbers on one backend, and numbers of the same distribution on all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from cornu import config, dtypes
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, Shape, array, as_shape, floating
from cornu.ops.core import convert_to_tensor
from cornu.ops.dispatch import primitive

__all__ = ["advance_key", "categorical", "permutation", "random_integers", "random_normal", "random_truncated_normal", "random_uniform"]


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
