"""Models that are classes: layers in attributes, lists and dicts; built by a run on shapes; the same step as graphs."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import CornuError


def ones(*shape):
    return np.ones(shape, "float32")


def dense(units, **kwargs):
    return layers.Dense(units, kernel_initializer="ones", **kwargs)


class Tower(cornu.Model):
    """Layers in a list, a dict, a tuple inside a dict, and one that is shared."""

    def __init__(self, depth=2):
        super().__init__()
        self.blocks = [dense(2) for _ in range(depth)]
        self.heads = {"a": dense(1), "b": (dense(3), layers.ReLU())}
        self.shared = self.blocks[0]
        self.noise = layers.Dropout(0.5, seed=1)

    def call(self, inputs, training=False):
        for block in self.blocks:
            inputs = block(inputs)
        inputs = self.noise(inputs, training=training)
        first, after = self.heads["b"]
        return {"a": self.heads["a"](inputs), "b": after(first(inputs))}


def test_layers_are_found_wherever_they_are_kept(backend):
    model = Tower()
    out = model(ones(2, 2))
    assert {k: ops.convert_to_numpy(v).tolist() for k, v in out.items()} == {"a": [[8.0]] * 2, "b": [[8.0] * 3] * 2}
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense", "Dense", "Dense", "ReLU", "Dropout"]
    assert model.count_params() == 2 * (4 + 2) + (2 + 1) + (2 * 3 + 3)
    assert len(model.weights) == 8
    assert len(model.variables) == 9  # and the seed


def test_a_layer_added_later_is_found(backend):
    model = Tower(depth=1)
    model(ones(1, 2))
    model.blocks.append(dense(2))
    model(ones(1, 2))
    assert len(model.weights) == 8


def test_build_runs_on_shapes_alone(backend):
    class Seen(cornu.Layer):
        shapes = None

        def build(self, input_shape):
            self.shapes = input_shape
            self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")

        def call(self, inputs):
            assert not isinstance(inputs, np.ndarray) or backend == "numpy"
            return inputs * self.factor

    class Net(cornu.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Conv1D(4, 3), Seen()

        def call(self, inputs):
            x = self.first(inputs)
            return self.second(ops.reshape(x, (ops.shape(x)[0], -1)))

    model = Net()
    model.build((None, 8, 2))
    assert model.built
    assert model.second.shapes == (None, 24)
    assert model.count_params() == 3 * 2 * 4 + 4 + 24
    assert tuple(model(ones(5, 8, 2)).shape) == (5, 24)


def test_several_inputs_by_list_dict_and_keyword(backend):
    class Joined(cornu.Model):
        def __init__(self):
            super().__init__()
            self.left, self.right = dense(1), dense(1)

        def call(self, inputs, scale=1.0):
            a, b = (inputs["a"], inputs["b"]) if isinstance(inputs, dict) else inputs
            return (self.left(a) + self.right(b)) * scale

    for given in ([ones(2, 2), ones(2, 3)], {"a": ones(2, 2), "b": ones(2, 3)}):
        model = Joined()
        assert ops.convert_to_numpy(model(given, scale=2.0)).tolist() == [[10.0]] * 2
        assert model.predict(given, verbose=0).tolist() == [[5.0]] * 2
        assert model.count_params() == 3 + 4


def test_weights_of_the_model_s_own(backend):
    class Scaled(cornu.Model):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
            self.offset = cornu.Variable([1.0], name="offset")

        def call(self, inputs):
            return inputs * self.scale + self.offset

    model = Scaled()
    assert ops.convert_to_numpy(model(ones(1, 3))).tolist() == [[2.0] * 3]
    assert [v.name for v in model.weights] == ["scale", "offset"]
    assert model.count_params() == 4


def test_variables_made_in_the_constructor_train(trainable_backend):
    class Line(cornu.Model):
        def __init__(self):
            super().__init__()
            self.slope = cornu.Variable([0.0])

        def call(self, inputs):
            return inputs * self.slope

    model = Line()
    model.compile(cornu.optimizers.SGD(0.25), "mse")
    x = np.array([[1.0], [2.0]], "float32")
    loss = model.train_on_batch(x, 3 * x)
    assert loss == pytest.approx((9 + 36) / 2)
    assert model.slope.numpy()[0] == pytest.approx(0.25 * 2 * (3 * 1 + 6 * 2) / 2)


def test_one_training_step_of_a_class_and_of_the_same_graph(trainable_backend, rng):
    x, y = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")

    class Net(cornu.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.norm, self.out = layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dense(1)

        def call(self, inputs, training=None):
            return self.out(self.norm(self.hidden(inputs), training=training))

    cornu.utils.set_random_seed(2)
    written = Net()
    written.build((None, 3))
    entrance = cornu.Input((3,))
    graph = cornu.Model(entrance, layers.Dense(1)(layers.BatchNormalization()(layers.Dense(4, "tanh")(entrance))))
    graph.set_weights(written.get_weights())
    for model in (written, graph):
        model.compile(cornu.optimizers.Adam(0.1), "mse")
    for _ in range(3):
        np.testing.assert_allclose(written.train_on_batch(x, y), graph.train_on_batch(x, y), rtol=1e-6)
    for a, b in zip(written.get_weights(), graph.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_class_inside_a_graph_and_masks_inside_a_class(backend):
    class Pooled(cornu.Model):
        def __init__(self):
            super().__init__()
            self.masking, self.dense, self.pool = layers.Masking(), dense(2), layers.GlobalAveragePooling1D()

        def call(self, inputs):
            return self.pool(self.dense(self.masking(inputs)))

    x = cornu.Input((None, 3))
    inner = Pooled()
    model = cornu.Model(x, inner(x) * 2)
    values = ones(2, 4, 3)
    values[0, 1:] = 0
    assert ops.convert_to_numpy(model(values)).tolist() == [[6.0, 6.0]] * 2
    assert model.count_params() == 8


def test_a_model_without_a_call_and_a_call_that_fails_say_so(backend):
    class Empty(cornu.Model):
        pass

    with pytest.raises(NotImplementedError, match="must define `call`"):
        Empty()(ones(1, 2))

    class Broken(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = dense(2)

        def call(self, inputs):
            return self.dense(inputs) + ops.ones((7, 5))

    model = Broken()
    with pytest.raises(CornuError, match=r"\(7, 5\)"):
        model.predict(ones(3, 2), verbose=0)


def test_thawing_leaves_what_was_made_not_to_train(trainable_backend):
    class Scaled(cornu.Layer):
        def __init__(self):
            super().__init__()
            self.lam, self.gain = cornu.Variable(2.0, trainable=False, name="lam"), cornu.Variable(1.0, name="gain")

        def call(self, inputs):
            return inputs * self.lam * self.gain

    scaled = Scaled()
    model = cornu.Sequential([layers.Input((2,)), scaled])
    model.trainable = False
    assert not model.trainable_variables
    model.trainable = True
    assert [v.name for v in scaled.weights] == ["gain", "lam"]
    assert [v.name for v in model.trainable_variables] == ["gain"]
    model.compile("sgd", "mse")
    model.fit(ones(2, 2), ones(2, 2), verbose=0)
    assert float(scaled.lam) == 2.0
    assert float(scaled.gain) != 1.0


def test_weights_stand_in_the_order_of_creation_those_that_never_train_last():
    class Mixed(cornu.Layer):
        def __init__(self):
            super().__init__()
            self.lam, self.a = cornu.Variable(2.0, trainable=False, name="lam"), cornu.Variable(1.0, name="a")
            self.add_weight((), name="anonymous")
            self.listed = [cornu.Variable(1.0, name="listed")]

        def build(self, input_shape):
            self.k, self.n = self.add_weight((1,), name="k"), self.add_weight((1,), trainable=False, name="n")
            self.late = cornu.Variable(1.0, name="late")

    layer = Mixed()
    layer.build((None, 1))
    order = ["a", "anonymous", "listed", "k", "late", "lam", "n"]  # as the same class has it in Keras
    assert [v.name for v in layer.weights] == order
    layer.a.trainable = layer.trainable = False
    assert [v.name for v in layer.weights] == order


def test_losses_of_a_run_on_shapes_are_not_kept(backend):
    class Late(cornu.Layer):
        """Is built inside the call of the layer around it."""

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def build(self, input_shape):
            self.built = True

        def call(self, inputs):
            return self.inner(inputs)

    x, inputs = ones(1, 2), cornu.Input((2,))
    inner = dense(1, activity_regularizer=cornu.regularizers.L2(0.5))
    graph = cornu.Model(inputs, inner(inputs))
    around = cornu.Model(inputs, graph(inputs))
    assert not inner.losses + graph.losses + around.losses
    around(x)
    assert [float(ops.convert_to_numpy(loss)) for loss in around.losses] == [2.0]  # half the square of 1 + 1
    late = Late(dense(1, activity_regularizer=cornu.regularizers.L2(0.5)))
    late(x)
    assert [float(ops.convert_to_numpy(loss)) for loss in late.losses] == [2.0]
    assert [float(ops.convert_to_numpy(loss)) for loss in late.inner.losses] == [2.0]


class Beside(cornu.Layer):
    """Adds what it is given by name."""

    def call(self, inputs, context=None, more=None, text="", mask=None):
        assert isinstance(text, str) or text.dtype.kind == "U"
        return inputs + context + more["a"]


def test_arguments_given_by_name_are_made_the_layer_s_own(backend):
    x = np.ones((1, 2), "float64")
    for dtype, expected in (("mixed_float16", "float16"), ("float32", "float32")):
        layer, inputs = Beside(dtype=dtype), cornu.Input((2,))
        given = {"context": x, "more": {"a": x}, "text": "as it is"}
        graph = cornu.Model(inputs, layer(inputs, context=inputs, more={"a": inputs}, text="as it is"))
        for y in (layer(x, **given), layer(inputs=x, **given | {"text": np.array(["as", "it"])}), graph(x)):
            assert (cornu.utils.standardize_dtype(y.dtype), ops.convert_to_numpy(y).tolist()) == (expected, [[3.0, 3.0]])


class Told(cornu.Layer):
    """What `training` arrives as."""

    def call(self, inputs, training=True):
        return inputs * (2.0 if training else 1.0)


class Around(cornu.Layer):
    """Says nothing of `training` to the layer inside."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs, training=False):
        assert training is not None
        return self.inner(inputs)


