"""All callbacks of a run, told together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cornu import tree
from cornu.callbacks.callback import HOOKS, Callback, EpochLogs, Logs
from cornu.callbacks.history import History
from cornu.callbacks.progress import ProgbarLogger
from cornu.errors import ArgumentError, ConfigError

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """All callbacks of a run. A hook is passed on to those that write it, in their order, and costs nothing where none does.

    Args:
        callbacks: one or several.
        add_history: add a `History` if there is none; the model gets it as `model.history`.
        add_progbar: add a `ProgbarLogger` if there is none.
        model: the model that runs.
        **params: what the run was given: `verbose`, `epochs`, `steps`.

    Raises:
        ArgumentError: something is no callback.
    """

    def __init__(
        self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None, **params: Any
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = [_checked(callback) for callback in tree.flatten(callbacks) if callback is not None]
        # last: what the others add to an epoch's logs is recorded and shown, too
        self._history = self._found(History, add_history)
        self._progbar = self._found(ProgbarLogger, add_progbar)
        self._table: dict[str, list[Callable[..., None]]] = {}
        self._list_hooks()
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _found(self, kind: type[Callback], wanted: bool) -> Any:
        found = next((callback for callback in self.callbacks if isinstance(callback, kind)), None)
        if found is None and wanted:
            found = kind()
            self.callbacks.append(found)
        return found

    def _list_hooks(self) -> None:
        order = sorted(self.callbacks, key=lambda callback: getattr(callback, "_told_last_", False))
        self._table = {hook: [getattr(callback, hook) for callback in order if _writes(callback, hook)] for hook in HOOKS}

    def append(self, callback: Callback) -> None:
        """Adds one at the end."""
        self.callbacks.append(_checked(callback))
        self._list_hooks()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    @property
    def wants_batches(self) -> bool:
        """Whether a callback is told of training steps that may look at the model then; the progress bar does not, nor who has steps looked at first."""
        hooks = (*self._table["on_train_batch_begin"], *self._table["on_train_batch_end"])
        told = [getattr(hook, "__self__", None) for hook in hooks]
        return any(callback is None or not (callback is self._progbar or getattr(callback, "_looks_first_", False)) for callback in told)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells all callbacks what the run was given."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tells all callbacks which model runs."""
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def close(self) -> None:
        """Ends what is being drawn, and has all callbacks give back what they hold; also where a run breaks off, without `on_..._end`."""
        with contextlib.ExitStack() as last:
            if self._progbar is not None:
                last.callback(self._progbar.close)
            for callback in self.callbacks:
                if hasattr(callback, "_release_"):
                    last.callback(callback._release_)

    def get_state(self) -> dict[str, Any]:
        """The states of the callbacks that have one, in order, with the names of their classes."""
        states = [(type(callback).__name__, _state_of(callback)) for callback in self.callbacks]
        return {"callbacks": [{"class": name, "state": state} for name, state in states if state]}

    def check_state(self, state: Mapping[str, Any]) -> list[Any]:
        """The callbacks that `set_state` would give a state to.

        Raises:
            ConfigError: these are not the callbacks of that run; nothing has been changed.
        """
        stateful = [callback for callback in self.callbacks if _state_of(callback)]
        there, here = [entry["class"] for entry in state["callbacks"]], [type(callback).__name__ for callback in stateful]
        if there != here:
            missing, added = [c for c in there if c not in here], [c for c in here if c not in there]
            difference = f"missing: {missing}, new: {added}" if missing or added else "another order or number"
            raise ConfigError(f"A run is resumed with the callbacks that it had, {there}, got {here} ({difference}).")
        return stateful

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Gives the callbacks the states that `get_state` gave; called after `on_train_begin`. Those that have none may differ.

        Raises:
            ConfigError: these are not the callbacks of that run; nothing has been changed.
        """
        for callback, entry in zip(self.check_state(state), state["callbacks"], strict=True):
            callback.set_state(entry["state"])

    def on_train_begin(self, logs: Logs = None) -> None:
        self._list_hooks()  # hooks may have been set on an object since
        self._tell("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._tell("on_train_end", logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._tell("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._tell("on_test_end", logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._tell("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._tell("on_predict_end", logs)

    def _tell(self, hook: str, logs: Logs) -> None:
        for call in self._table[hook]:
            call({} if logs is None else logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._tell_of("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        self._tell_of("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_train_batch_end", batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_train_batch_begin", batch, logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._tell_of("on_predict_batch_end", batch, logs)

    def _tell_of(self, hook: str, number: int, logs: Logs) -> None:
        for call in self._table[hook]:
            call(number, {} if logs is None else logs)


def _state_of(callback: Any) -> dict[str, Any]:
    return callback.get_state() if hasattr(callback, "get_state") else {}


def _checked(callback: Any) -> Any:
    if isinstance(callback, type):
        raise ArgumentError(f"Callbacks are objects, got the class {callback.__name__}. Write `{callback.__name__}(...)`.")
    if not hasattr(callback, "set_model") or not hasattr(callback, "set_params"):
        mend = (
            "Wrap it: LambdaCallback(on_epoch_end=function)." if callable(callback) else "Derive its class from cornu.callbacks.Callback."
        )
        raise ArgumentError(f"A callback must be a `Callback`, got {callback!r} ({type(callback).__name__}). {mend}")
    return callback


def _always(hook: str) -> bool:
    return True


_OTHER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _writes(callback: Any, hook: str) -> bool:
    """Whether the callback's class, or the callback itself, has its own version of the hook and wants to hear of it."""
    if not getattr(callback, "_hears_", _always)(hook):
        return False
    names = [hook, *filter(None, [_OTHER_NAMES.get(hook)])]
    return any(name in vars(callback) or getattr(type(callback), name, None) not in (None, getattr(Callback, name)) for name in names)
