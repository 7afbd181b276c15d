"""Whether a recovery applies to a picture at all: what was measured of it, beside the limits.

The limits were chosen on validation data: 300 pristine faces and 300 swaps of LFW's validation people, 313 swaps of
DFDC's validation split, and 93 wallpapers without a face. `benchmarks/gate.py` measures what they stop on other data.
Of drawn faces nothing was chosen: of them contrast and the map alone are told.

* Score of a face, by RetinaFace: on the three sets 99.5 % have 0.966 or more, the likeliest place of a wallpaper 0.914.
* The same face, cut out, enlarged and mirrored: of 599 of these faces the lowest score is 0.734, 99 % of DFDC's have
  0.884 or more. Added when a photograph of leaves (0.96 at first, 0.41 again) and one of a cat (0.96, 0.14) had passed.
* Size and sharpness: a face so small or blurred that recogniser B no longer takes it for itself (its cosine with itself
  is at or below the 99.9th percentile of different people's) tells a network as little. Of 150 pristine faces whose box
  was reduced to 32 pixels all that were found, 140, were recognised, at 20 pixels 69 of 86. Blurred by a Gaussian of
  2/112 of the box all were, by 3/112 87 %, by 4/112 34 %, and their sharpness has the medians 0.29, 0.22 and 0.19; of
  the swaps of validation 99.5 % have 0.309 or more.
* Pose: of the validation faces 99 % are turned by 45 degrees or less, nod by 17 and are tilted by 24. The limits leave
  a little beyond; training shows a network no others.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.frozen.detection import Face
from dfrec_jax.pictures import framing
from dfrec_jax.pictures.framing import Frame

LEAST_AGAIN = 0.7  # score of a face that is looked at again
LEAST_SIDE = 32.0  # of the box's longer side, in pixels of the picture
LEAST_SHARPNESS = 0.25  # of `sharpness`
LEAST_CONTRAST = 2.0  # standard deviation in levels of 255, below which a picture shows nothing
POSE = (("yaw", "is turned aside", 48.0), ("pitch", "looks up or down", 25.0), ("roll", "is tilted", 35.0))  # degrees
MOST_OF_OTHERS = 0.5  # area of another face in that of the chosen one
FRAMED_AROUND = 0.4  # of the picture's longer side: a face so large that has its middle is the one that is meant

_SIDE = 112  # pixels in which sharpness is measured
_REACH = 9  # pixels over which it blurs
# Of the five landmarks, in the distance of the eyes and in that from the eyes to the mouth: how far the nose stands out
# (yaw then has the slope 1.01 to that of 3DDFA-V2 and lies within 2.2 degrees of it on half of the validation faces;
# pitch correlates by 0.69 alone), and where it is between eyes and mouth in a face that looks straight ahead.
_NOSE_BY_EYES, _NOSE_BY_HEIGHT, _NOSE_LEVEL = 0.6, 1.0, 0.48


class Check(NamedTuple):
    """One measure beside its limit.

    Attributes:
      name: of what was measured.
      value: that it has; None where it is not told.
      limit: that it must keep to.
      is_least: whether the limit is the least that passes; else the most.
      words: why it does not pass, and what to do; why it is not told; else empty.
    """

    name: str
    value: float | None
    limit: float
    is_least: bool
    words: str = ""

    @property
    def is_passed(self) -> bool:
        """What is not told passes."""
        if self.value is None:
            return True
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def record(self) -> dict[str, Any]:
        """As it stands in result.json."""
        value = None if self.value is None else round(self.value, 4)
        limit = {"least" if self.is_least else "most": round(self.limit, 4)}
        return {"name": self.name, "value": value, **limit, "passed": self.is_passed, "words": self.words}


def least(name: str, value: float | None, limit: float, words: str) -> Check:
    """A check of a lower limit; `words` are dropped where it passes."""
    check = Check(name, value, limit, True, words)
    return check._replace(words="") if check.is_passed and value is not None else check


def most(name: str, value: float | None, limit: float, words: str) -> Check:
    """A check of an upper limit; as `least`."""
    check = Check(name, value, limit, False, words)
    return check._replace(words="") if check.is_passed and value is not None else check


def failed(checks: Sequence[Check]) -> list[Check]:
    """Those that do not pass."""
    return [check for check in checks if not check.is_passed]


def reason(checks: Sequence[Check]) -> str:
    """Of all that do not pass, in words; empty where all do."""
    return "; ".join(check.words for check in failed(checks))


def of_presence(faces: Sequence[Face], least_score: float, face_check: str) -> Check:
    """Whether a face is there.

    Args:
      faces: that a detector proposes.
      least_score: of the detector's, from which on it is one.
      face_check: how they were looked for.
    """
    best = max((face.score for face in faces), default=0.0)
    unsure = f", the likeliest place scores {best:.3f}, {least_score:g} is the least" if faces else ""
    return least("face_score", best, least_score, f"no face was found in it ({face_check}{unsure})")


def of_second_look(score: float) -> Check:
    """Whether what was taken for a face is one when it is looked at by itself."""
    words = f"what looked like a face is none when it is looked at again, enlarged (score {score:.3f}, {LEAST_AGAIN:g} "
    return least("face_again", score, LEAST_AGAIN, f"{words}is the least)")


def of_contrast(pixels: UInt8[np.ndarray, "h w 3"]) -> Check:
    """Whether a picture, or a crop, shows anything."""
    value = float(pixels.std(axis=(0, 1)).max())
    return least("contrast", value, LEAST_CONTRAST, "nearly one colour all over: there is no face in it")


def of_others(faces: Sequence[Face], chosen: Face, height: int, width: int) -> Check:
    """Whether it is plain which face is meant: no other is of like size, or the picture is framed around one.

    `value` is the area of the largest other face in that of the chosen one; 0 where the picture is framed around it.
    """
    largest = max((_area(face) for face in faces if face is not chosen), default=0.0) / max(_area(chosen), 1e-6)
    value = 0.0 if _is_framed_around(chosen, height, width) else largest
    words = (
        f"{len(faces)} faces, of which another is {largest:.0%} of the size of the largest near the middle: cut one "
        "out, name it by --faces, or take --all-faces"
    )
    return most("other_faces", value, MOST_OF_OTHERS, words)


def of_face(pixels: UInt8[np.ndarray, "h w 3"], face: Face, frame: Frame, *, is_pose_known: bool) -> list[Check]:
    """Of a face that was found: its size, sharpness and pose.

    Args:
      pixels: the picture.
      face: in it.
      frame: in which the network sees it; `align` turns it upright.
      is_pose_known: whether its landmarks were seen and not put where they are on average.
    """
    side = float(np.max(face.box[2:] - face.box[:2]))
    too_small = f"the face is {side:.1f} pixels wide or high, {LEAST_SIDE:.0f} are the least: find a larger picture"
    sharp = sharpness(pixels, face)
    blurred = f"the face is too blurred (sharpness {sharp:.3f}, {LEAST_SHARPNESS:g} is the least)"
    checks = [
        least("face_side", side, LEAST_SIDE, too_small),
        least("sharpness", sharp, LEAST_SHARPNESS, blurred),
    ]
    angles = angles_of(face.landmarks) if is_pose_known else (None, None, None)
    for angle, (name, does, limit) in zip(angles, POSE, strict=True):
        if angle is None:
            checks.append(most(name, None, limit, "not told: the landmarks are not known"))
        elif name != "roll" or frame.crop != "align":
            words = f"the face {does} by {abs(angle):.1f} degrees, {limit:.0f} are the most"
            checks.append(most(name, abs(angle), limit, words))
    return checks


def of_map(mean_score: float, limit: float) -> Check:
    """Whether the map tells patches apart: at the limit and above Algorithm 1 masks at random.

    Args:
      mean_score: of the patches, in [0, 1].
      limit: `tirm.full_map_threshold`.
    """
    full = f"the map marks nearly all of it (mean {mean_score:.2f}, less than {limit:g} tells something)"
    return most("mean_map_score", mean_score, float(np.nextafter(np.float32(limit), np.float32(0))), full)


def sharpness(pixels: UInt8[np.ndarray, "h w 3"], face: Face) -> float:
    """How much of the differences between neighbouring pixels of a face a blur takes away, in [0, 1]; 1 is sharp.

    In the square around the box, brought to 112 pixels, in luma: the smaller of both directions. One less the measure
    of Crete et al. 2007.
    """
    height, width = pixels.shape[:2]
    matrix = framing.crop_matrix(Frame("box", 0.0), face.box, face.landmarks, height, width, _SIDE)
    luma = cv2.cvtColor(framing.cut_out(pixels, matrix, _SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    found = []
    for axis, kernel in enumerate(((1, _REACH), (_REACH, 1))):
        before, after = (np.abs(np.diff(each, axis=axis)) for each in (luma, cv2.blur(luma, kernel)))
        found.append(float(np.maximum(before - after, 0).sum() / max(before.sum(), 1e-6)))
    return min(found)


def angles_of(landmarks: Float[np.ndarray, "5 2"]) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a head in degrees, about, from five landmarks.

    The nose stands out of the face: by how far it lies aside of the line from the eyes to the mouth, and where on it,
    a head is turned and nods. The sign of yaw is that of the nose's shift, pitch is positive for a head that looks
    down, roll for one whose eyes fall to the right of the picture.
    """
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    height = max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    down = (mouth - eyes) / height
    aside = np.array([down[1], -down[0]])
    nose, apart = landmarks[2] - eyes, landmarks[1] - landmarks[0]
    yaw = np.arctan2(nose @ aside, _NOSE_BY_EYES * max(float(apart @ aside), 1e-6))
    pitch = np.arctan2(nose @ down / height - _NOSE_LEVEL, _NOSE_BY_HEIGHT)
    roll = np.arctan2(-down[0], down[1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _is_framed_around(face: Face, height: int, width: int) -> bool:
    has_middle = face.box[0] <= width / 2 <= face.box[2] and face.box[1] <= height / 2 <= face.box[3]
    return bool(has_middle and np.max(face.box[2:] - face.box[:2]) >= FRAMED_AROUND * max(height, width))


def _area(face: Face) -> float:
    return float(np.prod(np.maximum(face.box[2:] - face.box[:2], 0)))
