"""NumPy has no derivatives: what needs none runs, the rest says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends.numpy.core import cannot

__all__ = ["custom_gradient", "jvp", "remat", "vjp"]


def vjp(fn: Callable[..., Any], primals: Sequence[Any]) -> Any:
    raise cannot("compute gradients")


def jvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    raise cannot("compute derivatives")


def custom_gradient(fn: Callable[..., Any], args: Sequence[Any]) -> Any:
    return fn(list(args))[0]


def remat(fn: Callable[..., Any], args: Sequence[Any]) -> Any:
    return fn(list(args))
