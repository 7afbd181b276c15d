"""What a training survives, as counts: kills, stops, full disks, damage, clocks that jump, steps that are not finite;
and whether its time is accounted for.

Run:     python benchmarks/faults.py [--rounds 20] [--seed 0] [--only kills,stops,...] [--out DIR]
Does:    `train.py` on the smallest DFREC (tests/tiny.py), drawn faces; one run is left alone, and each other ends as it
         did, or does not: every array of its newest checkpoint and every byte of its log are compared.
Prints:  a line for each kind of fault: rounds, runs that ended, bits that differ, and what was seen. Status 1 where
         anything differs or was not said. 20 rounds of everything: about twenty minutes of one core.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

REPOSITORY = Path(__file__).parent.parent
STEPS = 24
NOTHING_ALIKE = 1 << 30  # bits
CONFIG = """
import itertools, os, time
import jax, jax.numpy as jnp
from dfrec_jax.data import pipeline
from dfrec_jax.training import loop, waiting
from dfrec_jax.training.tasks import dfrec
from tests import tiny

FAULT = os.environ.get("FAULT", "")


def get_config():
    config = tiny.config()
    config.train.num_steps, config.train.validate_every, config.train.samples_every = STEPS, 6, 12
    config.checkpoint.every, config.checkpoint.keep = 3, 3
    if FAULT == "clock":  # an hour ahead, a day back, every fifth of a second
        now = time.time
        time.time = lambda: now() + (0.0, 3600.0, -86400.0, 7.0)[int(5 * time.monotonic()) % 4]
    if FAULT == "nan":
        make = dfrec.DfrecTask.make_step

        def make_spoiled(task, num_devices):
            step = make(task, num_devices)

            def spoiled(state, constants, batch):
                after, metrics = step(state, constants, batch)
                factor = jnp.where((state.step == 4) | (state.step == 9), jnp.nan, 1.0)
                params = jax.tree.map(lambda leaf: leaf * factor, after.params)
                return after.replace(params=params), metrics | {"gradient_norm": metrics["gradient_norm"] * factor}

            return spoiled

        dfrec.DfrecTask.make_step = make_spoiled
    if FAULT == "stall":
        take, taken = pipeline.TrainBatches.__next__, itertools.count()

        def late(batches):
            time.sleep(3 if next(taken) == 4 else 0)
            return take(batches)

        pipeline.TrainBatches.__next__ = late
        loop.Waiting = lambda: waiting.Waiting(1.0)
    return config
""".replace("STEPS", str(STEPS))


class Seen(NamedTuple):
    """Of one kind of fault."""

    rounds: int
    runs: int  # that went on to their end
    differing: int  # bits, of all of them together
    problems: list[str]
    words: str = ""


class Bench:
    """Runs train.py in a folder, with programs compiled once."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.draws = folder, random.Random(seed)
        (folder / "config.py").write_text(CONFIG)
        quick = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"{quick} {os.environ.get('XLA_FLAGS', '')}",
            "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        self.whole, took = folder / "whole", folder / "seconds"
        if not took.exists():  # of an earlier call in the same folder
            self.run(self.whole)  # compiles
            shutil.rmtree(self.whole)
            began = time.monotonic()
            status, said = self.run(self.whole)
            if status:
                sys.exit(f"the run that is left alone ended with {status}:\n{said}")
            took.write_text(str(time.monotonic() - began))
        self.seconds = float(took.read_text())

    def start(self, workdir: Path, *flags: str, fault: str = "", most_bytes: int | None = None) -> subprocess.Popen:
        """Starts it; no file may grow beyond `most_bytes`."""
        process = subprocess.Popen(
            [sys.executable, "train.py", f"--config={self.folder}/config.py", f"--workdir={workdir}", *flags],
            cwd=REPOSITORY,
            env={**self._environment, "FAULT": fault},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if most_bytes is not None:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        return process

    def run(self, workdir: Path, *flags: str, fault: str = "", most_bytes: int | None = None) -> tuple[int, str]:
        """Status and what was said on stderr."""
        process = self.start(workdir, *flags, fault=fault, most_bytes=most_bytes)
        _, said = process.communicate(timeout=1800)
        return process.returncode, said

    def empty(self, name: str) -> Path:
        """A workdir in which nothing is left of an earlier call."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.folder / name

    def differing(self, workdir: Path) -> int:
        """Bits of the newest checkpoint and of the log that differ from those of the run that was left alone."""
        if not _steps(workdir):
            return NOTHING_ALIKE
        return _differing(_arrays(workdir), _arrays(self.whole)) + _bits_of_files(
            workdir / "metrics.jsonl", self.whole / "metrics.jsonl"
        )


def main() -> None:
    """Prints a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="of kills, stops and damaged checkpoints each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas between")
    parser.add_argument("--out", help="folder for the runs, in which a later call goes on; else deleted at the end")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.out or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, arguments.seed)
        print(f"left alone: {STEPS} steps in {bench.seconds:.1f} s", flush=True)
        print("| fault | rounds | runs to their end | bits that differ | seen |\n|---|---:|---:|---:|---|", flush=True)
        is_well = True
        for kind in arguments.only.split(","):
            seen = KINDS[kind](bench, arguments.rounds)
            print(f"| {kind} | {seen.rounds} | {seen.runs} | {seen.differing} | {seen.words} |", flush=True)
            for problem in seen.problems:
                print(f"PROBLEM {kind}: {problem}", flush=True)
            is_well &= not seen.differing and not seen.problems
    sys.exit(0 if is_well else 1)


