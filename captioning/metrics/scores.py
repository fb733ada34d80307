"""All caption metrics together, as the COCO evaluation defines them, with the number of pictures, and a human beside.

Figures are times 100, as tables print them; CIDEr-D of 1.0 is 100. For English each equals pycocoevalcap's, but that
its BLEU is a hair above 0 where not one n-gram is right. In other languages other rules tell words, see
captioning/metrics/words.py. METEOR and SPICE need Java; what is missing is None, and told why.

People are scored by each of their references against the others: the human row, a mean over references. It has one
reference fewer to be right by, so beside it stands the model's mean over the same sets of references.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from captioning.metrics.cider import CiderD
from captioning.metrics.java import Round, UnavailableError, meteor, spice
from captioning.metrics.rouge import rouge_l
from captioning.metrics.variety import Variety, variety
from captioning.metrics.words import metric_words
from s2s.errors import check, counted
from s2s.text.languages import ENGLISH, primary_subtag

if TYPE_CHECKING:
    from s2s.views.attention_spread import Spread

SHOWN = 3  # pictures that a message names
FEW = 20  # pictures below which CIDEr-D means little


@dataclass(frozen=True)
class Scores:
    """Means over rounds of scoring, 0 to 100 (CIDEr-D may be above); None is a metric that was not to be had."""

    bleu_1: float
    bleu_2: float
    bleu_3: float
    bleu_4: float
    meteor: float | None
    rouge_l: float
    cider_d: float
    spice: float | None


T = TypeVar("T", Scores, Variety)

NAMES = {
    "bleu_1": "BLEU-1",
    "bleu_2": "BLEU-2",
    "bleu_3": "BLEU-3",
    "bleu_4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "spice": "SPICE",
}


@dataclass(frozen=True)
class CaptionEvaluation:
    """What captions are worth, and how many pictures say so: CIDEr-D depends on it, because its idf does.

    Attributes:
        images: number of pictures, the same for all rows
        references: the fewest and the most references of a picture
        scores: of the captions, against all references
        variety: of the captions
        human: each reference against the others, mean; None if not asked for
        human_variety: of one reference of each picture, mean; the nouns are counted in the other references
        captions_alike: the captions against the very sets of references that `human` was scored against, mean
        unavailable: why a metric has no figure, a line each
        search: how a model found the captions; None where they were found elsewhere
        of: how many pictures there are, if only some were scored
        attention: of the captions' words; None where the model does not look, or none was at hand
        language: of the captions
    """

    images: int
    references: tuple[int, int]
    scores: Scores
    variety: Variety
    human: Scores | None = None
    human_variety: Variety | None = None
    captions_alike: Scores | None = None
    unavailable: tuple[str, ...] = ()
    search: str | None = None
    attention: Spread | None = None
    of: int | None = None
    language: str = ENGLISH

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the scores."""
        whole = self.of in (None, self.images)
        part = [] if whole else [f"scored {self.images:,} of {counted(self.of or 0, 'picture')}"]
        if self.images < FEW:
            always = ", and with one it is always 0" if self.images == 1 else ""
            part.append(
                "CIDEr-D weighs words by how few of the pictures have them in their references; with "
                f"{self.images:,} of them, fewer than {FEW}, it says little{always}"
            )
        if primary_subtag(self.language) != ENGLISH:
            part.append(f"words are told by the rules for {self.language}, not by Stanford's for English")
            if self.scores.meteor is not None:
                part.append(f"METEOR matches words and stems of {self.language} only: its paraphrases are for English")
        return tuple(part)

    def __str__(self) -> str:
        fewest, most = self.references
        count = f"{fewest}" if fewest == most else f"{fewest}-{most}"
        rows = {
            f"captions, {count} reference{'s' * (most != 1)}": self.scores,
            "human, each reference against the others": self.human,
            "captions, against the same references": self.captions_alike,
        }
        width = max(map(len, rows))
        lines = [f"{'':{width}}  images" + "".join(f"{name:>9}" for name in NAMES.values())]
        for title, scores in rows.items():
            if scores:
                lines.append(f"{title:{width}}  {self.images:6,}" + "".join(map(_cell, asdict(scores).values())))
        lines.append(f"captions: {self.variety}")
        if self.human_variety:
            lines.append(f"human: {self.human_variety}")
        if self.search:
            lines.append(f"found with {self.search}")
        if self.attention:
            lines.append(str(self.attention))
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "notes": list(self.notes)}


def score_captions(
    captions: Mapping[Any, str],
    references: Mapping[Any, Collection[str]],
    *,
    language: str = ENGLISH,
    human: bool = False,
    java: bool = False,
) -> CaptionEvaluation:
    """Score raw captions, one for each picture, against the raw references of the pictures.

    `language` is that of all of them, which decides what a word is (captioning/metrics/words.py).
    `human` adds the two human rows of `CaptionEvaluation`, `java` adds METEOR and SPICE. Raises UserError unless
    exactly the pictures with references have a caption, or if, for `human`, a picture has a single reference.
    """
    _check_pictures(captions, references, human)
    said = [metric_words(captions[picture], language) for picture in references]
    known = [[metric_words(text, language) for text in references[picture]] for picture in references]
    sizes = [len(each) for each in known]
    turns = max(sizes) if human else 0
    people = [_turn(known, turn) for turn in range(turns)]
    alike = [Round(said, one.references) for one in people]
    rounds = [Round(said, known), *people, *alike]
    figures, unavailable = _figures(rounds, java, language)
    spoken = [variety(one.captions, one.references, language) for one in people]
    return CaptionEvaluation(
        len(known),
        (min(sizes), max(sizes)),
        figures[0],
        variety(said, known, language),
        human=_mean(Scores, figures[1 : 1 + turns]) if human else None,
        human_variety=_mean(Variety, spoken) if human else None,
        captions_alike=_mean(Scores, figures[1 + turns :]) if human else None,
        unavailable=unavailable,
        language=language,
    )


