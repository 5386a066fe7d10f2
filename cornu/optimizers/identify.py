"""Optimizers from names and configurations, and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cornu import serialization
from cornu.optimizers.foreign import adapted
from cornu.optimizers.optimizer import Optimizer
from cornu.registry import OPTIMIZERS

__all__ = ["deserialize", "get", "serialize"]


def get(identifier: Any) -> Any:
    """An optimizer from one, a name, a configuration, or a class; None gives None.

    A transformation of optax is one as well (see `OptaxOptimizer`), and so is a class of `torch.optim`, or a function that makes an object of
    one from a list of parameters (see `TorchOptimizer`).

    Raises:
        UnknownNameError: no optimizer has that name; the message has the nearest ones.

    >>> get("sgd").momentum
    0.0
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if identifier is None or isinstance(identifier, (str, Mapping)) or (inspect.isclass(identifier) and issubclass(identifier, Optimizer)):
        return OPTIMIZERS.get(identifier)
    return adapted(identifier) or OPTIMIZERS.get(identifier)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The optimizer's configuration, as `deserialize` reads it; its state is not part of it.

    >>> from cornu.optimizers import SGD
    >>> serialize(SGD())["class_name"]
    'SGD'
    """
    return serialization.serialize(optimizer)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer that a configuration describes, without state.

    Args:
        config: what `serialize` gives.
        custom_objects: names that stand for the caller's own classes meanwhile.
    """
    return serialization.deserialize(config, custom_objects, OPTIMIZERS)
