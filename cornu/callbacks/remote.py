"""Metrics to a server."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import urllib.request
import warnings
from collections.abc import Mapping

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs
from cornu.errors import ArgumentError

__all__ = ["RemoteMonitor"]

TIMEOUT = 10.0
"""Seconds that a server has to answer."""


class RemoteMonitor(Callback):
    """Sends the metrics of each epoch to an HTTP server by POST: "epoch" and the metrics by name. Where that fails, it warns.

    Args:
        root: the server, "http://…" or "https://…".
        path: what follows.
        field: the name of the form's field that holds the metrics as JSON.
        headers: further headers of the request.
        send_as_json: send the JSON itself as the body, and no form.

    Raises:
        ArgumentError: `root` is no address of that kind.

    >>> monitor = RemoteMonitor("http://localhost:9000", send_as_json=True)
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if urllib.parse.urlsplit(root).scheme not in ("http", "https"):
            raise ArgumentError(f"root must be an address that begins with 'http://' or 'https://', got {root!r}.")
        self.root, self.path, self.field, self.headers, self.send_as_json = root, path, field, headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        values = {"epoch": epoch, **{name: np.asarray(value).tolist() for name, value in (logs or {}).items()}}
        try:
            with urllib.request.urlopen(self._request(json.dumps(values)), timeout=TIMEOUT):
                pass
        except (OSError, http.client.HTTPException) as error:  # the latter: what answers speaks no HTTP, or the path cannot be sent
            why = getattr(error, "reason", None) or str(error) or type(error).__name__
            warnings.warn(f"The metrics of epoch {epoch + 1} could not be sent to {self.root + self.path!r}: {why}.", stacklevel=2)

    def _request(self, text: str) -> urllib.request.Request:
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        return urllib.request.Request(self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})}, method="POST")
