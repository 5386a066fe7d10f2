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
    from cornu.preprocessing.audio_dataset import audio_dataset_from_directory as audio_dataset_from_directory
    from cornu.preprocessing.dataset import Dataset as Dataset
    from cornu.preprocessing.image_dataset import image_dataset_from_directory as image_dataset_from_directory
    from cornu.preprocessing.split_dataset import split_dataset as split_dataset
    from cornu.preprocessing.text_dataset import text_dataset_from_directory as text_dataset_from_directory
    from cornu.preprocessing.timeseries_dataset import timeseries_dataset_from_array as timeseries_dataset_from_array

# where each name lives
_HOMES = {
    "Dataset": "dataset",
    "audio_dataset_from_directory": "audio_dataset",
    "image_dataset_from_directory": "image_dataset",
    "split_dataset": "split_dataset",
    "text_dataset_from_directory": "text_dataset",
    "timeseries_dataset_from_array": "timeseries_dataset",
}

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
