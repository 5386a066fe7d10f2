"""What `docs/differences.md` says of both libraries, by running both."""

import os
import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

import cornu  # noqa: E402
from cornu import errors  # noqa: E402

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")


def trained(library, x, y, loss="mse", units=1, activation=None, **settings):
    """A linear model after one epoch, and its loss."""
    model = library.Sequential([library.Input((3,)), library.layers.Dense(units, activation=activation)])
    model.compile("sgd", loss, **settings)
    return model, model.fit(x, y, verbose=0).history["loss"][-1]


def test_a_loss_that_is_not_finite():
    spoiled = X.copy()
    spoiled[3] = np.nan
    with pytest.raises(errors.NonFiniteError):
        trained(cornu, spoiled, np.ones((64, 1)))
    for library, settings in ((keras, {}), (cornu, {"on_nonfinite": "ignore"})):
        assert np.isnan(trained(library, spoiled, np.ones((64, 1)), **settings)[0].get_weights()[0]).all()
    model, _ = trained(cornu, spoiled, np.ones((64, 1)), on_nonfinite="skip")
    assert np.isfinite(model.get_weights()[0]).all()


def test_shapes_that_would_be_broadcast():
    with pytest.raises(errors.ShapeError):
        trained(cornu, X, np.ones((64, 1)), units=4)
    assert np.isfinite(trained(keras, X, np.ones((64, 1)), units=4)[1])


@pytest.mark.parametrize("shape", [(64,), (64, 1)])
def test_one_target_a_row_in_either_shape(shape):
    y = X[:, 0].reshape(shape)
    for library in (cornu, keras):
        model = library.Sequential([library.Input((3,)), library.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        assert model.evaluate(X, y, verbose=0) == pytest.approx(np.mean((X.sum(1) - X[:, 0]) ** 2), rel=1e-5)


def test_labels_out_of_range():
    arguments = (X, np.full(64, 7), "sparse_categorical_crossentropy", 3, "softmax")
    with pytest.raises(errors.DataError):
        trained(cornu, *arguments)
    loss = trained(keras, *arguments)[1]
    assert loss == 0 or np.isnan(loss)


def test_freezing():
    for library in (cornu, keras):
        model = library.Sequential([library.Input((3,)), library.layers.Dense(2), library.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, np.ones((64, 1)), verbose=0)
        model.layers[0].trainable = False
        before = model.layers[0].get_weights()[0]
        if library is keras:
            with pytest.raises(ValueError, match="optimizer_variables"):
                model.fit(X, np.ones((64, 1)), verbose=0)
        else:
            model.fit(X, np.ones((64, 1)), verbose=0)
            np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)


@pytest.mark.parametrize("settings", [{"loss": "mse2"}, {"loss": "mse", "metrics": ["acuracy"]}])
def test_misspelt_names(settings):
    with pytest.raises(errors.UnknownNameError, match="Did you mean"):
        cornu.Sequential([cornu.layers.Dense(1)]).compile("sgd", **settings)


def test_initializers_without_a_seed():
    def repeats(library, **settings):
        made = library.initializers.GlorotUniform(**settings)
        return np.array_equal(np.asarray(made((3, 3))), np.asarray(made((3, 3))))

    assert repeats(keras)
    assert not repeats(cornu)
    assert repeats(keras, seed=5)
    assert repeats(cornu, seed=5)


def test_identity_keeps_its_gain():
    assert keras.initializers.Identity(2.0).get_config() == {}
    assert cornu.initializers.Identity(2.0).get_config() == {"gain": 2.0}


def test_ignored_targets_leave_the_mean():
    labels, outputs = np.array([0, 1, 2]), np.array([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7]], "float32")
    each = -np.log([0.8, 0.7])
    for library, count in ((cornu, 2), (keras, 3)):
        metric = library.metrics.SparseCategoricalCrossentropy(ignore_class=1)
        metric.update_state(labels, outputs)
        assert float(metric.result()) == pytest.approx(each.sum() / count, rel=1e-5)


def test_sparsemax():
    x = np.array([[2.0, 1.5, 0.1]], "float32")
    np.testing.assert_allclose(np.asarray(cornu.activations.sparsemax(x)), [[0.75, 0.25, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(keras.activations.sparsemax(x)), np.zeros((1, 3)))


def test_adafactor_with_a_rate_of_its_own():
    """With gradients that are all 1, a step is the rate times the scale of the variable; relative steps are at most `1 / sqrt(step)`."""
    last = {}
    for library in (cornu, keras):
        v = library.Variable(np.zeros(1, "float32"))
        optimizer = library.optimizers.Adafactor(learning_rate=0.5, relative_step=False)
        optimizer.build([v])
        for _ in range(25):
            before = float(np.asarray(v.value)[0])
            optimizer.apply([np.ones(1, "float32")], [v])
        last[library.__name__] = (before - float(np.asarray(v.value)[0])) / max(1e-3, abs(before))
    assert last["cornu"] == pytest.approx(0.5, rel=1e-3)
    assert last["keras"] == pytest.approx(1 / np.sqrt(25), rel=1e-3)


def test_lambdas_in_files(tmp_path):
    for library in (keras, cornu):
        model = library.Sequential([library.Input((3,)), library.layers.Lambda(lambda x: x * 2)])
        path = tmp_path / f"{library.__name__}.keras"
        if library is cornu:
            with pytest.raises(errors.ConfigError, match="lambda"):
                model.save(path)
            assert not path.exists()
        else:
            model.save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(errors.CornuError):
            cornu.saving.load_model(tmp_path / "keras.keras", safe_mode=False)


def test_dense_and_plain():
    with pytest.raises(errors.CornuError, match="dense"):
        cornu.Input((3,), sparse=True)
    with pytest.raises(errors.ArgumentError, match="lora_rank"):
        cornu.layers.Dense(2, lora_rank=1)
