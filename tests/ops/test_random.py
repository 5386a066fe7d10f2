"""Random numbers as functions of a key: the same key gives the same numbers, another gives others, and they have the distribution they should."""

import numpy as np
import pytest
import scipy.stats

from cornu import backends, dtypes, ops
from cornu.backends import spec
from cornu.errors import ShapeError
from cornu.ops import random
from cornu.random import uniform

KEY, OTHER = np.array([7, 1], np.uint32), np.array([7, 2], np.uint32)
MANY = 4000
DRAWS = {
    "uniform": (random.random_uniform, scipy.stats.uniform(0, 1)),
    "normal": (random.random_normal, scipy.stats.norm(0, 1)),
    "truncated_normal": (random.random_truncated_normal, scipy.stats.truncnorm(-2, 2)),
    "gamma": (lambda key, shape, **dtype: random.random_gamma(key, 0.7, shape, **dtype), scipy.stats.gamma(0.7)),
    "beta": (lambda key, shape, **dtype: random.random_beta(key, 2.0, 0.5, shape, **dtype), scipy.stats.beta(2, 0.5)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_real_numbers_have_their_distribution(name, backend):
    draw, distribution = DRAWS[name]
    values = ops.convert_to_numpy(draw(KEY, (MANY,)))
    assert values.dtype == np.float32
    assert scipy.stats.kstest(values, distribution.cdf).pvalue > 1e-3
    low, high = distribution.support()
    assert ((values >= low) & (values <= high)).all()
    if name == "uniform":
        assert (values < 1).all()


@pytest.mark.parametrize("name", DRAWS)
def test_a_key_decides(name, backend):
    draw = DRAWS[name][0]
    first, again, other = (ops.convert_to_numpy(draw(key, (2, 50))) for key in (KEY, KEY, OTHER))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).all()
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.4


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32"])
def test_the_dtype_asked_for(name, kind, backend):
    result = DRAWS[name][0](KEY, (3, 0, 2), dtype=kind)
    assert ops.dtype(result) == kind
    assert tuple(result.shape) == (3, 0, 2)
    with backends.use_backend(spec):
        assert str(DRAWS[name][0](KEY, (3, 0, 2), dtype=kind)) == f"TensorSpec((3, 0, 2), {kind})"


def test_whole_numbers_are_all_as_likely(backend):
    values = ops.convert_to_numpy(random.random_integers(KEY, (MANY,), -2, 6))
    assert values.dtype == np.int32
    counts = np.bincount(values + 2, minlength=8)
    assert len(counts) == 8
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_array_equal(values, ops.convert_to_numpy(random.random_integers(KEY, (MANY,), -2, 6)))
    assert ops.dtype(random.random_integers(KEY, (2,), 0, 9, "uint8")) == "uint8"


def test_a_permutation_has_each_number_once(backend):
    first, other = (ops.convert_to_numpy(random.permutation(key, 100)) for key in (KEY, OTHER))
    assert first.dtype == np.int32
    assert sorted(first) == sorted(other) == list(range(100))
    assert (first != other).any()


def test_classes_are_as_likely_as_their_logits_say(backend):
    p = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-9]], np.float32)
    drawn = ops.convert_to_numpy(random.categorical(KEY, np.log(p), MANY))
    assert drawn.shape == (2, MANY)
    assert drawn.dtype == np.int32
    for row, chances in zip(drawn, p, strict=True):
        likely = chances > 1e-6
        assert scipy.stats.chisquare(np.bincount(row, minlength=3)[likely], MANY * chances[likely] / chances[likely].sum()).pvalue > 1e-3


def test_real_numbers_need_a_float_dtype(backend):
    with pytest.raises(ValueError, match="int32"):
        random.random_normal(KEY, (2,), "int32")
    assert dtypes.is_floating(ops.dtype(random.random_normal(KEY, (2,))))


def test_trials_succeed_as_often_as_they_should(backend):
    values = ops.convert_to_numpy(random.random_binomial(KEY, 6, 0.3, (MANY,)))
    assert values.dtype == np.float32
    counts = np.bincount(values.astype(int), minlength=7)
    expected = scipy.stats.binom(6, 0.3).pmf(np.arange(7)) * MANY
    assert scipy.stats.chisquare([*counts[:5], counts[5:].sum()], [*expected[:5], expected[5:].sum()]).pvalue > 1e-3
    assert ops.dtype(random.random_binomial(KEY, 6, 0.3, (2,), "float16")) == "float16"


def test_parameters_broadcast(backend):
    alpha, share = np.array([0.5, 8.0, 90.0], "float32"), np.array([0.0, 0.5, 1.0], "float32")
    means = ops.convert_to_numpy(random.random_gamma(KEY, alpha, (MANY, 3))).mean(0)
    np.testing.assert_allclose(means, alpha, rtol=0.1)
    means = ops.convert_to_numpy(random.random_beta(KEY, alpha, alpha[::-1].copy(), (MANY, 3))).mean(0)
    np.testing.assert_allclose(means, alpha / (alpha + alpha[::-1]), rtol=0.1)
    means = ops.convert_to_numpy(random.random_binomial(KEY, [[4], [9]], share, (2, 3))).tolist()
    assert [row[0] for row in means] == [0, 0]
    assert [row[2] for row in means] == [4, 9]
    with pytest.raises(ShapeError, match="broadcast to the shape"):
        random.random_gamma(KEY, alpha, (2, 1))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (5, 6), (-2.0, -1.0), (6, 5)])
def test_the_upper_end_is_not_reached(backend, kind, low, high):
    values = ops.convert_to_numpy(uniform((20_000,), low, high, kind, seed=3)).astype(np.float64)
    assert (values != high).all()
    assert min(low, high) <= values.min()
    assert values.max() <= max(low, high)
    assert abs(values.mean() - (low + high) / 2) < 0.02


def test_half_precision_is_spread_evenly(backend):
    values = ops.convert_to_numpy(uniform((64_000,), 4, 4.0625, "float16", seed=5)).astype(np.float64)
    found, counts = np.unique(values, return_counts=True)
    assert found.tolist() == (4 + np.arange(16) / 256).tolist()
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_the_last_float32_below_1_is_not_rounded_up(on_numpy, monkeypatch):
    monkeypatch.setattr(random, "random_uniform", lambda key, shape, dtype: np.full(shape, 1 - 2**-24, dtype))
    assert uniform((1,), 5.0, 6.0, "float32").tolist() == [5.0]


def test_a_spread_wider_than_half_precision_holds(backend):
    assert np.isfinite(ops.convert_to_numpy(uniform((100,), -60000, 60000, "float16", seed=1))).all()
