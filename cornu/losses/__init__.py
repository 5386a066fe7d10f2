"""Losses: what training makes small. Each is a function of targets and outputs, and a class that weights, masks and reduces its values."""

from __future__ import annotations

from typing import Any

from cornu import serialization
from cornu.losses.alignment import CTC, ctc
from cornu.losses.embedding import Circle, circle
from cornu.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from cornu.losses.loss import Loss, LossFunctionWrapper, as_loss
from cornu.losses.margin import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from cornu.losses.overlap import Dice, Tversky, dice, tversky
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
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "as_loss",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "combine_weights",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "reduce_values",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
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
    return serialization.serialize(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss that a configuration or a name stands for.

    Args:
        name: what `serialize` gave, or a name.
        custom_objects: the user's own classes and functions by name.
    """
    return serialization.deserialize(name, custom_objects, LOSSES)
