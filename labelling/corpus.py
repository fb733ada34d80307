"""Labelled text: sentences with one label each, or with one label a word, as files hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelling.schemes import SchemeError, SchemeName, converted
from labelling.token_lines import Layout, sentences_of
from s2s.errors import UserError, check
from s2s.text.lines import read_lines
from s2s.text.word_marks import words_of


@dataclass(frozen=True)
class LabelledText:
    """Sentences and their labels.

    Attributes:
        sentences: the words of each, at least one
        labels: of each sentence: one, or one for each word
        places: the file of each sentence, and the lines (from 1) of its labels
    """

    sentences: Sequence[Sequence[str]]
    labels: Sequence[Sequence[str]]
    places: Sequence[tuple[Path, Sequence[int]]]

    def __len__(self) -> int:
        return len(self.sentences)

    def place(self, sentence: int, label: int) -> str:
        """Where a label of a sentence stands, for messages."""
        path, lines = self.places[sentence]
        return f"{path}: line {lines[label]}"


def joined(texts: Sequence[LabelledText]) -> LabelledText:
    """Several texts as one."""
    return LabelledText(
        [sentence for text in texts for sentence in text.sentences],
        [labels for text in texts for labels in text.labels],
        [place for text in texts for place in text.places],
    )


def read_table(path: Path, columns: tuple[int, int], *, tokenise: bool) -> LabelledText:
    """Read one labelled sentence a line; columns are parted by tabs, without a header.

    Args:
        path: the file
        columns: of the label and of the sentence, counted from 1
        tokenise: see `words_of`

    Raises:
        UserError: the file is empty, or a line has no label or no sentence; the message names the line.
    """
    sentences, labels, places = [], [], []
    for number, line in enumerate(read_lines(path), 1):
        fields, where = line.split("\t"), f"{path}: line {number}"
        needed = max(columns)
        check(
            len(fields) >= needed,
            f"{where} has {len(fields)} of {needed} columns; put a tab between label and sentence",
        )
        label, words = fields[columns[0] - 1].strip(), words_of(fields[columns[1] - 1], tokenise=tokenise)
        check(label, f"{where} has no label; write one in column {columns[0]}, or remove the line")
        check(words, f"{where} has a label and no sentence; write one in column {columns[1]}, or remove the line")
        sentences.append(words)
        labels.append([label])
        places.append((path, [number]))
    check(sentences, f"{path} is empty: give a file of labelled sentences, one a line: label, tab, sentence")
    return LabelledText(sentences, labels, places)


def read_tagged(path: Path, layout: Layout, scheme: SchemeName, target: SchemeName) -> LabelledText:
    """Read a file with one tagged word per line; the tags are converted to the scheme `target`.

    Args:
        path: the file
        layout: of its lines
        scheme: that its tags follow
        target: the scheme of the result; "none" for that of the file

    Raises:
        UserError: the file is empty, a line is short, or a tag is missing or does not follow the scheme; the message
            names the line.
    """
    sentences, labels, places = [], [], []
    for rows in sentences_of(read_lines(path), layout, str(path)):
        tags = list[str]()
        for row in rows:
            problem = f"has no tag in column {layout.columns[1] + 1}; write one, or name another column"
            check(row.tag and row.tag.strip(), f"{path}: line {row.number} {problem}")
            tags.append(str(row.tag))
        try:
            changed = converted(tags, scheme, scheme if target == "none" else target)
        except SchemeError as error:
            line = rows[error.position].number
            raise UserError(f"{path}: line {line}: {error}; correct it, or set another scheme") from error
        sentences.append([row.word for row in rows])
        labels.append(changed)
        places.append((path, [row.number for row in rows]))
    check(sentences, f"{path} is empty: give a file of tagged words, one a line, with an empty line behind a sentence")
    return LabelledText(sentences, labels, places)
