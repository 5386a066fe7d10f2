"""Images of a batch mixed with one another, and parts of images taken away."""

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
from cornu.registry import LAYERS

__all__ = ["CutMix", "MixUp", "RandomErasing"]


def inside(boxes: Array, height: int, width: int) -> Array:
    """For each image which pixels lie in a box (batch, 4), "xyxy" in whole pixels: (batch, height, width, 1)."""
    x0, y0, x1, y1 = (boxes[:, i][:, None] for i in range(4))
    column, row = (ops.convert_to_tensor(np.arange(n, dtype="float32")[None]) for n in (width, height))
    across = ops.logical_and(ops.greater_equal(column, x0), ops.less(column, x1))
    down = ops.logical_and(ops.greater_equal(row, y0), ops.less(row, y1))
    return ops.logical_and(down[:, :, None, None], across[:, None, :, None])


def box_around(middles: Array, tall: Array, wide: Array, height: int, width: int) -> Array:
    """Boxes (batch, 4) of a size in pixels about middles (batch, 2), shares of height and width; whole numbers, cut at the edges."""
    y, x = middles[:, 0] * height, middles[:, 1] * width
    edges = [
        ops.clip(ops.round(e), 0, n)
        for e, n in ((x - wide / 2, width), (y - tall / 2, height), (x + wide / 2, width), (y + tall / 2, height))
    ]
    return ops.stack(edges, -1)


def _mixed(x: Array, other: Array, share: Array) -> Array:
    """`share` of the one and the rest of the other, which whole numbers are too."""
    x, other = ops.cast(x, share.dtype), ops.cast(other, share.dtype)
    return x * each(share, x) + other * (1 - each(share, x))


class Mixing(RandomImageLayer):
    """A layer in which each image of a batch meets another one."""

    def partners(self, data: Data) -> Array:
        """For each image the number of another (or itself), each once."""
        return random.shuffle(ops.arange(data["images"].shape[0], dtype="int32"), seed=self.stream)

    def _keeps_rows_(self, *, training: bool) -> bool:
        return not training

    def transform_labels(self, labels: Array, transformation: Data | None, training: bool = True) -> Array:
        """Labels in the shares of the images, as floats: one-hot, or other numbers of which a mean has a meaning."""
        if transformation is None:
            return labels
        mixed = _mixed(labels, ops.take(labels, transformation["partners"], 0), transformation["share"])
        return ops.cast(mixed, self.compute_dtype)


def _joined(boxes: Data, others: Data) -> Data:
    joined = {name: ops.concatenate([boxes[name], others[name]], 1) for name in ("boxes", "labels")}
    return {**boxes, **joined}


def _of_partners(boxes: Data, partners: Array) -> Data:
    return {name: ops.take(boxes[name], partners, 0) for name in ("boxes", "labels")}


@LAYERS.add
class MixUp(Mixing):
    """In training each image becomes a mean of itself and another of the batch, `w x + (1 - w) y`, and its label too; boxes of both are kept.

    Args:
        alpha: w is drawn from Beta(alpha, alpha) for each image; small ones leave most images nearly as they are.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) to the same; boxes (batch, n, 4) to (batch, 2 n, 4). Labels and masks become floats.

    H. Zhang and others, "mixup: beyond empirical risk minimization", https://arxiv.org/abs/1710.09412.

    >>> import numpy as np
    >>> data = {"images": np.arange(2.0).reshape(2, 1, 1, 1), "labels": np.arange(2.0)}
    >>> mixed = MixUp(seed=1)(data, training=True)
    >>> bool(np.allclose(mixed["images"][:, 0, 0, 0], mixed["labels"]))
    True
    """

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not alpha > 0:
            raise ArgumentError(f"alpha must be positive, got {alpha!r}.")
        self.alpha = alpha

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """For each image a partner and its own share."""
        if not training:
            return None
        share = random.beta((data["images"].shape[0],), self.alpha, self.alpha, "float32", self.stream)
        return {"partners": self.partners(data), "share": share}

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """Means of two images."""
        if transformation is None:
            return images
        return ops.cast(_mixed(images, ops.take(images, transformation["partners"], 0), transformation["share"]), images.dtype)

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Data | None, training: bool = True) -> Array:
        """Means of two masks, which has a meaning where they are one-hot."""
        return self.transform_labels(segmentation_masks, transformation, training)

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Data | None, training: bool = True) -> Data:
        """The boxes of both images."""
        if transformation is None:
            return bounding_boxes
        return _joined(bounding_boxes, _of_partners(bounding_boxes, transformation["partners"]))


