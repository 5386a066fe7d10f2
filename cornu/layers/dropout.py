"""Layers that disturb their inputs during training, and leave them alone otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import config, ops, random
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.state import SeedGenerator

__all__ = ["AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]

Seed = int | SeedGenerator | None


class Noise(Layer):
    """A layer with a source of random numbers, asked only in training and only if there is any noise.

    The draws are one stream: another noise each time, the same stream for the same seed on one backend. Checkpoints keep its place.
    """

    supports_masking = True
    seed_generator: SeedGenerator | None

    def _start(self, seed: Seed, amount: float) -> None:
        self.seed = seed
        self.seed_generator = (seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)) if amount > 0 else None

    def call(self, inputs: Array, training: bool = False) -> Array:
        """The inputs; disturbed in training."""
        if not training or self.seed_generator is None or isinstance(inputs, TensorSpec):  # where shapes are inferred, nothing is drawn
            return inputs
        return self.disturbed(inputs)

    def disturbed(self, inputs: Array) -> Array:
        """The inputs with noise."""
        raise NotImplementedError(f"{type(self).__name__} must define `disturbed(self, inputs)`.")


def _checked_rate(rate: float) -> float:
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1:
        raise ArgumentError(f"rate is the share of inputs to drop, at least 0 and below 1, got {rate!r}.")
    return rate


def _full(noise_shape: Sequence[int | None] | None, inputs: Array) -> Sequence[int]:
    """The shape of the draws, the inputs' own lengths where it has None."""
    if noise_shape is None:
        return tuple(inputs.shape)
    return [m if n is None else n for n, m in zip(noise_shape, inputs.shape, strict=True)]