def test_training_is_what_the_signature_says_where_nobody_says_more(backend):
    x, inputs = ones(1, 2), cornu.Input((2,))
    graph = cornu.Model(inputs, Told()(inputs))
    for layer, untold in ((Told(), 2.0), (Around(Told()), 1.0), (graph, 2.0)):
        given = [layer(x, **kwargs) for kwargs in ({}, {"training": False}, {"training": True})]
        assert [float(ops.convert_to_numpy(y).sum()) / 2 for y in given] == [untold, 1.0, 2.0]
    assert graph.predict(x, verbose=0).tolist() == [[1.0, 1.0]]


def test_a_call_that_takes_any_keyword_is_given_no_training(backend):
    class Passes(layers.Dense):
        def call(self, inputs, **kwargs):
            return super().call(inputs, **kwargs)

    class Forwards(cornu.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Told()

        def call(self, inputs, **kwargs):
            return self.inner(inputs, **kwargs)

    inputs = cornu.Input((2,))
    passes, forwards = Passes(1, kernel_initializer="ones"), Forwards()
    graph = cornu.Model(inputs, [passes(inputs, training=True), dense(1)(inputs, training=True), forwards(inputs)])
    assert ops.convert_to_numpy(passes(ones(1, 2), training=True)).tolist() == [[2.0]]
    for training, factor in ((True, 2.0), (False, 1.0)):
        assert [float(ops.convert_to_numpy(y).sum()) for y in graph(ones(1, 2), training=training)] == [2.0, 2.0, 2.0 * factor]
