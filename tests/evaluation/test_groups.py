"""Groups of examples from a list."""

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import groups

IDENTITIES = ("source-001_a", "target-001_a", "target-002_b", "target-003_c")


def _list(path, text):
    path.write_text(text)
    return path


def test_examples_of_one_repository_have_one_number(tmp_path):
    path = _list(tmp_path / "index.csv", "id,attack,repository\n001_a,a,x/y\n002_b,b,u/v\n003_c,b,x/y\n")
    numbers = groups.read(path, np.array([1, 2, 3, 1]), IDENTITIES)
    np.testing.assert_array_equal(numbers, [1, 0, 1, 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,attack\n001_a,a\n", "the columns id and repository"),
        ("id,repository\n001_a,x/y\n", "has no id '002_b'"),
        ("id,repository\n001_a,x/y\n002_b\n", "'002_b' has no repository"),
        ("id,repository\n001_a,x/y\n002_b,x/y\n001_a,u/v\n", "'001_a' is of two repositories"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        groups.read(_list(tmp_path / "index.csv", text), np.array([1, 2]), IDENTITIES)


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nothing.csv: cannot be read"):
        groups.read(tmp_path / "nothing.csv", np.array([1]), IDENTITIES)
