"""What layers for images and sounds do without chance, against the real Keras; their arguments, and configurations both ways."""

import inspect
import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity

from cornu import layers, use_backend  # noqa: E402
from tests.layers.test_image_layers import RANDOM  # noqa: E402

TRAINING = {"training": True}
SAME = [
    *[("Resizing", {"height": 5, "width": 9, "interpolation": i}) for i in ("bilinear", "nearest", "bicubic", "lanczos3")],
    ("Resizing", {"height": 5, "width": 5, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 3, "width": 4, "antialias": True}),
    ("CenterCrop", {"height": 4, "width": 5}),
    ("CenterCrop", {"height": 12, "width": 5}),
    ("AutoContrast", {}),
    ("Equalization", {"bins": 16}),
    ("Solarization", {}),
    *[
        ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": g, "clip_limit": c})
        for g in ((2, 3), (3, 2))
        for c in (2.0, 40.0)
    ],
    ("RandomRotation", {"factor": (0.07, 0.07)}),
    ("RandomTranslation", {"height_factor": (0.2, 0.2), "width_factor": (-0.3, -0.3), "fill_mode": "wrap"}),
    ("RandomZoom", {"height_factor": (0.5, 0.5), "width_factor": (-0.3, -0.3), "fill_mode": "constant"}),
    ("RandomBrightness", {"factor": (0.2, 0.2)}),
    ("RandomSaturation", {"factor": (0.3, 0.3)}),
    ("RandomSharpness", {"factor": (0.8, 0.8)}),
    ("RandomColorDegeneration", {"factor": (0.3, 0.3)}),
    ("RandomGrayscale", {"factor": 1.0}),
    ("RandomPosterization", {"factor": (3, 3)}),
    ("RandomInvert", {"factor": (1.0, 1.0)}),
    ("RandomGaussianBlur", {"factor": (1.0, 1.0), "kernel_size": 5, "sigma": (0.9, 0.9)}),
]
SOUNDS = [
    *[("STFTSpectrogram", {"mode": m, "frame_length": 16}) for m in ("log", "magnitude", "psd", "real", "imag", "stft")],
    (
        "STFTSpectrogram",
        {"mode": "stft", "frame_length": 16, "fft_length": 32, "padding": "same", "scaling": "spectrum", "expand_dims": True},
    ),
    ("STFTSpectrogram", {"mode": "real", "frame_length": 16, "periodic": True, "window": None}),
    ("MelSpectrogram", {"fft_length": 32, "sequence_stride": 8, "num_mel_bins": 6}),
    ("MelSpectrogram", {"fft_length": 32, "sequence_stride": 8, "num_mel_bins": 6, "mag_exp": 1.0, "top_db": 5.0, "ref_power": 2.0}),
]
OTHERS = [("MixUp", {}), ("CutMix", {}), ("RandomCrop", {"height": 3, "width": 4}), ("MaxNumBoundingBoxes", {"max_number": 3})]


@pytest.fixture(scope="module")
def keras():
    os.environ["KERAS_BACKEND"] = "jax"
    return pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def on_jax():
    with use_backend("jax"):
        yield


def compare(keras, name, arguments, x, **options):
    ours, theirs = (np.asarray(getattr(m.layers, name)(**arguments)(x, **options)) for m in (__import__("cornu"), keras))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(("name", "arguments"), SAME, ids=str)
def test_images(keras, rng, name, arguments):
    compare(keras, name, arguments, rng.integers(0, 256, (1, 8, 9, 3)).astype("float32"), **TRAINING)


@pytest.mark.parametrize(("name", "arguments"), SOUNDS, ids=str)
def test_sounds(keras, rng, name, arguments):
    x = rng.standard_normal((2, 64, 2)).astype("float32")
    compare(keras, name, arguments, x if name.startswith("STFT") else x[..., 0])


@pytest.mark.parametrize(("name", "arguments"), {name: (name, a) for name, a in (*SAME, *SOUNDS, *RANDOM, *OTHERS)}.values(), ids=str)
def test_arguments_and_configurations(keras, name, arguments):
    ours, theirs = getattr(layers, name), getattr(keras.layers, name)
    one, two = (
        [(p.name, p.default) for p in list(inspect.signature(cls.__init__).parameters.values())[1:] if p.name != "kwargs"]
        for cls in (ours, theirs)
    )
    assert one == two
    config = theirs(**arguments).get_config()
    again = ours.from_config(config).get_config()
    free = ("seed", "dtype")
    assert {k: _plain(again[k]) for k in config if k not in free} == {k: _plain(v) for k, v in config.items() if k not in free}
    assert theirs.from_config(again).name == again["name"]


def _plain(value):
    return list(value) if isinstance(value, tuple) else value
