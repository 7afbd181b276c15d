"""The training videos of the DeepFake Detection Challenge: fakes, each beside the original that its list names.

`dfdc_train_part_*/metadata.json` says of each video of its folder whether it is FAKE or REAL, and of a fake its
`original`. Whose face was put in, and by which of the challenge's methods, is nowhere said.
"""

from pathlib import Path

from dfrec_jax.files import json_text
from dfrec_jax.pictures.video import VIDEO_ENDINGS
from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import left_alone, tables
from dfrec_jax.preparation.plan import Job, Picture, Plan, PreparationError, Rejected, VideoPair
from dfrec_jax.preparation.shared_frame import LEAST_AGREEMENT
from dfrec_jax.records.schema import PRISTINE, SWAP

DEFAULT_FRAMES = 4  # a video, of which there are 120,000
ATTACK = "dfdc"
_LIST = "metadata.json"


def plan(
    root: str,
    *,
    identities: str = "",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
    num_frames: int = DEFAULT_FRAMES,
) -> Plan:
    """Every fake with its original, and every original as pristine faces.

    Args:
      root: the folder of the `dfdc_train_part_*`, or one of them.
      identities: CSV with `file,identity` for originals: those of one person, and their fakes, are in one split. Empty:
        people are not known, and each original counts as a person of its own.
      shares: of train, validation and test, for a hash of the person.
      num_frames: evenly spaced, of each video; 0: all.

    Raises:
      PreparationError: for a folder of another layout, a list that is none, and as `tables.read_table`.
    """
    base = Path(root)
    lists = [path for path in (base / _LIST, *sorted(base.glob(f"*/{_LIST}"))) if path.is_file()]
    if not lists:
        raise PreparationError(
            f"--source={root}: holds no {_LIST}; expected dfdc_train_part_*/{_LIST} with the videos beside it"
        )
    table = tables.read_table(identities, "file", "identity") if identities else []
    named = {row["file"]: row["identity"] for row in table}
    originals: dict[str, Picture] = {}
    fakes: list[tuple[Picture, str]] = []
    rejected: list[Rejected] = []
    folders = {path.parent: _read(path) for path in lists}
    hidden: list[str] = []
    for folder, said in {base: {}, **folders}.items():
        below = "" if folder == base else f"{folder.name}/"
        there = {file.name for file in folder.iterdir()}
        for name, original in said.items():
            video = Picture(str(base), f"{below}{name}")
            if name not in there:
                rejected.append(Rejected(video.name, "", "the list names it, and it is not there"))
            elif original is None:
                originals[name] = video
            else:
                fakes.append((video, original))
        unsaid = sorted(there - said.keys() - {_LIST, *(part.name for part in folders if part.parent == folder)})
        hidden += filter(left_alone.is_hidden, unsaid)
        rejected += [
            Rejected(f"{below}{name}", "", _why_not(folder / name)) for name in unsaid if not left_alone.is_hidden(name)
        ]
    jobs = []
    for video, original in [*((video, name) for name, video in originals.items()), *fakes]:
        if original not in originals:
            rejected.append(Rejected(video.name, "", "its original is not there", original))
            continue
        person, target = named.get(original) or Path(original).stem, originals[original]
        is_fake = video != target
        work = VideoPair(
            split=splits.split_by_hash(person, shares),
            label=SWAP if is_fake else PRISTINE,
            attack=ATTACK if is_fake else PRISTINE,
            image=video,
            source=None,
            target=target if is_fake else None,
            mask=None,
            source_identity=f"source-{Path(video.name).stem}" if is_fake else person,
            target_identity=person,
            num_frames=num_frames,
            least_agreement=LEAST_AGREEMENT if is_fake else 0.0,
        )
        jobs.append(Job(f"{work.split}-{work.attack}-{Path(video.name).stem}", work.split, work))
    if not jobs:
        raise PreparationError(f"--source={root}: none of the videos that {lists[0]} and its like name is there")
    alone = sum(name not in named for name in originals)
    notes = [
        f"of {alone} of {len(originals)} originals the person is not known: each counts as one of its own, so that "
        "splits may share people; --identities names them"
    ]
    notes = [*(notes if alone else ()), *left_alone.note_of_hidden(hidden)]
    notes += left_alone.note_of_unused_rows(f"--identities={identities}", named, originals, "originals")
    return Plan(tuple(jobs), tuple(rejected), tuple(notes))


def _why_not(path: Path) -> str:
    """Of what lies in a folder and stands in no list."""
    if path.is_dir():
        return f"is a folder, and no {_LIST} is read from it"
    return "is not in the list" if path.name.lower().endswith(VIDEO_ENDINGS) else left_alone.NO_VIDEO


def _read(path: Path) -> dict[str, str | None]:
    """What a list says: by video the name of its original, None for an original."""
    try:
        said = json_text.parsed(tables.read_text(path))
        return {name: None if row["label"] == "REAL" else str(row.get("original")) for name, row in said.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, PreparationError):
            raise
        raise PreparationError(
            f'{path}: must say of each video such as {{"a.mp4": {{"label": "FAKE", "original": "b.mp4"}}}} ({error!r})'
        ) from error
