"""Whole models go to files and come back; a failure costs neither the model nor the file."""

import io
import json
import os
import resource
import subprocess
import sys
import textwrap
import tracemalloc
import zipfile

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, ConfigError, CorruptFileError, SavingError, ShapeError, UnknownNameError, UnsafeFileError
from cornu.saving import load_model, register_keras_serializable, save_model


def small(seed=None):
    init = cornu.initializers.GlorotUniform(seed=seed)
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(3, activation="relu", kernel_initializer=init), layers.Dense(2)])


@pytest.fixture
def data(rng):
    return rng.normal(size=(16, 4)).astype("float32"), rng.normal(size=(16, 2)).astype("float32")


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def rewritten(source, target, change):
    """The archive with its members changed by `change(name, bytes)`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)


def with_config(source, target, change):
    def edit(name, content):
        if name != "config.json":
            return content
        config = json.loads(content)
        change(config)
        return json.dumps(config)

    rewritten(source, target, edit)


# --- there and back ---------------------------------------------------------------------------------------------------


def test_the_archive_has_the_members_of_keras(tmp_path):
    small().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert set(json.loads(archive.read("metadata.json"))) == {"keras_version", "date_saved"}
    assert os.listdir(tmp_path) == ["m.keras"]


def test_outputs_are_the_same(backend, tmp_path, data):
    model = small()
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert not copy.compiled
    np.testing.assert_array_equal(ops.convert_to_numpy(model(data[0])), ops.convert_to_numpy(copy(data[0])))


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "lion"])
def test_training_goes_on_as_if_nothing_had_been(trainable_backend, tmp_path, data, optimizer):
    model = small()
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(*data, epochs=2, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    histories = [m.fit(*data, epochs=2, batch_size=4, shuffle=False, verbose=0).history for m in (model, copy)]
    assert set(histories[0]) == {"loss", "mae"}
    assert histories[0] == histories[1]
    assert same_weights(model, copy)


def test_a_file_of_one_backend_opens_on_another(tmp_path, data):
    with cornu.use_backend("torch"):
        model = small()
        model.save(tmp_path / "m.keras")
        expected = ops.convert_to_numpy(model(data[0]))
    with cornu.use_backend("numpy"):
        np.testing.assert_allclose(load_model(tmp_path / "m.keras")(data[0]), expected, rtol=1e-5, atol=1e-6)


def test_without_compiling(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").compiled
    assert not load_model(tmp_path / "m.keras", compile=False).compiled


def test_half_precision_and_frozen_layers(tmp_path):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, dtype="bfloat16", trainable=False), layers.Dense(2, dtype="float16")])
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert [v.dtype for v in copy.weights] == ["bfloat16", "bfloat16", "float16", "float16"]
    assert [v.trainable for v in copy.weights] == [False, False, True, True]
    assert same_weights(model, copy)


def test_a_file_that_names_no_optimizer_opens_without_its_state(tmp_path, data):
    """Keras writes such files, with the state of Adam, where the model was saved to a ".h5" file before."""
    model = small()
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(*data, verbose=0)
    model.save(tmp_path / "m.keras")
    with_config(tmp_path / "m.keras", tmp_path / "k.keras", lambda config: config["compile_config"].pop("optimizer"))
    with pytest.warns(UserWarning, match="state in .* does not fit and was left out"):
        again = load_model(tmp_path / "k.keras")
    assert same_weights(model, again)


def test_as_a_folder(tmp_path, data):
    model, other = small(), small()
    for one in (model, other):
        one.save(tmp_path / "m", zipped=False)
        assert sorted(os.listdir(tmp_path / "m")) == ["config.json", "metadata.json", "model.weights.h5"]
        assert os.listdir(tmp_path) == ["m"]
        assert same_weights(one, load_model(tmp_path / "m"))
    (tmp_path / "m" / "NOTES.md").write_text("mine")
    with pytest.raises(SavingError, match=r"NOTES\.md"):
        model.save(tmp_path / "m", zipped=False)
    assert (tmp_path / "m" / "NOTES.md").read_text() == "mine"


def test_files_of_others_among_the_assets_of_a_folder_stay(tmp_path):
    library({"a.txt": "four", "sub/b.txt": "five"}).save(tmp_path / "m", zipped=False)
    library({"c.txt": "six"}).save(tmp_path / "m", zipped=False)  # what an earlier save wrote may go
    assert load_model(tmp_path / "m").layers[0].texts == {"c.txt": "six"}
    kept = tmp_path / "m" / "assets" / "layers" / "notes" / "thesis.txt"
    kept.parent.mkdir()
    kept.write_text("years of work")
    (tmp_path / "m" / "assets" / "link").symlink_to(tmp_path)
    with pytest.raises(
        SavingError, match=r"assets/layers/notes/thesis\.txt', 'assets/link'|'assets/link', 'assets/layers/notes/thesis\.txt"
    ):
        library({"c.txt": "seven"}).save(tmp_path / "m", zipped=False)
    assert kept.read_text() == "years of work"
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize(
    "metadata", ["[]", "{", '{"assets": 3}', '{"assets": ["assets/layers/library/c.txt", 7]}', '{"assets": [["assets"]]}']
)
def test_metadata_of_others_permits_no_more_than_it_lists(tmp_path, metadata):
    library({"a.txt": "four"}).save(tmp_path / "m", zipped=False)
    (tmp_path / "m" / "metadata.json").write_text(metadata)
    with pytest.raises(SavingError, match=r"a\.txt"):
        library({"b.txt": "six"}).save(tmp_path / "m", zipped=False)
    library({"a.txt": "five"}).save(tmp_path / "m", zipped=False)  # the same files take their place
    assert load_model(tmp_path / "m").layers[0].texts == {"a.txt": "five"}


def test_a_model_of_layers_of_every_kind_of_container(backend, tmp_path, data):
    @register_keras_serializable("test_model_file")
    class Net(cornu.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.table = {"one": layers.Dense(4), "more": [layers.Dense(4), (layers.Dense(4),)]}
            self.stack = [layers.Dense(4), layers.Dense(4)]
            self._last = layers.Dense(2)
            self.alias = self.stack[0]

        def call(self, inputs):
            more, (deep,) = self.table["more"]
            x = deep(more(self.table["one"](inputs)))
            return self._last(self.alias(self.stack[1](self.stack[0](x))))

    model = Net()
    model(data[0])
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert len(copy.weights) == 12
    np.testing.assert_array_equal(ops.convert_to_numpy(model(data[0])), ops.convert_to_numpy(copy(data[0])))


def test_a_subclass_fed_with_a_dict_of_ids_and_numbers_is_built_again(backend, tmp_path):
    @register_keras_serializable("test_model_file")
    class Mixed(cornu.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.ids, self.out = layers.Embedding(7, 3), layers.Dense(2)

        def call(self, inputs):
            return self.out(ops.mean(self.ids(inputs["ids"]), axis=1) + inputs["x"])

    model = Mixed()
    batch = {"ids": np.array([[1, 2], [3, 4]], "int32"), "x": np.ones((2, 3), "float32")}
    expected = ops.convert_to_numpy(model(batch))
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(load_model(tmp_path / "m.keras")(batch)), expected)


def test_saving_leaves_names_and_seeds_as_they_were(tmp_path):
    @register_keras_serializable("test_model_file")
    class Own(cornu.Layer):
        def call(self, inputs):
            return inputs

    model = cornu.Sequential([cornu.Input((4,)), Own(), layers.Dense(2)])
    cornu.state.set_random_seed(5)
    before = cornu.state.seed.make_seed()
    cornu.state.set_random_seed(5)
    model.save(tmp_path / "m.keras")
    assert cornu.state.seed.make_seed() == before


# --- what is refused --------------------------------------------------------------------------------------------------


class Bare(cornu.Layer):
    """A layer that nobody registered."""

    def __init__(self, units, extra=None, **kwargs):
        super().__init__(**kwargs)
        self.n, self.extra = units, extra

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.n), name="kernel")

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel)


def stack_of(*more):
    return cornu.Sequential([cornu.Input((4,)), *more])


def test_custom_objects_mend_an_unregistered_class(tmp_path):
    model = stack_of(Bare(3))
    model.save(tmp_path / "m.keras")
    with pytest.raises(UnknownNameError, match="Bare") as refusal:
        load_model(tmp_path / "m.keras")
    assert "custom_objects={'Bare'" in refusal.value.__notes__[0]
    assert same_weights(model, load_model(tmp_path / "m.keras", custom_objects={"Bare": Bare}))


@pytest.mark.parametrize("extra", [lambda x: x, io.StringIO(), {1, 2}, {"deep": [object()]}], ids=["lambda", "file", "set", "object"])
def test_an_argument_that_no_file_can_hold_is_named(tmp_path, extra):
    with pytest.raises(ConfigError, match=r"Bare 'guilty'.*`extra`.*Nothing was written"):
        stack_of(layers.Dense(4), Bare(3, extra=extra, name="guilty")).save(tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


def test_a_lambda_is_refused_wherever_it_is(tmp_path):
    with pytest.raises(ConfigError, match=r"Lambda 'guilty'.*`function`"):
        stack_of(layers.Lambda(lambda x: x, name="guilty")).save(tmp_path / "m.keras")
    model = small()
    model.compile("sgd", loss=lambda y, p: ops.mean((y - p) ** 2))
    with pytest.raises(ConfigError, match=r"as it was compiled, because of `loss`"):
        model.save(tmp_path / "m.keras")


def test_a_configuration_that_its_class_does_not_accept_is_named(tmp_path):
    class Forgets(Bare):
        def get_config(self):
            return {"name": self.name}

    with pytest.raises(ConfigError, match=r"Forgets 'guilty'.*missing 1 required positional argument: 'units'"):
        stack_of(Forgets(3, name="guilty")).save(tmp_path / "m.keras")


def test_weights_that_would_not_be_made_again_are_named(tmp_path):
    class Grows(cornu.Layer):
        def call(self, inputs):
            return inputs

    layer = Grows(name="guilty")
    model = stack_of(layer)
    layer.late = layer.add_weight((2,), name="late")
    with pytest.raises(ConfigError, match=r"layers/grows \(Grows 'guilty'\): \[\(2,\)\] now, \[\] when loaded"):
        model.save(tmp_path / "m.keras")


def test_a_compile_of_its_own_is_told(tmp_path, data):
    @register_keras_serializable("test_model_file")
    class Pair(cornu.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.net = layers.Dense(2)

        def compile(self, first, second):
            super().compile(loss="mse")
            self.first_optimizer, self.second_optimizer = first, second

        def call(self, inputs):
            return self.net(inputs)

    model = Pair()
    model(data[0])
    model.compile(cornu.optimizers.SGD(), cornu.optimizers.Adam())
    with pytest.warns(UserWarning, match="has its own `compile`"):
        model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert not copy.compiled
    assert same_weights(model, copy)


def test_paths_that_are_no_model_files(tmp_path):
    model = small()
    for path, zipped in ((tmp_path / "m.h5", True), (tmp_path / "m", True), (tmp_path / "m.keras", False)):
        with pytest.raises(ArgumentError, match=r"\.keras"):
            model.save(path, zipped=zipped)
    model.save(tmp_path / "m.keras")
    with pytest.raises(SavingError, match="already"):
        save_model(model, tmp_path / "m.keras", overwrite=False)
    with pytest.raises(SavingError, match=r"no\.keras"):
        load_model(tmp_path / "no.keras")


# --- a failure costs nothing ------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_file(tmp_path):
    model, path = small(seed=1), tmp_path / "m.keras"
    model.save(path)
    old = path.read_bytes()
    large = cornu.Sequential([cornu.Input((64,)), layers.Dense(512)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(SavingError, match=r"m\.keras.*earlier file is untouched"):
            large.save(path)
        with pytest.raises(SavingError, match="folder"):
            large.save(tmp_path / "folder", zipped=False)
        with pytest.raises(SavingError, match=r"w\.weights\.h5"):
            large.save_weights(tmp_path / "w.weights.h5")
        with pytest.raises(SavingError, match=r"w\.safetensors"):
            large.save_weights(tmp_path / "w.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["m.keras"]


KILLER = """
    import os, random, signal, sys, time
    import numpy as np
    import cornu
    from cornu import layers
    from cornu.saving import load_model

    cornu.set_backend("numpy")
    folder = sys.argv[1]
    model = cornu.Sequential([cornu.Input((64,)), layers.Dense(256), layers.BatchNormalization(), layers.Dense(64)])
    path = os.path.join(folder, "m.keras")
    targets = (path, {}), (os.path.join(folder, "m"), {"zipped": False})

    def save(number, target, how):
        model.set_weights([np.full(v.shape, number, v.dtype) for v in model.weights])
        model.save(target, **how)

    for target, how in targets:
        save(0, target, how)
    begun = time.monotonic()
    save(0, *targets[0])
    once = time.monotonic() - begun
    draw, torn, lost = random.Random(7), 0, 0
    for kill in range(50):
        target, how = targets[kill % 2]
        done, tell = os.pipe()
        child = os.fork()
        if child == 0:
            number = 1000 * kill
            while True:
                number += 1
                save(number, target, how)
                os.write(tell, b".")
        finished = draw.randrange(3)
        for _ in range(finished):  # however busy the machine is, the kill comes after so many whole saves
            os.read(done, 1)
        time.sleep(draw.uniform(0, 1.5) * once)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(done)
        os.close(tell)
        values = {float(x) for w in load_model(target).get_weights() for x in (w.min(), w.max())}
        torn += len(values) != 1
        lost += finished > 0 and min(values) < 1000 * kill + finished
    for target, how in targets:
        save(0, target, how)
    print(torn, lost, sorted(os.listdir(folder)))
