"""What a run must keep so that another process goes on with it to the last bit, and how it does.

The state of a run is the values of all variables (weights, those of seeds, metrics, optimizers), the generators of Python and NumPy, the
states of all callbacks, and where in the data it stands. A description of the program goes along: the same program alone takes it up.
"""

from __future__ import annotations

import itertools
import random as python_random
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import dtypes, tree
from cornu.callbacks import BackupAndRestore, CallbackList
from cornu.errors import ConfigError, DataError
from cornu.layers import tracking
from cornu.state import Variable
from cornu.state.seed import has_drawn, make_seed, shared_generator
from cornu.training.data import Batches
from cornu.training.description import describe, differences

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["Run"]


class Run:
    """A call of `fit`: where it begins, and what of it is kept.

    Args:
        model: the model that is trained.
        callbacks: what `fit` was given; a `BackupAndRestore` among them keeps the state, and may have one.
        initial_epoch: where the run begins if there is none.

    Attributes:
        epoch, step: where this process begins: after `step` steps of `epoch`.
        seed: of the order of the data.
        done: the steps that this process has done before the epoch at hand; below 0 in one that is gone on with.
        logs: the last metrics before that place.
    """

    def __init__(self, model: Trainer, callbacks: Any, initial_epoch: int) -> None:
        self._model: Any = model
        self._keeper = _keeper(callbacks)
        self._facts: Any = None
        self._arrays: dict[str, np.ndarray] = {}
        if self._keeper is not None:
            self._facts, self._arrays = self._keeper.find(model)
        facts = self._facts or {"epoch": initial_epoch, "step": 0, "since": initial_epoch, "taken": 0, "logs": {}}
        self.epoch, self.step, self.logs = facts["epoch"], facts["step"], dict(facts["logs"])
        self._since, self._taken = facts["since"], facts["taken"]
        self.seed = _shuffle_seed(model) if self._facts is None else int(self._facts["seed"])
        self.done = -self.step
        self._waiting = False  # for the epoch to begin, before the state is taken up
        self._told: CallbackList | None = None

    # --- where it begins ----------------------------------------------------------------------------------------------

    def batches(self, train: Batches) -> tuple[Any, Iterator[Any]]:
        """A batch, to see what they are like, and the batches of the first epoch from the first step on.

        Raises:
            DataError: there is none.
        """
        if self._facts is not None:
            first, stream = train.go_on(self.epoch, self.step, since=self._since, taken=self._taken)
        else:
            whole = train.epoch(self.epoch)
            first = next(whole, None)
            stream = whole if first is None else itertools.chain([first], whole)
        if first is None:
            raise DataError("The data holds no batch. Check that the arrays are not empty, and that the generator yields.")
        return first, stream

    def epochs(self, last: int) -> range:
        """The epochs that are left."""
        ended = self._facts is not None and self._facts["stopped"] and not self.step
        return range(self.epoch, self.epoch if ended else max(last, self.epoch))

    def begin(self, told: CallbackList, train: Batches, epochs: int, first: Any, look: Callable[[], None]) -> None:
        """Training begins: callbacks are told, and take up their state unless the run stands within an epoch.

        Args:
            told: the callbacks.
            train: the data.
            epochs: the epoch to end at.
            first: a batch.
            look: raises if a step has been bad: the state of such a run is not kept.

        Raises:
            ConfigError: the state is that of another program; the message lists the differences, and nothing has been changed.
        """
        self._told = told
        if self._keeper is None:
            told.on_train_begin()
            return
        self._program, self._look = describe(self._model, train), look
        if self._facts is not None:
            self._check(first)
        self._keeper.attach(self)
        told.on_train_begin()
        self._waiting = self._facts is not None
        if self._facts is not None:
            self._states = _Arrays(self._arrays).unpack(self._facts["callbacks"])
            told.check_state(self._states)  # not before: a callback may have no state until it is told
        if self._waiting and not (self.step and self.epoch < epochs):
            self._take_up()

    def begin_epoch(self, epoch: int) -> None:
        """An epoch begins. In one that is gone on with, callbacks have acted on this already: the state undoes what they do now."""
        assert self._told is not None
        self._told.on_epoch_begin(epoch)
        if self._waiting:
            self._take_up()

    # --- what is kept -------------------------------------------------------------------------------------------------

    def write(self, path: str, *, epoch: int, step: int, logs: Mapping[str, Any]) -> None:
        """Writes the state, as that of a run that stands after `step` steps of `epoch`, to a file.

        Args:
            path: the file, replaced as a whole or not at all.
            epoch, step: the place.
            logs: the last metrics.
        """
        self._look()
        model, arrays = self._model, _Arrays()
        facts = {
            "program": self._program, "epoch": epoch, "step": step, "since": self._since, "taken": self._taken + self.done + step,
            "seed": self.seed, "stopped": bool(model.stop_training), "logs": arrays.pack(dict(logs), "the metrics"),
            "variables": {role: [_spec(v) for v in found] for role, found in self._variables().items()},
            "trainable": [[layer.trainable, [v.trainable for v in tracking.own_variables(layer)]] for layer in tracking.walk(model)],
            "callbacks": arrays.pack(self._told.get_state(), "callbacks") if self._told is not None else {},
            "random": arrays.pack([python_random.getstate(), np.random.get_state()], "generators"),  # noqa: NPY002 - programs draw from it
        }  # fmt: skip
        for role, found in self._variables().items():
            arrays.found.update((f"{role}/{i}", v.numpy()) for i, v in enumerate(found))
        model._write_run_(path, facts, arrays.found)

    def _variables(self) -> dict[str, list[Variable]]:
        """All variables of the run by what they are, in an order that the program gives."""
        model = self._model
        others = [other for layer in tracking.walk(model) for other in tracking.optimizers(layer) if other is not model.optimizer]
        drawn = has_drawn() or bool(self._facts and self._facts["variables"]["shared"])
        return {
            "model": list(model.variables),
            "metrics": [v for metric in model.metrics for v in metric.variables],
            "optimizer": list(model.optimizer.variables),
            "other optimizers": [v for other in others for v in other.variables],
            "shared": [shared_generator().state] if drawn else [],
        }

    # --- how it is taken up -------------------------------------------------------------------------------------------

    def _check(self, first: Any) -> None:
        assert self._facts is not None
        found = differences(self._facts["program"], self._program) or self._unlike(first)
        if found:
            path = "" if self._keeper is None else self._keeper.path
            listed = "\n".join(f"  {line}" for line in found[:8]) + (f"\n  … and {len(found) - 8} more" if len(found) > 8 else "")
            raise ConfigError(
                f"A run is gone on with by the program that began it, and this one differs from that of {path!r}:\n{listed}\n"
                "Put it back as it was; or, to begin anew, delete that folder or choose another `backup_dir`."
            )

    def _unlike(self, first: Any) -> list[str]:
        """Which variables differ. Those that a user's own step makes when it first runs are made by running it; undone if no help."""
        assert self._facts is not None
        model, there = self._model, self._facts["variables"]
        found = _differing(there, self._variables())
        if not found or not model._gives_own_logs_("train_step"):
            return found
        before = [(v, v.numpy()) for held in self._variables().values() for v in held]
        model._program_("train")(*first)
        model._health_.reset()
        found = _differing(there, self._variables())
        for variable, value in before if found else ():
            variable.assign(value)
        return found

    def _take_up(self) -> None:
        facts, arrays, model = self._facts, self._arrays, self._model
        assert facts is not None
        assert self._told is not None
        self._waiting = False
        for layer, (flag, flags) in zip(tracking.walk(model), facts["trainable"], strict=True):
            layer._trainable = flag
            for variable, one in zip(tracking.own_variables(layer), flags, strict=True):
                variable.trainable = one
        for role, found in self._variables().items():
            for i, variable in enumerate(found):
                variable.assign(arrays[f"{role}/{i}"])
        packed = _Arrays(arrays)
        model.stop_training, model._shuffle_seed_ = facts["stopped"], self.seed
        self.logs = packed.unpack(facts["logs"])
        self._told.set_state(self._states)
        ours, numpys = packed.unpack(facts["random"])
        python_random.setstate(ours)
        np.random.set_state(numpys)  # noqa: NPY002


