"""What may be asked for, and what the refusal names: flags of evaluate.py, not fields of a config."""

import pytest

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.request import AS_TRAINED, Request, measured_config
from tests import tiny


def test_what_is_asked_for_is_typed_back():
    assert AS_TRAINED.flags() == "" and Request(name="mine").flags() == ""
    assert Request(seed=3, forge=True, examples=7).flags() == "--seed=3 --forge --examples=7"


def test_the_request_changes_the_data_and_algorithm_1():
    config = tiny.config()
    measured = measured_config(config, Request(dataset="faces", data_dir="D", mask_ratio=0.75, examples=3))
    assert (measured.data.dataset, measured.data.dir, measured.data.test_examples) == ("faces", "D", 3)
    assert (measured.tirm.mask_ratio, config.tirm.mask_ratio) == (0.75, 0.5)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Request(data_dir="/x"), "--data_dir=/x: .* leave it out"),
        (Request(groups="list.csv"), "--groups=list.csv: .* leave it out"),
        (Request(forge=True), "--forge: .* leave it out"),
        (Request(dataset="triplets"), "--dataset=triplets: .* --data_dir=DIR"),
        (Request(mask_ratio=0.999), "--mask_ratio=0.999: .* at least one must be kept"),
        (Request(patch_threshold=2.0), "--patch_threshold=2.0: "),
    ],
)
def test_a_refusal_names_the_flag_and_no_flag_of_train(asked, words):
    with pytest.raises(ConfigError, match=f"^{words}") as refusal:
        measured_config(tiny.config(), asked)
    assert "--config" not in str(refusal.value)


@pytest.mark.parametrize("mode", ["paper", "released"])
def test_a_network_bound_to_its_number_of_kept_patches_keeps_it(mode):
    config = tiny.full_size(mode)
    config.tirm.fusion = "rank"
    config = defaults.resolve(config)
    with pytest.raises(ConfigError, match=r"^--mask_ratio=0.75: .* a row of f_t for each of the 98 patches"):
        measured_config(config, Request(mask_ratio=0.75))
    assert measured_config(config, Request(mask_ratio=0.5)).tirm.mask_ratio == 0.5


def test_drawn_faces_measure_a_network_that_was_trained_on_photographs_with_bi():
    config = tiny.config()
    config.data.dataset, config.data.dir, config.data.bi_share = "faces", "D", 0.2
    assert measured_config(config, Request(dataset="embedded")).data.dataset == "embedded"


def test_another_data_set_is_not_looked_for_in_folders_that_name_theirs():
    config = tiny.config()
    config.data.dataset, config.data.dir = "faces", "LFW,triplets:PAIRS"
    with pytest.raises(ConfigError, match=r"^--dataset=triplets: .*LFW,triplets:PAIRS.* --data_dir=DIR"):
        measured_config(config, Request(dataset="triplets"))
    assert measured_config(config, Request(dataset="embedded")).data.dataset == "embedded"
    measured = measured_config(config, Request(dataset="triplets", data_dir="SWAPS"))
    assert (measured.data.dataset, measured.data.dir) == ("triplets", "SWAPS")
