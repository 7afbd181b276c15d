"""`dfrec prepare DATASET --source DIR --out DIR`."""

import argparse
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dfrec_jax.preparation.plan import Plan

INTERRUPTED = 130
_DATASETS = ("faceforensics", "dfdc", "celeb_df", "celeba_megafs", "ffhq_e4s", "faces", "triplets")
_VIDEOS = ("faceforensics", "dfdc", "celeb_df")
_PAIRED = ("celeba_megafs", "ffhq_e4s")
# Options that not every data set knows: for another one they are refused, lest someone think that they did something.
_ONLY_FOR = {
    "attack": ("faceforensics", *_PAIRED), "split_file": ("faceforensics", "faces"), "frames": _VIDEOS,
    "compression": ("faceforensics",), "originals": _PAIRED, "identities": ("dfdc", "celeba_megafs"),
    "split_by": ("celeb_df", *_PAIRED, "triplets"),
    "attributes": ("faces",), "detections": ("faces",), "forgeries": ("faces",), "table": ("triplets",),
    "split": ("triplets",),
}  # fmt: skip
_CROPS = {name: "none" if name in (*_PAIRED, "triplets") else "box" for name in _DATASETS}


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    words = "videos or folders of faces -> a data set to train on"
    parser = subparsers.add_parser("prepare", help=words, description=f"{words}; docs/data.md has the layouts")
    parser.add_argument("dataset", choices=_DATASETS, metavar="DATASET", help=", ".join(_DATASETS))
    parser.add_argument("--source", required=True, help="folder or uncompressed tar file; faces: also tfds:lfw")
    parser.add_argument(
        "--out", required=True, help="folder in which DATASET/1.0.0 is made; what config.data.dir names"
    )
    parser.add_argument(
        "--crop",
        choices=("box", "align", "none"),
        help="a square about the face, one by its landmarks, or the whole picture (default: none for "
        f"{', '.join(name for name, crop in _CROPS.items() if crop == 'none')}, else box)",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=0.3,
        help="added to the longer side of the face box, as a share of it, 0 to 3 (default 0.3)",
    )
    parser.add_argument("--size", type=int, default=224, help="pixels a side, 16 to 4096 (default 224)")
    parser.add_argument(
        "--quality", type=int, default=95, help="of the JPEG files that are made, 1 to 100 (default 95)"
    )
    parser.add_argument(
        "--processes", type=int, default=0, help="how many work side by side (default 0: one for each CPU)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="faces: of the generated forgeries, 0 to 2147483647 (default 0)"
    )
    parser.add_argument(
        "--weights-dir",
        default="",
        help="folder in which detector and landmarker are looked for first (default: $DFREC_WEIGHTS, then the cache)",
    )
    parser.add_argument(
        "--shares",
        default="",
        help="of train, validation and test, such as 8:1:1 (the default; celeba_megafs, ffhq_e4s by people: 6:2:2)",
    )
    parser.add_argument(
        "--attack",
        action="append",
        default=[],
        help="faceforensics, celeba_megafs, ffhq_e4s: only this method (may be repeated; default: all that are known)",
    )
    parser.add_argument(
        "--split-file",
        default="",
        help="faces: CSV with columns file and split. faceforensics: folder of the official train.json, val.json, "
        "test.json (default: splits by a hash of the person)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        help="of each video, evenly spaced (default: faceforensics 140, dfdc 4, celeb_df 32; 0: all)",
    )
    parser.add_argument(
        "--compression",
        default="",
        choices=("", "raw", "c23", "c40"),
        metavar="{raw,c23,c40}",
        help="faceforensics: of which compression (default: the first there is of c23, raw, c40)",
    )
    parser.add_argument(
        "--originals", default="", help="celeba_megafs, ffhq_e4s: folder of the originals (default: the source itself)"
    )
    parser.add_argument(
        "--identities",
        default="",
        help="celeba_megafs: folder of CelebA's lists (default: looked for in the source). dfdc: CSV with columns "
        "file and identity",
    )
    parser.add_argument(
        "--split-by",
        default="people",
        choices=("people", "target", "image"),
        help="celeb_df, celeba_megafs, ffhq_e4s, triplets: what splits do not share (default people; others leak)",
    )
    parser.add_argument(
        "--attributes",
        default="",
        help="faces: CelebA's list_attr_celeba.txt, or a CSV with columns file and its 40 names",
    )
    parser.add_argument(
        "--detections", default="", help="faces: CSV with columns file,x0,y0,x1,y1 (pixels) in place of the detector"
    )
    parser.add_argument(
        "--forgeries",
        type=int,
        default=4096,
        help="faces: generated for each of validation and test, at most (default 4096)",
    )
    parser.add_argument(
        "--table",
        default="",
        help="triplets: CSV with columns swap, source, target (default: index.csv in the source, or names)",
    )
    parser.add_argument(
        "--split",
        default="",
        help="triplets: train, validation or test, for all of them (default: the table says, or a hash)",
    )
    parser.add_argument(
        "--beam",
        nargs="?",
        const="",
        help="do it by Apache Beam, perhaps with options of its runner: '--runner=...' (default: processes here)",
    )
    parser.set_defaults(run=run, default_of=parser.get_default)


