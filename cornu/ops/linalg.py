"""Products, norms and factorisations. Matrices are the last two axes, what comes before is a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Axis, array, as_axes, floating, promoted
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import absolute, divide, maximum, multiply, not_equal, power, sqrt, square
from cornu.ops.core import cast
from cornu.ops.reduce import max, min, sum
from cornu.ops.shaping import expand_dims, moveaxis, reshape

__all__ = [
    "cholesky", "det", "dot", "eigh", "einsum", "inner", "inv", "matmul", "norm", "normalize", "outer", "qr", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip


@primitive
def matmul(on: Any, x1: Array, x2: Array) -> Array:
    """Matrix product: over the last axis of the first and the last but one of the second; leading axes broadcast.

    >>> matmul([[1, 2]], [[3], [4]]).tolist()
    [[11]]
    """
    x1, x2 = (array(on, x) for x in promoted(on, x1, x2))
    s1, s2 = x1.shape, x2.shape
    if not s1 or not s2 or s1[-1] != s2[-2 if len(s2) > 1 else 0]:
        raise ShapeError(
            "A matrix product needs the last axis of the first as long as the last but one of the second, "
            f"got shapes {tuple(s1)} and {tuple(s2)}. Transpose one, or check which array is meant."
        )
    return on.matmul(x1, x2)


@primitive
def einsum(on: Any, subscripts: str, *operands: Array) -> Array:
    """Products summed over repeated letters (A. Einstein, 1916): `"ij,jk->ik"` is the matrix product.

    >>> einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    if subscripts.count(",") + 1 != len(operands):
        raise ArgumentError(f"einsum needs one array for each term, got {subscripts!r} with {len(operands)} arrays.")
    return on.einsum(subscripts, [array(on, x) for x in promoted(on, *(array(on, x) for x in operands))])


@primitive
def tensordot(on: Any, x1: Array, x2: Array, axes: int | Sequence[Any] = 2) -> Array:
    """Products summed over pairs of axes: the last `axes` of the first with the first of the second, or two lists of them."""
    x1, x2 = (array(on, x) for x in promoted(on, x1, x2))
    if isinstance(axes, int):
        pairs = tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes))
    else:
        pairs = as_axes(axes[0], x1.ndim), as_axes(axes[1], x2.ndim)
    if [x1.shape[a] for a in pairs[0]] != [x2.shape[a] for a in pairs[1]]:
        raise ShapeError(f"The axes summed over must be of equal length, got shapes {tuple(x1.shape)} and {tuple(x2.shape)} over {pairs}.")
    return on.tensordot(x1, x2, pairs)


@composite
def dot(x1: Array, x2: Array) -> Array:
    """Over the last axis of the first and the last but one of the second, like NumPy's; a product with a scalar multiplies.

    >>> dot([1, 2], [3, 4]).tolist()
    11
    """
    n1, n2 = len(x1.shape) if hasattr(x1, "shape") else 1, len(x2.shape) if hasattr(x2, "shape") else 1
    if not n1 or not n2:
        return multiply(x1, x2)
    return tensordot(x1, x2, ((n1 - 1,), (n2 - 2 if n2 > 1 else 0,)))


@composite
def inner(x1: Array, x2: Array) -> Array:
    """Products summed over the last axis of both."""
    return tensordot(x1, x2, ((-1,), (-1,)))


@composite
def outer(x1: Array, x2: Array) -> Array:
    """Products of every pair of elements, both arrays made flat.

    >>> outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


@primitive
def cholesky(on: Any, x: Array, upper: bool = False) -> Array:
    """The lower triangle L with `L @ L.T == x` of a positive definite matrix; the transpose if `upper`."""
    lower = on.cholesky(floating(on, x))
    return on.transpose(lower, (*range(lower.ndim - 2), lower.ndim - 1, lower.ndim - 2)) if upper else lower


@primitive
def qr(on: Any, x: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """Orthonormal columns Q and an upper triangle R with `Q @ R == x`; square Q if mode is "complete"."""
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"mode must be 'reduced' or 'complete', got {mode!r}.")
    return on.qr(floating(on, x), mode)


@primitive
def svd(on: Any, x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, singular values and V transposed with `U * s @ Vt == x`; only the values without `compute_uv`."""
    return on.svd(floating(on, x), full_matrices, compute_uv)


