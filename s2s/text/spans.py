r"""Protected spans: the parts of a line that must stand in its translation exactly once, unchanged.

`KINDS` is the table of what is protected. A span either stands in the sentence like a word (a URL, a number, a code, a
placeholder), or it is a mark around or between words (a tag, an emoji, a Markdown marker). Each kind has examples, in
which its spans stand between "⟦" and "⟧".

What is left alone, because it is translated: words with a slash or a hyphen between them (and/or, T-shirt), ordinals
and decades (1st, 20s), abbreviations (U.S.), the full stop after a number, also that of a German ordinal: "5. Mai" and
"May 5" share the span "5".

Every pattern takes time linear in the length of the line. A pattern that may read far before it fails starts only
where the characters that it reads start, or stops where it could start again; repetitions are possessive (`*+`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A protected part of a text.

    Attributes:
        start, end: its offsets in the text, [start, end)
        kind: the name of its kind
        word: whether it stands in the sentence like a word or a number; otherwise it is a mark around or between words
    """

    start: int
    end: int
    kind: str
    word: bool


@dataclass(frozen=True)
class Kind:
    """A kind of protected span.

    Attributes:
        name: an identifier
        pattern: a regular expression without capturing groups
        word: see `Span`
        examples: texts with the spans of this kind between "⟦" and "⟧"
    """

    name: str
    pattern: str
    word: bool
    examples: tuple[str, ...]


_LETTER = r"[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]"  # a letter or digit, except of scripts without spaces
_START = rf"(?<!{_LETTER})"
_END = rf"(?!{_LETTER})"

# --- URLs and paths ---
_QUOTES = r"\"'`“”„‘’«»<>"
_CLOSING = r".,;:!?*_~…。，、！？；："  # these belong to a URL only if more of it follows
_URL_CHARACTER = rf"[^\s()\[\]{{}}|\\^{_QUOTES}{_CLOSING}（）「」]"
_BRACKETED = r"(?:\([^\s()<>]*+\)|\{[^\s{}<>]*+\}|\[[^\s\[\]<>]*+\])"
_URL_TAIL = rf"(?:{_URL_CHARACTER}++|[{_CLOSING}]++(?={_URL_CHARACTER}|{_BRACKETED})|{_BRACKETED})"
_TOP = (
    r"(?:com|org|net|edu|gov|mil|info|biz|io|ai|co|eu|uk|de|fr|nl|pl|cz|dk|fi|se|pt|ru|ua|cn|jp|kr|br|mx|ca|au|nz|ie|"
    r"ch|li|lu|gr|hu|ro|bg|hr|sk|lt|lv|ee|tr|za|dev|app|wiki|blog|shop|online|xyz|example|test|local|COM|ORG|NET|DE)"
)
_HOST = r"(?:\w[\w-]*+\.)"
_URL = "|".join(
    (
        rf"{_START}(?:[A-Za-z][A-Za-z0-9+]{{1,14}}://|mailto:|tel:(?=[+\d])){_URL_TAIL}++",
        rf"{_START}www\.(?=\w){_URL_TAIL}++",
        rf"{_START}localhost(?=[:/]\w){_URL_TAIL}++",
        rf"(?<![\w.@-]){_HOST}+{_TOP}(?![\w-])(?!\.\w)(?::\d++)?(?:[/?#](?:(?=\w|%|{_BRACKETED}){_URL_TAIL}++)?)?",
        rf"(?<![\w.@-]){_HOST}+[a-z]{{2,}}+(?::\d++)?/(?=\w){_URL_TAIL}++",
    )
)
_EXTENSION = (
    r"(?:txt|md|rst|pdf|docx?|odt|rtf|tex|epub|xlsx?|ods|pptx?|odp|csv|tsv|jsonl?|xml|ya?ml|toml|ini|cfg|conf|log|sql|"
    r"db|sqlite|html?|css|scss|jsx?|tsx?|mjs|php|py|ipynb|rb|rs|java|kt|cpp|hpp|cc|hh|cs|swift|sh|bat|ps1|exe|dll|"
    r"dmg|apk|deb|rpm|iso|zip|tar|gz|tgz|bz2|xz|zst|7z|rar|jar|whl|jpe?g|png|gif|svg|webp|avif|bmp|tiff?|ico|psd|mp3|"
    r"mp4|wav|flac|ogg|webm|mkv|avi|mov|srt|vtt|po|mo|pot|xliff?|onnx|safetensors|npz|npy|pt|bin|bak|tmp|lock)"
)
_COMPONENT = r"(?:[\w@%+-]++|\.(?=\w))"
_BEFORE_PATH = r"(?<![^\s\"'`“„‘«(\[{<>=,:*])"  # the start of the line, a space, a quotation mark, a bracket
_PATH = "|".join(
    (
        rf"{_BEFORE_PATH}(?:~|\.{{1,2}})?(?:/{_COMPONENT}++)++/?",
        rf"{_BEFORE_PATH}(?:~|\.{{1,2}})/(?!\w)",
        rf"{_START}[A-Za-z]:[\\/](?:[^\s<>\"|?*:,;().…]|\.(?=[^\s.,;:)]))*+",
        r"(?<!\\)\\\\[\w.-]+\\(?:[^\s<>\"|?*:,;().…]|\.(?=[^\s.,;:)]))++",
        r"(?<![\w./~@-])(?:[\w.-]++/)++[\w.-]*\.[a-z][a-z0-9]{0,7}(?![\w/])",
        rf"(?<![\w./~@-])[\w.-]*\.{_EXTENSION}(?![\w/-])(?!\.\w)",
    )
)

