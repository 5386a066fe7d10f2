"""Affine layers, poolings, shapes, activations and normalisations against the real Keras, given the same weights and the same inputs."""

import inspect
import json

import numpy as np
import pytest

pytestmark = pytest.mark.parity

from cornu import layers, ops, serialization, use_backend  # noqa: E402
from cornu.state import CompiledStep, Variable, value_and_grad  # noqa: E402
from tests.layers.cases import CORE_CASES, case  # noqa: E402

MORE = [
    case("UpSampling2D", (2, 3, 5, 2), size=(2, 3), interpolation="lanczos3"),
    case("UpSampling2D", (2, 3, 5, 2), size=2, interpolation="lanczos5"),
    case("BatchNormalization", (4, 5, 3), momentum=0.5, call={"training": True, "mask": np.arange(20).reshape(4, 5) % 3 > 0}),
    case("LayerNormalization", (2, 3), epsilon=0.1, scale=False),
    case("AveragePooling3D", (2, 5, 4, 3, 2), pool_size=(2, 3, 2), strides=(1, 2, 1), padding="same"),
]
NAMES = sorted({c.layer for c in CORE_CASES})


@pytest.mark.parametrize("name", NAMES)
def test_the_constructor_takes_the_same_arguments_with_the_same_defaults(keras, name):
    def arguments(cls):
        return [(p.name, p.kind, p.default) for p in list(inspect.signature(cls.__init__).parameters.values())[1:]]

    assert arguments(getattr(layers, name)) == arguments(getattr(keras.layers, name))


def pair(case, keras, shape):
    """Our layer and Keras's, with the same weights."""
    arguments = {k: keras.ops.square if v is ops.square else v for k, v in case.arguments.items()}
    ours, theirs = case.make(), getattr(keras.layers, case.layer)(**arguments)
    case.run(ours, [layers.Input(batch_shape=shape)])
    theirs.build(shape)
    values = [w + 0.25 * np.arange(w.size, dtype=w.dtype).reshape(w.shape) / max(w.size, 1) for w in ours.get_weights()]
    for layer in (ours, theirs):
        layer.set_weights([v.astype(w.dtype) for v, w in zip(values, ours.weights, strict=True)])
    if case.layer == "Normalization":
        theirs.finalize_state()
    return ours, theirs


def of_keras(case, layer, x, probe):
    """Outputs, gradients and the weights afterwards, by JAX's own transform of Keras's stateless call."""
    import jax

    def loss(weights, x):
        y, after = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], x, **case.call)
        return (y * probe).sum(), (y, after)

    (_, (y, after)), (by_weight, by_input) = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(
        [v.value for v in layer.trainable_variables], x
    )
    seeds = len(layer.non_trainable_variables) - len(layer.non_trainable_weights)
    return [np.asarray(v) for v in (y, *by_weight, by_input, *after[: len(after) - seeds])]


def of_ours(case, layer, x, probe):
    entered = Variable(x)

    def loss():
        y = case.run(layer, [entered.value])
        return ops.sum(ops.multiply(y, ops.convert_to_tensor(probe))), y

    def step():
        (_, y), gradients = value_and_grad(loss, [*layer.trainable_variables, entered])
        return y, gradients

    y, gradients = CompiledStep(step, lambda: [entered, *layer.variables])()
    return [ops.convert_to_numpy(v) for v in (y, *gradients)] + [w.numpy() for w in layer.non_trainable_weights]


@pytest.mark.parametrize("case", [*CORE_CASES, *MORE], ids=str)
def test_outputs_gradients_and_weights_are_those_of_keras(keras, case, rng):
    (x,) = case.inputs(rng)
    with use_backend("jax"):
        ours, theirs = pair(case, keras, x.shape)
        assert [(w.name, tuple(w.shape), w.trainable) for w in ours.weights] == [
            (w.name, tuple(w.shape), w.trainable) for w in theirs.weights
        ]
        probe = rng.standard_normal(theirs.compute_output_shape(x.shape)).astype("float32")
        for a, b in zip(of_ours(case, ours, x, probe), of_keras(case, theirs, x, probe), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def plain(config):
    """What a configuration says: without names, which are numbered, and without arguments that are None, which Keras may leave out."""
    if isinstance(config, dict) and config.get("class_name") == "DTypePolicy":
        return config["config"]["name"]
    if isinstance(config, dict):
        return {k: plain(v) for k, v in config.items() if k != "name" and v is not None}
    return [plain(v) for v in config] if isinstance(config, (list, tuple)) else config


@pytest.mark.parametrize("case", [c for c in CORE_CASES if "config" not in c.exempt], ids=str)
def test_keras_reads_our_configuration_and_writes_it_likewise(keras, case):
    ours = json.loads(json.dumps(serialization.serialize(case.make())))
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(keras.saving.deserialize_keras_object(ours))))
    again = json.loads(json.dumps(serialization.serialize(serialization.deserialize(theirs))))
    assert plain(theirs["config"]) == plain(ours["config"])
    assert plain(again["config"]) == plain(ours["config"])
    assert (theirs["module"], theirs["class_name"]) == (ours["module"], ours["class_name"])
