"""Images whose colours change at random, pixels staying where they are: each layer is a function of images from 0 to 1 and of one number an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError
from cornu.layers.image.base import Data, Factor, RandomImageLayer, Seed, as_range, checked_values, each, widened
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = [
    "RandomBrightness", "RandomColorDegeneration", "RandomContrast", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPosterization", "RandomSaturation", "RandomSharpness",
]  # fmt: skip


class Photometric(RandomImageLayer):
    """Images of other colours; labels, masks and boxes stay.

    Args:
        value_range: the two ends between which values lie, before and after.
    """

    def __init__(self, *, factor: tuple[float, float], value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor
        self.value_range = checked_values(value_range)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """One number for each image, between the two of `factor`."""
        return self.drawn(data, self.factor) if training else None

    def transform_images(self, images: Array, transformation: Array | None, training: bool = True) -> Array:
        """The images, brought to 0 to 1, changed, cut there, and brought back."""
        if transformation is None:
            return images
        low, high = self.value_range
        pixels = (widened(images) - low) / (high - low)
        changed = ops.clip(self.changed(pixels, each(transformation, pixels)), 0, 1)
        return ops.cast(changed * (high - low) + low, images.dtype)

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Pixels from 0 to 1 (batch, height, width, channels) for factors (batch, 1, 1, 1)."""
        raise NotImplementedError(f"{type(self).__name__} must define `changed(self, pixels, factor)`.")


def grey(pixels: Array) -> Array:
    """The grey values, as often as there are channels."""
    return ops.image.rgb_to_grayscale(pixels, "channels_last")


@LAYERS.add
class RandomBrightness(Photometric):
    """In training images made lighter or darker: a random share of the range of values is added to all of an image.

    Args:
        factor: two shares between which is drawn, -1 to 1; a number f stands for (-f, f).
        value_range: the two ends between which values lie; what comes to lie beyond is cut.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomBrightness((0.2, 0.2))(np.full((1, 1, 1, 1), 100.0), training=True).tolist()
    [[[[151.0]]]]
    """

    def __init__(self, factor: Factor, value_range: Sequence[float] = (0, 255), seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(factor=as_range(factor, "factor", -1, 1, None), value_range=value_range, seed=seed, **kwargs)

    def changed(self, pixels: Array, factor: Array) -> Array:
        """More light."""
        return pixels + factor


@LAYERS.add
class RandomContrast(Photometric):
    """In training images of another contrast: `(x - mean) * c + mean`, the mean that of a channel of an image, c drawn from about 1.

    Args:
        factor: (lower, upper), of which c lies between `1 - lower` and `1 + upper`; one number stands for both.
        value_range: the two ends between which values lie; what comes to lie beyond is cut.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> x = np.array([100.0, 200.0]).reshape(1, 1, 2, 1)
    >>> bool(np.isclose(RandomContrast(0.5)(x, training=True).mean(), 150))
    True
    """

    def __init__(self, factor: Factor, value_range: Sequence[float] = (0, 255), seed: Seed = None, **kwargs: Any) -> None:
        both = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        if len(both) != 2 or not 0 <= both[0] <= 1 or not both[1] >= 0:
            raise ArgumentError(f"factor must be a number or (lower, upper), lower from 0 to 1 and upper not negative, got {factor!r}.")
        super().__init__(factor=both, value_range=value_range, seed=seed, **kwargs)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """The c of each image."""
        return self.drawn(data, (1 - self.factor[0], 1 + self.factor[1])) if training else None

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Pixels further from their mean, or nearer."""
        mean = ops.mean(pixels, (1, 2), keepdims=True)
        return (pixels - mean) * factor + mean


class Colourful(Photometric):
    """A layer with the arguments that most of them have."""

    most: float = 1.0
    least: float = 0.0

    def __init__(
        self, factor: Factor, value_range: Sequence[float] = (0, 255), data_format: str | None = None, seed: Seed = None, **kwargs: Any
    ) -> None:
        super().__init__(
            factor=as_range(factor, "factor", self.least, self.most), value_range=value_range, data_format=data_format, seed=seed, **kwargs
        )


@LAYERS.add
class RandomSaturation(Colourful):
    """In training images with paler or stronger colours: the saturation of each pixel is multiplied by `f / (1 - f)`, at most to 1.

    Args:
        factor: two numbers from 0, grey, over 0.5, nothing, to 1, full colours, between which is drawn; f stands for (0, f).
            Draws below 0, which files of other programs may allow, count as 0.
        value_range: the two ends between which values lie.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomSaturation((0.0, 0.0))(np.array([[[[0.0, 50.0, 200.0]]]]), training=True).tolist()
    [[[[200.0, 200.0, 200.0]]]]
    """

    least = -1.0

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Other saturations."""
        factor = ops.clip(factor, 0, 1 - 1e-7)
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(pixels, "channels_last"), 3, -1)
        saturation = ops.clip(saturation * factor / (1 - factor), 0, 1)
        return ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], -1), "channels_last")


