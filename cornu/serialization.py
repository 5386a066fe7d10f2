"""Objects as configurations, and configurations as objects: the one place where the two meet.

A configuration is made of what JSON holds, laid out as in Keras's files:

- an object is `{"module", "class_name", "config", "registered_name"}`, its `config` the arguments of its constructor;
- a function is such a dict whose `config` is its name; so is a dtype given as a class;
- an array, a tensor, a slice, an ellipsis, bytes are `{"class_name": "__numpy__", "config": {…}}`, and so on.

Reading makes only what the registry knows by name. Nothing is imported, no code in a file is ever run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cornu import backends, dtypes, registry
from cornu.errors import ArgumentError, ConfigError, CornuError, UnsafeFileError
from cornu.registry import ACTIVATIONS, Role

__all__ = ["deserialize", "deserialize_keras_object", "revive", "serialize", "serialize_argument", "serialize_keras_object"]

_PLAIN = (str, int, float, type(None))
_PYTHON_TYPES = {cls.__name__: cls for cls in (bool, int, float, complex, str)}


def serialize(obj: Any) -> Any:
    """What JSON can hold of an object; what it can hold already comes back as it is, so that serialising twice is serialising once.

    Args:
        obj: an object with `get_config` (a layer, an initializer, …), a function, an array, a dtype, a slice, a number, a text, bytes,
            `...`, or lists, tuples and dicts of these.

    Raises:
        ConfigError: what has no name under which it could be found again (a lambda), or no form in a file (a set, an open file).

    >>> serialize((1, np.float32(0.5), slice(0, 2)))
    (1, 0.5, {'class_name': '__slice__', 'config': {'start': 0, 'stop': 2, 'step': None}})
    """
    if isinstance(obj, _PLAIN) and not isinstance(obj, np.generic):
        return obj
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return {_key(name): serialize(value) for name, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return (list if isinstance(obj, list) else tuple)(serialize(value) for value in obj)
    if inspect.isclass(obj):
        return _named("type", _type_name(obj))
    if hasattr(obj, "get_config"):
        return _object(obj)
    value = _value(obj)
    return _function(obj) if value is NotImplemented else value


def _key(name: Any) -> Any:
    if isinstance(name, _PLAIN):
        return name
    raise ConfigError(f"The keys of a dict in a configuration must be texts or numbers, got {name!r}.")


def _special(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": config}


def _named(kind: str, name: str) -> dict[str, Any]:
    return {"module": "builtins", "class_name": kind, "config": name, "registered_name": kind}


def _value(obj: Any) -> Any:
    """Numbers, arrays, and the values of Python that JSON has no word for; NotImplemented for all others."""
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.dtype):
        return dtypes.standardize(obj)
    if isinstance(obj, slice):
        return _special("__slice__", start=serialize(obj.start), stop=serialize(obj.stop), step=serialize(obj.step))
    if obj is ...:
        return _special("__ellipsis__")
    if isinstance(obj, bytes):
        return _special("__bytes__", value=obj.decode("utf-8"))
    if isinstance(obj, np.ndarray):
        return _special("__numpy__", value=obj.tolist(), dtype=dtypes.standardize(obj.dtype))
    home = next((module for module in backends.loaded() if isinstance(obj, module.ARRAY_TYPES)), None)
    return NotImplemented if home is None else _special("__tensor__", value=home.to_numpy(obj).tolist(), dtype=home.dtype(obj))


def _type_name(cls: type) -> str:
    if _PYTHON_TYPES.get(cls.__name__) is cls:
        return cls.__name__
    if issubclass(cls, np.generic):
        return dtypes.standardize(cls)  # type: ignore[arg-type]
    raise ConfigError(f"A class can stand in a configuration only if it is a dtype, got {cls!r}. Give an object made of it.")


def _function(fn: Any) -> dict[str, Any]:
    name = registry.registered_name(fn) if callable(fn) and hasattr(fn, "__name__") else None
    if name is None:
        what = f"{fn!r} of type {type(fn).__name__}"
        raise ConfigError(f"A configuration cannot hold {what}. Give its class a `get_config` method and register it.")
    if name == "<lambda>":
        raise ConfigError(f"A lambda has no name under which a file could hold it, got {fn!r}. Write it with `def`, and register it.")
    return _named("function", name)


_FOLLOWING = {"build_config": "get_build_config", "compile_config": "get_compile_config", "on_nonfinite": "_policy_for_files_"}
"""What stands beside an object's configuration, and whence it comes. Keras, too, passes over what it does not know here; in `compile_config` it would not."""


def _object(obj: Any) -> dict[str, Any]:
    head = obj._config_head_() if hasattr(obj, "_config_head_") else _head(type(obj))
    made = {"module": head["module"], "class_name": head["class_name"], "config": serialize(obj.get_config())}
    made["registered_name"] = head["registered_name"]
    for name, hook in _FOLLOWING.items():
        extra = getattr(obj, hook)() if hasattr(obj, hook) else None
        if extra is not None:
            made[name] = serialize(extra)
    return made


