"""Work done ahead of the loop by a pool of threads or processes, its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import Any, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(pool: Executor, work: Callable[[Any], T], items: Iterator[Any], *, depth: int) -> Iterator[T]:
    """`map(work, items)` with up to `depth` results worked out before they are asked for.

    An exception of `work` is raised where its result would have come.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(ahead(pool, abs, iter([-1, 2, -3]), depth=2))
    [1, 2, 3]
    """
    items = iter(items)
    waiting: deque[Future[T]] = deque(pool.submit(work, item) for item in islice(items, depth))
    try:
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(items, 1))
            yield result
    finally:
        for future in waiting:
            future.cancel()
