"""Addresses of object stores, `s3://bucket/folder` and `gs://bucket/folder`, beside paths of files."""

import re
from collections.abc import Collection, Mapping

# Of each store the package that fsspec reads it by, and our extra that installs it.
STORES = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gcs")}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class StoreError(ValueError):
    """What lies in an object store cannot be had; the message names the address and what to do."""


def is_address(text: str) -> bool:
    """Whether it is an address of anything, and no path: it begins with `scheme://`."""
    return bool(_SCHEME.match(text))


def split(address: str) -> tuple[str, list[str]]:
    """The scheme of an address, and its bucket and the names below it.

    Raises:
      StoreError: for another scheme than those of `STORES`, an address without a bucket, or one with `.` or `..` in it.
    """
    scheme, _, rest = address.partition("://")
    if scheme not in STORES:
        raise StoreError(f"{address}: only s3:// and gs:// are read, and folders")
    names = [name for name in rest.split("/") if name]
    if not names or not rest.split("/")[0] or any(name in (".", "..") for name in names):
        raise StoreError(f"{address}: no address of a folder in a bucket, as {scheme}://BUCKET/FOLDER")
    return scheme, names


def joined(address: str, *names: str) -> str:
    """An address below another one."""
    return "/".join([address.rstrip("/"), *names])


def refuse(values: Mapping[str, object], but: Collection[str] = ()) -> None:
    """Refuses addresses where only files and folders are read and written.

    Taken for a path, `s3://bucket` would be a folder `s3:` of the machine at hand, and what is written there be lost
    with it.

    Args:
      values: what was given, by the name that its giver knows it by; of a list each member counts, and what is behind
        the `=` of `NAME=DIR`.
      but: names of what may be an address.

    Raises:
      StoreError: for the first address.
    """
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if name in but or not isinstance(one, str):
                continue
            for entry in one.split(","):
                path = entry.strip().rpartition("=")[2]
                if is_address(path):
                    raise StoreError(
                        f"{name}={one}: must be a file or folder of this machine, or of one that is mounted here; only "
                        "prepared data (data.dir, --data_dir) and weights (frozen.weights_dir, --weights-dir, "
                        "DFREC_WEIGHTS) are read from s3:// and gs:// (docs/data.md)"
                    )
