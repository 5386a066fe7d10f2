"""`keras.backend`: what it still has today, and the functions of older programs, each of which says what it is called now.

`cornu.backend()` itself is a function, which gives the name of the current backend; this module is what `from keras import backend as K` finds.
"""

from __future__ import annotations

from typing import Any

from cornu import dtypes, naming
from cornu.backends import backend
from cornu.compat import older_backend
from cornu.compat.notice import notice
from cornu.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from cornu.errors import nearest
from cornu.utils import clear_session, is_keras_tensor, standardize_dtype

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


def get_uid(prefix: str = "") -> int:
    """How often a number was asked for under this prefix: 1 the first time, until `clear_session`.

    >>> get_uid("of-the-doctest"), get_uid("of-the-doctest")
    (1, 2)
    """
    return naming.number(prefix)


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is a float.

    >>> is_float_dtype("bfloat16"), is_float_dtype("int8")
    (True, False)
    """
    return dtypes.is_floating(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is a whole number; bool is not.

    >>> is_int_dtype("uint8"), is_int_dtype("bool")
    (True, False)
    """
    return dtypes.is_integer(standardize_dtype(dtype))


def result_type(*dtypes: Any) -> str:
    """The dtype of the result of an op on arrays of these dtypes; `floatx` of none.

    >>> result_type("int32", "float16")
    'float16'
    """
    return _promote(*map(standardize_dtype, dtypes)) if dtypes else floatx()


_promote = dtypes.promote


def __getattr__(name: str) -> Any:
    """The functions that older programs call."""
    if name.startswith("__"):
        raise AttributeError(f"module 'keras.backend' has no attribute {name!r}")
    today = older_backend.TODAY.get(name)
    if today is None:
        near = nearest(name, [*__all__, *older_backend.TODAY])
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else " Most of what it had is in keras.ops today."
        raise AttributeError(f"module 'keras.backend' has no attribute {name!r}.{hint}")
    notice(f"keras.backend.{name}", today)
    return older_backend.find(name)
