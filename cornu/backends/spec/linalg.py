"""Shapes of products and factorisations."""

from __future__ import annotations

from cornu import dtypes
from cornu.backends.spec.tensor_spec import TensorSpec, broadcast
from cornu.errors import ShapeError

__all__ = [
    "cholesky", "det", "eig", "eigh", "einsum", "inv", "lu_factor", "matmul", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip


def matmul(x1: TensorSpec, x2: TensorSpec) -> TensorSpec:
    """NumPy's rule: vectors are promoted, leading axes broadcast."""
    s1, s2 = x1.shape, x2.shape
    a = s1 if len(s1) > 1 else (1, *s1)
    b = s2 if len(s2) > 1 else (*s2, 1)
    if not s1 or not s2 or a[-1] != b[-2]:
        raise ShapeError(
            f"A matrix product needs the last axis of the first as long as the last but one of the second, got shapes {s1} and {s2}."
        )
    try:
        lead = broadcast(a[:-2], b[:-2])
    except ShapeError:
        raise ShapeError(f"The leading axes of a matrix product must broadcast, got shapes {s1} and {s2}.") from None
    return TensorSpec((*lead, *a[-2:-1] * (len(s1) > 1), *b[-1:] * (len(s2) > 1)), x1.dtype)


def tensordot(x1: TensorSpec, x2: TensorSpec, axes: tuple[tuple[int, ...], tuple[int, ...]]) -> TensorSpec:
    """What is not summed over, the first's before the second's."""
    first, second = axes
    if [x1.shape[a] for a in first] != [x2.shape[a] for a in second]:
        raise ShapeError(f"The axes summed over must be of equal length, got shapes {x1.shape} and {x2.shape} over {axes}.")
    left = [n for i, n in enumerate(x1.shape) if i not in first]
    return TensorSpec(left + [n for i, n in enumerate(x2.shape) if i not in second], x1.dtype)


def einsum(subscripts: str, operands: list[TensorSpec]) -> TensorSpec:
    """What NumPy's rule makes of the letters, an ellipsis included."""
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    lengths: dict[str, int] = {}
    ellipsis: tuple[int, ...] = ()
    for term, x in zip(inputs.split(","), operands, strict=True):
        head, dots, tail = term.partition("...")
        free = x.ndim - len(head) - len(tail)
        if free < 0 or (free and not dots):
            raise ShapeError(f"The subscripts {term!r} do not fit an array of shape {x.shape}.")
        ellipsis = broadcast(ellipsis, x.shape[len(head) : len(head) + free])
        for letter, n in zip(head + tail, x.shape[: len(head)] + x.shape[len(head) + free :], strict=True):
            if lengths.setdefault(letter, n) != n and 1 not in (lengths[letter], n):
                raise ShapeError(f"The axis {letter!r} of {subscripts!r} must have one length, got {lengths[letter]} and {n}.")
            lengths[letter] = max(lengths[letter], n)
    if "->" not in subscripts:
        letters = inputs.replace(",", "").replace(".", "")
        output = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    head, _, tail = output.partition("...")
    middle = ellipsis if "..." in output else ()
    return TensorSpec([*(lengths[c] for c in head), *middle, *(lengths[c] for c in tail)], operands[0].dtype)


def _square(x: TensorSpec) -> TensorSpec:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"The last two axes must form square matrices, got the shape {x.shape}.")
    return x


cholesky = inv = _square


def det(x: TensorSpec) -> TensorSpec:
    """One number a matrix."""
    return TensorSpec(_square(x).shape[:-2], x.dtype)


def slogdet(x: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
    """A sign and a logarithm a matrix."""
    return det(x), TensorSpec(x.shape[:-2], dtypes.real_part(x.dtype))


def eigh(x: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
    """Values, which are real, and vectors as columns."""
    return TensorSpec(_square(x).shape[:-1], dtypes.real_part(x.dtype)), x


def eig(x: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
    """Values and vectors as columns, both complex."""
    name = "complex128" if x.dtype in ("float64", "complex128") else "complex64"
    return TensorSpec(_square(x).shape[:-1], name), TensorSpec(x.shape, name)


def lu_factor(x: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
    """Both factors in one matrix, and a row to swap with for each column."""
    return x, TensorSpec((*x.shape[:-2], min(x.shape[-2:])), "int32")


def qr(x: TensorSpec, mode: str) -> tuple[TensorSpec, TensorSpec]:
    """Orthonormal columns, and a triangle."""
    *lead, m, n = x.shape
    k = m if mode == "complete" else min(m, n)
    return TensorSpec((*lead, m, k), x.dtype), TensorSpec((*lead, k, n), x.dtype)


def svd(x: TensorSpec, full_matrices: bool, compute_uv: bool) -> TensorSpec | tuple[TensorSpec, TensorSpec, TensorSpec]:
    """Left vectors, singular values, right vectors."""
    *lead, m, n = x.shape
    k = min(m, n)
    values = TensorSpec((*lead, k), dtypes.real_part(x.dtype))
    if not compute_uv:
        return values
    left, right = (m, n) if full_matrices else (k, k)
    return TensorSpec((*lead, m, left), x.dtype), values, TensorSpec((*lead, right, n), x.dtype)


def solve(a: TensorSpec, b: TensorSpec) -> TensorSpec:
    """The shape of the right-hand side, for each pair of matrices."""
    return TensorSpec((*broadcast(_square(a).shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)


def solve_triangular(a: TensorSpec, b: TensorSpec, lower: bool) -> TensorSpec:
    """The shape of the right-hand side, for each pair of matrices."""
    return solve(a, b)
