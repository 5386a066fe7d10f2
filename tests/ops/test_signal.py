"""Fourier transforms and sequences against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.signal

from cornu import backends, ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(9)
A, B = RNG.normal(size=(2, 5)), RNG.normal(size=(2, 5))
SIGNAL = RNG.normal(size=(2, 30))


def pair(function):
    def parts(x, **settings):
        z = function(x[0] + 1j * x[1], **settings)
        return (z.real, z.imag)

    return parts


def halves(x, n=None):
    z = np.fft.rfft(x, n)
    return (z.real, z.imag)


def short(x, length, stride, n, window="hann", center=True):
    """Windows by loops."""
    weights = np.ones(n)
    if window is not None:
        weights = scipy.signal.get_window(window, length) if isinstance(window, str) else window
        before = (n - length) // 2
        weights = np.pad(weights, (before, n - length - before))
    x = np.pad(x, ((0, 0), (n // 2, n // 2)), "reflect") if center else x
    z = np.stack([np.fft.rfft(x[:, i : i + n] * weights) for i in range(0, x.shape[1] - n + 1, stride)], 1)
    return (z.real, z.imag)


LOOSE = {"rtol": 1e-4, "atol": 1e-5}
CASES = [
    Case("fft", (A.astype("float32"), B.astype("float32")), like=pair(np.fft.fft), **LOOSE),
    Case("fft2", (A.astype("float32"), B.astype("float32")), like=pair(np.fft.fft2), **LOOSE),
    Case("ifft2", (A.astype("float32"), B.astype("float32")), like=pair(np.fft.ifft2), **LOOSE),
    Case("rfft", A, like=halves, **LOOSE),
    Case("rfft", A, 8, like=halves, **LOOSE),
    Case("rfft", A, 3, like=halves, **LOOSE),
    Case("rfft", np.arange(4), like=halves, dtype="float32", **LOOSE),
    Case("irfft", (A.astype("float32"), B.astype("float32")), like=lambda x: np.fft.irfft(x[0] + 1j * x[1]), dtype="float32", **LOOSE),
    Case("irfft", (A.astype("float32"), B.astype("float32")), 5, like=lambda x, n: np.fft.irfft(x[0] + 1j * x[1], n), dtype="float32", **LOOSE),
    Case("extract_sequences", SIGNAL, 4, 3, like=lambda x, n, s: np.stack([x[:, i : i + n] for i in range(0, 27, s)], 1)),
    Case("extract_sequences", np.arange(3), 4, 3, expected=np.zeros((0, 4), "int32")),
    Case("stft", SIGNAL, 6, 3, 8, like=short, **LOOSE),
    Case("stft", SIGNAL, 6, 3, 9, window="hamming", center=False, like=short, **LOOSE),
    Case("stft", SIGNAL, 4, 2, 8, window=None, like=short, **LOOSE),
    Case("stft", SIGNAL, 4, 2, 4, window=np.array([1.0, 2, 2, 1]), like=short, **LOOSE),
]  # fmt: skip


@table(CASES)
def test_values_shapes_and_dtypes(case, backend):
    case.check()


@pytest.mark.parametrize("settings", [{}, {"window": "hamming"}, {"window": None}, {"window": np.array([1.0, 3, 2, 2, 1, 1], "float32")}])
def test_a_signal_comes_back(settings, backend):
    x = SIGNAL.astype("float32")
    y = ops.istft(ops.stft(x, 6, 2, 8, **settings), 6, 2, 8, **settings)
    np.testing.assert_allclose(ops.convert_to_numpy(y), x, atol=1e-5)
    longer = ops.convert_to_numpy(ops.istft(ops.stft(x, 6, 2, 8, **settings), 6, 2, 8, length=60, **settings))
    assert longer.shape == (2, 60)
    np.testing.assert_allclose(longer[:, :30], x, atol=1e-5)
    assert not longer[:, 40:].any()


def test_istft_is_scipys(backend):
    x = RNG.normal(size=(3, 8, 17)) + 1j * RNG.normal(size=(3, 8, 17))
    found = ops.istft((np.ascontiguousarray(x.real, "float32"), np.ascontiguousarray(x.imag, "float32")), 32, 8, 32)
    theirs = scipy.signal.istft(np.swapaxes(x, 1, 2), nperseg=32, noverlap=24, scaling="psd", window="hann")[1]
    # SciPy divides its spectra by the sum of the window
    scale = np.sqrt(np.sum(scipy.signal.get_window("hann", 32) ** 2))
    np.testing.assert_allclose(ops.convert_to_numpy(found), theirs / scale, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_comes_back_as_it_was(dtype, backend):
    real, imag = ops.rfft(ops.cast(A.astype("float32"), dtype))
    assert ops.dtype(real) == ops.dtype(imag) == dtype
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(real, "float32")), np.fft.rfft(A).real, atol=0.1)


def test_gradients_flow_through_a_spectrum(trainable_backend):
    on = backends.current()
    x = ops.convert_to_tensor(SIGNAL[0].astype("float32"))
    # Parseval: the energy of the spectrum is n times that of the signal, so its slope is 2 n x
    _, (slope,) = on.value_and_grad(
        lambda v: (
            ops.sum(ops.square(ops.fft((v[0], ops.zeros_like(v[0])))[0]) + ops.square(ops.fft((v[0], ops.zeros_like(v[0])))[1])),
            None,
        ),
        [x],
    )
    np.testing.assert_allclose(ops.convert_to_numpy(slope), 60 * SIGNAL[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.fft(A), ArgumentError, "pair"),
        (lambda: ops.fft((A, B[:1])), ShapeError, "one shape"),
        (lambda: ops.fft2((A[0], B[0])), ShapeError, "2 axes"),
        (lambda: ops.rfft(1.0), ShapeError, "axis"),
        (lambda: ops.rfft(A, 0), ArgumentError, "at least 1"),
        (lambda: ops.stft(A, 4, 2, 2), ArgumentError, "not be less"),
        (lambda: ops.stft(A, 4, 2, 4, window="flat"), ArgumentError, "hamming"),
        (lambda: ops.stft(A, 4, 2, 4, window=[1.0, 2.0]), ShapeError, "4 weights"),
        (lambda: ops.extract_sequences(A, 0, 1), ArgumentError, "at least 1"),
    ],
)
def test_refusals(call, error, words):
    with backends.use_backend("numpy"), pytest.raises(error, match=words):
        call()
