"""Images, sequences and text prepared as by the real Keras, and by its older ImageDataGenerator and Tokenizer where it still has them."""

import importlib

import numpy as np
import pytest

import cornu
from cornu.preprocessing import image as ours
from cornu.preprocessing.image.resize import resize

pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
pytestmark = [
    pytest.mark.parity,
    # 2026-11-21, keras 3.15.1: what the peer warns of by itself, not ours
    pytest.mark.filterwarnings("ignore:Please import `affine_transform` from:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This ImageDataGenerator specifies:UserWarning"),
    pytest.mark.filterwarnings("ignore:Expected input to be images:UserWarning"),
]


@pytest.fixture(scope="module")
def theirs():
    """The real `keras.preprocessing`, with the parts that Keras 3 keeps for older programs."""
    return importlib.import_module("keras._tf_keras.keras").preprocessing


@pytest.fixture(scope="module")
def photo():
    """Square: the peer turns other images about a point that is not their centre (height and width are exchanged)."""
    return np.random.default_rng(0).uniform(0, 255, (10, 10, 3)).astype("float32")


CHANGES = {
    "rotation": {"theta": 25.0},
    "shift": {"tx": 1.5, "ty": -2.0},
    "shear": {"shear": 12.0},
    "zoom": {"zx": 0.8, "zy": 1.3},
    "flips": {"flip_horizontal": True, "flip_vertical": True},
    "channels": {"channel_shift_intensity": 17.0},
    "all": {"theta": -10, "tx": 1, "ty": 2.5, "shear": 5, "zx": 1.1, "zy": 0.9, "flip_horizontal": True, "channel_shift_intensity": -9.0},
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    "options", [{}, {"fill_mode": "constant", "cval": 7.0}, {"fill_mode": "reflect"}, {"fill_mode": "wrap", "interpolation_order": 0}]
)
def test_apply_transform(theirs, photo, name, options):
    made, expected = (
        make(**options).apply_transform(photo, CHANGES[name]) for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
    )
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_apply_transform_channels_first(theirs, photo):
    x = photo.transpose(2, 0, 1)
    made, expected = (
        make(data_format="channels_first", interpolation_order=3).apply_transform(x, CHANGES["all"])
        for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
    )
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_brightness(theirs, photo):
    """Theirs goes through 8-bit pixels twice, ours keeps fractions."""
    for factor in (0.3, 1.7):
        made, expected = (
            make().apply_transform(photo, {"brightness": factor}) for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
        )
        np.testing.assert_allclose(made, expected, atol=1 + factor)


@pytest.mark.parametrize(
    "options",
    [
        {"rotation_range": 10, "width_shift_range": 0.2, "height_shift_range": 0.3, "shear_range": 5, "zoom_range": 0.1, "channel_shift_range": 7.0,
         "brightness_range": (0.5, 1.5), "horizontal_flip": True, "vertical_flip": True},
        {"width_shift_range": 3, "height_shift_range": [-2, 5.0]},
        {"width_shift_range": (-0.2, 0.2, 0.5), "height_shift_range": 2.0, "zoom_range": (0.5, 2), "horizontal_flip": True},
        {},
    ],
)  # fmt: skip
def test_drawn_changes(theirs, options):
    """But for the shifts: the peer gives columns (tx) what was drawn for the height."""
    for seed in range(5):
        made = ours.ImageDataGenerator(**options).get_random_transform((10, 20, 3), seed=seed)
        expected = theirs.image.ImageDataGenerator(**options).get_random_transform((10, 20, 3), seed=seed)
        expected["tx"], expected["ty"] = expected["ty"], expected["tx"]
        assert set(made) == set(expected)
        for name, value in expected.items():
            assert made[name] == (None if value is None else pytest.approx(value)), name


