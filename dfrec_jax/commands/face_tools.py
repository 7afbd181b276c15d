"""The networks that find faces and their 68 landmarks for `dfrec prepare`."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from dfrec_jax.preparation.face_crops import FaceTools

DETECTOR, LANDMARKER = "retinaface-mobile025", "3ddfa-v2"
SMALL, LARGE = 320, 640  # pixels a side that the detector sees, by the size of the picture


def make_tools(weights_dir: str) -> "FaceTools":
    """RetinaFace and 3DDFA_V2, on the CPU, for one process of a preparation."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from dfrec_jax.frozen import threeddfa
    from dfrec_jax.frozen.detection import Face, detect_faces
    from dfrec_jax.frozen.load import load_network
    from dfrec_jax.pictures.framing import cut_out, inverse, moved
    from dfrec_jax.preparation.face_crops import FaceTools

    load = partial(load_network, weights_dir=weights_dir, allow_random=False)
    detector, landmarker = load(DETECTOR, image_size=SMALL), load(LANDMARKER, image_size=threeddfa.IMAGE_SIZE)
    points_of = jax.jit(lambda variables, crops: threeddfa.crop_features(variables, crops)["points"])

    def detect(images: "Sequence[np.ndarray]") -> list[list[Face]]:
        found = []
        for image in images:
            sides = (SMALL, LARGE) if max(image.shape[:2]) <= SMALL else (LARGE, SMALL)
            # A face that fills a large picture is beyond the detector's largest anchor: the small side finds it.
            faces: list[Face] = next(
                filter(None, (detect_faces(detector, [image], side=side)[0] for side in sides)), []
            )
            found.append(faces)
        return found

    def find_points(image: "np.ndarray", box: "np.ndarray") -> "np.ndarray":
        matrix = np.asarray(threeddfa.crop_transforms(jnp.asarray(box[None])))[0]
        crop = cut_out(image, matrix, threeddfa.IMAGE_SIZE)
        points = np.asarray(points_of(landmarker.variables, crop[None].astype(np.float32) / 255))[0]
        return moved(points, inverse(matrix))

    return FaceTools(detect, find_points)
