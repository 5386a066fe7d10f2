"""How many numbers new variables may hold: unlimited, but while a file from elsewhere says what is to be made.

A configuration of a few bytes can ask for a weight of any size; what is known is how many numbers the file brings for the weights.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Iterator, Sequence

from cornu.errors import UnsafeFileError

__all__ = ["allowance", "spend"]

_left: contextvars.ContextVar[list[int] | None] = contextvars.ContextVar("cornu_allowance", default=None)


@contextlib.contextmanager
def allowance(numbers: int) -> Iterator[None]:
    """Within it, new variables hold at most so many numbers together."""
    token = _left.set([numbers])
    try:
        yield
    finally:
        _left.reset(token)


def spend(shape: Sequence[int | None], name: str) -> None:
    """Takes a variable of this shape into account, before room is made for it.

    Raises:
        UnsafeFileError: it is more than is left.
    """
    left = _left.get()
    if left is None:
        return
    left[0] -= math.prod(max(n or 0, 0) for n in shape)
    if left[0] < 0:
        raise UnsafeFileError(
            f"A file's configuration may ask for no larger weights than the file brings, and asks for {name!r} of shape {tuple(shape)}. "
            "If you trust where the file comes from, make the model in code and call `load_weights`."
        )
