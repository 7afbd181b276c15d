"""What is to be prepared: items, each to become a record, in jobs, each done by one process in one go."""

from typing import NamedTuple

from dfrec_jax.records.schema import PRISTINE

PICTURES_A_JOB = 64


class PreparationError(ValueError):
    """A request that cannot be carried out; the message names what is wrong and the fix."""


class Rejected(NamedTuple):
    """Something that does not become a record, and why; a line of rejected.csv.

    `reason` is the same for all that have one fault, so that it can be counted; `detail` is what is not.
    """

    origin: str
    split: str
    reason: str
    detail: str = ""


class Remark(NamedTuple):
    """What a person should know of a file that was used: that it is the first frame of many, say; of remarks.csv."""

    origin: str
    split: str
    remark: str


class Picture(NamedTuple):
    """A picture in a folder or a tar file (`root`), or frame number `frame` of a video or of a folder of frames."""

    root: str
    name: str
    frame: int = -1

    @property
    def origin(self) -> str:
        """What records and messages call it."""
        return self.name if self.frame < 0 else f"{self.name}#{self.frame}"


class Item(NamedTuple):
    """One record to be made.

    Attributes:
      split: train, validation or test.
      label: one of LABELS.
      attack: the method of a forgery; of a pristine face its label.
      image: the forgery, or the pristine face.
      source, target: the pristine faces of the pair, None where they are not at hand; of a pristine face None.
      mask: a picture that is bright where the forgery was made; None where it is not at hand.
      source_identity, target_identity: names of people; of a pristine face both are its own.
      attributes: values of -1 and 1, in the order of CelebA's list; empty where unknown.
      face: box and landmarks found by others, in pixels of `image`: x0, y0, x1, y1 and, if known, five x, y.
    """

    split: str
    label: str
    attack: str
    image: Picture
    source: Picture | None
    target: Picture | None
    mask: Picture | None
    source_identity: str
    target_identity: str
    attributes: tuple[int, ...] = ()
    face: tuple[float, ...] = ()


def pristine_item(
    split: str, picture: Picture, identity: str, attributes: tuple[int, ...] = (), face: tuple[float, ...] = ()
) -> Item:
    """The item of a pristine face."""
    return Item(split, PRISTINE, PRISTINE, picture, None, None, None, identity, identity, attributes, face)


class VideoPair(NamedTuple):
    """A forged video, or a pristine one, of which so many frames become records. The rest as in `Item`.

    Attributes:
      num_frames: evenly spaced; 0: all.
      least_agreement: of a frame's surroundings with those of its target's frame (`shared_frame.compared`); below it
        the two are not one frame, and are refused, as are frames whose face is the target's. 0: taken on trust.
    """

    split: str
    label: str
    attack: str
    image: Picture
    source: Picture | None
    target: Picture | None
    mask: Picture | None
    source_identity: str
    target_identity: str
    num_frames: int
    least_agreement: float = 0.0


class Job(NamedTuple):
    """Work for one process: pictures, or one video."""

    name: str
    split: str
    work: tuple[Item, ...] | VideoPair


class Plan(NamedTuple):
    """Everything to be done and what was refused already; `notes` are counts that a person should see."""

    jobs: tuple[Job, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def in_jobs(items: list[Item]) -> list[Job]:
    """The items of each split in jobs of 64, numbered, in their order."""
    jobs = []
    for split in sorted({item.split for item in items}):
        chosen = [item for item in items if item.split == split]
        for start in range(0, len(chosen), PICTURES_A_JOB):
            name = f"{split}-{start // PICTURES_A_JOB:06d}"
            jobs.append(Job(name, split, tuple(chosen[start : start + PICTURES_A_JOB])))
    return jobs
