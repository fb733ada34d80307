"""Reading: what a model reads of a sentence, and what is kept from it to be put into the translation.

    the user's sentence       <b>A MAN</b> pays “$5” at shop.de 😀!
    placeholders              copied word for word: $5, shop.de, and words with letters that the vocabulary lacks
    marks                     left out, and put back afterwards: <b>, </b>, 😀, and signs that the vocabulary lacks
    words in capitals         read in the form that the vocabulary knows best, and written in capitals again
    what the model reads      A man pays "1" at 2.

A placeholder is a token that stands for a text, see `s2s.text.tokens.PLACEHOLDERS`. Where a vocabulary has none left,
its place is taken by UNK.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from s2s.text.casing import Case, case_of, known_form
from s2s.text.languages import primary_subtag
from s2s.text.spans import find_spans
from s2s.text.tokens import END, PLACEHOLDERS, SPECIALS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary

_BETWEEN_SPACES = re.compile(r"\S+|\s")
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # of scripts without spaces, in which a word has no ends
_WORD_OR_SIGN = re.compile(rf"[{_IDEOGRAPHS}]|(?:(?![{_IDEOGRAPHS}])[\w'’-])+|[^\w\s]|\s+")
_CAPITALS = re.compile(r"\w*[^\W\d_a-zß-öø-ÿ]{2}|[^\W\d_a-zß-öø-ÿ]\S* [^\W\d_a-zß-öø-ÿ]\S* ")
_FINAL = re.compile(r"[.!?…]+$")
_PAIRED = frozenset('"“”„‟«»‹›()[]{}<>')  # quotation marks and brackets are put back: none gets lost or changed
_FOLDED = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "‐": "-", "‑": "-", "–": "-", "—": "-"})
_APOSTROPHE = re.compile(r"(?<=\w)\s?&(?:apos|#39|#x27|rsquo);(?=s\b|t\b|re\b|ve\b|ll\b|d\b|m\b)")

# Training text of so many lines counts fully; in less text a character is rare if it is rarer in proportion.
_LINES, _RARE_LETTER, _RARE_SIGN = 5_000, 5, 100


def rare_characters(lines: Sequence[str]) -> str:
    """The characters that are too rare in a training text for a model to have learned them, in order.

    Signs are needed more often than letters: a model has to learn what each of them means.
    """
    counts, scale = Counter("".join(lines)), min(1.0, len(lines) / _LINES)
    least = {True: _RARE_LETTER * scale, False: _RARE_SIGN * scale}
    rare = (c for c, count in counts.items() if count < least[c.isalpha()] and not c.isspace() and not c.isdecimal())
    return "".join(sorted(rare))


@dataclass(frozen=True)
class Mark:
    """A text that the model does not read and that is put back into the translation.

    Attributes:
        text: as the user wrote it
        offset: in the text that is read
        position: of the token of the source that it stands before; that of END if it stands behind all words
        left, right: whether it touches the text before or behind it, as a bracket or a tag does
    """

    text: str
    offset: int
    position: int
    left: bool
    right: bool


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of a long one, as a model reads it.

    Attributes:
        text: as the user wrote it
        ids: of what is read, without END
        tokens: the text that each id stands for
        copies: the texts that the placeholders and UNKs among the ids stand for, by position
        marks: what was left out, in order
        case: of the whole piece
        capitals: the positions of tokens of words that stand in capitals, where the whole piece does not
    """

    text: str
    ids: list[int]
    tokens: list[str]
    copies: Mapping[int, str] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    case: Case = Case.MIXED
    capitals: frozenset[int] = frozenset()

    @property
    def source_tokens(self) -> tuple[str, ...]:
        """One label per position of the encoder: `tokens` with the copied texts as the user wrote them, and END."""
        return (*(self.copies.get(i, token) for i, token in enumerate(self.tokens)), SPECIALS[END])

    @property
    def translatable(self) -> bool:
        """False if nothing is to be translated, as in "3.", "😀" or "shop.de": it is its own translation."""
        read = (token for i, token in enumerate(self.tokens) if i not in self.copies)
        return any(character.isalpha() for token in read for character in token)

    @cached_property
    def final_mark(self) -> str:
        """The full stop, question mark or the like at the end of the user's text, inside of closing brackets."""
        end = self.text
        if self.marks and self.marks[-1].position == len(self.ids):
            end = end.removesuffix(self.marks[-1].text).rstrip()
        found = _FINAL.search(end.rstrip("\"'”’»)]"))
        return found[0] if found else ""


