"""A server on 127.0.0.1 that answers each request as a script says: cut short, stalled, corrupt, elsewhere, refused."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

BODY = np.random.default_rng(0).bytes(300_000)
HALF = len(BODY) // 2


class Server(ThreadingHTTPServer):
    """Answers each request by the next of `script` (the last one for ever); keeps the requests."""

    daemon_threads = True

    def __init__(self, *script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.requests, self.released = deque(script), [], threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pth"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        answer = server.script.popleft() if len(server.script) > 1 else server.script[0]
        answer(self)
        self.close_connection = True

    def log_message(self, *_):
        pass

    def start(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def whole(handler):
    handler.start(200, Content_Length=len(BODY), ETag='"1"')
    handler.wfile.write(BODY)


def ranged(handler, length=None):
    """Answers ranges, and sends up to byte `length` only."""
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    if start:
        handler.start(206, Content_Length=len(BODY) - start, Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
    else:
        handler.start(200, Content_Length=len(BODY), ETag='"1"')
    handler.wfile.write(BODY[start:length])


def truncated(handler):
    ranged(handler, HALF)


def stalled(handler):
    handler.start(200, Content_Length=len(BODY), ETag='"1"')
    handler.wfile.write(BODY[:HALF])
    handler.wfile.flush()
    handler.server.released.wait(10)


def corrupt(handler):
    handler.start(200, Content_Length=len(BODY))
    handler.wfile.write(BODY[:-1] + b"?")


def redirect(handler):
    handler.start(302, Location="/elsewhere.pth", Content_Length=0)


def page(handler):
    handler.start(200, Content_Type="text/html; charset=utf-8", Content_Length=6)
    handler.wfile.write(b"<html>")


def chunked(handler):
    handler.start(200, Transfer_Encoding="chunked")
    for start in range(0, len(BODY), 100_000):
        handler.wfile.write(b"186a0\r\n" + BODY[start : start + 100_000] + b"\r\n")
    handler.wfile.write(b"0\r\n\r\n")


def status(code, **headers):
    return lambda handler: handler.start(code, Content_Length=0, **headers)
