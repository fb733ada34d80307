"""Content words: the words of a caption that are not closed-class words, and the nouns among them.

No tagger is needed. A list of a language's function words, auxiliaries and captions' empty phrases ("in front of") is
left out; what stays are nouns, verbs, adjectives and names. In English, nouns are told from these: numbers, colours,
sizes and forms in -ing and -ly are left out, except for the nouns among those.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from s2s.errors import UserError
from s2s.text.languages import primary_subtag


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH = _words(
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
_GERMAN = _words(
    """
    ab aber alle allem allen aller alles als also am an andere anderem anderen anderer anderes ans auch auf aus außen
    außerhalb bei beide beiden beim bis da dabei dadurch dafür dagegen daher dahin dahinter damit danach daneben dann
    daran darauf daraus darin darüber darum darunter das dass dasselbe davon davor dazu dazwischen dein deine dem den
    denen denn der deren derselben des dessen die dies diese diesem diesen dieser dieses doch dort durch ein eine einem
    einen einer eines einige einigen einiger einiges einander entlang er es etwas euch für fürs ganz gegen gegenüber
    gerade gibt haben hat hatte hatten hin hinein hinter hinterher hinterm hinters her heran heraus herum herunter
    hervor hier hinauf hinaus hinunter hoch ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in indem innen
    innerhalb ins irgendein irgendetwas irgendwas ist ja je jede jedem jeden jeder jedes jemand jemandem jemanden jene
    jenem jenen jener jenes kann kein keine keinem keinen keiner können los man manche mehr mehrere mehreren mein meine
    mit miteinander mitten nach nahe neben nebeneinander nicht nichts noch nun nur ob oben obere oberen oder ohne per
    samt scheint sehr sei sein seine seinem seinen seiner seines seit seitlich selbst sich sie sieht sind so solche
    solchen sondern sowie statt über überm übers um umher ums und unser unten unter untere unteren unterm verschiedene
    verschiedenen viel viele vielen vieler voller vom von vor vorbei vorm vorn vorne vors während war waren was weg weil
    weiter weitere weiteren weiterem weiterer weiteres welche welchem welchen welcher welches wenn wer werden weshalb
    wie wieder wird wo wobei wodurch wohl worauf worden worin wurde wurden zu zueinander zum zur zurück zusammen
    zwischen hintergrund vordergrund mitte seite rand
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


@dataclass(frozen=True)
class ContentWords:
    """Tells the content words of a language.

    Attributes:
        function_words: lower-cased; all other words with a letter are content words
        tells_nouns: whether nouns are told from other content words
    """

    function_words: frozenset[str]
    tells_nouns: bool = False

    def includes(self, word: Hashable) -> bool:
        """Whether a lower-cased token is a content word; anything but text is none."""
        return isinstance(word, str) and word not in self.function_words and any(map(str.isalpha, word))

    def noun_like(self, word: Hashable) -> bool:
        """Whether a lower-cased token is a content word that is a noun in most captions."""
        if not isinstance(word, str) or not self.includes(word) or word in _NO_NOUNS:
            return False
        return word in _NOUNS_IN_ING or not word.endswith(("ing", "ly"))

    def agreed_nouns(self, references: Iterable[Sequence[str]], least: int = 3) -> set[str]:
        """The nouns that at least so many references of a picture have."""
        counts: dict[str, int] = {}
        for words in references:
            for word in set(words):
                counts[word] = counts.get(word, 0) + 1
        return {word for word, count in counts.items() if count >= least and self.noun_like(word)}

    def repeated_ngrams(self, words: Sequence[Hashable], order: int = 2) -> int:
        """How often a sequence of `order` words that has a content word repeats one before it in the caption."""
        seen: set[tuple[Hashable, ...]] = set()
        again = 0
        for first in range(len(words) - order + 1):
            ngram = tuple(words[first : first + order])
            if any(map(self.includes, ngram)):
                again += ngram in seen
                seen.add(ngram)
        return again


_LANGUAGES = {"en": ContentWords(_ENGLISH, tells_nouns=True), "de": ContentWords(_GERMAN)}


def content_words(language: str) -> ContentWords | None:
    """What tells the content words of a language; None where they are not known."""
    return _LANGUAGES.get(primary_subtag(language))


def known_content_words(language: str) -> ContentWords:
    """What tells the content words of a language; a UserError where they are not known."""
    found = content_words(language)
    if found is None:
        raise UserError(
            f"which words are content words is known for {', '.join(_LANGUAGES)}, not for {language}: set the rewards "
            "content_recall, information and repetition to 0"
        )
    return found
