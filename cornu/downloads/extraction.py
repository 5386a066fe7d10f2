"""Unpacking an archive without trust in it: regular files and folders only, inside the target, within bounds.

An archive may name absolute paths, climb out with `..`, plant links and write through them, or hold a million times its own size.
None of that is cleaned up or passed over here: the first such member ends the extraction, by name, and nothing of the archive stays.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import functools
import gzip
import lzma
import os
import re
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cornu.errors import ArgumentError, CorruptFileError, SavingError, UnsafeFileError

__all__ = ["damage_told", "extract", "formats_of", "headers", "open_tar"]

MAX_MEMBERS = 5_000_000
MAX_RATIO = 200
"""Unpacked bytes for each byte of the archive, beyond the first gibibyte."""
_FREE = 1 << 30
_PART = ".unpacked"
_LONGEST_READ = 1 << 24  # nothing that is read at once, headers included, is longer


_DAMAGE = tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError


@dataclass(frozen=True)
class _Member:
    """A member of an archive: its parts have no `.`, no `..` and no root."""

    name: str
    parts: tuple[str, ...]
    is_folder: bool
    size: int
    open: Callable[[], Any]


def formats_of(archive_format: Any) -> tuple[str, ...]:
    """The formats to try, in order: "auto", "tar", "zip", or several of them.

    >>> formats_of("auto"), formats_of(["zip"])
    (('tar', 'zip'), ('zip',))
    """
    named = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format or ())
    formats = ("tar", "zip") if named == ("auto",) else named
    if not formats or not set(formats) <= {"tar", "zip"}:
        raise ArgumentError(
            f"archive_format must be 'auto', 'tar', 'zip' or a list of them where a file is extracted, got {archive_format!r}."
        )
    return formats


def extract(archive: Path, target: Path, formats: tuple[str, ...] = ("tar", "zip")) -> None:
    """Unpacks an archive into the folder `target`, which is then exactly what the archive holds; an earlier folder is replaced.

    It is unpacked beside the target, and takes the name when it is whole. What processes that were killed have left of that is removed: the
    caller sees to it that nobody else unpacks to this target at the same time. Permissions, owners and dates of the archive are not taken over.

    Args:
        archive: a zip file or a tar file, plain or compressed by gzip, bzip2 or xz.
        target: the folder to make; the folder around it must exist.
        formats: what to take it for, in order.

    Raises:
        CorruptFileError: it is no such archive, or a damaged one.
        SavingError: the target is a file or a link.
        UnsafeFileError: a member is a link or a device, lies outside the target, comes twice, has too long a name, or is larger than an archive of
            this size has any right to.
    """
    _check_place(target)
    _sweep(target)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(6)}{_PART}")
    fresh.mkdir()
    try:
        with damage_told(archive), _opened(archive, formats) as members:
            _unpack(members, fresh, archive)
        _take_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_place(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise SavingError(
            f"An archive must be extracted to a folder's path, but {str(target)!r} is {'a link' if target.is_symlink() else 'a file'}, which "
            "stays as it is. Move it away, or choose another name for the folder."
        )


def _sweep(target: Path) -> None:
    """Removes what killed processes have left of this target, and of no other whose name begins alike."""
    left = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}{re.escape(_PART)}(\.old)?", re.DOTALL)
    for path in list(target.parent.iterdir()):
        if left.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def damage_told(archive: Path) -> Iterator[None]:
    """What the libraries say of a damaged archive becomes a `CorruptFileError` that names it."""
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        if not _is_damage(error):
            raise
        raise CorruptFileError(
            f"An archive must be whole, but {str(archive)!r} is damaged: {error}. Remove it and fetch it again."
        ) from error


def _is_damage(error: Exception) -> bool:
    """Whether the libraries mean the archive; what the operating system refuses has a number, which bzip2's complaints lack."""
    return isinstance(error, _DAMAGE) or (isinstance(error, OSError) and error.errno is None and not isinstance(error, SavingError))


@contextlib.contextmanager
def _opened(archive: Path, formats: tuple[str, ...]) -> Iterator[Iterator[_Member]]:
    if "tar" in formats and _is_tar(archive):
        with open_tar(archive) as tar:
            yield _tar_members(tar)
            _read_to_end(tar.fileobj, archive)
    elif "zip" in formats and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield _zip_members(file)
    else:
        raise CorruptFileError(f"The file must be a whole {' or '.join(formats)} archive to be extracted, but {str(archive)!r} is not.")


def _read_to_end(stream: Any, archive: Path) -> None:
    """Reads what follows the last member: the checksum of a compressed file comes at its very end."""
    left = _FREE
    while block := stream.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise UnsafeFileError(f"A tar file must end after its last member, but {str(archive)!r} goes on for over {_FREE} bytes.")


