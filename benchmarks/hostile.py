"""Thousands of changed files for every reader: each must be read, or refused with a message.

Run:     python benchmarks/hostile.py --pictures 10000 --weights 2000 --records 2000 --configs 2000
         python benchmarks/hostile.py --weights 1 --first 1234        (one again, by its number)
Prints:  accepted, refused and unhandled of each kind, and each unhandled one with its number; exits 1 where there is
         one. Unhandled is an exception that no program of ours turns into a message, a process that dies or grows by a
         gigabyte, and more than a minute for one file.
"""

import argparse
import collections
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # of the repository: the tests have the files and the changes

LIMIT = 6 << 30  # of a process's memory beside what it begins with, so that no file takes the machine's
NOT_BEGUN = 70  # exit status of a process that could not make the files
KINDS = ("pictures", "weights", "records", "configs")


def main() -> None:
    """Runs what was asked for; the numbers of a kind always mean the same files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0, help="how many (default 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first of each kind (default 0)")
    arguments = parser.parse_args()
    num_unhandled = 0
    for kind in KINDS:
        count = getattr(arguments, kind)
        if count:
            counts, found = _run(kind, arguments.first, count)
            print(f"{kind}: {count} files: " + ", ".join(f"{number} {word}" for word, number in counts.items()))
            for words, numbers in found.items():
                print(f"  unhandled {len(numbers)} times, first {numbers[0]}: {words}")
            num_unhandled += counts["unhandled"]
            sys.stdout.flush()
    sys.exit(1 if num_unhandled else 0)


def _run(kind: str, first: int, count: int) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Counts, and the numbers of unhandled files by what became of them; a process that dies is one of these."""
    counts = {"accepted": 0, "refused": 0, "unhandled": 0}
    found: dict[str, list[int]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        folder = Path(name)
        position = first
        while position < first + count:
            reading, writing = os.pipe()
            process = os.fork()
            if process == 0:
                os.close(reading)
                _work(kind, position, first + count - position, folder, writing)
            os.close(writing)
            with os.fdopen(reading) as lines:
                for line in lines:
                    number, word, words = json.loads(line)
                    counts[word] += 1
                    if word == "unhandled":
                        found[words].append(number)
                    position = number + 1
            _, status = os.waitpid(process, 0)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == NOT_BEGUN:
                sys.exit(1)
            if status:
                ended = (
                    f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
                )
                counts["unhandled"] += 1
                found[f"the process ended with {ended}"].append(position)
                position += 1
    return counts, found


def _work(kind: str, start: int, count: int, folder: Path, writing: int) -> None:
    """In a process of its own: one line for each file."""
    try:
        os.environ["JAX_PLATFORMS"] = "cpu"
        os.environ["DFREC_CACHE"] = str(folder / "cache")  # the user's is left alone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain of each file there
        from tests import hostile, hostile_folders

        cases = hostile_folders.cases(kind, folder / "valid")
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, used + LIMIT))

        def report(number: int, case: "hostile.Case", found: "hostile.Outcome", seconds: float) -> None:
            del seconds
            words = f"{case.name}: {found.words}" if found.kind == "unhandled" else ""
            os.write(writing, (json.dumps([number, found.kind, words]) + "\n").encode())

        hostile.run(cases, count, folder, start=start, report=report)
        os._exit(0)
    except BaseException as error:
        os.write(1, f"{kind}: the files could not be made: {error!r}\n".encode())
        os._exit(NOT_BEGUN)


if __name__ == "__main__":
    main()
