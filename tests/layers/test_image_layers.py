"""Layers for images: what they do, said by NumPy; that masks and boxes go with images; that a seed repeats."""

import threading

import numpy as np
import pytest

from cornu import layers, models, ops, use_backend
from cornu.errors import ArgumentError
from cornu.state import CompiledStep

TRAINING = {"training": True}
RANDOM = [
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.1}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.3}),
    ("RandomZoom", {"height_factor": 0.3}),
    ("RandomShear", {"x_factor": (0.1, 0.3), "y_factor": (0.1, 0.3)}),
    ("RandomPerspective", {"factor": (1.0, 1.0), "scale": 0.5}),
    ("RandomElasticTransform", {"factor": (1.0, 1.0), "scale": (1.0, 1.0)}),
    ("RandomBrightness", {"factor": 0.2}),
    ("RandomContrast", {"factor": 0.5}),
    ("RandomSaturation", {"factor": (0.0, 1.0)}),
    ("RandomHue", {"factor": 1.0}),
    ("RandomSharpness", {"factor": 1.0}),
    ("RandomGrayscale", {}),
    ("RandomColorJitter", {"brightness_factor": 0.2, "contrast_factor": 0.2, "saturation_factor": 0.5, "hue_factor": 0.2}),
    ("RandomColorDegeneration", {"factor": 1.0}),
    ("RandomPosterization", {"factor": 6}),
    ("RandomInvert", {"factor": (0.5, 0.5)}),
    ("RandomErasing", {"factor": (1.0, 1.0)}),
    ("RandomGaussianBlur", {"factor": (1.0, 1.0), "sigma": 1.0}),
    ("RandAugment", {"num_ops": 1}),
    ("AugMix", {"num_chains": 1, "chain_depth": 1}),
    ("MixUp", {}),
    ("CutMix", {}),
]
NAMES = [name for name, _ in RANDOM]


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (8, 6, 5, 3)).astype("float32")


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=NAMES)
def test_images_change_in_training_only_and_a_seed_repeats(name, arguments, backend, images):
    make = getattr(layers, name)
    layer, again = make(**arguments, seed=3), make(**arguments, seed=3)
    np.testing.assert_array_equal(array(layer(images, training=False)), images)
    first, second = array(layer(images, **TRAINING)), array(layer(images, **TRAINING))
    assert first.shape == images.shape
    assert not np.allclose(first, images)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(array(again(images, **TRAINING)), first)
    assert first.min() >= -0.01
    assert first.max() <= 255.01


@pytest.mark.parametrize(("name", "arguments"), RANDOM[:-2], ids=NAMES[:-2])
def test_one_image_and_channels_first(name, arguments, images):
    with use_backend("numpy"):
        make = getattr(layers, name)
        last = array(make(**arguments, seed=3)(images[0], **TRAINING))
        first = array(make(**arguments, seed=3, data_format="channels_first")(images[0].transpose(2, 0, 1), **TRAINING))
        assert last.shape == images.shape[1:]
        if name == "RandomErasing":  # whose noise has the layout of one batch
            return
        np.testing.assert_allclose(first.transpose(1, 2, 0), last, atol=1e-3)


@pytest.mark.parametrize("name", ["RandomRotation", "RandomHue", "RandAugment"])
def test_in_a_model_that_is_compiled(name, images):
    arguments = dict(RANDOM)[name]
    with use_backend("jax"):
        model = models.Sequential([layers.Input((6, 5, 3)), getattr(layers, name)(**arguments, seed=1)])
        np.testing.assert_allclose(model.predict(images, verbose=0), images)
        model.add(layers.Flatten())
        model.add(layers.Dense(1))
        model.compile("sgd", "mse")
        assert np.isfinite(model.evaluate(images, np.zeros((8, 1)), verbose=0))


def test_a_quarter_turn_is_rot90(backend, rng):
    x = rng.uniform(size=(2, 5, 5, 3)).astype("float32")
    for share, times in ((0.25, 1), (0.5, 2), (-0.25, 3)):
        y = layers.RandomRotation((share, share))(x, **TRAINING)
        np.testing.assert_allclose(array(y), np.rot90(x, times, (1, 2)), atol=1e-5)


