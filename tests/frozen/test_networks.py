"""What each network promises beyond parity: on random weights, and on the real ones where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from dfrec_jax.frozen import attributes, deep3d, facenet, mobilefacenet, squeezenet, threeddfa, vgg
from dfrec_jax.frozen.align import ARCFACE_TEMPLATE
from dfrec_jax.frozen.blueprint import from_random
from dfrec_jax.frozen.load import load_network
from tests.faces_made_up import made_up_face

LANDMARKS = jnp.array(ARCFACE_TEMPLATE)[None]
FIVE = (range(36, 42), range(42, 48), (30,), (48,), (54,))  # of a made-up face's 68: eyes, nose, corners of the mouth


def images(count: int, size: int, seed: int = 0) -> jax.Array:
    return jnp.array(np.random.default_rng(seed).random((count, size, size, 3)), jnp.float32)


@pytest.mark.parametrize("blueprint", [mobilefacenet.BLUEPRINT_A, mobilefacenet.BLUEPRINT_B], ids=lambda b: b.name)
def test_a_recogniser_serves_in_a_loss(blueprint):
    network = from_random(blueprint)
    pictures = images(1, 112)

    def loss(pictures):
        features = network(pictures, LANDMARKS)
        return jnp.sum(features["embedding"] ** 2 * jnp.arange(128.0)[None]), features

    (_, features), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(pictures)
    np.testing.assert_allclose(jnp.linalg.norm(features["embedding"]), 1.0, rtol=1e-5)
    assert set(network.taps["identity"]) <= set(features)
    assert np.isfinite(gradient).all() and np.any(gradient != 0)
    with pytest.raises(ValueError, match="five landmarks"):
        network(pictures)


@pytest.mark.parametrize(
    "blueprint", [mobilefacenet.BLUEPRINT_A, squeezenet.LPIPS_BLUEPRINT, vgg.BLUEPRINT], ids=lambda b: b.name
)
def test_a_network_computes_in_the_dtype_of_its_kernels(blueprint):
    network, pictures = from_random(blueprint), images(2, 64)
    run = jax.jit(lambda network: network(pictures, jnp.concatenate([LANDMARKS] * 2)))
    full, half = run(network), run(network.astype(jnp.bfloat16))
    (role,) = network.taps
    for name in network.taps[role]:
        assert full[name].dtype == jnp.float32 and half[name].dtype == jnp.bfloat16, name
        error = np.asarray(half[name].astype(jnp.float32) - full[name])
        assert np.linalg.norm(error) < 0.1 * np.linalg.norm(full[name]), name


@pytest.mark.parametrize(
    "blueprint",
    [facenet.BLUEPRINT, mobilefacenet.BLUEPRINT_A, attributes.BLUEPRINT_SMALL, squeezenet.LPIPS_BLUEPRINT],
    ids=lambda b: b.name,
)
def test_what_scales_a_channel_stays_float32(blueprint):
    half = jax.eval_shape(lambda network: network.astype(jnp.bfloat16), from_random(blueprint))
    leaves = flatten_dict(half.variables)
    cast = {path for path, leaf in leaves.items() if leaf.dtype == jnp.bfloat16}
    assert {path[-1] for path in cast} <= {"kernel", "bias"} and cast
    for path in leaves.keys() - cast:
        assert path[-1] in ("mean", "var", "scale", "bias", "slope") or path[-1].endswith("_head"), path
        assert (*path[:-1], "kernel") not in leaves, path


@pytest.mark.slow
def test_an_embedding_in_bfloat16_is_nearer_with_norms_in_float32(shared_weights):
    network = _real("mobilefacenet-xiaoccer", shared_weights)
    pictures, points = (jnp.stack(each) for each in zip(*(made_up_face(seed, 112) for seed in range(8)), strict=True))
    landmarks = jnp.stack([points[:, [*group]].mean(axis=1) for group in FIVE], axis=1)
    embed = jax.jit(lambda network: network(pictures, landmarks)["embedding"])
    full = embed(network)

    def error(half):
        embedding = embed(half).astype(jnp.float32)
        cosine = jnp.sum(full * embedding, axis=-1) / jnp.linalg.norm(embedding, axis=-1)
        return float(jnp.mean(1 - cosine))

    all_cast = network.replace(variables=jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), network.variables))
    assert error(network.astype(jnp.bfloat16)) < 0.75 * error(all_cast)


def test_rotation_by_hand():
    quarter = jnp.pi / 2
    angles = jnp.array([[quarter, 0, 0], [0, quarter, 0], [0, 0, quarter], [0.3, -0.2, 0.5]])
    turns = jax.jit(deep3d.rotation)(angles)
    y = jnp.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(turns[0] @ y, [0, 0, 1], atol=1e-6)  # pitch: up turns towards the camera
    np.testing.assert_allclose(turns[1] @ jnp.array([0.0, 0.0, 1.0]), [1, 0, 0], atol=1e-6)  # yaw
    np.testing.assert_allclose(turns[2] @ y, [-1, 0, 0], atol=1e-6)  # roll
    np.testing.assert_allclose(turns[3] @ turns[3].T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(turns[3], _rz(0.5) @ _ry(-0.2) @ _rx(0.3), atol=1e-6)


def _rx(a: float) -> np.ndarray:
    return np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])


def _ry(a: float) -> np.ndarray:
    return np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])


def _rz(a: float) -> np.ndarray:
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def test_deep3d_puts_the_mean_face_in_the_middle():
    scale, x, y = 60.0, 140.0, 130.0  # pixels for a unit, and where the mean face's origin is
    points = deep3d.MEAN_LANDMARKS[:, :2] * (scale, -scale) + (x, y)
    rows, columns = jnp.meshgrid(jnp.arange(256.0), jnp.arange(256.0), indexing="ij")
    coordinates = jnp.stack([columns, rows, rows], axis=-1)[None] / 255
    face = jax.jit(deep3d.align)(coordinates, jnp.array(points, jnp.float32)[None])
    middle = 255 * face[0, 111:113, 111:113, :2].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, [x - 0.5, y + 0.5], atol=1.0)
    step = 255 * (face[0, 112, 132, 0] - face[0, 112, 92, 0]) / 40
    np.testing.assert_allclose(step, scale / deep3d.FACE_SCALE, rtol=0.02)


def test_pose_angles_by_hand():
    def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
        return _rz(np.deg2rad(roll)) @ _ry(-np.deg2rad(yaw)) @ _rx(np.deg2rad(pitch))

    angles = np.array([[30.0, 0, 0], [0, 20, 0], [0, 0, -10], [25, -15, 40]])
    rotations = jnp.array([rotation(*each) for each in angles], jnp.float32)
    np.testing.assert_allclose(threeddfa.pose_angles(rotations), angles, atol=1e-3)


def test_camera_rotation_is_orthonormal():
    parameters = jnp.zeros((1, 62)).at[0, :12].set(jnp.array([2.0, 0, 0, 9, 0, 3.0, 0, 9, 7, 7, 7, 7]))
    np.testing.assert_allclose(threeddfa.camera_rotation(parameters), np.eye(3)[None], atol=1e-6)


def test_crop_by_hand():
    transform = threeddfa.crop_transforms(jnp.array([[10.0, 20.0, 110.0, 120.0]]))  # centre (60, 70), side 100
    # The crop is 158 px wide around (60, 98): its edges at -19 and 139, 19 and 177, become -0.5 and 119.5.
    edges = jnp.array([[[-19.5, 18.5], [138.5, 176.5]]])
    got = edges @ transform[..., :2].transpose(0, 2, 1) + transform[..., 2][:, None]
    np.testing.assert_allclose(got, [[[-0.5, -0.5], [119.5, 119.5]]], atol=1e-3)


def test_lpips_like_is_a_distance():
    network = from_random(squeezenet.LPIPS_BLUEPRINT)
    distance = jax.jit(squeezenet.lpips_like)
    a, b = images(2, 64), images(2, 64, seed=1)
    np.testing.assert_array_equal(distance(network, a, a), [0, 0])
    forth = distance(network, a, b)
    np.testing.assert_allclose(distance(network, b, a), forth, rtol=1e-5)
    assert np.all(forth > 0)
    with pytest.raises(ValueError, match="lpips-like-squeezenet"):
        squeezenet.lpips_like(from_random(squeezenet.BLUEPRINT), a, b)


@pytest.fixture(scope="module")
def pairs_of_faces(shared_weights, shared_data):
    """Two pictures each of three people, and the five landmarks of each."""
    import cv2

    from dfrec_jax.frozen.detection import central_face, detect_faces

    folder = shared_data / "celeba_people"
    people = sorted(path for path in folder.iterdir() if path.is_dir())[:3]
    paths = [path for person in people for path in sorted(person.glob("*.jpg"))[:2]]
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths]
    detector = _real("retinaface-mobile025", shared_weights)
    faces = [central_face(found, 256, 256) for found in detect_faces(detector, pictures, side=256)]
    assert all(face is not None and face.score > 0.9 for face in faces)
    return jnp.stack(pictures).astype(jnp.float32) / 255, jnp.stack([face.landmarks for face in faces])


@pytest.mark.parametrize("name", ["mobilefacenet-xiaoccer", "mobilefacenet-foamliu"])
def test_faces_of_one_person_are_nearer(shared_weights, pairs_of_faces, name):
    """On real weights and real faces; `benchmarks/lfw.py` is the thorough form."""
    embed = jax.jit(lambda network, images, landmarks: network(images, landmarks))
    embedding = np.asarray(embed(_real(name, shared_weights), *pairs_of_faces)["embedding"])
    similarity = embedding @ embedding.T
    same = [similarity[i, i + 1] for i in (0, 2, 4)]
    different = [similarity[i, j] for i in range(6) for j in range(6) if i // 2 != j // 2]
    assert min(same) > max(different)


def _real(name, shared_weights):
    return load_network(name, weights_dir=str(shared_weights), allow_random=False, image_size=256)
