"""Encodings, bins, and the hashes that bins are drawn by; numbers worked by hand, or published."""

import json

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import ArgumentError, DataError, NotBuiltError
from cornu.layers import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    StringLookup,
    TextVectorization,
)
from cornu.layers.fingerprints import fingerprints, keyed_hashes


def values(x):
    return ops.convert_to_numpy(x).tolist()


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("multi_hot", [[0, 1], [3, 3]], [[1, 1, 0, 0], [0, 0, 0, 1]]),
        ("count", [[0, 1], [3, 3]], [[1, 1, 0, 0], [0, 0, 0, 2]]),
        ("one_hot", [[3], [0]], [[0, 0, 0, 1], [1, 0, 0, 0]]),
        ("one_hot", [[3, 0]], [[[0, 0, 0, 1], [1, 0, 0, 0]]]),
        ("multi_hot", [3, 0], [1, 0, 0, 1]),
        ("multi_hot", 2, [0, 0, 1, 0]),
        ("one_hot", 2, [[0, 0, 1, 0]]),
    ],
)
def test_encoding(backend, mode, given, expected):
    assert values(CategoryEncoding(4, output_mode=mode)(given)) == expected
    assert values(CategoryEncoding(4, output_mode=mode)(ops.convert_to_tensor(given))) == expected


def test_counts_may_be_weighted(backend):
    found = CategoryEncoding(3, output_mode="count")([[0, 1], [2, 2]], count_weights=np.array([[0.5, 2.0], [1.0, 0.25]]))
    assert values(found) == [[0.5, 2.0, 0.0], [0.0, 0.0, 1.25]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "number of categories"), ({"num_tokens": 3, "output_mode": "int"}, "output_mode"), ({"num_tokens": 3, "sparse": True}, "dense")],
)
def test_encoding_refuses(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        CategoryEncoding(**arguments)


def test_categories_out_of_range_are_named():
    with pytest.raises(DataError, match=r"\[0, 4\), got 7"):
        CategoryEncoding(4)(np.array([[0, 7]]))
    with pytest.raises(ArgumentError, match="count_weights"):
        CategoryEncoding(4)([[0]], count_weights=[[1.0]])


@pytest.mark.parametrize("layer", [CategoryEncoding(4, output_mode="count"), Discretization([0.5, 2.0], output_mode="multi_hot")])
def test_encodings_within_a_compiled_model(backend, layer):
    copy = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    model = cornu.Sequential([cornu.Input((2,)), copy])
    x = np.array([[0.0, 1.0], [2.0, 2.0]], "float32")
    assert model.predict(x, verbose=0).tolist() == values(layer(x))
    assert model.output_shape == (None, layer.depth)


def test_bins(backend):
    assert values(Discretization([0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5], [0.0, np.nan, 1.3, 2.0]])) == [[0, 2, 3, 1], [1, 3, 2, 3]]
    assert values(Discretization([0.0], output_mode="one_hot")(ops.convert_to_tensor([[-1.0], [1.0]]))) == [[1, 0], [0, 1]]


def test_bins_from_data_hold_equally_many(rng):
    data = rng.standard_normal(20_000)
    layer = Discretization(num_bins=5, epsilon=0.01)
    layer.adapt(data)
    shares = np.bincount(np.digitize(data, layer.bin_boundaries), minlength=5) / len(data)
    np.testing.assert_allclose(shares, 0.2, atol=0.02)
    parts = [Discretization(num_bins=5, epsilon=0.01) for _ in range(2)]
    for part, half in zip(parts, np.split(data, 2), strict=True):
        for batch in np.split(half, 10):
            part.update_state(batch)
    parts[0].merge_state(parts[1:])
    shares = np.bincount(np.digitize(data, parts[0].bin_boundaries), minlength=5) / len(data)
    np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_adapting_from_batches_is_exact_while_few():
    layer = Discretization(num_bins=4)
    layer.adapt(np.arange(k, 100.0, 4) for k in range(4))
    assert layer.bin_boundaries == [24.0, 49.0, 74.0]
    assert Discretization.from_config(layer.get_config()).bin_boundaries == [24.0, 49.0, 74.0]
    layer.adapt((np.arange(5.0) for _ in range(9)), steps=1)
    assert layer.bin_boundaries == [0.25, 1.5, 2.75]  # the ranks are 0.2, 0.4, …, 1