def test_flips_are_slices(backend, images):
    y = array(layers.RandomFlip("vertical", seed=1)(images, **TRAINING))
    turned = [np.array_equal(a, b[::-1]) for a, b in zip(y, images, strict=True)]
    assert all(t or np.array_equal(a, b) for t, a, b in zip(turned, y, images, strict=True))
    assert 0 < sum(turned) < len(turned)


def test_translations_are_slices(backend, images):
    y = array(layers.RandomTranslation((0.5, 0.5), (-0.4, -0.4), "constant", fill_value=7.0)(images, **TRAINING))
    np.testing.assert_allclose(y[:, 3:, :3], images[:, :3, 2:], atol=1e-4)
    assert (y[:, :3] == 7).all()
    assert (y[:, :, 3:] == 7).all()


@pytest.mark.parametrize(("name", "arguments"), RANDOM[:7], ids=NAMES[:7])
def test_masks_go_with_images(name, arguments, backend, rng):
    mask = rng.integers(0, 5, (4, 7, 9)).astype("int32")
    more = {} if name in ("RandomFlip",) else {"interpolation": "nearest"}
    layer = getattr(layers, name)(**arguments, **more, seed=1)
    out = layer({"images": mask[..., None].astype("float32"), "segmentation_masks": mask, "labels": np.arange(4)}, **TRAINING)
    np.testing.assert_array_equal(array(out["segmentation_masks"]), array(out["images"])[..., 0].astype("int32"))
    assert "int" in str(out["segmentation_masks"].dtype)
    np.testing.assert_array_equal(array(out["labels"]), np.arange(4))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *RANDOM[:4],
        ("RandomCrop", {"height": 8, "width": 9}),
        ("CenterCrop", {"height": 8, "width": 9}),
        ("Resizing", {"height": 24, "width": 20}),
    ],
    ids=str,
)
def test_boxes_go_with_images(name, arguments, backend):
    """A bright rectangle and the box around it stay together."""
    images = np.zeros((4, 12, 10, 1), "float32")
    images[:, 4:7, 3:8] = 1
    boxes = {"boxes": np.tile(np.array([[3, 4, 5, 3]], "float32"), (4, 1, 1)), "labels": np.ones((4, 1), "int32")}
    more = {} if name in ("RandomFlip", "RandomCrop", "CenterCrop") else {"interpolation": "nearest"}
    if name.startswith("Random") and name not in ("RandomFlip", "RandomCrop"):
        more |= {"fill_mode": "constant"}
    layer = getattr(layers, name)(**arguments, **more, bounding_box_format="xywh")
    out = layer({"images": images, "bounding_boxes": boxes}, **TRAINING)
    for picture, (x, y, w, h) in zip(array(out["images"])[..., 0], array(out["bounding_boxes"]["boxes"])[:, 0], strict=True):
        rows, columns = np.nonzero(picture > 0.5)
        found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        np.testing.assert_allclose(found, [x, y, x + w, y + h], atol=1.0)


MOVING = [
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.2}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}),
    ("RandomZoom", {"height_factor": (-0.3, 0.3), "width_factor": (-0.3, 0.3)}),
    ("RandomShear", {"x_factor": 0.2, "y_factor": 0.2}),
    ("RandomPerspective", {"factor": (1.0, 1.0), "scale": 0.3}),
    ("RandomCrop", {"height": 24, "width": 26}),
    ("CenterCrop", {"height": 24, "width": 26}),
    ("Resizing", {"height": 40, "width": 21}),
    ("Resizing", {"height": 30, "width": 50, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 20, "width": 41, "pad_to_aspect_ratio": True}),
    ("RandAugment", {"factor": (0.3, 0.3), "num_ops": 3}),
]


