"""Images moved, turned, stretched and mirrored at random: each is one matrix an image, applied to its pixels, its masks and its boxes.

The matrix takes the place of a pixel in the result, as a column (x, y, 1), to the place in the image that it shows; places are counted from the
middle of the first pixel. Boxes go the other way, and are counted from the corner of that pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops, random
from cornu.errors import ArgumentError
from cornu.layers.image import boxes as bounding
from cornu.layers.image.base import Data, Factor, RandomImageLayer, Seed, as_range, checked_values, each
from cornu.ops.arguments import Array
from cornu.ops.image.warping import homography, sample
from cornu.registry import LAYERS

__all__ = [
    "RandomElasticTransform", "RandomFlip", "RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom",
]  # fmt: skip

FILLS = ("reflect", "wrap", "constant", "nearest")


def matrix(rows: Sequence[Sequence[Any]], like: Array) -> Array:
    """(batch, 3, 3) of entries (batch,) or plain numbers."""
    return ops.stack([ops.stack([ops.zeros_like(like) + entry for entry in row], -1) for row in rows], -2)


def around(middle: tuple[float, float], rows: Sequence[Sequence[Any]], like: Array) -> Array:
    """The linear map of two rows, with the point `middle` where it is."""
    x, y = middle
    (a, b), (c, d) = rows
    return matrix([[a, b, x - a * x - b * y], [c, d, y - c * x - d * y], [0.0, 0.0, 1.0]], like)


def middle_of(data: Data) -> tuple[float, float]:
    """The middle of the images, (x, y)."""
    height, width = data["images"].shape[1:3]
    return (width - 1) / 2, (height - 1) / 2


class Geometric(RandomImageLayer):
    """Images whose pixels lie elsewhere: a class says by which matrix.

    Args:
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        interpolation: "bilinear" or "nearest"; masks are always read by the nearest pixel.
        fill_value: what lies there with "constant".
    """

    def __init__(self, *, fill_mode: str = "reflect", interpolation: str = "bilinear", fill_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if fill_mode not in FILLS:
            raise ArgumentError(f"fill_mode must be one of {list(FILLS)}, got {fill_mode!r}.")
        if interpolation not in ("nearest", "bilinear"):
            raise ArgumentError(f"interpolation must be 'nearest' or 'bilinear', got {interpolation!r}.")
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def matrices(self, data: Data) -> Array:
        """For each image the matrix (3, 3)."""
        raise NotImplementedError(f"{type(self).__name__} must define `matrices(self, data)`.")

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """The matrices (batch, 3, 3) and the size of the images."""
        return {"matrix": self.matrices(data), "size": data["images"].shape[1:3]} if training else None

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """The images, drawn anew."""
        return images if transformation is None else self._read(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Data | None, training: bool = True) -> Array:
        """The masks, by the nearest pixel."""
        return segmentation_masks if transformation is None else self._read(segmentation_masks, transformation, "nearest")

    def _read(self, x: Array, transformation: Data, interpolation: str) -> Array:
        numbers = ops.reshape(transformation["matrix"], (-1, 9))
        numbers = numbers[:, :8] / numbers[:, 8:]
        return ops.image.affine_transform(x, numbers, interpolation, self.fill_mode, self.fill_value, "channels_last")

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Data | None, training: bool = True) -> Data:
        """The upright boxes around what boxes become, cut at the edges; the label of one that leaves the image becomes -1."""
        if transformation is None:
            return bounding_boxes
        onward = ops.cast(ops.inv(transformation["matrix"]), bounding_boxes["boxes"].dtype)
        moved = bounding.warp(bounding_boxes["boxes"] - 0.5, onward) + 0.5
        return bounding.clip_to_image_size({**bounding_boxes, "boxes": moved}, *transformation["size"])


@LAYERS.add
class RandomFlip(RandomImageLayer):
    """In training half of the images mirrored, to the side, upside down, or each of the two by itself.

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
    >>> y = RandomFlip("horizontal", seed=1)(np.repeat(x, 20, 0), training=True)
    >>> sorted({tuple(row) for row in y[:, 0, :, 0].tolist()})
    [(0.0, 1.0, 2.0, 3.0), (3.0, 2.0, 1.0, 0.0)]
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: Seed = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ArgumentError(f"mode must be 'horizontal', 'vertical' or 'horizontal_and_vertical', got {mode!r}.")
        self.mode = mode

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """For each image whether it is mirrored to the side, and upside down."""
        if not training:
            return None
        flags = {axis: self.happens(data, (0.5, 0.5)) for axis, word in ((2, "horizontal"), (1, "vertical")) if word in self.mode}
        return {"flags": flags, "size": data["images"].shape[1:3]}

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """Images, or masks, some of them mirrored: by reversing an axis, which is exact and needs no look-up of each pixel."""
        for axis, flags in (transformation or {"flags": {}})["flags"].items():
            images = ops.where(each(flags, images), ops.flip(images, axis), images)
        return images

    transform_segmentation_masks = transform_images  # type: ignore[assignment] # the same, its first argument named otherwise

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Data | None, training: bool = True) -> Data:
        """Boxes with their edges counted from the other side."""
        boxes = bounding_boxes["boxes"]
        for axis, flags in (transformation or {"flags": {}})["flags"].items():
            length, (first, last) = transformation["size"][axis - 1], ((1, 3), (0, 2))[axis - 1]  # type: ignore[index]
            edges = [boxes[..., i] for i in range(4)]
            edges[first], edges[last] = length - edges[last], length - edges[first]
            boxes = ops.where(each(flags, boxes), ops.stack(edges, -1), boxes)
        return {**bounding_boxes, "boxes": boxes}


