"""The peers, by name. A peer's framework is imported only when it is made, in its own process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..workloads import Workload


class Peer(Protocol):
    """What the measures ask of a peer, which returns only when the work is done, not just dispatched."""

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        """Make the model, put the common starting weights in it, and keep the data in the form the framework likes."""

    def one_step(self) -> float:
        """Train on the first batch; return its loss."""

    def epoch(self) -> tuple[float, float]:
        """Train on every batch once, in a fresh random order; return the mean loss and the accuracy."""

    def predict_row(self) -> np.ndarray:
        """The logits of the first sample: a NumPy array of one row in, a NumPy array of one row out."""


def _make(module: str, name: str, *arguments: str) -> Any:
    return getattr(importlib.import_module(f".{module}", __name__), name)(*arguments)


PEERS: dict[str, Callable[[], Peer]] = {
    "cornu-jax": partial(_make, "fitted", "FittedPeer", "cornu", "jax"),
    "cornu-torch": partial(_make, "fitted", "FittedPeer", "cornu", "torch"),
    "cornu-tensorflow": partial(_make, "fitted", "FittedPeer", "cornu", "tensorflow"),
    "keras-jax": partial(_make, "fitted", "FittedPeer", "keras", "jax"),
    "keras-torch": partial(_make, "fitted", "FittedPeer", "keras", "torch"),
    "keras-tensorflow": partial(_make, "fitted", "FittedPeer", "keras", "tensorflow"),
    "jax-loop": partial(_make, "jax_loop", "JaxLoop"),
    "torch-loop": partial(_make, "torch_loop", "TorchLoop"),
}
