"""Trials that seek a setting: what they suggest, and that they leave nothing behind."""

import numpy as np
import pytest

import cornu
from cornu import layers, optimizers
from cornu.errors import ArgumentError, BackendError, CornuError
from cornu.training import search


def network(optimizer="adam", **settings):
    """With statistics, dropout and a running mean, so that much could be left changed."""
    cornu.utils.set_random_seed(4)
    model = cornu.Sequential(
        [cornu.Input((3,)), layers.Dense(6, "relu"), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=["mae"], **settings)
    return model


def state(model):
    return [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables, *model.metrics_variables)]


@pytest.fixture
def xy(rng):
    return rng.normal(size=(96, 3)).astype("float32"), rng.normal(size=(96, 1)).astype("float32")


def test_everything_is_as_before_bit_for_bit(trainable_backend, xy):
    model, plain = network(), network()
    for each in (model, plain):
        each.fit(*xy, epochs=1, verbose=0, shuffle=False)
    before = state(model)
    found = model.find_learning_rate(*xy, batch_size=16, steps=30)
    assert state(model) == before
    assert len(found.rates) == len(found.losses) >= 10
    assert found.rates[0] <= found.suggestion <= found.rates[-1]
    sizes = model.find_batch_size(*xy, smallest=16, largest=64)
    assert state(model) == before
    assert sizes.sizes == [16, 32, 64][: len(sizes.sizes)]
    assert sizes.suggestion in sizes.sizes
    for each in (model, plain):
        each.fit(*xy, epochs=2, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_rate_suggested_is_one_at_which_descent_converges(scale, rng):
    """The mean square of a linear map has the Hessian `2 XᵀX / n`; descent converges below 2 over its largest eigenvalue."""
    x = (scale * rng.normal(size=(64, 5))).astype("float32")
    y = x @ rng.normal(size=(5, 1)).astype("float32")
    limit = 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x)).max()
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    found = model.find_learning_rate(x, y, batch_size=64, lowest=limit * 1e-5, highest=limit * 100)
    assert limit / 300 < found.suggestion < limit
    assert found.rates[-1] > limit  # it went on until the loss left all bounds
    model.optimizer.learning_rate = found.suggestion
    assert model.fit(x, y, batch_size=64, epochs=60, verbose=0).history["loss"][-1] < 0.9 * model.evaluate(x, 0 * y, verbose=0)
    assert str(found).startswith("Learning rate ")


def test_a_step_that_is_not_finite_ends_the_trial(xy):
    model = network("sgd")
    found = model.find_learning_rate(*xy, lowest=1e-8, highest=1e30, steps=60)
    assert np.isfinite(found.losses).all()
    assert len(found.rates) < 60


REFUSED = [
    ({"lowest": 0.0}, "above 0"),
    ({"lowest": 1.0, "highest": 0.1}, "above 0"),
    ({"highest": np.inf}, "above 0"),
    ({"highest": "1"}, "above 0"),
    ({"steps": 5}, "at least 10"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_settings_that_cannot_be(settings, message, xy):
    with pytest.raises(ArgumentError, match=message):
        network().find_learning_rate(*xy, **settings)


def test_what_has_no_rate_to_seek_and_data_that_is_gone_once_read(xy):
    with pytest.raises(ArgumentError, match="has a schedule"):
        network(optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))).find_learning_rate(*xy)
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))
    with pytest.raises(ArgumentError, match="has a schedule"):
        network(optimizers.LossScaleOptimizer(scheduled)).find_learning_rate(*xy)
    with pytest.raises(ArgumentError, match="compiled without one"):
        network(None).find_learning_rate(*xy)
    with pytest.raises(ArgumentError, match="use up"):
        network().find_learning_rate(iter([xy] * 20))
    with pytest.raises(ArgumentError, match="Give arrays"):
        network().find_batch_size(iter([xy] * 20))
    with pytest.raises(ArgumentError, match="fewer rows"):
        network().find_batch_size(*xy, smallest=128)
    with pytest.raises(ArgumentError, match="in that order"):
        network().find_batch_size(*xy, smallest=128, largest=64)


class OwnStep(cornu.Model):
    """Its step gives an error, and no loss."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data
        (error, _), gradients = cornu.value_and_grad(lambda: (self.compute_loss(x, y, self(x)), None), self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"error": error}


def test_a_step_that_gives_no_loss_is_named(xy):
    model = OwnStep()
    model.compile("sgd", "mse")
    model.fit(*xy, verbose=0)
    before = state(model)
    with pytest.raises(ArgumentError, match=r"gives \['error'\]"):
        model.find_learning_rate(*xy)
    assert state(model) == before


def test_a_loss_that_explodes_at_once_says_where_to_begin(xy):
    model = network("sgd")
    before = [w.tobytes() for w in model.get_weights()]
    with pytest.raises(CornuError, match="Begin lower than 1e"):
        model.find_learning_rate(*xy, lowest=1e25, highest=1e30)
    assert [w.tobytes() for w in model.get_weights()] == before


def test_predicting_alone_cannot_be_timed_as_training(on_numpy, xy):
    with pytest.raises(BackendError, match="cannot train"):
        network().find_learning_rate(*xy)
    with pytest.raises(BackendError, match="cannot train"):
        network().find_batch_size(*xy)


def test_sizes_end_where_memory_does(xy, monkeypatch):
    def seconds(model, batch):
        if len(batch[0]) >= 64:
            model.layers[0].kernel.assign(np.zeros((3, 6)))  # as a step that broke off might leave it
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 7 bytes")
        return 0.1

    monkeypatch.setattr(search, "_seconds_a_step", seconds)
    model = network()
    model.fit(*xy, verbose=0)
    before = state(model)
    found = model.find_batch_size(*xy, smallest=16)
    assert (found.sizes, found.rows_per_second, found.suggestion, found.memory_ended_it) == ([16, 32], [160, 320], 32, True)
    assert str(found) == "Batches of 32 rows: 320 rows a second; 64 rows do not fit into memory."
    assert state(model) == before


def test_the_smallest_of_the_fast_sizes_is_suggested(xy, monkeypatch):
    speeds = {8: 100.0, 16: 190.0, 32: 198.0, 64: 197.0}
    monkeypatch.setattr(search, "_seconds_a_step", lambda model, batch: len(batch[0]) / speeds[len(batch[0])])
    found = network().find_batch_size(*xy)
    assert found.sizes == [8, 16, 32, 64]  # two doublings gained nothing
    assert found.suggestion == 16
    assert not found.memory_ended_it


def test_other_errors_pass(xy, monkeypatch):
    def broken(model, batch):
        raise RuntimeError("something else")

    monkeypatch.setattr(search, "_seconds_a_step", broken)
    with pytest.raises(RuntimeError, match="something else"):
        network().find_batch_size(*xy)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"), True),
        (ValueError("shapes differ"), False),
    ],
)
def test_how_frameworks_say_that_memory_is_short(error, expected):
    assert search.is_lack_of_memory(error) is expected


def test_a_stateful_layer_takes_no_other_size(trainable_backend, rng):
    """PyTorch's kernel would read and write beyond the states."""
    model = cornu.Sequential([cornu.Input((4, 3), batch_size=16), layers.LSTM(3, stateful=True), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(96, 4, 3)).astype("float32"), np.zeros((96, 1))
    model.fit(x, y, batch_size=16, verbose=0)
    before = state(model)
    with pytest.raises(CornuError, match="keeps states for 16 samples, got a batch of 32"):
        model.find_batch_size(x, y, smallest=16, largest=64)
    assert state(model) == before