@pytest.mark.parametrize("first", [False, True], ids=["last", "first"])
@pytest.mark.parametrize(("name", "arguments"), MOVING, ids=str)
def test_a_spot_its_mask_and_its_box_move_together(name, arguments, first):
    """A bright spot of 3 by 3 pixels: after the layer the mask shows where it is, and its middle is that of the box."""
    with use_backend("numpy"):
        images, masks = np.full((6, 30, 32, 3), 20, "float32"), np.zeros((6, 30, 32, 1), "int32")
        images[:, 13:16, 17:20] = 235
        masks[:, 13:16, 17:20] = 1
        boxes = {"boxes": np.tile(np.array([[17, 13, 20, 16]], "float32"), (6, 1, 1)), "labels": np.full((6, 1), 5)}
        turned = [np.moveaxis(x, -1, 1) if first else x for x in (images, masks)]
        more = {"fill_mode": "constant"} if name in ("RandomRotation", "RandomTranslation", "RandomZoom", "RandomShear") else {}
        layout = "channels_first" if first else "channels_last"
        layer = getattr(layers, name)(
            **arguments,
            **more,
            bounding_box_format="xyxy",
            data_format=layout,
            **({"seed": 5} if "Random" in name or "Rand" in name else {}),
        )
        out = layer({"images": turned[0], "segmentation_masks": turned[1], "bounding_boxes": boxes, "labels": np.arange(6)}, **TRAINING)
        pictures, shown = (np.moveaxis(out[k], 1, -1) if first else out[k] for k in ("images", "segmentation_masks"))
        assert out["labels"].tolist() == list(range(6))
        for picture, mask, box in zip(pictures.mean(-1), shown[..., 0], out["bounding_boxes"]["boxes"][:, 0], strict=True):
            rows, columns = np.nonzero(mask)
            middle = np.array([columns.mean(), rows.mean()]) + 0.5
            np.testing.assert_allclose((box[:2] + box[2:]) / 2, middle, atol=0.8)
            if name != "RandAugment":  # whose colours may have become any
                bright = np.argwhere(picture > 0.8 * picture.max()).mean(0)[::-1] + 0.5
                np.testing.assert_allclose(bright, middle, atol=0.8)
        assert (out["bounding_boxes"]["labels"] == 5).all()


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=NAMES)
def test_in_numpy_whatever_the_backend_is(name, arguments, images):
    with use_backend("torch"):
        layer, again = (getattr(layers, name)(**arguments, seed=3) for _ in range(2))
        with use_backend("numpy"):
            alone = getattr(layers, name)(**arguments, seed=3)(images)
            assert type(alone) is np.ndarray
            np.testing.assert_array_equal(layer(images), alone)  # made on another backend: the same seed, the same draws
            assert layer(images.astype("uint8")).dtype == np.float32
        assert type(layer(images)).__module__ == "torch"
        np.testing.assert_array_equal(array(again(images)), array(getattr(layers, name)(**arguments, seed=3)(images)))


def test_threads_of_a_data_set_draw_each_for_itself(images):
    with use_backend("torch"):
        layer = layers.RandomBrightness((-0.5, 0.5), seed=3)
    shifts = []

    def work():
        with use_backend("numpy"):
            shifts.extend(float(np.median(layer(np.full((1, 2, 2, 1), 128.0)))) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(shifts)) == 80


@pytest.mark.parametrize("name", ["RandomRotation", "RandomHue", "RandomErasing", "RandAugment", "AugMix", "MixUp", "CutMix"])
def test_compiled_as_eagerly(name, trainable_backend, images):
    arguments = dict(RANDOM)[name]
    layer, eager = (getattr(layers, name)(**arguments, seed=3) for _ in range(2))
    step = CompiledStep(lambda x: layer(x, **TRAINING), lambda: layer.variables)
    for _ in range(2):
        np.testing.assert_allclose(array(step(ops.convert_to_tensor(images))), array(eager(images, **TRAINING)), rtol=1e-4, atol=0.05)


def test_rand_augment_runs_the_drawn_way_alone(monkeypatch, images):
    ran = []
    with use_backend("numpy"):
        layer = layers.RandAugment(num_ops=2, seed=1)
        for part in layer.parts:
            apply = part.apply
            monkeypatch.setattr(part, "apply", lambda *a, p=part, f=apply: (ran.append(type(p).__name__), f(*a))[1])
        for _ in range(60):
            layer(images)
    assert len(ran) == 120
    assert len(set(ran)) == 11  # of thirteen ways two are shears and two translations


def test_a_call_by_itself_is_one_in_training_and_one_in_a_model_is_not(images):
    with use_backend("numpy"):
        layer = layers.RandomInvert((1.0, 1.0))
        np.testing.assert_allclose(layer(images), 255 - images, atol=1e-3)
        np.testing.assert_allclose(layer(images, training=False), images)
        model = models.Sequential([layers.Input((6, 5, 3)), layers.RandomInvert((1.0, 1.0)), layers.Solarization()])
        np.testing.assert_allclose(model.predict(images, verbose=0), images)
        twice = layers.Pipeline([layers.RandomInvert((1.0, 1.0)), layers.RandomBrightness((0.0, 0.0))])
        np.testing.assert_allclose(twice(images), 255 - images, atol=1e-3)
        np.testing.assert_allclose(twice(images, training=False), images)


