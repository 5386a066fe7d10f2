"""Products and factorisations in JAX."""

import jax.numpy as jnp
from jax.numpy import matmul, tensordot
from jax.numpy.linalg import cholesky, det, inv, solve
from jax.scipy.linalg import solve_triangular as _solve_triangular

__all__ = ["cholesky", "det", "eigh", "einsum", "inv", "matmul", "qr", "solve", "solve_triangular", "svd", "tensordot"]


def einsum(subscripts, operands):
    return jnp.einsum(subscripts, *operands)


def eigh(x):
    return tuple(jnp.linalg.eigh(x))


def qr(x, mode):
    return tuple(jnp.linalg.qr(x, mode))


def svd(x, full_matrices, compute_uv):
    result = jnp.linalg.svd(x, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def solve_triangular(a, b, lower):
    return _solve_triangular(a, b, lower=lower)
