"""Ops of images against SciPy, Pillow, colorsys and formulas; shapes, dtypes and refusals."""

import colorsys

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from cornu import backends, ops, random
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, DTypeError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(5)
IMAGES = RNG.random((2, 7, 6, 3))
BYTES = RNG.integers(0, 256, (2, 5, 4, 3)).astype("uint8")
GREY = RNG.random((8, 9))
PLACES = RNG.uniform(-1, 9, (2, 5, 4))
SHEAR = np.array([1.0, 0.25, -0.6, -0.2, 0.9, 0.7, 0.01, -0.02])


def pillow(filter, reducing_gap=None):
    """Pillow's resize of one-channel floats; it always smooths where it reduces, by the same filters."""

    def resize(x, size, **_):
        channels = [np.asarray(Image.fromarray(c.astype("float32")).resize(size[::-1], filter), "float64") for c in np.moveaxis(x, -1, 0)]
        return np.stack(channels, -1)

    return resize


def by_pixel(function):
    return lambda x, **_: np.array([function(*p) for p in x.reshape(-1, 3)]).reshape(x.shape)


def windows(x, size, strides, padding=0):
    """All windows of (batch, height, width, channels), by loops."""
    (kh, kw), (sh, sw) = size, strides
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows = range(0, x.shape[1] - kh + 1, sh)
    columns = range(0, x.shape[2] - kw + 1, sw)
    return np.stack([np.stack([x[:, r : r + kh, c : c + kw].reshape(len(x), -1) for c in columns], 1) for r in rows], 1)


def blurred(x, size, sigma):
    bells = [np.exp(-((np.arange(n) - (n - 1) / 2) ** 2) / (2 * s * s)) for n, s in zip(size, sigma, strict=True)]
    for axis, bell in enumerate(bells):
        x = scipy.ndimage.correlate1d(x, bell / bell.sum(), axis + 1, mode="constant")
    return x


def sobel(x):
    edges = [[[scipy.ndimage.sobel(c, axis, mode="constant") for axis in (0, 1)] for c in np.moveaxis(i, -1, 0)] for i in x]
    return np.moveaxis(np.array(edges), (1, 2), (3, 4))


def between_two(x, size, **_):
    """Two pixels 0 and 255 by the cubic of Keys, its weights made to sum to 1."""
    places = (np.arange(size[1]) + 0.5) * 2 / size[1] - 0.5
    a, b = (np.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2) for t in (abs(places), abs(places - 1)))
    return np.clip(np.round(255 * b / (a + b)), 0, 255).astype("uint8").reshape(1, -1, 1)


def projected(x, t, fill):
    """What was at the transformed place of each pixel, between four corners of which those outside count as the fill."""
    out = np.zeros_like(x)
    for r, c in np.ndindex(x.shape[:2]):
        k = t[6] * c + t[7] * r + 1
        u, v = (t[0] * c + t[1] * r + t[2]) / k, (t[3] * c + t[4] * r + t[5]) / k
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            row, column = int(np.floor(v)) + i, int(np.floor(u)) + j
            weight = (1 - abs(v - row)) * (1 - abs(u - column))
            inside = 0 <= row < x.shape[0] and 0 <= column < x.shape[1]
            out[r, c] += weight * (x[row, column] if inside else fill)
    return out


def similarity(x, y, **_):
    """With a window of one pixel all variances are 0, what remains is how bright the images are."""
    return np.mean((2 * x * y + 1e-4) / (x * x + y * y + 1e-4), (1, 2, 3))


def scipy_places(mode):
    return lambda x, p, order, **_: scipy.ndimage.map_coordinates(x, p, order=order, mode=mode)


