"""Checkpoints in Orbax's format."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cornu import naming
from cornu.callbacks.callback import Logs
from cornu.callbacks.checkpoint import Checkpoint
from cornu.callbacks.folders import check_folder
from cornu.errors import ArgumentError, BackendError, SavingError, ShapeError
from cornu.quantities import is_whole
from cornu.state import Variable

__all__ = ["MARK", "OrbaxCheckpoint", "flat", "load_orbax"]


class OrbaxCheckpoint(Checkpoint):
    """Saves the model after each epoch or every so many batches with Orbax, one folder a checkpoint, of which the latest are kept.

    A checkpoint holds "pytree", the values of the variables in nested dicts ("trainable_variables", "non_trainable_variables",
    "optimizer_variables", "metrics_variables"), and "model_config", the model's configuration as JSON. Checkpoints are called by the
    epoch's number, or where batches count by how many there have been; a run in a folder with later ones goes on numbering after them, so
    that its own are the latest. It needs the package `orbax-checkpoint`.

    Args:
        directory: where the checkpoints go.
        monitor: the metric by which an epoch is the best.
        verbose: 1 prints what is saved.
        save_best_only: save only where the metric is better than at any save before.
        mode: "min", "max", or "auto" to tell by the metric.
        save_freq: "epoch", or a number of batches, counted through the epochs.
        initial_value_threshold: what the metric must beat at first.
        max_to_keep: how many checkpoints are kept, the latest; None for all.
        save_on_background: write while training goes on; at most one is written at a time.
        save_weights_only: leave out the optimizer, the metrics and the configuration.

    Raises:
        BackendError: the package is not installed.
        ArgumentError: an argument is out of range, or the folder holds something else by a checkpoint's name; in `fit`.
    """

    state_names = ("best", "last_batch", "seen", "shift", "total")

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(
            monitor=monitor, verbose=verbose, save_best_only=save_best_only, save_weights_only=save_weights_only, mode=mode,
            save_freq=save_freq, initial_value_threshold=initial_value_threshold,
        )  # fmt: skip
        if max_to_keep is not None and not is_whole(max_to_keep, 1):
            raise ArgumentError(f"max_to_keep must be a number of checkpoints above 0, or None for all, got {max_to_keep!r}.")
        check_folder("directory", directory)
        self._orbax = load_orbax()
        self.directory, self.max_to_keep, self.save_on_background = os.path.abspath(directory), max_to_keep, save_on_background
        self.total = 0  # batches so far
        self.shift: int | None = None  # what this run's numbers are raised by; None before its first checkpoint
        self._checkpointer: Any = None
        self._writing: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self._refuse_foreign()
        self.shift = None

    def _refuse_foreign(self) -> None:
        """Whatever is called by a number counts as a checkpoint, and is deleted in its turn."""
        found = sorted(os.listdir(self.directory)) if os.path.isdir(self.directory) else []
        foreign = [name for name in found if name.isdecimal() and not os.path.isfile(os.path.join(self.directory, name, MARK))]
        if foreign:
            raise ArgumentError(
                f"What is called by a number in the directory of an OrbaxCheckpoint must be a checkpoint, and in {self.directory!r} "
                f"{', '.join(map(repr, foreign[:8]))} is none. Give a directory of its own, or move these elsewhere."
            )

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.total += batch - self.last_batch if self.save_freq != "epoch" else 0
        super().on_train_batch_end(batch, logs)

    def save(self, epoch: int, batch: int | None, logs: Logs) -> str:
        self.wait_until_finished()
        step = self._numbered(epoch if batch is None else self.total)
        self._writing = self._open().save_checkpointables_async(step, self._content(), overwrite=True)
        if not self.save_on_background:
            self.wait_until_finished()
        return os.path.join(self.directory, str(step))

    def _numbered(self, step: int) -> int:
        if self.shift is None:
            last = max((checkpoint.step for checkpoint in self._open().checkpoints), default=-1)
            self.shift = last + 1 - step if last > step else 0
        return step + self.shift

    def _open(self) -> Any:
        if self._checkpointer is None:
            training = self._orbax.training
            kept = None if self.max_to_keep is None else training.preservation_policies.LatestN(self.max_to_keep)
            always = training.save_decision_policies.FixedIntervalPolicy(1)
            self._checkpointer = training.Checkpointer(self.directory, save_decision_policy=always, preservation_policy=kept)
        return self._checkpointer

    def _content(self) -> dict[str, Any]:
        pytree = {role: _nested(found, self.model.name) for role, found in _variables(self.model, self.save_weights_only).items()}
        if self.save_weights_only:
            return {"pytree": pytree}
        return {"pytree": pytree, "model_config": {"config": self.model.to_json()}}

    def wait_until_finished(self) -> None:
        """Waits until what is being written is written; raises if it could not be.

        Raises:
            SavingError: it could not.
        """
        writing, self._writing = self._writing, None
        try:
            if writing is not None:
                writing.result()
        except (OSError, ValueError) as error:
            raise SavingError(f"A checkpoint could not be written to {self.directory!r}: {error}") from error

    def on_train_end(self, logs: Logs = None) -> None:
        self.wait_until_finished()

    def _release_(self) -> None:
        """Ends the writing."""
        self.wait_until_finished()
        if self._checkpointer is not None:
            self._checkpointer.close()
            self._checkpointer = None

    def restore(self, model: Any, step: int | None = None) -> None:
        """Gives a model, built and compiled as the one that was saved, the values of a checkpoint.

        Args:
            model: the model.
            step: the checkpoint's name; the latest one if None.

        Raises:
            SavingError: there is no such checkpoint.
            ShapeError: it is one of a model with other variables; nothing has been changed.
        """
        checkpointer = self._open()
        there = [checkpoint.step for checkpoint in checkpointer.checkpoints]
        step = max(there, default=None) if step is None else step
        if step not in there:
            raise SavingError(f"There must be a checkpoint {step} in {self.directory!r}; there are {there}.")
        pytree = checkpointer.load_checkpointables(step)["pytree"]
        found = {f"{role}/{path}": value for role, part in pytree.items() for path, value in flat(part)}
        wanted = {
            f"{role}/{path}": v for role, vs in _variables(model, len(pytree) == 2).items() for path, v in _named(vs, model.name).items()
        }
        differing = [name for name, v in wanted.items() if name not in found or tuple(np.shape(found[name])) != v.shape]
        differing += [name for name in found if name not in wanted]
        if differing:
            raise ShapeError(
                f"Checkpoint {step} in {self.directory!r} and {model.name!r} must have the same variables; they differ in {differing[:8]}."
            )
        for name, variable in wanted.items():
            variable.assign(np.asarray(found[name]))


MARK = "_CHECKPOINT_METADATA"
"""The file that Orbax puts into every checkpoint."""
_NUMBERED = re.compile(r"^(sgd|rmsprop|adam|adamw|adamax|adagrad|adadelta|nadam|ftrl|adafactor|lion|lamb|muon|loss_scale_optimizer)_\d+/")


def load_orbax() -> Any:
    """The package that reads and writes such checkpoints.

    Raises:
        BackendError: it is not installed.
    """
    try:
        import orbax.checkpoint.experimental.v1 as orbax
    except ImportError as error:
        raise BackendError(
            f"An OrbaxCheckpoint needs the package 'orbax-checkpoint', which could not be imported ({error}). "
            "Install it with `pip install 'cornu[orbax]'`."
        ) from error
    return orbax


def _variables(model: Any, weights_only: bool) -> dict[str, list[Variable]]:
    found = {"trainable_variables": model.trainable_variables, "non_trainable_variables": model.non_trainable_variables}
    if not weights_only:
        found["optimizer_variables"] = model.optimizer.variables
        found["metrics_variables"] = [v for metric in model.metrics for v in metric.variables]
    return {role: list(variables) for role, variables in found.items()}


def _named(variables: Iterable[Variable], model: str) -> dict[str, Variable]:
    """The variables by what of their paths is the same in every run; a path that several have is numbered."""
    named: dict[str, Variable] = {}
    for variable in variables:
        named[naming.free(_lasting(variable.path, model), named)] = variable
    return named


def _lasting(path: str, model: str) -> str:
    """The path without the model's name and the optimizer's number, which differ from run to run."""
    if path.startswith(f"{model}/"):
        return path.removeprefix(f"{model}/")
    front, slash, rest = _NUMBERED.sub(r"\1/", path).partition("/")
    return f"{front}{slash}{rest.removeprefix(f'{model}_')}"


def _nested(variables: Iterable[Variable], model: str) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, variable in _named(variables, model).items():
        *folders, name = path.split("/")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = variable.numpy()
    return nested


def flat(nested: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """What nested dicts hold, by the keys on the way joined by "/"."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}/")
        else:
            yield f"{above}{name}", value
