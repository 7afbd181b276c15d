"""Fixtures of the frozen networks and of the metrics; see `parity.py` on how to add one."""

from tests.parity_case import Covered

COVERED: dict[str, Covered] = {}
