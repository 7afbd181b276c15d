"""The audit as pages for a person (audit.md, examples.jpg, forged.jpg) and as a file for a program (audit.json)."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.audit.audit import NUM_EXAMPLES, Audit
from dfrec_jax.files import whole
from dfrec_jax.preparation import contact_sheet
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.records import schema
from dfrec_jax.records.schema import LABELS, PRISTINE

_TITLES = {
    "origin_pixels": "Side of the crop in pixels of the original (below the crop's own size: enlarged)",
    "sharpness": "Sharpness (variance of the Laplacian of the crop)",
    "jpeg_quality": "JPEG quality of the stored crop",
}
CELL = 112
ROLES, PAIRS_A_ROW = ("image", "source", "target", "mask"), 3


def summary(audit: Audit) -> str:
    """The page, in Markdown."""
    leaks = Counter((leak.kind, leak.first_split, leak.second_split) for leak in audit.leaks)
    lines = [f"# {audit.folder.parent.name}", "", "| split | label | attack | records |", "|---|---|---|---|"]
    lines += [f"| {split} | {label} | {attack} | {count} |" for (split, label, attack), count in audit.counts.items()]
    lines += ["", "People: " + ", ".join(f"{count} in {split}" for split, count in audit.people.items())]
    lines += ["", "## Leakage", ""]
    lines += [f"- {kind} shared by {a} and {b}: {count}" for (kind, a, b), count in sorted(leaks.items())] or [
        "None found."
    ]
    for leak in audit.leaks[:NUM_EXAMPLES]:
        lines.append(f"  - {leak.kind}: `{leak.first}` ({leak.first_split}) and `{leak.second}` ({leak.second_split})")
    lines += ["", "## Missing halves", ""]
    lines += [
        f"- {split}, {attack}: {count} records without {what}" for (split, attack, what), count in audit.missing.items()
    ] or ["None."]
    lines += ["", "## Refused by the preparation (rejected.csv)", ""]
    lines += [f"- {count}: {reason}" for reason, count in audit.rejected.items()] or ["Nothing."]
    for name, (edges, counts) in audit.histograms.items():
        lines += ["", f"## {_TITLES[name]}", "", "| from | to | records |", "|---|---|---|"]
        bins = zip(edges, edges[1:], counts, strict=False)
        lines += [f"| {low:g} | {high:g} | {count} |" for low, high, count in bins if count]
    return "\n".join([*lines, "", "![forgeries with source, target and mask, then pristine faces](examples.jpg)", ""])


def write(audit: Audit, forged: UInt8[np.ndarray, "n 4 h w 3"] | None, out: Path) -> list[Path]:
    """Writes audit.md, audit.json, examples.jpg and, of `forged` (see `forged_examples`), forged.jpg into `out`.

    Raises:
      PreparationError: where `out` cannot be written.
    """
    content = {
        "folder": str(audit.folder),
        "counts": [[*key, count] for key, count in audit.counts.items()],
        "people": audit.people,
        "missing": [[*key, count] for key, count in audit.missing.items()],
        "rejected": audit.rejected,
        "histograms": {
            name: {"edges": [edge if np.isfinite(edge) else None for edge in edges], "counts": counts}
            for name, (edges, counts) in audit.histograms.items()
        },
        "leaks": [leak._asdict() for leak in audit.leaks],
    }
    pairs = [_row(record) for record in audit.examples if LABELS[record["label"]] != PRISTINE]
    pairs += [[np.zeros_like(cell) for cell in pairs[0]]] * (-len(pairs) % PAIRS_A_ROW) if pairs else []
    faces = [_row(record)[0] for record in audit.examples if LABELS[record["label"]] == PRISTINE]
    cells = [cell for row in pairs for cell in row] + faces
    files = {
        "audit.md": summary(audit).encode(),
        "audit.json": json.dumps(content, ensure_ascii=False, indent=1).encode(),
        "examples.jpg": schema.encode_jpeg(contact_sheet.in_grid(cells, columns=PAIRS_A_ROW * len(ROLES)), 90),
    }
    if forged is not None:
        rows = [np.concatenate(list(row), axis=1) for row in forged]
        files["forged.jpg"] = schema.encode_jpeg(contact_sheet.in_grid(rows, columns=2), 90)
    try:
        for name, data in files.items():
            with whole.replacing(out / name) as unfinished:
                unfinished.write_bytes(data)
    except OSError as error:
        raise PreparationError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error
    return [out / name for name in files]


def _row(record: schema.Record) -> list[UInt8[np.ndarray, "h w 3"]]:
    """The pictures of a record; a cell is black where there is none."""
    cells = []
    for role in ROLES:
        image = schema.decode(record[role]) if record[role] else np.zeros((CELL, CELL, 3), np.uint8)
        cells.append(cv2.resize(image, (CELL, CELL), interpolation=cv2.INTER_AREA))
    return cells
