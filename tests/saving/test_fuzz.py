"""Files from elsewhere, damaged or made to harm: a typed error or a whole model, never anything else, and nothing changed where it is refused.

The reading runs in a process of its own, so that a crash of a library is a failure here and not the end of the run.
"""

import json
import os
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import CornuError, CorruptFileError, SavingError, ShapeError, UnsafeFileError
from cornu.saving import load_model
from cornu.saving.hdf5 import SEALED

READER = """
    import io, os, resource, sys, warnings
    from pathlib import Path
    import numpy as np
    import cornu
    from cornu import layers
    from cornu.errors import CornuError

    warnings.simplefilter("ignore")
    cornu.set_backend("numpy")
    source, kind, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(name="n"), layers.Dense(2, name="b")])
    before = model.get_weights()
    whole = source.read_bytes()
    target = folder / source.name
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    refused = read = 0

    def attempt(data):
        global refused, read
        target.write_bytes(data)
        try:
            if kind == "model":
                found = cornu.saving.load_model(target)
                assert all(w.nbytes < 2**22 for w in found.get_weights())
            else:
                model.load_weights(target)
                model.set_weights(before)
            read += 1
        except CornuError:
            refused += 1
            assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), "half loaded"

    for length in range(0, len(whole), max(1, len(whole) // 60)):
        attempt(whole[:length])
    truncated, refused_truncated = len(range(0, len(whole), max(1, len(whole) // 60))), refused
    draw = np.random.default_rng(0)
    for place in range(0, len(whole), max(1, len(whole) // int(sys.argv[4]))):
        data = bytearray(whole)
        data[place] ^= (0xFF, 0x01, 0x80)[place % 3]
        attempt(bytes(data))
    for _ in range(60):  # several places at once
        data = bytearray(whole)
        for place in draw.integers(0, len(whole), 8):
            data[place] = draw.integers(256)
        attempt(bytes(data))
    print(truncated, refused_truncated, refused, read)
"""


def model_of(width=2):
    return cornu.Sequential(
        [cornu.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(name="n"), layers.Dense(width, name="b")]
    )


CASES = [("m.h5", "model"), ("m.h5", "weights"), ("m.keras", "model"), ("w.weights.h5", "weights"), ("w.safetensors", "weights")]


@pytest.mark.long
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_damage_anywhere_is_an_error_of_ours_or_does_no_harm(tmp_path, name, kind):
    model = model_of()
    model.compile("sgd", "mse")
    (model.save if name.startswith("m.") else model.save_weights)(tmp_path / name)
    if name.endswith(".h5"):  # without its digest, as another program's file: what it says is on trial
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-SEALED])
    folder = tmp_path / "read"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READER), str(tmp_path / name), kind, str(folder), "250"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    truncated, refused_truncated, refused, _ = map(int, done.stdout.split())
    assert refused_truncated == truncated
    assert refused > truncated
    assert os.listdir(folder) == [name]


# --- made to harm -----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    model_of().save(tmp_path / "m.h5")
    return tmp_path / "m.h5"


def refuses(path, *errors):
    """Neither a model is made of the file nor anything of it goes into another."""
    other = model_of()
    before = other.get_weights()
    for read in (load_model, other.load_weights):
        with pytest.raises(errors or CornuError):
            read(path)
    assert all(map(np.array_equal, before, other.get_weights()))


@pytest.mark.parametrize("kind", ["external", "soft"])
@pytest.mark.parametrize("place", ["model_weights/a/a/kernel", "model_weights/a", "model_weights"])
def test_links_out_of_the_file_are_refused(file, tmp_path, kind, place):
    model_of().save(tmp_path / "other.h5")
    with h5py.File(file, "a") as h5:
        if kind == "soft":
            h5.move(place, "elsewhere")
        else:
            del h5[place]
        h5[place] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("other.h5", place)
    refuses(file, UnsafeFileError)


def test_numbers_in_other_files_are_refused(file, tmp_path):
    (tmp_path / "secret").write_bytes(np.ones(12, "float32").tobytes())
    with h5py.File(file, "a") as h5:
        del h5["model_weights/a/a/kernel"]
        h5.create_dataset("model_weights/a/a/kernel", (4, 3), "float32", external=[(str(tmp_path / "secret"), 0, 48)])
    refuses(file, UnsafeFileError)


