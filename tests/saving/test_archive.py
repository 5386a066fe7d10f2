"""Archives: honest ones are read whole, hostile ones are refused before they cost anything."""

from __future__ import annotations

import io
import json
import stat
import struct
import tracemalloc
import warnings
import zipfile

import pytest

from cornu.errors import CorruptFileError, SavingError, UnsafeFileError
from cornu.saving.archive import ArchiveReader, write_archive

NOISE = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_written_is_read_by_us_and_by_zipfile(path, tmp_path, compress):
    (tmp_path / "weights").write_bytes(NOISE)
    write_archive(path, {"config.json": b'{"a": [1, 2.5]}', "model.weights.h5": tmp_path / "weights"}, compress=compress)
    with ArchiveReader(path) as archive:
        assert archive.names() == ["config.json", "model.weights.h5"]
        assert "config.json" in archive
        assert "other" not in archive
        assert archive.read_json("config.json") == {"a": [1, 2.5]}
        assert archive.read("model.weights.h5", limit=len(NOISE)) == NOISE
        with archive.open("model.weights.h5") as member:
            member.seek(-10, io.SEEK_END)
            assert member.read() == NOISE[-10:]
            member.seek(300)
            assert member.read(20) == NOISE[300:320]
    with zipfile.ZipFile(path) as peer:
        assert peer.testzip() is None
        assert {info.compress_type for info in peer.infolist()} == {zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED}


def test_equal_contents_make_equal_bytes(path, tmp_path):
    for name in ("a", "b"):
        write_archive(tmp_path / name, {"x": NOISE, "y": b""}, compress=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_missing_things_are_named(path, tmp_path):
    with pytest.raises(SavingError, match=r"model\.keras.*No such file"):
        ArchiveReader(path)
    with pytest.raises(SavingError, match="regular file"):
        ArchiveReader(tmp_path)
    write_archive(path, {"x": b"1"})
    with ArchiveReader(path) as archive, pytest.raises(CorruptFileError, match=r"must have a member 'config\.json'; it has 'x'"):
        archive.read_json("config.json")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "a\\b", "C:evil", ""])
def test_paths_that_climb_are_refused(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(UnsafeFileError, match="plain relative path"):
        ArchiveReader(path)


def test_duplicates_are_refused(path):
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the duplicate that this test needs
        archive.writestr("config.json", b"{}")
        archive.writestr("config.json", b"[]")
    with pytest.raises(UnsafeFileError, match="appears twice"):
        ArchiveReader(path)


def test_links_and_strange_compressions_are_refused(path):
    info = zipfile.ZipInfo("config.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        ArchiveReader(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("config.json", b"{}")
    with pytest.raises(UnsafeFileError, match="stored or deflated; its compression is number 14"):
        ArchiveReader(path)


def edit_directory(path, offset: int, layout: str, *values: int) -> None:
    """Overwrite fields of the first entry in the central directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(b"PK\x01\x02") + offset, *values)
    path.write_bytes(data)


def test_encrypted_members_are_refused(path):
    write_archive(path, {"config.json": b"{}"})
    edit_directory(path, 8, "<H", 1)
    with pytest.raises(UnsafeFileError, match="encrypted"):
        ArchiveReader(path)


def test_overlapping_members_are_refused(path):
    write_archive(path, {"a": NOISE, "b": NOISE})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, second + 42, 0)  # the second entry points at the first one's content
    path.write_bytes(data)
    with pytest.raises((UnsafeFileError, CorruptFileError), match="overlap"):
        ArchiveReader(path)


def test_a_member_beyond_the_end_is_refused(path):
    write_archive(path, {"a": NOISE})
    edit_directory(path, 20, "<LL", 10**9, 10**9)
    with pytest.raises(CorruptFileError, match="beyond the end"):
        ArchiveReader(path)


def test_a_bomb_is_refused_by_its_stated_size(path):
    write_archive(path, {"config.json": bytes(200 * 2**20)}, compress=True)
    with ArchiveReader(path) as archive, pytest.raises(UnsafeFileError, match="at most 1000 bytes; it states 209715200"):
        archive.read("config.json", limit=1000)
    with ArchiveReader(path) as archive, pytest.raises(UnsafeFileError, match="must be at most"), archive.open("config.json"):
        pass
    edit_directory(path, 24, "<L", 4 * 2**30 - 2)
    with pytest.raises(UnsafeFileError, match="no honest compression"):
        ArchiveReader(path)


def test_a_bomb_that_lies_about_its_size_costs_no_memory(path):
    write_archive(path, {"config.json": bytes(200 * 2**20)}, compress=True)
    edit_directory(path, 24, "<L", 1000)
    with ArchiveReader(path) as archive:
        tracemalloc.start()
        with pytest.raises((UnsafeFileError, CorruptFileError)):
            archive.read_json("config.json")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("compress", [False, True])
def test_every_flipped_bit_of_the_content_is_seen(path, compress):
    write_archive(path, {"w": NOISE[:500]}, compress=compress)
    whole = path.read_bytes()
    start = whole.index(b"PK\x03\x04") + 31
    end = whole.index(b"PK\x01\x02")
    for place in range(start, end, 7):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with ArchiveReader(path) as archive, pytest.raises((CorruptFileError, UnsafeFileError)), archive.open("w"):
            pass


def test_every_truncation_is_seen(path):
    write_archive(path, {"config.json": b"{}", "w": NOISE[:300]})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises((CorruptFileError, UnsafeFileError)), ArchiveReader(path) as archive:
            archive.read("w", limit=1000)


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[" * 100_000 + b"]" * 100_000, b"1" * 10_000])
def test_json_that_is_none_is_refused(path, text):
    write_archive(path, {"config.json": text})
    with ArchiveReader(path) as archive, pytest.raises(CorruptFileError, match="must hold JSON"):
        archive.read_json("config.json")


def test_numbers_that_only_python_writes_are_read(path):
    write_archive(path, {"config.json": json.dumps([float("inf")]).encode()})
    with ArchiveReader(path) as archive:
        assert archive.read_json("config.json") == [float("inf")]
