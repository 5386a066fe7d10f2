"""The base of all callbacks."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from cornu.errors import ConfigError

__all__ = ["HOOKS", "Callback", "EpochLogs", "Logs"]

Logs = Mapping[str, Any] | None
"""Metrics by name. The loop's are fetched from the device when somebody looks: a hook that never looks costs nothing."""

EpochLogs = MutableMapping[str, Any] | None
"""The metrics of an epoch, to which a callback may add others."""

HOOKS = (
    *("on_train_begin", "on_train_end", "on_test_begin", "on_test_end", "on_predict_begin", "on_predict_end"),
    *("on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end"),
    *("on_test_batch_begin", "on_test_batch_end", "on_predict_batch_begin", "on_predict_batch_end"),
)
"""The names of all hooks that the loop calls."""


class Callback:
    """Something that is told of a run's course. A subclass writes the hooks that it wants to be told by.

    Attributes:
        params: what the run was given: "verbose", "epochs" and "steps".
        model: the model that runs.

    What a subclass names in `state_names` is kept when a run is stopped and resumed (`get_state`, `set_state`).

    >>> class Announce(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> Announce().on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    state_names: tuple[str, ...] = ()
    """Attributes that make up the state: numbers, strings, lists and dicts of them, and arrays."""

    _told_last_ = False
    """Whether it is told of things after all other callbacks, because it keeps what they made of them."""

    _looks_first_ = False
    """Whether it has the run check that its steps were good before it looks at the model; else each step checks itself."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    # a subclass that does not call our constructor still has these
    params: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed, by set_params
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that runs; None before it does."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells what the run was given."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Tells which model runs."""
        self._model = model

    def _hears_(self, hook: str) -> bool:
        """Whether it wants to be told by that hook, which it writes. Steps of runs in which nobody hears of batches are faster."""
        return True

    def _release_(self) -> None:
        """A run is over, or has broken off: the last call of each `fit`, and of an evaluation or prediction that raised. Gives back what is held."""

    def get_state(self) -> dict[str, Any]:
        """What a resumed run needs to go on as if it had not stopped: plain values and arrays by name."""
        return {name: getattr(self, name) for name in self.state_names}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes up the state that `get_state` gave; called after `on_train_begin`.

        Raises:
            ConfigError: the state is not one of this class.
        """
        if set(state) != set(self.state_names):
            raise ConfigError(f"The state of {type(self).__name__} has the entries {sorted(self.state_names)}, got {sorted(state)}.")
        for name, value in state.items():
            setattr(self, name, value)

    def on_train_begin(self, logs: Logs = None) -> None:
        """`fit` begins."""

    def on_train_end(self, logs: Logs = None) -> None:
        """`fit` ends; `logs` are the last epoch's."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """`evaluate`, or validation within `fit`, begins."""

    def on_test_end(self, logs: Logs = None) -> None:
        """`evaluate`, or validation, ends."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """`predict` begins."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """`predict` ends."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """An epoch begins; they count from 0."""

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        """An epoch ends, its validation included; `logs` are its metrics, those of validation with `val_` before their names."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A training step begins; batches count from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A training step ends; `logs` are the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """An evaluation step begins."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """An evaluation step ends."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A prediction step begins."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A prediction step ends; `logs["outputs"]` are its outputs."""
