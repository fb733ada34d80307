"""Loading: from the names on the command line to a translator."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli.search_options import search_options
from s2s.errors import check, first_few, warn
from translation.configuration import MODELS

if TYPE_CHECKING:
    from translation.glossary import Glossary
    from translation.translator import Translator


def model_directory(model: Path) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models."""
    from s2s.storage.bundled import find_model

    return find_model(model, "translation", MODELS)


def names_direction(name: str) -> bool:
    """Whether the name of a bundled model has two languages alone, such as `en-de`.

    A model with a longer name, such as `en-de-news`, is used only if `--model` names it.
    """
    return name.count("-") == 1


def bundled(language: str) -> Path:
    """Return the directory of the bundled model that translates to `language`; from English if there are several.

    Only models that `names_direction` knows are used.
    """
    found = [config.parent for config in MODELS.glob("*-*/config.json") if names_direction(config.parent.name)]
    english_last = sorted(found, key=lambda path: (path.name[:3] == "en-", path))
    known = {path.name.rpartition("-")[2]: path for path in english_last}
    check(known, "no model is bundled with this installation; choose one with --model, or train one")
    check(
        language in known,
        f"--to {language}: the bundled models translate to {', '.join(known)}; choose another language, or a --model",
    )
    return known[language]


def load(
    directories: Sequence[Path],
    options: argparse.Namespace,
    *,
    n_best: int = 1,
    batch_tokens: int | None = None,
    localise_numbers: bool = False,
    align: bool = False,
    glossary: Glossary | None = None,
) -> Translator:
    """Load a translator with the options of the command line; several directories make an ensemble.

    The command and evaluation share this function. Where PyTorch computes, importing it takes longer than all that
    comes before.
    """
    from translation.translator import Translator

    translator = Translator.load(
        directories[0],
        search_options(options, n_best=n_best, stop_early=True),
        others=directories[1:],
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch_tokens=batch_tokens,
        localise_numbers=localise_numbers,
        align=align,
        glossary=glossary,
    )
    if options.draw_positions is not None:
        from s2s.decoding.drawn_positions import draw_positions

        draw_positions(translator.searcher.network, options.draw_positions)
    return translator


def read_glossary(options: argparse.Namespace) -> Glossary | None:
    """The terms of --glossary and --keep; None without these options."""
    if not (options.glossary or options.keep):
        return None
    from translation.glossary import Glossary

    glossary = Glossary.read(options.glossary, options.keep, ignore_case=options.glossary_case == "ignore")
    if glossary.repeated:
        pairs = [f"{again.place} as {first.place}" for first, again in glossary.repeated]
        warn(f"the same term stands in two entries, of which one is enough: {first_few(pairs)}")
    if not glossary.entries:
        warn(f"{options.glossary or options.keep}: has no terms")
    return glossary


def warn_of_copied_terms(translator: Translator) -> None:
    """Warn of entries of the glossary whose targets the model cannot write."""
    found = translator.terms.unwritable if translator.terms else []
    if found:
        places = first_few([f"{entry.place}: {entry.target}" for entry in found])
        warn(
            "the model cannot write these terms as they are, so they are copied into the translations, and articles "
            f"and endings around them may not fit: {places}"
        )
