"""The interpreters: loading them, and which one is current.

A backend is a module whose namespace is the contract of `protocol.py`. It is imported when it is first
used; nothing else in Cornu imports a framework.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType

from cornu.errors import BackendError, UnknownNameError

__all__ = [
    "NAMES", "TRACED", "aside", "backend", "compute", "current", "device", "guest", "inferring", "is_aside", "load", "loaded", "set_backend",
    "use_backend", "when_loaded",
]  # fmt: skip

NAMES = ("jax", "torch", "tensorflow", "numpy")
"""The compute backends, the default first."""

Listener = Callable[[ModuleType], None]

_INSTALL = {"jax": "jax", "torch": "torch", "tensorflow": "'cornu[tensorflow]'", "numpy": "numpy"}
_loaded: dict[str, ModuleType] = {}
_on_load: list[Listener] = []
_default: ModuleType | None = None
_behind_inference: contextvars.ContextVar[ModuleType | None] = contextvars.ContextVar("cornu_behind_inference", default=None)
_scoped: contextvars.ContextVar[ModuleType | None] = contextvars.ContextVar("cornu_backend", default=None)
_aside: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_aside", default=False)


def load(name: str) -> ModuleType:
    """The backend of that name, imported on first use."""
    if name in _loaded:
        return _loaded[name]
    if name not in NAMES:
        raise UnknownNameError("backend", name, NAMES)
    try:
        module = importlib.import_module(f"cornu.backends.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cornu"):
            raise BackendError(f"The backend {name!r} is not part of this version of Cornu.") from error
        raise BackendError(
            f"The backend {name!r} needs the package {error.name!r}. Install it with `pip install {_INSTALL[name]}`."
        ) from error
    _loaded[name] = module
    for listener in _on_load:
        listener(module)
    return module


def guest(name: str) -> ModuleType:
    """The backend of that name without loading it: to ops its arrays stay what they were, so that those of a data pipeline can go to any backend."""
    return importlib.import_module(f"cornu.backends.{name}")


class _Traced(dict[type, str | None]):
    """For a type the backend in whose graphs tensors without values are of it; None for all other types. Found when it is seen for the first time."""

    def __missing__(self, cls: type) -> str | None:
        home = cls.__module__.partition(".")[0]
        # a place among the outputs of a graph's operation is TensorFlow's mark, and tensors with values have `numpy`
        found = home if home in NAMES and hasattr(cls, "value_index") and not hasattr(cls, "numpy") else None
        self[cls] = found
        return found


TRACED = _Traced()


def loaded() -> tuple[ModuleType, ...]:
    """The backends imported so far."""
    return tuple(_loaded.values())


def when_loaded(listener: Listener) -> Listener:
    """Calls `listener(module)` for each backend loaded so far and each that will be."""
    _on_load.append(listener)
    for module in loaded():
        listener(module)
    return listener


def current() -> ModuleType:
    """The backend that arrays of no backend (Python numbers, NumPy arrays) go to."""
    scoped = _scoped.get()
    if scoped is not None:
        return scoped
    return _default if _default is not None else set_backend(_from_environment())


def compute() -> ModuleType:
    """The backend that computes: the current one, or that around the inference of shapes."""
    module = current()
    return module if module.NAME in NAMES else _behind_inference.get() or _default or set_backend(_from_environment())


@contextlib.contextmanager
def inferring(interpreter: ModuleType) -> Iterator[None]:
    """Makes what has no backend of its own go to an interpreter that computes no numbers, such as that of shapes."""
    outer, token = _behind_inference.set(compute()), _scoped.set(interpreter)
    try:
        yield
    finally:
        _scoped.reset(token)
        _behind_inference.reset(outer)


@contextlib.contextmanager
def aside(module: ModuleType) -> Iterator[None]:
    """Inside, for a step of a data pipeline, all layers run on this backend wherever they are at home, and draws are counted on the host."""
    token = _aside.set(True)
    try:
        with use_backend(module):
            yield
    finally:
        _aside.reset(token)


is_aside = _aside.get
"""Whether what runs is a step of a data pipeline."""


def backend() -> str:
    """The name of the current backend.

    >>> import cornu
    >>> with cornu.use_backend("numpy"):
    ...     cornu.backend()
    'numpy'
    """
    return current().NAME


def set_backend(backend: str) -> ModuleType:
    """Makes a backend the current one for the whole process: "jax", "torch", "tensorflow" or "numpy"."""
    global _default
    _default = load(backend)
    return _default


class use_backend(contextlib.ContextDecorator):  # noqa: N801 - read as a verb, in a `with` statement or as a decorator
    """Makes a backend the current one inside a `with` block, in this thread only.

    >>> import cornu
    >>> with cornu.use_backend("numpy"):
    ...     cornu.backend()
    'numpy'
    """

    def __init__(self, name: str | ModuleType) -> None:
        self._module = load(name) if isinstance(name, str) else name
        self._tokens: list[contextvars.Token[ModuleType | None]] = []

    def __enter__(self) -> ModuleType:
        self._tokens.append(_scoped.set(self._module))
        return self._module

    def __exit__(self, *error: object) -> None:
        _scoped.reset(self._tokens.pop())


def device(device_name: str) -> contextlib.AbstractContextManager[None]:
    """A context in which new arrays of the current backend go to a device.

    Args:
        device_name: "cpu", "gpu", or one of several: "gpu:1".

    Raises:
        BackendError: there is no such device, or the backend knows of none but the processor.

    >>> import cornu
    >>> with cornu.device("cpu"):
    ...     cornu.ops.ones(2).shape
    (2,)
    """
    module, name = compute(), device_name.lower()
    if name.partition(":")[0] not in ("cpu", "gpu", "cuda", "tpu", "mps", "xpu"):
        raise BackendError(f"A device is 'cpu', 'gpu', 'tpu', … or one of several, such as 'gpu:1'; got {device_name!r}.")
    if hasattr(module, "on_device"):
        found: contextlib.AbstractContextManager[None] = module.on_device(name)
        return found
    if name.partition(":")[0] != "cpu" or module.NAME != "numpy":
        raise BackendError(
            f"The {module.NAME} backend takes no device from Cornu, got {device_name!r}; it has {', '.join(module.devices())}."
        )
    return contextlib.nullcontext()


def _from_environment() -> str:
    named = os.environ.get("CORNU_BACKEND") or os.environ.get("KERAS_BACKEND")
    return named or NAMES[0]
