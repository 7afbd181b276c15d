"""The page of `dfrec serve` in a browser: by the keyboard alone, with words for who does not see it."""

import shutil
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests import chromium
from tests.forensics.report import made_up
from tests.forensics.serve.serving import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium is installed"),
]
ENTER, TAB, RIGHT = ("Enter", 13, "\r"), ("Tab", 9), ("ArrowRight", 39)
NAMED = ("button", "textbox", "slider", "radio", "link", "checkbox", "image", "canvas", "progressbar")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report that every picture gets, with a line-up."""
    folder = made_up.report(tmp_path_factory.mktemp("made") / "swap", search=True)
    (folder / "trace" / "lineups").mkdir()
    Image.new("RGB", (200, 100), "white").save(folder / "trace" / "lineups" / "target_visible_given.png")
    return folder


@pytest.fixture
def server(made):
    def recover(picture, out, case):
        if b"no picture" in picture.read_bytes():
            return None, "it is no picture"
        return shutil.copytree(made, out / picture.stem), ""

    with serving(recover, "tiny", 1 << 20) as server:
        yield server


def test_a_picture_is_recovered_by_keyboard_and_everything_has_a_name(server, made, tmp_path):
    with chromium.page(tmp_path / "profile") as page:
        page.ask("Page.navigate", url=server.address)
        page.wait_for("document.getElementById('readiness')?.textContent === 'The network is ready.'")
        (tmp_path / "bad.png").write_bytes(b"no picture")
        _send(page, tmp_path / "bad.png")
        assert page.value("document.getElementById('status').textContent") == "Refused: it is no picture"
        assert page.value("document.getElementById('recovered').hidden")
        assert page.value("document.getElementById('report-title').hidden"), "there is none"

        _send(page, made / "exhibit" / "swap.png")
        assert page.value("document.activeElement.id") == "outcome", "a screen reader goes on with the result"
        shown = "[...document.images].filter((each) => each.checkVisibility())"
        page.wait_for(f"{shown}.every((each) => each.complete)")
        assert page.value(f"{shown}.map((each) => each.naturalWidth > 0 && each.alt.length > 10)") == [True, True]
        assert page.value("document.querySelector('#sheets figcaption').textContent") == (
            "Sought: the target, by visible given"
        )
        assert not page.value("document.body.textContent.includes('anna')"), "the page names no candidate"

        seen = _tab_through(page)
        assert {"file", "strength", "zip", "html", "pdf", "forget", "generated"} <= set(seen), seen
        label = "document.getElementById('evidence').getAttribute('aria-label')"
        before = page.value(label)
        assert "at 50 percent, generated patches in red. 8 of 16 patches" in before
        page.value("document.getElementById('strength').focus()")
        page.press(*RIGHT)
        assert page.value(label) == before.replace("50 percent", "55 percent")
        pixel = "[...document.getElementById('evidence').getContext('2d').getImageData(48, 48, 1, 1).data]"
        marked = page.value(pixel)
        page.value("document.getElementById('strength').value = 0; draw()")
        assert page.value(pixel) != marked, "patch 0 was generated, and is tinted by how much the slider says"

        nameless = [
            node for node in page.ask("Accessibility.getFullAXTree")["nodes"]
            if not node.get("ignored") and node["role"]["value"] in NAMED and not node.get("name", {}).get("value")
        ]  # fmt: skip
        assert not nameless, nameless
        page.ask("Page.navigate", url=page.value("document.getElementById('html').href"))
        page.wait_for("document.readyState === 'complete' && document.images.length === 4")
        assert page.value("[...document.images].every((each) => each.naturalWidth > 0)"), "its policy lets them through"

        hosts = {
            urlsplit(event["params"]["request"]["url"]).hostname
            for event in page.events if event["method"] == "Network.requestWillBeSent"
        }  # fmt: skip
        assert hosts - {None} == {"127.0.0.1"}, hosts
        wrong = [
            event["params"] for event in page.events
            if event["method"] == "Runtime.exceptionThrown"
            or event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error"
        ]  # fmt: skip
        assert not wrong, wrong


def _send(page, file):
    page.choose("#file", file)
    page.value("document.querySelector('#form button').focus()")
    page.press(*ENTER)
    page.wait_for("!document.getElementById('outcome').hidden && document.getElementById('progress').hidden")


def _tab_through(page):
    """The ids, or values, of what Tab comes to, from the top of the page on."""
    page.value("document.activeElement.blur()")
    seen = []
    for _ in range(20):
        page.press(*TAB)
        seen.append(page.value("document.activeElement.id || document.activeElement.value || ''"))
    return seen
