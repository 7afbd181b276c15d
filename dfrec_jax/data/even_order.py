"""An endless order in which people come alike often, whoever has many records, and so do the attacks on each."""

import functools

import numpy as np
from jaxtyping import Int


class EvenOrder:
    """Which of some records stands at a position: a function of (seed, stream, position) and of nothing else.

    Every round shows each group of people once, in an order of its own; from round to round a group goes through its
    attacks, and each attack through its records.
    """

    def __init__(self, people: Int[np.ndarray, " n"], attacks: Int[np.ndarray, " n"], *, seed: int, stream: int):
        """Sorts the records into groups.

        Args:
          people: the group of each record.
          attacks: of each record.
          seed: of the orders.
          stream: a number that tells this order from others of the same seed.
        """
        self._seed, self._stream = seed, stream
        by_group = np.argsort(people, kind="stable")
        starts = np.unique(people[by_group], return_index=True)[1]
        self._groups = [
            [records[attacks[records] == attack] for attack in np.unique(attacks[records])]
            for records in np.split(by_group, starts[1:])
        ]

    def __call__(self, position: int) -> int:
        """The place, among the records, of the one at `position`."""
        turn, place = divmod(position, len(self._groups))
        group = int(_order(len(self._groups), self._seed, self._stream, 0, turn)[place])
        of_attacks = self._groups[group]
        turn, place = divmod(turn, len(of_attacks))
        records = of_attacks[_order(len(of_attacks), self._seed, self._stream, 1 + group, turn)[place]]
        turn, place = divmod(turn, len(records))
        return int(records[_order(len(records), self._seed, self._stream, int(records[0]), turn, 1)[place]])


@functools.lru_cache(maxsize=64)
def _order(size: int, *key: int) -> Int[np.ndarray, " n"]:
    return np.random.default_rng(key).permutation(size).astype(np.int32)
