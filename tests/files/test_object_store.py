"""What object stores say of their objects, and how a store that cannot be read is refused."""

import base64
import hashlib

import pytest

from dfrec_jax.files import object_store
from dfrec_jax.files.addresses import StoreError
from tests.local_s3 import BUCKET


def test_a_listing_is_of_one_folder_or_of_all_below(s3):
    for key in ("set/b", "set/a", "set/deeper/c", "other"):
        s3.put(key, key.encode())
    assert [item.address for item in object_store.listing(f"s3://{BUCKET}/set/")] == [
        f"s3://{BUCKET}/set/a",
        f"s3://{BUCKET}/set/b",
    ]
    below = object_store.listing(f"s3://{BUCKET}/set", is_deep=True)
    assert [(item.name, item.num_bytes) for item in below] == [("a", 5), ("b", 5), ("c", 12)]
    assert below[0].md5 == hashlib.md5(b"set/a").hexdigest()
    assert object_store.listing(f"s3://{BUCKET}/none") == []
    assert object_store.read(below[2], 4, 10) == b"deeper"


def test_a_bucket_that_is_not_there_is_said(s3):
    with pytest.raises(StoreError, match="^s3://no-bucket/set: there is no such bucket or object"):
        object_store.listing("s3://no-bucket/set")


def test_a_store_that_refuses_is_said(s3, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(s3.store), "find", refuse)
    with pytest.raises(StoreError, match=f"^s3://{BUCKET}/set: access is denied .Access Denied.; the credentials"):
        object_store.listing(f"s3://{BUCKET}/set")


def test_a_server_that_is_not_there_is_said(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(s3.store).clear_instance_cache()  # which knows the address of the server
    with pytest.raises(StoreError, match=f"^s3://{BUCKET}/set: the store cannot be read .*127.0.0.1:9"):
        object_store.listing(f"s3://{BUCKET}/set")
    type(s3.store).clear_instance_cache()


def test_a_package_that_lacks_is_named_with_its_extra(monkeypatch):
    def missing(*_, **__):
        raise ImportError("Install gcsfs")

    monkeypatch.setattr(object_store.fsspec, "filesystem", missing)
    with pytest.raises(StoreError, match=r"gs:// is read by gcsfs, which is not installed: .*dfrec-jax\[gcs"):
        object_store.listing("gs://bucket/set")


def test_googles_store_says_the_md5_in_base64(tmp_path):
    """As gcsfs describes an object; a store of Google's was not at hand."""
    info = {
        "name": "bucket/set/a",
        "size": 4,
        "etag": "CJ=",
        "generation": "1700",
        "md5Hash": base64.b64encode(hashlib.md5(b"text").digest()).decode(),
    }
    item = object_store._described("gs://bucket/set/a", info)
    assert item == ("gs://bucket/set/a", "a", 4, "1700", hashlib.md5(b"text").hexdigest())
    (tmp_path / "a").write_bytes(b"text")
    assert object_store.damage(item, tmp_path / "a") == ""
    (tmp_path / "a").write_bytes(b"test")
    assert "its MD5 is" in object_store.damage(item, tmp_path / "a")
    composed = object_store._described("gs://bucket/set/a", {**info, "md5Hash": None})
    assert composed.md5 == "" and object_store.damage(composed, tmp_path / "a") is None
    assert "4 bytes have come of 5" in object_store.damage(composed._replace(num_bytes=5), tmp_path / "a")
