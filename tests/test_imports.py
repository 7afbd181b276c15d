"""Imports point one way: the table of the architecture, checked against every import of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dfrec_jax"
NETWORKS = {"frozen", "weights", "models", "nets"}

# What each part may import of ours, besides itself. The commands and scripts may import anything.
ALLOWED = {
    "config": set(),
    "config_rules": {"config"},
    "config_attributes": {"config", "config_rules"},
    "nets": set(),
    "weights": set(),
    "metrics": set(),
    "pictures": set(),
    "models": {"config", "nets"},
    "frozen": {"nets", "weights"},
    "synthetic": {"nets", "weights", "frozen"},
    "data": {"config", "synthetic"},
    "losses": {"config", "models", "frozen", "nets"},
    "checkpoint": {"config"},
    "perceptors": {"config", "frozen", "synthetic"},
    "trained": {"config", "config_rules", "models", "checkpoint"},
    "classifier": {"config", "config_attributes", "frozen", "checkpoint", "weights"},
    "released": {"config", "config_rules", "models", "checkpoint", "weights", "trained"},
    "training": {
        "config", "config_rules", "config_attributes", "data", "models", "nets", "frozen", "losses", "weights",
        "checkpoint", "metrics", "pictures", "perceptors",
    },
    "evaluation": {
        "config", "config_rules", "data", "models", "nets", "frozen", "weights", "checkpoint", "metrics", "pictures",
        "reports", "perceptors", "trained", "classifier",
    },
    "reports": {"pictures"},
    "forensics": {
        "config", "models", "frozen", "weights", "data", "checkpoint", "metrics", "pictures", "reports", "trained",
    },
}  # fmt: skip
FREE = {"cli", "commands"}


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: a relative import"
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("dfrec_jax.")}
    return parts


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = _part(path)
    if part in FREE or path == PACKAGE / "__init__.py":
        return
    assert part in ALLOWED, f"{part} is not in the table of allowed imports: give it a row"
    wrong = _imported_parts(path) - ALLOWED[part] - {part}
    assert not wrong, f"{path.relative_to(PACKAGE.parent)} imports {sorted(wrong)}, which {part} may not"


def test_a_forbidden_import_would_be_found(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text(
        "import dfrec_jax.training.loop\nfrom dfrec_jax import models\nfrom dfrec_jax.data import pipeline\n"
    )
    assert _imported_parts(path) == {"training", "models", "data"}


NO_DEVICE = """
from jax._src import xla_bridge

def refuse():
    raise AssertionError("a device was asked for")

xla_bridge.backends = refuse
import dfrec_jax.training.run
import dfrec_jax.evaluation.workdir
import dfrec_jax.forensics.recover
print("imported")
"""


def test_to_import_is_not_to_ask_for_a_device():
    done = subprocess.run([sys.executable, "-c", NO_DEVICE], capture_output=True, text=True, timeout=120)
    assert done.stdout == "imported\n", done.stderr


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_the_scripts_stay_short(script):
    assert len((PACKAGE.parent / script).read_text().splitlines()) < 60