def test_absurd_shapes_are_refused_before_anything_is_allocated(file):
    with h5py.File(file, "a") as h5:
        del h5["model_weights/a/a/kernel"]
        h5.create_dataset("model_weights/a/a/kernel", (2**40, 2**20), "float32", chunks=(1, 1))
    refuses(file, ShapeError, CorruptFileError, UnsafeFileError)


def test_compressed_bombs_are_refused(file):
    with h5py.File(file, "a") as h5:
        del h5["model_weights/a/a/kernel"]
        h5.create_dataset("model_weights/a/a/kernel", data=np.zeros((2**13, 2**13), "float32"), compression="gzip")
    refuses(file, ShapeError, UnsafeFileError)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../model_weights/a", "", ".", "a/"])
def test_names_that_climb_lead_nowhere(file, name):
    with h5py.File(file, "a") as h5:
        listed = list(h5["model_weights"].attrs["layer_names"])
        h5["model_weights"].attrs["layer_names"] = [name if one == "a" else one for one in listed]
    refuses(file)


@pytest.mark.parametrize("name", ["../n/gamma", "/model_weights/a/a/kernel", "a/./kernel", "a/../a/kernel", ""])
def test_weights_names_that_climb_lead_nowhere(file, name):
    with h5py.File(file, "a") as h5:
        h5["model_weights/a"].attrs["weight_names"] = [name, "a/bias"]
    refuses(file)


def test_configurations_that_ask_for_too_much_are_refused(file):
    with h5py.File(file, "a") as h5:
        config = json.loads(h5.attrs["model_config"])
        config["config"]["layers"][1]["config"]["units"] = 10**11
        h5.attrs["model_config"] = json.dumps(config)
    with pytest.raises(UnsafeFileError, match="no larger weights"):
        load_model(file)


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "system", "config": {"command": "true"}},
        {"class_name": "os.system", "config": {}},
        {"class_name": "Functional", "config": {"layers": [], "input_layers": [["x", 0, 0]], "output_layers": [["x", 0, 0]]}},
        {"class_name": "Sequential", "config": {"layers": 5}},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": 7}]}},
        {"class_name": ["Dense"], "config": {}},
        {"class_name": "Dense", "config": {"units": 1}},
        {"module": "os", "class_name": "system", "config": "true", "registered_name": None},
        {"class_name": "function", "config": "system"},
        {},
        [],
        7,
        None,
    ],
    ids=repr,
)
@pytest.mark.parametrize("version", ["2.15.0", "3.15.1"])
def test_configurations_that_describe_no_model_are_refused(file, config, version):
    with h5py.File(file, "a") as h5:
        h5.attrs["model_config"], h5.attrs["keras_version"] = json.dumps(config), version
    with pytest.raises(CornuError):
        load_model(file)


def test_deep_nesting_is_refused(file):
    with h5py.File(file, "a") as h5:
        h5.attrs["model_config"] = '{"class_name": "Sequential", "config": {"layers": [' * 3000
    with pytest.raises(CorruptFileError):
        load_model(file)
    inner = {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, 1]}}
    text, end = '{"class_name": "Sequential", "config": {"name": "s", "layers": [', "]}}"
    with h5py.File(file, "a") as h5:
        h5.attrs["model_config"] = text * 250 + json.dumps(inner) + end * 250
    with pytest.raises(CornuError):
        load_model(file)


def test_pieces_that_are_links_are_followed_to_files_only(tmp_path):
    """A list names neighbours; what is no regular file is no piece."""
    model = model_of()
    model.save_weights(tmp_path / "w.weights.json", max_shard_size=1e-7)
    pieces = sorted(p for p in os.listdir(tmp_path) if p.endswith(".h5"))
    (tmp_path / pieces[0]).unlink()
    (tmp_path / pieces[0]).mkdir()
    before = model.get_weights()
    with pytest.raises(SavingError):
        model.load_weights(tmp_path / "w.weights.json")
    assert all(map(np.array_equal, before, model.get_weights()))
