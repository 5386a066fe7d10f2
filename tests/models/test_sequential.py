"""Stacks: built now or later, from a shape, an Input or data; changed layer by layer."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, CornuError, NotBuiltError, ShapeError

X = np.ones((2, 3), "float32")


def dense(units, **kwargs):
    return layers.Dense(units, kernel_initializer="ones", **kwargs)


@pytest.mark.parametrize("how", ["Input", "input_shape", "input_dim", "build", "call", "predict", "fit"])
def test_the_graph_is_made_as_soon_as_the_shape_is_known(trainable_backend, how):
    first = dense(2, input_shape=(3,)) if how == "input_shape" else dense(2, input_dim=3) if how == "input_dim" else dense(2)
    model = cornu.Sequential([*([cornu.Input((3,))] if how == "Input" else []), first, layers.ReLU(), dense(1)])
    at_once = how in ("Input", "input_shape", "input_dim")
    assert model.built is at_once
    if how == "build":
        model.build((None, 3))
    elif how == "call":
        model(X)
    elif how == "predict":
        model.predict(X, verbose=0)
    elif how == "fit":
        model.compile(cornu.optimizers.SGD(0.0), "mse")
        model.fit(X, X[:, :1], verbose=0)
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 3), (None, 1))
    assert model.count_params() == 3 * 2 + 2 + 2 + 1
    assert model.predict(X, verbose=0).tolist() == [[6.0], [6.0]]
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "ReLU", "Dense"]


def test_before_the_shape_is_known_there_are_no_weights(backend):
    model = cornu.Sequential([dense(2), dense(1)])
    assert model.weights == []
    with pytest.raises(NotBuiltError, match="built"):
        model.count_params()
    with pytest.raises(NotBuiltError, match="built"):
        _ = model.output_shape


def test_layers_come_and_go(backend):
    model = cornu.Sequential([cornu.Input((3,))])
    model.add(dense(4))
    model.add(dense(2))
    assert ops.convert_to_numpy(model(X)).tolist() == [[12.0, 12.0]] * 2
    top = model.pop()
    assert top.units == 2
    assert ops.convert_to_numpy(model(X)).tolist() == [[3.0] * 4] * 2
    assert model.output_shape == (None, 4)
    model.add(dense(1))
    assert ops.convert_to_numpy(model(X)).tolist() == [[12.0]] * 2
    assert [layer.units for layer in model.layers] == [4, 1]


def test_popping_leaves_other_calls_of_the_layer(backend):
    model = cornu.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)])
    last, elsewhere = model.layers[-1], layers.Input((3,))
    other = cornu.Model(elsewhere, last(elsewhere))
    model.pop()
    assert model.output_shape == (None, 3)
    assert model(np.ones((1, 4), "float32")).shape == (1, 3)
    assert [node.result for node in last._inbound_nodes] == [other.outputs[0]]


def test_popping_and_adding_count_in_the_next_compiled_step(trainable_backend):
    model = cornu.Sequential([cornu.Input((3,)), dense(2), dense(5)])
    assert model.predict(X, verbose=0).shape == (2, 5)
    model.pop()
    assert model.predict(X, verbose=0).tolist() == [[3.0, 3.0]] * 2
    model.add(dense(1))
    assert model.predict(X, verbose=0).tolist() == [[6.0]] * 2


def test_layers_without_weights_count_in_the_next_compiled_step_too(trainable_backend):
    model = cornu.Sequential([cornu.Input((3,)), dense(2)])
    assert model.predict(-X, verbose=0).tolist() == [[-3.0, -3.0]] * 2
    model.add(layers.ReLU())
    assert model.predict(-X, verbose=0).tolist() == [[0.0, 0.0]] * 2
    model.pop()
    assert model.predict(-X, verbose=0).tolist() == [[-3.0, -3.0]] * 2


def test_popping_from_an_unbuilt_and_from_an_empty_stack(backend):
    model = cornu.Sequential([dense(2), dense(5)])
    assert model.pop().units == 5
    assert ops.convert_to_numpy(model(X)).tolist() == [[3.0, 3.0]] * 2
    model.pop()
    with pytest.raises(ArgumentError, match="no layer"):
        model.pop()


def test_what_does_not_belong_into_a_stack_is_refused(backend):
    model = cornu.Sequential([cornu.Input((3,)), dense(2, name="d")])
    with pytest.raises(ArgumentError, match="Lambda"):
        model.add(lambda x: x)
    with pytest.raises(ArgumentError, match="'d' is taken"):
        model.add(dense(2, name="d"))
    with pytest.raises(ArgumentError, match="comes first"):
        model.add(cornu.Input((3,)))
    with pytest.raises(ShapeError):
        model.add(layers.Conv2D(2, 3))
    assert [layer.name for layer in model.layers] == ["d"]
    assert ops.convert_to_numpy(model(X)).tolist() == [[3.0, 3.0]] * 2
    with pytest.raises(CornuError, match=r"no layers|add"):
        cornu.Sequential([]).build((None, 3))


def test_a_layer_with_several_outputs_ends_in_an_error():
    class Two(cornu.Layer):
        def call(self, inputs):
            return inputs, inputs

    with cornu.use_backend("numpy"), pytest.raises(ArgumentError, match="one output"):
        cornu.Sequential([cornu.Input((3,)), Two()])


def test_a_stack_inside_a_stack(backend):
    inner = cornu.Sequential([dense(2), layers.ReLU()])
    outer = cornu.Sequential([inner, dense(1)])
    assert ops.convert_to_numpy(outer(X)).tolist() == [[6.0]] * 2
    assert outer.count_params() == 8 + 3
    assert inner.input_shape == (None, 3)


def test_the_first_data_fixes_features_but_not_lengths(backend):
    model = cornu.Sequential([layers.Masking(), dense(2), layers.GlobalAveragePooling1D()])
    for batch, time in ((2, 5), (1, 3), (4, 5)):
        x = np.ones((batch, time, 3), "float32")
        x[:, time // 2 :] = 0
        assert ops.convert_to_numpy(model(x)).tolist() == [[3.0, 3.0]] * batch
        assert model.predict(x, verbose=0).tolist() == [[3.0, 3.0]] * batch
    with pytest.raises(ShapeError, match=r"\(None, None, 3\).*\(2, 5, 1\)"):
        model(np.ones((2, 5, 1), "float32"))
    assert model.input_shape == (None, 5, 3)


def test_where_weights_depend_on_a_length_another_one_is_refused(backend):
    model = cornu.Sequential([layers.Flatten(), dense(1)])
    assert model.predict(np.ones((2, 5, 3), "float32"), verbose=0).tolist() == [[15.0]] * 2
    with pytest.raises(ShapeError):
        model(np.ones((2, 4, 3), "float32"))


def test_an_input_that_names_its_lengths_takes_no_others(backend):
    model = cornu.Sequential([cornu.Input((5, 3)), layers.GlobalAveragePooling1D()])
    with pytest.raises(ShapeError, match=r"\(None, 5, 3\).*\(2, 4, 3\)"):
        model(np.ones((2, 4, 3), "float32"))


def test_ids_stay_whole_numbers(backend):
    model = cornu.Sequential([layers.Embedding(5, 2), layers.GlobalAveragePooling1D(), dense(1)])
    y = model.predict(np.array([[0, 4, 2], [1, 1, 3]]), verbose=0)
    table = model.layers[0].get_weights()[0]
    np.testing.assert_allclose(y[:, 0], [table[[0, 4, 2]].mean(0).sum(), table[[1, 1, 3]].mean(0).sum()], rtol=1e-4, atol=1e-6)


def test_freezing_layers_before_and_after_building(trainable_backend):
    model = cornu.Sequential([dense(2), dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.train_on_batch(X, X[:, :1])
    assert [v.trainable for v in model.weights] == [False, False, True, True]
    assert model.get_weights()[0].tolist() == np.ones((3, 2)).tolist()
    assert model.get_weights()[2].tolist() != np.ones((2, 1)).tolist()


def test_a_class_in_place_of_a_layer_is_told():
    with pytest.raises(ArgumentError, match=r"Write `Flatten\(…\)`"):
        cornu.Sequential([cornu.Input((3,)), layers.Flatten])
