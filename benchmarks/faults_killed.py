"""Faults of the process: kills and stops at random moments, and what its ledger of time makes of them."""

import os
import signal
import subprocess
import time

from faulty_runs import STEPS, Bench, Seen, lines_of


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
