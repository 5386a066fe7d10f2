"""The base of all initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from cornu import config, dtypes
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, as_shape

__all__ = ["Initializer"]


class Initializer(Configurable):
    """What gives a weight its first values: a subclass defines `__call__(self, shape, dtype=None, **kwargs)`, which gives an array.

    Any function of a shape and a dtype will do in its place.

    >>> from cornu import ops
    >>> class Sevens(Initializer):
    ...     def __call__(self, shape, dtype=None, **kwargs):
    ...         return ops.full(shape, 7, dtype)
    >>> Sevens()((2,), "int32").tolist()
    [7, 7]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        """An array of first values, on the current backend.

        Args:
            shape: the shape, of whole numbers.
            dtype: `floatx` by default.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, shape, dtype=None, **kwargs)`.")

    def clone(self) -> Self:
        """Another initializer with the same configuration; without a seed, it draws other values."""
        return type(self).from_config(self.get_config())


def asked(initializer: Initializer, shape: Sequence[int], dtype: Any, rest: dict[str, Any]) -> tuple[tuple[int, ...], str]:
    """Shape and dtype of a call, checked; `layout=None`, as programs for Keras pass it, is all that may stand beside them."""
    if any(value is not None for value in rest.values()) or set(rest) - {"layout"}:
        raise ArgumentError(f"{type(initializer).__name__} takes a shape and a dtype, got {rest} as well.")
    return as_shape(shape), config.floatx() if dtype is None else dtypes.standardize(dtype)
