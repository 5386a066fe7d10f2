"""Initializers that draw: uniform, normal, truncated normal, scaled to the fans of a weight, orthogonal.

Numbers come from NumPy's Philox (J. Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011), keyed by a seed and a
counter, so the same seed gives the same weights on every backend. They are drawn in float32, and in float64 where that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import dtypes, ops
from cornu.errors import ArgumentError, DTypeError, ShapeError
from cornu.initializers.initializer import Initializer, asked
from cornu.ops.arguments import Array, as_axes
from cornu.registry import INITIALIZERS
from cornu.state.seed import SeedGenerator, make_seed

__all__ = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal", "RandomNormal", "RandomUniform",
    "TruncatedNormal", "VarianceScaling", "fans",
]  # fmt: skip

_TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of a normal distribution cut at two of its own: sqrt(1 - 4 φ(2) / (2 Φ(2) - 1))."""


class Drawn(Initializer):
    """An initializer with a seed; a subclass defines `draw`.

    A whole number as seed gives the same values in every call; a SeedGenerator gives others in each. So does None: then a seed is drawn
    from Python's `random` when the initializer is made, so that `set_random_seed` governs it, and each call moves on from there.
    """

    def __init__(self, seed: int | SeedGenerator | None = None) -> None:
        whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not (seed is None or whole or isinstance(seed, SeedGenerator)):
            raise ArgumentError(f"A seed must be a whole number, a SeedGenerator or None, got {seed!r}.")
        self.seed = seed
        self._own_seed, self._calls = (make_seed() if seed is None else 0), 0

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        shape, dtype = asked(self, shape, dtype, kwargs)
        if not dtypes.is_floating(dtype):
            raise DTypeError(f"{type(self).__name__} draws numbers with a fraction, so the dtype must be a float, got {dtype!r}.")
        values = self.draw(self._generator(), shape, np.dtype("float64" if dtype == "float64" else "float32"))
        return ops.convert_to_tensor(values, dtype)

    def _generator(self) -> np.random.Generator:
        if isinstance(self.seed, SeedGenerator):
            key = [int(n) for n in ops.convert_to_numpy(self.seed.next())]
        elif self.seed is None:
            key = [self._own_seed, self._calls]
            self._calls += 1
        else:
            key = [int(self.seed) % 2**64, 0]
        return np.random.Generator(np.random.Philox(key=np.array(key, "uint64")))

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Numbers of that shape and dtype (float32 or float64)."""
        raise NotImplementedError(f"{type(self).__name__} must define `draw(self, generator, shape, dtype)`.")


def _uniform(generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, low: float, high: float) -> np.ndarray:
    values = generator.random(shape, dtype)
    return values * dtype.type(high - low) + dtype.type(low)


def _normal(generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, mean: float, stddev: float) -> np.ndarray:
    return generator.standard_normal(shape, dtype) * dtype.type(stddev) + dtype.type(mean)


def _truncated(generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, mean: float, stddev: float) -> np.ndarray:
    """Normal numbers, those further than two standard deviations from the mean drawn again."""
    values = generator.standard_normal(shape, dtype).reshape(-1)
    far = np.flatnonzero(np.abs(values) > 2)
    while far.size:
        values[far] = generator.standard_normal(far.size, dtype)
        far = far[np.abs(values[far]) > 2]
    return values.reshape(shape) * dtype.type(stddev) + dtype.type(mean)


class RandomUniform(Drawn):
    """Numbers drawn evenly from `[minval, maxval)`.

    Args:
        minval, maxval: the bounds.
        seed: a whole number, a SeedGenerator, or None; see `Drawn`.

    >>> RandomUniform(0.0, 1.0, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | SeedGenerator | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return _uniform(generator, shape, dtype, self.minval, self.maxval)


class RandomNormal(Drawn):
    """Numbers drawn from the normal distribution.

    Args:
        mean, stddev: its mean and standard deviation.
        seed: a whole number, a SeedGenerator, or None; see `Drawn`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | SeedGenerator | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return _normal(generator, shape, dtype, self.mean, self.stddev)


class TruncatedNormal(Drawn):
    """Numbers drawn from the normal distribution, none further than two standard deviations from the mean.

    Args:
        mean, stddev: mean and standard deviation before the cut; after it, the standard deviation is 0.8796 times as large.
        seed: a whole number, a SeedGenerator, or None; see `Drawn`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | SeedGenerator | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return _truncated(generator, shape, dtype, self.mean, self.stddev)


def fans(shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None) -> tuple[int, int]:
    """How many inputs reach one output of a weight, and how many outputs one input reaches.

    The last axis but one counts inputs and the last one outputs; those before them, the receptive field of a convolution, count for
    both. A vector is its own fan. Where axes are named, they alone count; naming those of one side leaves all others to the other side.

    >>> fans((784, 10)), fans((3, 3, 16, 32)), fans((64, 8, 16), [0], [1, 2])
    ((784, 10), (144, 288), (64, 128))
    """
    rank = len(shape)
    if input_axes is None and output_axes is None:
        field = math.prod(shape[:-2])
        return (field * shape[-2], field * shape[-1]) if rank > 1 else (math.prod(shape),) * 2
    inputs, outputs = as_axes(() if input_axes is None else input_axes, rank), as_axes(() if output_axes is None else output_axes, rank)
    inputs = inputs if input_axes is not None else tuple(a for a in range(rank) if a not in outputs)
    outputs = outputs if output_axes is not None else tuple(a for a in range(rank) if a not in inputs)
    return math.prod(shape[a] for a in inputs), math.prod(shape[a] for a in outputs)


class VarianceScaling(Drawn):
    """Numbers of mean 0 and variance `scale / n`, n being a fan of the weight, so that signals keep their size through layers.

    Args:
        scale: the factor, above 0.
        mode: what n is: "fan_in" (inputs of an output), "fan_out" (outputs of an input) or "fan_avg" (the mean of both).
        distribution: "truncated_normal" (cut at two standard deviations, the variance made up for), "untruncated_normal", or
            "uniform" (between `-sqrt(3 * scale / n)` and `sqrt(3 * scale / n)`).
        seed: a whole number, a SeedGenerator, or None; see `Drawn`.
        input_axes, output_axes: lists of the axes that count inputs and outputs; see `fans` for what counts by default.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | SeedGenerator | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ArgumentError(f"scale must be above 0, got {scale!r}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ArgumentError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}.")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ArgumentError(f"distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', got {distribution!r}.")
        self.scale, self.mode, self.distribution, self.input_axes, self.output_axes = scale, mode, distribution, input_axes, output_axes

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        n = max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode])
        stddev = math.sqrt(self.scale / n)
        if self.distribution == "uniform":
            return _uniform(generator, shape, dtype, -math.sqrt(3) * stddev, math.sqrt(3) * stddev)
        if self.distribution == "truncated_normal":
            return _truncated(generator, shape, dtype, 0.0, stddev / _TRUNCATED_STDDEV)
        return _normal(generator, shape, dtype, 0.0, stddev)


class _Named(VarianceScaling):
    """VarianceScaling with the scale, fan and distribution that its authors chose."""

    SCALE: float
    MODE: str
    DISTRIBUTION: str

    def __init__(
        self, seed: int | SeedGenerator | None = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(self.SCALE, self.MODE, self.DISTRIBUTION, seed, input_axes, output_axes)


class GlorotUniform(_Named):
    """Evenly from ±`sqrt(6 / (fan_in + fan_out))` (X. Glorot, Y. Bengio, AISTATS 2010)."""

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_avg", "uniform"


class GlorotNormal(_Named):
    """Truncated normal with variance `2 / (fan_in + fan_out)` (X. Glorot, Y. Bengio, AISTATS 2010)."""

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_avg", "truncated_normal"


class HeUniform(_Named):
    """Evenly from ±`sqrt(6 / fan_in)`, for ReLU (K. He and others, https://arxiv.org/abs/1502.01852)."""

    SCALE, MODE, DISTRIBUTION = 2.0, "fan_in", "uniform"


class HeNormal(_Named):
    """Truncated normal with variance `2 / fan_in`, for ReLU (K. He and others, https://arxiv.org/abs/1502.01852)."""

    SCALE, MODE, DISTRIBUTION = 2.0, "fan_in", "truncated_normal"


class LecunUniform(_Named):
    """Evenly from ±`sqrt(3 / fan_in)` (Y. LeCun and others, "Efficient BackProp", 1998)."""

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_in", "uniform"


class LecunNormal(_Named):
    """Truncated normal with variance `1 / fan_in`, for SELU (Y. LeCun and others, "Efficient BackProp", 1998)."""

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_in", "truncated_normal"


class Orthogonal(Drawn):
    """An orthogonal matrix, evenly drawn from all of them (A. Saxe and others, https://arxiv.org/abs/1312.6120), times `gain`.

    Axes before the last are taken together as rows. If there are more rows than columns, the columns are orthonormal, else the rows are.

    Args:
        gain: the factor.
        seed: a whole number, a SeedGenerator, or None; see `Drawn`.

    Raises:
        ShapeError: the shape has fewer than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: int | SeedGenerator | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal makes matrices, so the shape must have at least two axes, got {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without it, QR's choice of signs would favour some matrices
        return (self.gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


INITIALIZERS.add(RandomUniform, "uniform")
INITIALIZERS.add(RandomNormal, "normal")
INITIALIZERS.add(TruncatedNormal)
INITIALIZERS.add(VarianceScaling)
INITIALIZERS.add(Orthogonal, "OrthogonalInitializer")
for _class in (GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform):
    INITIALIZERS.add(_class)
