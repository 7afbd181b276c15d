import jax
import jax.numpy as jnp
import pytest

from dfrec_jax.weights import shapes


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What asks for shapes, and how often it traced; the folder of code; that of the cache."""
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    code, traces = tmp_path / "code", []
    code.mkdir()
    (code / "module.py").write_text("one")

    def trace():
        traces.append(1)
        leaf = jax.ShapeDtypeStruct
        return {"params": {"conv": {"kernel": leaf((3, 4), jnp.float32)}}, "stats": {"mean": leaf((), jnp.bfloat16)}}

    def ask(what="net"):
        found = shapes.of_variables(what, (code,), trace)
        assert {path: (leaf.shape, leaf.dtype) for path, leaf in found.items()} == {
            "params/conv/kernel": ((3, 4), jnp.float32), "stats/mean": ((), jnp.bfloat16),
        }  # fmt: skip
        return len(traces)

    return ask, code, tmp_path / "cache" / "shapes"


def test_a_module_is_traced_once(told):
    ask, *_ = told
    assert ask() == ask() == 1


def test_other_settings_or_other_code_are_traced(told):
    ask, code, _ = told
    assert (ask(), ask("another net")) == (1, 2)
    (code / "module.py").write_text("two")
    assert ask() == 3
    (code / "more.py").write_text("")
    assert ask() == 4


@pytest.mark.parametrize("torn", ["", "[]", '{"params/conv/kernel": 3}', '{"a": [[1], "no type"]}'])
def test_a_torn_note_is_made_again(told, torn):
    ask, _, notes = told
    ask()
    (note,) = notes.iterdir()
    note.write_text(torn)
    assert ask() == ask() == 2


def test_a_cache_that_cannot_be_written_is_no_hindrance(told, tmp_path, caplog):
    ask, *_ = told
    (tmp_path / "cache").write_text("a file")
    assert (ask(), ask()) == (1, 2) and "cannot be written" in caplog.text
