"""How quickly a gallery is searched, and who is found behind real swaps.

Speed:   python benchmarks/trace.py speed
         One million embeddings of 128 numbers on the disk, ten best, exact, beside a plain NumPy product of all of them
         in memory; on as many cores as BLAS is given (OMP_NUM_THREADS=2 taskset -c 0,1 ...).
Swaps:   DFREC_DATA=... DFREC_WEIGHTS=... python benchmarks/trace.py swaps --work FOLDER
         The swaps of `real_swaps` against a gallery of its targets among people of LFW, two pictures of each. FOLDER
         keeps the galleries, which take minutes. THE GALLERY'S PICTURE OF A TARGET IS THE VERY FRAME THAT WAS SWAPPED,
         since no other is at hand, and the reference of the visible person is the very picture that the swapper was
         given: an examiner has neither, and finds less. --half development (default) or held-out, by
         configs/groups/real_swaps_halves.csv; choices are made on the first. Intervals resample repositories.
         --recogniser dlib-resnet-v1 compares by dlib's (default: recogniser B, as `dfrec trace index`).
         --head RUN adds a trace head (configs/trace.py), and --results FOLDER what needs a recovery: the folder of
         dfrec recover real_swaps/*_swap.jpg --workdir RUN --assume swap --out FOLDER
"""

import argparse
import csv
import multiprocessing
import os
import resource
import shutil
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.progress import track

ROWS, WIDTH = 1_000_000, 128
SHOTS = 2  # of each person of LFW
GROUPS = Path(__file__).parent.parent / "configs" / "groups"


