"""The initializer whose kernel makes a convolution a short-time Fourier transform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.initializers.initializer import Initializer, asked
from cornu.ops.arguments import Array
from cornu.registry import INITIALIZERS

__all__ = ["STFT"]

_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "hann": np.hanning,
    "hanning": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    "boxcar": np.ones,
}


class STFT(Initializer):
    """Cosines or sines under a window: a convolution over time with this kernel gives one part of the short-time Fourier transform.

    For a kernel of shape (frame, 1, bins), with the transform's length `n = 2 * (bins - 1)`: `w[t] * cos(2 π k t / n)` for the real part,
    `-w[t] * sin(2 π k t / n)` for the imaginary one.

    Args:
        side: "real" or "imag".
        window: the name of a window ("hann", "hamming", "blackman", "bartlett", "boxcar"), an array of its values, or None for no window.
        scaling: "density" (the window divided by `sqrt(sum(w ** 2))`), "spectrum" (divided by `sum(w)`), or None.
        periodic: whether the window is one period of a longer one, not symmetric.

    >>> STFT(window=None)((4, 1, 3)).shape
    (4, 1, 3)
    """

    def __init__(self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False) -> None:
        if side not in ("real", "imag"):
            raise ArgumentError(f"side must be 'real' or 'imag', got {side!r}.")
        if scaling not in ("density", "spectrum", None):
            raise ArgumentError(f"scaling must be 'density', 'spectrum' or None, got {scaling!r}.")
        if isinstance(window, str) and window not in _WINDOWS:
            raise ArgumentError(f"window must be one of {', '.join(sorted(_WINDOWS))}, an array, or None, got {window!r}.")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Array:
        shape, dtype = asked(self, shape, dtype, kwargs)
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ShapeError(f"STFT makes kernels of shape (frame, 1, bins) with at least 2 bins, got {shape}.")
        time, bins = np.arange(shape[0])[:, None], np.arange(shape[2])[None, :]
        angles = 2 * np.pi * time * bins / (2 * (shape[2] - 1))  # (frame, bins)
        wave = np.cos(angles) if self.side == "real" else -np.sin(angles)
        kernel = (self._weights(shape[0])[:, None] * wave).reshape(shape)  # (frame, 1, bins)
        return ops.convert_to_tensor(kernel.astype("float64" if dtype == "float64" else "float32"), dtype)

    def _weights(self, frame: int) -> np.ndarray:
        if self.window is None:
            return np.ones(frame)
        if isinstance(self.window, str):
            window = _WINDOWS[self.window](frame + 1)[:-1] if self.periodic else _WINDOWS[self.window](frame)
        else:
            window = ops.convert_to_numpy(self.window)
        if window.shape != (frame,):
            raise ShapeError(f"The window must have one value for each of the {frame} steps of a frame, got the shape {window.shape}.")
        return window / {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(window), None: 1.0}[self.scaling]


INITIALIZERS.add(STFT, "STFTInitializer")
