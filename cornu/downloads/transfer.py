"""The way of a file over the network, in a `.part` that a later attempt goes on with.

A transfer that breaks off is taken up again by `Range`, guarded by `If-Range`: a server that has another file by now, or that has no ranges,
sends the whole and the part starts anew. Beside the part stands a note (`.part.json`) of where it comes from and of what validates it
(the server's `ETag`, or its date); a part without one is never taken up.

Plain http can be read and changed by anyone on the way. It is refused, but for the machine itself (127.0.0.1, ::1, localhost) and
where the environment has `CORNU_ALLOW_HTTP=1`; a redirection is held to the same rule, and never leads from https to http without that permission.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from cornu.downloads.progress import Progress
from cornu.errors import ArgumentError, SavingError

__all__ = ["check_address", "fetch"]

ATTEMPTS = 5
PAUSE = 1.0
"""Seconds before the second attempt; each later one waits twice as long."""
TIMEOUT = 30.0
_BLOCK = 1 << 16
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # states of a server that may be over in a moment


class _BrokenError(Exception):
    """The transfer broke off; another attempt may succeed."""


def check_address(origin: str) -> None:
    """Refuses every address but https, and http where it is allowed.

    >>> check_address("https://example.org/a.zip")
    >>> check_address("http://127.0.0.1:8000/a.zip")
    """
    address = urllib.parse.urlsplit(origin)
    if address.scheme == "https" and address.hostname:
        return
    if address.scheme != "http" or not address.hostname:
        raise ArgumentError(
            f"origin must be an https:// address, got {origin!r}. A file that is on this machine already needs no download."
        )
    if not _is_loopback(address.hostname) and not _http_allowed():
        raise ArgumentError(
            f"origin must be an https:// address, got {origin!r}: what comes over plain http may have been changed on the way. "
            "Write https:// if the server has it, or set the environment variable CORNU_ALLOW_HTTP=1."
        )


def _http_allowed() -> bool:
    return os.environ.get("CORNU_ALLOW_HTTP") == "1"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to where a first request may go."""

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_address(newurl)
        if req.full_url.startswith("https:") and not newurl.startswith("https:") and not _http_allowed():
            raise ArgumentError(f"A redirection must not lead from https to http, but {req.full_url!r} leads to {newurl!r}.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(origin: str, part: Path, progress: Progress) -> bool:
    """Brings the whole of `origin` into the file `part`, going on with what stands there if the server agrees.

    Args:
        origin: the address; see above for which are allowed.
        part: the file to fill. Its note lies beside it.
        progress: is told how far the transfer is.

    Returns:
        Whether bytes of an earlier transfer are in it.

    Raises:
        SavingError: the server was not reached, refused, or broke off too often; the cause is in the message.
        ArgumentError: an address that is not allowed, the origin's or a redirection's.
    """
    check_address(origin)
    resumed = False
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _receive(origin, part, progress) or resumed
        except _BrokenError as broken:
            if attempt == ATTEMPTS:
                raise SavingError(f"the transfer broke off {ATTEMPTS} times, the last time because {broken}") from None
            resumed = resumed or _size(part) > 0
            time.sleep(PAUSE * 2 ** (attempt - 1))
    raise AssertionError("unreachable")


def _receive(origin: str, part: Path, progress: Progress) -> bool:
    """One attempt; says whether it went on with what had been there."""
    validator = _validator_of(part, origin)
    start = _size(part) if validator else 0
    headers = {"User-Agent": "cornu", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        with _open(urllib.request.Request(origin, headers=headers)) as reply:
            if reply.status == 206 and _first_byte(reply) != start:
                forget(part)
                raise _BrokenError("the server sent another range than was asked for")
            start = start if reply.status == 206 else 0
            _store(reply, part, start, origin, progress)
    except urllib.error.HTTPError as refusal:
        _judge(refusal, part)
    except urllib.error.URLError as failure:
        raise SavingError(f"the server was not reached: {failure.reason}") from failure
    except (http.client.HTTPException, TimeoutError, ConnectionError) as failure:
        raise _BrokenError(repr(failure)) from failure
    return start > 0


def _open(request: urllib.request.Request) -> Any:
    return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)


def _judge(refusal: urllib.error.HTTPError, part: Path) -> None:
    """Raises what an HTTP error comes to: a further attempt, or the end."""
    with refusal:
        if refusal.code == 416:  # the part is longer than the file: it is not a part of it
            forget(part)
            raise _BrokenError("the server has no such range")
        if refusal.code in _PASSING:
            raise _BrokenError(f"the server answered {refusal.code} {refusal.reason}")
        raise SavingError(f"the server answered {refusal.code} {refusal.reason}")


def _store(reply: Any, part: Path, start: int, origin: str, progress: Progress) -> None:
    """Writes the reply's body from the byte `start` on, with a note from which a later attempt can go on."""
    total = _total(reply, start)
    if not start:
        forget(part)
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        _note(reply, part, origin)
        done = start
        progress(done, total)
        while block := reply.read(_BLOCK):
            file.write(block)
            done += len(block)
            progress(done, total)
    if total is not None and done < total:
        raise _BrokenError(f"{done} of {total} bytes had come when the connection ended")


def _total(reply: Any, start: int) -> int | None:
    length = reply.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _first_byte(reply: Any) -> int | None:
    found = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _note_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note(reply: Any, part: Path, origin: str) -> None:
    tag = reply.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else reply.headers.get("Last-Modified", "")  # a weak tag does not vouch for single bytes
    if validator:
        _note_of(part).write_text(json.dumps({"origin": origin, "validator": validator}), "utf-8")


def _validator_of(part: Path, origin: str) -> str:
    """What the server called the file that the part is of; empty if that is not known, or the part comes from elsewhere."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads(_note_of(part).read_text("utf-8"))
        if isinstance(note, dict) and note.get("origin") == origin and isinstance(note.get("validator"), str):
            return note["validator"]
    return ""


def forget(part: Path) -> None:
    """Removes a part and its note."""
    _note_of(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)
