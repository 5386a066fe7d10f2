"""Replacing a file so that, at every instant, its name stands for the old content or the new one, whole.

The new content goes into a hidden sibling (same folder, hence same file system), is forced to the disk, and takes the name by one
`rename`, which POSIX makes atomic; then the folder entry itself is forced to the disk. A process killed in between leaves the old file and,
at worst, a sibling `.NAME.….part` that nothing reads. Its name says which process of which machine made it; the next write of any file into
that folder from the same machine sweeps away what belongs to processes that are no more, and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import socket
import stat
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from cornu.errors import SavingError

__all__ = ["atomic_folder", "atomic_write"]


def _numbering() -> int:
    """What tells apart the process numbers of containers that share a machine's name; 0 where the system has no such thing."""
    with contextlib.suppress(OSError):
        return os.stat("/proc/self/ns/pid").st_ino
    return 0


_HOST = f"{zlib.crc32(f'{socket.gethostname()} {_numbering()}'.encode()):08x}"
"""Where a process number means the same process."""
_LEFTOVER = re.compile(rf"\..+\.{_HOST}-(\d+)-[0-9a-f]{{12}}(\.\w+)?\.part", re.DOTALL)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path to write to; what stands there when the block ends well becomes `path`.

    If the block raises, `path` is as it was and the temporary file is gone. A symbolic link at `path` is followed: the file that it
    points to is replaced. An existing file's permissions are kept.

    Args:
        path: the file to make or to replace; its folder must exist.

    Raises:
        SavingError: the operating system refused (folder missing or read-only, disk full, `path` is a folder, …); it names `path`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/note.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     print(os.listdir(folder), (Path(folder) / "note.txt").read_text())
    ['note.txt'] whole
    """
    target = Path(os.path.realpath(path))
    with _told(target):
        temporary = _create_sibling(target)
        try:
            yield temporary
            _force_to_disk(temporary)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _force_to_disk(target.parent)


@contextlib.contextmanager
def atomic_folder(
    path: str | os.PathLike[str], marks: Sequence[str], others: Sequence[str] = (), known: Collection[str] | None = None
) -> Iterator[Path]:
    """`atomic_write` for a folder: gives an empty temporary folder to fill; it becomes `path` when the block ends well.

    A folder that is there already is exchanged for the new one in one step where the system can (Linux), and then removed; one that lacks
    a file that marks such folders, or holds anything that is not written here, is somebody's work and stays, as does the working directory.

    Args:
        path: the folder to make or to replace; the folder around it must exist.
        marks: the names of files that all folders of this kind hold.
        others: the names of what they may hold beside these.
        known: the files that the folder which is there may hold further down, beside those of the same names as in the new one; any by default.

    Raises:
        SavingError: the operating system refused, or the folder that is there is of another kind; it names `path`.
    """
    target = Path(os.path.realpath(path))
    with _told(target):
        if target.exists() and not target.is_dir():
            raise SavingError(f"A folder must be written to a folder's path, but {str(target)!r} is a file. Choose another path.")
        _check_replaceable(target, marks, others)
        _sweep(target.parent)
        temporary = _sibling(target)
        temporary.mkdir()
        try:
            yield temporary
            for file in temporary.rglob("*"):
                _force_to_disk(file)
            _force_to_disk(temporary)
            if known is not None:
                _refuse_strangers(target, [name for name in _files(target) if name not in known and not (temporary / name).is_file()])
            _take_place(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        _force_to_disk(target.parent)


def _check_replaceable(target: Path, marks: Sequence[str], others: Sequence[str]) -> None:
    """Raises where a folder would go that is more than what takes its place."""
    held = sorted(entry.name for entry in target.iterdir()) if target.exists() else []
    lacking = [name for name in marks if not (target / name).is_file()]
    _refuse_strangers(target, [name for name in held if name not in (*marks, *others)], f"no {lacking[0]!r}" if held and lacking else "")
    with contextlib.suppress(FileNotFoundError):  # a working directory that is gone
        if Path.cwd().is_relative_to(target):
            raise SavingError(f"A folder is replaced as a whole, and {str(target)!r} is the working directory. Name a folder inside it.")


def _files(folder: Path) -> list[str]:
    """The files in the folders of a folder, by their paths from it; links are files."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _refuse_strangers(target: Path, strangers: Sequence[str], lacks: str = "") -> None:
    if strangers or lacks:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise SavingError(
            f"The folder {str(target)!r} holds other things than what would take their place "
            f"(it has {', '.join(map(repr, strangers[:5])) + more or lacks}), so it stays as it is. "
            "Choose a path that does not exist yet, or move them away."
        )


def _take_place(new: Path, target: Path) -> None:
    """The new folder at the target's name; an old one, if there was one, at the new one's."""
    if not target.exists():
        os.rename(new, target)
    elif not _exchange(new, target):
        old = _sibling(target)
        os.rename(target, old)
        os.rename(new, target)
        os.rename(old, new)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two names at once; False where the system has no such call."""
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


@contextlib.contextmanager
def _told(target: Path) -> Iterator[None]:
    """What the operating system refuses becomes a `SavingError` that names the target."""
    try:
        yield
    except OSError as error:
        cause = error.__cause__ if isinstance(error, SavingError) else error
        if not isinstance(cause, OSError):
            raise  # it names the target already
        failure = SavingError(f"Could not write {str(target)!r}: {cause.strerror or cause}. {_mend(target)}")
        failure.errno = cause.errno
        raise failure from cause


def _short(target: Path) -> str:
    return os.fsdecode(os.fsencode(target.name)[:100])  # file names end at 255 bytes, and these grow


def _sibling(target: Path) -> Path:
    """A new hidden name beside the target, which says whose it is."""
    return target.with_name(f".{_short(target)}.{_HOST}-{os.getpid()}-{secrets.token_hex(6)}.part")


def _sweep(folder: Path) -> None:
    """Removes what processes that are no more have left in a folder, of whatever file."""
    for entry in os.scandir(folder) if folder.is_dir() else ():
        found = _LEFTOVER.fullmatch(entry.name)
        if found and not _lives(int(found[1])):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _lives(process: int) -> bool:
    if os.name == "nt":
        return True  # signal 0 would end the process there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _create_sibling(target: Path) -> Path:
    """An empty, exclusively made, hidden file beside the target, with the permissions that the target has or would get."""
    if target.is_dir():
        raise SavingError(f"A file must be written to a file's path, but {str(target)!r} is a folder. Name a file inside it.")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not os.access(target, os.W_OK):
        raise SavingError(f"Could not write {str(target)!r}: the file is read-only. Make it writable or choose another path.")
    _sweep(target.parent)
    temporary = _sibling(target)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the process's umask applies, as to any new file
    if mode is not None:
        os.chmod(temporary, mode)
    return temporary


def _force_to_disk(path: Path) -> None:
    """Fsync of a file or, where the system can open one, of a folder."""
    if path.is_dir() and os.name == "nt":
        return  # Windows has no handle on a folder to flush; NTFS journals the rename itself
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mend(target: Path) -> str:
    if not target.parent.is_dir():
        return f"The folder {str(target.parent)!r} does not exist; make it first."
    if target.exists():
        return "The earlier file is untouched."
    return "Nothing was left behind."