def kills(bench: Bench, rounds: int) -> Seen:
    """SIGKILL at random moments."""
    return _signalled(bench, rounds, signal.SIGKILL, (-signal.SIGKILL,))


def stops(bench: Bench, rounds: int) -> Seen:
    """SIGTERM at random moments; before the training listens it ends the process as it would any other."""
    return _signalled(bench, rounds, signal.SIGTERM, (os.EX_TEMPFAIL, -signal.SIGTERM))


def _signalled(bench: Bench, rounds: int, number: signal.Signals, expected: tuple[int, ...]) -> Seen:
    done, runs, differing, problems, statuses = 0, 0, 0, [], {}
    while done < rounds:
        workdir = bench.empty(f"{number.name}-{runs}")
        while True:
            process = bench.start(workdir)
            if done < rounds:
                try:
                    process.wait(bench.draws.uniform(0, 1.1 * bench.seconds))
                except subprocess.TimeoutExpired:
                    process.send_signal(number)
                    done += 1
            _, said = process.communicate(timeout=1800)
            statuses[process.returncode] = statuses.get(process.returncode, 0) + 1
            if process.returncode == 0:
                break
            if process.returncode not in expected:
                problems.append(f"ended with {process.returncode}: {said[-500:]}")
                break
        runs, differing = runs + 1, differing + bench.differing(workdir)
    return Seen(done, runs, differing, problems, f"statuses {dict(sorted(statuses.items()))}")


