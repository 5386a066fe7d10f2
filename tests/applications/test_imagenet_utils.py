"""Pixels on the scales of the published models, and the names of their classes."""

import json

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.applications import imagenet_utils
from cornu.applications.imagenet_utils import decode_predictions, preprocess_input
from cornu.errors import ArgumentError, ShapeError

RED = np.array([[[200.0, 100.0, 50.0]]])
EXPECTED = {
    "caffe": [50 - 103.939, 100 - 116.779, 200 - 123.68],
    "tf": [200 / 127.5 - 1, 100 / 127.5 - 1, 50 / 127.5 - 1],
    "torch": [(200 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (50 / 255 - 0.406) / 0.225],
}


@pytest.mark.parametrize("mode", EXPECTED)
def test_each_mode_by_its_formula(mode):
    np.testing.assert_allclose(preprocess_input(RED, mode=mode)[0, 0], EXPECTED[mode], rtol=1e-12)
    np.testing.assert_allclose(preprocess_input(RED.transpose(2, 0, 1), "channels_first", mode)[:, 0, 0], EXPECTED[mode], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_floats_keep_their_dtype_and_the_callers_array_its_values(backend, dtype):
    x = ops.cast(ops.convert_to_tensor(RED.astype("float32")), dtype)
    before = ops.convert_to_numpy(ops.cast(x, "float32")).copy()
    found = preprocess_input(x)
    assert cornu.dtypes.standardize(found.dtype) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(x, "float32")), before)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(found, "float32"))[0, 0], EXPECTED["caffe"], rtol=2e-2)


@pytest.mark.parametrize("mode", EXPECTED)
def test_within_a_model(backend, mode):
    image = cornu.Input((1, 1, 3))
    model = cornu.Model(image, preprocess_input(image, mode=mode))
    np.testing.assert_allclose(ops.convert_to_numpy(model(RED[None].astype("float32")))[0, 0, 0], EXPECTED[mode], rtol=1e-5)


def test_lists_become_tensors():
    assert ops.is_tensor(preprocess_input(RED.tolist(), mode="tf"))


def test_what_is_no_image_is_refused():
    with pytest.raises(ArgumentError, match="'caffe', 'tf' or 'torch', got 'keras'"):
        preprocess_input(RED, mode="keras")
    with pytest.raises(ArgumentError, match="data_format must be"):
        preprocess_input(RED, "first")
    with pytest.raises(ShapeError, match=r"got the shape \(3, 3\)"):
        preprocess_input(np.ones((3, 3)))
    with pytest.raises(ShapeError, match=r"got the shape \(3, 4, 4\)"):
        preprocess_input(np.ones((3, 4, 4)))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The file of names as it is published, with names of our own, in place of the download."""
    path = tmp_path / "imagenet_class_index.json"
    path.write_text(json.dumps({str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}))
    asked = []
    monkeypatch.setattr(imagenet_utils, "get_file", lambda **given: asked.append(given) or str(path))
    imagenet_utils.class_names.cache_clear()
    yield asked
    imagenet_utils.class_names.cache_clear()


def test_the_likeliest_classes_by_name(index, backend):
    scores = np.zeros((2, 1000), "float32")
    scores[0, [7, 3, 9]] = [0.25, 0.5, 0.125]
    scores[1, 999] = 1
    found = decode_predictions(ops.convert_to_tensor(scores), top=3)
    assert found[0] == [("n00000003", "thing_3", 0.5), ("n00000007", "thing_7", 0.25), ("n00000009", "thing_9", 0.125)]
    assert found[1][0] == ("n00000999", "thing_999", 1.0)
    assert [len(row) for row in decode_predictions(scores)] == [5, 5]
    assert [given["file_hash"] for given in index] == ["c2c37ea517e94d9795004a39431a14cb"]  # fetched once


def test_predictions_of_other_classes_have_no_names(index):
    for shape in ((1000,), (2, 10), (1, 1, 1000)):
        with pytest.raises(ShapeError, match="must be \\(batch, 1000\\)"):
            decode_predictions(np.ones(shape))
    assert index == []
