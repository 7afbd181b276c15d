"""Evaluation against pytorch-fid in one run, and a whole row of Table I.

Run:     python benchmarks/evaluation.py [--pictures 500] [--batch 50] [--features 10000] [--repeats 3] [--workdir RUN]
Does:    pool3 features of random pictures of 224 px by Inception-v3 with seeded weights, the same on both sides (ours
         go through the rules of the published file); batch by batch the two sides take turns, so that a busy machine
         slows both. Then statistics and Frechet distance of two sets of random features 2,048 wide, in turns as well.
         On two cores that is five minutes, and two to three more for each of `--repeats`; `--pictures 0` or
         `--features 0` leaves a part out.
         With a run, a row of Table I on its own test split: recovered, in 8 bits, kept, and measured by all networks
         of the tables; the first batch, which compiles, is left out.
Prints:  the processor, medians with the least and the greatest, and ratios pytorch-fid / ours: above 1, ours is faster.
         Features and distances of both sides are compared first: a difference above 1e-3 ends the run. Without
         pytorch-fid (the `convert` extra) ours alone, and it says so.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.evaluation import describing, scores, spread
from dfrec_jax.frozen import inception
from dfrec_jax.frozen.blueprint import from_random, from_tensors
from dfrec_jax.metrics.fid import Moments, fid
from dfrec_jax.paper import recovered_pictures, runs_at_hand, table_data, tables

SIDE, WIDTH = 224, 2048
Features = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500, help="0 leaves the features out")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--features", type=int, default=10_000, help="of each of two sets; 0 leaves the distance out")
    parser.add_argument("--repeats", type=int, default=3, help="of the distance")
    parser.add_argument("--workdir", default="", help="a run whose row of Table I is measured")
    arguments = parser.parse_args()
    print(f"{processor()}, {len(os.sched_getaffinity(0))} of its cores; jax {jax.__version__} on {jax.devices()[0]}")
    has_peer = all(importlib.util.find_spec(name) for name in ("torch", "pytorch_fid"))
    if not has_peer:
        print("pytorch-fid is not installed: ours alone, no ratio. pip install 'dfrec-jax[convert]' brings it")
    if arguments.pictures:
        compare_features(arguments.pictures, arguments.batch, has_peer)
    if arguments.features:
        compare_distances(arguments.features, arguments.repeats, has_peer)
    if arguments.workdir:
        measure_row(arguments.workdir)


def compare_features(num_pictures: int, batch_size: int, has_peer: bool) -> None:
    """Pool3 of pictures: seconds of each batch."""
    sides = feature_sides(has_peer)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (batch_size, SIDE, SIDE, 3), np.uint8)
    check_equal("features", {name: run(first) for name, run in sides.items()})  # compiles and warms up as well
    times: dict[str, list[float]] = {name: [] for name in sides}
    num_batches = max(1, num_pictures // batch_size)
    for number in range(num_batches):
        pictures = rng.integers(0, 256, first.shape, np.uint8)
        for name in in_turn(sides, number):
            times[name].append(seconds(lambda name=name, pictures=pictures: sides[name](pictures)))
    print(f"features of {num_batches * batch_size} pictures in batches of {batch_size}:")
    report(times, "ms a picture", 1e3 / batch_size)


def feature_sides(has_peer: bool) -> dict[str, Features]:
    """Both networks, from 8-bit pictures on the host to features on the host."""
    peer, tensors = seeded_peer() if has_peer else (None, None)
    network = from_random(inception.BLUEPRINT) if tensors is None else from_tensors(inception.BLUEPRINT, tensors)

    @jax.jit
    def pool3(variables: Any, pictures: jax.Array) -> jax.Array:
        return inception.features(variables, jnp.float32(pictures) / 255)["pool3"]

    variables = jax.device_put(network.variables)
    sides: dict[str, Features] = {"ours": lambda pictures: np.asarray(pool3(variables, pictures))}
    if peer is not None:
        sides["pytorch-fid"] = peer
    return sides


def seeded_peer() -> tuple[Features, dict[str, np.ndarray]]:
    """pytorch-fid's network with weights of He et al.'s variance in place of its download, and its tensors."""
    import torch
    from pytorch_fid import inception as theirs

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads")
    without_file = mock.patch.object(theirs, "load_state_dict_from_url", return_value={})
    with without_file, mock.patch.object(torch.nn.Module, "load_state_dict"):
        whole = theirs.fid_inception_v3()
    for layer in whole.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    with mock.patch.object(theirs, "fid_inception_v3", return_value=whole):
        network = theirs.InceptionV3([theirs.InceptionV3.BLOCK_INDEX_BY_DIM[WIDTH]]).eval().requires_grad_(False)

    def run(pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().float() / 255
            return network(pixels)[0].flatten(1).numpy()

    return run, {name: tensor.numpy() for name, tensor in whole.state_dict().items()}


def compare_distances(num_features: int, repeats: int, has_peer: bool) -> None:
    """From two sets of features to their distance: seconds."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((WIDTH, WIDTH), np.float32) / np.sqrt(WIDTH)
    sets = [np.abs(rng.standard_normal((num_features, WIDTH), np.float32) @ mixing + shift) for shift in (0.5, 0.6)]
    sides: dict[str, Callable[[], float]] = {"ours": lambda: our_distance(sets)}
    if has_peer:
        sides["pytorch-fid"] = lambda: their_distance(sets)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(repeats):
        found = {}
        for name in in_turn(sides, number):
            start = time.perf_counter()
            found[name] = np.array(sides[name]())
            times[name].append(time.perf_counter() - start)
            print(f"{name}, {number + 1} of {repeats}: {times[name][-1]:.3g} s", file=sys.stderr, flush=True)
        check_equal("distance", found)
    print(f"statistics and distance of two sets of {num_features} x {WIDTH} features:")
    report(times, "s", 1.0)


