"""The report of one result: its records, its pages, the hashes of all, in the folder of the result."""

import copy
import functools
import hashlib
import importlib.metadata
import shutil
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jax

from dfrec_jax import perceptors
from dfrec_jax.files import whole
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery
from dfrec_jax.forensics.report import build, exhibit, html, network, pdf, sealing
from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report.case import Case
from dfrec_jax.forensics.report.similarity import similarity_for
from dfrec_jax.forensics.report.statements import LEAD
from dfrec_jax.forensics.video import Watched
from dfrec_jax.pictures.reading import refusal, sha256_of
from dfrec_jax.reports import provenance

FORMAT = 1
Search = Callable[[Path], None]  # writes `trace/` into the folder of a result


class Report:
    """What all reports of one command have in common.

    Attributes:
      identity: what a report that is there already must agree with, for result.json.
    """

    def __init__(
        self,
        recoverer: Recoverer,
        case: Case,
        *,
        key: Any | None = None,
        search: Search | None = None,
        searched_with: Mapping[str, Any] | None = None,
        ahead: bool = False,
    ):
        """Reads what the network's run says of itself, once.

        Args:
          recoverer: that recovers.
          case: words of the operator.
          key: an Ed25519 private key that signs; None: not signed.
          search: of a gallery; None: none is searched.
          searched_with: what says which gallery and calibration.
          ahead: compile what measures similarity at once, and not with the first result.
        """
        self._recoverer, self._case, self._key, self._search = recoverer, case, key, search
        config = recoverer.model.config
        self._network = network.facts(recoverer.workdir, config, recoverer.model.step)
        self._similarity = similarity_for(config, perceptors.load_network, ahead=ahead)
        device = jax.devices()[0]
        self._made: dict[str, Any] = provenance.made(f"{device.platform}: {device.device_kind}")
        environment = {**self._made["environment"], **versions()}
        self._made |= {"folder": str(Path.cwd()), "environment": environment}
        self._signed_by = None if key is None else sealing.fingerprint(key.public_key().public_bytes_raw())
        self._searched_with = dict(searched_with or {})

    @property
    def identity(self) -> dict[str, Any]:
        """See the class."""
        said = {"case": self._case._asdict(), "signed_by": self._signed_by, "searched": self._searched_with}
        return {"report": said}

    def of_case(self, case: Case) -> "Report":
        """The same for another case."""
        other = copy.copy(self)
        other._case = case
        return other

    def add(self, folder: Path, name: str, data: bytes, recovery: Recovery) -> None:
        """Writes the report of the result in `folder`, which is not in its place yet.

        Args:
          folder: with result.json and the pictures.
          name: of the exhibit's file.
          data: its bytes.
          recovery: what was made of it.
        """
        working_copy = folder / names.EXHIBIT_DIR / name
        working_copy.parent.mkdir()
        working_copy.write_bytes(data)
        self._copy_given(folder)
        if self._search is not None and recovery.made is not None:
            self._search(folder)
        self._finish(folder, self.record(name, data, recovery))

    def why_not_of_videos(self) -> str:
        """See `recover.Reporting`: a gallery is searched for pictures, and for a frame afterwards."""
        if self._search is None:
            return ""
        words = "--gallery is searched for pictures; leave it out, and search for a frame of the report afterwards"
        return f"{words}: dfrec trace search <out>/<stem>/track-1/frame-<number> --gallery GALLERY --out FOUND"

    def add_video(self, folder: Path, watched: Watched) -> None:
        """Writes one report of all tracks of a video; see `add`.

        Raises:
          ImageError: where the file was changed while it was read.
        """
        working_copy = folder / names.EXHIBIT_DIR / watched.path.name
        working_copy.parent.mkdir()
        shutil.copyfile(watched.path, working_copy)
        if sha256_of(working_copy) != watched.sha256:
            raise refusal(watched.path, "was changed while it was read; recover it again")
        self._copy_given(folder)
        self._finish(folder, self.record_of_video(watched))

    def _finish(self, folder: Path, record: Mapping[str, Any]) -> None:
        whole.write_json(folder / names.RECORD, record, indent=1)
        draw(folder)
        sealing.seal(folder, self._key)

    def record_of_video(self, watched: Watched) -> dict[str, Any]:
        """What report.json says of a video: `similarity` is of each frame, by the folder of its result."""
        similarity = {name: self._similarity(recovery) for name, recovery in watched.recoveries.items()}
        return self._record(exhibit.facts_of_video(watched), watched.path.name, similarity)

    def record(self, name: str, data: bytes, recovery: Recovery) -> dict[str, Any]:
        """What report.json says; arguments as of `add`."""
        return self._record(exhibit.facts(data, name), name, self._similarity(recovery))

    def _record(self, facts: Mapping[str, Any], name: str, similarity: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "statement": LEAD,
            "format": FORMAT,
            "case": self._case._asdict(),
            "signed_by": self._signed_by,
            "made": self._made | {"time": provenance.now()},  # a page that is served makes reports for days
            "options": self._recoverer.options,
            "exhibit": {**facts, "copy": f"{names.EXHIBIT_DIR}/{name}"},
            "network": self._network,
            "similarity": similarity,
        }

    def _copy_given(self, folder: Path) -> None:
        """What else the result was made from, or it could not be made again."""
        shutil.copyfile(self._recoverer.workdir / names.CONFIG, folder / names.CONFIG)
        given = self._recoverer.given
        for number, path in enumerate(given.visible, 1):
            (folder / names.REFERENCES_DIR).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / names.REFERENCES_DIR / f"{number:03d}{path.suffix}")
        if given.faces is not None:
            shutil.copyfile(given.faces, folder / names.FACES)


def draw(folder: Path, into: Path | None = None) -> None:
    """Draws both pages from the records in `folder`; into another folder where one is named."""
    document = build.document(names.read(folder))
    into = into or folder
    whole.write_text(into / names.HTML, html.page(document))
    pdf.write(document, into / names.PDF)


def versions() -> dict[str, str]:
    """Of what draws the pages: the same ones draw the same bytes. `pages` is of this package's part in it, which may
    change while its version does not."""
    named = {name: importlib.metadata.version(name) for name in ("dfrec-jax", "jinja2", "pillow", "reportlab")}
    return {**named, "pages": _of_sources()}


@functools.cache
def _of_sources() -> str:
    """The first digits of SHA-256 of all that is written for the pages: code, template, looks."""
    digest = hashlib.sha256((resources.files("dfrec_jax.reports") / "page.css").read_bytes())
    for file in sorted(resources.files("dfrec_jax.forensics.report").iterdir(), key=lambda each: each.name):
        if file.name.endswith((".py", ".j2", ".css")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
