"""Settings sought by short trials on the model, which is then put back as it was, bit for bit: the learning rate, the size of batches."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends
from cornu.errors import ArgumentError, CornuError, NonFiniteError
from cornu.quantities import is_number, is_whole
from cornu.state import Variable
from cornu.training import data
from cornu.training.data.arrays import ArrayBatches
from cornu.training.data.streams import GeneratorBatches

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["BatchSizes", "LearningRates", "batch_sizes", "learning_rates"]

_SMOOTHING = 0.9  # of the running mean of losses
_WARM = 10  # steps before that mean says anything
_STRETCHES = 8  # so many of them side by side make the curve; the loss is compared over one, since single steps are noise
_TOO_BAD = 4.0  # times the best loss: there a trial of learning rates ends
_TRIAL = 0.2  # seconds for which steps of one size are timed, though never fewer than _STEPS
_STEPS = 3
_GAIN = 1.05  # a doubled batch that is not so many times as fast is not worth its memory
_NO_MEMORY = ("out of memory", "resource_exhausted", "resourceexhausted", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class LearningRates:
    """Losses along rising learning rates.

    Attributes:
        rates: as tried, from the lowest.
        losses: beside each, the running mean of the loss.
        suggestion: where the stretch begins in which the loss falls fastest, on a logarithmic scale; at most a tenth of the rate with the lowest
            loss. A schedule may begin there.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float

    def __str__(self) -> str:
        best = float(self.rates[self.losses.argmin()])
        return f"Learning rate {self.suggestion:.2g}: of rates up to {self.rates[-1]:.2g} the loss was lowest at {best:.2g}."


@dataclass(frozen=True)
class BatchSizes:
    """How fast steps of some sizes are.

    Attributes:
        sizes: rows in a batch, each size twice the one before.
        rows_per_second: beside each.
        suggestion: the smallest size that comes within 5 % of the fastest.
        memory_ended_it: whether the size after the last did not fit into memory.
    """

    sizes: list[int]
    rows_per_second: list[float]
    suggestion: int
    memory_ended_it: bool

    def __str__(self) -> str:
        fastest = self.rows_per_second[self.sizes.index(self.suggestion)]
        end = f"; {2 * self.sizes[-1]} rows do not fit into memory" if self.memory_ended_it else ""
        return f"Batches of {self.suggestion} rows: {fastest:,.0f} rows a second{end}."


def learning_rates(
    model: Trainer, x: Any, y: Any, sample_weight: Any, *, batch_size: int | None, lowest: float, highest: float, steps: int
) -> LearningRates:
    """`Model.find_learning_rate` on the current backend."""
    _check_rates(model, lowest, highest, steps)
    found: list[tuple[float, float]] = []
    with contextlib.closing(data.batches(x, y, sample_weight, batch_size=batch_size, shuffle=True, seed=0)) as source:
        if isinstance(source, GeneratorBatches):
            raise ArgumentError("A trial would use up what the generator yields. Give arrays, or a `PyDataset`.")
        stream = itertools.chain.from_iterable(map(source.epoch, itertools.count()))
        first = next(stream)
        model._ensure_ready_(*first, training=True)  # what this makes stays, as after `check`
        trials = zip(np.geomspace(lowest, highest, steps), itertools.chain([first], stream), strict=False)
        mean = 0.0
        with _put_back(model):
            for step, (rate, batch) in enumerate(trials, 1):
                loss = _loss_at(model, rate, batch)
                mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
                smooth = mean / (1 - _SMOOTHING**step)
                if not math.isfinite(loss) or (found and smooth > _TOO_BAD * min(loss for _, loss in found)):
                    break
                found.append((float(rate), smooth))
    return _judged(found, lowest)


def _check_rates(model: Trainer, lowest: Any, highest: Any, steps: Any) -> None:
    if not is_number(lowest) or not is_number(highest) or not 0 < lowest < highest < math.inf:
        raise ArgumentError(f"Learning rates are tried from `lowest` up to `highest`, both above 0, got {lowest!r} and {highest!r}.")
    if not is_whole(steps, 10):
        raise ArgumentError(f"steps must be a whole number of at least 10, got {steps!r}.")
    if model.optimizer is None:
        raise ArgumentError(
            "A learning rate is an optimizer's, and the model was compiled without one: call `model.compile(optimizer, loss)`."
        )
    if not isinstance(getattr(getattr(model.optimizer, "inner_optimizer", model.optimizer), "_learning_rate", None), Variable):
        raise ArgumentError(
            f"A learning rate can be sought for an optimizer that has one as a number; {model.optimizer.name!r} has a schedule or none. "
            "Compile with a number, look for the rate, and begin the schedule there."
        )


