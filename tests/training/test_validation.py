"""What training may see of held-out people is there before it begins."""

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.models import dfrec
from dfrec_jax.training import sharding
from dfrec_jax.training.dfrec import SAMPLE_COLUMNS, make_recover
from dfrec_jax.training.validation import Validator
from tests import tiny


def _validator(**data):
    config = tiny.config()
    config.data.update(data)
    recover = make_recover(dfrec.build(config), config)
    return Validator(recover, SAMPLE_COLUMNS, tiny.network(), config, sharding.make_mesh(config.mesh))


def test_a_split_that_can_give_no_score_is_refused_before_training():
    _validator()
    with pytest.raises(ConfigError, match="data.validation_examples=8: none of them in the validation split"):
        _validator(real_share=1.0)


def test_a_missing_split_is_refused_before_training(make_config, tmp_path):
    import shutil

    whole = make_config().data.dir
    shutil.copytree(f"{whole}/faces", tmp_path / "faces")
    for path in (tmp_path / "faces" / "1.0.0").glob("index-validation*"):
        path.unlink()
    with pytest.raises(ConfigError, match="'faces' has the splits test, train, and not validation"):
        _validator(dataset="faces", dir=str(tmp_path))
