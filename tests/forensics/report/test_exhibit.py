"""What the file of an exhibit says of itself."""

import builtins
import datetime
import hashlib
import io

import pytest
from PIL import Image

from dfrec_jax.forensics.report import exhibit


def _jpeg(**exif):
    out, said = io.BytesIO(), Image.Exif()
    said[271] = "Maker\x01"
    said[0x8769] = {36867: "2026:01:01 10:00:00", 37500: b"abc" * 20}
    said[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    Image.new("RGB", (64, 48), (10, 200, 30)).save(out, "JPEG", exif=said)
    return out.getvalue()


def test_the_file_is_described():
    data = _jpeg()
    facts = exhibit.facts(data, "a.jpg")
    assert facts["sha256"] == hashlib.sha256(data).hexdigest()
    assert (facts["name"], facts["num_bytes"], facts["format"]) == ("a.jpg", len(data), "JPEG")
    assert facts["size_in_file"] == [64, 48]
    assert facts["exif"] == {
        "Make": "Maker\\u0001",
        "Exif DateTimeOriginal": "2026:01:01 10:00:00",
        "Exif MakerNote": "60 bytes, 61626361626361626361626361626361...",
        "GPS GPSLatitudeRef": "N",
        "GPS GPSLatitude": "(52.0, 30.0, 0.0)",
    }
    assert facts["c2pa"]["status"] == "none" and "c2pa-rs" in facts["c2pa"]["reader"]


def test_a_long_value_is_cut():
    assert exhibit._shown("x" * 500) == "x" * 200 + "... (500 characters)"


def test_without_c2pa_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *given, **named):
        if name == "c2pa":
            raise ImportError(name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    said = exhibit.facts(_jpeg(), "a.jpg")["c2pa"]
    assert said["status"] == "not looked for" and "pip install 'dfrec-jax[c2pa]'" in said["reason"]


def _with_manifest(data):
    """A C2PA manifest by a certificate that was made for this test."""
    import c2pa
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def certificate(subject, issuer, key, issuer_key, is_authority):
        def named(name):
            kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
            return x509.Name([x509.NameAttribute(kind, name) for kind in kinds])

        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        uses = x509.KeyUsage(not is_authority, False, False, False, False, is_authority, is_authority, False, False)
        made = x509.CertificateBuilder(named(issuer), named(subject), key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        made = made.add_extension(x509.BasicConstraints(is_authority, None), True).add_extension(uses, True)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        made = made.add_extension(authority, False)
        if not is_authority:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return made.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, camera = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = certificate("Test camera", "Test CA", camera, authority, False)
    chain += certificate("Test CA", "Test CA", authority, authority, True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, camera.private_bytes(*form), None))
    capture = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    action = {"action": "c2pa.created", "digitalSourceType": capture}
    said = {
        "claim_generator_info": [{"name": "test camera", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }
    out = io.BytesIO()
    c2pa.Builder(said).sign(signer, "image/jpeg", io.BytesIO(data), out)
    return out.getvalue()


def test_a_manifest_is_read_and_one_that_no_longer_fits_is_said(monkeypatch):
    pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    data = _with_manifest(_jpeg())
    said = exhibit.facts(data, "a.jpg")["c2pa"]
    assert (said["status"], said["state"], said["signed_by"]) == ("found", "Valid", "Test camera")
    assert "assertion.dataHash.match" in said["codes"]["success"] and said["codes"]["failure"] == []
    assert "none was given" in said["trust_list"] and said["assertions"] == ["c2pa.actions.v2"]
    changed = bytearray(data)
    changed[-20] ^= 1
    said = exhibit.facts(bytes(changed), "a.jpg")["c2pa"]
    assert said["state"] == "Invalid" and "assertion.dataHash.mismatch" in said["codes"]["failure"]


def test_nothing_is_fetched():
    assert exhibit._C2PA_SETTINGS["verify"] == {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": False,
    }
