"""What programs do that define parts of a model, its loss or its steps by themselves."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops


@pytest.fixture
def xy(rng):
    x = rng.normal(size=(20, 4)).astype("float32")
    return x, x[:, :1] - 0.5 * x[:, 1:2]


def linear(kind=cornu.Model):
    entrance = cornu.Input((4,))
    return kind(entrance, layers.Dense(1, kernel_initializer="ones")(entrance))


def test_a_loss_of_one_s_own_counts_in_validation_and_needs_no_training_parameter(trainable_backend, xy):
    class Own(cornu.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
            return ops.mean(ops.absolute(y - y_pred))

    x, y = xy
    model = linear(Own)
    model.compile(cornu.optimizers.SGD(0.0))
    history = model.fit(x, y, validation_data=(x, y), verbose=0).history
    expected = np.abs(y - x.sum(-1, keepdims=True)).mean()
    assert history["loss"] == pytest.approx([expected], rel=1e-5)
    assert history["val_loss"] == pytest.approx([expected], rel=1e-5)


class Centred(layers.Layer):
    def call(self, x):
        return x - ops.mean(x, axis=0, keepdims=True)


def centred(x):
    return x - ops.mean(x, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (Centred, {}),
        (lambda: centred, {}),
        (lambda: layers.BatchNormalization(epsilon=1e-12), {"training": True}),
        (lambda: layers.Activation(centred), {}),
        (lambda: layers.Softmax(axis=0), {}),
    ],
)
def test_rows_that_see_one_another_are_predicted_without_others_between_them(backend, xy, make, settings):
    x, _ = xy
    entrance = cornu.Input((4,))
    model = cornu.Model(entrance, make()(entrance, **settings))
    whole = model.predict(x[16:], verbose=0)
    np.testing.assert_allclose(model.predict(x, batch_size=8, verbose=0)[16:], whole, rtol=1e-5, atol=1e-6)


def test_rows_by_themselves_take_no_second_compilation(xy):
    with cornu.use_backend("jax"):
        model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "relu"), layers.BatchNormalization(), layers.Dense(1)])
        model.predict(xy[0], batch_size=8, verbose=0)
    assert len(model.compilations) == 1


def test_arrays_that_run_backwards(backend, xy):
    x, _ = xy
    model = linear()
    expected = model.predict(x[:, ::-1].copy(), verbose=0)
    for turned in (model.predict(x[:, ::-1], verbose=0), ops.convert_to_numpy(model(x[:, ::-1]))):
        np.testing.assert_allclose(turned, expected, rtol=1e-6)
    model.set_weights([w[::-1] for w in model.get_weights()])
    assert ops.convert_to_numpy(ops.sum(x[::-1])) == pytest.approx(x.sum(), rel=1e-4)


def test_a_loss_that_gives_one_number_is_weighted_by_the_mean_of_the_weights(trainable_backend, xy):
    x, y = xy
    model = linear()
    model.compile(cornu.optimizers.SGD(0.0), loss=lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred)))
    weights = np.linspace(0, 2, 20, dtype="float32")
    plain = ((y - x.sum(-1, keepdims=True)) ** 2).mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(plain, rel=1e-5)
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(plain * weights.mean(), rel=1e-5)


def test_a_loss_that_gives_one_number_sees_to_masks_itself(trainable_backend):
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    y = np.ones((2, 3, 1), "float32")

    def over_words(y_true, y_pred):
        return ops.sum(ops.square(y_true - y_pred)) / 3

    model = cornu.Sequential([cornu.Input((3,), dtype="int32"), layers.Embedding(5, 2, mask_zero=True), layers.Dense(1, use_bias=False)])
    model.compile(cornu.optimizers.SGD(0.0), over_words)
    expected = np.square(y - model.predict(ids, verbose=0)).sum() / 3
    assert model.train_on_batch(ids, y) == pytest.approx(expected, rel=1e-5)


def test_targets_for_the_outputs_that_have_a_loss(trainable_backend, xy):
    x, y = xy
    entrance = cornu.Input((4,))
    model = cornu.Model(entrance, [layers.Dense(1, kernel_initializer="ones")(entrance), layers.Dense(3)(entrance)])
    model.compile(cornu.optimizers.SGD(0.0), loss=["mse", None])
    history = model.fit(x, y, batch_size=20, verbose=0).history
    assert history["loss"] == pytest.approx([((y - x.sum(-1, keepdims=True)) ** 2).mean()], rel=1e-5)


def test_metrics_made_after_compile_begins(trainable_backend, xy):
    class Late(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compile(self, **settings):
            super().compile(**settings)
            self.seen = cornu.metrics.Mean(name="seen")

        @property
        def metrics(self):
            return [self.seen]

        def train_step(self, data):
            self.seen.update_state(data[0])
            return {"seen": self.seen.result()}

    x, y = xy
    model = Late()
    model.compile(optimizer="sgd", loss="mse")
    assert model.fit(x, y, batch_size=20, verbose=0).history["seen"] == pytest.approx([x.mean()], abs=1e-6)


def test_lists_within_a_dict_of_outputs(trainable_backend, xy):
    class Two(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            logits = self.dense(x)
            return {"logits": logits, "inner": [logits, 2 * logits]}

    x, y = xy
    model = Two()
    model.compile(cornu.optimizers.SGD(0.0), loss={"logits": "mse"})
    history = model.fit(x, {"logits": y}, batch_size=20, verbose=0).history
    assert history["loss"] == pytest.approx([((y - x.sum(-1, keepdims=True)) ** 2).mean()], rel=1e-5)
    assert model.predict(x, verbose=0)["inner"][1].shape == (20, 1)


def test_a_property_that_refuses_does_not_keep_a_model_from_being_saved(tmp_path, backend):
    class Choosy(layers.Dense):
        @property
        def nothing_yet(self):
            raise ValueError("ask later")

    model = cornu.Sequential([cornu.Input((8, 8, 3)), layers.RandomFlip(), layers.Resizing(4, 4), layers.Flatten(), Choosy(2)])
    model.save_weights(tmp_path / "m.weights.h5")
    before = model.get_weights()
    model.set_weights([w + 1 for w in before])
    model.load_weights(tmp_path / "m.weights.h5")
    for ours, earlier in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, earlier)


def test_logs_of_a_batch_are_as_a_dict(trainable_backend, xy):
    seen = []

    class Keeper(cornu.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append({"batch": batch} | logs | {"more": 1})
            logs.update(extra=2.0)
            assert logs.pop("extra") == 2.0
            assert dict(logs) == logs.copy()

    x, y = xy
    model = linear()
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=10, callbacks=[Keeper()], verbose=0)
    assert [list(logs) for logs in seen] == [["batch", "loss", "more"]] * 2
