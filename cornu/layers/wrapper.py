"""Layers around a layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cornu import ops, tree
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.ops.dispatch import higher_order, is_symbolic
from cornu.registry import LAYERS

__all__ = ["TimeDistributed", "Wrapper"]


@LAYERS.add
class Wrapper(Layer):
    """The base of layers that change what another layer does.

    Args:
        layer: the layer inside; its weights are the wrapper's.

    >>> from cornu.layers import Dense
    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> import numpy as np
    >>> Twice(Dense(3, kernel_initializer="ones"))(np.ones((1, 3), "float32")).tolist()
    [[9.0, 9.0, 9.0]]
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ArgumentError(f"{type(self).__name__} wraps a layer, got {layer!r}.")
        self.layer = layer
        if not self.trainable:
            layer.trainable = False

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside."""
        self.layer.build_from_config({"input_shape": input_shape})
        self.built = True


@LAYERS.add
class TimeDistributed(Wrapper):
    """A layer applied to each step of sequences as if it were a sample of its own: `y[:, t] = layer(x[:, t])`.

    The steps of all samples form one batch, so batch statistics are those over samples and steps together.

    Args:
        layer: the layer for one step.

    Call arguments:
        inputs: (batch, time, …).
        training: whether the layer behaves as in training.
        mask: (batch, time) booleans, handed on; further axes of it go to the layer inside as the mask of its inputs.

    Shapes: (batch, time, …) to (batch, time, …), the latter … being the layer's outputs for the former.

    >>> import numpy as np
    >>> from cornu.layers import Flatten
    >>> TimeDistributed(Flatten())(np.ones((2, 3, 4, 5), "float32")).shape
    (2, 3, 20)
    """

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside for one step."""
        if len(input_shape) < 3:
            raise ShapeError(
                f"Layer {self.name!r} takes sequences (batch, time, …) with at least 3 axes, got the shape {tuple(input_shape)}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Array, training: bool | None = None, mask: Array | None = None) -> Any:
        """The layer's outputs at each step."""
        batch, time = inputs.shape[:2]
        inside = {} if mask is None or mask.ndim == 2 else {"mask": _as_one_batch(mask)}
        outputs = self.layer(_as_one_batch(inputs), **inside)
        return tree.map_structure(lambda y: ops.reshape(y, (batch, time, *y.shape[1:])), outputs)

    def compute_mask(self, inputs: Array, previous_mask: Any = None) -> Any:
        """That of the layer inside where it has one, else that of the steps: one with further axes holds where any of them does."""
        if previous_mask is not None and previous_mask.ndim == 2:
            return previous_mask
        within = None if previous_mask is None else _as_one_batch(previous_mask)
        own = self.layer.compute_mask(_as_one_batch(inputs), within)
        if is_symbolic(own):
            return _mask_by_steps(self.layer.compute_mask, inputs, previous_mask)
        if own is not None:
            return _by_steps(own, inputs)
        return None if previous_mask is None else ops.any(previous_mask, axis=tuple(range(2, previous_mask.ndim)))


@higher_order  # in a graph one node each, which takes lengths that are not known until it runs
def _as_one_batch(x: Array) -> Array:
    """(batch, time, …) as (batch * time, …)."""
    return ops.reshape(x, (math.prod(x.shape[:2]), *x.shape[2:]))


@higher_order
def _mask_by_steps(mask_of: Callable[[Array, Array | None], Array], inputs: Array, previous: Array | None) -> Array:
    """The mask that `mask_of` gives for all steps as one batch, as (batch, time, …)."""
    return _by_steps(mask_of(_as_one_batch(inputs), None if previous is None else _as_one_batch(previous)), inputs)


def _by_steps(x: Array, inputs: Array) -> Array:
    """(batch * time, …) as (batch, time, …), the lengths those of the inputs."""
    return ops.reshape(x, (*inputs.shape[:2], *x.shape[1:]))
