"""From the files of a recipe to what training reads: questions, vocabularies, answers. It is quick: no cache."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from random import Random

from question_answering.corpus import Question, picture_count, read_questions
from question_answering.recipe import DataConfig, Recipe
from s2s import cache, seeds
from s2s.errors import check, counted, first_few, printable
from s2s.text.vocabulary import WordVocabulary

VERSION = 1  # of what questions, vocabularies and answers follow from the same files


@dataclass(frozen=True)
class PreparedQuestions:
    """Training and validation questions, and what is known.

    Attributes:
        train: each has an answer among `answers`
        validation: its answers may be unknown
        words: of the questions
        counts: of the words of the training questions
        answers: by frequency
        written: the words of the answers
        frequent: the most frequent answer of each kind; that of all under ""
    """

    train: Sequence[Question]
    validation: Sequence[Question]
    words: WordVocabulary
    counts: Counter[str]
    answers: tuple[str, ...]
    written: WordVocabulary
    frequent: dict[str, str]

    def key(self) -> str:
        """The same for the same questions, pictures, answers and vocabularies."""
        sides = [
            [(str(each.picture), each.words, each.answers, each.kind) for each in side]
            for side in (self.train, self.validation)
        ]
        return cache.key([VERSION, sides, self.words.to_bytes().hex(), self.answers])

    def without(self, unreadable: frozenset[Path]) -> PreparedQuestions:
        """The same without questions about pictures that cannot be read."""
        train, validation = (
            [each for each in side if each.picture not in unreadable] for side in (self.train, self.validation)
        )
        check(train and validation, "no picture could be read; see the warnings above")
        return replace(self, train=train, validation=validation)


def prepare(recipe: Recipe) -> PreparedQuestions:
    """Read the questions and learn words and answers; a report goes to standard error.

    Raises:
        UserError: a file cannot be used, or training and validation share pictures.
    """
    train, validation = _read(recipe.data, recipe.training.seed)
    counts = Counter(each.answer for each in train)
    known = [answer for answer, count in counts.items() if count >= recipe.data.answer_threshold]
    answers = tuple(sorted(known, key=lambda answer: (-counts[answer], answer)))
    check(
        len(answers) > 1,
        f"{recipe.data.train[0]}: fewer than two answers occur {counted(recipe.data.answer_threshold, 'time')}, so "
        "there is nothing to learn; lower data.answer_threshold, or give more questions",
    )
    kept = [each for each in train if each.answer in set(answers)]
    words = Counter(chain.from_iterable(each.words for each in kept))
    prepared = PreparedQuestions(
        kept,
        validation,
        WordVocabulary.from_counts(words, threshold=min(recipe.vocabulary.threshold, max(words.values()))),
        words,
        answers,
        WordVocabulary.from_lines(answers),
        most_frequent(kept),
    )
    for line in _report(prepared, len(train) - len(kept)):
        print(printable(line), file=sys.stderr)
    return prepared


def most_frequent(questions: Sequence[Question]) -> dict[str, str]:
    """The most frequent answer of each kind of question; that of all under the empty kind."""
    of_kinds: dict[str, Counter[str]] = {"": Counter()}
    for each in questions:
        of_kinds[""][each.answer] += 1
        if each.kind:
            of_kinds.setdefault(each.kind, Counter())[each.answer] += 1
    return {kind: counts.most_common(1)[0][0] for kind, counts in of_kinds.items()}


def _read(data: DataConfig, seed: int) -> tuple[list[Question], list[Question]]:
    """The questions to train and to validate on, which share no picture."""
    sources = []
    for path in data.train:
        questions, report = read_questions(path, data.images)
        print(report, file=sys.stderr)
        sources.append(questions)
    if data.validation is not None:
        validation, report = read_questions(data.validation, data.images)
        print(report, file=sys.stderr)
        train = list(chain.from_iterable(sources))
        shared = {each.picture.resolve() for each in train} & {each.picture.resolve() for each in validation}
        check(
            not shared,
            f"{data.validation}: {counted(len(shared), 'picture')} of it are trained on too "
            f"({min(shared, default='')}, say): take them out of one of the two",
        )
        return train, validation
    pictures = sorted({each.picture for each in sources[0]})
    check(len(pictures) > 1, f"{data.train[0]}: all questions are about one picture; set data.validation to a file")
    Random(seeds.of_held_out(seed)).shuffle(pictures)
    held = {path.resolve() for path in pictures[: max(1, min(len(pictures) - 1, round(data.held_out * len(pictures))))]}
    validation = [each for each in sources[0] if each.picture.resolve() in held]
    train = [each for each in chain.from_iterable(sources) if each.picture.resolve() not in held]
    print(
        f"{data.train[0]}: {counted(picture_count(validation), 'picture')} with "
        f"{counted(len(validation), 'question')} are held out to validate on",
        file=sys.stderr,
    )
    return train, validation


def _report(data: PreparedQuestions, rare: int) -> Iterator[str]:
    left = f"; {counted(rare, 'question has', 'questions have')} a rarer answer, left out" if rare else ""
    yield (
        f"{counted(len(data.train), 'question')} about {counted(picture_count(data.train), 'picture')} to train on, "
        f"{counted(len(data.answers), 'answer')}, {counted(len(data.words), 'word')} in the vocabulary{left}"
    )
    unknown = [each for each in data.validation if each.answer not in set(data.answers)]
    yield (
        f"{counted(len(data.validation), 'question')} to validate on; the answers of {len(unknown):,} of them do not "
        "occur in training" + (f" ({first_few(sorted({each.answer for each in unknown}))})" if unknown else "")
    )
