"""Spectrograms against NumPy's Fourier transform, and poolings of sounds that are not finite."""

import numpy as np
import pytest

from cornu import layers, ops
from cornu.errors import ArgumentError
from cornu.layers.audio import mel_weights


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


@pytest.fixture
def sound(rng):
    return rng.standard_normal((2, 64, 1)).astype("float32")


def spectra(sound, window, length=16, step=8, n=None):
    """X[t, k] of each frame, by NumPy."""
    frames = np.lib.stride_tricks.sliding_window_view(sound[..., 0].astype("float64"), length, 1)[:, ::step]
    return np.fft.rfft(frames * window, n or length)


@pytest.mark.parametrize(
    ("mode", "formula"),
    [
        ("magnitude", np.abs),
        ("log", lambda x: np.log(np.abs(x))),
        ("real", np.real),
        ("imag", np.imag),
        ("stft", lambda x: np.concatenate([x.real, x.imag], -1)),
    ],
)
def test_modes_are_parts_of_the_transform(mode, formula, sound, backend):
    window = np.hanning(16)
    expected = formula(spectra(sound, window / np.sqrt((window**2).sum())))
    found = array(layers.STFTSpectrogram(mode, 16)(sound))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_angles_are_those_of_the_transform(sound, backend):
    expected = np.angle(spectra(sound, np.hanning(16)))
    found = array(layers.STFTSpectrogram("angle", 16)(sound))
    np.testing.assert_allclose(np.exp(1j * found)[..., 1:-1], np.exp(1j * expected)[..., 1:-1], atol=1e-3)
    # of real sounds the first and the last frequency have no imaginary part: the angle is 0 or pi, and never -pi
    for k in (0, -1):
        np.testing.assert_allclose(found[..., k], np.where(spectra(sound, np.hanning(16))[..., k].real < 0, np.pi, 0), atol=1e-6)


def test_a_transform_of_odd_length_has_no_last_frequency(sound, backend):
    expected = np.angle(spectra(sound, np.hanning(15), length=15, step=7))
    found = array(layers.STFTSpectrogram("angle", 15)(sound))
    np.testing.assert_allclose(np.exp(1j * found)[..., 1:], np.exp(1j * expected)[..., 1:], atol=1e-3)


def test_windows_of_scipy(sound):
    expected = np.abs(spectra(sound, np.sin(np.pi * (np.arange(16) + 0.5) / 16)))
    found = array(layers.STFTSpectrogram("magnitude", 16, window="cosine", scaling=None)(sound))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ArgumentError, match="SciPy knows"):
        layers.STFTSpectrogram(window="a hand")


def test_mel_bands_are_triangles_that_sum_the_power(rng, backend):
    x = rng.standard_normal((1, 64)).astype("float32")
    layer = layers.MelSpectrogram(fft_length=32, sequence_stride=8, num_mel_bins=5, sampling_rate=1000, power_to_db=False)
    weights = mel_weights(5, 17, 1000, 20.0, 500)
    assert weights.max() <= 1
    assert (weights.sum(0) > 0).all()
    padded = np.pad(x, ((0, 0), (16, 16)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 32, 1)[:, ::8]
    window = np.hanning(33)[:32]
    expected = np.swapaxes(np.abs(np.fft.rfft(frames * window)) ** 2 @ weights, 1, 2)
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-3, atol=1e-4)


def test_infinities_stay_in_the_windows_that_have_them(backend):
    x = np.arange(14, dtype="float32").reshape(1, 7, 2)
    x[0, 1, 0], x[0, 6, 1] = np.inf, np.nan
    found = array(layers.AdaptiveAveragePooling1D(4)(x))[0]
    windows = [x[0, i * 7 // 4 : -(-(i + 1) * 7 // 4)] for i in range(4)]
    np.testing.assert_allclose(found, [w.mean(0) for w in windows], rtol=1e-6)
    assert np.isfinite(found).sum() == 5
