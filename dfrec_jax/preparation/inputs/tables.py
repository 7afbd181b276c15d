"""Tables and lists that people bring along: which text they are in, and which files their paths mean."""

import codecs
import csv
import io
import posixpath
from collections.abc import Collection
from pathlib import Path

from dfrec_jax.preparation.plan import PreparationError

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: str | Path, option: str = "") -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark; other encodings are refused, not guessed at.

    Args:
      path: of the file.
      option: what the message puts before the path, such as `--attributes=`.

    Raises:
      PreparationError: for a missing or unreadable file, a folder, or another encoding.
    """
    where = f"{option}{path}"
    try:
        if Path(path).is_dir():
            raise PreparationError(f"{where}: is a folder, and a file is wanted")
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise PreparationError(f"{where}: there is no such file") from error
    except OSError as error:
        raise PreparationError(f"{where}: cannot be read ({error.strerror or error})") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PreparationError(
            f"{where}: line {line} is not in UTF-8: save it as UTF-8, for example "
            f"`iconv -f latin1 -t utf-8 {Path(path).name} > utf8.{Path(path).name}`"
        ) from error
    if "\0" in text:
        raise PreparationError(f"{where}: is no text in UTF-8, or is UTF-16 without its mark: save it as UTF-8")
    return text


def read_table(path: str, *needed: str) -> list[dict[str, str]]:
    """The rows of a CSV file with a header.

    Raises:
      PreparationError: as `read_text`, and for a file without a `needed` column, with two of one name, with a row of
        more values than columns, or that is no CSV.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise PreparationError(
                f"{path}: lacks the column {missing[0]!r}; it has {', '.join(reader.fieldnames or ()) or 'none'}"
            )
        columns = list(filter(None, reader.fieldnames or ()))
        if twice := [name for name in columns if columns.count(name) > 1]:
            raise PreparationError(f"{path}: has two columns {twice[0]!r}: leave one")
        rows = []
        for row in reader:
            if any(row.pop(None, ())):  # pyright: ignore[reportArgumentType, reportCallIssue]
                raise PreparationError(
                    f"{path}: line {reader.line_num} has more values than the header has columns; a name that holds a "
                    'comma stands in quotes, "a,b.jpg"'
                )
            rows.append({key: value or "" for key, value in row.items()})
        return rows
    except csv.Error as error:
        raise PreparationError(f"{path}: line {reader.line_num} is no CSV ({error})") from error


def file_named(written: str, there: Collection[str]) -> str:
    r"""The file that a table means: `written` itself where it is `there`, else with '/' for '\' and without './'."""
    if not written or written in there:
        return written
    return posixpath.normpath(written.replace("\\", "/"))
