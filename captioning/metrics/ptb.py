"""The words of a caption, as the caption metrics count them: Penn Treebank tokens, lower-cased, without punctuation.

The COCO caption evaluation (Chen et al., 2015, "Microsoft COCO Captions", sec. 3.1) tokenises by Stanford's
PTBTokenizer 3.4.1, lower-cases, and drops punctuation; every published score depends on it. Stanford's needs Java. This
one does not: its rules were found by comparing the two on captions, and on every letter and mark of the basic plane.
Its quirks are Stanford's. Brackets survive, as `-lrb-` and `-rrb-`, because lower-casing hides them from the list of
punctuation; so do runs such as `!!`. Letters and marks that Stanford's does not know are dropped, and cut their word:
some hundred marks, and letters that are newer than it (see captioning/metrics/stanford_letters.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from captioning.metrics.stanford_letters import MARKS, UNKNOWN

# What the evaluation drops. Other quotation marks, dashes and dots become one of these, and are gone with them.
_DROPPED = frozenset(".?!,:;-'`\"" + "…‘’“”«»‹›–—―‐‑‒")
_RENAMED = {
    "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "£": "#", "€": "$", "¢": "cents", "½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3",
    "cannot": "can not", "gonna": "gon na", "gotta": "got ta", "wanna": "wan na", "lemme": "lem me", "gimme": "gim me",
    **{f"’{suffix}": f"'{suffix}" for suffix in ("s", "m", "d", "re", "ve", "ll")}, "n’t": "n't", "n‘t": "n`t",
    "'tis": "'t is", "'twas": "'t was", "more'n": "more 'n",
}  # fmt: skip
_PARENTHESES = str.maketrans({"(": "-lrb-", ")": "-rrb-"})  # those of :-) too
_ENTITIES = re.compile("&(amp|lt|gt|quot|apos|nbsp);", re.IGNORECASE)
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}

# Words that keep the full stop after them: always, if capitalised, before a number.
_ABBREVIATIONS = (
    "adj adm adv al ala apr ariz assoc asst aug ave bancorp bhd bldg blvd bros calif capt cf cie cmdr co col colo conn "
    "corp cos cpl ct dak dec dept det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov hon inc ind intl invt "
    "jan jos jr jul jun kan kans ky lt ltd maj mar md messrs mfg mich minn mlle mme mo mon mont mr mrs ms mt mtg natl "
    "neb nev nov oct okla penn pfc ph plc pres prof pte pty pvt rd rep rev rt sen sep sept seq sfc sgt spc sq sr st "
    "ste sys tel tenn thu thurs treas tue tues univ va vs vt wed wis wisc wm wyo"
)
_CAPITALISED = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"
_BEFORE_NUMBERS = "art ca fig no nos op pp prop"
# Words that begin a sentence: a single letter before one of them has ended the sentence before.
_STARTS = (
    "A About According After An As At But He Her Here However If In It Last Many More Now Once One Other Our She Since "
    "So Some Such That The Their Then There These They This We What When While Yet You"
)


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_NUMBERS = "¹²³⁰⁴-⁹₀-₉⅐-⅟¼½¾"  # to Python they are letters or digits
_L = rf"[^\W\d_{_NUMBERS}]|[\u1885\u1886]"  # a letter, within brackets of its own
_LETTER = f"(?:{_L})"
_A = rf"(?:[^\W_{_NUMBERS}]|[\u1885\u1886])"  # a letter or a digit
_WL = f"(?:{_L}|[{MARKS}])"  # a letter of a word, which may be a mark
_WA = f"(?:{_A}|[{MARKS}])"
_SUFFIX = rf"['’](?i:s|m|d|re|ve|ll)(?!{_WA})"
_NOT = rf"(?i:n['’‘`]t)(?!{_WA})"
_ACRONYM = rf"[A-Za-z](?:\.[A-Za-z])+\.(?!{_WL})|(?i:ph\.d\.)|[A-Za-z]\.(?!{_WL}|\s+{_any(_STARTS)}\s)"
_DOTTED = (
    rf"(?:(?i:{_any(_ABBREVIATIONS)})|(?:{_any(_CAPITALISED)}|{_any(_CAPITALISED.upper())})"
    rf"|(?i:{_any(_BEFORE_NUMBERS)})(?=\.\s*\d))\."
)
_PART = rf"(?:(?:[A-Za-z]\.){{2,}}|{_A}+)"

# The longest match wins, the first of equals.
_RULES = [
    re.compile(rule)
    for rule in (
        # words, and what missing spaces join to one: end.next
        rf"[A-Za-z][A-Za-z0-9]*?(?={_NOT})|{_WL}{_WA}*(?:[.!?]{_WL}{_WA}*)*",
        _NOT,
        _SUFFIX,
        rf"(?:{_PART}|{_DOTTED})(?:[-‐‑]{_PART})+",  # t-shirt, 3-year-old, U.S.-made
        r"(?=[\d/]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z]+)*(?:/[A-Za-z0-9]+(?:-[A-Za-z]+)*)+",  # black/white
        rf"\d+{_LETTER}{_WA}*|{_A}+(?:_+{_A}+)+",  # 4x4, 3rd
        rf"\d+/\d+(?:-{_A}+)*",  # 3/4
        r"[-+]?(?:\d*(?:[.:,]\d+)+|\d+)",  # 1,000, 10:30, -5
        _ACRONYM,
        _DOTTED,
        r"[A-Z]+(?:&[A-Z]+)+",  # AT&T
        rf"['’](?:\d\d|em|n|till?|cause)(?!{_WA}|['’])|['’]n['’]|['’][2-9]0s",  # the '90s, 'em, rock 'n' roll
        rf"(?i:'tis|'twas|more'n|[dlj]'|y'(?={_LETTER})|ol'|dunkin'|somethin')",
        rf"[A-HJ-XZdlno](?!{_SUFFIX})['’]{_LETTER}{{2,}}",  # O'Brien
        rf"(?![Yy]['’]){_LETTER}*[aeiouyAEIOUY](?!{_SUFFIX})['’][aeiouA-Z]{_LETTER}*",  # ma'am
        r"(?i:c'mon|nor'easter|s'mores|ev'ry|li'l|nat'l|o'clock)",
        rf"#{_WL}+|@[A-Za-z]{_WL}*|[Cc]\+\+|[CcFf]#",
        rf"(?:https?://|www\.)[^\s\"<>|()]+[^\s\"<>|().,!?-]|\w[\w.{MARKS}-]*\.(?:com|net|org|edu)(?:/[^\s\"]+)?",
        rf"[\w.{MARKS}-]+@\w+(?:\.\w+)*",
        rf"[:;=][-']?[()DPp\]|\\](?!{_A})|\^_\^|-_-|>_<",
        r"</?[A-Za-z!][^<>]*>|&#\d+;",
        r"-[lr][rsc]b-",  # what was tokenised before
        r"[!?]{2,}|-{5,}|\*+|_+|@+|#+|<<|>>|[A-Z]{1,2}\$",
        r"(?s:.)",
    )
]
_PLAIN = re.compile(r"[A-Za-z]+(?![^\s,;])|[.,](?!\S)")  # nearly all tokens, at once
# Characters beyond the first plane, such as emoji, are none of Stanford's.
_SPACE = re.compile(r"[\s\u200b-\u200f\ufe00-\ufe0f\ufeff\U00010000-\U0010ffff]+")


_NOTHING = "\ue000"  # stands for a character that Stanford's does not know: it ends a word, and is no token


def tokenise(caption: str) -> list[str]:
    """The words of a raw caption; punctuation alone gives none."""
    text = _ENTITIES.sub(lambda entity: _CHARACTERS[entity[1].lower()], caption.replace("\u00ad", ""))
    if not text.isascii():
        text = UNKNOWN.sub(_NOTHING, text)
    return [word for token in _tokens(text) for word in _RENAMED.get(token, token).split()]


def _tokens(text: str) -> Iterator[str]:
    position = _after_space(text, 0)
    while position < len(text):
        found = _PLAIN.match(text, position) or max(
            (match for rule in _RULES if (match := rule.match(text, position))), key=re.Match.end
        )
        if found[0] not in _DROPPED and found[0] != _NOTHING:
            yield found[0].lower().translate(_PARENTHESES)
        position = _after_space(text, found.end())


def _after_space(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position
