"""The unfinished preparation on disk."""

import pytest

from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.preparation.unfinished import Unfinished
from tests.preparation import trees


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\x00", b'{"size": '], ids=str)
def test_what_a_power_cut_left_is_refused_by_name_with_the_fix(tmp_path, content):
    trees.people(tmp_path / "in", {"a": 1})
    plan, folder = face_folders.plan(str(tmp_path / "in")), tmp_path / "unfinished"
    unfinished = Unfinished(folder, plan, {"size": 64})
    unfinished.write(0, [], [])
    said = folder / "parts" / "0000000.said"
    whole = said.read_bytes()
    said.write_bytes(content)
    with pytest.raises(PreparationError, match="0000000.said is damaged: delete .*unfinished and run"):
        unfinished.said()
    said.write_bytes(whole)
    (folder / "settings.json").write_bytes(content)
    with pytest.raises(PreparationError, match="settings.json is damaged: delete .*unfinished and run"):
        Unfinished(folder, plan, {"size": 64})