def test_each_image_is_equalized_by_itself(backend, images):
    layer = layers.Equalization(bins=16)
    together = array(layer(images))
    np.testing.assert_allclose(together, np.stack([array(layer(x)) for x in images]), atol=1e-3)
    levels = np.floor(images[3, :, :, 1] / 255 * 15 + 1e-3)
    counts = np.array([(levels <= level).sum() for level in range(16)])
    least = counts[counts > 0].min()
    expected = np.round((counts - least) / (30 - least) * 255)[levels.astype(int)]
    np.testing.assert_allclose(together[3, :, :, 1], expected, atol=1e-3)


def test_a_blur_is_a_bell_as_wide_as_the_first_number_and_as_high_as_the_second(backend):
    x = np.zeros((1, 7, 9, 2), "float32")
    x[0, 3, 4] = 100
    y = array(layers.RandomGaussianBlur((1.0, 1.0), (5, 3), (0.8, 0.8))(x, **TRAINING))
    wide, tall = (np.exp(-(np.arange(-n, n + 1) ** 2) / (2 * 0.64)) for n in (2, 1))
    expected = np.zeros((7, 9))
    expected[2:5, 2:7] = 100 * np.outer(tall / tall.sum(), wide / wide.sum())
    np.testing.assert_allclose(y[0], np.repeat(expected[..., None], 2, -1), atol=1e-3)


def test_padding_leaves_an_odd_pixel_out(backend):
    x = np.ones((1, 4, 7, 1), "float32")
    y = array(layers.Resizing(6, 7, "nearest", pad_to_aspect_ratio=True, fill_value=-1.0)(x))
    np.testing.assert_array_equal(y[0, :, 0, 0], [-1, 1, 1, 1, 1, -1])  # 6 rows of 7 columns are wanted, one above and one below
    y = array(layers.Resizing(7, 7, "nearest", pad_to_aspect_ratio=True, fill_value=-1.0)(x))
    np.testing.assert_array_equal(y[0, :, 0, 0], [-1, 1, 1, 1, 1, 1, -1])  # 3 are missing: one above and one below, and 6 rows made 7


def test_brightness_contrast_negatives_and_bits(backend, images):
    out = array(layers.RandomBrightness((0.1, 0.1))(images, **TRAINING))
    np.testing.assert_allclose(out, np.clip(images + 25.5, 0, 255), atol=1e-3)
    mean = images.mean((1, 2), keepdims=True)
    out = array(layers.RandomContrast((1.0, 0.0), seed=1)(images, **TRAINING))
    ratio = (out - mean) / (images - mean)
    np.testing.assert_allclose(ratio, np.broadcast_to(np.median(ratio, (1, 2, 3), keepdims=True), ratio.shape), atol=0.05)
    out = array(layers.RandomInvert((1.0, 1.0), value_range=(-1, 1))(images / 127.5 - 1, **TRAINING))
    np.testing.assert_allclose(out, 1 - images / 127.5, atol=1e-5)
    whole = np.floor(images)
    out = array(layers.RandomPosterization((3, 3))(whole, **TRAINING))
    np.testing.assert_allclose(out, whole.astype("int32") & 0b11100000, atol=1e-3)


def test_colours(backend, images):
    grey = images @ np.array([0.2989, 0.587, 0.114], "float32")
    out = array(layers.RandomColorDegeneration((0.25, 0.25))(images, **TRAINING))
    np.testing.assert_allclose(out, 0.75 * images + 0.25 * grey[..., None], atol=1e-3)
    out = array(layers.RandomGrayscale(1.0)(images, **TRAINING))
    np.testing.assert_allclose(out, np.repeat(grey[..., None], 3, -1), atol=1e-3)
    for name in ("RandomSaturation", "RandomSharpness"):
        np.testing.assert_allclose(array(getattr(layers, name)((0.5, 0.5))(images, **TRAINING)), images, atol=2e-3)
    np.testing.assert_allclose(array(layers.RandomHue((0.0, 0.0))(images, **TRAINING)), images, atol=2e-3)


