"""Where the pixels of a recovered target come from: by hand, and against the picture that it was put back into."""

import numpy as np

from dfrec_jax.forensics import evidence
from dfrec_jax.forensics.evidence import FORGED_SEEN, GENERATED, OWN, UNSEEN
from dfrec_jax.pictures import framing


def _crop():
    source_map, generated = np.zeros((8, 8, 1), np.float32), np.zeros((8, 8, 1), np.float32)
    source_map[:, 4:], generated[4:, :] = 0.5, 1.0
    return source_map, generated, np.full((8, 8, 1), 255, np.uint8)


def test_of_a_picture_that_was_taken_whole():
    found = evidence.of_result(*_crop(), None, 40, 40)
    wanted = np.block([[np.full((4, 4), OWN), np.full((4, 4), FORGED_SEEN)], [np.full((4, 8), GENERATED)]])
    np.testing.assert_array_equal(found.kinds, wanted)
    assert found.shares == {"own": 0.25, "generated": 0.5, "forged_seen": 0.25}


def test_what_is_called_the_exhibits_own_is_so_to_the_last_bit():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)
    target = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    matrix = np.array([[0.21, 0.03, -4.0], [-0.03, 0.21, -2.0]], np.float32)
    source_map, generated, _ = _crop()
    inside = framing.inside_mask(framing.place_in_picture(matrix, 60, 90, 8), 8)
    put = framing.put_back(picture, target, matrix, generated * (inside > 0))
    found = evidence.of_result(source_map, generated, inside, matrix, 60, 90)
    assert found.kinds.shape == (60, 90) and set(np.unique(found.kinds)) == {UNSEEN, OWN, GENERATED, FORGED_SEEN}
    changed = (put != picture).any(axis=-1)
    assert not changed[found.kinds != GENERATED].any()
    assert changed[found.kinds == GENERATED].mean() > 0.9
    assert abs(sum(found.shares.values()) - 1) < 1e-6


def test_the_mask_is_its_indices_and_the_drawing_shows_the_crop():
    source_map, generated, inside = _crop()
    picture = np.full((200, 300, 3), 90, np.uint8)
    matrix = np.array([[0.08, 0, -8.0], [0, 0.08, -4.0]], np.float32)
    found = evidence.of_result(source_map, generated, inside, matrix, 200, 300)
    drawn = evidence.mask(found)
    assert drawn.mode == "P" and drawn.size == (300, 200)
    np.testing.assert_array_equal(np.asarray(drawn), found.kinds)
    assert drawn.convert("RGB").getpixel((150, 140)) == evidence.COLOURS[GENERATED]
    colours = {colour for _, colour in evidence.drawing(picture, found).getcolors(10**6)}
    tinted = tuple(round(90 + evidence.TINT * (level - 90)) for level in evidence.COLOURS[GENERATED])
    assert tinted in colours and (90, 90, 90) in colours
