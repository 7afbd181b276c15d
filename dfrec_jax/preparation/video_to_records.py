"""From a forged video, or a pristine one, to the records of some of its frames."""

import numpy as np

from dfrec_jax.pictures.reading import ImageError, refusal
from dfrec_jax.pictures.video import evenly_spaced
from dfrec_jax.preparation.cut_records import Cut, Options, Results, cut, cut_mask, find, record, refused
from dfrec_jax.preparation.face_crops import FaceTools, frontality
from dfrec_jax.preparation.inputs import source_files
from dfrec_jax.preparation.plan import Picture, Rejected, Remark, VideoPair
from dfrec_jax.preparation.shared_frame import LEAST_CHANGE, carried_over, compared
from dfrec_jax.records import schema

FRONTAL_CANDIDATES = 16  # frames of a source video that the most frontal is chosen from


def records_of_video(pair: VideoPair, tools: FaceTools, options: Options) -> Results:
    """The records of `pair.num_frames` frames, evenly spaced over those that the forgery and its target both have."""
    videos: dict[str, source_files.Frames] = {}
    try:
        for role in ("image", "target", "source", "mask"):
            picture: Picture | None = getattr(pair, role)
            if picture is not None:
                videos[role] = source_files.Frames(picture)
        for name, reason in videos["image"].left_out:
            yield Rejected(name, pair.split, reason)
        shared = sorted(
            set.intersection(*(set(videos[role].numbers) for role in videos if role in ("image", "target")))
        )
        if not shared:
            raise refusal(pair.image.name, "has no frame of a number that its target's video has")
        if len(shared) < len(videos["image"].numbers):
            yield Remark(pair.image.name, pair.split, "has frames of numbers that its target's video lacks")
        source = _SourceFaces(videos["source"], tools, options) if "source" in videos else None
        last_box = None
        for number in evenly_spaced(shared, pair.num_frames):
            try:
                made, last_box = _of_frame(pair, videos, source, number, tools, options, last_box)
                yield made
                if "mask" in videos and number not in videos["mask"].numbers:
                    origin = f"{pair.image.name}#{number}"
                    yield Remark(origin, pair.split, "has no mask: its mask video lacks the frame")
            except ImageError as error:
                yield refused(f"{pair.image.name}#{number}", pair.split, error)
    except ImageError as error:
        yield refused(pair.image.name, pair.split, error)
    finally:
        for video in videos.values():
            video.close()


def _of_frame(
    pair: VideoPair,
    videos: dict[str, source_files.Frames],
    source_faces: "_SourceFaces | None",
    number: int,
    tools: FaceTools,
    options: Options,
    last_box: np.ndarray | None,
) -> tuple[schema.Record, np.ndarray]:
    """The record of frame `number`, and the box of the face in the picture that it was found on.

    One crop, found on the target where it is at hand, serves target, forgery and mask, whatever their sizes.
    """
    origin = f"{pair.image.name}#{number}"
    image = videos["image"].read(number)
    found_on = videos["target"].read(number) if "target" in videos else image
    on_found = find(found_on, tools, options, origin, last_box)
    placed = carried_over(on_found, image, origin, "its target")
    target = cut(found_on, on_found, options) if "target" in videos else None
    if target is not None and pair.least_agreement:
        found = compared(image, found_on, on_found)
        if found.agreement < pair.least_agreement:
            detail = f"correlation {found.agreement:.3f}, at least {pair.least_agreement:g} is wanted"
            raise refusal(origin, "its surroundings are not those of its original: they are not one frame", detail)
        if found.change < LEAST_CHANGE:  # the other person's face was swapped, or only what is heard was forged
            detail = f"{found.change:.1f} of 255 levels apart, at least {LEAST_CHANGE:g} is wanted"
            raise refusal(origin, "its face is that of its original: it is no swap", detail)
    mask = b""
    if "mask" in videos and number in videos["mask"].numbers:
        picture = videos["mask"].read(number)
        on_mask = carried_over(placed, picture, f"{videos['mask'].origin}#{number}", "its forgery")
        mask = cut_mask(picture, on_mask, options.size)
    source_number, source = source_faces.at(number) if source_faces else (-1, None)
    named = pair._replace(
        target=pair.target and pair.target._replace(frame=number),
        source=pair.source and pair.source._replace(frame=source_number),
    )
    return record(named, cut(image, placed, options), origin, source, target, mask), on_found.face.box


class _SourceFaces:
    """The source face for a frame of the forgery: of the same frame number, else the most frontal one of the video.

    FaceForensics++ does not say which frame of the source went into a frame of the forgery; MegaFS's authors took
    these (BASELINES.md 1.14).
    """

    def __init__(self, video: source_files.Frames, tools: FaceTools, options: Options):
        self._video, self._tools, self._options = video, tools, options
        self._numbers = set(video.numbers)
        self._last_box: np.ndarray | None = None
        self._frontal: tuple[int, Cut] | None = None

    def at(self, number: int) -> tuple[int, Cut]:
        if number in self._numbers:
            try:
                return number, self._cut(number)
            except ImageError:  # no face in this frame: as where there is no such frame
                pass
        if self._frontal is None:
            self._frontal = self._most_frontal()
        return self._frontal

    def _cut(self, number: int) -> Cut:
        image = self._video.read(number)
        placed = find(image, self._tools, self._options, f"{self._video.origin}#{number}", self._last_box)
        self._last_box = placed.face.box
        return cut(image, placed, self._options)

    def _most_frontal(self) -> tuple[int, Cut]:
        best: tuple[float, int, Cut] | None = None
        for number in evenly_spaced(self._video.numbers, FRONTAL_CANDIDATES):
            try:
                made = self._cut(number)
            except ImageError:
                continue
            merit = frontality(made.face.landmarks)
            if best is None or merit > best[0]:
                best = merit, number, made
        if best is None:
            raise refusal(self._video.origin, f"no face found in {FRONTAL_CANDIDATES} frames of the source video")
        return best[1:]
