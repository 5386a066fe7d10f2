"""Images changed, standardised and gathered: formulas, borders, and that a seed says it all."""

import io
import warnings

import numpy as np
import pytest

from cornu.errors import ArgumentError, CorruptFileError, DataError, ShapeError
from cornu.preprocessing import image
from cornu.preprocessing.image import ImageDataGenerator
from cornu.training.data import batches


@pytest.fixture
def photo(rng):
    return rng.uniform(0, 255, (6, 9, 3)).astype("float32")


@pytest.fixture
def folder(tmp_path, rng):
    """Six images of two classes, in folders."""
    for number in range(6):
        where = tmp_path / "photos" / ("cat", "dog")[number % 2]
        where.mkdir(parents=True, exist_ok=True)
        image.save_img(where / f"{number}.png", rng.uniform(0, 255, (5, 5, 3)))
    return tmp_path / "photos"


# --- affine maps --------------------------------------------------------------------------------------------------------


def test_a_quarter_turn(photo):
    turned = image.apply_affine_transform(photo, theta=90, row_axis=0, col_axis=1, channel_axis=2, fill_mode="constant", cval=-1)
    inner = slice(2, 7)  # what a turn keeps of a 6×9 image: a square of 6 in the middle, between pixels for the odd side
    assert turned.shape == photo.shape
    square = photo[:, 1:7]
    np.testing.assert_allclose(
        image.apply_affine_transform(square, theta=90, row_axis=0, col_axis=1, channel_axis=2), np.rot90(square), atol=1e-2
    )
    assert (turned[:, 0] == -1).all()
    assert (turned[:, inner] != -1).all()


def test_shifts_of_whole_pixels(photo):
    move = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    np.testing.assert_array_equal(image.apply_affine_transform(photo, ty=2, **move)[:-2], photo[2:])
    np.testing.assert_array_equal(image.apply_affine_transform(photo, tx=-3, **move)[:, 3:], photo[:, :-3])
    np.testing.assert_array_equal(image.apply_affine_transform(photo, tx=-3, **move)[:, :3], np.repeat(photo[:, :1], 3, 1))
    np.testing.assert_array_equal(
        image.apply_affine_transform(photo, tx=-3, fill_mode="constant", cval=5, **move)[:, :3], np.full((6, 3, 3), 5)
    )
    np.testing.assert_array_equal(image.apply_affine_transform(photo, tx=-2, fill_mode="reflect", **move)[:, :2], photo[:, 1::-1])


