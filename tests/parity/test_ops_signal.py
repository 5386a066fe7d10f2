"""Spectra, CTC and folding against those of the real Keras 3.15, as a black box on JAX."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

from cornu import ops  # noqa: E402

RNG = np.random.default_rng(4)
SIGNAL = RNG.normal(size=(2, 20)).astype("float32")
PAIR = (SIGNAL.reshape(2, 4, 5), SIGNAL[::-1].reshape(2, 4, 5).copy())
LOGITS = RNG.normal(size=(2, 6, 4)).astype("float32") * 2
LENGTHS = np.array([6, 4])
LABELS = np.array([[1, 2, 2], [3, 1, 0]])
IMAGES = RNG.normal(size=(2, 3, 6, 5)).astype("float32")

CALLS = [
    ("fft", (PAIR,), {}),
    ("fft2", (PAIR,), {}),
    ("ifft2", (PAIR,), {}),
    ("rfft", (SIGNAL,), {}),
    ("rfft", (SIGNAL, 24), {}),
    ("irfft", (PAIR,), {}),
    ("irfft", (PAIR, 5), {}),
    ("extract_sequences", (SIGNAL, 6, 4), {}),
    ("stft", (SIGNAL, 4, 2, 8), {}),
    ("stft", (SIGNAL, 5, 3, 8), {"window": "hamming", "center": False}),
    ("stft", (SIGNAL, 4, 2, 8), {"window": None}),
    ("stft", (SIGNAL, 4, 2, 6), {"window": np.array([1, 2, 3, 4], "float32")}),
    ("istft", (tuple(np.asarray(p, "float32") for p in np.moveaxis(RNG.normal(size=(2, 7, 5, 2)), -1, 0)), 6, 2, 8), {}),
    ("istft", (tuple(np.asarray(p, "float32") for p in np.moveaxis(RNG.normal(size=(2, 7, 5, 2)), -1, 0)), 6, 2, 8), {"length": 9}),
    ("ctc_loss", (LABELS, LOGITS, np.array([3, 2]), LENGTHS), {}),
    ("ctc_loss", (np.array([[0, 2, 2], [1, 1, 0]]), LOGITS, np.array([3, 2]), LENGTHS), {"mask_index": 3}),
    ("ctc_decode", (LOGITS, LENGTHS), {}),
    ("ctc_decode", (LOGITS, LENGTHS), {"merge_repeated": False, "mask_index": 2}),
    ("ctc_decode", (LOGITS, LENGTHS), {"strategy": "beam_search", "beam_width": 100, "top_paths": 3}),
    ("ctc_decode", (LOGITS, LENGTHS), {"strategy": "beam_search", "beam_width": 100, "top_paths": 2, "mask_index": 3}),
    ("unfold", (IMAGES, (3, 2)), {"stride": 2, "padding": 1}),
    ("unfold", (IMAGES, 2), {"dilation": 2}),
    ("fold", (RNG.normal(size=(2, 12, 12)).astype("float32"), (4, 5), 2), {}),
    ("fold", (RNG.normal(size=(2, 12, 9)).astype("float32"), (6, 5), 2), {"stride": 2, "dilation": 1, "padding": (0, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "settings"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_equal_values(name, args, settings):
    theirs, ours = getattr(keras.ops, name)(*args, **settings), getattr(ops, name)(*args, **settings)
    theirs, ours = (list(v) if isinstance(v, (list, tuple)) else [v] for v in (theirs, ours))
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, map(np.asarray, theirs), strict=True):
        assert ops.dtype(mine) == other.dtype.name
        np.testing.assert_allclose(ops.convert_to_numpy(mine), other, rtol=1e-4, atol=1e-4)
