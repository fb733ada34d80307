"""Writing, the last stage of a translation: hypotheses to text, with copied texts, marks and capitals put in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from s2s.decoding.results import Sentence, Translation
from s2s.text.casing import Case
from s2s.text.tokens import END, PLACEHOLDERS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary
from translation.copying import Copies, copy_words
from translation.cutting import CutLine
from translation.piece import Piece
from translation.placing import Insertion, Placer, decode_copies, insert, stand_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from s2s.decoding.search import Hypothesis

_NO_LINE_ENDS = str.maketrans("\n\r", "  ")
_FINAL = re.compile(r"[.!?…]+(?=[\"'”’»)]*$)")
_STOP_BEFORE_COPY = re.compile(rf"[.!?…]+ ?([{PLACEHOLDERS}{UNKNOWN_CHARACTER}\U000f0000-\U000fffff])")
_MOST_WEIGHTS = 1 << 22  # of the attention of a line that was cut: 16 MB


@dataclass(frozen=True)
class Writer:
    """Writes the translation of a line from the hypotheses for its pieces.

    Attributes:
        source: the vocabulary of the pieces
        target: the vocabulary of the hypotheses
        n_best: translations of a line at most. Hypotheses may be the same text, in other subwords: only the best of
            them is kept.
        spaces: whether the target language writes spaces between sentences
        rewrite_copy: makes what is written of a text that is copied; nothing is changed if it is left out
        align: whether the words of the best translation are linked to those of the line
    """

    source: Vocabulary
    target: Vocabulary
    n_best: int
    spaces: bool
    rewrite_copy: Callable[[str], str] = str
    align: bool = False

    def write(self, line: CutLine, hypotheses: Sequence[Sequence[Hypothesis]]) -> Translation:
        """The translation of a line; `hypotheses` holds those for each of its pieces, best first.

        A piece without hypotheses is copied as it is, but for terms of a glossary.
        """
        pieces = [self._sentences(piece, found) for piece, found in zip(line.pieces, hypotheses, strict=True)]
        if not pieces:  # blank, or nothing but separators such as "<br/>"
            (text,) = line.between
            blank = Sentence(_on_one_line(text) if text.strip() else "", 0.0)
            return Translation((blank,), alignment=() if self.align else None)
        between = self._between(line)
        n_best = tuple(islice(_distinct(self._joined(pieces, between)), self.n_best))
        links = None
        if self.align:
            from translation.alignment import align_line

            links = align_line(line, n_best[0].text, [of[0] for of in pieces], between)
        return Translation(n_best, line.source_tokens, len(pieces), line.is_long, line.places, links)

    def _sentences(self, piece: Piece, hypotheses: Sequence[Hypothesis]) -> list[Sentence]:
        if not hypotheses:
            return [Sentence(piece.untranslated, 0.0, (), np.zeros((0, len(piece.ids) + 1), np.float32))]
        sentences = (self.write_hypothesis(each, piece) for each in hypotheses)
        return list(islice(_distinct(sentences), self.n_best))

    def _between(self, line: CutLine) -> list[str]:
        """What is written around the sentences: what stood there, with spaces as the target language has them."""
        first, *inner, last = line.between
        if self.spaces:
            return [first, *(text or " " for text in inner), last]
        return [first, *("" if set(text) <= {" "} else text for text in inner), last]

    def _joined(self, pieces: Sequence[Sequence[Sentence]], between: Sequence[str]) -> Iterator[Sentence]:
        """The n best of a line: the k-th best of each piece joined, or the last one of a piece that has fewer."""
        weights = sum(of[0].attention.size for of in pieces if of[0].attention is not None) * len(pieces)
        for rank in range(max(map(len, pieces))):
            chosen = [sentences[min(rank, len(sentences) - 1)] for sentences in pieces]
            texts = (f"{sentence.text}{after}" for sentence, after in zip(chosen, between[1:]))
            text = _on_one_line(between[0] + "".join(texts))
            if len(chosen) == 1:
                yield replace(chosen[0], text=text, attention=chosen[0].attention if chosen[0].tokens else None)
                continue
            scored = [sentence for sentence in chosen if sentence.tokens] or chosen
            yield Sentence(
                text,
                sum(sentence.score for sentence in scored) / len(scored),
                tuple(token for sentence in chosen for token in sentence.tokens),
                _joined_attention(chosen) if weights <= _MOST_WEIGHTS else None,
            )

    def write_hypothesis(self, hypothesis: Hypothesis, piece: Piece) -> Sentence:
        """The sentence of one hypothesis for a piece, with the copies, marks, capitals and final mark of the piece."""
        tokens, attention = hypothesis.tokens, hypothesis.attention
        labels = self.target.tokens([*tokens, END] if hypothesis.finished else tokens)
        looked = None
        if attention is not None:
            attention = np.asarray(attention)
            looked = _on_picture(attention, piece)
            attention = attention[:, : len(piece.ids) + 1]  # (tokens, source tokens): without padding
        copied = any(token == UNK or token >= self.target.first_placeholder for token in tokens)
        if piece.copies or piece.marks or piece.capitals or copied:
            copies = copy_words(tokens, attention, piece, self.target, self.source)
            text = self._restored(tokens, attention, copies, piece)
            for step, copy in copies.texts.items():
                labels[step] = copy or labels[step]
        else:
            text = decode_copies(tokens, Copies({}, {}, {}), self.target)
            text = piece.case.apply(self._with_final_mark(text, piece))
        return Sentence(text.strip() or piece.text, hypothesis.score, tuple(labels), attention, looked)

    def _restored(
        self, tokens: Sequence[int], attention: NDArray[np.float32] | None, copies: Copies, piece: Piece
    ) -> str:
        """The text of a hypothesis with all that its source has beside words.

        Each copied text and each mark is a character of private use until the capitals are written: they stay as they
        are.
        """
        text = decode_copies(tokens, copies, self.target)
        if not _STOP_BEFORE_COPY.search("".join(piece.tokens)):
            # A placeholder that the model forgot is written where the sentence would have ended, behind its full stop.
            text = _STOP_BEFORE_COPY.sub(r" \1", text)
        text = self._with_final_mark(text, piece)
        texts = {stand_in(step): self.rewrite_copy(copied) for step, copied in copies.texts.items()}
        placer = Placer(tokens, text, attention, copies, piece, self.target)
        insertions: list[Insertion] = []
        if not self.target.whole_words:  # a vocabulary of words leaves out unknown words where it has learned to
            for number, insertion in enumerate(placer.insertions(), len(tokens)):
                texts[stand_in(number)] = insertion.text
                insertions.append(replace(insertion, text=stand_in(number)))
        for start, end in placer.capitals():  # one character for one, so that the offsets stay valid
            text = text[:start] + Case.UPPER.apply(text[start:end]) + text[end:]
        text = piece.case.apply(insert(text, insertions))
        text = re.sub(" {2,}", " ", text)  # a token that was dropped leaves the spaces on both sides of it
        return "".join(texts.get(character, character) for character in text)

    def _with_final_mark(self, text: str, piece: Piece) -> str:
        """The text with the final mark of the source in the place of its own: "?" and "!" stay, a heading has no stop.

        Languages without spaces have marks of their own, and in a vocabulary of words the mark may be a part of one.
        """
        if not self.spaces or self.target.whole_words:
            return text
        found, mark = _FINAL.search(text), piece.final_mark
        if found and found[0] != mark:
            return text[: found.start()] + mark + text[found.end() :]
        return text if found or not mark or not text else text + mark


def _on_picture(attention: NDArray[np.float32], piece: Piece) -> NDArray[np.float32] | None:
    """The attention to the cells of the picture, (tokens, rows, columns), which stand behind the words."""
    if piece.picture is None:
        return None
    rows, columns = piece.picture.cells.shape[1:3]
    return attention[:, -rows * columns :].reshape(-1, rows, columns)


def _joined_attention(sentences: Sequence[Sentence]) -> NDArray[np.float32] | None:
    """The attention of sentences to their own parts of the line, (tokens, source tokens), each beside the last one."""
    parts = [sentence.attention for sentence in sentences if sentence.attention is not None]
    if len(parts) < len(sentences):
        return None
    joined = np.zeros((sum(len(part) for part in parts), sum(part.shape[1] for part in parts)), np.float32)
    row = column = 0
    for part in parts:
        joined[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return joined


def _on_one_line(text: str) -> str:
    r"""The text without line ends: `\r` may have been copied from the source."""
    return text.translate(_NO_LINE_ENDS)


def _distinct(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """The first sentence of each text."""
    texts = set[str]()
    for sentence in sentences:
        if sentence.text not in texts:
            texts.add(sentence.text)
            yield sentence
