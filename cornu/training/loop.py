"""The one loop: batches in, steps run, callbacks told."""

from __future__ import annotations

import contextlib
import functools
import itertools
import signal
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, config, tree
from cornu.callbacks import CallbackList
from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, CornuError, DataError
from cornu.ops.core import convert_to_numpy
from cornu.quantities import is_whole
from cornu.training import advice, checks, data, diagnosis, ready
from cornu.training.data.columns import is_columnar
from cornu.training.filling import filled, is_row_wise, program_of, rows_of
from cornu.training.forecast import Forecast, forecast
from cornu.training.health import failure
from cornu.training.resume import Run
from cornu.training.watch import Guard, Rewind, watch_over

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["check", "evaluate", "fit", "predict", "predict_on_batch", "test_on_batch", "train_on_batch"]

_ALL_ROWS = 1 << 62


class Logs(MutableMapping[str, float]):
    """The metrics so far, fetched from the device when somebody looks; else as a dict."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch: Callable[[], Mapping[str, Any]] | None = fetch
        self._values: dict[str, Any] = {}

    def _look(self) -> dict[str, Any]:
        if self._fetch is not None:
            self._values.update({name: as_number(value) for name, value in self._fetch().items()})
            self._fetch = None
        return self._values

    def __getitem__(self, name: str) -> float:
        return self._look()[name]

    def __setitem__(self, name: str, value: float) -> None:
        self._look()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._look()[name]

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._look(), **other}

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**other, **self._look()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def __repr__(self) -> str:
        return repr(self._look())

    def copy(self) -> dict[str, float]:
        """The values as a plain dict."""
        return dict(self._look())


def as_number(value: Any) -> Any:
    """A Python float from a scalar array; other arrays as NumPy's."""
    array = convert_to_numpy(value) if not isinstance(value, (int, float)) else np.asarray(value)
    return float(array) if array.ndim == 0 else array


_interrupts: list[_Interrupts] = []
"""Those of the run at hand; a run within it, such as validation, shares them."""


class _Interrupts:
    """Ctrl-C, held back until the step at hand is whole: a compiled step must not be cut off between taking the weights and giving them back.

    A second Ctrl-C waits for a step as well, but for nothing else; a third waits for nothing.
    """

    def __init__(self) -> None:
        self._asked, self.in_step = 0, False
        self._handler = signal.getsignal(signal.SIGINT)

    def ask(self, number: int, frame: Any) -> None:
        """What the signal calls."""
        self._asked += 1
        if self._asked > 2 or (self._asked == 2 and not self.in_step):
            self._raise(number, frame)

    def stop_if_asked(self) -> None:
        """Raises between steps what Ctrl-C asked for."""
        if self._asked:
            self._raise(signal.SIGINT, None)

    def _raise(self, number: int, frame: Any) -> None:
        self._asked = 0
        self._handler(number, frame)  # type: ignore[operator, misc]

    def run(self, step: Callable[..., Any], batch: Any) -> Any:
        """Runs one step."""
        self.in_step = True
        try:
            return step(*batch)
        finally:
            self.in_step = False


@contextlib.contextmanager
def between_steps() -> Iterator[_Interrupts]:
    """Inside, Ctrl-C waits for the step at hand to be whole; `stop_if_asked` of what is given must be called between steps."""
    if _interrupts and threading.current_thread() is threading.main_thread():
        yield _interrupts[-1]
        return
    interrupts = _Interrupts()
    if threading.current_thread() is not threading.main_thread() or not callable(interrupts._handler):
        yield interrupts
        return
    try:
        signal.signal(signal.SIGINT, interrupts.ask)
        _interrupts.append(interrupts)  # while Ctrl-C is held back: were one to break in here, this run would count as running for ever
        yield interrupts
    finally:
        _interrupts.clear()
        signal.signal(signal.SIGINT, interrupts._handler)
    interrupts.stop_if_asked()


def _given(results: Any) -> Any:
    return results


