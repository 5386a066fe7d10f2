"""What goes into and what comes out of models trained on ImageNet: pixels scaled as they were in training, classes by their names."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cornu import backends, config, dtypes, ops
from cornu.applications.architecture import CLASSES, published_files
from cornu.downloads import get_file
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array

__all__ = ["Preprocessing", "decode_predictions", "preprocess_input", "preprocessing"]

CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red
TORCH_MEAN, TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue
MODES = {
    "caffe": "colours from red, green, blue to blue, green, red, and ImageNet's mean of each subtracted",
    "tf": "pixels from [0, 255] to [-1, 1]",
    "torch": "pixels from [0, 255] to [0, 1], then each colour to ImageNet's mean 0 and variance 1",
    "none": "nothing: the model scales its pixels itself, which run from 0 to 255",
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Array:
    """Images scaled as in the training of published weights; the given array stays as it is.

    Args:
        x: one image or a batch, colours in the order red, green, blue, values from 0 to 255; a NumPy array, a tensor or a symbolic tensor.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        mode: "caffe", blue-green-red with ImageNet's means subtracted; "tf", `x / 127.5 - 1`; "torch",
            `(x / 255 - mean) / deviation` of each colour.

    Shapes: (height, width, 3) or (batch, height, width, 3), or channels first, to the same. Floats keep their dtype, integers become `floatx`.
    What was a NumPy array stays one.

    Raises:
        ArgumentError: an unknown mode or data format.
        ShapeError: not one image or a batch of them, or not three colours.

    >>> preprocess_input(np.array([[[0, 127.5, 255]]]), mode="tf").tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ArgumentError(f"mode must be 'caffe', 'tf' or 'torch', got {mode!r}.")
    axis = -3 if config.standardize_data_format(data_format) == "channels_first" else -1
    if isinstance(x, np.ndarray):
        with backends.use_backend("numpy"):
            return _scaled(x, mode, axis)
    return _scaled(x if hasattr(x, "shape") else ops.convert_to_tensor(x), mode, axis)


def _scaled(x: Any, mode: str, axis: int) -> Array:
    if len(x.shape) not in (3, 4) or (mode != "tf" and x.shape[axis] != 3):
        raise ShapeError(
            f"Images are (height, width, 3) or (batch, height, width, 3), or channels first by data_format; got the shape {tuple(x.shape)}."
        )
    if not dtypes.is_floating(dtypes.standardize(x.dtype)):
        x = ops.cast(x, config.floatx())
    if mode == "tf":
        return ops.subtract(ops.divide(x, 127.5), 1.0)

    def by_colour(values: tuple[float, ...]) -> np.ndarray:
        return np.asarray(values, dtypes.standardize(x.dtype)).reshape((3,) + (1,) * (-axis - 1))

    if mode == "caffe":
        return ops.subtract(ops.flip(x, axis), by_colour(CAFFE_MEAN))
    return ops.divide(ops.subtract(ops.divide(x, 255.0), by_colour(TORCH_MEAN)), by_colour(TORCH_DEVIATION))


class Preprocessing(Protocol):
    """A function from images to what a model of its family takes; see `preprocess_input` for arguments, shapes and errors."""

    def __call__(self, x: Any, data_format: str | None = None) -> Array:
        """The images on the scale of the model."""
        ...


def preprocessing(mode: str, module: str) -> Preprocessing:
    """A family's own `preprocess_input`, with its mode settled.

    Args:
        mode: as `preprocess_input` has it, or "none".
        module: the family's.
    """

    def preprocess_input(x: Any, data_format: str | None = None) -> Array:
        return x if mode == "none" else scale(x, data_format, mode)

    preprocess_input.__module__ = module
    preprocess_input.__doc__ = f"""Images as this family's models take them: {MODES[mode]}.

    Args, shapes, errors: see `imagenet_utils.preprocess_input`.
    """
    return preprocess_input


scale = preprocess_input


@functools.cache
def class_names() -> list[tuple[str, str]]:
    """For each class of ImageNet its WordNet number and its name, fetched once."""
    file = published_files()["class_index"][0]
    index = json.loads(Path(get_file(origin=file["url"], cache_subdir="models", file_hash=file["digest"])).read_text("utf-8"))
    return [tuple(index[str(i)]) for i in range(CLASSES)]


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The likeliest classes of ImageNet, by name.

    Args:
        preds: probabilities or logits, (batch, 1000); a NumPy array or a tensor.
        top: how many classes to name.

    Returns:
        For each row a list of (WordNet number, name, value), the largest value first.

    Raises:
        ShapeError: not of that shape, as of a model with other classes.

    Example:
        decode_predictions(model.predict(images), top=3)[0]
        # [("n02504458", "African_elephant", 0.83), ("n01871265", "tusker", 0.11), ("n02504013", "Indian_elephant", 0.05)]
    """
    values = ops.convert_to_numpy(preds)
    if values.ndim != 2 or values.shape[1] != CLASSES:
        raise ShapeError(
            f"preds must be (batch, {CLASSES}), what a model with ImageNet's classes gives, got the shape {values.shape}. "
            "A model with classes of its own has names of its own."
        )
    names = class_names()
    best = np.argsort(-values, axis=1, kind="stable")[:, : max(top, 0)]
    return [[(*names[i], float(row[i])) for i in places] for row, places in zip(values, best, strict=True)]
