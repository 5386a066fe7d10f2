"""Losses: what training makes small. Each is a function of targets and outputs, and a class that weights, masks and reduces its values."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.losses.loss import Loss, LossFunctionWrapper, as_loss
from cornu.losses.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cornu.losses.reduction import combine_weights, reduce_values
from cornu.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cornu.registry import LOSSES

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CosineSimilarity", "Huber", "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson",
    "SparseCategoricalCrossentropy", "as_loss", "binary_crossentropy", "categorical_crossentropy", "combine_weights", "cosine_similarity",
    "deserialize", "get", "huber", "kl_divergence", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "poisson", "reduce_values", "serialize", "sparse_categorical_crossentropy",
]  # fmt: skip

LOSSES.add(LossFunctionWrapper)


def get(identifier: Any) -> Any:
    """The loss that a name, a configuration, a class or a callable stands for; None for None.

    A function's name gives the function, a class's name an object of it.

    Raises:
        UnknownNameError: no loss has that name; the message has the nearest ones.

    >>> get("mse") is mean_squared_error
    True
    """
    return LOSSES.get(identifier)


def serialize(loss: Any) -> dict[str, Any]:
    """A configuration from which `deserialize` makes an equal loss.

    >>> serialize(mean_squared_error)["config"]
    'mean_squared_error'
    """
    return registry_config(loss, LOSSES)


def registry_config(thing: Any, role: registry.Role) -> dict[str, Any]:
    """The configuration of an object or function of one role, in the layout of Keras's files."""
    if not hasattr(thing, "get_config"):
        name = registry.registered_name(thing)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name if ">" in name else "function"}
    name = registry.registered_name(type(thing))
    own = ">" not in name
    return {
        "module": role.module if own else type(thing).__module__,
        "class_name": type(thing).__name__,
        "config": thing.get_config(),
        "registered_name": None if own else name,
    }


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss that a configuration or a name stands for.

    Args:
        name: what `serialize` gave, or a name.
        custom_objects: the user's own classes and functions by name.
    """
    with registry.scope(custom_objects):
        return LOSSES.get(name)
