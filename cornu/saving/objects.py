"""What users register, pass along and look up by name: the registry under the names that Keras's users know."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from cornu import registry

__all__ = ["CustomObjectScope", "custom_object_scope", "get_custom_objects", "get_registered_name", "get_registered_object"]


class CustomObjectScope:
    """Within it, these names stand for these classes and functions, in this thread and task alone.

    Args:
        custom_objects: classes and functions by name.

    Raises:
        ArgumentError: they do not come by name.

    >>> def twice(x):
    ...     return 2 * x
    >>> import cornu
    >>> with CustomObjectScope({"twice": twice}):
    ...     cornu.activations.get("twice") is twice
    True
    """

    def __init__(self, custom_objects: Mapping[str, Any]) -> None:
        self.custom_objects = registry.by_name(custom_objects)
        self._open: list[contextlib.ExitStack] = []

    def __enter__(self) -> Self:
        """The names are known."""
        stack = contextlib.ExitStack()
        stack.enter_context(registry.scope(self.custom_objects))
        self._open.append(stack)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The names are as before."""
        self._open.pop().close()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The live table of registered classes and functions by name; adding to it is registering."""
    return registry.global_custom_objects()


def get_registered_name(obj: Any) -> str:
    """`package>name` of a registered class or function, else its own name.

    >>> get_registered_name(print)
    'print'
    """
    return registry.registered_name(obj)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The class or function registered under a name; None if there is none.

    Args:
        name: e.g. "Custom>Scale".
        custom_objects: looked into first.
        module_objects: looked into last.

    >>> get_registered_object("Custom>Nobody") is None
    True
    """
    with registry.scope(custom_objects):
        found = registry.find_custom(name)
    return found if found is not None else (module_objects or {}).get(name)
