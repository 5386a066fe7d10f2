"""Fourier transforms in TensorFlow, whose own go over the last axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.backends.tensorflow.library import tf

__all__ = ["fft", "ifft", "irfft", "rfft"]


def _over(transform: Callable[..., Any], x: Any, axes: tuple[int, ...]) -> Any:
    for axis in axes:
        order = [a for a in range(x.ndim) if a != axis] + [axis]
        back = sorted(range(x.ndim), key=order.__getitem__)
        x = tf.transpose(transform(tf.transpose(x, order)), back)
    return x


def fft(x: Any, axes: tuple[int, ...]) -> Any:
    return _over(tf.signal.fft, x, axes)


def ifft(x: Any, axes: tuple[int, ...]) -> Any:
    return _over(tf.signal.ifft, x, axes)


def rfft(x: Any, n: int) -> Any:
    return tf.signal.rfft(x, [n])


def irfft(x: Any, n: int) -> Any:
    return tf.signal.irfft(x, [n])
