"""Rows of features as dicts of arrays, and whatever `adapt` may be given as such dicts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from cornu import dtypes, ops
from cornu.errors import DataError, nearest
from cornu.feature_space.features import Feature
from cornu.layers.texts import as_data, each_batch, is_text

__all__ = ["as_columns", "columns_of", "dicts", "in_rows"]


def dicts(data: Any, owner: str) -> Iterator[Mapping[str, Any]]:
    """The batches in data: a dict or data frame is one, a PyDataset or any iterable yields them.

    Raises:
        DataError: a batch is no dict.
    """
    if _is_frame(data):
        yield data
        return
    for batch in each_batch(data):
        inner = batch[0] if isinstance(batch, (list, tuple)) and len(batch) == 1 else batch
        if not _is_frame(inner):
            raise DataError(
                f"adapt of {owner!r} takes dicts of features alone, got a batch of type {type(batch).__name__}. "
                "Leave the targets out: `dataset.map(lambda x, y: x)`, `(x for x, y in batches)`."
            )
        yield inner


def _is_frame(data: Any) -> bool:
    return isinstance(data, Mapping) or (hasattr(data, "columns") and hasattr(data, "__getitem__"))


def as_columns(data: Any, features: Mapping[str, Feature], owner: str) -> dict[str, Any]:
    """The features of a dict or data frame, as arrays.

    Raises:
        DataError: it is no dict, a feature is missing, or there is something else in it.
    """
    if not _is_frame(data):
        raise DataError(f"{owner!r} is called on a dict of features, got {type(data).__name__}: {str(data)[:80]}.")
    given = list(data) if isinstance(data, Mapping) else list(data.columns)
    strange, missing = [k for k in given if k not in features], [k for k in features if k not in given]
    if strange or missing:
        guess = next((f" Did you mean {n[0]!r} by {k!r}?" for k in strange if (n := nearest(str(k), missing, 1))), "")
        raise DataError(f"{owner!r} takes the features {list(features)}, got {given}.{guess} Give these and no others.")
    return columns_of(data, features, features)


def columns_of(data: Any, features: Mapping[str, Feature], names: Collection[str]) -> dict[str, Any]:
    """Some of the features as arrays: NumPy's where they are on the host."""
    return {name: _column(name, features[name], data[name]) for name in names}


def _column(name: str, feature: Feature, value: Any) -> Any:
    x = as_data(value)
    if is_text(x) and feature.dtype != "string":
        raise DataError(f"Feature {name!r} is of {feature.dtype}, got texts. Make it a feature of texts, or the column numbers.")
    if isinstance(x, np.ndarray) and dtypes.is_floating(feature.dtype) and dtypes.standardize(x.dtype) != feature.dtype:
        return x.astype(feature.dtype)
    return x


def in_rows(x: Any) -> Any:
    """A single value or a column as (rows, 1); more axes stay."""
    rank = len(x.shape)
    if rank > 1:
        return x
    return x.reshape(-1, 1) if isinstance(x, np.ndarray) else ops.reshape(x, (-1, 1))
