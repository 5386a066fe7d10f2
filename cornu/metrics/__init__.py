"""Metrics: figures gathered over batches, such as accuracy."""

from __future__ import annotations

from typing import Any

from cornu import serialization
from cornu.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from cornu.metrics.mean import Mean, MeanMetricWrapper, Sum
from cornu.metrics.metric import Metric
from cornu.metrics.probabilistic import BinaryCrossentropy, CategoricalCrossentropy, KLDivergence, Poisson, SparseCategoricalCrossentropy
from cornu.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
)
from cornu.metrics.resolve import resolve, resolve_accuracy
from cornu.registry import METRICS

__all__ = [
    "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy", "CategoricalCrossentropy", "CosineSimilarity", "KLDivergence",
    "LogCoshError", "Mean", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanMetricWrapper", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Metric", "Poisson", "RootMeanSquaredError", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "Sum", "TopKCategoricalAccuracy", "binary_accuracy", "categorical_accuracy", "deserialize", "get", "resolve",
    "resolve_accuracy", "serialize", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


def get(identifier: Any) -> Any:
    """The metric that a name, a configuration, a class or a callable stands for; None for None.

    Raises:
        UnknownNameError: no metric has that name; the message has the nearest ones.

    >>> get("mse")
    <MeanSquaredError name=mean_squared_error>
    """
    return METRICS.get(identifier)


def serialize(metric: Any) -> dict[str, Any]:
    """A configuration from which `deserialize` makes an equal metric, without what it gathered.

    >>> serialize(Mean())["config"]
    {'name': 'mean', 'dtype': 'float32'}
    """
    return serialization.serialize(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The metric that a configuration or a name stands for.

    Args:
        config: what `serialize` gave, or a name.
        custom_objects: the user's own classes and functions by name.
    """
    return serialization.deserialize(config, custom_objects, METRICS)
