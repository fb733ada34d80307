"""Questions about pictures: any source of `question_answering/question_files.py` as one typed list, with a report.

What a file is made of must be right, but what it says need not be: an empty question, or one whose picture or answer is
missing, is left out and reported.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from question_answering.question_files import read_entries
from s2s.errors import check, counted
from s2s.text.word_marks import words_of

LONGEST = 256  # words that are read of a question; a text without an end must not take all memory
_SHOWN = 3  # places that a report shows for each reason
_IMAGES = "images"  # the folder that is looked for beside a file of questions


@dataclass(frozen=True)
class Question:
    """A question about a picture.

    Attributes:
        picture: its file
        text: as it was written, in Unicode's NFC
        words: in lower case, at most `LONGEST`
        answers: of one person or several, as `normalised`
        kind: by which accuracy is reported; may be empty
        where: such as `line 17 of mine.csv`
    """

    picture: Path
    text: str
    words: tuple[str, ...]
    answers: tuple[str, ...]
    kind: str
    where: str

    @property
    def answer(self) -> str:
        """What most people answered; of several such answers the one that was given first."""
        return Counter(self.answers).most_common(1)[0][0]


def normalised(answer: str) -> str:
    """An answer as it is learned and compared: in lower case, single spaces, no full stop at its end."""
    return " ".join(unicodedata.normalize("NFC", answer).lower().split()).removesuffix(".").rstrip()


def question_words(text: str) -> tuple[list[str], int]:
    """The words of a question that are read, and how many at its end are not."""
    words = [word.lower() for word in words_of(unicodedata.normalize("NFC", text), tokenise=True)]
    return words[:LONGEST], max(0, len(words) - LONGEST)


def read_questions(source: Path, images: Path | None = None) -> tuple[list[Question], str]:
    """Read questions with their answers, in any format.

    Args:
        source: a file, or a folder of COCO-QA
        images: the folder that names of pictures are relative to. By default it is that of `source`, or `images` in it

    Returns:
        the questions, and a report of one line.

    Raises:
        UserError: the source cannot be read, or no question is left.
    """
    folders = picture_folders(source, images)
    kept: list[Question] = []
    dropped: dict[str, list[str]] = {reason: [] for reason in ("missing image", "empty question", "no answer")}
    long, total, absent = list[str](), 0, ""
    for entry in read_entries(source):
        total += 1
        picture = find_picture(folders, entry.images)
        words, left_out = question_words(entry.question)
        answers = tuple(filter(None, map(normalised, entry.answers)))
        if left_out:
            long.append(entry.where)
        if picture is None:
            absent = absent or str(folders[0] / entry.images[0])
            dropped["missing image"].append(entry.where)
        elif not words:
            dropped["empty question"].append(entry.where)
        elif not answers:
            dropped["no answer"].append(entry.where)
        else:
            text = " ".join(unicodedata.normalize("NFC", entry.question).split())
            kept.append(Question(picture, text, tuple(words), answers, entry.kind, entry.where))
    looked = f" (there is no {absent})" if absent else ""
    check(kept, f"{source}: no question with a picture and an answer is left{looked}; check pictures and answers")
    dropped[f"of more than {LONGEST} words, read in part"] = long
    reasons = ", ".join(_reason(reason, places) for reason, places in dropped.items())
    return kept, f"{source}: kept {len(kept):,} of {counted(total, 'question')}: {reasons}"


def picture_folders(source: Path, images: Path | None) -> Sequence[Path]:
    """The folders in which the pictures of a file of questions are looked for."""
    if images is not None:
        check(images.is_dir(), f"{images}: is no folder; name the one with the pictures of {source}")
        return [images]
    home = source if source.is_dir() else source.parent
    return [home, home / _IMAGES]


def find_picture(folders: Iterable[Path], names: Sequence[str]) -> Path | None:
    """The first file of such a name in such a folder, whichever way its accents are stored."""
    for folder in folders:
        for name in names:
            for form in dict.fromkeys([name, *(unicodedata.normalize(each, name) for each in ("NFC", "NFD"))]):
                path = folder / form
                if form and os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for a name that is too long
                    return path
    return None


def _reason(reason: str, places: Sequence[str]) -> str:
    more = ", ..." if len(places) > _SHOWN else ""
    return f"{reason} {len(places):,}" + (f" ({', '.join(places[:_SHOWN])}{more})" if places else "")


def picture_count(questions: Iterable[Question]) -> int:
    """How many different pictures the questions are about."""
    return len({question.picture for question in questions})
