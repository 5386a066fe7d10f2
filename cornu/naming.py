"""Names that layers, variables and models get when the user gives none: `dense`, `dense_1`, …"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

__all__ = ["kept", "number", "reset", "unique"]

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