@pytest.mark.parametrize(
    "options",
    [
        {"featurewise_center": True, "rescale": 0.5},
        {"featurewise_std_normalization": True},
        {"samplewise_center": True},
        {"samplewise_std_normalization": True, "preprocessing_function": lambda x: x + 1},
        {"zca_whitening": True, "zca_epsilon": 1e-3},
    ],
)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_standardize(theirs, options, data_format):
    x = np.random.default_rng(1).uniform(0, 9, (12, 3, 4, 2)).astype("float32")
    made, expected = (make(data_format=data_format, **options) for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator))
    made.fit(x)
    expected.fit(x.copy())
    np.testing.assert_allclose(made.standardize(x[0]), expected.standardize(x[0].copy()), rtol=1e-4, atol=2e-4)
    np.testing.assert_allclose(np.stack([made.standardize(image) for image in x]), made.standardize(x), atol=1e-5)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("size", [(5, 5), (20, 31), (9, 4)])
def test_smart_resize(photo, interpolation, size):
    import tensorflow as tf

    expected = np.asarray(keras.preprocessing.image.smart_resize(tf.constant(photo), size, interpolation=interpolation))
    # TensorFlow takes the cubic's weights from a table
    np.testing.assert_allclose(
        ours.smart_resize(photo, size, interpolation=interpolation), expected, atol=0.4 if interpolation == "bicubic" else 0.02
    )


@pytest.mark.parametrize("interpolation", ["area", "gaussian", "mitchellcubic"])
def test_resize_as_tensorflow(photo, interpolation):
    import tensorflow as tf

    expected = tf.image.resize(photo[:, :9], (5, 14), method=interpolation).numpy()
    np.testing.assert_allclose(resize(photo[:, :9], (5, 14), interpolation), expected, atol=1e-2)


def test_arrays(photo):
    for x in (photo, photo[..., :1], photo[..., :1] * 100):
        for scale in (True, False):
            np.testing.assert_array_equal(
                np.asarray(ours.array_to_img(x, scale=scale)).astype(int), np.asarray(keras.utils.array_to_img(x, scale=scale)).astype(int)
            )
    made = ours.array_to_img(photo)
    np.testing.assert_array_equal(ours.img_to_array(made, "channels_first"), keras.utils.img_to_array(made, "channels_first"))
    assert ours.img_to_array(made).dtype == keras.utils.img_to_array(made).dtype == "float32"


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("keep", [False, True])
def test_load_img(photo, tmp_path, color_mode, keep):
    ours.save_img(tmp_path / "x.png", photo)
    keras.utils.save_img(tmp_path / "y.png", photo)
    assert (tmp_path / "x.png").read_bytes() == (tmp_path / "y.png").read_bytes()
    for size in (None, (5, 5), (4, 20)):
        options = {"color_mode": color_mode, "target_size": size, "interpolation": "bilinear", "keep_aspect_ratio": keep}
        made, expected = (np.asarray(load(tmp_path / "x.png", **options)).astype(int) for load in (ours.load_img, keras.utils.load_img))
        np.testing.assert_allclose(made, expected, atol=1)  # the part that is cut out is resized without an image between


@pytest.mark.parametrize(
    ("sequences", "options"),
    [
        ([[1], [2, 3, 4], []], {}),
        ([[1], [2, 3, 4], []], {"maxlen": 2, "padding": "post"}),
        ([[1], [2, 3, 4]], {"maxlen": 2, "truncating": "post", "value": 9}),
        ([[[1, 2], [3, 4]], [[5, 6]]], {"maxlen": 3, "dtype": "float32", "value": -1.5}),
        ([["a", "bb"], ["c"]], {"dtype": object, "value": "<pad>"}),
    ],
)
def test_pad_sequences(sequences, options):
    made, expected = (pad(sequences, **options) for pad in (cornu.preprocessing.sequence.pad_sequences, keras.utils.pad_sequences))
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "sampling_rate": 2},
        {"reverse": True},
        {"start_index": 2, "end_index": 9},
        {"sampling_rate": 3, "length": 5},
        {"length": 1},
    ],
)
def test_timeseries_generator(theirs, options):
    data, targets = np.arange(24).reshape(12, 2), np.arange(12)
    made, expected = (
        make(data, targets, batch_size=3, **{"length": 4, **options})
        for make in (cornu.preprocessing.sequence.TimeseriesGenerator, theirs.sequence.TimeseriesGenerator)
    )
    assert len(made) == len(expected)
    for index in range(len(expected)):
        np.testing.assert_array_equal(made[index][0], expected[index][0])
        np.testing.assert_array_equal(made[index][1], expected[index][1])


