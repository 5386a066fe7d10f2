"""Products of vectors, matrices and arrays of more axes. Matrices are the last two axes, what comes before is a batch."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, alike, as_axes, as_axis, broadcast
from cornu.ops.core import convert_to_tensor
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import add, conj, multiply, subtract
from cornu.ops.indexing import get_item
from cornu.ops.joining import stack
from cornu.ops.shaping import moveaxis, ravel, reshape

__all__ = ["cross", "dense", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "vdot"]


@primitive
def matmul(on: Any, x1: Array, x2: Array) -> Array:
    """Matrix product: over the last axis of the first and the last but one of the second; leading axes broadcast. Two of int8 give int32.

    >>> matmul([[1, 2]], [[3], [4]]).tolist()
    [[11]]
    """
    x1, x2 = alike(on, x1, x2)
    s1, s2 = tuple(x1.shape), tuple(x2.shape)
    if not s1 or not s2 or s1[-1] != s2[-2 if len(s2) > 1 else 0]:
        raise ShapeError(
            "A matrix product needs the last axis of the first as long as the last but one of the second, "
            f"got shapes {s1} and {s2}. Transpose one, or check which array is meant."
        )
    if len(s1) > 2 and len(s2) > 2:
        broadcast(s1[:-2], s2[:-2])
    if on.dtype(x1) == "int8":
        x1, x2 = on.cast(x1, "int32"), on.cast(x2, "int32")
    return on.matmul(x1, x2)


@primitive
def einsum(on: Any, subscripts: str, *operands: Array) -> Array:
    """Products summed over letters that the result does not name (A. Einstein, 1916): `"ij,jk->ik"` is the matrix product.

    >>> einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(operands):
        raise ArgumentError(f"einsum needs one array for each term, got {subscripts!r} with {len(operands)} arrays.")
    operands = alike(on, *operands)
    lengths: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        head, dots, tail = term.partition("...")
        if len(head + tail) > x.ndim or (len(head + tail) < x.ndim and not dots):
            raise ShapeError(f"The term {term!r} of {subscripts!r} does not fit an array of shape {tuple(x.shape)}.")
        for letter, n in zip(head + tail, (*x.shape[: len(head)], *x.shape[x.ndim - len(tail) :]), strict=True):
            if lengths.setdefault(letter, n) != n:
                raise ShapeError(
                    f"The axis {letter!r} of {subscripts!r} must have one length, got shapes {' and '.join(str(tuple(v.shape)) for v in operands)}."
                )
    return on.einsum(_spelt_out(subscripts.replace(" ", ""), operands), list(operands))


def _spelt_out(subscripts: str, operands: Sequence[Array]) -> str:
    """With letters for an ellipsis, where it stands in one operand only.

    NumPy asks for it in the result too, and TensorFlow takes the gradient of such a product from all of its terms side by side: (32, 64, 64)
    with (64, 4, 16), 190 ms for 1.
    """
    inputs, arrow, _ = subscripts.partition("->")
    terms = inputs.split(",")
    dotted = [i for i, term in enumerate(terms) if "..." in term]
    if len(dotted) != 1 or not arrow:
        return subscripts
    free = operands[dotted[0]].ndim - len(terms[dotted[0]]) + len("...")
    unused = [letter for letter in string.ascii_letters if letter not in subscripts]
    return subscripts.replace("...", "".join(unused[:free]))


@primitive
def tensordot(on: Any, x1: Array, x2: Array, axes: int | Sequence[Any] = 2) -> Array:
    """Products summed over pairs of axes: the last `axes` of the first with the first of the second, or two lists of them.

    >>> tensordot([[1, 2], [3, 4]], [1, 1], 1).tolist()
    [3, 7]
    """
    x1, x2 = alike(on, x1, x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(x1.ndim, x2.ndim):
            raise ArgumentError(
                f"tensordot sums over at most as many axes as both have, got axes={axes} for {tuple(x1.shape)} and {tuple(x2.shape)}."
            )
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
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if not x1.ndim or not x2.ndim:
        return multiply(x1, x2)
    return tensordot(x1, x2, ((-1,), (-2 if x2.ndim > 1 else -1,)))


@composite
def inner(x1: Array, x2: Array) -> Array:
    """Products summed over the last axis of both; a product with a scalar multiplies.

    >>> inner([[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    return tensordot(x1, x2, ((-1,), (-1,))) if x1.ndim and x2.ndim else multiply(x1, x2)


@composite
def vdot(x1: Array, x2: Array) -> Array:
    """The sum of products of all elements, the first array conjugated.

    >>> vdot([[1, 2]], [[3, 4]]).tolist()
    11
    """
    return tensordot(conj(ravel(x1)), ravel(x2), 1)


@composite
def outer(x1: Array, x2: Array) -> Array:
    """Products of every pair of elements, both arrays made flat.

    >>> outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


@composite
def kron(x1: Array, x2: Array) -> Array:
    """The Kronecker product: the second array times each element of the first, laid out as blocks.

    >>> kron([[1, 2]], [[1], [1]]).tolist()
    [[1, 2], [1, 2]]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    rank = max(x1.ndim, x2.ndim)
    s1, s2 = ((1,) * (rank - x.ndim) + tuple(x.shape) for x in (x1, x2))
    blocks = reshape(x1, [n for m in s1 for n in (m, 1)])
    inside = reshape(x2, [n for m in s2 for n in (1, m)])
    return reshape(multiply(blocks, inside), [a * b for a, b in zip(s1, s2, strict=True)])


@composite
def cross(x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The cross product of vectors of 3 (or 2, then the third is 0) along an axis of each; of two pairs only the third component.

    >>> cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    x1, x2 = (convert_to_tensor(x) for x in (x1, x2))
    first, second = ([get_item(v, (Ellipsis, i)) for i in range(v.shape[-1])] for v in (moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)))
    if not {len(first), len(second)} <= {2, 3}:
        raise ShapeError(f"ops.cross takes vectors of 2 or 3 components, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}.")
    third = subtract(multiply(first[0], second[1]), multiply(first[1], second[0]))
    if len(first) == len(second) == 2:
        return third
    (a, b, c), (d, e, f) = ((*v, multiply(v[0], 0)) if len(v) == 2 else v for v in (first, second))
    parts = [subtract(multiply(b, f), multiply(c, e)), subtract(multiply(c, d), multiply(a, f)), third]
    return stack(parts, as_axis(axisc, parts[0].ndim + 1))


@composite
def dense(x: Array, kernel: Array, bias: Array | None = None, axes: int = 1) -> Array:
    """An affine map of the last axes: `tensordot(x, kernel, axes) + bias`.

    Args:
        x: (..., *features), features of so many axes.
        kernel: (*features, *units); its product with `x` is `x @ kernel` where there is one axis of each.
        bias: (*units), or a shape that can be broadcast to the outputs.
        axes: how many axes are summed over.

    >>> import numpy as np
    >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0], [1.0]]), np.array([0.5])).tolist()
    [[3.5]]
    """
    y = matmul(x, kernel) if axes == 1 and kernel.ndim == 2 else tensordot(x, kernel, axes)
    return y if bias is None else add(y, bias)
