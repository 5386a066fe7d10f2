"""Feature spaces: columns prepared, crossed, encoded; numbers worked by hand."""

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import ArgumentError, DataError, NotBuiltError, UnknownNameError
from cornu.layers import Discretization, HashedCrossing, Hashing, IntegerLookup, Rescaling, TextVectorization
from cornu.utils import FeatureSpace, PyDataset

DATA = {"size": [1.0, 3.0, 5.0, 7.0], "kind": ["cat", "dog", "dog", "eel"], "year": [3, 3, 4, 5]}
KINDS = {"size": "float_normalized", "kind": "string_categorical", "year": "integer_categorical"}
ENCODED = np.array([  # kind: [UNK] dog eel cat; size; year: -1 3 5 4
    [0, 0, 0, 1, -1.3416407, 0, 1, 0, 0],
    [0, 1, 0, 0, -0.4472136, 0, 1, 0, 0],
    [0, 1, 0, 0, 0.4472136, 0, 0, 0, 1],
    [0, 0, 1, 0, 1.3416407, 0, 0, 1, 0],
])  # fmt: skip


def values(x):
    return ops.convert_to_numpy(x)


def adapted(data=DATA, features=KINDS, **arguments):
    space = FeatureSpace(features, **arguments)
    space.adapt(data)
    return space


def test_columns_become_one_vector(backend):
    space = adapted()
    np.testing.assert_allclose(values(space(DATA)), ENCODED, rtol=1e-6)
    np.testing.assert_allclose(values(space({k: np.array(v)[:, None] for k, v in DATA.items()})), ENCODED, rtol=1e-6)
    np.testing.assert_allclose(values(space({k: v[2] for k, v in DATA.items()})), ENCODED[2], rtol=1e-6)
    tensors = {k: ops.convert_to_tensor(v) if k != "kind" else np.array(v) for k, v in DATA.items()}
    np.testing.assert_allclose(values(space(tensors)), ENCODED, rtol=1e-6)


