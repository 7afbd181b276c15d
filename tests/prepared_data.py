"""Small prepared data sets, made once for all tests that read one."""

from pathlib import Path

import pytest

from dfrec_jax.config import defaults


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with `faces` (pristine, with generated forgeries to measure on) and `triplets` (recorded forgeries)."""
    return make(tmp_path_factory.mktemp("prepared"))


def make(root: Path) -> Path:
    """Makes both data sets in a folder below `root`, from pictures beside it."""
    from dfrec_jax.preparation.layouts import (  # TFDS takes seconds to import, and few tests need it
        face_folders,
        triplets,
    )
    from dfrec_jax.preparation.prepare import Request, prepare
    from tests.preparation import trees

    people = {"train": range(5), "validation": range(5, 7), "test": range(7, 10)}
    trees.people(root / "people", {f"person {i}": 4 for i in range(10)})
    lines = [f"person {i}/{k:02d}.jpg,{split}" for split in people for i in people[split] for k in range(4)]
    (root / "split.csv").write_text("\n".join(["file,split", *lines]))
    for number in range(14):
        for place, role in enumerate(("swap", "source", "target")):
            trees.save(root / "triples" / f"{number:02d}_{role}.jpg", trees.picture(500 + 3 * number + place))
    plans = {
        "faces": face_folders.plan(str(root / "people"), split_file=str(root / "split.csv")),
        "triplets": triplets.plan(str(root / "triples"), shares=(2.0, 1.0, 1.0)),
    }
    for name, plan in plans.items():
        request = Request(name, str(root / "out"), trees.OPTIONS, 1, 100 if name == "faces" else 0, 0, {}, None)
        prepare(plan, trees.make_tools, request)
    return root / "out"


@pytest.fixture
def make_config(prepared):
    """A config on one of the prepared data sets, with changes to its data section."""

    def make(dataset: str = "faces", batch_size: int = 8, **changes):
        config = defaults.dfrec()
        config.image_size = 48
        config.data.dataset, config.data.dir = dataset, str(prepared)
        config.train.batch_size = batch_size
        config.data.eval_batch_size = 8
        config.data.real_share = config.data.bi_share = 0.25
        config.data.num_threads, config.data.prefetch = 2, 8
        config.data.update(changes)
        return config

    return make
