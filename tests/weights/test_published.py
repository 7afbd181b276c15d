import hashlib
import json
import math

from dfrec_jax.weights.published import Sizes, published_shapes


def test_the_layout_is_that_of_the_published_file():
    """Counts of FIDELITY's section 2; the digest is of the listing {entry: {name: shape}} of the authors' file."""
    layout = published_shapes(Sizes())
    assert [len(shapes) for shapes in layout.values()] == [419, 286, 316]
    weights = [
        sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(BUFFERS))
        for shapes in layout.values()
    ]
    assert weights == [4_907_469, 17_569_839, 308_600_552]
    listing = json.dumps(layout, separators=(",", ":"))
    assert hashlib.sha256(listing.encode()).hexdigest() == DIGEST


BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
DIGEST = "810ded23cfc0017d9de7f6df37f8c2df7b2fb539312f981f9648474e1b499f7b"


def test_other_sizes_change_what_they_should():
    small = published_shapes(Sizes(vit_width=192, vit_depth=2, has_classifier=True))
    assert small["recover2_state_dict"]["decoder.decoder_embed.weight"] == (512, 192 + 196)
    assert "backbone.encoder.layers.encoder_layer_2.ln_1.weight" not in small["recover2_state_dict"]
    assert small["state_dict"]["classification_head.3.weight"] == (1, 320)
