"""Batches of every kind of source: the right rows, in an order that can be repeated, and errors that say what to mend."""

import subprocess
import sys
import textwrap
import threading
import time
import types
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from cornu import config
from cornu.errors import ArgumentError, DataError
from cornu.training import data
from cornu.training.data import arrays
from cornu.training.data.columns import columns, gatherer

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = np.arange(10, dtype="int32")


def rows(source, epoch=0):
    """The targets of one epoch, batch by batch; they number the rows."""
    return [y.tolist() for _, y, _ in source.epoch(epoch)]


# --- arrays -----------------------------------------------------------------------------------------------------------


def test_batches_in_order_with_a_short_last_one():
    source = data.batches(X, Y, batch_size=4)
    assert (source.num_batches, source.batch_size, source.num_samples) == (3, 4, 10)
    assert rows(source) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    for x, y, weight in source.epoch(0):
        assert weight is None
        np.testing.assert_array_equal(x[:, 0], 2.0 * y)


def test_the_default_batch_size_is_32():
    assert [len(x) for x, _, _ in data.batches(np.zeros((70, 1))).epoch(0)] == [32, 32, 6]


def test_unshuffled_batches_are_views():
    first, _, _ = next(data.batches(X, Y, batch_size=4).epoch(0))
    assert np.shares_memory(first, X)


def test_shuffling_takes_each_row_once_and_keeps_rows_together():
    source = data.batches(X, Y, Y * 0.5, batch_size=3, shuffle=True, seed=7)
    seen = []
    for x, y, weight in source.epoch(0):
        np.testing.assert_array_equal(x, X[y])
        np.testing.assert_array_equal(weight, 0.5 * y)
        seen += y.tolist()
    assert sorted(seen) == list(range(10))
    assert seen != list(range(10))


def test_the_order_of_an_epoch_follows_from_seed_and_number_alone():
    through = data.batches(X, Y, batch_size=3, shuffle=True, seed=7)
    all_epochs = [rows(through, k) for k in range(4)]
    assert rows(data.batches(X, Y, batch_size=3, shuffle=True, seed=7), 3) == all_epochs[3]
    assert len({str(epoch) for epoch in all_epochs}) == 4
    assert rows(data.batches(X, Y, batch_size=3, shuffle=True, seed=8), 3) != all_epochs[3]


def test_the_order_is_that_of_philox_keyed_by_seed_and_epoch():
    wanted = np.random.Generator(np.random.Philox(key=[7, 2])).permutation(10)
    assert np.concatenate(rows(data.batches(X, Y, batch_size=4, shuffle=True, seed=7), 2)).tolist() == wanted.tolist()


def test_shuffling_batches_keeps_them_whole_and_the_short_one_last():
    source = data.batches(X, Y, batch_size=2, shuffle="batch", seed=1)
    assert sorted(rows(source)) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert rows(source) != rows(source, 1)
    assert rows(data.batches(X, Y, batch_size=3, shuffle="batch", seed=1))[-1] == [9]


