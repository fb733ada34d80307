"""Writes script_golden.json: what pycocoevalcap, with Java, makes of captions in many scripts, and of all letters.

    python tests/data/make_script_golden.py

Needs Java and `pip install pycocoevalcap`. The captions were made up for it.
"""

# pyright: reportMissingImports=false

import json
import unicodedata
from pathlib import Path
from typing import Any

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

# Of each script a caption and two references, for each of two pictures.
CAPTIONS = {
    "Latin, decomposed": [
        ["une file d\u2019atte\u0301nte au cafe\u0301", "un cafe\u0301 a\u0300 No\u0308el", "le cafe\u0301 ferme\u0301"],
        ["Ein Mann la\u0308uft", "ein Ma\u0308dchen la\u0308uft u\u0308ber die Stra\u00dfe", "Zwei M\u00e4nner laufen."],
    ],
    "Cyrillic": [
        ["\u041c\u0443\u0436\u0447\u0438\u043d\u0430 \u0438\u0434\u0451\u0442.", "\u041c\u0443\u0436\u0447\u0438\u0301\u043d\u0430 \u0438\u0434\u0451\u0442 \u0434\u043e\u043c\u043e\u0439", "\u0447\u0435\u043b\u043e\u0432\u0435\u043a \u0438\u0434\u0451\u0442"],
        ["\u0434\u0432\u0430 \u043f\u0441\u0430", "\u0434\u0432\u0430 \u043f\u0441\u0430 \u0438\u0433\u0440\u0430\u044e\u0442", "\u0441\u043e\u0431\u0430\u043a\u0438 \u0438\u0433\u0440\u0430\u044e\u0442"],
    ],
    "Greek": [
        ["\u0388\u03bd\u03b1\u03c2 \u03ac\u03bd\u03c4\u03c1\u03b1\u03c2", "\u0388\u03bd\u03b1\u03c2 \u03ac\u03bd\u03c4\u03c1\u03b1\u03c2 \u03c0\u03b5\u03c1\u03c0\u03b1\u03c4\u03ac", "\u03bf \u1f04\u03bd\u03b8\u03c1\u03c9\u03c0\u03bf\u03c2"],
        ["\u03b4\u03cd\u03bf \u03c3\u03ba\u03cd\u03bb\u03bf\u03b9", "\u03b4\u03cd\u03bf \u03c3\u03ba\u03cd\u03bb\u03bf\u03b9 \u03c0\u03b1\u03af\u03b6\u03bf\u03c5\u03bd", "\u03c3\u03ba\u03cd\u03bb\u03bf\u03b9"],
    ],
    "Arabic, vocalised": [
        ["\u0631\u064e\u062c\u064f\u0644\u064c \u064a\u064e\u0645\u0652\u0634\u0650\u064a", "\u0631\u064e\u062c\u064f\u0644\u064c \u064a\u064e\u0645\u0652\u0634\u0650\u064a \u0641\u0650\u064a \u0627\u0644\u0634\u0651\u064e\u0627\u0631\u0650\u0639\u0650", "\u0631\u062c\u0644 \u064a\u0645\u0634\u064a"],
        ["\u0643\u064e\u0644\u0652\u0628\u064c", "\u0643\u064e\u0644\u0652\u0628\u064c \u0623\u064e\u0633\u0652\u0648\u064e\u062f\u064f\u060c", "\u0643\u0644\u0628\u061f"],
    ],
    "Hebrew, pointed": [
        ["\u05d0\u05b4\u05d9\u05e9\u05c1 \u05d4\u05d5\u05b9\u05dc\u05b5\u05da\u05b0", "\u05d0\u05b4\u05d9\u05e9\u05c1 \u05d4\u05d5\u05b9\u05dc\u05b5\u05da\u05b0 \u05d1\u05bc\u05b8\u05e8\u05b0\u05d7\u05d5\u05b9\u05d1", "\u05d0\u05d9\u05e9 \u05d4\u05d5\u05dc\u05da"],
        ["\u05db\u05bc\u05b6\u05dc\u05b6\u05d1", "\u05e9\u05c1\u05b0\u05e0\u05b5\u05d9 \u05db\u05bc\u05b0\u05dc\u05b8\u05d1\u05b4\u05d9\u05dd", "\u05db\u05dc\u05d1"],
    ],
    "Devanagari": [
        ["\u090f\u0915 \u0906\u0926\u092e\u0940 \u0938\u0921\u093c\u0915 \u092a\u0930 \u0939\u0948", "\u090f\u0915 \u0906\u0926\u092e\u0940 \u0938\u0921\u093c\u0915 \u092a\u0930 \u091a\u0932 \u0930\u0939\u093e \u0939\u0948\u0964", "\u0906\u0926\u092e\u0940 \u0968 \u0915\u0941\u0924\u094d\u0924\u094b\u0902 \u0915\u0947 \u0938\u093e\u0925"],
        ["\u0926\u094b \u0915\u0941\u0924\u094d\u0924\u0947", "\u0926\u094b \u0915\u0941\u0924\u094d\u0924\u0947 \u0918\u093e\u0938 \u092e\u0947\u0902 \u0916\u0947\u0932 \u0930\u0939\u0947 \u0939\u0948\u0902", "\u0915\u0941\u0924\u094d\u0924\u0947-\u092c\u093f\u0932\u094d\u0932\u0940"],
    ],
    "Bengali": [
        ["\u098f\u0995\u099c\u09a8 \u09b2\u09cb\u0995 \u09b9\u09be\u0981\u099f\u099b\u09c7", "\u098f\u0995\u099c\u09a8 \u09b2\u09cb\u0995 \u09b0\u09be\u09b8\u09cd\u09a4\u09be\u09af\u09bc \u09b9\u09be\u0981\u099f\u099b\u09c7\u0964", "\u09b2\u09cb\u0995\u099f\u09bf"],
        ["\u09a6\u09c1\u099f\u09bf \u0995\u09c1\u0995\u09c1\u09b0", "\u09a6\u09c1\u099f\u09bf \u0995\u09c1\u0995\u09c1\u09b0 \u0996\u09c7\u09b2\u099b\u09c7", "\u0995\u09c1\u0995\u09c1\u09b0"],
    ],
    "Tamil": [
        ["\u0b92\u0bb0\u0bc1 \u0bae\u0ba9\u0bbf\u0ba4\u0ba9\u0bcd", "\u0b92\u0bb0\u0bc1 \u0bae\u0ba9\u0bbf\u0ba4\u0ba9\u0bcd \u0ba8\u0b9f\u0b95\u0bcd\u0b95\u0bbf\u0bb1\u0bbe\u0ba9\u0bcd", "\u0bae\u0ba9\u0bbf\u0ba4\u0ba9\u0bcd"],
        ["\u0b87\u0bb0\u0ba3\u0bcd\u0b9f\u0bc1 \u0ba8\u0bbe\u0baf\u0bcd\u0b95\u0bb3\u0bcd", "\u0ba8\u0bbe\u0baf\u0bcd\u0b95\u0bb3\u0bcd \u0bb5\u0bbf\u0bb3\u0bc8\u0baf\u0bbe\u0b9f\u0bc1\u0b95\u0bbf\u0ba9\u0bcd\u0bb1\u0ba9", "\u0ba8\u0bbe\u0baf\u0bcd"],
    ],
    "Telugu": [
        ["\u0c12\u0c15 \u0c2e\u0c28\u0c3f\u0c37\u0c3f", "\u0c12\u0c15 \u0c2e\u0c28\u0c3f\u0c37\u0c3f \u0c28\u0c21\u0c41\u0c38\u0c4d\u0c24\u0c41\u0c28\u0c4d\u0c28\u0c3e\u0c21\u0c41", "\u0c2e\u0c28\u0c3f\u0c37\u0c3f"],
        ["\u0c30\u0c46\u0c02\u0c21\u0c41 \u0c15\u0c41\u0c15\u0c4d\u0c15\u0c32\u0c41", "\u0c30\u0c46\u0c02\u0c21\u0c41 \u0c15\u0c41\u0c15\u0c4d\u0c15\u0c32\u0c41 \u0c06\u0c21\u0c41\u0c24\u0c41\u0c28\u0c4d\u0c28\u0c3e\u0c2f\u0c3f", "\u0c15\u0c41\u0c15\u0c4d\u0c15"],
    ],
    "Thai": [
        ["\u0e1c\u0e39\u0e49\u0e0a\u0e32\u0e22\u0e40\u0e14\u0e34\u0e19", "\u0e1c\u0e39\u0e49\u0e0a\u0e32\u0e22 \u0e40\u0e14\u0e34\u0e19 \u0e1a\u0e19\u0e16\u0e19\u0e19", "\u0e1c\u0e39\u0e49\u0e0a\u0e32\u0e22 1 \u0e04\u0e19"],
        ["\u0e2a\u0e38\u0e19\u0e31\u0e02 \u0e2a\u0e2d\u0e07\u0e15\u0e31\u0e27", "\u0e2a\u0e38\u0e19\u0e31\u0e02 \u0e2a\u0e2d\u0e07\u0e15\u0e31\u0e27 \u0e40\u0e25\u0e48\u0e19", "\u0e2b\u0e21\u0e32"],
    ],
    "Han and kana": [
        ["\u4e00\u4e2a\u7537\u4eba \u904d\u72d7", "\u4e00\u4e2a\u7537\u4eba \u5728\u6d77\u6ee9\u4e0a \u904d\u72d7\u3002", "\u7537\u4eba\uff0c\u72d7"],
        ["\u72ac\u304c \u4e8c\u5339", "\u72ac\u304c \u4e8c\u5339 \u904a\u3093\u3067\u3044\u308b", "\u30b3\u30fc\u30d2\u30fc\u3068 \u304b\u3099"],
    ],
    "Hangul": [
        ["\ud55c \ub0a8\uc790\uac00 \uac77\ub294\ub2e4", "\ud55c \ub0a8\uc790\uac00 \uae38\uc744 \uac77\ub294\ub2e4.", "\ub0a8\uc790"],
        ["\uac1c \ub450 \ub9c8\ub9ac", "\uac1c \ub450 \ub9c8\ub9ac\uac00 \ub17c\ub2e4", "\u1112\u1161\u11ab \uac1c"],
    ],
    "Ethiopic and Georgian": [
        ["\u1230\u12cd \u12ed\u122b\u1218\u12f3\u120d", "\u1230\u12cd \u1260\u1218\u1295\u1308\u12f5 \u12ed\u122b\u1218\u12f3\u120d", "\u1230\u12cd\u1361"],
        ["\u10d9\u10d0\u10ea\u10d8 \u10db\u10d8\u10d3\u10d8\u10e1", "\u10d9\u10d0\u10ea\u10d8 \u10e5\u10e3\u10e9\u10d0\u10e8\u10d8 \u10db\u10d8\u10d3\u10d8\u10e1", "\u10d9\u10d0\u10ea\u10d8"],
    ],
}  # fmt: skip
FORMS = ["a{c}b x", "x {c} y", "7{c}8", "{c}-{c}n"]