CASES = [
    Case("image.resize", IMAGES[0], size=(3, 9), antialias=True, like=pillow(Image.Resampling.BILINEAR), atol=1e-5),
    Case("image.resize", IMAGES[0], size=(12, 4), interpolation="bicubic", antialias=True, like=pillow(Image.Resampling.BICUBIC), atol=1e-5),
    Case("image.resize", IMAGES[0], size=(4, 13), interpolation="lanczos3", antialias=True, like=pillow(Image.Resampling.LANCZOS), atol=1e-5),
    Case("image.resize", IMAGES[0], size=(5, 4), interpolation="nearest", like=pillow(Image.Resampling.NEAREST)),
    Case("image.resize", np.array([[[1], [4]]], "int16"), size=(1, 4), expected=np.array([[[1], [2], [3], [4]]]), dtype="int16"),
    Case("image.resize", np.array([[[0], [255]]], "uint8"), size=(1, 8), interpolation="bicubic", dtype="uint8",
         like=between_two),
    Case("image.resize", IMAGES[:, :, :3], size=(4, 4), crop_to_aspect_ratio=True, interpolation="nearest",
         like=lambda x, size, **_: x[:, 2:5][:, [0, 1, 1, 2]][:, :, [0, 1, 1, 2]]),
    Case("image.resize", IMAGES[:, :1, :2], size=(4, 4), pad_to_aspect_ratio=True, interpolation="nearest", fill_value=9.0,
         like=lambda x, size, **_: np.repeat(np.concatenate([np.repeat(x, 2, 2), np.full((2, 1, 4, 3), 9.0)], 1), 2, 1)),
    Case("image.scale_and_translate", IMAGES[0], (4, 9, 3), np.array([1.0, 1.0]), np.array([-2.0, 1.0]), (0, 1), "linear",
         like=lambda x, *_: np.pad(x, ((0, 0), (1, 2), (0, 0)))[2:6]),
    Case("image.rgb_to_grayscale", IMAGES, like=lambda x: x @ np.array([[0.2989], [0.5870], [0.1140]])),
    Case("image.rgb_to_grayscale", BYTES, like=lambda x: (x @ np.array([[0.2989], [0.5870], [0.1140]])).astype("uint8"), dtype="uint8"),
    Case("image.rgb_to_hsv", IMAGES, like=by_pixel(colorsys.rgb_to_hsv)),
    Case("image.hsv_to_rgb", IMAGES, like=by_pixel(colorsys.hsv_to_rgb)),
    Case("image.rgb_to_hsv", np.array([[[0.0, 0, 0], [0.5, 0.5, 0.5]]]), expected=np.array([[[0, 0, 0], [0, 0, 0.5]]]), dtype="float32"),
    Case("image.crop_images", BYTES, top_cropping=1, target_height=2, left_cropping=0, right_cropping=3, like=lambda x, **_: x[:, 1:3, :1], dtype="uint8"),
    Case("image.pad_images", BYTES[0], bottom_padding=1, target_height=8, left_padding=0, right_padding=3,
         like=lambda x, **_: np.pad(x, ((2, 1), (0, 3), (0, 0))), dtype="uint8"),
    Case("image.extract_patches", IMAGES, (3, 2), (2, 1), like=windows),
    Case("image.extract_patches", IMAGES, 2, like=lambda x, size: windows(x, (2, 2), (2, 2))),
    Case("image.extract_patches", np.moveaxis(IMAGES, -1, 1), 2, data_format="channels_first",
         like=lambda x, size, **_: np.moveaxis(windows(np.moveaxis(x, 1, -1), (2, 2), (2, 2)), -1, 1)),
    Case("image.extract_patches_3d", IMAGES[..., None], (2, 2, 1), like=lambda x, size: np.stack(
        [windows(x[..., i, :], (2, 2), (2, 2)) for i in range(3)], 3)),
    Case("unfold", np.moveaxis(IMAGES, -1, 1), (3, 2), 1, 1, (2, 1), like=lambda x, k, d, p, s: np.concatenate(
        [windows(c[..., None], k, s, p).reshape(2, -1, 6).swapaxes(1, 2) for c in np.moveaxis(x, 1, 0)], 1)),
    Case("fold", np.ones((2, 12, 12)), (4, 5), 2, like=lambda *_: np.broadcast_to(
        np.outer([1, 2, 2, 1], [1, 2, 2, 2, 1]), (2, 3, 4, 5)), dtype="float32"),
    Case("fold", np.arange(8.0).reshape(1, 8, 1), 3, 2, 2, dtype="float32",
         expected=np.array([[[[0, 0, 1], [0, 0, 0], [2, 0, 3]], [[4, 0, 5], [0, 0, 0], [6, 0, 7]]]])),
    Case("image.gaussian_blur", IMAGES, (3, 5), (0.8, 1.7), like=blurred),
    Case("image.sobel_edges", IMAGES, like=sobel),
    Case("image.ssim", IMAGES, IMAGES[::-1], filter_size=1, like=similarity),
    Case("image.map_coordinates", GREY, PLACES % 7, 1, like=scipy_places("constant")),
    *(Case("image.map_coordinates", GREY, PLACES, 1, mode, like=lambda x, p, order, mode: scipy.ndimage.map_coordinates(
        x, p, order=order, mode={"wrap": "grid-wrap"}.get(mode, mode))) for mode in ("nearest", "mirror", "reflect", "wrap")),
    Case("image.map_coordinates", GREY, PLACES, 0, "nearest", like=lambda x, p, *_: scipy.ndimage.map_coordinates(x, p, order=0, mode="nearest")),
    Case("image.map_coordinates", np.arange(5), np.array([[0.4, 0.5, 1.6, 9.0]]), 1, "constant", -7, expected=np.array([0, 0, 2, -7]), dtype="int32"),
    Case("image.affine_transform", IMAGES, SHEAR, fill_value=0.5, like=lambda x, t, fill_value: np.stack([projected(i, t, fill_value) for i in x]), atol=1e-5),
    Case("image.affine_transform", BYTES, np.array([[1.0, 0, 1, 0, 1, 0, 0, 0], [-1, 0, 3, 0, 1, 0, 0, 0]]), "nearest", "wrap", dtype="uint8",
         like=lambda x, *_: np.stack([np.roll(x[0], -1, 1), x[1][:, ::-1]])),
]  # fmt: skip


