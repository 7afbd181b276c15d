"""From an exhibit to what is searched with."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.forensics.report import candidates
from dfrec_jax.pictures import framing, generated
from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.tracing import routes
from tests.tracing import drawn

BOX, LANDMARKS = [90.0, 40.0, 154.0, 104.0], [[110.0, 60.0], [134.0, 60.0], [122.0, 72.0], [112.0, 84.0], [132.0, 84.0]]


def result(folder: Path, *, status: str = "recovered", **fields) -> Path:
    """A folder as `dfrec recover` leaves it: the exhibit is half of person 0 and half of person 1."""
    mixed = (drawn.pattern(0).astype(int) + drawn.pattern(1)) // 2
    pictures = {"input": mixed.astype(np.uint8), "target": drawn.pattern(0, 5), "source": drawn.pattern(1, 5)}
    if status == "not_applicable":
        pictures = {}
    for name, pixels in pictures.items():
        drawn.save(pixels, folder / f"{name}.png")
    said = {
        "input": "swap.png", "input_sha256": "ab" * 32, "input_size": [64, 64], "status": status, "reason": "",
        "network_sha256": "cd" * 32, "seed": 0, "checkpoint_step": 7, "mode": "paper", "config": "tiny",
        "face_box": None, "face_landmarks": None, "crop_matrix": None,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text(json.dumps(said | fields))
    return folder


def _by_route(exhibit):
    return {(query.role, query.route): query.embedding for query in exhibit.queries}


def test_a_result_gives_every_route(tmp_path, embedder):
    reference = drawn.save(drawn.pattern(1, 2), tmp_path / "reference.png")
    visible = routes.visible_of([reference], embedder)
    exhibit = routes.read(result(tmp_path / "r"), embedder, visible)
    found = _by_route(exhibit)
    assert set(found) == {
        (role, route) for role in routes.ROLES for route in routes.ROUTES[role] if route not in routes.NEEDS_HEAD
    }
    assert [query.route for query in exhibit.queries if query.role == "target"][:2] == [routes.GIVEN, routes.RAW]
    assert (exhibit.name, exhibit.network_sha256, exhibit.left_out) == ("swap.png", "cd" * 32, {})
    raw, source, target = embedder.embeddings(
        [embedder.face(routes.decode_image((tmp_path / f"r/{name}.png").read_bytes(), name).pixels)
         for name in ("input", "source", "target")]
    )  # fmt: skip
    np.testing.assert_allclose(found["target", routes.RAW], raw, atol=1e-5)
    np.testing.assert_allclose(found["source", routes.RAW], raw, atol=1e-5)
    np.testing.assert_allclose(found["target", routes.RECOVERED], target, atol=1e-5)
    np.testing.assert_allclose(found["source", routes.RECOVERED], source, atol=1e-5)
    for route, direction in ((routes.GIVEN, visible.direction), (routes.ESTIMATED, source)):
        by_hand = raw - (raw @ direction) * direction
        np.testing.assert_allclose(found["target", route], by_hand / np.linalg.norm(by_hand), atol=1e-4)
        assert abs(found["target", route] @ direction) < 1e-4 < raw @ direction


def test_what_was_not_detected_is_not_searched_as_recovered(tmp_path, embedder):
    exhibit = routes.read(result(tmp_path / "r", status="undetected", reason="no map"), embedder, None)
    assert set(_by_route(exhibit)) == {("target", "raw"), ("source", "raw")}
    assert exhibit.left_out["target, recovered"] == "the result is `undetected`: no map"
    assert exhibit.left_out["target, visible given"] == "nobody was named by --visible"


def test_labels_beneath_generated_pictures_are_no_part_of_them(tmp_path, embedder):
    for name in ("plain", "labelled"):
        result(tmp_path / name)
    for name in ("source", "target"):
        with Image.open(tmp_path / "plain" / f"{name}.png") as picture:
            generated.save(picture.convert("RGB"), tmp_path / "labelled" / f"{name}.png", generated.GENERATED)
    plain, labelled = (_by_route(routes.read(tmp_path / name, embedder, None)) for name in ("plain", "labelled"))
    for route, embedding in plain.items():
        np.testing.assert_array_equal(labelled[route], embedding, err_msg=str(route))


def test_a_picture_gives_what_needs_no_network(tmp_path, embedder):
    path = drawn.save(drawn.pattern(0), tmp_path / "swap.png")
    exhibit = routes.read(path, embedder, routes.visible_of([path], embedder))
    assert [(query.role, query.route) for query in exhibit.queries] == [
        ("target", "visible given"), ("target", "raw"), ("source", "raw")
    ]  # fmt: skip
    assert set(exhibit.left_out) == {"target, visible estimated", "target, recovered", "source, recovered"}


def test_what_is_no_exhibit_is_refused(tmp_path, embedder, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="empty: is no result of `dfrec recover`"):
        routes.read(tmp_path / "empty", embedder, None)
    earlier = result(tmp_path / "earlier")
    said = json.loads((earlier / "result.json").read_text())
    (earlier / "result.json").write_text(json.dumps({key: said[key] for key in said if key != "status"}))
    with pytest.raises(ImageError, match="result.json has no status: an earlier version wrote it; recover the picture"):
        routes.read(earlier, embedder, None)
    folder = result(tmp_path / "none", status="not_applicable", reason="no face was found")
    with pytest.raises(ImageError, match="not_applicable, no face was found: there is nothing to search with"):
        routes.read(folder, embedder, None)
    monkeypatch.setattr(embedder, "face", lambda picture, faces=None: None)
    path = drawn.save(drawn.pattern(0), tmp_path / "x.png")
    with pytest.raises(ImageError, match="--visible .*x.png: no face was found in it; leave it out"):
        routes.visible_of([path], embedder)
    with pytest.raises(ImageError, match="^x.png: no face was found in it"):
        routes.read(path, embedder, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"input_sha256": "no hash"}, "input_sha256 'no hash'"),
        ({"input": 5}, "input 5"),
        ({"status": None}, "status None"),
        ({"face_box": "here"}, "face_box 'here'"),
        ({"face_box": BOX, "face_landmarks": [[1.0, 2.0]]}, "face_landmarks"),
        ({"face_box": BOX, "face_landmarks": LANDMARKS, "crop_matrix": [[1.0, 0.0]]}, "crop_matrix"),
        ({"face_box": BOX, "face_landmarks": LANDMARKS, "input_size": [0, 64]}, "input_size"),
        ({"face_box": [float("nan")] * 4, "face_landmarks": LANDMARKS}, "face_box"),
    ],
)
def test_a_record_that_says_something_else_is_refused(tmp_path, embedder, fields, words):
    with pytest.raises(ImageError, match=f"damaged: its result.json says {words}.*recover the picture again"):
        routes.read(result(tmp_path / "damaged", **fields), embedder, None)


def test_a_report_has_words_for_every_route():
    assert set(candidates.ROUTES) == {route for of in routes.ROUTES.values() for route in of}


def test_a_video_is_searched_by_its_frames(tmp_path, embedder):
    with pytest.raises(
        ImageError, match="clip: is the result of a video; name the folder of a frame, as track-1/frame-"
    ):
        routes.read(result(tmp_path / "clip", kind="video"), embedder, None)


@pytest.mark.parametrize("is_cut_out", [True, False])
def test_the_face_of_a_record_is_where_it_is_in_the_crop(is_cut_out):
    crop = np.zeros((32, 32, 3), np.uint8)
    said = {"face_box": BOX, "face_landmarks": LANDMARKS, "input_size": [240, 160], "crop_matrix": None}
    if is_cut_out:  # a square of 96 around the middle of the box, (121.5, 71.5)
        matrix = framing.crop_matrix(
            framing.Frame("box", 0.5), np.array(BOX, np.float32), np.array(LANDMARKS, np.float32), 160, 240, 32
        )
        said["crop_matrix"] = matrix.tolist()
    face = routes._face_in_crop(said, crop)
    middle = np.array(LANDMARKS[0]) + 0.5 - ([74, 24] if is_cut_out else [0, 0])
    scale = np.array([1 / 3, 1 / 3]) if is_cut_out else np.array([32 / 240, 32 / 160])
    np.testing.assert_allclose(face.landmarks[0], middle * scale - 0.5, atol=1e-4)
    wanted = np.array(BOX) - ([74, 24, 74, 24] if is_cut_out else [0, 0, 0, 0])
    np.testing.assert_allclose(face.box, wanted * np.tile(scale, 2), atol=1e-4)
    assert routes._face_in_crop(said | {"face_box": None}, crop) is None
