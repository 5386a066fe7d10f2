"""Whole models in `.h5` files, the format before `.keras`: written as Keras 3 writes them, read as Keras 2 and Keras 3 wrote them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cornu import registry, serialization
from cornu.errors import ConfigError, CornuError, CorruptFileError, UnknownNameError, UnsafeFileError
from cornu.saving import legacy
from cornu.saving.hdf5 import Hdf5Reader, Hdf5Writer
from cornu.saving.layered import LayeredStore, assign_by_layers, write_layers
from cornu.saving.loadable import loadable_config
from cornu.saving.stores import numbers_for, refuse_assets, refuse_own_state
from cornu.state.allowance import allowance

__all__ = ["make_model", "read_h5_model", "write_h5_model"]

MAX_JSON = 256 * 2**20


def write_h5_model(model: Any, path: Path, version: str, *, optimizer: bool = True) -> None:
    """Writes a whole model.

    Args:
        model: the model.
        path: the file, anew.
        version: the `keras_version` that the file states.
        optimizer: whether it says how the model was compiled, with the optimizer's state.

    Raises:
        ConfigError: the model could not be loaded again.
        SavingError: a layer has more to save than its weights, such as a vocabulary found in data, for which the format has no place.
    """
    for refuse in (refuse_own_state, refuse_assets):
        refuse(model, "The format `.h5`", "a `.keras` file")
    config = json.loads(loadable_config(model, compiled=optimizer))
    compiled = config.get("compile_config")
    backend = model._home_backend_().NAME
    with Hdf5Writer(path) as writer:
        for group in ("", "model_weights"):
            writer.text(group, "backend", backend)
            writer.text(group, "keras_version", version)
        writer.text("", "model_config", json.dumps(legacy.older_model_config(config)))
        if compiled:
            told = {name: config[name] for name in ("on_nonfinite",) if name in config}
            writer.text("", "training_config", json.dumps({**legacy.older_compile_config(compiled), **told}))
        write_layers(model, writer, optimizer=optimizer)


def read_h5_model(path: Path, custom_objects: Mapping[str, Any] | None, *, compiled: bool) -> Any:
    """Reads a whole model.

    Args:
        path: the file.
        custom_objects: classes and functions that the file names and that are not registered.
        compiled: whether the model is compiled as it was, with the optimizer's state.

    Raises:
        ConfigError: the file holds no model, only weights; or one that cannot be made.
    """
    name = os.fspath(path)
    with Hdf5Reader(path) as reader, registry.scope(custom_objects):
        described = _json(reader, "model_config")
        if described is None:
            raise ConfigError(f"{name!r} holds no model, only weights. Make the model, then read them with `model.load_weights({name!r})`.")
        older = legacy.keras_2(reader.text("", "keras_version") or reader.text("model_weights", "keras_version"))
        config = legacy.model_config(described, keras_2=older)
        training = _json(reader, "training_config") if compiled else None
        if training is not None:
            config["compile_config"] = legacy.compile_config(training)
            config["on_nonfinite"] = training.get("on_nonfinite")
        store = LayeredStore(reader)
        model = make_model(config, numbers_for(store), name)
        assign_by_layers(model, store, strict_optimizer=not older)
    return model


def make_model(config: Any, numbers: int, name: str) -> Any:
    """The model that a file describes, with fresh weights.

    Args:
        config: its configuration.
        numbers: how many numbers its variables may hold.
        name: the file's, for messages.

    Raises:
        ConfigError: the configuration describes no model, or one that cannot be made.
        UnknownNameError: it names a class that is not registered.
    """
    try:
        with allowance(numbers):
            model = serialization.deserialize(config)
    except UnknownNameError as error:  # most often that of a class of the user's
        error.add_note(
            f"If {error.name!r} is your own, register it with @cornu.saving.register_keras_serializable() before loading, "
            f"or pass custom_objects={{{error.name!r}: …}}."
        )
        raise
    except CornuError:
        raise
    except Exception as error:
        raise ConfigError(f"The model in {name!r} cannot be made from its configuration: {type(error).__name__}: {error}") from error
    if not hasattr(model, "save_own_variables"):
        raise ConfigError(f"{name!r} must describe a model, and describes {model!r}.")
    return model


def _json(reader: Hdf5Reader, key: str) -> Any:
    text = reader.text("", key)
    if text is None:
        return None
    if len(text) > MAX_JSON:
        raise UnsafeFileError(f"The attribute {key!r} of {reader.name!r} must have at most {MAX_JSON} letters; it has {len(text)}.")
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    raise CorruptFileError(f"The attribute {key!r} of {reader.name!r} must hold JSON; it begins {text[:100]!r}.")
