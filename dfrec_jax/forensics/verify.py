"""Whether a report is what was written, says what was made, and is made again from the exhibit and the network."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reportlab.platypus.doctemplate import LayoutError

from dfrec_jax.forensics import result_folder
from dfrec_jax.forensics.comparing import Check, compared
from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report import sealing, write
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.pictures.reading import sha256_of

# What drawing pages raises where records and pictures are not of a kind that they are made of.
_OF_RECORDS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, OSError, RecursionError)
Again = Callable[[Contents, Path], Path]  # recovers the exhibit of a report once more, into a folder that it returns


class Expected(NamedTuple):
    """What whoever checks knows from elsewhere.

    Attributes:
      exhibit: SHA-256 of the exhibit's file; None: not at hand.
      public_key: 32 bytes, whose signature is expected; None: nobody said.
    """

    exhibit: str | None = None
    public_key: bytes | None = None


def verify(
    folder: Path,
    expected: Expected,
    network: Callable[[], Mapping[str, Any]],
    again: Again | None,
) -> Iterator[Check]:
    """Checks one report, the cheapest first; what needs the network is not begun where the folder is wrong already.

    Args:
      folder: of the report.
      expected: what is known from elsewhere.
      network: gives `config_sha256` and `network_sha256` of the network at hand, for the step of the report.
      again: recovers once more; None: nobody does.

    Raises:
      ValueError: for a folder that is no report.
      ConfigError: for a signature that nothing can check.
    """
    contents = names.read(folder)
    first = [*_files(folder), _signature(folder, contents, expected), *_exhibit(contents, expected), _pages(contents)]
    yield from first
    if any(check.holds is False for check in first):
        yield Check("network", None, "not checked: what is above tells already")
        yield Check("made again", None, "not made again: what is above tells already")
        return
    found = list(_network(contents, network()))
    yield from found
    if again is None:
        yield Check("made again", None, "not made again, as was asked")
    elif any(check.holds is False for check in found):
        yield Check("made again", None, "not made again: it is another network")
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield from compared(contents, again(contents, Path(temporary)))


def _files(folder: Path) -> Iterator[Check]:
    try:
        listed, there = sealing.listed(folder), sealing.of_files(folder)
    except sealing.SealError as error:
        yield Check("files", False, str(error))
        return
    wrong = [f"{name} was changed" for name in sorted(listed.keys() & there.keys()) if listed[name] != there[name]]
    wrong += [f"{name} is missing" for name in sorted(listed.keys() - there.keys())]
    wrong += [f"{name} is not in {names.MANIFEST}" for name in sorted(there.keys() - listed.keys())]
    missing = {names.RECORD, result_folder.RECORD, names.HTML, names.PDF, names.CONFIG} - listed.keys()
    wrong += [f"{names.MANIFEST} does not name {name}" for name in sorted(missing)]
    yield Check("files", not wrong, "; ".join(wrong) or f"{len(listed)} files have the hashes of {names.MANIFEST}")


def _signature(folder: Path, contents: Contents, expected: Expected) -> Check:
    try:
        signer = sealing.signer(folder)
    except sealing.SealError as error:
        return Check("signature", False, str(error))
    said = contents.said.get("signed_by")
    if signer is None:
        if said or expected.public_key is not None:
            return Check("signature", False, f"there is none, and one by {said or 'the key named'} is expected")
        return Check("signature", None, "the report is not signed: whoever changed a file could change its hash too")
    found = sealing.fingerprint(signer)
    if expected.public_key is not None and signer != expected.public_key:
        wanted = sealing.fingerprint(expected.public_key)
        return Check("signature", False, f"by key {found}, and not by {wanted}, which was named")
    if found != said:
        return Check("signature", False, f"by key {found}, and {names.RECORD} says {said or 'that it is not signed'}")
    if expected.public_key is None:
        return Check("signature", True, f"holds, by key {found}; whose that is nobody said: name it with --key")
    return Check("signature", True, f"holds, by the key that was named, {found}")


def _exhibit(contents: Contents, expected: Expected) -> Iterator[Check]:
    said, recovered = contents.said["exhibit"], contents.result["input_sha256"]
    copy = (contents.folder / said["copy"]).resolve()
    if not copy.is_relative_to(contents.folder.resolve()) or not copy.is_file():
        yield Check("exhibit", False, f"its working copy, {said['copy']}, is not in the report")
        return
    hashes = {
        "the working copy": sha256_of(copy),
        result_folder.RECORD: recovered,
        names.RECORD: said["sha256"],
    }
    if expected.exhibit is not None:
        hashes["the file named"] = expected.exhibit
    if len(set(hashes.values())) > 1:
        words = ", ".join(f"{of} {digest}" for of, digest in hashes.items())
        yield Check("exhibit", False, f"changed, or of another exhibit: SHA-256 of {words}")
    else:
        is_own = "" if expected.exhibit is not None else "; whether that is your exhibit: name it with --exhibit"
        yield Check("exhibit", True, f"SHA-256 {recovered}{is_own}")


def _pages(contents: Contents) -> Check:
    """Draws both pages from the records once more: they say what these say, and nothing else."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            write.draw(contents.folder, Path(temporary))
        except (*_OF_RECORDS, LayoutError) as error:
            words = f"{names.RECORD} and {result_folder.RECORD} do not make a report ({type(error).__name__}: {error})"
            return Check("pages", False, words)
        other = [
            page
            for page in (names.HTML, names.PDF)
            if _bytes(contents.folder / page) != (Path(temporary) / page).read_bytes()
        ]
    if not other:
        return Check("pages", True, "say what the records say")
    made, now = contents.said["made"]["environment"], write.versions()
    if others := [name for name, version in now.items() if made.get(name) != version]:
        words = ", ".join(f"{name} {made.get(name)}, now {now[name]}" for name in others)
        return Check("pages", None, f"{' and '.join(other)}: drawn by other versions ({words}), not compared")
    return Check("pages", False, f"{' and '.join(other)}: not what the records say")


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _network(contents: Contents, found: Mapping[str, Any]) -> Iterator[Check]:
    copied = hashlib.sha256((contents.folder / names.CONFIG).read_bytes()).hexdigest()
    said = contents.said["network"]["config_sha256"]
    is_same = said == copied == found["config_sha256"]
    words = f"said {said}, in the report {copied}, at hand {found['config_sha256']}"
    yield Check("config", is_same, f"SHA-256 {said}" if is_same else f"another config: {words}")
    weights = contents.result["network_sha256"]
    is_same = weights == found["network_sha256"]
    words = f"SHA-256 {weights}" if is_same else f"other weights: said {weights}, at hand {found['network_sha256']}"
    yield Check("weights", is_same, words)
