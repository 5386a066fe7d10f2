"""How a run learns that a step went bad, and gets the state before it back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cornu import dtypes
from cornu.training import diagnosis, steps
from cornu.training.data.arrays import ArrayBatches
from cornu.training.filling import program_of
from cornu.training.health import failure
from cornu.training.replayable import is_replayable

if TYPE_CHECKING:
    from cornu.callbacks import CallbackList
    from cornu.training.data.source import Batches
    from cornu.training.trainer import Trainer

__all__ = ["Guard", "Rewind", "watch_over"]

_LOOK_EVERY = 0.2  # seconds between two looks of the host at the device
_REMEMBERED = 256  # batches kept between two looks, to find the layer that made a NaN
_MOST_BYTES = 32 << 20  # of state that is copied at each look
_SHARE = 200  # one part in so many of the time goes into copies


class Guard:
    """Each step looks at its own loss and gradients, on the device, and changes nothing where they are not finite; the host asks now and then.

    Attributes:
        program: what the run's steps are.
    """

    def __init__(self, model: Trainer, source: Batches) -> None:
        self._source = source
        self._model, self._last, self._epoch = model, time.monotonic(), 0
        self._recent: list[Any] = []
        self._before = 0  # steps of this run before the epoch
        self._active = model._health_.policy == "raise"
        model._health_.reset()

    def start(self, epoch: int, steps_done: int) -> None:
        """An epoch begins, after so many steps of this run."""
        self._epoch, self._before = epoch, steps_done
        self.program = program_of(self._model, "train", self._source)

    def saw(self, batch: Any) -> None:
        """Remembers a batch until the next look."""
        if self._active:
            self._recent.append(batch)
            now = time.monotonic()
            if now - self._last > _LOOK_EVERY or len(self._recent) >= _REMEMBERED:
                self.look()
                self._last = now

    def look(self) -> None:
        """Raises if a step since the last look was bad."""
        if not self._active:
            return
        bad, first = self._model._health_.bad_step(), self._model._health_.count - len(self._recent)
        if bad is not None:
            batch = self._recent[bad - first] if 0 <= bad - first < len(self._recent) else None
            source = "" if batch is None else diagnosis.source_of_non_finite(self._model, batch)
            self._model._health_.reset()
            raise failure(bad - self._before + 1, self._epoch, source)
        self._recent.clear()

    end = look
    """The same where an epoch ends."""

    def settle(self) -> None:
        """Called where a run breaks off: bad steps have changed nothing."""
        self._recent.clear()


class Rewind:
    """Steps run unguarded; at each look the state is copied. What a bad step leaves in the state stays there until a look finds it: then the last
    copy is put back, and the steps since are run again, one look each, up to the bad one.

    Small steps take a quarter less so (784-32-10 with Adam on two cores: 97 µs guarded, 72 like this), and on an accelerator the host waits for none.
    It needs batches that can be had again, callbacks that see epochs only, and a state small enough to be copied.
    """

    def __init__(self, model: Trainer, source: Batches) -> None:
        self._model, self._source = model, source
        self._epoch = self._step = self._marked = 0
        self._due = 0.0
        self._kept: list[Any] = []
        self._variables, self._probed = steps.state_of(model), steps.probed_of(model)

    def _copies(self) -> list[Any]:
        return self._model._program_("copy")()

    def start(self, epoch: int, steps_done: int) -> None:
        """An epoch begins, of which as many steps have been had as `steps_done` is below 0; callbacks may have changed anything since the last."""
        self._epoch, self._step = epoch, max(0, -steps_done)
        self.program = program_of(self._model, "unguarded", self._source)
        self._variables, self._probed = steps.state_of(self._model), steps.probed_of(self._model)
        self._mark()

    def _mark(self) -> None:
        began = time.monotonic()
        self._kept, self._marked = self._copies(), self._step
        now = time.monotonic()
        self._due = now + max(_LOOK_EVERY, _SHARE * (now - began))

    def saw(self, batch: Any) -> None:
        """One step has been asked for."""
        self._step += 1
        if time.monotonic() > self._due:
            self.look()

    def is_sound(self) -> bool:
        """Whether all is finite that is not where a loss or a gradient was not."""
        return bool(steps.are_finite(self._model._program_("probe")(), [v.value for v in self._probed]))

    def look(self) -> None:
        """Raises if a step since the last look was bad, with the state before that step; else copies the state."""
        self.end()
        self._mark()

    def end(self) -> None:
        """The same where an epoch ends: the next begins with a copy."""
        bad = None if self.is_sound() else self._go_back()
        if bad is not None:
            step, batch = bad
            raise failure(step + 1, self._epoch, diagnosis.source_of_non_finite(self._model, batch))

    def settle(self) -> None:
        """Called where a run breaks off: leaves no bad step's traces."""
        if not self.is_sound():
            self._go_back()

    def _go_back(self) -> tuple[int, Any] | None:
        """Runs the steps since the last copy again, and stops before the bad one; gives its number and batch."""
        self._put(self._kept)
        _, batches = self._source.go_on(self._epoch, self._marked, since=self._epoch, taken=0)
        for step in range(self._marked, self._step):
            batch, before = next(batches), self._copies()
            self.program(*batch)
            if not self.is_sound():
                self._put(before)
                return step, batch
        return None

    def _put(self, values: list[Any]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.put(value)


def watch_over(model: Trainer, source: Batches, told: CallbackList) -> Guard | Rewind:
    """The way that suits a run."""
    conditions: tuple[Callable[[], bool], ...] = (
        lambda: model._health_.policy == "raise" and not model._gives_own_logs_("train_step") and not model.run_eagerly,
        lambda: isinstance(source, ArrayBatches) and not told.wants_batches,
        lambda: not model.optimizer._skips_nonfinite_ and not model.optimizer.clipvalue,  # a clipped infinity leaves no trace
        lambda: all(v.constraint is None for v in model.trainable_variables),  # nor may one that is constrained
        lambda: not model._health_.steps.backend.EAGER or is_replayable(model),
        lambda: sum(math.prod(v.shape) * dtypes.numpy_dtype(v.dtype).itemsize for v in steps.state_of(model)) <= _MOST_BYTES,
    )
    if all(holds() for holds in conditions):
        rewind = Rewind(model, source)
        if rewind.is_sound():  # what is infinite from the start would hide what becomes so
            return rewind
    return Guard(model, source)
