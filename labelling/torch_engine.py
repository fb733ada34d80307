"""The engine of a model in PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch

from labelling.engine import LabellingEngine, SentenceScores
from labelling.model import LabellingModel
from s2s.models.heads import LabelNetwork, LabelScores, TaggerNetwork
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast, choose_device, use_threads, uses_bfloat16
from s2s.text.padding import Padded


class TorchScorer:
    """See `Scorer`.

    Args:
        network: on its device, in evaluation mode
        precision: of matrix products
    """

    def __init__(self, network: LabelNetwork, precision: Precision) -> None:
        self._network = network
        self._precision: Precision = precision
        self._device = next(network.parameters()).device

    def __call__(self, batch: Padded) -> list[SentenceScores]:
        """See `Scorer`."""
        source = batch.moved(lambda values: torch.from_numpy(values).to(self._device))
        with torch.no_grad(), autocast(self._precision, self._device):
            scores: LabelScores = self._network(source)
        found = scores.logits.float().log_softmax(-1).cpu().numpy()
        lengths = batch.lengths.tolist()
        if isinstance(self._network, TaggerNetwork):
            ends = batch.lengths.cumsum().tolist()
            return [SentenceScores(found[end - length : end]) for length, end in zip(lengths, ends)]
        if scores.attention is None:
            return [SentenceScores(row) for row in found]
        attention = scores.attention.float().cpu().numpy()
        return [SentenceScores(row, weights[:length]) for row, weights, length in zip(found, attention, lengths)]


def torch_engine(
    directory: Path, kind: str, device: str = "auto", precision: Precision = "auto", threads: int | None = None
) -> LabellingEngine:
    """Load a model for PyTorch; `threads` are those of the whole process.

    Raises:
        UserError: the model is missing, damaged or of another kind; the device is not available.
    """
    use_threads(threads)
    chosen, model = choose_device(device), LabellingModel.load(directory, kind)
    model.network.to(chosen)
    name = "bfloat16" if uses_bfloat16(precision, chosen) else "float32"
    return LabellingEngine(model.assets, TorchScorer(model.network, precision), name)
