"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.callbacks.callback import HOOKS, Callback
from cornu.errors import ArgumentError, nearest

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """A callback whose hooks are given as functions.

    Args:
        on_epoch_begin, on_epoch_end: functions of (epoch, logs).
        on_train_begin, on_train_end: functions of (logs).
        on_train_batch_begin, on_train_batch_end: functions of (batch, logs).
        **kwargs: further hooks by name, such as `on_test_end`.

    >>> printing = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> printing.on_epoch_end(0, {"loss": 0.5})
    0 {'loss': 0.5}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin, "on_train_batch_end": on_train_batch_end, **kwargs,
        }  # fmt: skip
        hooks = (*HOOKS, "on_batch_begin", "on_batch_end")
        for name, function in given.items():
            if name not in hooks:
                likely = nearest(name, hooks)
                hint = f"Did you mean {likely}?" if likely else f"Hooks: {', '.join(hooks)}."
                raise ArgumentError(f"LambdaCallback takes hooks, got {name!r}. {hint}")
            if function is not None:
                setattr(self, name, _callable(name, function))


def _callable(name: str, function: Any) -> Callable[..., Any]:
    if not callable(function):
        raise ArgumentError(f"{name} must be a function, got {function!r}.")
    return function