def test_skipgrams(theirs):
    for window in (1, 2, 4):
        options = {"window_size": window, "negative_samples": 0.0, "shuffle": False, "categorical": window == 2}
        assert cornu.preprocessing.sequence.skipgrams([1, 2, 0, 4, 5, 2], 10, **options) == theirs.sequence.skipgrams(
            [1, 2, 0, 4, 5, 2], 10, **options
        )
    np.testing.assert_allclose(cornu.preprocessing.sequence.make_sampling_table(50), theirs.sequence.make_sampling_table(50), rtol=1e-12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten images of two classes, sizes and shapes mixed, one of them deeper."""
    base, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(3)
    for number in range(10):
        where = base / ("cat", "dog")[number % 2] / ("inner" if number == 4 else "")
        where.mkdir(parents=True, exist_ok=True)
        ours.save_img(where / f"{number}.{('png', 'bmp')[number % 3 == 0]}", rng.uniform(0, 255, (6 + number, 9, 3)))
    (base / "cat" / "notes.txt").write_text("no image")
    return base


@pytest.mark.parametrize("options", [{}, {"class_mode": "binary", "subset": "training"}, {"class_mode": "sparse", "subset": "validation"}, {"class_mode": None},
                                     {"class_mode": "input", "color_mode": "grayscale"}, {"classes": ["dog"], "keep_aspect_ratio": True}])  # fmt: skip
def test_flow_from_directory(theirs, folder, options):
    made, expected = (
        make(validation_split=0.4, rescale=0.5).flow_from_directory(str(folder), (7, 5), batch_size=4, shuffle=False, **options)
        for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
    )
    assert (made.filenames, made.class_indices, made.classes.tolist()) == (
        expected.filenames,
        expected.class_indices,
        expected.classes.tolist(),
    )
    assert (len(made), made.samples, made.num_classes, made.image_shape) == (
        len(expected),
        expected.samples,
        expected.num_classes,
        expected.image_shape,
    )
    for index in range(len(expected)):
        ones, others = made[index], expected[index]
        for one, other in zip(ones, others, strict=True) if isinstance(others, tuple) else [(ones, others)]:
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, atol=0 if "keep_aspect_ratio" not in options else 128)


@pytest.mark.parametrize("options", [{"class_mode": "categorical"}, {"class_mode": "raw", "y_col": "number", "weight_col": "weight"},
                                     {"class_mode": "raw", "y_col": ["number", "weight"]}, {"class_mode": "multi_output", "y_col": ["number", "weight"]},
                                     {"class_mode": "sparse", "subset": "validation"}, {"class_mode": "categorical", "y_col": "several"},
                                     {"class_mode": "categorical", "classes": ["dog"]}, {"class_mode": "binary"}, {"class_mode": None}])  # fmt: skip
def test_flow_from_dataframe(theirs, folder, options):
    pandas = pytest.importorskip("pandas")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".png", ".bmp"))
    frame = pandas.DataFrame({
        "filename": names, "class": [name.split("/")[0] for name in names], "number": np.arange(10), "weight": np.linspace(0, 1, 10),
        "several": [["a", "b"] if index % 3 else ["c"] for index in range(10)],
    })  # fmt: skip
    made, expected = (
        make(validation_split=0.3).flow_from_dataframe(frame, str(folder), target_size=(4, 4), batch_size=4, shuffle=False, **options)
        for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
    )
    assert (made.filenames, len(made)) == (expected.filenames, len(expected))
    assert options["class_mode"] not in ("categorical", "binary", "sparse") or made.class_indices == expected.class_indices
    for index in range(len(expected)):
        ones, others = (pytest.importorskip("jax").tree.leaves(batch) for batch in (made[index], expected[index]))
        assert len(ones) == len(others)
        for one, other in zip(ones, others, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("subset", [None, "training", "validation"])
def test_flow(theirs, subset):
    x, y, weight = np.random.default_rng(5).random((10, 4, 4, 3), "float32"), np.arange(10) % 2, np.linspace(0, 1, 10)
    made, expected = (
        make(validation_split=0.4, rescale=2).flow(x, y, batch_size=3, shuffle=False, sample_weight=weight, subset=subset)
        for make in (ours.ImageDataGenerator, theirs.image.ImageDataGenerator)
    )
    assert len(made) == len(expected)
    for index in range(len(expected)):
        for one, other in zip(made[index][:2], expected[index][:2], strict=True):
            np.testing.assert_allclose(one, other)
    # the peer hands a subset the first weights of the whole, ours those of its rows
    rows = {None: slice(0, 10), "training": slice(4, 10), "validation": slice(0, 4)}[subset]
    np.testing.assert_allclose(np.concatenate([made[index][2] for index in range(len(made))]), weight[rows])


WORDS = ["The cat sat. The dog", "dog the end", "Zebra, zebra; zebra"]


@pytest.mark.parametrize(
    "options",
    [{}, {"num_words": 4, "oov_token": "<u>"}, {"char_level": True}, {"lower": False, "filters": ".,"}, {"split": "_"}, {"num_words": 3}],
)
def test_tokenizer(theirs, options):
    made, expected = (make(**options) for make in (cornu.preprocessing.text.Tokenizer, theirs.text.Tokenizer))
    for tokenizer in (made, expected):
        tokenizer.fit_on_texts(WORDS)
    for name in ("word_index", "index_word", "word_counts", "word_docs", "index_docs", "document_count"):
        assert getattr(made, name) == getattr(expected, name), name
    told = ["the the zebra dog unknown", "", "Dog."]
    assert made.texts_to_sequences(told) == expected.texts_to_sequences(told)
    assert made.sequences_to_texts([[2, 3, 1, 9, 50]]) == expected.sequences_to_texts([[2, 3, 1, 9, 50]])
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_allclose(made.texts_to_matrix(told[::2], mode), expected.texts_to_matrix(told[::2], mode))


def test_tokenizer_json(theirs):
    tokenizer = theirs.text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(WORDS)
    ours_read = cornu.preprocessing.text.tokenizer_from_json(tokenizer.to_json())
    theirs_read = theirs.text.tokenizer_from_json(ours_read.to_json())
    assert ours_read.texts_to_sequences(WORDS) == theirs_read.texts_to_sequences(WORDS) == tokenizer.texts_to_sequences(WORDS)
    assert theirs_read.get_config() == tokenizer.get_config()


def test_words(theirs):
    for options in ({}, {"split": ","}, {"lower": False, "filters": ""}):
        assert cornu.preprocessing.text.text_to_word_sequence("A b,c--d\tE", **options) == theirs.text.text_to_word_sequence(
            "A b,c--d\tE", **options
        )
    for function in ("md5", len, None):
        ours_made = cornu.preprocessing.text.hashing_trick("the cat sat the", 10, function)
        assert ours_made == theirs.text.hashing_trick("the cat sat the", 10, function)


def same_batches(made, expected, tolerance=0.0):
    """Both give the same batches."""
    made, expected = list(made), list(expected)
    assert len(made) == len(expected)
    for ones, others in zip(made, expected, strict=True):
        for one, other in zip(ones, others, strict=True) if isinstance(others, tuple) else [(ones, others)]:
            assert np.shape(one) == np.shape(other)
            assert one.dtype == other.numpy().dtype or other.numpy().dtype == "uint8"  # images, where nothing is interpolated
            np.testing.assert_allclose(one, other, atol=tolerance)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_mode": "binary", "interpolation": "area"},
        {"label_mode": "categorical", "crop_to_aspect_ratio": True, "interpolation": "lanczos3"},
        {"labels": None, "pad_to_aspect_ratio": True},
        {"labels": [1, 0, 2, 1, 0, 2, 1, 0, 2, 1], "color_mode": "rgba"},
        {"batch_size": None, "class_names": ["dog"], "data_format": "channels_first"},
        {"validation_split": 0.35, "subset": "validation", "interpolation": "nearest"},
    ],
)
def test_image_dataset(folder, options):
    made, expected = (
        make(str(folder), image_size=(5, 7), shuffle=False, **{"batch_size": 4, "label_mode": "int", **options})
        for make in (cornu.utils.image_dataset_from_directory, keras.utils.image_dataset_from_directory)
    )
    assert made.file_paths == expected.file_paths
    assert made.class_names == expected.class_names
    same_batches(made, expected, 0.05)


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_a_seed_parts_files_alike(folder, subset):
    made, expected = (
        make(str(folder), image_size=(5, 7), validation_split=0.35, subset=subset, seed=11)
        for make in (cornu.utils.image_dataset_from_directory, keras.utils.image_dataset_from_directory)
    )
    assert made.file_paths == expected.file_paths


def test_text_dataset(tmp_path):
    for number in range(5):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[number % 2] / f"{number}.txt").write_text(f"text number {number}")
    made, expected = (
        list(make(str(tmp_path), batch_size=2, shuffle=False, max_length=9))
        for make in (cornu.utils.text_dataset_from_directory, keras.utils.text_dataset_from_directory)
    )
    for (x, y), (texts, labels) in zip(made, expected, strict=True):
        assert [text.encode() for text in x] == texts.numpy().tolist()
        assert y.tolist() == labels.numpy().tolist()


@pytest.mark.parametrize("length", [None, 40])
def test_audio_dataset(tmp_path, length):
    import wave

    rng = np.random.default_rng(2)
    for number in range(4):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        with wave.open(str(tmp_path / "ab"[number % 2] / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(rng.integers(-(2**15), 2**15, 30 + 10 * number).astype("<i2").tobytes())
    made, expected = (
        make(str(tmp_path), batch_size=3, shuffle=False, output_sequence_length=length)
        for make in (cornu.utils.audio_dataset_from_directory, keras.utils.audio_dataset_from_directory)
    )
    same_batches(made, expected, 1e-6)


@pytest.mark.parametrize(
    "options",
    [{}, {"sampling_rate": 2}, {"sequence_stride": 2}, {"start_index": 2, "end_index": 8}, {"batch_size": None}, {"batch_size": 3}, {"targets": None},
     {"targets": np.arange(4)}],
)  # fmt: skip
def test_timeseries_dataset(options):
    options = {"data": np.arange(20).reshape(10, 2), "targets": np.arange(10), "sequence_length": 3, **options}
    made, expected = (make(**options) for make in (cornu.utils.timeseries_dataset_from_array, keras.utils.timeseries_dataset_from_array))
    same_batches(made, expected)


@pytest.mark.parametrize("sizes", [(0.25, None), (None, 3), (2, 0.3), (0.55, None), (0.33, 0.33), (0.75, None)])
def test_split_dataset(sizes):
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    for data in (x, (x, y)):
        for made, expected in zip(cornu.utils.split_dataset(data, *sizes), keras.utils.split_dataset(data, *sizes), strict=True):
            same_batches(made, expected)
