"""Weights made from what a layer keeps under their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cornu.errors import ShapeError
from cornu.state import Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["known_lengths", "make_weight"]


def make_weight(layer: Layer, name: str, shape: Sequence[int], *, by: str | None = None, **options: Any) -> Variable:
    """A weight of the layer by what it keeps under `by`, its name by default: `{by}_initializer`, `{by}_regularizer`, `{by}_constraint`."""
    by = by or name
    initializer, regularizer, constraint = (getattr(layer, f"{by}_{part}") for part in ("initializer", "regularizer", "constraint"))
    return layer.add_weight(shape, initializer, regularizer=regularizer, constraint=constraint, name=name, **options)


def known_lengths(layer: Layer, input_shape: Sequence[int | None], axes: Sequence[int]) -> tuple[int, ...]:
    """The lengths of an input along axes where weights need them; raises where one is unknown or missing."""
    rank = len(input_shape)
    lengths = [input_shape[a] if -rank <= a < rank else None for a in axes]
    if any(n is None for n in lengths):
        raise ShapeError(
            f"The input of {layer.name!r} must have known lengths along the axes {list(axes)}, got the shape {tuple(input_shape)}."
        )
    return tuple(n for n in lengths if n is not None)
