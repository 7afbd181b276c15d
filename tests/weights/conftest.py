"""The server of `server.py`, started and stopped."""

import threading

import pytest

from tests.weights.server import Server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.delenv("DFREC_OFFLINE", raising=False)  # the server is this machine
    servers = []

    def start(*script):
        server = Server(*script)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()
