"""What users are promised of files: saving is all or nothing, what saves loads in a fresh process, and reading a file does nothing but read it."""

import errno
import json
import os
import subprocess
import sys
import textwrap
import zipfile

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import CornuError, SavingError
from cornu.saving import load_model
from tests.saving import keras2

TARGETS = {
    "m.keras": lambda model, path: model.save(path),
    "m.h5": lambda model, path: model.save(path),
    "folder": lambda model, path: model.save(path, zipped=False),
    "w.weights.h5": lambda model, path: model.save_weights(path),
    "w.safetensors": lambda model, path: model.save_weights(path),
    "w.weights.json": lambda model, path: model.save_weights(path, max_shard_size=1e-7),
    "s.safetensors": lambda model, path: model.save_weights(path, max_shard_size=1e-7),
}


def model_of(value):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(30, name="a"), layers.Dense(20, name="b")])
    model.set_weights([np.full(w.shape, value, w.dtype) for w in model.get_weights()])
    return model


def values_in(path):
    """The values of a file's weights; each file here was written with one value everywhere."""
    if path.name in ("m.keras", "m.h5", "folder"):
        model = load_model(path)
    else:
        model = model_of(-1)
        model.load_weights(path)
    return {float(x) for w in model.get_weights() for x in w.ravel()}


# --- saving is all or nothing -----------------------------------------------------------------------------------------


class Stop(BaseException):
    """A process that ends: nothing after it runs but what Python cannot keep from running."""


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("call", ["replace", "fsync", "open", "rename", "unlink"])
def test_a_save_that_ends_at_any_step_leaves_the_old_or_the_new(tmp_path, monkeypatch, name, call):
    path, save = tmp_path / name, TARGETS[name]
    save(model_of(1), path)
    plain, reached = getattr(os, call), 0
    for stop_at in range(1, 40):
        left = stop_at

        def stopping(*args, **kwargs):
            nonlocal left, reached
            left -= 1
            if left == 0:
                reached += 1
                raise Stop
            return plain(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, stopping)
            try:
                save(model_of(2), path)
            except Stop:
                pass
            else:
                break
        assert values_in(path) in ({1.0}, {2.0})
        save(model_of(1), path)
    else:
        raise AssertionError("the save never came to its end")
    save(model_of(2), path)
    assert values_in(path) == {2.0}
    assert reached >= (1 if call in ("fsync", "open") else 0)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_system_refuses_is_told_with_the_files_name(tmp_path, monkeypatch, name, code):
    path, save = tmp_path / name, TARGETS[name]
    save(model_of(1), path)
    before = sorted(os.listdir(tmp_path))

    def refusing(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refusing)
        with pytest.raises(SavingError) as refusal:
            save(model_of(2), path)
    assert path.stem.split(".")[0] in str(refusal.value)
    assert os.strerror(code) in str(refusal.value)
    assert values_in(path) == {1.0}
    assert sorted(os.listdir(tmp_path)) == before


# --- what saves, loads ------------------------------------------------------------------------------------------------

OWN = """
    import cornu
    from cornu import layers

    @cornu.saving.register_keras_serializable("promises")
    class Scaled(cornu.Layer):  # no get_config: what the constructor was given is kept
        def __init__(self, units, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(units)
            self.factor = factor

        def call(self, inputs):
            return self.inner(inputs) * self.factor

    @cornu.saving.register_keras_serializable("promises")
    def squares(y_true, y_pred):
        return cornu.ops.mean((y_true - y_pred) ** 2, axis=-1)
"""
FRESH = """
    import sys
    import numpy as np
    sys.path.insert(0, sys.argv[1])
    import cornu
    import own
    cornu.set_backend("numpy")
    model = cornu.saving.load_model(sys.argv[2])
    x = np.load(sys.argv[3])
    assert model.compiled and model.loss is own.squares, model.loss
    assert type(model.layers[0]) is own.Scaled and model.layers[0].factor == 0.5
    np.save(sys.argv[3], cornu.ops.convert_to_numpy(model(x)))
"""


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "folder"])
def test_a_fresh_process_makes_the_same_model(tmp_path, rng, monkeypatch, name):
    (tmp_path / "own.py").write_text(textwrap.dedent(OWN))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own", raising=False)
    import own

    model = cornu.Sequential([cornu.Input((4,)), own.Scaled(3, factor=0.5), layers.Dense(2)])
    model.compile("adam", own.squares, metrics=["mae"])
    x = rng.normal(size=(5, 4)).astype("float32")
    expected = cornu.ops.convert_to_numpy(model(x))
    TARGETS[name](model, tmp_path / name)
    np.save(tmp_path / "x.npy", x)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p and p != str(tmp_path))}
    arguments = [sys.executable, "-c", textwrap.dedent(FRESH), str(tmp_path), str(tmp_path / name), str(tmp_path / "x.npy")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "folder"])
