"""Arrays in NumPy's npz and npy, of files that anybody may have written."""

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from typing import IO

import numpy as np

# What NumPy and zipfile raise for a damaged file.
ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError, AttributeError, EOFError,
    IndexError, KeyError, MemoryError, OSError, OverflowError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def read(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Every array of an open npz file, each no larger than the zip says that its member is: a header may say anything.

    Raises:
      ERRORS: one of them, where the file is damaged, or an array is larger than its member or holds Python objects.
    """
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as opened:
                version = np.lib.format.read_magic(opened)
                read_header = np.lib.format.read_array_header_1_0
                if version != (1, 0):
                    read_header = np.lib.format.read_array_header_2_0
                shape, _, dtype = read_header(opened)
            if dtype.hasobject or math.prod(shape) * dtype.itemsize > member.file_size or min(shape, default=0) < 0:
                raise ValueError(f"{member.filename} says {shape} of {dtype}, and has {member.file_size} bytes")
            with archive.open(member) as opened:
                arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(opened, allow_pickle=False)
    return arrays
