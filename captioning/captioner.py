"""The captioner: pictures to captions, one result per picture and in order.

Pictures pass three stages in batches: decode (a file to pixels, ahead of the other stages), search, and write.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from captioning.confidence import WORDS, features
from captioning.configuration import KIND
from captioning.engine import CaptioningEngine, EncodedPictures
from captioning.text import unique_words
from captioning.writing import Writing
from s2s.decoding.confidence import Features
from s2s.decoding.generation import generate, with_end
from s2s.decoding.loops import LoopGuard, word_table
from s2s.decoding.prefix import Prefix, PrefixSpeller
from s2s.decoding.results import FLAT, Caption, Sentence
from s2s.decoding.search import BeamOptions, Hypothesis, SearchOptions
from s2s.errors import UserError, check, first_few
from s2s.nn.configuration import DecodingPrecision
from s2s.runtime.engine_options import EngineName, EngineOptions
from s2s.storage.bundled import find_model
from s2s.storage.light_form import LightModel
from s2s.text.tokens import PAD, START, UNK
from s2s.text.vocabulary import Vocabulary
from s2s.vision.batches import stack_pictures
from s2s.vision.images import ImageError, Picture, convert_image, decode_image, read_image

MODELS = Path(__file__).resolve().parent / "models"  # the bundled ones
DEFAULT_MODEL = "everyday"
BATCH = 32  # pictures
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]+://")

PictureSource: TypeAlias = (  # a file's path, the content of a file, or a picture in memory
    os.PathLike[str] | str | bytes | Image.Image | NDArray[Any]
)


class Captioner:
    """Captions pictures with a model.

        captioner = Captioner.load()
        for caption in captioner.caption(["dog.jpg", PIL.Image.open("cat.png"), array]):
            print(caption.name, caption.text or caption.problem)

    Args:
        engine: the model
        options: of the search; a width of 1 searches greedily
        batch: pictures that are captioned together, which bounds the memory
        prefix: what all captions begin with. Without a space at its end, the last word may be the beginning of one
        max_words: how many words a caption has at most; None for no such limit

    Raises:
        UserError: the model cannot write the prefix, or `max_words` is below 1.
    """

    def __init__(
        self,
        engine: CaptioningEngine,
        options: SearchOptions | None = None,
        *,
        batch: int = BATCH,
        prefix: str = "",
        max_words: int | None = None,
    ) -> None:
        check(max_words is None or max_words >= 1, f"max_words is {max_words}: choose 1 or more")
        self.engine, self.options = engine, options or BeamOptions()
        self._prefix, self._max_words = _spelt(prefix, engine.vocabulary, engine.config.writing), max_words
        self.batch = batch
        language = engine.config.language
        self._words = word_table(engine.vocabulary, language, unique_words(engine.vocabulary, language))

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        options: SearchOptions | None = None,
        *,
        engine: EngineName = "auto",
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        threads: int | None = None,
        batch: int = BATCH,
        prefix: str = "",
        max_words: int | None = None,
    ) -> Captioner:
        """Load a captioner.

        Args:
            model: a model directory or the name of a bundled model; None for the bundled model `everyday`
            options: of the search; None for those of the `caption` command
            engine, device, precision, threads: what computes; see `EngineOptions`
            batch, prefix, max_words: see `Captioner`

        Raises:
            UserError: the model is missing or damaged; the engine, the device or the precision is not available.
        """
        choice = EngineOptions(engine, device, precision, threads)
        directory = find_model(MODELS / DEFAULT_MODEL if model is None else model, KIND, MODELS)
        loaded = choice.load(directory, KIND, _light_engine, _torch_engine)
        return cls(loaded, options or BeamOptions(minimum_length=1), batch=batch, prefix=prefix, max_words=max_words)

    def caption(self, pictures: Iterable[PictureSource]) -> list[Caption]:
        """Caption each picture. The result for a picture that cannot be read has a `problem` and no captions.

        Args:
            pictures: paths of files; contents of files; PIL images of any mode; arrays of numbers, (height, width) or
                (height, width, 1 to 4), see `s2s.vision.images.convert_image`. All are converted alike, but only the
                file of a large JPEG is decoded at a reduced size.

        Raises:
            UserError: `pictures` is a single picture, or one of them is neither a path nor bytes nor an image nor
                such an array.
        """
        single = isinstance(pictures, str | os.PathLike | bytes | Image.Image | np.ndarray) or not isinstance(
            pictures, Iterable
        )
        kind = type(pictures).__name__
        check(not single, f"caption takes a list of pictures, not {kind}: put the picture into a list, such as [path]")
        listed = list(pictures)
        for number, picture in enumerate(listed, start=1):
            _name(picture, number)  # told before the first one is captioned
        return list(self.caption_stream(listed))

    def caption_stream(self, pictures: Iterable[PictureSource]) -> Iterator[Caption]:
        """Yield what `caption` returns, in bounded memory: no picture is taken more than two batches ahead."""
        numbered, done = enumerate(pictures, start=1), 0
        with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
            ahead = deque[tuple[str, Future[Picture | str]]]()
            while True:
                for number, picture in islice(numbered, 2 * self.batch - len(ahead)):
                    name = _name(picture, number)
                    ahead.append((name, pool.submit(self._decode, picture, name)))
                if not ahead:
                    return
                batch = [ahead.popleft() for _ in range(min(self.batch, len(ahead)))]
                yield from self._caption_batch([(name, future.result()) for name, future in batch], done)
                done += len(batch)

    def describe(self, pictures: Sequence[Picture]) -> list[tuple[Sentence, ...]]:
        """Search for the n best captions of each picture, best first; all pictures are one batch."""
        encoded, found = self._search(pictures)
        return [tuple(self._write(each, encoded.grid) for each in hypotheses) for hypotheses in found]

    def with_features(self, pictures: Sequence[Picture]) -> list[tuple[str, Features]]:
        """The best caption of each picture in the vocabulary's words, and the features of its confidence.

        For a calibration, of a model that knows what its training pictures look like; all pictures are one batch.
        """
        encoded, found = self._search(pictures)
        features = self._features(encoded, found)
        return [(self.engine.vocabulary.decode(best[0].tokens), each) for best, each in zip(found, features)]

    def summaries(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """The mean of the CNN's cells of each picture, (pictures, dim); all pictures are one batch."""
        return self._encode(pictures).summaries

    def _encode(self, pictures: Sequence[Picture]) -> EncodedPictures:
        return self.engine.encode(stack_pictures(pictures, self.engine.config.preprocessing))

    def _search(
        self, pictures: Sequence[Picture], places: Sequence[tuple[int]] | None = None
    ) -> tuple[EncodedPictures, list[list[Hypothesis]]]:
        """What the CNN makes of pictures, and the hypotheses for each; see `generate` for `places`."""
        encoded = self._encode(pictures)
        limits = np.full(len(pictures), self.engine.config.max_caption_length + 1)
        banned = (PAD, UNK, START)
        guard = LoopGuard(self._words, [()] * len(pictures), self._words) if self.options.guard_loops else None
        prefixes = [self._prefix] * len(pictures) if self._prefix.nodes else None
        how: Any = {"banned": banned, "guard": guard, "places": places, "prefixes": prefixes}
        if self._max_words is not None:
            from s2s.decoding.most_words import MostWords

            array = self.engine.network.array
            how["constraint"] = MostWords.of(len(pictures), self.engine.vocabulary, self._max_words, array)
        return encoded, generate(self.engine.network, encoded.inputs, limits, self.options, **how)

    def _features(self, encoded: EncodedPictures, found: Sequence[Sequence[Hypothesis]]) -> list[Features]:
        """For each picture, the features from which the confidence of its best caption is computed."""
        familiarity = self.engine.familiarity
        assert familiarity is not None
        impressions, usual = familiarity.look(encoded.summaries), familiarity.usual()
        return [features(best[0], impression, usual) for best, impression in zip(found, impressions)]

    def _decode(self, picture: PictureSource, name: str) -> Picture | str:
        """The pixels that the CNN sees of a picture, or the reason why it cannot be read."""
        try:
            if isinstance(picture, bytes):
                image = decode_image(picture, name)
            elif isinstance(picture, str) and _ADDRESS.match(picture):
                raise ImageError(Path(name), "is an address, not a file; download it first, and give the file")
            elif isinstance(picture, str | os.PathLike):
                image = read_image(Path(picture))
            else:
                image = convert_image(picture, name)
            return self.engine.config.preprocessing.apply(image)
        except ImageError as error:
            return error.reason

    def _caption_batch(self, decoded: Sequence[tuple[str, Picture | str]], first: int) -> Iterator[Caption]:
        """Yield the captions of each (name, pixels); in place of pixels there may be a reason.

        `first` is the number of the first one, from 0.
        """
        pictures = {(first + i,): picture for i, (_, picture) in enumerate(decoded) if isinstance(picture, Picture)}
        found = iter(self._judged([*pictures.values()], [*pictures]) if pictures else [])
        size = self.engine.config.preprocessing.size
        for name, picture in decoded:
            if isinstance(picture, Picture):
                caption = replace(next(found), name=name, extent=(picture.height / size, picture.width / size))
                yield _flat(caption) if picture.is_flat else caption
            else:
                yield Caption((), name, problem=picture)

    def _judged(self, pictures: Sequence[Picture], places: Sequence[tuple[int]]) -> list[Caption]:
        """The captions of pictures, without their names, and with their confidence if the model is calibrated."""
        encoded, found = self._search(pictures, places)
        captions = [Caption(tuple(self._write(each, encoded.grid) for each in hypotheses)) for hypotheses in found]
        calibration = self.engine.calibration
        if calibration is None:
            return captions
        judgements = [calibration.judge(each, WORDS) for each in self._features(encoded, found)]
        return [replace(caption, **vars(judgement)) for caption, judgement in zip(captions, judgements)]

    def _write(self, hypothesis: Hypothesis, grid: tuple[int, int]) -> Sentence:
        vocabulary = self.engine.vocabulary
        text = self.engine.config.writing.detokenise(vocabulary.decode(hypothesis.tokens))
        attention = hypothesis.attention
        if attention is not None:
            attention = attention.reshape(-1, *grid)  # (tokens, rows, columns)
        return Sentence(text, hypothesis.score, tuple(vocabulary.tokens(with_end(hypothesis))), attention)


