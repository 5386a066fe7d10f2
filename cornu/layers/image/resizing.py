"""Images brought to one size, and lists of boxes to one length."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.layers.image import boxes as bounding
from cornu.layers.image.base import Data, ImageLayer, RandomImageLayer, Seed
from cornu.ops.arguments import Array
from cornu.quantities import is_whole
from cornu.registry import LAYERS

__all__ = ["CenterCrop", "MaxNumBoundingBoxes", "RandomCrop", "Resizing"]

Window = tuple[Any, Any, int, int]
"""Upper and left edge, height and width: the part of the old image that becomes the new one."""


def _checked_size(**sides: int) -> tuple[int, ...]:
    for name, side in sides.items():
        if not is_whole(side, 1):
            raise ArgumentError(f"{name} must be a positive whole number of pixels, got {side!r}.")
    return tuple(sides.values())


def _largest(height: int, width: int, target: tuple[int, int]) -> Window:
    """The largest window in the middle that has the target's aspect."""
    tall, wide = min(height, int(width * target[0] / target[1])), min(width, int(height * target[1] / target[0]))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def _smallest(height: int, width: int, target: tuple[int, int]) -> Window:
    """The smallest window around the image that has the target's aspect, but for an odd pixel: borders are as wide on either side."""
    above = max(0, int(width * target[0] / target[1]) - height) // 2
    beside = max(0, int(height * target[1] / target[0]) - width) // 2
    return -above, -beside, height + 2 * above, width + 2 * beside


def _through(bounding_boxes: Data, window: Window, size: tuple[int, int]) -> Data:
    """Boxes of an image of which a window was brought to a size; the edges of the window may be one an image."""
    top, left, tall, wide = window
    x0, y0, x1, y1 = (bounding_boxes["boxes"][..., i] for i in range(4))
    across, down = size[1] / wide, size[0] / tall
    moved = ops.stack([(x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down], -1)
    return bounding.clip_to_image_size({**bounding_boxes, "boxes": moved}, *size)


class ToSize(ImageLayer):
    """A layer whose results have one size: boxes go with the window of the image that becomes it."""

    keeps_shape = False
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Window, training: bool = True) -> Data:
        """Boxes moved, scaled and cut; the label of one of which nothing is left becomes -1."""
        return _through(bounding_boxes, transformation, self.size)


@LAYERS.add
class Resizing(ToSize):
    """Images brought to a size, in training and outside alike. Their dtype stays.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"; masks are read by the nearest pixel.
        crop_to_aspect_ratio: whether the largest window of the wanted aspect is cut out of the middle first.
        pad_to_aspect_ratio: whether images are padded to the wanted aspect first.
        fill_mode: "constant".
        fill_value: what is padded with.
        antialias: whether all pixels count where images become smaller.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, h, w, channels) or without the batch, to (batch, height, width, channels).

    >>> import numpy as np
    >>> Resizing(1, 2)(np.array([[[[0.0], [1.0], [2.0], [3.0]]]])).tolist()
    [[[[0.5], [2.5]]]]
    """

    always = True
    keeps_dtype = True

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0, antialias: bool = False,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = _checked_size(height=height, width=width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, antialias
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ArgumentError(
                "Resizing crops or pads to an aspect ratio, got crop_to_aspect_ratio=True and pad_to_aspect_ratio=True. Leave one out."
            )
        if fill_mode != "constant":
            raise ArgumentError(f"Resizing fills with a constant, `fill_value`, got fill_mode={fill_mode!r}. Leave it out.")

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Window:
        """The window; nothing is drawn."""
        height, width = data["images"].shape[1:3]
        if self.crop_to_aspect_ratio:
            return _largest(height, width, self.size)
        return _smallest(height, width, self.size) if self.pad_to_aspect_ratio else (0, 0, height, width)

    def _resized(self, x: Array, window: Window, interpolation: str, antialias: bool) -> Array:
        top, left, tall, wide = window
        if self.pad_to_aspect_ratio:
            x = ops.pad(x, ((0, 0), (-top, -top), (-left, -left), (0, 0)), "constant", self.fill_value)
        elif self.crop_to_aspect_ratio:
            x = x[:, top : top + tall, left : left + wide]
        return ops.image.resize(x, self.size, interpolation, antialias, data_format="channels_last")

    def transform_images(self, images: Array, transformation: Window, training: bool = True) -> Array:
        """The images in the new size."""
        return self._resized(images, transformation, self.interpolation, self.antialias)

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Window, training: bool = True) -> Array:
        """The masks in the new size."""
        return self._resized(segmentation_masks, transformation, "nearest", False)


