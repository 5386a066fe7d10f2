"""Arrays from `.npz` files: those of numbers as they are, those of objects through the reader of plain data."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from cornu.datasets import npz
from cornu.datasets.npz import read_npz
from cornu.errors import CorruptFileError, UnsafeFileError
from tests.datasets.conftest import objects

ARRAYS = {
    "images": np.arange(24, dtype="uint8").reshape(2, 3, 4),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "names": np.array(["a", "bcd"]),
    "none": np.zeros((0, 4)),
    "texts": objects([[1, 2], [3], [70000]]),
    "equally_long": objects([[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_as_numpy_writes_them(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    for read, array in zip(read_npz(tmp_path / "a.npz", tuple(ARRAYS)), ARRAYS.values(), strict=True):
        assert (read.dtype, read.shape, read.tolist()) == (array.dtype, array.shape, array.tolist())
        assert read.flags.f_contiguous == array.flags.f_contiguous
        assert read.flags.writeable


def with_member(path, content, name="x.npy"):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, content)
    return path


def member(dtype, shape, content, order=False):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": order, "shape": shape})
    return stream.getvalue() + content


class Call:
    def __reduce__(self):
        return print, ("run",)


def test_a_call_in_an_array_of_objects_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", x=objects([[1], Call()]))
    with pytest.raises(UnsafeFileError, match=r"asks for builtins\.print.*a\.npz"):
        read_npz(tmp_path / "a.npz", ("x",))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [
        member("<f8", (10**9,), b"12345678"),
        member("<f8", (1,), b"1234567"),
        member("<f8", (1,), b"123456789"),
        member("|O", (3,), pickle.dumps(objects([[1]]), 2)),
        member("|O", (1,), pickle.dumps([[1]], 2)),
        member("|O", (1,), pickle.dumps(objects([[1]]), 2)[:-9]),
        member("|O", (1,), b""),
        member("<f8", (1,), b"12345678")[:20],
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"not an array",
        b"",
    ],
)
def test_damage_is_told_with_the_file(tmp_path, content):
    with pytest.raises(CorruptFileError, match=r"a\.npz"):
        read_npz(with_member(tmp_path / "a.npz", content), ("x",))


def test_structures_with_objects_are_refused(tmp_path):
    with pytest.raises(UnsafeFileError, match="must hold numbers, texts or lists"):
        read_npz(with_member(tmp_path / "a.npz", member([("a", "|O")], (1,), b"x")), ("x",))


def test_a_missing_array_and_what_is_no_archive(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(2))
    with pytest.raises(CorruptFileError, match="with the arrays y"):
        read_npz(tmp_path / "a.npz", ("y",))
    (tmp_path / "b.npz").write_bytes(b"<html>")
    with pytest.raises(CorruptFileError, match=r"whole \.npz archive"):
        read_npz(tmp_path / "b.npz", ("x",))


def test_a_changed_byte_is_told(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(1000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[200] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"a\.npz"):
        read_npz(tmp_path / "a.npz", ("x",))


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(10_000))
    with pytest.raises(UnsafeFileError, match="must be under 1000 bytes"):
        read_npz(tmp_path / "a.npz", ("x",))
