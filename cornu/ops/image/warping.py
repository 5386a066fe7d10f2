"""Arrays read at computed places: between their elements by interpolation, beyond their edges by a rule."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from cornu import dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array
from cornu.ops.core import cast, convert_to_tensor, stop_gradient, to_floating, where
from cornu.ops.creation import arange, ones, zeros
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import (
    add,
    divide,
    floor,
    greater_equal,
    less,
    logical_and,
    minimum,
    mod,
    multiply,
    negative,
    subtract,
)  # fmt: skip
from cornu.ops.image.filtering import gaussian_blur
from cornu.ops.image.layout import images_of, in_dtype_of, pictures
from cornu.ops.indexing import get_item, take_along_axis
from cornu.ops.joining import concatenate, split, stack
from cornu.ops.linear_algebra import solve
from cornu.ops.random import draw_key, random_normal
from cornu.ops.shaping import broadcast_to, expand_dims, reshape, squeeze

__all__ = ["affine_transform", "elastic_transform", "map_coordinates", "perspective_transform"]


def _wrapped(i: Array, length: int) -> Array:
    return mod(i, length)


def _mirrored(i: Array, length: int) -> Array:
    """Mirrored about the middle of the last element: c b | a b c | b a."""
    period = max(2 * (length - 1), 1)
    i = mod(i, period)
    return minimum(i, subtract(period, i)) if length > 1 else multiply(i, 0)


def _reflected(i: Array, length: int) -> Array:
    """Mirrored about the edge of the last element: b a | a b c | c b."""
    i = mod(i, 2 * length)
    return minimum(i, subtract(2 * length - 1, i))


def _as_it_is(i: Array, length: int) -> Array:
    """Reading takes the nearest end where a place is out of bounds."""
    return where(less(i, 0), 0, minimum(i, length - 1))


_BEYOND: dict[str, Callable[[Array, int], Array]] = {
    "constant": _as_it_is,
    "nearest": _as_it_is,
    "wrap": _wrapped,
    "mirror": _mirrored,
    "reflect": _reflected,
}


def sample(x: Array, places: Sequence[Array], order: int, fill_mode: str, fill_value: float) -> Array:
    """`x` (batch, *lengths, channels) read at places, one (batch, n) of floats for each spatial axis; gives (batch, n, channels)."""
    lengths = x.shape[1:-1]
    cells = reshape(x, (x.shape[0], math.prod(lengths), x.shape[-1]))
    if order == 0:
        return _read(cells, lengths, [cast(floor(add(p, 0.5)), "int32") for p in places], fill_mode, fill_value)
    lower = [floor(p) for p in places]
    shares = [subtract(p, low) for p, low in zip(places, lower, strict=True)]
    first = [cast(low, "int32") for low in lower]
    result = None
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight = None
        for side, share in zip(corner, shares, strict=True):
            part = share if side else subtract(1, share)
            weight = part if weight is None else multiply(weight, part)
        at = [add(i, side) for i, side in zip(first, corner, strict=True)]
        value = multiply(_read(cells, lengths, at, fill_mode, fill_value), expand_dims(weight, -1))
        result = value if result is None else add(result, value)
    return result


def _read(cells: Array, lengths: Sequence[int], at: Sequence[Array], fill_mode: str, fill_value: float) -> Array:
    """The elements at whole places (batch, n), all channels of them."""
    flat, valid = None, None
    for i, length in zip(at, lengths, strict=True):
        row = _BEYOND[fill_mode](i, length)
        flat = row if flat is None else add(multiply(flat, length), row)
        inside = logical_and(greater_equal(i, 0), less(i, length))
        valid = inside if valid is None else logical_and(valid, inside)
    found = take_along_axis(cells, expand_dims(flat, -1), 1)
    return where(expand_dims(valid, -1), found, cast(fill_value, found.dtype)) if fill_mode == "constant" else found


def _checked_mode(fill_mode: str, op: str, *, mirror: bool = False) -> str:
    known = [mode for mode in _BEYOND if mirror or mode != "mirror"]
    if fill_mode not in known:
        raise ArgumentError(f"The fill_mode of ops.image.{op} must be one of {known}, got {fill_mode!r}.")
    return fill_mode


def _order_of(interpolation: str, op: str) -> int:
    if interpolation not in ("nearest", "bilinear"):
        raise ArgumentError(f"The interpolation of ops.image.{op} must be 'nearest' or 'bilinear', got {interpolation!r}.")
    return ("nearest", "bilinear").index(interpolation)


@composite
def map_coordinates(inputs: Array, coordinates: Array, order: int, fill_mode: str = "constant", fill_value: float = 0) -> Array:
    """`inputs` read at `coordinates`, one array of places for each axis of the inputs; between elements the nearest (order 0, of two
    the later) or linear (1).

    Beyond the edges: "constant" (`fill_value`), "nearest", "wrap", "mirror" (about the last element) or "reflect" (about its edge). With "constant" an
    element outside is `fill_value` in the interpolation too. Results of integer inputs are rounded. coordinates (rank, *shape), result (*shape).

    >>> map_coordinates([1.0, 2.0, 4.0], [[0.5, 2.0, 3.0]], 1).tolist()
    [1.5, 4.0, 0.0]
    """
    x = convert_to_tensor(inputs)
    places = to_floating(stack(list(coordinates)) if isinstance(coordinates, (list, tuple)) else coordinates)
    if order not in (0, 1):
        raise ArgumentError(f"The order of ops.image.map_coordinates is 0 (nearest) or 1 (linear), got {order!r}.")
    if places.ndim < 1 or places.shape[0] != x.ndim:
        raise ShapeError(f"map_coordinates needs places for each of {x.ndim} axes, got coordinates of the shape {tuple(places.shape)}.")
    _checked_mode(fill_mode, "map_coordinates", mirror=True)
    lines = [reshape(get_item(places, i), (1, -1)) for i in range(x.ndim)]
    cells = reshape(to_floating(x) if order else x, (1, *x.shape, 1))
    return in_dtype_of(reshape(sample(cells, lines, order, fill_mode, fill_value), tuple(places.shape[1:])), x)


def _drawn(x: Array, rows: Array, columns: Array, order: int, fill_mode: str, fill_value: float) -> Array:
    """Images (batch, height, width, channels) read at rows and columns, each (batch, height, width)."""
    y = to_floating(x) if order else x
    lines = [reshape(p, (x.shape[0], x.shape[1] * x.shape[2])) for p in (rows, columns)]
    return in_dtype_of(reshape(sample(y, lines, order, fill_mode, fill_value), x.shape), x)


def _grid(x: Array, kind: str) -> tuple[Array, Array]:
    """Column and row of each pixel: (1, 1, width) and (1, height, 1)."""
    return reshape(cast(arange(x.shape[2]), kind), (1, 1, -1)), reshape(cast(arange(x.shape[1]), kind), (1, -1, 1))


def _projected(x: Array, transform: Array, order: int, fill_mode: str, fill_value: float) -> Array:
    """Images whose pixel (x, y) shows what was at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1."""
    transform = stop_gradient(transform)
    transform = broadcast_to(transform, (x.shape[0], 8))
    a0, a1, a2, b0, b1, b2, c0, c1 = (reshape(part, (-1, 1, 1)) for part in split(transform, 8, 1))
    column, row = _grid(x, dtypes.standardize(transform.dtype))
    scale = add(add(multiply(c0, column), multiply(c1, row)), 1)
    columns = divide(add(add(multiply(a0, column), multiply(a1, row)), a2), scale)
    rows = divide(add(add(multiply(b0, column), multiply(b1, row)), b2), scale)
    return _drawn(x, rows, columns, order, fill_mode, fill_value)


@composite
def affine_transform(
    images: Array,
    transform: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Images whose pixel (x, y) shows what was at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1.

    `transform` is [a0, a1, a2, b0, b1, b2, c0, c1], or one of these for each image; no gradient flows to it. Beyond the edges: "constant", "nearest",
    "wrap" or "reflect", as in `map_coordinates`.

    >>> affine_transform([[[1.0], [2.0], [3.0]]], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]).tolist()
    [[[2.0], [3.0], [0.0]]]
    """
    x, back = pictures(images_of(images, "affine_transform"), data_format)
    transform = to_floating(transform)
    transform = expand_dims(transform, 0) if transform.ndim == 1 else transform
    if transform.ndim != 2 or transform.shape[1] != 8 or transform.shape[0] not in (1, x.shape[0]):
        raise ShapeError(
            f"A transform has 8 numbers, one row of them for all images or for each of {x.shape[0]}, got {tuple(transform.shape)}."
        )
    order, mode = _order_of(interpolation, "affine_transform"), _checked_mode(fill_mode, "affine_transform")
    return back(_projected(x, transform, order, mode, fill_value))


