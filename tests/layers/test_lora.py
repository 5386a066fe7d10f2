"""Low-rank parts: what they add, what trains, what files hold."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, NotBuiltError
from cornu.ops import convert_to_numpy

MADE = {
    "dense": (lambda: layers.Dense(6), (5, 8)),
    "einsum": (lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="e"), (2, 5, 4)),
    "embedding": (lambda: layers.Embedding(7, 4), None),
}


def made(name, rng):
    make, shape = MADE[name]
    x = np.array([[1, 6]]) if shape is None else rng.normal(size=shape).astype("float32")
    layer = make()
    layer.build(x.shape)
    return layer, x


@pytest.mark.parametrize("name", MADE)
def test_the_sum_is_computed_and_merged(backend, rng, name):
    layer, x = made(name, rng)
    weight = layer.adaptable.name
    before, floats = convert_to_numpy(layer(x)), getattr(layer, weight).numpy()
    layer.enable_lora(2, lora_alpha=3)
    np.testing.assert_allclose(convert_to_numpy(layer(x)), before, rtol=1e-6)
    a, b = layer.adaptation.weights[weight].added.a, layer.adaptation.weights[weight].added.b
    b.assign(rng.normal(size=b.shape).astype("float32"))
    np.testing.assert_allclose(getattr(layer, weight).numpy(), floats + 1.5 * a.numpy() @ b.numpy(), rtol=1e-5, atol=1e-6)
    adapted = convert_to_numpy(layer(x))
    assert not np.allclose(adapted, before)
    layer.merge_lora()
    assert not layer.lora_enabled
    np.testing.assert_allclose(convert_to_numpy(layer(x)), adapted, rtol=1e-5, atol=1e-6)
    assert layer.trainable_weights[0].name == weight


@pytest.mark.parametrize("quantised", [False, True])
def test_only_the_parts_and_the_bias_train_and_files_hold_the_sum(trainable_backend, tmp_path, rng, quantised):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="d")])
    (layer,) = model.layers
    layer.enable_lora(2)
    if quantised:
        model.quantize("int8")
    frozen = [v.numpy() for v in model.non_trainable_weights]
    assert [v.name for v in model.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(32, 4)).astype("float32"), rng.normal(size=(32, 3)).astype("float32")
    losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for v, value in zip(model.non_trainable_weights, frozen, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-4, atol=0.05 if quantised else 1e-5)
    assert again.layers[0].lora_rank == 2


def test_what_does_not_fit_says_so():
    with pytest.raises(NotBuiltError, match="built"):
        layers.Dense(2).enable_lora(1)
    with pytest.raises(ArgumentError, match="ReLU"):
        layers.ReLU().enable_lora(1)
    layer = layers.Dense(2, lora_rank=1)
    layer.build((None, 3))
    with pytest.raises(ArgumentError, match="already"):
        layer.enable_lora(1)
    layer.merge_lora()
    with pytest.raises(ArgumentError, match="no low-rank"):
        layer.merge_lora()
