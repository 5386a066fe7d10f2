"""What dropout and noise do in training: by their definitions, on every backend."""

import json

import numpy as np
import pytest

from cornu import layers, models, ops, serialization
from cornu.dtypes import standardize
from cornu.errors import ArgumentError, ShapeError
from cornu.state import CompiledStep, SeedGenerator

ONES = np.ones((200, 50), "float32")


def run(layer, x, **more):
    return ops.convert_to_numpy(layer(x, training=True, **more))


def test_dropout_drops_its_share_and_scales_the_rest(backend):
    y = run(layers.Dropout(0.3, seed=1), ONES)
    assert set(np.unique(y).round(5)) == {0.0, np.float32(1 / 0.7).round(5)}
    assert (y == 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / y.size))


def test_outside_of_training_nothing_is_drawn(backend):
    layer = layers.Dropout(0.3, seed=1)
    assert ops.convert_to_numpy(layer(ONES)).tolist() == ONES.tolist()
    assert layer.seed_generator.state.numpy().tolist() == [1, 0]


def test_draws_differ_from_call_to_call_and_repeat_with_the_seed(backend):
    layer, again = layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=1)
    first, second = run(layer, ONES), run(layer, ONES)
    assert (first != second).any()
    assert (run(again, ONES) == first).all()
    assert (run(again, ONES) == second).all()


def test_a_seed_generator_serves_several_layers():
    source = SeedGenerator(1)
    one, other = layers.Dropout(0.5, seed=source), layers.Dropout(0.5, seed=source)
    assert (run(one, ONES) != run(other, ONES)).any()
    assert one.seed_generator is source


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (1, 20, 1), (30, 1, 1)])
def test_axes_of_length_one_share_a_draw(backend, noise_shape):
    y = run(layers.Dropout(0.5, noise_shape=noise_shape, seed=3), np.ones((30, 20, 10), "float32"))
    for axis, n in enumerate(noise_shape):
        if n == 1:
            assert (y == y.take([0], axis)).all()
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize(
    ("layer", "shape", "places"),
    [
        (layers.SpatialDropout1D(0.5, seed=1), (2, 5, 40), (1,)),
        (layers.SpatialDropout2D(0.5, seed=1), (2, 3, 4, 40), (1, 2)),
        (layers.SpatialDropout2D(0.5, "channels_first", seed=1), (2, 40, 3, 4), (2, 3)),
        (layers.SpatialDropout3D(0.5, seed=1), (2, 2, 3, 4, 40), (1, 2, 3)),
    ],
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_spatial_dropout_drops_whole_channels(layer, shape, places):
    y = run(layer, np.ones(shape, "float32"))
    assert (y.max(places) == y.min(places)).all()
    assert 0.2 < (y == 0).mean() < 0.8


def test_gaussian_noise_and_dropout_have_their_moments(backend):
    x = np.full((400, 50), 2.0, "float32")
    added = run(layers.GaussianNoise(0.5, seed=1), x)
    assert (added.mean(), added.std()) == pytest.approx((2.0, 0.5), abs=0.02)
    times = run(layers.GaussianDropout(0.2, seed=1), x)
    assert (times.mean(), times.std()) == pytest.approx((2.0, 2 * np.sqrt(0.2 / 0.8)), abs=0.04)


def test_alpha_dropout_keeps_mean_and_variance(backend, rng):
    x = rng.standard_normal((400, 200)).astype("float32")
    y = run(layers.AlphaDropout(0.3, seed=1), x)
    assert (y.mean(), y.std()) == pytest.approx((0.0, 1.0), abs=0.02)
    values, counts = np.unique(y, return_counts=True)
    assert counts.max() / y.size == pytest.approx(0.3, abs=0.01)  # those dropped have all one value
    saturated = -1.6732632423543772 * 1.0507009873554805
    scale = (0.7 + saturated**2 * 0.7 * 0.3) ** -0.5
    assert values[counts.argmax()] == pytest.approx(scale * saturated - scale * 0.3 * saturated, rel=1e-5)


def test_a_rate_of_zero_needs_no_seed():
    layer = layers.Dropout(0.0)
    assert layer.seed_generator is None
    assert run(layer, ONES).tolist() == ONES.tolist()


def test_compiled_steps_draw_anew_each_time(trainable_backend):
    layer = layers.Dropout(0.5, seed=1)
    step = CompiledStep(lambda x: layer(x, training=True), lambda: layer.variables)
    x = ops.convert_to_tensor(ONES)
    first, second = (ops.convert_to_numpy(step(x)) for _ in range(2))
    assert (first != second).any()
    assert (run(layers.Dropout(0.5, seed=1), ONES) == first).all()
    assert layer.seed_generator.state.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("name", ["Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"])
def test_noise_under_mixed_precision_stays_in_the_compute_dtype(trainable_backend, name):
    layer = getattr(layers, name)(0.5, seed=1, dtype="mixed_bfloat16")
    y = layer(ONES, training=True)
    assert standardize(y.dtype) == "bfloat16"
    assert np.asarray(ops.convert_to_numpy(y), "float32").std() > 0.4


def test_a_graph_with_dropout_always_on_draws_nothing_while_it_is_made():
    entered = layers.Input((512, 512, 64))
    layer = layers.Dropout(0.5, seed=1)
    model = models.Model(entered, layer(entered, training=True))
    assert layer.seed_generator.state.numpy().tolist() == [1, 0]
    assert model.output_shape == (None, 512, 512, 64)


def test_spatial_dropout_has_no_argument_that_keras_lacks():
    written = json.loads(json.dumps(serialization.serialize(layers.SpatialDropout2D(0.5, seed=2, name="s"))))
    assert set(written["config"]) == {"rate", "data_format", "seed", "name", "dtype"}
    assert serialization.deserialize(written).rate == 0.5


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2, "half", None])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ArgumentError, match="rate is the share"):
        layers.Dropout(rate)


def test_a_noise_shape_or_input_of_another_rank_is_refused():
    with pytest.raises(ArgumentError, match="noise_shape of 'd' must name each axis"):
        layers.Dropout(0.5, noise_shape=(1, 2, 3), name="d")(ONES, training=True)
    with pytest.raises(ShapeError, match="takes inputs with 3 axes"):
        layers.SpatialDropout1D(0.5)(ONES)