def test_without_a_seed_two_sources_differ():
    x = np.arange(1000)
    first, second = (np.concatenate([b for b, _, _ in data.batches(x, shuffle=True).epoch(0)]) for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("shuffle", [False, True])
def test_fewer_steps_than_batches_go_on_in_the_next_epoch(shuffle):
    passes = data.batches(X, Y, batch_size=2, shuffle=shuffle, seed=3)
    stream = [*rows(passes, 0), *rows(passes, 1), *rows(passes, 2)]
    stepped = data.batches(X, Y, batch_size=2, shuffle=shuffle, seed=3, steps=3)
    assert stepped.num_batches == 3
    assert [rows(stepped, k) for k in (0, 1, 2, 3)] == [stream[0:3], stream[3:6], stream[6:9], stream[9:12]]


def test_more_steps_than_batches_end_early_with_a_warning():
    source = data.batches(X, Y, batch_size=5, steps=4)
    assert source.num_batches == 2
    with pytest.warns(UserWarning, match=r"arrays ran out of data after 2 batch\(es\).*4 steps"):
        assert rows(source) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_nested_data_stays_nested_as_given():
    x = {"a": X, "b": (X, [X])}
    (got, y, weight) = next(data.batches(x, {"out": Y}, batch_size=4, shuffle=True, seed=0).epoch(0))
    assert weight is None
    assert type(got["b"]) is tuple
    assert type(got["b"][1]) is list
    for leaf in (got["a"], got["b"][0], got["b"][1][0]):
        np.testing.assert_array_equal(leaf, X[y["out"]])


def test_wide_dtypes_are_narrowed_batch_by_batch():
    x, y, weight = next(data.batches(X.astype("float64"), Y.astype("int64"), np.ones(10, "uint64"), shuffle=True).epoch(0))
    assert (x.dtype, y.dtype, weight.dtype) == ("float32", "int32", "uint32")
    np.testing.assert_array_equal(x, X[y])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float16", "float32", "complex64"])
def test_other_dtypes_stay_as_they_are(dtype):
    assert next(data.batches(np.ones((4, 2), dtype)).epoch(0))[0].dtype == dtype


def test_float64_stays_where_floatx_is_float64():
    config.set_floatx("float64")
    try:
        assert next(data.batches(np.ones(4)).epoch(0))[0].dtype == "float64"
        assert data.narrowed(np.ones(4)).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_integers_beyond_32_bits_are_refused():
    with pytest.raises(DataError, match=r"must fit int32.*values from 0 to 4294967296 in x.*IntegerLookup"):
        data.batches(np.array([0, 2**32]))
    with pytest.raises(DataError, match="must fit int32"):
        data.narrowed(np.array([-(2**40)]))


@pytest.mark.parametrize("layout", ["fortran", "strided", "big-endian"])
def test_arrays_whose_memory_is_out_of_order(layout):
    x = {"fortran": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2], "big-endian": X.astype(">f4")}[layout]
    for shuffle in (False, True):
        got, y, _ = next(data.batches(x, Y, shuffle=shuffle, seed=1).epoch(0))
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, X[y])


def test_taking_rows_from_a_fortran_array_does_not_copy_the_whole():
    x = np.asfortranarray(np.zeros((200_000, 20), "float32"))
    take, few, best = gatherer(x, contiguous=False), np.arange(4), np.inf
    for _ in range(20):
        begun = time.perf_counter()
        take(few)
        best = min(best, time.perf_counter() - begun)
    assert best < 1e-3  # a copy of the 16 MB takes more


def test_big_batches_are_taken_by_a_thread_and_are_the_same(monkeypatch):
    plain = [x.copy() for x, _, _ in data.batches(X, batch_size=3, shuffle=True, seed=2).epoch(1)]
    monkeypatch.setattr(arrays, "AHEAD_BYTES", 0)
    source = data.batches(X, batch_size=3, shuffle=True, seed=2)
    for one, other in zip(plain, [x for x, _, _ in source.epoch(1)], strict=True):
        np.testing.assert_array_equal(one, other)
    assert source._thread is not None
    source.close()
    assert source._thread is None


def test_small_batches_cost_a_few_microseconds():
    source = data.batches(np.zeros((6400, 8), "float32"), np.zeros(6400, "int64"), shuffle=True, seed=0)
    best = np.inf
    for epoch in range(20):
        begun = time.perf_counter()
        for _ in source.epoch(epoch):
            continue
        best = min(best, (time.perf_counter() - begun) / source.num_batches)
    assert best < 2e-5  # some three are usual; a copy through lists, or a lock a batch, takes more


# --- what arrays may be -----------------------------------------------------------------------------------------------


def test_lists_of_numbers():
    x, y, _ = next(data.batches([[1, 2.5], [3, 4]], [0, 1]).epoch(0))
    assert (x.dtype, y.dtype) == ("float32", "int32")
    np.testing.assert_array_equal(x, [[1, 2.5], [3, 4]])


def test_lists_of_tuples_of_numbers_are_one_array():
    assert next(data.batches([(1, 2), (3, 4), (5, 6)]).epoch(0))[0].shape == (3, 2)


