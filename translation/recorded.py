"""Recorded translation: what the layers of a translator compute while they read a sentence and write another one.

The decoder reads the model's own translation, or a given one. A line is read as one sentence, as `translate` reads a
sentence: addresses, numbers and the like are placeholders.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.errors import UserError, check
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.models.text_encoder import TextEncoder
from s2s.nn.precision import choose_device, use_threads
from s2s.nn.recording import LayerRun, recorded
from s2s.text.languages import writes_spaces
from s2s.text.padding import pad
from s2s.text.tokens import END, SPECIALS, START
from s2s.text.vocabulary import Vocabulary
from translation.model import TranslationModel
from translation.piece import Piece
from translation.reading import Reader
from translation.target_reading import TargetReader
from translation.translator import Translator
from translation.writing import Writer

RIGHT_TO_LEFT = ", right to left"  # the end of the name of a layer that reads a sentence backwards


@dataclass(frozen=True)
class Pair:
    """A sentence and the translation that the decoder reads.

    Attributes:
        source, target: token ids; END is the last one, but of a translation that search did not end
        source_pieces, target_pieces: the part of the text that each token is, empty for END
    """

    source: list[int]
    target: list[int]
    source_pieces: list[str]
    target_pieces: list[str]


@dataclass(frozen=True)
class Recording:
    """What the network computes for a pair.

    Attributes:
        embedded: what the lowest layers of the encoder read, (source tokens, embedding_dim)
        encoder: the layers from the bottom, by name; time is that of the sentence also where it is read backwards
        read: the tokens that the decoder reads: START, and the target without its last token
        decoder: the layers from the bottom, by name
        attention: (steps, source tokens); None where the decoder does not look
        log_probabilities: (steps, vocabulary), of what follows each step
    """

    embedded: Tensor
    encoder: Mapping[str, LayerRun]
    read: list[int]
    decoder: Mapping[str, LayerRun]
    attention: Tensor | None
    log_probabilities: Tensor


class Recorder:
    """Records a translation model.

    Args:
        model: on its device, in evaluation mode
        width: of the beam that finds the model's own translations
    """

    def __init__(self, model: TranslationModel, width: int) -> None:
        encoder, decoder, config = model.text_encoder, model.network.decoder, model.config
        if not isinstance(encoder, TextEncoder) or not isinstance(decoder, RecurrentDecoder):
            raise UserError(
                "the encoder or the decoder of this model is a Transformer, which has no recurrent cells to look into; "
                "see its attention with `translate --attention PAGE.html`"
            )
        self.model, self.encoder, self.decoder = model, encoder, decoder
        engine = model.engine("float32")
        self._array = engine.network.array
        self._searcher = Translator(engine, BeamOptions(width=width, stop_early=True)).searcher
        self._reader = Reader(model.source, config.source_language, config.rare_characters)
        spaces = writes_spaces(config.target_language) or model.target.whole_words
        self._writer = Writer(model.source, model.target, 1, spaces)
        self._targets = TargetReader(model.source, model.target, spaces=spaces)

    @classmethod
    def load(cls, directory: Path, width: int, device: str = "auto", threads: int | None = None) -> Recorder:
        """Load a model; raises `UserError` if it is missing or damaged, or the device is not available."""
        use_threads(threads)
        chosen, model = choose_device(device), TranslationModel.load(directory)
        model.network.to(chosen)
        return cls(model, width)

    def pairs(self, lines: Sequence[str], targets: Sequence[str] | None = None) -> list[Pair]:
        """The pairs of the lines that hold something to translate.

        Args:
            lines: one sentence each
            targets: a translation of each line, or None for the model's own; a line with a blank one is left out

        Raises:
            UserError: there is no such line.
        """
        pieces = self._reader.read_all([unicodedata.normalize("NFC", line).strip() for line in lines])
        if targets is None:
            searched = zip(pieces, self._searcher.search(pieces))
            found = [self._own(piece, hypotheses[0]) for piece, hypotheses in searched if hypotheses]
        else:
            given = zip(pieces, targets, strict=True)
            found = [self._given(*each) for each in given if each[0].translatable and each[1].strip()]
        check(found, "the text holds nothing to translate; give at least one sentence")
        return found

    def _own(self, piece: Piece, hypothesis: Hypothesis) -> Pair:
        """A piece and what search found."""
        labels = self._writer.write_hypothesis(hypothesis, piece).tokens
        return self._pair(piece, [*hypothesis.tokens, *[END] * hypothesis.finished], labels)

    def _given(self, piece: Piece, target: str) -> Pair:
        """A piece and a given translation, in the fewest tokens."""
        given = self._targets.read(unicodedata.normalize("NFC", target).strip(), piece)
        ids = [token for token, _ in given.spelling.shortest()]
        return self._pair(piece, ids, given.labels(ids[:-1], self.model.target))

    def _pair(self, piece: Piece, target: list[int], labels: Sequence[str]) -> Pair:
        source = [*piece.ids, END]
        shown = [_pieces(*each) for each in ((piece.source_tokens, self.model.source), (labels, self.model.target))]
        return Pair(source, target, *shown)

    def record(self, pair: Pair) -> Recording:
        """Run the network over a pair, in float32."""
        ahead, back = list(self.encoder.layers.ahead), list(self.encoder.layers.back)
        source = pad([pair.source]).moved(self._array)
        with recorded([*ahead, *back]) as cells:
            embedded, memory = self.encoder.embed(source), self.encoder(source)
        runs = [cell.run() for cell in cells]
        read = [START, *pair.target[: -1 if pair.target[-1:] == [END] else None]]
        with recorded(list(self.decoder.layers)) as cells:
            output = self.decoder(self._array(np.array([read])), self.decoder.start(memory))
            log_probabilities = self.decoder.readout(output.features).float().log_softmax(-1)
        return Recording(
            embedded[0],
            dict(_named(runs[: len(ahead)], runs[len(ahead) :])),
            read,
            {f"layer {number}": cell.run() for number, cell in enumerate(cells, 1)},
            None if output.attention is None else output.attention[0],
            log_probabilities[0],
        )


def _named(ahead: Sequence[LayerRun], back: Sequence[LayerRun]) -> Iterator[tuple[str, LayerRun]]:
    """The layers of an encoder in the order in which they are computed."""
    for i, run in enumerate(ahead):
        yield f"layer {i + 1}" + (", left to right" if back else ""), run
        if back:
            yield f"layer {i + 1}{RIGHT_TO_LEFT}", _flipped(back[i])


def _flipped(run: LayerRun) -> LayerRun:
    """The steps of a layer that read a sentence backwards, in the order of the sentence."""
    gates = {name: gate.flip(0) for name, gate in run.gates.items()}
    return LayerRun(gates, tuple(each.flip(0) for each in run.before), tuple(each.flip(0) for each in run.states))


def _pieces(labels: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """The text that each label adds to a line: copied texts and words of a vocabulary of words take a space before."""
    starts = set(vocabulary.surfaces) if not vocabulary.whole_words else set()
    parts = [label if label in starts or vocabulary.kind == "character" else f" {label}" for label in labels]
    parts[0] = parts[0].removeprefix(" ")
    return ["" if label == SPECIALS[END] else part for label, part in zip(labels, parts)]
