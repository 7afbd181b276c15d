"""Which examples are shown: chosen by the data alone, in the order of the split."""

import numpy as np
import pytest

from dfrec_jax.paper import shown_examples
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.shown_examples import PARTS
from tests import tiny


def batches(num=2, size=4):
    """Forgeries in the even places; people 0, 1, 2 by turns; the very last row only fills up."""
    for number in range(num):
        rows = number * size + np.arange(size)
        people = {"target_id": rows % 3, "is_forgery": rows % 2 == 0, "is_valid": rows < num * size - 1}
        yield {**tiny.batch(size, seed=number), **people, "number": rows}


def numbers(chosen):
    return [int(example["number"]) for example in chosen]


def test_the_first_forgeries_of_different_people_then_pristine_faces():
    assert numbers(shown_examples.first(batches(), 2)) == [0, 2]
    assert numbers(shown_examples.first(batches(), 2, 1)) == [0, 2, 1]
    assert numbers(shown_examples.first(batches(), 9, 9)) == [0, 2, 1], "there are three people"
    assert numbers(shown_examples.first(iter(()), 2)) == []
    (chosen,) = shown_examples.first(batches(), 1)
    assert (chosen.batch_number, chosen.row) == (0, 0) and chosen["image"].shape == (32, 32, 3)


def test_no_more_is_read_than_is_shown():
    read = []

    def counted():
        for batch in batches(4):
            read.append(batch)
            yield batch

    shown_examples.first(counted(), 2)
    assert len(read) == 1
    found = shown_examples.numbered(counted(), [6, 1])
    assert len(read) == 3 and {n: int(example["number"]) for n, example in found.items()} == {6: 6, 1: 1}


def test_worst_median_and_best():
    found = shown_examples.extremes(np.array([7, 3, 9, 4]), np.array([0.5, -0.1, 0.9, 0.6]))
    assert found == {"worst": 3, "median": 4, "best": 9}
    assert shown_examples.extremes(np.array([7]), np.array([0.5])) == {"worst": 7, "median": 7, "best": 7}


def test_similarity_is_of_the_recovered_and_the_true_target():
    (example,) = shown_examples.first(batches(), 1)
    assert shown_examples.similarity(tiny.network(), example["target"], example) == pytest.approx(1, abs=1e-6)
    assert shown_examples.similarity(tiny.network(), example["image"], example) < 0.999


def test_all_parts_of_an_example_and_gaps_for_what_a_method_lacks(tmp_path):
    (example,) = shown_examples.first(batches(), 1)
    target, source_map = example.batch["target"], np.full((4, 32, 32, 1), 128, np.uint8)
    line = shown_examples.intermediate_outputs("a", example, Kept(target, source_map=source_map), 0.25, tmp_path)
    places = dict(zip(PARTS, line.places, strict=True))
    assert [name for name, place in places.items() if not place.picture] == ["masked image", "recovered source"]
    assert places["recovered target"].picture == places["true target"].picture
    assert [place.number for place in line.places if place.number is not None] == [0.25]
    assert places["recovered target"].number == 0.25
    region = shown_examples.place(np.rint(example["image"] * (128 / 255)).astype(np.uint8), tmp_path)
    assert places["source region"] == region, "the map times the input"
