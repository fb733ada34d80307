"""The words of captions in several languages, as the metrics count them."""

from __future__ import annotations

import pytest

from captioning.metrics.ptb import tokenise
from captioning.metrics.scores import score_captions
from captioning.metrics.words import metric_words

GERMAN = {1: "Ein schwarz/weißer Hund läuft.", 2: "zwei Kinder spielen"}
REFERENCES = {
    1: ["ein schwarz-weißer Hund rennt!", "Ein schwarz / weißer Hund (läuft)"],
    2: ["Zwei Kinder spielen Ball", "Kinder spielen"],
}


@pytest.mark.parametrize(
    ("language", "caption", "words"),
    [
        ("de", "Ein schwarz/weißer Hund (läuft).", "ein schwarz weißer hund läuft"),
        ("de", "Omas T-Shirt für 5 € & 'ne Mütze, z.B. geht's", "omas t-shirt für 5 ne mütze z.b geht's"),
        ("de", "Sie cannot, gonna!", "sie cannot gonna"),
        ("fr", "l'homme d’aujourd'hui", "l'homme d’aujourd'hui"),
        ("hi", "एक कुत्ता।", "एक कुत्ता"),
        ("zh", "两个孩子,T恤", "两 个 孩 子 t 恤"),
        ("ja-JP", "犬がいる", "犬 が い る"),
        ("de", "...", ""),
    ],
)
def test_words_are_those_of_the_language(language: str, caption: str, words: str) -> None:
    assert metric_words(caption, language) == words.split()


def test_english_has_the_tokens_of_published_scores() -> None:
    caption = "A man's dog can't (really) run for €5."
    assert metric_words(caption, "en-US") == tokenise(caption)


def test_scores_depend_on_the_language_and_say_so() -> None:
    german, english = score_captions(GERMAN, REFERENCES, language="de"), score_captions(GERMAN, REFERENCES)
    assert german.scores.bleu_4 == pytest.approx(100)
    assert english.scores.bleu_1 < 100  # Stanford's rules make schwarz/wei ßer of it
    assert german.language == "de"
    assert "words are told by the rules for de" in str(german)
    assert "words are told" not in str(english)
    assert german.variety.agreed_nouns is None
