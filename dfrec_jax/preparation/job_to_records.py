"""From one job to its records: read, find the face, cut out, encode. Runs in any process, with what it is given."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dfrec_jax.forging.partners import signature
from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation import source_files
from dfrec_jax.preparation.face_crops import Face, FaceTools, crop_matrix, cut_out, find_face, frontality, moved
from dfrec_jax.preparation.plan import Item, Job, Picture, Rejected, VideoPair
from dfrec_jax.records import schema
from dfrec_jax.records.schema import PRISTINE

SAME_SHAPE = 0.02  # relative difference of aspect ratios below which a swap and its target are taken to be aligned
FRONTAL_CANDIDATES = 16  # frames of a source video that the most frontal is chosen from
MASK_LEVEL = 30  # of 255: FaceForensics++'s mask videos are compressed, black is not 0


class Options(NamedTuple):
    """How faces are cut out and stored: see `faces.crop_matrix`; `quality` is that of the JPEG files made."""

    crop: str
    margin: float
    size: int
    quality: int


class Cut(NamedTuple):
    """A face cut out of a picture: the crop, its JPEG, the map from the picture to it, the face in the picture."""

    image: np.ndarray
    jpeg: bytes
    matrix: np.ndarray
    face: Face


def records_of(job: Job, tools: FaceTools, options: Options) -> Iterator[schema.Record | Rejected]:
    """The records of a job in the order of its items; what cannot become one is yielded as `Rejected`."""
    if isinstance(job.work, VideoPair):
        yield from _of_video(job.work, tools, options)
        return
    for item in job.work:
        try:
            yield _of_item(item, tools, options)
        except ImageError as error:
            yield _refused(item.image.origin, item.split, error)


def _refused(origin: str, split: str, error: ImageError) -> Rejected:
    """The reason names a file only where it is another one than the origin, so that equal reasons count as equal."""
    return Rejected(origin, split, str(error).removeprefix(origin).lstrip(": "))


def _cut(
    image: np.ndarray, face: Face, options: Options, data: bytes | None = None, matrix: np.ndarray | None = None
) -> Cut:
    """Cuts by `face`, or by `matrix`; keeps the file's own bytes where a whole JPEG of the right size is wanted."""
    if matrix is None:
        matrix = crop_matrix(face, image.shape[0], image.shape[1], options.crop, options.margin, options.size)
    crop = cut_out(image, matrix, options.size)
    is_whole = options.crop == "none" and image.shape[:2] == (options.size, options.size)
    if is_whole and data is not None and data[:2] == b"\xff\xd8":
        return Cut(image, data, matrix, face)
    return Cut(crop, schema.encode_jpeg(crop, options.quality), matrix, face)


def _find(
    image: np.ndarray,
    tools: FaceTools,
    origin: str,
    last_box: np.ndarray | None = None,
    given: tuple[float, ...] = (),
) -> Face:
    """The face. Raises ImageError where none is found: without landmarks no network that aligns could use it."""
    face = find_face(image, tools, last_box=last_box, given=given)
    if face is None:
        raise ImageError(f"{origin}: no face found")
    if np.isnan(face.landmarks).any():
        raise ImageError(f"{origin}: only a box is known, and no landmarks")
    return face


def _record(item: Item | VideoPair, image: Cut, origin: str, source: Cut | None, target: Cut | None) -> schema.Record:
    face, matrix = image.face, image.matrix
    points = moved(face.points, matrix)
    unknown = np.full((5, 2), np.nan, np.float32)
    attributes = getattr(item, "attributes", ())
    is_comparable = item.label == PRISTINE and not np.isnan(points).any()
    return {
        "image": image.jpeg,
        "source": b"" if source is None else source.jpeg,
        "target": b"" if target is None else target.jpeg,
        "mask": b"",
        "label": item.label,
        "attack": item.attack,
        "source_identity": item.source_identity,
        "target_identity": item.target_identity,
        "origin": origin,
        "source_origin": "" if source is None or item.source is None else item.source.origin,
        "target_origin": "" if target is None or item.target is None else item.target.origin,
        "box": moved(face.box.reshape(2, 2), matrix).reshape(4),
        "landmarks": moved(face.landmarks, matrix),
        "source_landmarks": unknown if source is None else moved(source.face.landmarks, source.matrix),
        "points": points,
        "crop": matrix,
        "signature": signature(image.image, points, attributes) if is_comparable else schema.NO_SIGNATURE,
        "attributes": np.array(attributes, np.int8),
    }


