import os
import socket
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.training import sharding, state

PARAMS = {
    "conv": {"kernel": jnp.ones((3, 3, 4, 8)), "bias": jnp.zeros(8)},
    "depthwise": {"kernel": jnp.ones((3, 3, 1, 8))},
    "dense": {"kernel": jnp.ones((4, 8))},
    "to_rgb": {"kernel": jnp.ones((1, 1, 8, 3))},
    "class_token": jnp.ones((1, 1, 8)),
}


def config(name):
    config = defaults.dfrec()
    config.optimizer.name, config.optimizer.weight_decay, config.optimizer.learning_rate = name, 0.0, 0.01
    return config


def first_update(name, gradients):
    optimizer = state.make_optimizer(config(name))
    updates, _ = optimizer.update(gradients, optimizer.init(PARAMS), PARAMS)
    return updates


@pytest.fixture(scope="module")
def gradients():
    leaves, treedef = jax.tree.flatten(PARAMS)
    keys = jax.random.split(jax.random.key(0), len(leaves))
    return treedef.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)])


def test_muon_orthogonalises_kernels_and_leaves_the_rest_to_adam(gradients):
    muon = first_update("muon", gradients)
    adam = optax.nadam(0.01, b2=0.999)
    adam, _ = adam.update(gradients, adam.init(PARAMS), PARAMS)
    for name in ("conv", "dense"):
        matrix = muon[name]["kernel"].reshape(-1, 8)
        scale = 0.01 * 0.2 * np.sqrt(max(matrix.shape))  # as long as one of Adam's updates
        singular = np.linalg.svd(np.asarray(matrix), compute_uv=False)
        assert (singular > 0.5 * scale).all() and (singular < 1.3 * scale).all()
    for rest in ("depthwise", "to_rgb"):
        np.testing.assert_allclose(muon[rest]["kernel"], adam[rest]["kernel"], rtol=1e-5)
    np.testing.assert_allclose(muon["class_token"], adam["class_token"], rtol=1e-5)
    np.testing.assert_allclose(muon["conv"]["bias"], adam["conv"]["bias"], rtol=1e-5)


@pytest.mark.parametrize("name", defaults.OPTIMIZERS)
def test_clipping_bounds_the_gradient_that_the_rule_sees(name, gradients):
    clipped = config(name)
    clipped.optimizer.clip_norm = 1e-3
    optimizer = state.make_optimizer(clipped)
    opt_state = optimizer.update(gradients, optimizer.init(PARAMS), PARAMS)[1]
    shapes = {leaf.shape for leaf in jax.tree.leaves(PARAMS)}
    moments = [leaf for leaf in jax.tree.leaves(opt_state) if jnp.shape(leaf) in shapes]
    assert optax.tree.norm(moments) < 2e-3


def test_the_rate_warms_up_and_falls_to_nothing():
    scheduled = config("adamw")
    scheduled.optimizer.schedule, scheduled.optimizer.warmup_steps, scheduled.train.num_steps = "cosine", 10, 110
    rate = state.make_schedule(scheduled)
    np.testing.assert_allclose([rate(0), rate(5), rate(10), rate(60), rate(110)], [0, 0.005, 0.01, 0.005, 0], atol=1e-7)


def test_a_host_that_jax_must_not_use_is_refused(monkeypatch):
    def none(backend):
        raise RuntimeError(f"Unknown backend {backend}")

    monkeypatch.setattr(jax, "local_devices", none)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape(1, 1), sharding.AXES)
    with pytest.raises(ConfigError, match="JAX_PLATFORMS='cuda'.*use cuda,cpu"):
        state.create(lambda: state.TrainState(jnp.zeros(()), {}, {}, {}, None, jax.random.key(0)), mesh)


HOST = """
import sys
import jax
import jax.numpy as jnp
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 1)
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"localhost:{sys.argv[1]}", 2, int(sys.argv[2]))
from dfrec_jax.config import defaults
from dfrec_jax.training import sharding, state
sizes = defaults.dfrec().mesh
sizes.fsdp = 2
def init():
    weights = {"w": jnp.arange(512.0 * 512).reshape(512, 512)}
    return state.TrainState(jnp.zeros((), jnp.int32), weights, {}, {}, None, jax.random.key(3))
made, _ = state.create(init, sharding.make_mesh(sizes))
(shard,) = made.params["w"].addressable_shards
print("RESULT", shard.data.size, int(jax.jit(lambda w: (w[0, 1] + w[-1, -1]))(made.params["w"])))
"""


def test_two_hosts_hold_a_half_each():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    environment = dict(os.environ)
    environment.pop("XLA_FLAGS", None)  # of the suite: eight devices a process
    hosts = [
        subprocess.Popen(
            [sys.executable, "-c", HOST, port, number],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        for number in "01"
    ]
    for host in hosts:
        said, _ = host.communicate(timeout=120)
        assert f"RESULT {512 * 512 // 2} {512 * 512}" in said, said
