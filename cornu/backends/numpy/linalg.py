"""Products and factorisations in NumPy. Where a matrix has no factors or no inverse the result is NaN, as on the other backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.linalg
from numpy.linalg import det, eigh, slogdet

__all__ = [
    "cholesky", "det", "eig", "eigh", "einsum", "inv", "lu_factor", "matmul", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip


def _through_float(product: Callable[..., Any]) -> Callable[..., Any]:
    """Integers keep their dtype; the small floats, which NumPy multiplies slowly or not at all, go through float32."""

    def run(*operands: Any) -> Any:
        small = operands[0].dtype if operands[0].dtype.itemsize < 4 and operands[0].dtype.kind in "fV" else None
        with np.errstate(all="ignore"):
            result = np.asarray(product(*(x if small is None else x.astype(np.float32) for x in operands)))
        return result if small is None else result.astype(small)

    return run


matmul = _through_float(np.matmul)


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return _through_float(lambda a, b: np.tensordot(a, b, axes))(x1, x2)


def einsum(subscripts: str, operands: Sequence[Any]) -> Any:
    return _through_float(lambda *xs: np.einsum(subscripts, *xs, optimize=len(xs) > 2))(*operands)


def _matrix_by_matrix(factorise: Callable[..., Any], *arrays: Any) -> Any:
    """The function on stacks of matrices; where it refuses one of them, on each by itself, NaN for those refused."""
    try:
        return factorise(*arrays)
    except np.linalg.LinAlgError:
        last = arrays[-1]
        if last.ndim == 2:
            return np.full_like(last, np.nan)
        return np.stack([_matrix_by_matrix(factorise, *matrices) for matrices in zip(*arrays, strict=True)])


def cholesky(x: Any) -> Any:
    return np.tril(_matrix_by_matrix(np.linalg.cholesky, x))


def inv(x: Any) -> Any:
    return _matrix_by_matrix(np.linalg.inv, x)


def solve(a: Any, b: Any) -> Any:
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return _matrix_by_matrix(np.linalg.solve, np.broadcast_to(a, lead + a.shape[-2:]), np.broadcast_to(b, lead + b.shape[-2:]))


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    rows, columns = (np.broadcast_to(v, lead + v.shape[-2:]).reshape(-1, *v.shape[-2:]) for v in (a, b))
    solved = [scipy.linalg.solve_triangular(m, c, lower=lower) for m, c in zip(rows, columns, strict=True)]
    return np.asarray(solved, b.dtype).reshape(lead + b.shape[-2:])


def qr(x: Any, mode: Any) -> Any:
    return tuple(np.linalg.qr(x, mode))


def svd(x: Any, full_matrices: bool, compute_uv: Any) -> Any:
    result = np.linalg.svd(x, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def eig(x: Any) -> Any:
    return tuple(v.astype(np.result_type(x, np.complex64)) for v in np.linalg.eig(x))


def lu_factor(x: Any) -> Any:
    lu, pivots = scipy.linalg.lu_factor(x, check_finite=False)
    return lu, pivots.astype("int32")
