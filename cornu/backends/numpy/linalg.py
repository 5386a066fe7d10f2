"""Products and factorisations in NumPy."""

import numpy as np
from numpy import matmul, tensordot
from numpy.linalg import cholesky, det, eigh, inv
from scipy.linalg import solve_triangular as _solve_triangular

__all__ = ["cholesky", "det", "eigh", "einsum", "inv", "matmul", "qr", "solve", "solve_triangular", "svd", "tensordot"]


def einsum(subscripts, operands):
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def qr(x, mode):
    return tuple(np.linalg.qr(x, mode))


def svd(x, full_matrices, compute_uv):
    result = np.linalg.svd(x, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def solve(a, b):
    return np.linalg.solve(a, b)


def solve_triangular(a, b, lower):
    return _solve_triangular(a, b, lower=lower).astype(b.dtype)
