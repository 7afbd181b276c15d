"""The hash of every file of a report, and a signature over the list of them.

`manifest.json` names each file but itself and `signature.json`. The signature is Ed25519 over the manifest's bytes: it
says that nothing was changed since, and by which key. Whose key it is has to be known otherwise.
"""

import base64
import binascii
import getpass
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.files import json_text, whole
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.forensics.report.contents import MANIFEST, SIGNATURE
from dfrec_jax.forensics.report.statements import LEAD

ALGORITHM = "Ed25519"
_NO_CRYPTOGRAPHY = "needs the package cryptography, which is not installed: pip install 'dfrec-jax[sign]'"


class SealError(ValueError):
    """A manifest or a signature that cannot be read; the message says what is wrong."""


def private_key(path: str | os.PathLike[str]) -> Any:
    """An Ed25519 key from a PEM file; where it is encrypted, the terminal is asked for the words.

    Raises:
      ConfigError: for another kind of file or key, or where `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise ConfigError(Option("sign", path), f": {_NO_CRYPTOGRAPHY}") from error
    data = _bytes_of("sign", path)
    try:
        password = None
        if b"ENCRYPTED" in data:
            if not sys.stdin.isatty():
                raise ConfigError(Option("sign", path), ": is encrypted, and there is no terminal to ask for its words")
            password = getpass.getpass(f"words of {path}: ").encode()
        key = load_pem_private_key(data, password)
    except ConfigError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Option("sign", path),
            f": cannot be read as a private key in PEM ({error}); `openssl genpkey -algorithm ed25519 "
            "-out KEY.pem` makes one",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(
            Option("sign", path),
            f": is a {type(key).__name__}, and must be Ed25519: `openssl genpkey -algorithm ed25519 -out "
            "KEY.pem` makes one",
        )
    return key


def public_key(path: str | os.PathLike[str]) -> bytes:
    """The 32 bytes of an Ed25519 public key, from its PEM file.

    Raises:
      ConfigError: for another kind of file or key, or where `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise ConfigError(Option("key", path), f": {_NO_CRYPTOGRAPHY}") from error
    try:
        key = load_pem_public_key(_bytes_of("key", path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Option("key", path),
            f": cannot be read as a public key in PEM ({error}); `openssl pkey -in KEY.pem -pubout -out "
            "PUBLIC.pem` writes that of a private one",
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(Option("key", path), f": is a {type(key).__name__}, and must be Ed25519")
    return key.public_bytes_raw()


def fingerprint(raw: bytes) -> str:
    """SHA-256 of the 32 bytes of a public key."""
    return hashlib.sha256(raw).hexdigest()


def of_files(folder: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 and size of every file below `folder` but the manifest and the signature, by their paths in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise SealError(f"{name}: is a link, or no plain file")
        if path.is_file() and name not in (MANIFEST, SIGNATURE):
            found[name] = {"sha256": sha256_of_file(path), "bytes": path.stat().st_size}
    return found


def seal(folder: Path, key: Any | None) -> None:
    """Writes the manifest, and the signature where there is a key; nothing in the folder may change afterwards."""
    content = {"format": 1, "statement": LEAD, "files": of_files(folder)}
    whole.write_json(folder / MANIFEST, content, indent=1)
    if key is not None:
        signature = key.sign((folder / MANIFEST).read_bytes())
        said = {
            "of": MANIFEST,
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
            "signature": base64.b64encode(signature).decode(),
        }
        whole.write_json(folder / SIGNATURE, said, indent=1)


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """The files that the manifest names. Raises SealError where it cannot be read."""
    try:
        files = json_text.parsed((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): {"sha256": str(of["sha256"]), "bytes": int(of["bytes"])} for name, of in files.items()}
    except (OSError, OverflowError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealError(f"{MANIFEST} cannot be read ({type(error).__name__}: {error})") from error


def signer(folder: Path) -> bytes | None:
    """The public key whose signature holds; None where nothing was signed.

    Raises:
      SealError: for a signature that does not hold, or cannot be read.
      ConfigError: where `cryptography` is not installed.
    """
    path = folder / SIGNATURE
    if not path.exists():
        return None
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise ConfigError(f"{path}: {_NO_CRYPTOGRAPHY}") from error
    try:
        said = json_text.parsed(path.read_text(encoding="utf-8"))
        raw, signature = (base64.b64decode(said[name], validate=True) for name in ("public_key", "signature"))
        if said["algorithm"] != ALGORITHM or said["of"] != MANIFEST:
            raise SealError(f"{SIGNATURE}: is {said['algorithm']} of {said['of']}, not {ALGORITHM} of {MANIFEST}")
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, (folder / MANIFEST).read_bytes())
    except InvalidSignature as error:
        raise SealError(
            f"the signature does not hold: {MANIFEST} was changed, or it was signed with another key"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        if isinstance(error, SealError):
            raise
        raise SealError(f"{SIGNATURE} cannot be read ({type(error).__name__}: {error})") from error
    return raw


def _bytes_of(option: str, path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(Option(option, path), f": cannot be read ({error.strerror})") from error
