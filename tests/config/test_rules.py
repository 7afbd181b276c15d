"""The refusal of what cannot be run."""

import math

import pytest

from dfrec_jax.config import defaults, rules
from dfrec_jax.config.errors import ConfigError
from tests import tiny


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("mode", "official", "mode='official': must be one of"),
        ("tirm.vit", "xl", "tirm.vit='xl'"),
        ("tirm.mask_ratio", 1.0, "tirm.mask_ratio=1.0: must be between 0 and 1"),
        ("tirm.fusion", "token_map", "tirm.fusion='token_map'"),
        ("tirm.patch_size", 15, "use image_size=210"),
        ("image_size", 200, "image_size=200 with tirm.patch_size=16"),
        ("tirm.patch_size", 8, "use tirm.patch_size=16 or another number of levels"),
        ("sirm.stem", 0, "sirm.stem=0: must be from 1 to 4096 pixels"),
        ("sirm.stem", 2, "sirm.stem=2: target tokens .* use tirm.patch_size=32"),
        ("sirm.stem", 3, "image_size=224: must be a multiple of 48.* a stem of 3"),
        ("tirm.mask_ratio", 0.001, "keeps 196 of 196 patches"),
        ("tirm.pixels", "convs", "tirm.pixels='convs': must be one of"),
        ("optimizer.name", "sgd", "optimizer.name='sgd': must be one of"),
        ("ism.depth", 1.5, "ism.depth=1.5: must be above 0 and at most 1"),
        ("tirm.decoder_heads", 7, "tirm.decoder_width=512"),
        ("sirm.bottleneck", 1023, "must be even"),
        ("loss.patch", -1.0, "loss.patch=-1.0: must be 0 or more"),
        ("loss.reduction", "mean", "loss.reduction='mean'"),
        ("loss.segmentation", -0.5, "loss.segmentation=-0.5: must be 0 or more"),
        ("data.real_share", 1.5, "data.real_share=1.5"),
        ("data.leak", (0.5, 0.1), r"data.leak=\(0.5, 0.1\)"),
        ("data.bi_share", 0.5, "embedded swaps have known masks"),
        ("data.dataset", "celeba_megafs", "--config.data.dir=DIR"),
        ("optimizer.warmup_steps", 10**6, "must be below train.num_steps"),
        ("ism.classifier", False, "there is no logit"),
        ("ism.enabled", False, "nothing to supervise"),
        ("mesh.fsdp", 0, "mesh.fsdp=0"),
        ("seed", -1, "seed=-1"),
        ("ism.verdict", "head", "ism.verdict='head': must be one of"),
        ("ism.verdict", "gate", "ism.verdict='gate' with loss.pristine_map=False"),
        ("ism.gate", 2.0, "ism.gate=2.0"),
        ("ism.given_scale", 0.0, "ism.given_scale=0.0: must be above 0, 1 at most"),
        ("sirm.feature_dropout", -0.1, "sirm.feature_dropout=-0.1: must be between 0 and 1"),
        ("tirm.identity_width", -1, "tirm.identity_width=-1: must be 0 .none. or the width"),
        ("tirm.identity_cosine", (0.5, 0.2), r"tirm.identity_cosine=\(0.5, 0.2\)"),
        ("data.photograph_share", 0.5, "drawn faces are no photographs"),
        ("image_size", 10**9, "image_size=1000000000: must be from 1 to 4096 pixels"),
        ("tirm.heads", 0, "tirm.heads=0: must be from 1 to 65536"),
        ("tirm.decoder_heads", 0, "tirm.decoder_heads=0: must be from 1 to 65536"),
        ("tirm.width", 0, "tirm.width=0: must be from 1 to 65536"),
        ("tirm.depth", -1, "tirm.depth=-1: must be from 1 to 1000"),
        ("sirm.bottleneck", -2, "sirm.bottleneck=-2: must be from 1 to 65536"),
        (
            "sirm.features",
            (32, 0, 32, 32),
            r"sirm.features=\(32, 0, 32, 32\): must be 1 to 64 of them, each from 2 to 65536",
        ),
        ("sirm.features", (1, 8), "each from 2 to 65536"),  # an attention gate would have none
        ("tirm.decoder_depth", 10**9, "tirm.decoder_depth=1000000000: must be from 1 to 1000"),
        ("sirm.features", (), "must be 1 to 64 of them"),
        ("optimizer.learning_rate", math.inf, "optimizer.learning_rate=inf: must be a finite number"),
        ("data.leak", ("a", "b"), "each is a finite number"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field, value, words):
    config = tiny.full_size()
    config.update_from_flattened_dict({field: value})
    with pytest.raises(ConfigError, match=words):
        rules.validate(defaults.resolve(config))