@table(CASES)
def test_values_shapes_and_dtypes(case, backend):
    case.check()


def weighted(x, size, antialias):
    """Bilinear resizing of (batch, height, width, channels) by the triangle of each new pixel, in float64."""
    for axis, n in zip((1, 2), size, strict=True):
        length = x.shape[axis]
        places = (np.arange(n) + 0.5) * length / n - 0.5
        stretch = max(1.0, length / n) if antialias else 1.0
        shares = np.maximum(1 - np.abs(places[:, None] - np.arange(length)) / stretch, 0)
        x = np.moveaxis(np.tensordot(x, shares / shares.sum(1, keepdims=True), ((axis,), (1,))), -1, axis)
    return x


@pytest.mark.parametrize("size", [(13, 11), (4, 3), (9, 2), (7, 6), (1, 1)], ids=str)
def test_resizing_by_kernels_and_by_weights(size, backend):
    x = IMAGES.astype("float32")
    for antialias in (False, True):
        found = ops.image.resize(x, size, antialias=antialias)
        np.testing.assert_allclose(ops.convert_to_numpy(found), weighted(IMAGES, size, antialias), atol=2e-6)
        one = ops.image.resize(np.moveaxis(x[0], -1, 0), size, antialias=antialias, data_format="channels_first")
        np.testing.assert_allclose(np.moveaxis(ops.convert_to_numpy(one), 0, -1), ops.convert_to_numpy(found)[0], atol=2e-6)
    rows, columns = ((2 * np.arange(n) + 1) * m // (2 * n) for n, m in zip(size, (7, 6), strict=True))
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.image.resize(x, size, "nearest")), x[:, rows][:, :, columns])


