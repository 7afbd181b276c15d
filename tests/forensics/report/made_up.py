"""The folder of a report of which nothing was computed: its records are made up, its pages and hashes are real."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report import sealing, write
from dfrec_jax.pictures import generated

NETWORK = "cd" * 32
CONFIG = '{"name": "made up"}\n'
CASE = {
    "case_number": "12/2026", "operator": "Ömer Łukasz", "acquisition": "from a telephone", "legal_basis": "§ 98",
    "authorisation": "A 7", "gallery_origin": "register", "second_verifier": "B. Second",
}  # fmt: skip


def _record(role: str, metric: str, row: str, value: float, network: str = "embedded-b") -> dict[str, Any]:
    return {
        "table": "recovery", "row": row, "dataset": "embedded", "attack": "all", "role": role, "metric": metric,
        "value": value, "low": value - 0.03, "high": value + 0.03, "n": 444, "network": network, "over": "examples",
        "clusters": 90,
    }  # fmt: skip


def said(data: bytes, name: str = "swap.png", **fields: Any) -> dict[str, Any]:
    """report.json of the exhibit `data`."""
    recovery = [_record("target", "idsim", row, value) for row, value in (("None", 0.348), ("DFREC", 0.41512))]
    detection = [_record("", "auc_forged", "classification head", 0.71)]
    record = {
        "statement": "",
        "format": 1,
        "case": CASE,
        "signed_by": None,
        "made": {
            "command": "dfrec recover swap.png --report", "commit": "abc123", "time": "2026-11-29T08:00:00+00:00",
            "device": "cpu: cpu", "folder": "/case", "environment": {"jax": "0.10", **write.versions()},
        },
        "options": {"seed": 0, "crop": "trained", "assume": "", "all_faces": False},
        "exhibit": {
            "name": name, "sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data), "format": "PNG",
            "mode": "RGB", "size_in_file": [64, 48], "exif": {"Make": "Maker <b>"}, "c2pa": {"status": "none"},
            "copy": f"{names.EXHIBIT_DIR}/{name}",
        },
        "network": {
            "workdir": "runs/mine", "config_sha256": hashlib.sha256(CONFIG.encode()).hexdigest(),
            "trained_on": "`embedded`; of each batch the rest swaps of drawn faces",
            "networks_of_losses": ["embedded-a"], "recogniser_of_metrics": "embedded-b",
            "reliability": {"reason": "", "recovery": recovery, "detection": detection},
        },
        "similarity": {"target": 0.51234, "source": 0.81},
    }  # fmt: skip
    return record | fields


def result(data: bytes, status: str = "recovered", **fields: Any) -> dict[str, Any]:
    """result.json of it."""
    record = {
        "input": "swap.png", "input_sha256": hashlib.sha256(data).hexdigest(), "input_size": [64, 48], "status": status,
        "reason": "" if status == "recovered" else "because of this", "warnings": ["two faces <i>"],
        "face": "looked for with nobody", "network_size": 32, "mode": "paper", "config": "tiny", "crop": "--crop none",
        "seed": 7, "checkpoint_step": 450, "network_sha256": NETWORK, "assume": None, "visible_sha256": None,
        "dfrec_jax": "0.1.0", "jax": "0.10", "faces": "one",
    }  # fmt: skip
    if status != "not_applicable":
        record |= {
            "face_box": None, "face_landmarks": None, "crop_matrix": None, "forgery_score_uncalibrated": 0.93,
            "mean_map": 0.4512, "map": "the network's", "patch_size": 8, "num_patches": 16,
            "generated_patches": [0, 1, 2, 5, 8, 9, 10, 15],
        }  # fmt: skip
    return record | fields


SEARCH = {
    "gallery": {"num_people": 40, "num_pictures": 90, "origin": "LFW", "embeddings_sha256": "ef" * 32,
                "recogniser": "mobilefacenet"},
    "calibration": {"sha256": "01" * 32, "population": "forty people of LFW", "routes": ["target, raw"]},
    "rankings": [
        {"role": "target", "route": route, "log10_lr_bounds": [-0.82, 1.73], "not_calibrated": None, "candidates": [
            {"rank": 1, "person": "anna", "is_foil": False, "num_pictures": 2, "cosine": 0.61234, "log10_lr": ratio},
            {"rank": 2, "person": "carl", "is_foil": True, "num_pictures": 1, "cosine": 0.4, "log10_lr": -0.82}]}
        for route, ratio in (("raw", 0.3), ("recovered", 1.73))
    ],
}  # fmt: skip
CALIBRATION = {
    "population": "forty people of LFW", "bounds": "bounded where one more would make them worse",
    "routes": {
        f"target, {route}": {"log10_lr_bounds": [-0.82, 1.73], "measured_on": {
            "exhibits": 29, "cllr": {"value": 0.712, "interval": [0.4, 1.05], "n": 29}, "cllr_min": 0.623,
            "cllr_less_raw": None if route == "raw" else {"value": -0.044, "interval": [-0.13, 0.032], "n": 29},
            "misleading_h1": 0.069, "misleading_h2": 0.1234,
            "rank_1": {"value": 0.276, "interval": [None, None], "n": 29},
            "identification_errors": [
                {"gallery_size": size, "lr_threshold": 10, "fpir": fpir, "fnir": 0.552}
                for size, fpir in ((10, 0.057), (100, 0.442))]}}
        for route in ("raw", "recovered", "head")},
}  # fmt: skip


def exhibit() -> bytes:
    """The bytes of a picture."""
    import io

    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(out, format="PNG")
    return out.getvalue()


VIDEO = b"a video, as far as anybody here looks"
FRAMES = (12, 30)


def video(folder: Path, status: str = "recovered") -> Path:
    """Writes a sealed report of a video: one track, of which the frames `FRAMES` were recovered."""
    (folder / names.EXHIBIT_DIR).mkdir(parents=True)
    (folder / names.EXHIBIT_DIR / "clip.mp4").write_bytes(VIDEO)
    (folder / names.CONFIG).write_text(CONFIG)
    shares = {"share_own": 0.39, "share_generated": 0.6, "share_forged_seen": 0.01}
    similarity = {}
    used = FRAMES if status == "recovered" else ()
    for place, frame in enumerate(used, 1):
        of = folder / "track-1" / f"frame-{frame:06d}"
        of.mkdir(parents=True)
        check = {"name": "yaw", "value": 7.0 + place, "most": 48.0, "passed": True, "words": ""}
        said_of = result(VIDEO, frame=frame, input="clip.mp4", mean_map=0.2 + place / 100, checks=[check], **shares)
        (of / "result.json").write_text(json.dumps(said_of))
        for name in ("input", "map", "target", "source", "evidence"):
            Image.new("RGB", (32, 32), (frame, 0, 0)).save(of / f"{name}.png")
        similarity[f"track-1/frame-{frame:06d}"] = {"target": 0.7 + place / 100, "source": 0.81}
    track = {
        "status": status, "seen_in": [0, *used], "recovered_from": list(used), "statuses": [status] * len(used),
        "quality": [0.5, 0.9][: len(used)], "gate_failed": {"sharpness": 1}, "recogniser": "embedded-b",
        "why_no_embedding": "" if used else "no frame was recovered",
    }  # fmt: skip
    if used:
        Image.new("RGB", (64, 32), "white").save(folder / "track-1" / "drift.png")
        track |= {
            "embedded_frames": list(used), "target_embedding": [1.0, 0.0], "exhibit_embedding": [0.6, 0.8],
            "target_cosines": [0.912, 0.934], "exhibit_cosines": [0.956, 0.978], "target_to_exhibit": 0.612,
        }  # fmt: skip
    record = result(VIDEO, status="not_applicable", kind="video", frames=40, rate=25.0, frames_read=[0, *FRAMES],
                    frames_asked=3, best_asked=2, tracks=[track], input="clip.mp4")  # fmt: skip
    record |= {"status": status, "reason": "" if used else "no frame was recovered; checks that failed: sharpness"}
    (folder / "result.json").write_text(json.dumps(record))
    facts = {
        "name": "clip.mp4", "sha256": hashlib.sha256(VIDEO).hexdigest(), "num_bytes": len(VIDEO), "codec": "avc1",
        "frames": 40, "rate": 25.0, "decoder": "OpenCV 5", "c2pa": {"status": "none"},
        "copy": f"{names.EXHIBIT_DIR}/clip.mp4",
        "frames_used": [{"frame": frame, "seconds": frame / 25, "size": [64, 48], "pixels_sha256": f"{frame:064x}"}
                        for frame in used],
    }  # fmt: skip
    (folder / names.RECORD).write_text(json.dumps(said(VIDEO, exhibit=facts, similarity=similarity)))
    write.draw(folder)
    sealing.seal(folder, None)
    return folder


def report(
    folder: Path,
    status: str = "recovered",
    *,
    key: Any = None,
    search: bool | dict[str, Any] = False,
    said_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> Path:
    """Writes a sealed report."""
    data = exhibit()
    (folder / names.EXHIBIT_DIR).mkdir(parents=True)
    (folder / names.EXHIBIT_DIR / "swap.png").write_bytes(data)
    (folder / names.CONFIG).write_text(CONFIG)
    rng = np.random.default_rng(1)
    for name in () if status == "not_applicable" else ("input", "map", "target", "source", "panel"):
        picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        if name in ("input", "map"):
            picture.save(folder / f"{name}.png")
        else:
            generated.save(picture, folder / f"{name}.png", generated.GENERATED)
    if search:
        (folder / names.TRACE_DIR).mkdir()
        (folder / names.SEARCH).write_text(json.dumps(SEARCH if search is True else search))
        (folder / names.CALIBRATION).write_text(json.dumps(CALIBRATION))
    signed = None if key is None else sealing.fingerprint(key.public_key().public_bytes_raw())
    record = said(data, signed_by=signed) | (said_fields or {})
    (folder / names.RECORD).write_text(json.dumps(record))
    (folder / "result.json").write_text(json.dumps(result(data, status, **fields)))
    write.draw(folder)
    sealing.seal(folder, key)
    return folder
