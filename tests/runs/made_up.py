"""A tiny state as a checkpoint holds it, and ways to damage one."""

import jax
import jax.numpy as jnp


def items(value=1.0, shape=(4, 8)):
    """The two items of a checkpoint; every element of the kernel is `value`."""
    variables = {"params": {"kernel": jnp.full(shape, float(value)), "bias": jnp.zeros(3)}}
    training = {"step": jnp.array(3), "rng": jax.random.key(0), "params": None, "opt_state": (jnp.ones(2), [])}
    return {"variables": variables, "training": training}


def abstract(tree):
    """Shapes, dtypes and shardings of `tree`."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree)


def truncate(folder):
    """Cuts the data of every array short."""
    chunks = [path for path in folder.rglob("d/*") if path.is_file()]
    assert chunks
    for path in chunks:
        path.write_bytes(path.read_bytes()[:7])


def everything_under(folder):
    """Name, size and time of change of all files, and the names of all folders."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
        for path in folder.rglob("*")
    }
