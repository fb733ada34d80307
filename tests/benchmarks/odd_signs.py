"""Do signs, invisible characters, capitals and neighbours change what a translator makes of a sentence?

    python -m tests.benchmarks.odd_signs --model en-de --source test.en --lines 200

Each line is changed in several ways. The change is taken out of the translation again, and the rest is compared with
the translation of the line as it is. Printed, for each way: the share of the lines whose words are all the same, and
chrF against the translation of the line as it is.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sacrebleu.metrics.chrf import CHRF

from translation.translator import Translator

OTHER = "Two dogs are playing."


def around_subject(before: str, after: str) -> Callable[[str], str]:
    """Put signs around the second word, which is the subject of most descriptions."""
    return lambda line: re.sub(r"^(\S+ )(\w+)", rf"\1{before}\2{after}", line)


WAYS: Mapping[str, Callable[[str], str]] = {
    "a sign in front": lambda line: f"☃ {line}",
    "an emoji before the full stop": lambda line: re.sub(r"\.?$", " 😀.", line, count=1),
    "brackets around the subject": around_subject("[", "]"),
    "quotation marks around the subject": around_subject("“", "”"),
    "a tag around the subject": around_subject("<b>", "</b>"),
    "soft hyphens": lambda line: re.sub(r"(\w{3})(\w{3})", "\\1\u00ad\\2", line),
    "no-break spaces": lambda line: line.replace(" ", "\u00a0"),
    "a list mark": lambda line: f"- {line}",
    "capitals": str.upper,
    "title case": lambda line: re.sub(r"\b[a-z]", lambda match: match[0].upper(), line),
    "another sentence behind it": lambda line: f"{line.rstrip('. ')}. {OTHER}",
}


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"\w+", text.lower())


def main() -> None:
    """Translate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="en-de")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=200)
    options = parser.parse_args()
    lines = [line.strip().rstrip(".") + "." for line in options.source.read_text("utf-8").splitlines()[: options.lines]]
    translator = Translator.load(options.model)
    plain = [each.text for each in translator.translate(lines)]
    other = translator.translate([OTHER])[0].text
    print(f"{'change':36} {'same words':>10} {'chrF':>6}")
    for name, change in WAYS.items():
        found = [each.text for each in translator.translate([change(line) for line in lines])]
        bare = [re.sub(r"</?b>|[☃😀\[\]“”]|^- ", "", text).removesuffix(other).strip() for text in found]
        same = sum(words(one) == words(two) for one, two in zip(bare, plain)) / len(lines)
        chrf = CHRF().corpus_score(
            [" ".join(words(text)) for text in bare], [[" ".join(words(text)) for text in plain]]
        )
        print(f"{name:36} {same:10.1%} {chrf.score:6.1f}")


if __name__ == "__main__":
    main()
