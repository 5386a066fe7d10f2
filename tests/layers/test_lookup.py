"""Lookups: places in a vocabulary, worked by hand."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, DataError, DTypeError, NotBuiltError
from cornu.layers import IntegerLookup, StringLookup

WORDS = ["a", "b", "c"]
GRID = np.array([["a", "z"], ["c", "b"]])


def values(x):
    return ops.convert_to_numpy(x).tolist()


def test_places_of_texts(backend):
    assert values(StringLookup(vocabulary=WORDS)(GRID)) == [[1, 0], [3, 2]]
    assert values(StringLookup(vocabulary=WORDS)(["a", b"b", "q"])) == [1, 2, 0]
    assert values(StringLookup(vocabulary=WORDS)("a")) == 1
    assert values(StringLookup(vocabulary=WORDS, mask_token="")(["a", "", "z"])) == [2, 0, 1]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("multi_hot", [[1, 1, 0, 0], [0, 0, 1, 1]]),
        ("count", [[1, 1, 0, 0], [0, 0, 1, 1]]),
        ("one_hot", [[[0, 1, 0, 0], [1, 0, 0, 0]], [[0, 0, 0, 1], [0, 0, 1, 0]]]),
    ],
)
def test_vectors(backend, mode, expected):
    assert values(StringLookup(vocabulary=WORDS, output_mode=mode)(GRID)) == expected
    padded = StringLookup(vocabulary=WORDS, output_mode=mode, max_tokens=6, pad_to_max_tokens=True)
    assert padded(GRID).shape[-1] == 6
    assert padded.vocabulary_size() == 4


def test_weights_of_tokens(backend):
    layer = StringLookup(vocabulary=WORDS, idf_weights=[0.25, 0.5, 1.5], output_mode="tf_idf", max_tokens=5, pad_to_max_tokens=True)
    assert values(layer(GRID)) == [[0.75, 0.25, 0, 0, 0], [0, 0, 0.5, 1.5, 0]]  # 0.75 is the mean
    assert StringLookup.from_config(layer.get_config()).get_config() == layer.get_config()


def test_weights_from_data():
    layer = StringLookup(output_mode="tf_idf")
    layer.adapt(np.array([["a", "b"], ["b", "b"], ["c", "d"]]))
    assert layer.get_vocabulary() == ["[UNK]", "b", "d", "c", "a"]
    idf = [np.log(1 + 3 / 3), *[np.log(1 + 3 / 2)] * 3]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer([["b", "b"], ["q", "a"]])), [[0, 2 * idf[0], 0, 0, 0], [np.mean(idf), 0, 0, 0, idf[3]]], rtol=1e-6
    )


def test_strangers_spread_by_hash():
    # FarmHash's bins of "z", "y", "x", "w" for two
    assert values(StringLookup(vocabulary=WORDS, num_oov_indices=2)(["a", "z", "y", "x", "w", "hello"])) == [2, 1, 1, 0, 1, 0]
    assert values(StringLookup(vocabulary=WORDS, num_oov_indices=5, salt=7)(["a", "z", "y", "x", "w", "hello"])) == [5, 2, 2, 4, 3, 3]
    assert values(IntegerLookup(vocabulary=[12, 36, 1138], num_oov_indices=5, oov_method="farmhash")([[12, 1138, 7, 8, -3]])) == [
        [5, 7, 3, 2, 4]
    ]
    assert values(IntegerLookup(vocabulary=[12, 36, 1138], num_oov_indices=2)([[12, 1138, 7, 8, -3]])) == [[2, 4, 1, 0, 1]]


def test_places_of_integers_on_the_host_and_in_a_compiled_model(backend):
    layer = IntegerLookup(vocabulary=[12, 36, 1138], num_oov_indices=2, mask_token=0, output_mode="int")
    x = np.array([[12, 1138, 7], [8, -3, 0]], "int32")
    expected = [[3, 5, 2], [1, 2, 0]]
    assert values(layer(x)) == values(layer(ops.convert_to_tensor(x))) == expected
    model = cornu.Sequential([cornu.Input((3,), dtype="int32"), layer])
    assert model.predict(x, verbose=0).tolist() == expected
    counting = cornu.Sequential([cornu.Input((3,), dtype="int32"), IntegerLookup(vocabulary=[12, 36], output_mode="count")])
    assert counting.predict(np.array([[36, 36, 5]], "int32"), verbose=0).tolist() == [[1, 0, 2]]


def test_back_from_places(backend):
    texts = StringLookup(vocabulary=WORDS, invert=True)
    assert texts([[0, 1, 3, 7]]).tolist() == [["[UNK]", "a", "c", "[UNK]"]]
    assert values(IntegerLookup(vocabulary=[12, 36], invert=True)([[1, 2, 0, 9]])) == [[12, 36, -1, -1]]


def test_vocabulary(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n")
    assert StringLookup(vocabulary=str(path)).get_vocabulary() == ["[UNK]", "a", "b"]
    layer = StringLookup(vocabulary=np.array(["", "[UNK]", "a"]), mask_token="")
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["a"]
    assert StringLookup(vocabulary=WORDS, mask_token="", output_mode="count").get_vocabulary() == ["[UNK]", *WORDS]
    assert values(StringLookup(vocabulary=WORDS, mask_token="", output_mode="count")(["a", "", "z"])) == [1, 1, 0, 0]
    layer.set_vocabulary(["x", "y"])
    assert values(layer(["y"])) == [3]


def test_adapting(tmp_path):
    layer = StringLookup(max_tokens=3)
    layer.adapt([["b", "c"], ["b", "a"]])
    assert layer.get_vocabulary() == ["[UNK]", "b", "c"]
    layer.adapt(iter([["b"], np.array([b"a", b"a"])]))
    assert layer.get_vocabulary() == ["[UNK]", "a", "b"]
    other = StringLookup()
    other.update_state(["z"] * 3)
    layer.merge_state([other])
    assert layer.get_vocabulary() == ["[UNK]", "z", "a"]
    integers = IntegerLookup()
    integers.adapt([1, 2, 2, 5])
    assert integers.get_vocabulary() == [-1, 2, 5, 1]
    integers.save_assets(tmp_path)
    again = IntegerLookup.from_config(integers.get_config())
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == [-1, 2, 5, 1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: StringLookup(vocabulary=["a", "a"]), "once"),
        (lambda: StringLookup(vocabulary=[]), "at least one"),
        (lambda: StringLookup(vocabulary=WORDS, max_tokens=3), "max_tokens=3"),
        (lambda: StringLookup(vocabulary=["", "a"], mask_token=""), "mask token"),
        (lambda: StringLookup(vocabulary=WORDS, output_mode="tf_idf"), "idf_weights"),
        (lambda: StringLookup(max_tokens=1), "above 1"),
        (lambda: StringLookup(num_oov_indices=-1), "at least 0"),
        (lambda: StringLookup(invert=True, output_mode="count"), "invert"),
        (lambda: StringLookup(sparse=True), "dense"),
        (lambda: IntegerLookup(salt=3), "farmhash"),
        (lambda: StringLookup(vocabulary=WORDS).adapt(["a"]), "cannot adapt"),
    ],
)
def test_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_inputs_that_have_no_place():
    with pytest.raises(NotBuiltError, match="adapt"):
        StringLookup()(["a"])
    with pytest.raises(DataError, match="num_oov_indices=0"):
        StringLookup(vocabulary=WORDS, num_oov_indices=0)(["z"])
    with pytest.raises(DataError, match="IntegerLookup"):
        StringLookup(vocabulary=WORDS)([1])


@pytest.mark.parametrize("x", [np.array([["a"], ["b"]]), np.array([["a"], ["b"]], object), np.array([[b"a"]])])
def test_a_model_called_on_texts_says_where_these_go(backend, x):
    model = cornu.Sequential([cornu.Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a", "b"])])
    plain = cornu.Sequential([cornu.Input((1,)), layers.Dense(2)])
    if backend in ("numpy", "tensorflow"):
        assert ops.convert_to_numpy(model(x)).tolist() == [[1], [2]][: len(x)]
        with pytest.raises(DTypeError, match="StringLookup"):
            plain(x)
        return
    for call in (model, plain, layers.Dense(2), ops.convert_to_tensor):
        with pytest.raises(
            DTypeError, match=r"holds numbers alone, got texts .*shape \(.*StringLookup on them before the model, or in the data"
        ):
            call(x)


@pytest.mark.parametrize("kind", ["texts", "integers", "words"])
def test_a_model_with_what_was_found_in_data_comes_back_from_a_file(tmp_path, backend, kind):
    layer, data, x = {
        "texts": (layers.StringLookup(output_mode="one_hot"), np.array(["a", "b", "c"]), None),
        "integers": (layers.IntegerLookup(output_mode="one_hot"), np.array([1, 2, 3]), np.array([[1], [9]])),
        "words": (layers.TextVectorization(output_mode="multi_hot"), np.array(["a b", "b c"]), None),
    }[kind]
    layer.adapt(data)
    places = cornu.Input((1,), dtype="int64" if kind == "integers" else "string")
    model = cornu.Model(places, layers.Dense(2)(layer(places)))
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    assert again.layers[1].output.shape == model.layers[1].output.shape == (None, 4)
    assert again.layers[1].get_vocabulary() == layer.get_vocabulary()
    if x is not None:
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
