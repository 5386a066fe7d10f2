"""Convolutions and poolings in NumPy against plain loops and SciPy, and the shapes that the spec interpreter says they have."""

import itertools

import ml_dtypes
import numpy as np
import pytest
import scipy.signal

from cornu.backends import numpy as backend
from cornu.backends import spec
from cornu.backends.numpy import nn
from cornu.backends.spec import TensorSpec
from cornu.errors import ShapeError


def looped(x, window, strides, padding, dilation, cell):
    """`cell(tap values of one place)` for every place, by loops: x (batch, *spatial, channels), tap values (batch, taps, channels)."""
    x = np.pad(x.astype(np.float64), [(0, 0), *padding, (0, 0)], constant_values=np.nan)
    places = [(n - (w - 1) * d - 1) // s + 1 for n, w, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)]
    results = []
    for place in itertools.product(*map(range, places)):
        taps = [
            x[(slice(None), *(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilation, strict=True)))]
            for tap in itertools.product(*map(range, window))
        ]
        results.append(cell(np.stack(taps, 1)))
    return np.stack(results, 1).reshape(len(x), *places, -1)


def conv_looped(x, kernel, strides, padding, dilation, groups):
    *window, depth, filters = kernel.shape
    kernel = kernel.astype(np.float64).reshape(-1, depth, filters)

    def cell(taps):
        taps, out = np.nan_to_num(taps), np.zeros((len(x), filters))
        for o in range(filters):
            first = o // (filters // groups) * depth
            out[:, o] = (taps[:, :, first : first + depth] * kernel[:, :, o]).sum((1, 2))
        return out

    return looped(x, window, strides, padding, dilation, cell)


def first(x):
    return np.moveaxis(x, -1, 1)


