"""Batch, layer, group and feature normalisations: formulas in NumPy, moving statistics, freezing, masks, adaptation."""

import json

import numpy as np
import pytest

from cornu import layers, ops, serialization
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.state import CompiledStep, Variable, value_and_grad


def numpy_of(x):
    return np.asarray(ops.convert_to_numpy(x), "float64")


def test_batch_statistics_and_what_follows_them(backend, rng):
    x = rng.normal(3, 2, (8, 5, 4)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.9, epsilon=0.01)
    y = numpy_of(layer(x, training=True))
    mean, variance = x.mean((0, 1)), x.var((0, 1))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 0.01), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * variance, rtol=1e-5)
    np.testing.assert_allclose(numpy_of(layer(x)), (x - 0.1 * mean) / np.sqrt(0.9 + 0.1 * variance + 0.01), rtol=1e-4, atol=1e-5)


def test_a_frozen_layer_uses_its_moving_statistics_and_leaves_them_alone(backend, rng):
    x = rng.normal(3, 2, (8, 4)).astype("float32")
    layer = layers.BatchNormalization(epsilon=0.0)
    layer.build((None, 4))
    layer.trainable = False
    np.testing.assert_allclose(numpy_of(layer(x, training=True)), x, rtol=1e-6)
    assert layer.moving_mean.numpy().tolist() == [0.0] * 4
    layer.trainable = True
    layer(x, training=True)
    assert (layer.moving_mean.numpy() != 0).all()
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]


def test_freezing_takes_effect_on_the_next_compiled_step(trainable_backend, rng):
    x = ops.convert_to_tensor(rng.normal(3, 2, (8, 4)).astype("float32"))
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    step = CompiledStep(lambda x: layer(x, training=True), lambda: layer.variables)
    step(x)
    before = layer.moving_mean.numpy()
    assert (before != 0).all()
    layer.trainable = False
    step(x)
    assert (layer.moving_mean.numpy() == before).all()


def test_masked_places_do_not_count_for_batch_statistics(backend, rng):
    x = rng.normal(3, 2, (4, 5, 3)).astype("float32")
    mask = rng.random((4, 5)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    y = numpy_of(layer(x, training=True, mask=mask))
    np.testing.assert_allclose(layer.moving_mean.numpy(), x[mask].mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x[mask].var(0), rtol=1e-5)
    np.testing.assert_allclose(y, (x - x[mask].mean(0)) / x[mask].std(0), rtol=1e-4, atol=1e-5)


def test_statistics_under_mixed_precision_are_those_of_float32(trainable_backend, rng):
    x = (1000 + rng.normal(0, 1, (64, 2))).astype("float16").astype("float32")
    for policy in ("mixed_float16", "mixed_bfloat16"):
        layer = layers.BatchNormalization(momentum=0.0, dtype=policy)
        layer(x, training=True)
        seen = numpy_of(ops.cast(x, layer.compute_dtype))
        assert layer.moving_mean.dtype == "float32"
        np.testing.assert_allclose(layer.moving_mean.numpy(), seen.mean(0), rtol=1e-6)
        np.testing.assert_allclose(layer.moving_variance.numpy(), seen.var(0), rtol=1e-4)


def test_what_batch_normalisation_does_not_offer_is_refused():
    for argument in ({"renorm": True}, {"renorm_clipping": {"rmax": 1}}):
        with pytest.raises(ArgumentError, match="no batch renormalisation"):
            layers.BatchNormalization(**argument)
    with pytest.raises(ArgumentError, match="momentum must be from 0 to 1"):
        layers.BatchNormalization(momentum=1.5)
    with pytest.raises(ShapeError, match="known lengths"):
        layers.BatchNormalization()(layers.Input((None,)))


def test_layer_normalisation_over_several_axes(backend, rng):
    x = rng.normal(3, 2, (4, 5, 3)).astype("float32")
    layer = layers.LayerNormalization(axis=[1, 2], epsilon=0.01)
    layer.build((None, 5, 3))
    gamma, beta = rng.normal(size=(2, 5, 3)).astype("float32")
    layer.set_weights([gamma, beta])
    wanted = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 0.01) * gamma + beta
    np.testing.assert_allclose(numpy_of(layer(x)), wanted, rtol=1e-4, atol=1e-5)


def test_the_older_rms_scaling_divides_by_the_deviation_and_is_kept_in_files(rng):
    x = rng.normal(3, 2, (4, 5)).astype("float32")
    layer = layers.LayerNormalization(rms_scaling=True, epsilon=0.0)
    np.testing.assert_allclose(numpy_of(layer(x)), x / x.std(-1, keepdims=True), rtol=1e-5)
    again = serialization.deserialize(json.loads(json.dumps(serialization.serialize(layer))))
    assert again.rms_scaling
    assert len(layer.weights) == 1


