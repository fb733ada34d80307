"""Reading: what a model reads of a sentence, and what is kept from it to be put into the translation.

    the user's sentence       <b>A MAN</b> pays “$5” at shop.de 😀!
    placeholders              copied word for word: $5, shop.de, and words with letters that the vocabulary lacks
    marks                     left out, and put back afterwards: <b>, </b>, “, ”, 😀, signs that the vocabulary lacks
    words in capitals         read in the form that the vocabulary knows best, and written in capitals again
    what the model reads      A man pays 1 at 2

A placeholder is a token that stands for a text, see `s2s.text.tokens.PLACEHOLDERS`. Where a vocabulary has none left,
its place is taken by UNK.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from s2s.text.casing import Case, case_of, is_upper, known_form
from s2s.text.languages import IDEOGRAPHS, primary_subtag
from s2s.text.spans import Span, find_spans
from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation.draft import Draft
from translation.piece import PAIRED, Piece
from translation.terms import FoundTerm, TermFinder, without_overlaps

_BETWEEN_SPACES = re.compile(r"\S+|\s")
_LETTER = rf"(?![{IDEOGRAPHS}])\w"
WORD_OR_SIGN = re.compile(rf"[{IDEOGRAPHS}]|(?:{_LETTER})+(?:['’‑-](?:{_LETTER})+)*+|[^\w\s]|\s+")
_CAPITALS = re.compile(r"\w*[^\W\d_a-zß-öø-ÿ]{2}|[^\W\d_a-zß-öø-ÿ]\S* [^\W\d_a-zß-öø-ÿ]\S* ")
_CLOSING = " !?…\"'”’»)]"
_FOLDED = str.maketrans({"’": "'", "“": '"', "”": '"', "„": '"', "‚": "'", "‐": "-", "‑": "-", "–": "-", "—": "-"})
_CLAUSE = str.maketrans(";:…", ",,,")  # if a model has not learned these, it reads a comma
# Tokenised text is read as it was: "a man 's dog ." and "a man &apos;s dog".
_APOSTROPHE = re.compile(r"(?<=\w)\s?(?:&(?:apos|#39|#x27|rsquo);|['’‘`´])(?=(?:s|t|re|ve|ll|d|m)\b)")
_SPACED_STOP = re.compile(r"(?<=\w)\s(?=[.,](?:\s|$))")
# Not ordinary: tokenised text, quotation marks, addresses such as "shop.de", several spaces, signs at the ends.
_ODD = re.compile(r" [.,' ]|'(?!\w)|[.,]\S|^\W|,$")

# Training text of so many lines counts fully; in less text a character is rare if it is rarer in proportion.
_LINES, _SIGNS = 5_000, 20  # signs are needed so many times as often as letters


def rare_characters(lines: Sequence[str], characters: Iterable[str], threshold: int = 5) -> str:
    """Those of a vocabulary's characters that are rare in a training text, see `rare_of_counted`."""
    return rare_of_counted(Counter("".join(lines)), len(lines), characters, threshold)


def rare_of_counted(counts: Mapping[str, int], lines: int, characters: Iterable[str], threshold: int = 5) -> str:
    """Those of a vocabulary's characters that are too rare in a training text for a model to have learned them.

    Signs are needed more often than letters: a model has to learn what each of them means. Ideographs are never rare:
    there are too many of them, and each is a word or a part of one.

    Args:
        counts: of the characters in the text
        lines: of the text
        characters: of the vocabulary
        threshold: how often a letter must occur
    """
    letters = threshold * min(1.0, lines / _LINES)
    least = {True: letters, False: _SIGNS * letters}
    rare = (c for c in characters if counts.get(c, 0) < least[c.isalpha()] and not c.isspace() and not c.isdecimal())
    return "".join(sorted(c for c in rare if not re.match(f"[{IDEOGRAPHS}]", c)))


def word_pattern(vocabulary: Vocabulary) -> re.Pattern[str]:
    """The pattern that matches, one after the other, the words of a text and the characters between them.

    Words are what white space separates if the vocabulary is one of words; otherwise punctuation is no part of them.
    """
    return _BETWEEN_SPACES if vocabulary.whole_words else WORD_OR_SIGN


