"""Settings that hold for the whole process: default float, fuzz factor, image layout, home folder, progress output.

They start from the environment (`CORNU_HOME`, `KERAS_HOME`) and are changed by the functions below.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from cornu import dtypes
from cornu.errors import ArgumentError

__all__ = [
    "epsilon",
    "floatx",
    "home",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_data_format",
]

DataFormat = Literal["channels_last", "channels_first"]

_settings: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


def floatx() -> str:
    """The default float dtype, `"float32"` at the start.

    >>> floatx()
    'float32'
    """
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Sets the default float dtype: one of float16, bfloat16, float32, float64."""
    name = dtypes.standardize(value)
    if name not in ("float16", "bfloat16", "float32", "float64"):
        raise ArgumentError(f"floatx must be 'float16', 'bfloat16', 'float32' or 'float64', got {value!r}.")
    _settings["floatx"] = name


def epsilon() -> float:
    """The small constant that keeps divisions and logarithms finite, 1e-7 at the start."""
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Sets the small constant that keeps divisions and logarithms finite."""
    if not value > 0:
        raise ArgumentError(f"epsilon must be a positive number, got {value!r}.")
    _settings["epsilon"] = float(value)


def image_data_format() -> DataFormat:
    """Where images keep their channels: `"channels_last"` (the start) or `"channels_first"`."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: DataFormat) -> None:
    """Sets where images keep their channels."""
    _settings["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> DataFormat:
    """The given data format, checked; None stands for the process-wide one."""
    if data_format is None:
        return image_data_format()
    if data_format in ("channels_last", "channels_first"):
        return data_format  # type: ignore[return-value]
    raise ArgumentError(f"data_format must be 'channels_last' or 'channels_first', got {data_format!r}.")


def home() -> Path:
    """The folder for data sets and weights: `CORNU_HOME`, else `KERAS_HOME`, else `~/.cornu`."""
    named = os.environ.get("CORNU_HOME") or os.environ.get("KERAS_HOME")
    return Path(named) if named else Path.home() / ".cornu"
