"""Spectrograms of sounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu import config, initializers, ops
from cornu.errors import ArgumentError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.state.allowance import spend

__all__ = ["MelSpectrogram", "STFTSpectrogram"]


def _mel(frequency: Any) -> Any:
    """D. O'Shaughnessy's scale of pitches: `1127 ln(1 + f / 700)`."""
    return 1127.0 * np.log1p(np.asarray(frequency) / 700.0)


def mel_weights(bins: int, spectrum: int, rate: float, low: float, high: float) -> np.ndarray:
    """How much of each frequency of a spectrum belongs to each mel band, (spectrum, bins): triangles that stand evenly on the mel scale."""
    places = _mel(np.linspace(0, rate / 2, spectrum)[1:])[:, None]
    edges = np.linspace(_mel(low), _mel(high), bins + 2)
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    return np.pad(np.maximum(0, np.minimum(rising, falling)), [(1, 0), (0, 0)])  # a constant has no pitch


@LAYERS.add
class MelSpectrogram(Layer):
    """How strong each band of pitches is over time: magnitudes of a short-time Fourier transform, gathered on the mel scale, in decibels.

    Args:
        fft_length: of the transforms.
        sequence_stride: samples from one to the next.
        sequence_length: of the window; `fft_length` by default.
        window: "hann", "hamming" or another that `ops.stft` takes.
        sampling_rate: samples a second.
        num_mel_bins: how many bands.
        min_freq, max_freq: where the bands begin and end, in Hz; half of the rate by default.
        power_to_db: whether decibels of `ref_power` come out, `10 log10(max(p, min_power) / ref_power)`.
        top_db: how many decibels below the loudest are told apart.
        mag_exp: the power of the magnitudes: 1 for energy, 2 for power.
        min_power, ref_power: see above.

    Shapes: (batch, samples) or (samples,), to (batch, num_mel_bins, frames).

    >>> import numpy as np
    >>> MelSpectrogram(fft_length=32, sequence_stride=8, num_mel_bins=6)(np.ones((1, 64))).shape
    (1, 6, 9)
    """

    def __init__(
        self, fft_length: int = 2048, sequence_stride: int = 512, sequence_length: int | None = None, window: str = "hann",
        sampling_rate: int = 16000, num_mel_bins: int = 128, min_freq: float = 20.0, max_freq: float | None = None,
        power_to_db: bool = True, top_db: float = 80.0, mag_exp: float = 2.0, min_power: float = 1e-10, ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if not (num_mel_bins >= 1 and fft_length >= 1):
            raise ArgumentError(f"num_mel_bins and fft_length must be at least 1, got {num_mel_bins!r} and {fft_length!r}.")
        spend((num_mel_bins, fft_length // 2 + 1), f"the bands of {self.name}")
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or sampling_rate // 2
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power
        if not 0 <= min_freq < self.max_freq <= sampling_rate / 2:
            raise ArgumentError(f"Bands lie between 0 and half of the rate, {sampling_rate / 2}, got {min_freq} to {self.max_freq}.")

    def call(self, inputs: Array) -> Array:
        """The bands."""
        single = inputs.ndim == 1
        x = ops.expand_dims(inputs, 0) if single else inputs
        real, imaginary = ops.stft(x, self.sequence_length, self.sequence_stride, self.fft_length, self.window)
        magnitudes = ops.power(ops.sqrt(ops.square(real) + ops.square(imaginary)), self.mag_exp)  # (batch, frames, spectrum)
        weights = mel_weights(self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate, self.min_freq, self.max_freq)
        bands = ops.swapaxes(ops.matmul(magnitudes, ops.convert_to_tensor(weights.astype("float32"))), -1, -2)
        bands = self._decibels(bands) if self.power_to_db else bands
        return ops.cast(ops.squeeze(bands, 0) if single else bands, self.compute_dtype)

    def _decibels(self, power: Array) -> Array:
        found = 10 / math.log(10) * (ops.log(ops.maximum(power, self.min_power)) - math.log(max(self.min_power, self.ref_power)))
        return ops.maximum(found, ops.max(found) - self.top_db)


def _scipy_window(name: Any, length: int) -> np.ndarray:
    try:
        from scipy.signal import get_window
    except ModuleNotFoundError:
        raise ArgumentError(
            f"The window {name!r} needs SciPy: `pip install scipy`. 'hann', 'hamming', 'blackman' and 'bartlett' do not."
        ) from None
    try:
        return np.asarray(get_window(name, length, fftbins=False))
    except ValueError as error:
        raise ArgumentError(f"window must be None or one that SciPy knows, such as 'hann', got {name!r}: {error}") from None


_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@LAYERS.add
class STFTSpectrogram(Layer):
    """Short-time Fourier transforms as convolutions, whose kernels can be trained: `X[t, k] = sum_n w[n] x[t s + n] exp(-2 pi i k n / N)`.

    Args:
        mode: "log" (of the magnitude), "magnitude", "psd" (its square, the negative frequencies' added), "real", "imag", "angle",
            or "stft", real and imaginary parts.
        frame_length: of the windows.
        frame_step: from one to the next; half of the length by default.
        fft_length: N, at least the length, which is the default.
        window: a name that SciPy knows, or None; "hann", "hamming", "blackman" and "bartlett" need no SciPy.
        periodic: whether the window is one of a period and not symmetric.
        scaling: "density" divides by the root of the sum of the window's squares, "spectrum" by its sum; None does neither, nor is a missing window scaled.
        padding: "valid" or "same".
        expand_dims: whether frequencies and channels have an axis each.
        data_format: "channels_last", (batch, samples, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, samples, channels) to (batch, frames, N // 2 + 1), as often as there are channels and with "stft" twice.

    >>> import numpy as np
    >>> STFTSpectrogram("magnitude", 16)(np.ones((1, 64, 1))).shape
    (1, 7, 9)
    """

    def __init__(
        self, mode: str = "log", frame_length: int = 256, frame_step: int | None = None, fft_length: int | None = None,
        window: str | None = "hann", periodic: bool = False, scaling: str | None = "density", padding: str = "valid",
        expand_dims: bool = False, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if mode not in _MODES or scaling not in ("density", "spectrum", None) or padding not in ("valid", "same"):
            raise ArgumentError(
                f"mode is one of {_MODES}, scaling 'density', 'spectrum' or None, padding 'valid' or 'same', "
                f"got {mode!r}, {scaling!r} and {padding!r}."
            )
        if fft_length is not None and fft_length < frame_length:
            raise ArgumentError(f"fft_length must be at least the frame's {frame_length}, got {fft_length}.")
        if not frame_length >= 1:
            raise ArgumentError(f"frame_length must be at least 1, got {frame_length!r}.")
        spend((frame_length,), f"the window of {self.name}")
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self.padding, self.expand_dims = padding, expand_dims
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)
        self._window()  # an unknown name is said here and not at the first call

    def _window(self) -> np.ndarray:
        """The window, scaled."""
        length = self.frame_length + self.periodic
        known: dict[str | None, Any] = {
            None: np.ones,
            "hann": np.hanning,
            "hamming": np.hamming,
            "blackman": np.blackman,
            "bartlett": np.bartlett,
        }
        w = known[self.window](length) if self.window in known else _scipy_window(self.window, length)
        w = w[: self.frame_length]
        if self.window is None:
            return w
        return w / {"density": np.sqrt(np.square(w).sum()), "spectrum": w.sum(), None: 1.0}[self.scaling]

    def build(self, input_shape: Any) -> None:
        """Makes the kernels (frame_length, 1, N // 2 + 1)."""
        n = self.fft_length or self.frame_length
        spend((self.frame_length, n // 2 + 1), f"the waves of {self.name}")
        angle = -2 * np.pi * np.arange(self.frame_length)[:, None] * np.arange(n // 2 + 1) / n
        w = self._window()[:, None]
        sines = np.sin(angle)
        sines[:, 2 * np.arange(n // 2 + 1) % n == 0] = 0  # exactly, where only rounding makes it something: else pi comes out as -pi
        for name, part in (("real_kernel", np.cos(angle) * w), ("imag_kernel", sines * w + 0.0)):
            if name.split("_")[0] in self._parts:
                kernel = part[:, None].astype("float32")
                setattr(self, name, self.add_weight(shape=kernel.shape, initializer=initializers.Constant(kernel.tolist()), name=name))

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self.mode,) if self.mode in ("real", "imag") else ("real", "imag")

    def call(self, inputs: Array) -> Array:
        """The spectrogram."""
        x = inputs if self.data_format == "channels_last" else ops.swapaxes(inputs, 1, 2)  # (batch, samples, channels)
        channels = x.shape[-1]
        frames = [self._analysed(x[..., i : i + 1]) for i in range(channels)]  # (batch, frames, frequencies) each
        if self.expand_dims:
            y = ops.stack(frames, -1)
            return y if self.data_format == "channels_last" else ops.moveaxis(y, -1, 1)
        y = ops.concatenate(frames, -1)
        return y if self.data_format == "channels_last" else ops.swapaxes(y, 1, 2)

    def _analysed(self, x: Array) -> Array:
        step = self.frame_step or self.frame_length // 2
        parts = [ops.conv(x, getattr(self, f"{p}_kernel"), step, self.padding, data_format="channels_last") for p in self._parts]
        if len(parts) == 1:
            return parts[0]
        real, imaginary = parts
        if self.mode == "stft":
            return ops.concatenate(parts, -1)
        if self.mode == "angle":
            return ops.arctan2(imaginary, real)
        power = ops.square(real) + ops.square(imaginary)
        if self.mode == "psd":  # of one side: but for the ends, frequencies stand for the negative ones too
            n = self.fft_length or self.frame_length
            sides = np.full(n // 2 + 1, 2.0, "float32")
            sides[0] = 1
            sides[n // 2 :] = 1 if n % 2 == 0 else 2
            return power * ops.cast(ops.convert_to_tensor(sides), power.dtype)
        return ops.sqrt(power) if self.mode == "magnitude" else ops.log(ops.maximum(power, 1e-14)) / 2