def _flat(caption: Caption) -> Caption:
    """The caption of a picture of one colour, which is doubtful whatever the model thinks of it."""
    confidence = None if caption.confidence is None else 0.0
    return replace(caption, confidence=confidence, doubtful=True, reasons=(FLAT, *caption.reasons))


def _spelt(prefix: str, vocabulary: Vocabulary, writing: Writing) -> Prefix:
    """What all captions begin with, as tokens. Raises a UserError if the model cannot write it."""
    text = writing.normalise(prefix) + " " * (prefix[-1:] == " ")
    spelt = PrefixSpeller(vocabulary).spell(text)
    if spelt is None or bool(prefix.strip()) > bool(spelt.nodes):
        unknown = [word for word in text.split() if UNK in vocabulary.encode(word)]
        which = f", as it does not know {first_few(unknown)}" if unknown else ""
        raise UserError(f"the model cannot write the prefix {prefix!r}{which}; choose words of its training captions")
    return spelt


def _light_engine(form: LightModel, threads: int) -> CaptioningEngine:
    from captioning.light import light_engine

    return light_engine(form, threads)


def _torch_engine(directory: Path, device: str, precision: DecodingPrecision, threads: int | None) -> CaptioningEngine:
    from captioning.model import load_engine

    return load_engine(directory, device, precision, threads)


def _name(picture: PictureSource, number: int) -> str:
    """How messages and results call a picture. Raises UserError if it is none."""
    if isinstance(picture, str | os.PathLike):
        return str(picture)
    if not isinstance(picture, bytes | Image.Image | np.ndarray):
        raise UserError(
            f"picture {number} is of type {type(picture).__name__}: give a path, bytes, a PIL image or a NumPy array"
        )
    return f"picture {number}"