class Reader:
    """Turns a sentence of the user into the tokens that a model reads.

    Args:
        vocabulary: of the source
        language: of the source, a code; capitals are used differently in titles of each language
        rare: characters that the vocabulary has and the model did not learn, see `rare_characters`
        terms: finds the terms of a glossary; None if there is none
    """

    def __init__(
        self, vocabulary: Vocabulary, language: str = "", rare: str = "", terms: TermFinder | None = None
    ) -> None:
        self.vocabulary, self.language = vocabulary, primary_subtag(language)
        self.known = vocabulary.characters - set(rare)
        if not vocabulary.whole_words:
            self.known -= PAIRED
        # A sentence of these characters alone has nothing to be copied or left out.
        self._plain = frozenset(c for c in self.known if c.isalpha()) | (self.known & set(" ,.'"))
        self._terms = terms
        self._cost = lru_cache(maxsize=1 << 14)(self._cost_of)

    def _cost_of(self, word: str) -> int:
        """How many tokens a word has; very many if it is unknown."""
        ids = self.vocabulary.encode(word)
        return len(ids) if UNK not in ids else 1 << 20

    def read_all(self, texts: Sequence[str]) -> list[Piece]:
        """Read sentences without white space around them; ordinary ones are encoded in parallel."""
        ordinary = [i for i, text in enumerate(texts) if self._is_ordinary(text)]
        pieces: dict[int, Piece] = {}
        for i, ids in zip(ordinary, self.vocabulary.encode_all([texts[i] for i in ordinary])):
            pieces[i] = Piece(texts[i], ids, self.vocabulary.tokens(ids))
        return [pieces[i] if i in pieces else self.read(text) for i, text in enumerate(texts)]

    def _is_ordinary(self, text: str) -> bool:
        plain = not self.vocabulary.whole_words and not set(text) - self._plain
        plain = plain and not _CAPITALS.search(text) and not _ODD.search(text)
        return plain and not (self._terms and self._terms.find(text, Case.MIXED))

    def read(self, text: str) -> Piece:
        """Read one sentence without white space around it."""
        if self.vocabulary.whole_words:
            return self._read_words(text)
        draft = Draft(self.vocabulary.placeholders)
        readable = _SPACED_STOP.sub("", _APOSTROPHE.sub("'", text))
        spans = find_spans(readable)
        case, end = self._case(readable, spans), 0
        if self._terms and (terms := self._terms.find(readable, case)):
            spans = without_overlaps([*spans, *terms])
            case = self._case(readable, spans)
        draft.words_end = len(readable.rstrip(_CLOSING))
        for span in spans:
            self._read_text(readable, end, span.start, case, draft)
            if isinstance(span, FoundTerm):
                self._read_term(readable, span, case, draft)
            else:
                word = span.word or (span.kind == "entity" and self._stands_like_a_word(readable, span.start, span.end))
                add = draft.copy if word else draft.leave_out
                add(readable, span.start, span.end)
            end = span.end
        self._read_text(readable, end, len(readable), case, draft)
        return draft.piece(text, self.vocabulary, case)

    def _case(self, text: str, spans: Sequence[Span | FoundTerm]) -> Case:
        """The case of what stands between protected spans and terms that are kept."""
        words = (span for span in spans if isinstance(span, Span) or text[span.start : span.end] == span.target)
        return case_of("".join(_outside(text, [(span.start, span.end) for span in words])), self.language)

    def _read_term(self, text: str, term: FoundTerm, case: Case, draft: Draft) -> None:
        """Read a term: a placeholder for what it becomes, or its words."""
        offset = len(draft.text)
        if term.copied:
            draft.copy(text, term.start, term.end, term.target)
        else:
            self._read_text(text, term.start, term.end, case, draft)
        draft.term(offset, text[term.start : term.end], term.target, copied=term.copied)

    def _read_text(self, text: str, start: int, end: int, case: Case, draft: Draft) -> None:
        """Read a part of a text that has no protected spans."""
        for match in WORD_OR_SIGN.finditer(text, start, end):
            self._read_word(text, match, case, draft)

    def _read_word(self, text: str, match: re.Match[str], case: Case, draft: Draft) -> None:
        """Read a word, a sign or white space."""
        if match[0].isspace():
            draft.space()
            return
        visible = "".join(c for c in match[0] if not self._is_invisible(c))
        if not visible:
            return
        in_capitals = case is not Case.MIXED or (len(visible) > 1 and is_upper(visible))
        readable = self._readable(visible, in_capitals)
        word = any(map(str.isalnum, visible))
        if _is_quotation_mark(text, match) or (not word and _is_at_an_end(match, draft)):
            readable = None
        elif readable is None and match[0] in ("!", "?", "…") and match.start() >= draft.words_end:
            readable = "." if "." in self.known and draft.ends_in_a_word else ""
        elif word and any(map(str.isdecimal, visible)):
            readable = None  # "1990s", "28th": no digit gets lost
        if readable is None and any(c.isalnum() or unicodedata.category(c)[0] == "M" for c in visible):
            draft.copy(text, *match.span())
        elif readable is None:
            word = draft.has_placeholders and self._stands_like_a_word(text, *match.span())
            (draft.copy if word else draft.leave_out)(text, *match.span())
        elif in_capitals:
            self._read_capitals(visible, readable, case, draft)
        else:
            draft.read(readable)

    def _readable(self, word: str, in_capitals: bool) -> str | None:
        """The first form of a word or sign whose characters are all known; None if there is none."""
        forms = [*readable_forms(word), *(readable_forms(word.lower()) if in_capitals else ())]
        return next((form for form in forms if self.known.issuperset(form)), None)

    def _stands_like_a_word(self, text: str, start: int, end: int) -> bool:
        """Whether a sign stands between words as a word would: "a man & a woman", "a sign with a $ on it"."""
        before, after = text[max(0, start - 2) : start], text[end : end + 2]
        between = before[1:] == after[:1] == " " and before[0].isalnum() and after[1:].isalnum()
        return between and text[start:end] not in PAIRED | {"&quot;"}

    def _read_capitals(self, word: str, readable: str, case: Case, draft: Draft) -> None:
        """Read a word of a line in capitals or of a title, or a word in capitals; a form of it is `readable`."""
        form = min(known_form(word, self._cost), readable, key=self._cost)
        if case is not Case.MIXED:
            draft.read(form if draft.has_letters else form[:1].upper() + form[1:])
        elif self._cost(form) < self._cost(word):
            draft.read_in_capitals(form)
        else:
            draft.read(word)  # such as "TV"

    def _is_invisible(self, character: str) -> bool:
        """Whether a character only directs how text is shown: soft hyphens, joiners, marks of direction."""
        category = unicodedata.category(character)
        return (category == "Cf" or character == "\ufe0f") and character not in self.known

    def _read_words(self, text: str) -> Piece:
        """Read a sentence with a vocabulary of words: those that it lacks are copied."""
        draft, end = Draft(self.vocabulary.placeholders), 0
        for term in self._terms.find(text, Case.MIXED) if self._terms else ():
            if term.start < end:  # it shares a word with the term before it
                continue
            start, stop = _word_around(text, term.start, term.end)
            self._read_separated(text, end, start, draft)
            offset = len(draft.text)
            if term.copied:
                draft.copy(text, start, stop, text[start : term.start] + term.target + text[term.end : stop])
            else:
                self._read_separated(text, start, stop, draft)
            draft.term(offset, text[term.start : term.end], term.target, copied=term.copied)
            end = stop
        self._read_separated(text, end, len(text), draft)
        return draft.piece(text, self.vocabulary, Case.MIXED)

    def _read_separated(self, text: str, start: int, end: int, draft: Draft) -> None:
        """Read a part of a text, in words that are separated by white space."""
        for match in re.compile(r"\S+").finditer(text, start, end):
            if draft.text:
                draft.space()
            forms = readable_forms(match[0])
            known = next((form for form in forms if self.vocabulary.encode(form) not in ([UNK], [])), None)
            if known is None:
                draft.copy(text, *match.span())
            else:
                draft.read(known)


