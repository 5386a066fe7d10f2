"""Functions of JAX, and modules in the manner of Flax, as layers."""

import numpy as np
import pytest

import cornu
from cornu import interop, layers, models, ops, serialization, use_backend
from cornu.errors import ArgumentError, BackendError, ConfigError
from cornu.state import CompiledStep, value_and_grad

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def on_jax():
    with use_backend("jax"):
        yield


def affine(params, inputs):
    return inputs @ params["w"] + params["b"]


def first_affine(rng, inputs):
    return {"w": jax.random.normal(rng, (inputs.shape[-1], 3)), "b": jnp.zeros(3)}


def counting(params, state, inputs, training):
    return inputs * params, {"calls": state["calls"] + int(training)}


def test_it_computes_what_the_function_does_with_weights_that_it_made():
    layer, x = layers.JaxLayer(affine, first_affine, seed=1), np.arange(8, dtype="float32").reshape(2, 4)
    y = layer(x)
    b, w = layer.get_weights()
    assert [(v.name, tuple(v.shape), v.trainable) for v in layer.weights] == [("params", (3,), True), ("params", (4, 3), True)]
    np.testing.assert_allclose(y, x @ w + b, rtol=1e-5)
    assert np.std(w) > 0.1


def test_values_may_be_given():
    layer = layers.JaxLayer(affine, params={"w": jnp.ones((4, 2)), "b": jnp.ones(2)})
    assert layer(np.ones((1, 4), "float32")).tolist() == [[5.0, 5.0]]


def test_shapes_are_inferred_without_running_it():
    y = layers.JaxLayer(affine, first_affine)(layers.Input((4,)))
    assert (y.shape, y.dtype) == ((None, 3), "float32")


def test_gradients_go_through():
    layer, x = layers.JaxLayer(affine, first_affine), np.ones((2, 4), "float32")
    layer(x)
    step = CompiledStep(lambda x: value_and_grad(lambda: (ops.sum(layer(x)), None), layer.trainable_variables)[1], lambda: layer.variables)
    b, w = step(ops.convert_to_tensor(x))
    assert b.tolist() == [2, 2, 2]
    assert w.tolist() == [[2, 2, 2]] * 4


def test_state_changes_in_training_and_is_not_trained():
    layer = layers.JaxLayer(counting, params=jnp.asarray(2.0), state={"calls": jnp.asarray(0)})
    layer(np.ones((1, 2), "float32"), training=True)
    layer(np.ones((1, 2), "float32"))
    assert [(v.name, float(v.numpy()), v.trainable) for v in layer.weights] == [("params", 2.0, True), ("state", 1.0, False)]


def test_keys_come_in_training_only_and_differ():
    seen = []

    def noisy(params, rng, inputs, training):
        seen.append(None if rng is None else np.asarray(rng).tolist())
        return inputs + params

    layer = layers.JaxLayer(noisy, params=jnp.zeros(()), seed=3)
    for training in (False, True, True):
        layer(np.ones((1, 2), "float32"), training=training)
    assert seen[0] is None
    assert [len(key) for key in seen[1:]] == [2, 2]
    assert seen[1] != seen[2]


def test_a_model_with_it_learns():
    model = models.Sequential([layers.Input((4,)), layers.JaxLayer(affine, first_affine, seed=1)])
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = x @ np.arange(12, dtype="float32").reshape(4, 3)
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    history = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.01 * history[0]


def test_registered_functions_make_it_anew():
    layer = layers.JaxLayer(affine, first_affine, name="affine")
    with cornu.utils.CustomObjectScope({"affine": affine, "first_affine": first_affine}):
        again = layers.deserialize(layers.serialize(layer))
    assert (again.call_fn, again.init_fn, again.name) == (affine, first_affine, "affine")


def test_inferring_shapes_leaves_state_as_it_is_and_training_changes_it():
    layer = layers.FlaxLayer(Scaled())
    model = models.Sequential([layers.Input((2,)), layer])
    assert [w.numpy().tolist() for w in layer.weights] == [[2, 2], [0, 0]]
    model.compile(cornu.optimizers.SGD(0.0), "mse")
    model.fit(np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), np.zeros((2, 2)), epochs=1, verbose=0)
    assert [w.numpy().tolist() for w in layer.weights] == [[2, 2], [2, 3]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.JaxLayer(affine), "give init_fn, or the values"),
        (lambda: layers.JaxLayer(lambda params: params, params=1.0), "must take `inputs`"),
        (lambda: layers.JaxLayer(lambda inputs, other: inputs), "only arguments of the names"),
        (lambda: layers.JaxLayer(affine, lambda inputs, seed: inputs), "init_fn must take"),
        (lambda: layers.JaxLayer(affine, first_affine, native_serialization_platforms=["cpu"]), "leave it out"),
        (lambda: layers.FlaxLayer(object()), "pip install flax"),
    ],
)
def test_what_it_does_not_take_is_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_another_backend_is_refused():
    with use_backend("numpy"), pytest.raises(BackendError, match="set_backend"):
        layers.JaxLayer(affine, first_affine)


class Scaled:
    """A module in the manner of flax.linen: parameters, running statistics, dropout by a key."""

    def __call__(self, inputs, training=False):
        raise AssertionError("apply is called in its place")

    def init(self, rngs, inputs, training):
        assert set(rngs) == {"params", "dropout"}
        return {"params": {"scale": jnp.full(inputs.shape[-1:], 2.0)}, "batch_stats": {"mean": jnp.zeros(inputs.shape[-1:])}}

    def apply(self, variables, inputs, training, mutable=False, rngs=None):
        outputs = inputs * variables["params"]["scale"] - variables["batch_stats"]["mean"]
        if not mutable:
            return outputs
        assert set(rngs) == {"dropout"}
        return outputs, {"batch_stats": {"mean": jnp.mean(inputs, 0)}}


def test_a_module_of_flax_has_its_parameters_trained_and_its_statistics_kept():
    layer, x = layers.FlaxLayer(Scaled()), np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    assert layer(x).tolist() == [[2, 4], [6, 8]]
    layer(x, training=True)
    assert [(w.numpy().tolist(), w.trainable) for w in layer.weights] == [([2, 2], True), ([2, 3], False)]
    assert layer(x).tolist() == [[0, 1], [4, 5]]


def test_a_module_of_flax_with_variables_given():
    values = {"params": {"scale": jnp.ones(2)}, "batch_stats": {"mean": jnp.ones(2)}}
    assert layers.FlaxLayer(Scaled(), variables=values)(np.ones((1, 2), "float32")).tolist() == [[0, 0]]


def test_modules_are_no_configuration():
    with pytest.raises(ConfigError, match="save_weights"):
        serialization.serialize(layers.FlaxLayer(Scaled()))


def test_the_names_are_those_of_the_room():
    assert layers.JaxLayer is interop.JaxLayer
