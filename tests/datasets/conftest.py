"""A cache of the test's own, a server for the addresses of published files, and small files in the published formats."""

import dataclasses

import numpy as np
import pytest

from cornu.datasets import published
from cornu.downloads import transfer
from tests.downloads.server import Server


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of the test's own."""
    for name in ("CORNU_TRUST_CACHE", "CORNU_ALLOW_HTTP", "KERAS_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORNU_HOME", str(folder))
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    return folder


@pytest.fixture
def publish(monkeypatch):
    """Publishes bytes in a data set's place: `publish(key, content)` serves them on this machine, with their own digest."""
    import hashlib

    server = Server()

    def put(key, content):
        file = published.PUBLISHED[key]
        name = file.url.rpartition("/")[2]
        server.files[name] = content
        digest = hashlib.sha256(content).hexdigest() if file.digest else None
        monkeypatch.setitem(published.PUBLISHED, key, dataclasses.replace(file, url=server.url(name), digest=digest))

    put.server = server
    yield put
    server.close()


def objects(values):
    """A one-dimensional array of these objects."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.fixture
def texts(rng):
    """Draws `n` texts of 2 to 11 word numbers from 1 to 49, and labels."""

    def draw(n, kinds=2):
        return objects([[int(word) for word in rng.integers(1, 50, rng.integers(2, 12))] for _ in range(n)]), rng.integers(0, kinds, n)

    return draw
