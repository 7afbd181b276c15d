"""How rules and a file's tensors meet, counted to the end for `dfrec weights check`; `port` stops at a fault."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from dfrec_jax.weights.rules import Rule


class Coverage(NamedTuple):
    """What becomes of a file's tensors.

    Attributes:
      num_matched: tensors that become variables of ours.
      dropped: tensors that a rule drops, counted by its reason.
      unmatched: names of tensors that no rule knows.
      unfilled: paths of our variables that no tensor fills.
    """

    num_matched: int
    dropped: Mapping[str, int]
    unmatched: tuple[str, ...]
    unfilled: tuple[str, ...]

    def __str__(self) -> str:
        """One line: the counts, then what is wrong by name."""
        parts = [f"{self.num_matched} matched"]
        parts += [f"{count} dropped ({reason})" for reason, count in self.dropped.items()]
        parts += [f"{len(self.unmatched)} unmatched{_first(self.unmatched)}"]
        parts += [f"{len(self.unfilled)} of ours not filled{_first(self.unfilled)}"] if self.unfilled else []
        return ", ".join(parts)


def _first(names: tuple[str, ...]) -> str:
    return f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""


def coverage(tensors: Mapping[str, np.ndarray], rules: Iterable[Rule], expected: Iterable[str]) -> Coverage:
    """Counts what `rules` make of `tensors`; `expected` are the paths of our variables."""
    rules, unmatched, filled = tuple(rules), [], set()
    num_matched, dropped = 0, Counter()
    for name, tensor in tensors.items():
        matches = ((rule, re.fullmatch(rule.source, name)) for rule in rules)
        rule, match = next(((rule, match) for rule, match in matches if match), (None, None))
        if rule is None or match is None:
            unmatched.append(name)
        elif rule.target is None:
            dropped[rule.reason] += 1
        else:
            num_matched += 1
            suffixes = rule.split(tensor) if rule.split else [""]
            filled |= {match.expand(rule.target) + suffix for suffix in suffixes}
    return Coverage(num_matched, dropped, tuple(unmatched), tuple(sorted(set(expected) - filled)))
