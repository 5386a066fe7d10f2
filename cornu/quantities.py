"""What counts as a number where an argument asks for one."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["is_number", "is_whole"]


def is_whole(value: Any, least: int) -> bool:
    """Whether the value is a whole number of at least so much, Python's or NumPy's; True and False are none.

    >>> is_whole(np.int64(2), 1), is_whole(0, 1), is_whole(2.0, 1), is_whole(True, 1)
    (True, False, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def is_number(value: Any) -> bool:
    """Whether the value can be made a float without being read as a text.

    >>> is_number(0.5), is_number(np.float32(2)), is_number("2"), is_number(None)
    (True, True, False, False)
    """
    return not isinstance(value, (str, bytes)) and hasattr(value, "__float__")
