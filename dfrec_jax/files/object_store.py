"""What lies in an object store, read through fsspec: S3 by s3fs, Google Cloud Storage by gcsfs.

Credentials, regions and endpoints are those that these packages find: AWS_PROFILE, AWS_ENDPOINT_URL, a role of the
machine; GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth`; or FSSPEC_S3 and FSSPEC_GCS, as `FSSPEC_S3='{"anon": true}'`.
"""

import base64
import binascii
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec

from dfrec_jax.files import addresses
from dfrec_jax.files.addresses import StoreError
from dfrec_jax.files.hashing import sha256_of_file

_CHUNK_BYTES = 1 << 20


class StoredObject(NamedTuple):
    """One object, as its store lists it.

    Attributes:
      address: of it.
      name: behind the last slash.
      num_bytes: its size.
      version: what changes with the content: the ETag of S3, the generation of Google Cloud Storage.
      md5: of its content, in hex, where the store says it: of S3 the ETag, which of an object that was uploaded in
        parts is the MD5 of the MD5s of its parts, `-` and their number, and with keys of one's own no MD5 at all.
    """

    address: str
    name: str
    num_bytes: int
    version: str
    md5: str


def listing(address: str, *, is_deep: bool = False) -> list[StoredObject]:
    """The objects directly below `address`, sorted by address; with `is_deep` all below it. Empty where nothing is.

    Raises:
      StoreError: where it cannot be listed.
    """
    store = _filesystem(address)
    scheme, (bucket, *_) = addresses.split(address)
    with _one_clear_error(address):
        found = store.find(address, maxdepth=None if is_deep else 1, detail=True)
        if not found:  # nor is there where a bucket is missing
            store.info(f"{scheme}://{bucket}")
    return [_described(f"{scheme}://{path}", info) for path, info in sorted(found.items())]


def version(address: str) -> str:
    """Of an object, as it is now. Raises StoreError where that cannot be had."""
    store = _filesystem(address)
    with _one_clear_error(address):
        return _described(address, store.info(address)).version


def read(item: StoredObject, start: int, end: int) -> bytes:
    """Bytes `start` to `end`, which is not among them. Raises StoreError where they cannot be had."""
    store = _filesystem(item.address)
    with _one_clear_error(item.address):
        return store.cat_file(item.address, start=start, end=end)


def damage(item: StoredObject, path: Path, sha256: str = "") -> str | None:
    """What is wrong with the copy of an object at `path`, in words; empty where it is right.

    None where its content cannot be told: no SHA-256 is known, and its store says no MD5 of it; then its size alone is
    right.

    Raises:
      StoreError: where its store does not answer how it was uploaded.
    """
    size = path.stat().st_size
    if size != item.num_bytes:
        return f"{size} bytes have come of {item.num_bytes}"
    if sha256:
        found = sha256_of_file(path)
        return "" if found == sha256 else f"its SHA-256 is {found}, and SHA256SUMS has {sha256}"
    part_bytes = _part_bytes(item) if item.md5 else None
    if part_bytes is None:
        return None
    found = _md5(path, part_bytes)
    return "" if found == item.md5 else f"its MD5 is {found}, and its store has {item.md5}"


def _filesystem(address: str) -> Any:
    scheme = addresses.split(address)[0]
    package, extra = addresses.STORES[scheme]
    try:
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise StoreError(
            f"{address}: {scheme}:// is read by {package}, which is not installed: pip install 'dfrec-jax[{extra}]'"
        ) from error
    except Exception as error:  # of what stands in its environment: fsspec, botocore and Google's each raise their own
        raise StoreError(f"{address}: {package} cannot be set up ({_words(error)})") from error


@contextlib.contextmanager
def _one_clear_error(address: str) -> Iterator[None]:
    """Of what fsspec, botocore, aiohttp and Google's libraries raise, each its own."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(f"{address}: there is no such bucket or object ({_words(error)})") from error
    except PermissionError as error:
        raise StoreError(
            f"{address}: access is denied ({_words(error)}); the credentials are those that the store's own tools find"
        ) from error
    except Exception as error:
        raise StoreError(
            f"{address}: the store cannot be read ({type(error).__name__}: {_words(error)}); once that is mended, the "
            "same command goes on"
        ) from error


def _described(address: str, info: dict[str, Any]) -> StoredObject:
    """An object as s3fs or gcsfs describes it."""
    etag = str(info.get("ETag") or info.get("etag") or "").strip('"')
    if address.startswith("s3://"):
        md5 = etag
    else:
        try:  # where Google's store joined it of several, it has no MD5
            md5 = base64.b64decode(info.get("md5Hash") or "", validate=True).hex()
        except binascii.Error:
            md5 = ""
    version = str(info.get("generation") or etag)
    return StoredObject(address, address.rpartition("/")[2], int(info["size"]), version, md5)


def _part_bytes(item: StoredObject) -> int | None:
    """How large the parts were in which an object was uploaded, 0 for one that came whole; None where its ETag is no
    MD5, or this cannot be told."""
    if not item.address.startswith("s3://"):
        return 0
    _, (bucket, *key) = addresses.split(item.address)
    if bucket.endswith("--x-s3"):  # a directory bucket
        return None
    store = _filesystem(item.address)
    with _one_clear_error(item.address):
        head = store.call_s3("head_object", Bucket=bucket, Key="/".join(key), PartNumber=1)
    if head.get("SSECustomerAlgorithm") or str(head.get("ServerSideEncryption", "")).startswith("aws:kms"):
        return None
    _, dash, count = item.md5.partition("-")
    if not dash:
        return 0 if len(item.md5) == 32 else None
    size = int(head["ContentLength"])
    is_told = count.isdecimal() and size and -(-item.num_bytes // size) == int(count)
    return size if is_told else None


def _md5(path: Path, part_bytes: int) -> str:
    """As S3 makes an ETag of it."""
    of_parts = []
    with path.open("rb") as file:
        while True:
            digest, left = hashlib.md5(usedforsecurity=False), part_bytes or path.stat().st_size
            while left and (data := file.read(min(left, _CHUNK_BYTES))):
                digest.update(data)
                left -= len(data)
            if not part_bytes:
                return digest.hexdigest()
            if left == part_bytes:  # nothing was left to read
                break
            of_parts.append(digest.digest())
    return f"{hashlib.md5(b''.join(of_parts), usedforsecurity=False).hexdigest()}-{len(of_parts)}"


def _words(error: Exception) -> str:
    """One line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
