"""Layers written as configurations, and made of them."""

from __future__ import annotations

from typing import Any

from cornu import serialization
from cornu.layers.layer import Layer
from cornu.registry import LAYERS

__all__ = ["deserialize", "serialize"]


def serialize(layer: Layer) -> dict[str, Any]:
    """A configuration from which `deserialize` makes an equal layer, without its weights' values.

    >>> from cornu.layers import Dense
    >>> serialize(Dense(3))["class_name"]
    'Dense'
    """
    return serialization.serialize(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that a configuration or a name stands for.

    Args:
        config: what `serialize` gave, or a name.
        custom_objects: the user's own classes and functions by name.

    Raises:
        UnknownNameError: no layer has that name.
        ConfigError: the configuration does not describe a layer.

    >>> from cornu.layers import Dense
    >>> deserialize(serialize(Dense(3))).units
    3
    """
    return serialization.deserialize(config, custom_objects, LAYERS)
