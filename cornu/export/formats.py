"""The formats there are, by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from cornu.errors import ArgumentError, UnknownNameError
from cornu.export.tf_saved_model import write_saved_model

__all__ = ["FORMATS", "export_model"]

FORMATS: dict[str, Callable[..., None]] = {"tf_saved_model": write_saved_model}
"""What writes each format: a function of the model, the path, and the signature of the inputs."""


def export_model(
    model: Any, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, input_signature: Any = None, **kwargs: Any
) -> None:
    """Writes the model's forward pass, in inference, in one of `FORMATS`.

    Args:
        model: a built model.
        filepath: where to.
        format: "tf_saved_model".
        verbose: True says where it was written.
        input_signature: specs of the inputs in the order of the model's, each with `shape` and `dtype`; by default what it was built with.
        kwargs: none are known to these formats.

    Raises:
        UnknownNameError: a format that is not there.
        ArgumentError: further arguments.

    >>> import os, tempfile, cornu
    >>> with cornu.use_backend("tensorflow"), tempfile.TemporaryDirectory() as folder:
    ...     model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    ...     export_model(model, folder + "/model")
    ...     os.path.exists(folder + "/model/saved_model.pb")
    True
    """
    if format not in FORMATS:
        raise UnknownNameError("export format", format, tuple(FORMATS))
    if kwargs:
        raise ArgumentError(f"The format {format!r} takes no further arguments, got {sorted(kwargs)}. Leave them out.")
    FORMATS[format](model, filepath, input_signature)
    if verbose:
        sys.stdout.write(f"Exported {model.name!r} as {format} to {filepath}\n")
