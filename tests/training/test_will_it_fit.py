"""The dry run against what XLA says of the compiled step, its arithmetic by hand, and its words."""

import jax
import numpy as np
import pytest

from dfrec_jax.commands import dry_run
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.training import abstract_step, device_limits, sharding, will_it_fit
from dfrec_jax.training.step import compile_step
from tests import tiny
from tests.collectives import sent_by


def _config(batch_size, fsdp=1):
    config = tiny.config()
    config.train.batch_size, config.mesh.fsdp = batch_size, fsdp
    return config


def _compiled(config, num_devices):
    devices = np.array(jax.devices()[:num_devices]).reshape(-1, config.mesh.fsdp)
    mesh = jax.sharding.Mesh(devices, sharding.AXES)
    parts = abstract_step.of_config(config)
    step = compile_step(parts.step, sharding.state_sharding(mesh, parts.state), mesh)
    batch = abstract_step.batch_of(config, config.train.batch_size)
    return step.lower(parts.state, parts.constants, batch).compile()


@pytest.fixture(scope="module")
def small():
    """Tracing the step of all modules takes four times as long as that of these few blocks."""
    config = _config(8)
    config.name = "small"
    config.sirm.features, config.sirm.stem = (8,), 4
    config.ism.enabled, config.loss.segmentation, config.loss.classification = False, 0.0, 0.0
    return config


@pytest.fixture(scope="module")
def fit(small):
    return will_it_fit.measured(small, 1)


def test_what_lies_in_memory_by_hand(fit, small):
    count = sum(leaf.size for leaf in jax.tree.leaves(abstract_step.of_config(small).state.params))
    assert fit.memory["parameters"] == 4 * count
    assert 8 * count <= fit.memory["optimiser"] <= 8 * count + 64, "two moments, and counts of steps"
    assert fit.memory["averages"] == 0 and fit.collectives == {}
    pictures = 8 * 32 * 32 * (3 * 3 + 1)
    assert fit.memory["batch"] == pictures + 8 * (4 + 2 * 5 * 2 * 4)
    assert fit.memory["activations"] > 0 and fit.memory["temporaries"] > 0
    assert fit.total == sum(fit.memory.values()) == fit.arguments + fit.temporaries


def test_what_a_cpu_alone_holds_is_counted_apart(fit, small):
    of_cpu = will_it_fit.measured(small, 1, is_cpu=True)
    more = of_cpu.memory[will_it_fit.ON_CPU]
    assert will_it_fit.ON_CPU not in fit.memory and more > 0
    assert of_cpu.arguments == fit.arguments and of_cpu.temporaries == fit.temporaries + more


def test_parameters_that_are_split_take_less_and_send_more(small):
    parts = abstract_step.of_config(small)
    whole, sent = will_it_fit.at_rest(parts, small, 2, 8)
    # Every gradient is summed over eight devices: each sends 2 * 7/8 of them.
    assert sent["gradients, summed"] == round(2 * 7 / 8 * whole["parameters"]) and "parameters, gathered" not in sent
    split_config = small.copy_and_resolve_references()
    split_config.mesh.fsdp = 4
    split, sent_split = will_it_fit.at_rest(parts, split_config, 2, 2)
    assert whole["parameters"] / 4 < split["parameters"] < whole["parameters"]
    assert split["batch"] == whole["batch"]
    assert sent_split["parameters, gathered"] == sent_split["gradients, scattered"] > 0
    assert sent_split["gradients, summed"] < sent["gradients, summed"]


def test_what_is_refused():
    with pytest.raises(ConfigError, match="train.batch_size=8: must be a multiple of --devices=3; use 9"):
        will_it_fit.rows_of(_config(8), 3)
    config = _config(8)
    config.train.accumulate = 4
    with pytest.raises(ConfigError, match="multiple of --devices=4 times train.accumulate=4; use 16"):
        will_it_fit.rows_of(config, 4)
    config.mesh.data = 2
    with pytest.raises(ConfigError, match="mesh.data=2 and mesh.fsdp=1: their product must be --devices=8"):
        will_it_fit.rows_of(config, 8)
    for words in ("80", "GiB", "-1GiB", "0GiB", "1.2.3GiB", "80 Gib"):
        with pytest.raises(ConfigError, match="--device_memory="):
            will_it_fit.bytes_of(words)
    assert will_it_fit.bytes_of("1.5GiB") == 3 * 2**29
    with pytest.raises(ConfigError, match="--device=a100: must be one of"):
        device_limits.device_of("a100")


def test_a_step_that_does_not_fit_is_told_what_to_change(fit, small):
    assert will_it_fit.advice(small, fit, 1, fit.total) == []
    words = will_it_fit.advice(small, fit, 1, fit.arguments + fit.temporaries // 2 + 1)
    assert words[0] == "train.batch_size=4 (4 rows a device) should fit"
    assert any(word.startswith("remat=True") for word in words)
    assert any(word.startswith("compute_dtype='bfloat16'") for word in words)


def test_the_report(fit, small):
    device = device_limits.device_of("h100")
    said = "\n".join(dry_run.lines_of(small, fit, 1, 80 * 2**30, "h100", device))
    for words in (
        "small: a step of 8 examples",
        "parameters",
        "activations",
        "it fits",
        "floors",
        "of 80.00",
        "Not in it",
    ):
        assert words in said
    said = "\n".join(dry_run.lines_of(small, fit, 1, 2**20, "h100", device))
    assert "it does not fit; change" in said


def test_a_device_of_less_than_an_image_a_second_is_not_told_to_have_none(fit, small):
    slow = device_limits.Device({4: 1e6}, 1e9, 1e9, 2**30)
    floor = will_it_fit.seconds_of(fit, slow)[2]
    said = "\n".join(dry_run.lines_of(small, fit, 1, 2**30, "h100", slow))
    assert 0 < small.train.batch_size / floor < 1
    assert f"at most {small.train.batch_size / floor:.3g} images/s" in said


# XLA holds 0.95 and 0.96 of what is counted, on more devices too: benchmarks/will_it_fit.py, docs/performance.md.
@pytest.mark.slow
@pytest.mark.parametrize(("num_devices", "fsdp"), [(1, 1), (8, 1), (8, 4)])
def test_against_the_compiled_step(num_devices, fsdp):
    config = _config(8 * num_devices, fsdp)
    fit, compiled = will_it_fit.measured(config, num_devices, is_cpu=True), _compiled(config, num_devices)
    found = compiled.memory_analysis()
    print(f"arguments {fit.arguments} of {found.argument_size_in_bytes}")
    print(f"temporaries {fit.temporaries} of {found.temp_size_in_bytes}")
    assert fit.arguments == pytest.approx(found.argument_size_in_bytes, rel=0.02)
    assert fit.temporaries == pytest.approx(found.temp_size_in_bytes, rel=0.2)
    sent = sent_by(compiled)
    print(f"sent {sent}, counted {fit.collectives}")
    if fsdp == 1:
        assert set(sent) <= {"all-reduce"}, "rows stay where they are"
        # Of a sum a device sends twice (n - 1) / n of what it gets.
        summed = sum(fit.collectives.values()) * num_devices / max(2 * (num_devices - 1), 1)
        assert sum(sent.values()) == pytest.approx(summed, rel=0.1)
