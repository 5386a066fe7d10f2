"""Which names stand for which classes and functions, and nothing else.

A model file, a configuration or a string such as `loss="mse"` can reach only what stands in two tables:

- the built-in table, by role (`LAYERS`, `LOSSES`, `OPTIMIZERS`, …), filled once by each family of Cornu and closed to other packages;
- the table of what the user registered (`register`), or passed along (`scope`), with the user's own objects.

A module path in a file is never imported: it is at most a hint of the role (`role_of`). A name that is not found has the families imported
that are not yet (`ROOMS`, Cornu's own), so that a file can be read whatever was imported before.

A family's side of it:

    from cornu.registry import LOSSES

    LOSSES.add(mean_squared_error, "mse", "MSE")
    LOSSES.add(MeanSquaredError)                 # also under its snake-case name, unless that one is taken

    def get(identifier):
        return LOSSES.get(identifier)
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TypeVar

from cornu.errors import ArgumentError, ConfigError, UnknownNameError

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINTS",
    "DTYPE_POLICIES",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "MODELS",
    "OPS",
    "OPTIMIZERS",
    "QUANTIZERS",
    "RANDOM",
    "REGULARIZERS",
    "ROLES",
    "SCHEDULES",
    "Role",
    "build",
    "custom_objects",
    "find",
    "find_custom",
    "global_custom_objects",
    "module_of",
    "register",
    "registered_name",
    "role_of",
    "scope",
    "snake_case",
]

Thing = TypeVar("Thing", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """The name in small letters and underscores, as layers, optimizers and file groups are named.

    >>> [snake_case(n) for n in ("Conv2DTranspose", "PReLU", "LSTMCell", "RMSprop")]
    ['conv2d_transpose', 'p_re_lu', 'lstm_cell', 'rm_sprop']
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)  # a capital that begins a word
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()  # a capital after a small letter


