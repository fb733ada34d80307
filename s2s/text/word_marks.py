"""How a line of text becomes words."""

from __future__ import annotations

import re

from s2s.text.lines import without_invisible

# A part of a word: no space, no ASCII mark but `_`, none of the usual signs beyond ASCII. Marks that combine with a
# letter are parts, as many scripts need them, and Python's \w leaves them out.
_PART = (
    r"[^\s!-/:-@\[-^`{-~\xa1-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u2010-\u2027\u2030-\u205e\u20a0-\u20c0"
    r"\u2190-\u2bff\u3000-\u3003\u3008-\u3020\uff01-\uff0f\uff1a-\uff20\U0001f000-\U0001faff]"
)
# As the Penn Treebank has it: "do n't", "it 's"; marks alone, but not those inside words and numbers.
_WORD = re.compile(
    rf"""
    -[lr][rcs]b-                                  # brackets, as treebanks write them
    | n't (?!{_PART})
    | '(?:s|m|d|re|ve|ll) (?!{_PART})
    | (?:[^\W\d_]\.){{2,}}                        # u.s.
    | (?:mr|mrs|ms|dr|jr|sr|st|vs|etc)\.
    | \d+(?:[.,:/]\d+)+
    | {_PART}+? (?=n't (?!{_PART}))
    | {_PART}+ (?:[-./&]{_PART}+ | '(?!(?:s|m|d|re|ve|ll)(?!{_PART})){_PART}+)*
    | \.{{2,}} | -{{2,}} | `` | ''
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2018": "'"})


def tokenised(line: str) -> list[str]:
    """The words and punctuation marks of a line; those of a line that is tokenised are found as they are."""
    return [word for part in line.translate(_APOSTROPHES).split() for word in _WORD.findall(part)]


def words_of(line: str, *, tokenise: bool) -> list[str]:
    """The words of a line without invisible characters: what white space parts, or what `tokenised` finds."""
    line = without_invisible(line)
    return tokenised(line) if tokenise else line.split()