def fit(
    model: Trainer,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    epochs: int,
    verbose: str | int,
    callbacks: Any,
    validation_split: float,
    validation_data: Any,
    shuffle: bool | str,
    class_weight: dict[int, float] | None,
    sample_weight: Any,
    initial_epoch: int,
    steps_per_epoch: int | None,
    validation_steps: int | None,
    validation_batch_size: int | None,
    validation_freq: Any,
    diagnose: bool,
) -> Any:
    """`Model.fit` on the current backend."""
    _check_epochs(epochs, initial_epoch)
    if validation_data is not None or validation_split:
        _check_freq(validation_freq)
    epochs = min(epochs, initial_epoch + (config.max_epochs() or epochs))
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = data.split((x, y, sample_weight), validation_split)
    run = Run(model, callbacks, initial_epoch)
    train = data.batches(
        x,
        y,
        sample_weight,
        batch_size=batch_size,
        shuffle=shuffle,
        steps=steps_per_epoch,
        class_weight=class_weight,
        seed=run.seed,
    )
    with contextlib.closing(train), between_steps() as interrupts:
        first, stream = run.batches(train)
        model._ensure_ready_(*first, training=True)
        check = ready.check_source(model, train, first, x, y, sample_weight, training=True)
        _check_validation(model, validation_data, validation_batch_size or batch_size)
        told = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=epochs, steps=_at_most(train.num_batches)
        )  # fmt: skip
        model.stop_training = False
        with backends.current().inference(), contextlib.closing(told):
            watch = watch_over(model, train, told)
            run.begin(told, train, epochs, first, watch.look)
            logs = run.logs
            for epoch in run.epochs(epochs):
                run.begin_epoch(epoch)
                begun, batches = (run.step, stream) if epoch == run.epoch else (0, train.epoch(epoch))
                if not begun:
                    model.reset_metrics()
                watch.start(epoch, run.done)
                steps, so_far = _run_epoch(model, batches, told, watch, interrupts, check, begun)
                if not steps:  # the generator ran dry at the end of the last epoch
                    break
                run.done += steps
                logs = dict(run.logs if steps == begun else so_far)
                if validation_data is not None and _is_due(validation_freq, epoch):
                    scores = _validate(model, validation_data, validation_batch_size or batch_size, validation_steps, told)
                    logs.update({f"val_{name}": value for name, value in scores.items()})
                told.on_epoch_end(epoch, logs)
                interrupts.stop_if_asked()
                if model.stop_training:
                    break
            if model.optimizer is not None and epochs > initial_epoch:
                model.optimizer.finalize_variable_values(model.trainable_variables)
            told.on_train_end(logs)
            if diagnose:
                _diagnose(model, train, first, y, weighted=sample_weight is not None or class_weight is not None, aloud=bool(verbose))
    return model.history


def _diagnose(model: Trainer, source: data.Batches, batch: Any, y: Any, *, weighted: bool, aloud: bool) -> None:
    """Puts what the run has shown into its history, and prints it."""
    history = model.history  # None where a `CallbackList` that was handed in keeps none
    found = advice.findings(model, source, batch, y, weighted=weighted, history={} if history is None else history.history)
    if history is not None:
        history.diagnosis = found
    if aloud:
        say("\n- ".join(["Diagnosis:", *(map(str, found) if found else ["nothing stands out."])]))


def _check_epochs(epochs: Any, initial_epoch: Any) -> None:
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if not is_whole(value, 0):
            raise ArgumentError(f"{name} must be a whole number, got {value!r}. Write it without quotes or fractions: `fit(…, {name}=10)`.")


def _check_freq(freq: Any) -> None:
    listed = isinstance(freq, Collection) and not isinstance(freq, (str, bytes))
    if not (all(is_whole(epoch, 0) for epoch in freq) if listed else is_whole(freq, 1)):
        raise ArgumentError(f"validation_freq must be a number of epochs above 0, or a list of epochs counted from 1, got {freq!r}.")


def _first(stream: Iterator[Any]) -> Any:
    for batch in stream:
        return batch
    raise DataError("The data holds no batch. Check that the arrays are not empty, and that the generator yields.")


def _run_epoch(
    model: Trainer,
    batches: Iterator[Any],
    told: CallbackList,
    watch: Guard | Rewind,
    interrupts: _Interrupts,
    check: ready.EachBatch | None,
    begun: int,
) -> tuple[int, Logs]:
    """Runs the steps of one epoch, of which `begun` have been run already; gives how many that makes, and the metrics at the end of the last."""
    if begun and model.stop_training:
        batches = iter(())
    program, together = watch.program, model.steps_per_execution
    own, step, logs = model._gives_own_logs_("train_step"), begun, Logs(model.get_metrics_result)
    try:
        for group in _grouped(_limited(batches, begun), together):
            told.on_train_batch_begin(step)
            for number, batch in enumerate(group, step):
                if check is not None:
                    check(batch, number)
                results = interrupts.run(program, batch)
                watch.saw(batch)
            step += len(group)
            logs = Logs(functools.partial(_given, results) if own else model.get_metrics_result)
            told.on_train_batch_end(step - 1, logs)
            interrupts.stop_if_asked()
            if model.stop_training:
                break
        watch.end()
    except BaseException:
        watch.settle()
        raise
    return step, logs


def _limited(batches: Iterator[Any], begun: int = 0) -> Iterator[Any]:
    """As many batches, after those of an epoch that has begun, as `config.max_steps_per_epoch` lets through."""
    most = config.max_steps_per_epoch()
    return batches if most is None else itertools.islice(batches, max(most - begun, 0))


