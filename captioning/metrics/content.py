"""Content words: the words of a caption that are not closed-class words, and the nouns among them.

No tagger is needed. A list of English function words, auxiliaries and captions' empty phrases ("in front of") is left
out; what stays are nouns, verbs, adjectives and names. Of these, `is_noun_like` leaves out numbers, colours, sizes and
forms in -ing and -ly, except for the nouns among those.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS = _words(
    """
    a about above across after against all along also although am among amongst an and another any anything are around
    as aside at atop away back be because been before behind being below beneath beside besides between beyond both but
    by can could did do does doing down during each either else every everyone everything few for from front get gets
    getting go goes going had has have having he her here hers herself him himself his how i if in inside into is it
    its itself just like lot lots many may me middle might more most much must my near nearby next no nor not
    of off on one ones only onto or other others our out outside over own past per side some somebody someone something
    still such than that the their them themselves then there these they this those through throughout to together top
    toward towards under underneath until up upon us very via was we were what when where which while who whom whose
    why will with within without would yet you your 's 't n't 'm 're 've 'll 'd
    """
)
_NO_NOUNS = _words(
    """
    two three four five six seven eight nine ten eleven twelve dozen several first second
    red orange yellow green blue purple pink brown black white gray grey silver gold golden tan beige dark light bright
    colored colorful multicolored big large huge small little tiny tall short long young old older new wide high low
    male female wooden grassy rocky snowy sandy dirty wet dry empty busy full open different various same
    sit sits sat stand stands stood run runs ran walk walks walked wear wears wore hold holds held look looks looked
    play plays played jump jumps jumped ride rides rode eat eats ate fly flies flew lie lies lay lays laid make makes
    made take takes took show shows shown covered filled parked dressed surrounded seated
    """
)
_NOUNS_IN_ING = _words(
    "building ceiling clothing crossing evening king lighting morning painting parking railing ring spring string "
    "swing thing wedding wing"
)


def is_content(word: Hashable) -> bool:
    """Whether a lower-cased token is a content word; anything but text is none."""
    return isinstance(word, str) and word not in FUNCTION_WORDS and any(map(str.isalpha, word))


def is_noun_like(word: Hashable) -> bool:
    """Whether a lower-cased token is a content word that is a noun in most captions."""
    if not isinstance(word, str) or not is_content(word) or word in _NO_NOUNS:
        return False
    return word in _NOUNS_IN_ING or not word.endswith(("ing", "ly"))


def agreed_nouns(references: Iterable[Sequence[str]], least: int = 3) -> set[str]:
    """The nouns that at least so many references of a picture have."""
    counts: dict[str, int] = {}
    for words in references:
        for word in set(words):
            counts[word] = counts.get(word, 0) + 1
    return {word for word, count in counts.items() if count >= least and is_noun_like(word)}


def repeated_ngrams(words: Sequence[Hashable], order: int = 2) -> int:
    """How many n-grams of `order` words, at least one of them a content word, stand in a caption a second time."""
    seen: set[tuple[Hashable, ...]] = set()
    again = 0
    for first in range(len(words) - order + 1):
        ngram = tuple(words[first : first + order])
        if any(map(is_content, ngram)):
            again += ngram in seen
            seen.add(ngram)
    return again
