"""The answerer: questions about pictures to answers, one result per question and in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from question_answering.corpus import question_words
from question_answering.engine import AnsweringEngine, Scores, SeenPictures
from question_answering.loading import load_engine
from s2s.errors import check
from s2s.text.padding import pad
from s2s.vision.batches import stack_pictures
from s2s.vision.images import ImageError, Picture, read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from s2s.nn.configuration import DecodingPrecision
    from s2s.runtime.engine_options import EngineName

BATCH = 32  # questions that are answered together, which bounds the memory

Asked: TypeAlias = tuple[Path | str, str]  # a picture and a question


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes:
        picture: as it was named
        question: as it was asked
        answers: the likeliest, with their probabilities
        problem: why there is no answer; empty if there is one
        words: of the question, those that were read
        left_out: how many words at its end were not read
        hops: (hops, rows, columns), the weights of the cells of the picture in each hop
        word_weights: (words,), of the question's words; None where it is not read by attention
        extent: the share of the grid's height and width that the photograph fills
        blind: the likeliest answer of the network that does not see the picture, if it was asked
    """

    picture: str
    question: str
    answers: tuple[tuple[str, float], ...] = ()
    problem: str = ""
    words: tuple[str, ...] = ()
    left_out: int = 0
    hops: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    word_weights: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    extent: tuple[float, float] = (1.0, 1.0)
    blind: str | None = None

    @property
    def text(self) -> str:
        """The likeliest answer; empty if there is none."""
        return self.answers[0][0] if self.answers else ""

    @property
    def probability(self) -> float:
        """That of the likeliest answer; 0 if there is none."""
        return self.answers[0][1] if self.answers else 0.0


class Answerer:
    """Answers questions about pictures.

        answerer = Answerer.load()
        (found,) = answerer.answer([("bus.jpg", "What colour is the bus?")])
        print(found.text or found.problem, found.probability)

    Args:
        engine: the model
        batch: questions that are answered together
    """

    def __init__(self, engine: AnsweringEngine, *, batch: int = BATCH) -> None:
        self.engine, self.batch = engine, batch

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        *,
        engine: EngineName = "auto",
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        threads: int | None = None,
        batch: int = BATCH,
    ) -> Answerer:
        """Load a model.

        Args:
            model: a model directory, or the name of a bundled model; None for the first bundled one
            engine, device, precision, threads: see `EngineOptions`
            batch: see `Answerer`

        Raises:
            UserError: there is no such model, or it cannot be run so.
        """
        loaded = load_engine(model, engine=engine, device=device, precision=precision, threads=threads)
        return cls(loaded, batch=batch)

    @property
    def answers(self) -> tuple[str, ...]:
        """All answers that the model chooses from."""
        return self.engine.config.answers

    def answer(
        self, asked: Iterable[Asked], *, top: int = 1, written: bool = False, blind: bool = False
    ) -> list[Answer]:
        """Answer each question. The result for one that cannot be answered has a `problem`.

        Args:
            asked: the path of a picture and a question, each
            top: how many answers of each are given, at most
            written: whether the answers are written by the decoder, and not chosen among those of the training data
            blind: whether the network that does not see the picture answers too

        Raises:
            UserError: answers are to be written, and the model has no decoder.
        """
        return list(self.answer_stream(asked, top=top, written=written, blind=blind))

    def answer_stream(
        self, asked: Iterable[Asked], *, top: int = 1, written: bool = False, blind: bool = False
    ) -> Iterator[Answer]:
        """Yield what `answer` returns, a batch at a time."""
        check(
            self.engine.written is not None or not written,
            "this answerer has no decoder to write answers with; train one with a section [written] in the recipe",
        )
        questions = iter(asked)
        with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
            while batch := list(islice(questions, self.batch)):
                names = list(dict.fromkeys(str(picture) for picture, _ in batch))
                decoded = dict(zip(names, pool.map(self._decode, names)))
                yield from self._answer_batch(batch, decoded, top, written=written, blind=blind)

    def _decode(self, name: str) -> Picture | str:
        """The pixels that the CNN sees of a picture, or the reason why it cannot be read."""
        try:
            return self.engine.config.picture.preprocessing.apply(read_image(Path(name)))
        except ImageError as error:
            return error.reason

    def _answer_batch(
        self, batch: Sequence[Asked], decoded: dict[str, Picture | str], top: int, *, written: bool, blind: bool
    ) -> Iterator[Answer]:
        """Yield the answers to a batch, whose pictures are decoded or have the reason why they cannot be read."""
        read = [question_words(question) for _, question in batch]
        good = [i for i, (picture, _) in enumerate(batch) if read[i][0] and isinstance(decoded[str(picture)], Picture)]
        found: dict[int, Answer] = {}
        if good:
            seen, row_of = self._see(decoded, {str(batch[i][0]) for i in good})
            words = [read[i][0] for i in good]
            pictures = seen.pick([row_of[str(batch[i][0])] for i in good])
            scores = self.engine.score(
                pictures, pad(self.engine.ids(words)), blind=blind, written=top if written else 0
            )
            for row, i in enumerate(good):
                answer = self._of_row(scores, row, words[row], seen.grid, top)
                picture = decoded[str(batch[i][0])]
                assert isinstance(picture, Picture)
                size = self.engine.config.picture.preprocessing.size
                found[i] = replace(answer, extent=(picture.height / size, picture.width / size))
        for i, (picture, question) in enumerate(batch):
            pixels = decoded[str(picture)]
            problem = pixels if isinstance(pixels, str) else "" if read[i][0] else "the question is empty"
            answer = found.get(i, Answer("", "", problem=problem))
            yield replace(answer, picture=str(picture), question=question, left_out=read[i][1])

    def _see(self, decoded: dict[str, Picture | str], wanted: set[str]) -> tuple[SeenPictures, dict[str, int]]:
        """What the CNN makes of the pictures of a batch, and the row of each."""
        pictures = {name: each for name, each in decoded.items() if name in wanted and isinstance(each, Picture)}
        batch = stack_pictures(list(pictures.values()), self.engine.config.picture.preprocessing)
        return self.engine.see(batch), {name: row for row, name in enumerate(pictures)}

    def _of_row(self, scores: Scores, row: int, words: Sequence[str], grid: tuple[int, int], top: int) -> Answer:
        """The answer to one question of a batch."""
        if scores.written is not None and self.engine.written is not None:
            answers = [
                (self.engine.written.decode(each.tokens), float(np.exp(each.score))) for each in scores.written[row]
            ]
        else:
            probabilities = np.exp(scores.log_probabilities[row].astype(np.float64))
            probabilities /= probabilities.sum()
            best = np.argsort(-probabilities, kind="stable")[:top].tolist()
            answers = [(self.answers[number], float(probabilities[number])) for number in best]
        return Answer(
            "",
            "",
            tuple(answers),
            words=tuple(words),
            hops=scores.hops[row].reshape(-1, *grid),
            word_weights=None if scores.words is None else scores.words[row][: len(words)],
            blind=None if scores.blind is None else self.answers[int(scores.blind[row].argmax())],
        )
