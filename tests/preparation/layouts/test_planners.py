"""What is found in the trees of CelebA-MegaFS, FFHQ-E4S, face folders and triples, and what is refused."""

import csv

import pytest

from dfrec_jax.preparation.layouts import face_folders, paired_names, triplets
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.records.schema import PRISTINE, SWAP
from tests.preparation import trees

MAPPING = "idx orig_idx orig_file\n" + "".join(f"{i} {100 + i} {100 + i:06d}.jpg\n" for i in range(6))
IDENTITIES = "".join(f"{100 + i:06d}.jpg {i // 2}\n" for i in range(6))  # 0 and 1 are one person, and so on
SHARES = (1.0, 1.0, 1.0)


def items_of(plan):
    return [item for job in plan.jobs for item in job.work]


@pytest.fixture
def megafs(tmp_path):
    for folder, names in {
        "MegaFS-FTM/ünïcode": ("0_2.jpg", "2_4.jpg", "1_3.png"),
        "CelebA_IDInjection": ("0_1.jpg",),
        "lcr": ("3_9.jpg",),  # 9 has no original
        "elsewhere": ("0_3.jpg",),
    }.items():
        for name in names:
            trees.save(tmp_path / "swaps" / folder / name, trees.picture(1, 32))
    (tmp_path / "swaps" / "lcr" / "notes 2.jpg").write_bytes(b"")
    for number in range(6):
        trees.save(tmp_path / "CelebA-HQ-img" / f"{number}.jpg", trees.picture(number, 32))
    (tmp_path / "CelebA-HQ-img" / paired_names.MAPPING).write_text(MAPPING)
    (tmp_path / "CelebA-HQ-img" / paired_names.IDENTITIES).write_text(IDENTITIES)
    return tmp_path


def plan_of(megafs, **changes):
    originals = str(megafs / "CelebA-HQ-img")
    return paired_names.plan(str(megafs / "swaps"), dataset="celeba_megafs", originals=originals, **changes)


def test_megafs_methods_people_and_pairs(megafs):
    plan = plan_of(megafs, shares=(1.0, 0.0, 0.0))
    swaps = {(i.attack, i.image.name.split("/")[-1]): i for i in items_of(plan) if i.label == SWAP}
    assert set(swaps) == {
        ("ftm", "0_2.jpg"), ("ftm", "2_4.jpg"), ("ftm", "1_3.png"), ("idinjection", "0_1.jpg"), ("lcr", "3_9.jpg"),
    }  # fmt: skip
    first = swaps["ftm", "0_2.jpg"]
    assert (first.target_identity, first.source_identity) == ("celeba-0", "celeba-1")
    assert (first.target.name, first.source.name) == ("0.jpg", "2.jpg")
    assert swaps["lcr", "3_9.jpg"].source is None and "1 of 5 swaps lack their source" in plan.notes
    assert sum(item.label == PRISTINE for item in items_of(plan)) == 6
    reasons = {row.origin.split("/")[-1]: row.reason for row in plan.rejected}
    assert reasons == {
        "0_3.jpg": "no folder above it is named after a method (ftm, inj, lcr)",
        "notes 2.jpg": "the name is neither <target>_<source> nor a number",
    }


def test_megafs_by_identity_shares_nobody_between_splits(megafs):
    plan = plan_of(megafs, shares=SHARES)
    seen = {}
    for item in items_of(plan):
        for person in (item.source_identity, item.target_identity):
            assert seen.setdefault(person, item.split) == item.split
    dropped = [row for row in plan.rejected if row.reason.startswith("its target is in")]
    swaps = [item for item in items_of(plan) if item.label == SWAP]
    assert len(dropped) + len(swaps) == 5
    if dropped:
        assert any(note.startswith(f"{len(dropped)} of 5 swaps join people") for note in plan.notes)


def test_megafs_by_image_keeps_every_swap_as_the_paper_does(megafs):
    plan = plan_of(megafs, shares=SHARES, split_by="image", attacks=("ftm",))
    assert sum(item.label == SWAP for item in items_of(plan)) == 3


