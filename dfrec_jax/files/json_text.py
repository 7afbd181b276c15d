"""JSON that anybody may have written."""

import json
from typing import Any


def parsed(text: str | bytes) -> Any:
    """What the text says.

    Raises:
      ValueError: for what is no JSON, or is nested deeper than Python goes; for bytes that are no text too.
    """
    try:
        return json.loads(text)
    except RecursionError as error:  # which is no ValueError, so that who reads a file would let it pass
        raise ValueError("it is nested too deeply") from error