@LAYERS.add
class CenterCrop(ToSize):
    """The middle of images; where one is too small, its largest window of the wanted aspect, enlarged.

    Args:
        height, width: the new size.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, h, w, channels) or without the batch, to (batch, height, width, channels).

    >>> import numpy as np
    >>> CenterCrop(1, 2)(np.arange(4.0).reshape(1, 1, 4, 1))[0, 0, :, 0].tolist()
    [1.0, 2.0]
    """

    always = True

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = _checked_size(height=height, width=width)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Window:
        """The window; nothing is drawn."""
        return middle_window(data["images"], self.size)

    def transform_images(self, images: Array, transformation: Window, training: bool = True) -> Array:
        """The middle."""
        return cut_out(images, transformation, self.size, "bilinear")

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Window, training: bool = True) -> Array:
        """The middle."""
        return cut_out(segmentation_masks, transformation, self.size, "nearest")


def middle_window(images: Array, size: tuple[int, int]) -> Window:
    """The window of a size in the middle, or where that is too large the largest of its aspect."""
    height, width = images.shape[1:3]
    if height < size[0] or width < size[1]:
        return _largest(height, width, size)
    return (height - size[0]) // 2, (width - size[1]) // 2, *size


def cut_out(x: Array, window: Window, size: tuple[int, int], interpolation: str) -> Array:
    """A window, brought to a size if it has another; its upper and left edges are whole numbers, or one (batch, 1) an image."""
    top, left, tall, wide = window
    if isinstance(top, int):
        x = x[:, top : top + tall, left : left + wide]
    else:
        rows, columns = top + ops.arange(tall, dtype="int32"), left + ops.arange(wide, dtype="int32")
        x = ops.take_along_axis(x, rows[:, :, None, None], 1)
        x = ops.take_along_axis(x, columns[:, None, :, None], 2)
    return x if (tall, wide) == size else ops.image.resize(x, size, interpolation, data_format="channels_last")


@LAYERS.add
class RandomCrop(RandomImageLayer, ToSize):
    """In training a window at a random place of each image, outside the one in the middle.

    Where images are too small, the window is as large as there is room, and is enlarged.

    Args:
        height, width: the new size.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, h, w, channels) or without the batch, to (batch, height, width, channels).

    >>> import numpy as np
    >>> row = RandomCrop(1, 2)(np.arange(4.0).reshape(1, 1, 4, 1), training=True)[0, 0, :, 0]
    >>> row.shape, float(row[1] - row[0])
    ((2,), 1.0)
    """

    keeps_shape = False

    def __init__(
        self, height: int, width: int, seed: Seed = None, data_format: str | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = _checked_size(height=height, width=width)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Window:
        """A window an image."""
        if not training:
            return middle_window(data["images"], self.size)
        height, width = data["images"].shape[1:3]
        tall, wide = min(height, self.height), min(width, self.width)
        rooms = (height - tall, width - wide)
        top, left = (ops.cast(ops.floor(self.drawn(data, (0, room + 1), (1,))), "int32") for room in rooms)
        return ops.minimum(top, rooms[0]), ops.minimum(left, rooms[1]), tall, wide

    def transform_images(self, images: Array, transformation: Window, training: bool = True) -> Array:
        """The windows."""
        return cut_out(images, transformation, self.size, "bilinear")

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Window, training: bool = True) -> Array:
        """The windows."""
        return cut_out(segmentation_masks, transformation, self.size, "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Window, training: bool = True) -> Data:
        """Boxes moved and cut."""
        return _through(bounding_boxes, transformation, self.size)


@LAYERS.add
class MaxNumBoundingBoxes(ImageLayer):
    """Lists of boxes brought to one length: the first ones, or filled up. Images stay.

    Args:
        max_number: the length.
        fill_value: what boxes and labels are filled up with.

    Shapes: boxes (batch, n, 4) to (batch, max_number, 4), labels (batch, n) to (batch, max_number).

    >>> import numpy as np
    >>> boxes = {"boxes": np.ones((1, 4)), "labels": np.array([7])}
    >>> MaxNumBoundingBoxes(2)({"images": np.ones((2, 2, 1)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].tolist()
    [7, -1]
    """

    always = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        (self.max_number,) = _checked_size(max_number=max_number)
        self.fill_value = fill_value

    def _in_one_layout(self, data: Data, training: bool) -> Data:
        """The data as they are, whatever the format of their boxes, but for the length of the list."""
        boxes = data.get("bounding_boxes")
        if boxes is None:
            return data
        longer = {**boxes, "boxes": self._filled(boxes["boxes"], -2), "labels": self._filled(boxes["labels"], -1)}
        return {**data, "bounding_boxes": longer}

    def _filled(self, x: Array, axis: int) -> Array:
        x = ops.convert_to_tensor(x)
        kept = x[..., : self.max_number, :] if axis == -2 else x[..., : self.max_number]
        widths = [(0, 0)] * x.ndim
        widths[axis] = (0, self.max_number - kept.shape[axis])
        return ops.pad(kept, widths, constant_values=self.fill_value)
