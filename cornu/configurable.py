"""Objects whose configuration is their constructor's arguments.

A class stores its arguments under their own names; `get_config`, `from_config` and `repr` follow. A class that keeps an argument under
another name, or not at all, works too: what the constructor was called with is remembered.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, Self

from cornu import registry
from cornu.errors import ArgumentError

__all__ = ["Configurable", "parameters"]


@functools.cache
def parameters(cls: type) -> tuple[dict[str, inspect.Parameter], bool]:
    """The constructor's named parameters, base classes' included where it passes **kwargs on; and whether any name is taken at the end."""
    named: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        kinds = inspect.Parameter
        named = {**{p.name: p for p in parameters if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)}, **named}
        if not any(p.kind is kinds.VAR_KEYWORD for p in parameters):
            return named, False
    return named, True


class Configurable:
    """The base of everything that a file or a string can describe."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remembers what the constructor is called with."""
        self = super().__new__(cls)
        self._arguments = (args, kwargs)
        return self

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, such that `type(self).from_config(config)` makes an equal object."""
        given = self._given()
        config = {}
        for name, parameter in parameters(type(self))[0].items():
            default = parameter.default if parameter.default is not inspect.Parameter.empty else None
            config[name] = _current(self, name, given.get(name, default))
        return config

    def _given(self) -> dict[str, Any]:
        args, kwargs = self._arguments
        try:
            bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentError(f"The constructor of {type(self).__name__} was not called as it is declared: {error}.") from None
        flat: dict[str, Any] = {}
        for name, value in list(bound.items())[1:]:
            flat |= value if isinstance(value, dict) and name == "kwargs" else {name: value}
        return flat

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """An object made with these arguments, nested configurations turned into the objects that they describe."""
        return cls(**revived(cls, dict(config)))

    def __repr__(self) -> str:
        """The constructor call, defaults left out."""
        given = self._given()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _current(owner: object, name: str, otherwise: Any) -> Any:
    """The attribute that holds the argument, if there is one."""
    try:
        value = getattr(owner, name)
    except (AttributeError, ValueError):
        return otherwise
    return otherwise if inspect.ismethod(value) else value


def revived(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments with object configurations turned into objects, their role told by the module they name.

    Only what is registered can be made; constructors that take a configuration themselves (initializers, regularizers, …) also get plain names.
    """
    return {name: _revive(value) for name, value in config.items()}


def _revive(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("class_name"), str) and "config" in value and "module" in value:
        role = registry.role_of(value["module"])
        return registry.build(value, role) if role is not None else value
    return value
