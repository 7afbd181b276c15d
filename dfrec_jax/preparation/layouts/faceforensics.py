"""FaceForensics++ in its own folder layout: which videos are there, what they show, and in which split they are.

`original_sequences/youtube/<compression>/videos/000.mp4` and
`manipulated_sequences/<method>/<compression>/videos/<target>_<source>.mp4`, or in place of `videos`, `images` with a
folder of numbered frames for each. Masks, where at hand, are `manipulated_sequences/<method>/masks/videos/`.
"""

import re
from pathlib import Path

from dfrec_jax.pictures.video import VIDEO_ENDINGS
from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import left_alone
from dfrec_jax.preparation.plan import Job, Picture, Plan, PreparationError, Rejected, VideoPair
from dfrec_jax.records.schema import PRISTINE, REENACTMENT, SWAP

COMPRESSIONS = ("c23", "raw", "c40")  # in the order of preference
# Reenactments change the expression and leave the identity: they are no swaps.
METHODS = {
    "Deepfakes": SWAP,
    "FaceSwap": SWAP,
    "FaceShifter": SWAP,
    "LCR": SWAP,  # made by the paper's authors from the originals
    "Face2Face": REENACTMENT,
    "NeuralTextures": REENACTMENT,
}
DEFAULT_FRAMES = 140  # a video: 100,000 / 720 of the paper
_ORIGINALS, _MANIPULATED = "original_sequences/youtube", "manipulated_sequences"
_PAIR = re.compile(r"^(\d+)_(\d+)$")


def plan(
    root: str,
    *,
    attacks: tuple[str, ...] = (),
    split_file: str = "",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
    num_frames: int = DEFAULT_FRAMES,
    compression: str = "",
) -> Plan:
    """Everything below `root` that can be prepared.

    Args:
      root: the folder that holds `original_sequences` and `manipulated_sequences`.
      attacks: methods to take; empty: all of METHODS that are there. One that is not in METHODS counts as a swap.
      split_file: folder of the official train.json, val.json and test.json; empty: videos that pairs connect go
        together into a split, by a hash.
      shares: of train, validation and test, where there is no split file.
      num_frames: evenly spaced, of each video; 0: all.
      compression: one of COMPRESSIONS; empty: the first of them that is there.

    Raises:
      PreparationError: for a folder of another layout, an attack that is not there, and as `read_official_pairs`.
    """
    base = Path(root)
    if not base.is_dir():
        raise PreparationError(f"--source={root}: there is no such folder")
    manipulated = base / _MANIPULATED
    try:
        entries = list(manipulated.iterdir()) if manipulated.is_dir() else []
        found = sorted(path.name for path in entries if path.is_dir() and not left_alone.is_hidden(path.name))
        others = _others(base, found, split_file)
    except OSError as error:
        raise PreparationError(f"--source={root}: {error.filename} cannot be read ({error.strerror})") from error
    missing = [attack for attack in attacks if attack not in found]
    if missing:
        raise PreparationError(f"--attack={missing[0]}: {manipulated} has {', '.join(found) or 'no method at all'}")
    chosen = [method for method in found if method in (attacks or METHODS)]
    pairs, rejected, notes = [], [], []
    try:
        folders = {
            method: _videos(base, f"{_MANIPULATED}/{method}", compression, rejected, notes, others) for method in chosen
        }
        originals = _videos(base, _ORIGINALS, compression, rejected, notes, others)
        of_masks = [f"{_MANIPULATED}/{method}/masks/videos" for method in chosen]
        masks = [name for folder in of_masks for name in left_alone.others_in(base, folder, ())]
    except OSError as error:
        raise PreparationError(f"--source={root}: {error.filename} cannot be read ({error.strerror})") from error
    if not originals and not any(folders.values()):
        raise PreparationError(
            f"--source={root}: holds no FaceForensics++ videos; expected {_ORIGINALS}/c23/videos/*.mp4 and "
            "manipulated_sequences/Deepfakes/c23/videos/*.mp4 below it"
        )

    for method, videos in folders.items():
        for name, video in videos.items():
            match = _PAIR.match(name)
            if match is None:
                rejected.append(Rejected(video.name, "", "the name is not <target>_<source>"))
            else:
                pairs.append((method, video, match.group(1), match.group(2)))
    split_of = _split_of(split_file, shares, [(target, source) for _, _, target, source in pairs], list(originals))

    jobs, without, used_masks = [], {"source": 0, "target": 0, "mask": 0}, set()
    for method, video, target, source in pairs:
        sides = {split_of.get(name, "") for name in (target, source)}
        if len(sides) > 1 or "" in sides:
            why = "is not in the split file" if "" in sides else "has its two videos in different splits"
            rejected.append(Rejected(video.name, "", f"the pair {why}"))
            continue
        source_video, target_video = originals.get(source), originals.get(target)
        without["source"] += source_video is None
        without["target"] += target_video is None
        mask = _mask_of(base, method, video)
        without["mask"] += mask is None
        used_masks |= {mask.name} if mask else set()
        work = VideoPair(
            split=sides.pop(),
            label=METHODS.get(method, SWAP),
            attack=method,
            image=video,
            source=source_video,
            target=target_video,
            mask=mask,
            source_identity=source,
            target_identity=target,
            num_frames=num_frames,
        )
        jobs.append(Job(f"{work.split}-{method}-{target}_{source}", work.split, work))
    for name, video in originals.items():
        if not split_of.get(name):
            rejected.append(Rejected(video.name, "", "the video is not in the split file"))
            continue
        work = VideoPair(split_of[name], PRISTINE, PRISTINE, video, None, None, None, name, name, num_frames)
        jobs.append(Job(f"{work.split}-{PRISTINE}-{name}", work.split, work))

    notes += [
        f"{count} of {len(pairs)} forged videos lack their {role} video" for role, count in without.items() if count
    ]
    if split_file:
        there = [*originals, *(name for _, _, *names in pairs for name in names)]
        notes += left_alone.note_of_unused_rows(f"--split-file={split_file}", split_of, there, "videos")
    unused = [name for name in masks if name not in used_masks and not left_alone.is_hidden(name)]
    if unused:
        notes.append(f"{len(unused)} files among the masks are of no video that is prepared ({unused[0]})")
    others += filter(left_alone.is_hidden, masks)
    notes += [*left_alone.note_of_hidden(others), *left_alone.note_of_others(others)]
    if set(found) - set(chosen):
        notes.append(f"not prepared: {', '.join(sorted(set(found) - set(chosen)))} (name a method with --attack)")
    return Plan(tuple(jobs), tuple(rejected), tuple(notes))


