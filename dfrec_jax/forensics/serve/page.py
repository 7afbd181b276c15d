"""The page itself: a template, and the look of the reports."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2

from dfrec_jax.forensics.report.case import TITLES
from dfrec_jax.forensics.report.html import inline
from dfrec_jax.forensics.report.statements import LEAD, NO_IDENTIFICATION


def html(about: Mapping[str, Any], most_bytes: int) -> str:
    """The page.

    Args:
      about: `network`, in words; `assume`, as of `Recoverer`; `visible`, names of the pictures that show who is seen.
      most_bytes: of a picture.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["inline"] = inline
    package = resources.files("dfrec_jax.forensics.serve")
    template = environment.from_string((package / "page.html.j2").read_text(encoding="utf-8"))
    most = f"{most_bytes / 2**20:g} MiB"
    return template.render(about=about, most=most, lead=LEAD, words=NO_IDENTIFICATION, case=TITLES)


def style() -> str:
    """The reports' look, and the page's own."""
    of_reports = resources.files("dfrec_jax.reports") / "page.css"
    own = resources.files("dfrec_jax.forensics.serve") / "serve.css"
    return of_reports.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
