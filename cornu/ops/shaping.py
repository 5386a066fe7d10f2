"""Ops that change the shape of arrays, not their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Axis, Shape, array, as_axes, as_axis, as_shape, promoted
from cornu.ops.dispatch import composite, primitive

__all__ = [
    "broadcast_to", "concatenate", "expand_dims", "flip", "moveaxis", "ndim", "pad", "ravel", "repeat", "reshape", "roll", "size", "split",
    "squeeze", "stack", "swapaxes", "tile", "transpose", "unstack",
]  # fmt: skip


@primitive
def reshape(on: Any, x: Array, newshape: int | Shape) -> Array:
    """The elements of `x`, in row-major order, in another shape; one -1 stands for what is left.

    >>> reshape([[1, 2], [3, 4]], (-1,)).tolist()
    [1, 2, 3, 4]
    """
    x = array(on, x)
    wanted, count = as_shape(newshape), math.prod(x.shape)
    rest = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and rest and count % rest == 0:
        wanted = tuple(count // rest if n == -1 else n for n in wanted)
    if math.prod(wanted) != count or -1 in wanted:
        raise ShapeError(f"The new shape must hold the {count} elements of the old, got {tuple(newshape)} for the shape {tuple(x.shape)}.")
    return on.reshape(x, wanted)


@primitive
def transpose(on: Any, x: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order, reversed by default.

    >>> transpose([[1, 2, 3]]).tolist()
    [[1], [2], [3]]
    """
    x = array(on, x)
    order = tuple(reversed(range(x.ndim))) if axes is None else as_axes(tuple(axes), x.ndim)
    if len(order) != x.ndim:
        raise ArgumentError(f"transpose must name each of the {x.ndim} axes once, got axes={axes!r}.")
    return on.transpose(x, order)


@primitive
def broadcast_to(on: Any, x: Array, shape: Shape) -> Array:
    """`x` repeated along axes of length 1, and along new leading axes, to fill the shape."""
    x, wanted = array(on, x), as_shape(shape)
    tail = wanted[len(wanted) - x.ndim :]
    if x.ndim > len(wanted) or any(n not in (1, m) for n, m in zip(x.shape, tail, strict=True)):
        raise ShapeError(f"An array broadcasts to a shape with which it agrees except where it has 1, got {tuple(x.shape)} to {wanted}.")
    return on.broadcast_to(x, wanted)


@composite
def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """`x` with new axes of length 1 at the given places of the result.

    >>> expand_dims([1, 2], 1).tolist()
    [[1], [2]]
    """
    new = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = ndim(x) + len(new)
    places, old = as_axes(new, rank), iter(_shape(x))
    return reshape(x, [1 if i in places else next(old) for i in range(rank)])


@composite
def squeeze(x: Array, axis: Axis = None) -> Array:
    """`x` without axes of length 1: the given ones, or all.

    >>> squeeze([[[1], [2]]]).tolist()
    [1, 2]
    """
    lengths = _shape(x)
    gone = [i for i, n in enumerate(lengths) if n == 1] if axis is None else as_axes(axis, len(lengths))
    if any(lengths[i] != 1 for i in gone):
        raise ShapeError(f"Only axes of length 1 can be squeezed, got axis={axis} for the shape {lengths}.")
    return reshape(x, [n for i, n in enumerate(lengths) if i not in gone])


@primitive
def concatenate(on: Any, xs: Sequence[Array], axis: int = 0) -> Array:
    """Arrays joined along an axis that they have; they agree in all other axes.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    arrays = _arrays(on, xs, "concatenate")
    return on.concatenate(arrays, as_axis(axis, arrays[0].ndim))


@primitive
def stack(on: Any, x: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    arrays = _arrays(on, x, "stack")
    return on.stack(arrays, as_axis(axis, arrays[0].ndim + 1))


def _arrays(on: Any, xs: Sequence[Array], op: str) -> list[Array]:
    if not len(xs):
        raise ArgumentError(f"ops.{op} needs at least one array, got an empty list.")
    return [array(on, x) for x in promoted(on, *(array(on, x) for x in xs))]


@primitive
def split(on: Any, x: Array, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Equal pieces along an axis if a number is given, pieces between these positions if a list is.

    >>> [part.tolist() for part in split([1, 2, 3, 4, 5, 6], [2, 3])]
    [[1, 2], [3], [4, 5, 6]]
    """
    x = array(on, x)
    axis = as_axis(axis, x.ndim)
    if isinstance(indices_or_sections, int):
        if x.shape[axis] % indices_or_sections:
            raise ShapeError(f"Equal pieces need a length that divides, got {x.shape[axis]} by {indices_or_sections}.")
        return list(on.split(x, indices_or_sections, axis))
    return list(on.split(x, as_shape(indices_or_sections), axis))


