"""`get_file`: a file by its address, fetched once and kept.

Where files are kept: `CORNU_HOME` if the environment has it, else `KERAS_HOME`, else `~/.cornu`. In this last case a file that lies in
Keras's own folder, `~/.keras`, is used from there (and nothing is written there).

A cached file is compared with its published digest at each use, and fetched again if it differs; with `CORNU_TRUST_CACHE=1` in the
environment, cached files are taken as they are, own copies included.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cornu import config
from cornu.downloads.digest import Digest
from cornu.downloads.extraction import extract as unpack
from cornu.downloads.extraction import formats_of
from cornu.downloads.lock import locked
from cornu.downloads.progress import shown
from cornu.downloads.transfer import check_address, fetch, forget
from cornu.errors import ArgumentError, CorruptFileError, SavingError

__all__ = ["find_cached", "get_file"]

_NO_NAME = "/\\\0" + (":" if os.name == "nt" else "")


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Iterable[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of the file at an address, fetched if it is not here yet.

    It is received into `NAME.part`, compared with its digest, and only then takes its name, so a file under its name is whole. A transfer that
    broke off is taken up where it ended, by a later call too. Of several processes that ask at once, one fetches and the others wait.

    Args:
        fname: what to call the file; the last part of the address if None. A name, not a path.
        origin: the address: https, or http on this machine itself (any http with `CORNU_ALLOW_HTTP=1` in the environment).
        untar: the older spelling of `extract=True, archive_format="tar"`.
        md5_hash: the older spelling of `file_hash=…, hash_algorithm="md5"`.
        file_hash: the file's digest in hexadecimal digits. Without one, whatever came is taken.
        cache_subdir: folder for it within the cache, or an absolute path.
        hash_algorithm: "sha256", "md5", or "auto", which tells them apart by the number of digits.
        extract: unpack it. Only regular files inside the folder are unpacked: an archive with links, devices or ways out of the folder is refused.
        archive_format: "tar" (compressed or not), "zip", several of them, or "auto" for both.
        cache_dir: the cache to use in place of the usual one (see the module's text).
        force_download: fetch it even if it is here.

    Returns:
        The path of the file; with `extract`, of the folder. That folder is named `fname`, and the archive `fname` + "_archive"; if `fname` is
        given and has a suffix, the archive is called `fname` and the folder gets that name up to its first dot + "_extracted". A folder that
        an earlier call has made is replaced when the archive is another one, unless there are files of your own in it.

    Raises:
        ArgumentError: no origin, a path in place of a name, a digest that is none, an address that is not allowed.
        SavingError: the file could not be fetched or written (the message says where to put a copy of your own), or where the folder is to be
            stands something that did not come from an archive.
        CorruptFileError: what came has another digest, or is no archive.
        UnsafeFileError: the archive holds what it must not.

    Example:
        path = get_file(origin="https://example.org/flowers.tgz", extract=True, file_hash="9bb5…")
    """
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    digest = None if file_hash is None else Digest.named(file_hash, hash_algorithm)
    if not origin:
        raise ArgumentError("origin must be the address of the file, got none. Pass get_file(origin='https://…').")
    check_address(origin)
    name = _file_name(fname, origin)
    formats = formats_of("tar" if untar else archive_format) if extract or untar else ()
    root = config.home() if cache_dir is None else Path(cache_dir)
    folder = root.expanduser() / cache_subdir
    if not formats:
        return str(_Wanted(origin, folder / name, digest).here(force=force_download))
    archive, target = _archive_names(name, fname is not None)
    return str(_unpacked(_Wanted(origin, folder / archive, digest), folder / target, formats, force=force_download))


def _file_name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    name = os.fspath(fname) if fname else urllib.parse.urlsplit(origin).path.rpartition("/")[2]
    if not name and not fname:
        raise ArgumentError(f"The address must end in a file's name where fname is not given, got {origin!r}. Pass fname='…'.")
    if name in (".", "..") or any(sign in name for sign in _NO_NAME):
        raise ArgumentError(f"fname must be a file's name, not a path, got {name!r}. Name the folder by cache_dir and cache_subdir.")
    return name


def _archive_names(name: str, given: bool) -> tuple[str, str]:
    """What the archive and the folder are called.

    >>> _archive_names("flowers.tgz", False), _archive_names("flowers.tgz", True), _archive_names("flowers", True)
    (('flowers.tgz_archive', 'flowers.tgz'), ('flowers.tgz', 'flowers_extracted'), ('flowers_archive', 'flowers'))
    """
    stem, dot, _ = name.partition(".")
    return (name, f"{stem}_extracted") if given and dot and stem else (f"{name}_archive", name)