# --- numbers ---
_NARROW = "\u00a0\u202f\u2009"  # no-break and thin spaces
_FRACTION = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_DIGITS = (
    rf"(?:\d{{1,3}}(?:[ {_NARROW}]\d{{3}}(?!\d))++(?:[.,]\d++)?|\d++(?:[.,'’]\d++)*+|\.\d++|(?=[{_FRACTION}]))"
    rf"(?:[eE][-+]?\d++|[{_FRACTION}]|[⁰¹²³⁴-⁹]++)?"
)
_UNIT = (
    r"(?:km/h|m/s[²]?|[kcdmµμn]?m[²³]?|mph|kph|ft|yd|mi|nm|[kmµμ]?g|oz|lbs?|[mcdh]?[lL]|min|h|ms|[kMG]?Hz|[kMG]?Wh?|"
    r"[km]?V|mA|mAh|[kKMGT]i?B|[kMG]bit/s|[kMG]bps|px|pt|dpi|fps|rpm|ppm|dB|kcal|[kM]?J|[hk]?Pa|bar|hp|PS|ha|"
    r"x|EUR|USD|GBP|CHF|JPY|CAD|AUD)"
)
_CURRENCY = r"[$€£¥₹₽₩]"
_NUMBER_START = rf"(?<!{_LETTER})(?<!\d[.,])"
_NUMBER_END = rf"(?={_UNIT}?{_END})"
_ELEMENT = rf"(?:{_DIGITS}(?:[x×]{_DIGITS})*+{_NUMBER_END})"
_BEFORE = rf"(?:(?:[A-Z]{{0,2}}{_CURRENCY}|(?:EUR|USD|GBP|CHF) ?)[ {_NARROW}]?)"
_AFTER = rf"(?:[ {_NARROW}]?(?:%%?|‰|°[CF]?{_END}|{_CURRENCY}(?!\d)|{_UNIT}{_END}))"
_SIGN = r"(?:[-+−±≈](?<![-+\w].)|(?<=\w)[±≈])"
_NUMBER = rf"{_NUMBER_START}(?:(?:§§? ?)|{_SIGN})?{_BEFORE}?{_SIGN}?{_ELEMENT}(?:[-–/:]{_ELEMENT})*+{_AFTER}?"
_TERM = rf"(?:[-+−]?{_BEFORE}?{_ELEMENT}{_AFTER}?)"
_OPERATOR = r"(?:\*\*|[-−+*/×÷·^<>≤≥≈±]|[<>!=]?=)"
_GROUP = rf"(?:{_TERM}|\({_TERM}(?:{_OPERATOR}{_TERM}| {_OPERATOR} {_TERM})++\))"
_ARITHMETIC = (
    rf"(?<![\w./)-])(?<!\d,){_GROUP}(?:[-/]{_TERM})*+"
    rf"(?:(?:\*\*|[+*×÷·^<>≤≥≈±]|[<>!=]?=){_GROUP}| (?:{_OPERATOR}|x) {_GROUP})"
    rf"(?:{_OPERATOR}{_GROUP}| (?:{_OPERATOR}|x) {_GROUP})*+(?: ?= ?\?)?"
)
_PHONE = "|".join(
    (
        r"(?<![\w+])\+\d{1,3}[ ./-]?(?:\(\d{1,5}\)[ ./-]?|\d{1,5}[ ./-])\d{2,8}"
        rf"(?:[ ./-]\d{{1,8}}){{0,5}}{_END}",
        rf"(?<![\w+])\+\d{{7,15}}{_END}",
        rf"\(\d{{2,5}}\) ?\d{{2,4}}(?:[ -]\d{{2,5}}){{0,4}}{_END}",
        rf"{_NUMBER_START}0\d{{1,5}}[ /-]\d{{3,9}}(?:[ -]\d{{1,5}}){{0,4}}{_END}",
    )
)
_CLOCK = r"(?: ?(?:(?<! )[ap]m\b| pm\b| am\b(?! \w)|[AP]M\b|[ap]\.m(?:\.(?=,| [a-z]))?))"
_DATE = (
    rf"{_NUMBER_START}(?:\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d++)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|\d{{1,2}}\.\d{{1,2}}\.\d{{2,4}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}-\d{{1,2}}-\d{{4}}"
    rf"|\d{{4}}[/.]\d\d[/.]\d\d){_END}(?![.,/-]\d)"
)
_TIME = (
    rf"{_NUMBER_START}(?:\d{{1,2}}(?::\d\d){{1,2}}(?:[.,]\d{{1,6}}+)?(?:{_CLOCK}|{_END})"
    rf"|\d{{1,2}}h\d\d{_END}|\d{{1,2}}{_CLOCK})"
)
_VERSION = (
    rf"{_NUMBER_START}(?:[vV]\d++(?:\.\d++)*+|\d++(?:\.\d++){{2,}}+|\d++\.\d++(?=-?(?:rc|alpha|beta)))"
    rf"(?:-?(?:rc|alpha|beta|dev|post)[.-]?\d*+|[-+][0-9A-Za-z]++(?:\.[0-9A-Za-z]++)*+|[:/]\d++)?"
    rf"{_END}(?!,\d)(?! ?[%€$£])"
)
_CODE = "|".join(
    (
        r"\[\^?\d{1,4}(?:(?:, ?|[-–])\d{1,4})*+\]",
        rf"{_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_END}",
        rf"{_START}(?=[a-f]*+[0-9][0-9a-f]*+[a-f])[0-9a-f]{{7,}}+{_END}",
        rf"(?<![\w-])[A-Z][A-Z0-9]{{0,7}}(?:[-/][A-Z0-9]{{1,12}})*(?:[-/](?!\d++(?:S|ST|ND|RD|TH)\b)\d[A-Z0-9]*+)(?:-[A-Z0-9]{{1,3}}\b)*{_END}",
        rf"{_START}[A-Za-z]++\d[A-Za-z0-9]*+{_END}",
        rf"{_NUMBER_START}\d++(?!(?:S|ST|ND|RD|TH|E|ER|ÈME)\b)[A-Z]{{1,3}}\d*+{_END}",
        rf"{_NUMBER_START}\d++[abcdkp]{_END}",
        rf"{_START}[A-Z](?:\+\+|#){_END}",
        rf"(?<!{_LETTER})[A-Za-z0-9]++(?:_++[A-Za-z0-9]++)++(?:\(\))?(?!\w)",
        r"(?<![\w.])[A-Za-z]\w*+(?:\.[A-Za-z]\w*+)*+\(\)",
    )
)

