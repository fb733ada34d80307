"""The light engine of a translator: ONNX Runtime, without torch."""

from __future__ import annotations

from s2s.runtime.loading import load_network
from s2s.storage.light_form import LightModel
from translation.assets import Assets
from translation.engine import TranslationEngine

BATCH_TOKENS = 2048  # with four times as many it takes 110 MB more, and is slower: a batch leaves the caches


def light_engine(form: LightModel, threads: int) -> TranslationEngine:
    """The engine of a model's light form, on so many processor cores.

    Raises:
        UserError: the model cannot be built from its files.
    """
    with form.record.building():
        assets = Assets.read(form.record)
        network = load_network(form, threads)
        return TranslationEngine(**vars(assets), network=network, precision=form.precision, batch_tokens=BATCH_TOKENS)
