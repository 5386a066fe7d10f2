"""Quantising the layers of a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cornu.dtype_policies import DTypePolicyMap
from cornu.errors import ArgumentError, NotBuiltError
from cornu.layers import Layer, tracking
from cornu.quantizers.configs import validate

if TYPE_CHECKING:
    from cornu.models.model import Model

__all__ = ["hand_on_policies", "quantize_model"]


def quantize_model(model: Model, mode: str | None, config: Any, filters: Any) -> None:
    """Quantises each layer within that can be; see `Model.quantize`."""
    found = validate(mode, config)
    if not model.built:
        raise NotBuiltError(f"Only a built model has weights to quantise, and {model.name!r} is not built. Call it on data first.")
    if found.mode not in ("int8", "int4"):
        raise ArgumentError(f"Models are quantised to int8 and int4; {found.mode!r} is not there yet.")
    chosen = _filter(filters)
    wanted = [x for x in _members(model) if x.adaptable is not None and x.adaptable.places is not None and x.built and chosen(x)]
    quantised = [x.name for x in wanted if x.quantization_mode is not None]
    if quantised:
        raise ArgumentError(f"The layers {quantised[:5]} of {model.name!r} are quantised already; leave them out with `filters`.")
    for layer in wanted:
        layer.quantize(type_check=False, config=found)


def _members(model: Any) -> list[Layer]:
    """The layers of a model and of inner models: those whose configuration says how they are kept, which parts of other layers cannot."""
    found: dict[int, Layer] = {}
    for layer in model.layers:
        inner = _members(layer) if hasattr(layer, "layers") else [layer]
        found.update((id(x), x) for x in inner)
    return list(found.values())


def _filter(filters: Any) -> Callable[[Layer], bool]:
    """Whether a layer is meant: by regular expressions found in its name, or by a function of it."""
    if filters is None:
        return lambda layer: True
    if callable(filters):
        return lambda layer: bool(filters(layer))
    patterns: Sequence[str] = [filters] if isinstance(filters, str) else list(filters)
    return lambda layer: any(re.search(pattern, layer.name) for pattern in patterns)


def hand_on_policies(model: Model, policies: Any) -> None:
    """Gives each layer within that is not built yet the policy of its path, where the model is given a map of policies."""
    if not isinstance(policies, DTypePolicyMap):
        return
    for layer in tracking.walk(model):
        for path in (f"{model.name}/{layer.name}", layer.name):
            policy = policies[path]
            if layer is model or policy == policies.default_policy or policy == layer.dtype_policy:
                continue
            if layer.built and layer.weights:
                raise ArgumentError(
                    f"Layer {layer.name!r} has weights already, kept by the policy {layer.dtype_policy.name!r}, and takes no other "
                    f"({policy.name!r}). Give the map as the layer's own `dtype`."
                )
            layer.dtype_policy = policy
            vars(layer).pop("_reads_weights_in_another_dtype", None)
