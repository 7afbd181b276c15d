"""What the operator says of a case; nothing of it is checked, and what is left out is a line to write on."""

from typing import NamedTuple


class Case(NamedTuple):
    """Words of the operator. Empty: not given.

    Attributes:
      case_number: of the authority.
      operator: who runs the program.
      acquisition: how the exhibit was acquired, by whom, and where the original is kept.
      legal_basis: on which the biometric data of these people are processed.
      authorisation: its number, or who gave it.
      gallery_origin: where the pictures of known people come from, and by what right.
      second_verifier: who checks it independently.
    """

    case_number: str = ""
    operator: str = ""
    acquisition: str = ""
    legal_basis: str = ""
    authorisation: str = ""
    gallery_origin: str = ""
    second_verifier: str = ""


TITLES = {
    "case_number": "Case number",
    "operator": "Operator",
    "acquisition": "Acquisition of the exhibit",
    "legal_basis": "Legal basis",
    "authorisation": "Authorisation",
    "gallery_origin": "Origin of the gallery",
    "second_verifier": "Second verifier",
}
