"""Methods of models that older programs call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.compat.notice import notice
from cornu.errors import ArgumentError
from cornu.layers.tracking import walk

__all__ = ["evaluate_generator", "fit_generator", "predict_classes", "predict_generator", "predict_proba", "reset_states"]


def fit_generator(
    self: Any,
    generator: Any,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
    verbose: str | int = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: int | None = None,
    validation_freq: int | Sequence[int] = 1,
    class_weight: dict[int, float] | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
    **kwargs: Any,
) -> Any:
    """`fit` on a generator or a PyDataset, as Keras 2 called it."""
    notice("fit_generator", "is `fit` today")
    epochs = kwargs.pop("nb_epoch", epochs)
    _refuse_counts_of_rows(kwargs)
    return self.fit(
        generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_data=validation_data,
        validation_steps=validation_steps, validation_freq=validation_freq, class_weight=class_weight, max_queue_size=max_queue_size,
        workers=workers, use_multiprocessing=use_multiprocessing, shuffle=shuffle, initial_epoch=initial_epoch, **kwargs,
    )  # fmt: skip


def evaluate_generator(
    self: Any,
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: str | int = 0,
    **kwargs: Any,
) -> Any:
    """`evaluate` on a generator or a PyDataset, as Keras 2 called it."""
    notice("evaluate_generator", "is `evaluate` today")
    _refuse_counts_of_rows(kwargs)
    return self.evaluate(
        generator, steps=steps, callbacks=callbacks, max_queue_size=max_queue_size, workers=workers, use_multiprocessing=use_multiprocessing,
        verbose=verbose, **kwargs,
    )  # fmt: skip


def predict_generator(
    self: Any,
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: str | int = 0,
    **kwargs: Any,
) -> Any:
    """`predict` on a generator or a PyDataset, as Keras 2 called it."""
    notice("predict_generator", "is `predict` today")
    _refuse_counts_of_rows(kwargs)
    return self.predict(
        generator, steps=steps, callbacks=callbacks, max_queue_size=max_queue_size, workers=workers, use_multiprocessing=use_multiprocessing,
        verbose=verbose, **kwargs,
    )  # fmt: skip


def predict_classes(self: Any, x: Any, batch_size: int = 32, verbose: str | int = 0) -> np.ndarray:
    """The most likely class of each row; of a single sigmoid unit, whether it is above one half."""
    notice("predict_classes", "is `predict(x).argmax(-1)` today, or `(predict(x) > 0.5).astype('int32')` for a sigmoid")
    shares = self.predict(x, batch_size=batch_size, verbose=verbose)
    return shares.argmax(axis=-1) if shares.shape[-1] > 1 else (shares > 0.5).astype("int32")


def predict_proba(self: Any, x: Any, batch_size: int = 32, verbose: str | int = 0) -> np.ndarray:
    """The outputs for all rows."""
    notice("predict_proba", "is `predict` today")
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def reset_states(self: Any) -> None:
    """Sets what stateful recurrent layers remember to zeros."""
    notice("reset_states", "is `reset_state` today, of each stateful layer")
    for layer in walk(self):
        reset = getattr(layer, "reset_state", None)
        if reset and getattr(layer, "stateful", False):
            reset()


def _refuse_counts_of_rows(kwargs: dict[str, Any]) -> None:
    """Raises for the counts of rows that Keras 1 took where batches are counted today."""
    today = {"samples_per_epoch": "steps_per_epoch", "nb_val_samples": "validation_steps", "val_samples": "steps"}
    for old, new in today.items():
        if old in kwargs:
            raise ArgumentError(f"{old}={kwargs[old]} counted rows, and batches are counted today. Give {new}=rows // batch_size.")
