"""Where layers and variables live while they are written for other programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from cornu import backends
from cornu.state import Variable

__all__ = ["at_backend", "variables_of"]


@contextlib.contextmanager
def at_backend(name: str, resources: Sequence[Any]) -> Iterator[None]:
    """Inside, layers and variables live on this backend, the current one; afterwards where they lived before."""
    homes = [(r, next((v.backend.NAME for v in variables_of(r)), name)) for r in resources]
    try:
        for resource, _ in homes:
            _move(resource, name)
        with backends.use_backend(name):
            yield
    finally:
        for resource, home in homes:
            _move(resource, home)


def variables_of(resource: Any) -> list[Variable]:
    """Those that a layer holds, or the variable itself."""
    return [resource] if isinstance(resource, Variable) else list(resource.variables)


def _move(resource: Any, backend: str) -> None:
    if {v.backend.NAME for v in variables_of(resource)} - {backend}:
        if hasattr(resource, "_set_home_"):
            resource.to(backend)
        else:
            for variable in variables_of(resource):
                variable.to(backend)
