"""What an exhibit's file says of itself: its format, its EXIF, its C2PA manifest; of a video, which frames were used.
Nothing is asked of anywhere."""

import hashlib
import importlib.metadata
import io
import json
import mimetypes
from typing import Any

import cv2
from PIL import ExifTags, Image

from dfrec_jax.forensics.report.document import plain
from dfrec_jax.forensics.video import Watched
from dfrec_jax.pictures import reading

MAX_LENGTH = 200  # of a value that is shown; the file is there for the rest
_IFDS = {"": None, "Exif": ExifTags.IFD.Exif, "GPS": ExifTags.IFD.GPSInfo}
_NOT_SHOWN = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop}  # pointers, and no values
# C2PA: nothing is fetched, neither manifests nor revocations, and no certificate is called trusted, since no list is
# given.
_C2PA_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}


def facts(data: bytes, name: str) -> dict[str, Any]:
    """Of the bytes of a picture that `reading.decode_image` could read: name, hash, size, format, EXIF and C2PA."""
    formats = reading.FORMATS + (("HEIF",) if reading.is_heic(data) else ())
    with Image.open(io.BytesIO(data), formats=formats) as image:
        kind, mode, size = image.format, image.mode, list(image.size)
        exif = _exif(image)
    return {
        "name": name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "num_bytes": len(data),
        "format": kind,
        "mode": mode,
        "size_in_file": size,  # before it was turned as EXIF says
        "exif": exif,
        "c2pa": _c2pa(io.BytesIO(data), Image.MIME.get(kind or "", "")),
    }


def facts_of_video(watched: Watched) -> dict[str, Any]:
    """Of a video: name, hash, size, codec, C2PA, and of each frame that was recovered its number, its time and the hash
    of its pixels, which depends on the decoder that is named."""
    with watched.path.open("rb") as file:
        c2pa = _c2pa(file, mimetypes.guess_type(watched.path.name)[0] or "")
    used = [
        {
            "frame": number,
            "seconds": number / watched.file.rate if watched.file.rate else None,  # from the start, as the file says
            "size": [pixels.shape[1], pixels.shape[0]],
            "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),  # RGB, 8 bits, row by row
        }
        for number, pixels in sorted(watched.pictures.items())
    ]
    return {
        "name": watched.path.name,
        "sha256": watched.sha256,
        "num_bytes": watched.path.stat().st_size,
        "codec": plain(watched.file.codec),
        "c2pa": c2pa,
        "frames": watched.file.count,
        "rate": watched.file.rate,
        "decoder": f"OpenCV {cv2.__version__}",
        "frames_used": used,
    }


def _exif(image: Image.Image) -> dict[str, str]:
    exif = image.getexif()
    found = {}
    for part, ifd in _IFDS.items():
        names = ExifTags.GPSTAGS if part == "GPS" else ExifTags.TAGS
        for tag, value in (exif if ifd is None else exif.get_ifd(ifd)).items():
            if tag not in _NOT_SHOWN:
                found[f"{part} {names.get(tag, f'tag {tag}')}".strip()] = _shown(value)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        words = f"{len(value)} bytes, {value[:16].hex()}" + ("..." if len(value) > 16 else "")
    else:
        words = plain(value)
    return words if len(words) <= MAX_LENGTH else f"{words[:MAX_LENGTH]}... ({len(words)} characters)"


def _c2pa(file: io.BufferedIOBase, mime: str) -> dict[str, Any]:
    """`status` is `not looked for`, `none`, `unreadable` or `found`; then `state`, `codes` and what it claims."""
    try:
        import c2pa
    except ImportError:
        return {"status": "not looked for", "reason": "c2pa-python is not installed: pip install 'dfrec-jax[c2pa]'"}
    errors: Any = c2pa.C2paError  # whose kinds are made when it is imported
    said = {"reader": f"c2pa-python {importlib.metadata.version('c2pa-python')}, c2pa-rs {c2pa.sdk_version()}"}
    try:
        with (
            c2pa.Context(c2pa.Settings.from_dict(_C2PA_SETTINGS)) as context,
            c2pa.Reader(mime, file, context=context) as reader,
        ):
            store, state = json.loads(reader.json()), reader.get_validation_state()
    except errors.ManifestNotFound:
        return said | {"status": "none"}
    except errors.NotSupported as error:
        return said | {"status": "not looked for", "reason": plain(error)}
    except c2pa.C2paError as error:
        return said | {"status": "unreadable", "reason": _shown(str(error))}
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = manifest.get("signature_info", {})
    codes = store.get("validation_results", {}).get("activeManifest", {})
    return said | {
        "status": "found",
        "state": plain(state),  # Invalid, Valid; Trusted only where a list of trust is given
        "trust_list": "none was given: the signer is not known to be who it says",
        "codes": {kind: [plain(each.get("code")) for each in codes.get(kind, [])] for kind in ("success", "failure")},
        "claim_generator": _shown(manifest.get("claim_generator_info") or manifest.get("claim_generator") or ""),
        "signed_by": _shown(signature.get("issuer") or ""),
        "signed_at": _shown(signature.get("time") or ""),
        "assertions": [plain(each.get("label")) for each in manifest.get("assertions", [])],
    }