@LAYERS.add
class RandomHue(Colourful):
    """In training images with other hues: turned on the circle of colours by half of a random share, to one side or the other.

    Args:
        factor: two shares from 0 to 1 between which is drawn; f stands for (0, f). 1 makes each colour its opposite.
        value_range: the two ends between which values lie.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomHue((1.0, 1.0), (0, 1))(np.array([[[[1.0, 0.0, 0.0]]]]), training=True).round(3).tolist()
    [[[[0.0, 1.0, 1.0]]]]
    """

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """The share of a turn."""
        return self.drawn(data, self.factor) * self.sign(data) / 2 if training else None

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Other hues."""
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(pixels, "channels_last"), 3, -1)
        turned = ops.mod(hue + factor, 1)
        return ops.image.hsv_to_rgb(ops.concatenate([turned, saturation, value], -1), "channels_last")


def _shifted(pixels: Array, axis: int, weights: Sequence[Any]) -> Array:
    """A weighted sum of a pixel and its neighbours along an axis, zeros beyond the edges; a weight may be one an image."""
    length, reach = pixels.shape[axis], len(weights) // 2
    edges = [(0, 0)] * pixels.ndim
    edges[axis] = (reach, len(weights) - 1 - reach)
    wide = ops.pad(pixels, edges)
    parts = [ops.take(wide, np.arange(i, i + length), axis) * weight for i, weight in enumerate(weights)]
    return sum(parts[1:], parts[0])


@LAYERS.add
class RandomSharpness(Colourful):
    """In training images made softer or sharper: `soft + 2 f (x - soft)`, soft a mean of a pixel (5 parts) and its eight neighbours.

    Args:
        factor: two numbers from 0, soft, over 0.5, nothing, to 1, sharp, between which is drawn; f stands for (0, f).
        value_range: the two ends between which values lie; what comes to lie beyond is cut.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomSharpness((0.5, 0.5))(np.array([[[[0.0], [200.0]]]]), training=True).round(3).tolist()
    [[[[0.0], [200.0]]]]
    """

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Pixels further from their surroundings, or nearer. Beyond the edges it is black."""
        soft = (_shifted(_shifted(pixels, 1, (1, 1, 1)), 2, (1, 1, 1)) + 4 * pixels) / 13
        return soft + 2 * factor * (pixels - soft)


@LAYERS.add
class RandomColorDegeneration(Colourful):
    """In training images with paler colours: `(1 - f) x + f grey(x)`.

    Args:
        factor: two shares from 0 to 1 between which is drawn; f stands for (0, f). Draws below 0, which files of other programs may
            allow, count as 0.
        value_range: the two ends between which values lie.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomColorDegeneration((1.0, 1.0))(np.array([[[[200.0, 0.0, 0.0]]]]), training=True).round(2).tolist()
    [[[[59.78, 59.78, 59.78]]]]
    """

    least = -1.0

    def changed(self, pixels: Array, factor: Array) -> Array:
        """A mean of the colours and their grey values."""
        factor = ops.maximum(factor, 0)
        return pixels + factor * (grey(pixels) - pixels)


