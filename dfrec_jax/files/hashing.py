"""The hash of a file."""

import hashlib
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """Of its bytes, in hex; the file is not held in memory. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
