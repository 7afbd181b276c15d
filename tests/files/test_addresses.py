"""Addresses and paths are told apart, and an address is refused where a path is meant."""

import pytest

from dfrec_jax.files import addresses
from dfrec_jax.files.addresses import StoreError


def test_an_address_is_told_from_a_path():
    assert all(map(addresses.is_address, ("s3://b/d", "gs://b", "az://b", "S3://b")))
    assert not any(map(addresses.is_address, ("", "/data/s3", "triplets:s3://b/d", "s3:/b", "runs/x", "C:\\x")))
    assert addresses.split("s3://b/d//e/") == ("s3", ["b", "d", "e"])
    assert addresses.joined("s3://b/d/", "e", "f") == "s3://b/d/e/f"


@pytest.mark.parametrize(
    "address", ["az://b/d", "https://b/d", "S3://b", "s3://", "s3:///d", "s3://b/../c", "gs://b/./c"]
)
def test_what_is_no_folder_of_a_store_is_refused(address):
    with pytest.raises(StoreError, match="^" + address.replace(".", r"\.")):
        addresses.split(address)


@pytest.mark.parametrize("value", ["s3://b/runs", "runs/a,gs://b/runs", "row=s3://b/d", ["a.png", "s3://b/a.png"]])
def test_an_address_for_a_path_is_refused(value):
    with pytest.raises(StoreError, match="must be a file or folder of this machine"):
        addresses.refuse({"--out": value})
    addresses.refuse({"--out": value}, but=["--out"])
    addresses.refuse({"--out": "runs/a", "--count": 3, "--row": ["a=b"], "--none": None})