def our_distance(sets: Sequence[np.ndarray]) -> float:
    """Sums batch by batch, as an evaluation adds them up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few features
        return fid(*(merged(features) for features in sets))


def merged(features: np.ndarray) -> Moments:
    """Of batches of 500."""
    total = Moments.empty()
    for start in range(0, len(features), 500):
        total = total.merge(Moments.of(features[start : start + 500]))
    return total


def their_distance(sets: Sequence[np.ndarray]) -> float:
    """What `calculate_activation_statistics` does with activations (mean and np.cov), and then the distance."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    statistics_of = [(np.mean(features, axis=0), np.cov(features, rowvar=False)) for features in sets]
    (mean_a, cov_a), (mean_b, cov_b) = statistics_of
    return float(calculate_frechet_distance(mean_a, cov_a, mean_b, cov_b))


def measure_row(workdir: str) -> None:
    """Images/s of a row of Table I, and the bytes that come to the host for one of them."""
    run = runs_at_hand.open_run(workdir)
    config, loaded = run.config, runs_at_hand.load(run, "best", run.methods[0])
    size, devices = config.data.eval_batch_size, spread.over_all_devices(config.data.eval_batch_size)
    measured = table_data.Measured(run.trained_on, config.data.dir, config.image_size, 3 * size, size)
    networks = describing.load(config)
    metrics = dict.fromkeys(metric for table in tables.TABLES for metric in table.metrics)
    measures = scores.Measures(tuple(metrics), devices.everywhere(networks.by_role))
    jitted = recovered_pictures.jitted(loaded.recoverer)
    fetched: list[int] = []
    fetch = spread.Spread.fetch

    def counted(devices: spread.Spread, rows: Any) -> Any:
        found = fetch(devices, rows)
        fetched.append(sum(leaf.nbytes for leaf in jax.tree.leaves(found)))
        return found

    taken = []
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(spread.Spread, "fetch", counted):
        store = recovered_pictures.store(Path(folder), loaded.recoverer, {}, 0, devices)
        examples = list(itertools.islice(table_data.Examples(measured, config, "", 0), 3))
        for number, batch in enumerate(examples):
            fetched.clear()
            start = time.perf_counter()
            truth = scores.truth_of(measures, batch, devices)
            kept = recovered_pictures.recovered(store, number, batch["image"], batch["landmarks"], jitted)
            scores.outputs_of(measures, truth, kept.target, kept.generated, devices)
            taken.append(time.perf_counter() - start)
    print(f"a row of Table I, {run.methods[0]} of {workdir}, {config.image_size} px, batches of {size}:")
    rate = size / statistics.median(taken[1:])
    print(f"  {rate:.2f} images/s; {sum(fetched) / size:,.0f} bytes brought to the host for an example, of which")
    pictures = sum(values.nbytes for values in kept if values is not None)
    print(f"  {pictures / size:,.0f} of pictures that are kept")


def check_equal(what: str, outputs: dict[str, np.ndarray]) -> None:
    """Ends the run where a side computes something else than ours."""
    for name, got in outputs.items():
        error = np.linalg.norm(got - outputs["ours"]) / np.linalg.norm(outputs["ours"])
        if not error < 1e-3:
            sys.exit(f"{name}: its {what} differ from ours by {error:.1e}")


def in_turn(sides: dict[str, Any], number: int) -> list[str]:
    """The other side first each time."""
    return list(sides) if number % 2 == 0 else list(sides)[::-1]


def seconds(run: Callable[[], object]) -> float:
    """Of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def report(times: dict[str, list[float]], unit: str, scale: float) -> None:
    """A line for each side, and the ratio of their medians."""
    for name, taken in times.items():
        least, median, most = (scale * of(taken) for of in (min, statistics.median, max))
        print(f"  {name}: {median:.3g} {unit} [{least:.3g}, {most:.3g}], {len(taken)} times", flush=True)
    if "pytorch-fid" in times:
        ratio = statistics.median(times["pytorch-fid"]) / statistics.median(times["ours"])
        print(f"  ratio {ratio:.2f}", flush=True)


def processor() -> str:
    """Its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else "a processor that does not say its name"


if __name__ == "__main__":
    main()