def test_lists_of_strings():
    assert next(data.batches(["a", "bc"]).epoch(0))[0].tolist() == ["a", "bc"]
    assert next(data.batches(np.array(["a", "bc"], dtype=object)).epoch(0))[0].tolist() == ["a", "bc"]


def test_lists_of_arrays_are_several_inputs():
    x, _, _ = next(data.batches([X, X + 1]).epoch(0))
    assert isinstance(x, list)
    np.testing.assert_array_equal(x[1], X + 1)


def test_pandas():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True]})
    x, y, _ = next(data.batches(frame, frame["a"]).epoch(0))
    np.testing.assert_array_equal(x, np.array([[1, 0.5, 1], [2, 1.5, 0], [3, 2.5, 1]], "float32"))
    assert y.tolist() == [1, 2, 3]
    x, _, _ = next(data.batches(dict(frame)).epoch(0))
    assert x["c"].tolist() == [True, False, True]


def test_pandas_columns_that_are_no_numbers_are_named():
    frame = pd.DataFrame({"a": [1, 2], "city": ["Ulm", "Bonn"]})
    with pytest.raises(DataError, match=r"strings in \['city'\]"):
        data.batches(frame)
    with pytest.raises(DataError, match=r"datetime64.*column 'when' of x"):
        data.batches(pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])}))


def test_sparse_matrices_become_dense_batch_by_batch():
    dense = np.array([[0, 1.0], [2, 0], [0, 0]])
    for shuffle in (False, True):
        source = data.batches(scipy.sparse.csc_matrix(dense), np.arange(3), batch_size=2, shuffle=shuffle, seed=5)
        for x, y, _ in source.epoch(0):
            assert x.dtype == "float32"
            np.testing.assert_array_equal(x, dense[y])


def test_arrays_in_files_are_read_batch_by_batch(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        stored = file.create_dataset("x", data=X)
        for shuffle in (False, True):
            for x, y, _ in data.batches(stored, Y, batch_size=3, shuffle=shuffle, seed=5).epoch(0):
                np.testing.assert_array_equal(x, X[y])
    memory = np.memmap(tmp_path / "x.raw", "float32", "w+", shape=(10, 2))
    memory[:] = X
    x, y, _ = next(data.batches(memory, Y, shuffle=True).epoch(0))
    np.testing.assert_array_equal(x, X[y])


def test_arrays_of_the_backends(backend):
    from cornu import ops

    x = ops.convert_to_tensor(X)
    got, y, _ = next(data.batches(x, Y, shuffle=True, seed=1).epoch(0))
    np.testing.assert_array_equal(got, X[y])


def test_torch_tensors_that_are_part_of_a_graph():
    import torch

    x = torch.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(next(data.batches(x).epoch(0))[0], X)
    np.testing.assert_array_equal(data.narrowed(torch.tensor(X, dtype=torch.float64)), X)


# --- what cannot be data ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (X, Y[:9], r"x: 10 row\(s\)\n  y: 9 row\(s\)\nCut"),
        ({"a": X, "b": X[:3]}, Y, r"x\['a'\]: 10 row\(s\)\n  x\['b'\]: 3 row\(s\)"),
        (np.zeros((0, 2)), np.zeros(0), "at least one row, got x, y of length 0"),
        ([], None, "at least one row"),
        (None, None, "got NoneType"),
        ({}, None, "no array|x is None or an empty structure"),
        (np.float32(3), None, "needs a first axis"),
        (np.array([[1], [1, 2]], dtype=object), None, r"array of list \(dtype object, shape \(2,\)\) in x.*pad_sequences"),
        ([[1], [1, 2]], None, "rows of different lengths in x"),
        (np.array([object()]), None, "array of object"),
        (np.array(["2026-01-01"], "datetime64[D]"), None, "datetime64"),
        (3, None, "got int"),
        ("data.csv", None, "got str"),
        (lambda: None, None, "It is a function: call it"),
    ],
)
def test_data_that_does_not_fit_is_refused_before_anything_runs(x, y, says):
    with pytest.raises(DataError, match=says) as caught:
        data.batches(x, y)
    assert str(caught.value).count("\n") < 12


