"""Conversion to specs, and broadcasting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, dtypes
from cornu.backends.spec.tensor_spec import TensorSpec, broadcast
from cornu.errors import DTypeError

__all__ = ["ARRAY_TYPES", "CAN_TRAIN", "NAME", "asarray", "broadcast_shapes", "cast", "copy", "dtype", "inference", "to_numpy"]

NAME = "spec"
CAN_TRAIN = False
ARRAY_TYPES = (TensorSpec,)

_PYTHON: dict[str, Callable[[], str]] = {"float64": config.floatx, "int64": lambda: "int32"}


def asarray(x: Any, dtype: str | None = None) -> TensorSpec:
    """The shape and dtype of anything array-like, whatever its backend."""
    if isinstance(x, TensorSpec):
        return x if dtype is None else cast(x, dtype)
    if not hasattr(x, "shape"):
        x = np.asarray([v if not hasattr(v, "shape") else 0 for v in x] if isinstance(x, (list, tuple)) else x)
        name = dtypes.standardize(x.dtype)
        return TensorSpec(x.shape, dtype or _PYTHON.get(name, lambda: name)())
    return TensorSpec(x.shape, dtype or dtypes.standardize(x.dtype))


def to_numpy(x: TensorSpec) -> np.ndarray:
    """Raises: a spec holds no numbers."""
    raise DTypeError(f"A symbolic value holds no numbers, got {x}. Run the model on data to see values.")


def dtype(x: TensorSpec) -> str:
    """The name of the dtype."""
    return x.dtype


def cast(x: TensorSpec, dtype: str) -> TensorSpec:
    """The same shape in another dtype."""
    return TensorSpec(x.shape, dtype)


def copy(x: TensorSpec) -> TensorSpec:
    """The same."""
    return x


def inference() -> contextlib.AbstractContextManager[None]:
    """Nothing to switch off."""
    return contextlib.nullcontext()


def broadcast_shapes(*xs: Any) -> tuple[int, ...]:
    """The shape to which all broadcast; scalars have the shape ()."""
    return broadcast(*(x.shape if isinstance(x, TensorSpec) else () for x in xs))