class Role:
    """One role's table: the built-in classes and functions that a name in this role may stand for.

    Args:
        name: the role in words, singular, as error messages say it ("loss").
        module: the public module of this role ("keras.losses"), as files name it.
        written: the module that files name for its classes, where that is another.
    """

    def __init__(self, name: str, module: str, written: str | None = None) -> None:
        self.name, self.module, self.written = name, module, written or module
        self._table: dict[str, Callable[..., Any]] = {}
        self._modules: dict[Callable[..., Any], str] = {}

    def add(self, thing: Thing, *aliases: str, module: str | None = None) -> Thing:
        """Enter a class or function of Cornu under its own name, its snake-case name and the aliases; gives it back (so it is a decorator).

        The snake-case name yields to an entry that already has it (the function `hinge` keeps its name beside the class `Hinge`,
        if it was added first); an own name or alias that is taken is an `ArgumentError`. `module` is the public module that files
        name for it, if that is not the role's usual one.
        """
        if thing.__module__.partition(".")[0] != "cornu":
            raise ArgumentError(f"The built-in {self.name} table takes only Cornu's own, not {thing!r}; use `register` instead.")
        for name in (thing.__name__, *aliases):
            if self._table.setdefault(name, thing) is not thing:
                raise ArgumentError(f"The {self.name} name {name!r} already stands for {self._table[name]!r}, so {thing!r} cannot take it.")
        self._table.setdefault(snake_case(thing.__name__), thing)
        self._modules[thing] = module or self.written
        return thing

    def module_of(self, thing: Any) -> str | None:
        """The public module that files name for a built-in of this role; None for anything else."""
        return self._modules.get(thing)

    def values(self) -> Collection[Callable[..., Any]]:
        """The built-ins of this role, each once."""
        return self._modules.keys()

    def names(self) -> list[str]:
        """Every built-in name of this role, sorted."""
        return sorted(self._table)

    def __contains__(self, name: object) -> bool:
        """Whether a built-in of this role has that name."""
        return name in self._table

    def lookup(self, name: str) -> Callable[..., Any]:
        """The class or function of that name: the user's objects first, then the built-ins.

        Raises:
            UnknownNameError: with the nearest names, when there is none.
        """
        found = find_custom(name) or self._table.get(name)
        if found is None:
            open_rooms()
            found = self._table.get(name)
        if found is None:
            raise UnknownNameError(self.name, name, [*self._table, *custom_objects()])
        return found

    def get(self, identifier: Any) -> Any:
        """The object that an identifier stands for.

        Args:
            identifier: None (gives None), a name (a class is made without arguments, a function is given back),
                a configuration `{"class_name": …, "config": …}`, a class (made without arguments), or any callable (given back).
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.lookup(identifier)
        if isinstance(identifier, Mapping):
            return build(identifier, self)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier):
            return identifier
        raise ArgumentError(f"A {self.name} must be a name, a configuration, a class or a callable, not {identifier!r}.")


LAYERS = Role("layer", "keras.layers")
MODELS = Role("model", "keras.models", written="keras")
SCHEDULES = Role("learning-rate schedule", "keras.optimizers.schedules")
OPTIMIZERS = Role("optimizer", "keras.optimizers")
LOSSES = Role("loss", "keras.losses")
METRICS = Role("metric", "keras.metrics")
INITIALIZERS = Role("initializer", "keras.initializers")
REGULARIZERS = Role("regularizer", "keras.regularizers")
CONSTRAINTS = Role("constraint", "keras.constraints")
ACTIVATIONS = Role("activation", "keras.activations")
DTYPE_POLICIES = Role("dtype policy", "keras.dtype_policies", written="keras")
QUANTIZERS = Role("quantizer", "keras.quantizers")
RANDOM = Role("random generator", "keras.random")
OPS = Role("op", "keras.ops")

ROLES: tuple[Role, ...] = (
    *(LAYERS, MODELS, SCHEDULES, OPTIMIZERS, LOSSES, METRICS, INITIALIZERS, REGULARIZERS),
    *(CONSTRAINTS, ACTIVATIONS, DTYPE_POLICIES, QUANTIZERS, RANDOM, OPS),
)
"""All roles, in the order in which a name without a role is looked for."""

ROOMS = tuple(
    f"cornu.{room}"
    for room in (
        "activations",
        "initializers",
        "regularizers",
        "constraints",
        "losses",
        "metrics",
        "optimizers",
        "random",
        "quantizers",
        "layers",
        "models",
        "interop",
        "applications.layers",
        "distillation",
        "feature_space",
    )
)
"""The modules that fill the tables."""


@functools.cache
def open_rooms() -> None:
    """Imports every family, so that the tables are full."""
    for room in ROOMS:
        importlib.import_module(room)


_global: dict[str, Any] = {}
_scoped: ContextVar[Mapping[str, Any]] = ContextVar("cornu_custom_objects", default=MappingProxyType({}))


def role_of(module: str | None) -> Role | None:
    """The role that a file's module path hints at; None where it hints at none. The path is only read, never imported.

    >>> role_of("keras.src.optimizers.schedules.learning_rate_schedule") is SCHEDULES
    True
    """
    words = (module or "").split(".")
    hinted = {role.module.rpartition(".")[2]: role for role in ROLES}
    return next((hinted[word] for word in reversed(words) if word in hinted), None)


def register(package: str = "Custom", name: str | None = None) -> Callable[[Thing], Thing]:
    """A decorator that lets files name this class or function as `package>name`.

    Raises:
        ArgumentError: the class has no `get_config`, so that it could not be written to a file.
    """

    def enter(thing: Thing) -> Thing:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ArgumentError(f"A registered class must have a `get_config` method, and {thing.__name__} has none.")
        key = f"{package}>{name or thing.__name__}"
        _global[key] = thing
        return thing

    return enter


def custom_objects() -> dict[str, Any]:
    """What the user registered and what the present `scope`s hold, in one new dict."""
    return {**_global, **_scoped.get()}


def global_custom_objects() -> dict[str, Any]:
    """The live table of what the user registered; adding to it is registering."""
    return _global


def registered_name(thing: Callable[..., Any]) -> str:
    """`package>name` of a registered class or function, else its own name."""
    return next((key for key, known in custom_objects().items() if known is thing), thing.__name__)


def find_custom(*names: str) -> Any:
    """The user's object of the first of these names that has one, scopes before registrations; None if there is none."""
    known = custom_objects()
    return next((known[key] for key in names if key in known), None)