def test_long_lists_of_differences_are_cut():
    x = {f"input_{i:02d}": np.zeros(i + 1) for i in range(30)}
    with pytest.raises(DataError, match="and 22 more") as caught:
        data.batches(x)
    assert str(caught.value).count("\n") < 12


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": True}, {"shuffle": "rows"}, {"steps": 0}, {"steps": 1.5}]
)
def test_arguments_out_of_range(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong)).replace("steps", "number of steps")):
        data.batches(X, Y, **wrong)


# --- class weights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["flat", "column", "one-hot", "float"])
def test_class_weights_become_sample_weights(form):
    labels = np.array([0, 2, 1, 7, 0])
    y = {"flat": labels, "column": labels[:, None], "one-hot": np.eye(8)[labels], "float": labels.astype("float32")}[form]
    weights = next(data.batches(np.zeros((5, 1)), y, class_weight={2: 3.0, 0: 0.5}).epoch(0))[2]
    assert weights.dtype == "float32"
    assert weights.tolist() == [0.5, 3.0, 1.0, 1.0, 0.5]


def test_class_weights_follow_their_rows():
    table = {k: float(k + 1) for k in range(10)}
    for _, y, weight in data.batches(X, Y, batch_size=3, shuffle=True, seed=4, class_weight=table).epoch(0):
        assert weight.tolist() == (y + 1.0).tolist()


def test_class_weights_for_generators():
    weights = next(data.batches(iter([(X, Y)]), class_weight={3: 9.0}).epoch(0))[2]
    assert weights.tolist() == [1, 1, 1, 9, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("y", "sample_weight", "class_weight", "says"),
    [
        (Y, np.ones(10), {0: 1.0}, "class_weight or from sample_weight, got both"),
        (None, None, {0: 1.0}, "no targets"),
        ([Y, Y], None, {0: 1.0}, "a list of targets"),
        (Y, None, {}, "must be a dict"),
        (Y, None, [1.0, 2.0], "must be a dict"),
        (Y, None, {"cat": 1.0}, "whole numbers to numbers"),
        (Y, None, {0: -1.0}, "finite and not negative"),
        (Y, None, {0: float("nan")}, "finite and not negative"),
    ],
)
def test_class_weights_that_do_not_fit(y, sample_weight, class_weight, says):
    with pytest.raises(DataError, match=says):
        data.batches(X, y, sample_weight, class_weight=class_weight)


@pytest.mark.parametrize("y", [[[0, 1, 1], [1, 0, 0], [0, 0, 0]], [[2, -1, 0]] * 3])
def test_class_weights_take_no_sequences_of_class_numbers(y):
    with pytest.raises(DataError, match=r"must be one-hot.*sample_weight of shape \(rows, 3\)"):
        data.batches(np.zeros((3, 1)), np.array(y), class_weight={0: 1.0, 1: 5.0})


def test_class_weights_of_smoothed_rows_in_half_precision():
    y = (np.eye(7)[[0, 3, 1]] * 0.9 + 0.1 / 7).astype("float16")
    assert next(data.batches(np.zeros((3, 1)), y, class_weight={3: 5.0}).epoch(0))[2].tolist() == [1, 5, 1]


# --- generators -------------------------------------------------------------------------------------------------------


def numbered(count):
    for i in range(count):
        yield np.full((2, 1), i), np.full(2, i)


def firsts(source, epoch=0):
    return [int(y[0]) for _, y, _ in source.epoch(epoch)]


