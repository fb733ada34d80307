"""The captioner: pictures to captions, one result per picture and in order.

Pictures pass three stages in batches: decode (a file to pixels, ahead of the other stages), search, and write.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from captioning.confidence import WORDS, features
from captioning.configuration import KIND
from captioning.model import CaptioningModel
from captioning.text import detokenise_caption
from s2s.decoding.confidence import Features
from s2s.decoding.generation import generate, with_end
from s2s.decoding.loops import LoopGuard, word_table
from s2s.decoding.results import Caption, Sentence
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import UserError, check
from s2s.models.image_encoder import ImageEncoder
from s2s.models.memory import masked_mean
from s2s.models.quantisation import decoding_precision, quantise_for_decoding
from s2s.nn.configuration import DecodingPrecision, Precision
from s2s.nn.precision import autocast, choose_device
from s2s.storage.bundled import find_model
from s2s.text.tokens import PAD, START, UNK
from s2s.vision.backbones import fold_batch_norm
from s2s.vision.batches import stack_pictures
from s2s.vision.grids import Features as FeatureMaps
from s2s.vision.grids import Pixels
from s2s.vision.images import ImageError, Picture, convert_image, decode_image, read_image

MODELS = Path(__file__).resolve().parent / "models"  # the bundled ones
DEFAULT_MODEL = "flickr8k"
BATCH = 32  # pictures

PictureSource: TypeAlias = (  # a file's path, the content of a file, or a picture in memory
    Path | str | bytes | Image.Image | NDArray[np.uint8]
)


class Captioner:
    """Captions pictures with a model.

        captioner = Captioner.load()
        for caption in captioner.caption(["dog.jpg", PIL.Image.open("cat.png"), array]):
            print(caption.name, caption.text or caption.problem)

    Args:
        model: on its device, in evaluation mode
        options: of the search; a width of 1 searches greedily
        precision: of matrix products
        batch: pictures that are captioned together, which bounds the memory
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
        self._network = TorchNetwork(model.without_cnn(), precision)
        self._words = word_table(model.vocabulary)

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        options: SearchOptions | None = None,
        *,
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        batch: int = BATCH,
    ) -> Captioner:
        """Load a captioner, quantised if `precision` says so.

        Args:
            model: a model directory or the name of a bundled model; None for the bundled model `flickr8k`
            options: of the search; None for those of the `caption` command
            device: "auto", "cpu" or "cuda"
            precision: of the search
            batch: see `Captioner`

        Raises:
            UserError: the model is missing or damaged; the device or the precision is not available.
        """
        chosen = choose_device(device)
        name = MODELS / DEFAULT_MODEL if model is None else model
        loaded = CaptioningModel.load(find_model(name, KIND, MODELS))
        loaded.network.to(chosen)
        products = quantise_for_decoding(loaded.network.decoder, precision, chosen)
        return cls(loaded, options or SearchOptions(minimum_length=1), precision=products, batch=batch)

    @property
    def searches_in(self) -> str:
        """The precision of the search's matrix products, for a report."""
        return decoding_precision(self.model.network.decoder, self.precision, self.device)

    def caption(self, pictures: Iterable[PictureSource]) -> list[Caption]:
        """Caption each picture. The result for a picture that cannot be read has a `problem` and no captions.

        Args:
            pictures: paths of files; contents of files; PIL images of any mode; arrays of uint8, (height, width) or
                (height, width, 3 or 4). All are converted alike, but only the file of a large JPEG is decoded at a
                reduced size.

        Raises:
            UserError: `pictures` is a single picture, or one of them is neither a path nor bytes nor an image nor
                such an array.
        """
        single = isinstance(pictures, str | bytes | Image.Image | np.ndarray) or not isinstance(pictures, Iterable)
        kind = type(pictures).__name__
        check(not single, f"caption takes a list of pictures, not {kind}: put the picture into a list, such as [path]")
        listed = list(pictures)
        for number, picture in enumerate(listed, start=1):
            _name(picture, number)  # told before the first one is captioned
        return list(self.caption_stream(listed))

    def caption_stream(self, pictures: Iterable[PictureSource]) -> Iterator[Caption]:
        """Yield what `caption` returns, in bounded memory: no picture is taken more than two batches ahead."""
        numbered = enumerate(pictures, start=1)
        with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
            ahead = deque[tuple[str, Future[Picture | str]]]()
            while True:
                for number, picture in islice(numbered, 2 * self.batch - len(ahead)):
                    name = _name(picture, number)
                    ahead.append((name, pool.submit(self._decode, picture, name)))
                if not ahead:
                    return
                batch = [ahead.popleft() for _ in range(min(self.batch, len(ahead)))]
                yield from self._caption_batch([(name, future.result()) for name, future in batch])

    def describe(self, pictures: Sequence[Picture]) -> list[tuple[Sentence, ...]]:
        """Search for the n best captions of each picture, best first; all pictures are one batch."""
        maps, found = self._search(pictures)
        rows, columns = maps.cells.shape[1:3]
        return [tuple(self._write(hypothesis, rows, columns) for hypothesis in hypotheses) for hypotheses in found]

    def with_features(self, pictures: Sequence[Picture]) -> list[tuple[str, Features]]:
        """The best caption of each picture in the vocabulary's words, and the features of its confidence.

        For a calibration, of a model that knows what its training pictures look like; all pictures are one batch.
        """
        maps, found = self._search(pictures)
        features = self._features(maps, found)
        return [(self.model.vocabulary.decode(best[0].tokens), each) for best, each in zip(found, features)]

    def summaries(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """The mean of the CNN's cells of each picture, (pictures, dim); all pictures are one batch."""
        return _summaries(self._map(pictures))

    def _map(self, pictures: Sequence[Picture]) -> FeatureMaps:
        """The CNN's feature maps."""
        pixels = Pixels.of(stack_pictures(pictures, self.model.config.preprocessing)).to(self.device)
        with torch.no_grad(), autocast(self.precision, self.device):
            return self._encoder.features(pixels)

    def _search(self, pictures: Sequence[Picture]) -> tuple[FeatureMaps, list[list[Hypothesis]]]:
        """The feature maps, and the hypotheses for each picture."""
        maps = self._map(pictures)
        limits = np.full(len(pictures), self.model.config.max_caption_length + 1)
        banned = (PAD, UNK, START)
        guard = LoopGuard(self._words, [()] * len(pictures), self._words) if self.options.guard_loops else None
        found = generate(self._network, maps, limits, self.options, banned=banned, guard=guard)
        return maps, found

    def _features(self, maps: FeatureMaps, found: Sequence[Sequence[Hypothesis]]) -> list[Features]:
        """For each picture, the features from which the confidence of its best caption is computed."""
        familiarity = self.model.familiarity
        assert familiarity is not None
        impressions, usual = familiarity.look(_summaries(maps)), familiarity.usual()
        return [features(best[0], impression, usual) for best, impression in zip(found, impressions)]

    def _decode(self, picture: PictureSource, name: str) -> Picture | str:
        """The pixels that the CNN sees of a picture, or the reason why it cannot be read."""
        try:
            if isinstance(picture, bytes):
                image = decode_image(picture, name)
            elif isinstance(picture, str | Path):
                image = read_image(Path(picture))
            else:
                image = convert_image(picture, name)
            return self.model.config.preprocessing.apply(image)
        except ImageError as error:
            return error.reason

    def _caption_batch(self, decoded: Sequence[tuple[str, Picture | str]]) -> Iterator[Caption]:
        """Yield the captions of each (name, pixels); in place of pixels there may be a reason."""
        pictures = [picture for _, picture in decoded if isinstance(picture, Picture)]
        found = iter(self._judged(pictures) if pictures else [])
        size = self.model.config.preprocessing.size
        for name, picture in decoded:
            if isinstance(picture, Picture):
                yield replace(next(found), name=name, extent=(picture.height / size, picture.width / size))
            else:
                yield Caption((), name, problem=picture)

    def _judged(self, pictures: Sequence[Picture]) -> list[Caption]:
        """The captions of pictures, without their names, and with their confidence if the model is calibrated."""
        maps, found = self._search(pictures)
        rows, columns = maps.cells.shape[1:3]
        captions = [Caption(tuple(self._write(each, rows, columns) for each in hypotheses)) for hypotheses in found]
        calibration = self.model.calibration
        if calibration is None:
            return captions
        judgements = [calibration.judge(each, WORDS) for each in self._features(maps, found)]
        return [replace(caption, **vars(judgement)) for caption, judgement in zip(captions, judgements)]

    def _write(self, hypothesis: Hypothesis, rows: int, columns: int) -> Sentence:
        vocabulary = self.model.vocabulary
        text = detokenise_caption(vocabulary.decode(hypothesis.tokens))
        attention = hypothesis.attention
        if attention is not None:
            attention = attention.reshape(-1, rows, columns)  # (tokens, rows, columns)
        return Sentence(text, hypothesis.score, tuple(vocabulary.tokens(with_end(hypothesis))), attention)


def _summaries(maps: FeatureMaps) -> NDArray[np.float32]:
    """The mean over the cells that show a part of the photograph, (pictures, dim)."""
    mask = None if maps.mask is None else maps.mask.flatten(1)
    return masked_mean(maps.cells.flatten(1, 2), mask).float().numpy(force=True)


def _name(picture: PictureSource, number: int) -> str:
    """How messages and results call a picture. Raises UserError if it is none."""
    if isinstance(picture, str | Path):
        return str(picture)
    if not isinstance(picture, bytes | Image.Image | np.ndarray):
        raise UserError(
            f"picture {number} is of type {type(picture).__name__}: give a path, bytes, a PIL image or a NumPy array"
        )
    return f"picture {number}"
