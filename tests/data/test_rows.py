"""Which example stands in which row: shares, coverage, reshuffling, and the split over hosts, by hand."""

import numpy as np
import pytest

from dfrec_jax.data import rows
from dfrec_jax.data.rows import BI, REAL, RECORDED


def test_kinds_have_their_shares_and_are_spread():
    kinds = rows.row_kinds(20, {REAL: 0.2, BI: 0.2, RECORDED: 0.6})
    assert [kinds.count(kind) for kind in (REAL, BI, RECORDED)] == [4, 4, 12]
    for kind in (REAL, BI):
        assert all(kinds[start : start + 5].count(kind) == 1 for start in range(0, 20, 5))


def test_shares_are_rounded_by_largest_remainder():
    kinds = rows.row_kinds(8, {REAL: 0.2, BI: 0.2, RECORDED: 0.6})
    assert len(kinds) == 8 and sorted(kinds.count(kind) for kind in (REAL, BI, RECORDED)) == [1, 2, 5]
    assert rows.row_kinds(4, {REAL: 0.0, RECORDED: 1.0}) == (RECORDED,) * 4


def test_a_share_below_one_row_is_refused():
    with pytest.raises(ValueError, match="a share of 0.02 of bi examples is less than one row; use a batch of 50"):
        rows.row_kinds(8, {BI: 0.02, RECORDED: 0.98})


def test_the_room_for_a_kind_is_that_of_the_fullest_group():
    kinds = (REAL, BI, BI, RECORDED, BI, REAL, REAL, REAL)
    assert [rows.most_in_a_group(kinds, BI, groups) for groups in (1, 2, 4, 8)] == [3, 2, 1, 1]


def test_each_visit_has_every_example_once_in_another_order():
    kinds = rows.row_kinds(6, {REAL: 1 / 3, RECORDED: 2 / 3})
    sizes = {REAL: 5, RECORDED: 7}
    stream = [rows.place_of(kinds, sizes, 0, index) for index in range(6 * 35)]
    for kind, size in sizes.items():
        places = [place for place in stream if place.kind == kind]
        visits = [places[start : start + size] for start in range(0, len(places), size)]
        assert len(visits) > 5 and all(sorted(p.number for p in visit) == list(range(size)) for visit in visits[:-1])
        assert all(place.visit == number for number, visit in enumerate(visits) for place in visit)
        assert [p.number for p in visits[0]] != [p.number for p in visits[1]]
    assert stream != [rows.place_of(kinds, sizes, 1, index) for index in range(6 * 35)]


def test_hosts_hold_equal_blocks_of_each_batch():
    for count in (1, 2, 4):
        share = 8 // count
        blocks = [[rows.local_index(i, share, host, 8) for i in range(3 * share)] for host in range(count)]
        for step in range(3):
            batch = [row for block in blocks for row in block[step * share : (step + 1) * share]]
            assert batch == list(range(8 * step, 8 * step + 8))


def test_scrambled_numbers_are_spread_and_change_with_seed_and_index():
    numbers = [rows.scrambled(seed, index) for seed in range(4) for index in range(2000)]
    assert len(set(numbers)) == 8000 and all(0 <= number < 2**64 for number in numbers)
    counts = np.bincount([number % 8 for number in numbers[:2000]], minlength=8)
    assert counts.min() > 200 and counts.max() < 300
    together = [a % 8 == b % 8 for a, b in zip(numbers[:2000], numbers[2000:4000], strict=True)]
    assert 200 < sum(together) < 300
    assert rows.scrambled(1, 7) == rows.scrambled(1, 7)