def test_a_generator_is_one_stream_through_the_epochs():
    source = data.batches(numbered(100), steps=3)
    assert source.num_batches == 3
    assert [firsts(source, k) for k in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_a_generator_is_not_read_ahead():
    read = []

    def reading():
        for i in range(10):
            read.append(i)
            yield np.zeros(2)

    source = data.batches(reading(), steps=2)
    assert len(list(source.epoch(0))) == 2
    assert read == [0, 1]


def test_a_generator_that_runs_dry_ends_the_epoch_with_a_warning():
    source = data.batches(numbered(5), steps=3)
    assert firsts(source) == [0, 1, 2]
    with pytest.warns(UserWarning, match=r"generator ran out of data after 2 batch\(es\).*3 steps"):
        assert firsts(source, 1) == [3, 4]
    assert source.exhausted


def test_without_steps_the_first_epoch_takes_all_and_a_second_warns():
    source = data.batches(numbered(4))
    assert source.num_batches is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert firsts(source) == [0, 1, 2, 3]
    with pytest.warns(UserWarning, match="another epoch was asked for"):
        assert firsts(source, 1) == []


@pytest.mark.parametrize("item", [X, (X,), (X, Y), [X, Y], (X, Y, Y), {"a": X}, ({"a": X}, Y)])
def test_what_a_generator_may_yield(item):
    x, y, weight = next(data.batches(iter([item])).epoch(0))
    parts = item if isinstance(item, (tuple, list)) else (item,)
    got = (x, y, weight)
    for part, one in zip(parts, got, strict=False):
        np.testing.assert_array_equal(one["a"] if isinstance(one, dict) else one, part["a"] if isinstance(part, dict) else part)
    assert all(one is None for one in got[len(parts) :])


def test_lists_and_wide_numbers_from_a_generator_are_arrays_as_elsewhere():
    x, y, _ = next(data.batches(iter([([[1.0], [2.0]], np.array([1, 2]))])).epoch(0))
    assert (x.dtype, y.dtype) == ("float32", "int32")


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([(X, Y, Y, Y)], "batch 0 of the generator is a tuple of 4"),
        ([(X, Y), X], r"nested alike; batch 1 of the generator is \(array, None, None\), the first was \(array, array, None\)"),
        ([(X, Y), (X, Y[:4])], r"Batch 1 of the generator does not fit together.*"),
        ([(np.array([[1], [1, 2]], dtype=object), Y[:2])], "Batch 0 of the generator cannot be used. Data must be numbers"),
    ],
)
def test_batches_that_do_not_fit(items, says):
    with pytest.raises(DataError, match=says):
        list(data.batches(iter(items)).epoch(0))


def test_an_error_in_a_generator_says_which_batch():
    def failing():
        yield X
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as caught:
        list(data.batches(failing()).epoch(0))
    assert caught.value.__notes__ == ["It comes from batch 1 of the generator."]


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_sources_that_bring_targets_take_no_others(name):
    with pytest.raises(DataError, match=f"got {name} as well. Leave {name} out"):
        data.batches(numbered(3), **{name: Y})


# --- loaders ----------------------------------------------------------------------------------------------------------


def test_an_iterable_is_run_through_again_each_epoch():
    source = data.batches(Again(3))
    assert source.num_batches is None
    assert [firsts(source, k) for k in range(2)] == [[0, 1, 2], [0, 1, 2]]


class Again:
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return numbered(self.count)


def test_an_iterable_with_steps_is_one_stream_of_passes():
    source = data.batches(Again(5), steps=3)
    assert [firsts(source, k) for k in range(4)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_an_iterable_shorter_than_an_epoch_warns():
    source = data.batches(Again(2), steps=3)
    for epoch in range(2):
        with pytest.warns(UserWarning, match="Again ran out of data after 2"):
            assert firsts(source, epoch) == [0, 1]


def test_torch_loaders(backend):
    import torch

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.arange(10)), batch_size=4)
    source = data.batches(loader)
    assert source.num_batches == 3
    got = list(source.epoch(0))
    assert [len(y) for _, y, _ in got] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([np.asarray(x) for x, _, _ in got]), X)
    assert got[0][1].dtype == "int32"


def test_torch_data_sets_of_rows_are_refused_with_the_mend():
    import torch

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[i]

    with pytest.raises(DataError, match="wrap it into a loader"):
        data.batches(Rows())