class Rows(PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {k: np.array(v)[2 * index : 2 * index + 2] for k, v in DATA.items()}


@pytest.mark.parametrize(
    "source",
    [
        Rows,
        lambda: ({k: v[i] for k, v in DATA.items()} for i in range(4)),
        lambda: [({k: np.array(v)[i : i + 2, None] for k, v in DATA.items()},) for i in (0, 2)],
        lambda: pytest.importorskip("pandas").DataFrame(DATA),
        lambda: pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(DATA),
        lambda: pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(DATA).batch(3),
    ],
    ids=["PyDataset", "single rows", "batches", "frame", "tf.data", "tf.data batches"],
)
def test_rules_are_found_in_any_source(source):
    with cornu.use_backend("numpy"):
        np.testing.assert_allclose(values(adapted(source())(DATA)), ENCODED, rtol=1e-6)


def test_frames_are_dicts_of_columns():
    pandas = pytest.importorskip("pandas")
    np.testing.assert_allclose(values(adapted()(pandas.DataFrame(DATA))), ENCODED, rtol=1e-6)


@pytest.mark.parametrize("mode", ["concat", "dict"])
def test_within_a_pipeline_of_tensorflow(backend, mode):
    tf = pytest.importorskip("tensorflow")
    space = adapted(output_mode=mode, crosses=[("kind", "year")], crossing_dim=4)
    whole = space(DATA) if mode == "dict" else {"": space(DATA)}
    rows = tf.data.Dataset.from_tensor_slices((DATA, [0, 1, 2, 3]))
    for data, at in ((rows.batch(4), slice(None)), (rows, 0)):
        mapped = data.map(lambda x, y: (space(x), y))
        first, _ = next(mapped.as_numpy_iterator())
        first = first if mode == "dict" else {"": first}
        spec = mapped.element_spec[0] if mode == "dict" else {"": mapped.element_spec[0]}
        assert list(first) == list(whole)
        for name, found in first.items():
            np.testing.assert_allclose(found, values(whole[name])[at], rtol=1e-6)
            assert spec[name].shape.is_compatible_with(found.shape)
            assert spec[name].shape.rank == found.ndim


def test_each_kind(backend):
    make = {
        "a": FeatureSpace.float(),
        "b": FeatureSpace.float_rescaled(scale=2.0, offset=1.0),
        "c": FeatureSpace.float_discretized(None, bin_boundaries=[1.0, 2.0]),
        "d": FeatureSpace.integer_hashed(3, output_mode="int"),
        "e": FeatureSpace.string_hashed(4),
        "f": FeatureSpace.integer_categorical(max_tokens=3, num_oov_indices=2, output_mode="int"),
        "g": FeatureSpace.feature("string", TextVectorization(output_mode="count"), "float"),
    }
    x = {"a": [0.5, 2.5], "b": [1, 2], "c": [1.5, 9.0], "d": [7, 8], "e": ["A", "B"], "f": [5, 6], "g": ["x y x", "y"]}
    space = adapted({"f": [5, 5, 6], "g": ["x y", "y"]}, make, output_mode="dict")
    found = {k: values(v) for k, v in space(x).items()}
    assert found["a"].tolist() == [[0.5], [2.5]]
    assert found["b"].tolist() == [[3.0], [5.0]]
    assert found["c"].tolist() == [[0, 1, 0], [0, 0, 1]]
    assert found["d"].tolist() == values(Hashing(3)([[7], [8]])).tolist()
    assert found["e"].argmax(-1).tolist() == values(Hashing(4)(["A", "B"])).tolist()
    assert found["f"].tolist() == [[2], [0]]  # one place for the most frequent; 6 mod 2
    assert found["g"].tolist() == [[0, 1, 2], [0, 1, 0]]


def test_crosses_are_of_what_the_layers_give(backend):
    space = adapted(features={"kind": "string_categorical", "year": "integer_categorical"}, data=DATA, output_mode="dict",
                    crosses=[FeatureSpace.cross(("year", "kind"), 6, output_mode="int"), ("kind", "year")], crossing_dim=5)  # fmt: skip
    found = space({k: DATA[k] for k in ("kind", "year")})
    assert list(found) == ["kind", "year", "kind_X_year", "year_X_kind"]
    kind, year = np.array([3, 1, 1, 2]), np.array([1, 1, 3, 2])
    assert values(found["year_X_kind"]).ravel().tolist() == values(HashedCrossing(6)((year, kind))).tolist()
    assert values(found["kind_X_year"]).argmax(-1).tolist() == values(HashedCrossing(5)((kind, year))).tolist()


def test_several_values_in_a_row(backend):
    space = adapted({"n": [[7, 8], [8, 9]], "x": np.arange(6.0).reshape(2, 3)}, {"n": "integer_categorical", "x": "float_normalized"})
    found = values(space({"n": [[8, 8], [9, 7]], "x": np.arange(6.0).reshape(2, 3)}))
    assert found.tolist() == [[0, 1, 0, 0, -1, -1, -1], [0, 0, 1, 1, 1, 1, 1]]


def test_bins_keep_their_number_where_values_repeat():
    space = adapted({"x": [7.0, 7.0, 7.0, 8.0]}, {"x": FeatureSpace.float_discretized(5)})
    assert space({"x": [7.0]}).shape == (1, 5)


def test_numbers_in_a_model_of_raw_features(trainable_backend):
    names = ("size", "year")
    space = adapted({k: DATA[k] for k in names}, {k: KINDS[k] for k in names})
    model = cornu.Model(space.get_inputs(), cornu.layers.Dense(1, kernel_initializer="ones")(space.get_encoded_features()))
    x = {k: np.array(DATA[k])[:, None] for k in names}
    np.testing.assert_allclose(model.predict(x, verbose=0)[:, 0], ENCODED[:, 4:].sum(-1), rtol=1e-6, atol=1e-6)


def test_texts_in_a_model_of_raw_features(tmp_path):
    with cornu.use_backend("numpy"):
        space = adapted(crosses=[("kind", "year")], crossing_dim=4)
        model = cornu.Model(space.get_inputs(), space.get_encoded_features())
        x = {k: np.array(v)[:, None] for k, v in DATA.items()}
        np.testing.assert_allclose(model.predict(x, verbose=0), space(DATA), rtol=1e-6)
        model.save(tmp_path / "model.keras")
        np.testing.assert_allclose(cornu.models.load_model(tmp_path / "model.keras").predict(x, verbose=0), space(DATA), rtol=1e-6)


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_texts_in_a_compiled_model_say_where_they_belong(name):
    with cornu.use_backend(name):
        space = adapted()
        model = cornu.Model(space.get_inputs(), space.get_encoded_features())
        with pytest.raises(DataError, match=r"(?s)'kind'.*dataset\.map"):
            model.predict({k: np.array(v)[:, None] for k, v in DATA.items()}, verbose=0)


def test_files(tmp_path, backend):
    own = FeatureSpace.feature("float32", Rescaling(2.0), "float")
    features = {**KINDS, "own": own, "bins": FeatureSpace.float_discretized(2)}
    data = {**DATA, "own": [1.0, 2.0, 3.0, 4.0], "bins": [1.0, 2.0, 3.0, 4.0]}
    space = adapted(data, features, crosses=[("kind", "year")], name="columns")
    space.save(tmp_path / "space.keras")
    again = cornu.models.load_model(tmp_path / "space.keras")
    assert np.array_equal(values(again(data)), values(space(data)))
    assert again.get_config() == space.get_config()
    assert again.name == "columns"
    fresh = FeatureSpace.from_config(FeatureSpace(KINDS).get_config())
    with pytest.raises(NotBuiltError, match="adapt"):
        fresh(DATA)


def test_a_layer_that_has_its_vocabulary_needs_no_data():
    given = FeatureSpace({"n": FeatureSpace.feature("int32", IntegerLookup(vocabulary=[4, 5]), "one_hot"), "x": "float_normalized"})
    with pytest.raises(NotBuiltError, match=r"\['x'\]"):
        given({"n": [4], "x": [1.0]})
    given.adapt({"n": [9, 9], "x": [1.0, 3.0]})
    assert values(given({"n": [5], "x": [3.0]})).tolist() == [[0, 0, 1, 1]]
    bins = FeatureSpace.feature("float32", Discretization([1.0]), "one_hot")
    assert values(FeatureSpace({"x": bins})({"x": [0.0, 1.0]})).tolist() == [[1, 0], [0, 1]]


class Largest(cornu.layers.Layer):
    """Divides by the largest number that it has seen."""

    largest = None

    def adapt(self, data):
        self.largest = float(np.max(data))

    @property
    def needs_adapting(self):
        return self.largest is None

    def call(self, inputs):
        return inputs / self.largest


def test_a_layer_of_ones_own_may_learn_too():
    space = FeatureSpace({"x": FeatureSpace.feature("float32", Largest(), "float")})
    with pytest.raises(NotBuiltError, match="adapt"):
        space({"x": [1.0]})
    space.adapt({"x": np.array([v])} for v in (2.0, 8.0, 4.0))
    assert values(space({"x": [2.0, 8.0]})).tolist() == [[0.25], [1.0]]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: FeatureSpace({}), ArgumentError, "at least|one at least"),
        (lambda: FeatureSpace({"a": "flaot"}), UnknownNameError, "float"),
        (lambda: FeatureSpace({"a": 3}), ArgumentError, "'a'"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="x"), ArgumentError, "concat"),
        (lambda: FeatureSpace({"a": "integer_hashed"}, crosses=[("a", "b")]), ArgumentError, r"\['b'\]"),
        (lambda: FeatureSpace({"a": "integer_hashed", "b": "float"}, crosses=[("a", "b")]), ArgumentError, "float_discretized"),
        (lambda: FeatureSpace({"a": "integer_hashed"}, crosses=[("a",)]), ArgumentError, "two"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, output_mode="count"), ArgumentError, "one_hot"),
        (lambda: FeatureSpace.feature("int32", Hashing(3), "count"), ArgumentError, "one_hot"),
        (lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]}), ArgumentError, "output_mode='dict'"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), DataError, "dict"),
        (lambda: FeatureSpace({"size": "float"})({"sise": [1.0]}), DataError, "Did you mean 'size'"),
        (lambda: FeatureSpace({"a": "float"})({"a": ["x"]}), DataError, "texts"),
        (lambda: FeatureSpace(KINDS).adapt([(DATA, [0, 1, 2, 3])]), DataError, "targets"),
    ],
)  # fmt: skip
def test_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
