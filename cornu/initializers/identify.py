"""From names and configurations to initializers, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import serialization
from cornu.initializers.constant import Given
from cornu.ops import dispatch
from cornu.registry import INITIALIZERS

__all__ = ["deserialize", "get", "serialize"]


def get(identifier: Any) -> Any:
    """An initializer from one, a name, a configuration, a class, any function of a shape and a dtype, or an array; None gives None.

    >>> get("he_normal"), get(np.array([1.0, 2.0]))
    (HeNormal(), Given(value=array([1., 2.])))
    """
    if isinstance(identifier, np.ndarray) or dispatch.is_array(identifier):
        return Given(identifier)
    return INITIALIZERS.get(identifier)


def serialize(initializer: Any) -> dict[str, Any]:
    """The initializer's configuration, as `deserialize` reads it."""
    return serialization.serialize(initializer)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that a configuration describes."""
    return serialization.deserialize(config, custom_objects, INITIALIZERS)
