"""What a run was trained on, as a table sees it."""

import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.paper import runs_at_hand
from dfrec_jax.paper.table_data import Data
from dfrec_jax.runs import released, stored_config


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
