"""What a training step on some data will take, told before anything is compiled."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cornu import backends, dtypes, tree
from cornu.layers.context import CallContext
from cornu.state import StateScope
from cornu.training.endings import watched

if TYPE_CHECKING:
    from cornu.layers.layer import Layer
    from cornu.training.stepping import Stepping

__all__ = ["Forecast", "forecast"]

_BACKWARD = 2.0
"""A backward pass does about twice the forward's multiplications: once for the inputs' gradients, once for the weights'."""


@dataclass(frozen=True)
class Forecast:
    """What a training step needs, about.

    Attributes:
        rows: in a batch.
        weights, gradients, optimizer, activations: bytes; activations are what all layers give in one forward pass, kept for the backward pass.
        seconds: a step: three times an uncompiled forward pass, as measured. A compiled step is at most as slow, save for very small models.
    """

    rows: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    seconds: float

    @property
    def bytes(self) -> int:
        """All memory together."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {_mib(getattr(self, name))}" for name in ("weights", "gradients", "optimizer", "activations"))
        return f"A step on {self.rows} rows: about {_mib(self.bytes)} ({parts}) and {1e3 * self.seconds:,.1f} ms."


def forecast(model: Stepping, batch: Any) -> Forecast:
    """Runs one batch forward as it is written, twice, and changes nothing."""
    seen: dict[int, Any] = {}

    def watch(layer: Layer, outputs: Any) -> None:
        seen.update((id(x), x) for x in tree.flatten(outputs) if hasattr(x, "shape"))

    with watched(model, watch):
        _forward(model, batch[0])
    return Forecast(
        rows=len(tree.flatten(batch[0])[0]),
        weights=_bytes(model.variables),
        gradients=_bytes(model.trainable_variables),
        optimizer=_bytes(model.optimizer.variables),
        activations=_bytes(seen.values()),
        seconds=(1 + _BACKWARD) * _forward(model, batch[0]),
    )


def _forward(model: Stepping, x: Any) -> float:
    """The seconds that a forward pass in training mode takes."""
    began = time.perf_counter()
    with StateScope(), CallContext(training=True), backends.current().inference():
        backends.current().block(tree.flatten(model(x, training=True)))
    return time.perf_counter() - began


def _bytes(arrays: Iterable[Any]) -> int:
    return sum(math.prod(x.shape) * dtypes.numpy_dtype(dtypes.standardize(x.dtype)).itemsize for x in arrays)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
