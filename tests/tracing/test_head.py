"""A trace head is read from its run's folder, stands on the gallery's recogniser, and gives the routes that it can."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.metrics.likelihood_ratio import Logistic
from dfrec_jax.models.trace import maps_of
from dfrec_jax.runs import trace_head
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.tracing import calibrating, calibration, routes
from dfrec_jax.tracing.calibration import Calibration, Fit
from dfrec_jax.tracing.head import Head
from tests.tracing import drawn, made_head
from tests.tracing.test_routes import result


@pytest.fixture(scope="module")
def run(tmp_path_factory, embedder):
    return made_head.make(tmp_path_factory.mktemp("head"), embedder)


def test_it_gives_what_its_module_gives_whoever_is_visible(run, embedder):
    head = Head(run, embedder)
    assert (head.record["head_step"], len(head.sha256)) == (7, 64)
    face = embedder.face(drawn.pattern(0))
    visible = embedder.embeddings([embedder.face(drawn.pattern(1))])[0]
    found = head.embeddings(face, [None, visible])
    restored = trace_head.load(run, embedder.network)
    pixels, _ = embedder.as_given([face], 1)

    @jax.jit
    def by_hand(seen):
        features = embedder.network(jnp.asarray(pixels))
        maps = maps_of(features, embedder.network.taps["identity"])
        return restored.module.apply(restored.variables, maps, features["embedding"], seen[None], train=False)[0]

    for row, seen in zip(found, (np.zeros_like(visible), visible), strict=True):
        np.testing.assert_allclose(row, by_hand(jnp.asarray(seen)), atol=1e-5)
    assert np.linalg.norm(found[0] - found[1]) > 0.01


def test_its_routes_stand_beside_the_others(run, embedder, tmp_path):
    head = Head(run, embedder)
    reference = drawn.save(drawn.pattern(1, 2), tmp_path / "reference.png")
    visible = routes.visible_of([reference], embedder)
    exhibit = routes.read(result(tmp_path / "r"), embedder, visible, head)
    pairs = {(query.role, query.route): query.embedding for query in exhibit.queries}
    assert set(pairs) == {(role, route) for role in routes.ROLES for route in routes.ROUTES[role]}
    assert exhibit.head_sha256 == exhibit.record["head_sha256"] == head.sha256 == calibrating.head_of([exhibit])
    wanted = head.embeddings(
        embedder.face(np.asarray(Image.open(tmp_path / "r" / "input.png"))), [None, visible.direction]
    )
    np.testing.assert_allclose(pairs["target", routes.HEAD_GIVEN], wanted[1], atol=1e-5)
    picture = routes.read(tmp_path / "r" / "input.png", embedder, None, head)
    assert {query.route for query in picture.queries} == {routes.RAW, routes.HEAD}
    assert picture.left_out[f"target, {routes.HEAD_GIVEN}"] == routes.NOBODY_NAMED
    assert "a picture, and no result" in picture.left_out[f"target, {routes.HEAD_ESTIMATED}"]


def test_what_is_no_head_of_this_gallery_is_refused(run, embedder, tmp_path):
    with pytest.raises(CheckpointError, match="there is no config.json in it"):
        Head(tmp_path, embedder)
    other = embedder.network.replace(name="another")
    with pytest.raises(CheckpointError, match="stands on embedded-b, and the gallery was made with another"):
        trace_head.load(run, other)


def test_a_calibration_with_another_head_is_refused(tmp_path):
    fits = {f"target, {route}": Fit(Logistic(1.0, 0.0), (-1.0, 1.0)) for route in (routes.RAW, routes.HEAD)}
    made = Calibration(tmp_path, drawn.IDENTITY, fits, None, "one", "people", "", {})
    assert made.fit_for("target", routes.HEAD, None, "one")[0] is fits["target, head"]
    assert made.fit_for("target", routes.RAW, None, "two")[0] is fits["target, raw"]
    with pytest.raises(ConfigError, match="`target, head` was calibrated with the head one, and --head is two"):
        made.fit_for("target", routes.HEAD, None, "two")
    assert calibration.NEEDS_HEAD == routes.NEEDS_HEAD
