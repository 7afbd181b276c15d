"""Hashes of a report's files, and a signature over them."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.report import sealing


def pem(key, path, words=None):
    """Writes a private key, and returns its path."""
    how = serialization.BestAvailableEncryption(words) if words else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
    return path


def public_pem(key, path):
    """Writes its public key, and returns its path."""
    how = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, how))
    return path


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "r" / "sub").mkdir(parents=True)
    (tmp_path / "r" / "a").write_text("a")
    (tmp_path / "r" / "sub" / "b").write_text("b")
    return tmp_path / "r"


def test_every_file_is_listed_by_its_hash(folder):
    sealing.seal(folder, None)
    assert sealing.listed(folder) == {
        "a": {"sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "bytes": 1},
        "sub/b": {"sha256": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d", "bytes": 1},
    }
    assert sealing.signer(folder) is None


def test_a_signature_holds_until_the_manifest_changes(folder, key, tmp_path):
    sealing.seal(folder, sealing.private_key(pem(key, tmp_path / "key.pem")))
    assert sealing.signer(folder) == key.public_key().public_bytes_raw()
    assert sealing.public_key(public_pem(key, tmp_path / "public.pem")) == key.public_key().public_bytes_raw()
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("ca978112", "ca978113"))
    with pytest.raises(sealing.SealError, match="the signature does not hold"):
        sealing.signer(folder)


@pytest.mark.parametrize(
    "broken", ["{", "[]", "{}", '{"algorithm": "none", "of": "manifest.json", "public_key": "", "signature": ""}']
)
def test_what_is_no_signature_is_said(folder, key, broken):
    sealing.seal(folder, key)
    (folder / "signature.json").write_text(broken)
    with pytest.raises(sealing.SealError, match="signature.json"):
        sealing.signer(folder)


def test_a_link_is_no_file_of_a_report(folder):
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(sealing.SealError, match="link: is a link"):
        sealing.of_files(folder)


def test_keys_that_cannot_be_used_are_refused(key, tmp_path):
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "no.pem").write_text("no key")
    for path, words in (
        (tmp_path / "nowhere.pem", "cannot be read .No such file"),
        (tmp_path / "no.pem", "cannot be read as a private key in PEM .*openssl genpkey -algorithm ed25519"),
        (pem(other, tmp_path / "other.pem"), "must be Ed25519"),
        (pem(key, tmp_path / "secret.pem", b"words"), "is encrypted, and there is no terminal"),
    ):
        with pytest.raises(ConfigError, match=words):
            sealing.private_key(path)
    with pytest.raises(ConfigError, match="must be Ed25519"):
        sealing.public_key(public_pem(other, tmp_path / "public.pem"))
    with pytest.raises(ConfigError, match="cannot be read as a public key"):
        sealing.public_key(tmp_path / "no.pem")


def test_without_cryptography_it_says_what_to_install(key, folder, tmp_path, monkeypatch):
    path = pem(key, tmp_path / "key.pem")
    sealing.seal(folder, key)
    for name in ("cryptography.exceptions", "cryptography.hazmat.primitives.serialization"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for call in (lambda: sealing.private_key(path), lambda: sealing.public_key(path), lambda: sealing.signer(folder)):
        with pytest.raises(ConfigError, match=r"pip install 'dfrec-jax\[sign\]'"):
            call()


def test_the_manifest_says_what_the_report_is(folder):
    sealing.seal(folder, None)
    assert json.loads((folder / "manifest.json").read_text())["statement"].startswith("An investigative lead")