def run(arguments: argparse.Namespace) -> int:
    """Prepares, and prints what came of it. 130 after Ctrl-C."""
    from dfrec_jax.commands import face_tools
    from dfrec_jax.preparation.cut_records import Options
    from dfrec_jax.preparation.plan import PreparationError
    from dfrec_jax.preparation.prepare import Request, prepare
    from dfrec_jax.preparation.shared_people import (
        people_to_forge_with,
        shared_with_train,
        words_of,
        words_on_lone_people,
        words_on_missing_splits,
    )

    for name, low, high in (("size", 16, 4096), ("quality", 1, 100), ("processes", 0, 4096), ("seed", 0, 2**31 - 1),
                            ("frames", 0, 10**9), ("forgeries", 0, 10**9)):  # fmt: skip
        if getattr(arguments, name) is not None and not low <= getattr(arguments, name) <= high:
            raise PreparationError(f"--{name}={getattr(arguments, name)}: must be from {low} to {high}")
    if not 0 <= arguments.margin <= 3:
        raise PreparationError(f"--margin={arguments.margin}: must be from 0 to 3")
    for name, datasets in _ONLY_FOR.items():
        if arguments.dataset not in datasets and getattr(arguments, name) != arguments.default_of(name):
            raise PreparationError(
                f"--{name.replace('_', '-')} is for {' and '.join(datasets)}, not for {arguments.dataset}: leave it out"
            )
    start = time.monotonic()
    plan, settings = make_plan(arguments)
    request = Request(
        dataset=arguments.dataset,
        out=arguments.out,
        options=Options(
            arguments.crop or _CROPS[arguments.dataset], arguments.margin, arguments.size, arguments.quality
        ),
        processes=arguments.processes or os.cpu_count() or 1,
        num_forgeries=arguments.forgeries if arguments.dataset == "faces" else 0,
        seed=arguments.seed,
        settings=settings,
        beam=None if arguments.beam is None else arguments.beam.split(),
    )
    is_forged_from = arguments.dataset == "faces"  # the others bring their forgeries along
    planned = words_on_missing_splits({job.split for job in plan.jobs})
    planned += words_on_lone_people(people_to_forge_with(plan)) if is_forged_from else []
    for note in (*plan.notes, *words_of(shared_with_train(plan)), *planned):
        print(f"note: {note}", file=sys.stderr)
    try:
        result = prepare(plan, partial(face_tools.make_tools, arguments.weights_dir), request)
    except KeyboardInterrupt:
        print("\nstopped: the jobs that are done are kept; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    for (split, label, attack), count in sorted(result.counts.items()):
        print(f"{split:<11} {label:<12} {attack:<16} {count:>8}")
    print(f"{sum(result.rejected.values())} rejected (rejected.csv)")
    for reason, count in result.rejected.most_common(5):
        print(f"  {count:>6}  {reason}")
    if result.remarks:
        print(f"{sum(result.remarks.values())} to be known of (remarks.csv)")
    for remark, count in result.remarks.most_common(5):
        print(f"  {count:>6}  {remark}")
    came_out = words_on_missing_splits({split for split, _, _ in result.counts})
    for note in (*came_out, *(words_on_lone_people(result.people) if is_forged_from else ())):
        if note not in planned:
            print(f"note: {note}", file=sys.stderr)
    print(f"{result.folder} in {time.monotonic() - start:.0f} s; look at sheet.jpg")
    return 0


def make_plan(arguments: argparse.Namespace) -> "tuple[Plan, dict[str, Any]]":
    """The plan, and the options that it depends on.

    Raises:
      PreparationError: for options that do not go together, and for what the planners refuse.
    """
    from dfrec_jax.preparation.layouts import celeb_df, dfdc, face_folders, faceforensics, paired_names, triplets

    dataset, shares = arguments.dataset, _shares(arguments.shares)
    chosen: dict[str, Any]
    if dataset == "faceforensics":
        chosen = {
            "attacks": tuple(arguments.attack),
            "split_file": arguments.split_file,
            "compression": arguments.compression,
        }
        planner = faceforensics.plan
    elif dataset == "dfdc":
        chosen, planner = {"identities": arguments.identities}, dfdc.plan
    elif dataset == "celeb_df":
        chosen, planner = {"split_by": arguments.split_by}, celeb_df.plan
    elif dataset == "faces":
        chosen = {name: getattr(arguments, name) for name in ("split_file", "attributes", "detections")}
        planner = face_folders.plan
    elif dataset == "triplets":
        chosen = {"table": arguments.table, "split": arguments.split, "split_by": arguments.split_by}
        planner = triplets.plan
    else:
        chosen = {"dataset": dataset, "originals": arguments.originals, "identities": arguments.identities}
        chosen |= {"attacks": tuple(arguments.attack), "split_by": arguments.split_by}
        planner = paired_names.plan
    if shares:
        chosen["shares"] = shares
    if arguments.frames is not None:
        chosen["num_frames"] = arguments.frames
    return planner(arguments.source, **chosen), {**chosen, "dataset": dataset}


def _shares(text: str) -> tuple[float, float, float] | None:
    from dfrec_jax.preparation.plan import PreparationError

    if not text:
        return None
    try:
        train, validation, test = (float(share) for share in text.split(":"))
    except ValueError as error:
        raise PreparationError(f"--shares={text}: must be three numbers such as 8:1:1") from error
    if not all(0 <= share < float("inf") for share in (train, validation, test)) or train + validation + test <= 0:
        raise PreparationError(f"--shares={text}: must be numbers of 0 or more, not all 0")
    return train, validation, test
