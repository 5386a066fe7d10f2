"""Whole data sets as columns, of which rows can be taken: NumPy arrays, frames, nested lists, tensors, sparse matrices, files.

float64 is narrowed to `floatx` and 64-bit integers to 32 bits, as the backends compute. That happens to each batch, after its rows are
taken: it costs under a microsecond for a small batch and no second copy of the data. Integers that 32 bits cannot hold are an error, before
anything runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu import backends, config, tree
from cornu.errors import DataError
from cornu.ops import dispatch
from cornu.ops.core import cast, convert_to_numpy

__all__ = ["columns", "gatherer", "host", "is_columnar", "is_sliced", "narrow_dtype", "narrowed"]

Rows = Any
"""A slice, or an array of row numbers."""

_NARROWER = {"int64": "int32", "uint64": "uint32"}


@functools.lru_cache(maxsize=256)
def _narrow(dtype: np.dtype, floatx: str) -> np.dtype:
    if dtype.kind == "f" and dtype.itemsize >= 8:
        return np.dtype("float64" if floatx == "float64" else "float32")
    if dtype.kind == "c":
        return np.dtype("complex128" if floatx == "float64" else "complex64")
    native = dtype.newbyteorder("=")
    return np.dtype(_NARROWER.get(native.name, native))


def narrow_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which batches of such an array go to the model.

    >>> narrow_dtype(np.dtype("float64")), narrow_dtype(np.dtype("int64")), narrow_dtype(np.dtype("uint8"))
    (dtype('float32'), dtype('int32'), dtype('uint8'))
    """
    return _narrow(dtype, config.floatx())


def narrowed(x: Any) -> Any:
    """One batch's array as the model takes it: float64 as `floatx`, 64-bit integers in 32 bits; an array of the current backend stays one.

    Raises:
        DataError: an integer does not fit 32 bits, or the dtype is none that a model can take.
    """
    if type(x) is not np.ndarray:
        if x is None:
            return None
        if dispatch.is_array(x) and dispatch.interpreter_of(x) is backends.current():
            return _narrowed_tensor(x)
        x = host(x, "the batch")
    dtype = narrow_dtype(x.dtype)
    if dtype is x.dtype or dtype == x.dtype:
        if dtype.kind in "OVMm":
            return _numeric(x, "the batch")
        return x
    if x.dtype.kind in "iu":
        check_range(x, dtype, "the batch")
    return x.astype(dtype)


def _narrowed_tensor(x: Any) -> Any:
    name = str(x.dtype).removeprefix("torch.")
    target = {"float64": config.floatx(), "int64": "int32"}.get(name, name)
    return x if target == name else cast(x, target)


def check_range(x: np.ndarray, dtype: np.dtype, where: str) -> None:
    """Raises where integers do not fit the narrower dtype."""
    if not x.size or dtype.itemsize >= x.dtype.itemsize:
        return
    low, high = int(x.min()), int(x.max())
    limits = np.iinfo(dtype)
    if low < limits.min or high > limits.max:
        raise DataError(
            f"Integers must fit {dtype.name}, in which models compute, got values from {low} to {high} in {where}. "
            "Map them to small ids first (IntegerLookup, Hashing or np.unique(..., return_inverse=True)), or convert them to float."
        )


# --- from whatever the user has to arrays -----------------------------------------------------------------------------


def is_columnar(x: Any) -> bool:
    """Whether rows can be taken from `x`: an array, a frame or series, a nested list of numbers, or a list, tuple or dict of these."""
    if isinstance(x, (list, tuple)):
        return all(v is None or isinstance(v, _SCALARS) or is_columnar(v) for v in _ends(x))
    if isinstance(x, dict):
        return all(v is None or is_columnar(v) for v in x.values())
    return _is_arraylike(x)


_SCALARS = (int, float, complex, str, bytes, np.generic)


def _is_arraylike(x: Any) -> bool:
    kind = type(x)
    if hasattr(x, "__next__") or kind.__module__.partition(".")[0] == "datasets":
        return False
    named = hasattr(x, "__array__") or hasattr(x, "toarray") or hasattr(x, "to_numpy")
    return named or (dispatch.is_array(x) and not callable(x))