def test_megafs_without_lists_of_identities_says_what_that_means(megafs):
    (megafs / "CelebA-HQ-img" / paired_names.IDENTITIES).unlink()
    plan = plan_of(megafs)
    assert "every original counts as a person of its own" in " ".join(plan.notes)
    with pytest.raises(PreparationError, match="identity_CelebA.txt is not in it"):
        plan_of(megafs, identities=str(megafs / "CelebA-HQ-img"))


def test_megafs_refusals(megafs, tmp_path):
    with pytest.raises(PreparationError, match="--attack=simswap: .* has ftm, idinjection, lcr"):
        plan_of(megafs, attacks=("simswap",))
    with pytest.raises(PreparationError, match="holds no swap; expected pictures named <target>_<source>.jpg"):
        paired_names.plan(str(megafs / "CelebA-HQ-img"), dataset="celeba_megafs")
    (megafs / "CelebA-HQ-img" / paired_names.MAPPING).write_text("idx orig_idx orig_file\n0 1\n")
    with pytest.raises(PreparationError, match="expected lines `idx orig_idx orig_file`"):
        plan_of(megafs)


def test_e4s_takes_every_folder_and_originals_in_thousands(tmp_path):
    trees.save(tmp_path / "out" / "00001_00002.png", trees.picture(1, 32))
    for number in (1, 2):
        trees.save(tmp_path / "images1024x1024" / "00000" / f"{number:05d}.png", trees.picture(number, 32))
    items = items_of(paired_names.plan(str(tmp_path), dataset="ffhq_e4s", shares=(0.0, 0.0, 1.0)))
    swap = next(item for item in items if item.label == SWAP)
    assert swap.attack == "e4s" and swap.split == "test" and swap.source_identity == "image-2"
    assert swap.target.name.endswith("00001.png") and swap.source.name.endswith("00002.png")


