"""The translator: lines of text to translations, one per line and in order, in three stages.

cut      lines       -> CutLine      the pieces that the model reads       translation/cutting.py
search   Piece       -> Hypothesis   the tokens that the model writes      translation/searching.py
write    Hypothesis  -> Translation  text, with unknown words copied       translation/writing.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s2s.decoding.confidence import Features
from s2s.decoding.ensemble import Ensemble
from s2s.decoding.loops import word_table
from s2s.decoding.results import Translation
from s2s.decoding.search import BeamOptions, Hypothesis, SamplingOptions, SearchOptions
from s2s.errors import UserError, check, counted
from s2s.nn.configuration import DecodingPrecision
from s2s.runtime.engine_options import EngineName, EngineOptions
from s2s.storage.bundled import find_model
from s2s.storage.light_form import LightModel
from s2s.text.languages import writes_spaces
from s2s.text.numbers import localise_number
from translation.confidence import features, judge
from translation.configuration import KIND, MODELS
from translation.cutting import CutLine, cut
from translation.engine import TranslationEngine
from translation.reading import Reader
from translation.searching import SPELLING_WIDTH, Searcher
from translation.terms import TermFinder, written_terms
from translation.writing import Writer

if TYPE_CHECKING:  # at run time imported when it is first needed: most translations need none of it
    from s2s.vision.grids import Features as PictureFeatures
    from translation.glossary import Glossary
    from translation.pictures import PictureSource
    from translation.prefixing import PrefixReader
    from translation.scoring import ScoredTranslation, Scorer
    from translation.target_reading import TargetReader

Place = tuple[int, ...]

DEFAULT_MODEL = "en-de"


class Translator:
    """Translates lines with a model.

        translator = Translator.load("en-de")
        for translation in translator.translate(["A man is sleeping.", "Two dogs play."]):
            print(translation.text, translation.score)

    Each translation has a confidence if the model is calibrated (see translation/confidence.py) and translates alone.

    Args:
        engine: the model
        options: of the search; a width of 1 searches greedily. Fewer than `n_best` translations are returned if
            hypotheses are the same text in other subwords; a wider beam finds more.
        others: models with the same vocabularies, which translate together with it: an ensemble
        batch_tokens: padded source tokens times hypotheses in a batch, which bounds the memory; each core has one
            batch. None for the engine's own number
        localise_numbers: whether numbers are written as in the target language, `1,234.5` as `1.234,5`
        align: whether each translation has a word alignment (see translation/alignment.py)
        glossary: how terms have to be translated, and terms that stay as they are; see translation/glossary.py
    """

    def __init__(
        self,
        engine: TranslationEngine,
        options: SearchOptions | None = None,
        *,
        others: Sequence[TranslationEngine] = (),
        batch_tokens: int | None = None,
        localise_numbers: bool = False,
        align: bool = False,
        glossary: Glossary | None = None,
    ) -> None:
        engines, config = [engine, *others], engine.config
        self.engine, self.options = engine, options or BeamOptions()
        self.max_source_length = min(each.config.max_source_length for each in engines)
        spaces = writes_spaces(config.target_language) or engine.target.whole_words
        tables = None
        if self.options.guard_loops:
            source, target = config.source_language, config.target_language
            tables = word_table(engine.source, source), word_table(engine.target, target)
        self.searcher = Searcher(
            Ensemble([each.network for each in engines]) if others else engine.network,
            self.options,
            source=engine.source,
            target=engine.target,
            word_tables=tables,
            length_ratio=max(each.config.length_ratio for each in engines),
            batch_tokens=batch_tokens or engine.batch_tokens,
            spaces=spaces,
        )
        self._set_terms(glossary)
        languages = {"source": config.source_language, "target": config.target_language}
        rewrite = partial(localise_number, **languages) if localise_numbers else str
        self._writer = Writer(engine.source, engine.target, self.options.n_best, spaces, rewrite, align)
        self.calibration = None if others else engine.calibration  # scores of an ensemble are others than its models'

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        options: SearchOptions | None = None,
        *,
        others: Sequence[Path | str] = (),
        engine: EngineName = "auto",
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        threads: int | None = None,
        batch_tokens: int | None = None,
        localise_numbers: bool = False,
        align: bool = False,
        glossary: Glossary | Mapping[str, str] | None = None,
    ) -> Translator:
        """Load a translator, or an ensemble.

        Args:
            model: a model directory or the name of a bundled model; None for the bundled model `en-de`
            options: of the search; None for those of the `translate` command
            others: further models, which translate together with the first
            engine, device, precision, threads: what computes; see `EngineOptions`
            batch_tokens, localise_numbers, align: see `Translator`
            glossary: see `Translator`; or targets by their sources, such as `{"dog": "Vierbeiner"}`

        Raises:
            UserError: a model is missing or damaged; the models have different languages or vocabularies; the engine,
                the device or the precision is not available; entries of the glossary contradict each other.
        """
        choice = EngineOptions(engine, device, precision, threads)
        names = [MODELS / DEFAULT_MODEL if model is None else model, *others]
        engines = list[TranslationEngine]()
        for name in names:
            engines.append(choice.load(find_model(name, KIND, MODELS), KIND, _light_engine, _torch_engine))
            engines[0].check_fits(engines[-1], f"{name} with {names[0]}")
        first, *rest = engines
        options = options or BeamOptions(stop_early=True)
        if isinstance(glossary, Mapping):
            from translation.glossary import Glossary

            glossary = Glossary.of(glossary)
        how: Any = {"batch_tokens": batch_tokens, "localise_numbers": localise_numbers, "align": align}
        return cls(first, options, others=rest, glossary=glossary, **how)

    def with_glossary(self, glossary: Glossary | None) -> Translator:
        """The same translator with other terms. The two share their model, which translates for one at a time."""
        other = copy(self)
        other.__dict__.pop("_scorer", None)  # which has the reader
        other._set_terms(glossary)
        return other

    def _set_terms(self, glossary: Glossary | None) -> None:
        engine, config = self.engine, self.engine.config
        known = engine.source.characters - set(config.rare_characters)
        self.terms = TermFinder(glossary, engine.target, known) if glossary else None
        self._reader = Reader(engine.source, config.source_language, config.rare_characters, self.terms)

    @cached_property
    def _target_reader(self) -> TargetReader:
        from translation.target_reading import TargetReader

        writer = self._writer
        return TargetReader(writer.source, writer.target, spaces=writer.spaces, rewrite_copy=writer.rewrite_copy)

    @cached_property
    def _prefix_reader(self) -> PrefixReader:
        from translation.prefixing import PrefixReader

        return PrefixReader(self._target_reader, self.engine.target, self.engine.config.target_language)

    @cached_property
    def _scorer(self) -> Scorer:
        from translation.scoring import Scorer

        language = self.engine.config.target_language
        return Scorer(self.searcher, self._reader, self._target_reader, self.max_source_length, language)

    def limits(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """The maximum number of tokens written for sources of such lengths, (n,) each, END included on both sides."""
        return self.searcher.limits(lengths)

    def translate(
        self,
        lines: Iterable[str],
        *,
        places: Sequence[Place] | None = None,
        prefixes: Sequence[str] | None = None,
        pictures: Sequence[PictureFeatures | None] | None = None,
    ) -> list[Translation]:
        """Translate each line; a blank line has an empty translation.

        Args:
            lines: of text
            places: of each line in its text, such as its number from 0; None for the numbers of these lines. Sampling
                draws the same for a line at the same place, in whatever batch, and differently for each place: who
                translates a text part by part counts on.
            prefixes: what the translation of each line begins with; empty for anything. Without a space at the end of
                a prefix, its last word may be the beginning of one. A translation that does not begin with its prefix,
                because the model cannot write it, has `prefix_kept` False.
            pictures: what `look` made of the photograph of each line; None for a line without one, or for no pictures

        Raises:
            UserError: `lines` is a single string, or one of them is not a string of Unicode characters; there are more
                or fewer prefixes or pictures than lines, or prefixes and a glossary.
        """
        listed = _checked(lines)
        wanted = [""] * len(listed) if prefixes is None else _checked_prefixes(prefixes, len(listed))
        check(
            not (self.terms and any(wanted)),
            "a glossary may move what a translation begins with: leave out the glossary, or the prefixes",
        )
        written = list[Translation]()
        for prefix, (line, found) in zip(wanted, self._search(listed, places, prefixes, pictures)):
            translation = self._judged(self._writer.write(line, found), line, found)
            written.append(_with_prefix(translation, prefix, line) if prefix else translation)
        return written

    def look(self, picture: PictureSource) -> PictureFeatures:
        """See a photograph, for `translate`.

        Args:
            picture: the path of a file, a PIL image, or an array of uint8 (height, width, 3)

        Raises:
            UserError: the model sees no pictures.
            ImageError: the picture cannot be read.
        """
        check(
            self.engine.look and not isinstance(self.searcher.network, Ensemble),
            "this model sees no pictures: train one with a section [picture] in the recipe, and use it alone",
        )
        return self.engine.look(picture)  # type: ignore[misc]  # it is no None here

    def score(
        self, lines: Iterable[str], translations: Iterable[str], *, width: int = SPELLING_WIDTH, align: bool = False
    ) -> list[ScoredTranslation]:
        """Score a given translation of each line, with the length penalty of the search.

        Args:
            lines: of the source
            translations: one for each line
            width: of the beam that looks for the likeliest subwords of a translation; 1 takes the fewest alone
            align: whether the words of each pair are linked

        Raises:
            UserError: as `translate` does; the counts of lines and translations differ; words are to be linked, and the
                model has no attention.
        """
        sources, targets = _checked(lines), _checked(translations)
        check(
            len(sources) == len(targets),
            f"{counted(len(sources), 'line')} and {counted(len(targets), 'translation')}: give one "
            "translation for each line",
        )
        return self._scorer.score(sources, targets, width=width, align=align)

    def with_features(self, lines: Iterable[str]) -> list[tuple[Translation, Features | None]]:
        """Translate as `translate` does, and return the features of each line's confidence, for a calibration.

        They are None for a line that is blank, copied, or cut into several pieces.
        """
        found = self._search(_checked(lines))
        return [(self._writer.write(line, of_line), _features(line, of_line)) for line, of_line in found]

    def _search(
        self,
        lines: Sequence[str],
        places: Sequence[Place] | None = None,
        prefixes: Sequence[str] | None = None,
        pictures: Sequence[PictureFeatures | None] | None = None,
    ) -> Iterator[tuple[CutLine, list[list[Hypothesis]]]]:
        """Each line in its pieces, and the hypotheses for each piece."""
        cut_lines = cut(lines, self._reader, self.max_source_length)
        if isinstance(self.options, SamplingOptions):
            numbers = [(number,) for number in range(len(cut_lines))] if places is None else places
            cut_lines = [line.at(place) for place, line in zip(numbers, cut_lines, strict=True)]
        if prefixes is not None:
            cut_lines = [self._prefix_reader.read(*pair) if pair[0] else pair[1] for pair in zip(prefixes, cut_lines)]
        if pictures is not None:
            check(
                len(pictures) == len(lines),
                f"{counted(len(lines), 'line')} and {counted(len(pictures), 'picture')}: give None for a line without "
                "a picture",
            )
            cut_lines = [line if seen is None else line.beside(seen) for seen, line in zip(pictures, cut_lines)]
        hypotheses = iter(self.searcher.search([piece for line in cut_lines for piece in line.pieces]))
        for line in cut_lines:
            yield line, list(islice(hypotheses, len(line.pieces)))

    def _judged(
        self, translation: Translation, line: CutLine, hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> Translation:
        """The translation with its terms, and with its confidence if the model is calibrated."""
        if self.terms:
            translation = replace(translation, terms=written_terms(translation.text, line.pieces))
        judgement = judge(line.pieces, hypotheses, self.calibration) if self.calibration else None
        return replace(translation, **vars(judgement)) if judgement else translation


def _light_engine(form: LightModel, threads: int) -> TranslationEngine:
    from translation.light import light_engine

    return light_engine(form, threads)


def _torch_engine(directory: Path, device: str, precision: DecodingPrecision, threads: int | None) -> TranslationEngine:
    from translation.model import load_engine

    return load_engine(directory, device, precision, threads)


def _features(line: CutLine, hypotheses: Sequence[Sequence[Hypothesis]]) -> Features | None:
    """The features of the best translation of a line; None if the line was copied or cut into several pieces."""
    return features(line.pieces[0], hypotheses[0][0]) if len(hypotheses) == 1 and hypotheses[0] else None


def _checked_prefixes(prefixes: Sequence[str], lines: int) -> Sequence[str]:
    from translation.prefixing import checked_prefixes

    return checked_prefixes(prefixes, lines)


def _with_prefix(translation: Translation, prefix: str, line: CutLine) -> Translation:
    """The translation with its prefix in the letters of the user, and whether it begins with it."""
    from translation.prefixing import begins, in_own_letters

    translation = in_own_letters(translation, prefix)
    return replace(translation, prefix_kept=begins(translation.text, prefix, line))


def _checked(lines: Iterable[str]) -> list[str]:
    """The lines as a list. Raises UserError as `Translator.translate` does."""
    check(
        isinstance(lines, Iterable) and not isinstance(lines, str | bytes),
        f"translate takes a list of lines, not {type(lines).__name__}: put the text into a list, such as [text]",
    )
    listed = list(lines)
    for number, line in enumerate(listed, start=1):
        if not isinstance(line, str):
            raise UserError(f"line {number} is of type {type(line).__name__}: translate takes a list of strings")
        if not line.isascii() and any("\ud800" <= character <= "\udfff" for character in line):
            raise UserError(f"line {number} has a lone surrogate, which is no character: decode its bytes as UTF-8")
    return listed