@LAYERS.add
class RandomRotation(Geometric):
    """In training images turned about their middle by a random share of a full turn, against the clock where it is positive.

    Args:
        factor: two shares of a turn between which is drawn, -1 to 1; a number f stands for (-f, f).
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        interpolation: "bilinear" or "nearest".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        fill_value: what lies beyond the edges with "constant".
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    >>> RandomRotation((0.25, 0.25), interpolation="nearest")(x, training=True)[0, :, :, 0].tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self, factor: Factor, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: Seed = None, fill_value: float = 0.0,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.factor = as_range(factor, "factor", -1, 1, None)

    def matrices(self, data: Data) -> Array:
        """The turn by `-2 pi factor`, the way back."""
        angle = self.drawn(data, self.factor) * (2 * math.pi)
        c, s = ops.cos(angle), ops.sin(angle)
        return around(middle_of(data), [[c, -s], [s, c]], angle)


@LAYERS.add
class RandomTranslation(Geometric):
    """In training images moved down and to the right by random shares of their size.

    Args:
        height_factor: two shares of the height between which is drawn, -1 to 1; a number f stands for (-f, f). Positive is down.
        width_factor: the same of the width. Positive is to the right.
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        interpolation: "bilinear" or "nearest".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        fill_value: what lies beyond the edges with "constant".
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomTranslation(0.0, (0.5, 0.5), "constant")(np.array([[[[1.0], [2.0]]]]), training=True).tolist()
    [[[[0.0], [1.0]]]]
    """

    def __init__(
        self, height_factor: Factor, width_factor: Factor, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: Seed = None,
        fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = as_range(height_factor, "height_factor", -1, 1, None)
        self._right = as_range(width_factor, "width_factor", -1, 1, None)

    def matrices(self, data: Data) -> Array:
        """A step back by the shares."""
        height, width = data["images"].shape[1:3]
        down, right = self.drawn(data, self._down) * height, self.drawn(data, self._right) * width
        return matrix([[1.0, 0.0, -right], [0.0, 1.0, -down], [0.0, 0.0, 1.0]], down)


@LAYERS.add
class RandomZoom(Geometric):
    """In training images made smaller or larger about their middle: what they show is `1 + factor` times as high and as wide.

    Args:
        height_factor: two numbers between which is drawn, above -1; f stands for (-f, f). Positive shows more, negative less.
        width_factor: the same for the width; that of the height, which keeps the aspect, if None.
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        interpolation: "bilinear" or "nearest".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        fill_value: what lies beyond the edges with "constant".
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> RandomZoom((0.0, 0.0), (-0.5, -0.5))(x, training=True)[0, 0, :, 0].tolist()
    [0.5, 1.0, 1.5]
    """

    def __init__(
        self, height_factor: Factor, width_factor: Factor | None = None, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: Seed = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall = as_range(height_factor, "height_factor", -0.999, math.inf, None)
        self._wide = None if width_factor is None else as_range(width_factor, "width_factor", -0.999, math.inf, None)

    def matrices(self, data: Data) -> Array:
        """A stretch about the middle."""
        tall = self.drawn(data, self._tall) + 1
        wide = tall if self._wide is None else self.drawn(data, self._wide) + 1
        return around(middle_of(data), [[wide, 0.0], [0.0, tall]], tall)


@LAYERS.add
class RandomShear(Geometric):
    """In training images slanted: rows move sideways by a share of their distance from the top, columns down by one of that from the left.

    Args:
        x_factor: two shares between which is drawn, -1 to 1; f stands for (-f, f). The sign is drawn too.
        y_factor: the same for columns.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        fill_value: what lies there with "constant".
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomShear(0.5)(np.ones((1, 2, 2, 1)), training=True).shape
    (1, 2, 2, 1)
    """

    def __init__(
        self, x_factor: Factor = 0.0, y_factor: Factor = 0.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, data_format: str | None = None, seed: Seed = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.x_factor = as_range(x_factor, "x_factor", -1, 1, None)
        self.y_factor = as_range(y_factor, "y_factor", -1, 1, None)

    def matrices(self, data: Data) -> Array:
        """Rows sideways, then columns down, so that there is a way back for all factors."""
        x, y = self.drawn(data, self.x_factor) * self.sign(data), self.drawn(data, self.y_factor) * self.sign(data)
        return matrix([[1.0, x, 0.0], [y, 1 + x * y, 0.0], [0.0, 0.0, 1.0]], x)


@LAYERS.add
class RandomPerspective(Geometric):
    """In training images seen from the side: their corners move inwards at random, straight lines stay straight.

    Args:
        factor: the probability that an image is changed, itself drawn between two; f stands for (0, f).
        scale: how far, at most, corners move towards the middle: 1 is half of the image's size.
        interpolation: "bilinear" or "nearest".
        fill_value: what lies beyond the edges.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomPerspective((1.0, 1.0), 0.5)(np.ones((1, 4, 4, 1)), training=True).shape
    (1, 4, 4, 1)
    """

    def __init__(
        self, factor: Factor = 1.0, scale: float = 1.0, interpolation: str = "bilinear", fill_value: float = 0.0, seed: Seed = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode="constant", interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.factor = as_range(factor, "factor", 0, 1)
        if not 0 <= scale <= 1:
            raise ArgumentError(f"scale must be from 0 to 1, got {scale!r}.")
        self.scale = scale

    def matrices(self, data: Data) -> Array:
        """The homographies from the moved corners back to the corners. No corner goes all the way, for then no map leads back."""
        x, y = middle_of(data)
        corners = np.array([[0, 0], [2 * x, 0], [0, 2 * y], [2 * x, 2 * y]], "float32")
        inwards = ops.convert_to_tensor(np.array([x, y], "float32") - corners)
        corners = ops.convert_to_tensor(corners)
        step = self.drawn(data, (0, 0.98 * self.scale), (4, 2)) * each(self.happens(data, self.factor), inwards[None]) * inwards
        eight = homography(ops.zeros_like(step) + corners, corners + step)  # (batch, 8): the ninth number is 1
        return ops.reshape(ops.concatenate([eight, ops.ones_like(eight[:, :1])], -1), (-1, 3, 3))

    def get_config(self) -> dict[str, Any]:
        """The arguments; beyond the edges there is always `fill_value`."""
        found = super().get_config()
        del found["fill_mode"]
        return found


@LAYERS.add
class RandomElasticTransform(Geometric):
    """In training images drawn on rubber: each pixel moves by smooth noise, neighbours alike. Boxes stay.

    Args:
        factor: the probability that an image is changed, itself drawn between two; f stands for (0, f).
        scale: the size of the steps, drawn between two; f stands for (0, f). 1 is noise of 20 pixels smoothed over 5, some 1.1 pixels.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies beyond the edges: "reflect", "wrap", "nearest" or "constant".
        fill_value: what lies there with "constant".
        value_range: the two ends between which values lie.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    P. Y. Simard and others, "Best practices for convolutional neural networks", 2003.

    >>> import numpy as np
    >>> stretched = RandomElasticTransform((1.0, 1.0))(np.full((1, 4, 4, 1), 100.0), training=True)
    >>> bool(abs(stretched - 100).max() < 0.01)  # one grey stays one grey
    True
    """

    def __init__(
        self, factor: Factor = 1.0, scale: Factor = 1.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, value_range: Sequence[float] = (0, 255), seed: Seed = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.factor = as_range(factor, "factor", 0, 1)
        self.scale = as_range(scale, "scale", 0, math.inf)
        self.value_range = checked_values(value_range)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """The steps (batch, height, width, 2), down and to the right."""
        if not training:
            return None
        shape = (*data["images"].shape[:3], 2)
        steps = random.normal(shape, dtype="float32", seed=self.stream)
        steps = ops.image.gaussian_blur(steps, (31, 31), (5.0, 5.0), "channels_last")
        size = self.drawn(data, self.scale) * 20 * ops.cast(self.happens(data, self.factor), "float32")
        return {"steps": steps * each(size, steps)}

    def _read(self, x: Array, transformation: Data, interpolation: str) -> Array:
        batch, height, width = x.shape[:3]
        steps = transformation["steps"]
        rows = ops.reshape(steps[..., 0] + ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1)), (batch, -1))
        columns = ops.reshape(steps[..., 1] + ops.reshape(ops.arange(width, dtype="float32"), (1, 1, -1)), (batch, -1))
        order = ("nearest", "bilinear").index(interpolation)
        found = ops.reshape(sample(x, [rows, columns], order, self.fill_mode, self.fill_value), x.shape)
        return ops.cast(found, x.dtype) if order == 0 else ops.cast(ops.clip(found, *self.value_range), x.dtype)

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Data | None, training: bool = True) -> Data:
        """The boxes as they are: steps are small and have no common direction."""
        return bounding_boxes
