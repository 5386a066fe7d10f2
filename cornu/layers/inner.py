"""Layers inside of layers: building them, and making others like them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import tree
from cornu.layers.layer import Layer

__all__ = ["build_inner", "replica"]


def build_inner(layer: Layer, shape: Sequence[int | None]) -> None:
    """Builds a layer for one input of this shape, unless it is built, or is one without a `build`: that one is built by a trial run of the whole.

    Its weights' paths start with the layers being built around it.
    """
    if not layer.built and type(layer).build is not Layer.build:
        layer.build(tuple(shape))


def replica(layer: Layer, **changes: Any) -> Any:
    """Another layer made by the same constructor arguments, but for the changes; layers among those are replicated too, as they are no values."""
    arguments = {**layer._constructor_arguments_(), "dtype": layer.dtype_policy}

    def fresh(value: Any) -> Any:
        return replica(value) if isinstance(value, Layer) else value

    return type(layer)(**tree.map_structure(fresh, {**arguments, **changes}))
