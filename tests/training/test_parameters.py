"""What a run trains, in numbers."""

import jax
import jax.numpy as jnp
from absl import logging

from dfrec_jax.training import parameters, sharding


def test_every_parameter_stands_in_the_file_and_the_parts_on_the_screen(tmp_path, capsys):
    mesh = jax.sharding.Mesh([[device] for device in jax.devices()[:2]], sharding.AXES)
    shapes = {
        "ism": {"kernel": jax.ShapeDtypeStruct((1000, 3), jnp.float32, sharding=sharding.batch_sharding(mesh))},
        "tirm": {"block": {"bias": jax.ShapeDtypeStruct((12,), jnp.bfloat16)}},
    }
    parameters.keep_overview(shapes, tmp_path)
    table = [[word.strip() for word in line.split("|")] for line in capsys.readouterr().err.splitlines()]
    assert table[1] == ["", "Part", "Arrays", "Parameters", "Bytes", ""]
    assert table[3] == ["", "ism", "1", "3,000", "12,000", ""] and table[4] == ["", "tirm", "1", "12", "24", ""]
    assert table[-1] == [f"Total: 3,012 parameters, 12,024 bytes; each of them in {tmp_path / 'parameters.txt'}"]
    lines = (tmp_path / "parameters.txt").read_text().splitlines()
    row = next(line for line in lines if "ism/kernel" in line)
    assert "(1000, 3)" in row and "3,000" in row and "data" in row
    assert any("tirm/block/bias" in line and "bfloat16" in line for line in lines) and "3,012" in lines[-1]


def test_a_network_of_many_parts_does_not_fill_the_screen(tmp_path, capsys):
    shapes = {f"conv_{number}": {"bias": jax.ShapeDtypeStruct((2,), jnp.float32)} for number in range(200)}
    parameters.keep_overview(shapes, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) < 30 and "[...]" in lines and lines[-1].startswith("Total: 400 parameters")
    assert (tmp_path / "parameters.txt").read_text().count("conv_") == 200


def test_the_whole_is_logged_for_who_asks_for_it(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "info", lambda words, *values: said.append(words % values))
    parameters.keep_overview({"ism": {"kernel": jax.ShapeDtypeStruct((4, 3), jnp.float32)}}, tmp_path)
    assert any("ism/kernel" in words for words in said)
