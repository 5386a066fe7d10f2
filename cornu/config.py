"""Settings that hold for the whole process: default float, fuzz factor, image layout, home folder, progress output, limits of runs.

They start from the environment (`CORNU_HOME`, `CORNU_MAX_EPOCHS`, `CORNU_MAX_STEPS_PER_EPOCH`, each also with `KERAS_` in front) and are changed
by the functions below. The backend and the dtype policy are settings of other rooms; they are found here too.
"""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from typing import Any, Literal

from cornu import dtypes
from cornu.errors import ArgumentError

_HOMES = {"backend": "backends", "set_backend": "backends", "dtype_policy": "dtype_policies", "set_dtype_policy": "dtype_policies"}

__all__ = [  # noqa: PLE0604 - names as texts
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "home",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "standardize_data_format",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    """The settings that other rooms keep."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cornu.config' has no attribute {name!r}")
    return getattr(importlib.import_module(f"cornu.{_HOMES[name]}"), name)


DataFormat = Literal["channels_last", "channels_first"]

_settings: dict[str, Any] = {
    "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "flash_attention": None, "interactive_logging": True,
    "traceback_filtering": not os.environ.get("CORNU_FULL_TRACEBACKS"), "max_epochs": None, "max_steps_per_epoch": None,
}  # fmt: skip


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


# --- how a run talks ----------------------------------------------------------------------------------------------------


def is_interactive_logging_enabled() -> bool:
    """Whether progress is written to standard output (the start); else it goes to the logger "cornu", a line an epoch."""
    return _settings["interactive_logging"]


def enable_interactive_logging() -> None:
    """Progress goes to standard output."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Progress goes to Python's logger "cornu" at the level INFO, a line an epoch."""
    _settings["interactive_logging"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks of `fit` and its like leave Cornu's own inner frames out: at the start, unless `CORNU_FULL_TRACEBACKS` is set."""
    return _settings["traceback_filtering"]


def enable_traceback_filtering() -> None:
    """Tracebacks of `compile`, `fit`, `evaluate` and `predict` show the program's own frames and where the error was raised."""
    _settings["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Tracebacks show every frame."""
    _settings["traceback_filtering"] = False


# --- limits of runs -----------------------------------------------------------------------------------------------------


def max_epochs() -> int | None:
    """The most epochs of any `fit`; None for no limit. At the start `CORNU_MAX_EPOCHS`, else `KERAS_MAX_EPOCHS`."""
    return _limit("max_epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every `fit`, to try a program out quickly; None takes the limit away."""
    _set_limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps of any epoch, evaluation or prediction; None for no limit.

    At the start `CORNU_MAX_STEPS_PER_EPOCH`, else `KERAS_MAX_STEPS_PER_EPOCH`.
    """
    return _limit("max_steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the steps of every epoch, evaluation and prediction; None takes the limit away."""
    _set_limit("max_steps_per_epoch", max_steps_per_epoch)


def _set_limit(name: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ArgumentError(f"{name} must be a whole number above 0, or None for no limit, got {value!r}.")
    _settings[name] = value or "none"  # said, so that the environment counts no more


def _limit(name: str) -> int | None:
    value = _settings[name]
    if value is None:
        text = os.environ.get(f"CORNU_{name.upper()}") or os.environ.get(f"KERAS_{name.upper()}")
        if text and not (text.isdecimal() and int(text)):
            raise ArgumentError(f"The environment's {name.upper()} must be a whole number above 0, got {text!r}.")
        return int(text) if text else None
    return None if value == "none" else value


# --- what backends may use ----------------------------------------------------------------------------------------------


def is_flash_attention_enabled() -> bool | None:
    """Whether attention must be computed by a fused kernel (True), must not be (False), or may be where there is one (None, the start)."""
    return _settings["flash_attention"]


def enable_flash_attention() -> None:
    """`ops.dot_product_attention` must use a fused kernel; it raises where there is none."""
    _settings["flash_attention"] = True


def disable_flash_attention() -> None:
    """`ops.dot_product_attention` uses no fused kernel."""
    _settings["flash_attention"] = False


def is_nnx_enabled() -> bool:
    """False: variables are Cornu's own, never those of Flax NNX."""
    return False


def enable_unsafe_deserialization() -> None:
    """Warns that it changes nothing: a file can never run code, whatever is set. What it asks for is refused with a message that says how to mend it."""
    warnings.warn(
        "enable_unsafe_deserialization changes nothing: Cornu never runs code from a file. A Lambda whose function is written with `def` and "
        "registered with `saving.register_keras_serializable()` loads safely.",
        stacklevel=2,
    )
