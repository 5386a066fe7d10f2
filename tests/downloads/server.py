"""A server on this machine that the tests drive: what it holds, and how it misbehaves."""

import http.server
import threading


class Server:
    """Files by name on 127.0.0.1.

    Attributes:
        files: name -> bytes.
        requests: (name, Range header) of every request, in order.
        ranges: whether it honours Range.
        tags: whether it sends an ETag (of the content) and honours If-Range.
        cuts: how many bytes each of the next replies sends before it breaks off.
        refusals: statuses that the next replies have in place of an answer.
        moved: name -> where it redirects to.
        chunked: whether it leaves the length out.
    """

    def __init__(self):
        self.files, self.requests, self.cuts, self.refusals, self.moved = {}, [], [], [], {}
        self.ranges = self.tags = True
        self.chunked = False
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self._http.server_port}/{name}"

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def _handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                return

            def do_GET(self):
                server.answer(self)

        return Handler

    def answer(self, request):
        name = request.path.split("?")[0].strip("/")
        self.requests.append((name, request.headers.get("Range")))
        if self.refusals:
            return request.send_error(self.refusals.pop(0))
        if name in self.moved:
            request.send_response(302)
            request.send_header("Location", self.moved[name])
            return request.end_headers()
        if name not in self.files:
            return request.send_error(404)
        body = self.files[name]
        tag = f'"{hash(body)}"'
        start = 0
        if self.ranges and request.headers.get("Range") and request.headers.get("If-Range") == tag:
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                return request.send_error(416)
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.tags:
            request.send_header("ETag", tag)
        if not self.chunked:
            request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        stop = start + self.cuts.pop(0) if self.cuts else len(body)
        request.wfile.write(body[start:stop])
        request.close_connection = True
        return None
