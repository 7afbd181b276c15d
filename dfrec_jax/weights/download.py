"""Downloads that survive bad lines: they resume, notice a stall, check the SHA-256, and appear whole or not at all.

Proxies are those of the environment (`http_proxy`, `https_proxy`, `no_proxy`); redirects are followed.
"""

import http.client
import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.files import cache, json_text, one_process, whole
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError

Progress = Callable[[int, int], None]
_CHUNK_BYTES = 1 << 20
_LOST = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)
_TRY_LATER = (408, 425, 429, 500, 502, 503, 504)  # HTTP statuses that pass


class Patience(NamedTuple):
    """How much of a bad line is borne.

    Attributes:
      stall_seconds: silence after which a connection counts as lost.
      attempts: tries in a row that bring nothing new before giving up.
      pause_seconds: wait before the second try; doubles with each further one.
    """

    stall_seconds: float = 30.0
    attempts: int = 5
    pause_seconds: float = 1.0


PATIENCE = Patience()


class _Refused(WeightsError):
    """An answer that no further try will change."""


def download(release: Release, target: Path, *, progress: Progress | None = None, patience: Patience = PATIENCE) -> str:
    """Fetches `release.url` to `target`.

    What has arrived is kept in `<target>.part`, and a later call goes on from there where the server allows it.

    Args:
      release: what to fetch; its size and SHA-256 are checked where it has them.
      target: the file to write; its folder is made.
      progress: called with the bytes that are there and the bytes in all (0: the server does not say).
      patience: when to give up.

    Returns:
      The SHA-256 of the file, in hex.

    Raises:
      WeightsError: where `$DFREC_OFFLINE` forbids it, the address refuses, the line stays bad, size or SHA-256 are
        wrong, or the disk is full. The message says which, and what was kept.
    """
    if not release.url.startswith(("https://", "http://")):
        raise WeightsError(f"{release.name}: no address to download from; get it by hand from {release.page}")
    if cache.is_offline():
        raise WeightsError(
            f"{release.name}: DFREC_OFFLINE={os.environ['DFREC_OFFLINE']} forbids downloads: unset it, or fetch "
            f"{release.url} elsewhere and run `dfrec weights import FILE --as {release.name}`"
        )
    part, was_there = target.with_name(f"{target.name}.part"), target.exists()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with one_process.at_a_time(part.with_name(f"{part.name}.lock"), lambda: _say_waiting(part)):
            if target.exists() and not was_there:  # another process fetched it while this one waited
                return sha256_of_file(target)
            digest = _fetch_whole(release, part, progress or (lambda done, total: None), patience)
            part.replace(target)
            _tag_file(part).unlink(missing_ok=True)
    except OSError as error:  # WeightsError is none
        raise WeightsError(f"{release.name}: cannot write {target}: {error}") from error
    return digest


def _say_waiting(part: Path) -> None:
    logging.warning("waiting for another process that fetches %s", part.with_suffix(""))


def _fetch_whole(release: Release, part: Path, progress: Progress, patience: Patience) -> str:
    """Fills `part` and returns its SHA-256; a resumed file that proves wrong is fetched once more from its start."""
    is_resumed = part.exists()
    _fetch(release, part, progress, patience)
    digest = sha256_of_file(part)
    if release.sha256 and digest != release.sha256:
        _discard(part)
        if is_resumed:
            logging.warning("%s: the resumed download has a wrong SHA-256; fetching it from the start", release.name)
            return _fetch_whole(release, part, progress, patience)
        raise WeightsError(
            f"{release.name}: what {release.url} sent has SHA-256 {digest}, expected {release.sha256}; it was removed. "
            f"The line or the server damaged it, or the file changed: see {release.page}"
        )
    return digest


