"""An S3 server on this machine, by moto: for tests of what is read from object stores."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from dfrec_jax.files import staging

BUCKET = "a-bucket"


class LocalS3:
    """What a test does to the store, and what it wants to know of it."""

    def __init__(self, store: Any):
        self.store = store

    def put(self, key: str, data: bytes, **options: Any) -> None:
        self.store.call_s3("put_object", Bucket=BUCKET, Key=key, Body=data, **options)

    def put_in_parts(self, key: str, data: bytes, part_bytes: int) -> None:
        """As programs upload what is large: its ETag is then no MD5 of its content."""
        where = {"Bucket": BUCKET, "Key": key}
        upload = self.store.call_s3("create_multipart_upload", **where)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(data), part_bytes), 1):
            body = data[start : start + part_bytes]
            sent = self.store.call_s3("upload_part", **where, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self.store.call_s3("complete_multipart_upload", **where, UploadId=upload, MultipartUpload={"Parts": parts})

    def put_folder(self, key: str, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{key}/{path.relative_to(folder)}", path.read_bytes())


@pytest.fixture(scope="session")
def s3_server():
    """Its address; started once for all tests of a process."""
    for name in ("moto", "flask", "flask_cors", "s3fs"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: no S3 server on this machine (pip install '.[dev]')")
    import logging

    from moto import settings
    from moto.s3 import models
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    settings.S3_UPLOAD_PART_MIN_SIZE = models.S3_UPLOAD_PART_MIN_SIZE = 1  # parts of 5 MiB would make large tests
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """An empty bucket, and a cache of one's own; the environment says where the server is, as a user's does."""
    proxies = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "DFREC_OFFLINE", "DFREC_STAGED_GIB", *proxies):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    import fsspec

    store = fsspec.filesystem("s3", use_listings_cache=False)
    store.call_s3("create_bucket", Bucket=BUCKET)
    yield LocalS3(store)
    while staging._IN_USE:  # what is in use until the process ends, is so until the test does
        staging._IN_USE.popitem()[1].release()
    store.rm(BUCKET, recursive=True)