def tokens(captions: list[str]) -> list[str]:
    """Of each caption for itself: Stanford's lexer lets one line change the one before it."""
    found = PTBTokenizer().tokenize({0: [{"caption": line} for caption in captions for line in (caption, "and")]})
    return found[0][::2]


def letters() -> list[str]:
    """Every letter and mark of the basic plane beyond ASCII, without most of those of Chinese and Korean."""
    found = [chr(point) for point in range(0x80, 0x10000)]
    found = [each for each in found if unicodedata.category(each)[0] in "LM"]
    many = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF))
    return [each for each in found if not any(low <= ord(each) <= high for low, high in many) or ord(each) % 500 == 0]


def classes(form: str) -> dict[str, str]:
    """What becomes of a form, with C in place of the letter in lower case, and the code points of which it does."""
    points: dict[str, list[list[int]]] = {}
    for letter, found in zip(letters(), tokens([form.replace("{c}", each) for each in letters()])):
        ranges = points.setdefault(found.replace(letter.lower(), "C"), [])
        if ranges and ranges[-1][1] == ord(letter) - 1:
            ranges[-1][1] += 1
        else:
            ranges.append([ord(letter), ord(letter)])
    return {found: " ".join(f"{low:x}-{high:x}" for low, high in ranges) for found, ranges in points.items()}


def figures(pictures: list[list[str]]) -> dict[str, Any]:
    """The scores of a script's captions."""
    said = {number: [texts[0]] for number, texts in enumerate(pictures)}
    references = {number: texts[1:] for number, texts in enumerate(pictures)}
    bleu, _ = Bleu(4).compute_score(references, said, verbose=0)
    rouge, _ = Rouge().compute_score(references, said)
    cider, _ = Cider().compute_score(references, said)
    return {"bleu": bleu, "rouge_l": float(rouge), "cider_d": float(cider)}


def main() -> None:
    """Write the file beside this one."""
    tokenised = {script: [tokens(texts) for texts in pictures] for script, pictures in CAPTIONS.items()}
    golden = {
        "captions": CAPTIONS,
        "tokenised": tokenised,
        "scores": {script: figures(pictures) for script, pictures in tokenised.items()},
        "letters": {form: classes(form) for form in FORMS},
    }
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    Path(__file__).with_name("script_golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
