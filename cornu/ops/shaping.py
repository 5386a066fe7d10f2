"""Ops that change the shape of arrays, not their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Axis, Shape, array, as_axes, as_axis, as_shape
from cornu.ops.core import shape as _shape
from cornu.ops.dispatch import composite, primitive

__all__ = [
    "broadcast_to", "expand_dims", "flip", "fliplr", "flipud", "moveaxis", "ndim", "pad", "ravel", "repeat", "reshape", "roll", "rot90",
    "size", "squeeze", "swapaxes", "tile", "transpose",
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
    if math.prod(wanted) != count or any(n < 0 for n in wanted):
        raise ShapeError(
            f"The new shape must hold the {count} elements of the old, got {as_shape(newshape)} for the shape {tuple(x.shape)}."
        )
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
    """`x` repeated along axes of length 1, and along new leading axes, to fill the shape.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    x, wanted = array(on, x), as_shape(shape)
    tail = wanted[len(wanted) - x.ndim :]
    if x.ndim > len(wanted) or any(n not in (1, m) for n, m in zip(x.shape, tail, strict=True)):
        raise ShapeError(f"An array broadcasts to a shape with which it agrees except where it has 1, got {tuple(x.shape)} to {wanted}.")
    return on.broadcast_to(x, wanted)


def _lengths(x: Array) -> tuple[int, ...]:
    """The shape of an array whose every length is known, as it is inside an op."""
    return _shape(x)  # type: ignore[return-value]


@composite
def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """`x` with new axes of length 1 at the given places of the result.

    >>> expand_dims([1, 2], 1).tolist()
    [[1], [2]]
    """
    new = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    rank = ndim(x) + len(new)
    places, old = as_axes(new, rank), iter(_lengths(x))
    return reshape(x, [1 if i in places else next(old) for i in range(rank)])


@composite
def squeeze(x: Array, axis: Axis = None) -> Array:
    """`x` without axes of length 1: the given ones, or all.

    >>> squeeze([[[1], [2]]]).tolist()
    [1, 2]
    """
    lengths = _lengths(x)
    gone = [i for i, n in enumerate(lengths) if n == 1] if axis is None else as_axes(axis, len(lengths))
    if any(lengths[i] != 1 for i in gone):
        raise ShapeError(f"Only axes of length 1 can be squeezed, got axis={axis} for the shape {lengths}.")
    return reshape(x, [n for i, n in enumerate(lengths) if i not in gone])


def _pairs(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    """(before, after) for each axis, from one number, one pair, or a list of them."""
    widths = (pad_width,) if isinstance(pad_width, int) else tuple(pad_width)
    if not any(isinstance(w, (list, tuple)) for w in widths):
        widths = (widths,) if widths else ()
    pairs = [as_shape(pair) * (2 if len(as_shape(pair)) == 1 else 1) for pair in widths]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ArgumentError(f"pad_width must give (before, after), not negative, for each of {rank} axes, got {pad_width!r}.")
    return pairs  # type: ignore[return-value]


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
    pairs = _pairs(pad_width, x.ndim)
    if mode != "constant" and any(n == 0 and sum(pair) for n, pair in zip(x.shape, pairs, strict=True)):
        raise ShapeError(f"An axis without elements has none to repeat, got mode={mode!r} for the shape {tuple(x.shape)}.")
    return on.pad(x, pairs, mode, 0 if constant_values is None else constant_values)


@primitive
def flip(on: Any, x: Array, axis: Axis = None) -> Array:
    """The order of elements reversed along the axes, all by default.

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = array(on, x)
    return on.flip(x, as_axes(axis, x.ndim))


@composite
def flipud(x: Array) -> Array:
    """The first axis reversed.

    >>> flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    return flip(x, 0)


@composite
def fliplr(x: Array) -> Array:
    """The second axis reversed.

    >>> fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    return flip(x, 1)


@composite
def rot90(array: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """The plane of two axes turned `k` times by 90 degrees, from the first axis towards the second.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    first, second = as_axes(tuple(axes), ndim(array))
    turned = [lambda x: x, lambda x: swapaxes(flip(x, second), first, second), lambda x: flip(x, (first, second))]
    turned.append(lambda x: flip(swapaxes(x, first, second), second))
    return turned[k % 4](array)


@primitive
def roll(on: Any, x: Array, shift: int | Sequence[int], axis: Axis = None) -> Array:
    """Elements moved along the axes by `shift` places, those that fall off the end put in at the start. Without `axis`, over the flat array.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    x, shifts = array(on, x), as_shape(shift)
    if axis is None:
        return on.reshape(on.roll(on.reshape(x, (math.prod(x.shape),)), (sum(shifts),), (0,)), tuple(x.shape))
    axes = as_axes(axis, x.ndim)
    shifts = shifts * len(axes) if len(shifts) == 1 else shifts
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll needs one shift, or one for each of the axes {axes}, got {shift!r}.")
    return on.roll(x, shifts, axes)


@primitive
def repeat(on: Any, x: Array, repeats: int | Sequence[int], axis: int | None = None) -> Array:
    """Each element `repeats` times in a row along an axis, or as often as its own number says; without `axis`, over the flat array.

    >>> repeat([1, 2], 2).tolist(), repeat([1, 2], [1, 2]).tolist()
    ([1, 1, 2, 2], [1, 2, 2])
    """
    x = array(on, x)
    if axis is None:
        x, axis = on.reshape(x, (math.prod(x.shape),)), 0
    axis, times = as_axis(axis, x.ndim), as_shape(repeats)
    if len(times) not in (1, x.shape[axis]) or min(times, default=0) < 0:
        raise ArgumentError(
            f"repeats must be one number, or one for each of the {x.shape[axis]} elements of the axis, none negative, got {repeats!r}."
        )
    return on.repeat(x, times[0] if len(times) == 1 else times, axis)


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
    """Axes moved to other places; the rest keep their order.

    >>> moveaxis([[[1, 2]]], 2, 0).tolist()
    [[[1]], [[2]]]
    """
    rank = ndim(x)
    sources, places = as_axes(source, rank), as_axes(destination, rank)
    if len(sources) != len(places):
        raise ArgumentError(f"moveaxis needs a place for each axis that moves, got source={source!r} and destination={destination!r}.")
    rest = iter(i for i in range(rank) if i not in sources)
    at = dict(zip(places, sources, strict=True))
    return transpose(x, [at[i] if i in at else next(rest) for i in range(rank)])


@composite
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.

    >>> swapaxes([[1, 2]], 0, 1).tolist()
    [[1], [2]]
    """
    order = list(range(ndim(x)))
    a, b = as_axis(axis1, len(order)), as_axis(axis2, len(order))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


@composite
def ravel(x: Array) -> Array:
    """All elements along one axis, in row-major order.

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


def ndim(x: Array) -> int:
    """The number of axes.

    >>> ndim([[1, 2]])
    2
    """
    return len(_shape(x))


def size(x: Array) -> int | None:
    """The number of elements; None where a symbolic dimension is unknown.

    >>> size([[1, 2]])
    2
    """
    lengths = _shape(x)
    return None if None in lengths else math.prod(lengths)  # type: ignore[arg-type]
