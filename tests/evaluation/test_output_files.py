"""Results stay below the workdir, and are replaced by results of the same alone."""

import json

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import output_files
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.reports import results


def test_a_condition_that_was_added_since_counts_as_what_was_done_before(tmp_path):
    conditions = AS_TRAINED.conditions()
    conditions.pop("only")
    path = tmp_path / "results.json"
    results.write(results.Results(conditions, {}, []), path)
    output_files.check_free(path, AS_TRAINED)
    with pytest.raises(ConfigError, match="only: '' -> 'half=one'"):
        output_files.check_free(path, Request(groups="", only="half=one"))


def test_scripts_find_the_plain_evaluation_where_they_always_did(tmp_path):
    assert output_files.files(tmp_path, AS_TRAINED, "recovery") == (
        tmp_path / "results" / "results.json",
        tmp_path / "tables" / "recovery.md",
        tmp_path / "panels" / "recovery",
    )
    assert output_files.files(tmp_path, Request(name="real_swaps"), "recovery").results.name == "real_swaps.json"
    assert output_files.files(tmp_path, AS_TRAINED, "attributes").results.name == "attributes.json"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Request(examples=1), "recovery-examples1"),
        (Request(checkpoint="newest"), "recovery-newest"),
        (Request(checkpoint="450", seed=1), "recovery-step450-seed1"),
        (Request(mask_ratio=0.25), "recovery-mask0.25"),
        (Request(dataset="triplets", data_dir="../my data/swaps/,other"), "recovery-triplets-swaps_other"),
        (Request(forge=True, groups="a/list.csv"), "recovery-forged-by_list"),
        (Request(measure_by="metric=a, detector="), "recovery-metric_a__detector_"),
        (Request(name="mine", seed=4), "mine"),
    ],
)
def test_what_departs_from_the_plain_evaluation_has_a_name_of_its_own(asked, name):
    assert output_files.file_name(asked, "recovery") == name


@pytest.mark.parametrize("name", ["../../evil", "..", "a/b", ".hidden", "-x", "name with space", "x" * 101, "é", "a\n"])
def test_a_name_cannot_leave_the_workdir(name):
    with pytest.raises(ConfigError, match="--name=.*must be letters, digits"):
        output_files.file_name(Request(name=name), "recovery")


@pytest.mark.parametrize("asked", [Request(name="recovery", examples=1), Request(name="results")])
def test_the_name_of_the_plain_evaluation_is_its_own(asked):
    with pytest.raises(ConfigError, match="plain evaluation stands"):
        output_files.file_name(asked, "recovery")
    assert output_files.file_name(Request(name="recovery"), "recovery") == "recovery"


def test_results_of_another_request_are_not_replaced(tmp_path):
    path = tmp_path / "results" / "mine.json"
    asked = Request(name="mine", examples=100)
    output_files.check_free(path, asked)
    results.write(results.Results(asked.conditions(), {"step": 1}, []), path)
    output_files.check_free(path, asked)  # once more the same
    with pytest.raises(ConfigError, match=r"examples: 100 -> 1.*choose another --name"):
        output_files.check_free(path, Request(name="mine", examples=1))
    with pytest.raises(ConfigError, match="checkpoint: 'best' -> 'newest'"):
        output_files.check_free(path, asked._replace(checkpoint="newest"))


def test_results_of_an_earlier_version_are_replaced_with_a_word(tmp_path, capsys):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([]))
    output_files.check_free(path, AS_TRAINED)
    assert "did not say by which request" in capsys.readouterr().err


def test_where_nothing_can_be_kept_is_said_at_once(tmp_path):
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(ConfigError, match="results cannot be kept there"):
        output_files.check_free(tmp_path / "results" / "results.json", AS_TRAINED)
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(ConfigError, match="torn.json: results cannot be kept there"):
        output_files.check_free(tmp_path / "torn.json", AS_TRAINED)