# --- placeholders and marks ---
_PLACEHOLDER = "|".join(
    (
        r"\{\{\{[^{}]*+\}\}\}|\{\{[^{}]*+\}\}|\{%(?:[^{}%]|%(?!\}))*+%\}|\{#(?:[^{}#]|#(?!\}))*+#\}",
        r"[$#%@]?\{(?:(?: ?[$@]?[\w.\[\]-]++)?+(?:![rsa])?(?::[^{}\s]++)?(?<!\{) ?)?\}",
        r"%\(\w++\)[-+#0]*+\d*+(?:\.\d++)?[a-zA-Z]",
        r"(?<!\d)(?<!\d )%(?:\d{1,2}\$)?[-+#0]{0,4}\d{0,4}(?:\.\d{1,3})?"
        rf"(?:[hlLqjzt]{{0,2}}[diouxXeEfFgGcrsaA]{_END}|@)",
        r"%[A-Z_]{2,30}%|(?<!\d)%%",
        r"\$[A-Za-z_]\w*+",
        r"<<[^<>\s]++>>",
    )
)
_HTML = (
    r"(?:a|abbr|address|article|aside|audio|b|bdi|bdo|big|blockquote|body|bold|bpt|br|button|bx|canvas|caption|center|"
    r"cite|code|col|dd|del|details|dfn|div|dl|dt|em|ept|ex|fieldset|figcaption|figure|font|footer|form|g|h[1-6]|head|"
    r"header|hr|html|i|iframe|img|input|ins|it|italic|kbd|label|legend|li|link|main|mark|meta|mrk|nav|ol|optgroup|"
    r"option|p|ph|pre|q|rp|rt|ruby|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|"
    r"svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|tt|u|ul|var|video|wbr|x)"
)
_ATTRIBUTES = r"(?:\s(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)"
_TAG = "|".join(
    (
        r"<!--(?:[^-<]|-(?!->)|<(?!!--))*+-->",
        r"<![A-Za-z\[][^<>]*+>|<\?[^<>]*+\?>",
        rf"<(?i:{_HTML})(?:{_ATTRIBUTES})?/?>",
        r"</(?:[A-Za-z][\w:.-]*+|\d{1,4})\s?>",
        r"<(?:[A-Za-z][\w:.-]*+|\d{1,4})\s?/>|<\d{1,4}>",
        r"<[A-Za-z]\w*+(?:[-:_\d][\w:.-]*+)?"
        + r"\s[A-Za-z_:][\w:.-]*+\s?=\s?[\"'](?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+[\"']?\s?/?>",
        r"<[A-Za-z]++[-:_\d][\w:.-]*+>",
    )
)
_LINK_TARGET = r"\]\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?: \"[^\"]*+\")?\)"
_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030"
    r"\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
