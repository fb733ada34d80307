"""Configuration of a classifier or tagger, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelling.schemes import SchemeName
from s2s.config import option
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import ClassifierHeadConfig, HeadConfig, SpellingConfig, TaggerHeadConfig
from s2s.nn.configuration import MAX_UNITS

CLASSIFIER, TAGGER = ClassifierHeadConfig.kind, TaggerHeadConfig.kind  # kinds of model directories
MAX_LABELS = 10_000  # a model may be a stranger's


@dataclass(frozen=True)
class LabellingConfig:
    """Everything that is needed to build the network for stored weights, and to read text as in training."""

    labels: tuple[str, ...] = option(help="in the order of the scores")
    head: HeadConfig = option()
    embedding_dim: int = option(low=1, high=MAX_UNITS, help="of a word")
    lower_case: bool = option(help="whether words are looked up in lower case; spellings keep their case")
    tokenise: bool = option(False, help="classifier: whether words and punctuation are told apart in a line")
    spelling: SpellingConfig | None = option(None, help="what reads the characters of words")
    encoder: RecurrentEncoderConfig = RecurrentEncoderConfig()
    scheme: SchemeName = option("none", help="tagger: of the labels")
    written_scheme: SchemeName = option("none", help="tagger: of the tags that are written")

    def problems(self) -> Iterator[str]:
        """Report labels that are none, too many, or the same."""
        yield from label_problems(self.labels)


def label_problems(labels: Sequence[str]) -> Iterator[str]:
    """Report labels that are none, too many, or the same."""
    if not 0 < len(labels) <= MAX_LABELS or len(set(labels)) < len(labels):
        yield f"labels must be 1 to {MAX_LABELS:,} different texts"
    if any(not label or {"\n", "\t"} & set(label) for label in labels):
        yield "a label must be text without tabs and line ends"
