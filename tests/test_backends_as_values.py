"""The backend is a value: several in one process, models that move, nothing loaded before it is used."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import BackendError

FRAMEWORKS = "jax torch tensorflow keras"


def fresh(code, **environment):
    """What a program prints in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if k not in ("CORNU_BACKEND", "KERAS_BACKEND")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **environment}, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def classifier(seed=3):
    return cornu.Sequential(
        [
            cornu.Input((5,)),
            layers.Dense(8, "relu", kernel_initializer=cornu.initializers.GlorotUniform(seed)),
            layers.BatchNormalization(),
            layers.Dense(3, "softmax", kernel_initializer=cornu.initializers.HeNormal(seed)),
        ]
    )


def test_importing_loads_no_framework():
    code = f"import sys, cornu; print([m for m in '{FRAMEWORKS}'.split() if m in sys.modules], [m for m in sys.modules if 'cornu.backends.' in m])"
    assert fresh(code) == "[] []"


def test_using_one_backend_loads_no_other():
    code = (
        "import sys, numpy as np, cornu\n"
        "with cornu.use_backend('numpy'):\n"
        "    m = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])\n"
        "    m.predict(np.ones((2, 2)), verbose=0)\n"
        f"print([m for m in '{FRAMEWORKS}'.split() if m in sys.modules])"
    )
    assert fresh(code) == "[]"


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"CORNU_BACKEND": "numpy"}, "numpy"),
        ({"KERAS_BACKEND": "numpy"}, "numpy"),
        ({"CORNU_BACKEND": "numpy", "KERAS_BACKEND": "torch"}, "numpy"),
    ],
)
def test_the_environment_names_the_backend_cornu_first(environment, name):
    assert fresh("import cornu; print(cornu.backend())", **environment) == name


def test_without_a_word_the_backend_is_jax():
    assert fresh("import cornu; print(cornu.backends.NAMES[0], cornu.backend())") == "jax jax"


def test_an_unknown_backend_in_the_environment_is_named():
    code = "import cornu\ntry:\n    cornu.backend()\nexcept ValueError as e:\n    print(type(e).__name__, e)"
    assert fresh(code, CORNU_BACKEND="numpi").startswith("UnknownNameError Unknown backend: 'numpi'. Did you mean 'numpy'")


def test_the_same_seed_gives_the_same_weights_on_every_backend():
    found = {}
    for name in ("jax", "torch", "numpy"):
        with cornu.use_backend(name):
            cornu.utils.set_random_seed(11)
            model = cornu.Sequential(
                [cornu.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(4, kernel_initializer="he_normal")]
            )
            found[name] = model.get_weights()
    for values in zip(*found.values(), strict=True):
        assert all(v.tobytes() == values[0].tobytes() for v in values[1:])
    assert len({v.tobytes() for v in found["jax"]}) == len(found["jax"])


def test_two_models_on_two_backends_train_in_turn(rng):
    x, y = rng.normal(size=(32, 5)).astype("float32"), rng.integers(0, 3, 32)
    models = {}
    for name in ("jax", "torch"):
        with cornu.use_backend(name):
            models[name] = classifier()
            models[name].compile(cornu.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = {name: [] for name in models}
    for _ in range(6):  # outside of any `use_backend`: a model runs where its variables are
        for name, model in models.items():
            losses[name].append(model.train_on_batch(x, y)[0])
    np.testing.assert_allclose(losses["jax"], losses["torch"], rtol=1e-5)
    assert losses["jax"][-1] < losses["jax"][0]
    np.testing.assert_allclose(models["jax"].predict(x, verbose=0), models["torch"].predict(x, verbose=0), atol=1e-5)
    assert {v.backend.NAME for v in models["torch"].weights} == {"torch"}


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_a_model_that_moves_predicts_the_same(trainable_backend, target, rng):
    x = rng.normal(size=(40, 5)).astype("float32")
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, rng.integers(0, 3, 40), epochs=1, verbose=0)
    before, scores = model.predict(x, verbose=0), model.evaluate(x, np.zeros(40, "int32"), verbose=0)
    assert model.to(target) is model
    assert {v.backend.NAME for v in model.weights} == {target}
    np.testing.assert_allclose(model.predict(x, verbose=0), before, atol=1e-5)
    np.testing.assert_allclose(model.evaluate(x, np.zeros(40, "int32"), verbose=0), scores, atol=1e-5)


@pytest.mark.parametrize("target", ["torch", "jax"])
def test_a_model_that_moved_goes_on_training(trainable_backend, target, rng):
    x, y = rng.normal(size=(16, 5)).astype("float32"), rng.integers(0, 3, 16)
    stayed, moved = classifier(), classifier()
    for model in (stayed, moved):
        model.compile(cornu.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        model.train_on_batch(x, y)
    moved.to(target)
    for _ in range(3):
        a, b = stayed.train_on_batch(x, y), moved.train_on_batch(x, y)
    np.testing.assert_allclose(a, b, rtol=1e-5)
    for v, w in zip(stayed.get_weights(), moved.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, atol=1e-5)


def test_numpy_says_that_it_cannot_train(rng):
    with cornu.use_backend("numpy"):
        model = classifier()
        model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = rng.normal(size=(4, 5)).astype("float32"), np.zeros(4, "int32")
    before = model.get_weights()
    for run in (lambda: model.fit(x, y, verbose=0), lambda: model.train_on_batch(x, y)):
        with pytest.raises(BackendError, match=r"numpy.*cannot|predicts and evaluates"):
            run()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert np.isfinite(model.evaluate(x, y, verbose=0))
    assert model.predict(x, verbose=0).shape == (4, 3)


def test_a_layer_runs_where_its_weights_are():
    with cornu.use_backend("torch"):
        layer = layers.Dense(2, kernel_initializer="ones")
        layer.build((None, 3))
    with cornu.use_backend("numpy"):
        y = layer(np.ones((1, 3), "float32"))
    assert ops.dispatch.interpreter_of(y).NAME == "torch"
    assert ops.convert_to_numpy(y).tolist() == [[3.0, 3.0]]


def test_two_threads_train_on_two_backends_at_once(rng):
    x, y = rng.normal(size=(24, 5)).astype("float32"), rng.integers(0, 3, 24)
    expected, found, errors = {}, {}, []

    def train(name, into):
        try:
            with cornu.use_backend(name):
                model = classifier()
                model.compile(cornu.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
                into[name] = model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0).history["loss"]
                assert cornu.backend() == name
        except Exception as error:  # noqa: BLE001 - told to the test's own thread
            errors.append(error)

    for name in ("jax", "torch"):
        train(name, expected)
    threads = [threading.Thread(target=train, args=(name, found)) for name in ("jax", "torch")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for name, losses in expected.items():
        np.testing.assert_allclose(found[name], losses, rtol=1e-6)


def test_many_threads_predict_with_one_model(trainable_backend, rng):
    model = classifier()
    inputs = [rng.normal(size=(n, 5)).astype("float32") for n in (1, 3, 1, 7, 3, 1)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    found, errors = {}, []

    def ask(i):
        try:
            found[i] = [model.predict(inputs[i], verbose=0) for _ in range(10)]
        except Exception as error:  # noqa: BLE001 - told to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for i, results in found.items():
        for y in results:
            np.testing.assert_allclose(y, expected[i], atol=1e-6)
