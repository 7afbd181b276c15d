"""What stands in the way of a record: one of another protocol, and not one that is older than a field."""

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.protocol import AS_TRAINED, Protocol
from dfrec_jax.paper import asked_runs
from dfrec_jax.reports import figures


def test_a_field_that_is_newer_than_the_record_counts_as_what_was_done_before(tmp_path):
    path = tmp_path / "figure_7.json"
    older = {field: value for field, value in AS_TRAINED.conditions().items() if field != "only"}
    figures.write(figures.Figure("7", "a figure", protocol={**older, "metrics": {"metric": "a"}}), path)
    asked_runs.check_free(path, {**AS_TRAINED.conditions(), "metrics": {"metric": "a"}}, figures.read)
    with pytest.raises(ConfigError, match="record of another protocol .*only: '' -> 'half=one'"):
        asked_runs.check_free(path, Protocol(only="half=one").conditions(), figures.read)
    with pytest.raises(ConfigError, match="metrics: .*'a'.* -> .*'b'"):
        asked_runs.check_free(path, {"metrics": {"metric": "b"}}, figures.read)


def test_what_is_no_record_stands_in_the_way(tmp_path):
    (tmp_path / "figure_7.json").write_text("{")
    with pytest.raises(ConfigError, match="a record cannot be kept there"):
        asked_runs.check_free(tmp_path / "figure_7.json", {}, figures.read)
    asked_runs.check_free(tmp_path / "figure_8.json", {}, figures.read)
