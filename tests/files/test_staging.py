"""Objects of a store become files of the cache: whole, checked, resumed, bounded. By an S3 server on this machine."""

import multiprocessing
import os
import threading

import pytest

from dfrec_jax.files import object_store, staged_room, staging
from dfrec_jax.files.addresses import StoreError
from tests.local_s3 import BUCKET

ADDRESS = f"s3://{BUCKET}/set"
CONTENT = {"one": b"1" * 1000, "two": b"2" * 1500, "three": b""}


@pytest.fixture
def stored(s3):
    for name, data in CONTENT.items():
        s3.put(f"set/{name}", data)
    return s3


@pytest.fixture
def reads(monkeypatch):
    """Of each request: which object, from where to where."""
    asked, read = [], object_store.read
    lock = threading.Lock()

    def counted(item, start, end):
        with lock:
            asked.append((item.name, start, end))
        return read(item, start, end)

    monkeypatch.setattr(object_store, "read", counted)
    return asked


def stage(name="set", **options):
    return staging.stage(name, object_store.listing(ADDRESS), **options)


def release():
    """As the end of a process does."""
    while staging._IN_USE:
        staging._IN_USE.popitem()[1].release()


def test_what_is_stored_comes_once(stored, reads, capsys):
    folder = stage()
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT
    assert "fetching 3 files, 0.0 MiB, from s3://a-bucket/set" in capsys.readouterr().err
    asked = len(reads)
    assert stage() == folder and len(reads) == asked
    assert not list(folder.glob("*.part"))


def test_what_was_uploaded_in_parts_is_checked_by_its_parts(stored, capsys):
    data = os.urandom(2500)
    stored.put_in_parts("set/four", data, 1000)
    (item,) = (item for item in object_store.listing(ADDRESS) if item.name == "four")
    assert item.md5.endswith("-3")
    path = stage() / "four"
    assert path.read_bytes() == data and "their sizes alone" not in capsys.readouterr().err
    assert object_store.damage(item, path) == ""
    path.write_bytes(data[:1200] + b"x" + data[1201:])
    assert "its MD5 is" in object_store.damage(item, path)


def test_with_keys_of_ones_own_the_size_alone_is_told(stored, capsys):
    stored.put("set/four", b"4" * 10, ServerSideEncryption="aws:kms")
    stage()
    assert "of 1 of them the store says no MD5: their sizes alone are checked" in capsys.readouterr().err


def test_what_is_replaced_meanwhile_is_not_kept_where_its_size_alone_is_told(stored, monkeypatch):
    stored.put("set/four", b"4" * 10, ServerSideEncryption="aws:kms")
    monkeypatch.setattr(object_store, "version", lambda address: "another")
    with pytest.raises(StoreError, match="set/four: was replaced while it was fetched"):
        stage()
    assert not list(staging.root().glob("set-*/four*"))


def test_a_fetch_that_was_stopped_goes_on_where_it_was(stored, reads, monkeypatch):
    monkeypatch.setattr(staging, "CHUNK_BYTES", 400)
    read = object_store.read

    def failing(item, start, end):
        if (item.name, start) == ("two", 800):
            raise StoreError("the line is bad")
        return read(item, start, end)

    monkeypatch.setattr(object_store, "read", failing)
    with pytest.raises(StoreError, match="the line is bad"):
        stage()
    monkeypatch.setattr(object_store, "read", read)
    reads.clear()
    assert (stage() / "two").read_bytes() == CONTENT["two"]
    assert [asked for asked in reads if asked[0] == "two"] == [("two", 800, 1200), ("two", 1200, 1500)]


def test_a_part_of_another_content_is_fetched_again(stored, reads):
    folder = stage()
    (folder / "two").unlink()
    (folder / "two.part").write_bytes(b"x" * 700)  # as a power cut may leave it
    assert (stage() / "two").read_bytes() == CONTENT["two"]
    assert [start for name, start, _ in reads if name == "two"] == [0, 700, 0]


