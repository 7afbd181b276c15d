"""The sections of a report on a video that differ from those on a picture: of its tracks, and of the frames used."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dfrec_jax.forensics import result_folder
from dfrec_jax.forensics.report import measuring, opening, statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import (
    Block,
    Bullets,
    Facts,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
    plain,
    significant,
)

AGREEMENT = (
    "The frames of a video are of one swap by one program: that they agree says that the result is steady, not that it "
    "is true."
)


class _Frame(NamedTuple):
    """One that was recovered: its track's place from 1, its number, its folder, its result, its quality in [0, 1]."""

    track: int
    number: int
    folder: str
    result: Mapping[str, Any]
    quality: float

    @property
    def is_recovered(self) -> bool:
        return self.result["status"] == "recovered"


def _frames(contents: Contents) -> Iterator[_Frame]:
    for place, track in enumerate(contents.result["tracks"], 1):
        for number, quality in zip(track["recovered_from"], track["quality"], strict=True):
            folder = result_folder.of_frame(place, number)
            yield _Frame(place, number, folder, contents.frames[folder], quality)


def _best(contents: Contents) -> list[_Frame]:
    """Of each track, the recovered frame of the highest quality, if there is one."""
    recovered = [frame for frame in _frames(contents) if frame.is_recovered]
    tracks = sorted({frame.track for frame in recovered})
    return [max((each for each in recovered if each.track == of), key=lambda each: each.quality) for of in tracks]


def _when(contents: Contents, number: int) -> str:
    rate = contents.result["rate"]
    return f"{number / rate:.2f} s" if rate else "-"


def in_plain_words(contents: Contents) -> Section:
    """What must be read first, and of each track the best frame."""
    result = contents.result
    blocks: list[Block] = list(opening.warned(contents))
    best = _best(contents)
    if not best:
        reason = plain(result["reason"]) or "no frame was recovered"
        blocks.append(Paragraph(f"Nothing was recovered. The outcome is `{contents.status}`: {reason}."))
    else:
        blocks.append(
            Paragraph(
                "In a face swap the face of one person, the source, is put over the face of another, the target. From "
                f"{len(list(_frames(contents)))} of the {result['frames']} frames of the video "
                f"{plain(result['input'])} the network drew both faces, frame by frame."
            )
        )
    for frame in best:
        track = result["tracks"][frame.track - 1]
        blocks += [
            Paragraph(
                f"Track {frame.track}, one person as far as place and likeness say: a face seen in "
                f"{len(track['seen_in'])} of the {len(result['frames_read'])} frames that were looked at, recovered "
                f"from {len(track['recovered_from'])}. Of these the one of the highest quality, number {frame.number} "
                f"({_when(contents, frame.number)} from the start):"
            ),
            Pictures(
                tuple(
                    Picture(f"{frame.folder}/{file}", title, words)
                    for file, title, words in (
                        ("input.png", "The face in the frame", "as the network saw it"),
                        ("target.png", "Recovered target", "generated in part: the face that was covered"),
                        ("source.png", "Recovered source", "generated: the face that was put there"),
                        ("map.png", "Map", "white: what the network takes for the source's"),
                    )
                )
            ),
            Paragraph(opening.share(frame.result)),
        ]
    blocks.append(Paragraph(statements.UNCALIBRATED))
    return Section("plain", "In plain words", tuple(blocks))


def exhibit(contents: Contents) -> Section:
    """The file, its hash, and the frames that were used."""
    said = contents.said["exhibit"]
    rate = f"{said['rate']:g} frames a second" if said["rate"] else "the file says no rate"
    rows = (
        ("File", plain(said["name"])),
        ("SHA-256", said["sha256"]),
        ("Size", f"{said['num_bytes']} bytes, {said['frames']} frames, {rate}, codec {said['codec'] or 'not said'}"),
        ("Working copy", f"{said['copy']}, in the folder of this report, the same to the bit"),
    )
    blocks: list[Block] = [Facts(rows), *opening.c2pa(said["c2pa"])]
    if said["frames_used"]:
        used = tuple(
            (str(each["frame"]), _when(contents, each["frame"]), "{} x {}".format(*each["size"]), each["pixels_sha256"])
            for each in said["frames_used"]
        )
        caption = (
            "Frames are counted from 0, times from the start by the rate that the file says. The hash is of the pixels "
            f"that {plain(said['decoder'])} decodes (RGB, 8 bits, row by row); another decoder may round otherwise."
        )
        blocks.append(Table(("frame", "time", "size", "SHA-256 of its pixels"), used, (0, 1), caption))
    return Section("exhibit", "The exhibit", tuple(blocks))