CONVOLUTIONS = [
    # spatial lengths, window, strides, padding, dilation, groups, in, out
    ((7,), (3,), (1,), ((0, 0),), (1,), 1, 2, 3),
    ((8,), (3,), (2,), ((2, 0),), (1,), 1, 2, 3),
    ((9,), (2,), (1,), ((1, 2),), (3,), 2, 4, 6),
    ((6, 5), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 3, 4),
    ((6, 7), (2, 3), (2, 3), ((0, 1), (1, 1)), (1, 1), 2, 4, 2),
    ((7, 6), (3, 2), (1, 1), ((2, 2), (0, 1)), (2, 1), 1, 2, 3),
    ((5, 4), (1, 1), (1, 2), ((0, 0), (0, 0)), (1, 1), 1, 3, 2),
    ((4, 5, 4), (2, 3, 1), (1, 2, 1), ((1, 0), (1, 1), (0, 0)), (1, 1, 1), 1, 2, 3),
    ((5, 4, 4), (2, 2, 2), (1, 1, 1), ((0, 0), (0, 1), (1, 0)), (2, 1, 1), 3, 3, 6),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding", "dilation", "groups", "channels", "filters"), CONVOLUTIONS)
def test_conv_is_the_sum_over_taps_and_channels(rng, lengths, window, strides, padding, dilation, groups, channels, filters, channels_last):
    x = rng.standard_normal((2, *lengths, channels), np.float32)
    kernel = rng.standard_normal((*window, channels // groups, filters), np.float32)
    expected = conv_looped(x, kernel, strides, padding, dilation, groups)
    given = x if channels_last else first(x)
    y = nn.conv(given, kernel, strides, padding, dilation, groups, channels_last)
    np.testing.assert_allclose(y, expected if channels_last else first(expected), atol=1e-5)
    assert y.dtype == np.float32
    shape = spec.conv(TensorSpec(given.shape), TensorSpec(kernel.shape), strides, padding, dilation, groups, channels_last)
    assert shape == TensorSpec(y.shape, "float32")


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv_agrees_with_scipy(rng, rank):
    x, kernel = rng.standard_normal((1, *(6, 5, 4)[:rank], 1)), rng.standard_normal((*(3, 2, 2)[:rank], 1, 1))
    y = nn.conv(x, kernel, (1,) * rank, ((0, 0),) * rank, (1,) * rank, 1, True)
    np.testing.assert_allclose(y[0, ..., 0], scipy.signal.correlate(x[0, ..., 0], kernel[..., 0, 0], "valid"), atol=1e-12)


def test_conv_in_parts_of_a_batch_is_the_same(rng, monkeypatch):
    x, kernel = rng.standard_normal((5, 6, 6, 1)), rng.standard_normal((3, 3, 1, 1))
    monkeypatch.setattr(nn, "_COPIED", 2 * 4 * 4 * 9 * 8)  # the windows of two samples
    y = nn.conv(x, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, True)
    expected = [scipy.signal.correlate(sample, kernel[..., 0], "valid") for sample in x]
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("strides", "dilation"), [((1, 1), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (1, 2))])
def test_depthwise_conv_sees_one_channel_at_a_time(rng, strides, dilation, channels_last):
    x, kernel = rng.standard_normal((2, 6, 5, 3), np.float32), rng.standard_normal((2, 2, 3, 4), np.float32)
    padding = ((0, 1), (1, 0))
    each = [conv_looped(x[..., c : c + 1], kernel[:, :, c : c + 1], strides, padding, dilation, 1) for c in range(3)]
    expected = np.concatenate(each, -1)
    given = x if channels_last else first(x)
    y = nn.depthwise_conv(given, kernel, strides, padding, dilation, channels_last)
    np.testing.assert_allclose(y, expected if channels_last else first(expected), atol=1e-5)
    assert (
        spec.depthwise_conv(TensorSpec(given.shape), TensorSpec(kernel.shape), strides, padding, dilation, channels_last).shape == y.shape
    )


TRANSPOSES = [
    # spatial lengths of the output, window, strides, padding, dilation
    ((7,), (3,), (1,), ((0, 0),), (1,)),
    ((8,), (3,), (2,), ((0, 1),), (1,)),
    ((9,), (2,), (3,), ((0, 0),), (2,)),
    ((6, 7), (3, 2), (2, 2), ((1, 1), (0, 0)), (1, 1)),
    ((6, 6), (3, 3), (2, 1), ((1, 0), (2, 1)), (1, 1)),
    ((8, 6), (2, 1), (3, 2), ((0, -1), (0, -1)), (1, 1)),
    ((4, 5, 4), (2, 2, 2), (1, 2, 1), ((0, 0), (0, 1), (1, 0)), (1, 1, 2)),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding", "dilation"), TRANSPOSES)
def test_conv_transpose_is_the_adjoint(rng, lengths, window, strides, padding, dilation, channels_last):
    """<conv(u), x> = <u, conv_transpose(x)> for every u: for each unit vector, that is one element of the result."""
    kernel = rng.standard_normal((*window, 2, 3))  # (*spatial, out, in)
    units = np.eye(2 * int(np.prod(lengths))).reshape(-1, *lengths, 2)
    cut = [(slice(None, high) if high < 0 else slice(None)) for _, high in padding]
    added = [(low, max(high, 0)) for low, high in padding]
    images = conv_looped(units[:, *cut], kernel, strides, added, dilation, 1)
    x = rng.standard_normal((2, *images.shape[1:]))
    expected = (x.reshape(2, -1) @ images.reshape(len(units), -1).T).reshape(2, *lengths, 2)
    given = x if channels_last else first(x)
    y = nn.conv_transpose(given, kernel, strides, padding, lengths, dilation, channels_last)
    np.testing.assert_allclose(y, expected if channels_last else first(expected), atol=1e-12)
    shape = spec.conv_transpose(TensorSpec(given.shape), TensorSpec(kernel.shape), strides, padding, lengths, dilation, channels_last)
    assert shape.shape == y.shape


POOLINGS = [
    ((7,), (2,), (2,), ((0, 0),)),
    ((7,), (3,), (1,), ((1, 1),)),
    ((5, 6), (2, 2), (2, 2), ((0, 1), (0, 0))),
    ((6, 7), (3, 2), (2, 3), ((0, 0), (1, 0))),
    ((4, 5, 6), (2, 3, 2), (1, 2, 2), ((1, 0), (1, 1), (0, 0))),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding"), POOLINGS)
def test_pooling_takes_the_largest_and_the_mean_of_the_cells_inside(rng, lengths, window, strides, padding, channels_last):
    x = rng.standard_normal((2, *lengths, 3)) - 5  # below 0: cells of padding must not win
    given = x if channels_last else first(x)
    for name, cell in (("max_pool", lambda taps: np.nanmax(taps, 1)), ("average_pool", lambda taps: np.nanmean(taps, 1))):
        expected = looped(x, window, strides, padding, (1,) * len(window), cell)
        y = getattr(nn, name)(given, window, strides, padding, channels_last)
        np.testing.assert_allclose(y, expected if channels_last else first(expected), atol=1e-12)
        assert getattr(spec, name)(TensorSpec(given.shape, "float64"), window, strides, padding, channels_last) == TensorSpec(
            y.shape, "float64"
        )


def test_max_pool_of_integers_and_booleans():
    x = np.array([-7, -3, -9, -4, -8], np.int32).reshape(1, 5, 1)
    assert nn.max_pool(x, (2,), (2,), ((0, 1),), True).tolist() == [[[-3], [-4], [-8]]]
    truth = np.array([True, False, False, False, False]).reshape(1, 5, 1)
    assert nn.max_pool(truth, (2,), (2,), ((0, 1),), True).tolist() == [[[True], [False], [False]]]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_small_floats_are_summed_in_float32(dtype):
    x, kernel = np.ones((1, 4096, 1), dtype), np.ones((4096, 1, 1), dtype)
    one, no = (1,), ((0, 0),)
    assert nn.conv(x, kernel, one, no, one, 1, True).astype(float).item() == 4096  # float16 would stay at 2048, bfloat16 at 256
    assert nn.depthwise_conv(x, kernel, one, no, one, True).astype(float).item() == 4096
    assert nn.average_pool(x, (4096,), one, no, True).astype(float).item() == 1
    assert nn.max_pool(-x, (4,), (4,), ((3, 1),), True).astype(float).max() == -1
    assert {nn.conv(x, kernel, one, no, one, 1, True).dtype, nn.average_pool(x, (2,), one, no, True).dtype} == {np.dtype(dtype)}


def test_an_empty_batch_stays_empty():
    x = np.zeros((0, 6, 6, 2), np.float32)
    one, no = (1, 1), ((0, 0), (0, 0))
    assert nn.conv(x, np.zeros((3, 3, 2, 4), np.float32), one, no, one, 1, True).shape == (0, 4, 4, 4)
    assert nn.max_pool(x, (2, 2), (2, 2), no, True).shape == (0, 3, 3, 2)


def test_shapes_that_do_not_fit_are_refused():
    x, one, no = TensorSpec((2, 5, 5, 3)), (1, 1), ((0, 0), (0, 0))
    with pytest.raises(ShapeError, match=r"got 3 channels in the shape \(2, 5, 5, 3\) for the kernel \(3, 3, 4, 8\) in 1 groups"):
        spec.conv(x, TensorSpec((3, 3, 4, 8)), one, no, one, 1, True)
    with pytest.raises(ShapeError, match="the groups must divide the filters"):
        spec.conv(x, TensorSpec((3, 3, 1, 8)), one, no, one, 3, True)
    with pytest.raises(
        ShapeError, match=r"The kernel must fit in the padded input, got one that spans \(7, 7\) over spatial lengths \(5, 5\)"
    ):
        spec.conv(x, TensorSpec((4, 4, 3, 8)), one, no, (2, 2), 1, True)
    with pytest.raises(ShapeError, match="filters for each channel"):
        spec.depthwise_conv(x, TensorSpec((3, 3, 2, 1)), one, no, one, True)
    with pytest.raises(ShapeError, match="with the input's channels"):
        spec.conv_transpose(x, TensorSpec((3, 3, 4, 2)), one, no, (7, 7), one, True)
    with pytest.raises(ShapeError, match=r"must give the input's spatial lengths \(5, 5\), got \(6, 6\)"):
        spec.conv_transpose(x, TensorSpec((3, 3, 4, 3)), one, no, (8, 8), one, True)
    with pytest.raises(ShapeError, match="The pooling window must fit"):
        spec.max_pool(x, (6, 2), one, no, True)


def test_the_package_gathers_them():
    assert all(getattr(backend, name) is getattr(nn, name) for name in nn.__all__)
