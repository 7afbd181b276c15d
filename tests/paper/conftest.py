"""Rows whose pictures no network makes."""

import numpy as np
import pytest

from dfrec_jax.data import pipeline
from dfrec_jax.evaluation.recoverers import DFREC, INPAINTING
from dfrec_jax.paper import sources
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.recovered_pictures import Kept
from tests import tiny


@pytest.fixture
def made_up(monkeypatch):
    """A network that dims, and no real one."""
    loaded = []

    real_source = sources.source_of

    def source(wanted, measured, perturbation, request):
        if isinstance(wanted.run, Given):
            return real_source(wanted, measured, perturbation, request)
        loaded.append((wanted.method, measured.data, perturbation))
        if wanted.run is None:
            return sources.Source(lambda number, batch: Kept(target=batch["image"]))
        share = {DFREC: 1.0, INPAINTING: 0.0}[wanted.method]
        mix = lambda batch: share * batch["target"] + (1 - share) * batch["image"]  # noqa: E731
        return sources.Source(lambda number, batch: Kept(target=mix(batch).astype(np.uint8)), 7, "kept")

    monkeypatch.setattr(sources, "source_of", source)
    eval_batches = pipeline.eval_batches

    def batches(config, split, *, max_examples, **hosts):
        """Two of random pictures; they are not drawn, which takes long to compile."""
        if config.data.dataset != pipeline.EMBEDDED:
            yield from eval_batches(config, split, max_examples=max_examples)
        for first in (0, 8):
            rows = first + np.arange(8)
            yield {**tiny.batch(8, seed=first), "number": rows, "target_id": rows % 6, "is_valid": rows < max_examples}

    monkeypatch.setattr(pipeline, "eval_batches", batches)
    return loaded
