"""Ops that join arrays and take them apart again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, alike, array, as_axis, as_shape
from cornu.ops.core import shape as _shape
from cornu.ops.dispatch import composite, primitive
from cornu.ops.shaping import expand_dims, ndim, ravel, reshape, squeeze

__all__ = [
    "append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


def _arrays(on: Any, xs: Sequence[Array], op: str) -> list[Array]:
    if not len(xs):
        raise ArgumentError(f"ops.{op} needs at least one array, got an empty list.")
    return list(alike(on, *xs))


@primitive
def concatenate(on: Any, xs: Sequence[Array], axis: int | None = 0) -> Array:
    """Arrays joined along an axis that they have; they agree in all other axes. With axis=None, all are made flat first.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    arrays = _arrays(on, xs, "concatenate")
    if axis is None:
        arrays, axis = [on.reshape(x, (_count(x),)) for x in arrays], 0
    axis, first = as_axis(axis, arrays[0].ndim), arrays[0].shape
    for x in arrays[1:]:
        if x.ndim != len(first) or any(a != b for i, (a, b) in enumerate(zip(x.shape, first, strict=True)) if i != axis):
            raise ShapeError(
                f"Arrays joined along axis {axis} must agree in all other axes, got shapes {', '.join(str(tuple(v.shape)) for v in arrays)}."
            )
    return on.concatenate(arrays, axis)


def _count(x: Array) -> int:
    count = 1
    for n in x.shape:
        count *= n
    return count


@primitive
def stack(on: Any, x: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    arrays = _arrays(on, x, "stack")
    if any(tuple(v.shape) != tuple(arrays[0].shape) for v in arrays):
        raise ShapeError(f"Arrays to stack must have one shape, got {', '.join(str(tuple(v.shape)) for v in arrays)}.")
    return on.stack(arrays, as_axis(axis, arrays[0].ndim + 1))


@composite
def vstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the first axis; vectors are rows.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([expand_dims(x, 0) if ndim(x) == 1 else reshape(x, (1, 1)) if ndim(x) == 0 else x for x in xs], 0)


@composite
def hstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the second axis; vectors along their only one.

    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    xs = [reshape(x, (1,)) if ndim(x) == 0 else x for x in xs]
    return concatenate(xs, 0 if ndim(xs[0]) == 1 else 1)


@composite
def dstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the third axis; vectors of length n become (1, n, 1), matrices (m, n, 1).

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    deep = [x if ndim(x) > 2 else expand_dims(x, 2) if ndim(x) == 2 else reshape(x, (1, -1, 1)) for x in xs]
    return concatenate(deep, 2)


@composite
def append(x1: Array, x2: Array, axis: int | None = None) -> Array:
    """`x2` joined to the end of `x1` along an axis; without `axis`, both are made flat.

    >>> append([1, 2], [[3], [4]]).tolist()
    [1, 2, 3, 4]
    """
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


def _split(on: Any, x: Array, positions: Sequence[int], axis: int) -> list[Array]:
    """Pieces between the positions; these are clamped and never go back, so that no element comes twice."""
    length = x.shape[axis]
    inside = [min(max(p + length if p < 0 else p, 0), length) for p in positions]
    return list(on.split(x, tuple(itertools.accumulate(inside, max)), axis))


@primitive
def split(on: Any, x: Array, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Equal pieces along an axis if a number is given, pieces between these positions if a list is.

    >>> [part.tolist() for part in split([1, 2, 3, 4, 5, 6], [2, 3])]
    [[1, 2], [3], [4, 5, 6]]
    """
    x = array(on, x)
    axis = as_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, int):
        return _split(on, x, as_shape(indices_or_sections), axis)
    length, pieces = x.shape[axis], indices_or_sections
    if pieces < 1 or length % pieces:
        raise ShapeError(
            f"Equal pieces need a length that divides, got axis {axis} of length {length} in {pieces}. For uneven ones use `ops.array_split`."
        )
    return _split(on, x, [i * (length // pieces) for i in range(1, pieces)], axis)


@primitive
def array_split(on: Any, x: Array, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Pieces along an axis, as `split`, but the first ones may be longer by one where the length does not divide.

    >>> [part.tolist() for part in array_split([1, 2, 3, 4, 5], 2)]
    [[1, 2, 3], [4, 5]]
    """
    x = array(on, x)
    axis = as_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, int):
        return _split(on, x, as_shape(indices_or_sections), axis)
    if indices_or_sections < 1:
        raise ArgumentError(f"array_split needs at least one piece, got {indices_or_sections}.")
    each, longer = divmod(x.shape[axis], indices_or_sections)
    lengths = [each + (i < longer) for i in range(indices_or_sections)]
    return _split(on, x, list(itertools.accumulate(lengths))[:-1], axis)


@composite
def vsplit(x: Array, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the first axis.

    >>> [part.tolist() for part in vsplit([[1], [2]], 2)]
    [[[1]], [[2]]]
    """
    return split(x, indices_or_sections, 0)


@composite
def hsplit(x: Array, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the second axis; of vectors along their only one.

    >>> [part.tolist() for part in hsplit([[1, 2]], 2)]
    [[[1]], [[2]]]
    """
    return split(x, indices_or_sections, 0 if ndim(x) == 1 else 1)


@composite
def dsplit(x: Array, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the third axis.

    >>> [part.tolist() for part in dsplit([[[1, 2]]], 2)]
    [[[[1]]], [[[2]]]]
    """
    return split(x, indices_or_sections, 2)


@composite
def unstack(x: Array, num: int | None = None, axis: int = 0) -> list[Array]:
    """The slices along an axis, as a list; `num`, if given, must be the axis's length.

    >>> [part.tolist() for part in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    axis = as_axis(axis, ndim(x))
    length = _shape(x)[axis]
    if num not in (None, length):
        raise ShapeError(f"num must be the length of axis {axis}, {length}, got {num}.")
    return [squeeze(piece, axis) for piece in split(x, length, axis)] if length else []