def test_draws_lie_where_they_should(rng):
    with use_backend("numpy"):
        x = np.full((4000, 1, 1, 1), 100, "float32")
        shift = array(layers.RandomBrightness((-0.1, 0.3), seed=1)(x, **TRAINING)).ravel() - 100
        assert shift.min() >= -25.6
        assert shift.max() <= 76.6
        assert shift.mean() == pytest.approx(25.5, abs=2)
        assert shift.var() == pytest.approx((0.4 * 255) ** 2 / 12, rel=0.1)
        turned = array(layers.RandomInvert((0.2, 0.4), seed=1)(x, **TRAINING)).ravel() > 120
        assert turned.mean() == pytest.approx(0.3, abs=0.03)


def test_mixtures_of_images_and_labels(backend):
    x = np.repeat(np.arange(4, dtype="float32"), 64).reshape(4, 8, 8, 1)
    boxes = {"boxes": np.tile(np.array([[0, 0, 8, 8]], "float32"), (4, 1, 1)), "labels": np.arange(4).reshape(4, 1)}
    for layer in (layers.MixUp(1.0, seed=1, bounding_box_format="xyxy"), layers.CutMix(seed=1, bounding_box_format="xyxy")):
        out = layer({"images": x, "labels": np.eye(4, dtype="float32"), "bounding_boxes": boxes}, **TRAINING)
        np.testing.assert_allclose(array(out["labels"]).sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(array(out["images"]).mean((1, 2, 3)), array(out["labels"]) @ np.arange(4), atol=1e-4)
        assert tuple(out["bounding_boxes"]["boxes"].shape) == (4, 2, 4)


def test_erased_windows_have_the_area_that_was_asked_for():
    with use_backend("numpy"):
        x = np.zeros((500, 40, 40, 1), "float32")
        erased = layers.RandomErasing((1.0, 1.0), (0.01, 0.01), fill_value=1.0, seed=1)(x, **TRAINING).mean((1, 2, 3))
        assert np.median(erased) == pytest.approx(0.01, rel=0.25)
        assert erased.max() < 0.014


def test_sizes(backend, images):
    np.testing.assert_array_equal(array(layers.CenterCrop(2, 3)(images)), images[:, 2:4, 1:4])
    out = array(layers.RandomCrop(2, 3, seed=1)(images, **TRAINING))
    for a, b in zip(out, images, strict=True):
        assert any(np.array_equal(a, b[i : i + 2, j : j + 3]) for i in range(5) for j in range(3))
    assert layers.Resizing(4, 7)(layers.Input((None, None, 3))).shape == (None, 4, 7, 3)
    assert layers.RandomCrop(4, 3)(layers.Input((6, 5, 3))).shape == (None, 4, 3, 3)
    assert str(layers.Resizing(4, 7)(images.astype("uint8")).dtype).count("uint8")


def test_boxes_are_filled_up(backend):
    boxes = {"boxes": np.ones((2, 3, 4), "float32"), "labels": np.ones((2, 3), "int32")}
    data = {"images": np.zeros((2, 4, 4, 1), "float32"), "bounding_boxes": boxes}
    out = layers.MaxNumBoundingBoxes(4)(data)["bounding_boxes"]
    assert array(out["labels"]).tolist() == [[1, 1, 1, -1]] * 2
    assert array(out["boxes"])[:, 3].tolist() == [[-1] * 4] * 2
    assert array(layers.MaxNumBoundingBoxes(2)(data)["bounding_boxes"]["boxes"]).shape == (2, 2, 4)


def test_what_it_cannot_be_given():
    with pytest.raises(ArgumentError, match="factor"):
        layers.RandomRotation((0.3, 0.1))
    with pytest.raises(ArgumentError, match="fill_mode"):
        layers.RandomZoom(0.1, fill_mode="mirrored")
    data = {"images": np.zeros((1, 2, 2, 1)), "bounding_boxes": {"boxes": np.zeros((1, 1, 4)), "labels": np.zeros((1, 1))}}
    with use_backend("numpy"), pytest.raises(ArgumentError, match="bounding_box_format"):
        layers.RandomFlip()(data, **TRAINING)
