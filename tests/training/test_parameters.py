"""What a run trains, in numbers."""

import jax
import jax.numpy as jnp

from dfrec_jax.training import parameters, sharding


def test_every_parameter_stands_in_the_file_and_the_parts_on_the_screen(tmp_path, capsys):
    mesh = jax.sharding.Mesh([[device] for device in jax.devices()[:2]], sharding.AXES)
    shapes = {
        "ism": {"kernel": jax.ShapeDtypeStruct((1000, 3), jnp.float32, sharding=sharding.batch_sharding(mesh))},
        "tirm": {"block": {"bias": jax.ShapeDtypeStruct((12,), jnp.bfloat16)}},
    }
    parameters.keep_overview(shapes, tmp_path)
    assert "3,012 parameters (ism 3,000, tirm 12), each of them in" in capsys.readouterr().err
    lines = (tmp_path / "parameters.txt").read_text().splitlines()
    row = next(line for line in lines if "ism/kernel" in line)
    assert "(1000, 3)" in row and "3,000" in row and "data" in row
    assert any("tirm/block/bias" in line and "bfloat16" in line for line in lines) and "3,012" in lines[-1]
