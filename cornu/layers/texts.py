"""Texts as NumPy holds them: no accelerator computes with them, so layers turn them into numbers on the host.

What is text: a `str` or `bytes`, lists of these, NumPy arrays of either, text columns of data frames, TensorFlow's string tensors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from cornu import backends, dtypes, ops
from cornu.backends.spec import TensorSpec
from cornu.errors import DataError
from cornu.ops import dispatch

__all__ = ["as_bytes", "as_data", "batches", "each_batch", "in_pipeline", "is_text", "on_host", "tokens_of"]

_TEXT = (str, bytes)
_KINDS = {str, bytes, np.str_, np.bytes_}


def _first(x: Any) -> Any:
    """The first value of a nested list."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return x


def as_data(x: Any) -> Any:
    """An input as a NumPy array where its values are known and it is on the host, else as the backend's array that it is.

    Lists become arrays; texts stay texts. What has no values yet (a graph of `tf.data`, a trace) is left alone.
    """
    if isinstance(x, (np.ndarray, TensorSpec)) or dispatch.is_symbolic(x):
        return x
    home = type(x).__module__.partition(".")[0]
    if home in backends.NAMES and not isinstance(x, np.generic):
        backends.load(home)  # a framework's own array, whatever the current backend is
    if isinstance(x, (list, tuple)):
        return _from_list(x)
    if dispatch.is_array(x):
        return np.asarray(x.numpy()) if is_text(x) and hasattr(x, "numpy") else x
    return np.asarray(x)


def _from_list(x: Any) -> np.ndarray:
    first = _first(x)
    if dispatch.is_array(first):
        return np.stack([as_data(v) for v in x])
    array = np.array(x, dtype=object if isinstance(first, _TEXT) else None)
    if array.dtype == object and array.size and isinstance(array.flat[0], (list, tuple)):
        raise DataError(
            f"Lists of texts must have one length along each axis, got lengths {sorted({len(v) for v in x})[:5]}. Fill them up."
        )
    return array


def is_text(x: Any) -> bool:
    """Whether an array, or a stand-in for one, holds texts."""
    return dtypes.is_text(getattr(x, "dtype", None))


def on_host(function: Callable[..., np.ndarray], inputs: Sequence[Any], shape: tuple[int | None, ...], dtype: str, name: str) -> Any:
    """`function(*inputs)`, in NumPy; within a graph of `tf.data`, as a step of that graph.

    Args:
        function: from arrays to an array.
        inputs: arrays, or stand-ins for them.
        shape: of the result, None where unknown.
        dtype: of the result.
        name: the layer's, for errors.

    Raises:
        DataError: the inputs have no values yet, within a compiled model.
    """
    if any(isinstance(x, TensorSpec) for x in inputs):
        return TensorSpec(shape, dtype)
    if all(isinstance(x, np.ndarray) for x in inputs):
        return function(*inputs)
    if in_pipeline(inputs):
        return dispatch.interpreter_of(*inputs).on_host(lambda *values: [function(*values)], inputs, [TensorSpec(shape, dtype)])[0]
    try:
        known = [ops.convert_to_numpy(x) for x in inputs]
    except Exception:  # noqa: BLE001 - every framework says in its own words that a trace has no values
        raise DataError(
            f"Layer {name!r} works on the host, and a compiled model has no values there, got {inputs[0]!r}.\n"
            "Apply it in the data pipeline, `dataset.map(lambda x, y: (layer(x), y))`, or to the arrays before `fit` and `predict`."
        ) from None
    return function(*known)


def in_pipeline(inputs: Sequence[Any]) -> bool:
    """Whether among the inputs are texts, or arrays of unknown shape, of a graph that runs Python functions as steps."""
    waiting = [x for x in map(as_data, inputs) if dispatch.is_array(x) and not hasattr(x, "numpy") and not isinstance(x, TensorSpec)]
    open_ended = any(is_text(x) or None in tuple(x.shape) for x in waiting if not dispatch.is_symbolic(x))
    home = dispatch.interpreter_of(*waiting)
    return bool(waiting) and hasattr(home, "on_host") and (open_ended or home.in_pipeline())


def tokens_of(x: np.ndarray) -> list[Any]:
    """The texts of an array in one list, each a `str` or `bytes`.

    Raises:
        DataError: there is something else among them.
    """
    tokens = x.ravel().tolist()
    strange = set(map(type, tokens)) - _KINDS
    if strange:
        found = next(t for t in tokens if type(t) in strange)
        raise DataError(
            f"Texts are expected, got {found!r} of type {type(found).__name__}. Use IntegerLookup for integers, or `x.astype(str)`."
        )
    return tokens


def as_bytes(tokens: Iterable[Any], encoding: str = "utf-8") -> list[bytes]:
    """The texts in bytes."""
    return [t if isinstance(t, bytes) else t.encode(encoding) for t in tokens]


def each_batch(data: Any) -> Iterable[Any]:
    """What data yield; a PyDataset, which goes on for ever, as many batches as it says that it has."""
    if hasattr(data, "num_batches") and not hasattr(data, "__iter__"):
        count = data.num_batches
        return map(data.__getitem__, itertools.count() if count is None else range(count))
    return data


def batches(data: Any, steps: int | None, owner: str) -> Iterable[np.ndarray]:
    """What `adapt` looks at, as arrays: an array or list whole, anything else as the batches that it yields.

    Raises:
        DataError: a batch holds targets too.
    """
    if isinstance(data, (*_TEXT, np.ndarray)) or hasattr(data, "shape") or (isinstance(data, (list, tuple)) and not _of_arrays(data)):
        whole = as_data(data)
        yield whole if isinstance(whole, np.ndarray) else ops.convert_to_numpy(whole)
        return
    for batch in itertools.islice(each_batch(data), steps):
        if isinstance(batch, (list, tuple)) and len(batch) == 1 and hasattr(batch[0], "shape"):
            batch = batch[0]
        if isinstance(batch, dict) or (isinstance(batch, (list, tuple)) and _of_arrays(batch)):
            raise DataError(f"adapt of {owner!r} takes inputs alone, got a batch of type {type(batch).__name__}. Leave the targets out.")
        found = as_data(batch)
        yield found if isinstance(found, np.ndarray) else ops.convert_to_numpy(found)


def _of_arrays(data: Any) -> bool:
    first = _first(data)
    return hasattr(first, "shape") and getattr(first, "ndim", 1) > 0
