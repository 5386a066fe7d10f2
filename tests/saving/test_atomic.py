"""A file that is replaced is, at every instant, the old one or the new one."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import textwrap

import pytest

from cornu.errors import SavingError
from cornu.saving import atomic
from cornu.saving.atomic import atomic_write


def write(path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text)


def test_makes_and_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "model.keras"
    write(path, "one")
    write(path, "two")
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["model.keras"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SavingError])
def test_a_failing_block_leaves_the_old_file_and_its_own_exception(tmp_path, failure):
    path = tmp_path / "model.keras"
    write(path, "old")

    def broken_off() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise failure("mine")

    with pytest.raises(failure, match="mine"):
        broken_off()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_a_full_disk_is_reported_with_the_path(tmp_path):
    path = tmp_path / "model.keras"
    write(path, "old")
    with pytest.raises(SavingError, match=r"model\.keras.*No space left.*earlier file is untouched") as error, atomic_write(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.errno == errno.ENOSPC
    assert path.read_text() == "old"


def test_a_missing_folder_and_a_folder_as_target_are_named(tmp_path):
    with pytest.raises(SavingError, match="absent' does not exist; make it first"):
        write(tmp_path / "absent" / "model.keras", "x")
    with pytest.raises(SavingError, match="is a folder"):
        write(tmp_path, "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders and files")
def test_a_read_only_folder_and_a_read_only_file_are_refused(tmp_path):
    path = tmp_path / "model.keras"
    write(path, "old")
    path.chmod(0o444)
    with pytest.raises(SavingError, match="file is read-only"):
        write(path, "new")
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(SavingError, match=r"model\.keras.*Permission denied"):
            write(path, "new")
    finally:
        tmp_path.chmod(0o755)
    assert path.read_text() == "old"


def test_a_symbolic_link_is_followed_and_permissions_are_kept(tmp_path):
    real, link = tmp_path / "real.keras", tmp_path / "link.keras"
    write(real, "old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    write(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    path = tmp_path / ("é" * 127)
    write(path, "long")
    assert path.read_text() == "long"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_kill_nine_at_any_instant_of_fifty_saves_leaves_a_whole_file(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys, time
        from pathlib import Path
        from cornu.saving.atomic import atomic_write

        path, wholes = Path(sys.argv[1]) / "model.bin", set()
        for attempt in range(50):
            told, tell = os.pipe()
            child = os.fork()
            if child == 0:
                count = 0
                while True:
                    with atomic_write(path) as temporary, open(temporary, "wb") as file:
                        for _ in range(64):  # in pieces, so that most instants lie inside a write
                            file.write(bytes([count % 256]) * 4096)
                    count += 1
                    os.write(tell, b"x") if count == 1 else None
            os.read(told, 1)
            time.sleep(0.003 * (attempt % 10))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(told), os.close(tell)
            content = path.read_bytes()
            wholes.add(content[0])
            assert content == content[:1] * (64 * 4096), "torn"
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"last")
        print(len(wholes), *os.listdir(sys.argv[1]))
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wholes, *left = done.stdout.split()
    assert int(wholes) > 1  # kills came between different saves
    assert left == ["model.bin"]  # what the killed had left behind is swept


def test_leftovers_go_if_their_owner_is_dead(tmp_path):
    write(tmp_path / "a", "x")
    mine, gone = (
        os.getpid(),
        subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True),
    )
    names = {
        f".a.{atomic._HOST}-{mine}-{'0' * 12}.part": True,
        f".a.{atomic._HOST}-{gone.stdout.strip()}-{'0' * 12}.part": False,
        f".a.{atomic._HOST}-{gone.stdout.strip()}-{'0' * 12}.weights.part": False,
        f".a.ffffffff-{gone.stdout.strip()}-{'0' * 12}.part": True,  # another machine's
        f".b.{atomic._HOST}-{gone.stdout.strip()}-{'0' * 12}.part": False,  # of another file in the folder
        f".b.{atomic._HOST}-{gone.stdout.strip()}-{'0' * 12}": True,  # what is not named as we name them is not ours
        f"b.{atomic._HOST}-{gone.stdout.strip()}-{'0' * 12}.part": True,
        ".notes.part": True,
    }
    for name in names:
        (tmp_path / name).write_text("")
    left = tmp_path / f".c.{atomic._HOST}-{gone.stdout.strip()}-{'1' * 12}.part"
    left.mkdir()  # of a model saved as a folder
    (left / "config.json").write_text("{}")
    write(tmp_path / "a", "y")
    assert {name: (tmp_path / name).exists() for name in names} == names
    assert not left.exists()


@pytest.mark.parametrize("one_step", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, one_step):
    if not one_step:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    for text in ("old", "new"):
        with atomic.atomic_folder(tmp_path / "m", ["mark"], ["old", "new"]) as folder:
            (folder / text).write_text(text)
            (folder / "mark").write_text("")
        assert os.listdir(tmp_path) == ["m"]
        assert set(os.listdir(tmp_path / "m")) == {text, "mark"}
    with pytest.raises(SavingError, match="Could not write"), atomic.atomic_folder(tmp_path / "m", ["mark"], ["old", "new"]) as folder:
        (folder / "third").joinpath("nowhere").write_text("")
    assert set(os.listdir(tmp_path / "m")) == {"new", "mark"}
    (tmp_path / "file").write_text("")
    with pytest.raises(SavingError, match="is a file"), atomic.atomic_folder(tmp_path / "file", ["mark"]):
        pass


def test_a_folder_of_other_things_is_not_replaced(tmp_path):
    (tmp_path / "project").mkdir()
    with atomic.atomic_folder(tmp_path / "project", ["mark"]) as folder:  # there was nothing in it
        (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(SavingError, match=r"holds other things .*'thesis\.txt'"), atomic.atomic_folder(tmp_path / "project", ["mark"]):
        pass
    assert (tmp_path / "project" / "thesis.txt").read_text() == "years of work"
    assert os.listdir(tmp_path) == ["project"]


def test_a_folder_that_only_looks_like_ours_is_not_replaced(tmp_path, monkeypatch):
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "possible").write_text("")
    with pytest.raises(SavingError, match="no 'mark'"), atomic.atomic_folder(ours, ["mark"], ["possible"]):
        pass
    (ours / "mark").write_text("")
    (ours / "NOTES.md").write_text("mine")
    with pytest.raises(SavingError, match=r"'NOTES\.md'"), atomic.atomic_folder(ours, ["mark"], ["possible"]):
        pass
    assert (ours / "NOTES.md").read_text() == "mine"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(SavingError, match="working directory"), atomic.atomic_folder(".", ["mark"]):
        pass
    assert os.getcwd() == str(tmp_path / "here")


def test_files_at_every_depth_of_a_folder_are_forced_to_the_disk(tmp_path, monkeypatch):
    forced = []
    monkeypatch.setattr(atomic, "_force_to_disk", lambda path: forced.append(path.name))
    with atomic.atomic_folder(tmp_path / "m", ["mark"]) as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "deep").write_text("")
    assert {"a", "b", "deep"} <= set(forced)