def _at_most(steps: int | None) -> int | None:
    """The number of steps within that limit; None where it is not known."""
    return None if steps is None else min(steps, config.max_steps_per_epoch() or steps)


def _grouped(batches: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while group := list(itertools.islice(batches, size)):
        yield group


def _is_due(freq: Any, epoch: int) -> bool:
    return (epoch + 1) % freq == 0 if isinstance(freq, (int, np.integer)) else epoch + 1 in freq


def _parts(validation_data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of validation data; a source of batches stands for all three."""
    if isinstance(validation_data, (tuple, list)) and len(validation_data) in (2, 3):
        return (*validation_data, *(None,) * (3 - len(validation_data)))
    return validation_data, None, None


def _check_validation(model: Trainer, validation_data: Any, batch_size: int | None) -> None:
    """Raises before training starts where arrays for validation do not fit. Other sources are not touched before their turn."""
    x, y, weight = _parts(validation_data)
    if x is None or not is_columnar(x):
        return
    try:
        with contextlib.closing(data.batches(x, y, weight, batch_size=batch_size)) as source:
            first = _first(source.epoch(0))
            model._ensure_ready_(*first, training=False)
            ready.check_source(model, source, first, x, y, weight, training=False)
    except CornuError as error:
        alone = "validation_data must be (x, y) or (x, y, sample_weight), got x alone." if y is None else ""
        error.args = (f"validation_data does not fit the model. {alone}\n{error}",)
        raise


def _validate(model: Trainer, validation_data: Any, batch_size: int | None, steps: int | None, told: CallbackList) -> dict[str, float]:
    x, y, weight = _parts(validation_data)
    return evaluate(model, x, y, batch_size=batch_size, verbose=0, sample_weight=weight, steps=steps, callbacks=told)


@contextlib.contextmanager
def _closed_where_broken(told: CallbackList, given: Any) -> Iterator[None]:
    """Has callbacks give back what they hold where the block raises; those that were given as the list of a run around it are that run's to close."""
    try:
        yield
    except BaseException:
        if told is not given:
            told.close()
        raise


def evaluate(
    model: Trainer, x: Any, y: Any, *, batch_size: int | None, verbose: str | int, sample_weight: Any, steps: int | None, callbacks: Any
) -> dict[str, float]:
    """`Model.evaluate` on the current backend; the metrics by name."""
    source = data.batches(x, y, sample_weight, batch_size=batch_size, steps=steps)
    with contextlib.closing(source), between_steps() as interrupts:
        stream = source.epoch(0)
        first = _first(stream)
        model._ensure_ready_(*first, training=False)
        check = ready.check_source(model, source, first, x, y, sample_weight, training=False)
        told = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_history=False, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=_at_most(source.num_batches)
        )  # fmt: skip
        program, logs, results = program_of(model, "test", source), Logs(model.get_metrics_result), None
        own = model._gives_own_logs_("test_step")
        with backends.current().inference(), _closed_where_broken(told, callbacks):
            model.reset_metrics()
            told.on_test_begin()
            for step, batch in enumerate(_limited(itertools.chain([first], stream))):
                if check is not None:
                    check(batch, step)
                told.on_test_batch_begin(step)
                results = interrupts.run(program, batch)
                logs = Logs(functools.partial(_given, results) if own else model.get_metrics_result)
                told.on_test_batch_end(step, logs)
                interrupts.stop_if_asked()
            final = dict(logs)
            told.on_test_end(final)
    return final


def predict(model: Trainer, x: Any, **settings: Any) -> Any:
    """`Model.predict` on the current backend; settings are those of `predicted`."""
    found = list(predicted(model, x, **settings))
    columns = zip(*map(tree.flatten, found), strict=True)
    return tree.unflatten(tree.structure(found[0]), [np.concatenate(c) if len(c) > 1 else np.array(c[0]) for c in columns])


def streamed(model: Trainer, x: Any, **settings: Any) -> Generator[Any]:
    """The outputs of one batch after another, in memory of their own; settings are those of `predicted`."""
    with contextlib.closing(predicted(model, x, **settings)) as found:
        for outputs in found:
            yield tree.map_structure(np.array, outputs)


def predicted(model: Trainer, x: Any, *, batch_size: int | None, verbose: str | int, steps: int | None, callbacks: Any) -> Generator[Any]:
    """The outputs of one batch after another, as NumPy arrays in the structure of the outputs."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        checks.check_inputs(model, x)  # as it was given: cut into batches, it says less
    with contextlib.closing(data.batches(x, batch_size=batch_size, steps=steps)) as source:
        stream = source.epoch(0)
        first = _first(stream)
        model._ensure_built_(first[0])
        checks.check_inputs(model, first[0])
        ids = ready.ids_of(model)
        told = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_history=False, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=_at_most(source.num_batches)
        )  # fmt: skip
        inference = backends.current().inference
        waiting, size = None, rows_of(first[0])
        with _closed_where_broken(told, callbacks):
            told.on_predict_begin()
            for step, (inputs, _, _) in enumerate(_limited(itertools.chain([first], stream))):
                if ids:
                    ids.check(inputs, batch=step)
                told.on_predict_batch_begin(step)
                with inference():  # left again at each batch: what stands between belongs to the caller
                    outputs, rows = _padded_outputs(model, inputs, size)
                if waiting is not None:  # the results of a step are fetched while the next one runs
                    yield _fetched(*waiting)
                waiting = outputs, rows
                told.on_predict_batch_end(step, {"outputs": outputs})
            yield _fetched(*waiting)  # type: ignore[misc]
            told.on_predict_end()


def is_one_batch(x: Any, size: int) -> bool:
    """Whether `x` is a plain array of no more rows than one batch: then there is no loop to set up."""
    return isinstance(x, np.ndarray) and x.dtype != object and x.ndim > 0 and type(size) is int and 0 < len(x) <= size


def _padded_outputs(model: Trainer, inputs: Any, size: int) -> tuple[Any, int]:
    """The outputs of a batch, and the rows that count: a short one is filled up to the size of the others where a program is compiled for that
    size, and no row sees another.
    """
    rows = rows_of(inputs)
    if rows < size and not backends.current().EAGER and is_row_wise(model):
        inputs = filled(inputs, size - rows)
    return model._program_("predict")(inputs), rows


def _fetched(outputs: Any, rows: int) -> Any:
    return tree.map_structure(lambda x: convert_to_numpy(x)[:rows] if x.ndim else convert_to_numpy(x), outputs)


def _handed_out(x: Any) -> np.ndarray:
    """The values in memory of the caller's own: a framework's array may be read-only, or share its memory with the data or with a weight."""
    return np.array(convert_to_numpy(x))


def predict_on_batch(model: Trainer, x: Any) -> Any:
    """`Model.predict_on_batch` on the current backend."""
    x = data.narrowed(x) if isinstance(x, np.ndarray) else tree.map_structure(data.narrowed, x)
    model._ensure_built_(x)
    ids = ready.ids_of(model)
    if ids:
        ids.check(x)
    backend = backends.current()
    try:
        with backend.inference():
            outputs = model._program_("predict")(x)
            if isinstance(outputs, backend.ARRAY_TYPES):
                return np.array(backend.to_numpy(outputs))
            return tree.map_structure(_handed_out, outputs)
    except (ValueError, TypeError):
        checks.check_inputs(model, x)  # says it better, where it is the shape
        raise


def train_on_batch(model: Trainer, x: Any, y: Any, sample_weight: Any, class_weight: dict[int, float] | None) -> dict[str, float]:
    """`Model.train_on_batch` on the current backend; the metrics of this batch by name."""
    batch = _whole(x, y, sample_weight, class_weight)
    with between_steps() as interrupts:
        model._ensure_ready_(*batch, training=True)
        model._check_values_(*batch)
        with backends.current().inference():
            model._health_.reset()
            model.reset_metrics()
            results = interrupts.run(model._program_("train"), batch)
            bad = model._health_.bad_step()
            if bad is not None and model._health_.policy == "raise":
                model._health_.reset()
                raise failure(1, 0, diagnosis.source_of_non_finite(model, batch))
            interrupts.stop_if_asked()
            return dict(Logs(model.get_metrics_result if results is None else lambda: results))


def test_on_batch(model: Trainer, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """`Model.test_on_batch` on the current backend; the metrics of this batch by name."""
    batch = _whole(x, y, sample_weight, None)
    with between_steps() as interrupts:
        model._ensure_ready_(*batch, training=False)
        model._check_values_(*batch)
        with backends.current().inference():
            model.reset_metrics()
            results = interrupts.run(model._program_("test"), batch)
            return dict(Logs(model.get_metrics_result if results is None else lambda: results))


def check(model: Trainer, x: Any, y: Any, sample_weight: Any, batch_size: int | None) -> Forecast:
    """`Model.check` on the current backend."""
    with contextlib.closing(data.batches(x, y, sample_weight, batch_size=batch_size)) as source:
        first = _first(source.epoch(0))
        model._ensure_ready_(*first, training=True)
        ready.check_source(model, source, first, x, y, sample_weight, training=True)
        return forecast(model, first)


def _whole(x: Any, y: Any, sample_weight: Any, class_weight: dict[int, float] | None) -> Any:
    """All rows as one batch."""
    with contextlib.closing(data.batches(x, y, sample_weight, batch_size=_ALL_ROWS, class_weight=class_weight)) as source:
        return _first(source.epoch(0))
