"""Names of dtypes and the one lattice by which two of them meet.

A dtype is named by a string everywhere above the backends. Promotion follows the lattice of JAX
(https://docs.jax.dev/en/latest/type_promotion.html): Python scalars are *weak*, they take the kind but not the width; two floats meet in the
wider one, float16 and bfloat16 in float32; an integer never widens a float.
"""

from __future__ import annotations

import functools
from typing import Any

import ml_dtypes
import numpy as np

from cornu.errors import DTypeError, nearest

__all__ = [
    "DTYPES", "is_complex", "is_floating", "is_integer", "is_numeric", "is_text", "limits", "numpy_dtype", "precision", "promote", "real_part",
    "refuse_text", "standardize",
]  # fmt: skip

BOOL = ("bool",)
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
FLOAT = (*FLOAT8, "bfloat16", "float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = (*BOOL, *UNSIGNED, *SIGNED, *FLOAT, *COMPLEX, "string")

_ALIASES = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "int": "int32",
    "bool_": "bool",
    "str": "string",
    "complex": "complex64",
}
_PYTHON = {bool: "bool", int: "int32", float: "float32", complex: "complex64", str: "string"}

# Each dtype and those just above it; two dtypes meet in the least one that is above both.
# The starred names are the weak types of Python scalars.
_ABOVE = {
    "bool": ("int*",),
    "int*": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float*",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float*",),
    "float*": ("float8_e4m3fn", "float8_e5m2", "bfloat16", "float16", "complex*"),
    "float8_e4m3fn": ("float32",),
    "float8_e5m2": ("float32",),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex*": ("complex64",),
    "complex64": ("complex128",),
    "complex128": (),
}


@functools.cache
def standardize(dtype: Any) -> str:
    """The name of a dtype given as a name, a Python type, a NumPy dtype or any framework's own.

    >>> standardize(np.float32), standardize(int), standardize("half")
    ('float32', 'int32', 'float16')
    """
    if isinstance(dtype, type) and dtype in _PYTHON:
        return _PYTHON[dtype]
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    name = _ALIASES.get(name, name).removeprefix("torch.")
    if name in DTYPES:
        return name
    if is_text(dtype):  # NumPy's dtypes of text carry its length in their name
        return "string"
    guess = nearest(name, DTYPES)
    mend = f" Did you mean {' or '.join(map(repr, guess))}?" if guess else f" Known dtypes: {', '.join(DTYPES)}."
    raise DTypeError(f"A dtype must be one that Cornu knows, got {dtype!r}.{mend}")


@functools.cache
def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype of that name; the small floats come from ml_dtypes."""
    name = standardize(dtype)
    if name == "string":
        return np.dtype(object)
    return np.dtype(getattr(ml_dtypes, name)) if name in (*FLOAT8, "bfloat16") else np.dtype(name)


def is_text(dtype: Any) -> bool:
    """Whether a dtype of NumPy's or TensorFlow's, or a name, is that of texts; Python objects, as which NumPy holds them, are texts too.

    >>> is_text(np.array(["a"]).dtype), is_text("string"), is_text(None)
    (True, True, False)
    """
    kind = getattr(dtype, "kind", None)
    return kind in ("U", "S", "T", "O") if kind is not None else "string" in (dtype, getattr(dtype, "name", None))


def refuse_text(x: np.ndarray | np.generic, backend: str) -> None:
    """Raises where an array is of texts, for a backend that holds numbers alone.

    Raises:
        DTypeError: it is.
    """
    if is_text(x.dtype):
        raise DTypeError(
            f"The backend {backend!r} holds numbers alone, got texts or other objects (shape {x.shape}, dtype {x.dtype}). Make numbers of them "
            "first: call TextVectorization or StringLookup on them before the model, or in the data pipeline, `dataset.map(lambda x, y: (layer(x), y))`."
        )


def is_numeric(dtype: np.dtype) -> bool:
    """Whether NumPy's dtype is one of numbers, bools among them: not of texts, objects or dates."""
    return not is_text(dtype) and dtype.kind not in "Mm"


def is_floating(dtype: str) -> bool:
    """Whether the name is that of a real floating-point dtype."""
    return dtype in FLOAT


def is_integer(dtype: str) -> bool:
    """Whether the name is that of an integer dtype; bool is none."""
    return dtype in SIGNED or dtype in UNSIGNED


def is_complex(dtype: str) -> bool:
    """Whether the name is that of a complex dtype."""
    return dtype in COMPLEX


@functools.cache
def limits(dtype: str) -> tuple[int | float, int | float]:
    """The smallest and the largest finite number that the dtype holds.

    >>> limits("int8"), limits("float16"), limits("bool")
    ((-128, 127), (-65504.0, 65504.0), (0, 1))
    """
    if dtype == "bool":
        return 0, 1
    if is_integer(dtype):
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return float(_finfo(dtype).min), float(_finfo(dtype).max)


def _finfo(dtype: str) -> Any:
    finfo: Any = ml_dtypes.finfo
    return finfo(numpy_dtype(dtype))


@functools.cache
def precision(dtype: str) -> float:
    """The distance from 1 to the next number of a float dtype.

    >>> precision("float16") == 2**-10
    True
    """
    return float(_finfo(dtype).eps)


def real_part(dtype: str) -> str:
    """The dtype of a complex number's real part; any other is its own.

    >>> real_part("complex64"), real_part("int8")
    ('float32', 'int8')
    """
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


@functools.cache
def _reachable(dtype: str) -> frozenset[str]:
    return frozenset((dtype,)).union(*map(_reachable, _ABOVE[dtype]))


@functools.cache
def promote(*dtypes: str) -> str:
    """The dtype in which all of these meet; `"int*"`, `"float*"` and `"complex*"` stand for Python scalars.

    >>> promote("int32", "float16"), promote("int8", "uint8"), promote("bfloat16", "float16")
    ('float16', 'int16', 'float32')
    >>> promote("bfloat16", "float*"), promote("int32", "float*")
    ('bfloat16', 'float*')
    """
    if "string" in dtypes:
        raise DTypeError(f"Strings do not mix with other dtypes in arithmetic, got {dtypes}. Encode them first, e.g. with StringLookup.")
    common = frozenset.intersection(*map(_reachable, dtypes))
    # The least common one is the one from which all the others can be reached.
    return next(d for d in common if common == _reachable(d))
