"""Models as `pickle` and `copy` take them apart: the bytes of a `.keras` file, which holds no code, and the user's classes by reference."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cornu import backends
from cornu.layers.copying import custom_objects_of
from cornu.saving.model_file import load_model, save_model

__all__ = ["opened", "packed"]


def packed(model: Any) -> tuple[bytes, dict[str, Any], str]:
    """The arguments of `opened` that give this model again: its file, the user's classes in it, and its backend."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_model(model, path)
        return path.read_bytes(), custom_objects_of(model), model._home_backend_().NAME


def opened(content: bytes, objects: Mapping[str, Any], backend: str) -> Any:
    """The model again."""
    with tempfile.TemporaryDirectory() as folder, backends.use_backend(backend):
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return load_model(path, objects)
