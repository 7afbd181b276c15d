"""What a training survives, as counts: kills, stops, full disks, damage, clocks that jump, steps that are not finite;
and whether its time is accounted for.

Run:     python benchmarks/faults.py [--rounds 20] [--seed 0] [--only kills,stops,...] [--out DIR]
Does:    `train.py` on the smallest DFREC (tests/tiny.py), drawn faces; one run is left alone, and each other ends as it
         did, or does not: every array of its newest checkpoint and every byte of its log are compared. Damaged records
         are those of a small prepared data set, whose rows a task without a network adds up.
         A full disk is a file system in memory of a few MiB, in a name space of its own, which needs Linux with user
         name spaces and no rights. Where there are none, as in many containers, the line says NOT RUN; a limit on the
         size of files, which every Unix has, is a kind beside it.
Prints:  a line for each kind of fault: rounds; runs that went on to their end, and the bits in which those differ from
         the one that was left alone; runs that were refused by a message; what was seen. A round that did neither is a
         PROBLEM, and so is one that was refused where it should go on. Status 1 where there is one, or bits differ. 20
         rounds of everything: about twenty minutes of one core.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests have small data and small disks

from faulty_runs import ADDING_UP, STEPS, Bench, lines_of, steps_of  # noqa: E402

from tests import small_disk  # noqa: E402


class Seen(NamedTuple):
    """Of one kind of fault.

    Attributes:
      rounds: how often it was tried.
      ended: runs that went on to their end.
      differing: bits in which those differ, together.
      refused: runs that were refused by a message that names the fault, and lost nothing by it.
      problems: whatever is neither.
      words: what was seen.
    """

    rounds: int
    ended: int
    differing: int
    refused: int
    problems: list[str]
    words: str = ""


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
        if set(arguments.only.split(",")) - {"damaged_records", "not_finite"}:
            print(f"left alone: {STEPS} steps in {bench.seconds:.1f} s", flush=True)
        print(
            "| fault | rounds | to their end | bits that differ | refused by a message | neither | seen |", flush=True
        )
        print("|---|---:|---:|---:|---:|---:|---|", flush=True)
        is_well = True
        for kind in arguments.only.split(","):
            seen = KINDS[kind](bench, arguments.rounds)
            counts = seen.rounds, seen.ended, seen.differing, seen.refused, len(seen.problems)
            print(f"| {kind} | {' | '.join(str(int(count)) for count in counts)} | {seen.words} |", flush=True)
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
    return Seen(done, statuses.get(0, 0), differing, 0, problems, f"statuses {dict(sorted(statuses.items()))}")


def full_disk(bench: Bench, rounds: int) -> Seen:
    """A file system that is full as a training goes on in it; it goes on again when there is room."""
    place, problems, left, refused, ended = bench.empty("small-disk"), [], [], 0, 0
    place.mkdir()
    largest = _largest_file(bench)
    try:
        with small_disk.mounted(place, 64 * 1024) as disk:
            for number, room in enumerate((0, largest // 2, 2 * largest)):
                workdir = place / str(number)
                bench.run(workdir, "--config.train.num_steps=6", within=disk.within)
                before = steps_of(disk.seen / str(number))
                disk.leave(room)
                status, said = bench.run(workdir, within=disk.within)
                found = _refused_in_one_line(f"{room} bytes left", status, said, FULL)
                problems, refused = problems + found, refused + (not found)
                if not set(before) <= set(now := steps_of(disk.seen / str(number))):
                    problems.append(f"{room} bytes left: checkpoints {before} became {now}")
                disk.empty()
                status, said = bench.run(workdir, within=disk.within)
                ended += not status
                if status:
                    problems.append(f"with room again: ended with {status}: {said[-500:]}")
                left.append(bench.empty(f"full-{number}"))
                shutil.copytree(disk.seen / str(number), left[-1])
    except small_disk.NoSmallDiskError as error:
        return Seen(0, 0, 0, 0, [], f"NOT RUN, for want of user name spaces: {error}")
    differing = sum(bench.differing(workdir) for workdir in left)
    return Seen(3, ended, differing, refused, problems, "an error of one line, status 2; with room it went on")


def file_limit(bench: Bench, rounds: int) -> Seen:
    """A limit on the size of files that a checkpoint meets; it goes on without."""
    largest = _largest_file(bench)
    problems, ended, differing, refused = [], 0, 0, 0
    for number, limit in enumerate((largest // 2, largest // 4, largest - 1)):
        workdir = bench.empty(f"limit-{number}")
        bench.run(workdir, "--config.train.num_steps=6")
        before = steps_of(workdir)
        status, said = bench.run(workdir, most_bytes=limit)
        found = _refused_in_one_line(f"a limit of {limit} bytes", status, said, FULL)
        problems, refused = problems + found, refused + (not found)
        if not set(before) <= set(steps_of(workdir)):
            problems.append(f"a limit of {limit} bytes: checkpoints {before} became {steps_of(workdir)}")
        status, said = bench.run(workdir)
        ended += not status
        if status:
            problems.append(f"without a limit: ended with {status}: {said[-500:]}")
        differing += bench.differing(workdir)
    return Seen(3, ended, differing, refused, problems, "an error of one line, status 2; without the limit it went on")


def damaged_checkpoints(bench: Bench, rounds: int) -> Seen:
    """Files of the newest checkpoint cut short, emptied, overwritten in the middle or removed."""
    problems, ended, differing, refused, aside = [], 0, 0, 0, 0
    for number in range(rounds):
        workdir = bench.empty(f"damaged-{number}")
        shutil.copytree(bench.whole, workdir)
        newest = workdir / "checkpoints" / str(max(steps_of(workdir)))
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
        what = f"{path.relative_to(workdir)} {how}"
        status, said = bench.run(workdir)
        aside += (workdir / "torn_checkpoints").exists()
        if status:
            found = _refused_in_one_line(what, status, said, ("checkpoint",))
            problems, refused = problems + found, refused + (not found)
            continue
        ended += 1
        if bits := bench.differing(workdir):
            problems.append(f"{what}: {bits} bits differ")
            differing += bits
    return Seen(rounds, ended, differing, refused, problems, f"{aside} moved to torn_checkpoints")


def damaged_records(bench: Bench, rounds: int) -> Seen:
    """A byte of the records changed, and put back: a training names what it cannot read, or does not meet it."""
    from tests import prepared_data

    data = bench.folder / "data"
    if not data.exists():  # of an earlier call in the same folder
        made = prepared_data.make(bench.empty("preparing"))
        made.rename(data)
    (bench.folder / "adding_up.py").write_text(ADDING_UP.replace("DATA", repr(str(data))))
    how = {"config": "adding_up.py"}
    whole = bench.empty("records-whole")
    status, said = bench.run(whole, **how)
    if status:
        return Seen(0, 0, 0, 0, [f"the run that is left alone ended with {status}: {said[-500:]}"])
    (path,) = data.glob("faces/*/*-train.array_record-*")
    content, problems, ended, differing, refused = path.read_bytes(), [], 0, 0, 0
    for number in range(rounds):
        workdir, place = bench.empty(f"record-{number}"), bench.draws.randrange(len(content))
        what = f"byte {place} of {len(content)}"
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        status, said = bench.run(workdir, **how)
        path.write_bytes(content)
        if status:
            found = _refused_in_one_line(what, status, said, ("damaged",))
            problems, refused = problems + found, refused + (not found)
            status, said = bench.run(workdir, **how)
            if status:
                problems.append(f"{what}, put back: ended with {status}: {said[-500:]}")
                continue
        ended += 1
        differing += bench.differing(workdir, whole)
    words = "one line that names the record or the file, status 2; with the byte put back the same command went on"
    return Seen(rounds, ended, differing, refused, problems, words)


def clock(bench: Bench, rounds: int) -> Seen:
    """A clock of the day that jumps by hours five times a second."""
    workdir = bench.empty("clock")
    status, said = bench.run(workdir, fault="clock")
    problems = [f"ended with {status}: {said[-500:]}"] if status else []
    return Seen(1, not status, bench.differing(workdir), 0, problems)


def not_finite(bench: Bench, rounds: int) -> Seen:
    """Two batches of which nothing finite comes: the run stops, or leaves two steps out and counts them."""
    problems = []
    status, said = bench.run(bench.empty("nan-stop"), fault="nan")
    if status != 1 or "step 5: " not in said or "not finite" not in said:
        problems.append(f"without train.skip_nonfinite: ended with {status}: {said[-500:]}")
    refused = 1 - len(problems)
    status, said = bench.run(bench.empty("nan-skip"), "--config.train.skip_nonfinite=1", fault="nan")
    counted = (bench.folder / "nan-skip" / "metrics.jsonl").read_text().count('"skipped_steps": 2.0')
    if status or said.count("is left out") != 2 or not counted:
        problems.append(f"with train.skip_nonfinite=1: ended with {status}: {said[-500:]}")
    words = "step 5 named, status 1; with train.skip_nonfinite=1 two steps left out and counted"
    return Seen(2, not status, 0, refused, problems, words)


def stalled_loader(bench: Bench, rounds: int) -> Seen:
    """A batch that comes three seconds late; it is said after one here, after thirty by default."""
    workdir = bench.empty("stall")
    status, said = bench.run(workdir, fault="stall")
    lines = [line for line in said.splitlines() if "waiting for its batch" in line]
    problems = (
        [] if not status and lines and lines[0].startswith("step 5 ") else [f"ended with {status}: {said[-500:]}"]
    )
    return Seen(1, not status, bench.differing(workdir), 0, problems, lines[0] if lines else "nothing was said")


def account(bench: Bench, rounds: int) -> Seen:
    """Three times SIGKILL in one run: what `timing.jsonl` adds up to, and the time from its first start to its end."""
    from dfrec_jax.runs import goodput

    workdir, problems, began = bench.empty("account"), [], time.monotonic()
    for wanted in sorted(bench.draws.sample(range(1, STEPS), 3)):  # steps in the log when it is killed
        process = bench.start(workdir)
        while process.poll() is None and lines_of(workdir / "metrics.jsonl") < wanted:
            time.sleep(0.02)
        process.kill()
        _, said = process.communicate()
        if process.returncode != -signal.SIGKILL:
            problems.append(f"ended with {process.returncode} before it was killed: {said[-500:]}")
    status, said = bench.run(workdir)
    clock = time.monotonic() - began
    found = goodput.read(workdir)
    if status or found is None:
        return Seen(3, 0, 0, 0, [*problems, f"ended with {status}: {said[-500:]}"])
    apart = abs(found.total - clock) / clock
    if apart > 0.02 or found.processes != 4:
        problems.append(f"{found.processes} processes; {found.total:.1f} s are accounted for of {clock:.1f} s")
    largest = sorted(found.seconds, key=lambda kind: -found.seconds[kind])[:4]
    words = ", ".join(f"{kind} {found.seconds[kind]:.1f}" for kind in largest)
    words = f"{found.total:.1f} of {clock:.1f} s are accounted for ({apart:.2%} apart): {words}, ..."
    return Seen(3, 1, bench.differing(workdir), 0, problems, words)


KINDS: dict[str, Callable[[Bench, int], Seen]] = {
    one.__name__: one
    for one in (
        kills,
        stops,
        full_disk,
        file_limit,
        damaged_checkpoints,
        damaged_records,
        clock,
        not_finite,
        stalled_loader,
        account,
    )
}
FULL = ("the disk is full, or a quota or limit on files is reached", "No space left on device", "File too large")


def _refused_in_one_line(what: str, status: int, said: str, words: Sequence[str]) -> list[str]:
    """Nothing where it ended with status 2 and an error of one line that says any of `words`; else the problem.

    What stands before that line is not looked at: of writes that end after orbax has given a save up tensorstore prints
    tracebacks, and orbax's futures too.
    """
    lines = said.splitlines()
    last = lines[-1] if lines else ""
    is_said = last.startswith("error: ") and any(word in last for word in words)
    if status == 2 and is_said:
        return []
    return [f"{what}: ended with {status}: {said[-500:]}"]


def _largest_file(bench: Bench) -> int:
    files = bench.whole.rglob("*")
    return max(path.stat().st_size for path in files if path.is_file() and "checkpoints" in str(path))


if __name__ == "__main__":
    main()
