"""Callables for engines of any kind: a batch of texts or pictures with their ids in, results with the same ids out.

They load their model once, when they are made, and know of no engine. Ray Data, Dask, Spark or a loop can call them:

    translate = BatchTranslator("en-de")
    translate({"id": [7, 9], "text": ["A dog runs.", ""]})
    # {"id": [7, 9], "translation": ["Ein Hund läuft.", ""], "score": [-0.2, None], "confidence": [0.9, None],
    #  "doubtful": [False, False], "long": [False, False], "problem": [None, None]}

A batch is anything that has columns by their names: a dictionary of lists or arrays, a data frame of pandas. Where the
model fails at a batch, its halves are tried, down to single items: what fails alone has no result but a `problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from s2s.errors import UserError, check, counted
from s2s.runtime.engine_options import EngineOptions

if TYPE_CHECKING:
    from s2s.decoding.results import Caption, Translation
    from s2s.decoding.search import SearchOptions

Columns = dict[str, list[Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(Protocol):
    """Columns by their names."""

    def __getitem__(self, name: str, /) -> Iterable[Any]:
        """The column of a name."""
        ...

    def __contains__(self, name: object, /) -> bool:
        """Whether there is a column of this name."""
        ...


@dataclass(frozen=True)
class Answer:
    """What becomes of one item.

    Attributes:
        text: the translation or caption; None if there is none
        score: mean log-probability of a token; None where the model was not asked
        confidence: between 0 and 1; None where the model is not calibrated, or was not asked
        doubtful: whether the confidence is low
        long: whether a line was longer than those that the model was trained on, and was cut
        problem: why there is no text; None where there is, and where there was nothing to translate
    """

    text: str | None = None
    score: float | None = None
    confidence: float | None = None
    doubtful: bool = False
    long: bool = False
    problem: str | None = None


class BatchTranslator:
    """Translates batches with the columns `id` and `text`.

    A text of several lines is translated line by line. A missing text (None, NaN) has no translation.

    Args:
        model: a model directory or the name of a bundled model; None for `en-de`
        options: of the search; None for those of `translate`
        machine: what computes

    Raises:
        UserError: as `Translator.load` does.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        options: SearchOptions | None = None,
        machine: EngineOptions | None = None,
    ) -> None:
        from translation.translator import Translator

        self._translator = Translator.load(model, options, **vars(machine or EngineOptions()))

    def __call__(self, batch: Batch) -> Columns:
        """Translate; returns columns.

        They are `id`, `translation`, and those of `Answer`. A column `place`, a number for each text, is what sampling
        counts on: a text at the same place is drawn alike in whatever batch; see `Translator.translate`.

        Raises:
            UserError: the columns are of different lengths.
        """
        ids, texts = _column(batch, "id"), _column(batch, "text")
        places = _column(batch, "place") if "place" in batch else range(len(ids))
        check(len(ids) == len(texts) == len(places), _UNEQUAL)
        answers = list[Answer | None](None for _ in texts)
        lines = list[tuple[int, str, int]]()  # which text, the line, its place
        for number, (text, place) in enumerate(zip(texts, places)):
            if not isinstance(text, str):
                missing = text is None or text != text
                answers[number] = Answer(problem=None if missing else f"is of type {type(text).__name__}, not a text")
            else:
                lines += [(number, line, int(place)) for line in text.split("\n")]
        found = dict[int, list[Answer]]()
        for (number, _, _), answer in zip(lines, attempt(self._answers, lines, lambda why: Answer(problem=why))):
            found.setdefault(number, []).append(answer)
        return _columns(ids, "translation", [each or _joined(found[i]) for i, each in enumerate(answers)])

    def _answers(self, lines: Sequence[tuple[int, str, int]]) -> list[Answer]:
        places = [(place,) for _, _, place in lines]
        return list(map(_translated, self._translator.translate([line for _, line, _ in lines], places=places)))


