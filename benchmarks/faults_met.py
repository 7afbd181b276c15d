"""Faults that a training meets as it runs: a clock that jumps, steps that are not finite, a loader that stalls."""

from faulty_runs import Bench, Seen


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
    lines = [line for line in said.splitlines() if line.startswith("step 5 has been waiting for its batch")]
    problems = [] if not status and lines else [f"ended with {status}: {said[-500:]}"]
    return Seen(1, not status, bench.differing(workdir), 0, problems, lines[0] if lines else "nothing was said")
