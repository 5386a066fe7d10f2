"""Layers for images that are made of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import ops, random
from cornu.errors import ArgumentError, BackendError
from cornu.layers.image.base import Data, Factor, ImageLayer, Preparation, RandomImageLayer, Seed, as_range, checked_values, chosen, each
from cornu.layers.image.correction import AutoContrast, Equalization, Solarization
from cornu.layers.image.geometric import RandomRotation, RandomShear, RandomTranslation
from cornu.layers.image.photometric import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomHue,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
)
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, concrete
from cornu.ops.dispatch import interpreter_of
from cornu.registry import LAYERS

__all__ = ["AugMix", "Pipeline", "RandAugment", "RandomColorJitter"]


@LAYERS.add
class Pipeline(Preparation):
    """Layers one after the other.

    Args:
        layers: them.

    Shapes: those of the first layer's inputs, to those of the last one's outputs.

    >>> import numpy as np
    >>> from cornu.layers import CenterCrop, Rescaling
    >>> Pipeline([CenterCrop(1, 1), Rescaling(2.0)])(np.arange(3.0).reshape(1, 1, 3, 1)).tolist()
    [[[[2.0]]]]
    """

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self.layers = list(layers)

    def call(self, inputs: Any, training: bool = True) -> Any:
        """What the last layer makes of what the others made."""
        for layer in self.layers:
            inputs = layer(inputs, training=training) if layer._takes_.training else layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The layers and the name."""
        found = super().get_config()
        return {"name": found["name"], "layers": found["layers"]}


