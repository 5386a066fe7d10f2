"""Small things that programs around a model need, gathered from the rooms that make them; each is loaded when it is first used."""

# ruff: noqa: F401 - what is imported for type checkers is public under these names

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.callbacks.bar import Progbar as Progbar
    from cornu.config import disable_interactive_logging as disable_interactive_logging
    from cornu.config import enable_interactive_logging as enable_interactive_logging
    from cornu.config import is_interactive_logging_enabled as is_interactive_logging_enabled
    from cornu.downloads import get_file as get_file
    from cornu.registry import register as register_keras_serializable
    from cornu.saving.objects import CustomObjectScope as CustomObjectScope
    from cornu.saving.objects import custom_object_scope as custom_object_scope
    from cornu.saving.objects import get_custom_objects as get_custom_objects
    from cornu.saving.objects import get_registered_name as get_registered_name
    from cornu.saving.objects import get_registered_object as get_registered_object
    from cornu.serialization import deserialize_keras_object as deserialize_keras_object
    from cornu.serialization import serialize_keras_object as serialize_keras_object
    from cornu.state import set_random_seed as set_random_seed
    from cornu.training.data import PyDataset as PyDataset
    from cornu.training.data import PyDataset as Sequence
    from cornu.utils.arrays import normalize as normalize
    from cornu.utils.arrays import to_categorical as to_categorical
    from cornu.utils.inputs import get_source_inputs as get_source_inputs
    from cornu.utils.inputs import is_keras_tensor as is_keras_tensor
    from cornu.utils.inputs import pack_x_y_sample_weight as pack_x_y_sample_weight
    from cornu.utils.inputs import standardize_dtype as standardize_dtype
    from cornu.utils.inputs import unpack_x_y_sample_weight as unpack_x_y_sample_weight
    from cornu.utils.session import clear_session as clear_session
    from cornu.utils.settings import Config as Config

# where each name lives; after a colon, what it is called there
_HOMES = {
    "Config": "utils.settings",
    "CustomObjectScope": "saving.objects",
    "Progbar": "callbacks.bar",
    "PyDataset": "training.data",
    "Sequence": "training.data:PyDataset",
    "clear_session": "utils.session",
    "custom_object_scope": "saving.objects",
    "deserialize_keras_object": "serialization",
    "disable_interactive_logging": "config",
    "enable_interactive_logging": "config",
    "get_custom_objects": "saving.objects",
    "get_file": "downloads",
    "get_registered_name": "saving.objects",
    "get_registered_object": "saving.objects",
    "get_source_inputs": "utils.inputs",
    "is_interactive_logging_enabled": "config",
    "is_keras_tensor": "utils.inputs",
    "normalize": "utils.arrays",
    "pack_x_y_sample_weight": "utils.inputs",
    "register_keras_serializable": "registry:register",
    "serialize_keras_object": "serialization",
    "set_random_seed": "state",
    "standardize_dtype": "utils.inputs",
    "to_categorical": "utils.arrays",
    "unpack_x_y_sample_weight": "utils.inputs",
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
