"""`pip install .` is enough: the wheel holds all that `dfrec` needs, outside the repository and without make."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed package; the packages that it depends on are those of this environment."""
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"
    shutil.copytree(REPOSITORY / "dfrec_jax", source / "dfrec_jax", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site"), str(source)], check=True
    )
    return folder / "site"


def _run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(installed / "bin" / "dfrec"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_installed_dfrec_draws_outside_the_repository(installed, tmp_path):
    ended = _run(installed, tmp_path, "draw", "--out", "drawn", "--count", "1", "--size", "32")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "drawn" / "test-0000.png").is_file()


def test_the_installed_package_brings_its_encoders_and_the_network_of_photographs(installed, tmp_path):
    program = "import dfrec_jax; from dfrec_jax.synthetic import encoders; print(dfrec_jax.__file__); "
    program += "print(encoders.load('embedded-a').name); "
    program += "from dfrec_jax.runs import shipped; print(shipped.chosen(None).name)"  # held against its SHA-256
    environment = {**os.environ, "PYTHONPATH": str(installed), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    package = str(installed / "dfrec_jax" / "__init__.py")
    assert ended.stdout.split() == [package, "embedded-a", "dfrec-small"], ended.stderr


def test_the_installed_package_brings_its_network_of_drawn_faces(installed, tmp_path):
    assert _run(installed, tmp_path, "draw", "--out", "drawn", "--count", "1").returncode == 0
    ended = _run(installed, tmp_path, "recover", "drawn/test-0000.png", "--network", "drawn", "--out", "out")
    assert ended.returncode == 0, ended.stderr
    assert "drawn, version 2, trained on" in ended.stderr
    network = json.loads((tmp_path / "out" / "test-0000" / "result.json").read_text())["network"]
    assert network["name"] == "drawn" and network["idsim_to_the_target"], "the figures come with it"


def test_doctor_says_where_configs_are(installed, tmp_path):
    ended = _run(installed, tmp_path, "doctor")
    assert ended.returncode == 0, ended.stderr
    assert "configs come with the repository, name theirs with --configs" in ended.stdout
