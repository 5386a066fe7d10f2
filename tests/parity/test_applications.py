"""Every architecture against the real Keras: a weights file that Keras writes is ours to load, layer by layer, and the outputs agree."""

import importlib.util
import inspect
import operator
from collections import Counter

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.parity

import cornu  # noqa: E402
from cornu import applications, ops  # noqa: E402
from cornu.applications import architecture as common  # noqa: E402

QUICK = {"MobileNet": 32}
SLOW = {  # the smallest images that each takes
    **dict.fromkeys(
        [
            "VGG16",
            "VGG19",
            "ResNet50",
            "ResNet50V2",
            "ResNet101",
            "ResNet152",
            "ResNet101V2",
            "ResNet152V2",
            "DenseNet121",
            "DenseNet169",
            "DenseNet201",
        ],
        32,
    ),
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "Xception": 71,
    **dict.fromkeys(["MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "NASNetMobile", "NASNetLarge"], 32),
    **dict.fromkeys([f"EfficientNetB{i}" for i in range(8)], 32),
    **dict.fromkeys([f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")], 32),
    **dict.fromkeys([f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")], 32),
}
LONG = [pytest.mark.long, pytest.mark.timeout(1200)]
ALL = [*QUICK.items(), *(pytest.param(*item, marks=LONG) for item in SLOW.items())]
SIZES = {**QUICK, **SLOW}
VARIANTS = [
    ("MobileNet", {"alpha": 0.25, "depth_multiplier": 2}),
    ("MobileNetV2", {"alpha": 0.35}),
    ("MobileNetV2", {"alpha": 1.4}),
    ("MobileNetV3Small", {"minimalistic": True}),
    ("MobileNetV3Large", {"alpha": 0.75, "include_preprocessing": False}),
    ("EfficientNetV2B0", {"include_preprocessing": False}),
    ("ConvNeXtTiny", {"include_preprocessing": False}),
]


# With factors around 1 their many sums are chaotic: a change of the picture by a millionth changes the outputs by more than 1 %
CHAOTIC = {"EfficientNetB6", "EfficientNetB7", "EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"}


def stirred(model, rng, name):
    """Norms and biases, which all start alike, take values of their own, so that a weight that went elsewhere is seen."""
    for v in model.weights:
        if len(v.shape) == 1:
            highest = 1.1 if name in CHAOTIC and v.name == "gamma" else 1.5
            v.assign(rng.uniform(0.5, highest, v.shape).astype("float32"))
    return model


def both(keras, rng, tmp_path, name, **arguments):
    """Keras's model and ours with its weights, through a file; Keras reads it too, for the statistics that it keeps beside its weights."""
    path = str(tmp_path / "theirs.weights.h5")
    theirs = stirred(getattr(keras.applications, name)(weights=None, **arguments), rng, name)
    theirs.save_weights(path)
    theirs.load_weights(path)
    return theirs, getattr(applications, name)(weights=path, **arguments)


def agree(theirs, ours, x):
    expected, found = np.asarray(theirs(x)), ops.convert_to_numpy(ours(x))
    assert found.shape == expected.shape
    assert expected.std() > 1e-3 * np.abs(expected).max()  # that the weights matter
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.parametrize(("name", "side"), ALL)
def test_loads_keras_weights_and_gives_its_outputs(keras, rng, tmp_path, name, side):
    with cornu.use_backend("torch" if importlib.util.find_spec("torch") else "jax"):  # without a compilation for each shape
        theirs, ours = both(keras, rng, tmp_path, name, input_shape=(side, side, 3), classifier_activation=None)
        assert ours.count_params() == theirs.count_params()
        assert kinds(ours) == kinds(theirs)
        assert [tuple(v.shape) for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
        agree(theirs, ours, rng.uniform(0, 255, (2, side, side, 3)).astype("float32"))


@pytest.mark.parametrize(("name", "side"), [pytest.param(name, side, marks=LONG) for name, side in SIZES.items()])
def test_without_the_top_as_keras(keras, name, side):
    arguments = {"weights": None, "include_top": False, "input_shape": (side, side, 3), "pooling": "max"}
    theirs, ours = getattr(keras.applications, name)(**arguments), getattr(applications, name)(**arguments)
    assert ours.count_params() == theirs.count_params()
    assert kinds(ours) == kinds(theirs)
    assert ours.output_shape == theirs.output_shape


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "arguments"), VARIANTS, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_variants_load_keras_weights(keras, rng, tmp_path, name, arguments):
    side = 33 + 32 * name.startswith("ConvNeXt")  # an odd size, for the padding
    theirs, ours = both(keras, rng, tmp_path, name, input_shape=(side, side, 3), classes=7, classifier_activation=None, **arguments)
    assert Counter(kinds(ours)) == Counter(kinds(theirs))
    agree(theirs, ours, rng.uniform(-1, 1, (2, side, side, 3)).astype("float32"))


FAMILIES = sorted(set(applications._HOMES) - {"imagenet_utils"})


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_preprocesses_as_keras(keras, rng, family, data_format, dtype):
    x = rng.uniform(0, 255, (2, 5, 4, 3) if data_format == "channels_last" else (2, 3, 5, 4)).astype(dtype)
    kept = x.copy()
    found = getattr(applications, family).preprocess_input(x, data_format)
    np.testing.assert_array_equal(x, kept)
    expected = getattr(keras.applications, family).preprocess_input(x.copy(), data_format)
    assert (type(found), found.dtype) == (np.ndarray, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocesses_tensors_as_keras(keras, backend, rng, mode):
    for shape, data_format in (((2, 5, 4, 3), "channels_last"), ((3, 5, 4), "channels_first")):
        x = rng.uniform(0, 255, shape).astype("float32")
        found = applications.imagenet_utils.preprocess_input(ops.convert_to_tensor(x), data_format, mode)
        assert ops.is_tensor(found)
        expected = keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format, mode)
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-4)


def public(module):
    return {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}


def test_the_same_names_with_the_same_arguments(keras):
    theirs = public(keras.applications)
    assert set(theirs) <= set(dir(applications))
    functions = {name: thing for name, thing in theirs.items() if callable(thing)}
    for module in set(theirs) - set(functions):
        functions |= {f"{module}.{name}": thing for name, thing in public(theirs[module]).items() if callable(thing)}
    assert len(functions) > 100
    for path, theirs in functions.items():
        ours = operator.attrgetter(path)(applications)
        found, expected = ([(p.name, p.default, p.kind) for p in inspect.signature(f).parameters.values()] for f in (ours, theirs))
        assert found == expected, path


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings(
    "ignore:`input_shape` is undefined:UserWarning"
)  # 2026-11-21, keras 3.15.1: that it takes weights for 224 pixels
@pytest.mark.parametrize(("name", "side"), [("EfficientNetB0", 33), ("MobileNetV2", 96), ("MobileNetV3Small", 32)])
def test_published_weights_are_sought_and_used_as_keras_does(keras, rng, tmp_path, monkeypatch, name, side):
    """Both are given one file in place of the download; the addresses that they ask for are the same."""
    arguments = {"include_top": False, "input_shape": (side, side, 3)}
    theirs = stirred(getattr(keras.applications, name)(weights=None, **arguments), rng, name)
    path, asked = str(tmp_path / "published.weights.h5"), {"ours": [], "theirs": []}
    theirs.save_weights(path)

    def fetch(whose):
        def get_file(fname=None, origin=None, **given):
            asked[whose].append((origin, given.get("file_hash")))
            return path

        return get_file

    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", fetch("theirs"))
    monkeypatch.setattr(common, "get_file", fetch("ours"))
    x = rng.uniform(0, 255, (2, side, side, 3)).astype("float32")
    with cornu.use_backend("torch" if importlib.util.find_spec("torch") else "jax"):
        agree(getattr(keras.applications, name)(**arguments), getattr(applications, name)(**arguments), x)
    assert asked["ours"] == asked["theirs"]
    assert len(asked["ours"]) == 1


OLDER = [
    ("MobileNet", {"alpha": 0.25}),
    *((pytest.param(name, {}, marks=LONG)) for name in ("ConvNeXtTiny", "EfficientNetB0", "InceptionV3")),
]


@pytest.mark.parametrize(("name", "arguments"), OLDER)
def test_weights_alone_in_older_h5_files_as_they_were_published(keras, rng, tmp_path, name, arguments):
    """Such a file is the part of Keras's older model files that holds the weights; Keras reads it too."""
    arguments = {"input_shape": (SIZES[name], SIZES[name], 3), "include_top": False, **arguments}
    theirs = stirred(getattr(keras.applications, name)(weights=None, **arguments), rng, name)
    theirs.save(tmp_path / "model.h5", include_optimizer=False)
    with h5py.File(tmp_path / "model.h5") as whole, h5py.File(tmp_path / "published.h5", "w") as part:
        part.attrs.update(whole["model_weights"].attrs)
        for group in whole["model_weights"]:
            whole.copy(whole["model_weights"][group], part, group)
    theirs.load_weights(tmp_path / "published.h5")
    with cornu.use_backend("numpy"):
        ours = getattr(applications, name)(weights=tmp_path / "published.h5", **arguments)
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
