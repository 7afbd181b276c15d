"""Which files lie in a folder, a tar file or a TFDS data set, and why some of them cannot be used: none goes unsaid."""

import functools
import os
import posixpath
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dfrec_jax.pictures.reading import PICTURE_ENDINGS
from dfrec_jax.pictures.video import VIDEO_ENDINGS
from dfrec_jax.preparation.inputs import left_alone, tfds_pictures
from dfrec_jax.preparation.plan import PreparationError, Rejected

# Clearly no pictures: they are counted in a note, and not listed one by one in rejected.csv.
TEXT_ENDINGS = tuple(".txt .csv .tsv .json .jsonl .md .html .htm .xml .yaml .yml .log .py .sh .pdf".split())

_NO_UNICODE = "has a name, or lies in a folder with one, that is not in UTF-8: rename it"


class Listing(NamedTuple):
    """What was found.

    Attributes:
      names: of the files that can be used, relative to the root, with '/', sorted.
      rejected: what cannot: a folder that may not be read, a link that leads in a circle, a file of another kind.
      notes: counts of what is left alone without a line each.
    """

    names: list[str]
    rejected: list[Rejected]
    notes: list[str]


def list_pictures(root: str, option: str = "") -> Listing:
    """The pictures below a folder, in a tar file, or of `tfds:NAME`, by the ends of their names.

    Args:
      root: the folder, tar file or name.
      option: what messages put before it, such as `--source=`.

    Raises:
      PreparationError: where there is no such root, it is empty, or it holds no picture.
    """
    try:
        return _pictures_of(root)
    except PreparationError as error:
        raise PreparationError(f"{option}{error}") from error


def _pictures_of(root: str) -> Listing:
    files = list_files(root)
    names = [name for name in files.names if name.lower().endswith(PICTURE_ENDINGS)]
    others = [name for name in files.names if not name.lower().endswith(PICTURE_ENDINGS)]
    if not names:
        unread = f"; {files.rejected[0].origin} {files.rejected[0].reason}" if files.rejected else ""
        raise PreparationError(f"{root}: holds no picture ({', '.join(PICTURE_ENDINGS)}){unread}")
    texts = [name for name in others if name.lower().endswith(TEXT_ENDINGS)]
    rejected = [Rejected(name, "", _why_no_picture(name)) for name in others if name not in set(texts)]
    return Listing(names, files.rejected + rejected, files.notes + _note_of_texts(texts))


def list_files(root: str) -> Listing:
    """All files; hidden ones are counted in a note. Raises PreparationError for no such root, or an empty one."""
    path = Path(root)
    try:
        if root.startswith(tfds_pictures.PREFIX):
            found = Listing(list(tfds_pictures.places(root)), [], [])
        elif path.is_dir():
            found = _list_folder(path)
        elif path.is_file() and tarfile.is_tarfile(path):
            members = tar_members(root)
            found = Listing(list(members.places), members.rejected, [])
        elif path.is_file() and zipfile.is_zipfile(path):
            raise PreparationError(
                f"{root}: is a zip, and only folders and tar files are read: unpack it first "
                f"(unzip {path.name} -d {path.stem})"
            )
        else:
            raise PreparationError(f"{root}: there is no such folder or tar file")
    except OSError as error:
        raise PreparationError(f"{root}: cannot be read ({error.strerror or error})") from error
    hidden = list(filter(left_alone.is_hidden, found.names))
    unwritable = [name for name in sorted(set(found.names) - set(hidden)) if not _is_unicode(name)]
    rejected = found.rejected + [Rejected(name, "", _NO_UNICODE) for name in unwritable]
    names = sorted(set(found.names) - set(hidden) - set(unwritable))
    if not names:
        why = "".join(f"; {row.origin} {row.reason}" for row in rejected[:1])
        why += "".join(f"; {note}" for note in left_alone.note_of_hidden(hidden))
        raise PreparationError(f"{root}: is empty{why}")
    return Listing(names, rejected, found.notes + left_alone.note_of_hidden(hidden))


def _is_unicode(name: str) -> bool:
    """Linux allows names of any bytes; records and lists hold text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _note_of_texts(names: Iterable[str]) -> list[str]:
    endings = Counter(PurePosixPath(name).suffix.lower() for name in names)
    counts = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
    return [f"files that are no pictures are left alone: {counts}"] if endings else []


def _why_no_picture(name: str) -> str:
    if name.lower().endswith(VIDEO_ENDINGS):
        return "is a video, and pictures are wanted"
    return "its ending names no kind of picture that is read"


def _list_folder(root: Path) -> Listing:
    """Follows links to folders, each folder once by what it really is: a real folder before a link to it."""
    names: list[str] = []
    rejected: list[Rejected] = []
    name_of: dict[tuple[int, int], str] = {}  # by device and number
    waiting, links = [root], []
    while waiting or links:
        folder = waiting.pop() if waiting else links.pop(0)
        name = "" if folder == root else folder.relative_to(root).as_posix()
        try:
            status = folder.stat()
            key = status.st_dev, status.st_ino
            if key in name_of:
                detail = f"the same as {name_of[key] or 'the source itself'}"
                rejected.append(Rejected(name, "", "is a link to a folder that is read already", detail))
                continue
            name_of[key] = name
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise
            rejected.append(Rejected(name, "", f"is a folder that cannot be read: {error.strerror or error}"))
            continue
        for entry in reversed(found):
            if _is(entry.is_dir):
                (links if entry.is_symlink() else waiting).append(folder / entry.name)
            elif _is(entry.is_file):
                names.append((folder / entry.name).relative_to(root).as_posix())
            else:  # a link to nothing, or to itself, a pipe
                rejected.append(Rejected((folder / entry.name).relative_to(root).as_posix(), "", "is no file"))
    return Listing(names, rejected, [])


def _is(kind: Callable[[], bool]) -> bool:
    """False for a link whose end cannot be reached, too: where it leads in a circle the system raises."""
    try:
        return kind()
    except OSError:
        return False


class TarMembers(NamedTuple):
    """Where each file of a tar lies, offset and size, and what in it is no file."""

    places: dict[str, tuple[int, int]]
    rejected: list[Rejected]


@functools.lru_cache(maxsize=4)
def tar_members(root: str) -> TarMembers:
    """Of an uncompressed tar; of two members of one name the later one counts, as when it is unpacked.

    Raises:
      PreparationError: for a compressed tar, which has no places to read from, and for one that is cut short.
    """
    places: dict[str, tuple[int, int]] = {}
    rejected: list[Rejected] = []
    try:
        with tarfile.open(root, mode="r:") as tar:
            for member in tar:
                name = posixpath.normpath(member.name).lstrip("/")
                original = posixpath.normpath(member.linkname).lstrip("/")
                if member.islnk() and original in places:
                    places[name] = places[original]
                elif member.isreg() and not member.issparse():
                    places[name] = member.offset_data, member.size
                elif not member.isdir():
                    rejected.append(Rejected(name, "", "is a link or special file in a tar, and has no place to read"))
    except tarfile.ReadError as error:
        with open(root, "rb") as file:
            is_compressed = file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))
        why = "only an uncompressed tar can be read in place; unpack it"
        raise PreparationError(f"{root}: {why if is_compressed else f'is a broken tar ({error})'}") from error
    return TarMembers(places, rejected)
