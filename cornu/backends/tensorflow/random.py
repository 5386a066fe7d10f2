"""Random numbers in TensorFlow: its stateless generators, keyed by the two words of the seed."""

from __future__ import annotations

from typing import Any

from cornu.backends.tensorflow.library import tf

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


def _seed(key: Any) -> Any:
    return tf.bitcast(key, "int32")


def random_uniform(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return tf.random.stateless_uniform(shape, _seed(key), dtype=dtype, alg="philox")


def random_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return tf.random.stateless_normal(shape, _seed(key), dtype=dtype, alg="philox")


def random_truncated_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return tf.random.stateless_truncated_normal(shape, _seed(key), dtype=dtype, alg="philox")


def random_integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> Any:
    low, high = (tf.cast(v, "int64") for v in (low, high))
    return tf.cast(tf.random.stateless_uniform(shape, _seed(key), low, high, "int64", alg="philox"), dtype)


def random_gamma(key: Any, alpha: Any, shape: tuple[int, ...]) -> Any:
    return tf.random.stateless_gamma(shape, _seed(key), alpha, dtype=alpha.dtype)


def random_beta(key: Any, alpha: Any, beta: Any, shape: tuple[int, ...]) -> Any:
    # a gamma over the sum of two, J. Gurland's relation
    one, other = tf.unstack(tf.random.experimental.stateless_split(_seed(key), 2))
    a, b = tf.random.stateless_gamma(shape, one, alpha, dtype=alpha.dtype), tf.random.stateless_gamma(shape, other, beta, dtype=beta.dtype)
    return a / (a + b)


def random_binomial(key: Any, counts: Any, probabilities: Any, shape: tuple[int, ...]) -> Any:
    drawn = tf.random.stateless_binomial(shape, _seed(key), tf.cast(counts, "float32"), tf.cast(probabilities, "float32"), "float32")
    return tf.cast(drawn, counts.dtype)


def permutation(key: Any, n: int) -> Any:
    return tf.random.experimental.stateless_shuffle(tf.range(n), _seed(key))


def categorical(key: Any, logits: Any, num_samples: int, dtype: str) -> Any:
    return tf.cast(tf.random.stateless_categorical(tf.cast(logits, "float32"), num_samples, _seed(key), "int32"), dtype)


def advance_key(state: Any) -> Any:
    return state, state + tf.constant([0, 1], "uint32")