def _loss_at(model: Trainer, rate: float, batch: Any) -> float:
    """The loss of one step at that rate, NaN where it is not finite."""
    model.optimizer.learning_rate = rate
    x, y, sample_weight = batch
    try:
        logs = model.train_on_batch(x, y, sample_weight, return_dict=True)
    except NonFiniteError:
        return math.nan
    if "loss" not in logs:
        raise ArgumentError(f"A trial goes by the 'loss' that a step gives, and the model's own step gives {sorted(logs)}. Add it there.")
    return float(logs["loss"])


def _judged(found: list[tuple[float, float]], lowest: float) -> LearningRates:
    if len(found) < 10:
        raise CornuError(
            f"The loss left all bounds after {len(found)} step(s), too few to judge by. Begin lower than {lowest:g}, "
            "or see with `model.check(x, y)` whether the data fits the model."
        )
    rates, losses = (np.array(column) for column in zip(*found, strict=True))
    wide = max(1, len(found) // _STRETCHES)
    falls = (losses[:-wide] - losses[wide:])[min(_WARM, len(found) - wide - 1) :]
    steepest = rates[len(losses) - wide - len(falls) + falls.argmax()]
    return LearningRates(rates, losses, float(max(rates[0], min(steepest, rates[losses.argmin()] / 10))))


def batch_sizes(model: Trainer, x: Any, y: Any, sample_weight: Any, *, smallest: int, largest: int) -> BatchSizes:
    """`Model.find_batch_size` on the current backend."""
    if not is_whole(smallest, 1) or not is_whole(largest, smallest):
        raise ArgumentError(f"`smallest` and `largest` must be whole numbers above 0, in that order, got {smallest!r} and {largest!r}.")
    found: dict[int, float] = {}
    full = False
    size = int(smallest)
    while size <= largest:
        with contextlib.closing(data.batches(x, y, sample_weight, batch_size=size, seed=0)) as source:
            if not isinstance(source, ArrayBatches):
                raise ArgumentError("The size of batches can be sought for arrays, since other sources bring their own. Give arrays.")
            if size > (source.num_samples or 0):
                break
            batch = next(source.epoch(0))
        model._ensure_ready_(*batch, training=True)
        try:
            with _put_back(model):
                found[size] = size / _seconds_a_step(model, batch)
        except Exception as error:
            if not found or not is_lack_of_memory(error):
                raise
            full = True
            break
        if len(found) > 2 and max(list(found.values())[-2:]) < _GAIN * max(list(found.values())[:-2]):
            break  # two doublings have gained nothing
        size *= 2
    if not found:
        raise ArgumentError(
            f"There are fewer rows than the smallest batch to try, {smallest}. Give `smallest=` as many as there are, or more rows."
        )
    enough = max(found.values()) / _GAIN
    return BatchSizes(list(found), list(found.values()), next(size for size, speed in found.items() if speed >= enough), full)


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an error of any framework says that memory did not suffice."""
    text = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY)


def _seconds_a_step(model: Trainer, batch: Any) -> float:
    backend, program = backends.current(), model._program_("train")
    times: list[float] = []
    with backend.inference():
        began = time.perf_counter()
        while len(times) <= _STEPS or time.perf_counter() - began < _TRIAL:
            start = time.perf_counter()
            program(*batch)
            backend.block([v.value for v in model.trainable_variables])
            times.append(time.perf_counter() - start)
            if len(times) == 1:  # it was compiled
                began = time.perf_counter()
    return min(times[1:])


@contextlib.contextmanager
def _put_back(model: Trainer) -> Iterator[None]:
    """Afterwards all variables of model, optimizer, metrics and random streams hold what they held before."""
    kept = [(variable, np.array(variable.numpy())) for variable in model._all_state_()]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
        model._health_.reset()
