"""The measured split is opened, and its list of groups read, before anything is measured."""

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import forged, mixture
from dfrec_jax.evaluation import measured_split
from dfrec_jax.evaluation.request import AS_TRAINED, Request


@pytest.mark.parametrize("asked", [AS_TRAINED, Request(forge=True)])
def test_data_that_are_not_there_are_refused_in_the_words_of_evaluate(make_config, tmp_path, asked):
    with pytest.raises(ConfigError, match="holds no prepared 'faces'.*--data_dir=DIR.*--dataset=NAME"):
        measured_split.open_split(make_config(dir=str(tmp_path)), asked)


def test_an_empty_split_is_refused_in_the_words_of_evaluate(make_config, monkeypatch):
    config = make_config("faces")
    split, nothing = mixture.split_of(config, "test"), np.zeros(0, int)
    for name in ("pristine", "forgeries"):
        monkeypatch.setattr(split, name, nothing)
    message = "test split holds no pristine face and no swap.*--data_dir=DIR.*--dataset=NAME"
    with pytest.raises(ConfigError, match=message):
        measured_split.open_split(config, AS_TRAINED)


def test_what_cannot_be_forged_from_is_refused_before_the_first_batch(make_config, monkeypatch):
    config = make_config("triplets")
    split = mixture.split_of(config, "test")
    monkeypatch.setattr(split, "index", split.index._replace(partners=np.zeros((0, 0), np.int32)))
    with pytest.raises(ConfigError, match="^--forge: .* leave --forge out"):
        measured_split.open_split(config, Request(forge=True))


def test_the_split_says_what_is_in_it(make_config):
    config = make_config()
    split = measured_split.open_split(config, Request(forge=True))
    assert split.attacks == forged.NAMES and split.num_batches == 3 * 2 + 2 and split.labels is None
    recorded = measured_split.open_split(config, AS_TRAINED)
    assert recorded.num_batches == sum(1 for _ in recorded.batches)


def test_a_list_of_groups_is_read_first(make_config, tmp_path):
    config = make_config("triplets")
    with pytest.raises(ConfigError, match="missing.csv: cannot be read"):
        measured_split.open_split(config, Request(groups=str(tmp_path / "missing.csv")))
    split = mixture.split_of(config, "test")
    people = [split.names.identities[number].split("-", 1)[1] for number in np.unique(split.index.target_id)]
    path = tmp_path / "groups.csv"
    path.write_text("id,repository\n" + "".join(f"{name},{name[-1]}\n" for name in dict.fromkeys(people)))
    opened = measured_split.open_split(config, Request(groups=str(path)))
    examples = {"target_id": split.index.target_id}
    opened.add_labels(examples)
    names = [split.names.identities[number] for number in split.index.target_id]
    assert examples["group"].tolist() == [name[-1] for name in names]
    assert "target" not in examples


def test_one_part_of_a_split_is_measured(make_config, tmp_path):
    config = make_config("triplets")
    split = mixture.split_of(config, "test")
    people = [split.names.identities[number].split("-", 1)[1] for number in np.unique(split.index.target_id)]
    names = list(dict.fromkeys(people))
    groups, halves = tmp_path / "groups.csv", tmp_path / "halves.csv"
    groups.write_text("id,repository\n" + "".join(f"{name},{'xy'[i > 0]}\n" for i, name in enumerate(names)))
    halves.write_text("repository,half\nx,first\ny,second\n")
    asked = Request(groups=f"{groups}, {halves}", only="half=first")
    batches = list(measured_split.open_split(config, asked).batches)
    counted = np.concatenate([batch["target_id"][batch["is_valid"]] for batch in batches])
    assert {split.names.identities[number].split("-", 1)[1] for number in counted} == {names[0]}
    assert all(batch["is_valid"].any() for batch in batches)
    with pytest.raises(ConfigError, match="--only=half=third: the lists have, of half, first, second"):
        measured_split.open_split(config, asked._replace(only="half=third"))


def test_of_several_hosts_each_takes_every_batch(monkeypatch):
    """A host without a chosen row of a batch would be waited for by those that have one."""
    monkeypatch.setattr(measured_split.jax, "process_count", lambda: 2)
    batches = [{"is_valid": np.ones(2, bool), "target_id": np.array(ids)} for ids in ([0, 1], [1, 1], [0, 0])]
    taken = list(measured_split._of_chosen(iter(batches), np.array([True, False])))
    assert [batch["is_valid"].tolist() for batch in taken] == [[True, False], [False, False], [True, True]]
