"""The training workloads: shapes, data, starting weights, and the model written once for Keras and Cornu.

Data and starting weights come from fixed seeds, so every peer trains the same numbers from the same point; the losses of the first two
steps must then agree between peers, which the report checks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LEARNING_RATE = 1e-3
EPSILON = 1e-7  # Keras's default for Adam; given to optax and torch too, whose own is 1e-8
SEED = 1729

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Workload:
    """One model and the data it trains on."""

    name: str
    input_shape: tuple[int, ...]  # of one sample, channels last
    batch: int
    steps: int  # of a timed epoch: enough that what `fit` does once a call weighs little
    shapes: Shapes  # the weights', in the order and layout in which Keras lists them
    hidden: Callable[[Any], list[Any]]  # the hidden layers, from a library's `layers`
    classes: int = 10  # 1: a binary target of shape (n, 1)
    vocabulary: int = 0  # number of token ids; 0: the input is of floats


def build(workload: Workload, library: Any) -> Any:
    """The workload's compiled model, `library` being either `keras` or `cornu`."""
    inputs = library.Input(workload.input_shape, dtype="int32" if workload.vocabulary else "float32")
    model = library.Sequential([inputs, *workload.hidden(library.layers), library.layers.Dense(workload.classes)])
    loss = library.losses.BinaryCrossentropy if workload.classes == 1 else library.losses.SparseCategoricalCrossentropy
    model.compile(optimizer=library.optimizers.Adam(LEARNING_RATE), loss=loss(from_logits=True), metrics=["accuracy"])
    return model


def make_data(workload: Workload, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Random samples for `steps` whole batches, and random targets."""
    rng = np.random.default_rng(SEED)
    count = steps * workload.batch
    shape = (count, *workload.input_shape)
    x = rng.integers(workload.vocabulary, size=shape, dtype=np.int32) if workload.vocabulary else rng.random(shape, np.float32)
    if workload.classes == 1:
        return x, rng.integers(2, size=(count, 1)).astype(np.float32)
    return x, rng.integers(workload.classes, size=count, dtype=np.int32)


def initial_weights(workload: Workload) -> list[np.ndarray]:
    """Starting weights in Keras's order and layout: matrices and kernels Glorot uniform, biases 0."""
    rng = np.random.default_rng(SEED + 1)

    def initial(shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.zeros(shape, np.float32)
        limit = math.sqrt(6.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return [initial(shape) for shape in workload.shapes]


def _dense(*units: int) -> Shapes:
    """The shapes of a chain of dense layers, kernel and bias by turns."""
    return tuple(shape for pair in itertools.pairwise(units) for shape in (pair, pair[1:]))


_MLP = Workload(
    "mlp", (784,), batch=128, steps=200, shapes=_dense(784, 512, 512, 10), hidden=lambda layers: [_relu(layers, 512), _relu(layers, 512)]
)
_SMALL_MLP = Workload("small_mlp", (784,), batch=32, steps=1000, shapes=_dense(784, 32, 10), hidden=lambda layers: [_relu(layers, 32)])
_CNN = Workload(
    "cnn",
    (28, 28, 1),
    batch=32,
    steps=150,
    shapes=((3, 3, 1, 32), (32,), *_dense(13 * 13 * 32, 128, 10)),
    hidden=lambda layers: [_conv(layers, 32), layers.MaxPooling2D(2), layers.Flatten(), _relu(layers, 128)],
)
_CNN2 = Workload(
    "cnn2",
    (32, 32, 3),
    batch=64,
    steps=10,
    shapes=((3, 3, 3, 64), (64,), (3, 3, 64, 64), (64,), (3, 3, 64, 128), (128,), *_dense(128, 10)),
    hidden=lambda layers: [
        _conv(layers, 64),
        _conv(layers, 64),
        layers.MaxPooling2D(2),
        _conv(layers, 128),
        layers.GlobalAveragePooling2D(),
    ],
)
_LSTM = Workload(
    "lstm",
    (400,),
    batch=32,
    steps=20,
    shapes=((5000, 32), (32, 4 * 32), (32, 4 * 32), (4 * 32,), *_dense(32, 1)),
    hidden=lambda layers: [layers.Embedding(5000, 32), layers.LSTM(32)],
    classes=1,
    vocabulary=5000,
)
WORKLOADS = {workload.name: workload for workload in (_MLP, _SMALL_MLP, _CNN, _CNN2, _LSTM)}


def _relu(layers: Any, units: int) -> Any:
    return layers.Dense(units, activation="relu")


def _conv(layers: Any, filters: int) -> Any:
    return layers.Conv2D(filters, 3, activation="relu")
