import hashlib

import pytest

from dfrec_jax.files.hashing import sha256_of_file


def test_of_the_bytes_of_a_file_larger_than_a_buffer(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "none")
