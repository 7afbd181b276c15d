"""What the networks of metrics say: by which role, and the pose of drawn faces against the renderer's own angles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.evaluation import describing
from dfrec_jax.frozen import deep3d
from dfrec_jax.metrics.pose import geodesic_degrees
from dfrec_jax.synthetic import dataset, encoders, sampling
from dfrec_jax.synthetic.renderer import render
from dfrec_jax.weights.rules import WeightsError
from tests import tiny


@pytest.mark.slow
def test_the_pose_of_drawn_faces_is_the_renderers():
    attributes = [sampling.sample_attributes(jax.random.key(seed)) for seed in range(8)]
    images = [render(dataset.identity_of(0, 21_000 + i), one, 64).image for i, one in enumerate(attributes)]
    network = encoders.load("embedded-b")
    landmarks = jnp.zeros((8, 5, 2))
    found = jax.jit(describing.describe)({"pose": network}, jnp.stack(images), landmarks)["pose"]
    angles = jnp.arcsin(jnp.array([[one.pose.pitch, one.pose.yaw, one.pose.roll] for one in attributes]))
    true = np.asarray(deep3d.rotation(angles))
    error = geodesic_degrees(np.asarray(found), true)
    of_another = geodesic_degrees(np.asarray(found), np.roll(true, 1, axis=0))
    assert np.median(error) < 8 < 1.5 * 8 < np.median(of_another)


def test_drawn_faces_are_measured_by_the_encoder_of_metrics_and_photographs_by_the_papers_networks():
    config = tiny.config()
    drawn = perceptors.table_networks(config)
    assert drawn == {"identity": "embedded-a", **dict.fromkeys(("frechet", "attributes", "pose"), "embedded-b")}
    config.data.dataset, config.frozen.attributes = "celeba_megafs", "attributes-resnet50"
    assert perceptors.table_networks(config) == {
        "identity": "embedded-a",
        "frechet": "inception-fid",
        "attributes": "attributes-resnet50",
        "pose": "deep3d-resnet50",
    }
    config.frozen.pose = "3ddfa-v2"
    assert perceptors.table_networks(config)["pose"] == "3ddfa-v2"


def test_a_network_that_is_not_at_hand_is_a_reason(monkeypatch):
    config = tiny.config()
    found = {"embedded-b": encoders.load("embedded-b")}

    def load(name, config):
        if name not in found:
            raise WeightsError(f"{name} is nowhere")
        return found[name]

    monkeypatch.setattr(perceptors, "load_network", load)
    config.frozen.metric, config.frozen.pose = "embedded-b", "deep3d-resnet50"
    networks = describing.load(config)
    assert networks.reasons == {"pose": "deep3d-resnet50 is nowhere"}
    assert set(networks.by_role) == {"identity", "frechet", "attributes"}
    config.frozen.metric = "facenet-vggface2"
    networks = describing.load(config)
    assert networks.reasons["identity"] == "facenet-vggface2 is nowhere" and set(networks.by_role) == {
        "frechet",
        "attributes",
    }


def test_features_of_the_distance_are_pool3_where_there_is_one_and_else_the_last_tap():
    rng = np.random.default_rng(0)
    tap = jnp.asarray(rng.random((2, 3, 3, 5)), jnp.float32)
    network = tiny.network().replace(taps={"perceptual": ("early", "late")})
    got = describing._of_distance(network, {"early": tap[..., :1], "late": tap})
    np.testing.assert_allclose(got, tap.mean(axis=(1, 2)), rtol=1e-6)
    assert describing._of_distance(network, {"pool3": tap[:, 0, 0], "late": tap}).shape == (2, 5)
    with pytest.raises(WeightsError, match="gives no 'rotation', which Pose is measured by"):
        describing._rotation(network, {"late": tap})


def test_facenet_has_three_input_variants_of_one_weight_file():
    from dfrec_jax.frozen import facenet, load

    names = [variant.name for variant in facenet.VARIANTS]
    assert names == ["facenet-vggface2", "facenet-vggface2@native", "facenet-vggface2@raw"]
    assert all(load.find_blueprint(name).parts == facenet.BLUEPRINT.parts for name in names)
    image = jnp.linspace(0, 1, 160 * 160 * 3).reshape(1, 160, 160, 3)
    seen = []

    class Spy:
        def apply(self, variables, x):
            seen.append(np.asarray(x))
            return facenet.FaceNetFeatures(x, x, x, x, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facenet, "MODULE", Spy())
        patch.setattr(facenet, "in_dtype_of", lambda variables, x: x)
        for variant in facenet.VARIANTS:
            variant.features({}, image, None)
    default, native, raw = seen
    np.testing.assert_allclose(default, native, atol=1e-4)  # at 160 px the two are one
    np.testing.assert_allclose(native, (np.asarray(image) * 255 - 127.5) / 128, rtol=1e-6)
    np.testing.assert_array_equal(raw, image)
