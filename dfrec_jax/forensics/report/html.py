"""`report.html`: the document as one file that asks nothing of anywhere."""

import base64
import io
import re
from importlib import resources
from pathlib import Path

import jinja2
import markupsafe
from PIL import Image

from dfrec_jax.forensics.report.closing import TITLES
from dfrec_jax.forensics.report.document import Document
from dfrec_jax.pictures import reading

LARGEST_SCALE = 2.1  # pixels on the page of a picture's, of one that has the width for itself
LARGEST = 1600  # pixels of a picture on the page; the file in the folder is whole
_CODE = re.compile(r"`([^`]*)`")


def page(document: Document) -> str:
    """The page, its pictures in it."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"kind": lambda block: type(block).__name__, "inline": inline, "short": TITLES}
    environment.globals["picture"] = lambda file: picture(document.folder / file)
    environment.globals["widest"] = lambda file: widest(document.folder / file)
    look = resources.files("dfrec_jax.reports") / "page.css"
    package = resources.files("dfrec_jax.forensics.report")
    style = look.read_text(encoding="utf-8") + (package / "report.css").read_text(encoding="utf-8")
    template = environment.from_string((package / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(document=document, style=markupsafe.Markup(style))


def inline(text: str) -> markupsafe.Markup:
    """Text with what stands between backquotes as code."""
    escaped = str(markupsafe.escape(text))
    return markupsafe.Markup(_CODE.sub(r"<code>\1</code>", escaped))


def widest(path: Path) -> int:
    """How wide a picture may stand on the page, in its pixels."""
    with Image.open(path) as opened:
        return round(opened.width * LARGEST_SCALE)


def picture(path: Path) -> str:
    """A `data:` address of a picture: its file as it is, or, of a large one, a smaller JPEG."""
    data, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(data)) as opened:
        reading.check_size(opened.size, len(data), path)
        if max(opened.size) > LARGEST:
            opened.thumbnail((LARGEST, LARGEST))
            smaller = io.BytesIO()
            opened.convert("RGB").save(smaller, format="JPEG", quality=90)
            data, kind = smaller.getvalue(), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
