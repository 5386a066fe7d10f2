"""What layers for images and sounds do without chance, against the real Keras; their arguments, and configurations both ways."""

import inspect

import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]

from cornu import layers, use_backend  # noqa: E402
from tests.layers.test_image_layers import RANDOM  # noqa: E402

TRAINING = {"training": True}
SAME = [
    *[("Resizing", {"height": 5, "width": 9, "interpolation": i}) for i in ("bilinear", "nearest", "bicubic", "lanczos3")],
    ("Resizing", {"height": 5, "width": 5, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 3, "width": 4, "antialias": True}),
    *[("Resizing", {"height": h, "width": w, "pad_to_aspect_ratio": True, "fill_value": 7.0}) for h, w in ((7, 7), (12, 5), (5, 9))],
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
    ("RandomGaussianBlur", {"factor": (1.0, 1.0), "kernel_size": (3, 5), "sigma": (0.9, 0.9)}),
    ("RandomContrast", {"factor": (0.0, 0.0)}),
    ("RandomHue", {"factor": (0.0, 0.0)}),
    ("RandomErasing", {"factor": (0.0, 0.0)}),
    ("RandomPerspective", {"factor": (0.0, 0.0)}),
    ("RandomElasticTransform", {"factor": (0.0, 0.0)}),
    ("RandomColorJitter", {"brightness_factor": (0.1, 0.1), "saturation_factor": (0.3, 0.3), "hue_factor": (0.0, 0.0)}),
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


def compare(keras, name, arguments, x, **options):
    ours, theirs = (np.asarray(getattr(m.layers, name)(**arguments)(x, **options)) for m in (__import__("cornu"), keras))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(("name", "arguments"), SAME, ids=str)
def test_images(keras, rng, name, arguments):
    compare(keras, name, arguments, rng.integers(0, 256, (1, 8, 9, 3)).astype("float32"), **TRAINING)


BATCHES = [(n, a) for n, a in SAME if n not in ("Equalization", "Resizing", "ContrastLimitedAdaptiveHistogramEqualization")]


@pytest.mark.parametrize(("name", "arguments"), BATCHES, ids=str)
def test_batches_and_whole_numbers(keras, rng, name, arguments):
    x = rng.integers(0, 256, (3, 8, 9, 3)).astype("uint8")
    with use_backend("numpy"):
        ours = getattr(layers, name)(**arguments)(x, **TRAINING)
    theirs = np.asarray(getattr(keras.layers, name)(**arguments)(x.astype("float32"), **TRAINING))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-3)


def test_equalization_is_theirs_for_one_image(keras, rng):
    x = rng.integers(0, 256, (3, 8, 9, 3)).astype("float32")
    ours = np.asarray(layers.Equalization()(x))
    np.testing.assert_allclose(ours, np.stack([np.asarray(keras.layers.Equalization()(image)) for image in x]), atol=2e-3)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomTranslation", {"height_factor": (0.2, 0.2), "width_factor": (-0.3, -0.3)}),
        ("CenterCrop", {"height": 4, "width": 6}),
        ("Resizing", {"height": 5, "width": 7}),
        ("RandomBrightness", {"factor": (0.1, 0.1)}),
        ("RandomCrop", {"height": 8, "width": 10}),
    ],
    ids=str,
)
def test_boxes_and_masks(keras, rng, name, arguments):
    boxes = {"boxes": np.array([[[1, 2, 4, 6], [5, 0, 9, 3]]] * 2, "float32"), "labels": np.array([[1, 2], [3, 4]], "float32")}
    data = {
        "images": rng.integers(0, 256, (2, 8, 10, 3)).astype("float32"),
        "labels": np.eye(2, dtype="float32"),
        "bounding_boxes": boxes,
        "segmentation_masks": rng.integers(0, 4, (2, 8, 10, 1)).astype("float32"),
    }
    ours, theirs = (
        getattr(m.layers, name)(**arguments, bounding_box_format="xyxy")({**data, "bounding_boxes": dict(boxes)}, **TRAINING)
        for m in (__import__("cornu"), keras)
    )
    for one, two in ((ours, theirs), (ours["bounding_boxes"], theirs["bounding_boxes"])):
        for key in set(one) - {"bounding_boxes"}:
            assert np.asarray(one[key]).dtype == np.asarray(two[key]).dtype
            np.testing.assert_allclose(np.asarray(one[key]), np.asarray(two[key]), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("name", ["RandomInvert", "Solarization", "RandomFlip", "AutoContrast", "RandomGrayscale"])
def test_when_it_does_something(keras, rng, name):
    arguments = {"RandomInvert": {"factor": (1.0, 1.0)}, "RandomGrayscale": {"factor": 1.0}}.get(name, {})
    x = rng.integers(0, 256, (16, 4, 5, 3)).astype("float32")
    done = [
        [
            not np.allclose(np.asarray(getattr(m.layers, name)(**arguments)(x, **options)), x, atol=0.01)
            for m in (__import__("cornu"), keras)
        ]
        for options in ({}, {"training": False}, TRAINING)
    ]
    assert [one for one, _ in done] == [two for _, two in done]


def test_angles(keras, rng):
    x = rng.standard_normal((2, 64, 1)).astype("float32")
    ours, theirs = (np.asarray(m.layers.STFTSpectrogram("angle", 16)(x)) for m in (__import__("cornu"), keras))
    np.testing.assert_allclose(np.exp(1j * ours), np.exp(1j * theirs), atol=1e-3)  # where rounding decides, Keras's pi may be -pi


def test_infinities_in_adaptive_poolings(keras):
    x = np.arange(7, dtype="float32").reshape(1, 7, 1)
    x[0, 1] = np.inf
    compare(keras, "AdaptiveAveragePooling1D", {"output_size": 4}, x)


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
