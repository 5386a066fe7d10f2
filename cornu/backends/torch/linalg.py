"""Products and factorisations in PyTorch. Where a matrix has no factors or no inverse the result is NaN, as on the other backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.linalg import det

from cornu.backends.torch.elementwise import widened

__all__ = [
    "cholesky", "det", "eig", "eigh", "einsum", "inv", "lu_factor", "matmul", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip

# Integers are multiplied as float64, exact up to 2 ** 53, where PyTorch has no product of them (booleans, unsigned ones, accelerators)
matmul = widened(torch.matmul, torch.float64)


def einsum(subscripts: str, operands: Sequence[Any]) -> Any:
    return widened(lambda *xs: torch.einsum(subscripts, *xs), torch.float64)(*operands)


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return widened(lambda a, b: torch.tensordot(a, b, axes), torch.float64)(x1, x2)


def _or_nan(result: Any, failed: Any) -> Any:
    return torch.where((failed != 0)[..., None, None], torch.nan, result)


def cholesky(x: Any) -> Any:
    return _or_nan(*torch.linalg.cholesky_ex(x)).tril()


def inv(x: Any) -> Any:
    return _or_nan(*torch.linalg.inv_ex(x))


def solve(a: Any, b: Any) -> Any:
    return _or_nan(*torch.linalg.solve_ex(a, b))


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return torch.linalg.solve_triangular(a, b, upper=not lower)


def eig(x: Any) -> Any:
    return tuple(torch.linalg.eig(x))


def eigh(x: Any) -> Any:
    return tuple(torch.linalg.eigh(x))


def slogdet(x: Any) -> Any:
    return tuple(torch.linalg.slogdet(x))


def qr(x: Any, mode: str) -> Any:
    return tuple(torch.linalg.qr(x, mode))


def svd(x: Any, full_matrices: bool, compute_uv: bool) -> Any:
    return tuple(torch.linalg.svd(x, full_matrices)) if compute_uv else torch.linalg.svdvals(x)


def lu_factor(x: Any) -> Any:
    lu, pivots = torch.linalg.lu_factor(x)
    return lu, pivots - 1  # PyTorch counts rows from 1
