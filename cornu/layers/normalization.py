"""Features brought to a common scale by statistics known before training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from cornu import config, ops, tree
from cornu.errors import ArgumentError, DataError, NotBuiltError
from cornu.layers.batch_normalization import widened
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths
from cornu.layers.texts import batches
from cornu.ops.arguments import Array, as_axes
from cornu.registry import LAYERS

__all__ = ["Normalization", "Rescaling"]


@LAYERS.add
class Rescaling(Layer):
    """`inputs * scale + offset`: `Rescaling(1 / 255)` takes pixels from [0, 255] to [0, 1], `Rescaling(1 / 127.5, -1)` to [-1, 1].

    Args:
        scale: a number, or one for each place along the last axis.
        offset: likewise.

    Shapes: any to the same; integers become floats. No weights.

    >>> import numpy as np
    >>> Rescaling(0.5, 1.0)(np.array([0, 4], "uint8")).tolist()
    [1.0, 3.0]
    """

    supports_masking = True

    def __init__(self, scale: float | Sequence[float], offset: float | Sequence[float] = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Array) -> Array:
        """The inputs on the new scale."""
        dtype = self.compute_dtype
        scale, offset = (v if isinstance(v, (int, float)) else ops.convert_to_tensor(v, dtype) for v in (self.scale, self.offset))
        return ops.add(ops.multiply(ops.cast(inputs, dtype), scale), offset)


Moments = tuple[int, np.ndarray, np.ndarray]
"""How many numbers each statistic is of, their mean, and the sum of the squares of their deviations."""


def _moments(x: np.ndarray, axes: tuple[int, ...]) -> Moments:
    """The moments of an array along these axes."""
    count = int(np.prod([x.shape[a] for a in axes]))
    if not count:
        raise DataError(f"Normalization needs data to adapt to, got the shape {x.shape}.")
    mean = x.mean(axes)
    return count, mean, ((x - np.expand_dims(mean, axes)) ** 2).sum(axes)


def _joined(first: Moments, second: Moments) -> Moments:
    """The moments of all numbers together.

    T. Chan and others, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """
    (m, mean, squares), (n, other, spread) = first, second
    if not m or not n:
        return first if m else second
    step = other - mean
    return m + n, mean + step * (n / (m + n)), squares + spread + step**2 * (m * n / (m + n))


def _slices(data: Any, batch_size: int | None, steps: int | None, owner: str) -> Iterator[np.ndarray]:
    """The data: an array in slices, anything else as the batches that it yields."""
    whole = hasattr(data, "shape") or (isinstance(data, (list, tuple)) and not any(hasattr(v, "shape") for v in tree.flatten(data)))
    size = batch_size or (4096 if steps is None else 32)
    for batch in batches(data, steps, owner):
        if whole and batch.ndim:
            yield from itertools.islice((batch[i : i + size] for i in range(0, len(batch), size)), steps)
        elif batch.shape[:1] != (0,):  # an empty one tells nothing
            yield batch


@LAYERS.add
class Normalization(Layer):
    """Each feature brought to mean 0 and variance 1: `(inputs - mean) / sqrt(variance)`, by statistics that are given or taken from data.

    Args:
        axis: the axis, or axes, whose places have statistics of their own; None for one mean and one variance in all.
        mean, variance: the statistics, both or neither; a number, or one for each place along `axis`. Otherwise `adapt` finds them.
        invert: undo the normalisation instead: `inputs * sqrt(variance) + mean`.

    Shapes: any to the same. Weights, unless statistics are given, none trainable: mean, zeros; variance, ones, both of the lengths along
    `axis`; count, an int32 that stays 0, as files have it. A deviation below `config.epsilon()` counts as that.

    >>> import numpy as np
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0], [3.0]]))
    >>> layer(np.array([[1.0], [5.0]])).tolist()
    [[-1.0], [3.0]]
    """

    supports_masking = True
    _seen: Moments

    def __init__(
        self, axis: int | Sequence[int] | None = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ArgumentError(f"Give both mean and variance, or neither and call `adapt(data)`; got {mean=} and {variance=}.")
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert = invert
        self.input_mean = None if mean is None else np.asarray(mean, "float64")
        self.input_variance = None if variance is None else np.asarray(variance, "float64")
        if self.input_mean is not None and self.input_mean.shape != self.input_variance.shape:  # type: ignore[union-attr]
            raise ArgumentError(f"mean and variance must have one shape, got {mean!r} and {variance!r}.")
        self.reset_state()

    @property
    def is_given(self) -> bool:
        """Whether it was given its statistics, so that `adapt` has nothing to find."""
        return self.input_mean is not None

    @property
    def needs_adapting(self) -> bool:
        """Whether it has no statistics as yet but zeros and ones."""
        return not self.is_given and not self.built

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the statistics, unless they were given."""
        rank = len(input_shape)
        axes = sorted(as_axes(self.axis, rank))
        if 0 in axes:
            raise ArgumentError(
                f"The batch has no statistics of its own, got axis={self.axis} for the input {tuple(input_shape)}. Use axis=None."
            )
        lengths = known_lengths(self, input_shape, axes)
        self._kept = axes
        self._broadcast = [lengths[axes.index(i)] if i in axes else 1 for i in range(rank)] if axes else []
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(lengths, "zeros", trainable=False, autocast=False, name="mean")
            self.adapt_variance = self.add_weight(lengths, "ones", trainable=False, autocast=False, name="variance")
            self.adapt_count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")
        if axes:
            self.input_spec = InputSpec(ndim=rank, axes=dict(zip(axes, lengths, strict=True)))
        self.built = True

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Takes mean and variance from data; what was found before is forgotten.

        Args:
            data: an array, or an iterable of batches (a PyDataset, a DataLoader, a tf.data.Dataset, a generator), without targets.
            batch_size: how many rows of an array to look at together.
            steps: how many batches to look at; all by default.
        """
        self.reset_state()
        for batch in _slices(data, batch_size, steps, self.name):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Adds a batch to what was looked at."""
        if self.is_given:
            raise ArgumentError(f"{self.name!r} was given its mean and variance, so it cannot adapt. Make it without them.")
        batch = ops.convert_to_numpy(data).astype("float64")
        self.build_from_config({"input_shape": (None, *batch.shape[1:])})
        self._seen = _joined(self._seen, _moments(batch, tuple(i for i in range(batch.ndim) if i not in self._kept)))

    def merge_state(self, layers: Iterable[Self]) -> None:
        """Adds what other such layers have looked at, and takes the statistics anew."""
        for layer in layers:
            if layer.built:
                self.build_from_config(layer.get_build_config() or {})
            self._seen = _joined(self._seen, layer._seen)
        self.finalize_state()

    def finalize_state(self) -> None:
        """Takes mean and variance of what was looked at."""
        count, mean, squares = self._seen
        if self.is_given:
            return
        if not count:
            raise DataError("adapt needs at least one batch, got none.")
        self.adapt_mean.assign(mean.astype("float32"))
        self.adapt_variance.assign((squares / count).astype("float32"))

    def reset_state(self) -> None:
        """Forgets what was looked at; the statistics stay until the next ones are taken."""
        self._seen = (0, np.zeros(()), np.zeros(()))

    def _statistics(self) -> tuple[Array, Array]:
        """Mean and variance, in a shape that broadcasts against inputs."""
        if not self.built:
            raise NotBuiltError(f"{self.name!r} has no statistics before it is built. Call `adapt(data)`.")
        if self.input_mean is None:
            return ops.reshape(self.adapt_mean, self._broadcast), ops.reshape(self.adapt_variance, self._broadcast)
        return self._laid_out(self.input_mean), self._laid_out(self.input_variance)

    def _laid_out(self, given: Any) -> Array:
        """A given statistic, in a shape that broadcasts against inputs."""
        count = math.prod(self._broadcast)
        value = given.reshape(self._broadcast) if given.size == count else np.broadcast_to(given, self._broadcast)
        return ops.convert_to_tensor(value, "float32")

    @property
    def mean(self) -> Array:
        """The means, in a shape that broadcasts against inputs."""
        return self._statistics()[0]

    @property
    def variance(self) -> Array:
        """The variances, in a shape that broadcasts against inputs."""
        return self._statistics()[1]

    def call(self, inputs: Array) -> Array:
        """The inputs on the scale of their statistics, or back from it."""
        x, (mean, variance) = widened(inputs), self._statistics()
        deviation = ops.maximum(ops.sqrt(variance), config.epsilon())
        y = ops.add(ops.multiply(x, deviation), mean) if self.invert else ops.divide(ops.subtract(x, mean), deviation)
        return ops.cast(y, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; statistics taken from data are weights."""
        given = [None if v is None else v.tolist() for v in (self.input_mean, self.input_variance)]
        return {**super().get_config(), "mean": given[0], "variance": given[1]}
