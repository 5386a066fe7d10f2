"""Modules of PyTorch as layers."""

import numpy as np
import pytest

import cornu
from cornu import layers, models, serialization, use_backend
from cornu.errors import ArgumentError, BackendError, ConfigError

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def on_torch():
    with use_backend("torch"):
        yield


def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Tanh())


def test_it_computes_what_the_module_does_and_shows_its_weights():
    inner, x = module(), np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    layer = layers.TorchModuleWrapper(inner)
    y = layer(x).detach().numpy()
    np.testing.assert_allclose(y, inner.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-6)
    assert [(w.name, tuple(w.shape), w.trainable) for w in layer.weights] == [
        ("0.weight", (3, 4), True), ("0.bias", (3,), True), ("1.weight", (3,), True), ("1.bias", (3,), True),
        ("1.running_mean", (3,), False), ("1.running_var", (3,), False), ("1.num_batches_tracked", (), False),
    ]  # fmt: skip


def test_training_calls_change_buffers_as_the_module_does():
    inner, x = module(), np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    layer = layers.TorchModuleWrapper(module())
    y = layer(x, training=True).detach().numpy()
    np.testing.assert_allclose(y, inner.train()(torch.from_numpy(x)).detach().numpy(), rtol=1e-5)
    for w, b in zip(layer.non_trainable_weights, inner.buffers(), strict=True):
        np.testing.assert_allclose(w.numpy(), b.numpy(), rtol=1e-6)


def test_shapes_are_inferred_or_said():
    y = layers.TorchModuleWrapper(module())(layers.Input((4,)))
    assert (y.shape, y.dtype) == ((None, 3), "float32")
    assert layers.TorchModuleWrapper(module(), output_shape=(None, 7))(layers.Input((4,))).shape == (None, 7)


def test_a_model_with_it_learns_and_the_module_can_be_brought_up_to_date():
    inner = torch.nn.Linear(4, 3)
    before = inner.weight.detach().clone().numpy()
    model = models.Sequential([layers.Input((4,)), layers.TorchModuleWrapper(inner)])
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    history = model.fit(x, x @ np.arange(12, dtype="float32").reshape(4, 3), epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.01 * history[0]
    assert np.array_equal(inner.weight.detach().numpy(), before)
    model.layers[-1].sync_module()
    np.testing.assert_array_equal(inner.weight.detach().numpy(), model.get_weights()[0])


def test_what_it_does_not_take_is_named():
    with pytest.raises(ArgumentError, match=r"torch\.nn\.Module"):
        layers.TorchModuleWrapper(3)
    with use_backend("numpy"), pytest.raises(BackendError, match="set_backend"):
        layers.TorchModuleWrapper(module())
    with pytest.raises(ConfigError, match="save_weights"):
        serialization.serialize(layers.TorchModuleWrapper(module()))