def _others(base: Path, methods: list[str], split_file: str) -> list[str]:
    """What lies above and beside the folders of videos, and is none of them."""
    known = {
        "": ["original_sequences", _MANIPULATED, Path(split_file).name],
        "original_sequences": ["youtube"],
        _MANIPULATED: methods,
    }
    for folder in (_ORIGINALS, *(f"{_MANIPULATED}/{method}" for method in methods)):
        known[folder] = [*COMPRESSIONS, *([] if folder == _ORIGINALS else ["masks"])]
        known[f"{folder}/masks"] = ["videos"]
        known |= {f"{folder}/{compression}": ["videos", "images"] for compression in COMPRESSIONS}
    return [name for folder, names in known.items() for name in left_alone.others_in(base, folder, names)]


def _videos(
    base: Path, folder: str, compression: str, rejected: list[Rejected], notes: list[str], others: list[str]
) -> dict[str, Picture]:
    """The videos of a method, or the originals, by name without ending; what is there and not taken is said."""
    there = [
        path
        for name in ((compression,) if compression else COMPRESSIONS)
        for kind in ("videos", "images")
        if (path := base / folder / name / kind).is_dir()
    ]
    found: dict[str, Picture] = {}
    while there and not found:
        chosen = there.pop(0)
        files = sorted(chosen.iterdir(), key=lambda file: (_preference(file), file.name))  # an .mp4 before an .avi
        for file in files:
            name = file.relative_to(base).as_posix()
            if left_alone.is_hidden(file.name):
                others.append(name)
            elif chosen.name == "images" and not file.is_dir():
                rejected.append(Rejected(name, "", "is no folder of frames"))
            elif chosen.name == "videos" and not (file.is_file() and file.suffix.lower() in VIDEO_ENDINGS):
                rejected.append(Rejected(name, "", left_alone.NO_VIDEO))
            elif file.stem in found:
                rejected.append(Rejected(name, "", "another file is the video of its name", found[file.stem].name))
            else:
                found[file.stem] = Picture(str(base), name)
    if found and there:
        notes.append(f"{', '.join(str(path.relative_to(base)) for path in there)}: not taken (--compression chooses)")
    return dict(sorted(found.items()))


def _preference(file: Path) -> int:
    ending = file.suffix.lower()
    return VIDEO_ENDINGS.index(ending) if ending in VIDEO_ENDINGS else len(VIDEO_ENDINGS)


def _mask_of(base: Path, method: str, video: Picture) -> Picture | None:
    stem = f"{_MANIPULATED}/{method}/masks/videos/{Path(video.name).stem}"
    endings = [cased for ending in VIDEO_ENDINGS for cased in (ending, ending.upper())]
    name = next((f"{stem}{ending}" for ending in endings if (base / f"{stem}{ending}").is_file()), None)
    return None if name is None else Picture(str(base), name)


def _split_of(
    split_file: str, shares: tuple[float, float, float], pairs: list[tuple[str, str]], originals: list[str]
) -> dict[str, str]:
    if split_file:
        return splits.read_official_pairs(split_file)
    root_of = splits.components([*pairs, *((name, name) for name in originals)])
    return {str(name): splits.split_by_hash(str(root), shares) for name, root in root_of.items()}
