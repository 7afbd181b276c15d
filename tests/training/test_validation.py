"""What training may see of held-out people is there before it begins."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.models import dfrec
from dfrec_jax.pictures import grid
from dfrec_jax.training import sharding
from dfrec_jax.training.tasks.dfrec import SAMPLE_COLUMNS, make_recover
from dfrec_jax.training.validation import RECOVERED, Validator
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


def test_it_scores_what_was_recovered_and_brings_no_picture_to_the_host(capsys, monkeypatch):
    config = tiny.config()
    config.data.validation_examples = 16
    mesh = sharding.make_mesh(config.mesh)
    numbers = np.arange(8)

    def batches(config, split, *, max_examples, **hosts):
        for first in (0, 8):
            rows = first + numbers
            yield {**tiny.batch(8, seed=first), "number": rows, "is_valid": rows < 13}

    monkeypatch.setattr(pipeline, "eval_batches", batches)
    validator = Validator(lambda weight, batch: {RECOVERED: batch["target"] * weight}, (), tiny.network(), config, mesh)
    assert validator.score(jnp.float32(1)) == pytest.approx(1, abs=1e-5)
    said = capsys.readouterr().err
    assert said.splitlines()[0] == "compiling the validation ..." and "compiled in" in said
    want = []
    for batch in batches(config, "validation", max_examples=16):
        dim, whole = (tiny.network()(jnp.float32(batch["target"]) / 255 * weight)["embedding"] for weight in (0.5, 1))
        want += list((dim * whole).sum(axis=-1)[batch["is_forgery"] & batch["is_valid"] & batch["has_target"]])
    assert validator.score(jnp.float32(0.5)) == pytest.approx(np.mean(want), rel=1e-5)
    assert capsys.readouterr().err == "", "it is compiled once"


def test_the_grid_shows_the_first_examples(monkeypatch):
    config, given = tiny.config(), {**tiny.batch(8), "is_valid": np.ones(8, bool)}
    monkeypatch.setattr(pipeline, "eval_batches", lambda *_, **__: iter([given]))
    recover = lambda weight, batch: {RECOVERED: batch["image"] * weight}  # noqa: E731
    mesh, drawn = sharding.make_mesh(config.mesh), []
    validator = Validator(recover, ("input", RECOVERED, "true target"), tiny.network(), config, mesh)
    monkeypatch.setattr(grid, "grid", lambda rows, columns, captions: drawn.extend(rows) or Image.new("RGB", (1, 1)))
    validator.sample_grid(jnp.float32(0.5))
    assert len(drawn) == 8
    for row, (image, recovered, target) in enumerate(drawn):
        np.testing.assert_allclose(image, given["image"][row] / 255, atol=1e-6)
        np.testing.assert_allclose(recovered, given["image"][row] / 510, atol=1e-6)
        np.testing.assert_allclose(target, given["target"][row] / 255, atol=1e-6)


def test_a_missing_split_is_refused_before_training(make_config, tmp_path):
    import shutil

    whole = make_config().data.dir
    shutil.copytree(f"{whole}/faces", tmp_path / "faces")
    for path in (tmp_path / "faces" / "1.0.0").glob("index-validation*"):
        path.unlink()
    with pytest.raises(ConfigError, match="'faces' has the splits test, train, and not validation"):
        _validator(dataset="faces", dir=str(tmp_path))