@composite
def unstack(x: Array, num: int | None = None, axis: int = 0) -> list[Array]:
    """The slices along an axis, as a list; `num`, if given, must be the axis's length."""
    axis = as_axis(axis, ndim(x))
    length = _shape(x)[axis]
    if num not in (None, length):
        raise ShapeError(f"num must be the length of axis {axis}, {length}, got {num}.")
    return [squeeze(piece, axis) for piece in split(x, length, axis)]


@primitive
def pad(on: Any, x: Array, pad_width: int | Sequence[Any], mode: str = "constant", constant_values: float | None = None) -> Array:
    """`x` with cells added around it: `pad_width` is one number, one (before, after), or one such pair an axis.

    Modes: "constant" (with `constant_values`, 0 by default), "reflect" (mirrored without the edge), "symmetric" (mirrored with it), "edge", "wrap".

    >>> pad([1, 2], (1, 2)).tolist()
    [0, 1, 2, 0, 0]
    """
    x = array(on, x)
    if mode not in ("constant", "reflect", "symmetric", "edge", "wrap"):
        raise ArgumentError(f"mode must be 'constant', 'reflect', 'symmetric', 'edge' or 'wrap', got {mode!r}.")
    if constant_values is not None and mode != "constant":
        raise ArgumentError(f"constant_values goes with mode='constant', got mode={mode!r}.")
    widths = (pad_width,) if isinstance(pad_width, int) else tuple(pad_width)
    pairs = [widths * 2 if len(widths) == 1 else widths] if not widths or not isinstance(widths[0], (list, tuple)) else widths
    pairs = [tuple(map(int, pair)) * (2 if len(pair) == 1 else 1) for pair in pairs]
    pairs = pairs * x.ndim if len(pairs) == 1 else pairs
    if len(pairs) != x.ndim or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ArgumentError(f"pad_width must give (before, after), not negative, for each of {x.ndim} axes, got {pad_width!r}.")
    return on.pad(x, pairs, mode, 0 if constant_values is None else constant_values)


@primitive
def flip(on: Any, x: Array, axis: Axis = None) -> Array:
    """The order of elements reversed along the axes, all by default.

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = array(on, x)
    return on.flip(x, as_axes(axis, x.ndim))


@primitive
def roll(on: Any, x: Array, shift: int | Sequence[int], axis: Axis = None) -> Array:
    """Elements moved along the axes by `shift` places, those that fall off the end put in at the start. Without `axis`, over the flat array.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    x = array(on, x)
    if axis is None:
        return on.reshape(on.roll(on.reshape(x, (math.prod(x.shape),)), (int(shift),), (0,)), tuple(x.shape))  # type: ignore[arg-type]
    axes = as_axes(axis, x.ndim)
    shifts = as_shape(shift)
    return on.roll(x, shifts * len(axes) if len(shifts) == 1 else shifts, axes)


@primitive
def repeat(on: Any, x: Array, repeats: int | Sequence[int], axis: int | None = None) -> Array:
    """Each element `repeats` times in a row along an axis; without `axis`, over the flat array.

    >>> repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    x = array(on, x)
    if axis is None:
        x, axis = on.reshape(x, (math.prod(x.shape),)), 0
    return on.repeat(x, int(repeats) if isinstance(repeats, int) else as_shape(repeats), as_axis(axis, x.ndim))


@primitive
def tile(on: Any, x: Array, repeats: int | Sequence[int]) -> Array:
    """The whole array repeated along each axis.

    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x, times = array(on, x), as_shape(repeats)
    rank = max(x.ndim, len(times))
    x = on.reshape(x, (1,) * (rank - x.ndim) + tuple(x.shape))
    return on.tile(x, (1,) * (rank - len(times)) + times)


@composite
def moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Axes moved to other places; the rest keep their order."""
    rank = ndim(x)
    sources, places = as_axes(source, rank), as_axes(destination, rank)
    rest = iter(i for i in range(rank) if i not in sources)
    at = dict(zip(places, sources, strict=True))
    return transpose(x, [at[i] if i in at else next(rest) for i in range(rank)])


@composite
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    order = list(range(ndim(x)))
    a, b = as_axis(axis1, len(order)), as_axis(axis2, len(order))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


@composite
def ravel(x: Array) -> Array:
    """All elements along one axis, in row-major order."""
    return reshape(x, (-1,))


def _shape(x: Array) -> tuple[int, ...]:
    if hasattr(x, "shape"):
        return tuple(x.shape)
    return (len(x), *_shape(x[0])) if isinstance(x, (list, tuple)) and len(x) else (0,) if isinstance(x, (list, tuple)) else ()


def ndim(x: Array) -> int:
    """The number of axes."""
    return len(_shape(x))


def size(x: Array) -> int | None:
    """The number of elements; None where a symbolic dimension is unknown."""
    lengths = _shape(x)
    return None if None in lengths else math.prod(lengths)