def write_csv(path, *rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_face_folders_honour_the_split_file_exactly(tmp_path):
    trees.people(tmp_path / "in", {"a": 2, "b c é": 1})
    table = write_csv(tmp_path / "s.csv", ["file", "split", "identity"], ["a/00.jpg", "val", "x"],
                      ["b c é/00.jpg", "test", ""], ["a/99.jpg", "train", "x"])  # fmt: skip
    plan = face_folders.plan(str(tmp_path / "in"), split_file=table)
    assert {(i.image.name, i.split, i.source_identity) for i in items_of(plan)} == {
        ("a/00.jpg", "validation", "x"), ("b c é/00.jpg", "test", "b c é"),
    }  # fmt: skip
    assert {(row.origin, row.reason) for row in plan.rejected} == {
        ("a/99.jpg", "is not there"), ("a/01.jpg", "is not in s.csv"),
    }  # fmt: skip


def test_face_folders_by_hash_keep_a_person_together(tmp_path):
    trees.people(tmp_path / "in", {f"p{i}": 3 for i in range(12)})
    split_of = {}
    for item in items_of(face_folders.plan(str(tmp_path / "in"), shares=SHARES)):
        assert split_of.setdefault(item.source_identity, item.split) == item.split
    assert len(set(split_of.values())) == 3


def test_face_folders_read_a_tar_in_place(tmp_path):
    trees.people(tmp_path / "in", {"a": 1, "b": 1})
    trees.tar_of(tmp_path / "in", tmp_path / "faces.tar")
    items = items_of(face_folders.plan(str(tmp_path / "faces.tar")))
    assert [(item.image.name, item.source_identity) for item in items] == [("top/a/00.jpg", "a"), ("top/b/00.jpg", "b")]
    given = (tmp_path / "in" / "b" / "00.jpg").read_bytes()
    assert face_folders_bytes(items[1].image) == given
    trees.tar_of(tmp_path / "in", tmp_path / "faces.tgz", "w:gz")
    with pytest.raises(PreparationError, match="only an uncompressed tar"):
        face_folders.plan(str(tmp_path / "faces.tgz"))


def face_folders_bytes(picture):
    from dfrec_jax.preparation.inputs.source_files import read_bytes

    return read_bytes(picture)


def test_attributes_come_from_celebas_list_or_the_table(tmp_path):
    trees.people(tmp_path / "in", {"a": 2})
    names = face_folders.CELEBA_ATTRIBUTES
    (tmp_path / "list.txt").write_text(f"1\n{' '.join(names)}\n00.jpg {' '.join(['1', '-1'] * 20)}\n")
    plan = face_folders.plan(str(tmp_path / "in"), attributes=str(tmp_path / "list.txt"))
    assert items_of(plan)[0].attributes == (1, -1) * 20 and items_of(plan)[1].attributes == ()
    assert plan.notes == ("1 pictures have no attributes",)
    table = write_csv(tmp_path / "s.csv", ["file", "split", *names], ["a/00.jpg", "train", *["0"] * 40],
                      ["a/01.jpg", "train", *["1"] * 40])  # fmt: skip
    items = items_of(face_folders.plan(str(tmp_path / "in"), split_file=table))
    assert [item.attributes[0] for item in items] == [-1, 1]


def test_detections_of_others_are_taken_over(tmp_path):
    trees.people(tmp_path / "in", {"a": 2})
    table = write_csv(tmp_path / "d.csv", ["file", *face_folders.BOX], ["a/00.jpg", 1, 2, 30, 40.5])
    plan = face_folders.plan(str(tmp_path / "in"), detections=table)
    assert [item.face for item in items_of(plan)] == [(1, 2, 30, 40.5)]
    assert plan.rejected[0].reason == "is not in d.csv"


def test_face_folders_refusals(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PreparationError, match="is empty"):
        face_folders.plan(str(tmp_path / "empty"))
    (tmp_path / "empty" / "a.txt").write_text("")
    with pytest.raises(PreparationError, match="holds no picture"):
        face_folders.plan(str(tmp_path / "empty"))
    trees.save(tmp_path / "flat" / "a.jpg", trees.picture(0, 16))
    with pytest.raises(PreparationError, match="lies in no folder .* expected <identity>/<picture>"):
        face_folders.plan(str(tmp_path / "flat"))
    with pytest.raises(PreparationError, match="lacks the column 'split'"):
        face_folders.plan(str(tmp_path / "flat"), split_file=write_csv(tmp_path / "s.csv", ["file"]))
    table = write_csv(tmp_path / "t.csv", ["file", "split", "identity"], ["a.jpg", "training", "x"])
    with pytest.raises(PreparationError, match="split='training' must be one of train, validation, test"):
        face_folders.plan(str(tmp_path / "flat"), split_file=table)
    with pytest.raises(PreparationError, match="no such folder or tar file"):
        face_folders.plan(str(tmp_path / "nothing"))


def test_triples_by_names_by_folders_and_by_a_table(tmp_path):
    for name in (
        "n_swap.jpg",
        "n_source.jpg",
        "n_target.jpg",
        "swap/f.png",
        "source/f.png",
        "target/f.png",
        "ö x.jpg",
    ):
        trees.save(tmp_path / name, trees.picture(0, 16))
    swaps = {item.image.name: item for item in items_of(triplets.plan(str(tmp_path))) if item.label == SWAP}
    assert swaps["n_swap.jpg"].source.name == "n_source.jpg" and swaps["swap/f.png"].target.name == "target/f.png"
    table = write_csv(
        tmp_path / "index.csv", ["id", "swap", "target", "attack", "split", "target_identity"],
        ["n", "", "", "simswap", "dev", ""], ["", "ö x.jpg", "target/f.png", "", "test", "me"],
        ["", "lost.jpg", "", "", "test", ""],
    )  # fmt: skip
    plan = triplets.plan(str(tmp_path))  # index.csv is there now
    assert [(i.attack, i.split, i.target_identity) for i in items_of(plan) if i.label == SWAP] == [
        ("swap", "test", "me"), ("simswap", "validation", "target-n"),
    ]  # fmt: skip
    assert ("lost.jpg", "it is not there") in {(row.origin, row.reason) for row in plan.rejected}
    assert len(items_of(triplets.plan(str(tmp_path), table=table, split="test"))) == 2 + 3
    (tmp_path / "none").mkdir()
    trees.save(tmp_path / "none" / "x.jpg", trees.picture(0, 16))
    with pytest.raises(PreparationError, match="holds no triple"):
        triplets.plan(str(tmp_path / "none"))
