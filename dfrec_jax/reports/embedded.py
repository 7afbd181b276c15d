"""Pictures inside a page: as `data:` addresses, for which no browser asks anybody."""

import base64
import io
from pathlib import Path

from dfrec_jax.reports import figures

LARGE = 128  # pixels; larger ones are shown smaller than they are, and go in as WebP


def picture(path: Path) -> str:
    """A PNG as it is, or where it is large as WebP, which does not keep every bit: the file itself does.

    Raises:
      ValueError: where it is damaged.
      OSError: where it is not there.
    """
    opened = figures.opened(path)
    if max(opened.size) > LARGE:
        smaller, kind = io.BytesIO(), "webp"
        opened.save(smaller, format="WEBP", quality=90)
        data = smaller.getvalue()
    else:
        data, kind = path.read_bytes(), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def svg(drawn: bytes) -> str:
    """A drawing."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
