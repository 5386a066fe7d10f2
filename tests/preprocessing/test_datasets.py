"""Data sets of files, windows and arrays: what is in a batch, orders by seed, parts, damaged files, other libraries."""

import sys
import wave
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu.errors import ArgumentError, CorruptFileError, DataError
from cornu.preprocessing import (
    Dataset,
    audio_dataset_from_directory,
    image_dataset_from_directory,
    split_dataset,
    text_dataset_from_directory,
)
from cornu.preprocessing import timeseries_dataset_from_array as windows_over
from cornu.preprocessing.audio_dataset import read_wav
from cornu.preprocessing.rows import ItemRows
from cornu.training.data import batches


def values(dataset):
    """The batches as lists."""
    return [np.asarray(batch).tolist() for batch in dataset]


@pytest.fixture
def photos(tmp_path, rng):
    """Six images of one colour each (0, 10, 20, …), of two classes."""
    for number in range(6):
        where = tmp_path / "photos" / ("cat", "dog")[number % 2]
        where.mkdir(parents=True, exist_ok=True)
        cornu.utils.save_img(where / f"{number}.png", np.full((6, 8, 3), 10.0 * number), scale=False)
    return tmp_path / "photos"


# --- the data set itself ------------------------------------------------------------------------------------------------


def test_changed_data_sets():
    data = Dataset(np.arange(10), batch_size=4)
    assert values(data) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert values(data.skip(1)) == [[4, 5, 6, 7], [8, 9]]
    assert values(data.skip(1).take(1)) == values(data.take(2).skip(1)) == [[4, 5, 6, 7]]
    assert values(data.take(-1)) == values(data)
    assert values(data.map(lambda x: x + 1).map(lambda x: x * 2).take(1)) == [[2, 4, 6, 8]]
    assert values(data.unbatch().batch(6)) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]
    assert values(data.unbatch().take(2)) == [0, 1]
    assert (len(data), len(data.skip(9)), data.skip(1).num_batches) == (3, 0, 2)
    assert data[2].tolist() == [8, 9]
    assert data.prefetch(-1).max_queue_size == data.max_queue_size
    assert data.prefetch(3).max_queue_size == 3


def test_orders_follow_from_seed_and_pass():
    data, again = (Dataset(np.arange(20), batch_size=4, shuffle=True, seed=3, workers=workers) for workers in (1, 3))
    first, second = values(data), values(data)
    assert first != second
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(20))
    assert [values(again), values(again)] == [first, second]
    assert values(Dataset(np.arange(20), batch_size=4).shuffle(seed=3)) == first
    source = batches(Dataset(np.arange(20), batch_size=4, shuffle=True, seed=3, workers=2))
    assert [[x.tolist() for x, _, _ in source.epoch(number)] for number in range(2)] == [first, second]
    source.close()
    data.begin_epoch(1)
    assert values(data) == second


def test_rows_are_read_once_when_cached(photos):
    data = image_dataset_from_directory(photos, image_size=(2, 2), batch_size=4, shuffle=False, verbose=False).cache()
    before = [np.array(x) for x, _ in data]
    for path in photos.rglob("*.png"):
        path.unlink()
    for (x, _), old in zip(data, before, strict=True):
        np.testing.assert_array_equal(x, old)


def test_functions_that_write_into_their_rows_leave_what_is_kept(photos):
    def double(*parts):
        return np.multiply(parts[-1], 2, out=parts[-1])

    cached, items = Dataset(np.ones((4, 1)), None).cache().map(double), Dataset(ItemRows([np.ones(1)] * 4), None).map(double)
    assert [values(cached), values(cached), values(items), values(items)] == [[[2]] * 4] * 4
    options = {"label_mode": "categorical", "image_size": (2, 2), "batch_size": None, "shuffle": False, "verbose": False}
    labels = image_dataset_from_directory(photos, **options).map(double)
    assert [values(labels), values(labels)] == [[[2, 0]] * 3 + [[0, 2]] * 3] * 2


def test_an_error_in_a_thread_comes_out():
    def wrong(x):
        raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        list(Dataset(np.arange(4), batch_size=2, workers=2).map(wrong))


