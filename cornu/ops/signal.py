"""Signals along the last axis: Fourier transforms, and short ones of overlapping windows.

Complex numbers come and go as pairs, (real, imaginary). float16 and bfloat16 are transformed in float32 and come back as they were.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu import dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, alike, array, floating, wide
from cornu.ops.core import convert_to_tensor, to_floating
from cornu.ops.creation import arange, ones, zeros
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import add, divide_no_nan, multiply, square
from cornu.ops.indexing import get_item, scatter_update, take
from cornu.ops.shaping import broadcast_to, expand_dims, moveaxis, pad, reshape

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Array, Array]


def _joined(on: Any, x: Pair, op: str, axes: int) -> tuple[Array, str]:
    """The pair as complex numbers, and the dtype of its parts."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError(
            f"ops.{op} takes the real and the imaginary part as a pair, got {type(x).__name__}. Give `(x, ops.zeros_like(x))`."
        )
    real, imag = alike(on, *x, least="float*")
    kind = on.dtype(real)
    if tuple(real.shape) != tuple(imag.shape) or real.ndim < axes:
        raise ShapeError(
            f"ops.{op} takes two parts of one shape with {axes} axes at least, got {tuple(real.shape)} and {tuple(imag.shape)}."
        )
    return on.complex(wide(on, real), wide(on, imag)), kind


def _parted(on: Any, y: Array, kind: str) -> Pair:
    return array(on, on.real(y), kind), array(on, on.imag(y), kind)


@primitive
def fft(on: Any, x: Pair) -> Pair:
    """The discrete Fourier transform along the last axis, `X[k] = sum_n x[n] exp(-2 pi i k n / N)` (J. W. Cooley, J. W. Tukey, 1965).

    >>> [part.tolist() for part in fft(([1.0, 2.0], [0.0, 1.0]))]
    [[3.0, -1.0], [1.0, -1.0]]
    """
    z, kind = _joined(on, x, "fft", 1)
    return _parted(on, on.fft(z, (z.ndim - 1,)), kind)


@primitive
def fft2(on: Any, x: Pair) -> Pair:
    """The discrete Fourier transform along the last two axes.

    >>> [part.tolist() for part in fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))]
    [[[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]]]
    """
    z, kind = _joined(on, x, "fft2", 2)
    return _parted(on, on.fft(z, (z.ndim - 2, z.ndim - 1)), kind)


@primitive
def ifft2(on: Any, x: Pair) -> Pair:
    """What `fft2` undoes: the transform with exp(+2 pi i …), divided by the number of elements.

    >>> ifft2(fft2(([[1.0, 2.0]], [[0.0, 1.0]])))[0].tolist()
    [[1.0, 2.0]]
    """
    z, kind = _joined(on, x, "ifft2", 2)
    return _parted(on, on.ifft(z, (z.ndim - 2, z.ndim - 1)), kind)


def _length(n: int | None, default: int, op: str) -> int:
    n = default if n is None else int(n)
    if n < 1:
        raise ArgumentError(f"The fft_length of ops.{op} must be at least 1, got {n}.")
    return n


@primitive
def rfft(on: Any, x: Array, fft_length: int | None = None) -> Pair:
    """The first `n // 2 + 1` elements of the Fourier transform of real numbers; the others mirror these. The axis is cut or filled with zeros to n.

    >>> [part.tolist() for part in rfft([0.0, 1.0, 0.0, -1.0])]
    [[0.0, 0.0, 0.0], [0.0, -2.0, 0.0]]
    """
    x = floating(on, x)
    kind = on.dtype(x)
    if not x.ndim:
        raise ShapeError("ops.rfft needs an axis to transform, got a single number.")
    return _parted(on, on.rfft(wide(on, x), _length(fft_length, x.shape[-1], "rfft")), kind)


@primitive
def irfft(on: Any, x: Pair, fft_length: int | None = None) -> Array:
    """The `fft_length` real numbers that `rfft` transforms to `x`; `2 (n - 1)` of them by default, so say the length where it is odd.

    >>> irfft(rfft([1.0, 2.0, 4.0]), 3).tolist()
    [1.0, 2.0, 4.0]
    """
    z, kind = _joined(on, x, "irfft", 1)
    return array(on, on.irfft(z, _length(fft_length, 2 * (z.shape[-1] - 1), "irfft")), kind)


