"""Averaged weights where a model is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs, Logs
from cornu.errors import ArgumentError
from cornu.ops.core import convert_to_numpy

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Evaluates with the moving averages of the weights, which an optimizer with `use_ema=True` keeps; training goes on without.

    Args:
        swap_on_epoch: the model has the averages from the end of each epoch to the start of the next, too, so that callbacks that come
            later in the list, such as `ModelCheckpoint`, save them.

    Raises:
        ArgumentError: the optimizer keeps no averages.

    Reference: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    state_names = ("kept",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self.kept: list[np.ndarray] | None = None  # the weights themselves, while the model has the averages
        self._for_test = False

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if not getattr(self._optimizer(), "use_ema", False):
            raise ArgumentError(
                f"SwapEMAWeights needs an optimizer that keeps averages, got {self._optimizer()!r}. Make it with `use_ema=True`."
            )

    def _optimizer(self) -> Any:
        optimizer = getattr(self.model, "optimizer", None)
        return getattr(optimizer, "inner_optimizer", optimizer)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._put_back()  # of an evaluation that broke off

    def on_train_end(self, logs: Logs = None) -> None:
        self.kept = None  # a model that has been trained has the averages for good

    def _release_(self) -> None:
        """A run that breaks off leaves the model with the weights of its last step."""
        self._put_back()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        if self.swap_on_epoch:
            self._put_averages()

    def on_test_begin(self, logs: Logs = None) -> None:
        self._begin_look()

    def on_test_end(self, logs: Logs = None) -> None:
        self._end_look()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin_look()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._end_look()

    def _begin_look(self) -> None:
        self._for_test = self.kept is None
        self._put_averages()

    def _end_look(self) -> None:
        if self._for_test:
            self._put_back()

    def _put_averages(self) -> None:
        """The model gets the averages, if there are any yet; they stay what they are in the optimizer, too."""
        optimizer = self._optimizer()
        if self.kept is not None or not optimizer.built or not int(convert_to_numpy(optimizer.iterations)):
            return
        variables = self.model.trainable_variables
        self.kept = [v.numpy() for v in variables]
        optimizer.finalize_variable_values(variables)

    def _put_back(self) -> None:
        if self.kept is not None:
            for variable, value in zip(self.model.trainable_variables, self.kept, strict=True):
                variable.assign(value)
            self.kept = None