_MODIFIED = rf"{_PICTURE}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*+[\U000e0020-\U000e007f]*+"
_EMOJI = (
    rf"(?:[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_MODIFIED}(?:\u200d{_MODIFIED})*+"
    r"|[\U0001f3fb-\U0001f3ff])++\u200d*+"
)
_EMPHASIS = "|".join(
    (
        r"(?<!\*)\*{1,3}+(?![\s*])|(?<=[^\s*])\*{1,3}+(?!\*)",
        r"(?<!~)~~(?![\s~])|(?<=[^\s~])~~(?!~)",
        r"(?<!\w)_{1,3}+(?=[^\s_])|(?<=[^\s_])_{1,3}+(?!\w)",
    )
)

KINDS: tuple[Kind, ...] = (
    Kind(
        "tag",
        _TAG,
        False,
        (
            "⟦<b>⟧bold⟦</b>⟧",
            'See ⟦<a href="x>y">⟧this⟦</a>⟧.',
            "one⟦<br/>⟧two⟦<br />⟧three",
            "⟦<!-- a > b -->⟧A man.",
            "⟦<0>⟧A man⟦</0>⟧ ⟦<x:y/>⟧",
            "A dog is <running>. 2 < 3 > 1 <3",
        ),
    ),
    Kind(
        "entity",
        r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});",
        False,
        ("a ⟦&amp;⟧ b", "⟦&quot;⟧A man⟦&quot;⟧", "man⟦&#39;⟧s", "man⟦&#x27;⟧s", "A & B; AT&T &; &#;", "⟦&nbsp;⟧⟦&lt;⟧"),
    ),
    Kind(
        "code_span",
        r"(?<![\w`])(?:```[^`]+```|``[^`]+``|`[^`]+`)(?![\w`])",
        True,
        ("Run ⟦`make test`⟧.", "(⟦`x`⟧)", "⟦``a b``⟧, ⟦`c`⟧", "Peter`s dog and Paul`s", "```` a ` b", "**⟦`x`⟧**"),
    ),
    Kind(
        "link",
        rf"!?\[(?=[^\[\]]*+{_LINK_TARGET})|{_LINK_TARGET}",
        False,
        (
            "See ⟦[⟧the page⟦](https://x.org/a_(b))⟧.",
            "⟦![⟧A dog⟦](dog.png)⟧",
            '⟦[⟧x⟦](y "A title")⟧',
            "[left] (right)",
            "[a](b c) [[",
            "⟦[⟧1⟦](#one)⟧",
        ),
    ),
    Kind(
        "url",
        _URL,
        True,
        (
            "(see ⟦https://x.org/a_(b)⟧.)",
            "⟦www.example.com⟧, ⟦example.com/path⟧!",
            "Visit ⟦example.org⟧.",
            "⟦https://x.org/?q=1&r=%20#top⟧ and ⟦ftp://x.org/⟧",
            "⟦http://localhost:8080/x⟧; ⟦localhost:8000⟧",
            "“⟦https://x.org⟧”, ⟦https://x.org/{id}/⟧",
            "The end.So U.S. e.g. a.m. at his/her home.It",
        ),
    ),
    Kind(
        "email",
        r"(?<![\w.+%-])\w[\w.+%-]*+@[A-Za-z0-9][\w-]*+(?:\.[\w-]++)*+",
        True,
        (
            "Write to ⟦user@example.com⟧.",
            "⟦a.b+c@x.co.uk⟧, 5 €",
            "<⟦me@x.org⟧>",
            "⟦root@localhost⟧",
            "A man is@-@running; run@@ ning @ home",
        ),
    ),
    Kind(
        "placeholder",
        _PLACEHOLDER,
        True,
        (
            "Hello ⟦{name}⟧, ⟦{0}⟧ ⟦{}⟧ ⟦{x:.2f}⟧",
            "⟦%s⟧ of ⟦%d⟧, ⟦%(name)d⟧ ⟦%1$s⟧ ⟦%@⟧ ⟦%5.2f⟧ 5%",
            "⟦$VAR⟧ ⟦${var}⟧ ⟦{{ x }}⟧ ⟦{% if x %}⟧",
            "⟦<<x>>⟧ ⟦%{count}⟧ ⟦%PATH%⟧",
            "⟦%s⟧⟦%s⟧(⟦{a}⟧⟦{b}⟧)",
            "50 % discount, 100 % a day, {the man}, :name",
        ),
    ),
    Kind(
        "path",
        _PATH,
        True,
        (
            "⟦/usr/bin/x⟧ and ⟦~/x⟧",
            "Open ⟦C:\\x\\y.txt⟧.",
            "(⟦./a/b.txt⟧, ⟦../c⟧)",
            "⟦file.tar.gz⟧; ⟦main.py⟧.",
            "⟦src/main.rs⟧",
            "and/or, his/her. black/white T-shirt, A man\\woman, end.The",
        ),
    ),
    Kind(
        "emoji",
        _EMOJI,
        False,
        (
            "⟦😀⟧ A man ⟦😀😀⟧.",
            "A woman ⟦👩🏽‍🚒⟧ runs.",
            "a flag ⟦🇩🇪⟧ ⟦🏴󠁧󠁢󠁥󠁮󠁧󠁿⟧",
            "I ⟦❤️⟧ dogs ⟦5️⃣⟧",
            "⟦☃⟧ ⟦→⟧ ⟦✓⟧ ⟦♪⟧",
            "A man – “B” … ‘C’ • ¿",
        ),
    ),
    Kind(
        "arithmetic",
        _ARITHMETIC,
        True,
        (
            "⟦2 + 2 = 4⟧",
            "So ⟦2+2=4⟧.",
            "(see ⟦(2 + 3) * 4 = 20⟧)",
            "⟦10 - 3⟧ and ⟦3 x 4⟧",
            "⟦5 € + 3 € = 8 €⟧, ⟦1 + 1 = ?⟧",
            "A + B, 5-3, 1/2, 5 * a",
        ),
    ),
    Kind(
        "date",
        _DATE,
        True,
        (
            "on ⟦2026-11-29⟧.",
            "⟦29.11.2026⟧, ⟦11/29/26⟧",
            "⟦2026-11-29T10:15:33Z⟧",
            "⟦2026-11-29 10:15⟧",
            "(⟦1.2.2026⟧)",
            "9/11, 1.2, May 5",
        ),
    ),
    Kind(
        "time",
        _TIME,
        True,
        (
            "at ⟦12:30⟧.",
            "⟦5:30pm⟧, ⟦10:15:33.250⟧",
            "⟦5 pm⟧ ⟦5 p.m.⟧ or later",
            "at ⟦5 p.m⟧.",
            "⟦10h30⟧ ⟦00:00:01,000⟧",
            "5 am Morgen 5:3",
        ),
    ),
    Kind(
        "phone",
        _PHONE,
        True,
        (
            "Call ⟦+49 30 123456⟧.",
            "⟦(555) 123-4567⟧, now",
            "⟦+1-555-123-4567⟧",
            "⟦030/123456⟧, ⟦030 1234567⟧",
            "⟦+4930123456⟧",
            "+4 (5) 6",
        ),
    ),
    Kind(
        "version",
        _VERSION,
        True,
        (
            "⟦v1.2.3⟧ is out.",
            "⟦2.0.0-rc1⟧, ⟦1.2.3⟧.",
            "⟦v2⟧ ⟦1.0-beta2⟧",
            "⟦192.168.0.1:8080⟧",
            "(⟦1.2.3+build.5⟧)",
            "3.14 1.234.567,89 €",
        ),
    ),
    Kind(
        "code",
        _CODE,
        True,
        (
            "an ⟦A4⟧ page, ⟦B2B⟧",
            "as ⟦[1]⟧ and ⟦[2, 3]⟧ say",
            "⟦ISO-9001⟧ ⟦AB-1234-X⟧.",
            "⟦mp3⟧ ⟦3D⟧ ⟦C++⟧ ⟦1080p⟧ ⟦12a⟧",
            "⟦snake_case⟧ ⟦main()⟧ ⟦a.b()⟧",
            "A man, I, U.S. 1st 20s 1ST 20S T-shirt Coca-Cola MID-20S 10-YEAR-OLD",
        ),
    ),
    Kind(
        "handle",
        r"(?<![\w@])@\w++(?:[.-]\w++)*+(?:@\w[\w.-]*\w|/[\w-]++(?:\.\w++)*+)?",
        True,
        ("Ask ⟦@anna⟧.", "(⟦@a_b⟧, ⟦@c.d⟧)", "⟦@a@b.org⟧", "⟦@org/pkg⟧", "@ home, @@, run@@ ning"),
    ),
    Kind(
        "hashtag",
        r"(?<![\w&#])#\w++(?:-\w++)*+",
        True,
        ("Be ⟦#1⟧.", "⟦#dog⟧ ⟦#Zürich⟧", "(⟦#a-b⟧)", "⟦#fff⟧, ⟦#42⟧", "# heading, C#, ##"),
    ),
    Kind(
        "number",
        _NUMBER,
        True,
        (
            "A man is number ⟦3⟧.",
            "⟦5⟧ ⟦-3⟧ ⟦+4⟧ ⟦1,234.5⟧ ⟦1.234,5⟧ ⟦3.14⟧",
            "⟦50 %⟧ ⟦50%⟧ ⟦$5⟧ ⟦5 €⟧ ⟦€5⟧ ⟦US$ 5⟧, ⟦EUR 5⟧ ⟦1'234⟧",
            "⟦10km⟧ ⟦10 km/h⟧ ⟦20 °C⟧ ⟦3x⟧, ⟦5-10km⟧",
            "⟦1/2⟧, ⟦3x4⟧, ⟦1e-5⟧, ⟦§5⟧, ⟦½⟧, ⟦1½⟧",
            "A ⟦10⟧-year-old, am ⟦5⟧. Mai, ⟦80⟧'s, ⟦24/7⟧, ⟦16:9⟧, ⟦1990–2000⟧",
            "1st 2nd 20s 1990s T-shirt ten",
        ),
    ),
    Kind(
        "emphasis",
        _EMPHASIS,
        False,
        (
            "⟦**⟧A man⟦**⟧ runs.",
            "⟦__⟧A man⟦__⟧ and ⟦_⟧a dog⟦_⟧",
            "⟦*⟧x⟦*⟧, ⟦~~⟧y⟦~~⟧",
            "⟦***⟧x⟦***⟧",
            "* A man, a _ b, ----, ****, ____",
        ),
    ),
)

