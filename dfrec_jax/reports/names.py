"""Names that come from folders and from flags, in a table of Markdown."""

import re

_SPECIAL = re.compile(r"[\\`*|<]")


def in_markdown(name: str) -> str:
    """`name` as Markdown shows it, whatever it is, in one cell of one line."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(name.split()))
