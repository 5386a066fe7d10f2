"""Architectures by themselves: their sizes, their arguments, the errors that name the mend, and published weights without a network."""

import hashlib

import numpy as np
import pytest

import cornu
from cornu import applications, layers, ops
from cornu.applications import architecture as common
from cornu.errors import ArgumentError, CorruptFileError, ShapeError

# the numbers of parameters with and without the classifier of 1000 classes, as the real Keras counts them
PARAMETERS = {
    "MobileNet": (4253864, 3228864), "MobileNetV2": (3538984, 2257984), "MobileNetV3Small": (2554968, 939120),
    "MobileNetV3Large": (5507432, 2996352), "EfficientNetB0": (5330571, 4049571), "EfficientNetV2B0": (7200312, 5919312),
    "DenseNet121": (8062504, 7037504), "NASNetMobile": (5326716, 4269716), "ResNet50": (25636712, 23587712),
    "ResNet50V2": (25613800, 23564800), "Xception": (22910480, 20861480), "InceptionV3": (23851784, 21802784),
    "VGG16": (138357544, 14714688), "VGG19": (143667240, 20024384), "ResNet101": (44707176, 42658176), "ResNet152": (60419944, 58370944),
    "ResNet101V2": (44675560, 42626560), "ResNet152V2": (60380648, 58331648), "DenseNet169": (14307880, 12642880),
    "DenseNet201": (20242984, 18321984), "InceptionResNetV2": (55873736, 54336736), "NASNetLarge": (88949818, 84916818),
    "EfficientNetB1": (7856239, 6575239), "EfficientNetB2": (9177569, 7768569), "EfficientNetB3": (12320535, 10783535),
    "EfficientNetB4": (19466823, 17673823), "EfficientNetB5": (30562527, 28513527), "EfficientNetB6": (43265143, 40960143),
    "EfficientNetB7": (66658687, 64097687), "EfficientNetV2B1": (8212124, 6931124), "EfficientNetV2B2": (10178374, 8769374),
    "EfficientNetV2B3": (14467622, 12930622), "EfficientNetV2S": (21612360, 20331360), "EfficientNetV2M": (54431388, 53150388),
    "EfficientNetV2L": (119027848, 117746848), "ConvNeXtTiny": (28589128, 27820128), "ConvNeXtSmall": (50223688, 49454688),
    "ConvNeXtBase": (88591464, 87566464), "ConvNeXtLarge": (197767336, 196230336), "ConvNeXtXLarge": (350196968, 348147968),
}  # fmt: skip
QUICK = ["MobileNet", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0"]


@pytest.fixture
def channels_first():
    cornu.config.set_image_data_format("channels_first")
    yield
    cornu.config.set_image_data_format("channels_last")


def tiny(**arguments):
    return applications.MobileNet(**{"input_shape": (32, 32, 3), "alpha": 0.25, "weights": None, "classes": 5, **arguments})


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_every_architecture_is_counted():
    assert (
        set(PARAMETERS)
        == {name for names in applications._HOMES.values() for name in names}
        == set(common.published_files()) - {"class_index"}
    )


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in PARAMETERS])
def test_as_many_parameters_as_keras(on_numpy, name):
    make = getattr(applications, name)
    assert (make(weights=None).count_params(), make(weights=None, include_top=False).count_params()) == PARAMETERS[name]


# --- arguments --------------------------------------------------------------------------------------------------------


