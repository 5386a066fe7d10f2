"""Objects whose configuration is their constructor's arguments.

A class stores its arguments under their own names; `get_config`, `from_config` and `repr` follow. A class that keeps an argument under
another name, or not at all, works too: what the constructor was called with is remembered.

Such classes are made to be subclassed, and a subclass may give its attributes any name but those that Keras documents for the class: what is the
library's own is spelled `_so_` (names with an underscore on both sides, as `enum` has them) where its modules share it, and `__so` within one class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, Self, TypeVar, overload

from cornu.errors import ArgumentError, nearest
from cornu.serialization import revive, serialize_argument

__all__ = ["Configurable", "fact", "parameters", "require"]


T = TypeVar("T")


@functools.cache
def parameters(cls: Any) -> tuple[dict[str, inspect.Parameter], bool]:
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


class fact(Generic[T]):  # noqa: N801 - a decorator, as `property` is
    """A property in whose place a subclass, or an object, may have an attribute of the same name.

    >>> class Shape:
    ...     @fact
    ...     def corners(self):
    ...         return 3
    >>> shape = Shape()
    >>> before, shape.corners = shape.corners, 4
    >>> before, shape.corners
    (3, 4)
    """

    def __init__(self, find: Callable[[Any], T]) -> None:
        self.find, self.__doc__ = find, find.__doc__

    @overload
    def __get__(self, owner: None, cls: type) -> Self: ...
    @overload
    def __get__(self, owner: object, cls: type | None = None) -> T: ...
    def __get__(self, owner: object | None, cls: type | None = None) -> Any:
        """The fact about `owner`."""
        return self if owner is None else self.find(owner)


class Configurable:
    """The base of everything that a file or a string can describe."""

    _arguments_: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remembers what the constructor is called with."""
        if cls.__init__ is object.__init__ and (args or kwargs):
            raise ArgumentError(f"{cls.__name__} takes no arguments, got {args or kwargs}.")
        if cls.__module__.startswith("cornu.") and not hasattr(
            cls.__init__, "respells"
        ):  # other spellings are looked at where they are read
            require(cls, args, kwargs)
        self = super().__new__(cls)
        self._arguments_ = (args, kwargs)
        return self

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as JSON can hold them, such that `type(self).from_config(config)` makes an equal object."""
        return {name: serialize_argument(name, value) for name, value in self._constructor_arguments_().items()}

    def _constructor_arguments_(self) -> dict[str, Any]:
        """The constructor's arguments by name, objects as they live: such that `type(self)(**arguments)` makes an equal object."""
        given = self._given_()
        arguments = {}
        for name, parameter in parameters(type(self))[0].items():  # type: ignore[arg-type]
            default = parameter.default if parameter.default is not inspect.Parameter.empty else None
            arguments[name] = _current(self, name, given.get(name, default))
        return arguments

    def _given_(self) -> dict[str, Any]:
        args, kwargs = self._arguments_
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
        return cls(**revive(dict(config)))

    def __repr__(self) -> str:
        """The constructor call, defaults left out."""
        given = self._given_()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


@functools.cache
def _required(cls: Any) -> tuple[str, ...]:
    """The parameters without a default that may be given by place, from the first on."""
    found = inspect.signature(cls.__init__).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in found):
        return ()
    return tuple(p.name for p in list(found)[1:] if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty)


def require(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raises where an argument is missing that has no default, and says by which name it may have been meant."""
    missing = [name for name in _required(cls)[len(args) :] if name not in kwargs]
    if missing:
        known = parameters(cls)[0]
        meant = {name: nearest(name, [given for given in kwargs if given not in known], 1) for name in missing}
        hints = [f"Did you mean {name!r} by {guess[0]!r}?" for name, guess in meant.items() if guess]
        example = f"Give it first: `{cls.__name__}({', '.join(f'{name}=…' for name in missing)})`."
        raise ArgumentError(
            f"{cls.__name__} is missing its required argument {', '.join(map(repr, missing))}. {' '.join(hints) or example}"
        )


def _current(owner: object, name: str, otherwise: Any) -> Any:
    """The attribute that holds the argument, if there is one."""
    try:
        value = getattr(owner, name)
    except (AttributeError, ValueError):
        return otherwise
    return otherwise if inspect.ismethod(value) else value
