"""Weights held to a spectral norm of 1."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.layers.wrapper import Wrapper
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS
from cornu.state import Variable

__all__ = ["SpectralNormalization"]


@LAYERS.add
class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value in each training call, so that it stretches nothing.

    With W the kernel as a matrix (…, outputs), `power_iterations` times `v = u @ W.T / norm`, `u = v @ W / norm`; then
    `sigma = v @ W @ u.T` and the kernel becomes `W / sigma`. u is kept from call to call; u and v take no gradient.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: the number of steps towards the singular vectors in each call.

    Call arguments:
        inputs: those of the layer inside.
        training: whether the kernel is normalised first; else it stays as the last training call left it.

    Shapes: those of the layer inside. Weights: those of the layer inside; vector_u (1, outputs), normal with a deviation of 0.02, which is
    not trained.

    Raises:
        ArgumentError: fewer iterations than one, or a layer with neither weight.

    T. Miyato and others, https://arxiv.org/abs/1802.05957.

    >>> import numpy as np
    >>> from cornu.layers import Dense
    >>> layer = SpectralNormalization(Dense(3), power_iterations=50)
    >>> y = layer(np.ones((1, 4), "float32"), training=True)
    >>> round(float(np.linalg.norm(layer.get_weights()[0], 2)), 3)
    1.0
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = as_tuple(power_iterations, 1, "power_iterations")[0]

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside and makes the vector."""
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", None)
        kernel = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if kernel is None:
            raise ArgumentError(
                f"SpectralNormalization needs a layer with a `kernel` or `embeddings`, and {self.layer.name!r} has neither."
            )
        self.kernel: Variable = kernel
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), {"class_name": "TruncatedNormal", "config": {"stddev": 0.02}}, trainable=False, name="vector_u",
            dtype=kernel.dtype, autocast=False,
        )  # fmt: skip
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The layer's outputs, in training with the kernel normalised first."""
        if training:
            self.normalize_weights()
        return self.layer(inputs)

    def normalize_weights(self) -> None:
        """Divides the kernel by its largest singular value, as the power iteration finds it."""
        kernel = ops.cast(self.kernel, self.kernel.dtype)
        matrix, u = ops.reshape(kernel, (-1, kernel.shape[-1])), self.vector_u.value
        fixed = ops.stop_gradient(matrix)
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(fixed)))
            u = _unit(ops.matmul(v, fixed))
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))  # (1, 1)
        self.vector_u.assign(u)
        self.kernel.assign(ops.reshape(ops.divide(matrix, sigma), kernel.shape))


def _unit(x: Array) -> Array:
    """The vector at length 1."""
    return ops.divide(x, ops.sqrt(ops.maximum(ops.sum(ops.square(x)), 1e-12)))