class Composed(RandomImageLayer):
    """A layer that draws from one stream for all layers that it is made of."""

    def __init__(self, *, value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_values(value_range)

    def arrange(self, layers: Sequence[ImageLayer]) -> list[ImageLayer]:
        """Layers that work on batches in one layout, within this one."""
        for layer in layers:
            layer.built = True
            layer.dtype_policy = self.dtype_policy
        return list(layers)

    def one_of(self, data: Data, layers: Sequence[ImageLayer]) -> Data:
        """The batch changed by one of the layers, drawn for it; only that one is run.

        Numbers are drawn for all layers, so that what comes next from the seed does not depend on which it was.
        """
        number = random.randint((), 0, len(layers), "int32", self.stream)
        drawn = [layer.get_random_transformation(data, True) for layer in layers]
        ways = [lambda way=layer, by=t: way.apply(data, by, True) for layer, t in zip(layers, drawn, strict=True)]
        return _taken(number, ways)


def _taken(number: Array, ways: Sequence[Callable[[], Data]]) -> Data:
    """What one of the functions gives: a call of Python's where the number is known, else a branch of what is compiled."""
    try:
        known = int(concrete(interpreter_of(number), number, "switch"))
    except BackendError:
        found: Data = ops.switch(number, ways)
        return found
    return ways[known]()


@LAYERS.add
class RandomColorJitter(Composed):
    """In training brightness, contrast, saturation and hue changed at random, in this order.

    Args:
        value_range: the two ends between which values lie.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: those of `RandomBrightness`, `RandomContrast`,
            `RandomSaturation` and `RandomHue`; nothing is done by one that is None.
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    >>> import numpy as np
    >>> RandomColorJitter(brightness_factor=(0.2, 0.2))(np.full((1, 1, 1, 3), 100.0), training=True)[0, 0, 0].tolist()
    [151.0, 151.0, 151.0]
    """

    def __init__(
        self, value_range: Sequence[float] = (0, 255), brightness_factor: Factor | None = None, contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None, hue_factor: Factor | None = None, seed: Seed = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        wanted = (
            (RandomBrightness, brightness_factor), (RandomContrast, contrast_factor), (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        )  # fmt: skip
        kinds: list[tuple[Any, Factor]] = [(kind, factor) for kind, factor in wanted if factor is not None]
        self.parts = self.arrange([kind(factor, value_range=value_range, seed=self.generator) for kind, factor in kinds])

    def transform(self, data: Data, training: bool) -> Data:
        """The batch after one layer and the next."""
        for layer in self.parts:
            data = layer.transform(data, training)
        return data


def _number(factor: Factor) -> tuple[float, float]:
    return as_range(factor, "factor", 0, 1)


def _choices(factor: tuple[float, float], values: Sequence[float], interpolation: str, seed: Any) -> dict[str, ImageLayer]:
    """The changes that automatic augmentation draws from, each as strong as a factor of 0 to 1 says."""
    low, high = factor
    common: dict[str, Any] = {"value_range": values, "seed": seed}
    moved: dict[str, Any] = {"interpolation": interpolation, "fill_mode": "constant", "seed": seed}
    fewest, most = 8 - round(7 * high), 8 - round(7 * low)
    return {
        "auto_contrast": AutoContrast(values),
        "equalize": Equalization(values),
        "posterize": RandomPosterization((fewest, most), **common),
        "solarize": Solarization(threshold_factor=(1 - high, 1 - low), **common),
        "rotate": RandomRotation((-high / 4, high / 4), **moved),
        "shear_x": RandomShear(factor, 0.0, **moved),
        "shear_y": RandomShear(0.0, factor, **moved),
        "translate_x": RandomTranslation(0.0, (-high, high), **moved),
        "translate_y": RandomTranslation((-high, high), 0.0, **moved),
        "brightness": RandomBrightness((-high, high), **common),
        "contrast": RandomContrast((high, high), **common),
        "color": RandomColorDegeneration(factor, **common),
        "sharpness": RandomSharpness(((1 - high) / 2, (1 + high) / 2), **common),
    }


@LAYERS.add
class RandAugment(Composed):
    """In training images are changed by some of thirteen ways, drawn for the batch; how far, is drawn for each image.

    They are auto-contrast, equalization, posterization, solarization, rotation, shears and translations along both axes, brightness, contrast,
    colour and sharpness. Only those that were drawn are run; for a way of its own for each image, call the layer on single images.

    Args:
        value_range: the two ends between which values lie.
        num_ops: how many times a way is drawn.
        factor: how strong they are, drawn between two of 0 to 1; f stands for (0, f).
        interpolation: "bilinear" or "nearest".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    E. D. Cubuk and others, "RandAugment", https://arxiv.org/abs/1909.13719.

    >>> import numpy as np
    >>> RandAugment(seed=1)(np.full((2, 4, 4, 3), 100.0), training=True).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self, value_range: Sequence[float] = (0, 255), num_ops: int = 2, factor: Factor = 0.5, interpolation: str = "bilinear",
        seed: Seed = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        self.num_ops, self.factor, self.interpolation = num_ops, _number(factor), interpolation
        self.parts = self.arrange([*_choices(self.factor, value_range, interpolation, self.generator).values()])

    def transform(self, data: Data, training: bool) -> Data:
        """The batch after `num_ops` draws."""
        for _ in range(self.num_ops if training else 0):
            data = self.one_of(data, self.parts)
        return data


@LAYERS.add
class AugMix(Composed):
    """In training each image becomes a mean of itself and of several chains of changes: `(1 - m) x + m sum w_i chain_i(x)`.

    The weights w are drawn from Dirichlet(alpha), m from Beta(alpha, alpha); each chain takes 1 to `chain_depth` ways,
    how many being drawn for the image, and which for the batch.
    Labels, masks and boxes stay, for the image itself keeps a share.

    Args:
        value_range: the two ends between which values lie.
        num_chains: how many chains.
        chain_depth: how many ways a chain takes at most.
        factor: how strong they are, drawn between two of 0 to 1; f stands for (0, f).
        alpha: of both distributions.
        all_ops: whether brightness, contrast, colour and sharpness are among the ways, as well as the others of `RandAugment`.
        interpolation: "bilinear" or "nearest".
        seed: a whole number or a SeedGenerator; drawn afresh if None.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, 3) or without the batch, to the same.

    D. Hendrycks and others, "AugMix", https://arxiv.org/abs/1912.02781.

    >>> import numpy as np
    >>> AugMix(num_chains=1, chain_depth=1, seed=1)(np.full((2, 4, 4, 3), 100.0), training=True).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self, value_range: Sequence[float] = (0, 255), num_chains: int = 3, chain_depth: int = 3, factor: Factor = 0.3, alpha: float = 1.0,
        all_ops: bool = True, interpolation: str = "bilinear", seed: Seed = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        if min(num_chains, chain_depth) < 1 or not alpha > 0:
            raise ArgumentError(f"num_chains, chain_depth and alpha must be positive, got {num_chains}, {chain_depth} and {alpha}.")
        self.num_chains, self.chain_depth, self.factor, self.alpha = num_chains, chain_depth, _number(factor), alpha
        self.all_ops, self.interpolation = all_ops, interpolation
        ways = _choices(self.factor, value_range, interpolation, self.generator)
        more = () if all_ops else ("brightness", "contrast", "color", "sharpness")
        self.parts = self.arrange([layer for name, layer in ways.items() if name not in more])

    def transform(self, data: Data, training: bool) -> Data:
        """The batch with other images."""
        if not training:
            return data
        images = data["images"]
        count = images.shape[0]
        weights = random.gamma((count, self.num_chains), self.alpha, "float32", self.stream)
        weights = weights / ops.sum(weights, -1, keepdims=True)
        share = each(random.beta((count,), self.alpha, self.alpha, "float32", self.stream), images)
        mixed: Any = 0.0
        for i in range(self.num_chains):
            mixed = mixed + each(weights[:, i], images) * self._chain(images)
        return {**data, "images": ops.cast((1 - share) * images + share * mixed, images.dtype)}

    def _chain(self, images: Array) -> Array:
        """The images after a number of ways, drawn for each."""
        data = {"images": images}
        depth = ops.floor(self.drawn(data, (1, self.chain_depth + 1)))
        for step in range(self.chain_depth):
            data = chosen(ops.less(step, depth), self.one_of(data, self.parts), data)
        return data["images"]