"""


def test_kill_in_the_middle_of_fifty_saves(tmp_path):
    script = tmp_path / "killer.py"
    script.write_text(textwrap.dedent(KILLER))
    folder = tmp_path / "files"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, env=environment, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    torn, lost, left = done.stdout.split(maxsplit=2)
    assert (torn, lost) == ("0", "0")
    assert left.strip() == "['m', 'm.keras']"


# --- files from elsewhere ---------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    small(seed=1).save(tmp_path / "good.keras")
    return tmp_path / "good.keras"


def test_a_configuration_cannot_ask_for_more_than_the_file_brings(file, tmp_path):
    def huge(config):
        config["config"]["layers"][1]["config"]["units"] = 10**12

    with_config(file, tmp_path / "bad.keras", huge)
    with pytest.raises(UnsafeFileError, match="no larger weights"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize(
    ("module", "name", "error"),
    [
        ("os", "system", UnknownNameError),
        ("builtins", "eval", UnknownNameError),
        ("subprocess", "Popen", UnknownNameError),
        ("keras.src.ops.numpy", "Add", UnknownNameError),
        ("keras.layers", "__lambda__", UnsafeFileError),
    ],
)
def test_a_file_names_nothing_but_registered_classes(file, tmp_path, module, name, error):
    with_config(
        file, tmp_path / "bad.keras", lambda c: c["config"]["layers"][1].update(module=module, class_name=name, registered_name=name)
    )
    with pytest.raises(error):
        load_model(tmp_path / "bad.keras", safe_mode=False)


def test_a_file_that_describes_something_else_is_refused(file, tmp_path):
    adam = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
    rewritten(file, tmp_path / "bad.keras", lambda name, content: json.dumps(adam) if name == "config.json" else content)
    with pytest.raises(ConfigError, match="must describe a model"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize("missing", ["config.json", "model.weights.h5"])
def test_a_member_that_is_missing_is_named(file, tmp_path, missing):
    rewritten(file, tmp_path / "bad.keras", lambda name, content: None if name == missing else content)
    with pytest.raises(CorruptFileError, match=missing):
        load_model(tmp_path / "bad.keras")


def test_weights_of_another_model_are_refused(file, tmp_path):
    with_config(file, tmp_path / "bad.keras", lambda c: c["config"]["layers"][2]["config"].update(units=5))
    with pytest.raises(ShapeError, match=r"kernel' has the shape \(3, 5\), and the file holds \(3, 2\)"):
        load_model(tmp_path / "bad.keras")


def test_a_model_frozen_after_training_goes_on_where_it_was(trainable_backend, tmp_path):
    """The optimizer in the file was made before: it keeps slots for the frozen weights too."""
    x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    model.save(tmp_path / "m.keras")
    again = cornu.models.load_model(tmp_path / "m.keras")
    assert not again.layers[0].trainable
    for one in (model, again):
        one.fit(x, y, verbose=0)
    for a, b in zip([*model.variables, *model.optimizer.variables], [*again.variables, *again.optimizer.variables], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_file_names_no_other_file_to_read(tmp_path, name):
    (tmp_path / "secret.txt").write_text("7\n8")
    kind = getattr(layers, name)
    read = kind(vocabulary=str(tmp_path / "secret.txt"))  # in code, a path is read
    model = cornu.Sequential([cornu.Input((1,), dtype="int64" if name == "IntegerLookup" else "string"), read])
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").layers[0].get_vocabulary() == read.get_vocabulary()
    with_config(
        tmp_path / "m.keras",
        tmp_path / "bad.keras",
        lambda c: c["config"]["layers"][1]["config"].update(vocabulary=str(tmp_path / "secret.txt")),
    )
    with pytest.raises(UnsafeFileError, match="must be a list of tokens"):
        load_model(tmp_path / "bad.keras", safe_mode=False)
    with pytest.raises(UnsafeFileError, match=r"secret\.txt"):
        kind.from_config({"vocabulary": tmp_path / "secret.txt"})


@pytest.mark.parametrize(
    ("make", "argument", "value"),
    [
        (lambda: layers.MelSpectrogram(fft_length=64, num_mel_bins=5), "num_mel_bins", 10**12),
        (lambda: layers.MelSpectrogram(fft_length=64, num_mel_bins=5), "num_mel_bins", -(10**12)),
        (lambda: layers.STFTSpectrogram(frame_length=32), "frame_length", 10**12),
        (lambda: layers.STFTSpectrogram(frame_length=32, fft_length=32), "fft_length", 10**12),
        (lambda: layers.IntegerLookup(vocabulary=[5, 6]), "num_oov_indices", 10**12),
    ],
)
def test_what_layers_compute_from_a_configuration_is_counted_too(tmp_path, make, argument, value):
    layer = make()
    shape = {"MelSpectrogram": (256,), "STFTSpectrogram": (256, 1)}.get(type(layer).__name__, (3,))
    cornu.Sequential([cornu.Input(shape, dtype="int64" if shape == (3,) else None), layer]).save(tmp_path / "m.keras")
    with_config(tmp_path / "m.keras", tmp_path / "bad.keras", lambda c: c["config"]["layers"][1]["config"].update({argument: value}))
    with pytest.raises((UnsafeFileError, ArgumentError), match=r"no larger weights|at least 1"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize("kind", ["AUC", "PrecisionAtRecall"])
def test_the_thresholds_of_a_metric_are_counted_before_they_are_made(file, tmp_path, kind):
    def many(config):
        arguments = {"num_thresholds": 16_000_000} | ({} if kind == "AUC" else {"recall": 0.5})
        config["compile_config"] = {
            "optimizer": "sgd", "loss": "mse",
            "metrics": [{"module": "keras.metrics", "class_name": kind, "config": arguments, "registered_name": None}],
        }  # fmt: skip

    with_config(file, tmp_path / "bad.keras", many)
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeFileError, match="thresholds of a metric"):
            load_model(tmp_path / "bad.keras")
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


# --- files of layers --------------------------------------------------------------------------------------------------


@register_keras_serializable("test_model_file")
class Library(cornu.Layer):
    """Its texts, by their paths, are files."""

    def __init__(self, inner=False, **kwargs):
        super().__init__(**kwargs)
        self.texts = {}
        self.inner = Library() if inner else None

    def call(self, inputs):
        return inputs

    def save_assets(self, dir_path):
        for name, text in self.texts.items():
            path = os.path.join(dir_path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)

    def load_assets(self, dir_path):
        for folder, _, names in os.walk(dir_path):
            for name in names:
                path = os.path.join(folder, name)
                with open(path) as file:
                    self.texts[os.path.relpath(path, dir_path)] = file.read()


def library(texts, inner=None):
    layer = Library(inner=inner is not None, name="library")
    layer.texts = texts
    if inner is not None:
        layer.inner.texts = inner
    return cornu.Sequential([cornu.Input((3,)), layer])


@pytest.mark.parametrize("name", ["m.keras", "folder"])
def test_files_of_layers_may_lie_in_folders(tmp_path, name):
    texts, inner = {"a.txt": "a", "sub/b.txt": "b", "sub/deep/c.txt": "c"}, {"a.txt": "inner a", "sub/d.txt": "d"}
    library(texts, inner).save(tmp_path / name, zipped=name == "m.keras")
    again = load_model(tmp_path / name).layers[0]
    assert again.texts == texts
    assert again.inner.texts == inner


def test_files_of_layers_that_could_not_be_read_again_are_refused(tmp_path, monkeypatch):
    with pytest.raises(SavingError, match="names without ':'"):
        library({"a:b.txt": "a"}).save(tmp_path / "m.keras")
    monkeypatch.setattr("cornu.saving.assets.MAX_ASSET", 3)
    with pytest.raises(SavingError, match=r"at most 3 bytes .*'a\.txt' has 4"):
        library({"a.txt": "four"}).save(tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


def test_files_of_a_folder_are_read_within_limits_and_no_links_followed(tmp_path, monkeypatch):
    library({"a.txt": "four"}).save(tmp_path / "m", zipped=False)
    (file,) = (path for path in (tmp_path / "m" / "assets").rglob("*") if path.is_file())
    with monkeypatch.context() as patch:
        patch.setattr("cornu.saving.assets.MAX_ASSET", 3)
        with pytest.raises(UnsafeFileError, match="at most 3 bytes; it has 4"):
            load_model(tmp_path / "m")
    (tmp_path / "secret").write_text("secret")
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        load_model(tmp_path / "m")


def test_names_that_cannot_stand_in_one_folder_are_told(tmp_path):
    library({"a": "a"}).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr("assets/layers/library/a/b", "b")
    with pytest.raises(CorruptFileError, match="place of its own"):
        load_model(tmp_path / "m.keras")


def test_custom_objects_are_a_dict(file):
    with pytest.raises(ArgumentError, match="custom_objects must be a dict"):
        load_model(file, custom_objects=[Bare])


def test_a_layer_with_the_name_of_a_group_of_older_files_is_named(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, name="top_level_model_weights")])
    with pytest.raises(SavingError, match="Give it another"):
        model.save(tmp_path / "m.h5")