def _turn(references: Sequence[Sequence[list[str]]], turn: int) -> Round:
    """One reference of each picture against its others.

    There are as many turns as the picture with the most has references; one with fewer begins again with its first, so
    that all pictures, on which CIDEr-D depends, take part in every turn.
    """
    chosen = [turn % len(each) for each in references]
    return Round(
        [each[number] for each, number in zip(references, chosen)],
        [[*each[:number], *each[number + 1 :]] for each, number in zip(references, chosen)],
    )


def _figures(rounds: Sequence[Round], java: bool, language: str) -> tuple[list[Scores], tuple[str, ...]]:
    """The scores of each round, and why some are missing."""
    by_java: dict[str, Sequence[Any]] = {}
    reasons = []
    for name, metric in {"meteor": meteor, "spice": spice}.items():
        by_java[name] = [None] * len(rounds)
        if java:
            try:
                by_java[name] = [100 * value if isfinite(value) else None for value in metric(rounds, language)]
            except UnavailableError as reason:
                reasons.append(f"no {NAMES[name]}: {reason}")
            else:
                if None in by_java[name]:  # JSON has no NaN
                    reasons.append(f"no {NAMES[name]} where it gave a caption no number, so that there is no mean")
    scores = []
    for one, of_meteor, of_spice in zip(rounds, by_java["meteor"], by_java["spice"]):
        bleu_1, bleu_2, bleu_3, bleu_4 = _bleu(one)
        of_rouge, of_cider = 100 * _rouge_l(one), 100 * CiderD(one.references).corpus(one.captions)
        scores.append(Scores(bleu_1, bleu_2, bleu_3, bleu_4, of_meteor, of_rouge, of_cider, of_spice))
    return scores, tuple(reasons)


def _bleu(one: Round) -> list[float]:
    """BLEU-1 to BLEU-4 of words as they are, from one count."""
    from sacrebleu.metrics.bleu import BLEU

    most = max(map(len, one.references))
    streams: Any = [  # sacreBLEU leaves out None, its type hints do not know
        [" ".join(each[number]) if number < len(each) else None for each in one.references] for number in range(most)
    ]
    count = BLEU(tokenize="none", smooth_method="none", force=True)  # force: the text is tokenised on purpose
    total = count.corpus_score([" ".join(words) for words in one.captions], streams)
    return [
        BLEU.compute_bleu(
            total.counts[:order], total.totals[:order], total.sys_len, total.ref_len, max_ngram_order=order
        ).score
        for order in range(1, 5)
    ]


def _rouge_l(one: Round) -> float:
    scores = [rouge_l(words, references) for words, references in zip(one.captions, one.references)]
    return sum(scores) / len(scores)


def _mean(cls: type[T], figures: Sequence[T]) -> T:
    """Of each figure the mean over rounds; None stays None."""
    means: dict[str, Any] = {}
    for field in fields(cls):
        values = [getattr(each, field.name) for each in figures]
        means[field.name] = None if None in values else sum(values) / len(values)
    return cls(**means)


def _cell(value: float | None) -> str:
    return f"{'-':>9}" if value is None else f"{value:9.2f}"


def _check_pictures(captions: Mapping[Any, str], references: Mapping[Any, Collection[str]], human: bool) -> None:
    check(references, "there are no references to score captions against")
    unknown = [picture for picture in captions if picture not in references]
    check(
        not unknown,
        f"{_named(unknown)} of the captions: the references have no such picture{_kinds(unknown, references)}; "
        "give captions of theirs only",
    )
    missing = [picture for picture in references if picture not in captions]
    check(
        not missing,
        f"{_named(missing)} of the references: no caption; caption them, or score the others alone with --subset",
    )
    few = [picture for picture, texts in references.items() if len(texts) < 1 + human]
    needed = "the human row needs two of each picture" if human else "take them out, or leave them out by --subset"
    check(not few, f"{_named(few)}: {'a single reference' if human else 'no reference'}; {needed}")


def _kinds(unknown: Sequence[Hashable], references: Mapping[Any, Collection[str]]) -> str:
    """What both call a picture, where one side has numbers and the other texts."""
    ours, theirs = next(iter(unknown), None), next(iter(references))
    kinds = ["number" if isinstance(each, int) else "text" for each in (ours, theirs)]
    return "" if kinds[0] == kinds[1] else f" (here the {kinds[0]} {ours!r}, there the {kinds[1]} {theirs!r})"


def _named(pictures: Sequence[Hashable]) -> str:
    """`3 pictures (1, 2, 3)`."""
    more = ", ..." if len(pictures) > SHOWN else ""
    count = "1 picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    return f"{count} ({', '.join(map(str, pictures[:SHOWN]))}{more})"