def test_tensorflow_data_sets():
    tf = pytest.importorskip("tensorflow")
    sets = tf.data.Dataset.from_tensor_slices((X, np.arange(10))).batch(4)
    source = data.batches(sets)
    assert source.num_batches == 3
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in source.epoch(0)]), X)
    assert data.batches(sets.repeat(), steps=7).num_batches == 7
    assert len(list(data.batches(sets.repeat(), steps=7).epoch(0))) == 7
    assert data.batches(sets.filter(lambda x, y: True)).num_batches is None


def test_hugging_face_tables_are_taken_in_batches():
    table = hugging_face_table({"a": [1.0, 2.0, 3.0], "b": [4, 5, 6], "label": [0, 1, 0]})
    source = data.batches(table, "label", batch_size=2)
    assert source.num_batches == 2
    x, y, _ = next(source.epoch(0))
    assert {k: v.tolist() for k, v in x.items()} == {"a": [1.0, 2.0], "b": [4, 5]}
    assert y.tolist() == [0, 1]
    with pytest.raises(DataError, match="name of a column"):
        data.batches(table, Y)
    with pytest.raises(DataError, match="got sample_weight as well"):
        data.batches(table, "label", np.ones(3))


def hugging_face_table(columns):
    """What has the face of `datasets.Dataset`, which is not installed everywhere."""

    def batches_of(self, batch_size):
        for start in range(0, len(self), batch_size):
            yield {name: column[start : start + batch_size] for name, column in columns.items()}

    body = {"iter": batches_of, "__len__": lambda self: 3, "__iter__": lambda self: iter([]), "__module__": "datasets.arrow_dataset"}
    return types.new_class("Dataset", exec_body=lambda namespace: namespace.update(body))()


# --- PyDataset --------------------------------------------------------------------------------------------------------


class Numbers(data.PyDataset):
    def __init__(self, count=4, **kwargs):
        super().__init__(**kwargs)
        self.count, self.told = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((2, 1), index, "float32"), np.full(2, index)

    def on_epoch_begin(self):
        self.told.append("begin")

    def on_epoch_end(self):
        self.told.append("end")


def test_py_datasets_give_their_batches_in_order_and_are_told_of_epochs():
    source = data.batches(Numbers())
    assert source.num_batches == 4
    assert firsts(source) == [0, 1, 2, 3]
    assert source._dataset.told == ["begin", "end"]


@pytest.mark.parametrize("workers", [1, 3])
def test_py_datasets_shuffle_batches_in_an_order_that_can_be_repeated(workers):
    wanted = np.random.Generator(np.random.Philox(key=[7, 2])).permutation(4)
    source = data.batches(Numbers(workers=workers), shuffle=True, seed=7)
    assert firsts(source, 2) == wanted.tolist()
    source.close()


def test_py_datasets_with_steps_go_on_in_the_next_epoch():
    source = data.batches(Numbers(), steps=3)
    assert [firsts(source, k) for k in range(3)] == [[0, 1, 2], [3, 0, 1], [2, 3, 0]]


def test_py_datasets_that_end_early_warn():
    with pytest.warns(UserWarning, match=r"PyDataset ran out of data after 4 batch\(es\)"):
        assert firsts(data.batches(Numbers(), steps=6)) == [0, 1, 2, 3]


class Endless(data.PyDataset):
    def __getitem__(self, index):
        return np.full((2, 1), index, "float32"), np.full(2, index)


