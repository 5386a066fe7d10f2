"""Random numbers in JAX: Threefry, keyed by the two words of the seed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.backends.jax.core import held

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


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


def random_gamma(key: Any, alpha: Any, shape: tuple[int, ...]) -> Any:
    return jax.random.gamma(_key(key), alpha, shape, alpha.dtype)


def random_beta(key: Any, alpha: Any, beta: Any, shape: tuple[int, ...]) -> Any:
    return jax.random.beta(_key(key), alpha, beta, shape, alpha.dtype)


def random_binomial(key: Any, counts: Any, probabilities: Any, shape: tuple[int, ...]) -> Any:
    return jax.random.binomial(_key(key), counts, probabilities, shape, counts.dtype)


def permutation(key: Any, n: int) -> Any:
    return jax.random.permutation(_key(key), n).astype("int32")


def categorical(key: Any, logits: Any, num_samples: int, dtype: str) -> Any:
    drawn = jax.random.categorical(_key(key), logits, shape=(num_samples, logits.shape[0]))
    return jnp.transpose(drawn).astype(held(dtype))


def advance_key(state: Any) -> Any:
    return state, state + jnp.array([0, 1], "uint32")
