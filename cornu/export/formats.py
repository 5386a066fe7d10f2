"""The formats there are, by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from cornu.errors import ArgumentError, BackendError, UnknownNameError
from cornu.export.litert import write_litert
from cornu.export.tf_saved_model import write_saved_model
from cornu.export.torch_program import write_torch_program

__all__ = ["FORMATS", "export_model"]

FORMATS: dict[str, Callable[..., None]] = {
    "tf_saved_model": write_saved_model,
    "litert": write_litert,
    "torch": write_torch_program,
}
"""What writes each format: a function of the model, the path, and the signature of the inputs."""

_BY_OTHERS = {
    "onnx": "`pip install tf2onnx` and `python -m tf2onnx.convert --saved-model FOLDER --output model.onnx`",
    "openvino": "`pip install openvino` and `ovc FOLDER --output_model model.xml`",
}
"""Formats that other programs make of a SavedModel, and how."""


def export_model(
    model: Any, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, input_signature: Any = None, **kwargs: Any
) -> None:
    """Writes the model's forward pass, in inference, in one of `FORMATS`.

    Args:
        model: a built model, on any backend.
        filepath: where to: a folder for "tf_saved_model", a file ".tflite" for "litert", ".pt2" for "torch".
        format: "tf_saved_model" (`write_saved_model`), "litert" (`write_litert`) or "torch" (`write_torch_program`).
        verbose: True says where it was written.
        input_signature: specs of the inputs in the order of the model's, each with `shape` and `dtype`; by default what it was built with.
        kwargs: settings that the format has: for "litert" those of TensorFlow's converter.

    Raises:
        UnknownNameError: a format that is not there.
        BackendError: one that other programs make of a SavedModel: "onnx" and "openvino".
        ArgumentError: further arguments that the format does not have.

    >>> import os, tempfile, cornu
    >>> with cornu.use_backend("tensorflow"), tempfile.TemporaryDirectory() as folder:
    ...     model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    ...     export_model(model, folder + "/model")
    ...     os.path.exists(folder + "/model/saved_model.pb")
    True
    """
    if format in _BY_OTHERS:
        raise BackendError(
            f"The format {format!r} is made of a SavedModel by a program of its own. Call `model.export(FOLDER)`, then {_BY_OTHERS[format]}."
        )
    if format not in FORMATS:
        raise UnknownNameError("export format", format, (*FORMATS, *_BY_OTHERS))
    if kwargs and format != "litert":
        raise ArgumentError(f"The format {format!r} takes no further arguments, got {sorted(kwargs)}. Leave them out.")
    FORMATS[format](model, filepath, input_signature, **kwargs)
    if verbose:
        sys.stdout.write(f"Exported {model.name!r} as {format} to {filepath}\n")