def test_the_centre_stays(rng):
    for height, width in ((5, 9), (7, 3)):
        x = rng.random((1, height, width))
        for change in ({"theta": 33}, {"shear": 20}, {"zx": 0.7, "zy": 1.6}):
            np.testing.assert_allclose(image.apply_affine_transform(x, **change)[0, height // 2, width // 2], x[0, height // 2, width // 2])


def test_height_is_rows_and_width_columns(photo):
    down = ImageDataGenerator(height_shift_range=[2.0, 2.0])
    across = ImageDataGenerator(width_shift_range=[2.0, 2.0])
    for seed in range(4):
        drawn = down.get_random_transform(photo.shape, seed)
        assert (abs(drawn["ty"]), drawn["tx"]) == (2, 0)
        drawn = across.get_random_transform(photo.shape, seed)
        assert (drawn["ty"], abs(drawn["tx"])) == (0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_drawn_lies_in_its_range(photo, seed):
    make = ImageDataGenerator(
        rotation_range=30, width_shift_range=2, height_shift_range=0.5, zoom_range=(0.5, 0.6), brightness_range=[0.2, 0.3]
    )
    drawn = make.get_random_transform(photo.shape, seed)
    assert abs(drawn["theta"]) <= 30
    assert drawn["tx"] in (-1, 0, 1)
    assert abs(drawn["ty"]) <= 3
    assert 0.5 <= drawn["zx"] <= 0.6
    assert 0.5 <= drawn["zy"] <= 0.6
    assert 0.2 <= drawn["brightness"] <= 0.3


def test_random_transforms_one_by_one(photo):
    axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    for change in (
        lambda x: image.random_rotation(x, 20, **axes),
        lambda x: image.random_shift(x, 0.2, 0.2, **axes),
        lambda x: image.random_shear(x, 20, **axes),
        lambda x: image.random_zoom(x, (0.5, 0.9), **axes),
        lambda x: image.random_brightness(x, (0.5, 0.9)),
        lambda x: image.random_channel_shift(x, 30, 2),
    ):
        changed = change(photo)
        assert changed.shape == photo.shape
        assert not np.array_equal(changed, photo)
        assert changed.min() >= min(photo.min(), 0) - 1e-3
        assert changed.max() <= max(photo.max(), 255) + 1e-3


# --- standardising ------------------------------------------------------------------------------------------------------


def test_featurewise(rng):
    x = rng.normal(3, 5, (40, 4, 4, 3)).astype("float32")
    make = ImageDataGenerator(featurewise_std_normalization=True)
    make.fit(x)
    done = make.standardize(x)
    np.testing.assert_allclose(done.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(done.std((0, 1, 2)), 1, atol=1e-5)


def test_samplewise(photo):
    done = ImageDataGenerator(samplewise_std_normalization=True).standardize(photo)
    np.testing.assert_allclose((done.mean(), done.std()), (0, 1), atol=1e-5)


def test_whitened_pixels_have_the_identity_as_covariance(rng):
    x = (rng.normal(0, 1, (500, 12)) @ rng.normal(0, 1, (12, 12))).reshape(500, 2, 2, 3)
    make = ImageDataGenerator(zca_whitening=True, dtype="float64")
    make.fit(x)
    flat = make.standardize(x).reshape(500, 12)
    np.testing.assert_allclose(flat.T @ flat / 500, np.eye(12), atol=1e-5)


def test_statistics_that_are_missing_are_an_error(photo):
    with pytest.raises(DataError, match="Call `fit"):
        ImageDataGenerator(featurewise_center=True).standardize(photo)


def test_standardize_leaves_its_argument_alone(photo):
    before = photo.copy()
    ImageDataGenerator(rescale=0.1, samplewise_std_normalization=True, brightness_range=(2, 3)).standardize(photo)
    ImageDataGenerator(brightness_range=(2, 3), horizontal_flip=True, channel_shift_range=4).random_transform(photo, 1)
    np.testing.assert_array_equal(photo, before)


def test_fit_on_changed_images(rng):
    x = rng.uniform(0, 1, (10, 4, 4, 1))
    make = ImageDataGenerator(featurewise_center=True, vertical_flip=True)
    make.fit(x, augment=True, rounds=3, seed=1)
    np.testing.assert_allclose(make.mean, x.mean().reshape(1, 1, 1), rtol=1e-5)  # a flip keeps the mean


# --- batches ------------------------------------------------------------------------------------------------------------

EVERYTHING = {
    "rotation_range": 20, "width_shift_range": 0.1, "shear_range": 3, "zoom_range": 0.2, "channel_shift_range": 5.0, "horizontal_flip": True,
    "brightness_range": (0.8, 1.2), "samplewise_center": True,
}  # fmt: skip


def taken(source, passes=2):
    """All batches of a few epochs, as the training loop gets them."""
    found = [[np.array(part) for part in batch if part is not None] for number in range(passes) for batch in source.epoch(number)]
    source.close()
    return found


def test_a_seed_says_it_all(rng):
    x, y = rng.uniform(0, 255, (10, 6, 6, 3)), np.arange(10)
    flows = [ImageDataGenerator(**EVERYTHING).flow(x, y, batch_size=3, seed=5, workers=workers) for workers in (1, 3)]
    by_one, by_three = (taken(batches(flow)) for flow in flows)
    by_hand = ImageDataGenerator(**EVERYTHING).flow(x, y, batch_size=3, seed=5)
    for one, three in zip(by_one, by_three, strict=True):
        hand = next(by_hand)
        for a, b, c in zip(one, three, hand, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_allclose(a, c)
    other = next(ImageDataGenerator(**EVERYTHING).flow(x, y, batch_size=3, seed=6))
    assert not np.array_equal(other[1], by_one[0][1])


def test_each_pass_gives_every_row_once_in_an_order_of_its_own(rng):
    flow = ImageDataGenerator().flow(rng.random((7, 2, 2, 1)), np.arange(7), batch_size=3, seed=2)
    orders = [np.concatenate([next(flow)[1] for _ in range(len(flow))]).tolist() for _ in range(3)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len(set(map(tuple, orders))) == 3
    assert (flow.total_batches_seen, flow.batch_index, flow.samples, flow.n) == (9, 0, 7, 7)
    assert sorted(flow.index_array.tolist()) == list(range(7))


def test_reset_goes_back_to_the_first_batch(rng):
    flow = ImageDataGenerator().flow(rng.random((7, 2, 2, 1)), batch_size=3, seed=2)
    first = flow.next()
    flow.next()
    flow.reset()
    np.testing.assert_array_equal(flow.next(), first)
    np.testing.assert_array_equal(flow[0], first)
    with pytest.raises(IndexError):
        flow[3]


def test_a_later_epoch_may_come_first(rng):
    x = rng.uniform(0, 255, (7, 4, 4, 1))
    run, later = (ImageDataGenerator(**EVERYTHING).flow(x, np.arange(7), batch_size=3, seed=2) for _ in range(2))
    for _ in range(2 * len(run)):
        next(run)
    later.begin_epoch(2)
    for one, other in zip(next(run), next(later), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_batch_holds(rng):
    x, other, y, weight = rng.random((5, 2, 2, 1)), np.arange(5), np.arange(5) * 2, np.arange(5) * 3
    flow = ImageDataGenerator().flow((x, other), y, sample_weight=weight, shuffle=False, batch_size=4)
    (images, beside), targets, weights = flow[1]
    assert (images.shape, beside.tolist(), targets.tolist(), weights.tolist()) == ((1, 2, 2, 1), [4], [8], [12])
    ((images, beside),) = ImageDataGenerator().flow((x, [other]), shuffle=False)[0]
    assert (images.shape, beside.tolist()) == ((5, 2, 2, 1), [0, 1, 2, 3, 4])


def test_saved_images(rng, tmp_path):
    flow = ImageDataGenerator().flow(
        rng.random((3, 4, 4, 3)), batch_size=3, shuffle=False, save_to_dir=str(tmp_path), save_prefix="seen", save_format="bmp"
    )
    x = next(flow)
    assert sorted(path.name[:9] + path.suffix for path in tmp_path.iterdir()) == ["seen_0_0_.bmp", "seen_1_0_.bmp", "seen_2_0_.bmp"]
    written = image.img_to_array(image.load_img(next(tmp_path.glob("seen_1_0_*"))))
    np.testing.assert_allclose(written, (x[1] - x[1].min()) / np.ptp(x[1]) * 255, atol=1)


def test_saved_images_of_several_iterators_are_all_kept(rng, tmp_path):
    for picture in rng.random((3, 1, 4, 4, 4)):
        flow = ImageDataGenerator().flow(picture, batch_size=1, save_to_dir=tmp_path, save_prefix="cat", save_format="jpg")
        with pytest.warns(UserWarning, match="no transparency"):
            next(flow)
    assert len(list(tmp_path.iterdir())) == 3


def test_folders(folder, capsys):
    flow = ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, (4, 4), class_mode="sparse", batch_size=4, seed=1, workers=2)
    assert "Found 6 images belonging to 2 classes." in capsys.readouterr().out
    assert flow.class_indices == {"cat": 0, "dog": 1}
    assert flow.filenames == [f"{name}/{number}.png" for name, numbers in (("cat", (0, 2, 4)), ("dog", (1, 3, 5))) for number in numbers]
    assert flow.filepaths == [str(folder / name) for name in flow.filenames]
    x, y = next(flow)
    assert (x.shape, x.dtype, float(x.max()) <= 1) == ((4, 4, 4, 3), "float32", True)
    assert y.tolist() == flow.classes[flow._order(0)[:4]].tolist()
    one_hot = ImageDataGenerator().flow_from_directory(folder, (4, 4), shuffle=False)[0][1]
    np.testing.assert_array_equal(one_hot, np.eye(2)[[0, 0, 0, 1, 1, 1]])


def test_a_damaged_file_is_named(folder):
    path = folder / "cat" / "2.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CorruptFileError, match=r"2\.png"):
        image.load_img(path)
    flow = ImageDataGenerator().flow_from_directory(folder, (4, 4), batch_size=6)
    with pytest.raises(CorruptFileError, match=r"2\.png"):
        next(flow)
    flow = ImageDataGenerator().flow_from_directory(folder, (4, 4), batch_size=6, shuffle=False, on_broken="skip")
    with pytest.warns(UserWarning, match=r"2\.png.*left out"):
        x, y = next(flow)
    assert len(x) == len(y) == 5
    np.testing.assert_array_equal(y.argmax(-1), [0, 0, 1, 1, 1])


def test_frames(folder):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"filename": ["cat/0.png", "dog/1.png", "none.png"], "class": ["cat", "dog", "dog"], "age": [1.5, 2.5, 3.5]})
    make = ImageDataGenerator()
    with pytest.warns(UserWarning, match=r"1 of 3 rows .*none\.png"):
        flow = make.flow_from_dataframe(frame, folder, target_size=(4, 4), y_col="age", class_mode="raw", shuffle=False, workers=2)
    assert next(flow)[1].tolist() == [1.5, 2.5]
    with pytest.raises(DataError, match="'class'"):
        make.flow_from_dataframe(frame[:2], folder, y_col="klass")
    with pytest.raises(DataError, match="raw"):
        make.flow_from_dataframe(frame[:2], folder, y_col="age")
    absolute = frame[:2].assign(filename=[str(folder / name) for name in frame["filename"][:2]])
    assert make.flow_from_dataframe(absolute, shuffle=False, class_mode="binary")[0][1].tolist() == [0, 1]


def test_fit_takes_it(trainable_backend, rng):
    import cornu

    x, y = rng.uniform(0, 1, (12, 6, 6, 1)), np.arange(12) % 2
    make = ImageDataGenerator(horizontal_flip=True, validation_split=0.5)
    model = cornu.Sequential([cornu.layers.Input((6, 6, 1)), cornu.layers.Flatten(), cornu.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    flows = [make.flow(x, y, batch_size=4, subset=subset, seed=1, workers=2) for subset in ("training", "validation")]
    history = model.fit(flows[0], validation_data=flows[1], epochs=2, verbose=0).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert model.predict(ImageDataGenerator().flow(x, batch_size=5, shuffle=False), verbose=0).shape == (12, 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ImageDataGenerator(fill_mode="mirror"), "fill_mode must be one of"),
        (lambda: ImageDataGenerator(zoom_range=[1, 2, 3]), "zoom_range must be two numbers"),
        (lambda: ImageDataGenerator(validation_split=2), "validation_split must be a fraction"),
        (lambda: ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), subset="training"), "needs a validation_split"),
        (lambda: ImageDataGenerator(validation_split=0.5).flow(np.zeros((2, 3, 3, 1)), subset="test"), 'subset must be "training"'),
        (lambda: ImageDataGenerator(validation_split=0.5).flow(np.zeros((4, 3, 3, 1)), [0, 0, 1, 1], subset="training"), "same classes"),
        (lambda: ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), [1]), "as many rows"),
        (lambda: ImageDataGenerator().flow(np.zeros((2, 3, 3))), "rank 4"),
        (lambda: ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), batch_size=0), "batch_size must be"),
        (lambda: ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), save_to_dir="nowhere"), "save_to_dir must be a folder"),
        (lambda: ImageDataGenerator().flow_from_directory("nowhere"), "must be a folder"),
        (lambda: ImageDataGenerator().flow_from_directory("tests", classes=["ops"], class_mode="binary"), "must have two classes"),
        (lambda: ImageDataGenerator().flow_from_directory(".", class_mode="many"), "class_mode must be one of"),
        (lambda: ImageDataGenerator().apply_transform(np.zeros((3, 3, 1)), {"angle": 3}), "angle"),
        (lambda: ImageDataGenerator().fit(np.zeros((3, 3))), "rank 4"),
        (lambda: image.apply_affine_transform(np.zeros((3, 3, 1)), order=9), "order of interpolation"),
        (lambda: image.smart_resize(np.zeros((3, 3, 1)), (0, 3)), "size must be"),
        (lambda: image.smart_resize(np.zeros((3, 3, 1)), (2, 3), interpolation="spline"), "interpolation must be one of"),
        (lambda: image.smart_resize(np.zeros((3, 3)), (2, 3)), "rank 3"),
        (lambda: image.array_to_img(np.zeros((3, 3, 2))), "1, 3 or 4 channels"),
        (lambda: image.img_to_array(np.zeros(3)), "rank 2 or 3"),
        (lambda: image.save_img("x", np.zeros((3, 3, 3))), "file_format must say"),
        (lambda: image.load_img("x.png", color_mode="cmyk"), "color_mode must be"),
    ],
)
def test_refusals(make, said):
    with pytest.raises((ArgumentError, DataError, ShapeError), match=said):
        make()