def test_what_could_not_be_loaded_is_not_saved(tmp_path, name):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, activation=lambda x: x, name="guilty")])
    with pytest.raises(CornuError, match=r"Dense 'guilty'.*`activation`"):
        TARGETS[name](model, tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "folder"])
def test_a_loss_that_no_file_can_hold_is_left_out_with_the_optimizer(tmp_path, name):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2)])
    model.compile("adam", lambda y, p: (y - p) ** 2)
    with pytest.raises(CornuError, match="`loss`"):
        TARGETS[name](model, tmp_path / name)
    model.save(tmp_path / name, include_optimizer=False, **({"zipped": False} if name == "folder" else {}))
    copy = load_model(tmp_path / name)
    assert not copy.compiled
    assert all(map(np.array_equal, model.get_weights(), copy.get_weights()))


# --- nobody gets in ---------------------------------------------------------------------------------------------------

WATCHED = """
    import codecs, sys
    from pathlib import Path
    import cornu
    from cornu import registry
    from cornu.errors import CornuError

    cornu.set_backend("numpy")
    registry.open_rooms()
    codecs.lookup("ascii")  # Python imports its codecs when they are used
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder / "modules"))
    for good in sorted(folder.glob("good*")):
        cornu.saving.load_model(good)  # whatever is imported on the way is imported now
    seen, files = [], {str(p) for p in folder.iterdir()}
    HARM = ("socket", "subprocess", "os.system", "os.exec", "os.fork", "os.posix_spawn", "pickle", "marshal", "ctypes", "import", "exec", "compile",
            "os.remove", "os.rename", "os.mkdir", "shutil", "code.__new__", "function.__new__")

    def watch(event, arguments):
        if event.startswith(HARM):
            seen.append((event, repr(arguments)[:200]))
        elif event == "open" and str(arguments[0]) not in files:
            seen.append((event, repr(arguments)[:200]))

    sys.addaudithook(watch)
    told = []
    for bad in sorted(folder.glob("bad*")):
        for read in (cornu.saving.load_model, cornu.saving.KerasFileEditor):
            try:
                read(bad, **({"safe_mode": False} if read is cornu.saving.load_model else {}))
            except CornuError as error:
                told.append(type(error).__name__)
    count = len(seen)
    print(count, len(told), seen[:5])
"""


def hostile(folder, tmp_path):
    """Files that name modules, hold code, and lead elsewhere."""
    (folder / "modules").mkdir()
    (folder / "modules" / "evil.py").write_text("import os; os.system('true')")
    good = folder / "good.keras"
    model_of(1).save(good)
    model_of(1).save(folder / "good.h5")
    names = [
        ("evil", "Layer"),
        ("os", "system"),
        ("builtins", "exec"),
        ("pickle", "loads"),
        ("keras.src.ops.numpy", "Evil"),
        ("cornu.os", "sep"),
    ]
    for number, (module, name) in enumerate(names):
        with zipfile.ZipFile(good) as old, zipfile.ZipFile(folder / f"bad{number}.keras", "w") as new:
            for member in old.namelist():
                content = old.read(member)
                if member == "config.json":
                    config = json.loads(content)
                    config["config"]["layers"][1] |= {"module": module, "class_name": name, "registered_name": f"{module}>{name}"}
                    config["config"]["layers"][2]["config"]["activation"] = {
                        "module": module, "class_name": "function", "config": f"{module}.{name}", "registered_name": name,
                    }  # fmt: skip
                    content = json.dumps(config)
                new.writestr(member, content)
        entry = {"class_name": f"{module}.{name}", "config": {"name": "x"}}
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": [keras2.input_layer("i", [None, 4]), entry]}}
        keras2.write_model(folder / f"bad{number}.h5", config, {})
    code = keras2.plain(
        "Lambda", "la", function=["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwA=", None, None], function_type="lambda"
    )
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [keras2.input_layer("i", [None, 4]), code]}}
    keras2.write_model(folder / "bad_lambda.h5", config, {"la": {}})
    model_of(1).save(folder / "bad_link.h5")
    with h5py.File(folder / "bad_link.h5", "a") as file:
        del file["model_weights/a"]
        file["model_weights/a"] = h5py.ExternalLink(str(tmp_path / "elsewhere.h5"), "/")
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file.attrs["weight_names"] = ["x"]


def test_reading_runs_nothing_and_opens_nothing_else(tmp_path):
    """Python's own audit events say what a process does; the HDF5 library's opening of files is none of them, so a link is tried besides."""
    folder = tmp_path / "files"
    folder.mkdir()
    hostile(folder, tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WATCHED), str(folder)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    harm, told, seen = done.stdout.split(maxsplit=2)
    assert harm == "0", seen
    assert int(told) >= 14  # every model, and every `.h5` file that the editor is not for