def _fetch(release: Release, part: Path, progress: Progress, patience: Patience) -> None:
    most, failures, reason = 0, 0, ""
    while failures < patience.attempts:
        if failures:
            time.sleep(patience.pause_seconds * 2 ** (failures - 1))
        try:
            if _fetch_once(release, part, progress, patience.stall_seconds):
                return
            reason = "the connection was closed early"
        except _LOST as error:
            reason = _describe(error, patience.stall_seconds)
        arrived = part.stat().st_size if part.exists() else 0
        failures = 1 if arrived > most else failures + 1
        most = max(most, arrived)
        logging.warning("%s: %s after %d bytes", release.name, reason, arrived)
    kept = f"{most} bytes are kept in {part}; run" if most else "Run"
    raise WeightsError(
        f"{release.name}: {release.url} failed {patience.attempts} times in a row, last: {reason}. {kept} "
        f"`dfrec weights fetch {release.name}` again{' to go on' if most else ''}, or fetch it elsewhere and run "
        f"`dfrec weights import FILE --as {release.name}`"
    )


def _fetch_once(release: Release, part: Path, progress: Progress, stall_seconds: float) -> bool:
    """One connection; returns whether the file is whole now."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(release.url, headers={"User-Agent": "dfrec-jax", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        tag = _tag_of(part)
        if tag:
            request.add_header("If-Range", tag)
    try:
        response = urllib.request.build_opener().open(request, timeout=stall_seconds)  # urlopen keeps its first proxies
    except urllib.error.HTTPError as error:
        with error:
            return _is_complete(release, part, have, error)
    with response:
        if have and not _continues(response, have):
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        _refuse_wrong_answers(release, response, total)
        tag = response.headers.get("ETag", "")
        whole.write_text(_tag_file(part), json.dumps(tag) if tag.startswith('"') else "")
        with part.open("ab" if have else "wb") as file:
            while chunk := response.read1(_CHUNK_BYTES):
                file.write(chunk)
                have += len(chunk)
                progress(have, total or release.num_bytes)
            file.flush()
            os.fsync(file.fileno())
    return have == (total or release.num_bytes or have)


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether the server goes on at byte `have`; one that ignores the range sends the file from its start."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _is_complete(release: Release, part: Path, have: int, error: urllib.error.HTTPError) -> bool:
    if error.code == 416:  # nothing lies behind byte `have`: the file is whole, or not the one that was begun
        if error.headers.get("Content-Range", "") == f"bytes */{have}":
            return True
        _discard(part)
        return False
    if error.code in _TRY_LATER:
        raise urllib.error.URLError(f"HTTP status {error.code} {error.reason}")
    raise _Refused(
        f"{release.name}: {release.url} answers HTTP status {error.code} {error.reason}; see {release.page}, and run "
        f"`dfrec weights import FILE --as {release.name}` with a file from there"
    )


def _refuse_wrong_answers(release: Release, response: http.client.HTTPResponse, total: int) -> None:
    kind = response.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _Refused(
            f"{release.name}: {response.url} sent a web page, not the file; see {release.page}, and run "
            f"`dfrec weights import FILE --as {release.name}` with a file from there"
        )
    if release.num_bytes and total and total != release.num_bytes:
        raise _Refused(
            f"{release.name}: {response.url} offers {total} bytes, expected {release.num_bytes}: the file was "
            f"replaced; see {release.page}"
        )


def _describe(error: Exception, stall_seconds: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"nothing came for {stall_seconds:g} seconds"
    return str(cause) or type(cause).__name__


def _tag_of(part: Path) -> str:
    """The version of the file that was begun, as its server named it; empty where that is not known, or is torn."""
    try:
        return json_text.parsed(_tag_file(part).read_text() or '""')
    except (FileNotFoundError, ValueError):
        return ""


def _tag_file(part: Path) -> Path:
    """Where the server's mark of the file's version is kept, so that two versions are never joined."""
    return part.with_name(f"{part.name}.etag")


def _discard(part: Path) -> None:
    part.unlink()
    _tag_file(part).unlink(missing_ok=True)
