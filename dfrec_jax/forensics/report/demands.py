"""What courts and standards ask of a report, as it was looked up on 2026-11-28, and the sections that answer it.

No clause is named that was not read, and nothing here claims that a report satisfies any of these texts.
"""

from typing import NamedTuple


class Demand(NamedTuple):
    """`is_general` marks what is general knowledge and was not looked up; `sections` are anchors."""

    source: str
    asked: str
    sections: tuple[str, ...]
    is_general: bool = False


DEMANDS = (
    Demand("ISO 21043-4 and -5 (June 2025)", "alternative propositions", ("propositions",)),
    Demand("ISO 21043-4 and -5 (June 2025)", "who or what interprets", ("case", "done", "second-reader")),
    Demand("ISO 21043-4 and -5 (June 2025)", "integrity of items", ("exhibit", "repeat")),
    Demand(
        "ISO 21043-4 and -5 (June 2025)",
        "measurement uncertainty and significant figures",
        ("measured", "reliability"),
    ),
    Demand("ISO 21043-4 and -5 (June 2025)", "how probabilities and likelihood ratios are reported", ("candidates",)),
    Demand(
        "ISO 21043-4 and -5 (June 2025)",
        "case-file review; control of reports: reviewer, version of the report",
        ("second-reader", "repeat"),
    ),
    Demand("ENFSI-BPM-DI-01 (2018)", "suitability before any comparison, initial assessment", ("applicability",)),
    Demand("ENFSI-BPM-DI-01 (2018)", "validation and uncertainty of the method", ("reliability", "limits")),
    Demand("ENFSI-BPM-DI-01 (2018)", "evaluation and presentation", ("plain", "measured")),
    Demand("FISWG, ASTM E3149, OSAC 2022-S-0007", "comparison by a list of features, done by a person", ("features",)),
    Demand(
        "SWGDE 21-I-002", "recognition and comparison are apart: candidate list, not identification", ("candidates",)
    ),
    Demand(
        "Aggadi, Moreton, Busey (PMC12967692)",
        "verbal scales overstate: number first, bounded likelihood ratio",
        ("candidates",),
    ),
    Demand(
        "FRE 702, proposed 707",
        "sufficient data, reliable method, known error rate, reliably applied to this case",
        ("done", "reliability", "applicability"),
    ),
    Demand(
        "EU AI Act (biometrics from 2027-12-02)",
        "authorisation, two persons",
        ("case", "second-reader"),
    ),
    Demand("EU AI Act", "no scraped galleries: origin of the gallery", ("case", "candidates"), is_general=True),
    Demand("EU AI Act (labelling from 2026)", "generated pictures are labelled", ("generated",)),
    Demand(
        "ISO/IEC 27037, 27042",
        "traceable, repeatable handling: acquisition, working copy, tool version, command, seeds",
        ("case", "exhibit", "repeat"),
        is_general=True,
    ),
    Demand("NIST FRTE", "open-set errors at a threshold and a gallery size", ("candidates",), is_general=True),
    Demand("C2PA", "which specification and which trust list: status codes", ("exhibit",)),
)
