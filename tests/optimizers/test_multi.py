"""Several optimizers in one."""

import numpy as np
import pytest

import cornu
from cornu import layers, optimizers
from cornu.errors import ArgumentError


def network():
    cornu.utils.set_random_seed(3)
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "tanh", name="body"), layers.Dense(1, name="head")])


def test_each_part_goes_as_under_its_own_optimizer(trainable_backend, rng, tmp_path):
    x, y = rng.normal(size=(8, 4)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    mixed = network()
    chosen = optimizers.OptimizerMap(optimizers.SGD(0.1), {"head": optimizers.Adam(0.01)})
    mixed.compile(optimizers.MultiOptimizer(chosen), "mse")
    start = mixed.get_weights()
    mixed.fit(x, y, batch_size=8, verbose=0)
    for optimizer, part in ((optimizers.SGD(0.1), slice(0, 2)), (optimizers.Adam(0.01), slice(2, 4))):
        single = network()
        single.set_weights(start)
        single.compile(optimizer, "mse")
        single.fit(x, y, batch_size=8, verbose=0)
        for a, b in zip(mixed.get_weights()[part], single.get_weights()[part], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert [type(one).__name__ for one in mixed.optimizer.optimizers] == ["SGD", "Adam"]
    mixed.save(tmp_path / "m.keras")
    again = cornu.models.load_model(tmp_path / "m.keras")
    for _ in range(2):
        mixed.train_on_batch(x, y)
        again.train_on_batch(x, y)
    for a, b in zip(mixed.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


WRAPPED = {
    "by itself": lambda inner: inner,
    "among several": lambda inner: optimizers.MultiOptimizer(optimizers.OptimizerMap(inner)),
    "with a loss scale": lambda inner: optimizers.LossScaleOptimizer(inner, initial_scale=4.0),
    "both": lambda inner: optimizers.LossScaleOptimizer(optimizers.MultiOptimizer(lambda v: inner), initial_scale=4.0),
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_gathering_counts_samples_wherever_the_optimizer_stands(trainable_backend, rng, wrapped):
    """Batches of 8 and 3 gathered are one batch of 11."""
    x, y = rng.normal(size=(11, 4)).astype("float32"), rng.normal(size=(11, 1)).astype("float32")
    gathered, whole = network(), network()
    gathered.compile(wrapped(optimizers.SGD(0.1, gradient_accumulation_steps=2)), "mse")
    whole.compile(optimizers.SGD(0.1), "mse")
    for model, size in ((gathered, 8), (whole, 11)):
        model.fit(x, y, batch_size=size, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(gathered.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert gathered.optimizer.gradient_accumulation_steps == 2


def test_gathering_is_a_setting_of_the_optimizers_inside():
    for optimizer in (optimizers.MultiOptimizer(lambda v: optimizers.SGD()), optimizers.LossScaleOptimizer(optimizers.SGD())):
        assert optimizer.gradient_accumulation_steps is None
        with pytest.raises(AttributeError, match="gathers no gradients of its own, got 3"):
            optimizer.gradient_accumulation_steps = 3


def test_what_cannot_be():
    with pytest.raises(AttributeError, match="no learning rate of its own"):
        _ = optimizers.MultiOptimizer(lambda v: optimizers.SGD()).learning_rate
    with pytest.raises(ArgumentError, match="needs an Optimizer"):
        optimizers.OptimizerMap("sgd")
    with pytest.raises(ArgumentError, match="OptimizerMap or a function"):
        optimizers.MultiOptimizer(optimizers.SGD())