@primitive
def eigh(on: Any, x: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors as columns, of a symmetric or Hermitian matrix."""
    return on.eigh(floating(on, x))


@primitive
def inv(on: Any, x: Array) -> Array:
    """The inverse of a square matrix."""
    return on.inv(_square(floating(on, x), "inv"))


@primitive
def det(on: Any, x: Array) -> Array:
    """The determinant of a square matrix."""
    return on.det(_square(floating(on, x), "det"))


@primitive
def solve(on: Any, a: Array, b: Array) -> Array:
    """x with `a @ x == b`."""
    a, b = (floating(on, x) for x in promoted(on, array(on, a), array(on, b)))
    return on.solve(_square(a, "solve"), b)


@primitive
def solve_triangular(on: Any, a: Array, b: Array, lower: bool = False) -> Array:
    """x with `a @ x == b`, reading only the upper (or lower) triangle of `a`."""
    a, b = (floating(on, x) for x in promoted(on, array(on, a), array(on, b)))
    return on.solve_triangular(_square(a, "solve_triangular"), b, lower)


def _square(x: Array, op: str) -> Array:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"ops.{op} needs square matrices in the last two axes, got the shape {tuple(x.shape)}.")
    return x


@composite
def norm(x: Array, ord: int | float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The length of vectors or the size of matrices, as in NumPy.

    One axis: `ord` is p of `sum(|x| ** p) ** (1 / p)`, 2 by default, or inf, -inf, 0. Two axes: "fro" (the default), "nuc", 1, -1, 2, -2, inf, -inf.

    >>> norm([3.0, 4.0]).tolist()
    5.0
    """
    size = absolute(x)
    if ord is None or (ord == "fro" and (axis is None or not isinstance(axis, int))):
        return sqrt(sum(square(size), axis, keepdims))
    axes = as_axes(axis, len(size.shape))
    if len(axes) == 1:
        return _vector_norm(size, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ArgumentError(f"A norm with ord={ord!r} is taken over one axis (vectors) or two (matrices), got axis={axis!r}.")


def _vector_norm(size: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    if ord in (float("inf"), float("-inf")):
        return (max if ord > 0 else min)(size, axes, keepdims)
    if ord == 0:
        return sum(cast(not_equal(size, 0), size.dtype), axes, keepdims)
    if isinstance(ord, str):
        raise ArgumentError(f"The norm of vectors takes a number, inf or -inf as ord, got {ord!r}.")
    return power(sum(power(size, ord), axes, keepdims), 1 / ord)


def _matrix_norm(x: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    rows, columns = axes
    pick = min if not isinstance(ord, str) and ord < 0 else max
    if ord in (1, -1, float("inf"), float("-inf")):
        summed, kept = (rows, columns) if ord in (1, -1) else (columns, rows)
        return pick(sum(absolute(x), summed, keepdims), kept - (not keepdims and kept > summed), keepdims)
    if ord not in (2, -2, "nuc"):
        raise ArgumentError(f"The norm of matrices takes 'fro', 'nuc', 1, -1, 2, -2, inf or -inf as ord, got {ord!r}.")
    values = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
    found = sum(values, -1) if ord == "nuc" else pick(values, -1)
    return expand_dims(found, sorted(axes)) if keepdims else found


@composite
def normalize(x: Array, axis: int | Sequence[int] = -1, order: int | float = 2, epsilon: float | None = None) -> Array:
    """`x` divided by its norm along an axis; vectors shorter than `epsilon` (1e-12) are divided by that instead.

    >>> normalize([[3.0, 4.0]]).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    length = norm(x, order, axis, keepdims=True)
    return divide(x, maximum(length, 1e-12 if epsilon is None else epsilon))
