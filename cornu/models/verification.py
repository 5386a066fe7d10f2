"""One model on several backends, compared layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cornu import backends, tree
from cornu.errors import ArgumentError
from cornu.layers.context import CallContext
from cornu.layers.layer import Layer
from cornu.ops.core import convert_to_numpy
from cornu.state import StateScope
from cornu.training.endings import watched

__all__ = ["Difference", "Verification", "drawn_inputs", "verify"]

UNKNOWN = 8
"""Where a model takes any length: how long drawn data is."""


@dataclass(frozen=True)
class Difference:
    """How far a layer's outputs on two backends are apart.

    Attributes:
        layer: its name.
        backend: the other backend; the first of those compared is the reference.
        absolute: the largest difference of two elements.
        relative: that difference over the largest element of the reference.
    """

    layer: str
    backend: str
    absolute: float
    relative: float


@dataclass(frozen=True)
class Verification:
    """What `model.verify` found.

    Attributes:
        layers: a difference for each call of a layer and each other backend, in the order of the calls.
    """

    layers: tuple[Difference, ...]

    @property
    def worst(self) -> Difference:
        """The largest relative difference."""
        return max(self.layers, key=lambda d: d.relative)

    def __str__(self) -> str:
        w = self.worst
        return f"Worst of {len(self.layers)} outputs: layer {w.layer!r} on {w.backend}, {w.absolute:.2g} apart ({w.relative:.2g} of the largest)."


def verify(model: Any, x: Any, names: Sequence[str]) -> Verification:
    """Runs the model forward on each backend; it ends up where it was, as it was."""
    if len(names) < 2:
        raise ArgumentError(f"Two backends or more are compared, got {list(names)}.")
    home = model._home_backend_().NAME
    try:
        (_, reference), *others = [(name, _outputs(model, x, name)) for name in names]
    finally:
        model.to(home)
    return Verification(
        tuple(_difference(layer, name, a, b) for name, found in others for (layer, a), (_, b) in zip(reference, found, strict=True))
    )


def drawn_inputs(model: Any) -> Any:
    """Two rows of data that a model takes: floats between 0 and 1, whole numbers 0 or 1."""
    if model.inputs is None:
        raise ArgumentError(f"Model {model.name!r} does not say what data it takes: give `verify` some, `model.verify(x)`.")
    rng = np.random.default_rng(0)

    def drawn(tensor: Any) -> np.ndarray:
        shape = (tensor.shape[0] or 2, *(UNKNOWN if length is None else length for length in tensor.shape[1:]))
        if tensor.dtype == "string":
            raise ArgumentError(f"Model {model.name!r} takes texts: give `verify` some, `model.verify(x)`.")
        return np.asarray(rng.random(shape) if "float" in tensor.dtype else rng.integers(0, 2, shape), tensor.dtype)

    return tree.map_structure(drawn, model.input)


def _outputs(model: Any, x: Any, name: str) -> list[tuple[str, np.ndarray]]:
    """The outputs of each layer on a backend, in the order of the calls."""
    found: list[tuple[str, np.ndarray]] = []

    def watch(layer: Layer, outputs: Any) -> None:
        found.extend((layer.name, np.array(convert_to_numpy(y))) for y in tree.flatten(outputs) if hasattr(y, "shape"))

    model.to(name)
    backend = backends.load(name)
    with backends.use_backend(backend), watched(model, watch), StateScope(), CallContext(training=False), backend.inference():
        model(x, training=False)
    return found


def _difference(layer: str, backend: str, a: np.ndarray, b: np.ndarray) -> Difference:
    a, b = a.astype("float64"), b.astype("float64")
    apart = float(np.max(np.abs(a - b), initial=0.0))
    return Difference(layer, backend, apart, apart / max(float(np.max(np.abs(a), initial=0.0)), 1e-30))
