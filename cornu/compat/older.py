"""Single functions and classes that only older programs know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import registry, utils
from cornu.compat.notice import notice
from cornu.errors import ArgumentError

__all__ = ["model_from_config", "multi_gpu_model", "to_categorical"]


def to_categorical(x: Any = None, num_classes: int | None = None, nb_classes: int | None = None, y: Any = None) -> np.ndarray:
    """One-hot rows from class numbers: `cornu.utils.to_categorical`, under the names of its arguments over the years.

    Args:
        x: whole numbers from 0.
        num_classes: one more than the largest by default.
        nb_classes: what `num_classes` was called.
        y: what `x` was called.

    >>> to_categorical([1], nb_classes=2).tolist()
    [[0.0, 1.0]]
    """
    if nb_classes is not None:
        notice("to_categorical(nb_classes=)", "is `num_classes=` today")
    given = [value for value in (x, y) if value is not None]
    if len(given) != 1 or (num_classes is not None and nb_classes is not None):
        raise ArgumentError("to_categorical takes the class numbers as its first argument, and `num_classes` once.")
    return utils.to_categorical(given[0], num_classes if nb_classes is None else nb_classes)


def model_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that a configuration `{"class_name": …, "config": …}` describes."""
    notice("model_from_config", "is `keras.saving.deserialize_keras_object` today")
    with registry.scope(custom_objects):
        return registry.MODELS.get(config)


def multi_gpu_model(model: Any, gpus: Any = None, cpu_merge: bool = True, cpu_relocation: bool = False) -> Any:
    """Raises, and says what spreads a model over devices today.

    Raises:
        ArgumentError: always.
    """
    raise ArgumentError(
        f"multi_gpu_model is gone; got model={model!r}, {gpus=}, {cpu_merge=}, {cpu_relocation=}. Spread the batches of the model itself over "
        "devices: `keras.distribution.set_distribution(keras.distribution.DataParallel())` before it is made, then compile and fit it as usual."
    )