@dataclass(frozen=True)
class _Wanted:
    """A file to have: where from, where to, and what it must be."""

    origin: str
    path: Path
    digest: Digest | None

    def here(self, *, force: bool = False) -> Path:
        """The file's path, once it is there."""
        found = None if force else self._found()
        if found is not None:
            return found
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            before = _stamp(self.path)
            with locked(self.path):
                # another process may have brought it while this one waited
                if (force and _stamp(self.path) == before) or not self._is_good(self.path):
                    self._bring()
        return self.path

    def _found(self) -> Path | None:
        return next((path for path in _places(self.path) if self._is_good(path)), None)

    def _is_good(self, path: Path) -> bool:
        return path.is_file() and (self.digest is None or _trusts_cache() or self.digest.matches(path))

    def _bring(self) -> None:
        part = self.path.with_name(self.path.name + ".part")
        with shown(self.path.name) as progress:
            resumed = fetch(self.origin, part, progress)
            if resumed and not self._is_published(part):  # two halves of different files, perhaps
                forget(part)
                fetch(self.origin, part, progress)
        if not self._is_published(part):
            wrong = self.digest.of(part) if self.digest else ""
            forget(part)
            raise CorruptFileError(
                f"The file from {self.origin!r} must have the {self.digest}, but what came has {wrong}: it is damaged, or not the file that "
                f"was published. It was not kept. Try again, or put the right one at {str(self.path)!r}."
            )
        _force_to_disk(part)
        os.replace(part, self.path)
        forget(part)

    def _is_published(self, part: Path) -> bool:
        return self.digest is None or self.digest.matches(part)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Every failure names the file, its address and the place for a copy made by hand."""
        try:
            yield
        except CorruptFileError:
            raise
        except OSError as error:
            digest = f", with the {self.digest}," if self.digest else ""
            raise SavingError(
                f"Could not fetch {self.path.name!r} from {self.origin!r}: {error}. Without a connection, put the file{digest} at "
                f"{str(self.path)!r}; it is used from there. The environment variable CORNU_HOME names another folder than {str(config.home())!r}."
            ) from error


def _places(path: Path) -> list[Path]:
    """The cached file itself and, where nobody has named a folder for the cache, the one that Keras keeps under the same name."""
    default = Path.home() / ".cornu"
    if config.home() == default and path.is_relative_to(default):
        return [path, Path.home() / ".keras" / path.relative_to(default)]
    return [path]


def find_cached(names: Iterable[str], cache_subdir: str = "datasets") -> str | None:
    """The first of these names that the cache holds, be it what it may."""
    folder = config.home() / cache_subdir
    return next((name for name in names for place in _places(folder / name) if place.is_file()), None)


def _trusts_cache() -> bool:
    return os.environ.get("CORNU_TRUST_CACHE") == "1"


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when the file is replaced."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns


def _force_to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _unpacked(wanted: _Wanted, target: Path, formats: tuple[str, ...], *, force: bool) -> Path:
    """The folder with what the archive holds; unpacked anew only when the archive is another one."""
    archive = wanted.here(force=force)
    if not force and _comes_from(target, archive):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target):
        if force or not _comes_from(target, archive):
            _check_replaceable(target)
            unpack(archive, target, formats)
            _origin_note(target).write_text(
                json.dumps({**_quick(archive), "sha256": _sha256(archive), "holds": _holdings(target)}), "utf-8"
            )
    return target


def _comes_from(target: Path, archive: Path) -> bool:
    """Whether the folder is there and, as far as a note beside it says, holds this archive."""
    if not _origin_note(target).is_file():
        return target.is_dir()
    note = _read_note(target)
    # the digest is long in the making: it is asked only where the file has been replaced or touched
    same = all(note.get(key) == value for key, value in _quick(archive).items()) or (
        note.get("archive") == archive.name and note.get("sha256") == _sha256(archive)
    )
    return target.is_dir() and same


def _check_replaceable(target: Path) -> None:
    """Raises where something stands at the folder's path that is not, file by file, what was unpacked there."""
    if target.is_dir() and any(target.iterdir()) and _read_note(target).get("holds") != _holdings(target):
        raise SavingError(
            f"The folder {str(target)!r} must hold what an earlier call has extracted, and nothing else, to be replaced by what the archive holds "
            "now; files were added, changed or removed since, so it stays as it is. Move it away, or give another fname, cache_subdir or cache_dir."
        )


def _origin_note(target: Path) -> Path:
    return target.with_name(f".{target.name}.json")


def _read_note(target: Path) -> dict[str, Any]:
    """What the note beside a folder says; nothing where there is none, or one that cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads(_origin_note(target).read_text("utf-8"))
        return note if isinstance(note, dict) else {}
    return {}


def _quick(archive: Path) -> dict[str, Any]:
    """What tells an archive from another one without reading it."""
    state = archive.stat()
    return {"archive": archive.name, "bytes": state.st_size, "modified": state.st_mtime_ns}


def _sha256(archive: Path) -> str:
    return Digest("sha256", "").of(archive)


def _holdings(folder: Path) -> str:
    """A digest of the names, sizes and dates of all that a folder holds."""
    made = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        what = None if path.is_dir() and not path.is_symlink() else (state.st_size, int(state.st_mtime))
        made.update(repr((path.relative_to(folder).as_posix(), what)).encode("utf-8", "surrogateescape"))
    return made.hexdigest()
