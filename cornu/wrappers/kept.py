"""Models inside what is pickled: as the bytes of a `.keras` file, which holds no code."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cornu.models import Model, clone_model, load_model
from cornu.saving.model_file import save_model

__all__ = ["KeptModel", "fresh", "packed", "unpacked"]


class KeptModel:
    """A model as bytes.

    Args:
        content: those of its `.keras` file.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content

    @classmethod
    def of(cls, model: Model) -> KeptModel:
        """The bytes of this model."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            save_model(model, path)
            return cls(path.read_bytes())

    def open(self) -> Any:
        """The model again."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(self.content)
            return load_model(path)


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """An object's attributes with models as bytes."""
    return {name: KeptModel.of(value) if isinstance(value, Model) else value for name, value in state.items()}


def unpacked(state: dict[str, Any]) -> dict[str, Any]:
    """The attributes with models again."""
    return {name: value.open() if isinstance(value, KeptModel) else value for name, value in state.items()}


def fresh(model: Model) -> Any:
    """A model of the same architecture with fresh weights, compiled as this one is."""
    made = clone_model(model)
    made.compile_from_config(model.get_compile_config() or {})
    return made
