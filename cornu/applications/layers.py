"""Layers that some architectures are made of; files name them, so they have names of their own."""

from __future__ import annotations

from typing import Any

from cornu import ops, random
from cornu.errors import ArgumentError
from cornu.initializers import Constant
from cornu.layers import Layer
from cornu.layers.dropout import Noise
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["CustomScaleLayer", "LayerScale", "StochasticDepth"]


class CustomScaleLayer(Layer):
    """A sum with its second part scaled: `inputs[0] + scale * inputs[1]`.

    Args:
        scale: the factor.

    Shapes: two of one shape to the same. No weights.

    C. Szegedy and others, section 3.3 of https://arxiv.org/abs/1602.07261.

    >>> CustomScaleLayer(0.5)([ops.ones(2), ops.ones(2)]).tolist()
    [1.5, 1.5]
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Array:
        """The scaled sum."""
        return ops.add(inputs[0], ops.multiply(inputs[1], self.scale))


class LayerScale(Layer):
    """Each channel times a factor of its own, which is learnt: `inputs * gamma`.

    Args:
        init_values: what all factors are at first; small ones let a deep network begin as the identity.
        projection_dim: the number of channels.

    Shapes: (…, projection_dim) to the same. Weights: gamma (projection_dim,), `init_values`.

    H. Touvron and others, "Going deeper with image transformers", https://arxiv.org/abs/2103.17239.

    >>> LayerScale(0.5, 2)(ops.ones((1, 2))).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the factors."""
        self.gamma = self.add_weight((self.projection_dim,), Constant(self.init_values), name="gamma")
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The scaled inputs."""
        return ops.multiply(inputs, self.gamma)


class StochasticDepth(Noise):
    """In training a sample's whole branch is 0 with probability `drop_path_rate`, else divided by `1 - drop_path_rate`.

    Args:
        drop_path_rate: the probability to drop a sample, below 1.

    Shapes: (batch, …) to the same. No weights.

    G. Huang and others, "Deep networks with stochastic depth", https://arxiv.org/abs/1603.09382.

    >>> StochasticDepth(0.5)(ops.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= drop_path_rate < 1:
            raise ArgumentError(f"drop_path_rate must be at least 0 and below 1, got {drop_path_rate!r}.")
        self.drop_path_rate = drop_path_rate
        self._start(None, drop_path_rate)

    def disturbed(self, inputs: Array) -> Array:
        """The inputs, some samples dropped."""
        shape = (inputs.shape[0], *[1] * (len(inputs.shape) - 1))
        return random.dropout(inputs, self.drop_path_rate, shape, self.seed_generator)


# files name the modules where Keras has them
LAYERS.add(CustomScaleLayer, module="keras.src.applications.inception_resnet_v2")
LAYERS.add(LayerScale, module="keras.src.applications.convnext")
LAYERS.add(StochasticDepth, module="keras.src.applications.convnext")
