"""Initializers: distributions by moments, bounds and the Kolmogorov–Smirnov test; fans; seeds; equality over backends; configurations."""

import json
import math

import numpy as np
import pytest
from scipy import stats

import cornu
from cornu import initializers, ops
from cornu.errors import ArgumentError, ConfigError, DTypeError, ShapeError, UnknownNameError
from cornu.initializers.drawn import fans
from cornu.registry import INITIALIZERS
from cornu.state import SeedGenerator
from cornu.state.seed import set_random_seed

SHAPE = (160, 250)
DRAWN = [
    initializers.RandomUniform, initializers.RandomNormal, initializers.TruncatedNormal, initializers.VarianceScaling,
    initializers.GlorotUniform, initializers.GlorotNormal, initializers.HeUniform, initializers.HeNormal, initializers.LecunUniform,
    initializers.LecunNormal, initializers.Orthogonal,
]  # fmt: skip


def drawn(initializer, shape=SHAPE, dtype=None):
    with cornu.use_backend("numpy"):
        return np.asarray(initializer(shape, dtype))


def fits(values, distribution):
    """Whether values may come from a distribution: with these fixed seeds the p-value is far from 0."""
    return stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01


def test_uniform_and_normal_follow_their_distributions():
    assert fits(drawn(initializers.RandomUniform(-1.0, 3.0, seed=1)), stats.uniform(-1, 4))
    assert fits(drawn(initializers.RandomNormal(2.0, 0.5, seed=1)), stats.norm(2, 0.5))
    assert fits(drawn(initializers.TruncatedNormal(2.0, 0.5, seed=1)), stats.truncnorm(-2, 2, 2, 0.5))


def test_bounds_hold():
    uniform, cut = drawn(initializers.RandomUniform(-1.0, 3.0, seed=2)), drawn(initializers.TruncatedNormal(2.0, 0.5, seed=2))
    assert -1 <= uniform.min() < -0.99
    assert 2.99 < uniform.max() <= 3
    assert 1 <= cut.min() < 1.01
    assert 2.99 < cut.max() <= 3


@pytest.mark.parametrize(
    ("initializer", "variance", "kind"),
    [
        (initializers.GlorotUniform(seed=3), 2 / (160 + 250), "uniform"),
        (initializers.GlorotNormal(seed=3), 2 / (160 + 250), "truncated_normal"),
        (initializers.HeUniform(seed=3), 2 / 160, "uniform"),
        (initializers.HeNormal(seed=3), 2 / 160, "truncated_normal"),
        (initializers.LecunUniform(seed=3), 1 / 160, "uniform"),
        (initializers.LecunNormal(seed=3), 1 / 160, "truncated_normal"),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=3), 3 / 250, "untruncated_normal"),
        (initializers.VarianceScaling(3.0, "fan_out", "normal", seed=3), 3 / 250, "truncated_normal"),
    ],
)
def test_variance_scaling_gives_the_variance_of_its_formula(initializer, variance, kind):
    values = drawn(initializer)
    assert values.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / values.size))
    assert values.var() == pytest.approx(variance, rel=0.03)  # 40,000 numbers: a standard error of about 0.7 per cent
    width = math.sqrt(3 * variance)
    scale = math.sqrt(variance / stats.truncnorm(-2, 2).var())
    assert fits(
        values,
        {
            "uniform": stats.uniform(-width, 2 * width),
            "truncated_normal": stats.truncnorm(-2, 2, 0, scale),
            "untruncated_normal": stats.norm(0, math.sqrt(variance)),
        }[kind],
    )


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((), {}, (1, 1)),
        ((7,), {}, (7, 7)),
        ((7, 5), {}, (7, 5)),
        ((3, 3, 16, 32), {}, (9 * 16, 9 * 32)),
        ((64, 8, 16), {"input_axes": [0], "output_axes": [1, 2]}, (64, 128)),
        ((8, 16, 64), {"input_axes": (-3, -2), "output_axes": (-1,)}, (128, 64)),
        ((64, 8, 16), {"input_axes": [0]}, (64, 128)),
        ((8, 16, 64), {"output_axes": 2}, (128, 64)),
    ],
)
def test_fans(shape, axes, expected):
    assert fans(shape, **axes) == expected


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (2, 3, 4), (6, 6)])
def test_orthogonal_rows_or_columns(shape):
    matrix = drawn(initializers.Orthogonal(2.0, seed=4), shape, "float64").reshape(-1, shape[-1])
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-12)


