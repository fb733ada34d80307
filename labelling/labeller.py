"""What `Classifier` and `Tagger` share: a model that is loaded by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from labelling.engine import LabellingEngine, SentenceScores
from labelling.loading import load_engine

if TYPE_CHECKING:
    from s2s.nn.configuration import DecodingPrecision
    from s2s.runtime.engine_options import EngineName

BATCH_WORDS = 4096  # of a batch, with its padding
LONGEST = 4096  # words that the network reads at once; a text without line ends must not take all memory


class Labeller:
    """A model that labels text.

    Attributes:
        kind: of its model directory
        engine: the model
    """

    kind: ClassVar[str]

    def __init__(self, engine: LabellingEngine) -> None:
        self.engine = engine

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        *,
        engine: EngineName = "auto",
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        threads: int | None = None,
    ) -> Self:
        """Load a model.

        Args:
            model: a model directory, or the name of a bundled model; None for the first bundled one
            engine, device, precision, threads: see `EngineOptions`

        Raises:
            UserError: there is no such model, or it cannot be run so.
        """
        return cls(load_engine(model, cls.kind, engine=engine, device=device, precision=precision, threads=threads))

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that the model knows."""
        return self.engine.assets.config.labels

    def _scores(self, sentences: Sequence[Sequence[str]]) -> Iterator[SentenceScores]:
        return self.engine.scores(sentences, BATCH_WORDS)
