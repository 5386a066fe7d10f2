"""Names that layers, variables and models get when the user gives none: `dense`, `dense_1`, …"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import threading
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from cornu.errors import ArgumentError

__all__ = ["distinct", "free", "kept", "name_scope", "number", "reset", "scopes", "unique"]

_taken: Counter[str] = Counter()
_numbered: Counter[str] = Counter()
_lock = threading.Lock()


def unique(prefix: str) -> str:
    """The prefix the first time, then with a number: `dense`, `dense_1`, `dense_2`."""
    with _lock:
        number = _taken[prefix]
        _taken[prefix] += 1
    return f"{prefix}_{number}" if number else prefix


def number(prefix: str) -> int:
    """How often a number was asked for under this prefix: 1 the first time."""
    with _lock:
        _numbered[prefix] += 1
        return _numbered[prefix]


def free(name: str, *taken: Container[str]) -> str:
    """The name, or the first of `name_1`, `name_2`, … that is in none of these.

    >>> free("a", {"a", "a_1"}), free("b", {"a"})
    ('a_2', 'b')
    """
    numbered = (f"{name}_{i}" for i in itertools.count(1))
    return next(one for one in itertools.chain([name], numbered) if not any(one in names for names in taken))


def distinct(paths: Sequence[str]) -> list[str]:
    """The paths, those numbered that come again or that are groups in which others stand.

    >>> distinct(["a", "a", "a_1", "b", "b/c"])
    ['a', 'a_1', 'a_1_1', 'b_1', 'b/c']
    """
    groups = {path[:i] for path in paths for i, letter in enumerate(path) if letter == "/"}
    found: dict[str, None] = {}
    for path in paths:
        found[free(path, found, groups)] = None
    return list(found)


_scopes: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("cornu_name_scopes", default=())
scopes = _scopes.get
"""The names of the scopes around, the outermost first."""


class name_scope:  # noqa: N801 - its public name
    """Inside, the paths of variables begin with this name.

    Args:
        name: without a slash.

    >>> from cornu import Variable
    >>> with name_scope("encoder"):
    ...     Variable([1.0], name="scale").path
    'encoder/scale'
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError(f"A scope's name must be a text without a slash, got {name!r}.")
        if kwargs:
            raise ArgumentError(f"name_scope takes a name alone, got {', '.join(kwargs)} as well.")
        self.name = name
        self._tokens: list[contextvars.Token[tuple[str, ...]]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_scopes.set((*_scopes.get(), self.name)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _scopes.reset(self._tokens.pop())


def reset() -> None:
    """Numbering starts anew."""
    with _lock:
        _taken.clear()
        _numbered.clear()


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Names taken within it are free again afterwards."""
    before = _taken.copy()
    try:
        yield
    finally:
        with _lock:
            _taken.clear()
            _taken.update(before)
