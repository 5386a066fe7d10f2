"""Ops of images against those of the real Keras 3.15, as a black box on JAX."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

from cornu import ops  # noqa: E402

RNG = np.random.default_rng(3)
FLOATS = RNG.random((2, 7, 6, 3)).astype("float32")
BYTES = RNG.integers(0, 256, (2, 7, 6, 3)).astype("uint8")
PLACES = RNG.uniform(-9, 16, (2, 40)).astype("float32")
TURN = np.array([[0.9, 0.2, -1, -0.3, 1.1, 0.47, 0, 0], [1, 0.1, 2, 0, 0.8, -1.3, 0, 0]], "float32")
SQUARE = np.array([[0, 0], [5, 0], [0, 6], [5, 6]], "float32")
BENT = np.array([[0.5, 1], [4, 0], [1, 6], [5, 5]], "float32")


def first(x):
    return np.moveaxis(x, -1, 1)


METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
CALLS = [
    *(("resize", (FLOATS, size), {"interpolation": m, "antialias": a}) for m in METHODS for size, a in (((3, 9), False), ((13, 4), True))),
    *(("resize", (BYTES, (5, 5)), {"interpolation": m}) for m in ("nearest", "bicubic")),
    ("resize", (FLOATS[0], (4, 4)), {}),
    ("resize", (first(FLOATS), (4, 8)), {"data_format": "channels_first"}),
    ("resize", (FLOATS[:, :4], (4, 4)), {"crop_to_aspect_ratio": True}),
    ("resize", (FLOATS[:, :4], (4, 4)), {"pad_to_aspect_ratio": True, "fill_value": -1.0}),
    ("resize", (FLOATS, (8, 3)), {"crop_to_aspect_ratio": True, "interpolation": "nearest"}),
    *(
        ("scale_and_translate", (FLOATS[0], (5, 9, 3), s, t, (0, 1), m), {"antialias": a})
        for m in ("linear", "cubic", "lanczos3", "lanczos5")
        for a, s, t in ((True, [0.5, 1.7], [0.3, -2.0]), (False, [1.3, 0.4], [-0.5, 1.0]))
    ),
    ("rgb_to_grayscale", (FLOATS,), {}),
    ("rgb_to_grayscale", (BYTES,), {}),
    ("rgb_to_grayscale", (first(FLOATS),), {"data_format": "channels_first"}),
    ("rgb_to_hsv", (FLOATS,), {}),
    ("hsv_to_rgb", (FLOATS,), {}),
    ("rgb_to_hsv", (np.repeat(FLOATS[..., :1], 3, -1),), {}),
    ("crop_images", (BYTES,), {"top_cropping": 1, "left_cropping": 2, "target_height": 3, "target_width": 2}),
    ("crop_images", (FLOATS,), {"bottom_cropping": 1, "left_cropping": 2, "target_height": 3, "right_cropping": 1}),
    ("pad_images", (BYTES,), {"top_padding": 1, "left_padding": 2, "target_height": 9, "target_width": 9}),
    ("pad_images", (first(FLOATS),), {"bottom_padding": 1, "left_padding": 2, "target_height": 9, "right_padding": 1, "data_format": "channels_first"}),
    ("extract_patches", (FLOATS, 2), {}),
    ("extract_patches", (BYTES[0], (2, 3)), {"strides": (1, 2)}),
    ("extract_patches", (FLOATS, 3), {"strides": 2, "padding": "same"}),
    ("extract_patches", (FLOATS, 2), {"strides": 1, "dilation_rate": 2}),
    ("extract_patches", (first(FLOATS), (2, 2)), {"data_format": "channels_first"}),
    ("extract_patches", (FLOATS.reshape(2, 3, 7, 2, 3), (2, 2, 1)), {}),
    ("extract_patches_3d", (FLOATS.reshape(2, 3, 7, 2, 3), (2, 2, 1)), {"strides": 1, "padding": "same"}),
    # gaussian_blur is left out: Keras 3.15 on JAX weighs single rows only and mixes channels; tests/ops/test_image.py compares with SciPy
    ("sobel_edges", (FLOATS,), {}),
    ("sobel_edges", (first(FLOATS),), {"data_format": "channels_first"}),
    ("ssim", (FLOATS, FLOATS[::-1]), {"filter_size": 5}),
    ("ssim", (FLOATS[0], FLOATS[1]), {"filter_size": 3, "max_val": 2.0, "filter_sigma": 0.8, "k1": 0.1, "k2": 0.2}),
    *(
        ("map_coordinates", (FLOATS[0, :, :, 0], PLACES, order), {"fill_mode": mode, "fill_value": 7.0})
        for order in (0, 1)
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    ),
    ("map_coordinates", (BYTES[0, :, :, 0].astype("int32"), PLACES.reshape(2, 5, 8), 1), {"fill_mode": "nearest"}),
    *(
        ("affine_transform", (FLOATS, TURN), {"interpolation": i, "fill_mode": mode, "fill_value": 0.5})
        for i, mode in (("nearest", "constant"), ("bilinear", "constant"), ("bilinear", "nearest"), ("bilinear", "wrap"), ("nearest", "reflect"))
    ),
    ("affine_transform", (first(FLOATS), TURN), {"data_format": "channels_first"}),
    ("affine_transform", (FLOATS[0], TURN[0]), {}),
    ("affine_transform", (BYTES, TURN[:1].repeat(2, 0)), {}),
    *(("perspective_transform", (FLOATS, np.stack([SQUARE, BENT]), np.stack([BENT, SQUARE])), {"interpolation": i}) for i in ("nearest", "bilinear")),
    ("perspective_transform", (FLOATS[0], SQUARE, BENT), {"fill_value": 0.3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "settings"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_equal_values(name, args, settings):
    theirs = np.asarray(getattr(keras.ops.image, name)(*args, **settings))
    ours = getattr(ops.image, name)(*args, **settings)
    assert ops.dtype(ours) == theirs.dtype.name
    # a whole number may differ by 1 where rounding met a tie
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours).astype("float64"), theirs, rtol=3e-5, atol=3e-5 if theirs.dtype.kind == "f" else 1
    )
