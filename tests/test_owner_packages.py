"""Every package that the owner named is imported by code that a command reaches, as docs/packages.md says."""

import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.test_imports import PACKAGE
from tests.test_imports import _reached as uncached

REPOSITORY = PACKAGE.parent
_reached = functools.cache(uncached)


class Use(NamedTuple):
    """Where a package is imported, and by which command that code is reached."""

    command: str
    start: str
    module: str
    imported: str


USES = {
    "jax": Use("python train.py", "train.py", "training/step.py", "jax"),
    "flax": Use("python train.py", "train.py", "models/dfrec.py", "flax"),
    "optax": Use("python train.py", "train.py", "training/state.py", "optax"),
    "orbax-checkpoint": Use("python train.py", "train.py", "runs/saving.py", "orbax"),
    "grain": Use("python train.py", "train.py", "data/pipeline.py", "grain"),
    "ml-collections": Use("python train.py", "train.py", "config/defaults.py", "ml_collections"),
    "clu": Use("python train.py", "train.py", "training/parameters.py", "clu"),
    "tensorflow-datasets": Use(
        "dfrec prepare", "dfrec_jax/commands/prepare.py", "records/schema.py", "tensorflow_datasets"
    ),
    "scenic": Use(
        "python -m dfrec_jax.integrations.scenic.main",
        "dfrec_jax/integrations/scenic/main.py",
        "integrations/scenic/model.py",
        "scenic",
    ),
}


@pytest.mark.parametrize("package", USES)
def test_a_command_reaches_it(package):
    use = USES[package]
    found = _reached(REPOSITORY / use.start)
    assert use.imported in found[PACKAGE / use.module]


def test_clu_is_used_for_all_that_it_is_named_for():
    found = _reached(REPOSITORY / "train.py")
    using = {
        str(path.relative_to(PACKAGE)) for path, names in found.items() if "clu" in names and PACKAGE in path.parents
    }
    training = {f"training/{name}.py" for name in ("parameters", "writers", "hooks", "step_metrics", "step")}
    assert using >= {*training, "metrics/mean.py"}


def test_the_table_in_the_docs_is_this_one():
    text = (REPOSITORY / "docs" / "packages.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    assert {name: (command, module) for name, command, module in rows} == {
        name: (use.command, f"dfrec_jax/{use.module}") for name, use in USES.items()
    }


def test_scenic_is_never_asked_of_a_package_index():
    text = Path(REPOSITORY / "pyproject.toml").read_text()
    assert not re.search(r"""["']scenic\b[^"']*["']""", text.replace("scenic = [", ""))
