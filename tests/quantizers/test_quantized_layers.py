"""Quantised layers and models: what is left of the numbers, of the files, of the gradients."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import cornu
from cornu import layers
from cornu.errors import ArgumentError, NotBuiltError
from cornu.ops import convert_to_numpy
from cornu.ops.derivatives import vjp
from cornu.quantizers import AbsMaxQuantizer, Int4QuantizationConfig, Int8QuantizationConfig


def run(layer, x, **kwargs):
    return convert_to_numpy(layer(x, **kwargs))


MADE = {
    "dense": (lambda: layers.Dense(6, activation="tanh"), (5, 8)),
    "dense over sequences": (lambda: layers.Dense(6, use_bias=False), (2, 5, 8)),
    "to heads": (lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), (2, 5, 4)),
    "from heads": (lambda: layers.EinsumDense("abcd,cde->abe", (None, 6), bias_axes="e"), (2, 5, 4, 3)),
    "by places": (lambda: layers.EinsumDense("abc,bcd->abd", (5, 6)), (2, 5, 4)),
    "further axes": (lambda: layers.EinsumDense("...x,xy->...y", (6,)), (2, 5, 4)),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("config", "levels"), [(Int8QuantizationConfig(), 127), (Int8QuantizationConfig(None, None), 127),
                                                (Int4QuantizationConfig(), 7), (Int4QuantizationConfig(block_size=-1), 7)])  # fmt: skip
def test_products_stay_near(backend, rng, name, config, levels):
    make, shape = MADE[name]
    if name == "by places" and levels == 7:
        pytest.skip("a kernel with places of its own has no blocks of inputs alone")
    layer, x = make(), rng.normal(size=shape).astype("float32")
    before = run(layer, x)
    kernel = np.array(layer.kernel)
    layer.quantize(config=config)
    after = run(layer, x)
    # a weight is off by half a step at most, an input too: both steps are a `levels`-th of the largest number; with a zero point,
    # which cannot leave the range, coarser
    summed = kernel.size / min(kernel.shape[-1], 6)
    assert np.abs(np.array(layer.kernel) - kernel).max() <= np.abs(kernel).max() / levels * 0.51 * (3 if levels == 7 else 1)
    assert np.abs(after - before).max() <= 2 * summed * np.abs(x).max() * np.abs(kernel).max() / levels
    assert after.dtype == before.dtype
    assert [v.dtype for v in layer.weights if v.name == "kernel"] == ["int8"]
    assert layer.quantization_mode == config.mode


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_building_and_calling_by_the_mode(backend, rng, mode):
    whole, layer, x = layers.Dense(6), layers.Dense(6), rng.normal(size=(5, 8)).astype("float32")
    whole(x)
    with pytest.raises(ArgumentError, match="is not quantised"):
        whole.quantized_call(x)
    layer.quantized_build((None, 8), mode)
    whole.quantize(mode)
    layer.set_weights(whole.get_weights())
    assert layer.quantization_mode == mode
    np.testing.assert_array_equal(convert_to_numpy(layer.quantized_call(x)), run(whole, x))


def test_the_int8_product_is_the_one_of_whole_numbers(backend, rng):
    layer, x = layers.Dense(3), rng.normal(size=(4, 5)).astype("float32")
    layer.build((None, 5))
    kernel = np.array(layer.kernel)
    layer.quantize("int8")
    by_column = 127 / (np.abs(kernel).max(0) + 1e-7)
    by_row = 127 / (np.abs(x).max(1, keepdims=True) + 1e-7)
    expected = (np.round(x * by_row).astype("int32") @ np.round(kernel * by_column).astype("int32")) / (by_row * by_column)
    np.testing.assert_allclose(run(layer, x), expected, rtol=1e-5)


@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("tied", [True, False])
def test_tables_stay_near_both_ways(backend, rng, mode, tied):
    layer, ids = layers.ReversibleEmbedding(7, 4, tie_weights=tied), np.array([[1, 6]])
    before = run(layer, ids)
    back = run(layer, before, reverse=True)
    layer.quantize(mode)
    step = 0.05 / (127 if mode == "int8" else 7)
    np.testing.assert_allclose(run(layer, ids), before, atol=step)
    np.testing.assert_allclose(run(layer, before, reverse=True), back, atol=4 * 0.05 * step)


def test_the_gradient_goes_through_as_that_of_the_floats(trainable_backend, rng):
    layer, x = layers.Dense(3), rng.normal(size=(4, 5)).astype("float32")
    layer.build((None, 5))
    layer.quantize("int8")
    _, pull = vjp(layer, x)
    (gradient,) = pull(np.ones((4, 3), "float32"))
    np.testing.assert_allclose(convert_to_numpy(gradient), np.ones((4, 3)) @ np.array(layer.kernel).T, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_a_quantised_model_is_saved_and_loaded(tmp_path, rng, mode):
    inputs = cornu.Input((3,), dtype="int32")
    x = layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="e")(layers.Embedding(11, 6)(inputs))
    model = cornu.Model(inputs, layers.Dense(2)(x))
    ids = rng.integers(0, 11, size=(2, 3))
    floats = model.predict(ids, verbose=0)
    model.quantize(mode)
    expected = model.predict(ids, verbose=0)
    assert np.abs(expected - floats).max() < 0.2
    assert not np.array_equal(expected, floats)
    for name in ("m.keras", "m.weights.h5"):
        if name == "m.keras":
            model.save(tmp_path / name)
            again = cornu.saving.load_model(tmp_path / name)
        else:
            model.save_weights(tmp_path / name)
            again = cornu.models.clone_model(model)
            again.load_weights(tmp_path / name)
        np.testing.assert_allclose(again.predict(ids, verbose=0), expected, rtol=1e-5, atol=1e-6)
        assert {v.dtype for v in again.weights} == {v.dtype for v in model.weights}


def test_what_cannot_be_quantised_says_so(rng):
    with pytest.raises(NotBuiltError, match="built"):
        layers.Dense(2).quantize("int8")
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ArgumentError, match="mode"):
        layer.quantize("int3")
    with pytest.raises(ArgumentError, match="neither"):
        layer.quantize()
    table = layers.Embedding(3, 2)
    table.build((None,))
    with pytest.raises(ArgumentError, match="mode of Dense"):
        table.quantize("float8")
    layer.quantize("int8")
    with pytest.raises(ArgumentError, match="already"):
        layer.quantize("int8")
    other = layers.ReLU()
    other.build((None, 3))
    with pytest.raises(ArgumentError, match="ReLU"):
        other.quantize("int8")
    with pytest.raises(ArgumentError, match="GPTQConfig"):
        cornu.Sequential([cornu.Input((3,)), layers.Dense(2)]).quantize("gptq")


def test_a_policy_quantises_when_the_layer_is_built(backend, rng):
    layer = layers.Dense(2, dtype="int4/2_from_float32")
    x = rng.normal(size=(1, 4)).astype("float32")
    np.testing.assert_allclose(run(layer, x), x @ np.array(layer.kernel), rtol=1e-5)
    assert [(v.name, v.shape) for v in layer.non_trainable_weights][:2] == [("kernel", (4, 1)), ("kernel_scale", (2, 2))]
    assert layer.get_config()["dtype"]["config"] == {"mode": "int4/2", "source_name": "float32"}


def test_filters_choose_layers():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3, name="body"), layers.Dense(2, name="head")])
    model.quantize(config=Int8QuantizationConfig(AbsMaxQuantizer(axis=0)), filters="^body")
    assert [layer.quantization_mode for layer in model.layers] == ["int8", None]


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


@pytest.mark.usefixtures("on_torch")
@pytest.mark.parametrize(("mode", "ratio"), [("int8", 0.30), ("int4", 0.22)])
def test_digits_lose_less_than_one_percent(tmp_path, digits, mode, ratio):
    x, y = digits
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input((64,)), layers.Dense(256, "relu"), layers.Dense(256, "relu"), layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:1300], y[:1300], epochs=15, batch_size=64, verbose=0)
    held = sum(v.numpy().nbytes for v in model.weights)
    before = model.evaluate(x[1300:], y[1300:], verbose=0)[1]
    model.quantize(mode)
    after = model.evaluate(x[1300:], y[1300:], verbose=0)[1]
    size = sum(v.numpy().nbytes for v in model.weights) / held
    print(f"{mode}: accuracy {before:.4f} -> {after:.4f}, size {size:.3f}")
    assert before > 0.9
    assert abs(after - before) <= 0.01
    assert size < ratio
