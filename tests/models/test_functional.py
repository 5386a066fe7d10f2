"""Models made from graphs: several inputs and outputs, sharing, nesting, starting in the middle, and what is refused."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, CornuError, DataError, ShapeError


@pytest.fixture(autouse=True)
def _on_numpy(request):
    """Structure does not depend on the backend; tests of numbers that do take the `backend` fixture."""
    if {"backend", "trainable_backend"} & set(request.fixturenames):
        yield
        return
    with cornu.use_backend("numpy"):
        yield


def ones(*shape):
    return np.ones(shape, "float32")


def dense(units, **kwargs):
    return layers.Dense(units, kernel_initializer="ones", **kwargs)


def two_by_two():
    a, b = cornu.Input((2,), name="a"), cornu.Input((3,), name="b")
    joined = layers.Concatenate()([dense(2)(a), b])
    return cornu.Model([a, b], [dense(1, name="sum")(joined), layers.Dense(2, kernel_initializer="zeros", name="zero")(joined)])


# --- inputs and outputs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [lambda a, b: [a, b], lambda a, b: (a, b), lambda a, b: {"a": a, "b": b}, lambda a, b: {"b": b, "a": a, "unused": b}],
    ids=["list", "tuple", "dict", "dict with more"],
)
def test_inputs_come_in_a_list_or_by_name(backend, given):
    first, second = two_by_two().predict(given(ones(4, 2), 2 * ones(4, 3)), verbose=0)
    assert first.tolist() == [[2 * 2 + 3 * 2.0]] * 4
    assert second.tolist() == [[0.0, 0.0]] * 4


def test_nested_structures_of_inputs_and_outputs(backend):
    p, q, r = (cornu.Input((2,), name=n) for n in "pqr")
    model = cornu.Model({"one": p, "more": [q, {"deep": r}]}, {"sum": p + q, "rest": (r * 2, [q])})
    found = model({"one": ones(1, 2), "more": [2 * ones(1, 2), {"deep": 3 * ones(1, 2)}]})
    assert sorted(found) == ["rest", "sum"]
    numbers = [ops.convert_to_numpy(x)[0, 0] for x in (found["sum"], found["rest"][0], found["rest"][1][0])]
    assert numbers == [3.0, 6.0, 2.0]
    assert model.output_shape == [(None, 2)] * 3  # a flat list, as in Keras


def test_one_shape_stands_by_itself_however_it_is_nested():
    a = cornu.Input((3,), name="a")
    b = dense(2)(a)
    for model in (cornu.Model([a], [b]), cornu.Model({"a": a}, {"b": b}), cornu.Model((a,), b)):
        assert (model.input_shape, model.output_shape) == ((None, 3), (None, 2))
    assert cornu.Model(a, {"q": b, "p": a}).output_shape == [(None, 3), (None, 2)]  # by the keys, as in Keras


def test_layers_stand_by_their_distance_from_the_outputs_inputs_too():
    a, b, spare = (cornu.Input((2,), name=n) for n in ("a", "b", "spare"))
    deep = dense(2, name="second")(dense(2, name="first")(a))
    joined = layers.Add(name="sum")([deep, b])
    assert [layer.name for layer in cornu.Model([b, a], joined).layers] == ["a", "first", "second", "b", "sum"]  # as in Keras
    assert [layer.name for layer in cornu.Model([a, b, spare], joined).layers] == ["a", "first", "second", "b", "spare", "sum"]


def test_names_are_those_of_inputs_and_last_layers():
    model = two_by_two()
    assert (model.input_names, model.output_names) == (["a", "b"], ["sum", "zero"])
    assert (model.input_shape, model.output_shape) == ([(None, 2), (None, 3)], [(None, 1), (None, 2)])


def test_a_missing_and_a_mistyped_key_are_named():
    model = two_by_two()
    with pytest.raises(DataError, match=r"\['b'\].*Did you mean it by 'bb'"):
        model({"a": ones(1, 2), "bb": ones(1, 3)})
    with pytest.raises(DataError, match=r"2 input\(s\), 'a', 'b', got 1"):
        model([ones(1, 2)])


def test_a_wrong_shape_is_named_with_the_input():
    with pytest.raises(ShapeError, match=r"'a'.*\(None, 2\).*\(4, 5\)"):
        two_by_two()([ones(4, 5), ones(4, 3)])


def test_an_axis_of_length_1_is_forgiven(backend):
    x = cornu.Input((1,))
    model = cornu.Model(x, dense(1)(x))
    assert ops.convert_to_numpy(model(np.array([1.0, 2.0], "float32"))).tolist() == [[1.0], [2.0]]
    y = cornu.Input((3,))
    flat = cornu.Model(y, dense(1)(y))
    assert ops.convert_to_numpy(flat(ones(2, 3, 1))).tolist() == [[3.0], [3.0]]


def test_an_optional_input_may_be_none(backend):
    class Maybe(cornu.Layer):
        def call(self, inputs):
            first, second = inputs
            return first if second is None else first + second

    x, y = cornu.Input((2,), name="x"), cornu.Input((2,), name="y", optional=True)
    model = cornu.Model({"x": x, "y": y}, Maybe()([x, y]))
    assert ops.convert_to_numpy(model({"x": ones(1, 2), "y": None})).tolist() == [[1.0, 1.0]]
    assert ops.convert_to_numpy(model({"x": ones(1, 2), "y": ones(1, 2)})).tolist() == [[2.0, 2.0]]
    assert model.predict({"x": ones(3, 2)}, verbose=0).tolist() == [[1.0, 1.0]] * 3


# --- sharing, nesting, sub-graphs -----------------------------------------------------------------------------------------


def test_a_shared_layer_has_one_set_of_weights(backend):
    a, b = cornu.Input((2,)), cornu.Input((2,))
    shared = dense(3)
    model = cornu.Model([a, b], shared(a) - shared(b))
    assert model.count_params() == 2 * 3 + 3
    assert len(model.weights) == 2
    assert ops.convert_to_numpy(model([5 * ones(1, 2), ones(1, 2)])).tolist() == [[8.0] * 3]
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "InputLayer", "Dense"]
    assert len(shared._inbound_nodes) == 2
    assert shared.input is a


def test_the_gradient_of_a_shared_layer_adds_up(trainable_backend):
    x = cornu.Input((1,))
    shared = layers.Dense(1, use_bias=False, kernel_initializer=cornu.initializers.Constant(3.0))
    model = cornu.Model(x, shared(shared(x)))  # w² x
    (_, _), (grad,) = cornu.value_and_grad(lambda: (ops.sum(model(2 * ones(1, 1))), None), model.trainable_variables)
    assert ops.convert_to_numpy(grad).tolist() == [[12.0]]  # 2 w x


def test_models_nest(backend):
    def encoder():
        x = cornu.Input((4,))
        return cornu.Model(x, [dense(2)(x), x * 2], name="encoder")

    inner = encoder()
    x = cornu.Input((4,))
    code, doubled = inner(x)
    deep = cornu.Model(x, dense(1)(layers.Concatenate()([code, doubled])), name="deep")
    y = cornu.Input((4,))
    outer = cornu.Model(y, deep(y) + deep(y * 2))
    one = 2 * 4 + 8  # two units of 4 ones, and 4 twos
    assert ops.convert_to_numpy(outer(ones(1, 4))).tolist() == [[3.0 * one]]
    assert outer.count_params() == inner.count_params() + (6 + 1) == 2 * 4 + 2 + 7
    assert [v.path.split("/")[-1] for v in outer.weights] == ["kernel", "bias"] * 2
    inner.trainable = False
    assert len(outer.trainable_weights) == 2
    assert outer.get_layer("deep").get_layer("encoder") is inner


def test_a_sequential_inside_a_graph_and_a_graph_inside_a_sequential(backend):
    stack = cornu.Sequential([cornu.Input((3,)), dense(2), layers.ReLU()])
    x = cornu.Input((3,))
    graph = cornu.Model(x, stack(x * 2))
    top = cornu.Sequential([graph, dense(1)])
    assert ops.convert_to_numpy(top(ones(2, 3))).tolist() == [[12.0], [12.0]]
    assert top.count_params() == stack.count_params() + 3


def test_a_model_from_the_middle_of_a_graph_shares_the_weights(backend):
    x = cornu.Input((4,))
    hidden = dense(3, name="first")(x)
    middle = layers.ReLU()(hidden)
    y = dense(1, name="second")(middle)
    whole = cornu.Model(x, y)
    features = cornu.Model(x, whole.get_layer("first").output)
    head = cornu.Model(middle, y)
    assert ops.convert_to_numpy(features(ones(1, 4))).tolist() == [[4.0] * 3]
    assert ops.convert_to_numpy(head(2 * ones(1, 3))).tolist() == [[6.0]]
    assert head.input_shape == (None, 3)
    assert [layer.name for layer in head.layers if layer.weights] == ["second"]
    whole.get_layer("second").set_weights([2 * ones(3, 1), ones(1)])
    assert ops.convert_to_numpy(head(ones(1, 3))).tolist() == [[7.0]]
    assert len(whole.get_layer("second")._inbound_nodes) == 1 or ops.convert_to_numpy(whole(ones(1, 4))).tolist() == [[25.0]]


def test_masks_run_through_nested_models(backend):
    """The mean over the unmasked steps, by hand."""
    inner_x = cornu.Input((None, 2))
    inner = cornu.Model(inner_x, dense(3)(inner_x))
    x = cornu.Input((None, 2))
    model = cornu.Model(x, layers.GlobalAveragePooling1D()(inner(layers.Masking()(x)) * 2))
    values = np.array([[[1, 2], [3, 4], [0, 0], [0, 0]], [[1, 1], [0, 0], [5, 5], [1, 0]]], "float32")
    expected = [[2 * (3 + 7) / 2] * 3, [2 * (2 + 10 + 1) / 3] * 3]
    np.testing.assert_allclose(ops.convert_to_numpy(model(values)), expected, rtol=1e-6)


def test_training_reaches_layers_through_nested_models(backend):
    x = cornu.Input((50,))
    inner = cornu.Model(x, layers.Dropout(0.5, seed=1)(x))
    y = cornu.Input((50,))
    model = cornu.Model(y, inner(inner(y)))
    plain = ops.convert_to_numpy(model(ones(1, 50)))
    trained = ops.convert_to_numpy(model(ones(1, 50), training=True))
    assert plain.tolist() == ones(1, 50).tolist()
    assert set(np.unique(trained)) == {0.0, 4.0}
    fixed = cornu.Model(y, layers.Dropout(0.5, seed=1)(y, training=True))
    assert 0.0 in ops.convert_to_numpy(fixed(ones(1, 50)))


# --- weights --------------------------------------------------------------------------------------------------------------


def test_get_and_set_weights(backend):
    model = two_by_two()
    values = model.get_weights()
    assert [v.shape for v in values] == [(2, 2), (2,), (5, 1), (1,), (5, 2), (2,)]
    new = [np.full_like(v, i) for i, v in enumerate(values)]
    model.set_weights(new)
    for a, b in zip(model.get_weights(), new, strict=True):
        assert np.array_equal(a, b)
    values[0][:] = 99  # a copy
    assert model.get_weights()[0][0, 0] == 0


def test_nothing_is_set_unless_all_fit(backend):
    model = two_by_two()
    before = model.get_weights()
    with pytest.raises(ShapeError, match="6 weights"):
        model.set_weights(before[:-1])
    wrong = [v + 1 for v in before[:-1]] + [ones(7)]
    with pytest.raises(ShapeError, match=r"zero/bias.*\(2,\).*\(7,\)"):
        model.set_weights(wrong)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_get_layer_by_name_and_place():
    model = two_by_two()
    assert model.get_layer("sum") is model.get_layer(name="sum")
    assert model.get_layer(index=0).name == "a"
    with pytest.raises(CornuError, match="sum"):
        model.get_layer("sun")


def test_a_layer_called_twice_has_the_ends_of_its_first_call(backend):
    base = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2)])
    first = base.get_layer("a").output
    features = cornu.Sequential([cornu.Input((4,)), *base.layers[:-1]])
    layer = base.get_layer("a")
    assert layer.output is first
    assert layer.input is base.inputs[0]
    x = np.ones((1, 4), "float32")
    np.testing.assert_array_equal(cornu.Model(base.inputs, layer.output).predict(x, verbose=0), features.predict(x, verbose=0))


def test_a_layer_never_called_has_no_ends():
    layer = layers.Dense(1)
    assert not hasattr(layer, "output")
    assert not hasattr(cornu.Sequential([layer]), "output_shape")
    with pytest.raises(AttributeError, match="needs a layer called on a symbolic tensor"):
        _ = layer.input


def test_outputs_of_one_operation_have_names_of_their_own():
    x = cornu.Input((4,))
    a, b = layers.Dense(1, name="a")(x), layers.Dense(2)(x)
    assert cornu.Model(x, [a + 1, b + 2, a, b * 2]).output_names == ["add", "add_1", "a", "multiply"]


def test_get_layer_by_path():
    dense = layers.Dense(3, name="dense")
    inner = cornu.Sequential([cornu.Input((4, 2)), layers.TimeDistributed(dense, name="each")], name="inner")
    outer = cornu.Sequential([inner, layers.Flatten(name="flat/tened")])
    assert outer.get_layer("inner/each/dense") is dense
    assert outer.get_layer("inner/each") is inner.layers[0]
    assert outer.get_layer("flat/tened") is outer.layers[1]  # a name of its own goes first
    with pytest.raises(CornuError, match=r"Unknown layer: 'desne'\. Did you mean 'dense'"):
        outer.get_layer("inner/each/desne")


def test_freezing_the_model_freezes_what_is_inside():
    model = two_by_two()
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (6, 0)
    model.get_layer("sum").trainable = False
    assert [v.path for v in model.non_trainable_weights] == ["sum/kernel", "sum/bias"]
    model.trainable = False
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (0, 6)
    model.trainable = True
    assert len(model.trainable_weights) == 6


# --- what is refused --------------------------------------------------------------------------------------------------------


def test_a_disconnected_graph_names_the_tensor():
    x, other = cornu.Input((2,), name="given"), cornu.Input((2,), name="forgotten")
    with pytest.raises(ArgumentError, match=r"'forgotten'.*Add it to `inputs`"):
        cornu.Model(x, dense(1)(x) + other)


def test_arrays_are_no_inputs():
    x = cornu.Input((2,))
    with pytest.raises(ArgumentError, match=r"symbolic tensors.*ndarray of shape \(1, 2\).*`fit`"):
        cornu.Model(ones(1, 2), dense(1)(x))
    with pytest.raises(ArgumentError, match="outputs"):
        cornu.Model(x, ones(1, 2))


@pytest.mark.parametrize(("inputs", "outputs"), [(None, "y"), ("x", None), ([], "y"), ("x", [])])
def test_a_graph_needs_both_ends(inputs, outputs):
    x = cornu.Input((2,))
    ends = {"x": x, "y": dense(1)(x)}
    with pytest.raises(ArgumentError, match=r"inputs|outputs"):
        cornu.Model(
            ends.get(inputs, inputs) if isinstance(inputs, str) else inputs,
            ends.get(outputs, outputs) if isinstance(outputs, str) else outputs,
        )


def test_an_input_named_twice():
    x = cornu.Input((2,))
    with pytest.raises(ArgumentError, match="once"):
        cornu.Model([x, x], dense(1)(x))


def test_a_layer_refuses_what_does_not_fit_when_the_graph_is_made():
    x = cornu.Input((2,))
    layer = dense(1)
    layer(x)
    with pytest.raises(ShapeError, match="last axis has length 2"):
        layer(cornu.Input((3,)))


def test_a_typo_in_a_layer_s_arguments_gives_the_nearest_names():
    with pytest.raises(ArgumentError, match="activation"):
        layers.Dense(2, activaton="relu")
