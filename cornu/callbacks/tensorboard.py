"""Logs for TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs, Logs
from cornu.callbacks.events import EventFile
from cornu.callbacks.folders import check_folder
from cornu.callbacks.projector import Projector
from cornu.errors import ArgumentError, BackendError, CornuError
from cornu.ops.core import convert_to_numpy
from cornu.quantities import is_whole

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes what TensorBoard shows (`tensorboard --logdir logs`): metrics, weights as histograms and images, graph, embeddings, profile.

    Runs are called "train" and "validation". An epoch's metrics are `epoch_loss` and so on, by the number of the epoch; those of a batch
    `batch_loss`, by the number of batches since the callback was made; those of an evaluation `evaluation_loss_vs_iterations`, by the
    optimizer's steps. It needs the package `tensorboard`.

    Args:
        log_dir: the folder; the runs are folders in it.
        histogram_freq: after every so many epochs, the first included, histograms of all weights; 0 for none.
        write_graph: the model's graph, of models that are made from one.
        write_images: with the histograms, pictures of the weights too, from black, the smallest, to white, the largest.
        write_steps_per_second: `epoch_steps_per_second`, and with metrics of batches `batch_steps_per_second`.
        update_freq: "epoch"; or metrics of the epoch so far after "batch"es or every so many of them.
        profile_batch: a batch, or the first and the last of several as a pair or "10,20", counted from 1, in which the backend
            records what it does; 0 for none.
        embeddings_freq: after every so many epochs, the first included, the weights of `Embedding` layers; 0 for none.
        embeddings_metadata: the file, relative to `log_dir`, that names the rows of embeddings; a dict by the layers' names where there
            are several.

    Raises:
        BackendError: the package is not installed, or the backend cannot record a profile.
        ArgumentError: an argument is none that is known, a file stands where the folder would, or `embeddings_metadata` names no embedding of the model.
    """

    state_names = ("last_batch", "train_step")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: int | str | Sequence[int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        check_folder("log_dir", self.log_dir)
        self.histogram_freq, self.embeddings_freq = (
            _frequency("histogram_freq", histogram_freq),
            _frequency("embeddings_freq", embeddings_freq),
        )
        self.write_graph, self.write_images, self.write_steps_per_second = write_graph, write_images, write_steps_per_second
        self.update_freq = _update_frequency(update_freq)
        self.profile_batch, self._profiled = profile_batch, _batches(profile_batch)
        self.embeddings_metadata = embeddings_metadata
        self._train, self._validation = (EventFile(Path(self.log_dir) / run) for run in ("train", "validation"))
        self._projector: Projector | None = None
        self.train_step, self.last_batch, self._fitting, self._profiling = 0, -1, False, False
        self._epoch_begun = self._batch_begun = time.monotonic()
        self._step_at_epoch = 0

    # --- training -----------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        self._fitting = True
        if self._profiled is not None and not hasattr(self._tracer(), "start_trace"):
            raise BackendError(f"The {self._tracer().NAME} backend cannot record a profile. Leave profile_batch at 0.")
        if self.embeddings_freq:
            self._projector = Projector(self.model, Path(self.log_dir), self.embeddings_metadata)
        if self.write_graph and getattr(self.model, "_graph_", None) is not None:
            self._write_graph()

    def _write_graph(self) -> None:
        try:
            self._train.model_graph("keras", self.model.to_json(), 0)
        except CornuError:  # the model holds what no file can, and can be trained all the same
            return
        self._train.flush()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.last_batch, self._step_at_epoch, self._epoch_begun = -1, self.train_step, time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_begun = time.monotonic()
        if self._profiled is not None and not self._profiling and self._profiled[0] <= self.train_step + 1 <= self._profiled[1]:
            self._tracer().start_trace(os.path.join(self.log_dir, "train"))
            self._profiling = True

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        done = batch - self.last_batch  # steps that run together are told of once
        before, self.train_step, self.last_batch = self.train_step, self.train_step + done, batch
        freq = self.update_freq
        if isinstance(freq, int) and self.train_step // freq > before // freq:
            self._write_batch(done, logs)
        if self._profiling and self._profiled is not None and self.train_step >= self._profiled[1]:
            self._end_profile()

    def _write_batch(self, done: int, logs: Logs) -> None:
        if self.write_steps_per_second:
            self._train.scalar("batch_steps_per_second", _rate(done, self._batch_begun), self.train_step)
        self._scalars(self._train, {f"batch_{name}": value for name, value in (logs or {}).items()}, self.train_step)

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        train = {name: value for name, value in (logs or {}).items() if not name.startswith("val_")}
        if hasattr(self.model.optimizer, "learning_rate"):
            train.setdefault("learning_rate", float(convert_to_numpy(self.model.optimizer.learning_rate)))
        if self.write_steps_per_second:
            train["steps_per_second"] = _rate(self.train_step - self._step_at_epoch, self._epoch_begun)
        self._scalars(self._train, {f"epoch_{name}": value for name, value in train.items()}, epoch)
        validation = {name.removeprefix("val_"): value for name, value in (logs or {}).items() if name.startswith("val_")}
        self._scalars(self._validation, {f"epoch_{name}": value for name, value in validation.items()}, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self._projector is not None and epoch % self.embeddings_freq == 0:
            self._projector.write(epoch)

    def _release_(self) -> None:
        """Ends the files, and a profile that is being taken."""
        self._fitting = False
        if self._profiling:
            self._end_profile()
        self._train.close()
        self._validation.close()

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._step_at_epoch, self._epoch_begun = self.train_step, time.monotonic()

    # --- evaluation ---------------------------------------------------------------------------------------------------

    def on_test_end(self, logs: Logs = None) -> None:
        if getattr(self.model, "optimizer", None) is None:
            return
        step = int(convert_to_numpy(self.model.optimizer.iterations))
        self._scalars(self._validation, {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}, step)
        if not self._fitting:
            self._validation.close()

    # --- what is written ----------------------------------------------------------------------------------------------

    @staticmethod
    def _scalars(file: EventFile, values: Mapping[str, Any], step: int) -> None:
        for tag, value in values.items():
            file.scalar(tag, value, step)
        file.flush()

    def _write_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            path, value = self._tag(weight.path), np.asarray(weight.numpy(), "float64")
            self._train.histogram(f"{path}/histogram", value, epoch)
            pictures = _pictures(value) if self.write_images else None
            if pictures is not None:
                self._train.images(f"{path}/image", pictures, epoch)
        self._train.flush()

    def _tag(self, path: str) -> str:
        name = self.model.name
        return path if path.startswith(name + "/") else f"{name}/{path}"

    # --- profiles -----------------------------------------------------------------------------------------------------

    def _tracer(self) -> Any:
        return self.model._home_backend_()

    def _end_profile(self) -> None:
        self._profiling = False
        self._tracer().stop_trace()


def _rate(steps: int, begun: float) -> float:
    return steps / max(time.monotonic() - begun, 1e-9)


def _frequency(name: str, value: Any) -> int:
    if not is_whole(value, 0):
        raise ArgumentError(f"{name} must be a number of epochs, or 0 for never, got {value!r}.")
    return int(value)


def _update_frequency(value: Any) -> int | str:
    if value in ("epoch", "batch"):
        return "epoch" if value == "epoch" else 1
    if isinstance(value, (bool, str)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"update_freq must be 'epoch', 'batch' or a number of batches above 0, got {value!r}.")
    return int(value)


def _batches(value: Any) -> tuple[int, int] | None:
    """First and last batch of what `profile_batch` says; None for none.

    >>> _batches(0), _batches(3), _batches("10,20"), _batches((2, 4))
    (None, (3, 3), (10, 20), (2, 4))
    """
    parts: Any = str(value).split(",") if isinstance(value, (str, int, np.integer)) and not isinstance(value, bool) else value
    try:
        found = [int(part) for part in parts]
    except (TypeError, ValueError):
        found = []
    first, last = (found[0], found[-1]) if len(found) in (1, 2) else (-1, -1)
    if not 0 <= first <= last or (len(found) == 2 and first == 0):
        raise ArgumentError(f"profile_batch must be a batch from 1, a pair of them in order, or 0 for none, got {value!r}.")
    return (first, last) if last else None


_MOST_PICTURES = 3


def _pictures(weight: np.ndarray) -> np.ndarray | None:
    """A weight as images of bytes (count, rows, columns, channels), at most three; None for what is no picture, or has no points.

    A vector is one row; a matrix lies with its longer side across; of three axes (rows, columns, filters) each filter is an image; so
    it is of four, (rows, columns, channels, filters), where the channels are colours.

    >>> _pictures(np.zeros((8, 3))).shape, _pictures(np.zeros(5)).shape, _pictures(np.zeros((3, 4, 3, 8))).shape
    ((1, 3, 8, 1), (1, 1, 5, 1), (3, 3, 4, 3))
    """
    w = weight if weight.ndim == 4 and weight.shape[2] in (3, 4) else np.squeeze(weight)
    if w.ndim in (1, 2):
        matrix = w[None] if w.ndim == 1 else w.T if w.shape[0] > w.shape[1] else w
        w = matrix[None, :, :, None]
    elif w.ndim == 3:
        w = np.moveaxis(w, 2, 0)[..., None]
    elif w.ndim == 4 and w.shape[2] in (3, 4):
        w = np.moveaxis(w, 3, 0)
    else:
        return None
    if not w.size:
        return None
    low, high = float(w.min()), float(w.max())
    return np.round((w[:_MOST_PICTURES] - low) * (255 / (high - low) if high > low else 0)).astype("uint8")
