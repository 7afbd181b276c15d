"""`dfrec doctor` says what is there, what is missing, and how to get it."""

import argparse
import sys
from pathlib import Path

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


def test_a_config_that_is_made_of_another_is_read_wherever_the_command_is_given(tmp_path, monkeypatch):
    folder = tmp_path / "configs"
    folder.mkdir()
    words = CONFIG.format(attribute=0.0, networks=("embedded-a", "embedded-a", "embedded-b"))
    (folder / "first_of_two.py").write_text(words)
    (folder / "second_of_two.py").write_text(
        "from configs import first_of_two\n\nget_config = first_of_two.get_config\n"
    )
    monkeypatch.setattr(sys, "path", [path for path in sys.path if Path(path or ".").resolve() != Path.cwd()])
    for name in _configs_read():
        monkeypatch.delitem(sys.modules, name)
    try:
        assert list(doctor.weights(str(folder))) == ["first_of_two.py: needs none", "second_of_two.py: needs none"]
    finally:
        for name in _configs_read():
            del sys.modules[name]


def _configs_read():
    return [name for name in sys.modules if name.partition(".")[0] == "configs"]


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