def main() -> None:
    """Prints the figures of one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("speed").set_defaults(run=speed)
    of_swaps = commands.add_parser("swaps")
    of_swaps.add_argument("--work", required=True, help="folder for the galleries")
    of_swaps.add_argument("--half", default="development", choices=("development", "held-out"))
    of_swaps.add_argument("--people", type=int, default=0, help="of LFW, the first so many (default: all)")
    of_swaps.add_argument("--recogniser", default="", help="as of `dfrec trace index` (default: recogniser B)")
    of_swaps.add_argument("--head", help="run of configs/trace.py")
    of_swaps.add_argument("--results", type=Path, help="folder of `dfrec recover`")
    of_swaps.set_defaults(run=swaps)
    arguments = parser.parse_args()
    arguments.run(arguments)


def speed(arguments: argparse.Namespace) -> None:
    """Of the search, and of NumPy alone."""
    from dfrec_jax.tracing import gallery, ranking

    del arguments
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as other:
        file = Path(folder) / "rows.safetensors"
        product, plain, by_numpy, query = other.apply(_numpy_alone, (file,))  # whose memory is not the search's

        before = _largest_memory()
        searched, found = _fastest(lambda: ranking.best(query, gallery.blocks_of(file, "people"), 10).rows[0])
        after = _largest_memory()
    assert (found == by_numpy).all(), "the search found others than NumPy"
    cores, size = len(os.sched_getaffinity(0)), ROWS * WIDTH * 4 / 2**20
    print(f"{ROWS:,} x {WIDTH} float32, ten best, {cores} cores, the fastest of five:")
    print(f"  search of the file, in the disk's cache, {gallery.BLOCK:,} rows at a time: {searched:.3f} s")
    print(f"  NumPy, product of all {size:.0f} MiB in memory: {product:.3f} s; with sorting {plain:.3f} s")
    print(f"  memory that the search took: {after - before:.0f} MiB")


def _numpy_alone(file: Path) -> tuple[float, float, np.ndarray, np.ndarray]:
    from safetensors.numpy import save_file

    rows = np.random.default_rng(0).standard_normal((ROWS, WIDTH), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    save_file({"people": rows}, file)
    query = rows[123_456:123_457].copy()
    product, _ = _fastest(lambda: rows @ query[0])
    return product, *_fastest(lambda: np.argsort(-(rows @ query[0]), kind="stable")[:10]), query


def _largest_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _fastest(action) -> tuple[float, np.ndarray]:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return min(times), result


def swaps(arguments: argparse.Namespace) -> None:
    """Rank-1 and rank-10 of the true target, by route."""
    from dfrec_jax.metrics.bootstrap import mean_with_interval
    from dfrec_jax.tracing import ranking, routes
    from dfrec_jax.tracing.embedder import DEFAULT_RECOGNISER, Embedder
    from dfrec_jax.tracing.head import Head

    work, data = Path(arguments.work), Path(os.environ["DFREC_DATA"])
    target_of = {row["id"]: row["target"] for row in _rows(GROUPS / "real_swaps_targets.csv")}
    half_of = {row["repository"]: row["half"] for row in _rows(GROUPS / "real_swaps_halves.csv")}
    repository_of = {row["id"]: row["repository"] for row in _rows(data / "real_swaps" / "index.csv")}
    embedder = Embedder(arguments.recogniser or DEFAULT_RECOGNISER)
    head = Head(arguments.head, embedder) if arguments.head else None
    lfw = _gallery(work, f"lfw-{arguments.people or 'all'}", embedder, lambda to: _lfw(data, to, arguments.people))
    targets = _gallery(work, "targets", embedder, lambda to: _targets(data, to, target_of))
    names = [one.name for one in targets.people]
    galleries = {
        f"{len(names)} targets": targets.people_embeddings(),
        f"{len(names)} targets, {len(lfw.people)} people of LFW": np.concatenate(
            [targets.people_embeddings(), lfw.people_embeddings()]
        ),
    }
    ranks: dict[tuple[str, str], dict[int, int]] = {}  # by gallery and route, of each swap
    clusters, missed = [], []
    for name, repository in repository_of.items():
        if half_of[repository] != arguments.half:
            continue
        if target_of[name] not in names:
            missed.append(f"{name}: no face was found in its target")
            continue
        true = names.index(target_of[name])
        try:
            visible = routes.visible_of([data / "real_swaps" / f"{name}_source.jpg"], embedder)
            picture = data / "real_swaps" / f"{name}_swap.jpg"
            exhibit = routes.read(
                arguments.results / picture.stem if arguments.results else picture, embedder, visible, head
            )
        except routes.ImageError as error:
            missed.append(f"{name}: {error}")
            continue
        number = len(clusters)
        clusters.append(repository)
        for query in exhibit.queries:
            for gallery, people in galleries.items() if query.role == "target" else ():
                ranks.setdefault((gallery, query.route), {})[number] = ranking.rank(people @ query.embedding, true)
    print(f"{arguments.half} half: {len(clusters)} swaps of {len(set(clusters))} repositories, {len(missed)} left out")
    for reason in missed:
        print(f"  left out: {reason}")
    for gallery in galleries:
        print(f"gallery: {gallery}; the targets' pictures are the very frames; by {embedder.identity.recogniser}")
        for at in (1, 10):
            for route in routes.ROUTES["target"]:
                if found := ranks.get((gallery, route)):
                    numbers = sorted(found)
                    first = np.array([found[number] <= at for number in numbers], float)
                    raw = np.array([ranks[gallery, routes.RAW][number] <= at for number in numbers], float)
                    groups = np.array(clusters)[numbers]
                    share, gain = (_words(mean_with_interval(values, groups)) for values in (first, first - raw))
                    print(f"  rank-{at:<2} {route:17} n {len(numbers)}  {share}  more than raw, paired {gain}")
    print("(the issue's figures: all 86 swaps, by recogniser B, rank-1 0.48 raw, 0.69 with the visible taken away)")


def _words(estimate) -> str:
    interval = "no interval" if estimate.low is None else f"[{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f} {interval}"


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def _gallery(work: Path, name: str, embedder, fill):
    from dfrec_jax.tracing import gallery, indexing

    path = work / f"{name}-{embedder.identity.recogniser}"
    if not path.exists():
        pictures = work / f"{name}-pictures"
        if not pictures.exists():
            fill(pictures)
        total = sum(map(len, indexing.pictures_of(pictures)[0].values()))
        for _ in track(indexing.indexing(pictures, path, embedder), "indexing", total=total):
            pass
    made = gallery.read(path)
    counts = (made.record["num_people"], made.record["num_pictures"], len(made.left_out))
    print("{}: {} people, {} pictures, {} left out".format(path.name, *counts))
    return made


def _lfw(data: Path, to: Path, people: int) -> None:
    with tarfile.open(data / "lfw-deepfunneled-2plus.tar") as tar:
        taken: dict[str, int] = {}
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            person = Path(member.name).parent.name
            if (
                not member.isfile()
                or taken.get(person, 0) == SHOTS
                or (people and person not in taken and len(taken) == people)
            ):
                continue
            taken[person] = taken.get(person, 0) + 1
            file = to / person / Path(member.name).name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(tar.extractfile(member).read())  # type: ignore[union-attr]


def _targets(data: Path, to: Path, target_of: dict[str, str]) -> None:
    for name, target in target_of.items():
        file = to / target / f"{name}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data / "real_swaps" / f"{name}_target.jpg", file)


if __name__ == "__main__":
    main()
