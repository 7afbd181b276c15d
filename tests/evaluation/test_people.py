"""Whether the people who are measured stand in training: counted by what is known of them."""

import shutil

import numpy as np
import pytest

from dfrec_jax.data import mixture
from dfrec_jax.evaluation import people
from tests import tiny


def _ids(*numbers):
    return {"source_id": np.array(numbers), "target_id": np.array(numbers[::-1])}


def _examples(split):
    """All of a split."""
    return {name: getattr(split.index, name) for name in ("source_id", "target_id")}


def test_drawn_people_are_told_apart_by_construction():
    config = tiny.config()
    assert people.overlap(config, config, _ids(22_000, 22_001)) == "none of their 2 people stands in training"
    assert people.overlap(config, config, _ids(19_999, 20_000)) == "**1 of their 2 people stands in training too**"


def test_people_of_one_data_set_are_compared_by_name(make_config):
    config = make_config("faces")
    test, train = (mixture.split_of(config, split) for split in ("test", "train"))
    assert people.overlap(config, config, _examples(test)) == "none of their 3 people stands in training"
    both = np.concatenate([test.index.target_id, train.index.target_id[:1]])
    said = people.overlap(config, config, {"source_id": both, "target_id": both})
    assert said == "**1 of their 4 people stands in training too**"


def test_the_source_of_a_swap_counts_too(make_config):
    config = make_config("faces")
    test, train = (mixture.split_of(config, split) for split in ("test", "train"))
    swaps = {"source_id": train.index.target_id[:1], "target_id": test.index.target_id[:1]}
    assert "1 of their 2" in people.overlap(config, config, swaps)


def test_people_in_validation_are_said_apart(make_config):
    config = make_config("faces")
    validation = mixture.split_of(config, "validation")
    said = people.overlap(config, config, _examples(validation))
    assert said.startswith("none of their 2 people stands in training, and 2 in validation")


def test_people_who_are_named_after_their_example_are_not_vouched_for(make_config):
    config = make_config("triplets")
    test = mixture.split_of(config, "test")
    said = people.overlap(config, config, _examples(test))
    num_people = len(np.union1d(test.index.source_id, test.index.target_id))
    assert said.startswith(f"none of their {num_people} people stands in training ({num_people} are named after")
    assert "dfrec data audit" in said


def test_of_another_data_set_names_are_all_that_can_be_compared(make_config, prepared, tmp_path):
    trained_on, measured_on = make_config("faces"), make_config("triplets")
    said = people.overlap(trained_on, measured_on, _examples(mixture.split_of(measured_on, "test")))
    assert said.startswith("by name, none of their ") and "(`faces`), and under another name more of them could" in said
    shutil.copytree(prepared / "faces", tmp_path / "faces")
    elsewhere = make_config("faces", dir=str(tmp_path))
    said = people.overlap(trained_on, elsewhere, _examples(mixture.split_of(elsewhere, "train")))
    assert said.startswith("by name, **5 of their 5 people stand in training too** (`faces`)")


def test_of_other_training_it_is_said_what_is_known(make_config, tmp_path):
    config = make_config("faces")
    examples = _examples(mixture.split_of(config, "test"))
    assert "drawn faces alone" in people.overlap(tiny.config(), config, examples)
    assert "cannot be told here" in people.overlap(None, config, examples)
    gone = make_config("faces", dir=str(tmp_path))
    assert "its data are not at hand (data.dir=" in people.overlap(gone, config, examples)
    assert "who are drawn" in people.overlap(config, tiny.config(), _ids(1, 2))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_name_in_two_folders_is_two_people(make_config, prepared, tmp_path, order):
    """Where data sets are read as one, and where one of them is measured alone."""
    shutil.copytree(prepared / "faces", tmp_path / "again" / "faces")
    folders = [str(prepared), str(tmp_path / "again")]
    config = make_config("faces", dir=",".join(folders[place] for place in order))
    examples = _examples(mixture.split_of(config, "test"))
    assert people.overlap(config, config, examples) == "none of their 6 people stands in training"
    one = make_config("faces")
    examples = _examples(mixture.split_of(one, "train"))
    test_of_one = _examples(mixture.split_of(one, "test"))
    assert "none of their 3 people" in people.overlap(config, one, test_of_one)
    assert "5 of their 5 people" in people.overlap(config, one, examples)
