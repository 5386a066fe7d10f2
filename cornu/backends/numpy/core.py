"""NumPy: conversion and state. It predicts and evaluates; it has no gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, dtypes
from cornu.errors import BackendError

__all__ = [
    "ARRAY_TYPES",
    "CAN_TRAIN",
    "EAGER",
    "HOLDS_TEXTS",
    "NAME",
    "add_state",
    "asarray",
    "assign_state",
    "block",
    "borrow",
    "cast",
    "concrete",
    "copy",
    "devices",
    "dtype",
    "evaluate_shape",
    "inference",
    "make_state",
    "to_numpy",
    "value_and_grad",
]  # fmt: skip

NAME = "numpy"
CAN_TRAIN = False
EAGER = True
HOLDS_TEXTS = True
ARRAY_TYPES = (np.ndarray, np.generic)


def asarray(x: Any, dtype: str | None = None) -> np.ndarray:
    """An array from anything array-like; Python floats become `floatx`, Python ints int32."""
    if not isinstance(x, ARRAY_TYPES) and not hasattr(x, "__array__"):
        x = np.asarray(x)
        default = {"float64": config.floatx(), "int64": "int32"}
        dtype = dtype or default.get(x.dtype.name)
    return np.asarray(x) if dtype is None else np.asarray(x, dtypes.numpy_dtype(dtype))


def borrow(x: np.ndarray) -> np.ndarray:
    """An array for reading."""
    return asarray(x)


def to_numpy(x: np.ndarray) -> np.ndarray:
    """The array itself."""
    return np.asarray(x)


def dtype(x: np.ndarray) -> str:
    """The name of the dtype."""
    return dtypes.standardize(x.dtype)


def cast(x: np.ndarray, dtype: str) -> np.ndarray:
    """The array in another dtype."""
    return x.astype(dtypes.numpy_dtype(dtype))


def copy(x: np.ndarray) -> np.ndarray:
    """The same values in memory of their own."""
    return np.copy(x)


def make_state(x: np.ndarray, trainable: bool) -> np.ndarray:
    """A copy of its own."""
    return np.array(x)


def assign_state(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A copy of the new values."""
    return np.array(new)


def add_state(old: np.ndarray, value: Any) -> np.ndarray:
    """The sum, in the variable's own dtype."""
    return np.asarray(old + value, old.dtype)


def concrete() -> contextlib.AbstractContextManager[None]:
    """Nothing to do: arrays are made at once."""
    return contextlib.nullcontext()


def inference() -> contextlib.AbstractContextManager[None]:
    """Nothing to switch off."""
    return contextlib.nullcontext()


def cannot(what: str) -> BackendError:
    """The error for what NumPy has no means for."""
    return BackendError(
        f"The numpy backend cannot {what}: it predicts and evaluates only. To train, choose another with "
        "`cornu.set_backend('jax')` before making the model, or `model.to('jax')`."
    )


def value_and_grad(fn: Callable[..., Any], values: Any) -> Any:
    """Raises: NumPy has no gradients."""
    raise cannot("compute gradients")


def evaluate_shape(fn: Callable[..., Any], *specs: Any) -> Any:
    """Raises: NumPy has no abstract evaluation."""
    raise cannot("infer the shapes of code that is not written in `cornu.ops`")


def devices() -> list[str]:
    """The devices at hand."""
    return ["cpu"]


def block(x: Any) -> None:
    """Nothing to wait for: NumPy has computed what it returned."""
