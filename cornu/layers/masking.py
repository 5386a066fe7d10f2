"""How masks go from layer to layer: as edges of a graph, and by the call context in eager code.

A mask is a boolean array (batch, time): True where a step counts.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from cornu import tree
from cornu.graph import Node, SymbolicTensor
from cornu.layers import context
from cornu.layers.context import CallContext
from cornu.layers.signature import call_signature

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["hand_on_mask", "hand_on_symbolic_mask", "symbolic_masks", "take_symbolic_masks"]

_told: set[tuple[str, str]] = set()


def _warn_dropped(layer: Layer) -> None:
    """Says once for each layer that a mask ends at it."""
    key = (type(layer).__name__, layer.name)
    if key not in _told:
        _told.add(key)
        warnings.warn(
            f"Layer {layer.name!r} ({type(layer).__name__}) was given a masked input and does not pass the mask on: what follows treats padding as data. "
            "Set `supports_masking = True` on the class if its output steps are those of its input, or mask explicitly.",
            stacklevel=2,
        )


def _ends_masks_on_purpose(layer: Layer) -> bool:
    """Layers that take the mask have used it, and those that say what becomes of it have said so."""
    return call_signature(type(layer).call).mask or type(layer).compute_mask is not layer.layer_class.compute_mask


def hand_on_mask(layer: Layer, around: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
    """After an eager call: remembers the outputs' masks."""
    if not args:
        return
    previous = kwargs.get("mask")
    if previous is None:
        previous = context.masks_of(around, args[0])
    mask = layer.compute_mask(args[0], previous)
    if mask is None:
        if previous is not None and not _ends_masks_on_purpose(layer):
            _warn_dropped(layer)
        return
    for x, one in zip(tree.flatten(outputs), tree.flatten(mask), strict=False):
        if one is not None:
            around.set_mask(x, one)


def take_symbolic_masks(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """`{"mask": the inputs' masks}` if the layer takes a mask, was given none, and there is one; else nothing."""
    if not args or kwargs.get("mask") is not None or not call_signature(type(layer).call).mask or layer.lays_own_masks:
        return {}
    masks = symbolic_masks(args[0])
    return {} if masks is None else {"mask": masks}


def symbolic_masks(inputs: Any) -> Any:
    """The masks of one symbolic tensor or of a list of them; None where there is none at all."""
    if isinstance(inputs, (list, tuple)):
        masks = [getattr(x, "mask", None) for x in inputs]
        return masks if any(m is not None for m in masks) else None
    return getattr(inputs, "mask", None)


def hand_on_symbolic_mask(layer: Layer, node: Node) -> None:
    """After a recorded call: lays the edges of the outputs' masks."""
    if not node.args or layer.lays_own_masks:
        return
    inputs = node.args[0]
    previous = node.kwargs.get("mask")
    if previous is None:
        previous = symbolic_masks(inputs)
    if previous is None and type(layer).compute_mask is layer.layer_class.compute_mask:
        return
    mask = layer.compute_mask(inputs, previous)
    if mask is None:
        if previous is not None and not _ends_masks_on_purpose(layer):
            _warn_dropped(layer)
        return
    masks = tree.flatten(mask)
    for x, one in zip(node.outputs, masks, strict=False):
        if isinstance(one, SymbolicTensor):
            x.mask = one
