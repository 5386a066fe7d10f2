"""Bounding boxes: their formats, what cutting, padding and turning an image makes of them, and how far two boxes are the same.

Boxes are (..., 4), or a dict with "boxes" and "labels" (...). A format says what the four numbers are:

- "xyxy", "yxyx": the left, upper, right and lower edge, in the order that the name says; "xywh": left, upper, width, height;
- "center_xywh", "center_yxhw": the middle, then the size;
- "rel_" before "xyxy", "yxyx", "xywh", "center_xywh": shares of the image's width and height, for which those must be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.ops.core import to_floating

__all__ = [
    "affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop", "decode_deltas_to_boxes",
    "encode_box_to_deltas", "pad", "warp",
]  # fmt: skip

Boxes = Any
"""An array (..., 4), or a dict with "boxes" and "labels"."""
Columns = tuple[Array, Array, Array, Array]

_TO_EDGES: dict[str, Callable[..., Columns]] = {
    "xyxy": lambda x0, y0, x1, y1: (x0, y0, x1, y1),
    "yxyx": lambda y0, x0, y1, x1: (x0, y0, x1, y1),
    "xywh": lambda x, y, w, h: (x, y, x + w, y + h),
    "center_xywh": lambda x, y, w, h: (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
    "center_yxhw": lambda y, x, h, w: (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
}
_FROM_EDGES: dict[str, Callable[..., Columns]] = {
    "xyxy": lambda x0, y0, x1, y1: (x0, y0, x1, y1),
    "yxyx": lambda x0, y0, x1, y1: (y0, x0, y1, x1),
    "xywh": lambda x0, y0, x1, y1: (x0, y0, x1 - x0, y1 - y0),
    "center_xywh": lambda x0, y0, x1, y1: ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0),
    "center_yxhw": lambda x0, y0, x1, y1: ((y0 + y1) / 2, (x0 + x1) / 2, y1 - y0, x1 - x0),
}


def _columns(boxes: Array) -> list[Array]:
    return [boxes[..., i] for i in range(4)]


def _on_boxes(boxes: Boxes, change: Callable[[Array], Array]) -> Boxes:
    """What `change` makes of the coordinates; a dict keeps its labels."""
    return {**boxes, "boxes": change(boxes["boxes"])} if isinstance(boxes, dict) else change(boxes)


def _plain(name: str, role: str) -> tuple[str, bool]:
    """A format without its "rel_", and whether that was there."""
    known = [*_TO_EDGES, *(f"rel_{n}" for n in _TO_EDGES if n != "center_yxhw")]
    if name not in known:
        raise ArgumentError(f"The {role} format of bounding boxes must be one of {known}, got {name!r}.")
    return name.removeprefix("rel_"), name.startswith("rel_")


def convert_format(
    boxes: Boxes, source: str, target: str, height: float | None = None, width: float | None = None, dtype: str = "float32"
) -> Boxes:
    """Boxes of the format `source` written in the format `target`.

    Args:
        boxes: (..., 4), or a dict with "boxes" and "labels".
        source, target: formats, see the module.
        height, width: the image's, needed where exactly one of the formats is relative.
        dtype: of the result.

    >>> import numpy as np
    >>> convert_format(np.array([[1.0, 2.0, 5.0, 6.0]]), "xyxy", "center_xywh").tolist()
    [[3.0, 4.0, 4.0, 4.0]]
    """
    (first, shares), (last, to_shares) = _plain(source, "source"), _plain(target, "target")
    if shares != to_shares and (height is None or width is None):
        raise ArgumentError(f"From {source!r} to {target!r} the image's height and width are needed, got height={height}, width={width}.")

    def change(x: Array) -> Array:
        x = ops.cast(ops.convert_to_tensor(x), dtype)
        x0, y0, x1, y1 = _TO_EDGES[first](*_columns(x))
        if shares and not to_shares:
            x0, y0, x1, y1 = x0 * width, y0 * height, x1 * width, y1 * height
        elif to_shares and not shares:
            x0, y0, x1, y1 = x0 / width, y0 / height, x1 / width, y1 / height
        return ops.stack(list(_FROM_EDGES[last](x0, y0, x1, y1)), -1)

    return _on_boxes(boxes, change)


def clip_to_image_size(
    bounding_boxes: Boxes, height: int | None = None, width: int | None = None, bounding_box_format: str = "xyxy"
) -> Boxes:
    """Boxes cut at the edges of the image; the label of one of which nothing is left becomes -1.

    Args:
        bounding_boxes: (..., 4), or a dict with "boxes" and "labels".
        height, width: the image's; without meaning for relative formats.
        bounding_box_format: see the module.

    >>> import numpy as np
    >>> clip_to_image_size(np.array([[-3.0, 2.0, 5.0, 30.0]]), 10, 20).tolist()
    [[0.0, 2.0, 5.0, 10.0]]
    """
    plain, shares = _plain(bounding_box_format, "bounding box")
    if not shares and (height is None or width is None):
        raise ArgumentError(f"Boxes are cut to an image's height and width, got height={height}, width={width}.")
    down, right = (1, 1) if shares else (height, width)
    given = bounding_boxes["boxes"] if isinstance(bounding_boxes, dict) else bounding_boxes
    x0, y0, x1, y1 = _TO_EDGES[plain](*_columns(to_floating(given)))
    x0, x1, y0, y1 = ops.clip(x0, 0, right), ops.clip(x1, 0, right), ops.clip(y0, 0, down), ops.clip(y1, 0, down)
    boxes = ops.stack(list(_FROM_EDGES[plain](x0, y0, x1, y1)), -1)
    if not isinstance(bounding_boxes, dict):
        return boxes
    labels = ops.convert_to_tensor(bounding_boxes["labels"])
    left = ops.logical_and(ops.greater(x1, x0), ops.greater(y1, y0))
    return {**bounding_boxes, "boxes": boxes, "labels": ops.where(left, labels, ops.full_like(labels, -1))}


def _size_of(image_shape: Sequence[int] | None) -> tuple[int | None, int | None]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def _edges(boxes: Array, name: str, image_shape: Sequence[int] | None) -> list[Array]:
    """Left, upper, right and lower edges; shares of the image stay shares where its size is not known."""
    height, width = _size_of(image_shape)
    target = "rel_xyxy" if name.startswith("rel_") and height is None else "xyxy"
    return _columns(convert_format(boxes, name, target, height, width))


def _overlap(first: Sequence[Array], second: Sequence[Array]) -> tuple[Array, Array]:
    """The areas of the intersection and of the union."""
    (a0, b0, a1, b1), (c0, d0, c1, d1) = first, second
    across = ops.maximum(ops.minimum(a1, c1) - ops.maximum(a0, c0), 0)
    down = ops.maximum(ops.minimum(b1, d1) - ops.maximum(b0, d0), 0)
    shared = across * down
    return shared, (a1 - a0) * (b1 - b0) + (c1 - c0) * (d1 - d0) - shared


def compute_iou(
    boxes1: Array,
    boxes2: Array,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: int = -1,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """How far each box of one set is the same as each of the other: the area that both share, divided by the area that one of them has.

    Args:
        boxes1, boxes2: (n, 4) and (m, 4), or (batch, n, 4) and (batch, m, 4); the result is (n, m) or (batch, n, m).
        bounding_box_format: see the module.
        use_masking: whether pairs with a box of nothing but `mask_val` get that number.
        mask_val: what fills up lists of boxes.
        image_shape: (height, width, channels), for relative formats.

    >>> import numpy as np
    >>> compute_iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0], [0.0, 0.0, 2.0, 2.0]]), "xyxy").tolist()
    [[0.333333, 1.0]]
    """
    boxes1, boxes2 = ops.convert_to_tensor(boxes1), ops.convert_to_tensor(boxes2)
    first = [ops.expand_dims(x, -1) for x in _edges(boxes1, bounding_box_format, image_shape)]
    second = [ops.expand_dims(x, -2) for x in _edges(boxes2, bounding_box_format, image_shape)]
    shared, either = _overlap(first, second)
    iou = ops.divide_no_nan(shared, either)
    if not use_masking:
        return iou
    one, other = (ops.all(ops.equal(b, mask_val), -1) for b in (boxes1, boxes2))
    return ops.where(ops.logical_or(ops.expand_dims(one, -1), ops.expand_dims(other, -2)), ops.cast(mask_val, iou.dtype), iou)


def compute_ciou(boxes1: Array, boxes2: Array, bounding_box_format: str, image_shape: Sequence[int] | None = None) -> Array:
    """The complete IoU of pairs of boxes: `iou - d ** 2 / c ** 2 - a v`, which tells how far boxes are apart that do not touch.

    d is the distance of the middles, c the diagonal of the smallest box around both, `v = (4 / pi ** 2) (atan(w1 / h1) - atan(w2 / h2)) ** 2`
    compares the aspects, and `a = v / (1 - iou + v)`.

    Args:
        boxes1, boxes2: (..., 4) both; the result is (...).
        bounding_box_format: see the module.
        image_shape: (height, width, channels), for relative formats.

    Z. Zheng and others, "Distance-IoU loss", https://arxiv.org/abs/1911.08287.

    >>> import numpy as np
    >>> compute_ciou(np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([[1.0, 1.0, 2.0, 2.0]]), "xyxy").tolist()
    [-0.25]
    """
    first, second = _edges(boxes1, bounding_box_format, image_shape), _edges(boxes2, bounding_box_format, image_shape)
    (a0, b0, a1, b1), (c0, d0, c1, d1) = first, second
    shared, either = _overlap(first, second)
    iou = ops.divide_no_nan(shared, either)
    apart = ops.square(a0 + a1 - c0 - c1) / 4 + ops.square(b0 + b1 - d0 - d1) / 4
    diagonal = ops.square(ops.maximum(a1, c1) - ops.minimum(a0, c0)) + ops.square(ops.maximum(b1, d1) - ops.minimum(b0, d0))
    turn = ops.arctan2(a1 - a0, b1 - b0) - ops.arctan2(c1 - c0, d1 - d0)
    v = 4 / math.pi**2 * ops.square(turn)
    return iou - ops.divide_no_nan(apart, diagonal) - v * ops.divide_no_nan(v, 1 - iou + v)


def _moved(boxes: Boxes, name: str, op: str, change: Callable[..., Columns]) -> Boxes:
    """Boxes of an absolute format with other edges."""
    plain, shares = _plain(name, "bounding box")
    if shares:
        raise ArgumentError(
            f"bounding_boxes.{op} counts in pixels, got bounding_box_format={name!r}. Use `convert_format(boxes, {name!r}, 'xyxy', …)`."
        )
    return _on_boxes(boxes, lambda b: ops.stack(list(_FROM_EDGES[plain](*change(*_TO_EDGES[plain](*_columns(to_floating(b)))))), -1))


def crop(boxes: Boxes, top: int, left: int, height: int, width: int, bounding_box_format: str = "xyxy") -> Boxes:
    """The boxes in a window of the image: moved by its corner, and cut at its edges.

    Args:
        boxes: (..., 4), or a dict with "boxes" and "labels".
        top, left, height, width: the window, in pixels.
        bounding_box_format: any that is not relative.

    >>> import numpy as np
    >>> crop(np.array([[1.0, 2.0, 5.0, 6.0]]), 1, 2, 4, 5).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """

    def cut(x0: Array, y0: Array, x1: Array, y1: Array) -> Columns:
        return (
            ops.clip(x0 - left, 0, width), ops.clip(y0 - top, 0, height), ops.clip(x1 - left, 0, width), ops.clip(y1 - top, 0, height),
        )  # fmt: skip

    return _moved(boxes, bounding_box_format, "crop", cut)


def pad(boxes: Boxes, top: int, left: int, height: int | None = None, width: int | None = None, bounding_box_format: str = "xyxy") -> Boxes:
    """The boxes in an image to which rows above and columns to the left have been added.

    Args:
        boxes: (..., 4), or a dict with "boxes" and "labels".
        top, left: how many pixels were added.
        height, width: the image's before that; needed for relative formats, whose boxes come back in pixels of that image.
        bounding_box_format: see the module.

    >>> import numpy as np
    >>> pad(np.array([[1.0, 2.0, 5.0, 6.0]]), 1, 2).tolist()
    [[3.0, 3.0, 7.0, 7.0]]
    """
    plain, shares = _plain(bounding_box_format, "bounding box")
    if shares:
        boxes = convert_format(boxes, bounding_box_format, plain, height, width)
    return _moved(boxes, plain, "pad", lambda x0, y0, x1, y1: (x0 + left, y0 + top, x1 + left, y1 + top))


def _deltas(anchors: Array, boxes: Array, variance: Sequence[float] | None) -> Array:
    start, size = ops.split(anchors, 2, -1)
    middle, extent = ops.split(boxes, 2, -1)
    found = ops.concatenate([(middle - start) / size, ops.log(extent / size)], -1)
    return found if variance is None else found / ops.convert_to_tensor(variance, found.dtype)


def _undone(anchors: Array, deltas: Array, variance: Sequence[float] | None) -> Array:
    deltas = deltas if variance is None else deltas * ops.convert_to_tensor(variance, deltas.dtype)
    start, size = ops.split(anchors, 2, -1)
    step, growth = ops.split(deltas, 2, -1)
    return ops.concatenate([step * size + start, ops.exp(growth) * size], -1)


def _middle_first(name: str, role: str) -> str:
    if name not in ("center_xywh", "center_yxhw"):
        raise ArgumentError(f"The {role} must be 'center_xywh' or 'center_yxhw', got {name!r}.")
    return name


def _checked_variance(variance: Sequence[float] | None) -> Sequence[float] | None:
    if variance is not None and len(variance) != 4:
        raise ArgumentError(f"variance has a number for each of the four deltas, got {variance!r}.")
    return variance


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """What a detector learns: the step from an anchor's middle to the box's in sizes of the anchor, and the logarithm of the ratio of sizes.

    Args:
        anchors: (n, 4), or a dict of such arrays, one a level.
        boxes: (n, 4) or (batch, n, 4).
        anchor_format, box_format: see the module.
        encoding_format: "center_yxhw" or "center_xywh", the order of the deltas.
        variance: four numbers by which deltas are divided.
        image_shape: (height, width, channels), for relative formats.

    R. Girshick and others, "Rich feature hierarchies", https://arxiv.org/abs/1311.2524, appendix C.

    >>> import numpy as np
    >>> encode_box_to_deltas(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]]), "xyxy", "xyxy").tolist()
    [[0.0, 0.5, 0.0, 0.0]]
    """
    target = _middle_first(encoding_format, "encoding_format")
    variance, size = _checked_variance(variance), _size_of(image_shape)
    if isinstance(anchors, dict):
        anchors = ops.concatenate(list(anchors.values()), 0)
    return _deltas(convert_format(anchors, anchor_format, target, *size), convert_format(boxes, box_format, target, *size), variance)


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """The boxes that deltas mean: the way back of `encode_box_to_deltas`.

    Args:
        anchors: (n, 4), or a dict of such arrays, one a level.
        boxes_delta: (n, 4) or (batch, n, 4), or a dict with the same keys.
        anchor_format, box_format: see the module.
        encoded_format: "center_yxhw" or "center_xywh", the order of the deltas.
        variance: four numbers by which deltas are multiplied.
        image_shape: (height, width, channels), for relative formats.

    >>> import numpy as np
    >>> decode_deltas_to_boxes(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[0.0, 0.5, 0.0, 0.0]]), "xyxy", "xyxy").tolist()
    [[1.0, 0.0, 3.0, 2.0]]
    """
    source = _middle_first(encoded_format, "encoded_format")
    variance, size = _checked_variance(variance), _size_of(image_shape)

    def decoded(anchor: Array, deltas: Array) -> Array:
        around = convert_format(anchor, anchor_format, source, *size)
        return convert_format(_undone(around, ops.cast(ops.convert_to_tensor(deltas), around.dtype), variance), source, box_format, *size)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decoded(anchors, boxes_delta)


def warp(boxes: Array, matrix: Array) -> Array:
    """The upright boxes around boxes (batch, n, 4) "xyxy" whose points go where `matrix` (batch, 3, 3) takes them, as columns (x, y, 1)."""
    x0, y0, x1, y1 = _columns(boxes)
    xs, ys = ops.stack([x0, x1, x0, x1], -1), ops.stack([y0, y0, y1, y1], -1)  # (batch, n, 4)
    rows = [[matrix[:, i, j][:, None, None] for j in range(3)] for i in range(3)]
    u, v, k = (a * xs + b * ys + c for a, b, c in rows)
    u, v = u / k, v / k
    return ops.stack([ops.min(u, -1), ops.min(v, -1), ops.max(u, -1), ops.max(v, -1)], -1)


def affine_transform(
    boxes: Array,
    angle: Array,
    translate_x: Array,
    translate_y: Array,
    scale: Array,
    shear_x: Array,
    shear_y: Array,
    height: int,
    width: int,
    center_x: float | None = None,
    center_y: float | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """The upright boxes around boxes moved, sheared, turned and scaled about a centre: a point p goes to `c + scale M (p - c + t)`.

    With the tangents of the shears s_x, s_y and `m = sin(angle - s_y) / cos s_y`, `n = cos(angle - s_y) / cos s_y` the rows of M are
    `(cos angle + m tan s_x, sin angle + n tan s_x)` and `(-m, n)`: without shears the turn against the clock.

    Args:
        boxes: (batch, n, 4).
        angle, shear_x, shear_y: (batch,), in degrees.
        translate_x, translate_y: (batch,), in shares of `width - 1` and `height - 1`; as is the centre.
        scale: (batch,).
        height, width: the image's.
        center_x, center_y: the fixed point, 0.5 by default.
        bounding_box_format: see the module.

    >>> import numpy as np
    >>> n, one = np.zeros(1, "float32"), np.ones(1, "float32")
    >>> affine_transform(np.array([[[1.0, 2.0, 5.0, 6.0]]], "float32"), n, n, n, 2 * one, n, n, 10, 20).tolist()
    [[[-7.5, -0.5, 0.5, 7.5]]]
    """
    turn, lean_x, lean_y = (to_floating(a) * (math.pi / 180) for a in (angle, shear_x, shear_y))
    scale = to_floating(scale)
    right, down = to_floating(translate_x) * (width - 1), to_floating(translate_y) * (height - 1)
    x, y = (width - 1) * (0.5 if center_x is None else center_x), (height - 1) * (0.5 if center_y is None else center_y)
    m, n = ops.sin(turn - lean_y) / ops.cos(lean_y), ops.cos(turn - lean_y) / ops.cos(lean_y)
    a, b = scale * (ops.cos(turn) + m * ops.tan(lean_x)), scale * (ops.sin(turn) + n * ops.tan(lean_x))
    c, d = -m * scale, n * scale
    none, one = ops.zeros_like(a), ops.ones_like(a)
    shifts = (x + a * (right - x) + b * (down - y), y + c * (right - x) + d * (down - y))
    matrix = ops.stack([ops.stack([a, b, shifts[0]], -1), ops.stack([c, d, shifts[1]], -1), ops.stack([none, none, one], -1)], -2)
    edges = convert_format(boxes, bounding_box_format, "xyxy", height, width)
    return convert_format(warp(edges, matrix), "xyxy", bounding_box_format, height, width)