def _word_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets of what white space separates around a part of a text."""
    before, after = re.search(r"\S*\Z", text[:start]), re.match(r"\S*", text[end:])
    return start - len(before[0] if before else ""), end + len(after[0] if after else "")


def _is_quotation_mark(text: str, match: re.Match[str]) -> bool:
    """Whether a sign is a single quotation mark, and no apostrophe as in "the boys' dog" and "{name}'s dog"."""
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    return match[0] in ("'", "’") and before != "s" and not (before.strip() and after.isalnum())


def _is_at_an_end(match: re.Match[str], draft: Draft) -> bool:
    """Whether a sign stands before all words, or is a comma, colon or dash behind them: it is carried around."""
    behind = match.start() >= draft.words_end - 1 and match[0] in ",;:-–—"
    return (not draft.text and match[0] != "¿") or (behind and match.end() >= draft.words_end)


def readable_forms(word: str) -> Iterable[str]:
    """A word as it is, with plain quotation marks and dashes, and in its compatible form."""
    yield word
    if not word.isascii():
        yield word.translate(_FOLDED)
        yield unicodedata.normalize("NFKC", word).translate(_FOLDED).strip()
    if word in {";", ":", "…"}:
        yield word.translate(_CLAUSE)


def _outside(text: str, spans: Sequence[tuple[int, int]]) -> Iterable[str]:
    end = 0
    for start, stop in spans:
        yield text[end:start] + " "
        end = stop
    yield text[end:]