# --- files --------------------------------------------------------------------------------------------------------------


def test_png_keeps_pixels(photo):
    file = io.BytesIO()
    image.save_img(file, photo, file_format="png", scale=False)
    file.seek(0)
    np.testing.assert_array_equal(image.img_to_array(image.load_img(file)), photo.astype("uint8"))


def test_values_that_are_no_bytes_are_clipped():
    x = np.array([[[300.0, -1.0, 255.4]]])
    assert np.asarray(image.array_to_img(x, scale=False)).tolist() == [[[255, 0, 255]]]
    assert np.asarray(image.array_to_img(x[..., 1:2], scale=False)).tolist() == [[0]]
    assert np.asarray(image.array_to_img(x[..., :1], scale=False)).tolist() == [[300]]  # of 32 bits


def test_jpeg_has_no_transparency(tmp_path, rng):
    with pytest.warns(UserWarning, match="no transparency"):
        image.save_img(tmp_path / "x.jpg", rng.random((4, 4, 4)))
    with warnings.catch_warnings():
        assert image.load_img(tmp_path / "x.jpg", target_size=(2, 3)).size == (3, 2)


def test_a_picture_that_cannot_be_written_leaves_the_earlier_one(tmp_path, rng):
    path, x = tmp_path / "x.jpg", rng.random((4, 4, 3))
    image.save_img(path, x)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="quality"):
        image.save_img(path, x, quality="best!")
    with pytest.raises(ArgumentError, match="that Pillow writes"):
        image.save_img(path, x, file_format="best")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


def test_missing_pillow_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    from cornu.preprocessing.image.pillow import pillow

    pillow.cache_clear()
    with pytest.raises(ImportError, match="pip install pillow"):
        image.array_to_img(np.zeros((2, 2, 3)))
    pillow.cache_clear()


def test_resize_of_backend_arrays(backend, photo):
    import cornu

    resized = image.smart_resize(cornu.ops.convert_to_tensor(photo), (3, 3))
    assert cornu.ops.is_tensor(resized)
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(resized), image.smart_resize(photo, (3, 3)))
    first = image.smart_resize(photo.transpose(2, 0, 1), (3, 3), data_format="channels_first")
    np.testing.assert_allclose(first.transpose(1, 2, 0), image.smart_resize(photo, (3, 3)))
    np.testing.assert_allclose(image.smart_resize(np.stack([photo] * 2), (3, 3))[1], image.smart_resize(photo, (3, 3)))
