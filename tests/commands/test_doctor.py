"""`dfrec doctor` says what is there, what is missing, and how to get it."""

import argparse

import pytest

from dfrec_jax import cli
from dfrec_jax.commands import doctor
from dfrec_jax.files import cache

CONFIG = """
from dfrec_jax.config import defaults

def get_config():
    config = defaults.dfrec()
    config.loss.attribute = {attribute}
    config.frozen.identity, config.frozen.perceptual, config.frozen.metric = {networks}
    return config
"""


def test_it_says_what_is_there_and_how_to_get_the_rest(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DFREC_WEIGHTS", str(tmp_path))
    drawn = CONFIG.format(attribute=0.0, networks=("embedded-a", "embedded-a", "embedded-b"))
    (tmp_path / "drawn.py").write_text(drawn)
    light = CONFIG.format(attribute=0.5, networks=("mobilefacenet-foamliu", "squeezenet-imagenet", "embedded-b"))
    (tmp_path / "light.py").write_text(light)
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor", "--configs", str(tmp_path)])
    assert end.value.code == 0
    out = capsys.readouterr().out
    for words in ("jaxlib ", "8 of cpu", "no tpu: ", ": writable", "convert: ", "drawn.py: needs none"):
        assert words in out
    unwrapped = " ".join(out.split())
    assert "light.py: 3 of 3 missing: " in unwrapped
    assert "attributes-resnet50: get it by hand from python train.py" in unwrapped
    fetched = unwrapped.split("dfrec weights fetch ")[1].split(" or ")[0].split()
    assert sorted(fetched) == ["mobilefacenet-foamliu", "squeezenet-imagenet"], (
        "each once, and none that has no address"
    )
    assert max(map(len, out.splitlines())) <= doctor.COLUMNS, "no path of this machine is longer"


def test_it_names_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "file" / "cache"))
    assert f"NOT WRITABLE ({tmp_path / 'file'})" in next(doctor.caches())


def test_it_runs_where_the_others_refuse(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert "none: JAX_PLATFORMS=cuda: must name the cpu too" in next(doctor.devices())


def test_it_goes_on_where_there_is_no_home_folder(tmp_path, monkeypatch, capsys):
    def none():
        raise cache.CacheError("HOME is not set: DFREC_CACHE=DIR")

    monkeypatch.setattr(cache, "folder", none)
    monkeypatch.setattr(doctor, "devices", lambda: iter(()))
    assert doctor.run(argparse.Namespace(configs=str(tmp_path))) == 0
    assert "caches\n  none: HOME is not set" in capsys.readouterr().out
