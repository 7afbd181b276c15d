"""Pictures inside a page: as `data:` addresses, for which no browser asks anybody."""

import base64
import io
from pathlib import Path

from PIL import Image

LARGE = 128  # pixels; larger ones are shown smaller than they are, and go in as WebP


def picture(path: Path) -> str:
    """A PNG as it is, or where it is large as WebP, which does not keep every bit: the file itself does.

    Raises:
      OSError: where it is not there.
    """
    data, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(data)) as opened:
        if max(opened.size) > LARGE:
            smaller = io.BytesIO()
            opened.save(smaller, format="WEBP", quality=90)
            data, kind = smaller.getvalue(), "webp"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def svg(drawn: bytes) -> str:
    """A drawing."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
