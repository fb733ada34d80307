"""Small text of two corpora, a recipe for it, and its prepared corpus."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import zstandard

from s2s import config
from translation.corpus_preparation import prepare_corpus
from translation.recipe import Recipe

NOUNS = [("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("tree", "Baum"), ("park", "Park"), ("boy", "Junge")]
VERBS = [("sees", "sieht"), ("finds", "findet"), ("likes", "mag")]


def lines(count: int, first: int = 0) -> list[tuple[str, str]]:
    """Pairs of sentences; each has a number of its own."""
    found = []
    for i in range(first, first + count):
        (one, eins), (verb, tut), (two, zwei) = NOUNS[i % 6], VERBS[i // 6 % 3], NOUNS[i // 18 % 6]
        more = " and so on" * (i % 5), " und so weiter" * (i % 5)
        found.append((f"The {one} {verb} the {two}{more[0]} {i}.", f"Der {eins} {tut} den {zwei}{more[1]} {i}."))
    return found


def write_text(folder: Path, count: int = 300) -> None:
    """`train.en.zst` and `train.de.zst`, a table `more.tsv.gz`, and `val.en` and `val.de`."""
    folder.mkdir(parents=True, exist_ok=True)
    first, second = lines(count), lines(count // 3, first=1000)
    pack = zstandard.ZstdCompressor().compress
    for name, side in (("en", 0), ("de", 1)):
        text = "".join(f"{pair[side]}\n" for pair in first)
        (folder / f"train.{name}.zst").write_bytes(pack(text.encode()))
        (folder / f"val.{name}").write_text("".join(f"{pair[side]}\n" for pair in lines(8, first=2000)))
    (folder / "more.tsv.gz").write_bytes(gzip.compress("".join(f"{s}\t{t}\n" for s, t in second).encode()))


def recipe_table(folder: Path, **sections: Any) -> dict[str, Any]:
    """A recipe of this text, for a tiny model."""
    data = {
        "corpora": [
            {"source": str(folder / "train.en.zst"), "target": str(folder / "train.de.zst")},
            {"kind": "tsv", "path": str(folder / "more.tsv.gz")},
        ],
        "validation_source": str(folder / "val.en"),
        "validation_target": str(folder / "val.de"),
        "source_language": "en",
        "target_language": "de",
        **sections.pop("data", {}),
    }
    table: dict[str, Any] = {
        "data": data,
        "batch": {"sentences": 16},
        "vocabulary": {"size": 120},
        "encoder": {"dim": 8},
        "decoder": {"dim": 8, "embedding_dim": 8, "attention": {"kind": "additive", "dim": 8}},
        "training": {"epochs": 2, "precision": "float32", "save_every": 5},
    }
    for name, section in sections.items():
        table[name] = {**table.get(name, {}), **section} if isinstance(section, dict) and name != "batch" else section
    return table


def recipe_of(folder: Path, **sections: Any) -> Recipe:
    """The recipe of `recipe_table`."""
    return config.from_dict(Recipe, recipe_table(folder, **sections))


def prepared(folder: Path, **sections: Any) -> Recipe:
    """Write and prepare the text in a folder; return a recipe that trains on the corpus."""
    write_text(folder)
    prepare_corpus(recipe_of(folder, **sections), folder / "corpus", 1)
    data = {**sections.pop("data", {}), "prepared": str(folder / "corpus")}
    return recipe_of(folder, data=data, **sections)


#: The settings of a recipe that changes no text.
UNCHANGED: dict[str, Any] = {
    "augmentation": {"placeholders": 0.0, "lower_case": 0.0, "single_words": 0.0},
    "vocabulary": {"size": 120, "placeholders": 0, "unknown_copies": 0.0},
}
