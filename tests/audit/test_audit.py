"""The audit of small data sets whose leaks, missing halves and qualities are known."""

import numpy as np
import pytest

from dfrec_jax.audit import audit
from dfrec_jax.preparation.layouts import face_folders, triplets
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import schema
from tests.preparation import trees
from tests.preparation.trees import request


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """Three people; one of them, one copied picture and one recoded picture are in training and in test."""
    root = tmp_path_factory.mktemp("leaky")
    trees.people(root / "in", {"both": 2, "learnt": 3, "tested": 2})
    copied, recoded = root / "in" / "tested" / "copied.jpg", root / "in" / "tested" / "recoded.jpg"
    copied.write_bytes((root / "in" / "learnt" / "00.jpg").read_bytes())
    trees.save(recoded, trees.picture(101), quality=60)
    trees.save(root / "in" / "learnt" / "black.jpg", trees.black())
    test = ("both/01.jpg", "tested/00.jpg", "tested/01.jpg", "tested/copied.jpg", "tested/recoded.jpg")
    names = sorted(path.relative_to(root / "in").as_posix() for path in (root / "in").rglob("*.jpg"))
    rows = [f"{name},{'test' if name in test else 'train'}" for name in names]
    (root / "split.csv").write_text("\n".join(["file,split", *rows]))
    plan = face_folders.plan(str(root / "in"), split_file=str(root / "split.csv"))
    return prepare(plan, trees.make_tools, request(root / "out", num_forgeries=0)).folder


def test_every_kind_of_leak_is_found_and_nothing_else(leaky):
    found = audit.audit(leaky)
    leaks = {(leak.kind, leak.first, leak.second) for leak in found.leaks}
    assert leaks == {
        ("person", "both/00.jpg", "both/01.jpg"),
        ("picture", "learnt/00.jpg", "tested/copied.jpg"),
        ("near-duplicate", "learnt/01.jpg", "tested/recoded.jpg"),
    }
    assert {(leak.first_split, leak.second_split) for leak in found.leaks} == {("train", "test")}


def test_counts_people_refusals_and_histograms(leaky):
    found = audit.audit(leaky)
    assert found.counts == {("train", "pristine", "pristine"): 4, ("test", "pristine", "pristine"): 5}
    assert found.people == {"train": 2, "test": 2} and found.missing == {}
    assert found.rejected == {"no face found": 1}
    for edges, counts in found.histograms.values():
        assert sum(counts) == 9 and len(edges) == len(counts) + 1
    edges, counts = found.histograms["jpeg_quality"]
    assert counts[edges.index(94)] == 9, "all are stored at quality 95"
    edges, counts = found.histograms["origin_pixels"]
    assert counts[0] == 9, "a crop of 1.3 times 0.7 of 64 pixels"
    assert len(found.examples) == 9


def test_people_whose_pictures_are_not_at_hand_leak_as_well(tmp_path):
    for number in range(4):
        trees.save(tmp_path / "in" / f"{number}_swap.jpg", trees.picture(10 + number))
        trees.save(tmp_path / "in" / f"{number}_target.jpg", trees.picture(20 + number))
    people = ("a", "b", "c", "a")
    splits = ("train", "train", "validation", "test")
    rows = [f"{i},{splits[i]},{people[i]},t{i}" for i in range(4)]
    (tmp_path / "in" / "index.csv").write_text("\n".join(["id,split,source_identity,target_identity", *rows]))
    plan = triplets.plan(str(tmp_path / "in"))
    folder = prepare(plan, trees.make_tools, request(tmp_path / "out", "triplets", num_forgeries=0)).folder
    found = audit.audit(folder)
    assert [(leak.kind, leak.first_split, leak.second_split) for leak in found.leaks] == [("person", "train", "test")]
    assert found.people == {"train": 4, "validation": 2, "test": 2}
    assert found.missing == {
        (split, "swap", what): count
        for split, count in (("train", 2), ("validation", 1), ("test", 1))
        for what in ("source", "mask")
    }


def test_generated_forgeries_and_a_clean_split_leak_nothing(prepared):
    found = audit.audit(audit.find_folder(str(prepared / "faces")))
    assert found.leaks == [] and found.missing == {}
    assert found.counts["test", "swap", "warped_swap"] == 12
    assert found.people == {"train": 5, "validation": 2, "test": 3}


@pytest.mark.parametrize("quality", [30, 60, 80, 95])
def test_jpeg_quality_is_read_from_the_tables(quality):
    data = schema.encode_jpeg(trees.picture(0), quality)
    assert audit._jpeg_quality(data) == pytest.approx(quality, abs=1)


def test_the_folder_is_found_or_refused(prepared, tmp_path):
    assert audit.find_folder(str(prepared / "faces")) == prepared / "faces" / "1.0.0"
    with pytest.raises(PreparationError, match="must be the folder of one data set .*faces.*triplets"):
        audit.find_folder(str(prepared))
    with pytest.raises(PreparationError, match="found none"):
        audit.find_folder(str(tmp_path))
    (tmp_path / "rejected.csv").write_text("origin,split,reason\n")
    with pytest.raises(PreparationError, match="holds no records"):
        audit.audit(tmp_path)


def test_a_split_that_shares_nothing_has_no_leak():
    hashes = [np.uint64(bits) for bits in (0, 0xFFFF, 0xFFFF0000, 2**64 - 1)]
    looks = np.zeros((32, 32), np.int8)
    seen = [audit.Seen(str(place), str(place), code, looks) for place, code in enumerate(hashes)]
    splits = {"train": audit.Split(seen[:2], {"a": "0"}), "test": audit.Split(seen[2:], {"b": "2"})}
    assert audit.find_leaks(splits) == []
