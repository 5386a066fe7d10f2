"""Models and layers as functions of their variables' values; formulas by hand."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, NotBuiltError, ShapeError

X = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")


@pytest.fixture
def model(trainable_backend):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1, name="d"), layers.BatchNormalization(name="b")], name="m")
    model.compile(cornu.optimizers.SGD(0.1, name="sgd"), "mse", metrics=["mae"], run_eagerly=True)
    return model


def values(variables):
    return [v.numpy() for v in variables]


def test_a_layer_computes_with_the_values_given_and_keeps_its_own(backend):
    layer = layers.Dense(1, kernel_regularizer=cornu.regularizers.L2(0.5))
    with pytest.raises(NotBuiltError, match="build it first"):
        layer.stateless_call([], [], X)
    layer.build((None, 2))
    before = layer.get_weights()
    kernel, bias = np.array([[1.0], [-1.0]], "float32"), np.array([5.0], "float32")
    outputs, rest, losses = layer.stateless_call([kernel, bias], [], X, return_losses=True)
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(outputs), X @ kernel + bias, rtol=1e-6)
    assert rest == []
    np.testing.assert_allclose([float(x) for x in losses], [0.5 * 2], rtol=1e-6)
    for now, then in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    with pytest.raises(ArgumentError, match="each of the 2 variables, in their order, got 1"):
        layer.stateless_call([kernel], [], X)


def test_statistics_come_out_and_stay_as_they_were(model):
    trainable, rest = values(model.trainable_variables), values(model.non_trainable_variables)
    _, new = model.stateless_call(trainable, rest, X, training=True)
    dense = X @ trainable[0] + trainable[1]
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(new[0]), 0.01 * dense.mean(0), rtol=1e-4)
    for now, then in zip(values(model.non_trainable_variables), rest, strict=True):
        np.testing.assert_array_equal(now, then)


def test_loss_and_updates(model):
    y = np.ones((2, 1), "float32")
    model.evaluate(X, y, verbose=0)  # metrics make their variables when they know the shapes
    groups = [values(v) for v in (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)]
    scaled, (loss, y_pred, rest, metrics) = model.compute_loss_and_updates(*groups, X, y, None, training=False)
    expected = np.mean((cornu.ops.convert_to_numpy(y_pred) - y) ** 2)
    np.testing.assert_allclose([float(scaled), float(loss)], [expected] * 2, rtol=1e-5)
    assert (len(rest), len(metrics)) == (len(groups[1]), len(groups[2]))
    again, *_ = model.stateless_compute_loss(*groups, x=X, y=y, y_pred=y_pred, training=False)
    np.testing.assert_allclose(float(again), expected, rtol=1e-5)


def test_the_state_tree_holds_all_and_gives_all_back(model):
    model.fit(X, np.ones((2, 1)), verbose=0)
    tree = model.get_state_tree(value_format="numpy_array")
    assert set(tree) == {"trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"}
    assert {name: set(part) for name, part in tree["trainable_variables"].items()} == {"d": {"kernel", "bias"}, "b": {"gamma", "beta"}}
    kernel = model.get_layer("d").kernel
    before = kernel.numpy()
    model.fit(X, np.ones((2, 1)), verbose=0)
    assert not np.array_equal(kernel.numpy(), before)
    model.set_state_tree(tree)
    np.testing.assert_array_equal(kernel.numpy(), before)
    assert int(model.optimizer.iterations.numpy()) == 1


def test_a_state_tree_is_set_whole_or_not_at_all(model):
    tree = model.get_state_tree(value_format="numpy_array")
    before = model.get_weights()
    with pytest.raises(ArgumentError, match="value_format"):
        model.get_state_tree("pickle")
    with pytest.raises(ArgumentError, match="A state tree holds"):
        model.set_state_tree({**tree, "others": {}})
    node = tree["trainable_variables"]["d"]
    node["kernel"], node["bias"] = np.zeros((3, 3)), np.ones(1)
    with pytest.raises(ShapeError, match=r"has the shape \(2, 1\), got a value of shape \(3, 3\)"):
        model.set_state_tree({"trainable_variables": tree["trainable_variables"]})
    for text in (np.array([["a"], ["b"]]), [["a"], ["b"]], [[1.0], [2.0, 3.0]]):
        node["kernel"] = text  # "bias", which may be set first, stays as well
        for order in (["bias", "kernel"], ["kernel", "bias"]):
            with pytest.raises(ArgumentError, match="kernel' must be an array of numbers"):
                model.set_state_tree({"trainable_variables": {"d": {name: node[name] for name in order}}})
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_compiled_steps_are_handed_out(model):
    first = model.make_predict_function()
    assert model.make_predict_function() is first
    assert model.make_predict_function(force=True) is not first
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(model.make_predict_function()(X)), model.predict(X, verbose=0), rtol=1e-6)
    model.jax_state_sync()


def test_add_metric_says_where_metrics_go(model):
    with pytest.raises(ArgumentError, match="compile"):
        model.add_metric("mae")


def test_a_stateless_scope(backend):
    v, w = cornu.Variable(np.zeros(2, "float32")), cornu.Variable(1.0)
    with cornu.StatelessScope([(v, np.ones(2))], collect_losses=True) as scope:
        v.assign_add([1.0, 1.0])
        scope.add_loss(3.0)
        scope.add_update((w, 7.0))
        assert float(w.value) == 7.0
    assert cornu.ops.convert_to_numpy(scope.get_current_value(v)).tolist() == [2.0, 2.0]
    assert (v.numpy().tolist(), float(w.numpy()), scope.losses) == ([0.0, 0.0], 1.0, [3.0])
    assert cornu.StatelessScope().get_current_value(v) is None
    with pytest.raises(ArgumentError, match="collect_losses"):
        cornu.StatelessScope().add_loss(1.0)


def test_scopes_of_names_stand_in_paths(backend):
    with cornu.name_scope("outer"), cornu.name_scope("inner"):
        assert cornu.Variable(1.0, name="v").path == "outer/inner/v"
        dense = layers.Dense(1, name="d")
        dense.build((None, 1))
    assert dense.kernel.path == "outer/inner/d/kernel"
    assert cornu.Variable(1.0, name="v").path == "v"
    with pytest.raises(ArgumentError, match="without a slash"):
        cornu.name_scope("a/b")
    with pytest.raises(ArgumentError, match="a name alone"):
        cornu.name_scope("a", caller=None)
