"""Downloads from a server on 127.0.0.1 that truncates, redirects, corrupts, stalls, refuses and ignores ranges."""

import hashlib
import os
import threading
import time

import pytest

from dfrec_jax.weights.download import Patience, download
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError
from tests.weights.server import (
    BODY,
    HALF,
    Server,
    chunked,
    corrupt,
    page,
    ranged,
    redirect,
    stalled,
    status,
    truncated,
    whole,
)

PATIENCE = Patience(stall_seconds=0.3, attempts=3, pause_seconds=0.01)


def release(url, **fields):
    known = {"sha256": hashlib.sha256(BODY).hexdigest(), "num_bytes": len(BODY), **fields}
    return Release(
        "some-net", "weights.pth", "a test", "MIT", "PyTorch", url=url, page="https://authors.example", **known
    )


def fetch(url, target, **fields):
    return download(release(url, **fields), target, patience=PATIENCE)


def test_fetches_a_whole_file_and_reports_progress(serve, tmp_path):
    server, calls, target = serve(whole), [], tmp_path / "folder" / "weights.pth"
    digest = download(release(server.url), target, progress=lambda *call: calls.append(call), patience=PATIENCE)
    assert target.read_bytes() == BODY and digest == hashlib.sha256(BODY).hexdigest()
    assert calls[-1] == (len(BODY), len(BODY)) and calls == sorted(calls)
    assert {path.name for path in target.parent.iterdir()} == {"weights.pth", "weights.pth.part.lock"}