@pytest.mark.parametrize("groups", [1, 2, -1])
def test_group_normalisation_by_groups(backend, rng, groups):
    x = rng.normal(3, 2, (3, 5, 4)).astype("float32")
    split = np.stack(np.split(x, 4 if groups == -1 else groups, -1))  # (groups, batch, steps, channels of a group)
    wanted = (split - split.mean((2, 3), keepdims=True)) / np.sqrt(split.var((2, 3), keepdims=True) + 0.001)
    found = numpy_of(layers.GroupNormalization(groups)(x))
    np.testing.assert_allclose(found, np.concatenate(list(wanted), -1), rtol=1e-4, atol=1e-5)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ArgumentError, match="must divide the channels"):
        layers.GroupNormalization(3)(np.ones((2, 4)))
    with pytest.raises(ArgumentError, match="groups must be"):
        layers.GroupNormalization(0)


def test_zeros_of_unit_normalisation_stay_zeros_and_have_a_gradient(trainable_backend):
    layer, x = layers.UnitNormalization(), Variable(np.array([[0.0, 0.0], [3.0, 4.0]], "float32"))
    (_, y), (gradient,) = value_and_grad(lambda: (ops.sum(layer(x.value)), layer(x.value)), [x])
    np.testing.assert_allclose(numpy_of(y), [[0, 0], [0.6, 0.8]], rtol=1e-6)
    assert np.isfinite(numpy_of(gradient)).all()


def test_adapting_finds_mean_and_variance(backend, rng):
    x = rng.normal(3, 2, (100, 4)).astype("float32")
    layer = layers.Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(numpy_of(layer(x)), (x - x.mean(0)) / x.std(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(numpy_of(layer.mean), x.mean(0)[None], rtol=1e-5)
    np.testing.assert_allclose(numpy_of(layer.variance), x.var(0)[None], rtol=1e-5)
    back = layers.Normalization(mean=x.mean(0), variance=x.var(0), invert=True)
    np.testing.assert_allclose(numpy_of(back(layer(x))), x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("axis", "over"), [(-1, (0, 1)), (1, (0, 2)), ((1, 2), (0,)), (None, (0, 1, 2))])
def test_batches_one_by_one_give_what_all_together_give(rng, axis, over):
    x = rng.normal(1000, 2, (50, 3, 4))  # far from 0: the mean of squares less the square of the mean would lose all digits
    layer = layers.Normalization(axis=axis)
    layer.adapt(x[i : i + 7] for i in range(0, 50, 7))
    np.testing.assert_allclose(layer.adapt_mean.numpy(), x.mean(over), rtol=1e-6)
    np.testing.assert_allclose(layer.adapt_variance.numpy(), x.var(over), rtol=1e-5)
    layer.adapt(x[:10])  # what was found before is forgotten
    np.testing.assert_allclose(layer.adapt_variance.numpy(), x[:10].var(over), rtol=1e-5)
    layer.adapt(x, batch_size=5, steps=3)
    np.testing.assert_allclose(layer.adapt_mean.numpy(), x[:15].mean(over), rtol=1e-6)


def test_adapting_takes_lists_and_torch_batches():
    torch = pytest.importorskip("torch")
    layer = layers.Normalization(axis=None)
    layer.adapt([1.0, 2.0, 3.0])
    assert numpy_of(layer(np.array([1.0, 2.0, 3.0], "float32"))).tolist() == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    layer = layers.Normalization()
    layer.adapt(torch.utils.data.DataLoader(torch.arange(12.0).reshape(6, 2), batch_size=4))
    assert layer.adapt_mean.numpy().tolist() == [5.0, 6.0]


def test_what_cannot_be_adapted_to_is_refused():
    with pytest.raises(DataError, match="Leave the targets out"):
        layers.Normalization().adapt([(np.ones((2, 3)), np.ones(2))])
    with pytest.raises(DataError, match="at least one batch"):
        layers.Normalization().adapt(iter([]))
    with pytest.raises(ArgumentError, match="cannot adapt"):
        layers.Normalization(mean=1.0, variance=2.0).adapt(np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="Give both mean and variance"):
        layers.Normalization(mean=1.0)
    with pytest.raises(ArgumentError, match="Use axis=None"):
        layers.Normalization().adapt(np.ones(3))


def test_statistics_from_data_are_weights_and_given_ones_are_configuration(rng):
    x = rng.normal(3, 2, (100, 4)).astype("float32")
    layer = layers.Normalization()
    layer.adapt(x)
    written = json.loads(json.dumps(serialization.serialize(layer)))
    assert written["config"]["mean"] is None
    again = serialization.deserialize(written)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy_of(again(x)), numpy_of(layer(x)))
    assert layers.Normalization(mean=[1.0], variance=[2.0]).get_config()["variance"] == [2.0]


def test_rescaling_takes_whole_numbers(backend):
    pixels = np.array([[0, 255]], "uint8")
    assert numpy_of(layers.Rescaling(1 / 127.5, -1)(pixels))[0].tolist() == pytest.approx([-1, 1])
