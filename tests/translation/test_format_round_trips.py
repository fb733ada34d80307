"""A document whose segments are their own translations comes out byte for byte: a hundred made files of each format."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from translation.formats.document import FormatOptions
from translation.formats.registry import read_document
from translation.formats.tags import keeps_tags

FILES = 100
OPTIONS = FormatOptions(columns=("2",), fields=("text", "more.text"))
_WORDS = "A man in the red hat is walking two dogs along the beach . Straße café 犬 😀 I❤️ 3.5 don't “so” & < > e\u0301"
_MARKDOWN = (
    "# ¦## ¦> ¦> > ¦- ¦* ¦1. ¦   ¦    ¦\t¦```\n¦~~~py\n¦`¦``¦*¦**¦_¦__¦~~¦[¦](x)¦](<a b> 't')¦][r]¦[r]: http://x.org\n"
    "¦![¦<b>¦</b>¦<br>¦<code>¦</code>¦<!-- ¦-->¦<div>\n¦</div>\n¦$¦$$¦\\¦\\*¦&amp;¦&eacute;¦|\n¦|---|\n¦| a |¦  \n"
    "¦\\\n¦\n¦\n\n¦[^1]¦[^1]: ¦::: x\n¦---\n¦===\n¦- [ ] ¦<http://x.org>¦http://x.org¦{#a}¦{0}¦<0>¦\r\n¦{% x %}¦+++\n"
)
_HTML = (
    "<p>¦</p>¦<b>¦</b>¦<a href='x>y'>¦</a>¦<br>¦<img alt=\"a dog\">¦<script>¦</script>¦<style>¦</style>¦<pre>¦</pre>"
    "¦<code>¦</code>¦<!-- ¦-->¦<!DOCTYPE html>¦&amp;¦&eacute;¦&nbsp;¦&¦<¦>¦\n¦\r\n¦  ¦<td¦<0>¦</0>¦<p translate=no>"
    "¦<i class='notranslate'>¦</i>¦<title>¦</title>¦<textarea>¦</textarea>¦<svg>¦</svg>¦<?php ¦?>¦\u2028"
)


def words(chance: random.Random, most: int = 8) -> str:
    return " ".join(chance.choices(_WORDS.split(), k=chance.randint(0, most)))


def mixed(chance: random.Random, markup: str) -> str:
    pieces = [chance.choice(markup.split("¦")) if chance.random() < 0.6 else words(chance, 4) for _ in range(60)]
    return "".join(pieces[: chance.randint(0, 60)])


def tsv(chance: random.Random) -> str:
    cells = [words, lambda c: f'"{words(c)} ""{words(c)}"""', lambda c: "", lambda c: f'"{words(c)}']
    count = chance.randint(2, 4)
    rows = ["\t".join(chance.choice(cells)(chance) for _ in range(count)) for _ in range(chance.randint(0, 9))]
    end = chance.choice(["\n", "\r\n"])
    return "".join(row + end for row in rows) + chance.choice(["", "\n", "a\tb"])


def jsonl(chance: random.Random) -> str:
    values: list[Callable[[], object]] = [
        lambda: words(chance),
        lambda: f"{words(chance)}\n\\n\\\\{words(chance)}\r\n\t\"/{words(chance)}",
        lambda: [words(chance), 3, None, {"text": "x"}, []],
        lambda: {"text": words(chance), "é": [1.5e9, True]},
        lambda: None,
    ]  # fmt: skip
    lines = ['{"text": "x", "more": {"text": ""}}']
    for _ in range(chance.randint(0, 9)):
        row = {
            name: chance.choice(values)() for name in chance.sample(["text", "more", "id", "t.x"], chance.randint(0, 4))
        }
        separators = chance.choice([(",", ":"), (", ", ": "), (" ,\t", " : ")])
        lines.append(json.dumps(row, ensure_ascii=chance.random() < 0.5, separators=separators))
        lines += [""] * (chance.random() < 0.2)
    return chance.choice(["\n", "\r\n", " \n"]).join(lines) + chance.choice(["", "\n"])


MADE: dict[str, Callable[[random.Random], str]] = {
    "html": lambda chance: mixed(chance, _HTML),
    "markdown": lambda chance: chance.choice(["", "---\na: b\n---\n"]) + mixed(chance, _MARKDOWN),
    "tsv": tsv,
    "jsonl": jsonl,
}


@pytest.mark.parametrize("format_name", MADE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_hundred_files_come_out_byte_for_byte(format_name: str, encoding: str) -> None:
    found = 0
    for seed in range(FILES):
        text = MADE[format_name](random.Random(f"{format_name} {seed}"))
        content = text.encode(encoding)
        document = read_document(content, f"seed {seed}", format_name, OPTIONS)
        assert document.write(list(document.segments)) == content, f"seed {seed}: {text!r}"
        assert not any("\n" in segment for segment in document.segments)
        assert all(keeps_tags(segment, segment) for segment in document.segments), f"seed {seed}: {text!r}"
        assert len(document.places) == len(document.segments)
        assert list(document.places) == sorted(document.places)
        found += len(document.segments)
    assert found > FILES


@pytest.mark.parametrize("format_name", MADE)
def test_what_is_no_text_is_there_after_a_translation(format_name: str) -> None:
    """Capitals change every segment; what was no capital letter and no space is there afterwards, in order."""
    for seed in range(FILES):
        text = MADE[format_name](random.Random(f"{format_name} {seed}"))
        document = read_document(text.encode(), f"seed {seed}", format_name, OPTIONS)
        written = document.write([segment.upper() for segment in document.segments]).decode()
        again = read_document(written.encode(), f"seed {seed}", format_name, OPTIONS)
        if format_name in ("tsv", "jsonl"):
            assert [segment.upper() for segment in document.segments] == list(again.segments), f"seed {seed}: {text!r}"
        assert again.write(list(again.segments)).decode() == written