def test_resumes_where_a_truncated_answer_ended(serve, tmp_path):
    server = serve(truncated, ranged)
    fetch(server.url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert server.requests[1][1]["Range"] == f"bytes={HALF}-"
    assert server.requests[1][1]["If-Range"] == '"1"'


def test_resumes_in_a_later_call(serve, tmp_path):
    with pytest.raises(WeightsError, match=rf"3 times in a row.*closed early. {HALF} bytes are kept in .*part"):
        fetch(serve(truncated).url, tmp_path / "weights.pth")
    assert not (tmp_path / "weights.pth").exists()
    server = serve(ranged)
    fetch(server.url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert [headers.get("Range") for _, headers in server.requests] == [f"bytes={HALF}-"]


def test_where_nothing_arrived_nothing_is_said_to_be_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("DFREC_OFFLINE", raising=False)
    with pytest.raises(
        WeightsError, match=r"3 times in a row, last: .*refused.*\. Run `dfrec weights fetch"
    ) as refused:
        fetch("http://127.0.0.1:9/weights.pth", tmp_path / "weights.pth")  # port 9 is nobody's
    assert "kept" not in str(refused.value)


def test_a_torn_note_of_the_version_does_not_stop_a_fetch(serve, tmp_path):
    with pytest.raises(WeightsError, match="bytes are kept"):
        fetch(serve(truncated).url, tmp_path / "weights.pth")
    (note,) = tmp_path.glob("*.etag")
    note.write_text('"\\"1')  # as a kill left it
    fetch(serve(ranged).url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_starts_again_where_the_server_ignores_ranges(serve, tmp_path):
    fetch(serve(truncated, whole).url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_notices_a_stall_and_goes_on(serve, tmp_path):
    server, start = serve(stalled, ranged), time.monotonic()
    fetch(server.url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert server.requests[1][1]["Range"] == f"bytes={HALF}-"
    assert time.monotonic() - start < 5


def test_a_line_that_only_stalls_is_given_up(serve, tmp_path):
    with pytest.raises(WeightsError, match=r"nothing came for 0.3 seconds.*import FILE --as some-net"):
        fetch(serve(stalled).url, tmp_path / "weights.pth")


def test_a_corrupt_file_is_refused_and_removed(serve, tmp_path):
    with pytest.raises(WeightsError, match=r"sent has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}; it was removed"):
        fetch(serve(corrupt).url, tmp_path / "weights.pth")
    assert not list(tmp_path.glob("weights.pth*[!k]"))  # the lock alone is left


def test_a_resumed_file_that_proves_wrong_is_fetched_from_its_start(serve, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"?" * HALF)  # of another version of the file
    server = serve(ranged)
    fetch(server.url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert [headers.get("Range") for _, headers in server.requests] == [f"bytes={HALF}-", None]


def test_a_part_that_is_whole_already_is_taken(serve, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(BODY)
    fetch(serve(status(416, Content_Range=f"bytes */{len(BODY)}")).url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_a_part_longer_than_the_file_is_thrown_away(serve, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(BODY + b"more")
    fetch(serve(status(416, Content_Range=f"bytes */{len(BODY)}"), whole).url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_follows_redirects(serve, tmp_path):
    server = serve(redirect, whole)
    fetch(server.url, tmp_path / "weights.pth")
    assert [path for path, _ in server.requests] == ["/weights.pth", "/elsewhere.pth"]
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_a_circle_of_redirects_ends(serve, tmp_path):
    with pytest.raises(WeightsError, match="HTTP status 302"):
        fetch(serve(redirect).url, tmp_path / "weights.pth")


def test_reads_an_answer_of_unknown_length(serve, tmp_path):
    fetch(serve(chunked).url, tmp_path / "weights.pth", num_bytes=0)
    assert (tmp_path / "weights.pth").read_bytes() == BODY


def test_waits_out_a_busy_server(serve, tmp_path):
    fetch(serve(status(503), status(429), whole).url, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == BODY


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(404), r"answers HTTP status 404 .*authors.example.*import FILE --as some-net"),
        (page, r"sent a web page, not the file; see https://authors.example"),
        (lambda handler: handler.start(200, Content_Length=7), r"offers 7 bytes, expected 300000"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(serve, tmp_path, answer, message):
    server = serve(answer)
    with pytest.raises(WeightsError, match=message):
        fetch(server.url, tmp_path / "weights.pth")
    assert len(server.requests) == 1


def test_goes_through_the_proxy_of_the_environment(serve, tmp_path, monkeypatch):
    proxy = serve(whole)
    monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/weights.pth"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch("http://weights.invalid/weights.pth", tmp_path / "weights.pth")
    assert proxy.requests[0][0] == "http://weights.invalid/weights.pth"


def test_four_at_once_fetch_once(serve, tmp_path, caplog):
    def whole_when_the_others_wait(handler):
        give_up = time.monotonic() + 20
        while caplog.text.count("waiting for another process") < 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        whole(handler)

    server, patience = serve(whole_when_the_others_wait), Patience(stall_seconds=30.0, attempts=1, pause_seconds=0.01)
    arguments = (release(server.url), tmp_path / "weights.pth")
    threads = [threading.Thread(target=download, args=arguments, kwargs={"patience": patience}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert len(server.requests) == 1


def test_nobody_at_the_address(tmp_path, monkeypatch):
    monkeypatch.delenv("DFREC_OFFLINE", raising=False)
    server = Server(whole)
    server.server_close()
    with pytest.raises(WeightsError, match="3 times in a row, last: .*refused"):
        fetch(server.url, tmp_path / "weights.pth")


def test_no_address_at_all(tmp_path):
    for url in ("", "ftp://authors.example/x", "file:///etc/passwd"):
        with pytest.raises(
            WeightsError, match="no address to download from; get it by hand from https://authors.example"
        ):
            fetch(url, tmp_path / "weights.pth")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(serve, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WeightsError, match="cannot write .*weights.pth: .*Permission"):
        fetch(serve(whole).url, tmp_path / "folder" / "weights.pth")


def test_a_target_that_cannot_be_a_file(serve, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot write"):
        fetch(serve(whole).url, tmp_path / "file" / "weights.pth")


def test_offline_the_network_is_left_alone(serve, tmp_path, monkeypatch):
    server = serve(whole)
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    with pytest.raises(WeightsError, match="some-net: DFREC_OFFLINE=1 forbids downloads: unset it, or fetch http"):
        fetch(server.url, tmp_path / "folder" / "weights.pth")
    assert not server.requests and not (tmp_path / "folder").exists()
