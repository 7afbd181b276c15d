"""Hooks of the loop: ours by hand, and against clu's where TensorFlow is installed."""

import jax
import pytest

from dfrec_jax.training import hooks, run
from tests import tiny


class Noted(hooks.PeriodicAction):
    def __init__(self, **when):
        super().__init__(**when)
        self.steps = []

    def _apply(self, step, t):
        self.steps.append(step)


def _calls(action, steps=range(1, 13), seconds=1.0):
    return [step for step in steps if action(step, step * seconds)]


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ({"every_steps": 4}, [4, 8, 12]),
        ({"on_steps": [2, 5]}, [2, 5]),
        ({"every_secs": 2.5}, [4, 7, 10]),
        ({"every_steps": 5, "every_secs": 3.5}, [5, 9, 10]),
        ({}, []),
    ],
)
def test_it_acts_when_it_is_time(when, wanted):
    action = Noted(**when)
    assert _calls(action) == wanted == action.steps


def test_a_step_left_out_is_refused_where_steps_count():
    action = Noted(every_steps=2)
    action(3)
    with pytest.raises(ValueError, match="step 5 after step 3"):
        action(5)
    other = Noted(every_secs=1.0)
    assert not other(3, 0.0) and other(7, 2.0)


@pytest.fixture
def profiled(monkeypatch):
    """What the profiler is told, and by which step."""
    said, now = [], [0]
    monkeypatch.setattr(jax.profiler, "start_trace", lambda folder: said.append((now[0], "start")))
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: said.append((now[0], "stop")))

    def call(action, steps, seconds=1.0):
        for now[0] in steps:
            action(now[0], now[0] * seconds)
        return said

    return call


OPTIONS = [
    {"num_profile_steps": 3, "profile_duration_ms": None, "first_profile": 4, "every_secs": None},
    {"num_profile_steps": 2, "profile_duration_ms": None, "first_profile": 3, "every_steps": 6, "every_secs": None},
    {"num_profile_steps": None, "profile_duration_ms": 2_000, "first_profile": 5, "every_secs": None},
]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (OPTIONS[0], [(4, "start"), (7, "stop")]),
        (OPTIONS[1], [(3, "start"), (5, "stop"), (6, "start"), (8, "stop"), (12, "start")]),
        (OPTIONS[2], [(5, "start"), (7, "stop")]),
    ],
)
def test_a_profile_is_of_as_many_steps_as_were_asked_for(profiled, options, wanted):
    assert profiled(hooks.Profile(logdir="nowhere", **options), range(1, 13)) == wanted


def test_a_profile_of_no_length_is_refused():
    with pytest.raises(ValueError, match="num_profile_steps or profile_duration_ms"):
        hooks.Profile(logdir="nowhere", num_profile_steps=0, profile_duration_ms=0)


@pytest.mark.parametrize("when", [{"every_steps": 4}, {"on_steps": [2, 5]}, {"every_secs": 2.5}])
def test_clus_own_act_at_the_same_steps(when):
    actions = pytest.importorskip("clu.periodic_actions", reason="clu's need TensorFlow", exc_type=ImportError)
    theirs = actions.PeriodicCallback(callback_fn=lambda step, t: None, **when)
    assert _calls(theirs) == _calls(Noted(**when))


def test_a_run_that_ends_within_its_profile_ends_the_profile(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(jax.profiler, "start_trace", lambda folder: said.append(f"start {folder}"))
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: said.append("stop"))
    config = tiny.config()
    config.train.profile_steps = 100
    with hooks.opened(config, tmp_path, 20) as called:
        for step in range(21, 35):
            assert [hook(step) for hook in called] == [step == 29]
    assert said == [f"start {tmp_path / 'profile'}", "stop"]


def test_without_a_profile_there_are_no_hooks(tmp_path):
    with hooks.opened(tiny.config(), tmp_path, 0) as called:
        assert called == ()


@pytest.mark.slow  # a run
def test_a_run_leaves_a_profile_of_the_steps_asked_for(tmp_path):
    config = tiny.config()
    for role in ("identity", "perceptual", "attributes", "metric"):
        config.frozen[role] = "embedded-a"
    config.train.num_steps, config.train.profile_steps = hooks.FIRST_STEP + 3, 2
    config.data.num_threads, config.data.prefetch = 1, 8
    assert run.train(config, tmp_path)
    assert len(list((tmp_path / "profile").rglob("*.xplane.pb"))) == 1
