"""Maps of dtype policies that are given to a model of layers made already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cornu.dtype_policies import DTypePolicyMap
from cornu.errors import ArgumentError
from cornu.layers import tracking

if TYPE_CHECKING:
    from cornu.models.model import Model

__all__ = ["hand_on_policies"]


def hand_on_policies(model: Model, policies: Any) -> None:
    """Gives each layer within that is not built yet the policy of its path, where the model is given a map of policies."""
    if not isinstance(policies, DTypePolicyMap):
        return
    for layer in tracking.walk(model):
        for path in (f"{model.name}/{layer.name}", layer.name):
            policy = policies[path]
            if layer is model or policy in (policies.default_policy, layer.dtype_policy):
                continue
            if layer.built and layer.weights:
                raise ArgumentError(
                    f"Layer {layer.name!r} has weights already, kept by the policy {layer.dtype_policy.name!r}, and takes no other "
                    f"({policy.name!r}). Give the map as the layer's own `dtype`."
                )
            layer.dtype_policy = policy
