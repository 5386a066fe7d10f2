"""What an archive may hold: files and folders inside the target, and no more of them than it has a right to."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from cornu.downloads import extraction, get_file
from cornu.downloads.extraction import extract, formats_of
from cornu.errors import ArgumentError, CorruptFileError, SavingError, UnsafeFileError

FILES = {"flowers/a.txt": b"A", "flowers/sub/b.txt": b"B" * 3000, "flowers/empty": b""}


def tar_of(path, members, mode="w:gz"):
    """A tar file of (TarInfo or name, bytes)."""
    with tarfile.open(path, mode) as tar:
        for info, body in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return path


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of names that come twice
        for info, body in members:
            file.writestr(info, body)
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def read(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path, mode):
    folder = special("./flowers", tarfile.DIRTYPE)
    extract(tar_of(tmp_path / "a", [(folder, b""), *FILES.items()], mode), tmp_path / "out")
    assert read(tmp_path / "out") == FILES


def test_zip(tmp_path):
    extract(zip_of(tmp_path / "a", [("flowers/", b""), *FILES.items()]), tmp_path / "out")
    assert read(tmp_path / "out") == FILES


def test_an_earlier_folder_is_replaced_and_stays_if_the_archive_is_bad(tmp_path):
    extract(zip_of(tmp_path / "a", [("one", b"1")]), tmp_path / "out")
    extract(zip_of(tmp_path / "b", [("two", b"2")]), tmp_path / "out")
    assert read(tmp_path / "out") == {"two": b"2"}
    with pytest.raises(UnsafeFileError, match="inside the folder"):
        extract(zip_of(tmp_path / "c", [("three", b"3"), ("../four", b"4")]), tmp_path / "out")
    assert read(tmp_path) == {
        "a": (tmp_path / "a").read_bytes(),
        "b": (tmp_path / "b").read_bytes(),
        "c": (tmp_path / "c").read_bytes(),
        "out/two": b"2",
    }


@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "\\evil", "C:evil", "C:\\evil"])
def test_names_outside_the_target(tmp_path, make, name):
    with pytest.raises(UnsafeFileError, match="must lie inside the folder") as refusal:
        extract(make(tmp_path / "a", [("fine", b"1"), (name, b"2")]), tmp_path / "out")
    assert repr(name) in str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link to '/etc/passwd'"),
        (tarfile.LNKTYPE, "a link to '/etc/passwd'"),
        (tarfile.CHRTYPE, "a device or a pipe"),
        (tarfile.BLKTYPE, "a device or a pipe"),
        (tarfile.FIFOTYPE, "a device or a pipe"),
    ],
)
def test_links_and_devices_in_a_tar(tmp_path, kind, said):
    with pytest.raises(UnsafeFileError, match=said) as refusal:
        extract(tar_of(tmp_path / "a", [(special("odd", kind, "/etc/passwd"), b"")]), tmp_path / "out")
    assert "'odd'" in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_a_link_in_a_zip(tmp_path):
    info = zipfile.ZipInfo("odd")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnsafeFileError, match=r"'odd'.*is a link"):
        extract(zip_of(tmp_path / "a", [(info, b"/etc/passwd")]), tmp_path / "out")


@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "./a")])
def test_a_name_twice(tmp_path, make, names):
    with pytest.raises(UnsafeFileError, match="once"):
        extract(make(tmp_path / "z", [(name, b"1") for name in names]), tmp_path / "out")


@pytest.fixture
def small_bounds(monkeypatch):
    monkeypatch.setattr(extraction, "_FREE", 1000)
    monkeypatch.setattr(extraction, "MAX_RATIO", 10)


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_bomb(tmp_path, make, small_bounds):
    with pytest.raises(UnsafeFileError, match=r"10 times its own size.*'zeros'"):
        extract(make(tmp_path / "a", [("zeros", bytes(1_000_000))]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bomb_behind_the_last_member(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "_FREE", 100_000)
    (tmp_path / "a").write_bytes(gzip.compress(tar_of(tmp_path / "t", [("one", b"1")], "w").read_bytes() + bytes(4_000_000)))
    with pytest.raises(UnsafeFileError, match="must end after its last member"):
        extract(tmp_path / "a", tmp_path / "out")


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_too_many_members(tmp_path, make, monkeypatch):
    monkeypatch.setattr(extraction, "MAX_MEMBERS", 3)
    extract(make(tmp_path / "a", [(f"f{i}", b"") for i in range(3)]), tmp_path / "out")
    with pytest.raises(UnsafeFileError, match=r"may hold 3 members.*'f3'"):
        extract(make(tmp_path / "b", [(f"f{i}", b"") for i in range(4)]), tmp_path / "more")


def test_a_zip_that_lies_about_a_size(tmp_path, small_bounds):
    """A bomb whose directory says that it is small: what it names is all that is ever written."""
    path = zip_of(tmp_path / "a", [("zeros", bytes(1_000_000))])
    body = path.read_bytes()
    path.write_bytes(body.replace((1_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with pytest.raises((UnsafeFileError, CorruptFileError), match=r"damaged|holds more"):
        extract(path, tmp_path / "out")


def test_a_header_that_claims_to_be_huge(tmp_path):
    """A pax header of gigabytes would be read into memory whole."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    (tmp_path / "a").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240))
    with pytest.raises((UnsafeFileError, CorruptFileError), match="header"):
        extract(tmp_path / "a", tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_leads_back(tmp_path, kind):
    """A member of negative size comes before itself: who goes on at its end never ends."""
    info = tarfile.TarInfo("back")
    info.type, info.size = kind, -1024
    (tmp_path / "a").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises((UnsafeFileError, CorruptFileError), match=r"negative|must be under|whole tar"):
        extract(tmp_path / "a", tmp_path / "out")


@hypothesis.given(name=st.text(alphabet="./\\aC:~ \0", max_size=12))
def test_whatever_its_name_a_member_lies_inside(name):
    target = Path("/target/folder")
    try:
        parts = extraction._inside(name, "archive")
    except UnsafeFileError:
        return
    assert Path(os.path.normpath(target.joinpath(*parts))).is_relative_to(target)


def test_what_a_killed_process_left_is_swept(tmp_path):
    (tmp_path / ".out.0123456789ab.unpacked" / "half").mkdir(parents=True)
    (tmp_path / ".out.0123456789ab.unpacked.old").mkdir()
    extract(zip_of(tmp_path / "a", [("one", b"1")]), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out"]


def test_what_belongs_to_another_target_is_not_swept(tmp_path):
    (tmp_path / ".flowers.v2.0123456789ab.unpacked").mkdir()
    extract(zip_of(tmp_path / "a", [("one", b"1")]), tmp_path / "flowers")
    assert (tmp_path / ".flowers.v2.0123456789ab.unpacked").is_dir()


def test_an_encrypted_zip(tmp_path):
    path = zip_of(tmp_path / "a", [("secret", b"x")])
    body = bytearray(path.read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(body)
    with pytest.raises(CorruptFileError, match="encrypted"):
        extract(path, tmp_path / "out")


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_truncated_archive(tmp_path, make, rng):
    path = make(tmp_path / "a", [("noise", rng.bytes(50_000))])
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(CorruptFileError, match=r"damaged|must be a whole"):
        extract(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("at", [20, 4000, 50_000])
@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_damaged_archive(tmp_path, mode, rng, at):
    body = bytearray(tar_of(tmp_path / "a", [("big", rng.bytes(100_000))], mode).read_bytes())
    body[at : at + 8] = b"damaged!"
    (tmp_path / "a").write_bytes(body)
    with pytest.raises(CorruptFileError, match="whole"):
        extract(tmp_path / "a", tmp_path / "out")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + "/y"])
def test_a_name_that_is_too_long(tmp_path, name):
    with pytest.raises(UnsafeFileError, match=r"one of 30[02] characters: 'xxx"):
        extract(tar_of(tmp_path / "a", [(name, b"1")]), tmp_path / "out")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a").write_bytes(b"<html>not here</html>")
    with pytest.raises(CorruptFileError, match="must be a whole tar or zip archive"):
        extract(tmp_path / "a", tmp_path / "out")
    with pytest.raises(CorruptFileError, match="must be a whole tar archive"):
        extract(zip_of(tmp_path / "z", [("one", b"1")]), tmp_path / "out", ("tar",))


def test_formats():
    assert formats_of("tar") == ("tar",)
    assert formats_of(("zip", "tar")) == ("zip", "tar")
    for wrong in ("rar", None, [], ["tar", "rar"]):
        with pytest.raises(ArgumentError, match="archive_format"):
            formats_of(wrong)


# ── by way of get_file; the names are those that Keras 3.15 was seen to use ──


@pytest.fixture
def archive(server, tmp_path):
    server.files["flowers.tgz"] = tar_of(tmp_path / "t", FILES.items()).read_bytes()
    server.files["flowers.zip"] = zip_of(tmp_path / "z", FILES.items()).read_bytes()
    return server


@pytest.mark.parametrize(
    ("fname", "folder", "kept"),
    [
        (None, "flowers.tgz", "flowers.tgz_archive"),
        ("name", "name", "name_archive"),
        ("name.tar.gz", "name_extracted", "name.tar.gz"),
        ("a.b.tar.gz", "a_extracted", "a.b.tar.gz"),
    ],
)
@pytest.mark.parametrize("how", [{"extract": True}, {"untar": True}])
def test_where_an_archive_is_extracted_to(archive, home, fname, folder, kept, how):
    path = get_file(fname, archive.url("flowers.tgz"), **how)
    assert path == str(home / "datasets" / folder)
    assert read(path) == FILES
    assert (home / "datasets" / kept).read_bytes() == archive.files["flowers.tgz"]


def test_an_archive_is_fetched_and_extracted_once(archive):
    digest = hashlib.sha256(archive.files["flowers.zip"]).hexdigest()
    path = get_file(origin=archive.url("flowers.zip"), extract=True, archive_format="zip", file_hash=digest)
    (Path(path) / "own.txt").write_text("mine")
    assert get_file(origin=archive.url("flowers.zip"), extract=True, file_hash=digest) == path
    assert (Path(path) / "own.txt").read_text() == "mine"
    assert len(archive.requests) == 1


def test_two_archives_for_one_folder_are_not_taken_for_each_other(archive, tmp_path):
    archive.files["other.zip"] = zip_of(tmp_path / "o", [("other", b"1")]).read_bytes()
    get_file("a.1.zip", archive.url("flowers.zip"), extract=True)
    assert read(get_file("a.2.zip", archive.url("other.zip"), extract=True)) == {"other": b"1"}


def test_force_download_extracts_anew(archive, tmp_path):
    get_file(origin=archive.url("flowers.zip"), extract=True)
    archive.files["flowers.zip"] = zip_of(tmp_path / "o", [("other", b"1")]).read_bytes()
    assert read(get_file(origin=archive.url("flowers.zip"), extract=True, force_download=True)) == {"other": b"1"}


@pytest.mark.parametrize("own", ["thesis.txt", "flowers/a.txt", None])
def test_a_folder_with_files_of_the_users_own_is_not_replaced(archive, home, tmp_path, own):
    if own is None:  # a folder that no archive has made
        folder, own = home / "datasets/flowers.zip", "thesis.txt"
        folder.mkdir(parents=True)
    else:
        folder = Path(get_file(origin=archive.url("flowers.zip"), extract=True))
    (folder / own).write_text("years of work")
    archive.files["flowers.zip"] = zip_of(tmp_path / "o", [("other", b"1")]).read_bytes()
    with pytest.raises(SavingError, match=r"flowers\.zip.*stays as it is"):
        get_file(origin=archive.url("flowers.zip"), extract=True, force_download=True)
    assert (folder / own).read_text() == "years of work"


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_file_or_a_link_is_not_replaced_by_a_folder(archive, home, tmp_path, what):
    target = home / "datasets/flowers.tgz"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"my own") if what == "file" else target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SavingError, match=rf"flowers\.tgz' is a {what}"):
        get_file(origin=archive.url("flowers.tgz"), extract=True)
    assert target.is_symlink() or target.read_bytes() == b"my own"


def test_another_archive_of_the_same_size_is_extracted_anew(archive, tmp_path):
    for body in (b"v1", b"v2"):
        archive.files["flowers.tar"] = tar_of(tmp_path / "v", [("version", body)], "w").read_bytes()
        digest = hashlib.sha256(archive.files["flowers.tar"]).hexdigest()
        path = get_file(origin=archive.url("flowers.tar"), extract=True, file_hash=digest)
        assert read(path) == {"version": body}
    os.utime(path + "_archive")  # touched, and still the same
    (Path(path) / "own.txt").write_text("mine")
    assert get_file(origin=archive.url("flowers.tar"), extract=True, file_hash=digest) == path


def test_the_wrong_format_is_told(archive):
    with pytest.raises(CorruptFileError, match="must be a whole tar archive"):
        get_file(origin=archive.url("flowers.zip"), untar=True)
    with pytest.raises(ArgumentError, match="archive_format"):
        get_file(origin=archive.url("flowers.zip"), extract=True, archive_format=None)
