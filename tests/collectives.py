"""What the devices of a compiled program send to one another."""

import math
import re

OPERATIONS = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")
_LINE = re.compile(rf"= (?P<results>.*?) (?P<operation>{'|'.join(OPERATIONS)})(-start)?\(")
_ARRAY = re.compile(r"\b(?P<kind>pred|[a-z]+)(?P<bits>\d*)\[(?P<shape>[\d,]*)\]")


def sent_by(compiled) -> dict[str, int]:
    """Bytes of the results of each kind of collective operation on one device, of a `jax.stages.Compiled`."""
    found: dict[str, int] = {}
    for line in compiled.as_text().splitlines():
        if operation := _LINE.search(line):
            sizes = [
                math.prod(map(int, filter(None, array["shape"].split(",")))) * int(array["bits"] or 8) // 8
                for array in _ARRAY.finditer(operation["results"])
            ]
            found[operation["operation"]] = found.get(operation["operation"], 0) + sum(sizes)
    return found
