"""Splits that share people or pictures, and splits that are empty: what is kept apart, and what is said."""

import csv

import numpy as np
import pytest

from dfrec_jax.preparation import shared_people
from dfrec_jax.preparation.inputs import source_files
from dfrec_jax.preparation.layouts import face_folders, paired_names, triplets
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.records.schema import SWAP
from tests.preparation import trees

SHARES = (1.0, 1.0, 1.0)


def items_of(plan):
    return [item for job in plan.jobs for item in job.work]


def splits_by(plan, key):
    found = {}
    for item in items_of(plan):
        for name in key(item):
            found.setdefault(name, set()).add(item.split)
    return found


@pytest.fixture
def ring(tmp_path):
    """Twelve triples without names of people; in groups of three one source picture serves all, under three names."""
    for number in range(12):
        trees.save(tmp_path / f"{number:02d}_swap.jpg", trees.picture(100 + number, 16))
        trees.save(tmp_path / f"{number:02d}_target.jpg", trees.picture(200 + number, 16))
        trees.save(tmp_path / f"{number:02d}_source.jpg", trees.picture(300 + number // 3, 16))
    return tmp_path


def by_bytes(item):
    return {source_files.read_bytes(picture) for picture in (item.image, item.source, item.target) if picture}


def test_triples_that_share_a_picture_go_together(ring):
    plan = triplets.plan(str(ring), shares=SHARES)
    assert all(len(found) == 1 for found in splits_by(plan, by_bytes).values())
    assert len({item.split for item in items_of(plan)}) > 1 and plan.notes == ()


def test_a_split_by_target_keeps_its_leak_and_says_it(ring):
    plan = triplets.plan(str(ring), shares=SHARES, split_by="target")
    leaking = sum(len(found) > 1 for found in splits_by(plan, by_bytes).values())
    assert leaking and plan.notes == (f"{leaking} of 28 pictures, equal to the byte, stand in several splits",)
    with pytest.raises(PreparationError, match="--split-by=image: must be one of people, target"):
        triplets.plan(str(ring), split_by="image")


def table(path, *rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_triples_of_named_people_share_nobody(ring):
    people = [(f"p{i}", f"p{i + 1}") for i in range(0, 12, 2)] + [("p0", "p3"), ("p6", "p9")]
    rows = [[f"{i:02d}_swap.jpg", *pair] for i, pair in enumerate(people)]
    listed = table(ring / "t.csv", ["swap", "source_identity", "target_identity"], *rows)
    plan = triplets.plan(str(ring), table=listed, shares=SHARES)
    found = splits_by(plan, lambda item: (item.source_identity, item.target_identity))
    assert len(found) == 12 and all(len(splits) == 1 for splits in found.values())
    assert shared_people.words_of(shared_people.shared_with_train(plan)) == []
    unused = [row for row in plan.rejected if row.reason == "is not in t.csv"]
    assert len(unused) == 36 - len(people), "pictures that no triple uses are said"


def test_a_given_split_that_shares_people_is_kept_and_said(ring):
    rows = [["00_swap.jpg", "a", "b", "train"], ["01_swap.jpg", "b", "c", "test"], ["02_swap.jpg", "d", "a", "test"]]
    listed = table(ring / "t.csv", ["swap", "source_identity", "target_identity", "split"], *rows)
    shared = shared_people.shared_with_train(triplets.plan(str(ring), table=listed))
    roles = {"in_train_as_source": 1, "in_train_as_target": 1, "in_train_as_pristine": 0}
    assert shared == {"test": {"people": 4, "in_train": 2, **roles}}
    assert shared_people.words_of(shared) == [
        "of 4 people of test, 2 stand in train too: 1 as source, 1 as target, 0 as pristine"
    ]


def test_a_split_file_that_shares_people_is_said(tmp_path):
    trees.people(tmp_path / "in", {"a": 2, "b": 1})
    rows = [["a/00.jpg", "train"], ["a/01.jpg", "validation"], ["b/00.jpg", "validation"]]
    plan = face_folders.plan(str(tmp_path / "in"), split_file=table(tmp_path / "s.csv", ["file", "split"], *rows))
    assert shared_people.words_of(shared_people.shared_with_train(plan)) == [
        "of 2 people of validation, 1 stand in train too: 0 as source, 0 as target, 1 as pristine"
    ]


def test_paired_swaps_by_target_are_all_kept_and_targets_are_apart(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(16):
        trees.save(tmp_path / f"{number}.jpg", trees.picture(number, 16))
        for source in rng.choice(16, 2, replace=False):
            trees.save(tmp_path / "e4s" / f"{number}_{source}.jpg", trees.picture(1, 16))
    plans = {by: paired_names.plan(str(tmp_path), dataset="ffhq_e4s", split_by=by, shares=SHARES)
             for by in paired_names.SPLIT_BY}  # fmt: skip
    swaps = {by: [item for item in items_of(plan) if item.label == SWAP] for by, plan in plans.items()}
    assert len(swaps["target"]) == len(swaps["image"]) == 32 > len(swaps["people"])
    targets = splits_by(plans["target"], lambda item: (item.target_identity,))
    assert all(len(found) == 1 for found in targets.values())
    shared = {by: shared_people.shared_with_train(plan)["test"] for by, plan in plans.items()}
    assert shared["people"]["in_train"] == 0
    assert shared["target"]["in_train_as_source"] > 0
    assert shared["image"]["in_train_as_target"] > 0


def test_empty_splits_are_said_with_what_needs_them():
    assert shared_people.words_on_missing_splits({"train", "validation", "test"}) == []
    (words,) = shared_people.words_on_missing_splits({"train"})
    assert words.startswith("no record is in validation or test: train.py needs validation; evaluate.py needs test.")


def test_of_two_files_with_one_part_both_are_spoken_of(tmp_path):
    trees.save(tmp_path / "n_swap.jpg", trees.picture(0, 16))
    trees.save(tmp_path / "n_swap.png", trees.picture(1, 16))
    trees.save(tmp_path / "m_source.png", trees.picture(2, 16))
    plan = triplets.plan(str(tmp_path))
    assert {(row.origin, row.reason, row.detail) for row in plan.rejected} == {
        ("n_swap.png", "another file has its part in the triple", "n_swap.jpg"),
        ("m", "has no swap", ""),
        ("m_source.png", "is in no triple that has a swap", ""),
    }


def test_of_two_originals_with_one_number_both_are_spoken_of(tmp_path):
    for name in ("1_2.jpg", "1.jpg", "01.png", "2.jpg"):
        trees.save(tmp_path / name, trees.picture(0, 16))
    plan = paired_names.plan(str(tmp_path), dataset="ffhq_e4s", originals=str(tmp_path / "."), split_by="image")
    assert [row for row in plan.rejected] == [("1.jpg", "", "another original has its number", "01.png")]
