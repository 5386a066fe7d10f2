"""Products and factorisations in JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.numpy import matmul, tensordot
from jax.numpy.linalg import cholesky, det, inv, solve

__all__ = [
    "cholesky", "det", "eig", "eigh", "einsum", "inv", "lu_factor", "matmul", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip


def einsum(subscripts: str, operands: Sequence[Any]) -> Any:
    return jnp.einsum(subscripts, *operands)


def eig(x: Any) -> Any:
    return tuple(jnp.linalg.eig(x))


def eigh(x: Any) -> Any:
    return tuple(jnp.linalg.eigh(x))


def slogdet(x: Any) -> Any:
    return tuple(jnp.linalg.slogdet(x))


def qr(x: Any, mode: str) -> Any:
    return tuple(jnp.linalg.qr(x, mode))


def svd(x: Any, full_matrices: bool, compute_uv: bool) -> Any:
    result = jnp.linalg.svd(x, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    lead = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (jnp.broadcast_to(v, lead + v.shape[-2:]) for v in (a, b))
    return jax.scipy.linalg.solve_triangular(a, b, lower=lower)


def lu_factor(x: Any) -> Any:
    lu, pivots = jax.scipy.linalg.lu_factor(x)
    return lu, pivots.astype("int32")