@LAYERS.add
class CutMix(Mixing):
    """In training a window of each image shows another image of the batch; its label is mixed by the areas.

    Args:
        factor: the window's share of the area is drawn between two of 0 to 1; f stands for (0, f). It is less where the window reaches
            over an edge.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) to the same; boxes (batch, n, 4) to (batch, 2 n, 4), those of the other image cut at the window.
    Labels become floats.

    S. Yun and others, "CutMix: regularization strategy", https://arxiv.org/abs/1905.04899.

    >>> import numpy as np
    >>> data = {"images": np.repeat(np.arange(2.0), 64).reshape(2, 8, 8, 1), "labels": np.arange(2.0)}
    >>> mixed = CutMix(seed=1)(data, training=True)
    >>> bool(np.allclose(mixed["images"].mean((1, 2, 3)), mixed["labels"]))
    True
    """

    def __init__(self, factor: Factor = 1.0, seed: Seed = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = as_range(factor, "factor", 0, 1)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """For each image a partner, a window, and the share of its own that is left."""
        if not training:
            return None
        height, width = data["images"].shape[1:3]
        side = ops.sqrt(self.drawn(data, self.factor))
        box = box_around(self.drawn(data, (0, 1), (2,)), side * height, side * width, height, width)
        share = 1 - (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) / (height * width)
        return {"partners": self.partners(data), "share": share, "box": box, "size": (height, width)}

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """Images, or masks, with windows of others."""
        if transformation is None:
            return images
        window = inside(transformation["box"], *transformation["size"])
        return ops.where(window, ops.take(images, transformation["partners"], 0), images)

    transform_segmentation_masks = transform_images  # type: ignore[assignment] # the same, its first argument named otherwise

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Data | None, training: bool = True) -> Data:
        """The image's own boxes, then what the window shows of the other's; the label of one that it does not show is -1."""
        if transformation is None:
            return bounding_boxes
        others = _of_partners(bounding_boxes, transformation["partners"])
        window = ops.cast(transformation["box"], others["boxes"].dtype)[:, None]
        low, high = ops.concatenate([window[..., :2]] * 2, -1), ops.concatenate([window[..., 2:]] * 2, -1)
        boxes = ops.minimum(ops.maximum(others["boxes"], low), high)
        return _joined(bounding_boxes, bounding.clip_to_image_size({**others, "boxes": boxes}, *transformation["size"]))


@LAYERS.add
class RandomErasing(RandomImageLayer):
    """In training a window of an image is filled, with one value or with noise. Boxes, masks and labels stay.

    Args:
        factor: the probability, itself drawn between two; f stands for (0, f).
        scale: two shares of the area between which that of the window is drawn; s stands for (0, s). It is less where the window reaches
            over an edge.
        fill_value: what the window is filled with, a number or one a channel; uniform noise of `value_range` if None.
        value_range: the two ends between which values lie.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    Z. Zhong and others, "Random erasing data augmentation", https://arxiv.org/abs/1708.04896: the aspect of windows lies between 0.3 and 1 / 0.3.

    >>> import numpy as np
    >>> y = RandomErasing((1.0, 1.0), (0.5, 0.5), fill_value=7.0)(np.zeros((1, 8, 8, 1)), training=True)
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 7.0]
    """

    def __init__(
        self, factor: Factor = 1.0, scale: Factor = (0.02, 0.33), fill_value: Any = None, value_range: Sequence[float] = (0, 255),
        seed: Seed = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = as_range(factor, "factor", 0, 1)
        self.scale = as_range(scale, "scale", 0, 1)
        self.fill_value = fill_value
        self.value_range = checked_values(value_range)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """For each image a window and what fills it; a window of no size for those that stay."""
        if not training:
            return None
        height, width = data["images"].shape[1:3]
        area = self.drawn(data, self.scale) * height * width * ops.cast(self.happens(data, self.factor), "float32")
        bent = ops.exp(self.drawn(data, (math.log(0.3) / 2, -math.log(0.3) / 2)))
        box = box_around(self.drawn(data, (0, 1), (2,)), ops.sqrt(area) * bent, ops.sqrt(area) / bent, height, width)
        if self.fill_value is not None:
            return {"box": box, "fill": ops.convert_to_tensor(self.fill_value, self.compute_dtype)}
        return {"box": box, "fill": ops.cast(self.drawn(data, self.value_range, data["images"].shape[1:]), self.compute_dtype)}

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """The images with filled windows."""
        if transformation is None:
            return images
        window = inside(transformation["box"], *images.shape[1:3])
        return ops.where(window, ops.cast(transformation["fill"], images.dtype), images)
