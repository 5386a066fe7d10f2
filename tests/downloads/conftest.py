"""A server on this machine and a cache of the test's own."""

import pytest

from cornu.downloads import transfer
from tests.downloads.server import Server


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of the test's own; no proxy between the test and its server; no waiting between two attempts."""
    for name in ("CORNU_TRUST_CACHE", "CORNU_ALLOW_HTTP", "KERAS_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORNU_HOME", str(folder))
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    return folder