@LAYERS.add
class RandomGrayscale(RandomImageLayer):
    """In training images turned grey with a probability, in all their channels.

    Args:
        factor: the probability.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomGrayscale(1.0)(np.array([[[[200.0, 0.0, 0.0]]]]), training=True).round(2).tolist()
    [[[[59.78, 59.78, 59.78]]]]
    """

    def __init__(self, factor: float = 0.5, data_format: str | None = None, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise ArgumentError(f"factor must be a probability, got {factor!r}.")
        self.factor = factor

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """For each image whether it turns grey."""
        return self.happens(data, (self.factor, self.factor)) if training else None

    def transform_images(self, images: Array, transformation: Array | None, training: bool = True) -> Array:
        """The images, some of them grey."""
        return images if transformation is None else ops.where(each(transformation, images), grey(images), images)


@LAYERS.add
class RandomPosterization(Colourful):
    """In training images with fewer colours: of the eight bits of a value only the first are kept.

    Args:
        factor: two whole numbers from 1 to 8 between which that of bits is drawn; n stands for (1, n).
        value_range: the two ends between which values lie; eight bits stand for that range.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomPosterization((1, 1))(np.array([[[[100.0, 200.0]]]]), training=True).tolist()
    [[[[0.0, 128.0]]]]
    """

    def __init__(
        self, factor: Factor, value_range: Sequence[float] = (0, 255), data_format: str | None = None, seed: Seed = None, **kwargs: Any
    ) -> None:
        both = as_range(factor, "factor", 1, 8, 1)
        super(Colourful, self).__init__(factor=both, value_range=value_range, data_format=data_format, seed=seed, **kwargs)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """What a kept bit is worth: 128 for one bit, 1 for eight."""
        if not training:
            return None
        fewest, most = self.factor
        bits = ops.minimum(ops.floor(self.drawn(data, (fewest, most + 1))), most)
        return ops.exp2(8 - bits)

    def changed(self, pixels: Array, factor: Array) -> Array:
        """Values cut to whole multiples. A thousandth keeps a value that is whole but for rounding."""
        return ops.floor(ops.floor(pixels * 255 + 1e-3) / factor) * factor / 255


@LAYERS.add
class RandomInvert(Photometric):
    """In training images turned to their negatives with a probability: a value x becomes `low + high - x`.

    Args:
        factor: the probability, itself drawn between two; f stands for (0, f).
        value_range: (low, high), the two ends between which values lie.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomInvert((1.0, 1.0))(np.array([[[[55.0]]]]), training=True).tolist()
    [[[[200.0]]]]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor=as_range(factor, "factor", 0, 1), value_range=value_range, seed=seed, data_format=data_format, **kwargs)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Array | None:
        """For each image 1 or 0, whether it is turned."""
        return ops.cast(self.happens(data, self.factor), "float32") if training else None

    def changed(self, pixels: Array, factor: Array) -> Array:
        """The negatives of those that are turned."""
        return ops.where(ops.greater(factor, 0), 1 - pixels, pixels)


@LAYERS.add
class RandomGaussianBlur(RandomImageLayer):
    """In training images smoothed with a probability, by a bell of a random width; zeros lie beyond the edges.

    Args:
        factor: the probability, itself drawn between two; f stands for (0, f).
        kernel_size: how many pixels the bell covers, odd, or two such numbers, the first for the width and the second for the height.
        sigma: the bell's deviation in pixels, drawn between two; s stands for (0, s).
        value_range: the two ends between which values lie; means do not leave them, but rounding may, and is cut.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> x = np.array([0.0, 8.0, 0.0]).reshape(1, 1, 3, 1)
    >>> RandomGaussianBlur((1.0, 1.0), (3, 1), (100.0, 100.0))(x, training=True)[0, 0, :, 0].round(2).tolist()
    [2.67, 2.67, 2.67]
    """

    def __init__(
        self, factor: Factor = 1.0, kernel_size: int | Sequence[int] = 3, sigma: Factor = 1.0, value_range: Sequence[float] = (0, 255),
        data_format: str | None = None, seed: Seed = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = as_range(factor, "factor", 0, 1)
        self.kernel_size = as_tuple(kernel_size, 2, "kernel_size")
        if any(k % 2 == 0 for k in self.kernel_size):
            raise ArgumentError(f"kernel_size must be odd, for a bell has a middle, got {kernel_size!r}.")
        self.sigma = as_range(sigma, "sigma", 0, math.inf)
        self.value_range = checked_values(value_range)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Data | None:
        """For each image whether it is smoothed, and how far."""
        return {"flags": self.happens(data, self.factor), "sigma": self.drawn(data, self.sigma)} if training else None

    def transform_images(self, images: Array, transformation: Data | None, training: bool = True) -> Array:
        """The images under their bells, rows and columns one after the other."""
        if transformation is None:
            return images
        sigma = ops.maximum(each(transformation["sigma"], images), 1e-3)
        soft = widened(images)
        for axis, size in zip((2, 1), self.kernel_size, strict=True):
            bell = [ops.exp(-ops.square((i - size // 2) / sigma) / 2) for i in range(size)]
            total = sum(bell[1:], bell[0])
            soft = _shifted(soft, axis, [part / total for part in bell])
        soft = ops.cast(ops.clip(soft, *self.value_range), images.dtype)
        return ops.where(each(transformation["flags"], images), soft, images)