@cache
def shared_translator(
    model: Path | str | None = None, options: SearchOptions | None = None, machine: EngineOptions | None = None
) -> BatchTranslator:
    """The `BatchTranslator` of this process, which is loaded once: for engines that call functions, such as Dask.

    It translates one batch at a time: let the engine use processes, and not threads.
    """
    return BatchTranslator(model, options, machine)


class BatchCaptioner:
    """Captions batches with the column `id`, and `path` (of a file) or `bytes` (the content of one).

    Args:
        model: a model directory or the name of a bundled model; None for `everyday`
        options: of the search; None for those of `caption`
        machine: what computes

    Raises:
        UserError: as `Captioner.load` does.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        options: SearchOptions | None = None,
        machine: EngineOptions | None = None,
    ) -> None:
        from captioning.captioner import Captioner

        self._captioner = Captioner.load(model, options, **vars(machine or EngineOptions()))

    def __call__(self, batch: Batch) -> Columns:
        """Caption; returns the columns `id`, `caption`, and those of `Answer`. Unreadable pictures have a `problem`.

        Raises:
            UserError: the columns are of different lengths, or there are no pictures.
        """
        name = "bytes" if "bytes" in batch else "path"
        check(name in batch, "a batch of pictures has a column `path` or `bytes`")
        ids, pictures = _column(batch, "id"), _column(batch, name)
        check(len(ids) == len(pictures), _UNEQUAL)
        return _columns(ids, "caption", attempt(self._answers, pictures, lambda why: Answer(problem=why)))

    def _answers(self, pictures: Sequence[Any]) -> list[Answer]:
        return list(map(_captioned, self._captioner.caption(pictures)))


_UNEQUAL = "the columns of a batch have different lengths; give each id its text or picture"


def attempt(
    function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], failed: Callable[[str], Result]
) -> list[Result]:
    """The results of a function of many items; where it raises an exception, of their halves, down to single ones.

    Args:
        function: as many results as items
        items: any number
        failed: makes the result of an item at which the function fails, from the reason

    Raises:
        RuntimeError: all of several items fail: it is not they that are at fault.
    """
    failures = list[Exception]()

    def results(part: Sequence[Item]) -> list[Result]:
        try:
            return function(part) if part else []
        except Exception as error:
            if len(part) > 1:
                half = len(part) // 2
                return [*results(part[:half]), *results(part[half:])]
            if not isinstance(error, UserError):
                failures.append(error)
            return [failed(_reason(error))]

    found = results(items)
    if len(failures) == len(items) > 1:
        raise RuntimeError(f"all of {counted(len(items), 'item')} failed, the last with: {_reason(failures[-1])}")
    return found


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"


def _column(batch: Batch, name: str) -> list[Any]:
    return list(batch[name])


def _columns(ids: list[Any], name: str, answers: Sequence[Answer]) -> Columns:
    columns = {field.name: [getattr(answer, field.name) for answer in answers] for field in fields(Answer)}
    return {"id": ids, name: columns.pop("text"), **columns}


def _translated(translation: Translation) -> Answer:
    score = translation.score if translation.tokens else None
    return Answer(translation.text, score, translation.confidence, translation.doubtful, translation.is_long)


def _captioned(caption: Caption) -> Answer:
    if caption.problem:
        return Answer(problem=caption.problem)
    return Answer(caption.text, caption.score, caption.confidence, caption.doubtful)


def _joined(lines: Sequence[Answer]) -> Answer:
    """The answer for a text of several lines: the mean of their scores, and the least confidence."""
    problem = next((line.problem for line in lines if line.problem), None)
    if len(lines) == 1 or problem:
        return lines[0] if len(lines) == 1 else Answer(problem=problem)
    scores = [line.score for line in lines if line.score is not None]
    confidences = [line.confidence for line in lines if line.confidence is not None]
    return Answer(
        "\n".join(line.text or "" for line in lines),
        sum(scores) / len(scores) if scores else None,
        min(confidences, default=None),
        any(line.doubtful for line in lines),
        any(line.long for line in lines),
    )
