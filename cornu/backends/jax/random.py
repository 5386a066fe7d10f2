"""Random numbers in JAX: Threefry, keyed by the two words of the seed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.backends.jax.core import held

__all__ = ["advance_key", "categorical", "permutation", "random_integers", "random_normal", "random_truncated_normal", "random_uniform"]


def _key(key: Any) -> Any:
    return jax.random.wrap_key_data(key.astype("uint32"), impl="threefry2x32")


def random_uniform(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return jax.random.uniform(_key(key), shape, held(dtype))


def random_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return jax.random.normal(_key(key), shape, held(dtype))


def random_truncated_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return jax.random.truncated_normal(_key(key), -2.0, 2.0, shape, held(dtype))


def random_integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> Any:
    return jax.random.randint(_key(key), shape, low, high, held(dtype))


def permutation(key: Any, n: int) -> Any:
    return jax.random.permutation(_key(key), n).astype("int32")


def categorical(key: Any, logits: Any, num_samples: int, dtype: str) -> Any:
    drawn = jax.random.categorical(_key(key), logits, shape=(num_samples, logits.shape[0]))
    return jnp.transpose(drawn).astype(held(dtype))


def advance_key(state: Any) -> Any:
    return state, state + jnp.array([0, 1], "uint32")
