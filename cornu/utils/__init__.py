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
    from cornu.feature_space import FeatureSpace as FeatureSpace
    from cornu.preprocessing.audio_dataset import audio_dataset_from_directory as audio_dataset_from_directory
    from cornu.preprocessing.image.arrays import array_to_img as array_to_img
    from cornu.preprocessing.image.arrays import img_to_array as img_to_array
    from cornu.preprocessing.image.files import load_img as load_img
    from cornu.preprocessing.image.files import save_img as save_img
    from cornu.preprocessing.image_dataset import image_dataset_from_directory as image_dataset_from_directory
    from cornu.preprocessing.sequence import pad_sequences as pad_sequences
    from cornu.preprocessing.split_dataset import split_dataset as split_dataset
    from cornu.preprocessing.text_dataset import text_dataset_from_directory as text_dataset_from_directory
    from cornu.preprocessing.timeseries_dataset import timeseries_dataset_from_array as timeseries_dataset_from_array
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
    from cornu.utils import bounding_boxes as bounding_boxes
    from cornu.utils.arrays import normalize as normalize
    from cornu.utils.arrays import to_categorical as to_categorical
    from cornu.utils.diagram import model_to_dot as model_to_dot
    from cornu.utils.diagram import plot_model as plot_model
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
    "FeatureSpace": "feature_space",
    "Progbar": "callbacks.bar",
    "PyDataset": "training.data",
    "Sequence": "training.data:PyDataset",
    "array_to_img": "preprocessing.image.arrays",
    "audio_dataset_from_directory": "preprocessing.audio_dataset",
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
    "image_dataset_from_directory": "preprocessing.image_dataset",
    "img_to_array": "preprocessing.image.arrays",
    "is_interactive_logging_enabled": "config",
    "is_keras_tensor": "utils.inputs",
    "load_img": "preprocessing.image.files",
    "model_to_dot": "utils.diagram",
    "normalize": "utils.arrays",
    "pack_x_y_sample_weight": "utils.inputs",
    "pad_sequences": "preprocessing.sequence",
    "plot_model": "utils.diagram",
    "register_keras_serializable": "registry:register",
    "save_img": "preprocessing.image.files",
    "serialize_keras_object": "serialization",
    "set_random_seed": "state",
    "split_dataset": "preprocessing.split_dataset",
    "standardize_dtype": "utils.inputs",
    "text_dataset_from_directory": "preprocessing.text_dataset",
    "timeseries_dataset_from_array": "preprocessing.timeseries_dataset",
    "to_categorical": "utils.arrays",
    "unpack_x_y_sample_weight": "utils.inputs",
}

__all__ = [*_HOMES, "bounding_boxes"]  # noqa: PLE0604 - names as texts


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name == "bounding_boxes":  # a module of its own
        return importlib.import_module("cornu.utils.bounding_boxes")
    if name not in _HOMES:
        raise AttributeError(f"module 'cornu.utils' has no attribute {name!r}")
    home, _, there = _HOMES[name].partition(":")
    value = globals()[name] = getattr(importlib.import_module(f"cornu.{home}"), there or name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