def test_the_head_is_left_out_pooled_or_of_other_classes(on_numpy):
    assert tiny().output_shape == (None, 5)
    assert tiny(include_top=False).output_shape == (None, 1, 1, 256)
    assert tiny(include_top=False, input_shape=None).input_shape == (None, None, None, 3)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype("float32")
    bare = tiny(include_top=False, input_shape=(64, 64, 3))
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        model = tiny(include_top=False, input_shape=(64, 64, 3), pooling=pooling)
        model.set_weights(bare.get_weights())
        np.testing.assert_allclose(model(x), reduce(bare(x), axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_logits_are_the_logarithms_of_the_classes_shares(on_numpy):
    model, logits = tiny(), tiny(classifier_activation=None)
    logits.set_weights(model.get_weights())
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    shares = np.exp(logits(x))
    np.testing.assert_allclose(model(x), shares / shares.sum(-1, keepdims=True), rtol=1e-5)


def test_names_of_models(on_numpy):
    assert [tiny().name, tiny(name="eyes").name, tiny(include_top=False, input_shape=None).name] == [
        "mobilenet_0.25_32", "eyes", "mobilenet_0.25_None",
    ]  # fmt: skip


def test_starts_from_a_tensor_of_another_graph(on_numpy):
    image = cornu.Input((40, 40, 3))
    model = tiny(input_tensor=layers.Rescaling(2.0)(image), input_shape=None)
    assert model.inputs[0] is image
    assert isinstance(model.layers[1], layers.Rescaling)
    plain = tiny(input_shape=(40, 40, 3))
    plain.set_weights(model.get_weights())
    x = np.random.default_rng(0).uniform(-1, 1, (1, 40, 40, 3)).astype("float32")
    np.testing.assert_allclose(model(x), plain(2 * x), rtol=1e-5, atol=1e-6)


OTHERS = ["EfficientNetV2B0", "ConvNeXtTiny"]


@pytest.mark.parametrize("name", ["MobileNetV3Small", *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)])
def test_channels_may_come_first(name, channels_first):
    pytest.importorskip("torch")  # without a compilation for each shape
    arguments = {"weights": None, "include_top": False, "include_preprocessing": True}
    with cornu.use_backend("torch"):
        first = getattr(applications, name)(input_shape=(3, 64, 64), **arguments)
        cornu.config.set_image_data_format("channels_last")
        last = getattr(applications, name)(input_shape=(64, 64, 3), **arguments)
        last.set_weights(first.get_weights())
        x = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
        expected = ops.convert_to_numpy(last(x))
        found = ops.convert_to_numpy(first(x.transpose(0, 3, 1, 2))).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_trains_with_a_new_head(rng):
    pytest.importorskip("torch")
    with cornu.use_backend("torch"):  # without a compilation
        base = tiny(include_top=False, pooling="avg")
        base.trainable = False
        model = cornu.Sequential([base, layers.Dense(2)])
        kept = [w.copy() for w in base.get_weights()]
        x, y = rng.uniform(-1, 1, (8, 32, 32, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
        model.compile(cornu.optimizers.SGD(0.01), "mse")
        model.fit(x, y, epochs=1, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(kept, base.get_weights(), strict=True))
        base.trainable = True
        model.compile(cornu.optimizers.SGD(0.01), "mse")
        model.fit(x, y, epochs=1, verbose=0)
        assert not any(np.array_equal(a, b) for a, b in zip(kept, base.get_weights(), strict=True) if a.ndim == 4)


def test_goes_to_a_file_and_comes_back(on_numpy, tmp_path, rng):
    x = rng.uniform(0, 255, (1, 32, 32, 3)).astype("float32")
    model = applications.MobileNetV3Small((32, 32, 3), weights=None, classes=3)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(cornu.saving.load_model(tmp_path / "m.keras")(x), model(x), rtol=1e-5)


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "mend"),
    [
        ({"weights": "imagnet"}, ArgumentError, "None, 'imagenet' or the path of a file"),
        ({"weights": "imagenet"}, ArgumentError, "include_top=False .* or weights=None"),
        ({"weights": "imagenet", "classes": 1000, "classifier_activation": "relu"}, ArgumentError, "'softmax', or None for logits"),
        ({"weights": "imagenet", "include_top": False, "alpha": 0.3}, ArgumentError, "alpha=0.25.*alpha=1.0.*got alpha=0.3"),
        ({"weights": "imagenet", "include_top": False, "depth_multiplier": 2}, ArgumentError, "depth_multiplier=1, got 2"),
        ({"weights": "imagenet", "include_top": False, "input_shape": (32, 32, 1)}, ShapeError, "3 channels, .* weights=None"),
        ({"pooling": "mean"}, ArgumentError, "None, 'avg' or 'max', got 'mean'"),
        ({"input_shape": (31, 40, 3)}, ShapeError, "at least 32, got the shape \\(31, 40, 3\\). Enlarge"),
        ({"input_shape": (32, 32)}, ShapeError, r"\(height, width, 3\), got \(32, 32\)"),
        ({"input_tensor": np.ones((1, 32, 32, 3))}, ArgumentError, "`Input\\(shape\\)`, got ndarray"),
    ],
    ids=lambda v: "-".join(v) if isinstance(v, dict) else None,
)
def test_what_cannot_be_is_refused(on_numpy, arguments, error, mend):
    with pytest.raises(error, match=mend):
        tiny(**arguments)


def test_a_classifier_of_one_size_says_so(on_numpy):
    with pytest.raises(ShapeError, match="224 by 224, got the shape \\(32, 32, 3\\)"):
        applications.VGG16(input_shape=(32, 32, 3))
    with pytest.raises(ShapeError, match="known height and width, got the shape \\(None, None, 3\\)"):
        applications.VGG16(input_shape=(None, None, 3), weights=None)
    with pytest.raises(ShapeError, match="NASNetMobile needs a known height and width"):
        applications.NASNetMobile(input_shape=(None, None, 3), weights=None, include_top=False)


# --- published weights ------------------------------------------------------------------------------------------------


def test_published_files_are_verified():
    files = [file for files in common.published_files().values() for file in files]
    assert all(file["url"].startswith("https://storage.googleapis.com/") for file in files)
    without = {title for title, listed in common.published_files().items() if any(file["digest"] is None for file in listed)}
    assert without == {"MobileNet", "MobileNetV2"}  # for these none was published
    assert common.published_file("MobileNetV3Small", True, {"alpha": 1.0, "minimalistic": True})[0].endswith(
        "minimalistic_224_1.0_float.h5"
    )


@pytest.mark.parametrize(("shape", "pixels"), [(None, 224), ((128, 128, 3), 128), ((128, 160, 3), 224), ((100, 100, 3), 224)])
def test_the_weights_of_the_nearest_use_are_taken(on_numpy, monkeypatch, tmp_path, shape, pixels):
    asked = []
    source = applications.MobileNet(shape, 0.25, weights=None)
    source.save_weights(tmp_path / "w.weights.h5")
    monkeypatch.setattr(common, "get_file", lambda **given: asked.append(given) or tmp_path / "w.weights.h5")
    model = applications.MobileNet(shape, 0.25)
    assert [given["origin"].rpartition("/")[2] for given in asked] == [f"mobilenet_2_5_{pixels}_tf.h5"]
    assert all(np.array_equal(a, b) for a, b in zip(source.get_weights(), model.get_weights(), strict=True))


def test_a_kept_file_is_taken_if_it_is_the_published_one(on_numpy, monkeypatch, tmp_path):
    """The file lies where a download would have put it; a digest that differs refuses it, and the network is not there."""
    monkeypatch.setenv("CORNU_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "tiny.weights.h5"
    source = applications.EfficientNetB0(weights=None, include_top=False, input_shape=(32, 32, 3))
    source.save_weights(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table = {"EfficientNetB0": [{"include_top": False, "url": "http://127.0.0.1:9/tiny.weights.h5", "digest": digest}]}
    monkeypatch.setattr(common, "published_files", lambda: table)
    model = applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))
    assert all(np.array_equal(a, b) for a, b in zip(source.get_weights(), model.get_weights(), strict=True))
    # with these weights the colours are divided by the root of their deviation once more: (pixels / 255 - mean) / sqrt(variance) / sqrt(d)
    again = next(layer for layer in model.layers[2:] if isinstance(layer, layers.Rescaling))
    np.testing.assert_allclose(np.square(again.scale), [1 / 0.229, 1 / 0.224, 1 / 0.225])
    table["EfficientNetB0"][0]["digest"] = "0" * 64
    with pytest.raises((CorruptFileError, OSError)):
        applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))