def _shuffle_seed(model: Trainer) -> int:
    """The seed of the order of rows, drawn once for a model; with the number of an epoch it gives the order of that epoch."""
    if model._shuffle_seed_ is None:
        model._shuffle_seed_ = make_seed()
    return model._shuffle_seed_


def _keeper(callbacks: Any) -> BackupAndRestore | None:
    listed = callbacks.callbacks if isinstance(callbacks, CallbackList) else tree.flatten(callbacks)
    found = [callback for callback in listed if isinstance(callback, BackupAndRestore)]
    if len(found) > 1:
        raise ConfigError(f"A run may have one BackupAndRestore, got {len(found)}.")
    return found[0] if found else None


def _spec(variable: Variable) -> list[Any]:
    return [variable.path, variable.dtype, list(variable.shape)]


def _differing(there: Mapping[str, Any], here: Mapping[str, list[Variable]]) -> list[str]:
    """Which variables differ in shape or dtype, in words. Their names may: they are numbered through a process."""
    found = []
    for role, theirs in there.items():
        ours = [_spec(v) for v in here[role]]
        if len(theirs) != len(ours):
            found.append(f"{role}: {len(theirs)} variables in the backup, {len(ours)} here")
        found += [
            f"{role}: {their[0]!r} was {their[1]} {tuple(their[2])}, {our[0]!r} is {our[1]} {tuple(our[2])}"
            for their, our in zip(theirs, ours, strict=False)
            if their[1:] != our[1:]
        ]
    return found


class _Arrays:
    """Plain values as JSON can hold them, with the arrays among them taken out."""

    def __init__(self, found: Mapping[str, np.ndarray] | None = None) -> None:
        self.found: dict[str, np.ndarray] = dict(found or {})

    def pack(self, value: Any, where: str) -> Any:
        """The value with what JSON lacks as lists that begin with a word."""
        if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
            return value
        if isinstance(value, np.str_):
            return str(value)
        if isinstance(value, (np.ndarray, np.generic)) and dtypes.is_numeric(value.dtype):
            name = f"values/{len(self.found)}"
            self.found[name] = np.asarray(value)
            return {"array" if isinstance(value, np.ndarray) else "number": name}
        if isinstance(value, (list, tuple)):
            return {"list" if isinstance(value, list) else "tuple": [self.pack(v, f"{where}[{i}]") for i, v in enumerate(value)]}
        if isinstance(value, Mapping):
            return {"dict": [[self.pack(k, where), self.pack(v, f"{where}[{k!r}]")] for k, v in value.items()]}
        raise ConfigError(
            f"The state of a run consists of numbers, text, arrays, and lists and dicts of them; got {value!r} ({type(value).__name__}) "
            f"in {where}. Let `get_state` of the callback give plain values."
        )

    def unpack(self, packed: Any) -> Any:
        """The value that `pack` was given."""
        if not isinstance(packed, dict):
            return packed
        ((kind, content),) = packed.items()
        if kind == "array":
            return self.found[content].copy()
        if kind == "number":
            return self.found[content][()]
        if kind == "dict":
            return {self.unpack(k): self.unpack(v) for k, v in content}
        items = [self.unpack(item) for item in content]
        return items if kind == "list" else tuple(items)
