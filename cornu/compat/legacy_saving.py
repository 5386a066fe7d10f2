"""`keras.legacy.saving` and `keras.utils.legacy`: configurations as Keras 2 wrote them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cornu import registry, serialization
from cornu.compat.notice import notice
from cornu.errors import ConfigError, UnknownNameError

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance: Any) -> Any:
    """`{"class_name": name, "config": arguments}` of an object; the name of a function; None of None.

    Raises:
        ConfigError: a value that has neither a configuration nor a name.

    >>> from cornu import initializers
    >>> serialize_keras_object(initializers.Zeros())
    {'class_name': 'Zeros', 'config': {}}
    """
    notice("keras.legacy.saving", "is `keras.saving` today")
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": registry.registered_name(type(instance)), "config": serialization.serialize(instance.get_config())}
    if inspect.isroutine(instance) and instance.__name__ != "<lambda>":
        return registry.registered_name(instance)
    raise ConfigError(f"An object with `get_config`, or a named function, can be serialised, got {instance!r}.")


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a configuration or a name describes.

    Args:
        identifier: what `serialize_keras_object` gives.
        module_objects: names that are looked for last.
        custom_objects: names that are looked for first.
        printable_module_name: what an error calls that which was looked for.

    Raises:
        ConfigError: nothing has that name, or it is no configuration.

    >>> deserialize_keras_object({"class_name": "Zeros", "config": {}})
    Zeros()
    """
    notice("keras.legacy.saving", "is `keras.saving` today")
    if identifier is None:
        return None
    with registry.scope({**(module_objects or {}), **registry.custom_objects(), **(custom_objects or {})}):
        try:
            if isinstance(identifier, Mapping):
                return registry.build(identifier)
            if isinstance(identifier, str):
                found = registry.find(identifier)
                return found() if inspect.isclass(found) else found
        except UnknownNameError as error:
            raise ConfigError(f"The {printable_module_name} cannot be made. {error}") from None
    if callable(identifier):
        return identifier
    raise ConfigError(f"A {printable_module_name} must be described by a name or a configuration, got {identifier!r}.")
