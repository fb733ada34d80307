"""What translating and captioning return: a sentence with its score, its tokens, and where each of them looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class Translation:
    """One way to say a line in the other language.

    Attributes:
        text: the sentence, without a line end
        score: its length-normalised log-probability, higher is better; of several pieces, their mean
        tokens: its tokens' surfaces, END last where it ended by itself
        attention: (tokens, source tokens), where each token looked; None where no model was asked, or more than once
        pieces: how many pieces the line was cut into; more than 1 where it is longer than any that was trained on
    """

    text: str
    score: float
    tokens: list[str]
    attention: Tensor | None
    pieces: int = 1


@dataclass(frozen=True)
class Caption:
    """One way to say what is on a picture.

    Attributes:
        text: as one would write it
        score: its length-normalised log-probability, higher is better
        tokens: its tokens' surfaces, END last where it ended by itself
        attention: (tokens, rows, columns), where each token looked; None where the decoder does not look
    """

    text: str
    score: float
    tokens: list[str]
    attention: Tensor | None


@dataclass(frozen=True)
class Captioned:
    """What came of a file: its captions, best first, or the reason why there is none.

    Attributes:
        path: of the file
        captions: empty where it failed
        problem: empty where it did not
        extent: height and width of what the photograph fills of the picture that the CNN saw, as shares
    """

    path: Path
    captions: Sequence[Caption] = ()
    problem: str = ""
    extent: tuple[float, float] = (1.0, 1.0)
