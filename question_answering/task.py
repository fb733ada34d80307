"""The task of an answerer: training on questions about pictures with their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from question_answering.corpus import Question
from question_answering.model import AnswererModel
from question_answering.prepare import PreparedQuestions
from question_answering.recipe import Recipe, views
from s2s import seeds
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import first_few
from s2s.models.answer_network import AnswerNetwork, AnswerScores, AskedPictures
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.nn.loss import smoothed_cross_entropy
from s2s.text.padding import Padded
from s2s.text.tokens import END, PAD, START, UNK
from s2s.training.batches import BucketedBatches, padded_tensors
from s2s.training.task import Loss, Task, Validation
from s2s.vision.crops import WHOLE, Augmentation
from s2s.vision.inputs import PictureInputs

REHEARSED = 4  # questions that are answered before the first step
_VALIDATED = 64  # questions of a batch in validation
_SIDES = re.compile(r"\b(?:left|right)\b")  # what a mirrored picture would make wrong
_UNKNOWN = -1  # an answer of the validation data that does not occur in training


@dataclass(frozen=True)
class AnsweredBatch:
    """Questions with their answers.

    Attributes:
        asked: the questions and their pictures
        answers: (questions,), their numbers; `_UNKNOWN` of answers that are not known
        decoder_input, targets: written answers after START and before END; None without a decoder
    """

    asked: AskedPictures
    answers: Tensor
    decoder_input: Padded | None = None
    targets: Padded | None = None


class AnswererTask(Task[AnsweredBatch]):
    """Cross-entropy of the answer, of the blind network's answer and of the written one; validation by accuracy.

    The examples are groups of questions about one picture.

    Args:
        recipe: how to train
        data: questions, vocabularies, answers
        model: to be trained, with its CNN if the recipe tunes stages of it
        pictures: of the training and of the validation data, in the order of the inputs
        inputs: of these pictures
        device: of the model

    Attributes:
        network: what is trained
    """

    unit: ClassVar[str] = "questions"

    def __init__(
        self,
        recipe: Recipe,
        data: PreparedQuestions,
        model: AnswererModel,
        pictures: tuple[Sequence[Path], Sequence[Path]],
        inputs: tuple[PictureInputs, PictureInputs],
        device: torch.device,
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.inputs, self.validation_inputs = inputs
        self.network: AnswerNetwork = model.network if recipe.picture.tuned_stages else model.without_cnn()
        self._numbers, self._validation_numbers = ({path: i for i, path in enumerate(side)} for side in pictures)
        self._answers = {answer: number for number, answer in enumerate(data.answers)}
        self._groups = _groups(data.train, recipe.together)
        lengths = [max(len(data.train[i].words) for i in group) for group in self._groups]
        size = max(1, recipe.batch // recipe.together)
        self._batches = BucketedBatches(lengths, sentences=size, seed=recipe.training.seed)
        alpha = recipe.vocabulary.unknown
        self._unknown = {word: alpha / (alpha + count) for word, count in data.counts.items()} if alpha else {}
        self._views = views(recipe.picture)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._batches.epoch(epoch)

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> AnsweredBatch:
        """See `Task`."""
        groups = [self._groups[i] for i in examples]
        random = Random(seeds.of_views(self.recipe.training.seed, epoch, position))
        seen = [_view_of([self.data.train[i] for i in group], random.choice(self._views)) for group in groups]
        pictures = [self._numbers[self.data.train[group[0]].picture] for group in groups]
        inputs = self.inputs(pictures, seen)
        questions = [self.data.train[i] for group in groups for i in group]
        picture_of = list(chain.from_iterable([row] * len(group) for row, group in enumerate(groups)))
        ids = self._with_unknown(questions, epoch, position)
        return self._batch(inputs, picture_of, ids, [each.answer for each in questions])

    def _with_unknown(self, questions: Sequence[Question], epoch: int, position: int) -> list[list[int]]:
        """The ids of the words of questions, some of them read as unknown."""
        ids = self.model.assets.ids([each.words for each in questions])
        if not self._unknown:
            return ids
        random = Random(seeds.of_unknown_words(self.recipe.training.seed, epoch, position))
        return [
            [UNK if random.random() < self._unknown[word] else number for word, number in zip(each.words, row)]
            for each, row in zip(questions, ids)
        ]

    def _batch(
        self, inputs: Any, picture_of: Sequence[int], ids: Sequence[Sequence[int]], answers: Sequence[str]
    ) -> AnsweredBatch:
        asked = AskedPictures(
            inputs.to(self.device),
            torch.tensor(picture_of, device=self.device),
            padded_tensors(ids, self.device),
        )
        numbers = torch.tensor([self._answers.get(answer, _UNKNOWN) for answer in answers], device=self.device)
        if self.model.assets.written is None:
            return AnsweredBatch(asked, numbers)
        encoded = self.model.assets.written.encode_all(list(answers))
        return AnsweredBatch(
            asked,
            numbers,
            padded_tensors([[START, *row] for row in encoded], self.device),
            padded_tensors([[*row, END] for row in encoded], self.device),
        )

    def loss(self, model: nn.Module, batch: AnsweredBatch) -> Loss:
        """See `Task`."""
        tokens = None if batch.decoder_input is None else batch.decoder_input.ids
        mask = None if batch.targets is None else batch.targets.mask
        scores: AnswerScores = model(batch.asked, tokens, mask)
        assert scores.blind is not None
        total, exact = smoothed_cross_entropy(scores.logits, batch.answers, self.recipe.label_smoothing)
        blind, blind_exact = smoothed_cross_entropy(scores.blind, batch.answers, self.recipe.label_smoothing)
        figures, total = {"train_loss": exact, "blind_loss": blind_exact}, total + blind
        if scores.written is not None and self.recipe.written and batch.targets is not None:
            written, figures["written_loss"] = smoothed_cross_entropy(scores.written, batch.targets.ids[mask])
            total = total + self.recipe.written.weight * written
        count = len(batch.answers)
        return Loss(total, count, count, figures)

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`. An answer that does not occur in training counts as wrong; the loss leaves it out."""
        total, known, right = 0.0, 0, {"accuracy": 0, "blind_accuracy": 0, "written_accuracy": 0}
        count = len(self.data.validation)
        for first in range(0, count, _VALIDATED):
            rows = range(first, min(first + _VALIDATED, count))
            loss, found = self._answer(model, rows)
            total, known = total + loss[0], known + loss[1]
            for name, answers in found.items():
                right[name] += sum(answer == self.data.validation[i].answer for answer, i in zip(answers, rows))
        names = right if self.model.assets.written else ("accuracy", "blind_accuracy")
        scores = {name: 100 * right[name] / count for name in names}
        return Validation(total / max(known, 1), scores, primary="accuracy", higher_is_better=True)

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It answers four questions, and the longest one."""
        longest = max(range(len(self.data.validation)), key=lambda i: len(self.data.validation[i].words))
        self._answer(model, [*range(min(REHEARSED, len(self.data.validation))), longest])

    def _answer(self, model: nn.Module, rows: Sequence[int]) -> tuple[tuple[float, int], dict[str, list[str]]]:
        """The summed loss of some validation questions whose answers are known, how many, and what is answered."""
        questions = [self.data.validation[i] for i in rows]
        pictures = list(dict.fromkeys(self._validation_numbers[each.picture] for each in questions))
        inputs = self.validation_inputs(pictures, [WHOLE] * len(pictures))
        picture_of = [pictures.index(self._validation_numbers[each.picture]) for each in questions]
        ids = self.model.assets.ids([each.words for each in questions])
        batch = self._batch(inputs, picture_of, ids, [each.answer for each in questions])
        scores: AnswerScores = model(batch.asked)
        assert scores.blind is not None
        known = batch.answers != _UNKNOWN
        loss, _ = smoothed_cross_entropy(scores.logits[known], batch.answers[known])
        found = {"accuracy": self._best(scores.logits), "blind_accuracy": self._best(scores.blind)}
        if self.model.assets.written is not None:
            found["written_accuracy"] = self._write(scores.memory)
        return (float(loss), int(known.sum())), found

    def _best(self, logits: Tensor) -> list[str]:
        return [self.data.answers[number] for number in logits.argmax(1).tolist()]

    def _write(self, memory: Memory) -> list[str]:
        """The answers that the decoder writes, greedily."""
        written, decoder = self.model.assets.written, self.network.head.decoder
        assert written is not None
        assert decoder is not None
        network = TorchNetwork(EncoderDecoder(nn.Identity(), decoder), self.recipe.training.precision)
        limits = np.full(len(memory.grid), self.model.config.max_answer_length + 1)
        hypotheses = generate(network, memory, limits, BeamOptions(width=1), banned=(PAD, UNK, START))
        return [written.decode(best.tokens) for (best,) in hypotheses]

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return first_few([self.data.train[i].where for example in sorted(examples) for i in self._groups[example]])

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)


def _groups(questions: Sequence[Question], size: int) -> list[tuple[int, ...]]:
    """The numbers of questions in groups of at most `size`, each about one picture."""
    of_pictures: dict[Path, list[int]] = {}
    for number, each in enumerate(questions):
        of_pictures.setdefault(each.picture, []).append(number)
    return [
        tuple(numbers[first : first + size])
        for numbers in of_pictures.values()
        for first in range(0, len(numbers), size)
    ]


def _view_of(questions: Sequence[Question], view: Augmentation) -> Augmentation:
    """The view, or the whole picture where it is mirrored and a question or an answer names a side."""
    sided = view.mirrored and any(_SIDES.search(f"{each.text.lower()} {each.answer}") for each in questions)
    return WHOLE if sided else view
