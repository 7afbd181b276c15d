"""The page over HTTP: who is answered, what is limited, and that nothing is asked of anywhere."""

import http.client
import io
import json
import re
import zipfile
from importlib import resources
from urllib.parse import urlsplit

import pytest

from tests.forensics.serve.serving import serving
from tests.forensics.serve.test_jobs import recovering, wait_for

MOST = 1000


@pytest.fixture(scope="module")
def server():
    with serving(recovering, "tiny <b>", MOST) as made:
        yield made


def _ask(server, method, path, body=None, headers=(), token=None):
    """Status, headers and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    prefix = f"/{server.token if token is None else token}/"
    connection.request(method, prefix + path, body, dict(headers))
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def _job(server, body=b"good", query="name=a.png&operator=me"):
    status, _, said = _ask(server, "POST", f"pictures?{query}", body)
    assert status == 202
    number = json.loads(said)["job"]
    wait_for(lambda: server.jobs.get(number).state in ("done", "refused"))
    return number


def test_the_address_is_of_this_machine_and_cannot_be_guessed(server):
    where = urlsplit(server.address)
    assert where.hostname == "127.0.0.1" and server.socket.getsockname()[0] == "127.0.0.1"
    assert len(server.token) >= 32 and where.path == f"/{server.token}/"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_without_the_token_nothing_is_answered(server, method, token):
    from urllib.parse import quote

    status, _, said = _ask(server, method, "", b"x", token=quote(token))
    assert status == 404 and json.loads(said) == {"error": "there is nothing here"}


def test_by_another_name_of_this_machine_nothing_is_answered(server):
    status, _, _ = _ask(server, "GET", "", headers={"Host": f"evil.example:{server.server_address[1]}"})
    assert status == 403
    assert _ask(server, "GET", "", headers={"Host": f"localhost:{server.server_address[1]}"})[0] == 200


def test_the_page_says_what_it_is_and_has_words_for_everything(server):
    status, headers, body = _ask(server, "GET", "")
    page = body.decode()
    assert status == 200 and "An investigative lead, not an identification." in page
    assert "tiny &lt;b&gt;" in page and "tiny <b>" not in page
    for control in re.findall(r"<input[^>]*>", page):
        name = re.search(r'id="([^"]+)"', control)
        assert 'type="radio"' in control or f'for="{name[1]}"' in page, control
    assert page.count("<img") == page.count("alt=") and 'lang="en"' in page
    assert page.count('aria-live="polite"') == 2 and "<fieldset>" in page and "<legend>" in page
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "connect-src 'self'" in policy and "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"


def test_no_part_of_the_page_names_another_place(server):
    parts = [_ask(server, "GET", name)[2].decode() for name in ("", "page.css", "page.js")]
    for part in parts:
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", part.replace("http-equiv", ""))
    assert parts[2] == (resources.files("dfrec_jax.forensics.serve") / "page.js").read_text(encoding="utf-8")


def test_a_picture_goes_in_and_its_report_comes_out(server):
    number = _job(server)
    status, _, said = _ask(server, "GET", f"jobs/{number}")
    said = json.loads(said)
    assert (status, said["state"], said["name"], said["files"]) == (200, "done", "a.png", ["copy.bin", "result.json"])
    assert said["result"]["case"]["operator"] == "me" and said["result"]["case"]["legal_basis"] == ""
    assert _ask(server, "GET", f"jobs/{number}/copy.bin")[2] == b"good"
    status, headers, data = _ask(server, "GET", f"jobs/{number}/report.zip")
    assert "attachment" in headers["Content-Disposition"]
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["copy.bin", "result.json"]
    assert _ask(server, "DELETE", f"jobs/{number}")[0] == 200
    assert _ask(server, "GET", f"jobs/{number}")[0] == 404 and _ask(server, "DELETE", f"jobs/{number}")[0] == 409


def test_a_picture_that_is_refused_says_why(server):
    said = json.loads(_ask(server, "GET", f"jobs/{_job(server, b'bad')}")[2])
    assert (said["state"], said["words"], said["files"]) == ("refused", "it is no picture", [])


@pytest.mark.parametrize(
    "path", ["../in/a.png", "%2e%2e/in/a.png", "..%2fin%2fa.png", "/etc/hostname", "nothing", "%00"]
)
def test_no_other_file_is_given_out(server, path):
    assert _ask(server, "GET", f"jobs/{_job(server)}/{path}")[0] == 404


def test_too_large_a_picture_is_refused_before_it_is_read(server):
    headers = {"Content-Length": str(MOST + 1)}
    status, headers, said = _ask(server, "POST", "pictures?name=a", b"", headers)
    assert status == 413 and "MiB" in json.loads(said)["error"] and headers["Connection"] == "close"
    assert _ask(server, "POST", "pictures?name=a", b"")[0] == 413


@pytest.mark.parametrize("length", ["", "-1", "many", "٣"])
def test_a_length_must_be_said(server, length):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.putrequest("POST", f"/{server.token}/pictures?name=a")
    if length:
        connection.putheader("Content-Length", length.encode())
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_nothing_is_printed_of_a_request(server, capfd):
    _ask(server, "GET", "")
    assert server.token not in "".join(capfd.readouterr())
