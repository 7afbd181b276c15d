"""Imports point one way: the table of the architecture, checked against every import of the package."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dfrec_jax"
NETWORKS = {"frozen", "weights", "models", "nets"}

# What each part may import of ours, besides itself. The commands and scripts may import anything.
ALLOWED = {
    "config": {"files"},  # to tell an address from a path
    "files": set(),
    "nets": set(),
    "networks": set(),
    "weights": {"files", "networks"},
    "metrics": set(),
    "pictures": {"files"},
    "forging": {"nets"},  # for the network that draws its swaps
    "examples": set(),
    "models": {"config", "nets"},
    "frozen": {"nets", "weights"},
    "synthetic": {"files", "nets", "weights", "frozen"},
    "records": {"files", "config", "examples", "forging", "pictures"},
    "preparation": {"files", "records", "forging", "pictures"},
    "audit": {"files", "examples", "records", "forging", "preparation"},
    "data": {"config", "examples", "synthetic", "records", "forging", "preparation", "pictures"},
    "losses": {"config", "models", "frozen", "nets"},
    "baselines": {"config", "models", "nets", "frozen", "weights", "losses", "forging"},
    "perceptors": {"config", "frozen", "synthetic", "losses"},
    "runs": {"files", "config", "models", "networks", "frozen", "forging", "weights", "baselines"},
    "training": {
        "files", "config", "examples", "data", "models", "nets", "frozen", "losses", "weights", "runs", "metrics",
        "pictures", "perceptors", "forging", "baselines",
    },
    "evaluation": {
        "files", "config", "examples", "synthetic", "records", "data", "models", "frozen", "weights", "metrics",
        "pictures", "reports", "perceptors", "runs", "forging",
    },
    "paper": {
        "files", "baselines", "config", "data", "evaluation", "examples", "forging", "frozen", "metrics", "models",
        "perceptors", "pictures", "records", "reports", "runs", "weights",
    },
    "integrations": {
        "cli", "config", "data", "examples", "losses", "models", "perceptors", "runs", "training",
    },
    "reports": {"files", "pictures"},
    "forensics": {
        "files", "forging", "config", "models", "frozen", "weights", "metrics", "pictures", "reports", "runs",
        "perceptors",
    },
    "exporting": {"files", "config", "models", "runs", "weights"},
    "tracing": {
        "files", "config", "models", "frozen", "synthetic", "weights", "metrics", "pictures", "reports", "perceptors",
        "forensics", "runs",  # for the trace head
        "records", "forging",  # for cases that are made of prepared data, `made_cases.py`
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


def test_the_table_has_no_circle():
    graphlib.TopologicalSorter(ALLOWED).prepare()  # raises CycleError, which names one


def test_a_forbidden_import_would_be_found(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text(
        "import dfrec_jax.training.loop\nfrom dfrec_jax import models\nfrom dfrec_jax.data import pipeline\n"
    )
    assert _imported_parts(path) == {"training", "models", "data"}


def _reached(start: Path, but: Path | None = None) -> dict[Path, set[str]]:
    """Every file of ours that a file imports, whenever it does, and what else each of them imports; none by `but`."""
    found, waiting = {}, [start]
    while waiting:
        path = waiting.pop()
        if path in found or path == but:
            continue
        found[path] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            for name in names:
                file = PACKAGE.parent / name.replace(".", "/")
                waiting += [each for each in (file.with_suffix(".py"), file / "__init__.py") if each.exists()]
                found[path].add(name.partition(".")[0])
    return found


# `dfrec trace calibrate --data` alone reads prepared data; without the packages it says so.
OF_DATA = PACKAGE / "commands" / "trace_data.py"
UNIX_ALONE = {"fcntl", "grp", "pwd", "resource", "termios"}


@pytest.mark.parametrize("command", ["trace", "recover", "verify", "serve"])
def test_what_laboratories_use_needs_no_data_pipeline_and_no_unix(command):
    """Packages of training have no wheels everywhere; tests/test_laboratory.py, slow, runs all four without."""
    reached = _reached(PACKAGE / "commands" / f"{command}.py", but=OF_DATA)
    assert PACKAGE / "forensics" / "finding.py" in reached and PACKAGE / "frozen" / "mobilefacenet.py" in reached
    for path, names in reached.items():
        wrong = names & {"grain", "array_record", "tensorflow", "tensorflow_datasets", *UNIX_ALONE}
        assert not wrong, f"{path.relative_to(PACKAGE.parent)} imports {sorted(wrong)}"


NO_DEVICE = """
from jax._src import xla_bridge

def refuse():
    raise AssertionError("a device was asked for")

xla_bridge.backends = refuse
import dfrec_jax.training.run
import dfrec_jax.commands.evaluate
import dfrec_jax.forensics.recover
print("imported")
"""


def test_to_import_is_not_to_ask_for_a_device():
    done = subprocess.run([sys.executable, "-c", NO_DEVICE], capture_output=True, text=True, timeout=120)
    assert done.stdout == "imported\n", done.stderr


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_the_scripts_stay_short(script):
    assert len((PACKAGE.parent / script).read_text().splitlines()) < 60
