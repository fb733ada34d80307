"""The results of translating and captioning: the best sentences for one input, with their scores and attention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FLAT = "the picture is one colour, so that there is nothing to describe"  # the first reason to doubt its caption


@dataclass(frozen=True)
class Sentence:
    """One sentence that a model wrote.

    Attributes:
        text: without a line end
        score: its length-normalised log-probability, higher is better; if it was joined from several pieces, their mean
        tokens: one label per token; the last is `</s>` unless the sentence reached its maximum length
        attention: float32, how much each token attended to each position of the input: (tokens, source tokens) for a
            translation, (tokens, rows, columns) for a caption. None if the decoder has no attention, or if a line was
            cut into so many pieces that it would take too much memory.
        picture_attention: float32 (tokens, rows, columns), how much each token of a translation attended to the cells
            of the photograph beside the line; None without one, or if the line was translated in several pieces
    """

    text: str
    score: float
    tokens: tuple[str, ...] = ()
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    picture_attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Result:
    """The best sentences for one input.

    Attributes:
        n_best: different sentences, best first
        confidence: the probability that the best sentence is acceptable, 0 to 1 (see s2s/decoding/confidence.py); None
            if the model's confidence is not calibrated, or if the input was not given to the model
        doubtful: whether the confidence is below the threshold of the calibration
        reasons: what lowers the confidence, in words, the most important first
    """

    n_best: tuple[Sentence, ...]
    confidence: float | None = field(default=None, kw_only=True)
    doubtful: bool = field(default=False, kw_only=True)
    reasons: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def text(self) -> str:
        """The text of the best sentence; empty if there is none."""
        return self.n_best[0].text if self.n_best else ""

    @property
    def score(self) -> float:
        """The score of the best sentence; minus infinity if there is none."""
        return self.n_best[0].score if self.n_best else float("-inf")

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the best sentence; empty if there is none."""
        return self.n_best[0].tokens if self.n_best else ()

    @property
    def attention(self) -> NDArray[np.float32] | None:
        """The attention of the best sentence, see `Sentence`; None if there is none."""
        return self.n_best[0].attention if self.n_best else None


@dataclass(frozen=True)
class WrittenTerm:
    """A term of a glossary in a line.

    Attributes:
        source: as it stands in the line
        target: what the glossary asks for; the source, if it is to stay as it is
        written: whether the best translation holds it
    """

    source: str
    target: str
    written: bool


@dataclass(frozen=True)
class Translation(Result):
    """The translations of one line, best first; never empty.

    Attributes:
        source_tokens: one label per token that was read, `</s>` at the end of each piece: the columns of `attention`;
            empty if the line is blank
        pieces: how many pieces the line was cut into: its sentences, and parts of long ones
        is_long: whether a sentence was longer than all sentences of the training text, so that it was cut into parts
        places: where each piece stands in the line: its start and end, in code points of the line in NFC
        alignment: which words of the line and of the best translation belong together, as pairs of their numbers (see
            translation/alignment.py); None unless it was asked for
        terms: of the glossary, in the order of the line
        prefix_kept: whether the best translation begins with the prefix that was asked for, if any
    """

    source_tokens: tuple[str, ...] = ()
    pieces: int = 1
    is_long: bool = False
    places: tuple[tuple[int, int], ...] = ()
    alignment: tuple[tuple[int, int], ...] | None = None
    terms: tuple[WrittenTerm, ...] = ()
    prefix_kept: bool = True


@dataclass(frozen=True)
class Caption(Result):
    """The captions of one picture, best first; empty if the picture could not be read.

    Attributes:
        name: the path of its file as it was given, or `picture N` for the N-th picture if it was not a file
        problem: why it could not be read; empty if it could
        extent: height and width of the part of the CNN's input that the photograph fills, as fractions; less than 1
            where the photograph was padded to a square
    """

    name: str = ""
    problem: str = ""
    extent: tuple[float, float] = (1.0, 1.0)
