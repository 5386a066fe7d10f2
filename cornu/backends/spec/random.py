"""Shapes of random numbers."""

from __future__ import annotations

from typing import Any

from cornu.backends.spec.tensor_spec import TensorSpec

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


def random_uniform(key: Any, shape: tuple[int, ...], dtype: str) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, dtype)


random_normal = random_truncated_normal = random_uniform


def random_integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, dtype)


def random_gamma(key: Any, alpha: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, alpha.dtype)


def random_beta(key: Any, alpha: TensorSpec, beta: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, alpha.dtype)


random_binomial = random_beta


def permutation(key: Any, n: int) -> TensorSpec:
    """As many positions."""
    return TensorSpec((n,), "int32")


def categorical(key: Any, logits: TensorSpec, num_samples: int, dtype: str) -> TensorSpec:
    """`num_samples` classes a row."""
    return TensorSpec((logits.shape[0], num_samples), dtype)


def advance_key(state: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
    """Two keys."""
    return state, state