def _head(cls: type) -> dict[str, Any]:
    """How a file names a class: Cornu's own by the public module of their role, a user's by the registered name."""
    module = registry.module_of(cls)
    name = vars(cls).get("public_name", cls.__name__)
    return {"module": module, "class_name": name, "registered_name": None if module else registry.registered_name(cls)}


def serialize_argument(name: str, value: Any) -> Any:
    """What a configuration holds of a constructor's argument: as `serialize`, a built-in activation function by its name alone.

    >>> from cornu import activations
    >>> serialize_argument("recurrent_activation", activations.tanh)
    'tanh'
    """
    if name.endswith("activation") and inspect.isroutine(value) and value in ACTIVATIONS.values():
        return value.__name__
    return serialize(value)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None, role: Role | None = None) -> Any:
    """The object that a configuration describes; what describes none (numbers, texts, objects made already) is given back.

    Args:
        config: what `serialize` gives, also after a journey through JSON.
        custom_objects: names that stand for the caller's own classes and functions meanwhile.
        role: what is wanted, e.g. `registry.LOSSES`; told by the configuration's module if None. With a role, a mere name will do.

    Raises:
        UnknownNameError: a name that is not registered.
        UnsafeFileError: a lambda, whose code Cornu never runs.
    """
    with registry.scope(custom_objects):
        if isinstance(config, str) and role is not None:
            return role.get(config)
        if isinstance(config, Mapping) and _reader(config) is None and isinstance(config.get("class_name"), str):
            return registry.build(config, role)
        return revive(config)


def revive(value: Any) -> Any:
    """`value` with every configuration within it, however deep, turned into the object that it describes.

    A dict counts as a configuration if it has `class_name` and `config`, and says its `module` or `registered_name`. One that says
    neither, as in older files, is left to who knows what it is meant to be.
    """
    if isinstance(value, Mapping) and not hasattr(value, "get_config"):  # a map of policies is an object made already
        read = _reader(value)
        if read is not None:
            return _read(read, value)
        if isinstance(value.get("class_name"), str) and "config" in value and ("module" in value or "registered_name" in value):
            return registry.build(value)
        return {name: revive(inner) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(revive(inner) for inner in value)
    return value


def _reader(config: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """What reads a configuration of something else than an object of a registered class; None for those."""
    name = config.get("class_name")
    if not isinstance(name, str) or "config" not in config:
        return None
    if name == "type" and config.get("module") == "builtins":
        return _type
    return _READERS.get(name)


def _read(reader: Callable[[Any], Any], value: Mapping[str, Any]) -> Any:
    try:
        return reader(value["config"])
    except CornuError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"A configuration of {value['class_name']!r} cannot be read: {value['config']!r} ({error}).") from error


def _array(config: Mapping[str, Any]) -> np.ndarray:
    return np.array(config["value"], dtypes.numpy_dtype(config["dtype"]))


def _tensor(config: Mapping[str, Any]) -> Any:
    return backends.current().asarray(_array(config))


def _slice(config: Mapping[str, Any]) -> slice:
    return slice(*(revive(config.get(name)) for name in ("start", "stop", "step")))


def _type(name: Any) -> type:
    return _PYTHON_TYPES[name] if name in _PYTHON_TYPES else dtypes.numpy_dtype(name).type


def _lambda(config: Any) -> Any:
    raise UnsafeFileError(
        "The configuration holds the code of a lambda, which Cornu never runs, whatever `safe_mode` says. Write the function with `def`, "
        "register it with `cornu.saving.register_keras_serializable()`, and save the model anew with it in the lambda's place."
    )


_READERS: dict[str, Callable[[Any], Any]] = {
    "__numpy__": _array,
    "__tensor__": _tensor,
    "__slice__": _slice,
    "__ellipsis__": lambda _: ...,
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__lambda__": _lambda,
}


def serialize_keras_object(obj: Any) -> Any:
    """What JSON can hold of an object: `serialize` by the name that Keras's users know."""
    return serialize(obj)


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any) -> Any:
    """The object that a configuration describes: `deserialize` by the name that Keras's users know.

    Args:
        config: what `serialize_keras_object` gives.
        custom_objects: names that stand for the caller's own classes and functions meanwhile.
        safe_mode: loading is safe in either case: a lambda is refused even if this is False.
        module_objects: further names, as older programs give them.
    """
    more = kwargs.pop("module_objects", None) or {}
    kwargs.pop("printable_module_name", None)  # once a word in error messages
    if kwargs or not isinstance(safe_mode, bool):
        got = f"{safe_mode=} and {sorted(kwargs)}"
        raise ArgumentError(f"deserialize_keras_object takes `custom_objects`, `safe_mode` (a bool) and `module_objects`, got {got}.")
    return deserialize(config, {**more, **registry.by_name(custom_objects)})