def test_what_comes_damaged_is_refused_and_removed(stored, monkeypatch):
    read = object_store.read
    monkeypatch.setattr(object_store, "read", lambda item, start, end: read(item, start, end)[::-1].replace(b"2", b"3"))
    with pytest.raises(StoreError, match=r"s3://a-bucket/set/two: came damaged.*its MD5 is .*run it again"):
        stage()
    (folder,) = staging.root().glob("set-" + "?" * 12)
    assert not (folder / "two").exists() and not (folder / "two.part").exists() and not staging.is_whole(folder)


def test_sums_of_ones_own_count_before_the_stores(stored):
    assert staging.sums_of(f"{'A' * 64} *./two\nno line\n{'b' * 64}  one\n") == {"two": "a" * 64, "one": "b" * 64}
    with pytest.raises(StoreError, match=r"set/two: came damaged.*SHA256SUMS has a"):
        stage(sums={"two": "a" * 64})


def test_what_is_replaced_in_the_store_comes_beside(stored):
    before = stage()
    stored.put("set/two", b"3" * 1500)
    after = stage()
    assert after != before and (after / "two").read_bytes() == b"3" * 1500
    assert (before / "two").read_bytes() == CONTENT["two"]  # whoever reads it goes on


def test_what_somebody_removed_here_comes_again(stored, reads):
    folder = stage()
    (folder / "one").unlink()
    reads.clear()
    assert (stage() / "one").read_bytes() == CONTENT["one"] and {name for name, *_ in reads} == {"one"}


def test_room_is_made_of_what_was_used_longest_ago(stored, monkeypatch):
    monkeypatch.setenv(staged_room.LIMIT, str(6000 / 2**30))
    oldest, newer = stage("oldest"), stage("newer")
    release()
    for place, when in ((oldest, 1000), (newer, 2000)):
        os.utime(staged_room.mark_of(place), (when, when))
    third = stage("third")
    assert third.exists() and newer.exists() and not oldest.exists()


def test_what_is_in_use_is_not_dropped(stored, monkeypatch):
    monkeypatch.setenv(staged_room.LIMIT, str(4000 / 2**30))
    first = stage("first")
    with pytest.raises(StoreError, match=r"do not fit.*DFREC_STAGED_GIB=.*are in use by other.*DFREC_CACHE=DIR"):
        stage("second")
    assert staging.is_whole(first) and not list(staging.root().glob("second-" + "?" * 12))
    release()
    assert stage("second").exists() and not first.exists()


def test_what_can_never_fit_drops_nothing(stored, monkeypatch):
    first = stage("first")
    release()
    monkeypatch.setenv(staged_room.LIMIT, str(2000 / 2**30))
    with pytest.raises(StoreError, match="do not fit"):
        stage("second")
    assert staging.is_whole(first)


@pytest.mark.parametrize("said", ["much", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(stored, monkeypatch, said):
    monkeypatch.setenv(staged_room.LIMIT, said)
    with pytest.raises(StoreError, match=f"DFREC_STAGED_GIB={said}: must be a number of GiB above 0"):
        stage()


def test_a_full_disk_is_said_with_another_place_to_name(stored, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging.os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full: .*DFREC_CACHE=DIR"):
        stage()


def test_two_that_want_the_same_fetch_it_once(stored, reads):
    folders = []
    threads = [threading.Thread(target=lambda: folders.append(stage())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 1 and len(folders) == 4
    assert sorted(name for name, *_ in reads) == ["one", "two"]  # nothing is asked of an empty one


def _hold(folder, ready, end):
    staging.use(folder)
    ready.set()
    end.wait(30)


def test_another_process_keeps_what_it_uses(stored, monkeypatch):
    monkeypatch.setenv(staged_room.LIMIT, str(4000 / 2**30))
    first = stage("first")
    release()
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(first, ready, end))
    other.start()
    assert ready.wait(30)
    with pytest.raises(StoreError, match="are in use by other"):
        stage("second")
    other.kill()  # a lock ends with its process, however it ends
    other.join()
    assert stage("second").exists()


def test_without_a_network_the_newest_copy_serves(stored):
    first = stage()
    stored.put("set/two", b"3" * 1500)
    second = stage()
    for place, when in ((first, 3000), (second, 2000)):
        os.utime(staged_room.mark_of(place), (when, when))
    assert staging.newest("set") == first
    with pytest.raises(StoreError, match="DFREC_OFFLINE forbids the network, and .*staged holds no whole copy"):
        staging.newest("other")
