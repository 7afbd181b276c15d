import builtins

import numpy as np
import pytest

from dfrec_jax.frozen.second_opinions import FsaNet, OnnxruntimeMissing, Pfld, _pixels


def test_without_onnxruntime_the_error_says_what_to_install(monkeypatch):
    load = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "onnxruntime":
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(OnnxruntimeMissing, match=r"pip install 'dfrec-jax\[dev\]'"):
        FsaNet()


def test_pixels_beyond_the_image_are_black():
    part = _pixels(np.ones((4, 4, 3), np.uint8), -1, 2, 3, 6)
    np.testing.assert_array_equal(part[..., 0], [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_they_agree_with_our_networks_on_a_real_face(shared_weights, shared_data):
    import cv2
    import jax
    import jax.numpy as jnp

    from dfrec_jax.frozen import threeddfa
    from dfrec_jax.frozen.load import load_network

    row = (shared_data / "celeba_people" / "faces.csv").read_text().splitlines()[1].split(",")
    image = cv2.imread(str(shared_data / "celeba_people" / row[0]), cv2.IMREAD_COLOR_RGB)
    box = np.array([float(value) for value in row[3:7]])
    network = load_network("3ddfa-v2", weights_dir=str(shared_weights), allow_random=False, image_size=256)
    boxes = jnp.array(box, jnp.float32)[None]
    ours = jax.jit(threeddfa.box_features)(network.variables, jnp.float32(image)[None] / 255, boxes)
    theirs = FsaNet(str(shared_weights)).pose(image, box)
    np.testing.assert_allclose(ours["pose"][0], theirs, atol=12)
    points = Pfld(str(shared_weights)).points(image, box)
    assert np.median(np.linalg.norm(points - ours["points"][0], axis=-1)) < 6
