"""Records of figures and their pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.reports import figures
from tests.reports.made_up import densities, grid, picture


def test_a_record_comes_back(tmp_path):
    for made in (grid(tmp_path), densities(), figures.Figure("5", "nothing", missing=("why",))):
        figures.write(made, tmp_path / "figure.json")
        assert figures.read(tmp_path / "figure.json") == made
    assert grid(tmp_path).is_empty is densities().is_empty is False and made.is_empty


def test_a_picture_is_kept_once_and_to_the_bit(tmp_path):
    name = figures.keep(picture(1), tmp_path)
    assert figures.keep(picture(1), tmp_path) == name != figures.keep(picture(2), tmp_path)
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    with Image.open(tmp_path / "pictures" / name) as kept:
        np.testing.assert_array_equal(np.asarray(kept), picture(1))
    gray = figures.keep(picture(1)[..., :1], tmp_path)
    with Image.open(tmp_path / "pictures" / gray) as kept:
        np.testing.assert_array_equal(np.asarray(kept), np.repeat(picture(1)[..., :1], 3, axis=-1))


@pytest.mark.parametrize("content", [b"", b"torn", "half"])
def test_a_damaged_picture_is_named(tmp_path, content):
    path = tmp_path / "pictures" / figures.keep(picture(1), tmp_path)
    path.write_bytes(path.read_bytes()[:60] if content == "half" else content)
    with pytest.raises(ValueError, match=f"{path.name}: is damaged"):
        figures.opened(path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd.png", "a.svg"])
def test_a_record_that_leads_elsewhere_is_refused(tmp_path, name):
    path = tmp_path / "figure.json"
    figures.write(grid(tmp_path), path)
    content = json.loads(path.read_text())
    content["lines"][0]["places"][0]["picture"] = name
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="figure.json: holds no figure .*is no picture beside it"):
        figures.read(path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"name": "1"}'])
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "figure.json").write_text(text)
    with pytest.raises(ValueError, match="figure.json: holds no figure"):
        figures.read(tmp_path / "figure.json")
