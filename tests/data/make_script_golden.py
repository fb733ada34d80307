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
        ["une file d\u2019atte\u0301nte", "un cafe\u0301 a\u0300 No\u0308el", "le cafe\u0301 ferme\u0301"],
        ["Ein Mann", "ein Ma\u0308dchen la\u0308uft u\u0308ber die Stra\u00dfe", "Zwei M\u00e4nner laufen."],
    ],
    "Cyrillic": [
        ["Мужчина идёт.", "Мужчи́на идёт домой", "человек идёт"],
        ["два пса", "два пса играют", "собаки играют"],
    ],
    "Greek": [
        ["Ένας άντρας", "Ένας άντρας περπατά", "ο ἄνθρωπος"],
        ["δύο σκύλοι", "δύο σκύλοι παίζουν", "σκύλοι"],
    ],
    "Arabic, vocalised": [
        ["رَجُلٌ يَمْشِي", "رَجُلٌ يَمْشِي فِي الشَّارِعِ", "رجل يمشي"],
        ["كَلْبٌ", "كَلْبٌ أَسْوَدُ،", "كلب؟"],
    ],
    "Hebrew, pointed": [
        ["אִישׁ הוֹלֵךְ", "אִישׁ הוֹלֵךְ בָּרְחוֹב", "איש הולך"],
        ["כֶּלֶב", "שְׁנֵי כְּלָבִים", "כלב"],
    ],
    "Devanagari": [
        ["एक आदमी सड़क पर है", "एक आदमी सड़क पर चल रहा है।", "आदमी २ कुत्तों के साथ"],
        ["दो कुत्ते", "दो कुत्ते घास में खेल रहे हैं", "कुत्ते-बिल्ली"],
    ],
    "Bengali": [
        ["একজন লোক হাঁটছে", "একজন লোক রাস্তায় হাঁটছে।", "লোকটি"],
        ["দুটি কুকুর", "দুটি কুকুর খেলছে", "কুকুর"],
    ],
    "Tamil": [
        ["ஒரு மனிதன்", "ஒரு மனிதன் நடக்கிறான்", "மனிதன்"],
        ["இரண்டு நாய்கள்", "நாய்கள் விளையாடுகின்றன", "நாய்"],
    ],
    "Telugu": [
        ["ఒక మనిషి", "ఒక మనిషి నడుస్తున్నాడు", "మనిషి"],
        ["రెండు కుక్కలు", "రెండు కుక్కలు ఆడుతున్నాయి", "కుక్క"],
    ],
    "Thai": [
        ["ผู้ชายเดิน", "ผู้ชาย เดิน บนถนน", "ผู้ชาย 1 คน"],
        ["สุนัข สองตัว", "สุนัข สองตัว เล่น", "หมา"],
    ],
    "Han and kana": [
        ["一个男人 遍狗", "一个男人 在海滩上 遍狗。", "男人，狗"],
        ["犬が 二匹", "犬が 二匹 遊んでいる", "コーヒーと が"],
    ],
    "Hangul": [
        ["한 남자가 걷는다", "한 남자가 길을 걷는다.", "남자"],
        ["개 두 마리", "개 두 마리가 논다", "한 개"],
    ],
    "Ethiopic and Georgian": [
        ["ሰው ይራመዳል", "ሰው በመንገድ ይራመዳል", "ሰው፡"],
        ["კაცი მიდის", "კაცი ქუჩაში მიდის", "კაცი"],
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
