"""Every exception that Cornu raises on purpose.

    CornuError
    ├── ShapeError            (ValueError)       an array's shape cannot be what was asked of it
    ├── DTypeError            (TypeError)        a dtype that the operation does not have
    ├── ArgumentError         (ValueError)       an argument outside what is allowed
    │   └── UnknownNameError                     a name that is not registered; carries the nearest ones
    ├── BackendError          (RuntimeError)     a backend is missing, or cannot do what was asked
    │   └── BackendMismatchError (TypeError)     arrays of two backends met in one operation
    ├── NotBuiltError         (ValueError)       weights or shapes were asked for before they exist
    │   └── NotCalledError       (AttributeError) a layer's place in a graph was asked for, and it has none
    ├── NotCompiledError      (ValueError)       training was asked for before `compile`
    ├── DataError             (ValueError)       inputs, targets or weights do not fit the model or each other
    ├── StepError             (RuntimeError)     a training step failed in a way that no other class describes
    ├── NonFiniteError        (ArithmeticError)  loss or gradients were NaN or infinite
    ├── ConfigError           (ValueError)       a configuration cannot be read or cannot be written
    ├── SavingError           (OSError)          a file could not be written or read
    │   └── CorruptFileError                     a file is damaged or incomplete
    └── UnsafeFileError       (ValueError)       a file asks for something that a model file has no right to

Each also derives from the builtin that a caller would expect, so `except ValueError` keeps working.
A message says what must hold, what came, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "BackendError",
    "BackendMismatchError",
    "ConfigError",
    "CornuError",
    "CorruptFileError",
    "DTypeError",
    "DataError",
    "NonFiniteError",
    "NotBuiltError",
    "NotCalledError",
    "NotCompiledError",
    "SavingError",
    "ShapeError",
    "StepError",
    "UnknownNameError",
    "UnsafeFileError",
    "nearest",
]


class CornuError(Exception):
    """The root of all exceptions that Cornu raises on purpose."""


class ShapeError(CornuError, ValueError):
    """An array's shape cannot be what the operation asks of it."""


class DTypeError(CornuError, TypeError):
    """The operation does not exist for this dtype."""


class ArgumentError(CornuError, ValueError):
    """An argument is outside what is allowed."""


class UnknownNameError(ArgumentError):
    """A name is not registered; the message carries the nearest ones."""

    def __init__(self, what: str, name: object, known: Iterable[str]) -> None:
        self.name, self.nearest = name, nearest(str(name), known)
        known = sorted(set(known))
        listed = f"Did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else f"Known: {', '.join(known[:20])}."
        super().__init__(f"Unknown {what}: {name!r}. {listed}")


class BackendError(CornuError, RuntimeError):
    """A backend is missing or cannot do what was asked of it."""


class BackendMismatchError(BackendError, TypeError):
    """Arrays of two backends met in one operation."""


class NotBuiltError(CornuError, ValueError):
    """Weights or shapes were asked for before they exist."""


class NotCalledError(NotBuiltError, AttributeError):
    """A layer's place in a graph was asked for, and it was never called on a symbolic tensor."""


class NotCompiledError(CornuError, ValueError):
    """Training or evaluation was asked for before `compile`."""


class DataError(CornuError, ValueError):
    """Inputs, targets or weights do not fit the model or each other."""


class StepError(CornuError, RuntimeError):
    """A step failed in a way that no other class describes."""


class NonFiniteError(CornuError, ArithmeticError):
    """Loss or gradients were NaN or infinite."""


class ConfigError(CornuError, ValueError):
    """A configuration cannot be read or cannot be written."""


class SavingError(CornuError, OSError):
    """A file could not be written or read."""


class CorruptFileError(SavingError):
    """A file is damaged or incomplete."""


class UnsafeFileError(CornuError, ValueError):
    """A file asks for something that a model file has no right to."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names most like `name`, best first; case and separators do not count.

    >>> nearest("mse2", ["mse", "mae", "huber"])
    ['mse', 'mae']
    """
    plain = {k: k.lower().replace("_", "").replace("-", "") for k in known}
    wanted = name.lower().replace("_", "").replace("-", "")
    score = {k: difflib.SequenceMatcher(None, wanted, p).ratio() for k, p in plain.items()}
    good = sorted((k for k in score if score[k] >= 0.55), key=lambda k: (-score[k], k))
    return good[:count]
