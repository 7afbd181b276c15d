"""Lists of cases whose truth is known."""

from pathlib import Path

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.tracing import known_cases
from dfrec_jax.tracing.known_cases import Case
from tests.tracing import drawn

X = Path("x")


def test_people_are_parted_as_the_cases_say_and_else_in_halves():
    gallery = drawn.people_of_no_pictures(30)
    cases = [Case(X, {"target": f"p{i:02d}"}, (), "fit" if i < 3 else "measure" if i < 6 else "") for i in range(10)]
    in_b = known_cases.is_of_measurement(gallery, cases, 0)
    assert not in_b[:3].any() and in_b[3:6].all()
    assert in_b[6:10].sum() == 2 and in_b[10:].sum() == 10
    assert (in_b != known_cases.is_of_measurement(gallery, cases, 1)).any()
    with pytest.raises(ConfigError, match="p00 is in both parts"):
        known_cases.is_of_measurement(gallery, [*cases, Case(X, {"source": "p00"}, (), "measure")], 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("picture,target\na.png,p00\n", "has the columns picture, target"),
        ("exhibit\na.png\n", "has the columns exhibit"),
        ("exhibit,target\na.png,somebody\n", r"line 2: target or source must name people of the gallery.*somebody"),
        ("exhibit,target,source\na.png,,\n", "line 2: .*nobody"),
        ("exhibit,target,part\na.png,p00,both\n", "part='both' must be one of"),
        ("exhibit,target\n", "holds no case"),
    ],
)
def test_wrong_lists_of_cases_are_refused(tmp_path, text, words):
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        known_cases.cases_of(path, drawn.people_of_no_pictures(2))


def test_a_list_of_cases_is_read(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("exhibit,target,source,visible,part\na.png,p00,p01,v/1.png;v/2.png,fit\nb,p01,,,\n")
    assert known_cases.cases_of(path, drawn.people_of_no_pictures(2)) == [
        Case(
            tmp_path / "a.png",
            {"target": "p00", "source": "p01"},
            (tmp_path / "v/1.png", tmp_path / "v/2.png"),
            "fit",
        ),
        Case(tmp_path / "b", {"target": "p01"}, (), ""),
    ]