def by_name(objects: Mapping[str, Any] | None) -> dict[str, Any]:
    """A user's objects as a new dict.

    Raises:
        ArgumentError: they do not come by name.
    """
    if objects is not None and not (isinstance(objects, Mapping) and all(isinstance(name, str) for name in objects)):
        raise ArgumentError(f"custom_objects must be a dict of classes and functions by name, {{'Mine': Mine}}, got {objects!r}.")
    return dict(objects or {})


@contextlib.contextmanager
def scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Within it, these names too stand for these objects, in this thread and task alone.

    Raises:
        ArgumentError: the objects do not come by name.
    """
    token = _scoped.set({**_scoped.get(), **by_name(objects)})
    try:
        yield
    finally:
        _scoped.reset(token)


def module_of(thing: Callable[..., Any]) -> str | None:
    """The public module that files name for a built-in class or function; None for a user's.

    >>> from cornu.initializers import Zeros
    >>> module_of(Zeros)
    'keras.initializers'
    """
    return next((module for role in ROLES if (module := role.module_of(thing)) is not None), None)


def find(name: str, role: Role | None = None) -> Callable[..., Any]:
    """The class or function of that name in a role, or in the first of all roles that has it.

    Raises:
        UnknownNameError: with the nearest names, when there is none.
    """
    if role is not None:
        return role.lookup(name)
    found = find_custom(name)
    if found is None:
        open_rooms()
        found = next((role.lookup(name) for role in ROLES if name in role), None)
    if found is None:
        raise UnknownNameError("class or function", name, [*custom_objects(), *(known for role in ROLES for known in role.names())])
    return found


def build(config: Mapping[str, Any], role: Role | None = None) -> Any:
    """The object that a configuration `{"class_name": name, "config": arguments}` describes.

    Its class is sought in the role that its module hints at, else in the given one, else in all. The class makes it through its
    `from_config`; it is built and compiled as it was (`build_from_config`, `compile_from_config`) if the configuration says so.
    `"class_name": "function"` names a function, which is given back, not called.
    """
    name, arguments = config.get("class_name"), config.get("config", {})
    if not isinstance(name, str):
        raise ConfigError(f"A configuration of {_words(role)} must have a text under 'class_name'; got {dict(config)!r}.")
    if name == "function":
        return _function(str(arguments), role)
    found = find_custom(config.get("registered_name") or "", name) or find(name, role_of(config.get("module")) or role)
    if not (inspect.isclass(found) and isinstance(arguments, Mapping)):
        raise ConfigError(f"A configuration must name a class and hold its arguments; {name!r} is {found!r} with {arguments!r}.")
    make = getattr(found, "from_config", None)
    made = make(dict(arguments)) if make else found(**arguments)
    for key, hook in _FINISHING.items():
        finish = getattr(made, hook, None)
        if config.get(key) and finish is not None:
            finish(config[key])
    return made


_FINISHING = {"build_config": "build_from_config", "compile_config": "compile_from_config", "on_nonfinite": "_take_policy_"}
"""What stands beside an object's configuration, and what takes it up."""


def _function(name: str, role: Role | None) -> Callable[..., Any]:
    found = find(name, role)
    if inspect.isclass(found):
        raise ConfigError(f"{name!r} must be a function where {_words(role)} is described as one, and it is {found!r}.")
    return found


def _words(role: Role | None) -> str:
    return "an object" if role is None else f"a {role.name}"