def _of_item(item: Item, tools: FaceTools, options: Options) -> schema.Record:
    data = source_files.read_bytes(item.image)
    image = source_files.decode_image(data, item.image.origin)
    source = target = None
    if item.source is not None:
        source_data = source_files.read_bytes(item.source)
        picture = source_files.decode_image(source_data, item.source.origin)
        source = _cut(picture, _find(picture, tools, item.source.origin), options, source_data)
    if item.target is None:
        cut = _cut(image, _find(image, tools, item.image.origin, given=item.face), options, data)
    else:
        target_data = source_files.read_bytes(item.target)
        picture = source_files.decode_image(target_data, item.target.origin)
        target = _cut(picture, _find(picture, tools, item.target.origin), options, target_data)
        scale = _common_scale(picture, image)
        if scale is None:  # not the same frame: each by its own face
            cut = _cut(image, _find(image, tools, item.image.origin), options, data)
        else:
            cut = _cut(image, _scaled(target.face, scale), options, data, _rescaled(target.matrix, scale))
    record = _record(item, cut, item.image.origin, source, target)
    if item.mask is not None:
        record["mask"] = _mask(source_files.read_picture(item.mask), cut.matrix, options.size)
    return record


def _common_scale(target: np.ndarray, forgery: np.ndarray) -> float | None:
    """How much larger the forgery is than the target, where both have one shape; else None."""
    scales = np.array(forgery.shape[:2]) / np.array(target.shape[:2])
    return float(scales.mean()) if abs(scales[0] / scales[1] - 1) < SAME_SHAPE else None


def _rescaled(matrix: np.ndarray, scale: float) -> np.ndarray:
    """The map to the same crop from a picture `scale` times larger; pixel centres are whole numbers in both."""
    shift = matrix[:, 2] + matrix[:, :2] @ np.full(2, 0.5 / scale - 0.5)
    return np.column_stack([matrix[:, :2] / scale, shift]).astype(np.float32)


def _scaled(face: Face, scale: float) -> Face:
    centres = lambda points: ((points + 0.5) * scale - 0.5).astype(np.float32)  # noqa: E731
    return Face(face.box * np.float32(scale), centres(face.landmarks), centres(face.points))


def _mask(picture: np.ndarray, matrix: np.ndarray, size: int) -> bytes:
    mask = cut_out(picture.max(axis=-1, keepdims=True), matrix, size)
    return schema.encode_mask(
        np.where(mask < MASK_LEVEL, 0, np.where(mask > 255 - MASK_LEVEL, 255, mask)).astype(np.uint8)
    )


def _of_video(pair: VideoPair, tools: FaceTools, options: Options) -> Iterator[schema.Record | Rejected]:
    videos: dict[str, source_files.Frames] = {}
    try:
        for role in ("image", "target", "source", "mask"):
            picture: Picture | None = getattr(pair, role)
            if picture is not None:
                videos[role] = source_files.Frames(picture)
        shared = sorted(
            set.intersection(*(set(videos[role].numbers) for role in videos if role in ("image", "target")))
        )
        source = _SourceFaces(videos["source"], tools, options) if "source" in videos else None
        last_box = None
        for number in source_files.evenly_spaced(shared, pair.num_frames):
            try:
                record, last_box = _of_frame(pair, videos, source, number, tools, options, last_box)
                yield record
            except ImageError as error:
                yield _refused(f"{pair.image.name}#{number}", pair.split, error)
    except ImageError as error:
        yield _refused(pair.image.name, pair.split, error)
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
    """The record of frame `number`; one crop, found on the target where it is at hand, serves target and forgery."""
    origin = f"{pair.image.name}#{number}"
    image = videos["image"].read(number)
    found_on = videos["target"].read(number) if "target" in videos else image
    face = _find(found_on, tools, origin, last_box)
    cut = _cut(image, face, options)
    target = _cut(found_on, face, options) if "target" in videos else None
    source_number, source = source_faces.at(number) if source_faces else (-1, None)
    named = pair._replace(
        target=pair.target and pair.target._replace(frame=number),
        source=pair.source and pair.source._replace(frame=source_number),
    )
    record = _record(named, cut, origin, source, target)
    if "mask" in videos and number in videos["mask"].numbers:
        record["mask"] = _mask(videos["mask"].read(number), cut.matrix, options.size)
    return record, face.box


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
        face = _find(image, self._tools, f"{self._video.origin}#{number}", self._last_box)
        self._last_box = face.box
        return _cut(image, face, self._options)

    def _most_frontal(self) -> tuple[int, Cut]:
        best: tuple[float, int, Cut] | None = None
        for number in source_files.evenly_spaced(self._video.numbers, FRONTAL_CANDIDATES):
            try:
                cut = self._cut(number)
            except ImageError:
                continue
            merit = frontality(cut.face.landmarks)
            if best is None or merit > best[0]:
                best = merit, number, cut
        if best is None:
            raise ImageError(f"{self._video.origin}: no face found in {FRONTAL_CANDIDATES} frames of the source video")
        return best[1:]
