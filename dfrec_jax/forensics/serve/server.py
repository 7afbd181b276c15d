"""A page on this machine: pictures in, reports out; nothing is asked of anywhere, and nothing is kept.

Whoever has the address, with its random token, may use it; every other request gets the same bare refusal.
"""

import hmac
import io
import json
import mimetypes
import os
import re
import secrets
import zipfile
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from dfrec_jax.forensics.report.case import TITLES
from dfrec_jax.forensics.serve import page
from dfrec_jax.forensics.serve.jobs import DONE, Full, Job, Jobs

LOCAL = ("127.0.0.1", "localhost")
PATIENCE = 60  # seconds without a byte, after which a connection is dropped
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The report that is looked at in the browser has its style in it, and no script may run.
_REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_FILE_POLICY = "frame-ancestors 'none'"  # of a PDF, whose viewer is a part of the browser
_POLICIES = {".html": _REPORT_POLICY, ".pdf": _FILE_POLICY}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_JOB = re.compile(r"jobs/([0-9a-f]{16})(?:/(.*))?")


class Server(ThreadingHTTPServer):
    """Listens as soon as it is made.

    Attributes:
      token: without which nothing is answered.
      address: for a browser.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let another program take the port

    def __init__(self, host: str, port: int, jobs: Jobs, about: Mapping[str, Any], most_bytes: int):
        """Raises OSError where the port is taken or the host is not this machine's.

        Args:
          host: to listen on.
          port: 0 for any that is free.
          jobs: that take the pictures.
          about: what the page says of the network.
          most_bytes: of a picture.
        """
        self.jobs, self.about, self.most_bytes = jobs, about, most_bytes
        self.token = secrets.token_urlsafe(24)
        self.is_local = host in LOCAL
        super().__init__((host, port), _Handler)
        self.address = f"http://{host}:{self.server_address[1]}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "dfrec", ""

    def do_GET(self) -> None:  # noqa: N802  the library's name
        """The page, its parts, a job, a file of it, a report."""
        path = self._path()
        if path is None:
            return
        package = resources.files("dfrec_jax.forensics.serve")
        if path == "":
            self._send(page.html(self.server.about, self.server.most_bytes).encode(), "text/html; charset=utf-8")
        elif path == "page.css":
            self._send(page.style().encode(), "text/css; charset=utf-8")
        elif path == "page.js":
            self._send((package / "page.js").read_bytes(), "text/javascript; charset=utf-8")
        elif path == "state":
            self._json({"readiness": self.server.jobs.readiness})
        elif match := _JOB.fullmatch(path):
            self._job(match[1], match[2] or "")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:  # noqa: N802
        """A picture, as the body; its name and the words of the case in the query."""
        path = self._path()
        if path is None:
            return
        if path != "pictures":
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "its length must be said")
            return
        if not 0 < int(length) <= self.server.most_bytes:
            most = f"{self.server.most_bytes / 2**20:g} MiB"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a picture has from 1 byte to {most} here")
            return
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            self._refuse(HTTPStatus.BAD_REQUEST, "it ended before its length")
            return
        query = parse_qs(urlsplit(self.path).query)
        case = {name: query.get(name, [""])[0][:500] for name in TITLES}
        try:
            number = self.server.jobs.add(query.get("name", [""])[0], data, case)
        except Full as error:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, str(error))
            return
        self._json({"job": number}, HTTPStatus.ACCEPTED)

    def do_DELETE(self) -> None:  # noqa: N802
        """Forgets a job."""
        path = self._path()
        if path is None:
            return
        match = _JOB.fullmatch(path)
        if match and not match[2] and self.server.jobs.forget(match[1]):
            self._json({"forgotten": match[1]})
        else:
            self._refuse(HTTPStatus.CONFLICT, "it is worked on, or is not there")

    def _path(self) -> str | None:
        """What is asked for below the token; None, and a refusal sent, for a request that is not for this page."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        if self.server.is_local and host not in LOCAL:  # a name that somebody else gave this machine
            self._refuse(HTTPStatus.FORBIDDEN, "not by this name")
            return None
        token, _, path = urlsplit(self.path).path.lstrip("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return None
        return unquote(path)

    def _job(self, number: str, rest: str) -> None:
        job = self.server.jobs.get(number)
        if job is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such picture, or it was forgotten")
        elif not rest:
            self._json(_said(job))
        elif rest == "report.zip" and job.state == DONE:
            name = f"{job.name}.report.zip"
            self._send(_zipped(self.server.jobs, number, job), "application/zip", download=name)
        elif path := self.server.jobs.file(number, rest):
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self._send(path.read_bytes(), kind, policy=_POLICIES.get(path.suffix, _POLICY))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such file")

    def _json(self, content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(content).encode(), "application/json", status=status)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self.close_connection = True  # of a body that was not read nothing may be taken for the next request
        self._json({"error": words}, status)

    def _send(
        self,
        data: bytes,
        kind: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        policy: str = _POLICY,
        download: str = "",
    ) -> None:
        self.send_response(status)
        headers = _HEADERS | {"Content-Security-Policy": policy, "Content-Type": kind, "Content-Length": str(len(data))}
        if download:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(download)}"
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses hold the token."""


def _said(job: Job) -> dict[str, Any]:
    return {"state": job.state, "words": job.words, "name": job.name, "files": list(job.files), "result": job.about}


def _zipped(jobs: Jobs, number: str, job: Job) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in job.files:
            if path := jobs.file(number, name):
                archive.write(path, name)
    return out.getvalue()
