"""GPTQ and AWQ: the algorithms against others written by hand, the error on the inputs, whole models."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.ops import convert_to_numpy
from cornu.quantizers import AWQConfig, GPTQConfig
from cornu.quantizers.awq import product_error, round_by_awq
from cornu.quantizers.calibration_data import calibration_samples
from cornu.quantizers.gptq import round_by_gptq
from cornu.quantizers.groups import Moments, round_plainly


def inputs_of(rng, rows=200, length=16):
    """Inputs that go together, some of them large."""
    return (rng.normal(size=(rows, 4)) @ rng.normal(size=(4, length)) + 0.3 * rng.normal(size=(rows, length))) * (
        1 + 5 * (np.arange(length) % 5 == 0)
    )


def moments_of(x):
    moments = Moments(x.shape[1])
    moments.add(x)
    return moments


def gptq_by_hand(w, x, bits, group, symmetric=False, per_channel=True, order=None, damping=0.01):
    """Optimal Brain Quantisation in a given order: the inverse Hessian of the rows that remain is found afresh for each row."""
    w, n = w.copy(), len(w)
    h = 2 * x.T @ x / len(x)
    h += damping * np.mean(np.diag(h)) * np.eye(n)
    order = list(range(n)) if order is None else list(order)
    whole, dequantised, most = np.zeros_like(w), np.zeros_like(w), 2**bits - 1
    for place, i in enumerate(order):
        if place % group == 0:
            part = w[order[place : place + group]]
            low, high = np.minimum(part.min(0), 0), np.maximum(part.max(0), 0)
            if not per_channel:
                low, high = low.min() * np.ones_like(low), high.max() * np.ones_like(high)
            if symmetric:
                high = np.maximum(-low, high)
                low = -high
            scale = (high - low) / most
            zero = np.full_like(scale, (most + 1) / 2) if symmetric else np.round(-low / scale)
        whole[i] = np.clip(np.round(w[i] / scale) + zero, 0, most)
        dequantised[i] = (whole[i] - zero) * scale
        left = order[place:]
        inverse = np.linalg.inv(h[np.ix_(left, left)])
        w[left] -= np.outer(inverse[:, 0] / inverse[0, 0], w[i] - dequantised[i])
    return whole, dequantised


@pytest.mark.parametrize(
    "options",
    [
        {"weight_bits": 4, "group_size": -1},
        {"weight_bits": 3, "group_size": 4},
        {"weight_bits": 2, "group_size": 8, "symmetric": True},
        {"weight_bits": 8, "group_size": 5, "per_channel": False},
        {"weight_bits": 4, "group_size": 4, "activation_order": True},
        {"weight_bits": 4, "hessian_damping": 0.1},
    ],
)
def test_gptq_is_the_algorithm_written_by_hand(rng, options):
    x, w = inputs_of(rng, length=11), rng.normal(size=(11, 5))
    config = GPTQConfig(None, None, **options)
    found = round_by_gptq(w, moments_of(x).hessian, config)
    order = np.argsort(-np.sum(x**2, 0), kind="stable") if config.activation_order else None
    group = 11 if config.group_size in (-1, 128) else config.group_size
    whole, dequantised = gptq_by_hand(w, x, config.weight_bits, group, config.symmetric, config.per_channel, order, config.hessian_damping)
    np.testing.assert_array_equal(found.whole, whole)
    np.testing.assert_allclose(found.floats(), dequantised, rtol=1e-9, atol=1e-12)


def test_inputs_that_never_come_have_no_weights(rng):
    x, w = inputs_of(rng), rng.normal(size=(16, 3))
    x[:, 5] = 0
    found = round_by_gptq(w, moments_of(x).hessian, GPTQConfig(None, None, group_size=4))
    np.testing.assert_allclose(found.floats()[5], 0, atol=1e-12)


def awq_by_hand(w, x, group, points):
    """Each power is tried on the inputs themselves."""
    best = None
    for i in range(points):
        s = np.maximum(np.abs(x).mean(0) ** (i / points), 1e-4)
        s /= np.sqrt(s.max() * s.min())
        found = np.empty_like(w)
        for start in range(0, len(w), group):
            part = (w * s[:, None])[start : start + group]
            low, high = np.minimum(part.min(0), 0), np.maximum(part.max(0), 0)
            scale = (high - low) / 15
            zero = np.round(-low / scale)
            found[start : start + group] = (np.clip(np.round(part / scale) + zero, 0, 15) - zero) * scale
        found /= s[:, None]
        error = np.sum((x @ (found - w)) ** 2)
        if best is None or error < best[0]:
            best = error, s, found
    return best


@pytest.mark.parametrize("group", [4, 16])
def test_awq_is_the_search_written_by_hand(rng, group):
    x, w = inputs_of(rng), rng.normal(size=(16, 6))
    error, favour, floats = awq_by_hand(w, x, group, 20)
    found = round_by_awq(w, moments_of(x), AWQConfig(None, None, group_size=group))
    np.testing.assert_allclose(found.favour, favour, rtol=1e-12)
    np.testing.assert_allclose(found.floats(), floats, rtol=1e-9)
    assert product_error(found.floats() - w, moments_of(x)) == pytest.approx(error)


def test_both_err_less_on_the_inputs_than_plain_rounding(rng):
    x, w = inputs_of(rng, length=32), rng.normal(size=(32, 24))
    for bits, group in ((4, -1), (4, 8), (3, 16), (2, 16)):
        plain = np.sum((x @ (round_plainly(w, bits, group).floats() - w)) ** 2)
        gptq = round_by_gptq(w, moments_of(x).hessian, GPTQConfig(None, None, weight_bits=bits, group_size=group))
        assert np.sum((x @ (gptq.floats() - w)) ** 2) < 0.5 * plain
        if bits == 4:
            awq = round_by_awq(w, moments_of(x), AWQConfig(None, None, group_size=group))
            assert np.sum((x @ (awq.floats() - w)) ** 2) < 0.9 * plain


# --- layers and models ------------------------------------------------------------------------------------------------

CONFIGS = {
    "gptq": lambda data, **more: GPTQConfig(data, None, group_size=4, **more),
    "gptq of 3 bits in order": lambda data, **more: GPTQConfig(data, None, weight_bits=3, group_size=8, activation_order=True, **more),
    "awq": lambda data, **more: AWQConfig(data, None, group_size=4, **more),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_layer_computes_with_what_was_found(backend, rng, name):
    x = inputs_of(rng, 64).astype("float32")
    layer = layers.Dense(5, activation="tanh")
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=5).astype("float32"))
    kernel = layer.kernel.numpy()
    config = CONFIGS[name](x)
    layer.quantize(config=config)
    rounding = round_by_awq(kernel, moments_of(x), config) if name == "awq" else round_by_gptq(kernel, moments_of(x).hessian, config)
    expected = np.tanh(x @ rounding.floats() + layer.bias.numpy())
    np.testing.assert_allclose(convert_to_numpy(layer(x)), expected, rtol=1e-3, atol=1e-4)
    assert layer.quantization_mode == config.mode
    assert [v.name for v in layer.trainable_weights] == ["bias"]
    assert {v.dtype for v in layer.non_trainable_weights} == {"uint8", "float32"}


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("mode", ["gptq", "awq"])
def test_kernels_of_more_axes(rng, mode):
    x = rng.normal(size=(6, 5, 4, 3)).astype("float32") * np.array([1, 2, 8], "float32")
    layer = layers.EinsumDense("abcd,dce->abe", (None, 6))  # the kernel's order of summed axes is another than the inputs'
    before = convert_to_numpy(layer(x))
    layer.quantize(config=CONFIGS[mode](x))
    assert np.abs(convert_to_numpy(layer(x)) - before).mean() < 0.15 * np.abs(before).mean()
    other = layers.EinsumDense("abc,bcd->abd", (5, 6))
    other.build((None, 5, 4))
    with pytest.raises(ArgumentError, match="share"):
        other.quantize(config=CONFIGS[mode](x[:, :, 0]))
    wrong = layers.Dense(2)
    wrong.build((None, 3))
    with pytest.raises(ShapeError, match="axes"):
        wrong.quantize(config=CONFIGS[mode](x))


class Block(layers.Layer):
    """A residual block, as transformers have it."""

    def __init__(self, width=8, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.attention = layers.MultiHeadAttention(2, 4, dtype=self.dtype_policy, name="attention")
        self.wide = layers.Dense(2 * width, "relu", dtype=self.dtype_policy, name="wide")
        self.narrow = layers.Dense(width, dtype=self.dtype_policy, name="narrow")

    def call(self, x):
        x = x + self.attention(x, x)
        return x + self.narrow(self.wide(x))


cornu.saving.register_keras_serializable("tests")(Block)


def transformer():
    inputs = cornu.Input((6,), dtype="int32")
    embedding, blocks = layers.Embedding(20, 8, name="embedding"), [Block(name="first"), Block(name="second")]
    x = embedding(inputs)
    for block in blocks:
        x = block(x)
    model = cornu.Model(inputs, layers.Dense(3, name="head")(x))
    return model, {"pre_block_layers": [embedding], "sequential_blocks": blocks}


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("name", ["gptq", "awq"])
def test_blocks_of_a_transformer(tmp_path, rng, name):
    cornu.utils.set_random_seed(0)
    model, structure = transformer()
    ids = rng.integers(0, 20, (40, 6))
    before = model.predict(ids, verbose=0)
    model.quantize(config=CONFIGS[name](ids, quantization_layer_structure=structure))
    after = model.predict(ids, verbose=0)
    assert 0 < np.abs(after - before).mean() < 0.1 * np.abs(before).mean()
    modes = {
        layer.name: layer.quantization_mode
        for layer in (*structure["sequential_blocks"][0].attention._layers_within_(), model.get_layer("head"))
    }
    assert {n for n, mode in modes.items() if mode} == {"query", "key", "value", "attention_output"}  # the head is in no block
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(ids, verbose=0), after, rtol=1e-5, atol=1e-6)
    again.save(tmp_path / "n.keras")
    np.testing.assert_allclose(cornu.saving.load_model(tmp_path / "n.keras").predict(ids, verbose=0), after, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("on_numpy")
def test_a_later_block_is_found_on_what_earlier_ones_give(rng):
    """The second layer's whole numbers are those for the outputs of the quantised first."""
    x = inputs_of(rng, 100).astype("float32")
    model = cornu.Sequential([cornu.Input((16,)), layers.Dense(8, "relu"), layers.Dense(3)])
    kernel = model.layers[1].kernel.numpy()
    model.quantize(config=CONFIGS["gptq of 3 bits in order"](x))
    seen = convert_to_numpy(model.layers[0](x))
    expected = round_by_gptq(kernel, moments_of(seen).hessian, model.layers[1].quantization_config)
    np.testing.assert_allclose(model.layers[1].kernel.numpy(), expected.floats(), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("on_numpy")
def test_a_class_says_its_own_blocks_and_filters_choose_among_them(rng):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(4, name="first"), layers.Dense(4, name="second")

        def call(self, x):
            return self.second(self.first(x))

        def get_quantization_layer_structure(self, mode=None):
            return {"pre_block_layers": [], "sequential_blocks": [self.first, self.second]}

    x = rng.normal(size=(20, 3)).astype("float32")
    model = Own()
    model(x)
    model.quantize(config=AWQConfig(x, None), filters="^second")
    assert [model.first.quantization_mode, model.second.quantization_mode] == [None, "awq"]
    inputs = cornu.Input((3,))
    branched = cornu.Model(inputs, layers.Dense(2)(inputs) + layers.Dense(2)(inputs))
    with pytest.raises(ArgumentError, match="pre_block_layers"):
        branched.quantize(config=AWQConfig(x, None))
    assert branched.get_quantization_layer_structure("awq") is None


@pytest.mark.usefixtures("on_numpy")
def test_files_say_how_many_columns_there_were_before_packing(tmp_path, rng):
    made = {"abc,cde->abde": ((None, 2, 3), "de", 6), "abcd,cde->abe": ((None, 7), "e", 7)}
    for equation, (outputs, bias, columns) in made.items():
        shape = (5, 4) if equation.startswith("abc,") else (5, 2, 2)
        layer = layers.EinsumDense(equation, outputs, bias_axes=bias)
        model = cornu.Sequential([cornu.Input(shape), layer])
        assert "gptq_unpacked_column_size" not in layer.get_config()
        x = rng.normal(size=(3, *shape)).astype("float32")
        layer.quantize(config=GPTQConfig(x, None, group_size=2))
        assert layer.get_config()["gptq_unpacked_column_size"] == columns
        model.save(tmp_path / "m.keras")
        again = cornu.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    wrong = layers.EinsumDense("ab,bc->ac", 6, gptq_unpacked_column_size=5)
    with pytest.raises(ShapeError, match=r"6 numbers.*gptq_unpacked_column_size=5"):
        wrong.build((None, 3))


def test_what_the_data_may_be(rng):
    def samples(data, tokenizer=None, **more):
        return calibration_samples(GPTQConfig(data, tokenizer, **{"num_samples": 3, "sequence_length": 4, **more}))

    x = rng.normal(size=(5, 2))
    np.testing.assert_array_equal(samples(x), x[:3])
    np.testing.assert_array_equal(samples([x[:2], x[2:4], x[4:]]), x[:3])
    np.testing.assert_array_equal(samples(iter([(x[:2], "targets"), (x[2:], "targets")])), x[:3])

    class Tokenizer:
        def tokenize(self, text):
            return np.array([ord(c) - 97 for c in text])

    for tokenizer in (Tokenizer(), Tokenizer().tokenize):
        np.testing.assert_array_equal(samples(["abcde", "fgh"], tokenizer), [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]])
    np.testing.assert_array_equal(samples([np.arange(3), np.arange(3, 5)], num_samples=9), [[0, 1, 2, 3], [1, 2, 3, 4]])
    with pytest.raises(ArgumentError, match="tokenizer"):
        samples(["abc"])
    with pytest.raises(DataError, match="4 tokens"):
        samples(["abc"], Tokenizer())
    with pytest.raises(ArgumentError, match="empty"):
        samples([])
    with pytest.raises(ArgumentError, match="None"):
        samples(None)
    with pytest.raises(DataError, match="one shape"):
        samples([x[:1], x[1:, :1]])
    with pytest.raises(ArgumentError, match="dict"):
        samples({"a": x})
