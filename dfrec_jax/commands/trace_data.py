"""The cases of `dfrec trace calibrate --data`: made of prepared data, indexed, and recovered by a network.

It alone of what examiners run reads prepared data, and so needs the packages of training.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import people
from dfrec_jax.forensics.recover import recover
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.pictures import framing
from dfrec_jax.records import joint, staged
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import released, shipped, stored_config
from dfrec_jax.tracing import embedder as embedder_lib
from dfrec_jax.tracing import gallery, indexing, made_cases
from dfrec_jax.tracing.calibrating import MIN_PEOPLE
from dfrec_jax.tracing.made_cases import DataSet, Plan

AT_A_TIME = 8  # swaps that are recovered together


def make(
    entries: Sequence[str],
    workdir: str | None,
    network: str,
    checkpoint: str,
    most: int,
    recogniser: str,
    seed: int,
    folder: Path,
    lies_at: Path,
) -> dict[str, Any]:
    """Fills `folder` with `people/`, `swaps/`, `recovered/`, `gallery/` and `cases.csv`.

    Args:
      entries: of --data, `[BUILDER:]DIR[:all]`.
      workdir: of the network that recovers; None for `network`.
      network: one that comes with the package.
      checkpoint: `best`, `newest`, or a step.
      most: swaps of each data set.
      recogniser: of the gallery.
      seed: of what is swapped and how.
      folder: to fill.
      lies_at: where it will lie when it is whole.

    Returns:
      What the cases were made of, for the record.

    Raises:
      ConfigError: for data that the network was trained on or cannot see, or too few people.
      CheckpointError: for a workdir without the checkpoint.
    """
    where = shipped.chosen(workdir, network)
    config = stored_config.load(where)
    data = made_cases.opened(entries)
    for each in data:
        _check(each, config)
    plans = [made_cases.plan(each, most, seed) for each in data]
    hidden = {swap.target for plan in plans for swap in plan.swaps}
    if len(hidden) < 2 * MIN_PEOPLE:
        raise ConfigError(
            f"--data: swaps of {len(hidden)} people can be made of it, and {2 * MIN_PEOPLE} are the least, "
            f"{MIN_PEOPLE} to fit on and as many to measure on; name another folder too, or :all after one on which "
            "nothing was trained"
        )
    trained_on = None if (where / released.RETAINED).exists() else config
    said = [_said(plan, trained_on, config) for plan in plans]
    for each in said:
        print(f"{each['name']}: {each['words']}", file=sys.stderr)
    recoverer = Recoverer(
        workdir, network=network, which=checkpoint, crop="none", assume="swap" if config.ism.enabled else "",
        batch_size=min(AT_A_TIME, sum(len(plan.swaps) for plan in plans)),
    )  # fmt: skip
    embedder = embedder_lib.Embedder(recogniser)

    size = max(made_cases.SIZE, config.image_size)
    for plan in plans:
        total = len(plan.photographs) + len(plan.swaps)
        for _ in progress(made_cases.writing(plan, folder, size, seed), total, f"{plan.data.name}, pictures"):
            pass
    shown = folder / made_cases.PEOPLE
    origin = f"made by `dfrec trace calibrate --data {' '.join(each.name for each in data)}`"
    embedded = indexing.indexing(
        shown, folder / made_cases.GALLERY, embedder, origin=origin, lies_at=lies_at / made_cases.PEOPLE
    )
    for _ in progress(embedded, sum(len(plan.photographs) for plan in plans), "gallery, pictures"):
        pass
    statuses: Counter[str] = Counter()
    for plan in plans:
        paths = [folder / file for file in plan.files()]
        recovered = recover(paths, recoverer, folder / made_cases.RECOVERED / plan.data.name)
        statuses.update(
            outcome.status for outcome in progress(recovered, len(paths), f"{plan.data.name}, swaps recovered")
        )
    known = {one.name for one in gallery.read(folder / made_cases.GALLERY).people}
    unknown = made_cases.write_cases(plans, folder, known)
    if unknown:
        print(f"left out: {unknown} swaps of people whose face was found in no picture of theirs", file=sys.stderr)
    return {"data": said, "statuses": dict(statuses), "faces_not_found": unknown, "seed": seed}


def _check(data: DataSet, config: ConfigDict) -> None:
    """Raises ConfigError for people on whom the network was trained, and for faces in another frame than its own."""
    place = _resolved(staged.place_of(data.folder, data.kind))
    own = [staged.place_of(folder, kind) for kind, folder in joint.named_folders(config.data.dir, config.data.dataset)]
    if data.is_all and config.data.dir and place in map(_resolved, own):
        raise ConfigError(
            f"--data={data.entry}: the network was trained on people of this folder, and ratios that are measured on "
            "them would be too good; leave :all out, then its test split alone is taken"
        )
    wanted = framing.frame_of(config.data.crop, config.data.margin)
    frame = next(iter(data.splits.values())).frame
    if not frame.is_that_of(wanted) and not (config.data.crop is None and frame.crop == "none"):
        raise ConfigError(
            f"--data={data.entry}: was prepared with `{frame.words()}`, and the network sees faces as by "
            f"`{wanted.words()}`; prepare them anew so"
        )


def _resolved(place: Path | str) -> Path | str:
    return place.resolve() if isinstance(place, Path) else place


def _said(plan: Plan, trained_on: ConfigDict | None, config: ConfigDict) -> dict[str, Any]:
    """What a data set gave, and who of its people stands in the training of the network."""
    data = plan.data
    measured_on = config.copy_and_resolve_references()
    measured_on.data.dataset, measured_on.data.dir, measured_on.data.attack = data.kind, data.folder, ""
    ids = np.array([photograph.split.index.source_id[photograph.number] for photograph in plan.photographs])
    seen = people.overlap(trained_on, measured_on, {"source_id": ids, "target_id": ids}, split=next(iter(data.splits)))
    hidden, is_made = len({swap.target for swap in plan.swaps}), plan.swaps[0].choice is not None
    kind = "made by the generator of training" if is_made else "as they were recorded"
    words = (
        f"{len(plan.swaps)} of {plan.possible} swaps, {kind}, of {hidden} people; {len(np.unique(ids))} people in the "
        f"gallery ({', '.join(data.splits)}): {seen}"
    )
    return {
        "name": data.name, "dataset": data.kind,
        "splits": {name: split.digest() for name, split in data.splits.items()},
        "swaps": len(plan.swaps), "people_hidden": hidden, "people": len(np.unique(ids)), "words": words,
    }  # fmt: skip
