"""Sentences: where they begin and end in a line of text.

A mark is not always an end: abbreviations, initials, ordinals, list numbers, decimals, names of files and quotations
inside a sentence have them too. Rules and small tables decide (`s2s.text.abbreviations`). In doubt a line is not cut.
The time is linear in the length of the line: each pattern consumes what it has looked at, and each decision looks at
a bounded stretch around the mark.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from s2s.text.abbreviations import Abbreviations, abbreviations
from s2s.text.spans import find_spans

Span = tuple[int, int]  # offsets in the text, [start, end)

_CLEAR = "。！？｡।॥؟۔։።፧။។៕"  # they have no other use; with or without white space after them
_MARKS = rf".!?…‼⁇⁈⁉{_CLEAR}"
_SEPARATORS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
_SPACE = "[ \u00a0\u202f]"
_QUOTE = rf"[\"'”’»›)\]}}」』）】》]|[“‘«‹](?!\w)|{_SPACE}»(?!\w)|\s[”“\"](?=\s|\Z)"
_SMILEY = r"\s?[:;]-?[)(DP](?!\w)|[\u2600-\u27bf\U0001f000-\U0001faff\u200d\ufe0f]"
_INVISIBLE = "[\u00ad\u200b\u200e\u200f\u2060\ufeff]"
_CLOSING = rf"(?:{_QUOTE}|{_SMILEY}|{_INVISIBLE}|\*{{1,3}}|__?|</\w{{1,10}}>|<br ?/?>|<\d{{1,4}}/>|\[\d{{1,3}}\])"

_SEPARATOR = re.compile(f"[{_SEPARATORS}]++")
_FIRST = re.compile(f"[{_MARKS}{_SEPARATORS}]")
_END = re.compile(rf"([{_MARKS}](?:{_SPACE}?[{_MARKS}])*+)({_CLOSING}{{0,8}}+)(\s*+)")
_NEXT = re.compile(r"(?:<[^<>\s]{1,30}>|[\W_]){0,10}?(?:([^\W_]{1,40}['’]?)(\.?)|\Z)")
_PROTECTED = re.compile(r"https?://|www\.|[{@#$%]\w|\$?\{|\(?[a-z\d]{1,2}\)\s")  # they begin a sentence in any case
_NO_START = ",;:)]}%/&=+|^~\\"
_ENCLOSED = re.compile(
    r"(?<![\w.!?…,;:])\"[^\"„“”«»]*+[\"“”]|[„“«»][^\"„“”«»]*+[\"“”«»]|\([^()]*+\)|\[[^\[\]]*+\]|「[^「」]*+」"
    r"|(?<![\w.!?…,;:])['‘‚](?=\w)[^'‘’‚]*+['’](?!\w)"
)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,3}")  # U.S, p.m, M.Sc, J.-C
_LIST_NUMBER = re.compile(r"\W*(?:\d{1,3}|[^\W\d_]|[ivx]{1,5}|[IVX]{1,5})(?:\.\d{1,3})*\Z")
_ORDINAL = re.compile(r"(?:\d{1,2}(?:\.|\.?[-–/]))?\d{1,3}")
_ROMAN = re.compile(r"[IVXL]+")
_FILE_ENDING = re.compile(
    r"(?:com|org|net|de|uk|fr|io|js|ts|py|md|txt|pdf|html?|xml|json|csv|exe|zip|jpe?g|png|gif|docx?|java|cpp|rs)\Z",
    re.I,
)
_NAME = re.compile(r"[@/\\_:]|www\.|\d")  # of an address or a file
_WINDOW = 60  # characters around a mark that a decision may look at


def sentence_spans(text: str, language: str) -> list[Span]:
    r"""Return the offsets [start, end) of the sentences of one line, without white space around them.

    Between two spans there is nothing but white space and separators (TAB, `\n`, U+2028 and the like, which always
    separate, but for those inside protected spans, see `s2s.text.spans`). A blank text has no spans.

    Args:
        text: a line, or a text of several lines
        language: a code such as `de` or `pt-BR`; one without tables gets the rules that hold for most languages
    """
    first = _FIRST.search(text)
    if first is None or first.end() == len(text):
        return _without_spaces(text, [0, len(text)])
    cuts = [0]
    words = abbreviations(language)
    for start, end in _between_separators(text, first.start()):
        cuts += [start, *_Line(text, start, end, words).cuts()]
    return _without_spaces(text, [*_outside_protected(text, cuts), len(text)])


def _outside_protected(text: str, cuts: list[int]) -> list[int]:
    """Leave out the cuts inside a tag, a placeholder, a piece of code, a URL or an e-mail address."""
    if len(cuts) < 3 or not any(mark in text for mark in "`<{@/"):
        return cuts
    spans = [(span.start, span.end) for span in find_spans(text)]
    ends = [end for _, end in spans]
    following = ((cut, bisect(ends, cut)) for cut in cuts)  # the first span that ends after the cut
    return [cut for cut, index in following if index == len(spans) or cut <= spans[index][0]]


def _between_separators(text: str, start: int) -> Iterator[Span]:
    """Yield the parts between separators, of which none stands before `start`."""
    begin = 0
    for separator in _SEPARATOR.finditer(text, start):
        yield begin, separator.start()
        begin = separator.end()
    yield begin, len(text)


def _without_spaces(text: str, cuts: list[int]) -> list[Span]:
    spans = list[Span]()
    for start, end in pairwise(cuts):
        part = text[start:end]
        if bare := part.strip():
            start += len(part) - len(part.lstrip())
            spans.append((start, start + len(bare)))
    return spans


class _Line:
    """A text between two separators, and where its sentences end.

    Attributes:
        words: what is known of its language
        enclosed: the spans of its quotations and brackets, in order
    """

    def __init__(self, text: str, start: int, end: int, words: Abbreviations) -> None:
        self.text, self.start, self.end, self.words = text, start, end, words

    @cached_property
    def enclosed(self) -> list[Span]:
        return [match.span() for match in _ENCLOSED.finditer(self.text, self.start, self.end)]

    @cached_property
    def upper(self) -> bool:
        """Whether the line has capital letters only."""
        return self.text[self.start : self.end].isupper()

    @cached_property
    def lower(self) -> bool:
        """Whether the line has no capital letters, so that they cannot show the start of a sentence."""
        return self.text[self.start : self.end].islower()

    def cuts(self) -> Iterator[int]:
        """Yield the offsets of the sentences but the first."""
        begin = seen = self.start  # of the sentence; what lies between the two has no letter and no digit
        empty = True
        for mark in _END.finditer(self.text, self.start, self.end):
            if empty and _LETTER_OR_DIGIT.search(self.text, seen, mark.start()):
                empty = False
            seen = mark.end()
            if not empty and seen < self.end and self._is_end(mark, begin):
                yield seen
                begin, empty = seen, True

    def _is_end(self, mark: re.Match[str], begin: int) -> bool:
        """Whether a sentence that began at `begin` ends at this mark."""
        marks, closing, gap = mark.groups()
        clear = marks[-1] in _CLEAR
        if not (gap or clear or (self.text[mark.end()].isupper() and (not closing or closing[-1] == ">"))):
            return False
        following = _NEXT.match(self.text, mark.end(), self.end)
        if following is None or not following[1]:  # symbols after a sentence belong to it
            return False
        if clear:
            return bool(
                gap or not closing or (marks[-1] not in "！？" and closing[-1] not in "）)")
            )  # “Stop！” he said
        protected = _PROTECTED.match(self.text, mark.end(), self.end) is not None
        if self.text[mark.end()] in _NO_START and not protected:
            return False
        word = following[1]
        opener = self._is_opener(word, following[2])
        if not gap and not self._is_without_space(mark, begin, word, opener):
            return False
        if word[0].islower() and not word[1:2].isupper() and not protected:
            return not closing and self._ends_lower_case(mark, begin, opener)
        after = following.end()
        initial = word if word.isalpha() and not following[2] else ""
        if not opener and len(initial) == 1 and self.text[after : after + 2].strip().isupper():  # John. F Kennedy
            return False
        if not self._is_outside(mark, begin, opener):
            return False
        if "!" in marks or "?" in marks or marks[0] in "‼⁇⁈⁉":
            return True
        spaced = self.text[mark.start() - 1].isspace()
        if "…" in marks or marks.count(".") > 2:
            if word[0].isdigit() or (self.words.openers and word in ("I", "I'", "I’")):  # a price of... 1.6 million
                return False
            return opener or not (spaced or self.words.ordinals)
        return spaced or self._ends_with_stop(mark.start(), begin, word, opener)

    def _is_opener(self, word: str, stop: str) -> bool:
        """Whether a word is capitalised at the start of sentences only: `The`, but neither `IT` nor the `A` of `A.`."""
        if not (word.islower() if self.lower else word[0].isupper() and not word[1:].isupper()):
            return False
        bare = word.casefold().replace("’", "'")
        return not (stop and len(word) == 1) and (bare in self.words.openers or bare.rstrip("'") in self.words.openers)

    def _is_without_space(self, mark: re.Match[str], begin: int, word: str, opener: bool) -> bool:
        """Whether a mark without white space is one between sentences ("It runs.It jumps"), not inside a name."""
        before = self.text[max(begin, mark.start() - _WINDOW) : mark.start()].split()[-1:]
        after = self.text[mark.end() : mark.end() + _WINDOW].split()[:1]
        if not before or not after or len(mark[1]) > 3:
            return False
        if "." in before[0] or "(" in after[0] or any(map(_NAME.search, before + after)):
            return False
        if _FILE_ENDING.match(word) and not opener:
            return False
        end = before[0].rstrip("\"'”“»’)")
        if self.upper:
            return end[-3:].isalpha() and len(end) > 2
        return end[-2:].isalpha() and end[-2:].islower() and len(end) > 1 and not word[1:].isupper()

    def _ends_lower_case(self, mark: re.Match[str], begin: int, opener: bool) -> bool:
        """Whether a sentence of a line without capital letters ends at this mark.

        It does after a word that is not in the tables if an opener follows or if the word is long.
        """
        words = self.words
        if not self.lower or not words.openers or len(mark[1]) > 1 or self._enclosing(mark.start()):
            return False
        token, names = self._last_word(mark.start(), begin)
        part = re.split(r"[-'’]", token)[-1]
        if not part.isalpha() or names & (words.inside | words.may_end | words.before_number):
            return False
        return len(part) > (1 if opener else 4 if mark[1] == "." else _WINDOW)

    def _enclosing(self, position: int) -> Span | None:
        """The quotation or bracket that `position` lies in."""
        index = bisect(self.enclosed, position, key=lambda span: span[0]) - 1
        if index < 0 or self.enclosed[index][1] <= position:
            return None
        return self.enclosed[index]

    def _is_outside(self, mark: re.Match[str], begin: int, opener: bool) -> bool:
        """Whether the mark is not one of a short quotation or bracket in a sentence: the band "Pop! Tech" plays."""
        inner = self.text.rfind("(", max(begin, mark.start() - _WINDOW), mark.start()) if ")" in mark[2] else -1
        enclosing = (inner, mark.end(2)) if inner >= 0 else self._enclosing(mark.start())
        if enclosing is None:
            return True
        start, end = enclosing
        before = self.text[max(start, begin, mark.start() - _WINDOW) : mark.start()].split()
        lead = self.text[max(begin, start - _WINDOW) : max(begin, start)].rstrip()
        inserted = _LETTER_OR_DIGIT.search(lead) and lead[-1] not in ":,"
        if mark.end(2) < end:  # inside
            after = self.text[mark.end() : min(end, mark.end() + _WINDOW)].split()
            continued = self.text[end : min(self.end, end + _WINDOW)].lstrip()[:1]
            return not (inserted or continued.islower() or continued == ",") or min(len(before), len(after)) >= 3
        short = self.words.ordinals or len(before) <= 3 or mark[1][-1] in "!?"
        return opener or not (inserted and short and self.words.openers)

    def _last_word(self, end: int, begin: int) -> tuple[str, set[str]]:
        """The word that ends at `end`, and its names in tables: `B`, and `z.B` and `z.b` for "z. B"."""
        tokens = self.text[max(begin, end - _WINDOW) : end].split()
        if not tokens:
            return "", set()
        token = key = re.split(r"['’](?=\w)|[\"“„«»]", tokens[-1].lstrip("\"'([{“„«»‘‚’*_¿¡<>-–—"))[-1]
        if len(token) == 1:
            for earlier in tokens[-2:-5:-1]:
                if not (len(earlier) == 2 and earlier[1] == "."):
                    break
                key = earlier + key
        last = re.split(r"[-.]", key)[-1]  # of "Dipl.-Ing."
        names = {key, last} if len(last) > 1 else {key}
        return token, names | {name.casefold() for name in names}

    def _ends_with_stop(self, end: int, begin: int, word: str, opener: bool) -> bool:
        """Whether the full stop at `end` ends a sentence, if `word` follows."""
        if end - begin < 12 and _LIST_NUMBER.match(self.text, begin, end):
            return False
        token, names = self._last_word(end, begin)
        words, number = self.words, word[0].isdigit()
        if names & words.inside or (number and names & words.before_number):
            return False
        initial = len(token) == 1 and (token.isupper() or token.islower())
        if initial or names & words.may_end or _DOTTED.fullmatch(token):
            return opener
        if token.isdigit() and len(token) < 4 and number:  # 5. 3. 2020
            return False
        if words.ordinals and (_ORDINAL.fullmatch(token) or _ROMAN.fullmatch(token)):
            return opener
        return True