def done(contents: Contents) -> Section:
    """The steps of the program, in order."""
    result = contents.result
    steps = [
        "The file was hashed, and frames were decoded by number; the working copy has the same hash.",
        f"{len(result['frames_read'])} of {result['frames']} frames, evenly spaced, were looked at: "
        f"{', '.join(map(str, result['frames_read']))}. Faces were {plain(result['face'])}. "
        f"Framing: `{plain(result['crop'])}`.",
        "Faces that overlap or resemble each other from frame to frame were taken for one track. "
        + ("Each track was taken." if result["faces"] == "all" else "The largest track was taken."),
        f"Of each track the frames of the highest quality were recovered, {result['best_asked']} at most, of those "
        "that keep the limits below. Quality: detector's score, size, sharpness and pose, together from 0 to 1.",
    ]
    if frame := next(_frames(contents), None):
        one = frame.result
        steps.append(
            f"The network `{plain(one['config'])}` (step {one['checkpoint_step']}) saw each face at "
            f"{one['network_size']} x {one['network_size']} pixels and drew its map, the source, and the patches of "
            f"the target that it masked. Mode: {one['mode']}. Masking noise was drawn from seed {result['seed']}."
        )
        steps.append(opening.ASSUMED if result.get("assume") else opening.NOT_ASSUMED)
    steps.extend(opening.told_who_is_seen(result))
    steps.append("The program interprets nothing. Whoever draws a conclusion from this report signs for it.")
    trained = Paragraph(f"Trained on: {plain(contents.said['network']['trained_on'])}.", "note")
    return Section("done", "What was done", (Bullets(tuple(steps)), trained))


def applicability(contents: Contents) -> Section:
    """What became of each track and each frame, what the gate stopped, and warnings."""
    result = contents.result
    rows = [("Outcome", contents.status), *([("Reason", plain(result["reason"]))] if result["reason"] else [])]
    for place, track in enumerate(result["tracks"], 1):
        failed = track["gate_failed"].items()
        stopped = ", ".join(f"{count} ({measuring.CHECKS.get(name, plain(name))})" for name, count in failed)
        words = f"seen in frames {', '.join(map(str, track['seen_in']))}; stopped by a limit: {stopped or 'none'}"
        rows.append((f"Track {place}: {track['status']}", words))
    blocks: list[Block] = [Facts(tuple(rows))]
    frames = list(_frames(contents))
    if frames:
        lines = tuple(
            (*_named(contents, each), each.result["status"], significant(each.quality), _remarks(each))
            for each in frames
        )
        caption = "Quality: from 0 to 1. What was measured of each frame beside its limit stands in its `result.json`."
        headings = ("track", "frame", "time", "outcome", "quality", "warnings")
        blocks.append(Table(headings, lines, (0, 1, 2, 4), caption))
    for frame in _best(contents):
        lines = tuple(measuring.check(each) for each in frame.result["checks"])
        caption = f"Track {frame.track}, frame {frame.number}. A dash: not told, which does not stop it."
        blocks.append(Table(("measure", "outcome", "value", "limit"), lines, (2, 3), caption))
    if result.get("force"):
        blocks.append(Paragraph("The operator forced the recovery (`--force`) whatever the limits say.", "alarm"))
    if result["warnings"]:
        blocks += [Paragraph("Warnings of the video:"), Bullets(tuple(plain(each) for each in result["warnings"]))]
    blocks.append(Paragraph(statements.SWAPPER_UNKNOWN))
    blocks.append(Paragraph(f"Training saw {plain(contents.said['network']['trained_on'])}.", "note"))
    return Section("applicability", "Whether the method applies to this exhibit", tuple(blocks))


def _named(contents: Contents, frame: _Frame) -> tuple[str, str, str]:
    return str(frame.track), str(frame.number), _when(contents, frame.number)


def _remarks(frame: _Frame) -> str:
    said = (frame.result["reason"], *frame.result["warnings"])
    return plain("; ".join(each for each in said if each)) or "-"


def generated(contents: Contents) -> Section:
    """Which pixels of each frame were generated."""
    title = "What is the exhibit's own, and what was generated"
    frames = [frame for frame in _frames(contents) if "generated_patches" in frame.result]
    if not frames:
        return Section("generated", title, (Paragraph("Nothing was generated."),))
    rows = tuple(
        (
            *_named(contents, frame),
            f"{len(frame.result['generated_patches'])} of {frame.result['num_patches']}",
            *(f"{frame.result[f'share_{name}']:.1%}" for name in ("own", "generated", "forged_seen")),
        )
        for frame in frames
    )
    headings = ("track", "frame", "time", "generated patches", "own", "generated", "own, marked as another's")
    caption = (
        "Shares of the pixels of the face's crop that the frame has. Which patches they were stands in each frame's "
        "`result.json`; its `evidence_mask.png` has the kind of each pixel as its index."
    )
    blocks: list[Block] = [
        Paragraph(
            "Every other pixel of a recovered target is the frame's own. All of a recovered source was generated."
        ),
        Table(headings, rows, (0, 1, 2, 3, 4, 5, 6), caption),
        Paragraph(statements.LABELLED),
    ]
    for frame in _best(contents):
        words = "left the frame; right, tinted, what was generated, and what the network saw of the other face"
        shown = Picture(f"{frame.folder}/evidence.png", f"Evidence map, frame {frame.number}", words)
        blocks.append(Pictures((shown,), is_wide=True))
    return Section("generated", title, tuple(blocks))


