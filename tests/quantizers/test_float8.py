"""Products in floats of eight bits: what is computed, and how the scales follow."""

import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.ops import convert_to_numpy

MOST = {"e4m3": 448.0, "e5m2": 57344.0}
KINDS = {"e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2}


def left(x, scale, kind="e4m3"):
    """What is left of numbers that went through a float of eight bits."""
    most = MOST[kind]
    return np.clip(x / scale, -most, most).astype("float32").astype(KINDS[kind]).astype("float32") * scale


MADE = {
    "dense": (lambda: layers.Dense(6), (5, 8), "ab,bc->ac"),
    "einsum": (lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), (2, 5, 4), "abc,cde->abde"),
}


@pytest.mark.parametrize("name", MADE)
def test_inputs_and_kernel_are_rounded(backend, rng, name):
    make, shape, equation = MADE[name]
    layer, x = make(), rng.normal(size=shape).astype("float32")
    layer.build(shape)
    layer.quantize("float8")
    expected = np.einsum(equation, left(x, 1.0), left(layer.kernel.numpy(), 1.0))
    np.testing.assert_allclose(convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5)
    assert layer.quantization_mode == "float8"
    assert [v.name for v in layer.trainable_weights][-2:] == ["outputs_grad_scale", "outputs_grad_amax_history"]


def test_training_moves_the_scales_and_the_kernel(trainable_backend, rng):
    """Three steps of gradient descent written by hand: scales come from the histories of the steps before."""
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.normal(size=(16, 3)).astype("float32")
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
    (layer,) = model.layers
    kernel, bias = layer.kernel.numpy().astype("float64"), layer.bias.numpy().astype("float64")
    model.quantize("float8")
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    steps = 3
    model.fit(x, y, batch_size=16, epochs=steps, shuffle=False, verbose=0)
    scales, seen = {"inputs": 1.0, "kernel": 1.0, "outputs_grad": 1.0}, {"inputs": [], "kernel": [], "outputs_grad": []}
    for _ in range(steps):
        used = dict(scales)  # what the history asks for serves the next step
        for part, history in seen.items():
            scales[part] = max(history) / MOST["e5m2" if part == "outputs_grad" else "e4m3"] if history else 1.0
        rounded_x, rounded_kernel = left(x, used["inputs"]), left(kernel.astype("float32"), used["kernel"])
        upstream = 2 * (rounded_x @ rounded_kernel + bias - y) / y.size
        for part, values in (("inputs", x), ("kernel", kernel), ("outputs_grad", upstream)):
            seen[part].append(np.abs(values).max())
        down = left(upstream, used["outputs_grad"], "e5m2")
        kernel, bias = kernel - 0.1 * rounded_x.T @ down, bias - 0.1 * upstream.sum(0)
    found = {v.name: v.numpy() for v in layer.weights}
    for part, scale in scales.items():
        assert found[f"{part}_scale"] == pytest.approx(scale, rel=1e-4)
        assert found[f"{part}_amax_history"].shape == (1024,)
        assert found[f"{part}_amax_history"].max() == pytest.approx(max(seen[part]), rel=1e-3)
    np.testing.assert_allclose(found["kernel"], kernel, atol=2e-4)
    np.testing.assert_allclose(found["bias"], bias, atol=2e-4)


def test_only_training_moves_the_scales(rng):
    x = rng.normal(size=(16, 4)).astype("float32")
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
    model.quantize("float8")
    model.compile("sgd", "mse")
    before = [v.numpy() for v in model.weights]
    model.evaluate(x, x[:, :3], verbose=0)
    model.predict(x, verbose=0)
    for v, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)


def test_a_model_in_eight_bits_learns_and_is_saved(trainable_backend, tmp_path, rng):
    x = rng.normal(size=(64, 6)).astype("float32")
    y = np.tanh(x @ rng.normal(size=(6, 2))).astype("float32")
    cornu.utils.set_random_seed(1)
    model = cornu.Sequential([cornu.Input((6,)), layers.Dense(16, "tanh"), layers.Dense(2)])
    model.quantize("float8")
    model.compile(cornu.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert [v.name for v in again.layers[0].weights] == [v.name for v in model.layers[0].weights]
    assert again.fit(x, y, verbose=0).history["loss"][0] < losses[0]


def test_a_policy_says_how_far_back_scales_look():
    policy = cornu.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", amax_history_length=16)
    layer = layers.Dense(2, dtype=policy)
    layer.build((None, 3))
    assert {v.name: v.shape for v in layer.weights}["inputs_amax_history"] == (16,)
    assert layer.get_config()["dtype"]["config"]["amax_history_length"] == 16


def test_low_rank_parts_are_rounded_with_the_kernel(rng):
    layer, x = layers.Dense(3), rng.normal(size=(4, 5)).astype("float32")
    layer.build((None, 5))
    layer.quantize("float8")
    layer.enable_lora(2)
    b = layer._adaptation_.weights["kernel"].added.b
    b.assign(rng.normal(size=b.shape).astype("float32"))
    expected = left(x, 1.0) @ left(layer.kernel.numpy(), 1.0)
    np.testing.assert_allclose(convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5)
    layer.merge_lora()
    np.testing.assert_allclose(convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5)
    assert layer.quantization_mode == "float8"