def test_fit_takes_it(trainable_backend, rng):
    data = Dataset((rng.random((12, 3), dtype="float32"), rng.random((12, 1), dtype="float32")), batch_size=5)
    model = cornu.Sequential([cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(data, epochs=2, verbose=0).history["loss"]) == 2
    assert model.predict(data, verbose=0).shape == (12, 1)
    with pytest.raises(DataError, match=r"\.batch\(32\)"):
        model.fit(data.unbatch(), verbose=0)


# --- images -------------------------------------------------------------------------------------------------------------


def test_images(photos, capsys):
    data = image_dataset_from_directory(photos, image_size=(3, 4), batch_size=4, shuffle=False)
    assert capsys.readouterr().out == "Found 6 files belonging to 2 classes.\n"
    assert data.class_names == ["cat", "dog"]
    assert [path[len(str(photos)) + 1 :] for path in data.file_paths] == [
        "cat/0.png",
        "cat/2.png",
        "cat/4.png",
        "dog/1.png",
        "dog/3.png",
        "dog/5.png",
    ]
    (x, y), (last, _) = data
    assert (x.shape, x.dtype, last.shape) == ((4, 3, 4, 3), "float32", (2, 3, 4, 3))
    assert x[:, 0, 0, 0].tolist() == [0, 20, 40, 10]
    assert (y.dtype, y.tolist()) == ("int32", [0, 0, 0, 1])


def test_labels(photos):
    def labels(**options):
        return image_dataset_from_directory(photos, image_size=(2, 2), shuffle=False, verbose=False, **options)[0][1].tolist()

    assert labels(label_mode="binary") == [[0], [0], [0], [1], [1], [1]]
    assert labels(label_mode="categorical") == [[1, 0]] * 3 + [[0, 1]] * 3
    assert labels(class_names=["dog", "cat"]) == [0, 0, 0, 1, 1, 1]
    assert labels(labels=[5, 4, 3, 2, 1, 0]) == [5, 4, 3, 2, 1, 0]
    assert labels(labels=np.array([5, 4, 3, 2, 1, 0])) == [5, 4, 3, 2, 1, 0]
    assert labels(labels=[0.25, 0.5, 1.75, 2.0, 3.0, 4.0]) == [0.25, 0.5, 1.75, 2.0, 3.0, 4.0]  # for regression, as in Keras
    alone = image_dataset_from_directory(photos, labels=None, image_size=(2, 2), shuffle=False, verbose=False)
    assert alone[0].shape == (6, 2, 2, 3)
    single = image_dataset_from_directory(photos, image_size=(2, 2), batch_size=None, shuffle=False, verbose=False)
    assert [(x.shape, int(y)) for x, y in single] == [((2, 2, 3), label) for label in (0, 0, 0, 1, 1, 1)]


def test_a_link_to_its_own_folder_is_not_followed(photos):
    (photos / "cat" / "again").symlink_to(photos / "cat")
    (photos / "dog" / "cats").symlink_to(photos / "cat")
    data = image_dataset_from_directory(photos, follow_links=True, image_size=(2, 2), shuffle=False, verbose=False)
    assert [str(Path(path).relative_to(photos)) for path in data.file_paths] == [
        *(f"cat/{name}.png" for name in (0, 2, 4)), *(f"dog/{name}.png" for name in (1, 3, 5)), *(f"dog/cats/{name}.png" for name in (0, 2, 4)),
    ]  # fmt: skip


def test_parts_share_no_file(photos, capsys):
    options = {"image_size": (2, 2), "validation_split": 0.34, "seed": 4}
    train, validation = image_dataset_from_directory(photos, subset="both", **options)
    assert "Using 4 files for training.\nUsing 2 files for validation.\n" in capsys.readouterr().out
    assert set(train.file_paths).isdisjoint(validation.file_paths)
    assert len({*train.file_paths, *validation.file_paths}) == 6
    assert image_dataset_from_directory(photos, subset="validation", **options).file_paths == validation.file_paths


def test_proportions(photos):
    cut = image_dataset_from_directory(photos, image_size=(6, 6), crop_to_aspect_ratio=True, shuffle=False, verbose=False)[0][0]
    padded = image_dataset_from_directory(photos, image_size=(8, 8), pad_to_aspect_ratio=True, shuffle=False, verbose=False)[0][0]
    np.testing.assert_array_equal(cut[1], np.full((6, 6, 3), 20))
    np.testing.assert_array_equal(padded[1, :, 0, 0], [0, 20, 20, 20, 20, 20, 20, 0])
    first = image_dataset_from_directory(photos, image_size=(3, 4), data_format="channels_first", color_mode="grayscale", verbose=False)
    assert first[0][0].shape == (6, 1, 3, 4)


def test_damaged_images(photos):
    (photos / "cat" / "2.png").write_bytes(b"no image")
    options = {"image_size": (2, 2), "shuffle": False, "verbose": False}
    with pytest.raises(CorruptFileError, match=r"2\.png"):
        list(image_dataset_from_directory(photos, **options))
    with pytest.warns(UserWarning, match=r"2\.png"):
        ((x, y),) = image_dataset_from_directory(photos, on_broken="skip", **options)
    assert (x[:, 0, 0, 0].tolist(), y.tolist()) == ([0, 40, 10, 30, 50], [0, 0, 1, 1, 1])


# --- texts and sounds ---------------------------------------------------------------------------------------------------


def test_texts(tmp_path):
    for number, text in enumerate(["ähm", "to be", "or not"]):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[number % 2] / f"{number}.txt").write_text(text, encoding="utf-8")
    ((x, y),) = text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)
    assert (x.tolist(), y.tolist()) == (["ähm", "or not", "to be"], [0, 0, 1])
    assert text_dataset_from_directory(tmp_path, max_length=2, label_mode=None, shuffle=False, verbose=False)[0].tolist() == [
        "äh",
        "or",
        "to",
    ]


