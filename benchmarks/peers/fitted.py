"""Cornu and Keras, used as their users use them: `fit` over arrays, and `predict`."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from ..workloads import Workload, build, initial_weights


class FittedPeer:
    """A library of Keras's public interface on one of its backends."""

    def __init__(self, library: str, backend: str) -> None:
        os.environ[f"{library.upper()}_BACKEND"] = backend
        self.library: Any = importlib.import_module(library)
        self.backend = backend
        array_type = type(self.library.ops.convert_to_tensor(np.ones(1, np.float32)))
        if not array_type.__module__.startswith(backend):
            raise RuntimeError(f"{library} must run on {backend}, but makes arrays of {array_type}")

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        self.batch, self.x, self.y = workload.batch, x, y
        self.first_x, self.first_y, self.row = x[: self.batch], y[: self.batch], x[:1]
        self.model = build(workload, self.library)
        self.model.set_weights(initial_weights(workload))

    def one_step(self) -> float:
        return self._fit(self.first_x, self.first_y)[0]

    def epoch(self) -> tuple[float, float]:
        return self._fit(self.x, self.y)

    def predict_row(self) -> np.ndarray:
        return self.model.predict(self.row, verbose=0)

    def _fit(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        history = self.model.fit(x, y, batch_size=self.batch, epochs=1, verbose=0).history
        return float(history["loss"][0]), float(history["accuracy"][0])
