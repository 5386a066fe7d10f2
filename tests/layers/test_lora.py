"""Low-rank parts: what they add, what trains, what files hold."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, NotBuiltError
from cornu.ops import convert_to_numpy
from cornu.quantizers import AWQConfig, GPTQConfig

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
    weight = layer._adaptable_.name
    before, floats = convert_to_numpy(layer(x)), getattr(layer, weight).numpy()
    layer.enable_lora(2, lora_alpha=3)
    np.testing.assert_allclose(convert_to_numpy(layer(x)), before, rtol=1e-6)
    a, b = layer._adaptation_.weights[weight].added.a, layer._adaptation_.weights[weight].added.b
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


CONVOLUTIONS = {
    "over time": (lambda **given: layers.Conv1D(3, 2, padding="causal", **given), (2, 6, 4)),
    "of images": (lambda **given: layers.Conv2D(3, 2, strides=2, data_format="channels_last", **given), (2, 6, 6, 4)),
    "in groups": (lambda **given: layers.Conv2D(3, (2, 1), groups=3, **given), (2, 4, 4, 6)),
    "of volumes": (lambda **given: layers.Conv3D(3, 2, **given), (1, 3, 4, 3, 2)),
}


@pytest.mark.parametrize(("make", "shape"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions_take_low_rank_parts(backend, rng, make, shape):
    layer, x = make(), rng.normal(size=shape).astype("float32")
    before = convert_to_numpy(layer(x))
    kernel = layer.kernel.numpy()
    layer.enable_lora(2, lora_alpha=4)
    assert [(v.name, v.shape) for v in layer.trainable_weights] == [
        ("bias", (3,)), ("lora_kernel_a", (*kernel.shape[:-1], 2)), ("lora_kernel_b", (2, 3)),
    ]  # fmt: skip
    np.testing.assert_allclose(convert_to_numpy(layer(x)), before, rtol=1e-5, atol=1e-6)
    added = layer._adaptation_.weights["kernel"].added
    added.b.assign(rng.normal(size=added.b.shape).astype("float32"))
    expected = kernel + 2.0 * added.a.numpy() @ added.b.numpy()
    adapted = convert_to_numpy(layer(x))
    layer.merge_lora()
    np.testing.assert_allclose(layer.kernel.numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(convert_to_numpy(layer(x)), adapted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("make", "shape"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions_train_the_parts_alone_and_their_files_hold_the_sum(trainable_backend, tmp_path, rng, make, shape):
    model = cornu.Sequential([cornu.Input(shape[1:]), make(lora_rank=2, lora_alpha=5, name="c")])
    (layer,) = model.layers
    assert {name: value for name, value in layer.get_config().items() if "lora" in name} == {"lora_rank": 2, "lora_alpha": 5}
    assert not any("lora" in name or "quantization" in name for name in make().get_config())
    x = rng.normal(size=shape).astype("float32")
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    model.compile("sgd", "mse")
    model.fit(x, rng.normal(size=model.predict(x, verbose=0).shape), verbose=0)
    np.testing.assert_array_equal(layer._adaptation_.weights["kernel"].held.variables[0].numpy(), kernel)
    assert not np.array_equal(layer.kernel.numpy(), kernel)
    assert not np.array_equal(layer.bias.numpy(), bias)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(cornu.saving.load_model(tmp_path / "m.keras").predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def attention_model():
    inputs = cornu.Input((5, 8))
    attention = layers.MultiHeadAttention(2, 4, name="attention")
    return cornu.Model(inputs, layers.Dense(3)(attention(inputs, inputs))), attention


@pytest.mark.usefixtures("on_torch")
@pytest.mark.parametrize("mode", [None, "int8", "int4", "float8"])
def test_projections_of_attention_merged_and_saved_several_times(tmp_path, rng, mode):
    cornu.utils.set_random_seed(1)
    model, attention = attention_model()
    x, y = rng.normal(size=(16, 5, 8)).astype("float32"), rng.normal(size=(16, 5, 3)).astype("float32")
    if mode is not None:
        model.quantize(mode)
    for rank in (4, 2):
        attention.query_dense.enable_lora(rank, lora_alpha=2 * rank)
        attention.value_dense.enable_lora(rank)
        model.compile(cornu.optimizers.SGD(0.05), "mse")
        losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        expected = model.predict(x, verbose=0)
        model.save(tmp_path / "m.keras")
        attention.query_dense.merge_lora()
        attention.value_dense.merge_lora()
        model.compile("sgd", "mse")
        merged = model.predict(x, verbose=0)
        again = cornu.saving.load_model(tmp_path / "m.keras")
        tight = mode in (None, "float8")  # in whole numbers, the sum is rounded to them
        np.testing.assert_allclose(merged, expected, rtol=1e-4, atol=1e-5 if tight else 0.1 * np.abs(expected).max())
        if mode != "float8":  # whose scales go on from those of training either way
            np.testing.assert_allclose(again.predict(x, verbose=0), merged, rtol=1e-4, atol=1e-5)
        assert not attention.query_dense.lora_enabled


@pytest.mark.parametrize("mode", ["int8", "int4", "gptq", "awq"])
def test_low_rank_parts_beside_few_bits_train_alone_and_merge_to_the_nearest(trainable_backend, rng, mode):
    x, y = rng.normal(size=(32, 8)).astype("float32"), rng.normal(size=(32, 3)).astype("float32")
    configs = {"gptq": GPTQConfig(x, None, group_size=4), "awq": AWQConfig(x, None, group_size=4)}
    model = cornu.Sequential([cornu.Input((8,)), layers.Dense(3, use_bias=False)])
    model.quantize(mode if mode not in configs else None, config=configs.get(mode))
    (layer,) = model.layers
    layer.enable_lora(2, lora_alpha=1)
    whole = layer._adaptation_.weights["kernel"].held.variables[0]
    kept = whole.numpy()
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(whole.numpy(), kept)
    added = layer._adaptation_.weights["kernel"].added
    assert added.scale == 0.5
    exact = layer.kernel.numpy()
    layer.merge_lora()
    assert np.abs(layer.kernel.numpy() - exact).max() < 0.25 * np.abs(exact).max()
    assert whole.dtype in ("int8", "uint8")
    assert not layer.lora_enabled
