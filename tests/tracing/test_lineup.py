"""A line-up tells nobody who is the candidate."""

import shutil

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.pictures import generated
from dfrec_jax.tracing import gallery, indexing, lineup
from dfrec_jax.tracing.lineup import Member
from tests.tracing import drawn


@pytest.fixture
def made(tmp_path, embedder):
    for _ in indexing.indexing(drawn.write_people(tmp_path / "people"), tmp_path / "gallery", embedder):
        pass
    return gallery.read(tmp_path / "gallery")


def test_half_are_foils_and_one_kind_fills_what_the_other_lacks():
    gallery = drawn.people_of_no_pictures(9)
    people, foils = ([Member(gallery, i, is_foil) for i in range(9)] for is_foil in (False, True))
    assert lineup.chosen(people, foils, 6) == [*people[:3], *foils[:3]]
    assert lineup.chosen(people, [], 6) == people[:6]
    assert lineup.chosen(people, foils[:1], 6) == [*people[:5], foils[0]]
    assert lineup.chosen(people[:1], foils, 6) == [people[0], *foils[:5]]
    assert lineup.chosen(people[:1], foils[:1], 6) == [people[0], foils[0]]


def test_the_order_is_drawn_from_seed_and_sheet():
    orders = [lineup.drawn_order(8, seed, sheet) for seed, sheet in ((1, "a"), (1, "a"), (1, "b"), (2, "a"))]
    assert orders[0] == orders[1] != orders[2] and orders[0] != orders[3]
    assert all(sorted(order) == list(range(8)) for order in orders)
    firsts = [lineup.drawn_order(8, seed, "a").index(0) for seed in range(400)]
    assert np.bincount(firsts, minlength=8).min() > 25  # each place is the candidate's as often, 50 times of 400


def test_a_sheet_shows_the_faces_in_their_order():
    query, faces = drawn.pattern(9), [drawn.pattern(i) for i in range(5)]
    drawn_sheet = np.asarray(lineup.sheet(query, "exhibit", faces, "a lead\nno identification"))
    where = [_place(drawn_sheet, face) for face in (query, *faces)]
    assert where[0][1] < where[1][1] < where[2][1] < where[4][1]  # the query at the left, then A to D in a row
    assert where[1][0] == where[4][0] < where[5][0]  # E below
    other = np.asarray(lineup.sheet(query, "exhibit", faces, "other words\nno identification"))
    assert (drawn_sheet[-36:] != other[-36:]).any() and (drawn_sheet[:-36] == other[:-36]).all()


def test_a_generated_query_is_labelled_and_nothing_else_is_moved():
    query, faces = drawn.pattern(9), [drawn.pattern(i) for i in range(2)]
    plain, labelled = (
        np.asarray(lineup.sheet(query, "a", faces, "a lead", is_generated=each)) for each in (False, True)
    )
    assert [_place(plain, face) for face in (query, *faces)] == [_place(labelled, face) for face in (query, *faces)]
    height = labelled.shape[0]
    row, column = _place(labelled, query)
    beneath = labelled[row + lineup.CELL : height, column : column + lineup.CELL]
    assert (beneath[0] == generated.PAPER).all() and (beneath[:12] != generated.PAPER).any(), "a strip with words"


def _place(sheet, face):
    """Row and column where the face, enlarged without smoothing, stands."""
    picture = np.asarray(lineup.grid._cell(face.astype(np.float32) / 255, lineup.CELL))
    size = lineup.CELL
    corners = np.argwhere((sheet == picture[0, 0]).all(axis=-1))
    matches = [(i, j) for i, j in corners if np.array_equal(sheet[i : i + size, j : j + size], picture)]
    assert len(matches) == 1
    return matches[0]


def test_the_face_of_a_member_is_the_picture_that_was_embedded(made, embedder):
    picture, said = lineup.face_of(Member(made, 2, True), embedder)
    number = int(said["picture"][-5])
    np.testing.assert_array_equal(picture, drawn.pattern(2, number))
    assert said == {
        "person": "cleo", "is_foil": True, "picture": f"cleo/{number}.png",
        "picture_sha256": made.people[2].shots[number].sha256,
    }  # fmt: skip


def test_a_picture_that_was_changed_is_refused(made, embedder):
    for number in range(2):
        shutil.copy(made.pictures_dir / "ben" / "0.png", made.pictures_dir / "ada" / f"{number}.png")
    with pytest.raises(ConfigError, match=r"ada/\d.png: is not the picture that the gallery was made of"):
        lineup.face_of(Member(made, 0, False), embedder)
