"""A captioning model put to work: picture files in, captions out, one for one and in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch

from captioning.model import CaptioningModel
from captioning.text import detokenise_caption
from s2s.decoding.generation import generate, with_end
from s2s.decoding.results import Caption, Captioned
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.models.image_encoder import ImageEncoder
from s2s.models.quantisation import decoding_precision, quantise_for_decoding
from s2s.nn.precision import DecodingPrecision, Precision, autocast, choose_device
from s2s.text.tokens import PAD, START, UNK
from s2s.vision.backbones import fold_batch_norm
from s2s.vision.images import ImageError, Picture, read_image
from s2s.vision.inputs import stack_pictures

BATCH = 32  # pictures


class Captioner:
    """Caption pictures with a model.

    Args:
        model: on its device, in evaluation mode
        options: of the beam; a width of 1 searches greedily
        precision: of matrix autocast
        batch: pictures that are worked on together, which bounds the memory
    """

    def __init__(
        self,
        model: CaptioningModel,
        options: SearchOptions | None = None,
        *,
        precision: Precision = "auto",
        batch: int = BATCH,
    ) -> None:
        self.model, self.options = model, options or SearchOptions()
        self.precision: Precision = precision
        self.batch = batch
        self.device = next(model.network.parameters()).device
        self._encoder = ImageEncoder(fold_batch_norm(model.encoder.backbone), model.encoder.grid)
        self._network = model.without_cnn()

    @classmethod
    def load(
        cls,
        directory: Path | str,
        options: SearchOptions | None = None,
        *,
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        batch: int = BATCH,
    ) -> Captioner:
        """The captioner of a model directory, quantised to decode where `precision` says so.

        Raises:
            UserError: as `CaptioningModel.load`, `choose_device` and `quantise_for_decoding` do.
        """
        chosen = choose_device(device)
        model = CaptioningModel.load(directory)
        model.network.to(chosen)
        return cls(
            model, options, precision=quantise_for_decoding(model.network.decoder, precision, chosen), batch=batch
        )

    @property
    def searches_in(self) -> str:
        """The precision of the search's autocast, for a report."""
        return decoding_precision(self.model.network.decoder, self.precision, self.device)

    def caption(self, paths: Iterable[Path]) -> Iterator[Captioned]:
        """The captions of each file, or why there are none, in order; files are decoded while others are captioned."""
        left = iter(paths)
        with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
            ahead = deque[tuple[Path, Future[Picture | str]]]()
            while True:
                ahead.extend(
                    (path, pool.submit(self._read, path)) for path in islice(left, 2 * self.batch - len(ahead))
                )
                if not ahead:
                    return
                window = [ahead.popleft() for _ in range(min(self.batch, len(ahead)))]
                yield from self._window([path for path, _ in window], [future.result() for _, future in window])

    def describe(self, pictures: Sequence[Picture]) -> list[list[Caption]]:
        """The n best captions of each picture, best first."""
        pixels = stack_pictures(pictures, self.model.config.preprocessing).to(self.device)
        limits = torch.full((len(pictures),), self.model.config.max_caption_length + 1, device=self.device)
        with torch.no_grad(), autocast(self.precision, self.device):
            features = self._encoder.features(pixels)
        banned = (PAD, UNK, START)
        found = generate(self._network, features, limits, self.options, banned=banned, precision=self.precision)
        shape = features.cells.shape[1:3]
        return [[self._written(hypothesis, shape) for hypothesis in hypotheses] for hypotheses in found]

    def _read(self, path: Path) -> Picture | str:
        """A picture, or the reason why it is none."""
        try:
            return self.model.config.preprocessing.apply(read_image(path))
        except ImageError as error:
            return error.reason

    def _window(self, paths: Sequence[Path], read: Sequence[Picture | str]) -> Iterator[Captioned]:
        pictures = [picture for picture in read if isinstance(picture, Picture)]
        found = iter(self.describe(pictures) if pictures else [])
        for path, picture in zip(paths, read):
            if isinstance(picture, str):
                yield Captioned(path, problem=picture)
            else:
                size = self.model.config.preprocessing.size
                yield Captioned(path, next(found), extent=(picture.height / size, picture.width / size))

    def _written(self, hypothesis: Hypothesis, shape: Sequence[int]) -> Caption:
        vocabulary = self.model.vocabulary
        tokens = vocabulary.tokens(with_end(hypothesis))
        attention = None if hypothesis.attention is None else hypothesis.attention.unflatten(1, list(shape))
        return Caption(detokenise_caption(vocabulary.decode(hypothesis.tokens)), hypothesis.score, tokens, attention)
