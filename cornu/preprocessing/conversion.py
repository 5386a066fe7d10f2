"""Our data sets as those of other libraries, which are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import dtypes, tree

__all__ = ["to_grain", "to_tf", "to_torch"]


def _missing(library: str, package: str) -> ImportError:
    return ImportError(f"A data set for {library} needs the package {package}. Install it with `pip install {package}`.")


def to_tf(dataset: Any) -> Any:
    """A `tf.data.Dataset` that gives what `dataset` gives, pass by pass; the first batch is read to find shapes and dtypes."""
    try:
        import tensorflow as tf
    except ImportError:
        raise _missing("TensorFlow", "tensorflow") from None

    def spec(leaf: Any) -> Any:
        array = np.asarray(leaf)
        kind = tf.string if dtypes.is_text(array.dtype) else tf.as_dtype(array.dtype)
        if dataset.batch_size is None:
            return tf.TensorSpec([None] * array.ndim if dataset.varying else array.shape, kind)
        return tf.TensorSpec([None] * array.ndim if dataset.varying else (None, *array.shape[1:]), kind)

    known = tree.map_structure(spec, dataset[0])
    made = tf.data.Dataset.from_generator(lambda: iter(dataset), output_signature=known)
    return made.apply(tf.data.experimental.assert_cardinality(len(dataset)))


def to_torch(dataset: Any) -> Any:
    """A torch `DataLoader` that gives what `dataset` gives, pass by pass."""
    try:
        from torch.utils import data
    except ImportError:
        raise _missing("PyTorch", "torch") from None
    methods = {"__iter__": lambda self: iter(dataset), "__len__": lambda self: len(dataset), "__doc__": "The batches of a data set."}
    return data.DataLoader(type("Batches", (data.IterableDataset,), methods)(), batch_size=None)


def to_grain(dataset: Any) -> Any:
    """A Grain `MapDataset` of what `dataset` gives in its present pass."""
    try:
        import grain
    except ImportError:
        raise _missing("Grain", "grain") from None
    return grain.MapDataset.source(_Source(dataset))


class _Source:
    """Batches by number: all that Grain asks for."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Any:
        return self._dataset[int(index)]

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"{type(self._dataset).__name__} of {len(self)}"