def word_pattern(vocabulary: Vocabulary) -> re.Pattern[str]:
    """The pattern that matches, one after the other, the words of a text and the characters between them.

    Words are what white space separates if the vocabulary is one of words; otherwise punctuation is no part of them.
    """
    return _BETWEEN_SPACES if vocabulary.kind == "word" else _WORD_OR_SIGN


class Reader:
    """Reads sentences for a model.

    Args:
        vocabulary: of the source
        language: of the source, a code; capitals are used differently in titles of each language
        rare: characters that the vocabulary has and the model did not learn, see `rare_characters`
    """

    def __init__(self, vocabulary: Vocabulary, language: str = "", rare: str = "") -> None:
        self.vocabulary, self.language = vocabulary, primary_subtag(language)
        self.known = vocabulary.characters - set(rare)
        if vocabulary.kind != "word":
            self.known -= _PAIRED
        # A sentence of these characters alone has nothing to be copied or left out.
        self._plain = frozenset(c for c in self.known if c.isalpha()) | (self.known & set(" ,.'"))
        self._count = lru_cache(maxsize=1 << 14)(self._count_tokens)

    def _count_tokens(self, word: str) -> int:
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
        return self.vocabulary.kind != "word" and not set(text) - self._plain and not _CAPITALS.search(text)

    def read(self, text: str) -> Piece:
        """Read one sentence without white space around it."""
        if self.vocabulary.kind == "word":
            return self._read_words(text)
        draft = _Draft(self.vocabulary.placeholders)
        readable = _APOSTROPHE.sub("'", text)
        spans = find_spans(readable)
        between = "".join(_outside(readable, [(span.start, span.end) for span in spans]))
        case, end = case_of(between, self.language), 0
        for span in spans:
            self._read_text(readable, end, span.start, case, draft)
            add = draft.copy if span.word else draft.leave_out
            add(readable, span.start, span.end)
            end = span.end
        self._read_text(readable, end, len(readable), case, draft)
        return draft.piece(text, self.vocabulary, case)

    def _read_text(self, text: str, start: int, end: int, case: Case, draft: _Draft) -> None:
        """Read a part of a text that has no protected spans."""
        for match in _WORD_OR_SIGN.finditer(text, start, end):
            self._read_word(text, match, case, draft)

    def _read_word(self, text: str, match: re.Match[str], case: Case, draft: _Draft) -> None:
        """Read a word, a sign or white space."""
        found = match[0]
        if found.isspace():
            draft.space()
            return
        visible = found if found.isascii() else "".join(c for c in found if not self._is_invisible(c))
        if not visible:
            return
        in_capitals = case is not Case.MIXED or (visible.isupper() and len(visible) > 1)
        forms = [*_forms(visible), *(_forms(visible.lower()) if in_capitals else ())]
        readable = next((form for form in forms if self.known.issuperset(form)), None)
        if readable is None and visible in ("!", "?", "…") and not text[match.end() :].strip(" !?…\"'”’»)]"):
            readable = "." if "." in self.known and draft.last_letter() else ""
        if readable is None and any(map(str.isalnum, visible)):
            draft.copy(text, *match.span())
        elif readable is None:
            draft.leave_out(text, *match.span())
        elif in_capitals:
            self._read_capitals(visible, readable, case, draft)
        else:
            draft.read(readable)

    def _read_capitals(self, word: str, readable: str, case: Case, draft: _Draft) -> None:
        """Read a word of a line in capitals or of a title, or a word in capitals; a form of it is `readable`."""
        form = known_form(word, self._count)
        if self._count(form) > self._count(readable):
            form = readable
        if case is not Case.MIXED:
            draft.read(form if draft.has_letters else form[:1].upper() + form[1:])
        elif self._count(form) < self._count(word):
            draft.read_in_capitals(form)
        else:
            draft.read(word)  # such as "TV"

    def _is_invisible(self, character: str) -> bool:
        """Whether a character only directs how text is shown: soft hyphens, joiners, marks of direction."""
        category = unicodedata.category(character)
        return (category == "Cf" or character == "\ufe0f") and character not in self.known

    def _read_words(self, text: str) -> Piece:
        """Read a sentence with a vocabulary of words: those that it lacks are copied."""
        draft = _Draft(self.vocabulary.placeholders)
        for match in re.finditer(r"\S+", text):
            if draft.text:
                draft.space()
            forms = _forms(match[0])
            known = next((form for form in forms if self.vocabulary.encode(form) not in ([UNK], [])), None)
            if known is None:
                draft.copy(text, *match.span())
            else:
                draft.read(known)
        return draft.piece(text, self.vocabulary, Case.MIXED)


