"""Random numbers in NumPy, a stream of its own for every key: Philox, keyed by the two words of the seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.dtypes import numpy_dtype

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


def generator(key: Any) -> Any:
    """NumPy's generator for a key of two uint32 words."""
    return np.random.Generator(np.random.Philox(key=np.asarray(key, np.uint64)))


def random_uniform(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    drawn = np.asarray(generator(key).random(shape, np.float64 if dtype == "float64" else np.float32)).astype(numpy_dtype(dtype))
    return np.where(drawn == 1, np.zeros((), drawn.dtype), drawn)  # what half precision rounds up to 1 is the lower half of the cell at 0


def random_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return generator(key).standard_normal(shape, np.float64 if dtype == "float64" else np.float32).astype(numpy_dtype(dtype))


def random_truncated_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return truncated_normal(generator(key), shape).astype(numpy_dtype(dtype))


def truncated_normal(rng: Any, shape: tuple[int, ...]) -> Any:
    """Standard normal values, those beyond two deviations drawn again."""
    values = rng.standard_normal(shape, np.float32)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > 2)
    while len(outside):
        flat[outside] = rng.standard_normal(len(outside), np.float32)
        outside = outside[np.abs(flat[outside]) > 2]
    return values


def random_integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> Any:
    return generator(key).integers(low, high, shape).astype(numpy_dtype(dtype))


def random_gamma(key: Any, alpha: Any, shape: tuple[int, ...]) -> Any:
    return np.asarray(generator(key).standard_gamma(alpha, shape)).astype(alpha.dtype)


def random_beta(key: Any, alpha: Any, beta: Any, shape: tuple[int, ...]) -> Any:
    return np.asarray(generator(key).beta(alpha, beta, shape)).astype(alpha.dtype)


def random_binomial(key: Any, counts: Any, probabilities: Any, shape: tuple[int, ...]) -> Any:
    return np.asarray(generator(key).binomial(counts.astype("int64"), probabilities, shape)).astype(counts.dtype)


def permutation(key: Any, n: int) -> Any:
    return generator(key).permutation(n).astype("int32")


def categorical(key: Any, logits: Any, num_samples: int, dtype: str) -> Any:
    noise = generator(key).gumbel(size=(logits.shape[0], num_samples, logits.shape[1]))
    return np.argmax(logits[:, None] + noise, -1).astype(numpy_dtype(dtype))


def advance_key(state: Any) -> Any:
    return state.copy(), np.array([state[0], (int(state[1]) + 1) & 0xFFFFFFFF], np.uint32)
