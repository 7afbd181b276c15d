"""A report beside the same result made again: every number, every picture, and what is said of file and network."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.pictures.reading import decode_image

# Within which another machine, or another version of a library, may differ: of every number relative to the larger of
# it and 1, and of a picture's levels, 0 to 255, in the mean and at most.
NUMBER, MEAN_LEVELS, MOST_LEVELS = 1e-3, 0.1, 3
# Of a record: what says when and with what it was made, and not what was made; networks are told apart by their hash.
_NOT_MADE = ("jax", "dfrec_jax", "report", "network")


class Check(NamedTuple):
    """`holds` is None where it was not checked; `words` say why, or what differs."""

    name: str
    holds: bool | None
    words: str


def compared(contents: Contents, made: Path) -> Iterator[Check]:
    """A report beside the folder of the same result, made again: what its records say, number by number, and pictures.

    Args:
      contents: of the report.
      made: with result.json, report.json and the pictures.
    """
    again = names.read(made)
    yield from _numbers(contents, again)
    yield from _said(contents, again)
    yield from _pictures(contents, made)


def _numbers(contents: Contents, again: Contents) -> Iterator[Check]:
    """Of result.json; of a video, of each frame's too."""
    differ, other = _differences(contents.result, again.result, "")
    for name in sorted(contents.frames.keys() | again.frames.keys()):
        more, is_other = _differences(contents.frames.get(name, {}), again.frames.get(name, {}), f"{name} ")
        differ, other = differ + more, other or is_other
    words = "; ".join(differ) or f"every number within {NUMBER:g}, all else the same"
    yield Check("numbers", not differ, words)
    if other:
        words = (
            "not compared: the test set's figures, among which those of the result stand, are others at hand, or none"
        )
        yield Check("reference", None, words)


def _differences(said: Mapping[str, Any], made: Mapping[str, Any], of: str) -> tuple[list[str], bool]:
    """What differs, and whether ranks were left out, since the figures that they are ranks among are others."""
    is_other = said.get("reference") != made.get("reference")
    if is_other:
        said, made = _without_ranks(said), _without_ranks(made)
    return [
        f"{of}{name}: {_short(said.get(name))}, made again {_short(made.get(name))}"
        for name in sorted(said.keys() | made.keys())
        if name not in _NOT_MADE and not _alike(said.get(name), made.get(name))
    ], is_other


def _without_ranks(record: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name != "reference" and not name.endswith("_rank")}
    if isinstance(kept.get("degradation"), list):
        kept["degradation"] = [
            {name: value for name, value in step.items() if not name.endswith("_rank")}
            if isinstance(step, dict)
            else step
            for step in kept["degradation"]
        ]
    return kept


def _said(contents: Contents, again: Contents) -> Iterator[Check]:
    """What report.json says of the file, of the network and by the recogniser, beside what is read and measured now."""
    yield _file(contents, again)
    here, now = contents.said["similarity"], again.said["similarity"]
    pairs = [(here.get(name, {}), now[name]) for name in now] if contents.is_video else [(here, now)]
    reasons = [there["reason"] for said, there in pairs if "reason" in there and "reason" not in said]
    if reasons:
        yield Check("similarity", None, f"not measured again: {reasons[0]}")
    else:
        yield _same("similarity", here, now, f"every cosine within {NUMBER:g}")
    networks = [contents.said["network"], again.said["network"]]
    figures = [network.get("reliability", {}) for network in networks]
    if figures[0].get("file_sha256") != figures[1].get("file_sha256"):
        words = "not compared: the figures of the network's test set are from another results.json than that at hand"
        yield Check("test set", None, words)
        return
    told = ("trained_on", "networks_of_losses", "recogniser_of_metrics", "is_of_drawn_faces", "gains")
    here, now = (
        {name: network.get(name) for name in told} | {name: each.get(name) for name in ("recovery", "detection")}
        for network, each in zip(networks, figures, strict=True)
    )
    yield _same("test set", here, now, "the figures of the network's test set, and what it was trained on")


def _file(contents: Contents, again: Contents) -> Check:
    """What the file says of itself, but for what another version of a reader may tell otherwise."""
    here, now = (dict(each.said["exhibit"]) for each in (contents, again))
    readers = [each.get("c2pa", {}).get("reader") for each in (here, now)]
    is_same_decoder = here.get("decoder") == now.get("decoder")
    for each in (here, now):
        each.pop("copy", None)
        if readers[0] != readers[1]:
            each.pop("c2pa", None)
        if not is_same_decoder:
            each.pop("decoder", None)
            each.pop("frames_used", None)
    kind, tags = ("codec", "rate") if contents.is_video else ("format", "EXIF")
    is_same_reader = readers[0] == readers[1]
    words = f"{kind}, {tags} and C2PA" if is_same_reader else f"{kind} and {tags}; C2PA is read by another version"
    if contents.is_video:
        words += "; frames' pixels" if is_same_decoder else "; another decoder: no pixels"
    return _same("file", here, now, words)


def _same(name: str, said: Mapping[str, Any], now: Mapping[str, Any], words: str) -> Check:
    differ = [
        f"{field}: {_short(said.get(field))}, now {_short(now.get(field))}"
        for field in sorted(said.keys() | now.keys())
        if not _alike(said.get(field), now.get(field))
    ]
    return Check(name, not differ, "; ".join(differ) or words)


def _pictures(contents: Contents, made: Path) -> Iterator[Check]:
    pictures = sorted(_made_pictures(made))
    worst, wrong = 0, []
    for name in pictures:
        path = contents.folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
            continue
        here, there = (decode_image(each.read_bytes(), each).pixels.astype(int) for each in (path, made / name))
        if here.shape != there.shape:
            wrong.append(f"{name}: of another size")
            continue
        apart = np.abs(here - there)
        worst = max(worst, int(apart.max()))
        if apart.max() > MOST_LEVELS or apart.mean() > MEAN_LEVELS:
            wrong.append(f"{name}: differs by up to {apart.max()} levels of 255, {apart.mean():.2f} in the mean")
    strange = sorted(set(_made_pictures(contents.folder)) - set(pictures))
    wrong += [f"{name}: was not made" for name in strange]
    if contents.search is not None:
        yield Check("candidates", None, "the gallery is not searched again: `dfrec trace search` does, on this folder")
    good = f"{len(pictures)} pictures within {MOST_LEVELS} levels of 255 ({worst} at most), {MEAN_LEVELS:g} in the mean"
    yield Check("pictures", not wrong, "; ".join(wrong) or good)


def _made_pictures(folder: Path) -> Iterator[str]:
    """By their paths in it: those of the result, and of a video's tracks and frames."""
    for pattern in ("*.png", "track-*/*.png", "track-*/frame-*/*.png"):
        yield from (path.relative_to(folder).as_posix() for path in folder.glob(pattern))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        if not isinstance(one, int | float) or not isinstance(other, int | float):
            return False
        return abs(one - other) <= NUMBER * max(1.0, abs(one), abs(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other


def _short(value: Any) -> str:
    words = json.dumps(value)
    return words if len(words) <= 80 else f"{words[:80]}..."
