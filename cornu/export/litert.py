"""Models for LiteRT (TensorFlow Lite), which runs them on telephones and small machines."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

from cornu.errors import ArgumentError, BackendError
from cornu.export.tf_saved_model import archive_of
from cornu.saving.atomic import atomic_write

__all__ = ["write_litert"]


def write_litert(model: Any, filepath: Any, input_signature: Any = None, **kwargs: Any) -> None:
    """Writes the forward pass as one `.tflite` file, by TensorFlow's converter, with TensorFlow's own ops where LiteRT has none.

    Args:
        model: a built model, on any backend.
        filepath: the file, which ends in ".tflite".
        input_signature: specs of the inputs, each with `shape` and `dtype`; a length of the batch makes faster programs than None.
        kwargs: settings of `tf.lite.TFLiteConverter`, such as `optimizations`, `representative_dataset` and `allow_custom_ops`.

    Raises:
        ArgumentError: another ending, a setting that the converter has not, and what `write_saved_model` raises.
        BackendError: the converter refuses.
        SavingError: the operating system refuses; a file that was there stays.
    """
    path = os.fspath(filepath)
    if not path.endswith(".tflite"):
        raise ArgumentError(f"The name of a LiteRT file ends in '.tflite', got {path!r}.")
    archive = archive_of(model, input_signature)
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        unknown = sorted(name for name in kwargs if name.startswith("_") or callable(getattr(converter, name, len)))
        if unknown:
            raise ArgumentError(f"Settings must be those of tf.lite.TFLiteConverter, got {unknown}. Leave them out.")
        for name, value in kwargs.items():
            setattr(converter, name, value)
        try:
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                program = converter.convert()
        except Exception as error:  # noqa: BLE001 - the converter raises errors of its own kind, which is not public
            raise BackendError(f"The model must be one that LiteRT's converter takes, got {str(error)[:300]}.") from None
    with atomic_write(path) as temporary:
        temporary.write_bytes(program)
