"""Optimizers of other libraries: recognised by where their class comes from, so that nobody imports a library that is not there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from cornu.optimizers.optimizer import Optimizer

__all__ = ["adapted", "adapts", "comes_from"]

Adapter = Callable[[Any], Optimizer | None]
_ADAPTERS: list[Adapter] = []


def adapts(adapter: Adapter) -> Adapter:
    """A decorator: enters a function that makes an `Optimizer` of a foreign thing it knows, and gives None for all others."""
    _ADAPTERS.append(adapter)
    return adapter


def adapted(thing: Any) -> Optimizer | None:
    """The optimizer around a foreign thing; None where nobody knows it."""
    importlib.import_module("cornu.interop")  # a room above this one, with all the adapters
    made = (adapter(thing) for adapter in _ADAPTERS)
    return next((optimizer for optimizer in made if optimizer is not None), None)


def comes_from(cls: type, package: str) -> bool:
    """Whether the class, or one it derives from, is that package's own.

    >>> comes_from(Optimizer, "cornu"), comes_from(dict, "torch")
    (True, False)
    """
    return any(base.__module__.partition(".")[0] == package for base in cls.__mro__)
