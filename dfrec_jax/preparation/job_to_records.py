"""From one job to its records: read, find the face, cut out, encode. Runs in any process, with what it is given."""

import numpy as np

from dfrec_jax.pictures.reading import Decoded, ImageError, decode_image
from dfrec_jax.preparation.cut_records import Cut, Options, Results, cut, cut_mask, find, record, refused
from dfrec_jax.preparation.face_crops import FaceTools
from dfrec_jax.preparation.inputs import source_files
from dfrec_jax.preparation.plan import Item, Job, Picture, Remark, VideoPair
from dfrec_jax.preparation.shared_frame import Placed, carried_over
from dfrec_jax.preparation.video_to_records import records_of_video
from dfrec_jax.records import schema


def records_of(job: Job, tools: FaceTools, options: Options) -> Results:
    """The records of a job in the order of its items; what cannot become one is yielded as `Rejected`.

    What a person should know of a picture that did become one is yielded as `Remark`.
    """
    if isinstance(job.work, VideoPair):
        yield from records_of_video(job.work, tools, options)
        return
    for item in job.work:
        remarks: list[Remark] = []
        try:
            yield _of_item(item, tools, options, remarks)
            yield from remarks
        except ImageError as error:
            yield refused(item.image.origin, item.split, error)


class _Read:
    """A picture of an item, and its face once it is found."""

    def __init__(self, picture: Picture, split: str, remarks: list[Remark]):
        data = source_files.read_bytes(picture)
        decoded: Decoded = decode_image(data, picture.origin)
        remarks += [Remark(picture.origin, split, remark) for remark in decoded.remarks]
        self.origin, self.pixels = picture.origin, decoded.pixels
        # A file that was changed in being read (its colours, say) must not be stored as it was.
        self._jpeg = b"" if decoded.remarks else data

    def find(self, tools: FaceTools, options: Options, given: tuple[float, ...] = ()) -> Placed:
        return find(self.pixels, tools, options, self.origin, given=given)

    def cut(self, placed: Placed, options: Options) -> Cut:
        return cut(self.pixels, placed, options, self._jpeg)


def _of_item(item: Item, tools: FaceTools, options: Options, remarks: list[Remark]) -> schema.Record:
    """One crop, found on the target where it is at hand, serves target, forgery and mask; the source has its own."""
    image = _Read(item.image, item.split, remarks)
    source = target = None
    if item.source is not None:
        read = _Read(item.source, item.split, remarks)
        source = read.cut(read.find(tools, options), options)
    if item.target is None:
        placed = image.find(tools, options, item.face)
    else:
        read = _Read(item.target, item.split, remarks)
        on_target = read.find(tools, options)
        target = read.cut(on_target, options)
        placed = carried_over(on_target, image.pixels, image.origin, "its target")
    mask = b""
    if item.mask is not None:
        pixels: np.ndarray = _Read(item.mask, item.split, remarks).pixels
        mask = cut_mask(pixels, carried_over(placed, pixels, item.mask.origin, "its forgery"), options.size)
    return record(item, image.cut(placed, options), item.image.origin, source, target, mask)
