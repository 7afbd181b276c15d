"""Faults of what is stored: disks that are full, limits on files, checkpoints and records that are damaged."""

import shutil
from collections.abc import Sequence

from faulty_runs import ADDING_UP, Bench, Seen, steps_of

from tests import small_disk

FULL = ("the disk is full, or a quota or limit on files is reached", "No space left on device", "File too large")
TRACEBACK = "Traceback (most recent call last)"


def full_disk(bench: Bench, rounds: int) -> Seen:
    """A file system that is full as a training goes on in it; it goes on again when there is room."""
    place, problems, left, refused, ended = bench.empty("small-disk"), [], [], 0, 0
    place.mkdir()
    largest = bench.largest_file()
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
    largest = bench.largest_file()
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


def _refused_in_one_line(what: str, status: int, said: str, words: Sequence[str]) -> list[str]:
    """Nothing where it ended with status 2, an error of one line that says any of `words`, and no traceback before it;
    else the problem."""
    lines = said.splitlines()
    last = lines[-1] if lines else ""
    is_said = last.startswith("error: ") and any(word in last for word in words)
    if status == 2 and is_said and TRACEBACK not in said:
        return []
    return [f"{what}: ended with {status}: {said[-500:]}"]
