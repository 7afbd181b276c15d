"""Numbers and names as a report writes them."""

import pytest

from dfrec_jax.forensics.report import document


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0123456, "0.0123"),
        (0.98, "0.980"),
        (23.16, "23.2"),
        (9.996, "10.0"),
        (0.99961, "1.00"),
        (12.345, "12.3"),
        (1234.5, "1230"),
        (0, "0"),
        (-0.5, "-0.500"),
        (1, "1.00"),
    ],
)
def test_three_significant_digits(value, words):
    assert document.significant(value) == words


def test_what_cannot_be_seen_is_written_as_its_number():
    assert document.plain("a\u200bb\u202ec\td\nä") == "a\\u200bb\\u202ec\\u0009d\\u000aä"


def test_an_interval_ends_at_the_place_of_its_number():
    assert document.interval(0.02991, 0.000908, 0.05741) == "0.030 [0.001, 0.057]"
    assert document.interval(-0.00166, -0.02787, 0.02419) == "-0.002 [-0.028, 0.024]"
    assert document.interval(-0.0001, -0.2, 0.2) == "0.00 [-0.20, 0.20]"
    assert document.interval(0.5, 0.5, 0.5) == "0.500 [0.500, 0.500]"
    assert document.interval(23.16, 22.9, 23.4) == "23.2 [22.9, 23.4]"


@pytest.mark.parametrize(
    ("log10_lr", "words"),
    [
        (1.65, "≥ 45 [0.042, 45]"),  # as a record rounds the bound
        (1.6500000000000001, "≥ 45 [0.042, 45]"),
        (1.6498, "45 [0.042, 45]"),
        (-1.38, "≤ 0.042 [0.042, 45]"),
        (0.0, "1.0 [0.042, 45]"),
    ],
)
def test_a_ratio_says_whether_it_stands_at_a_bound(log10_lr, words):
    assert document.ratio(log10_lr, (-1.3799999999999997, 1.6500000000000001)) == words


def test_a_ratio_has_no_exponent():
    assert document.ratio(2.0, (-1.01, 2.0)) == "≥ 100 [0.098, 100]"
