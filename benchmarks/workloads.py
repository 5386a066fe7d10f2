"""The training workloads: shapes, data, starting weights, and the model written once for Keras and Cornu.

Data and starting weights come from fixed seeds, so every peer trains the same numbers from the same point; the losses of the first two
steps must then agree between peers, which the report checks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

LEARNING_RATE = 1e-3
EPSILON = 1e-7  # Keras's default for Adam; given to optax and torch too, whose own is 1e-8
NORM_EPSILON = 1e-3  # Keras's default for batch and layer normalisation; given to the hand-written models too
MOMENTUM = 0.99  # Keras's default for the moving statistics of batch normalisation
SEED = 1729


class Weight(NamedTuple):
    """A weight's shape, and where it starts: Glorot uniform, or one number everywhere."""

    shape: tuple[int, ...]
    start: float | None = None
    trained: bool = True  # False: a moving statistic


Weights = tuple[Weight, ...]


@dataclass(frozen=True)
class Workload:
    """One model and the data it trains on."""

    name: str
    input_shape: tuple[int, ...]  # of one sample, channels last
    batch: int
    steps: int  # of a timed epoch: enough that what `fit` does once a call weighs little
    weights: Weights  # in the order and layout in which Keras lists them
    hidden: Callable[[Any], list[Callable[[Any], Any]]]  # from a library: its hidden layers, or functions of a tensor made of them
    classes: int = 10  # 1: a binary target of shape (n, 1)
    vocabulary: int = 0  # number of token ids; 0: the input is of floats
    turns: int = 2  # timed epochs of each round: more where short steps scatter more

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(math.prod(weight.shape) for weight in self.weights if weight.trained)


