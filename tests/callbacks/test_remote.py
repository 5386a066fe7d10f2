"""Metrics sent to a real HTTP server on this machine."""

import json
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from cornu.callbacks import RemoteMonitor
from cornu.errors import ArgumentError


@pytest.fixture
def server():
    """A server that keeps what it is sent; `server.answer` is the status it gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            running.requests.append((self.path, dict(self.headers), body))
            self.send_response(running.answer)
            self.end_headers()

        def log_message(self, *args):
            """Silent."""

    running = HTTPServer(("127.0.0.1", 0), Handler)
    running.requests, running.answer = [], 200
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def root(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_a_form_by_default(server):
    monitor = RemoteMonitor(root(server))
    monitor.on_epoch_end(3, {"loss": np.float32(0.5), "per_class": np.array([0.25, 1.0])})
    ((path, headers, body),) = server.requests
    assert path == "/publish/epoch/end/"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    (field,) = urllib.parse.parse_qs(body)["data"]
    assert json.loads(field) == {"epoch": 3, "loss": 0.5, "per_class": [0.25, 1.0]}


def test_json_another_path_and_headers(server):
    monitor = RemoteMonitor(root(server), "/here", headers={"X-Run": "seven"}, send_as_json=True)
    monitor.on_epoch_end(0, {"loss": 1.0})
    ((path, headers, body),) = server.requests
    assert (path, headers["X-Run"], headers["Content-Type"]) == ("/here", "seven", "application/json")
    assert json.loads(body) == {"epoch": 0, "loss": 1.0}


def test_another_field(server):
    RemoteMonitor(root(server), field="metrics").on_epoch_end(0, {"loss": 1.0})
    assert list(urllib.parse.parse_qs(server.requests[0][2])) == ["metrics"]


def test_a_server_that_refuses_is_warned_of(server):
    server.answer = 500
    with pytest.warns(UserWarning, match=r"epoch 1 could not be sent to 'http://127.0.0.1:\d+/publish/epoch/end/': Internal Server Error"):
        RemoteMonitor(root(server)).on_epoch_end(0, {"loss": 1.0})


def test_a_server_that_is_not_there_is_warned_of(server):
    address = root(server)
    server.shutdown()
    server.server_close()
    with pytest.warns(UserWarning, match="could not be sent to .*refused"):
        RemoteMonitor(address).on_epoch_end(0, {"loss": 1.0})


def test_what_speaks_no_http_is_warned_of():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            with listening.accept()[0] as one:
                one.recv(1 << 16)
                one.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.warns(UserWarning, match="epoch 1 could not be sent to .*220 mail ready"):
            RemoteMonitor(f"http://127.0.0.1:{listening.getsockname()[1]}").on_epoch_end(0, {"loss": 1.0})
        thread.join()
    with pytest.warns(UserWarning, match="could not be sent to .*control characters"):
        RemoteMonitor("http://localhost:9", "/a b").on_epoch_end(0, {"loss": 1.0})


@pytest.mark.parametrize("address", ["file:///etc/passwd", "localhost:9000", ""])
def test_addresses_of_other_kinds(address):
    with pytest.raises(ArgumentError, match="must be an address that begins with 'http://'"):
        RemoteMonitor(address)