@composite
def extract_sequences(x: Array, sequence_length: int, sequence_stride: int) -> Array:
    """Windows slid over the last axis, (…, n) to (…, 1 + (n - length) // stride, length).

    >>> extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    x = convert_to_tensor(x)
    if not x.ndim or sequence_length < 1 or sequence_stride < 1:
        raise ArgumentError(
            f"Sequences are drawn from an axis, with a length and a stride of at least 1, got {sequence_length} and {sequence_stride} "
            f"for the shape {tuple(x.shape)}."
        )
    return take(x, _frames(x.shape[-1], sequence_length, sequence_stride), -1)


def _frames(length: int, size: int, stride: int) -> Array:
    """The positions of each window, (windows, size)."""
    count = max(0, 1 + (length - size) // stride)
    return add(expand_dims(multiply(arange(count), stride), 1), arange(size))


def _window(window: Any, sequence_length: int, fft_length: int, kind: str) -> Array:
    """The weights of a window in the middle of `fft_length` zeros. The named ones are periodic: the last weight would be the first again."""
    if window is None:
        return ones((fft_length,), kind)
    if fft_length < sequence_length:
        raise ArgumentError(f"fft_length must not be less than sequence_length, got {fft_length} and {sequence_length}.")
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ArgumentError(f"window must be 'hann', 'hamming', an array of weights or None, got {window!r}.")
        constant = {"hann": 0.5, "hamming": 0.54}[window]
        turns = np.arange(sequence_length) / sequence_length
        window = constant - (1 - constant) * np.cos(2 * math.pi * turns) if sequence_length > 1 else np.ones(1)
    weights = convert_to_tensor(window, kind)
    if tuple(weights.shape) != (sequence_length,):
        raise ShapeError(f"A window has sequence_length = {sequence_length} weights, got the shape {tuple(weights.shape)}.")
    before = (fft_length - sequence_length) // 2
    return pad(weights, ((before, fft_length - sequence_length - before),))


@composite
def stft(
    x: Array, sequence_length: int, sequence_stride: int, fft_length: int, window: str | Array | None = "hann", center: bool = True
) -> Pair:
    """Fourier transforms of windows slid over the last axis, (…, n) to two of (…, windows, fft_length // 2 + 1) (D. Gabor, 1946).

    Each window is `fft_length` long, weighted by `window` (`sequence_length` weights: "hann", "hamming", an array) in its middle, or not at all if None.
    With `center`, window t has its middle at `t * sequence_stride`: the signal is mirrored at both ends.

    >>> [part.shape == (5, 2) for part in stft([0.0, 1.0, 2.0, 3.0, 4.0], 3, 1, 3)]
    [True, True]
    """
    x = to_floating(x)
    weights = _window(window, sequence_length, fft_length, dtypes.standardize(x.dtype))
    if center:
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], "reflect")
    return rfft(multiply(extract_sequences(x, fft_length, sequence_stride), weights), fft_length)


def _overlapped(frames: Array, stride: int) -> Array:
    """Windows (…, windows, size) laid `stride` apart and added, (…, length)."""
    count, size = frames.shape[-2:]
    length = (count - 1) * stride + size
    lead = tuple(frames.shape[:-2])
    parts = moveaxis(reshape(frames, (math.prod(lead), count * size)), -1, 0)
    places = reshape(_frames(length, size, stride), (-1, 1))
    return reshape(moveaxis(scatter_update(zeros((length, parts.shape[1]), frames.dtype), places, parts, "add"), 0, -1), (*lead, length))


@composite
def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | Array | None = "hann",
    center: bool = True,
) -> Array:
    """The signal whose `stft` with the same settings is nearest to `x` (D. Griffin, J. Lim, 1984), cut or filled with zeros to `length`.

    The windows' inverse transforms, weighted again and added, divided by the sum of the squared weights; 0 where no window reaches.

    >>> istft(stft([0.0, 1.0, 2.0, 3.0, 4.0], 1, 1, 1), 1, 1, 1).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    frames = irfft(x, fft_length)
    if frames.ndim < 2 or not frames.shape[-2]:
        raise ShapeError(f"ops.istft takes one window at least, (…, windows, bins), got {tuple(frames.shape[:-1])} of them.")
    weights = _window(window, sequence_length, fft_length, dtypes.standardize(frames.dtype))
    total = _overlapped(broadcast_to(square(weights), frames.shape[-2:]), sequence_stride)
    signal = divide_no_nan(_overlapped(multiply(frames, weights), sequence_stride), total)
    start = fft_length // 2 if center else 0
    stop = signal.shape[-1] - start if length is None else start + length
    signal = get_item(signal, (..., slice(start, stop)))
    missing = 0 if length is None else length - signal.shape[-1]
    return pad(signal, [(0, 0)] * (signal.ndim - 1) + [(0, missing)]) if missing else signal
