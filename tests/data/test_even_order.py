"""People come alike often, and so do the attacks on each, whoever has many records."""

from collections import Counter

import numpy as np

from dfrec_jax.data.even_order import EvenOrder

# Person 0 has 90 records of attack 0 and 2 of attack 1, person 1 five, person 2 one.
PEOPLE = np.repeat([0, 0, 1, 2], [90, 2, 5, 1])
ATTACKS = np.repeat([0, 1, 0, 1], [90, 2, 5, 1])


def test_no_person_and_no_attack_fills_the_batch():
    order = EvenOrder(PEOPLE, ATTACKS, seed=0, stream=1)
    drawn = np.array([order(position) for position in range(3 * 40)])
    assert all(sorted(PEOPLE[drawn[start : start + 3]]) == [0, 1, 2] for start in range(0, 120, 3))
    of_first = drawn[PEOPLE[drawn] == 0]
    assert Counter(ATTACKS[of_first].tolist()) == {0: 20, 1: 20}
    assert max(Counter(of_first[ATTACKS[of_first] == 0].tolist()).values()) == 1, "none twice before all were shown"
    assert len(set(drawn[PEOPLE[drawn] == 1].tolist())) == 5


def test_the_order_depends_on_the_seed_the_stream_and_the_position_alone():
    def drawn(**changes):
        order = EvenOrder(PEOPLE, ATTACKS, **{"seed": 0, "stream": 1, **changes})
        return [order(position) for position in range(30)]

    backwards = EvenOrder(PEOPLE, ATTACKS, seed=0, stream=1)
    assert drawn() == [backwards(position) for position in reversed(range(30))][::-1]
    assert drawn() != drawn(seed=1) and drawn() != drawn(stream=2)