def build(workload: Workload, library: Any) -> Any:
    """The workload's compiled model, `library` being either `keras` or `cornu`."""
    x = inputs = library.Input(workload.input_shape, dtype="int32" if workload.vocabulary else "float32")
    for layer in (*workload.hidden(library), library.layers.Dense(workload.classes)):
        x = layer(x)
    model = library.Model(inputs, x)
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
    """Starting weights in Keras's order and layout."""
    rng = np.random.default_rng(SEED + 1)

    def initial(weight: Weight) -> np.ndarray:
        shape = weight.shape
        if weight.start is not None:
            return np.full(shape, weight.start, np.float32)
        limit = math.sqrt(6.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return [initial(weight) for weight in workload.weights]


# ── weights ──────────────────────────────────────────────────────────────────────────────────────────────


def _bias(units: int) -> Weight:
    return Weight((units,), start=0.0)


def _dense(*units: int) -> Weights:
    """A chain of dense layers, kernel and bias by turns."""
    return tuple(weight for pair in itertools.pairwise(units) for weight in (Weight(pair), _bias(pair[1])))


def _kernel(size: int, channels: int, filters: int) -> Weight:
    return Weight((size, size, channels, filters))


def _convolution(size: int, channels: int, filters: int) -> Weights:
    return _kernel(size, channels, filters), _bias(filters)


def _layer_norm(width: int) -> Weights:
    return Weight((width,), start=1.0), _bias(width)


def _batch_norm(channels: int) -> Weights:
    moving = Weight((channels,), start=0.0, trained=False)
    return *_layer_norm(channels), moving, moving._replace(start=1.0)


def _attention(width: int, heads: int) -> Weights:
    size = width // heads
    project = Weight((width, heads, size)), Weight((heads, size))
    return *project * 3, Weight((heads, size, width)), _bias(width)


# ── chains of layers ─────────────────────────────────────────────────────────────────────────────────────


def _relu(library: Any, units: int) -> Any:
    return library.layers.Dense(units, activation="relu")


def _conv(library: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    return library.layers.Conv2D(filters, size, strides, activation="relu")


_MLP = Workload(
    "mlp", (784,), batch=128, steps=200, weights=_dense(784, 512, 512, 10), hidden=lambda k: [_relu(k, 512), _relu(k, 512)], turns=3
)
_SMALL_MLP = Workload("small_mlp", (784,), batch=32, steps=1000, weights=_dense(784, 32, 10), hidden=lambda k: [_relu(k, 32)], turns=4)
_CNN = Workload(
    "cnn",
    (28, 28, 1),
    batch=32,
    steps=150,
    weights=(*_convolution(3, 1, 32), *_dense(13 * 13 * 32, 128, 10)),
    hidden=lambda k: [_conv(k, 32), k.layers.MaxPooling2D(2), k.layers.Flatten(), _relu(k, 128)],
)
_CNN2 = Workload(
    "cnn2",
    (32, 32, 3),
    batch=64,
    steps=10,
    weights=(*_convolution(3, 3, 64), *_convolution(3, 64, 64), *_convolution(3, 64, 128), *_dense(128, 10)),
    hidden=lambda k: [_conv(k, 64), _conv(k, 64), k.layers.MaxPooling2D(2), _conv(k, 128), k.layers.GlobalAveragePooling2D()],
)
_LSTM = Workload(
    "lstm",
    (400,),
    batch=32,
    steps=20,
    weights=(Weight((5000, 32)), Weight((32, 4 * 32)), Weight((32, 4 * 32)), _bias(4 * 32), *_dense(32, 1)),
    hidden=lambda k: [k.layers.Embedding(5000, 32), k.layers.LSTM(32)],
    classes=1,
    vocabulary=5000,
)
_GRU = Workload(
    "gru",
    (128, 16),
    batch=32,
    steps=40,
    # two biases, of the input's gates and of the state's; not 0, so that equal losses show that nobody mistook one for the other
    weights=(Weight((16, 3 * 64)), Weight((64, 3 * 64)), Weight((2, 3 * 64)), *_dense(64, 10)),
    hidden=lambda k: [k.layers.GRU(64)],
)
_SEPARABLE = Workload(
    "separable",
    (48, 48, 3),
    batch=32,
    steps=20,
    weights=(
        *_convolution(3, 3, 32),
        *(_kernel(3, 32, 1), *_convolution(1, 32, 64)),
        *(_kernel(3, 64, 1), *_convolution(1, 64, 128)),
        *(_kernel(3, 128, 1), _bias(128), *_convolution(1, 128, 128)),
        *_dense(128, 10),
    ),
    hidden=lambda k: [
        _conv(k, 32, strides=2),  # (23, 23, 32)
        k.layers.SeparableConv2D(64, 3, padding="same", activation="relu"),
        k.layers.SeparableConv2D(128, 3, strides=2, activation="relu"),  # (11, 11, 128)
        k.layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        _conv(k, 128, size=1),
        k.layers.GlobalAveragePooling2D(),
    ],
)

# ── a residual network ───────────────────────────────────────────────────────────────────────────────────


def _normalized_conv(library: Any, filters: int, size: int = 3) -> Callable[[Any], Any]:
    """A convolution whose bias batch normalisation adds."""
    convolution = library.layers.Conv2D(filters, size, padding="same", use_bias=False)
    normalization = library.layers.BatchNormalization()
    return lambda x: normalization(convolution(x))


def _residual(library: Any, filters: int, widen: bool = False) -> Callable[[Any], Any]:
    """Two convolutions beside a way past them, which is a 1×1 convolution where the number of channels grows."""

    def block(x: Any) -> Any:
        y = library.layers.ReLU()(_normalized_conv(library, filters)(x))
        y = _normalized_conv(library, filters)(y)
        past = library.layers.Conv2D(filters, 1, use_bias=False)(x) if widen else x
        return library.layers.ReLU()(library.layers.Add()([y, past]))

    return block


def _residual_weights(channels: int, filters: int) -> Weights:
    """Of one block, as Keras lists them: by depth in the graph, the 1×1 convolution standing beside the second normalisation."""
    first = _kernel(3, channels, filters), *_batch_norm(filters), _kernel(3, filters, filters)
    past = () if channels == filters else (_kernel(1, channels, filters),)
    return *first, *_batch_norm(filters), *past


_RESNET = Workload(
    "resnet",
    (32, 32, 3),
    batch=32,
    steps=15,
    weights=(
        *(_kernel(3, 3, 16), *_batch_norm(16)),
        *(*_residual_weights(16, 16), *_residual_weights(16, 32), *_residual_weights(32, 64)),
        *_dense(64, 10),
    ),
    hidden=lambda k: [
        _normalized_conv(k, 16),
        k.layers.ReLU(),
        _residual(k, 16),
        k.layers.MaxPooling2D(2),  # strides with "same" would pad more on one side, which torch's convolution cannot
        _residual(k, 32, widen=True),
        k.layers.MaxPooling2D(2),
        _residual(k, 64, widen=True),
        k.layers.GlobalAveragePooling2D(),
    ],
)

# ── a transformer ────────────────────────────────────────────────────────────────────────────────────────

TOKENS, WIDTH, HEADS, INNER, BLOCKS = 64, 64, 4, 128, 2


def _token_and_position(library: Any) -> Any:
    class TokenAndPosition(library.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.token = library.layers.Embedding(5000, WIDTH)
            self.position = library.layers.Embedding(TOKENS, WIDTH)

        def call(self, ids: Any) -> Any:
            return self.token(ids) + self.position(library.ops.arange(TOKENS))

    return TokenAndPosition()


def _encoder(library: Any) -> Callable[[Any], Any]:
    """Attention and two dense layers, each added to its input and normalised."""
    layers = library.layers

    def block(x: Any) -> Any:
        attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        y = layers.Dense(WIDTH)(_relu(library, INNER)(x))
        return layers.LayerNormalization()(layers.Add()([x, y]))

    return block


_ENCODER = (*_attention(WIDTH, HEADS), *_layer_norm(WIDTH), *_dense(WIDTH, INNER, WIDTH), *_layer_norm(WIDTH))
_TRANSFORMER = Workload(
    "transformer",
    (TOKENS,),
    batch=32,
    steps=20,
    weights=(Weight((5000, WIDTH)), Weight((TOKENS, WIDTH)), *_ENCODER * BLOCKS, *_dense(WIDTH, 10)),
    hidden=lambda k: [_token_and_position(k), *(_encoder(k) for _ in range(BLOCKS)), k.layers.GlobalAveragePooling1D()],
    vocabulary=5000,
)

_ALL = (_MLP, _SMALL_MLP, _CNN, _CNN2, _LSTM, _GRU, _RESNET, _SEPARABLE, _TRANSFORMER)
WORKLOADS = {workload.name: workload for workload in _ALL}