@LAYERS.add
class Dropout(Noise):
    """In training each input is 0 with probability `rate`, else divided by `1 - rate`, so that the mean stays; otherwise nothing happens.

    Args:
        rate: the probability to drop an input, below 1.
        noise_shape: axes of length 1 in it share one draw: (batch, 1, features) drops a feature at all steps of a sample. None stands for
            the input's own length.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: any to the same. No weights; the seed's state is a variable (`seed_generator.state`).

    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    >>> import numpy as np
    >>> layer, x = Dropout(0.5, seed=1), np.ones((1, 100), "float32")
    >>> sorted(set(layer(x, training=True).tolist()[0])), set(layer(x).tolist()[0])
    ([0.0, 2.0], {1.0})
    """

    def __init__(self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = _checked_rate(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._start(seed, rate)

    def shared_noise(self, inputs: Array) -> Sequence[int | None] | None:
        """The shape of the draws."""
        if self.noise_shape is not None and len(self.noise_shape) != inputs.ndim:
            raise ArgumentError(
                f"noise_shape of {self.name!r} must name each axis, got {self.noise_shape} for inputs {tuple(inputs.shape)}."
            )
        return self.noise_shape

    def disturbed(self, inputs: Array) -> Array:
        """The inputs, some of them dropped."""
        return random.dropout(inputs, self.rate, _full(self.shared_noise(inputs), inputs), self.seed_generator)


class SpatialDropout(Dropout):
    """Dropout of whole channels: one draw serves all places of a sample, whose neighbours tell nearly the same.

    J. Tompson and others, "Efficient object localization using convolutional networks", https://arxiv.org/abs/1411.4280.
    """

    rank: int
    _config_omits_ = ("trainable",)

    def __init__(self, rate: float, data_format: str | None, seed: Seed, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def shared_noise(self, inputs: Array) -> Sequence[int | None]:
        """One draw for each sample and channel."""
        places = (1,) * self.rank
        return (None, *places, None) if self.data_format == "channels_last" else (None, None, *places)


@LAYERS.add
class SpatialDropout1D(SpatialDropout):
    """In training each channel of a sequence is 0 at all steps with probability `rate`, else divided by `1 - rate`.

    Args:
        rate: the probability to drop a channel, below 1.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, steps, channels) to the same. No weights.

    J. Tompson and others, https://arxiv.org/abs/1411.4280.

    >>> import numpy as np
    >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 8), "float32"), training=True)
    >>> bool((y[:, 0] == y[:, 2]).all())
    True
    """

    rank = 1

    def __init__(self, rate: float, seed: Seed = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, "channels_last", seed, name=name, dtype=dtype)


@LAYERS.add
class SpatialDropout2D(SpatialDropout):
    """In training each channel of an image is 0 everywhere with probability `rate`, else divided by `1 - rate`.

    Args:
        rate: the probability to drop a channel, below 1.
        data_format: "channels_last", (batch, height, width, channels), or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) to the same. No weights.

    J. Tompson and others, https://arxiv.org/abs/1411.4280.

    >>> import numpy as np
    >>> SpatialDropout2D(0.5)(np.ones((1, 3, 3, 8), "float32")).shape
    (1, 3, 3, 8)
    """

    rank = 2

    def __init__(self, rate: float, data_format: str | None = None, seed: Seed = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, data_format, seed, name=name, dtype=dtype)


@LAYERS.add
class SpatialDropout3D(SpatialDropout):
    """In training each channel of a volume is 0 everywhere with probability `rate`, else divided by `1 - rate`.

    Args:
        rate: the probability to drop a channel, below 1.
        data_format: "channels_last", (batch, a, b, c, channels), or "channels_first"; `image_data_format` by default.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, a, b, c, channels) to the same. No weights.

    J. Tompson and others, https://arxiv.org/abs/1411.4280.

    >>> import numpy as np
    >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 8), "float32")).shape
    (1, 2, 2, 2, 8)
    """

    rank = 3

    def __init__(self, rate: float, data_format: str | None = None, seed: Seed = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, data_format, seed, name=name, dtype=dtype)


@LAYERS.add
class GaussianNoise(Noise):
    """In training a normal number of mean 0 is added to each input: `inputs + stddev * n`.

    Args:
        stddev: the standard deviation of the noise.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: any to the same. No weights.

    >>> import numpy as np
    >>> GaussianNoise(0.1)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(stddev, bool) or not isinstance(stddev, (int, float)) or not stddev >= 0:
            raise ArgumentError(f"stddev must be a number of at least 0, got {stddev!r}.")
        self.stddev = stddev
        self._start(seed, stddev)

    def disturbed(self, inputs: Array) -> Array:
        """The inputs with noise added."""
        noise = random.normal(inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)
        return ops.add(inputs, noise)


@LAYERS.add
class GaussianDropout(Noise):
    """In training each input is multiplied by a normal number of mean 1 and standard deviation `sqrt(rate / (1 - rate))`.

    That noise has the mean and the variance of dropout's.

    Args:
        rate: the dropout rate to be like, below 1.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: any to the same. No weights.

    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014, section 10.

    >>> import numpy as np
    >>> GaussianDropout(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = _checked_rate(rate)
        self._start(seed, rate)

    def disturbed(self, inputs: Array) -> Array:
        """The inputs times noise."""
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(inputs, random.normal(inputs.shape, 1.0, stddev, self.compute_dtype, self.seed_generator))


_SATURATED = -1.6732632423543772 * 1.0507009873554805
"""What SELU comes to far below 0: `-alpha * scale`."""


@LAYERS.add
class AlphaDropout(Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU units: dropped inputs become what SELU is far below 0.

    With q = 1 - rate and s = -1.758 the result is `a * (inputs where kept, else s) + b`, `a = (q + s² q (1 - q)) ** -0.5`, `b = -a (1 - q)
    s`.

    Args:
        rate: the probability to drop an input, below 1.
        noise_shape: axes of length 1 in it share one draw.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: any to the same. No weights.

    G. Klambauer and others, "Self-normalizing neural networks", https://arxiv.org/abs/1706.02515.

    >>> import numpy as np
    >>> AlphaDropout(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)

    def disturbed(self, inputs: Array) -> Array:
        """The inputs, some of them saturated, scaled and shifted."""
        draws = random.uniform(_full(self.shared_noise(inputs), inputs), seed=self.seed_generator)
        kept = ops.greater_equal(draws, self.rate)
        q = 1 - self.rate
        a = (q + _SATURATED**2 * q * self.rate) ** -0.5
        y = ops.where(kept, inputs, ops.full_like(inputs, _SATURATED))
        return ops.add(ops.multiply(y, a), -a * self.rate * _SATURATED)