def measured(contents: Contents) -> Section:
    """Figures of each frame, each beside that of the frame as it is."""
    title = "Measured on this exhibit"
    frames = [frame for frame in _frames(contents) if "mean_map" in frame.result]
    if not frames:
        return Section("measured", title, (Paragraph("Nothing was measured."),))
    similarity = contents.said["similarity"]
    rows = tuple(
        (
            *_named(contents, frame),
            significant(len(frame.result["generated_patches"]) / frame.result["num_patches"]),
            significant(frame.result["mean_map"]),
            _told(frame.result["forgery_score_uncalibrated"]),
            *(_told(similarity[frame.folder].get(name)) for name in ("target", "source")),
        )
        for frame in frames
    )
    none = ("None", "", "", "0", "0", "does not apply", "1", "1")
    headings = ("track", "frame", "time", "generated", "mean of the map", "classifier's score", "target", "source")
    caption = (
        "Generated: share of the target's patches; the higher, the more of it is a guess. Score: from 0 to 1, not "
        "calibrated: no probability. Target, source: cosine of identity of the recovered face with the frame's."
    )
    blocks: list[Block] = [
        Table(headings, (none, *rows), (3, 4, 5, 6, 7), caption),
        Paragraph(statements.NONE_BESIDE, "note"),
        measuring.recognisers(contents),
    ]
    reasons = dict.fromkeys(each["reason"] for each in similarity.values() if "reason" in each)
    blocks += [Paragraph(f"Cosine of identity: where it is missing, {plain(each)}.", "note") for each in reasons]
    return Section("measured", title, tuple(blocks))


def stability(contents: Contents) -> Section:
    """How far the frames of a track agree, and how each moves."""
    title = "How the result moves"
    if not _best(contents):
        return Section("stability", title, (Paragraph("Nothing was recovered that could move."),))
    blocks: list[Block] = []
    for place, track in enumerate(contents.result["tracks"], 1):
        blocks += _drift(contents, place, track)
    frames = [frame for frame in _frames(contents) if frame.is_recovered]
    if any("seeds" in frame.result for frame in frames):
        rows = tuple(
            (
                *_named(contents, frame),
                str(len(frame.result["seeds"])),
                significant(frame.result["seeds_spread"]),
                plain(frame.result["stability_words"]) or "not told",
            )
            for frame in frames
        )
        caption = "Other draws of the masking noise. Spread of the pixels: standard deviation, of levels from 0 to 1."
        blocks.append(Table(("track", "frame", "time", "draws", "spread", "stability"), rows, (0, 1, 2, 3, 4), caption))
    else:
        what = "Other draws of the masking noise: mean, spread, stability"
        blocks.append(measuring.not_computed(what, contents, "--seeds 16"))
    if contents.result.get("examined"):
        words = "How each frame moves when it gets worse stands in its folder: `degradation.png`, `result.json`."
        blocks.append(Paragraph(words, "note"))
    else:
        what = "How the result moves under noise, JPEG and resizing"
        blocks.append(measuring.not_computed(what, contents, "--checks"))
    return Section("stability", title, tuple(blocks))


def _drift(contents: Contents, place: int, track: Mapping[str, Any]) -> list[Block]:
    if track["why_no_embedding"]:
        return [Paragraph(f"Track {place}: no mean embedding. {plain(track['why_no_embedding'])}.", "note")]
    columns = (track["embedded_frames"], track["exhibit_cosines"], track["target_cosines"])
    rows = tuple(
        (str(number), _when(contents, number), significant(own), significant(target))
        for number, own, target in zip(*columns, strict=True)
    )
    caption = (
        f"Track {place}: cosine of each frame's face with the mean of its track, weighted by quality, by "
        f"{plain(track['recogniser'])}. None: the frames' faces as they are, with their own mean. The two means have "
        f"the cosine {significant(track['target_to_exhibit'])} (1: the same). {AGREEMENT}"
    )
    plot = Picture(f"track-{place}/drift.png", f"Drift of track {place}", "how far its frames agree with their mean")
    return [
        Table(("frame", "time", "None", "recovered target"), rows, (0, 1, 2, 3), caption),
        Pictures((plot,), is_wide=True),
    ]


def _told(value: Any) -> str:
    return "-" if value is None else significant(value)
