"""The engine of an answerer in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from question_answering.engine import AnsweringEngine, Scores, SeenPictures
from question_answering.model import AnswererModel
from question_answering.writing import write_answers
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.answer_network import AnswerNetwork, AnswerScores, AskedPictures
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.image_encoder import ImageEncoder
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast, choose_device, use_threads, uses_bfloat16
from s2s.text.padding import Padded
from s2s.vision.backbones import fold_batch_norm
from s2s.vision.batches import PixelBatch
from s2s.vision.grids import Features, Pixels


class TorchEyes:
    """See `See`.

    Args:
        encoder: on its device, in evaluation mode; its CNN is copied
        precision: of matrix products
    """

    def __init__(self, encoder: ImageEncoder, precision: Precision) -> None:
        self._encoder = ImageEncoder(fold_batch_norm(encoder.backbone), encoder.grid)
        self._precision: Precision = precision

    @torch.no_grad()
    def __call__(self, pictures: PixelBatch) -> SeenPictures:
        """See `See`."""
        device = self._encoder.backbone.mean.device
        with autocast(self._precision, device):
            maps = self._encoder.features(Pixels.of(pictures).to(device))
        mask = None if maps.mask is None else maps.mask.flatten(1).numpy(force=True)
        rows, columns = maps.cells.shape[1:3]
        return SeenPictures(maps.cells.flatten(1, 2).float().numpy(force=True), mask, (rows, columns))


class TorchScorer:
    """See `Scorer`.

    Args:
        network: from `Features`, on its device, in evaluation mode
        precision: of matrix products
        model: what it reads and writes by
    """

    def __init__(self, network: AnswerNetwork, precision: Precision, model: AnswererModel) -> None:
        self._network, self._model = network, model
        self._precision: Precision = precision
        self._device = next(network.parameters()).device

    def __call__(self, pictures: SeenPictures, questions: Padded, *, blind: bool = False, written: int = 0) -> Scores:
        """See `Scorer`."""
        asked = AskedPictures(
            self._features(pictures),
            torch.arange(len(pictures.cells), device=self._device),
            questions.moved(lambda values: torch.from_numpy(values).to(self._device)),
        )
        with torch.no_grad(), autocast(self._precision, self._device):
            scores: AnswerScores = self._network(asked, blind=blind)
        decoder, answers = self._network.head.decoder, None
        if written and decoder is not None:
            network = TorchNetwork(EncoderDecoder(nn.Identity(), decoder), self._precision)
            answers = write_answers(network, scores.memory, len(pictures.cells), written, self._model.config)
        return Scores(
            scores.logits.float().log_softmax(-1).numpy(force=True),
            scores.hops.float().numpy(force=True),
            None if scores.words is None else scores.words.float().numpy(force=True),
            None if scores.blind is None else scores.blind.float().log_softmax(-1).numpy(force=True),
            answers,
        )

    def _features(self, pictures: SeenPictures) -> Features:
        rows, columns = pictures.grid
        cells = torch.from_numpy(pictures.cells).unflatten(1, (rows, columns))
        mask = None if pictures.mask is None else torch.from_numpy(np.ascontiguousarray(pictures.mask))
        return Features(cells, None if mask is None else mask.unflatten(1, (rows, columns))).to(self._device)


def torch_engine(
    directory: Path, device: str = "auto", precision: Precision = "auto", threads: int | None = None
) -> AnsweringEngine:
    """Load a model for PyTorch; `threads` are those of the whole process.

    Raises:
        UserError: the model is missing, damaged or of another kind; the device is not available.
    """
    use_threads(threads)
    chosen, model = choose_device(device), AnswererModel.load(directory)
    model.network.to(chosen)
    return AnsweringEngine(
        **vars(model.assets),
        see=TorchEyes(model.encoder, precision),
        score=TorchScorer(model.without_cnn(), precision, model),
        precision="bfloat16" if uses_bfloat16(precision, chosen) else "float32",
    )