def test_py_datasets_without_an_end():
    assert Endless().num_batches is None
    source = data.batches(Endless(), steps=2)
    assert [firsts(source, k) for k in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(DataError, match=r"has no `__len__`.*steps_per_epoch"):
        data.batches(Endless())


def test_workers_make_batches_at_the_same_time_and_in_order():
    together = threading.Barrier(4)

    class Slow(Numbers):
        def __getitem__(self, index):
            together.wait(timeout=60)  # passes once four workers are in here
            time.sleep(0.003 if index % 2 == 0 else 0.0)
            return super().__getitem__(index)

    source = data.batches(Slow(count=8, workers=4))
    assert firsts(source) == list(range(8))
    source.close()


def test_not_more_batches_wait_than_max_queue_size():
    made = []

    class Counting(Numbers):
        def __getitem__(self, index):
            made.append(index)
            return super().__getitem__(index)

    source = data.batches(Counting(count=50, workers=2, max_queue_size=3))
    epoch = source.epoch(0)
    next(epoch)
    time.sleep(0.05)
    assert len(made) <= 4
    epoch.close()
    source.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_py_dataset_says_which_batch(workers):
    class Failing(Numbers):
        def __getitem__(self, index):
            if index == 2:
                raise KeyError("no such row")
            return super().__getitem__(index)

    source = data.batches(Failing(workers=workers))
    epoch = source.epoch(0)
    assert [int(next(epoch)[1][0]) for _ in range(2)] == [0, 1]
    with pytest.raises(KeyError, match="no such row") as caught:
        next(epoch)
    assert caught.value.__notes__ == ["It comes from batch 2 of the Failing."]
    source.close()


def test_workers_that_are_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np
        from cornu.training import data

        class Squares(data.PyDataset):
            offset = 0
            def __len__(self):
                return 4
            def __getitem__(self, index):
                if index + self.offset == 23:
                    raise KeyError("no such row")
                return np.full((2, 1), (index + self.offset) ** 2)
            def on_epoch_end(self):
                self.offset += 10

        if __name__ == "__main__":
            source = data.batches(Squares(workers=2, use_multiprocessing=True))
            for epoch in range(2):
                print([int(x[0, 0]) for x, _, _ in source.epoch(epoch)])
            try:
                list(source.epoch(2))
            except KeyError as error:
                print(error.__notes__)
            source.close()
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, env={**environment()}, timeout=120)
    assert done.stdout.splitlines() == ["[0, 1, 4, 9]", "[100, 121, 144, 169]", "['It comes from batch 3 of the Squares.']"]


def environment():
    import os
    from pathlib import Path

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_py_dataset_that_forgets_the_base_constructor_works():
    class Forgetful(data.PyDataset):
        def __init__(self):
            self.rows = X

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return self.rows[index * 5 : index * 5 + 5]

    assert [x.shape for x, _, _ in data.batches(Forgetful()).epoch(0)] == [(5, 2), (5, 2)]
    assert (Forgetful().workers, Forgetful().use_multiprocessing, Forgetful().max_queue_size) == (1, False, 10)


def test_py_datasets_that_are_wrong():
    with pytest.raises(DataError, match="at least one batch"):
        data.batches(Numbers(count=0))
    with pytest.raises(ArgumentError, match="workers must be"):
        Numbers(workers=-1)
    with pytest.raises(NotImplementedError, match="must define `__getitem__"):
        data.PyDataset()[0]


# --- split ------------------------------------------------------------------------------------------------------------


def test_split_takes_the_last_rows():
    train, validation = data.split(({"a": X, "b": [X]}, Y, None), 0.25)
    assert (train[2], validation[2]) == (None, None)
    np.testing.assert_array_equal(train[0]["b"][0], X[:7])
    np.testing.assert_array_equal(validation[0]["a"], X[7:])
    assert validation[1].tolist() == [7, 8, 9]


def test_split_of_frames_and_lists():
    frame = pd.DataFrame({"a": np.arange(4.0)}, index=[10, 11, 12, 13])
    train, validation = data.split((frame, [0, 1, 0, 1], None), 0.5)
    np.testing.assert_array_equal(train[0], [[0.0], [1.0]])
    assert validation[1].tolist() == [0, 1]


def test_split_of_what_cannot_be_split():
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        data.split((X, Y, None), 1.0)
    with pytest.raises(DataError, match="needs arrays, got generator"):
        data.split((numbered(3), None, None), 0.5)
    with pytest.raises(DataError, match="leaves nothing for training"):
        data.split((X[:1], Y[:1], None), 0.5)
    with pytest.raises(DataError, match="as many rows"):
        data.split((X, Y[:3], None), 0.5)


def test_columns_keep_named_tuples():
    from collections import namedtuple

    Pair = namedtuple("Pair", "left right")
    assert isinstance(columns(Pair(X, Y), "x"), Pair)
