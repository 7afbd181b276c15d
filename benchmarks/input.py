"""The input pipeline against its limit, decoding alone; forging on the device against its NumPy and OpenCV reference.

Run:     python benchmarks/input.py DIR [--dataset faces] [--batch 32] [--threads 1 2 4] [--processes 1 2]
                                    [--seconds 3] [--repeats 3] [--image_rate 230] [--no_forging]
         DIR is what `dfrec prepare` wrote to (config.data.dir); its training split is read with the default shares.
Does:    for each number of threads, in turn and so many times: `decode`, the JPEG pictures of the rows of training
         batches, from memory, decoded and resized as there in the same grain threads, a batch at a time, and dropped;
         `apart`, the same with the pictures of a row side by side, by threads of their own, as many as it has pictures;
         `host`, the batches as training gets them (`pipeline.TrainBatches`: records read, parsed, decoded, laid out).
         Then `host` in so many processes at once, of one thread each, as several processes of a machine share a batch.
         Then forging: a batch of BI and one of warped swaps, jitted, on the default device; the reference, one
         picture at a time, on one core.
Prints:  pictures/s (of all three those decoded, one to four a row), the fastest repeat; host as a share of
         decode; speed over the first number of threads; the CPU time of a picture, which a busy machine distorts less;
         bytes a picture as JPEG, a record, and as it goes to the device. Last what hosts of more cores would feed, by
         the formula above that table: from the CPU time of a row and the share of it that holds Python's lock (GIL),
         which is what `host` costs beyond `decode`: reading, parsing and laying out. The other two release the lock.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grain
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config import defaults
from dfrec_jax.data import mixture, pipeline, rows
from dfrec_jax.examples.encoded import COLOURS, Encoded
from dfrec_jax.forging import forge, reference

NUM_KEPT = 1024  # rows whose JPEG files are held in memory for `decode`


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--dataset", default="faces")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--image_rate", type=float, default=230.0, help="images/s that a GPU takes; --dry_run has floors"
    )
    parser.add_argument("--no_forging", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of the host")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    config = defaults.dfrec()
    config.data.dataset, config.data.dir = arguments.dataset, arguments.dir
    config.train.batch_size = arguments.batch
    config = mixture.with_frame(config)
    files = jpeg_files(config)
    freed = np.empty(2**22, np.uint8)  # glibc then keeps memory of a picture's size: `decode` is a fifth faster
    del freed
    print(f"{len(os.sched_getaffinity(0))} cores, {jax.devices()[0].platform}, batch {arguments.batch}")
    print_bytes(config, files)
    decode, host = print_host(config, files, arguments.threads, arguments.seconds, arguments.repeats)
    print_processes(config, arguments.processes, arguments.seconds, arguments.repeats)
    a_row = float(np.mean([len(row) for row in files]))
    print_hosts(a_row * host, 1 - decode / host, arguments.image_rate)
    if not arguments.no_forging:
        print_forging(config, arguments.repeats)


def jpeg_files(config) -> list[list[bytes]]:
    """The encoded pictures that the first rows of training batches decode: what `prepared` reads for each."""
    split, kinds = mixture.split_of(config, "train"), mixture.train_kinds(config)
    sizes = {rows.REAL: len(split.pristine), rows.RECORDED: len(split.forgeries)}
    sizes |= {rows.BI: len(split.faces), rows.SWAP: len(split.faces)}
    found = []
    for index in range(NUM_KEPT):
        place = rows.place_of(kinds, sizes, config.seed, index)
        if place.kind in (rows.BI, rows.SWAP):
            numbers = [split.faces[place.number], split.faces[split.index.partners[place.number, 0]]]
            found.append([split.encoded(int(number), "image") for number in numbers])
        elif place.kind == rows.REAL:
            found.append([split.encoded(int(split.pristine[place.number]), "image")])
        else:
            number = int(split.forgeries[place.number])
            pictures = [split.encoded(number, name) for name in ("image", "source", "target", "mask")]
            found.append([picture for picture in pictures if picture])
    return found


def print_bytes(config, files: list[list[bytes]]) -> None:
    """Bytes of a picture on disk and on its way to the device, and of a record."""
    folder = mixture.split_of(config, "train").folder
    size = sum(path.stat().st_size for path in Path(folder).glob("*-train.array_record-*"))
    number = len(mixture.split_of(config, "train").index.label)
    jpeg = np.mean([len(picture) for row in files for picture in row])
    print(
        f"bytes: {jpeg:,.0f} a JPEG picture, {size / number:,.0f} a record, {config.image_size**2 * 3:,} a picture to "
        f"the device; {np.mean([len(row) for row in files]):.2f} pictures are decoded a row"
    )


def print_host(
    config, files: list[list[bytes]], threads: list[int], seconds: float, repeats: int
) -> tuple[float, float]:
    """The table of pictures/s on the host, decode beside pipeline; seconds of CPU that a picture costs these two."""
    a_row = np.mean([len(row) for row in files])
    fastest: dict[tuple[str, int], float] = {}
    cheapest: dict[tuple[str, int], float] = {}
    for _ in range(repeats):
        for count in threads:
            config.data.num_threads = count
            streams = {
                "decode": partial(decoded, config, files),
                "apart": partial(decoded_apart, config, files),
                "host": partial(batches, config),
            }
            for name, stream in streams.items():
                wall, cpu = (taken / (config.train.batch_size * a_row) for taken in seconds_a_batch(stream, seconds))
                fastest[name, count] = max(fastest.get((name, count), 0.0), 1 / wall)
                cheapest[name, count] = min(cheapest.get((name, count), np.inf), cpu)
    print("\npictures/s, and us of CPU a picture")
    names = ("threads", *streams, "host/decode", "scaling", *(f"{name}, us" for name in streams), "decode/host")
    print("".join(f"{name:>13}" for name in names))
    for count in threads:
        speeds = {name: fastest[name, count] for name in streams}
        costs = {name: cheapest[name, count] * 1e6 for name in streams}
        scaling = speeds["host"] / fastest["host", threads[0]]
        print(f"{count:>13}" + "".join(f"{speed:>13.0f}" for speed in speeds.values()), end="")
        print(f"{speeds['host'] / speeds['decode']:>13.2f}{scaling:>13.2f}", end="")
        print("".join(f"{cost:>13.0f}" for cost in costs.values()) + f"{costs['decode'] / costs['host']:>13.2f}")
    return cheapest["decode", threads[0]], cheapest["host", threads[0]]


def print_processes(config, processes: list[int], seconds: float, repeats: int) -> None:
    """Rows/s of several processes that read at the same time, one thread each."""
    config.data.num_threads = 1
    context = multiprocessing.get_context("spawn")
    print(f"\n{'processes':>15}{'rows/s':>15}{'scaling':>15}")
    alone = 0.0
    for count in processes:
        rates = []
        for _ in range(repeats):
            together = context.Barrier(count)
            with ProcessPoolExecutor(count, context, initializer=_share_barrier, initargs=(together,)) as pool:
                tasks = [pool.submit(rows_a_second, config.to_json(), place, count, seconds) for place in range(count)]
                rates.append(sum(task.result() for task in tasks))
        alone = alone or max(rates)
        print(f"{count:>15}{max(rates):>15.0f}{max(rates) / alone:>15.2f}")


def _share_barrier(together) -> None:
    global _together
    _together = together


def rows_a_second(config_json: str, place: int, count: int, seconds: float) -> float:
    """Of this process alone, while the others read as well."""
    config = ConfigDict(json.loads(config_json))
    with pipeline.TrainBatches(config, start_step=0, process_index=place, process_count=count) as stream:
        next(stream)
        _together.wait()
        begun, rows_read = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            rows_read += len(next(stream)["example"])
    return rows_read / (time.perf_counter() - begun)


def print_hosts(cost: float, locked: float, image_rate: float) -> None:
    """What hosts of more cores would feed; extrapolated, and said so."""
    print(
        f"\nextrapolated, not measured: rows/s = min(cores / c, processes / (g c)), c = {1e6 * cost:.0f} us of CPU a "
        f"row, g = {locked:.2f} of it under Python's lock; GPUs at {image_rate:.0f} images/s each"
    )
    print(f"{'cores':>15}" + "".join(f"{f'{count} processes':>15}{'GPUs':>8}" for count in (1, 4, 8)))
    for cores in (16, 64, 192):
        cells = ""
        for count in (1, 4, 8):
            rate = min(cores / cost, count / max(locked * cost, 1e-12))
            cells += f"{rate:>15,.0f}{rate / image_rate:>8.1f}"
        print(f"{cores:>15}{cells}")


def decoded(config, files: list[list[bytes]]):
    """Batches of rows that are decoded and dropped, by the same threads as `TrainBatches`."""
    return _mapped(config, lambda i: [_decode(config, picture) for picture in files[i % len(files)]])


def decoded_apart(config, files: list[list[bytes]]):
    """The same, the pictures of a row side by side."""
    at_once = max(len(row) for row in files)
    pool = ThreadPoolExecutor(at_once * (config.data.num_threads or len(os.sched_getaffinity(0))))
    return _mapped(config, lambda i: list(pool.map(partial(_decode, config), files[i % len(files)])))


def _decode(config, picture: bytes) -> np.ndarray:
    return Encoded(picture, COLOURS, config.image_size).decode()


def _mapped(config, row: Callable[[int], list]):
    size = config.train.batch_size
    batched = grain.MapDataset.range(pipeline.ENDLESS).map(row).batch(size, drop_remainder=True, batch_fn=len)
    return iter(batched.to_iter_dataset(pipeline.read_options(config, size)))


def batches(config):
    """The batches that training gets."""
    return pipeline.TrainBatches(config, start_step=0)


def seconds_a_batch(start: Callable, seconds: float) -> tuple[float, float]:
    """Seconds that a batch takes, and seconds of all cores that it costs, from when the first one is there."""
    stream = start()
    next(stream)
    begun, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begun < seconds:
        next(stream)
        count += 1
    taken = (time.perf_counter() - begun) / count, (time.process_time() - cpu) / count
    stream.close()
    return taken


def print_forging(config, repeats: int) -> None:
    """Forged pictures/s of each recipe: a jitted batch on the device, and the reference."""
    split = mixture.split_of(config, "train")
    pairs = [split.unforged(i % len(split.faces), i, config.image_size) for i in range(config.train.batch_size)]
    names = ("source", "target", "source_points", "target_points")
    given = [np.stack([pair[name] for pair in pairs]) for name in names]
    print(f"\n{'forging':>8} {'device/s':>10} {'reference/s':>12} {'ratio':>8}")
    for name, recipe in (("BI", forge.BI), ("swap", forge.SWAP)):
        draws = jax.jit(jax.vmap(partial(forge.draw_forging, recipe=recipe)))(
            jax.random.split(jax.random.key(0), len(pairs))
        )
        forge_batch = jax.jit(jax.vmap(lambda draw, source, target, *points, recipe=recipe: forge.forge(
            recipe, draw, source.astype(jnp.float32) / 255, target.astype(jnp.float32) / 255, *points
        )))  # fmt: skip
        on_device = jax.device_put((draws, *given))
        device = fastest_of(
            lambda forge_batch=forge_batch, on_device=on_device: jax.block_until_ready(forge_batch(*on_device)), repeats
        )
        host_draws = jax.tree.map(np.asarray, draws)

        def by_reference(recipe=recipe, host_draws=host_draws) -> None:
            for i in range(min(8, len(pairs))):
                draw = jax.tree.map(lambda value, i=i: value[i], host_draws)
                source, target = (given[role][i].astype(np.float32) / 255 for role in (0, 1))
                reference.forge(recipe, draw, source, target, given[2][i], given[3][i])

        alone = fastest_of(by_reference, repeats) / min(8, len(pairs))
        speed = len(pairs) / device
        print(f"{name:>8} {speed:>10.1f} {1 / alone:>12.1f} {speed * alone:>8.2f}")


def fastest_of(run: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of `repeats` runs after one that compiles and warms up."""
    taken = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])


if __name__ == "__main__":
    main()
