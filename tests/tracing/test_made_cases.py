"""Cases that are made of prepared data: who stands where, and of which frames."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.pictures.reading import decode_image
from dfrec_jax.records.prepared import PreparedSplit
from dfrec_jax.tracing import made_cases


@pytest.fixture(scope="module")
def faces(prepared):
    (data,) = made_cases.opened([f"{prepared}:all"])
    return made_cases.plan(data, 100, seed=0)


def _frames(plan):
    """The records of a plan that stand in the gallery, and those that are swapped, with the split of each."""
    shown = {(id(each.split), each.number) for each in plan.photographs}
    swapped = set()
    for swap in plan.swaps:
        partner = swap.split.index.partners[swap.place, swap.choice]
        swapped |= {(id(swap.split), int(swap.split.faces[each])) for each in (swap.place, partner)}
    return shown, swapped


def test_no_frame_stands_in_the_gallery_and_in_a_swap(faces):
    shown, swapped = _frames(faces)
    assert shown and swapped and not shown & swapped
    people = {Path(each.file).parent.name for each in faces.photographs}
    assert len(people) == 10 and {swap.target for swap in faces.swaps} == people
    assert all(swap.source in people and swap.source != swap.target for swap in faces.swaps)
    assert len({each.file for each in faces.photographs}) == len(faces.photographs) == 20


def test_the_first_swaps_are_of_as_many_people_as_there_are(prepared, faces):
    (data,) = made_cases.opened([f"{prepared}:all"])
    few = made_cases.plan(data, 10, seed=0)
    assert len({swap.target for swap in few.swaps}) == 10 and few.possible == faces.possible > 10
    assert few.swaps == tuple(made_cases.plan(data, 10, seed=0).swaps) != made_cases.plan(data, 10, seed=1).swaps


def test_the_test_split_alone_is_taken_unless_all_is_asked_for(prepared):
    (data,) = made_cases.opened([str(prepared)])
    assert list(data.splits) == ["test"] and not data.is_all
    one, two = made_cases.opened([f"{prepared}, triplets:{prepared}"])
    assert (one.name, one.kind, two.name, two.kind) == ("out", "faces", "out-2", "triplets")


def test_where_nobody_has_two_photographs_there_is_no_case(prepared):
    (data,) = made_cases.opened([f"triplets:{prepared}:all"])
    with pytest.raises(ConfigError, match="no swap can be had .*people with two photographs are needed"):
        made_cases.plan(data, 10, seed=0)


class Recorded(PreparedSplit):
    """A split of two people with two photographs each; three swaps of their pictures."""

    def __init__(self):
        """There are no files."""

    class index:
        source_id = np.array([0, 0, 1, 1, 1, 1, 0])
        target_id = np.array([0, 0, 1, 1, 0, 0, 1])
        has_source = np.array([True, True, True, True, True, True, False])

    class names:
        identities = ("ada", "sub/ben")

    pristine, forgeries = np.arange(4), np.array([4, 5, 6])
    stored = {
        (0, "image"): b"a0", (1, "image"): b"a1", (2, "image"): b"b0", (3, "image"): b"b1",
        (4, "target"): b"a1", (4, "source"): b"b1",  # both are of the other half
        (5, "target"): b"a1", (5, "source"): b"b0",  # the source's frame stands in the gallery
        (6, "target"): b"b0", (6, "source"): b"",  # and here the target's
    }  # fmt: skip

    def encoded(self, number, name):
        return self.stored[int(number), name]


def test_recorded_swaps_are_taken_where_the_gallery_has_neither_of_their_frames():
    split = Recorded()
    data = made_cases.DataSet("triplets:X", "X", "triplets", "X", False, {"test": split})
    plan = made_cases.plan(data, 10, seed=0)
    (swap,) = plan.swaps
    assert (swap.place, swap.choice, swap.target, swap.source) == (4, None, "X-ada", "X-sub_ben")
    assert [each.file for each in plan.photographs] == [
        "people/X-ada/test-000000.png", "people/X-sub_ben/test-000002.png"
    ]  # fmt: skip


def test_pictures_and_the_list_are_written(faces, tmp_path):
    plan = faces._replace(swaps=faces.swaps[:3])
    written = list(made_cases.writing(plan, tmp_path, 48, seed=0))
    assert len(written) == len(plan.photographs) + 3
    pixels = [decode_image((tmp_path / name).read_bytes(), name).pixels for name in plan.files()]
    assert all(each.shape == (48, 48, 3) for each in pixels)
    target = plan.swaps[0].split.example(int(plan.swaps[0].split.faces[plan.swaps[0].place]), 48)["image"]
    difference = np.abs(pixels[0].astype(int) - target)
    assert difference.max() > 20 and np.median(difference) < 8, "the face alone is another's"

    known = {swap.target for swap in faces.swaps} - {plan.swaps[0].target}
    assert made_cases.write_cases([plan], tmp_path, known) == 1
    rows = list(csv.DictReader((tmp_path / made_cases.CASES).read_text().splitlines()))
    assert [row["target"] for row in rows] == [swap.target for swap in plan.swaps[1:]]
    for row, swap in zip(rows, plan.swaps[1:], strict=True):
        assert row["source"] == (swap.source if swap.source in known else "")
        assert all((tmp_path / each).is_file() for each in row["visible"].split(";") if each)
        assert bool(row["visible"]) == bool(row["source"])
