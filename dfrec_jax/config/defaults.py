"""Every default of the project, and the two modes. What a config must satisfy stands in `rules.py`."""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from dfrec_jax.config.errors import require

TASKS = ("dfrec", "attributes", "recce", "delocate", "dfi", "repaint", "autoencoder", "trace")
MODES = ("paper", "released")
FUSIONS = ("position", "grid", "rank", "none")
PIXELS = ("linear", "unet")
OPTIMIZERS = ("adamw", "muon")
REDUCTIONS = ("root_mean_square", "norm")
VERDICTS = ("map", "product", "gate")
SCHEDULES = ("constant", "cosine")
SCENES = ("usual", "outdoors")
DTYPES = ("float32", "bfloat16")

# ViT size: width, depth, heads (Dosovitskiy et al. 2021, table 1; Ti and S from DeiT).
VIT_SIZES = {"ti": (192, 12, 3), "s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}

# What `mode` sets wherever a config leaves the field at None: where the paper and the released code differ.
MODE_DEFAULTS = {
    "paper": {
        "ism.classifier": True,
        "loss.classification": 1.0,
        "loss.segmentation": 1.0,
        "tirm.fusion": "position",
        "tirm.decoder_depth": 4,
        "tirm.full_map_threshold": 0.9,
        "tirm.patch_threshold": 0.5,
        "tirm.noise_scale": 0.1,
    },
    "released": {
        "ism.classifier": False,
        "loss.classification": 0.0,
        "loss.segmentation": 0.0,
        "tirm.fusion": "rank",
        "tirm.decoder_depth": 1,
        "tirm.full_map_threshold": 250 / 256,
        "tirm.patch_threshold": 50 / 256,
        "tirm.noise_scale": 1 / 256,
    },
}


def dfrec(mode: str = "paper") -> ConfigDict:
    """The default config: the paper's DFREC at its full size. Files under `configs/` change what they must."""
    config = ConfigDict()
    config.name = "dfrec"
    config.seed = 0
    config.mode = mode
    config.image_size = 224
    # Of activations, those of the losses' networks too; parameters, softmax, norms and losses stay float32.
    config.compute_dtype = "float32"
    config.remat = False  # recompute the encoder blocks of the ViT in the backward pass

    config.ism = ConfigDict()
    config.ism.enabled = True  # False: Table VI without ISM, the face that landmarks give in place of the map
    config.ism.classifier = placeholder(bool)
    config.ism.verdict = "map"  # who says that it is a swap; or 'product', 'gate': the head. docs/departures.md
    config.ism.gate = 0.5  # probability of a forgery from which 'gate' uses the map
    config.ism.given_scale = 1.0  # for the target, of a swap's map where a caller, not the head, says that it is one
    config.ism.known_map = 0.0  # share of training examples whose known mask the SIRM and TIRM take for m_s
    config.ism.width = 1.0  # multiplies EfficientNet-B0's channels; 1 is the released size
    config.ism.depth = 1.0  # multiplies the blocks of each of its stages
    config.ism.decoder_features = 256
    config.ism.rates = (12, 24, 36)  # dilations of the pyramid, on a grid of image_size / 16
    config.ism.initialisation = ""  # a name in the weights registry: efficientnet-b0
    config.ism.imagenet_norm = False  # normalise the input by ImageNet's mean and std

    config.sirm = ConfigDict()
    config.sirm.features = (32, 64, 128, 256)  # one for each level above the bottleneck
    config.sirm.bottleneck = 1024  # split into f_s and f_t
    config.sirm.stem = 1  # side of the squares of pixels that are one place of the first level; docs/departures.md
    config.sirm.residual = False  # the source face starts as a copy of the image; docs/departures.md
    config.sirm.feature_dropout = 0.0  # share of training forgeries recovered from their surroundings alone

    config.tirm = ConfigDict()
    config.tirm.vit = "l"
    config.tirm.width, config.tirm.depth, config.tirm.heads = placeholder(int), placeholder(int), placeholder(int)
    config.tirm.patch_size = 16
    config.tirm.mask_ratio = 0.5  # lambda of Algorithm 1
    config.tirm.full_map_threshold = placeholder(float)
    config.tirm.patch_threshold = placeholder(float)
    config.tirm.noise_scale = placeholder(float)
    config.tirm.fusion = placeholder(str)
    config.tirm.token_width = 196  # of a target token, where it is bound by position
    config.tirm.pixels = "linear"  # or 'unet': tokens become pixels along the SIRM's levels; docs/departures.md
    config.tirm.identity_width = 0  # of an embedding that says who the target may be; 0: none. docs/departures.md
    config.tirm.identity_dropout = 0.3  # share of training examples that get none
    config.tirm.identity_cosine = (0.2, 0.5)  # of what they get to the target's own embedding: as noisy as residuals
    config.tirm.decoder_depth = placeholder(int)
    config.tirm.decoder_width = 512
    config.tirm.decoder_heads = 16
    config.tirm.initialisation = ""  # a name in the weights registry: mae-vit-l-16
    config.tirm.imagenet_norm = False

    config.loss = ConfigDict()
    config.loss.source_features = 1.0  # of the source's distances in Eq. 4 and 7; 0: not run. docs/departures.md
    # Shares of a batch's rows, drawn anew in each step, whose recovered faces the frozen networks look at.
    config.loss.target_rows = 1.0
    config.loss.source_rows = 1.0
    config.loss.target_identity = 2.0  # alpha, Eq. 4
    config.loss.target_perceptual = 2.0  # beta, Eq. 7
    config.loss.perceptual = 0.5  # lambda_1, Eq. 10
    config.loss.attribute = 0.5  # lambda_2
    config.loss.patch = 0.5  # lambda_3
    config.loss.classification = placeholder(float)
    config.loss.segmentation = placeholder(float)
    config.loss.source_pixels = 0.0  # of the recovered source inside the mask, where its reference has its pose
    config.loss.pristine_map = False  # pristine faces teach an empty map, not their own recovery; docs/departures.md
    config.loss.reduction = "root_mean_square"  # of the norms in Eq. 2, 3, 5, 6, 9; 'norm' is the literal equation

    config.frozen = ConfigDict()
    config.frozen.identity = "facenet-vggface2"  # E_id of Eq. 2, 3
    config.frozen.perceptual = "vgg19-imagenet"  # psi of Eq. 5, 6
    config.frozen.attributes = "attributes-resnet50"  # A of Eq. 8
    config.frozen.metric = "facenet-vggface2"  # IDSIM and Acc_id; never the loss's where a second one is at hand
    # Of tables of the paper; empty: for drawn faces embedded-b, otherwise what the paper names.
    config.frozen.frechet = ""  # features of the Frechet distance; inception-fid makes it FID
    config.frozen.attribute_metric = ""  # of Attr
    config.frozen.pose = ""  # of Pose; 3ddfa-v2 is the light one
    config.frozen.distance = ""  # lpips-like-squeezenet: evaluation also measures that distance
    config.frozen.detector = ""  # retinaface-mobile025: evaluation aligns by it, and looks for what was recovered
    config.frozen.weights_dir = ""  # searched first; then $DFREC_WEIGHTS, the cache, the registry's URL
    config.frozen.allow_random = False  # random stand-ins for missing weights: for timing and compiling only

    config.data = ConfigDict()
    config.data.dataset = "embedded"  # 'embedded', or the name of a prepared data set under data.dir
    # The folder that `dfrec prepare` wrote; several, read as one, with commas between. One that holds another data set
    # than `dataset` says which: triplets:DIR.
    config.data.dir = ""
    config.data.crop = placeholder(str)  # the frame of the run's faces, as `dfrec prepare --crop` had it; unset: that
    config.data.margin = placeholder(float)  # of the data that it is trained on, which config.json then says
    config.data.attack = ""  # a subset of the data set; empty: all
    config.data.leak = (0.1, 0.4)  # share of the target that an embedded or generated swap lets through
    config.data.scene = "usual"  # of embedded faces: light and surroundings; 'outdoors' is the second data set
    config.data.real_share = 0.2  # of a batch: pristine faces, whose source and target are themselves
    config.data.original_share = 0.0  # of a batch: the originals of recorded forgeries, as pristine faces
    # Of a batch: forgeries as recorded, each person alike often; the rest is warped swaps. Unset: the rest is recorded
    # forgeries in the order of a shuffle, and warped swaps where the data have none.
    config.data.recorded_share = placeholder(float)
    config.data.bi_share = 0.2  # of a batch: Face X-ray forgeries, made on the fly
    config.data.neural_share = 0.0  # of a batch: harmonised warped swaps, drawn by the autoencoder of faces
    config.data.neural_network = ""  # the run of configs/autoencoder.py that holds it
    config.data.photograph_share = 0.0  # of a batch: photographs with the face hidden; docs/departures.md
    config.data.changed_masks = False  # where swap and original are one frame: the mask is where they differ
    config.data.flip = 0.5  # probability of mirroring an example
    config.data.jitter = 0.1  # of prepared data: brightness, contrast, saturation times 1 +- jitter, alike in a pair
    # Of the pictures behind forgeries made on the fly, and of pristine faces beside them: probability of the recipe's
    # loss of resolution, so that no resampling tells the two apart.
    config.data.reduced = 0.5
    config.data.perturbed = 0.5  # of prepared data: probability of Face X-ray's loss of resolution and JPEG
    config.data.blurred = 0.0  # of the perturbed: probability of a blur of up to 1/63 of the side
    config.data.noisy = 0.0  # of the perturbed: probability of noise of up to 10 levels
    config.data.tightened = 0.0  # of prepared data: probability that pictures end within their crop, at any border
    config.data.num_threads = 0  # that read and decode; 0: as many as processors that the process may use
    config.data.prefetch = 128  # examples
    config.data.eval_batch_size = 32
    config.data.validation_examples = 256
    config.data.test_examples = 0  # 0: the whole test split

    config.optimizer = ConfigDict()
    config.optimizer.name = "adamw"  # or 'muon', which needs fewer steps; docs/departures.md
    config.optimizer.learning_rate = 1e-4
    config.optimizer.weight_decay = 1e-5
    config.optimizer.schedule = "constant"
    config.optimizer.warmup_steps = 0
    config.optimizer.beta2 = 0.999
    config.optimizer.clip_norm = 0.0  # 0: no clipping
    config.optimizer.ema = 0.0  # decay of the averages, of parameters and statistics, that evaluation uses; 0: none

    config.train = ConfigDict()
    config.train.num_steps = 100_000
    config.train.batch_size = 32  # over all hosts
    config.train.accumulate = 1  # parts of it that go through the network one after another, to save memory
    config.train.log_every = 50
    config.train.validate_every = 1000
    config.train.profile_steps = 0  # of which a profile is taken, from the tenth of each process on; 0: none
    config.train.patience = 0  # validations without a rise of their score after which training ends; 0: never
    config.train.samples_every = 1000
    config.train.skip_nonfinite = 0  # steps in a row with a loss or gradients that are not finite to leave out; 0: stop
    config.train.ism_alone = False  # only the ISM learns, by its own losses; for a tenth of the time a step
    config.train.initialise = ""  # the network to start from: a workdir, a file of `dfrec weights export`, drawn
    config.train.initialise_fresh = ""  # its parts that begin anew all the same: ism/classification_head; with commas

    config.checkpoint = ConfigDict()
    config.checkpoint.every = 1000
    config.checkpoint.keep = 3

    config.mesh = ConfigDict()
    config.mesh.data = -1  # devices along the batch; -1: all that fsdp leaves
    config.mesh.fsdp = 1  # devices along which large parameters are split
    return config


def resolve(config: ConfigDict) -> ConfigDict:
    """Fills each field that was left at None with the value of `config.mode` or of `tirm.vit`; returns a copy.

    Raises:
      ConfigError: for an unknown mode or ViT size.
    """
    config = config.copy_and_resolve_references()
    require(config.mode in MODES, "mode", config.mode, f"one of {MODES}")
    require(config.tirm.vit in VIT_SIZES, "tirm.vit", config.tirm.vit, f"one of {tuple(VIT_SIZES)}")
    vit = dict(zip(("tirm.width", "tirm.depth", "tirm.heads"), VIT_SIZES[config.tirm.vit], strict=True))
    with config.unlocked():
        for field, value in {**MODE_DEFAULTS[config.mode], **vit}.items():
            section, name = field.split(".")
            if config[section].get(name) is None:
                config[section][name] = value
    return config


def with_added_fields(config: ConfigDict, defaults: ConfigDict) -> ConfigDict:
    """The config of an earlier version, with those of `defaults` for the fields added since."""
    earlier = config.to_dict()
    for section, default in defaults.to_dict().items():
        given = earlier.get(section, default)
        config[section] = {**default, **given} if isinstance(default, dict) else given
    return config


def num_patches(config: ConfigDict) -> int:
    """n of Algorithm 1."""
    return (config.image_size // config.tirm.patch_size) ** 2


def num_kept(config: ConfigDict) -> int:
    """Visible patches: int((n + 1) * (1 - ratio)) as released, n - round(n * ratio) otherwise."""
    n = num_patches(config)
    if config.mode == "released":
        return int((n + 1) * (1 - config.tirm.mask_ratio))
    return n - round(n * config.tirm.mask_ratio)


def task_of(config: ConfigDict) -> str:
    """What a config trains, one of `TASKS`: a config that does not say so is DFREC's.

    Raises:
      ConfigError: for another task.
    """
    task = config.get("task", "dfrec")
    require(task in TASKS, "task", task, f"one of {TASKS}")
    return task
