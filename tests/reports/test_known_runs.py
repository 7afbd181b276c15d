"""What runs are, as a file says it."""

import json

import pytest

from dfrec_jax.reports import known_runs
from tests.reports.made_up import HOSTILE, RUNS


def test_they_come_back_and_none_are_none(tmp_path):
    assert known_runs.read(tmp_path / known_runs.FILE) == {}
    (tmp_path / known_runs.FILE).write_text(json.dumps(RUNS))
    assert known_runs.read(tmp_path / known_runs.FILE) == RUNS


WRONG = ({"config": 1}, {"without": [1]}, {"config": {"train": 1}}, {"imported": {"a": "b"}}, {"method": None})


@pytest.mark.parametrize("said", ["{", "[]", '{"a": 1}', '{"a": {}}', *WRONG])
def test_what_says_something_else_is_refused_by_its_name(tmp_path, said):
    text = said if isinstance(said, str) else json.dumps({HOSTILE: {**RUNS[HOSTILE], **said}})
    (tmp_path / known_runs.FILE).write_text(text)
    with pytest.raises(ValueError, match="runs.json: does not say what runs are"):
        known_runs.read(tmp_path / known_runs.FILE)
