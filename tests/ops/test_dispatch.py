"""What every op does before it runs: NumPy arrays become the backend's own wherever they stand; positions of every integer dtype."""

import numpy as np
import pytest

from cornu import backends, ops
from cornu.ops import dispatch
from cornu.state import Variable

ROW = np.array([1.0, 2.0, 4.0], "float32")


def test_numpy_arrays_given_by_name_reach_an_override_as_the_backends_own(backend, monkeypatch):
    on = backends.current()
    seen = []

    @dispatch.composite
    def probe_of_dispatch(x, scale=None, *, shift=None):
        raise AssertionError("the override goes first")

    monkeypatch.setattr(on, "probe_of_dispatch", lambda x, scale, *, shift: seen.extend((x, scale, shift)), raising=False)
    probe_of_dispatch(ops.convert_to_tensor(ROW), scale=ROW, shift=ROW)
    probe_of_dispatch(ROW, ROW, shift=Variable(ROW))
    monkeypatch.delitem(dispatch.OPS, "probe_of_dispatch")
    assert len(seen) == 6
    assert all(isinstance(x, on.ARRAY_TYPES) for x in seen)
    x = np.stack([ROW, ROW[::-1]])
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * ROW + 1
    found = ops.layer_normalization(x, gamma=ROW, beta=np.ones(3, "float32"), epsilon=1e-3)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_positions_of_every_integer_dtype(kind, backend):
    x = np.arange(300, dtype="float32")
    places = np.array([0, 120, 5, -1 if kind.startswith("i") else 7], kind)
    expected = x[places.astype("int64")]
    for found in (ops.take(x, places), ops.take_along_axis(x, places, 0), ops.get_item(x, places), ops.take(x, places[None], 0)[0]):
        np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)
    written = ops.convert_to_numpy(ops.scatter_update(x, places[:, None], np.full(4, -9.0, "float32")))
    assert sorted(np.flatnonzero(written == -9)) == sorted(places.astype("int64") % 300)


def test_shapes_and_axes_given_as_lists_and_by_name(backend):
    x = ops.convert_to_tensor(ROW)
    assert tuple(ops.reshape(x, newshape=[1, 3]).shape) == (1, 3)
    assert tuple(ops.concatenate([x, ROW], axis=0).shape) == (6,)
    assert tuple(ops.concatenate(xs=[Variable(ROW), x]).shape) == (6,)
    assert ops.convert_to_numpy(ops.add(x1=Variable(ROW), x2=x)).tolist() == (2 * ROW).tolist()


@pytest.mark.parametrize("beyond", [3, 99, -4, -99])
def test_positions_out_of_bounds_read_the_nearest_end_and_write_nothing(beyond, backend):
    at = np.array([beyond])
    end = ROW[2] if beyond > 0 else ROW[0]
    reads = (ops.take(ROW, at), ops.take_along_axis(ROW, at, 0), ops.get_item(ROW, at))
    assert [float(ops.convert_to_numpy(found)[0]) for found in reads] == [end] * 3
    for reduction in (None, "add", "max", "min", "mul"):
        assert ops.convert_to_numpy(ops.scatter_update(ROW, at[:, None], [7.0], reduction)).tolist() == ROW.tolist()
    assert not ops.convert_to_numpy(ops.one_hot(np.array([beyond]), 3)).any()
    assert ops.convert_to_numpy(ops.segment_sum(ROW[:1], at, 3)).tolist() == [0, 0, 0]
    start = ops.convert_to_tensor(beyond)
    assert ops.convert_to_numpy(ops.slice(ROW, [start], (2,))).tolist() == (ROW[1:] if beyond > 0 else ROW[:2]).tolist()
    with pytest.raises(ValueError, match="must be from -3 to 2"):
        ops.get_item(ROW, beyond)
