"""What `docs/differences.md` says of both libraries, by running both."""

import contextlib
import importlib
import os
import sys
import warnings
import zipfile

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

import cornu  # noqa: E402
from cornu import errors, ops  # noqa: E402
from cornu.preprocessing import image as our_images  # noqa: E402
from tests.downloads.server import Server  # noqa: E402

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


def test_tensors_are_dense():
    with pytest.raises(errors.CornuError, match="dense"):
        cornu.Input((3,), sparse=True)


# --- training ---------------------------------------------------------------------------------------------------------


def test_ids_out_of_range():
    losses = {}
    for library in (cornu, keras):
        model = library.Sequential([library.Input((2,), dtype="int32"), library.layers.Embedding(3, 2), library.layers.Flatten()])
        model.compile("sgd", "mse")
        with pytest.raises(errors.DataError, match="0 to 2") if library is cornu else contextlib.nullcontext():
            losses[library] = model.fit(np.full((4, 2), 7), np.ones((4, 4)), verbose=0).history["loss"]
    assert list(losses) == [keras]
    assert np.isnan(losses[keras]).all()


def test_the_arguments_of_a_step():
    batch = X, np.ones((len(X), 1), "float32")
    for library in (cornu, keras):
        model = library.Sequential([library.Input(X.shape[1:]), library.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(*batch, verbose=0)
        with pytest.raises(TypeError, match="data") if library is keras else contextlib.nullcontext():
            assert "loss" in model.train_step(batch)


def test_paths_of_weights_do_not_name_a_sequential():
    for library, front in ((cornu, ""), (keras, "stack/")):
        model = library.Sequential([library.Input((3,)), library.layers.Dense(2, name="a")], name="stack")
        assert model.weights[0].path == f"{front}a/kernel"


def test_a_tape_of_tensorflow_knows_no_variables():
    tensorflow = pytest.importorskip("tensorflow")
    with cornu.use_backend("tensorflow"):
        model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        with tensorflow.GradientTape() as tape:
            loss = tensorflow.reduce_sum(model(np.ones((1, 2), "float32")))
        with pytest.raises(AttributeError):
            tape.gradient(loss, model.trainable_weights)


def test_backward_of_pytorch_fills_the_gradients_of_values():
    pytest.importorskip("torch")
    with cornu.use_backend("torch"):
        model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        model(np.full((1, 2), 3.0, "float32")).sum().backward()
        assert model.trainable_weights[0].value.grad.tolist() == [[3.0], [3.0]]


# --- data sets and downloads ------------------------------------------------------------------------------------------


@pytest.fixture
def news(tmp_path, monkeypatch):
    """`load_data` of a library's data set of texts, which reads a small file of ours."""
    x = np.empty(3, object)
    x[:] = [[1, 2, 9], [3, 4], [5]]
    y = np.array([0, 1, 1])
    np.savez(tmp_path / "small.npz", x=x, y=y, x_train=x, y_train=y, x_test=x, y_test=y)

    def load(library, name, **arguments):
        load_data = getattr(library.datasets, name).load_data
        module = sys.modules[load_data.__module__]
        monkeypatch.setattr(module, "fetch" if library is cornu else "get_file", lambda *a, **k: str(tmp_path / "small.npz"))
        return load_data(**arguments)

    return load


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_every_word_is_kept(news, name):
    arguments = {"test_split": 0.0} if name == "reuters" else {}
    highest = {lib: max(n for text in news(lib, name, **arguments)[0][0] for n in text) for lib in (cornu, keras)}
    assert highest == {cornu: 9 + 3, keras: 5 + 3}


def test_arguments_that_imdb_has_not(news):
    assert len(news(keras, "imdb", num_wrods=3)[0][0]) == 3
    with pytest.raises(errors.ArgumentError, match="num_wrods"):
        news(cornu, "imdb", num_wrods=3)


def test_shares_outside_their_range(news):
    assert len(news(keras, "reuters", test_split=2.0)[0][0]) == 0
    with pytest.raises(errors.ArgumentError, match="test_split"):
        news(cornu, "reuters", test_split=2.0)


@pytest.fixture
def server(monkeypatch):
    for name in ("CORNU_TRUST_CACHE", "CORNU_ALLOW_HTTP", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    made.files["words.txt"] = b"others"
    yield made
    made.close()


def test_a_file_that_is_another(server, tmp_path):
    left = {}
    for library, error in ((cornu, errors.CorruptFileError), (keras, ValueError)):
        folder = tmp_path / library.__name__
        folder.mkdir()
        with pytest.raises(error):
            library.utils.get_file("words.txt", server.url("words.txt"), file_hash="0" * 64, cache_dir=folder)
        left[library] = (folder / "datasets/words.txt").exists()
    assert left == {cornu: False, keras: True}


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    def makedirs(path, *args, **kwargs):
        raise PermissionError(f"asked for {path}")

    (tmp_path / "file").touch()
    with pytest.raises(errors.SavingError, match="CORNU_HOME"):
        cornu.utils.get_file("words.txt", server.url("words.txt"), cache_dir=tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *args, **kwargs: False)  # permissions do not bind every user
    monkeypatch.setattr(os, "makedirs", makedirs)
    with pytest.raises(PermissionError, match=r"asked for /tmp/\.keras"):
        keras.utils.get_file("words.txt", server.url("words.txt"), cache_dir=tmp_path)


def test_plain_http():
    with pytest.raises(errors.ArgumentError, match="https"):
        cornu.utils.get_file("words.txt", "http://example.invalid/words.txt")


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def images():
    """The older image preprocessing of both; the real one comes with TensorFlow's face of Keras."""
    pytest.importorskip("tensorflow")
    return {cornu: our_images, keras: importlib.import_module("keras._tf_keras.keras").preprocessing.image}


def test_shifts_go_where_they_say(images):
    drawn = {
        library: room.ImageDataGenerator(height_shift_range=[3]).get_random_transform((8, 8, 1), seed=1) for library, room in images.items()
    }
    assert (drawn[cornu]["tx"], abs(drawn[cornu]["ty"])) == (0, 3)
    assert (abs(drawn[keras]["tx"]), drawn[keras]["ty"]) == (3, 0)


@pytest.mark.filterwarnings("ignore:Please import `affine_transform` from:DeprecationWarning")  # 2026-11-21, keras 3.15.1
def test_images_turn_about_their_centre(images):
    x = np.zeros((5, 9, 1))
    x[2, 4] = 1  # the centre, which stays where it is
    turn = {"theta": 180.0, "row_axis": 0, "col_axis": 1, "channel_axis": 2, "fill_mode": "constant"}
    np.testing.assert_allclose(images[cornu].apply_affine_transform(x, **turn), x, atol=1e-6)
    assert images[keras].apply_affine_transform(x, **turn).max() < 0.5


def test_brightness_keeps_fractions(images):
    x = np.full((2, 2, 3), 100.5)
    np.testing.assert_allclose(images[cornu].apply_brightness_shift(x, 1.1, scale=False), 1.1 * x, rtol=1e-6)
    assert (images[keras].apply_brightness_shift(x, 1.1, scale=False) == 110).all()


def test_weights_of_a_subset(images):
    x, y, weights = np.ones((8, 2, 2, 1)), np.array([0, 1] * 4), np.arange(8.0)
    given = {
        library: next(room.ImageDataGenerator(validation_split=0.5).flow(x, y, 8, False, weights, subset="training"))[2]
        for library, room in images.items()
    }
    np.testing.assert_array_equal(given[cornu], weights[4:])  # the first rows are for validation
    np.testing.assert_array_equal(given[keras], weights[:4])


def test_statistics_that_nobody_took(images):
    x = np.ones((2, 2, 3))
    with pytest.raises(errors.DataError, match="fit"):
        images[cornu].ImageDataGenerator(featurewise_center=True).standardize(x)
    with pytest.warns(UserWarning, match="featurewise_center"):
        np.testing.assert_array_equal(images[keras].ImageDataGenerator(featurewise_center=True).standardize(x), x)


def test_binary_is_of_two_classes(images, tmp_path, capsys):
    for name in "abc":
        (tmp_path / name).mkdir()
        our_images.save_img(tmp_path / name / "1.png", np.ones((4, 4, 3)))
    flows = {library: room.ImageDataGenerator().flow_from_directory for library, room in images.items()}
    assert sorted(next(flows[keras](str(tmp_path), class_mode="binary"))[1]) == [0, 1, 2]
    with pytest.raises(errors.DataError, match="two classes"):
        next(flows[cornu](str(tmp_path), class_mode="binary"))


# --- ops --------------------------------------------------------------------------------------------------------------


def of_both(compute):
    """What both libraries give, as arrays: Cornu's first."""
    return [np.asarray(compute(library.ops)) for library in (cornu, keras)]


def test_blur_of_one_colour():
    ours, theirs = of_both(lambda on: on.image.gaussian_blur(np.ones((1, 7, 7, 1), "float32"), (3, 3), (1.0, 1.0)))
    assert ours[0, 3, 3, 0] == pytest.approx(1)
    assert theirs[0, 3, 3, 0] == pytest.approx(1 / (1 + 2 * np.exp(-0.5)), rel=1e-4)  # a row's share


def test_spectra_without_a_window():
    x = np.random.default_rng(0).normal(size=64).astype("float32")
    ours, theirs = of_both(lambda on: on.istft(on.stft(x, 8, 4, 8, window=None), 8, 4, 8, length=64, window=None))
    np.testing.assert_allclose(ours[8:56], x[8:56], atol=1e-5)
    assert abs(theirs[8:56] - x[8:56]).max() > 0.5


def test_the_odd_pixel_is_padded():
    ours, theirs = of_both(lambda on: on.image.resize(np.ones((1, 4, 7, 1), "float32"), (7, 7), pad_to_aspect_ratio=True))
    np.testing.assert_allclose(ours[0, :, 0, 0], [0, 1, 1, 1, 1, 0, 0], atol=1e-6)
    assert ((theirs[0, :, 0, 0] > 0.1) & (theirs[0, :, 0, 0] < 0.9)).sum() == 2


def test_repeated_labels_in_beams():
    chances = np.log(np.array([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]]], "float32"))
    arguments = {"strategy": "beam_search", "beam_width": 4, "top_paths": 1, "mask_index": 2}
    paths = {
        (library, merge): np.asarray(library.ops.ctc_decode(chances, np.array([3]), merge_repeated=merge, **arguments)[0]).ravel().tolist()
        for library in (cornu, keras)
        for merge in (True, False)
    }
    assert paths == {(cornu, True): [1, 0, -1], (cornu, False): [1, 1, 0], (keras, True): [1, 0, -1], (keras, False): [1, 0, -1]}


def test_projective_transforms():
    x = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    flat, bent = (np.array([[1, 0, 1, 0, 1, 0, c, c]], "float32") for c in (0, 0.1))
    ours, theirs = of_both(lambda on: on.image.affine_transform(x, bent))
    np.testing.assert_allclose(theirs, keras.ops.image.affine_transform(x, flat))
    assert ours[0, 0, 1, 0] == pytest.approx(2 / 1.1)  # column (1 + 1) / (0.1 * 1 + 1) of the row 0


def test_similarity_of_whole_numbers():
    x = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    ours, theirs = of_both(lambda on: on.image.ssim(x, x[:, ::-1], max_val=255))
    fraction = keras.ops.image.ssim(x.astype("float32"), x[:, ::-1].astype("float32"), max_val=255)
    np.testing.assert_allclose(ours, fraction, atol=1e-3)
    np.testing.assert_array_equal(theirs, np.trunc(fraction))


def test_numbers_that_do_not_fit():
    x = np.array([250], "uint8")
    with pytest.raises(errors.ArgumentError, match="uint8"):
        ops.add(x, 300)
    assert np.asarray(keras.ops.add(x, 300)).tolist() == [38]


# --- layers and files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "arguments"), [("MultiHeadAttention", (1, 2)), ("GroupQueryAttention", (2, 2, 1))])
def test_rows_that_see_nothing(name, arguments):
    x, nothing = np.ones((1, 2, 3), "float32"), np.zeros((1, 2, 2), bool)
    for library, share in ((cornu, 0.5), (keras, 0.0)):
        layer = getattr(library.layers, name)(*arguments)
        np.testing.assert_array_equal(np.asarray(layer(x, x, attention_mask=nothing, return_attention_scores=True)[1]), share)


def test_masks_of_convolutional_recurrence():
    x, mask = np.ones((2, 3, 4, 1), "float32"), np.array([[True, True, False], [True, True, True]])
    layer = cornu.layers.ConvLSTM1D(2, 3, padding="same")
    outputs = np.asarray(layer(x, mask=mask))
    np.testing.assert_allclose(outputs[0], np.asarray(layer(x[:, :2]))[0], rtol=1e-5)
    with pytest.raises(ValueError, match="shapes"):
        keras.layers.ConvLSTM1D(2, 3, padding="same")(x, mask=mask)


def test_files_without_the_optimizer(tmp_path):
    held = {}
    for library in (cornu, keras):
        model, _ = trained(library, X, np.ones((64, 1)))
        path = tmp_path / f"{library.__name__}.keras"
        model.save(path, include_optimizer=False)
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            held[library] = "optimizer" in weights
    assert held == {cornu: False, keras: True}


def test_compilation_that_a_file_asks_for(tmp_path):
    asked = {}
    for library in (cornu, keras):
        model, _ = trained(library, X, np.ones((64, 1)), jit_compile=True)
        model.save(tmp_path / f"{library.__name__}.keras")
        asked[library] = library.saving.load_model(tmp_path / f"{library.__name__}.keras").jit_compile
    assert asked == {cornu: "auto", keras: True}


def test_logs_begin_with_the_loss():
    y = np.ones((64, 1))
    named = [library.metrics.MeanAbsoluteError(name="error") for library in (cornu, keras)]
    found = [list(trained(library, X, y, metrics=[m])[0].history.history) for library, m in zip((cornu, keras), named, strict=True)]
    assert found == [["loss", "error"], ["error", "loss"]]


@pytest.mark.parametrize("name", ["Add", "Average", "Concatenate"])
def test_masks_of_several_inputs(name):
    class Told(cornu.layers.Layer):
        def call(self, x, mask=None):
            return ops.cast(mask, "float32")

    class ToldByKeras(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            return keras.ops.cast(mask, "float32")

    found = []
    for library, told in ((cornu, Told), (keras, ToldByKeras)):
        a, b = library.Input((3,)), library.Input((3,))
        look_up = library.layers.Embedding(5, 2, mask_zero=True)
        model = library.Model([a, b], told()(getattr(library.layers, name)()([look_up(a), look_up(b)])))
        found.append(model.predict([np.array([[1, 2, 0]]), np.array([[1, 0, 0]])], verbose=0).tolist())
    assert found == [[[1, 0, 0]], [[1, 1, 0]]]


def test_the_end_of_an_epoch_of_a_data_set():
    counts = []
    for library in (cornu, keras):

        class Rows(library.utils.PyDataset):
            ended = 0

            def __len__(self):
                return 2

            def __getitem__(self, index):
                return X[:8], X[:8, :1]

            def on_epoch_end(self):
                self.ended += 1

        rows = Rows()
        model = library.Sequential([library.Input((3,)), library.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(rows, epochs=3, verbose=0, shuffle=False)
        counts.append(rows.ended)
    assert counts == [3, 4]


def shared_by_all(library):
    """A context in which four devices share the rows of batches."""
    return library.distribution.DataParallel().scope()


def test_batches_that_devices_cannot_share_evenly():
    with cornu.use_backend("jax"), shared_by_all(cornu):
        assert np.isfinite(trained(cornu, X[:6], np.ones((6, 1)))[1])
    with shared_by_all(keras), pytest.raises(Exception, match="should evenly divide"):
        trained(keras, X[:6], np.ones((6, 1)))


@pytest.mark.parametrize("path", ["dense/kernel", "encoder/dense_1/kernel", "condense/kernel"])
def test_where_a_key_of_a_layout_map_begins(path):
    found = {}
    for library in (cornu, keras):
        with cornu.use_backend("jax"):
            layouts = library.distribution.LayoutMap(library.distribution.DeviceMesh((4,), ("model",)))
            layouts["dense.*kernel"] = (None, "model")
            found[library] = layouts.get(path) is not None
    assert found == {cornu: "condense" not in path, keras: path == "dense/kernel"}


def test_counting_devices_that_are_not_there():
    with cornu.use_backend("jax"):
        assert cornu.distribution.get_device_count("gpu") == 0
    with pytest.raises(RuntimeError, match="gpu"):
        keras.distribution.get_device_count("gpu")


def test_a_distribution_that_comes_after_the_model():
    with cornu.use_backend("jax"):
        model, _ = trained(cornu, X, X[:, :1])
        with shared_by_all(cornu):
            model.fit(X, X[:, :1], verbose=0)
        model.fit(X, X[:, :1], verbose=0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with shared_by_all(keras), pytest.raises(ValueError, match="incompatible devices"):
        model.fit(X, X[:, :1], verbose=0)
