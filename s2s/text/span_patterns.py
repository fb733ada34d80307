"""The regular expressions of `s2s.text.spans`, put together from named parts. None has a capturing group.

Every pattern takes time linear in the length of the line. A pattern that may read far before it fails starts only
where the characters that it reads start, or stops where it could start again; repetitions are possessive (`*+`).
"""

from __future__ import annotations

_LETTER = r"[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]"  # a letter or digit, except of scripts without spaces
# What a word may consist of: also the vowel signs of Hebrew, Arabic, Indic and other scripts, which `\w` leaves out.
_IN_WORD = (
    r"[\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0e4e"
    r"\u0eb1-\u0ece\u0f18-\u0fbc\u102b-\u103e\u17b4-\u17d3\u200c\u200d]"
)

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
_HEX = "[0-9A-Fa-f]{2}"
_SEXTET = "[0-9A-Fa-f]{1,4}"  # a group of an address of the Internet Protocol's version 6
_HOST = r"(?:\w[\w-]*+\.)"
URL = "|".join(
    (
        rf"{_START}(?:[A-Za-z][A-Za-z0-9+]{{1,14}}://|mailto:|tel:(?=[+\d])){_URL_TAIL}++",
        rf"{_START}www\.(?=\w){_URL_TAIL}++",
        rf"{_START}localhost(?=[:/]\w){_URL_TAIL}++",
        rf"{_START}(?:{_HEX}:){{5}}{_HEX}{_END}|{_START}(?:{_SEXTET}:){{7}}{_SEXTET}{_END}",
        rf"{_START}{_SEXTET}(?::{_SEXTET}){{0,6}}::(?:{_SEXTET}(?::{_SEXTET}){{0,6}})?{_END}",
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
PATH = "|".join(
    (
        rf"{_BEFORE_PATH}(?:~|\.{{1,2}})(?:/{_COMPONENT}++)++/?",
        rf"{_BEFORE_PATH}(?:/{_COMPONENT}++){{2,}}+/?",
        rf"{_BEFORE_PATH}/(?:{_COMPONENT}++/|[\w-]++(?:\.\w++)++)",
        rf"{_BEFORE_PATH}(?:~|\.{{1,2}})/(?!\w)",
        rf"{_BEFORE_PATH}/(?:bin|boot|dev|etc|home|lib|mnt|opt|proc|root|srv|sys|tmp|usr|var){_END}",
        r"(?<![\w./])\.(?:git\w*|bashrc|zshrc|profile|vimrc|npmrc|ssh|env)(?![\w.])",
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
    rf"(?:\d{{1,3}} [1-9]/[1-9]\d?(?![\d/])"
    rf"|\d{{1,3}}(?:[ {_NARROW}]\d{{3}}(?!\d))++(?:[.,]\d++)?|\d++(?:[.,'’]\d++)*+|\.\d++|(?=[{_FRACTION}]))"
    rf"(?:[eE][-+]?\d++|[{_FRACTION}]|[⁰¹²³⁴-⁹]++)?"
)
_UNIT = (
    r"(?:km/h|m/s[²]?|[kcdmµμn]?m[²³]?|mph|kph|ft|yd|mi|nm|[kmµμ]?g|oz|lbs?|[mcdh]?[lL]|min|h|ms|[kMG]?Hz|[kMG]?Wh?|"
    r"[km]?V|mA|mAh|[kKMGT]i?B|[kMG]bit/s|[kMG]bps|bn|[kKMB]|px|pt|dpi|fps|rpm|ppm|dB|kcal|[kM]?J|[hk]?Pa|bar|hp|PS|ha|"
    r"x|EUR|USD|GBP|CHF|JPY|CAD|AUD)"
)
_CURRENCY = r"[$€£¥₹₽₩]"
_NUMBER_START = rf"(?<!{_LETTER})(?<!\d[.,])"
_NUMBER_END = rf"(?={_UNIT}?{_END})"
_ELEMENT = rf"(?:{_DIGITS}(?:[x×]{_DIGITS})*+{_NUMBER_END})"
_BEFORE = rf"(?:(?:[A-Z]{{0,2}}{_CURRENCY}|\$(?:US|CA|AU|NZ)|(?:EUR|USD|GBP|CHF) ?)[ {_NARROW}]?)"
_AFTER = rf"(?:[ {_NARROW}]?(?:%%?(?![\w({{@])|‰|°[CF]?{_END}|{_CURRENCY}(?![\w{{(])|{_UNIT}{_END}))"
_SIGN = r"(?:[-+−±≈~<>≤≥](?<![-+\w].)|(?<=\w)[±≈])"
NUMBER = rf"{_NUMBER_START}(?:(?:§§?|№) ?|{_SIGN})?{_BEFORE}?{_SIGN}?{_ELEMENT}(?:[-–/:]{_ELEMENT})*+{_AFTER}?"
_TERM = r"(?:[-+−]?[$€£]?\d++(?:[.,]\d++)*+(?: ?(?:[%$€£]|[ckm]?m|k?g)(?!\w)|(?!\w)))"
_ALWAYS = r"(?:\*\*|[+*×÷·^<>≤≥≈±]|[<>!=]?=)"  # an operator also without spaces: 5-3 and 1/2 are no sums
_OPERATOR = rf"(?:[-−/]|{_ALWAYS})"
_SPACED = rf" (?:{_OPERATOR}|x) "
_GROUP = rf"(?:{_TERM}|\({_TERM}(?:(?:{_SPACED}|{_OPERATOR}){_TERM})++\))"
ARITHMETIC = (
    rf"(?<![\w./)-])(?<!\d,){_GROUP}(?:[-/]{_TERM})*+(?:{_SPACED}|{_ALWAYS}){_GROUP}"
    rf"(?:(?:{_SPACED}|{_OPERATOR}){_GROUP})*+(?: ?= ?\?)?"
)
_GROUPS = r"(?:[ ./-]\d{2,8}(?![.,:/-]\d)(?! ?[€$%°=\u20e3\ufe0f]))"  # more digits, unless another number starts there
PHONE = "|".join(
    (
        r"(?<![\w+])\+\d{1,3}[ ./-]?(?:\(\d{1,5}\)[ ./-]?|\d{1,5}[ ./-])\d{2,8}"
        rf"{_GROUPS}{{0,5}}{_END}",
        rf"(?<![\w+])\+\d{{7,15}}{_END}",
        rf"\(\d{{2,5}}\) ?\d{{2,4}}{_GROUPS}{{0,4}}{_END}",
        rf"{_NUMBER_START}0\d{{1,5}}[ /-](?:\d{{3,9}}{_GROUPS}{{0,4}}|\d\d{_GROUPS}{{2,4}}){_END}",
    )
)
_CLOCK = r"(?: ?(?:(?<! )[ap]m\b| pm\b| am\b(?! \w)|[AP]M\b|[ap]\.m(?:\.(?=,| [a-z]))?))"
DATE = (
    rf"{_NUMBER_START}(?:\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d++)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|\d{{1,2}}\.\d{{1,2}}\.\d{{2,4}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}-\d{{1,2}}-\d{{4}}"
    rf"|\d{{4}}[/.]\d\d[/.]\d\d){_END}(?![.,/-]\d)"
)
TIME = (
    rf"{_NUMBER_START}(?:\d{{1,2}}(?::\d\d){{1,2}}(?:[.,]\d{{1,6}}+)?(?:{_CLOCK}|{_END})"
    rf"|\d{{1,2}}(?: ?[hH] ?)\d\d{_END}|\d{{1,2}}\.\d\d{_CLOCK}|\d{{1,2}}{_CLOCK})"
)
VERSION = (
    rf"{_NUMBER_START}(?:[vV]\d++(?:\.\d++)*+|(?!\d{{1,3}}(?:\.\d{{3}})+{_END}(?!\.\d))"
    rf"\d++(?:\.\d++){{2,}}+|\d++\.\d++(?=-?(?:rc|alpha|beta)))"
    rf"(?:-?(?:rc|alpha|beta|dev|post)[.-]?\d*+|[-+][0-9A-Za-z]++(?:\.[0-9A-Za-z]++)*+|[:/]\d++)?"
    rf"{_END}(?!,\d)"
)
CODE = "|".join(
    (
        r"\[\^?\d{1,4}(?:(?:, ?|[-–])\d{1,4})*+\]",
        rf"{_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_END}",
        rf"{_START}(?=[a-f]*+[0-9][0-9a-f]*+[a-f])[0-9a-f]{{7,}}+{_END}",
        rf"(?<![\w-])[A-Z][A-Z0-9]{{0,7}}(?:[-/][A-Z0-9]{{1,12}})*"
        rf"(?:[-/](?!\d++(?:S|ST|ND|RD|TH)\b)\d[A-Z0-9]*+)(?:-[A-Z0-9]{{1,3}}\b)*{_END}",
        rf"{_START}[A-Za-z]++\d[A-Za-z0-9]*+(?:-\d[A-Za-z0-9]*+|\.\d++)?{_END}|{_START}0[xX][0-9a-fA-F]++{_END}",
        rf"{_NUMBER_START}\d++(?!(?:S|ST|ND|RD|TH|E|ER|ÈME)\b)[A-Z]{{1,3}}\d*+{_END}",
        rf"{_NUMBER_START}\d++[abcdkp]{_END}|{_START}[Cc]ovid-19{_END}",
        rf"{_START}[A-Z](?:\+\+|#){_END}",
        r"(?<!\w)(?!\w*_in(?:nen)?\b)[A-Za-z0-9]++(?:_++[A-Za-z0-9]++)++(?:\(\))?(?!\w)",
        r"(?<![\w.])[A-Za-z]\w*+(?:\.[A-Za-z]\w*+)*+\(\)",
    )
)

# --- placeholders and marks ---
PLACEHOLDER = "|".join(
    (
        r"\{\{\{[^{}]*+\}\}\}|\{\{[^{}]*+\}\}|\{%(?:[^{}%]|%(?!\}))*+%\}|\{#(?:[^{}#]|#(?!\}))*+#\}",
        r"[$#%@]?\{(?:(?: ?[$@]?[\w.\[\]-]++)?+(?:![rsa])?(?::[^{}\s]++)?(?<!\{) ?)?\}",
        r"%\(\w++\)[-+#0]*+\d*+(?:\.\d++)?[a-zA-Z]",
        r"%(?:\d{1,2}\$)?[-+#0]{0,4}\d{0,4}(?:\.\d{1,3})?"
        rf"(?:[hlLqjzt]{{0,2}}[diouxXeEfFgGcrsaA]{_END}|@)",
        r"(?<!\d)%[A-Za-z_][\w.]{1,30}%|(?<!\d)%%",
        r"(?<!\w)(?:\$(?!(?:US|CA|AU|NZ) ?\d)[A-Za-z_]\w*+)++(?:\$(?![\w{]))?",
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
TAG = "|".join(
    (
        r"<!--(?:[^-<]|-(?!->)|<(?!!--))*+-->",
        r"<![A-Za-z\[][^<>]*+>|<\?(?:[^<>?]|\?(?!>))*+\?>",
        rf"<(?i:{_HTML})(?:{_ATTRIBUTES})?/?>",
        r"</(?:[A-Za-z][\w:.-]*+|\d{1,4})\s?>",
        r"<(?:[A-Za-z][\w:.-]*+|\d{1,4})\s?/>|<\d{1,4}>",
        r"<[A-Za-z][\w:.-]*+(?:\s++[\w:.-]++=(?:\"[^\"<>]*+\"|'[^'<>]*+'))++\s?/?>",
        r"<[A-Za-z]++[-:_\d][\w:.-]*+>",
    )
)
LINK_TARGET = r"\]\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?: \"[^\"]*+\")?\)"
_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030"
    r"\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
_MODIFIED = rf"{_PICTURE}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*+[\U000e0020-\U000e007f]*+"
EMOJI = (
    rf"(?:[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_MODIFIED}(?:\u200d{_MODIFIED})*+"
    r"|[\U0001f3fb-\U0001f3ff])++\u200d*+|(?<![^\s(])[:;]-?[()DP](?![^\s.,!?)])"
)
EMPHASIS = "|".join(
    (
        r"(?<![\w*])\*{1,3}+(?![\s*])|(?<=[^\s*])\*{1,3}+(?![\w*])",
        r"(?<!~)~~(?![\s~])|(?<=[^\s~])~~(?!~)",
        r"(?<!\w)_{1,3}+(?=[^\s_])|(?<=[^\s_])_{1,3}+(?!\w)",
    )
)
HASHTAG = rf"(?<![\w&#])#\w{_IN_WORD}*+(?:-\w{_IN_WORD}*+)*+"
HANDLE = rf"(?<![\w@])@\w{_IN_WORD}*+(?:[.-]\w{_IN_WORD}*+)*+(?:@\w[\w.-]*\w|/[\w-]++(?:\.\w++)*+)?"