def test_orthogonal_matrices_are_evenly_drawn():
    # under the uniform measure the trace of an orthogonal matrix has mean 0 and variance 1 (P. Diaconis, M. Shahshahani, 1994)
    draw = initializers.Orthogonal(seed=SeedGenerator(5))
    traces = np.array([np.trace(drawn(draw, (8, 8))) for _ in range(1000)])
    assert abs(traces.mean()) < 4 / math.sqrt(1000)
    assert traces.var() == pytest.approx(1, rel=0.2)


def test_constants(backend):
    for made, expected in (
        (initializers.Zeros()((2, 3)), np.zeros((2, 3), "float32")),
        (initializers.Ones()((2,), "bool"), np.ones(2, "bool")),
        (initializers.Constant(7)((2, 2), "int32"), np.full((2, 2), 7, "int32")),
        (initializers.Constant(np.array([1.0, 2.0]))((2, 2)), np.array([[1, 2], [1, 2]], "float32")),
        (initializers.Identity(3.0)((2, 3)), 3 * np.eye(2, 3, dtype="float32")),
    ):
        assert ops.dtype(made) == str(expected.dtype)
        np.testing.assert_array_equal(ops.convert_to_numpy(made), expected)


@pytest.mark.parametrize("side", ["real", "imag"])
def test_stft_kernel_is_the_windowed_fourier_matrix(side):
    kernel = drawn(initializers.STFT(side, "hamming", "spectrum", periodic=True), (8, 1, 5), "float64")
    window = np.hamming(9)[:-1]
    fourier = np.fft.rfft(np.eye(8), axis=1)  # row t: the transform of a pulse at time t
    expected = window[:, None] * {"real": fourier.real, "imag": fourier.imag}[side] / window.sum()
    np.testing.assert_allclose(kernel[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize("cls", DRAWN, ids=lambda c: c.__name__)
def test_the_same_seed_gives_the_same_weights_on_every_backend(cls):
    values = []
    for name in ("jax", "torch", "numpy"):
        with cornu.use_backend(name):
            values.append(ops.convert_to_numpy(cls(seed=11)((6, 4))))
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


@pytest.mark.parametrize("cls", DRAWN, ids=lambda c: c.__name__)
def test_seeds(cls):
    assert (drawn(cls(seed=1)) == drawn(cls(seed=1))).all()
    assert (drawn(cls(seed=1)) != drawn(cls(seed=2))).any()
    whole, none, stream = cls(seed=1), cls(), cls(seed=SeedGenerator(1))
    first = drawn(whole)
    assert (drawn(whole) == first).all()
    assert (drawn(none) != drawn(none)).any()
    assert (drawn(stream) == first).all()
    assert (drawn(stream) != first).any()


def test_set_random_seed_governs_initializers_without_a_seed():
    def two():
        set_random_seed(8)
        initializer = initializers.GlorotUniform()
        return np.stack([drawn(initializer), drawn(initializer)])

    np.testing.assert_array_equal(two(), two())


def test_a_clone_without_a_seed_draws_other_values():
    seeded, free = initializers.HeNormal(seed=3), initializers.HeNormal()
    assert (drawn(seeded.clone()) == drawn(seeded)).all()
    assert free.clone().get_config() == free.get_config() == {"seed": None, "input_axes": None, "output_axes": None}
    assert (drawn(free.clone()) != drawn(free)).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floats_of_every_width(dtype):
    assert ops.dtype(drawn(initializers.HeNormal(seed=1), (3, 4), dtype)) == dtype


def test_without_a_dtype_floatx_counts():
    before = cornu.config.floatx()
    try:
        cornu.config.set_floatx("float16")
        for make in (initializers.HeNormal(seed=1), initializers.Zeros(), initializers.Identity()):
            assert ops.dtype(drawn(make)) == "float16"
    finally:
        cornu.config.set_floatx(before)


@pytest.mark.parametrize("name", INITIALIZERS.names())
def test_a_configuration_makes_an_equal_initializer(name):
    made = initializers.get(name)
    config = json.loads(json.dumps(initializers.serialize(made)))
    assert config["module"] == "keras.initializers"
    again = initializers.deserialize(config)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_a_seed_generator_is_written_and_read():
    made = initializers.RandomNormal(seed=SeedGenerator(3, name="source"))
    config = json.loads(json.dumps(initializers.serialize(made)))
    assert config["config"]["seed"]["config"] == {"seed": 3, "name": "source"}
    np.testing.assert_array_equal(drawn(initializers.deserialize(config)), drawn(made))


def test_get_takes_every_kind_of_identifier(backend):
    def sevens(shape, dtype=None):
        return ops.full(shape, 7, dtype)

    assert initializers.get(None) is None
    assert initializers.get(sevens) is sevens
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    made = initializers.HeNormal()
    assert initializers.get(made) is made
    assert isinstance(initializers.get({"class_name": "uniform", "config": {"seed": 1}}), initializers.RandomUniform)
    given = initializers.get(ops.convert_to_tensor([1.0, 2.0]))
    np.testing.assert_array_equal(ops.convert_to_numpy(given((2,))), [1, 2])
    assert initializers.serialize(given)["class_name"] == "Constant"
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(given))))
    np.testing.assert_array_equal(ops.convert_to_numpy(again((2,))), [1, 2])
    with pytest.raises(ShapeError, match=r"must have the weight's shape, \(3,\), got \(2,\)"):
        given((3,))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: initializers.get("glorot_unifrom"), UnknownNameError, "Did you mean 'GlorotUniform' or 'glorot_uniform'"),
        (lambda: initializers.get(3.0), ArgumentError, "must be a name"),
        (lambda: initializers.deserialize({"class_name": "Zeros", "config": 3}), ConfigError, "hold its arguments"),
        (lambda: initializers.Zeros(3), ArgumentError, "Zeros takes no arguments"),
        (lambda: initializers.Zeros()((2,), layout="x"), ArgumentError, "takes a shape and a dtype"),
        (lambda: initializers.RandomNormal(seed=1.5), ArgumentError, "seed must be a whole number"),
        (lambda: initializers.RandomNormal(seed=True), ArgumentError, "seed must be a whole number"),
        (lambda: initializers.RandomNormal()((2,), "int32"), DTypeError, "must be a float, got 'int32'"),
        (lambda: initializers.RandomNormal()((2, None)), ShapeError, "whole numbers"),
        (lambda: initializers.VarianceScaling(scale=0), ArgumentError, "scale must be above 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), ArgumentError, "mode must be"),
        (lambda: initializers.VarianceScaling(distribution="x"), ArgumentError, "distribution must be"),
        (lambda: initializers.Orthogonal()((3,)), ShapeError, "at least two axes"),
        (lambda: initializers.Identity()((3,)), ShapeError, "two axes"),
        (lambda: initializers.STFT()((8, 2, 5)), ShapeError, r"\(frame, 1, bins\)"),
        (lambda: initializers.STFT(window="kaiser"), ArgumentError, "window must be one of"),
        (lambda: initializers.STFT(window=np.ones(3))((8, 1, 5)), ShapeError, "one value for each of the 8 steps"),
    ],
)
def test_what_cannot_be_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
