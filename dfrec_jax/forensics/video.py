"""Recovery of a video: its people by tracks, the best frames of each, and one mean embedding with its drift."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from dfrec_jax.files import whole
from dfrec_jax.forensics import gate, result_files, result_folder, tracks
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.outcome import Outcome
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import NOT_APPLICABLE, RECOVERED, UNDETECTED, Picture, Recovery
from dfrec_jax.forensics.result_files import Exhibit
from dfrec_jax.forensics.tracks import Sight, Track
from dfrec_jax.pictures.reading import ImageError, sha256_of
from dfrec_jax.pictures.video import VideoFile, evenly_spaced

DRIFT = "drift.png"


class Sampling(NamedTuple):
    """Which frames of a video are used.

    Attributes:
      read: how many are looked at, evenly spaced.
      best: how many of each track are recovered.
    """

    read: int = 32
    best: int = 5


USUAL = Sampling()


class Watched(NamedTuple):
    """A video as it was recovered.

    Attributes:
      path: of its file.
      sha256: of its bytes.
      file: the video, open.
      pictures: the frames that were recovered, by number.
      recoveries: what became of each, by the folder of its result in that of the video.
    """

    path: Path
    sha256: str
    file: VideoFile
    pictures: Mapping[int, Picture]
    recoveries: Mapping[str, Recovery]


class Reporting(Protocol):
    """What writes a report of a video; see `recover.Reporting`."""

    def why_not_of_videos(self) -> str:
        """Why it does not; empty where it does."""
        ...

    def add_video(self, folder: Path, watched: Watched) -> None:
        """Adds it to the folder of the result."""
        ...


class Watching(NamedTuple):
    """What is asked of a video.

    Attributes:
      every: each track, not the largest alone.
      sampling: which frames.
      report: that is written of it; None: none is.
    """

    every: bool = False
    sampling: Sampling = USUAL
    report: Reporting | None = None


def recover(path: Path, out: Path, recoverer: Recoverer, identity: dict[str, Any], watching: Watching) -> Outcome:
    """Writes `<out>/<stem>`: result.json, and for each track a folder with those of its best frames and `drift.png`.

    Args:
      path: of the video.
      out: folder of the results.
      recoverer: the network.
      identity: fields by which a result is known again.
      watching: tracks, frames and report.

    Raises:
      OSError: where the result cannot be written.
    """
    if recoverer.looker.is_said:
        return Outcome(path, None, (), f"{path}: --faces says where faces are in pictures, not in videos; leave it out")
    if watching.report is not None and (reason := watching.report.why_not_of_videos()):
        return Outcome(path, None, (), f"{path}: {reason}")
    folder = out / result_folder.name_of(path)
    identity = identity | {"frames_asked": watching.sampling.read, "best_asked": watching.sampling.best}
    try:
        sha256 = sha256_of(path)
        if result_folder.holds(folder, {"input_sha256": sha256, **identity}):
            return Outcome(path, folder, (), "", was_there=True)
        video = VideoFile(path, path.name)
        try:
            record = {"input": path.name, "input_sha256": sha256, "frames": video.count, "rate": video.rate}
            return _recovered(path, folder, video, recoverer, identity, record, watching)
        finally:
            video.close()
    except (ImageError, result_folder.FolderTaken) as error:
        return Outcome(path, None, (), str(error))


def _recovered(
    path: Path,
    folder: Path,
    video: VideoFile,
    recoverer: Recoverer,
    identity: dict[str, Any],
    record: dict[str, Any],
    watching: Watching,
) -> Outcome:
    numbers = evenly_spaced(list(range(video.count)), watching.sampling.read)
    sights, warnings = [], []
    for number in numbers:
        try:
            sights.append(_sights(video.read(number), number, recoverer))
        except ImageError as error:
            warnings.append(str(error))
    found = tracks.link(sights)
    taken = found if watching.every else found[:1]
    if len(found) > len(taken):
        warnings.append(f"{len(found)} people, or tracks, in it: the largest was taken; --all-faces takes each")
    chosen = [tracks.best(track, watching.sampling.best) for track in taken]
    pictures = _read_again(video, sorted({sight.frame for track in chosen for sight in track}))
    statuses: list[str] = []

    def fill(unfinished: Path) -> None:
        said, by_folder = [], {}
        for place, (track, frames) in enumerate(zip(taken, chosen, strict=True), 1):
            recoveries = [_recovery(pictures[sight.frame], sight, recoverer) for sight in frames]
            of_track = unfinished / f"track-{place}"
            of_track.mkdir()
            for sight, recovery in zip(frames, recoveries, strict=True):
                exhibit = Exhibit(
                    path, folder, record["input_sha256"], b"", pictures[sight.frame], (), sight.found, sight.frame
                )
                name = result_folder.of_frame(place, sight.frame)
                (unfinished / name).mkdir()
                result_files.fill(unfinished / name, exhibit, recovery, recoverer, identity)
                by_folder[name] = recovery
            said.append(_track_record(track, frames, recoveries, recoverer, of_track / DRIFT, video.rate))
        statuses.extend(each["status"] for each in said)
        whole.write_json(
            unfinished / result_folder.RECORD,
            record | {
                "kind": "video", "frames_read": numbers, "status": _best_of(statuses), "reason": _reason(said),
                "warnings": warnings, "face": recoverer.looker.face_check, "tracks": said,
            } | identity,
            indent=1,
        )  # fmt: skip
        if watching.report is not None:
            watched = Watched(path, record["input_sha256"], video, pictures, by_folder)
            watching.report.add_video(unfinished, watched)

    result_folder.write(folder, fill)
    reason = "" if _best_of(statuses) == RECOVERED else "no frame of it was recovered; result.json says why"
    return Outcome(path, folder, tuple(warnings), "", status=_best_of(statuses), reason=reason)


def _sights(pixels: Picture, number: int, recoverer: Recoverer) -> list[Sight]:
    sights = []
    for found in recoverer.look(pixels, every=True):
        framed = found.framed if isinstance(found, Recovery) else found
        if framed is None:
            continue  # no face in this frame
        height, width = pixels.shape[:2]
        box = np.array([0, 0, width, height], np.float32) if framed.face is None else framed.face.box
        embedding = None
        if not recoverer.likeness.why_not(framed.landmarks):
            picture = framed.pixels.astype(np.float32) / 255
            embedding = recoverer.likeness.embeddings([picture], framed.landmarks)[0]
        sights.append(Sight(number, found, box, embedding))
    return sights


def _read_again(video: VideoFile, numbers: Sequence[int]) -> dict[int, Picture]:
    return {number: video.read(number) for number in numbers}


def _recovery(pixels: Picture, sight: Sight, recoverer: Recoverer) -> Recovery:
    assert isinstance(sight.found, Framed), "the best are those that the gate lets through"
    (made,) = recoverer.make([sight.found])
    return recoverer.recovery(pixels, sight.found, made)


def _track_record(
    track: Track, chosen: Track, recoveries: Sequence[Recovery], recoverer: Recoverer, drift: Path, rate: float
) -> dict[str, Any]:
    stopped = Counter(
        check.name for sight in track if isinstance(sight.found, Recovery) for check in gate.failed(sight.found.checks)
    )
    statuses = [recovery.status for recovery in recoveries]
    record: dict[str, Any] = {
        "status": _best_of(statuses),
        "seen_in": [sight.frame for sight in track],
        "recovered_from": [sight.frame for sight in chosen],
        "statuses": statuses,
        "quality": [round(tracks.quality(sight.found.checks), 4) for sight in chosen],
        "gate_failed": dict(stopped),
        "recogniser": recoverer.likeness.name,
        "why_no_embedding": "",
    }
    used = [
        (sight, each) for sight, each in zip(chosen, recoveries, strict=True)
        if each.status == RECOVERED and each.made is not None and sight.embedding is not None
    ]  # fmt: skip
    if not used:
        record["why_no_embedding"] = "no frame was recovered, or nothing compares its faces"
        return record
    weights = [tracks.quality(sight.found.checks) for sight, _ in used]
    rows = np.concatenate([
        recoverer.likeness.embeddings([np.asarray(each.made.output.target_face)], sight.found.landmarks)  # pyright: ignore
        for sight, each in used
    ])  # fmt: skip
    mean = tracks.weighted_mean(rows, weights)
    own = np.stack([sight.embedding for sight, _ in used if sight.embedding is not None])
    of_exhibit = tracks.weighted_mean(own, weights)
    frames = [sight.frame for sight, _ in used]
    record |= {
        "embedded_frames": frames,
        "target_embedding": mean.tolist(),
        "exhibit_embedding": of_exhibit.tolist(),
        "target_cosines": [round(float(each), 4) for each in rows @ mean],
        "exhibit_cosines": [round(float(each), 4) for each in own @ of_exhibit],
        "target_to_exhibit": round(float(mean @ of_exhibit), 4),
    }
    _draw_drift(record, recoverer.likeness.name, rate, drift)
    return record


def _draw_drift(record: dict[str, Any], recogniser: str, rate: float, path: Path) -> None:
    from matplotlib.figure import Figure  # half a second, for those who draw

    figure = Figure((6.4, 3.2), layout="constrained")
    frames = np.array(record["embedded_frames"], float)
    axes = figure.add_subplot(
        xlabel="seconds" if rate else "frame", ylabel=f"cosine with the mean\n({recogniser})", ylim=(-0.05, 1.05)
    )
    at = frames / rate if rate else frames
    axes.plot(at, record["exhibit_cosines"], marker="s", color="0.6", label="exhibit as it is")
    axes.plot(at, record["target_cosines"], marker="o", color="#1f5f99", label="recovered target (generated)")
    axes.legend(frameon=False, loc="lower left")
    axes.set_title("How far the frames of one track agree: a lead, no identification", fontsize=9)
    with whole.replacing(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=150)


def _best_of(statuses: Sequence[str]) -> str:
    return next((each for each in (RECOVERED, UNDETECTED) if each in statuses), NOT_APPLICABLE)


def _reason(said: Sequence[dict[str, Any]]) -> str:
    if not said:
        return "no face was found in any frame that was read"
    stopped: Counter[str] = Counter()
    for each in said:
        stopped.update(each["gate_failed"])
    if _best_of([each["status"] for each in said]) == RECOVERED:
        return ""
    return f"no frame was recovered; checks that failed: {', '.join(sorted(stopped)) or 'none, but the maps are empty'}"