def write_wav(path, samples, *, width=2, rate=8000):
    """Samples (length, channels) from −1 to 1 as a file."""
    path.parent.mkdir(exist_ok=True)
    whole = np.round(samples * (2 ** (8 * width - 1) - 1)).astype("<i8")
    raw = (whole + 128).astype("u1").tobytes() if width == 1 else whole.astype("<i8").view("u1").reshape(-1, 8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_any_width(tmp_path, rng, width):
    samples = rng.uniform(-1, 1, (20, 2))
    write_wav(tmp_path / "x" / "a.wav", samples, width=width)
    read, rate = read_wav(str(tmp_path / "x" / "a.wav"))
    assert (read.dtype, rate) == ("float32", 8000)
    np.testing.assert_allclose(read, samples, atol=2.0 / 2 ** (8 * width - 1) + 1e-7)


def test_sounds(tmp_path, rng):
    long, short = rng.uniform(-1, 1, (50, 1)), rng.uniform(-1, 1, (30, 1))
    write_wav(tmp_path / "a" / "0.wav", long)
    write_wav(tmp_path / "b" / "1.wav", short)
    options = {"shuffle": False, "verbose": False}
    ((x, y),) = audio_dataset_from_directory(tmp_path, **options)
    assert (x.shape, x.dtype, y.tolist()) == ((2, 50, 1), "float32", [0, 1])
    np.testing.assert_allclose(x[0], long, atol=1e-4)
    np.testing.assert_allclose(x[1], np.pad(short, ((0, 20), (0, 0))), atol=1e-4)
    assert audio_dataset_from_directory(tmp_path, output_sequence_length=40, **options)[0][0].shape == (2, 40, 1)
    assert [sound.shape for sound in audio_dataset_from_directory(tmp_path, ragged=True, **options)[0][0]] == [(50, 1), (30, 1)]
    (tmp_path / "b" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(CorruptFileError, match=r"1\.wav"):
        list(audio_dataset_from_directory(tmp_path, **options))


def test_sounds_that_are_cut_off(tmp_path, rng):
    path = tmp_path / "a" / "0.wav"
    write_wav(path, rng.uniform(-1, 1, (50, 2)))
    whole = path.read_bytes()
    path.write_bytes(whole[:144])
    with pytest.raises(CorruptFileError, match=r"0\.wav: it ends after 100 of 200 bytes"):
        read_wav(str(path))
    path.write_bytes(whole[:4] + b"\xff" * 4 + whole[8:40] + b"\xff" * 4 + whole[44:])  # as a program writes to a pipe
    assert read_wav(str(path))[0].shape == (50, 2)


def test_another_sampling_rate(tmp_path):
    time = np.arange(8000) / 8000
    write_wav(tmp_path / "a" / "0.wav", 0.5 * np.sin(2 * np.pi * 50 * time)[:, None], rate=8000)
    sound = audio_dataset_from_directory(tmp_path, sampling_rate=4000, label_mode=None, verbose=False)[0][0]
    assert sound.shape == (4000, 1)
    np.testing.assert_allclose(sound[200:-200, 0], 0.5 * np.sin(2 * np.pi * 50 * np.arange(4000) / 4000)[200:-200], atol=2e-3)


# --- windows and parts --------------------------------------------------------------------------------------------------


def test_windows():
    data = np.arange(20).reshape(10, 2)
    ((x, y),) = windows_over(data, np.arange(10), 3, sampling_rate=2, sequence_stride=2, start_index=1, end_index=9)
    assert (x[..., 0].tolist(), y.tolist()) == ([[2, 6, 10], [6, 10, 14]], [1, 3])
    assert windows_over(data, None, 9)[0].shape == (2, 9, 2)
    ((x, y),) = windows_over(data, np.arange(4), 3, start_index=2)  # as many windows as there are targets
    assert (x[:, 0, 0].tolist(), y.tolist()) == ([4, 6], [2, 3])
    shuffled = np.concatenate([y for _, y in windows_over(data, np.arange(10), 2, batch_size=4, shuffle=True, seed=1)])
    assert sorted(shuffled) == list(range(9))
    assert shuffled.tolist() != list(range(9))


def test_parts():
    x, y = np.arange(10.0), np.arange(10) * 2
    left, right = split_dataset((x, y), left_size=0.7)
    assert ([b for _, b in left], [b for _, b in right]) == (list(range(0, 14, 2)), [14, 16, 18])
    assert values(split_dataset(x, right_size=3)[1].batch(2)) == [[7, 8], [9]]
    assert values(split_dataset(Dataset(x, batch_size=5), left_size=1)[1]) == [x[5:].tolist()]
    named, _ = split_dataset({"a": x, "b": y}, left_size=2)
    assert [(row["a"], row["b"]) for row in named] == [(0, 0), (1, 2)]
    assert [values(part) for part in split_dataset(iter([1, 2, 3]), left_size=1)] == [[1], [2, 3]]
    parts = [values(part) for part in split_dataset(x, left_size=4, shuffle=True, seed=2)]
    assert [len(part) for part in parts] == [4, 6]
    assert sorted(np.concatenate(parts)) == x.tolist()
    assert parts == [values(part) for part in split_dataset(x, left_size=4, shuffle=True, seed=2)]


# --- other libraries ----------------------------------------------------------------------------------------------------


def test_as_tensorflow():
    tf = pytest.importorskip("tensorflow")
    data = Dataset((np.arange(5.0), np.array(["a", "b", "c", "d", "e"])), batch_size=2)
    made = data.to_tf()
    assert int(made.cardinality()) == 3
    assert made.element_spec == (tf.TensorSpec([None], tf.float64), tf.TensorSpec([None], tf.string))
    for _ in range(2):
        assert [(x.numpy().tolist(), y.numpy().tolist()) for x, y in made] == [
            ([0, 1], [b"a", b"b"]),
            ([2, 3], [b"c", b"d"]),
            ([4], [b"e"]),
        ]
    assert isinstance(windows_over(np.arange(9), None, 3, format="tensorflow"), tf.data.Dataset)


def test_as_torch():
    torch = pytest.importorskip("torch")
    loader = Dataset((np.arange(10.0).reshape(5, 2), np.arange(5)), batch_size=2).to_torch()
    assert isinstance(loader, torch.utils.data.DataLoader)
    assert len(loader) == 3
    (x, y), *_ = loader
    assert (type(x), x.shape, y.tolist()) == (torch.Tensor, (2, 2), [0, 1])
    left, _ = split_dataset(np.arange(4), left_size=2, preferred_backend="torch")
    assert [int(x) for x in left] == [0, 1]


def test_as_grain():
    pytest.importorskip("grain")
    made = Dataset(np.arange(5), batch_size=2).to_grain()
    assert [batch.tolist() for batch in made] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("library", ["tensorflow", "torch", "grain"])
def test_a_missing_library_is_said(monkeypatch, library):
    for name in (library, f"{library}.utils"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"pip install {library}"):
        Dataset(np.arange(5)).to(library)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda photos: image_dataset_from_directory(photos / "none"), "must be a folder"),
        (lambda photos: image_dataset_from_directory(photos / "cat"), "files that end in"),
        (lambda photos: image_dataset_from_directory(photos, label_mode="one_hot"), "label_mode must be"),
        (lambda photos: image_dataset_from_directory(photos, labels=[1, 2]), "one for each file"),
        (lambda photos: image_dataset_from_directory(photos, class_names=["cow"]), "'cow'"),
        (lambda photos: image_dataset_from_directory(photos, class_names=["cat", "cat"]), "named once"),
        (lambda photos: image_dataset_from_directory(photos, labels=list("abcdef")), "must be a list of whole numbers"),
        (lambda photos: image_dataset_from_directory(photos, labels=[0, 1.5] * 3, label_mode="categorical"), "must be a list of whole"),
        (lambda photos: image_dataset_from_directory(photos, labels=[2**32] * 6), "must be a list of whole numbers"),
        (lambda photos: image_dataset_from_directory(photos, subset="training"), "given together"),
        (lambda photos: image_dataset_from_directory(photos, validation_split=0.2, subset="training"), "must have a seed"),
        (
            lambda photos: image_dataset_from_directory(photos, validation_split=0.01, subset="both", verbose=False),
            "leaves none for validation",
        ),
        (lambda photos: image_dataset_from_directory(photos, interpolation="spline"), "interpolation must be"),
        (lambda photos: image_dataset_from_directory(photos, color_mode="cmyk"), "color_mode must be"),
        (lambda photos: image_dataset_from_directory(photos, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "Only one"),
        (lambda photos: image_dataset_from_directory(photos, format="mxnet", verbose=False), "format must be"),
        (lambda photos: image_dataset_from_directory(photos, batch_size=0, verbose=False), "batch_size must be"),
        (lambda photos: image_dataset_from_directory(photos, on_broken="ignore", verbose=False), "on_broken must be"),
        (lambda photos: text_dataset_from_directory(photos, max_length=0), "max_length must be"),
        (lambda photos: audio_dataset_from_directory(photos, ragged=True, output_sequence_length=3), "keep their length"),
        (lambda photos: audio_dataset_from_directory(photos, sampling_rate=0), "sampling_rate must be"),
        (lambda photos: windows_over(np.arange(9), None, 0), "sequence_length must be"),
        (lambda photos: windows_over(np.arange(9), None, 3, start_index=-1), "start_index and end_index must be"),
        (lambda photos: windows_over(np.arange(9), None, 6, sampling_rate=2), "At least one window"),
        (lambda photos: split_dataset(np.arange(9)), "must be given"),
        (lambda photos: split_dataset(np.arange(9), left_size=9), "left_size must be"),
        (lambda photos: split_dataset(np.arange(9), left_size=0.6, right_size=0.6), "must be parts"),
        (lambda photos: split_dataset("abc", left_size=1), "something to iterate over"),
        (lambda photos: split_dataset(np.arange(9), left_size=1, preferred_backend="mxnet"), "preferred_backend must be"),
        (lambda photos: Dataset(np.arange(9)).take(1).unbatch(), "must come before"),
        (lambda photos: Dataset(np.arange(9)).batch(3), "must come first"),
        (lambda photos: Dataset((np.arange(9), np.arange(3))), "as many rows"),
        (lambda photos: Dataset(np.arange(0)), "at least one row"),
    ],
)
def test_refusals(photos, make, said):
    with pytest.raises((ArgumentError, DataError), match=said):
        make(photos)
