"""How masks go from layer to layer: as edges of a graph, and by the call context in eager code.

A mask is a boolean array (batch, time): True where a step counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cornu import tree
from cornu.graph import Node, SymbolicTensor
from cornu.layers import context
from cornu.layers.context import CallContext
from cornu.layers.signature import call_signature, first_argument

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["hand_on_mask", "hand_on_symbolic_mask", "masks_by_name", "symbolic_masks", "take_symbolic_masks"]

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
    takes = call_signature(type(layer).call)
    return takes.mask or bool(takes.masked) or type(layer).compute_mask is not layer._layer_class_.compute_mask


def _mask_given(layer: Layer, kwargs: dict[str, Any]) -> Any:
    """The mask of the first argument, where the call was given it by name."""
    names = call_signature(type(layer).call).names
    return kwargs.get("mask", kwargs.get(f"{names[0]}_mask") if names else None)


def masks_by_name(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], mask_of: Callable[[Any], Any]) -> dict[str, Any]:
    """For arguments `x` of a call that takes an `x_mask` too, and was not given it: their masks, where they have one."""
    takes = call_signature(type(layer).call)
    given = {**dict(zip(takes.names, args, strict=False)), **kwargs}
    wanted = [n for n in takes.masked if given.get(n) is not None and given.get(f"{n}_mask") is None]
    found = {f"{n}_mask": mask_of(given[n]) for n in wanted}
    return {name: mask for name, mask in found.items() if mask is not None}


def hand_on_mask(layer: Layer, around: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
    """After an eager call: remembers the outputs' masks."""
    inputs = first_argument(call_signature(type(layer).call), args, kwargs)
    if inputs is None:
        return
    previous = _mask_given(layer, kwargs)
    if previous is None:
        previous = context.masks_of(around, inputs)
    mask = layer.compute_mask(inputs, previous)
    if mask is None:
        if previous is not None:
            around.forget_masks_by_ops(outputs)  # what steps the layer's outputs have, it has to say itself
            if not _ends_masks_on_purpose(layer) and all(around.mask_of(x) is None for x in tree.flatten(outputs)):
                _warn_dropped(layer)
        return
    for x, one in zip(tree.flatten(outputs), tree.flatten(mask), strict=False):
        if one is not None:
            around.set_mask(x, one)


def take_symbolic_masks(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """`{"mask": the inputs' masks}` if the layer takes a mask, was given none, and there is one; those of `x_mask` arguments likewise."""
    takes = call_signature(type(layer).call)
    if takes.masked and not layer._lays_own_masks_:
        return masks_by_name(layer, args, kwargs, symbolic_masks)
    if kwargs.get("mask") is not None or not takes.mask or layer._lays_own_masks_:
        return {}
    masks = symbolic_masks(first_argument(takes, args, kwargs))
    return {} if masks is None else {"mask": masks}


def symbolic_masks(inputs: Any) -> Any:
    """The masks of one symbolic tensor or of a list of them; None where there is none at all."""
    if isinstance(inputs, (list, tuple)):
        masks = [getattr(x, "mask", None) for x in inputs]
        return masks if any(m is not None for m in masks) else None
    return getattr(inputs, "mask", None)


def hand_on_symbolic_mask(layer: Layer, node: Node) -> None:
    """After a recorded call: lays the edges of the outputs' masks."""
    inputs = first_argument(call_signature(type(layer).call), node.args, node.kwargs)
    if inputs is None or layer._lays_own_masks_:
        return
    previous = _mask_given(layer, node.kwargs)
    if previous is None:
        previous = symbolic_masks(inputs)
    if previous is None and type(layer).compute_mask is layer._layer_class_.compute_mask:
        return
    mask = layer.compute_mask(inputs, previous)
    if mask is None:
        if previous is not None and not _ends_masks_on_purpose(layer) and all(x.mask is None for x in node.outputs):
            _warn_dropped(layer)
        return
    masks = tree.flatten(mask)
    for x, one in zip(node.outputs, masks, strict=False):
        if isinstance(one, SymbolicTensor):
            x.mask = one