@pytest.mark.parametrize(
    ("field", "value"), [("tirm.mask_ratio", 0.75), ("image_size", 256), ("tirm.fusion", "position")]
)
def test_released_mode_is_fixed_to_the_published_network(field, value):
    config = tiny.full_size("released")
    config.update_from_flattened_dict({field: value})
    with pytest.raises(ConfigError, match="mode='released'"):
        rules.validate(defaults.resolve(config))


def test_real_and_bi_shares_cannot_exceed_the_batch():
    config = tiny.full_size()
    config.data.real_share, config.data.bi_share = 0.7, 0.6
    with pytest.raises(ConfigError, match="their sum must be at most 1"):
        rules.validate(defaults.resolve(config))


@pytest.mark.parametrize("field", ["known_map", "given_scale"])
def test_a_network_without_ism_has_no_place_for_known_maps_or_a_part_of_one(field):
    config = tiny.full_size()
    config.ism.enabled, config.ism[field] = False, 0.5
    config.loss.classification = config.loss.segmentation = 0.0
    with pytest.raises(ConfigError, match=f"ism.{field}=0.5 with ism.enabled=False"):
        rules.validate(defaults.resolve(config))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loss.pristine_map": True, "loss.classification": 0.0}, "'product' with loss.classification=0: nothing"),
        ({"loss.pristine_map": True, "ism.classifier": False, "loss.classification": 0.0}, "ism.classifier=False"),
    ],
)
def test_a_head_that_gives_the_verdict_must_be_there_and_be_taught(fields, words):
    config = tiny.full_size()
    config.update_from_flattened_dict({"ism.verdict": "product", **fields})
    with pytest.raises(ConfigError, match=words):
        rules.validate(defaults.resolve(config))


def test_without_ism_no_region_is_hidden():
    config = tiny.full_size()
    config.update_from_flattened_dict({
        "ism.enabled": False, "sirm.feature_dropout": 0.5, "loss.classification": 0.0, "loss.segmentation": 0.0,
    })  # fmt: skip
    with pytest.raises(ConfigError, match=r"sirm.feature_dropout=0.5 and .* with ism.enabled=False"):
        rules.validate(defaults.resolve(config))


def test_the_tiny_config_of_the_tests_is_valid():
    rules.validate(tiny.config())


def test_crop_and_margin_are_one_frame():
    config = tiny.config()
    config.data.crop = "align"
    with pytest.raises(ConfigError, match="data.crop='align' with data.margin=None: they are one frame"):
        rules.validate(config)
    config.data.margin = 0.6
    rules.validate(config)


def test_a_network_leaves_no_part_to_start_from_another_file():
    config = tiny.config()
    config.train.initialise, config.ism.initialisation = "runs/before", "efficientnet-b0"
    with pytest.raises(ConfigError, match="train.initialise='runs/before' with ism.initialisation='efficientnet-b0'"):
        rules.validate(config)
    config.train.initialise, config.train.initialise_fresh = "", "ism"
    with pytest.raises(ConfigError, match="train.initialise_fresh='ism' with train.initialise=''"):
        rules.validate(config)


@pytest.mark.parametrize("field", ["tirm.decoder_depth", "loss.classification", "loss.segmentation", "ism.classifier"])
def test_a_field_that_a_stored_config_has_lost_is_refused_by_name(field):
    config = defaults.resolve(tiny.full_size())
    section, name = field.split(".")
    config[section][name] = None  # as `with_added_fields` leaves it
    with pytest.raises(ConfigError, match=f"{field}=None: must be "):
        rules.validate(config)


def test_more_patches_than_any_machine_could_hold_are_refused():
    config = tiny.full_size()
    config.image_size, config.tirm.patch_size = 4096, 8
    with pytest.raises(ConfigError, match="image_size=4096 with tirm.patch_size=8: 262144 patches"):
        rules.validate(defaults.resolve(config))
