"""Zip archives, read with suspicion and written in one way only.

Reading: members are asked for by their expected name and never extracted to a path; the whole directory of the archive is checked before
any member is read; what inflates is counted, and stops at a cap. Writing: fixed order, fixed dates, so equal contents make equal bytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from cornu.errors import CornuError, CorruptFileError, SavingError, UnsafeFileError

__all__ = ["ArchiveReader", "write_archive"]

MAX_MEMBERS = 10_000
MAX_JSON = 256 * 2**20  # the JSON of a model with ten thousand layers is about 10 MiB
MAX_RATIO = 1_100  # deflate itself cannot do better than 1032 : 1
SMALL = 2**20  # below this size a ratio says nothing
GROWTH = 20  # weights hardly compress at all; a member that is deflated 20 : 1 needs the caller's word
MEMORY = 64 * 2**20  # a deflated member is inflated into memory up to this size, into an unnamed file beyond
PIECE = 2**20
LOCAL_HEADER = 30  # bytes of a zip member's own header, without its name

_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError, MemoryError)


class ArchiveReader:
    """A zip archive whose directory has been checked; a context manager.

    Args:
        path: the archive's path.

    Raises:
        SavingError: there is no such file, or it cannot be read.
        CorruptFileError: it is no zip archive, or a damaged one.
        UnsafeFileError: its directory has duplicates, paths that climb, links, encrypted or overlapping members, or absurd sizes.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: IO[bytes] = self._open()
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._members = self._check(self._zip.infolist())
        except BaseException as error:
            self._file.close()
            if isinstance(error, CornuError) or not isinstance(error, _BROKEN):
                raise
            raise CorruptFileError(f"{str(self.path)!r} must be a whole zip archive: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    def names(self) -> list[str]:
        """The members' names, in the archive's order."""
        return list(self._members)

    def __contains__(self, name: object) -> bool:
        """Whether there is a member of that name."""
        return name in self._members

    def read(self, name: str, *, limit: int) -> bytes:
        """The content of one member, of at most `limit` bytes; its checksum is verified."""
        return b"".join(self._pieces(name, limit))

    def read_json(self, name: str, *, limit: int = MAX_JSON) -> Any:
        """The content of one member as JSON.

        Raises:
            CorruptFileError: it is not JSON in UTF-8, or nested too deeply for Python's own reader.
        """
        try:
            return json.loads(self.read(name, limit=limit).decode("utf-8"))
        except UnsafeFileError:
            raise
        except (ValueError, RecursionError) as error:
            raise CorruptFileError(f"{self._say(name)} must hold JSON: {error}.") from error

    @contextlib.contextmanager
    def open(self, name: str, *, limit: int | None = None) -> Iterator[IO[bytes]]:
        """A seekable view of one member, its checksum verified beforehand.

        A stored member is read in place; a deflated one is inflated once, into memory or an unnamed temporary file.

        Args:
            name: the member.
            limit: the most bytes it may hold; left out, 20 times what it takes in the archive (or 64 MiB, if that is more).
        """
        info = self._info(name)
        cap = max(MEMORY, GROWTH * info.compress_size) if limit is None else limit
        with contextlib.ExitStack() as stack:
            if info.compress_type == zipfile.ZIP_STORED:
                for _ in self._pieces(name, cap):
                    pass  # reading to the end is what verifies the checksum
                yield stack.enter_context(io.BufferedReader(_Window(self._file, self._start(info), info.file_size)))
                return
            inflated = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=MEMORY))
            for piece in self._pieces(name, cap):
                inflated.write(piece)
            inflated.seek(0)
            yield inflated

    def _open(self) -> IO[bytes]:
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise SavingError(f"{str(self.path)!r} must be a regular file.")
            return self.path.open("rb")
        except SavingError:
            raise
        except OSError as error:
            raise SavingError(f"Could not read {str(self.path)!r}: {error.strerror or error}.") from error

    def _say(self, name: str) -> str:
        return f"Member {name[:200]!r} of {str(self.path)!r}"

    def _info(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise CorruptFileError(f"{str(self.path)!r} must have a member {name!r}; it has {', '.join(map(repr, self.names()[:10]))}.")
        return self._members[name]

    def _check(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """The members by name, each checked alone and all together."""
        if len(infos) > MAX_MEMBERS:
            raise UnsafeFileError(f"{str(self.path)!r} must have at most {MAX_MEMBERS} members; it has {len(infos)}.")
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            problem = "appears twice" if info.filename in members else _problem(info)
            if problem:
                raise UnsafeFileError(f"{self._say(info.filename)} {problem}.")
            members[info.filename] = info
        size, end = os.fstat(self._file.fileno()).st_size, 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise UnsafeFileError(f"{self._say(info.filename)} overlaps another member.")
            end = info.header_offset + LOCAL_HEADER + info.compress_size
            if end > size:
                raise CorruptFileError(f"{self._say(info.filename)} reaches beyond the end of the file ({size} bytes).")
        return members

    def _pieces(self, name: str, limit: int) -> Iterator[bytes]:
        """The content in pieces; never more than `limit` bytes, and exactly as many as the directory states."""
        info, count = self._info(name), 0
        if info.file_size > limit:
            raise UnsafeFileError(f"{self._say(name)} must be at most {limit} bytes; it states {info.file_size}.")
        try:
            with self._zip.open(info) as member:
                while piece := member.read(min(PIECE, limit + 1 - count)):
                    count += len(piece)
                    if count > info.file_size:
                        raise UnsafeFileError(f"{self._say(name)} holds more than the {info.file_size} bytes it states.")
                    yield piece
        except UnsafeFileError:
            raise
        except _BROKEN as error:
            raise CorruptFileError(f"{self._say(name)} is damaged: {error}.") from error
        if count != info.file_size:
            raise CorruptFileError(f"{self._say(name)} must hold {info.file_size} bytes; it ends after {count}.")

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where a member's content begins: behind its local header, whose name and extra field have their own lengths."""
        self._file.seek(info.header_offset)
        lengths: tuple[int, int] = struct.unpack("<26xHH", self._file.read(LOCAL_HEADER))  # of the name, of the extra field
        return info.header_offset + LOCAL_HEADER + sum(lengths)


def _problem(info: zipfile.ZipInfo) -> str | None:
    """What is wrong with one entry of the directory, or None."""
    name = info.orig_filename
    if not name or name.startswith("/") or "\\" in name or "\0" in name or ":" in name or ".." in name.split("/"):
        return "must have a plain relative path as its name"
    if info.flag_bits & 0x1:
        return "is encrypted, and nothing in a model file is"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a symbolic link, and a model file has none"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"must be stored or deflated; its compression is number {info.compress_type}"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return "is stored, yet states two different sizes"
    if info.file_size > max(SMALL, MAX_RATIO * info.compress_size):
        return f"claims to grow from {info.compress_size} to {info.file_size} bytes, which no honest compression does"
    return None


class _Window(io.RawIOBase):
    """A stretch of a file as a file of its own, read-only and seekable."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file, self._begin, self._length = file, start, length
        self._at: int = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._begin + self._at)
        wanted = max(0, min(len(buffer), self._length - self._at))
        piece: bytes = self._file.read(wanted)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def write_archive(path: str | os.PathLike[str], members: Mapping[str, bytes | Path], *, compress: bool = False) -> None:
    """Write a zip archive with these members, in this order; equal contents make equal bytes.

    Args:
        path: the file to write (see `atomic_write` for the safe way to choose it).
        members: contents by name: bytes, or the path of a file to copy.
        compress: deflate the members; otherwise they are stored, as Keras stores them, so that weights can be read in place.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            info.external_attr, info.create_system = 0o600 << 16, 3
            info.file_size = content.stat().st_size if isinstance(content, Path) else len(content)  # decides whether zip64 is needed
            with archive.open(info, "w") as target, _as_file(content) as source:
                while piece := source.read(PIECE):
                    target.write(piece)


def _as_file(content: bytes | Path) -> IO[bytes]:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