@pytest.mark.parametrize(
    ("arguments", "words"), [({}, "num_bins"), ({"bin_boundaries": [2, 1]}, "rise"), ({"num_bins": 2, "epsilon": 0}, "epsilon")]
)
def test_bins_refuse(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        Discretization(**arguments)


def test_bins_without_boundaries_say_what_to_do():
    with pytest.raises(NotBuiltError, match="adapt"):
        Discretization(num_bins=3)([1.0])
    with pytest.raises(ArgumentError, match="cannot adapt"):
        Discretization([1.0]).adapt([1.0])
    with pytest.raises(DataError, match="targets"):
        Discretization(num_bins=2).adapt([(np.zeros(2), np.zeros(2))])


def test_siphash_as_its_paper_has_it():
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    # the first and last of the reference implementation's 64 vectors, and that of the paper's appendix
    texts = [b"", bytes(range(15)), bytes(range(63))]
    assert keyed_hashes(texts, key).tolist() == [0x726FDB47DD0E0E31, 0xA129CA6149BE45E5, 0x958A324CEB064572]


def test_hashes_do_not_depend_on_company():
    texts = [b"a" * n for n in (0, 3, 7, 8, 16, 17, 32, 33, 64, 65, 129)]
    assert fingerprints(texts + texts).tolist() == [int(fingerprints([t])[0]) for t in texts] * 2
    assert len(set(fingerprints(texts).tolist())) == len(texts)


def learned(layer):
    """What a layer has found in data."""
    if isinstance(layer, Normalization):
        return np.concatenate([values(layer.mean), values(layer.variance)]).tolist()
    return layer.bin_boundaries if isinstance(layer, Discretization) else layer.get_vocabulary()


LEARNERS = {
    "Normalization": (Normalization, np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0], [8.0, 7.0], [2.0, 2.0]])),
    "Discretization": (lambda: Discretization(num_bins=3), np.array([[5.0], [1.0], [2.0], [9.0], [4.0]])),
    "StringLookup": (StringLookup, np.array(["b", "a", "b", "c", "a"])),
    "IntegerLookup": (IntegerLookup, np.array([7, 5, 5, 3, 7])),
    "TextVectorization": (TextVectorization, np.array(["b a", "a", "c c c", "b", "a d"])),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_layers_that_learn_do_so_whole_in_batches_and_in_parts(backend, name):
    make, data = LEARNERS[name]
    whole = make()
    whole.adapt(data)
    streamed = make()
    streamed.adapt(data[i : i + 2] for i in range(0, 5, 2))
    first, second, third = make(), make(), make()
    first.update_state(data[:1])
    first.update_state(data[1:3])
    second.update_state(data[3:])
    third.merge_state([first, second])
    for other in (streamed, third):
        np.testing.assert_allclose(learned(other), learned(whole), rtol=1e-6) if name in ("Normalization", "Discretization") else None
        assert name in ("Normalization", "Discretization") or learned(other) == learned(whole)
    whole.adapt(data[:2])
    again = make()
    again.update_state(data[:2])
    again.finalize_state()
    assert learned(again) == learned(whole)  # what was found before is forgotten


def test_moments_are_those_of_numpy(backend, rng):
    data = rng.standard_normal((50, 3)) * [1.0, 10.0, 0.1] + [0.0, 1000.0, -5.0]
    parts = [Normalization(), Normalization()]
    parts[0].adapt(data[:7])
    parts[1].adapt(data[i : i + 10] for i in range(7, 50, 10))
    parts[0].merge_state(parts[1:])
    np.testing.assert_allclose(values(parts[0].mean)[0], data.mean(0), rtol=1e-6)
    np.testing.assert_allclose(values(parts[0].variance)[0], data.var(0), rtol=1e-5)


def test_models_of_ones_own_may_take_texts_through_hashes():
    class Hashed(cornu.Model):
        def __init__(self):
            super().__init__()
            self.hashing, self.crossing = Hashing(5), HashedCrossing(5)

        def call(self, inputs):
            return ops.cast(self.hashing(inputs), "float32")

    with cornu.use_backend("numpy"):
        assert Hashed().predict(np.array([["a"], ["b"]]), verbose=0).tolist() == values(Hashing(5)([["a"], ["b"]]))
