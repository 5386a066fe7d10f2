"""Products and factorisations in PyTorch."""

import torch
from torch import matmul
from torch.linalg import cholesky, det, inv

__all__ = ["cholesky", "det", "eigh", "einsum", "inv", "matmul", "qr", "solve", "solve_triangular", "svd", "tensordot"]


def einsum(subscripts, operands):
    return torch.einsum(subscripts, *operands)


def tensordot(x1, x2, axes):
    return torch.tensordot(x1, x2, axes)


def eigh(x):
    return tuple(torch.linalg.eigh(x))


def qr(x, mode):
    return tuple(torch.linalg.qr(x, mode))


def svd(x, full_matrices, compute_uv):
    return tuple(torch.linalg.svd(x, full_matrices)) if compute_uv else torch.linalg.svdvals(x)


def solve(a, b):
    return torch.linalg.solve(a, b)


def solve_triangular(a, b, lower):
    vector = b.ndim == a.ndim - 1
    x = torch.linalg.solve_triangular(a, b.unsqueeze(-1) if vector else b, upper=not lower)
    return x.squeeze(-1) if vector else x