def test_the_nearest_pixel_on_ties(backend):
    """Halfway between two pixels it is the later one, for lengths too where places rounded to float32 say otherwise."""
    for length, wanted in ((30, 49), (51, 85), (42, 35), (110, 11), (7, 21)):
        x = np.arange(length, dtype="float32").reshape(1, length, 1)
        found = ops.convert_to_numpy(ops.image.resize(x, (1, wanted), "nearest"))[0, :, 0]
        np.testing.assert_array_equal(found, [(2 * i + 1) * length // (2 * wanted) for i in range(wanted)])


def test_a_perspective_moves_corners_to_corners(backend):
    start, end = np.array([[0, 0], [4, 0], [0, 3], [4, 3]]), np.array([[1, 1], [3, 0], [0, 3], [4, 2]])
    x = np.zeros((4, 5, 1), "float32")
    for value, (column, row) in enumerate(start, 1):
        x[row, column] = value
    y = ops.convert_to_numpy(ops.image.perspective_transform(x, start.astype("float32"), end.astype("float32")))
    np.testing.assert_allclose([y[row, column, 0] for column, row in end], [1, 2, 3, 4], atol=1e-4)
    back = ops.image.perspective_transform(y, end.astype("float32"), start.astype("float32"), "nearest")
    assert tuple(back.shape) == x.shape


def test_elastic_transform(backend):
    x = np.broadcast_to(np.arange(12.0, dtype="float32")[:, None], (2, 12, 12))[..., None]  # each pixel says its row
    one, same, other = (ops.convert_to_numpy(ops.image.elastic_transform(x, 6.0, 1.5, fill_mode="nearest", seed=s)) for s in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()
    assert one.shape == x.shape
    assert 0.3 < np.std(one - x) < 3
    np.testing.assert_allclose(ops.convert_to_numpy(ops.image.elastic_transform(x, 0.0, seed=1)), x, atol=1e-6)
    seed = random.SeedGenerator(1)
    drawn = [ops.convert_to_numpy(ops.image.elastic_transform(x, seed=seed)) for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_unknown_sizes_are_inferred():
    with backends.use_backend(spec):
        images = TensorSpec((55440, 55440, 83160, 3), "uint8")
        assert ops.image.resize(images, (8, 9)).shape == (55440, 8, 9, 3)
        assert ops.image.resize(images, (224, 224), "lanczos5", antialias=True).shape == (55440, 224, 224, 3)
        assert ops.image.rgb_to_grayscale(images).shape == (55440, 55440, 83160, 1)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: ops.image.resize(x, (2, 2), "area"), ArgumentError, "nearest"),
        (lambda x: ops.image.resize(x, (2, 0)), ArgumentError, "at least 1"),
        (lambda x: ops.image.resize(x[0, 0], (2, 2)), ShapeError, "batch"),
        (lambda x: ops.image.resize(x, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), ArgumentError, "crops or pads"),
        (lambda x: ops.image.rgb_to_hsv(BYTES), DTypeError, "/ 255"),
        (lambda x: ops.image.rgb_to_grayscale(x[..., :2]), ShapeError, "three channels"),
        (lambda x: ops.image.crop_images(x, 1, 1, 1, 1, 3), ArgumentError, "Exactly two"),
        (lambda x: ops.image.crop_images(x, 1, 1, 1, 5), ArgumentError, "leave something"),
        (lambda x: ops.image.pad_images(x, top_padding=1, target_height=3, left_padding=1, right_padding=1), ArgumentError, "negative"),
        (lambda x: ops.image.extract_patches(x, 9), ShapeError, "fit"),
        (lambda x: ops.image.map_coordinates(x, x[0], 1), ShapeError, "each of 4 axes"),
        (lambda x: ops.image.map_coordinates(x, x, 2), ArgumentError, "0 .nearest. or 1"),
        (lambda x: ops.image.affine_transform(x, [1.0, 2.0]), ShapeError, "8 numbers"),
        (lambda x: ops.image.affine_transform(x, SHEAR, fill_mode="mirror"), ArgumentError, "fill_mode"),
        (lambda x: ops.image.ssim(x, x, filter_size=4), ArgumentError, "odd"),
        (lambda x: ops.image.sobel_edges(x[0]), ShapeError, "batch"),
        (lambda x: ops.image.gaussian_blur(x, (3, 3), (0.0, 1.0)), ArgumentError, "positive"),
        (lambda x: ops.fold(x[0, :, :, :1], 4, 2), ShapeError, "ops.fold takes"),
        (lambda x: ops.unfold(x[0], 2), ShapeError, "batch, channels"),
    ],
)
def test_refusals(call, error, words):
    with backends.use_backend("numpy"), pytest.raises(error, match=words):
        call(IMAGES)