# Words and what stands between them, without a digit, a symbol, or a "." before a letter: no pattern matches in these.
_WORDS = "A-Za-zÀ-ÖØ-öø-ɏ"
_PLAIN = re.compile(rf"[{_WORDS} ,;!?'\"()–—’“”„«»…:-]*+(?:\.(?!\w)[{_WORDS} ,;!?'\"()–—’“”„«»…-]*+)*+")
_SKIPPED = rf"(?:(?!(?:EUR|USD|GBP|CHF) \d)(?<!\w)[{_WORDS}]++(?=[ ,;!?]|$)[ ,;!?]*+)++"
_WORD = {kind.name: kind.word for kind in KINDS}


@functools.cache  # compiling takes longer than importing most modules
def _span() -> re.Pattern[str]:
    return re.compile("|".join([_SKIPPED, *(f"(?P<{kind.name}>{kind.pattern})" for kind in KINDS)]))


def find_spans(text: str) -> list[Span]:
    """Find the protected spans of `text`, in order and without overlaps.

    Of overlapping ones the earliest counts; of those that start together, the one whose kind stands first in `KINDS`.
    """
    if _PLAIN.fullmatch(text):
        return []
    found = ((match.span(), match.lastgroup) for match in _span().finditer(text))
    return [Span(start, end, kind, _WORD[kind]) for (start, end), kind in found if kind is not None]
