"""Celeb-DF (v1 and v2) in its own folder layout: swaps among people of whom other videos are at hand.

`Celeb-synthesis/id0_id1_0000.mp4` is `Celeb-real/id0_0000.mp4` with the face of id1; `YouTube-real/00170.mp4` shows
people who are in no swap. `List_of_testing_videos.txt` is the official test split.
"""

import re
from pathlib import Path

from dfrec_jax.pictures.video import VIDEO_ENDINGS
from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import left_alone, tables
from dfrec_jax.preparation.plan import Job, Picture, Plan, PreparationError, Rejected, VideoPair
from dfrec_jax.preparation.shared_frame import LEAST_AGREEMENT
from dfrec_jax.records.schema import PRISTINE, SWAP

DEFAULT_FRAMES = 32
ATTACK = "celeb_df"
SPLIT_BY = ("people", "target", "image")
SWAPS, ORIGINALS, OTHERS, TEST_LIST = "Celeb-synthesis", "Celeb-real", "YouTube-real", "List_of_testing_videos.txt"
_SWAP, _ORIGINAL = re.compile(r"^(id\d+)_(id\d+)_(\d+)$"), re.compile(r"^(id\d+)_(\d+)$")


def plan(
    root: str,
    *,
    split_by: str = "people",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
    num_frames: int = DEFAULT_FRAMES,
) -> Plan:
    """Every swap with its original, a video of its source, and every original as pristine faces.

    Args:
      root: the folder that holds `Celeb-real`, `Celeb-synthesis`, perhaps `YouTube-real` and the list of test videos.
      split_by: what is kept out of train and validation beside the videos of the list. `people`: everything that shows
        a person of the list, as target or source, and swaps whose two people fall into different splits. `target`:
        originals and swaps whose target is one of its targets. `image`: nothing.
      shares: of train, validation and test, for a hash of the person (`image`: of the video); where there is a list,
        of train and validation alone.
      num_frames: evenly spaced, of each video; 0: all.

    Raises:
      PreparationError: for a folder of another layout, and a list that names no video.
    """
    if split_by not in SPLIT_BY:
        raise PreparationError(f"--split-by={split_by}: must be one of {', '.join(SPLIT_BY)} for celeb_df")
    base, rejected = Path(root), []
    try:
        others = left_alone.others_in(base, "", (ORIGINALS, OTHERS, SWAPS, TEST_LIST))
        videos = {folder: _videos(base, folder, rejected, others) for folder in (ORIGINALS, OTHERS, SWAPS)}
    except OSError as error:
        raise PreparationError(f"--source={base}: {error.filename} cannot be read ({error.strerror})") from error
    if not videos[ORIGINALS] or not videos[SWAPS]:
        raise PreparationError(
            f"--source={root}: holds no Celeb-DF; expected {ORIGINALS}/id0_0000.mp4 and {SWAPS}/id0_id1_0000.mp4 below"
        )
    listed = _listed(base / TEST_LIST)
    people: dict[str, tuple[str, ...]] = {}
    for folder, found in videos.items():
        for name in list(found):
            people[name] = _people(folder, name)
            if not people[name]:
                rejected.append(Rejected(found.pop(name).name, "", "the name says no people"))
    looked_at = slice(None) if split_by == "people" else slice(1)  # a swap's target comes first
    tested = {person for name in listed for person in people.get(Path(name).stem, ())[looked_at]}
    rest = (shares[0], shares[1], 0.0) if listed else shares

    def split_of(video: Picture, shown: tuple[str, ...]) -> str:
        """Empty: in none."""
        if video.name in listed:
            return "test"
        if split_by == "image":
            return splits.split_by_hash(video.name, rest)
        sides = {"" if person in tested else splits.split_by_hash(person, rest) for person in shown[looked_at]}
        return sides.pop() if len(sides) == 1 else ""

    jobs = []
    for folder, found in videos.items():
        for name, video in found.items():
            shown = people[name]
            split = split_of(video, shown)
            if not split:
                rejected.append(Rejected(video.name, "", "shows people of two splits, or of the official test list"))
                continue
            target = source = None
            if folder == SWAPS:
                target = videos[ORIGINALS].get(f"{shown[0]}_{name.rsplit('_', 1)[1]}")
                source = next((videos[ORIGINALS][one] for one in videos[ORIGINALS] if people[one] == shown[1:]), None)
                if target is None:
                    rejected.append(Rejected(video.name, "", "its original is not there"))
                    continue
            work = VideoPair(
                split=split,
                label=PRISTINE if target is None else SWAP,
                attack=PRISTINE if target is None else ATTACK,
                image=video,
                source=source,
                target=target,
                mask=None,
                source_identity=shown[-1],
                target_identity=shown[0],
                num_frames=num_frames,
                least_agreement=0.0 if target is None else LEAST_AGREEMENT,
            )
            jobs.append(Job(f"{split}-{work.attack}-{name}", split, work))
    missing = sorted(listed - {video.name for found in videos.values() for video in found.values()})
    rejected += [Rejected(name, "test", "the list of test videos names it, and it is not there") for name in missing]
    notes = [] if listed else [f"{base / TEST_LIST} is not there: people are split by a hash, not as published"]
    notes += [*left_alone.note_of_hidden(others), *left_alone.note_of_others(others)]
    return Plan(tuple(jobs), tuple(rejected), tuple(notes))


def _videos(base: Path, folder: str, rejected: list[Rejected], others: list[str]) -> dict[str, Picture]:
    """By name without ending; hidden files go to `others`."""
    if not (base / folder).is_dir():
        return {}
    found: dict[str, Picture] = {}
    for file in sorted((base / folder).iterdir()):
        name = f"{folder}/{file.name}"
        if left_alone.is_hidden(file.name):
            others.append(name)
        elif file.suffix.lower() not in VIDEO_ENDINGS:
            rejected.append(Rejected(name, "", left_alone.NO_VIDEO))
        elif file.stem in found:
            rejected.append(Rejected(name, "", "another file is the video of its name", found[file.stem].name))
        else:
            found[file.stem] = Picture(str(base), name)
    return found


def _people(folder: str, name: str) -> tuple[str, ...]:
    """Of a swap the target and the source, of another video the one person; empty where the name does not say."""
    if folder == OTHERS:
        return (f"youtube-{name}",)
    match = (_SWAP if folder == SWAPS else _ORIGINAL).match(name)
    return () if match is None else match.groups()[:-1]


def _listed(path: Path) -> set[str]:
    """The videos of the official test list, each line a label and a path; empty where there is no list."""
    if not path.is_file():
        return set()
    lines = [line.split() for line in tables.read_text(path).splitlines() if line.strip()]
    wrong = [" ".join(line) for line in lines if len(line) != 2 or line[0] not in ("0", "1")]
    if wrong or not lines:
        raise PreparationError(f"{path}: must hold lines such as '1 {OTHERS}/00170.mp4', and not {wrong[:1]}")
    return {name for _, name in lines}
