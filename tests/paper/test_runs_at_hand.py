"""What a run is and was trained on, as a table sees it; a network that comes with the package is one too."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.paper import runs_at_hand, tables_of_runs
from dfrec_jax.paper.table_data import Data
from dfrec_jax.runs import released, shipped, stored_config
from tests.paper.workdirs import run


@pytest.mark.parametrize(
    "file, attack",
    [
        ("splitidentity_ftm.pth", "ftm"),
        ("splitidentity_idinjection.pth", "idinjection"),
        ("DFREC_INJ.pth", "idinjection"),
        ("splitidentity_lcr.pth", "lcr"),
        ("renamed.pth", None),
    ],
)
def test_an_imported_checkpoint_is_of_the_attack_that_its_file_names(tmp_path, file, attack):
    config = defaults.dfrec()
    config.name, config.mode = "dfrec-ftm", "released"  # the name that every imported one has: the registry's
    stored_config.save(tmp_path, config)
    said = {"source": file, "source_sha256": "0" * 64, "layout": "{}"}
    safetensors.numpy.save_file({"unused": np.zeros(1)}, tmp_path / released.RETAINED, said)
    if attack is None:
        with pytest.raises(ConfigError, match=r"imported from renamed\.pth, whose name does not say which attack"):
            runs_at_hand.open_run(tmp_path)
    else:
        assert runs_at_hand.open_run(tmp_path).trained_on == Data("celeba_megafs", attack)


@pytest.mark.parametrize(
    ("fields", "without"),
    [
        ({}, ()),
        ({"ism__enabled": False}, ("ISM",)),
        ({"tirm__fusion": "none", "loss__patch": 0.0}, ("fusion", "patch")),
        ({"loss__perceptual": 0.0, "loss__attribute": 0.0}, ("perceptual", "attribute")),
    ],
)
def test_an_ablation_is_told_by_its_config(tmp_path, fields, without):
    assert runs_at_hand.open_run(run(tmp_path / "a", **fields)).without == set(without)


def test_a_network_of_the_package_is_a_run_by_its_name_and_nothing_is_written_into_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = runs_at_hand.open_run("dfrec-small")
    assert (found.workdir, str(found.trained_on), found.without) == ("dfrec-small", "LFW", {"attribute"})
    assert runs_at_hand.folder_of("dfrec-small") == shipped.FOLDER / "dfrec-small"
    assert runs_at_hand.written_to("dfrec-small") == tables_of_runs.folder_of_results(["dfrec-small"], "")
    assert runs_at_hand.written_to("dfrec-small") == Path("runs/dfrec-small")
    own = run(tmp_path / "dfrec-small")
    assert runs_at_hand.folder_of(own) == runs_at_hand.written_to(own) == Path(own)
    assert runs_at_hand.open_run("dfrec-small").trained_on.dataset == "embedded", "a folder of that name comes first"
    assert tables_of_runs.folder_of_results([own, "b"], "") == Path("runs/report")
    assert tables_of_runs.folder_of_results([own, "b"], "x") == Path("x")
