"""What an engine gives to `Answerer`, whichever computes: PyTorch or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from question_answering.assets import Assets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.decoding.search import Hypothesis
    from s2s.text.padding import Padded
    from s2s.vision.batches import PixelBatch


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """What the CNN makes of a batch of pictures.

    Attributes:
        cells: (pictures, positions, dim) float32
        mask: (pictures, positions), True where a cell shows a part of the photograph; None if all do
        grid: rows and columns of the positions
    """

    cells: NDArray[np.float32]
    mask: NDArray[np.bool_] | None
    grid: tuple[int, int]

    def pick(self, rows: Sequence[int]) -> SeenPictures:
        """The pictures of these rows, in this order."""
        chosen = list(rows)
        return SeenPictures(self.cells[chosen], None if self.mask is None else self.mask[chosen], self.grid)


@dataclass(frozen=True, eq=False)
class Scores:
    """What the network says of a batch of questions.

    Attributes:
        log_probabilities: (questions, answers), natural logarithms
        hops: (questions, hops, positions), the weights of the cells in each hop
        words: (questions, words), the weights of the words; None where questions are not read by attention
        blind: (questions, answers), log-probabilities of the network that does not see the picture; None if not asked
        written: of each question the written answers, best first; None if not asked
    """

    log_probabilities: NDArray[np.float32]
    hops: NDArray[np.float32]
    words: NDArray[np.float32] | None
    blind: NDArray[np.float32] | None = None
    written: Sequence[Sequence[Hypothesis]] | None = None


class See(Protocol):
    """The picture encoder of an engine."""

    def __call__(self, pictures: PixelBatch) -> SeenPictures:
        """Pixels to cells."""
        ...


class Scorer(Protocol):
    """The rest of the network of an engine."""

    def __call__(self, pictures: SeenPictures, questions: Padded, *, blind: bool = False, written: int = 0) -> Scores:
        """Score the answers to questions.

        Args:
            pictures: a row for each question
            questions: as NumPy arrays
            blind: whether the blind network answers too
            written: how many answers the decoder writes to each question
        """
        ...


@dataclass(frozen=True)
class AnsweringEngine(Assets):
    """A model that is ready to answer.

    Attributes:
        see: computes what the CNN makes of pictures
        score: computes the rest
        precision: of matrix products, or of the stored weights
    """

    see: See
    score: Scorer
    precision: str
