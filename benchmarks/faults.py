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
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests have small data and small disks

from faults_killed import account, kills, stops  # noqa: E402
from faults_met import clock, not_finite, stalled_loader  # noqa: E402
from faults_stored import damaged_checkpoints, damaged_records, file_limit, full_disk  # noqa: E402
from faulty_runs import STEPS, Bench, Seen  # noqa: E402

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


if __name__ == "__main__":
    main()
