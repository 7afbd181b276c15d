"""What courts and standards ask of a report stands in both of its pages, whatever was found."""

import html as html_lib
import re
import shutil

import pypdfium2
import pytest

from dfrec_jax.forensics.report import (
    build,
    candidates,
    closing,
    contents,
    document,
    measuring,
    opening,
    statements,
    write,
)
from dfrec_jax.forensics.report.demands import DEMANDS
from tests.forensics.report import made_up

STATUSES = ("recovered", "undetected", "not_applicable")
KINDS = (*STATUSES, "searched", "video", "video without")


def _of_html(folder):
    text = re.sub(r"<style>.*?</style>", "", (folder / "report.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html_lib.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def _of_pdf(folder):
    pdf = pypdfium2.PdfDocument(folder / "report.pdf")
    text = " ".join(page.get_textpage().get_text_bounded() for page in pdf)
    pdf.close()
    return " ".join(text.replace("\ufffe", "").replace("\xad", "").split())


def _letters(text):
    """Without spaces, which lines of a PDF put anywhere into a long word, and without the signs of code."""
    return re.sub(r"[\s`]", "", text)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The letters of both pages, by outcome; `searched` has a gallery and a calibration, `video` is of one."""
    folder = tmp_path_factory.mktemp("reports")
    made = {status: made_up.report(folder / status, status) for status in STATUSES}
    made["searched"] = made_up.report(folder / "searched", search=True)
    made["video"] = made_up.video(folder / "video")
    made["video without"] = made_up.video(folder / "without", "not_applicable")
    return {name: (_letters(_of_html(each)), _letters(_of_pdf(each))) for name, each in made.items()}


def _has(pages, name, words):
    return [_letters(words) in page for page in pages[name]]


ALWAYS = (
    statements.LEAD,
    statements.NO_IDENTIFICATION,
    statements.UNCALIBRATED,
    statements.SWAPPER_UNKNOWN,
    statements.CANDIDATES,
    statements.NO_CLAIM,
    *statements.LIMITS,
    *(words for pair in statements.PROPOSITIONS for words in pair),
    "took no part in training: the losses used embedded-a",
    *made_up.CASE.values(),
    *closing.FEATURES,
    "The program fills in nothing here, and draws no conclusion",
    "To be read by a second person",
    made_up.NETWORK,
    "dfrec recover swap.png --report",
    "2026-11-29T08:00:00+00:00",
    "Signature none: whoever has this folder could have changed it",
)


@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("words", ALWAYS)
def test_every_report_says(pages, status, words):
    assert _has(pages, status, words) == [True, True]


@pytest.mark.parametrize("status", KINDS)
def test_no_report_claims_more(pages, status):
    for page in pages[status]:
        for words in ("conforms to", "conformant", "complies", "certified", "identified as", "matches the person"):
            assert _letters(words) not in page.lower()


def test_plain_words_come_first(pages):
    for page in pages["recovered"]:
        assert page.index(_letters(statements.NO_IDENTIFICATION)) < page.index(_letters("2. The case"))


def test_which_pixels_were_generated_is_said(pages):
    assert _has(pages, "recovered", "8 of 16 patches (50%) were generated") == [True, True]
    assert _has(pages, "recovered", "Generated patches, row by row from 0: 0-2, 5, 8-10, 15.") == [True, True]
    assert _has(pages, "undetected", "8 of them (50%) were generated") == [True, True]
    assert _has(pages, "not_applicable", "Nothing was generated.") == [True, True]


def test_none_stands_beside_each_number(tmp_path):
    for search in (False, True):
        read = contents.read(made_up.report(tmp_path / str(search), search=search))
        (table,) = (block for block in measuring.measured(read).blocks if isinstance(block, document.Table))
        column = table.headings.index("None")
        assert len(table.rows) == 5 and all(row[column] for row in table.rows)
        recovery, detection = (
            block for block in measuring.reliability(read).blocks if isinstance(block, document.Table)
        )
        assert recovery.rows[0][recovery.headings.index("None")].startswith("0.348 [0.318, 0.378]")
        assert recovery.rows[0][recovery.headings.index("this network")] == "0.415 [0.385, 0.445]"
        assert "of None, and of a guess: 0.5" in detection.caption
        if search:
            rows = next(block for block in candidates.candidates(read).blocks if isinstance(block, document.Table)).rows
            assert {row[1] for row in rows} == {"raw", "recovered"}, "the exhibit as it is stands beside the routes"


def test_without_a_calibration_no_ratio_is_given_and_with_one_it_is_bounded(pages):
    assert _has(pages, "recovered", statements.NO_RATIO) == [True, True]
    assert _has(pages, "recovered", "No background population was named.") == [True, True]
    for words in (
        statements.BOUNDED,
        "Background population forty people of LFW",
        "Background population: forty people of LFW.",
        "≥ 54 [0.15, 54]",
        "2.0 [0.15, 54]",
        "≤ 0.15 [0.15, 54]",
    ):
        assert _has(pages, "searched", words) == [True, True], words
    assert _has(pages, "searched", statements.NO_RATIO) == [False, False]
    for words in (
        "target, raw 29 0.71 [0.40, 1.05] - 0.623 6.9% 12.3% 0.276",
        "target, recovered 29 0.71 [0.40, 1.05] -0.044 [-0.130, 0.032] 0.623 6.9% 12.3% 0.276",
        "route LR at least FPIR, 10 people FPIR, 100 people FNIR",
        "target, raw 10 0.0570 0.442 0.552",
    ):
        assert _has(pages, "searched", words) == [True, True], words
    assert _has(pages, "searched", "Route “recovered” the recovered face, which is generated") == [True, True]
    assert _has(pages, "searched", "target, head") == [False, False], "a route that was not searched"


def test_a_gallery_of_which_nothing_was_said_says_so(tmp_path):
    search = made_up.SEARCH | {"gallery": made_up.SEARCH["gallery"] | {"origin": None}}
    text = _letters(_of_html(made_up.report(tmp_path / "r", search=search)))
    assert _letters("Origin, as its maker says not given") in text


def test_the_first_page_says_what_a_hurried_reader_must_know(tmp_path, pages):
    """That candidates are none that were identified, and that nobody knows how often this network errs."""
    assert _has(pages, "searched", statements.LISTED) == [True, True]
    assert _has(pages, "recovered", statements.LISTED) == [False, False]
    reliability = {"reason": "this network was not measured", "recovery": [], "detection": []}
    network = made_up.said(b"")["network"] | {"reliability": reliability}
    text = _letters(_of_html(made_up.report(tmp_path / "r", said_fields={"network": network})))
    assert _letters(statements.NOT_MEASURED) in text.partition(_letters("2. The case"))[0]
    assert _has(pages, "recovered", statements.NOT_MEASURED) == [False, False]


def test_the_first_page_says_what_the_network_gains_and_what_was_assumed(tmp_path, pages):
    """A report that shows one test set and keeps silent of those where the network does harm misleads."""
    gain = {"on": "LFW", "n": 651, "none": 0.42, "recovered": 0.4351, "gain": 0.0151, "low": 0.009, "high": 0.0224}
    worse = gain | {"on": "dfdc_given", "n": 179, "gain": -0.06, "low": -0.077, "high": -0.045}
    network = made_up.said(b"")["network"] | {"gains": [each | {"by": "b"} for each in (gain, worse)]}
    fields = {"said_fields": {"network": network}, "assume": "swap"}
    for text in map(_letters, (_of_html(folder := made_up.report(tmp_path / "r", **fields)), _of_pdf(folder))):
        first = text.partition(_letters("2. The case"))[0]
        assert _letters("with that person is from -0.060 to +0.015, by test set, above that of the exhibit") in first
        assert _letters(opening.ASSUMED) in first
        for words in ("LFW 0.420 0.435 +0.015 [0.009, 0.022] 651 b", "-0.060 [-0.077, -0.045] 179 b"):
            assert _letters(words) in text, words
    assert _has(pages, "recovered", opening.ASSUMED) == [False, False]


def test_the_report_of_a_video_names_its_frames_and_how_far_they_agree(pages):
    for words in (
        "From 2 of the 40 frames of the video clip.mp4 the network drew both faces",
        "a face seen in 3 of the 3 frames that were looked at, recovered from 2. Of these the one of the highest "
        "quality, number 30 (1.20 s from the start)",
        "40 frames, 25 frames a second, codec avc1",
        f"30 1.20 s 64 x 48 {30:064x}",
        "3 of 40 frames, evenly spaced, were looked at: 0, 12, 30.",
        "seen in frames 0, 12, 30; stopped by a limit: 1 (sharpness, from 0 to 1)",
        "1 12 0.48 s recovered 0.500 two faces <i>",
        "turned aside, degrees passes 9.00 at most 48.0",
        "1 30 1.20 s 8 of 16 39.0% 60.0% 1.0%",
        "None 0 0 does not apply 1 1",
        "1 12 0.48 s 0.500 0.210 0.930 0.710 0.810",
        "12 0.48 s 0.956 0.912",
        "The two means have the cosine 0.612",
        "that they agree says that the result is steady, not that it is true",
        "--checkpoint 450 --frames 3 --best 2 --seeds 16",
        "`dfrec trace search FRAME --gallery GALLERY --out FOUND` searches one",
    ):
        assert _has(pages, "video", words) == [True, True], words
    assert (
        _has(pages, "video without", "Nothing was recovered. The outcome is `not_applicable`: no frame") == [True] * 2
    )


def test_the_origin_that_the_gallery_names_stands_in_the_case(tmp_path):
    folder = made_up.report(tmp_path / "r", search=True, said_fields={"case": dict.fromkeys(made_up.CASE, "")})
    assert _letters("Origin of the gallery LFW (as its maker says)") in _letters(_of_html(folder))


def test_a_recogniser_of_the_losses_gives_no_figure(tmp_path):
    network = made_up.said(b"")["network"] | {"networks_of_losses": ["embedded-b"]}
    similarity = {"reason": "the recogniser of this run's metric, embedded-b, is one of its losses"}
    fields = {"network": network, "similarity": similarity}
    text = _letters(_of_html(made_up.report(tmp_path / "r", said_fields=fields)))
    assert _letters("No figure of identity is given: the recogniser of this run's metric, embedded-b") in text
    assert _letters("Cosine of identity, recovered") not in text


def test_what_the_gate_measured_stands_beside_its_limits(tmp_path):
    checks = [
        {"name": "face_side", "value": 20.123, "least": 32.0, "passed": False, "words": "the face is 20 pixels wide"},
        {"name": "yaw", "value": None, "most": 48.0, "passed": True, "words": "not told: no landmarks"},
        {"name": "contrast", "value": 51.0, "least": 2.0, "passed": True, "words": ""},
    ]
    folder = made_up.report(tmp_path / "r", checks=checks, force=True)
    text = _letters(_of_html(folder))
    for words in (
        "longer side of the face, pixels does not pass: the face is 20 pixels wide 20.1 at least 32.0",
        "turned aside, degrees not told: no landmarks - at most 48.0",
        "contrast, levels of 255 passes 51.0 at least 2.00",
        "The operator forced the recovery",
    ):
        assert _letters(words) in text, words


def test_what_was_not_computed_is_said_with_the_command_that_computes_it(pages):
    begin = "not computed. `dfrec recover swap.png --workdir runs/mine --out OTHER --report --checkpoint 450 "
    for option in ("--seeds 16", "--checks", "--gallery GALLERY [--calibration CALIBRATION]"):
        assert _has(pages, "recovered", f"{begin}{option}` computes it.") == [True, True]
    assert _has(pages, "not_applicable", "Nothing was recovered that could move.") == [True, True]


def test_a_network_of_drawn_faces_says_so_first(tmp_path, pages):
    drawn = made_up.said(made_up.exhibit())["network"] | {"is_of_drawn_faces": True}
    folder = made_up.report(tmp_path / "r", said_fields={"network": drawn})
    words = _letters(statements.DRAWN_FACES)
    assert words in _letters(_of_html(folder)) and words in _letters(_of_pdf(folder))
    assert words not in pages["recovered"][0]


def test_what_lies_beyond_the_border_is_not_called_the_exhibits_own(tmp_path, pages):
    shares = {"share_own": 0.39, "share_generated": 0.6, "share_forged_seen": 0.01, "share_beyond": 0.2571}
    folder = made_up.report(tmp_path / "r", **shares)
    for words in (
        "were generated, 60% of what the exhibit itself has of it; the others are copied from the exhibit or lie",
        "the exhibit's own, but for the 25.7% of it that lie beyond the exhibit's border: its last pixels go on there",
        "Of the pixels of the face's crop that the exhibit has",
    ):
        assert _letters(words) in _letters(_of_html(folder)), words
    assert _has(pages, "recovered", "lie beyond") == [False, False]


def test_a_small_picture_is_not_blown_up(tmp_path):
    made_up.report(tmp_path / "r", share_own=1.0, share_generated=0.0, share_forged_seen=0.0)
    folder = tmp_path / "r"
    shutil.copyfile(folder / "input.png", folder / "target_in_picture.png")
    write.draw(folder)
    assert 'style="max-width: min(46rem, 67px)"' in (folder / "report.html").read_text()  # of 32


def test_that_command_makes_the_same_result(tmp_path):
    options = {"seed": 3, "crop": "none", "assume": "swap", "force": True}
    folder = made_up.report(tmp_path / "r", said_fields={"options": options}, visible_sha256=["ab" * 32])
    words = "--checkpoint 450 --seed 3 --crop none --assume swap --force --visible REF... --checks` computes it."
    assert _letters(words) in _letters(_of_html(folder))


def test_that_who_is_seen_was_estimated_is_said(tmp_path):
    options = {"seed": 0, "estimate_visible": True}
    folder = made_up.report(tmp_path / "r", said_fields={"options": options}, visible_estimated=True)
    page = _letters(_of_html(folder))
    assert _letters("--checkpoint 450 --estimate-visible --checks` computes it.") in page
    assert _letters("taken from the network's own recovered source") in page


def test_how_the_result_moves_stands_beside_none_and_the_test_set(tmp_path):
    cosines = {"target_cosine": 0.8123, "source_cosine": None, "map_overlap": 0.91, "target_cosine_rank": 0.25}
    folder = made_up.report(
        tmp_path / "r",
        seeds=[7, 8, 9], seeds_spread=0.0312, seeds_cosine_least=0.712, seeds_cosine_mean=0.81,
        seeds_recogniser="embedded-b", stability="fair", stability_words="fair: the least cosine is 0.7 to 0.9",
        degradation=[{"kind": "noise", "strength": 2, **cosines}],
        consistency_identity=0.7, consistency_ssim=0.65, consistency_words="", consistency_identity_rank=0.4,
        consistency_ssim_rank=None, reference="200 swaps of LFW", share_own=0.4, share_generated=0.5,
        share_forged_seen=0.1,
    )  # fmt: skip
    for text in map(_letters, (_of_html(folder), _of_pdf(folder))):
        for words in (
            "Draws 3 1 seeds 7 to 9",
            "Seed 7 to 9; the result is that of the first",
            "Least cosine of two draws' targets 0.712 1 by embedded-b",
            "Stability: fair: the least cosine is 0.7 to 0.9. A stable target is not a true one.",
            "noise, standard deviation 2 of 255 0.812 - 1 0.910 25%",
            "cosine of identity 0.700 1 40%",
            "SSIM of the region 0.650 1 -",
            "Test set: 200 swaps of LFW.",
            "generated by the network 50.0%",
        ):
            assert _letters(words) in text, words
        assert _letters("Other draws of the masking noise: not") not in text


def test_every_demand_is_answered_by_a_section(pages, tmp_path):
    anchors = {section.anchor for section in build.document(contents.read(made_up.report(tmp_path / "r"))).sections}
    assert anchors == closing.TITLES.keys()
    for demand in DEMANDS:
        assert set(demand.sections) <= anchors and demand.sections
        assert _has(pages, "recovered", demand.source) == [True, True]
        assert _has(pages, "recovered", demand.asked) == [True, True]


def test_no_clause_is_named():
    for demand in DEMANDS:
        assert not re.search(r"clause|§|\d+\.\d+", f"{demand.source} {demand.asked}"), demand


def test_what_was_not_given_is_left_to_be_written_in(tmp_path):
    case = dict.fromkeys(made_up.CASE, "")
    folder = made_up.report(tmp_path / "r", said_fields={"case": case})
    assert (folder / "report.html").read_text().count('<dd class="blank">') == len(case)


def test_the_page_asks_nothing_of_anywhere_and_escapes_what_it_is_told(tmp_path):
    page = (made_up.report(tmp_path / "r") / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page) and "@import" not in page and "url(" not in page
    assert "Maker &lt;b&gt;" in page and "two faces &lt;i&gt;" in page


def test_what_is_not_detected_is_not_shown(pages, tmp_path):
    page = (made_up.report(tmp_path / "r", "undetected") / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page and "drawn at random" in page


def test_every_picture_on_the_page_has_words_for_whoever_does_not_see_it(tmp_path):
    page = (made_up.report(tmp_path / "r") / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == len(re.findall(r'<img alt="[^"]{10,}"', page)) == 4


def test_the_same_records_make_the_same_pages(tmp_path):
    one, two = (made_up.report(tmp_path / name) for name in "ab")
    for page in ("report.html", "report.pdf"):
        assert (one / page).read_bytes() == (two / page).read_bytes()


def test_a_name_that_would_turn_the_page_around_is_written_as_numbers(tmp_path):
    folder = made_up.report(tmp_path / "r", input="a\u202egnp.exe\n日本")
    assert "a\\u202egnp.exe\\u000a日本" in (folder / "report.html").read_text(encoding="utf-8")
    assert _letters("a\\u202egnp.exe\\u000a\\u65e5\\u672c") in _letters(_of_pdf(folder))
