"""What stands between files and a model: images, text and sequences, read, changed and gathered into batches.

    images = cornu.preprocessing.image.ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
    model.fit(images.flow_from_directory("photos", target_size=(96, 96), class_mode="binary"), epochs=10)

Nothing here needs a backend: batches are NumPy arrays.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.preprocessing import image as image
    from cornu.preprocessing import sequence as sequence
    from cornu.preprocessing import text as text

_HOMES: dict[str, str] = {}

__all__ = ["image", "sequence", "text", *_HOMES]  # noqa: PLE0604 - names as texts


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name in ("image", "sequence", "text"):
        return importlib.import_module(f"cornu.preprocessing.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'cornu.preprocessing' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"cornu.preprocessing.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
