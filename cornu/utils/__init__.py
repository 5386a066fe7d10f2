"""Small things that programs around a model need, gathered from the rooms that make them; each is loaded when it is first used."""

# ruff: noqa: F401 - what is imported for type checkers is public under these names

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.callbacks.bar import Progbar as Progbar
    from cornu.downloads import get_file as get_file
    from cornu.registry import custom_objects as get_custom_objects
    from cornu.registry import register as register_keras_serializable
    from cornu.registry import registered_name as get_registered_name
    from cornu.registry import scope as CustomObjectScope
    from cornu.registry import scope as custom_object_scope
    from cornu.serialization import deserialize_keras_object as deserialize_keras_object
    from cornu.serialization import serialize_keras_object as serialize_keras_object
    from cornu.state import set_random_seed as set_random_seed
    from cornu.training.data import PyDataset as PyDataset
    from cornu.utils.arrays import normalize as normalize
    from cornu.utils.arrays import to_categorical as to_categorical
    from cornu.utils.session import clear_session as clear_session

# where each name lives; after a colon, what it is called there
_HOMES = {
    "CustomObjectScope": "registry:scope",
    "Progbar": "callbacks.bar",
    "PyDataset": "training.data",
    "clear_session": "utils.session",
    "custom_object_scope": "registry:scope",
    "deserialize_keras_object": "serialization",
    "get_custom_objects": "registry:custom_objects",
    "get_file": "downloads",
    "get_registered_name": "registry:registered_name",
    "normalize": "utils.arrays",
    "register_keras_serializable": "registry:register",
    "serialize_keras_object": "serialization",
    "set_random_seed": "state",
    "to_categorical": "utils.arrays",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names as texts


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cornu.utils' has no attribute {name!r}")
    home, _, there = _HOMES[name].partition(":")
    value = globals()[name] = getattr(importlib.import_module(f"cornu.{home}"), there or name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
