"""`import keras` found in Cornu: names, old homes, arguments; and all of it gone afterwards."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

import cornu
from cornu import compat
from cornu.compat.finder import Face
from cornu.errors import ArgumentError, BackendError, ConfigError


@pytest.fixture
def keras():
    """Cornu under the name of keras; the real one, if it is loaded, stands aside meanwhile."""
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "keras"}
    compat.install(tensorflow=False)
    try:
        with cornu.use_backend("torch"):
            yield importlib.import_module("keras")
    finally:
        compat.uninstall()
        sys.modules.update(aside)


def test_names_are_cornus_own(keras):
    assert keras.layers.Dense is cornu.layers.Dense
    assert keras.Sequential is cornu.Sequential
    assert keras.ops.numpy.add is cornu.ops.add
    assert importlib.import_module("keras.optimizers.schedules").ExponentialDecay is cornu.optimizers.schedules.ExponentialDecay
    assert keras.version() == keras.__version__ == "3.15.1"


def test_what_is_not_there_is_not_there(keras):
    with pytest.raises(AttributeError, match=r"module 'keras\.layers' has no attribute 'Dens'"):
        keras.layers.Dens  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("keras.no_such_room")
    with pytest.raises(AttributeError, match="Did you mean 'square'"):
        keras.backend.sqare  # noqa: B018


def test_star_imports_and_dir(keras):
    names = {}
    exec("from keras.layers import *", names)
    assert names["Conv2D"] is cornu.layers.Conv2D
    assert {"np_utils", "to_categorical"} & set(dir(keras.utils)) == {"to_categorical"}


@pytest.mark.parametrize(
    ("old", "name", "today"),
    [
        ("keras.layers.core", "Dense", "layers"),
        ("keras.layers.convolutional", "Conv2D", "layers"),
        ("keras.layers.recurrent", "LSTM", "layers"),
        ("keras.layers.advanced_activations", "PReLU", "layers"),
        ("keras.utils.np_utils", "normalize", "utils"),
        ("keras.optimizers.legacy", "SGD", "optimizers"),
        ("keras.objectives", "mean_squared_error", "losses"),
        ("keras.engine.training", "Model", "models"),
        ("keras.initializations", "get", "initializers"),
        ("keras.engine", "Model", "models"),
        ("keras.layers.experimental.preprocessing", "RandomFlip", "layers"),
    ],
)
def test_old_homes_say_where_they_are_today(keras, capsys, old, name, today):
    found = getattr(importlib.import_module(old), name)
    assert found is getattr(importlib.import_module(f"cornu.{today}"), name)
    said = "layers" if old == "keras.engine" else today
    assert f"`{old}` is `keras.{said}` today." in capsys.readouterr().err
    assert importlib.reload is not None
    getattr(importlib.import_module(old), name)
    assert capsys.readouterr().err == ""  # said once


@pytest.mark.parametrize(
    ("room", "old", "today"),
    [
        ("layers", "CuDNNLSTM", "LSTM"), ("losses", "mse", "mean_squared_error"), ("metrics", "MAE", "mean_absolute_error"),
        ("constraints", "maxnorm", "max_norm"), ("regularizers", "l1l2", "l1_l2"), ("initializers", "normal", "RandomNormal"),
    ],
)  # fmt: skip
def test_old_names_say_what_they_are_called_today(keras, capsys, room, old, today):
    assert getattr(getattr(keras, room), old) is getattr(getattr(cornu, room), today)
    assert f"`keras.{room}.{old}` is `{today}` today." in capsys.readouterr().err


def test_where_tensorflow_looks_for_keras(keras, capsys):
    assert importlib.import_module("keras._tf_keras.keras").layers.Dense is cornu.layers.Dense
    assert importlib.import_module("keras._tf_keras.keras.layers.experimental.preprocessing").Rescaling is cornu.layers.Rescaling
    assert "`tf.keras.layers.experimental.preprocessing` is `tf.keras.layers` today." in capsys.readouterr().err


def test_no_notice_is_an_error_under_any_filter_and_all_can_be_kept_back(capsys):
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "keras"}
    compat.install(tensorflow=False, notices=False)
    try:
        importlib.import_module("keras.layers.core")
        cornu.optimizers.SGD(lr=0.1)
    finally:
        compat.uninstall()
        compat.notice.set_notices(True)
        sys.modules.update(aside)
    assert capsys.readouterr().err == ""


# --- arguments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Nadam", "Adamax", "Ftrl"])
def test_optimizers_take_lr_and_decay(keras, name):
    optimizer = getattr(keras.optimizers, name)(lr=0.25, decay=0.5)
    schedule = optimizer.get_config()["learning_rate"]["config"]
    assert (schedule["initial_learning_rate"], schedule["decay_steps"], schedule["decay_rate"]) == (0.25, 1, 0.5)
    assert float(getattr(keras.optimizers, name)(lr=0.25).learning_rate) == 0.25
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


def test_lr_is_the_learning_rate(keras, capsys):
    optimizer = keras.optimizers.Adam(lr=0.5, epsilon=None)
    optimizer.lr = 0.25
    assert float(optimizer.learning_rate) == float(optimizer.lr) == 0.25
    assert optimizer.epsilon == 1e-7
    assert "`optimizer.lr` is `optimizer.learning_rate` today" in capsys.readouterr().err


def test_both_spellings_at_once_are_refused(keras):
    with pytest.raises(ArgumentError, match="one and the same"):
        keras.optimizers.SGD(lr=0.1, learning_rate=0.1)


def test_layers_take_the_arguments_of_keras_1(keras):
    dense = keras.layers.Dense(output_dim=3, init="zeros", W_regularizer="l2", bias=False)
    assert (dense.units, dense.use_bias, type(dense.kernel_initializer).__name__) == (3, False, "Zeros")
    conv = keras.layers.Convolution2D(nb_filter=4, nb_row=3, nb_col=2, border_mode="same", subsample=(2, 1), dim_ordering="tf")
    assert conv.get_config()["kernel_size"] == (3, 2)
    assert (conv.filters, conv.padding, conv.strides, conv.data_format) == (4, "same", (2, 1), "channels_last")
    assert keras.layers.Embedding(input_dim=5, output_dim=2).output_dim == 2  # its own argument
    assert cornu.layers.Dense.from_config(dense.get_config()).units == 3


def test_kernel_sizes_of_keras_1_stand_one_by_one(keras):
    conv = keras.layers.Convolution2D(4, 3, 2, border_mode="same", activation="relu")
    assert (conv.filters, conv.kernel_size, conv.strides, conv.padding) == (4, (3, 2), (1, 1), "same")
    assert keras.layers.AtrousConvolution2D(4, 3, 3, atrous_rate=(2, 2)).dilation_rate == (2, 2)
    assert keras.layers.Convolution3D(4, 3, 2, 1).kernel_size == (3, 2, 1)
    assert keras.layers.Convolution2D(4, (3, 2)).kernel_size == (3, 2)
    assert keras.layers.Conv2D(4, 3, 2).strides == (2, 2)  # as it is today


def test_arguments_that_are_called_otherwise_or_change_nothing(keras, capsys):
    assert keras.layers.LeakyReLU(alpha=0.125).negative_slope == 0.125
    assert keras.layers.ELU(alpha=0.5).alpha == 0.5  # its own argument
    assert "consume_less" not in keras.layers.LSTM(3, consume_less="gpu").get_config()
    assert keras.layers.BatchNormalization(fused=True, momentum=0.5).momentum == 0.5
    assert keras.preprocessing.text.Tokenizer(nb_words=7).num_words == 7
    assert keras.callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    assert keras.callbacks.TensorBoard(batch_size=32, write_grads=False, write_graph=False).write_graph is False
    assert "`LSTM(consume_less=)` is chosen by itself today." in capsys.readouterr().err


def test_weights_in_files_of_older_endings(keras, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=True)
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "w-{epoch}.hdf5", save_weights_only=True, period=2)
    model.fit(np.eye(3), np.ones((3, 2)), epochs=5, verbose=0, callbacks=[saved])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w-2.hdf5", "w-4.hdf5"]
    model.save_weights(tmp_path / "w.h5")
    again = keras.models.clone_model(model)
    again.load_weights(tmp_path / "w.h5")
    assert np.array_equal(again.get_weights()[0], model.get_weights()[0])
    with pytest.raises(OSError, match="already"):
        model.save_weights(tmp_path / "w.h5", overwrite=False)


def test_histories_know_acc(keras, capsys):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    history = model.fit(np.eye(3), np.array([0, 1, 0]), verbose=0).history
    assert history["acc"] is history["accuracy"]
    assert "`history['acc']` is `history['accuracy']` today." in capsys.readouterr().err
    assert set(history) == {"loss", "accuracy"}
    with pytest.raises(KeyError):
        history["val_acc"]


def test_stateful_layers_forget(keras):
    model = keras.Sequential([keras.layers.LSTM(2, batch_input_shape=(3, 4, 1), stateful=True)])
    first = model.predict(np.ones((3, 4, 1)), verbose=0)
    assert not np.allclose(first, model.predict(np.ones((3, 4, 1)), verbose=0))
    model.reset_states()
    np.testing.assert_allclose(first, model.predict(np.ones((3, 4, 1)), verbose=0), rtol=1e-6)


def test_a_pipeline_of_scikit_learn_ends_in_a_regressor(keras):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def build():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    wrapped = importlib.import_module("keras.wrappers.scikit_learn").KerasRegressor(build_fn=build, verbose=0)
    pipeline = make_pipeline(StandardScaler(), wrapped).fit(np.eye(3), np.arange(3.0))
    assert pipeline.predict(np.eye(3)).shape == (3,)


def test_a_required_argument_is_still_required(keras):
    with pytest.raises(ArgumentError, match="required argument 'units'"):
        keras.layers.Dense(init="zeros")


def test_methods_of_older_models(keras):
    model = keras.Sequential([keras.layers.Dense(2, input_dim=3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    x, y = np.eye(3, dtype="float32"), np.array([0, 1, 0])

    def forever():
        while True:
            yield x, y

    assert model.fit_generator(forever(), 2, nb_epoch=3, verbose=0).epoch == [0, 1, 2]
    assert isinstance(model.evaluate_generator(forever(), steps=2), float)
    shares = model.predict_proba(x)
    assert (model.predict_classes(x) == shares.argmax(-1)).all()
    with pytest.raises(ArgumentError, match="counted rows"):
        model.fit_generator(forever(), samples_per_epoch=30)


def test_bad_steps_are_left_out_and_said(keras, capsys):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.array([[1.0], [np.nan]], "float32")
    model.fit(x, np.ones(2), batch_size=1, shuffle=False, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()
    assert "from step 2 of this fit on" in capsys.readouterr().err
    model.compile("sgd", "mse", run_eagerly=True, on_nonfinite="raise")
    with pytest.raises(ArithmeticError):
        model.fit(x, np.ones(2), batch_size=1, shuffle=False, verbose=0)


def test_many_gpus(keras):
    with pytest.raises(ArgumentError, match=r"keras\.distribution\.set_distribution"):
        keras.utils.multi_gpu_model(keras.Sequential(), gpus=2)


# --- functions ----------------------------------------------------------------------------------------------------------


def test_legacy_configurations(keras):
    legacy = importlib.import_module("keras.legacy.saving")
    written = legacy.serialize_keras_object(keras.initializers.Constant(3.0))
    assert written == {"class_name": "Constant", "config": {"value": 3.0}}
    assert legacy.deserialize_keras_object(written).value == 3.0
    with pytest.raises(ConfigError, match="The initializer cannot be made"):
        legacy.deserialize_keras_object("no-such", printable_module_name="initializer")


K_CASES = [
    ("mean", ([[1.0, 3.0]],), {"axis": 1}, [2.0]),
    ("clip", ([-2.0, 5.0], 0, 1), {}, [0.0, 1.0]),
    ("hard_sigmoid", ([-3.0, 0.0, 1.0],), {}, [0.0, 0.5, 0.7]),
    ("relu", ([-2.0, 1.0, 9.0],), {"alpha": 0.5, "max_value": 6.0}, [-1.0, 1.0, 6.0]),
    ("repeat", ([[1.0, 2.0]], 2), {}, [[[1.0, 2.0], [1.0, 2.0]]]),
    ("repeat_elements", ([1.0, 2.0], 2, 0), {}, [1.0, 1.0, 2.0, 2.0]),
    ("permute_dimensions", ([[1.0, 2.0]], (1, 0)), {}, [[1.0], [2.0]]),
    ("gather", ([1.0, 2.0, 3.0], [2, 0]), {}, [3.0, 1.0]),
    ("batch_flatten", (np.arange(4.0).reshape(1, 2, 2),), {}, [[0.0, 1.0, 2.0, 3.0]]),
    ("batch_dot", ([[1.0, 2.0]], [[3.0, 4.0]], 1), {}, [[11.0]]),
    ("batch_dot", (np.ones((1, 2, 3)), np.ones((1, 3, 4))), {}, np.full((1, 2, 4), 3.0).tolist()),
    ("l2_normalize", ([[3.0, 4.0]],), {"axis": 1}, [[0.6, 0.8]]),
    ("one_hot", ([1], 3), {}, [[0.0, 1.0, 0.0]]),
    ("switch", ([True, False], [1.0, 1.0], [2.0, 2.0]), {}, [1.0, 2.0]),
    ("reverse", ([1.0, 2.0], 0), {}, [2.0, 1.0]),
    ("in_top_k", ([[0.1, 0.9], [0.8, 0.2]], [1, 1], 1), {}, [True, False]),
    ("temporal_padding", ([[[1.0]]],), {}, [[[0.0], [1.0], [0.0]]]),
    ("bias_add", ([[1.0, 2.0]], np.array([1.0, 1.0])), {}, [[2.0, 3.0]]),
    ("foldl", (lambda a, b: a - b, [5.0, 2.0, 1.0]), {}, 2.0),
    ("foldr", (lambda a, b: a - b, [1.0, 2.0, 5.0]), {}, 2.0),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "expected"), K_CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_functions_of_the_backend(keras, name, args, kwargs, expected):
    args = [np.asarray(a, "float32") if isinstance(a, list) and a and isinstance(np.asarray(a).flat[0], np.floating) else a for a in args]
    args = [np.asarray(a) if isinstance(a, list) else a for a in args]
    found = cornu.ops.convert_to_numpy(getattr(keras.backend, name)(*args, **kwargs))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_function_of_the_backend_is_found(keras):
    from cornu.compat import older_backend

    assert [name for name in older_backend.TODAY if not callable(getattr(keras.backend, name))] == []
    with pytest.raises(ArgumentError, match="value_and_grad"):
        keras.backend.gradients(None, None)


def test_variables_of_the_backend(keras):
    K = keras.backend
    v = K.variable([[1.0, 2.0]], name="v")
    K.set_value(v, [[3.0, 4.0]])
    assert K.get_value(v).tolist() == [[3.0, 4.0]]
    assert (K.int_shape(v), K.ndim(v), K.dtype(v), K.count_params(v)) == ((1, 2), 2, "float32", 2)
    K.update_add(v, [[1.0, 1.0]])
    assert K.batch_get_value([v])[0].tolist() == [[4.0, 5.0]]
    with pytest.raises(ArgumentError, match=r"optimizer\.learning_rate = 0\.1"):
        K.set_value(0.5, 0.1)


# --- coming and going ---------------------------------------------------------------------------------------------------


def test_nothing_stays_after_uninstall(keras):
    compat.uninstall()
    assert not compat.installed()
    assert not any(isinstance(module, Face) for module in sys.modules.values())
    assert not hasattr(cornu.Model, "fit_generator")
    assert not hasattr(cornu.optimizers.Optimizer, "lr")
    with pytest.raises(ArgumentError, match="learning_rate"):
        cornu.optimizers.SGD(lr=0.1)


def test_another_keras_in_the_process_is_not_replaced(monkeypatch):
    fake = type(sys)("keras")
    fake.__file__ = "/somewhere/keras/__init__.py"
    monkeypatch.setitem(sys.modules, "keras", fake)
    with pytest.raises(BackendError, match="imported already"):
        compat.install()
    assert not compat.installed()


# --- the command --------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("import sys; print(sys.argv[1:], __name__); sys.exit(7)", 7, ["['a', '--b'] __main__"]),
        ("import keras; keras.layers.Dense(3, activaton='relu')", 1, ["line 1", "did you mean 'activation'?"]),
        ("1 / 0", 1, ["ZeroDivisionError", "Traceback"]),
        ("import keras; assert keras.backend.backend() == 'numpy'; print('on numpy')", 0, ["on numpy"]),
    ],
)
def test_status_and_words_of_a_run(tmp_path, program, status, words):
    script = tmp_path / "program.py"
    script.write_text(program)
    command = [sys.executable, "-m", "cornu", "run", "--backend", "numpy", str(script), "a", "--b"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cornu.__path__[0] + "/..")
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stdout + done.stderr
    assert "runpy" not in done.stderr


def test_a_script_that_is_not_there(capsys):
    from cornu.cli import main

    assert main(["run", "no-such-program.py"]) == 2
    assert "there is no file 'no-such-program.py'" in capsys.readouterr().err


def test_a_run_with_a_seed_is_the_same_each_time(keras, tmp_path, capsys, monkeypatch):
    from cornu.cli import main

    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = tmp_path / "program.py"
    script.write_text("import keras, numpy as np, random\nprint(keras.random.uniform((2,)), np.random.rand(), random.random())")
    said = []
    for seed in ("3", "3", "4"):
        assert main(["run", "--seed", seed, str(script)]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    assert main(["run", "--seed", "-1", str(script)]) == 1
    assert "not negative" in capsys.readouterr().err