def homography(start: Array, end: Array) -> Array:
    """The eight numbers that take each of four points (…, 4, 2) of `end` to that of `start`: a linear equation for each coordinate."""
    x, y = split(end, 2, -1)  # (n, 4, 1)
    u, v = split(start, 2, -1)
    one, none = ones(x.shape, x.dtype), zeros(x.shape, x.dtype)
    for_u = concatenate([x, y, one, none, none, none, negative(multiply(u, x)), negative(multiply(u, y))], -1)
    for_v = concatenate([none, none, none, x, y, one, negative(multiply(v, x)), negative(multiply(v, y))], -1)
    return squeeze(solve(concatenate([for_u, for_v], -2), concatenate([u, v], -2)), -1)


@composite
def perspective_transform(
    images: Array,
    start_points: Array,
    end_points: Array,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Images seen from elsewhere: what was at the four `start_points` (x, y) comes to the `end_points`, straight lines stay straight.

    Points are (4, 2), or (batch, 4, 2). The map between them is found by solving 8 linear equations.

    >>> corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> perspective_transform([[[1.0], [2.0]], [[3.0], [4.0]]], corners, corners, "nearest").tolist()
    [[[1.0], [2.0]], [[3.0], [4.0]]]
    """
    x, back = pictures(images_of(images, "perspective_transform"), data_format)
    start, end = (p if p.ndim == 3 else expand_dims(p, 0) for p in (to_floating(start_points), to_floating(end_points)))
    if (
        tuple(start.shape) != tuple(end.shape)
        or start.ndim != 3
        or start.shape[0] not in (1, x.shape[0])
        or tuple(start.shape[1:]) != (4, 2)
    ):
        raise ShapeError(
            f"A perspective has four points (x, y) before and after, (4, 2) or ({x.shape[0]}, 4, 2), got {tuple(start.shape)} and {tuple(end.shape)}."
        )
    order = _order_of(interpolation, "perspective_transform")
    return back(_projected(x, homography(start, end), order, "constant", fill_value))


@composite
def elastic_transform(
    images: Array,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: object = None,
    data_format: str | None = None,
) -> Array:
    """Images drawn on rubber: each pixel moved at random by about `alpha`, neighbours alike within `sigma` (P. Y. Simard and others, 2003).

    The displacement is standard normal noise times `alpha`, smoothed by a Gaussian of `sigma` pixels; it is the same for all channels.

    >>> elastic_transform([[[1.0], [1.0]]], fill_mode="nearest", seed=1).tolist()
    [[[1.0], [1.0]]]
    """
    x, back = pictures(images_of(images, "elastic_transform"), data_format)
    order, mode = _order_of(interpolation, "elastic_transform"), _checked_mode(fill_mode, "elastic_transform")
    noise = random_normal(draw_key(seed), (*x.shape[:3], 2), "float32")
    reach = 2 * int(3 * sigma) + 1
    moved = multiply(gaussian_blur(noise, (reach, reach), (sigma, sigma), "channels_last"), alpha)
    down, right = (squeeze(part, -1) for part in split(moved, 2, -1))
    column, row = _grid(x, "float32")
    return back(_drawn(x, add(row, down), add(column, right), order, mode, fill_value))
