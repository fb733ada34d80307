"""The keys of recipes for classifiers and taggers (TOML files such as those in labelling/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelling.corpus import LabelledText, joined, read_table, read_tagged
from labelling.schemes import SchemeName
from labelling.token_lines import FormatName, Layout
from s2s.config import option
from s2s.errors import UserError
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import ClassifierHeadConfig, SpellingConfig, TaggerHeadConfig
from s2s.nn.configuration import MAX_UNITS
from s2s.storage.bundled import find_model
from s2s.training.configuration import TrainingConfig


@dataclass(frozen=True)
class VocabularyConfig:
    """Which words are known."""

    threshold: int = option(1, low=1, help="how often a word must occur in the training text to be known")
    lower_case: bool = option(True, help="look words up in lower case; spellings keep their case")
    unknown: float = option(
        0.25,
        low=0,
        help="alpha: in training, a word that occurs c times is read as unknown in alpha / (alpha + c) of its places "
        "(Kiperwasser & Goldberg, 2016), so that the model learns what to make of unknown words",
    )


@dataclass(frozen=True)
class TableConfig:
    """Labelled sentences: one a line, label and sentence parted by a tab."""

    train: tuple[Path, ...] = option(help="one file or several, plain or compressed with gzip")
    validation: Path = option()
    columns: tuple[int, int] = option((1, 2), low=1, help="of the label and of the sentence, counted from 1")
    tokenise: bool = option(
        True,
        help="tell words and punctuation apart, as treebanks do (`do n't`, `good .`); else white space parts words",
    )

    def problems(self) -> Iterator[str]:
        """Report files that are missing."""
        yield from _missing(self.train, self.validation)

    def read(self) -> tuple[LabelledText, LabelledText]:
        """The text to train and the text to validate on."""
        train, validation = (
            joined([read_table(path, self.columns, tokenise=self.tokenise) for path in paths])
            for paths in (self.train, [self.validation])
        )
        return train, validation


@dataclass(frozen=True)
class TokenFilesConfig:
    """Tagged words: one a line, an empty line behind each sentence."""

    train: tuple[Path, ...] = option(help="one file or several, plain or compressed with gzip")
    validation: Path = option()
    format: FormatName = option("columns", help="columns, parted by tabs or spaces; or conllu")
    word_column: int | None = option(None, low=1, help="counted from 1; by default 1, or 2 of CoNLL-U")
    tag_column: int | None = option(None, low=1, help="by default 2, or 4 of CoNLL-U (UPOS)")
    scheme: SchemeName = option("none", help="of spans: IOB1, IOB2 or BIOES; none if tags are no spans")

    @property
    def layout(self) -> Layout:
        """Where words and tags stand."""
        return Layout(self.format, self.word_column, self.tag_column)

    def problems(self) -> Iterator[str]:
        """Report files that are missing, and columns that cannot be."""
        yield from _missing(self.train, self.validation)
        word, tag = self.layout.columns
        if word == tag:
            yield "word_column and tag_column are the same"

    def read(self, scheme: SchemeName) -> tuple[LabelledText, LabelledText]:
        """The text to train and the text to validate on, with its tags in a scheme."""
        train, validation = (
            joined([read_tagged(path, self.layout, self.scheme, scheme) for path in paths])
            for paths in (self.train, [self.validation])
        )
        return train, validation


@dataclass(frozen=True, kw_only=True)
class LabellingRecipe:
    """What recipes for classifiers and for taggers share."""

    batch: int = option(32, low=1, help="sentences of an update")
    embedding_dim: int = option(200, low=1, high=MAX_UNITS, help="of a word")
    label_smoothing: float = option(0.0, low=0, below=1)
    r_drop: float = option(0.0, low=0, help="alpha of R-Drop (Wu et al., 2021); a step needs twice the time and memory")
    vocabulary: VocabularyConfig = VocabularyConfig()
    encoder: RecurrentEncoderConfig = RecurrentEncoderConfig(dim=128)
    training: TrainingConfig = TrainingConfig()
    start: Path | None = option(
        None,
        help="a model whose text encoder this one begins with, such as the bundled translator en-de: a model "
        "directory, or the name of a bundled model",
    )

    def problems(self) -> Iterator[str]:
        """Report a model to begin with that is not there."""
        if self.start is not None:
            try:
                find_model(self.start)
            except UserError as error:
                yield f"start: {error}"


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe(LabellingRecipe):
    """A whole recipe of a classifier."""

    data: TableConfig
    spelling: SpellingConfig | None = option(None, help="a layer over the characters of words")
    head: ClassifierHeadConfig = ClassifierHeadConfig()


@dataclass(frozen=True, kw_only=True)
class TaggerRecipe(LabellingRecipe):
    """A whole recipe of a tagger."""

    data: TokenFilesConfig
    spelling: SpellingConfig | None = option(SpellingConfig(), help='a layer over the characters of words, or "none"')
    scheme: SchemeName = option("none", help="that the model learns and decodes by; none for that of the files")
    head: TaggerHeadConfig = TaggerHeadConfig()

    @property
    def learned_scheme(self) -> SchemeName:
        """The scheme of the labels."""
        return self.data.scheme if self.scheme == "none" else self.scheme

    def problems(self) -> Iterator[str]:
        """Report a model that is not there, and a scheme to learn where the files have none."""
        yield from super().problems()
        if self.scheme != "none" and self.data.scheme == "none":
            yield "scheme needs data.scheme, that of the files"


Recipe = ClassifierRecipe | TaggerRecipe


def _missing(train: tuple[Path, ...], validation: Path) -> Iterator[str]:
    if not train:
        yield "there is no text to train on: set train"
    for path in [*train, validation]:
        if not path.is_file():
            yield f"{path} is not a file (paths are relative to the current directory)"