def columns(x: Any, where: str) -> Any:
    """`x` with each array, frame and nested list in it made something of which rows can be taken (see `gatherer`).

    Args:
        x: data, nested.
        where: its name in error messages, such as "x".

    Raises:
        DataError: an array of objects, or a ragged list.
    """
    if isinstance(x, (list, tuple)) and not any(v is None or isinstance(v, dict) or _has_rows(v) for v in _ends(x)):
        return _from_list(x, where)
    if isinstance(x, dict):
        return {k: columns(v, f"{where}[{k!r}]") for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        parts = [columns(v, f"{where}[{i}]") for i, v in enumerate(x)]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return None if x is None else _column(x, where)


def _has_rows(x: Any) -> bool:
    return not isinstance(x, _SCALARS) and _is_arraylike(x) and getattr(x, "shape", (1,)) != ()


def _ends(x: Any) -> Iterator[Any]:
    """The first innermost entries of nested lists: enough to tell a list of arrays from a list of numbers."""
    for v in x[:8]:
        if isinstance(v, (list, tuple)) and v:
            yield from _ends(v)
        else:
            yield v


def _from_list(x: Any, where: str) -> np.ndarray:
    try:
        array = np.array(x)
    except ValueError:
        lengths = sorted({len(v) for v in x if hasattr(v, "__len__")})
        raise DataError(
            f"A list of numbers must be regular, got rows of different lengths in {where} ({', '.join(map(str, lengths[:6]))}). "
            "Pad them, e.g. with cornu.utils.pad_sequences."
        ) from None
    return _checked(array, where)


def _column(x: Any, where: str) -> Any:
    if _rows_on_demand(x):
        return x
    return _checked(host(x, where), where)


def _rows_on_demand(x: Any) -> bool:
    """Whether rows are better taken from `x` as it is: sparse matrices, arrays in files, arrays on an accelerator."""
    if hasattr(x, "toarray") or type(x).__module__.partition(".")[0] in ("h5py", "zarr"):
        return True
    if not dispatch.is_array(x) or dispatch.interpreter_of(x) is not backends.current():
        return False
    return "cpu" not in str(getattr(x, "device", "cpu")).lower()


def host(x: Any, where: str) -> np.ndarray:
    """A NumPy array with the values of an array of any framework, a frame, a series or a nested list; not a copy where there is a way."""
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    if dispatch.is_array(x):
        return convert_to_numpy(x)
    if hasattr(x, "detach"):  # a torch tensor while another backend computes
        return np.asarray(x.detach().cpu())
    if hasattr(x, "columns") and hasattr(x, "to_numpy"):
        return _from_frame(x, where)
    if hasattr(x, "to_numpy"):
        return _numeric(np.asarray(x.to_numpy()), where)
    if hasattr(x, "numpy") and not callable(x):
        return np.asarray(x.numpy())
    return np.asarray(x)


def _from_frame(frame: Any, where: str) -> np.ndarray:
    """The numbers of a data frame, in the dtype where its columns meet."""
    parts = {name: _numeric(np.asarray(frame[name].to_numpy()), f"column {name!r} of {where}") for name in frame.columns}
    if not parts:
        raise DataError(f"A data frame must have columns, got none in {where}.")
    texts = [name for name, part in parts.items() if part.dtype.kind in "US"]
    if texts and len(texts) < len(parts):
        raise DataError(
            f"The columns of a data frame must be all numbers or all strings, got strings in {texts[:6]} and numbers in others ({where}). "
            "Encode these columns, or give a dict with one array for each input: dict(frame)."
        )
    whole = np.asarray(frame.to_numpy())
    return whole if whole.dtype != object else np.stack(list(parts.values()), axis=1)


def _numeric(x: np.ndarray, where: str) -> np.ndarray:
    """`x` itself, or numbers or strings where it holds them as objects."""
    if x.dtype.kind not in "OVMm":
        return x
    if x.dtype.kind == "O" and x.size:
        try:
            found = np.array([np.nan if v is None else v for v in x.tolist()] if x.ndim == 1 else x.tolist())
        except (ValueError, TypeError):
            found = x
        if found.dtype.kind in "biufc" or all(isinstance(v, (str, bytes)) for v in x.flat):
            return found
    some = sorted({type(v).__name__ for v in x.flat[:50]}) if x.dtype.kind == "O" else [str(x.dtype)]
    raise DataError(
        f"Data must be numbers, booleans or strings, got an array of {' and '.join(some)} (dtype {x.dtype}, shape {x.shape}) in {where}. "
        "Encode it first: pad ragged lists (cornu.utils.pad_sequences), map categories to ids (StringLookup), turn dates into numbers."
    )


def _checked(x: np.ndarray, where: str) -> np.ndarray:
    x = _numeric(x, where)
    if x.dtype.kind in "iu" and x.dtype.itemsize == 8:
        check_range(x, narrow_dtype(x.dtype), where)
    return x


# --- taking rows ------------------------------------------------------------------------------------------------------


def is_sliced(x: Any) -> bool:
    """Whether a slice of the column goes to the model as it is, without a copy."""
    return x is None or (isinstance(x, np.ndarray) and narrow_dtype(x.dtype) == x.dtype)


def gatherer(x: Any, *, contiguous: bool) -> Callable[[Rows], Any]:
    """The function that takes rows of a column: by slices (`contiguous`, without a copy where nothing is narrowed) or by row numbers."""
    if not isinstance(x, np.ndarray):
        return _gatherer_on_demand(x)
    dtype = narrow_dtype(x.dtype)
    if contiguous:
        return x.__getitem__ if dtype == x.dtype else lambda rows: x[rows].astype(dtype)
    # `take` is the faster one, but copies the whole array first unless its memory is in order
    plain = x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative
    if not plain:
        return lambda rows: x[rows].astype(dtype, copy=False)
    take = x.take
    return (lambda rows: take(rows, 0)) if dtype == x.dtype else lambda rows: take(rows, 0).astype(dtype)


def _gatherer_on_demand(x: Any) -> Callable[[Rows], Any]:
    if hasattr(x, "toarray"):
        rows_of = x.tocsr() if hasattr(x, "tocsr") else x
        return lambda rows: narrowed(rows_of[rows].toarray())
    if dispatch.is_array(x):
        return lambda rows: narrowed(x[rows])
    return lambda rows: narrowed(_from_file(x, rows))


def _from_file(x: Any, rows: Rows) -> np.ndarray:
    """Rows of an array in a file, which reads them in ascending order only."""
    if isinstance(rows, slice):
        return np.asarray(x[rows])
    ascending, where = np.unique(rows, return_inverse=True)
    return np.asarray(x[ascending])[where]


def batch_bytes(x: Any, rows: int) -> int:
    """How much memory that many rows of nested columns take, about."""
    total = 0
    for leaf in tree.flatten(x):
        if leaf is not None:
            total += rows * int(np.prod(leaf.shape[1:])) * getattr(getattr(leaf, "dtype", None), "itemsize", 4)
    return total
