"""Fourier transforms in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["fft", "ifft", "irfft", "rfft"]


def fft(x: Any, axes: tuple[int, ...]) -> Any:
    return np.fft.fftn(x, axes=axes)


def ifft(x: Any, axes: tuple[int, ...]) -> Any:
    return np.fft.ifftn(x, axes=axes)


def rfft(x: Any, n: int) -> Any:
    return np.fft.rfft(x, n)


def irfft(x: Any, n: int) -> Any:
    return np.fft.irfft(x, n)