def _forms(word: str) -> Iterable[str]:
    """A word as it is, with plain quotation marks and dashes, and in its compatible form."""
    yield word
    if not word.isascii():
        yield word.translate(_FOLDED)
        yield unicodedata.normalize("NFKC", word).translate(_FOLDED).strip()


def _outside(text: str, spans: Sequence[tuple[int, int]]) -> Iterable[str]:
    end = 0
    for start, stop in spans:
        yield text[end:start] + " "
        end = stop
    yield text[end:]


@dataclass
class _LeftOut:
    """A `Mark` in its parts, while more may follow: joining them once takes linear time."""

    parts: list[str]
    offset: int
    left: bool
    right: bool


class _Draft:
    """What is read of a sentence, while it is being read.

    Attributes:
        text: what is read so far
        has_letters: whether it has any, besides what is copied
    """

    def __init__(self, placeholders: int) -> None:
        self.text, self.has_letters = "", False
        self._free = list(PLACEHOLDERS[:placeholders])
        self._copies: list[
            list[str]
        ] = []  # the texts that placeholders and UNKs stand for, in order, each in its parts
        self._copied_to = -1  # where the last of them ends, in the user's text
        self._marks: list[_LeftOut] = []
        self._left_out_to = -1  # where the last mark ends, in the user's text
        self._capitals: list[tuple[int, int]] = []  # offsets of words in `text`
        self._broken = False  # a space came before
        self._behind_mark = False  # and then a mark, which what follows touches

    def space(self) -> None:
        """Read white space: a single space between words."""
        self._broken, self._behind_mark = True, False

    def read(self, text: str) -> None:
        """Read a text as it is given."""
        if text:
            self._add(text)
            self.has_letters = self.has_letters or any(map(str.isalpha, text))

    def last_letter(self) -> bool:
        """Whether what is read ends in a word."""
        return self.text[-1:] not in ("", ".", "!", "?")

    def read_in_capitals(self, word: str) -> None:
        """Read a word in the form that is given; its translation will be in capitals."""
        self.read(word)
        self._capitals.append((len(self.text) - len(word), len(self.text)))

    def copy(self, text: str, start: int, end: int) -> None:
        """Read a placeholder for a part of a text; parts without anything between them become one."""
        if self._copied_to == start and not self._broken:
            self._copies[-1].append(text[start:end])
        else:
            self._add(self._free.pop(0) if self._free else UNKNOWN_CHARACTER)
            self._copies.append([text[start:end]])
        self._copied_to = end

    def leave_out(self, text: str, start: int, end: int) -> None:
        """Leave out a part of a text; parts with nothing but white space between them become one."""
        right = end < len(text) and not text[end].isspace()
        last = self._marks[-1] if self._marks else None
        if last and last.offset == len(self.text):
            last.parts.append(text[self._left_out_to : end])
            last.right = right
        else:
            left = start > 0 and not text[start - 1].isspace()
            self._marks.append(_LeftOut([text[start:end]], len(self.text), left, right))
        self._left_out_to, self._behind_mark = end, right

    def _add(self, text: str) -> None:
        # "A man 😀." is read as "A man." and "A [big] man" as "A big man".
        spaced = self._broken and self.text and not (self._behind_mark and text in ".,;:!?")
        self.text += f" {text}" if spaced else text
        self._broken = self._behind_mark = False

    def piece(self, text: str, vocabulary: Vocabulary, case: Case) -> Piece:
        """The piece that was read of the user's `text`."""
        ids, tokens = vocabulary.encode(self.text), vocabulary.pieces(self.text)
        copied = (i for i, token in enumerate(ids) if token == UNK or token >= vocabulary.first_placeholder)
        starts = _starts(self.text, tokens)
        inside = {i for a, b in self._capitals for i, start in enumerate(starts) if a <= start < b}
        marks = tuple(
            Mark("".join(mark.parts), mark.offset, bisect_left(starts, mark.offset), mark.left, mark.right)
            for mark in self._marks
        )
        return Piece(text, ids, tokens, dict(zip(copied, map("".join, self._copies))), marks, case, frozenset(inside))


def _starts(text: str, tokens: Sequence[str]) -> list[int]:
    """Where each token starts in the text, behind the space that may be a part of it."""
    starts, end = [], 0
    for token in tokens:
        start = text.index(token, end)
        starts.append(start + len(token) - len(token.lstrip()))
        end = start + len(token)
    return starts