def _is_tar(archive: Path) -> bool:
    try:
        with open_tar(archive):
            return True
    except (*_DAMAGE, OSError) as error:
        if not _is_damage(error):
            raise
        return False


def _unpack(members: Iterator[_Member], target: Path, archive: Path) -> None:
    left = _FREE + MAX_RATIO * archive.stat().st_size
    for count, member in enumerate(members, 1):
        left -= member.size
        if count > MAX_MEMBERS or left < 0:
            raise UnsafeFileError(
                f"An archive may hold {MAX_MEMBERS} members, and {MAX_RATIO} times its own size beyond the first GiB; {str(archive)!r} "
                f"goes beyond that at {member.name!r}. If it is what you expect, unpack it with a program of your own."
            )
        path = target.joinpath(*member.parts)
        try:
            (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
            if not member.is_folder:
                _write(member, path)
        except (FileExistsError, NotADirectoryError):
            raise UnsafeFileError(f"Each name must stand in an archive once, but {str(archive)!r} has {member.name!r} twice.") from None
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise UnsafeFileError(
                f"A member's name must be one that the file system can hold, but {str(archive)!r} has one of {len(member.name)} characters: "
                f"{member.name[:60]!r}…. If it is what you expect, unpack it with a program of your own."
            ) from None


def _write(member: _Member, path: Path) -> None:
    left = member.size
    with open(path, "xb") as out, member.open() as file:
        while block := file.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise UnsafeFileError(f"{member.name!r} must unpack to the {member.size} bytes that the archive names, but it holds more.")
            out.write(block)
    if left:
        raise CorruptFileError(f"{member.name!r} must unpack to the {member.size} bytes that the archive names, but {left} are missing.")


def _inside(name: str, archive: str) -> tuple[str, ...]:
    """The name's parts, if it names a place inside the target."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise UnsafeFileError(f"A member must lie inside the folder it is extracted to, but {archive!r} has {name!r}.")
    if os.name == "nt" and re.search(r'[\\<>:"|?*]', name):
        raise UnsafeFileError(f"A member's name must be one that Windows can hold, but {archive!r} has {name!r}.")
    return parts


def _tar_members(tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in headers(tar):
        if not (info.isdir() or info.isreg()) or info.issparse():
            raise UnsafeFileError(f"An archive may hold files and folders only, but {info.name!r} in {tar.name!r} is {_kind(info)}.")
        yield _Member(info.name, _inside(info.name, str(tar.name)), info.isdir(), info.size, functools.partial(tar.extractfile, info))


def _kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return f"a link to {info.linkname!r}"
    return "a sparse file" if info.issparse() else "a device or a pipe"


def _zip_members(file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise UnsafeFileError(
                f"An archive may hold files and folders only, but {info.filename!r} in {file.filename!r} is a link, a device or a pipe."
            )
        if info.flag_bits & 1:
            raise CorruptFileError(
                f"A member must be readable without a password, but {info.filename!r} in {file.filename!r} is encrypted."
            )
        parts = _inside(info.filename, str(file.filename))
        yield _Member(info.filename, parts, info.is_dir(), info.file_size, functools.partial(file.open, info))


def _take_place(fresh: Path, target: Path) -> None:
    if not target.exists():
        os.rename(fresh, target)
        return
    old = fresh.with_name(fresh.name + ".old")
    os.rename(target, old)
    os.rename(fresh, target)
    shutil.rmtree(old, ignore_errors=True)


class _Bounded:
    """A file that is never asked for much at once: a header that claims to be gigabytes long ends the reading."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise UnsafeFileError(f"A header of an archive must be under {_LONGEST_READ} bytes, got one of {size}.")
        return self._file.read(size)


def headers(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of a tar file, one after the other; none is kept in memory, and none leads back to an earlier one."""
    while (info := tar.next()) is not None:
        if info.size < 0:
            raise UnsafeFileError(f"A member's size must not be negative, but {info.name!r} in {tar.name!r} says {info.size}.")
        yield info
        tar.members = []  # type: ignore[attr-defined]


@contextlib.contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """A tar file, plain or compressed, read from its beginning on; headers are bounded in size."""
    with open(archive, "rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        ways = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
        way: Any = next((way for magic, way in ways.items() if start.startswith(magic)), None)
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(way(raw, "rb")) if way else raw
            yield stack.enter_context(tarfile.TarFile(str(archive), "r", fileobj=_Bounded(plain)))  # type: ignore[arg-type]
