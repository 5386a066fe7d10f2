"""Random numbers in JAX: Threefry, keyed by the two words of the seed."""

import jax
import jax.numpy as jnp

from cornu.backends.jax.core import held

__all__ = ["advance_key", "categorical", "permutation", "random_integers", "random_normal", "random_truncated_normal", "random_uniform"]


def _key(key):
    return jax.random.wrap_key_data(key.astype("uint32"), impl="threefry2x32")


def random_uniform(key, shape, dtype):
    return jax.random.uniform(_key(key), shape, held(dtype))


def random_normal(key, shape, dtype):
    return jax.random.normal(_key(key), shape, held(dtype))


def random_truncated_normal(key, shape, dtype):
    return jax.random.truncated_normal(_key(key), -2.0, 2.0, shape, held(dtype))


def random_integers(key, shape, low, high, dtype):
    return jax.random.randint(_key(key), shape, low, high, held(dtype))


def permutation(key, n):
    return jax.random.permutation(_key(key), n).astype("int32")


def categorical(key, logits, num_samples, dtype):
    drawn = jax.random.categorical(_key(key), logits, shape=(num_samples, logits.shape[0]))
    return jnp.transpose(drawn).astype(held(dtype))


def advance_key(state):
    return state, state + jnp.array([0, 1], "uint32")
