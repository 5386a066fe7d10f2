"""`get_file` against a server on this machine: what is fetched, when, under which name, and what happens when it goes wrong."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cornu
from cornu.downloads import get_file, transfer
from cornu.downloads.cache import find_cached
from cornu.errors import ArgumentError, CorruptFileError, SavingError

BODY = bytes(range(256)) * 1200  # several blocks of a transfer
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def served(server):
    server.files["numbers.bin"] = BODY
    return server


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_and_kept_under_its_name(served, home):
    first = get_file(origin=served.url("numbers.bin"))
    again = get_file(origin=served.url("numbers.bin"))
    assert first == again == str(home / "datasets" / "numbers.bin")
    assert Path(first).read_bytes() == BODY
    assert served.requests == [("numbers.bin", None)]
    assert listing(home) == ["datasets/numbers.bin"]  # no part, no note, no lock


def test_it_is_reached_as_a_util():
    assert cornu.utils.get_file is get_file


def test_names_and_folders(served, home, tmp_path):
    assert get_file("n", served.url("numbers.bin?v=1"), cache_subdir="models") == str(home / "models" / "n")
    assert get_file(origin=served.url("numbers.bin?v=1"), cache_dir=tmp_path / "own") == str(tmp_path / "own/datasets/numbers.bin")
    assert get_file(origin=served.url("numbers.bin"), cache_subdir=tmp_path / "flat") == str(tmp_path / "flat/numbers.bin")


@pytest.mark.parametrize("fname", ["../x", "a/x", "/x", "..", "a\\x"])
def test_a_path_is_no_name(served, fname):
    with pytest.raises(ArgumentError, match="a file's name, not a path"):
        get_file(fname, served.url("numbers.bin"))
    assert served.requests == []


def test_what_must_be_said(served):
    with pytest.raises(ArgumentError, match="origin"):
        get_file("x")
    with pytest.raises(ArgumentError, match="fname"):
        get_file(origin=served.url(""))


@pytest.mark.parametrize(
    "said",
    [
        {"file_hash": SHA},
        {"file_hash": SHA.upper(), "hash_algorithm": "sha256"},
        {"file_hash": hashlib.md5(BODY).hexdigest()},
        {"md5_hash": hashlib.md5(BODY).hexdigest()},
        {"file_hash": SHA, "md5_hash": "0" * 32},  # the newer argument counts
    ],
)
def test_the_right_digest(served, said):
    assert Path(get_file(origin=served.url("numbers.bin"), **said)).read_bytes() == BODY


@pytest.mark.parametrize("said", [{"file_hash": "0" * 64}, {"md5_hash": "0" * 32}])
def test_another_digest_is_refused_and_nothing_is_kept(served, home, said):
    with pytest.raises(CorruptFileError, match=r"0{32}.*what came has"):
        get_file(origin=served.url("numbers.bin"), **said)
    assert listing(home) == []


@pytest.mark.parametrize(("value", "algorithm"), [("abc", "auto"), (SHA, "md5"), ("g" * 64, "sha256"), (SHA, "sha1")])
def test_what_is_no_digest(served, value, algorithm):
    with pytest.raises(ArgumentError, match="digest must be 64 hexadecimal digits"):
        get_file(origin=served.url("numbers.bin"), file_hash=value, hash_algorithm=algorithm)


def test_a_damaged_cached_file_is_fetched_again(served, home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "numbers.bin").write_bytes(b"damaged")
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == BODY


def test_a_trusted_cache_is_taken_as_it_is(served, home, monkeypatch):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "numbers.bin").write_bytes(b"own copy")
    monkeypatch.setenv("CORNU_TRUST_CACHE", "1")
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == b"own copy"
    assert served.requests == []


def test_a_trusted_cache_does_not_make_downloads_trusted(served, monkeypatch):
    monkeypatch.setenv("CORNU_TRUST_CACHE", "1")
    with pytest.raises(CorruptFileError, match="must have"):
        get_file(origin=served.url("numbers.bin"), file_hash="0" * 64)


def test_force_download(served):
    path = get_file(origin=served.url("numbers.bin"))
    served.files["numbers.bin"] = b"newer"
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY
    assert Path(get_file(origin=served.url("numbers.bin"), force_download=True)).read_bytes() == b"newer"
    assert Path(path).read_bytes() == b"newer"


# ── where the cache is ──


def test_the_folder_that_is_named_counts(served, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert get_file(origin=served.url("numbers.bin")).startswith(str(tmp_path / "cache"))
    monkeypatch.delenv("CORNU_HOME")
    assert get_file(origin=served.url("numbers.bin")).startswith(str(tmp_path / "keras"))


@pytest.fixture
def user(monkeypatch, tmp_path):
    """A user who has named no folder for the cache, and has used Keras before."""
    monkeypatch.delenv("CORNU_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    old = tmp_path / ".keras" / "datasets" / "numbers.bin"
    old.parent.mkdir(parents=True)
    old.write_bytes(BODY)
    return tmp_path


def test_a_file_of_keras_is_used_where_it_lies(served, user):
    assert get_file(origin=served.url("numbers.bin"), file_hash=SHA) == str(user / ".keras/datasets/numbers.bin")
    assert find_cached(["other", "numbers.bin"]) == "numbers.bin"
    assert served.requests == []
    assert not (user / ".cornu").exists()


def test_a_damaged_file_of_keras_is_left_and_not_used(served, user):
    (user / ".keras/datasets/numbers.bin").write_bytes(b"damaged")
    assert get_file(origin=served.url("numbers.bin"), file_hash=SHA) == str(user / ".cornu/datasets/numbers.bin")
    assert (user / ".keras/datasets/numbers.bin").read_bytes() == b"damaged"


def test_a_named_folder_does_not_fall_back(served, user, monkeypatch, home):
    monkeypatch.setenv("CORNU_HOME", str(home))
    assert find_cached(["numbers.bin"]) is None
    assert get_file(origin=served.url("numbers.bin")) == str(home / "datasets/numbers.bin")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user cannot write to")
def test_a_cache_that_cannot_be_written_serves_what_it_has(served, home):
    path = get_file(origin=served.url("numbers.bin"), file_hash=SHA)
    (home / "datasets").chmod(0o555)
    assert get_file(origin=served.url("numbers.bin"), file_hash=SHA) == path
    with pytest.raises(SavingError, match="CORNU_HOME"):
        get_file("more", served.url("numbers.bin"))
    (home / "datasets").chmod(0o755)


def test_a_cache_that_cannot_be_made(served, home):
    home.write_text("a file where the folder should be")
    with pytest.raises(SavingError, match="CORNU_HOME names another folder"):
        get_file(origin=served.url("numbers.bin"))


# ── transfers that break off ──


def test_a_broken_transfer_goes_on_where_it_ended(served):
    served.cuts = [100_000, 50_000]
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == BODY
    assert [asked for _, asked in served.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_too(served, home, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    served.cuts = [100_000]
    with pytest.raises(SavingError, match="100000 of 307200 bytes"):
        get_file(origin=served.url("numbers.bin"))
    assert listing(home) == ["datasets/numbers.bin.part", "datasets/numbers.bin.part.json"]
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY
    assert served.requests[-1] == ("numbers.bin", "bytes=100000-")
    assert listing(home) == ["datasets/numbers.bin"]


@pytest.mark.parametrize("lacks", ["ranges", "tags"])
def test_without_ranges_or_tags_it_starts_anew(served, lacks):
    setattr(served, lacks, False)
    served.cuts = [100_000]
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == BODY
    assert served.requests[-1][1] == ("bytes=100000-" if lacks == "ranges" else None)


def test_a_file_that_has_changed_meanwhile_is_not_pieced_together(served, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    served.cuts = [100_000]
    with pytest.raises(SavingError, match="broke off"):
        get_file(origin=served.url("numbers.bin"))
    served.files["numbers.bin"] = BODY[::-1]
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY[::-1]


def test_a_part_of_another_address_is_not_taken_up(served, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    served.files["other.bin"] = b"other"
    served.cuts = [100_000]
    with pytest.raises(SavingError, match="broke off"):
        get_file("same", served.url("numbers.bin"))
    assert Path(get_file("same", served.url("other.bin"))).read_bytes() == b"other"


def test_a_part_that_was_damaged_on_the_disk_is_given_up(served, home, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    served.cuts = [100_000]
    with pytest.raises(SavingError, match="broke off"):
        get_file(origin=served.url("numbers.bin"), file_hash=SHA)
    part = home / "datasets/numbers.bin.part"
    part.write_bytes(b"x" + part.read_bytes()[1:])
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == BODY
    assert [asked for _, asked in served.requests] == [None, "bytes=100000-", None]


def test_a_part_longer_than_the_file_starts_anew(served, home, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    served.cuts = [100_000, 0]
    with pytest.raises(SavingError, match="broke off"):
        get_file(origin=served.url("numbers.bin"))
    part = home / "datasets/numbers.bin.part"
    part.write_bytes(part.read_bytes() + BODY)
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY


def test_a_reply_without_a_length(served):
    served.chunked = True
    assert Path(get_file(origin=served.url("numbers.bin"), file_hash=SHA)).read_bytes() == BODY


def test_a_busy_server_is_asked_again(served):
    served.refusals = [503, 429]
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY


def test_a_refusal_is_final_and_says_where_to_put_the_file(served, home):
    with pytest.raises(SavingError, match="404") as failure:
        get_file(origin=served.url("nothing.bin"), file_hash=SHA)
    assert str(home / "datasets" / "nothing.bin") in str(failure.value)
    assert SHA in str(failure.value)
    assert len(served.requests) == 1


def test_without_a_connection_the_error_says_where_to_put_the_file(server, home):
    server.close()
    with pytest.raises(SavingError, match="not reached") as failure:
        get_file(origin=server.url("numbers.bin"))
    assert str(home / "datasets" / "numbers.bin") in str(failure.value)


# ── which addresses ──


@pytest.mark.parametrize("origin", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "data:,x", "a.zip", "https:///a"])
def test_addresses_that_are_refused(origin):
    with pytest.raises(ArgumentError, match="must be an https:// address"):
        get_file("a", origin)


def test_plain_http_with_permission(monkeypatch):
    monkeypatch.setenv("CORNU_ALLOW_HTTP", "1")
    transfer.check_address("http://example.org/a")
    with pytest.raises(ArgumentError, match="https"):
        transfer.check_address("ftp://example.org/a")


def test_a_redirection_is_followed(served):
    served.moved["old.bin"] = served.url("numbers.bin")
    assert Path(get_file(origin=served.url("old.bin"))).read_bytes() == BODY


@pytest.mark.parametrize("to", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd"])
def test_a_redirection_is_held_to_the_same_rule(served, home, to):
    served.moved["old.bin"] = to
    with pytest.raises((ArgumentError, SavingError), match=r"https|redirect|302"):
        get_file(origin=served.url("old.bin"))
    assert listing(home) == []


def test_a_redirection_from_https_to_this_machine_is_refused(served):
    request = transfer.urllib.request.Request("https://example.org/a")
    with pytest.raises(ArgumentError, match="from https to http"):
        transfer._Redirects().redirect_request(request, None, 302, "Found", {}, served.url("numbers.bin"))


# ── several at once ──


def test_threads_that_ask_at_once_fetch_once(served):
    found = []
    threads = [threading.Thread(target=lambda: found.append(get_file(origin=served.url("numbers.bin"), file_hash=SHA))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(served.requests) == 1


def test_threads_that_ask_for_different_files(served):
    names = [f"{i}.bin" for i in range(4)]
    served.files.update(dict.fromkeys(names, BODY))
    found = []
    threads = [threading.Thread(target=lambda name=name: found.append(get_file(origin=served.url(name), file_hash=SHA))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Path(path).name for path in found) == names


def test_two_processes_fetch_once(served, home):
    program = f"import time; from cornu.downloads import get_file; print(get_file(origin={served.url('numbers.bin')!r}, file_hash={SHA!r}))"
    environment = {**os.environ, "CORNU_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(Path(cornu.__file__).parents[1])])}
    runs = [subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=60)[0].splitlines()[-1] for run in runs]
    assert said == [str(home / "datasets/numbers.bin")] * 2
    assert len(served.requests) == 1


def test_the_lock_of_a_process_that_was_killed_holds_nobody_up(served, home):
    (home / "datasets").mkdir(parents=True)
    program = f"""
import os, pathlib
from cornu.downloads.lock import locked
with locked(pathlib.Path({str(home / "datasets/numbers.bin")!r})):
    os._exit(9)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(cornu.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 9
    assert listing(home) == ["datasets/.numbers.bin.lock"]
    assert Path(get_file(origin=served.url("numbers.bin"))).read_bytes() == BODY
    assert listing(home) == ["datasets/numbers.bin"]


def test_the_bar_says_what_comes(served, capsys):
    get_file(origin=served.url("numbers.bin"))
    assert "numbers.bin" in capsys.readouterr().out
    get_file(origin=served.url("numbers.bin"))
    assert capsys.readouterr().out == ""
