"""What stands below a figure."""

from dfrec_jax.paper import captions


def test_checkpoints_of_one_sweep_are_named_in_short():
    assert captions.checkpoints({"runs/a": 7}) == "Checkpoints: runs/a at step 7."
    assert captions.checkpoints({"runs/a": 7, "runs/b": 7}) == "Checkpoints of step 7 in runs: a, b."
    for steps in ({"runs/a": 7, "runs/b": 8}, {"runs/a": 7, "other/b": 7}):
        named = ", ".join(f"{run} at step {step}" for run, step in steps.items())
        assert captions.checkpoints(steps) == f"Checkpoints: {named}."