def full_disk(bench: Bench, rounds: int) -> Seen:
    """A disk that is full while a checkpoint is saved; it goes on when there is room."""
    largest = max(
        path.stat().st_size for path in bench.whole.rglob("*") if path.is_file() and "checkpoints" in str(path)
    )
    problems, differing, limits = [], 0, [largest // 2, largest // 4, largest - 1]
    for number, limit in enumerate(limits):
        workdir = bench.empty(f"full-{number}")
        process = bench.start(workdir, "--config.train.num_steps=6")
        process.communicate(timeout=1800)
        before = _steps(workdir)
        status, said = bench.run(workdir, most_bytes=limit)
        if status != 2 or "the disk is full, or a quota or limit on files is reached" not in said:
            problems.append(f"a limit of {limit} bytes: ended with {status}: {said[-500:]}")
        if not set(before) <= set(_steps(workdir)):
            problems.append(f"a limit of {limit} bytes: checkpoints {before} became {_steps(workdir)}")
        status, said = bench.run(workdir)
        if status:
            problems.append(f"with room again: ended with {status}: {said[-500:]}")
        differing += bench.differing(workdir)
    return Seen(len(limits), len(limits), differing, problems, "one line, status 2; the same command went on")


def damaged_checkpoints(bench: Bench, rounds: int) -> Seen:
    """Files of the newest checkpoint cut short, emptied, overwritten in the middle or removed."""
    problems, differing, aside = [], 0, 0
    for number in range(rounds):
        workdir = bench.empty(f"damaged-{number}")
        shutil.copytree(bench.whole, workdir)
        newest = workdir / "checkpoints" / str(max(_steps(workdir)))
        files = [path for path in sorted(newest.rglob("*")) if path.is_file() and path.stat().st_size]
        path = bench.draws.choice(files)
        how = bench.draws.choice(("cut", "emptied", "overwritten", "removed"))
        content = path.read_bytes()
        if how == "removed":
            path.unlink()
        elif how == "overwritten":
            place = bench.draws.randrange(len(content))
            path.write_bytes(
                content[:place] + bytes(byte ^ 0x5A for byte in content[place : place + 8]) + content[place + 8 :]
            )
        else:
            path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")
        status, said = bench.run(workdir)
        aside += (workdir / "torn_checkpoints").exists()
        if (
            status == 2
            and said.startswith("error: ")
            or said.splitlines()[-1:]
            and said.splitlines()[-1].startswith("error: ")
        ):
            continue  # refused in one line, such as a score that cannot be read
        if status:
            problems.append(f"{path.relative_to(workdir)} {how}: ended with {status}: {said[-300:]}")
        elif found := bench.differing(workdir):
            problems.append(f"{path.relative_to(workdir)} {how}: {found} bits differ")
            differing += found
    return Seen(rounds, rounds - len(problems), differing, problems, f"{aside} moved to torn_checkpoints")


def clock(bench: Bench, rounds: int) -> Seen:
    """A clock of the day that jumps by hours five times a second."""
    workdir = bench.empty("clock")
    status, said = bench.run(workdir, fault="clock")
    problems = [f"ended with {status}: {said[-500:]}"] if status else []
    return Seen(1, 1, bench.differing(workdir), problems)


def not_finite(bench: Bench, rounds: int) -> Seen:
    """Two batches of which nothing finite comes: the run stops, or leaves two steps out and counts them."""
    problems = []
    status, said = bench.run(bench.empty("nan-stop"), fault="nan")
    if status != 1 or "step 5: " not in said or "not finite" not in said:
        problems.append(f"without train.skip_nonfinite: ended with {status}: {said[-500:]}")
    status, said = bench.run(bench.empty("nan-skip"), "--config.train.skip_nonfinite=1", fault="nan")
    counted = (bench.folder / "nan-skip" / "metrics.jsonl").read_text().count('"skipped_steps": 2.0')
    if status or said.count("is left out") != 2 or not counted:
        problems.append(f"with train.skip_nonfinite=1: ended with {status}: {said[-500:]}")
    return Seen(2, 2, 0, problems, "step 5 named, status 1; with train.skip_nonfinite=1 two steps left out and counted")


def stalled_loader(bench: Bench, rounds: int) -> Seen:
    """A batch that comes three seconds late; it is said after one here, after thirty by default."""
    workdir = bench.empty("stall")
    status, said = bench.run(workdir, fault="stall")
    lines = [line for line in said.splitlines() if "waiting for its batch" in line]
    problems = (
        [] if not status and lines and lines[0].startswith("step 5 ") else [f"ended with {status}: {said[-500:]}"]
    )
    return Seen(1, 1, bench.differing(workdir), problems, lines[0] if lines else "nothing was said")


def account(bench: Bench, rounds: int) -> Seen:
    """Three times SIGKILL in one run: what `timing.jsonl` adds up to, and the time from its first start to its end."""
    from dfrec_jax.runs import goodput

    workdir, problems, began = bench.empty("account"), [], time.monotonic()
    for wanted in sorted(bench.draws.sample(range(1, STEPS), 3)):  # steps in the log when it is killed
        process = bench.start(workdir)
        while process.poll() is None and _lines(workdir / "metrics.jsonl") < wanted:
            time.sleep(0.02)
        process.kill()
        _, said = process.communicate()
        if process.returncode != -signal.SIGKILL:
            problems.append(f"ended with {process.returncode} before it was killed: {said[-500:]}")
    status, said = bench.run(workdir)
    clock = time.monotonic() - began
    found = goodput.read(workdir)
    if status or found is None:
        return Seen(3, 0, 0, [*problems, f"ended with {status}: {said[-500:]}"])
    apart = abs(found.total - clock) / clock
    if apart > 0.02 or found.processes != 4:
        problems.append(f"{found.processes} processes; {found.total:.1f} s are accounted for of {clock:.1f} s")
    largest = sorted(found.seconds, key=lambda kind: -found.seconds[kind])[:4]
    words = ", ".join(f"{kind} {found.seconds[kind]:.1f}" for kind in largest)
    words = f"{found.total:.1f} of {clock:.1f} s are accounted for ({apart:.2%} apart): {words}, ..."
    return Seen(3, 1, bench.differing(workdir), problems, words)


KINDS: dict[str, Callable[[Bench, int], Seen]] = {
    one.__name__: one
    for one in (kills, stops, full_disk, damaged_checkpoints, clock, not_finite, stalled_loader, account)
}


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _steps(workdir: Path) -> list[int]:
    folder = workdir / "checkpoints"
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.exists() else []


def _arrays(workdir: Path) -> dict[str, np.ndarray]:
    """Every array of the newest checkpoint by its path, as it is stored."""
    import jax
    import orbax.checkpoint as ocp

    folder, found = workdir / "checkpoints" / str(max(_steps(workdir))), {}
    for item in ("variables", "training"):
        handler = ocp.PyTreeCheckpointHandler()
        metadata = ocp.StandardCheckpointHandler().metadata(folder / item).tree
        as_arrays = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata)
        tree = handler.restore(folder / item, args=ocp.args.PyTreeRestore(restore_args=as_arrays))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            found[item + jax.tree_util.keystr(path)] = np.asarray(leaf)
    return found


def _differing(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> int:
    if got.keys() != want.keys():
        return NOTHING_ALIKE
    return sum(_bits(got[name].tobytes(), want[name].tobytes()) for name in want)


def _bits_of_files(got: Path, want: Path) -> int:
    return _bits(got.read_bytes(), want.read_bytes())


def _bits(got: bytes, want: bytes) -> int:
    if len(got) != len(want):
        return 8 * max(len(got), len(want))
    return int(np.unpackbits(np.frombuffer(got, np.uint8) ^ np.frombuffer(want, np.uint8)).sum())


if __name__ == "__main__":
    main()
