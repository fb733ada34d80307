"""How well a glossary is honoured, what that costs, and which way of doing it is best.

    python -m tests.benchmarks.glossary --data data/multi30k --sentences 100 --engine onnx

Each of a hundred sentences of test_2016_flickr has one to three terms, in two experiments:

    reference      a word of the sentence has to become the word of its reference that translates it
    alternative    a word has to become another word than usual, which the references do not have. It is put into the
                   reference in the place of the usual one

and is translated in five ways:

    no glossary    as usual
    placeholders   all terms are read as placeholders
    where lacking  terms are read as placeholders in sentences whose usual translation lacks them
    beam           sentences whose usual translation lacks terms are searched again, with a constrained beam
    + attention    the same, with the attention as a guide: what `translate --glossary` does

Printed: the share of the terms that stand in the translation; BLEU; the share of the articles before the nouns of
`GENDERS` that fit their gender, and their number; and the processor's seconds of translating all sentences, the best of
three.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from sacrebleu.metrics.bleu import BLEU

from s2s.decoding.results import WrittenTerm
from s2s.decoding.terms import WEIGHT
from s2s.text.casing import Case
from translation.glossary import Glossary
from translation.lexicon import Lexicon
from translation.reading import Reader
from translation.terms import FoundTerm, TermFinder, checked_terms
from translation.translator import Translator

ALTERNATIVES = {
    "man": "Herr", "woman": "Dame", "boy": "Bub", "girl": "Mädel", "dog": "Vierbeiner", "dogs": "Vierbeiner",
    "people": "Personen", "men": "Herren", "women": "Damen", "children": "Kids", "shirt": "Oberteil",
    "street": "Gasse", "ball": "Spielball", "bike": "Drahtesel", "hat": "Kopfbedeckung", "jacket": "Anorak",
    "camera": "Fotoapparat", "grass": "Wiese", "field": "Acker", "group": "Schar", "crowd": "Menge",
    "building": "Bauwerk", "sidewalk": "Trottoir", "child": "Kleinkind", "baby": "Säugling", "player": "Sportler",
    "guitar": "Klampfe", "table": "Esstisch", "red": "knallrot", "black": "pechschwarz", "large": "riesig",
    "store": "Geschäft", "road": "Landstraße", "horse": "Gaul", "snow": "Neuschnee", "beach": "Meeresstrand",
}  # fmt: skip
GENDERS = {
    "m": ["Herr", "Bub", "Vierbeiner", "Spielball", "Drahtesel", "Anorak", "Fotoapparat", "Acker", "Säugling",
          "Sportler", "Esstisch", "Gaul", "Neuschnee", "Meeresstrand"],
    "f": ["Dame", "Gasse", "Kopfbedeckung", "Wiese", "Schar", "Menge", "Klampfe", "Landstraße"],
    "n": ["Mädel", "Oberteil", "Bauwerk", "Trottoir", "Kleinkind", "Geschäft"],
}  # fmt: skip
ARTICLES = {
    "m": {*["ein", "der", "einen", "den", "einem", "dem", "eines", "des", "am", "im", "vom", "zum", "beim"]},
    "f": {*["eine", "die", "einer", "der", "zur"]},
    "n": {*["ein", "das", "einem", "dem", "eines", "des", "am", "im", "vom", "zum", "beim"]},
}
WAYS = ("no glossary", "placeholders", "where lacking", "beam", "+ attention")

Place = tuple[int, int]  # offsets in a sentence
Asked = list[tuple[Place, str]]  # places of terms, and what they become


class SentenceTerms(TermFinder):
    """Finds the terms of each sentence, which are given; `copied` says for which sentences they are placeholders."""

    def __init__(self, asked: Mapping[str, Asked], translator: Translator, copied: Sequence[str] = ()) -> None:
        engine = translator.engine
        super().__init__(Glossary([]), engine.target, engine.source.characters)
        self._asked, self._placed = asked, frozenset(copied)

    def find(self, text: str, case: Case) -> list[FoundTerm]:
        """See `TermFinder`."""
        return [FoundTerm(*place, target, text in self._placed) for place, target in self._asked.get(text, [])]


def aligned(data: Path, lines: Sequence[tuple[str, str]]) -> Iterator[dict[Place, tuple[Place, str]]]:
    """For each pair of sentences, the places of words that translate each other."""
    sides = [data.joinpath(f"train.{language}").read_text("utf-8").splitlines() for language in ("en", "de")]
    lexicon = Lexicon(*sides)
    for source, reference in lines:
        pairs = lexicon.pairs(source, reference)
        yield {one.span(): (other.span(), other[0]) for one, other in pairs if min(map(len, (one[0], other[0]))) > 2}


def chosen(found: Asked, draw: random.Random) -> Asked:
    """One to three of the terms of a sentence."""
    return sorted(draw.sample(found, min(len(found), draw.choice((1, 2, 2, 3)))))


def experiments(data: Path, sentences: int) -> Iterator[tuple[str, dict[str, Asked], list[str]]]:
    """The name of each experiment, the terms of its sentences, and its references."""
    sides = [data.joinpath(f"test_2016_flickr.{language}").read_text("utf-8").splitlines() for language in ("en", "de")]
    lines = random.Random(1).sample(list(zip(*sides)), len(sides[0]))
    words = list(aligned(data, lines))
    reference = [[(place, other[1]) for place, other in of.items()] for of in words]
    alternative = [
        [(place, ALTERNATIVES[word]) for place in of if (word := source[slice(*place)].lower()) in ALTERNATIVES]
        for (source, _), of in zip(lines, words)
    ]
    for name, terms in (("reference", reference), ("alternative", alternative)):
        asked, references = dict[str, Asked](), list[str]()
        for i in [i for i, of in enumerate(terms) if of and lines[i][0] not in asked][:sentences]:
            asked[lines[i][0]] = chosen(terms[i], random.Random(i))
            text = lines[i][1]
            for place, target in sorted(asked[lines[i][0]], key=lambda each: words[i][each[0]][0], reverse=True):
                start, end = words[i][place][0]
                text = text[:start] + target + text[end:]
            references.append(text)
        yield name, asked, references


def fitting_articles(texts: Sequence[str]) -> str:
    """The share of the articles before the nouns of `GENDERS` that fit, and their number."""
    fit = [
        article.lower() in ARTICLES[gender]
        for gender, nouns in GENDERS.items()
        for text in texts
        for article in re.findall(
            rf"\b([Ee]ine?[nmrs]?|[Dd](?:er|ie|as|en|em|es)|[aivzb]m|beim|vom|zu[mr])(?: \w+e[nrsm]?)? "
            rf"(?:{'|'.join(nouns)})\b",
            text,
        )
    ]
    return f"{sum(fit) / len(fit):.0%} of {len(fit)}" if fit else "-"


def written(texts: Sequence[str], asked: Mapping[str, Asked]) -> list[list[bool]]:
    """Whether each term of each sentence stands in the translation."""
    terms = [[WrittenTerm("", target, written=False) for _, target in of] for of in asked.values()]
    return [[term.written for term in checked_terms(*pair, any_case=False)] for pair in zip(texts, terms)]


def translate(translator: Translator, way: str, asked: Mapping[str, Asked]) -> list[str]:
    """The translations of all sentences in one of the `WAYS`."""
    lines = list(asked)

    def texts(lines: Sequence[str], terms: TermFinder | None) -> list[str]:
        config, engine = translator.engine.config, translator.engine
        translator.terms = terms
        translator._reader = Reader(engine.source, config.source_language, config.rare_characters, terms)
        return [translation.text for translation in translator.translate(lines)]

    if way == "placeholders":
        return texts(lines, SentenceTerms(asked, translator, copied=lines))
    if way in ("beam", "+ attention"):
        with patch("s2s.decoding.terms.WEIGHT", WEIGHT if way == "+ attention" else 0.0):
            return texts(lines, SentenceTerms(asked, translator))
    found = texts(lines, None)
    if way == "where lacking":
        lacking = [line for line, of in zip(lines, written(found, asked)) if not all(of)]
        again = iter(texts(lacking, SentenceTerms(asked, translator, copied=lacking)))
        found = [next(again) if line in lacking else text for line, text in zip(lines, found)]
    return found


def main() -> None:
    """Translate in all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of Multi30k")
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--engine", choices=["onnx", "torch"], default="onnx")
    options = parser.parse_args()
    translator = Translator.load("en-de", engine=options.engine)
    print(f"{'terms':12} {'way':15} {'written':>13} {'BLEU':>6} {'articles':>12} {'seconds':>8}")
    for name, asked, references in experiments(options.data, options.sentences):
        for way in WAYS:
            seconds, texts = float("inf"), list[str]()
            for _ in range(3):
                started = time.process_time()
                texts = translate(translator, way, asked)
                seconds = min(seconds, time.process_time() - started)
            kept = [each for of in written(texts, asked) for each in of]
            bleu = BLEU().corpus_score(texts, [references]).score
            share = f"{sum(kept)} of {len(kept)}"
            print(
                f"{name:12} {way:15} {share:>13} {bleu:6.1f} {fitting_articles(texts):>12} {seconds:8.2f}", flush=True
            )


if __name__ == "__main__":
    main()
