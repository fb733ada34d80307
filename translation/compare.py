"""Compare translations of the same text: scores, significance, and the sentences that differ most.

    s2s compare ours.de theirs.de --reference test.de --source test.en --target-language de --output report.html

The first system is the baseline. A system is a file with one translation per line, or a model, which translates
--source. A summary is printed; --output writes a page with all of it, which needs no network.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.cli.search_options import add_search_options
from s2s.errors import check, counted, first_few, warn
from s2s.files import check_output, check_readable
from s2s.text.languages import checked_subtag
from s2s.text.lines import read_lines
from translation.comparison import Comparison, summary
from translation.comparison_page import SYSTEMS, comparison_page
from translation.evaluate import check_language, check_lines, model_options, named_model, translate_lines
from translation.loading import load
from translation.scored_file_checks import signs_of_chance, signs_of_other_formats

_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai to Chinese


def compare(arguments: list[str]) -> int:
    """Compare the systems that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    models = {name: directory for name in options.systems if (directory := named_model(name))}
    files = [*options.reference, *([options.source] if options.source else [])]
    files += [name for name in options.systems if name not in models]
    _check(options, files, list(models))
    texts = {path: list(read_lines(path)) for path in dict.fromkeys(files)}
    for path, lines in texts.items():
        for sign in signs_of_other_formats(path, lines):
            warn(sign)
    check_lines(texts)
    translators = {name: load([directory], options) for name, directory in models.items()}
    language = options.target_language or next(
        (translator.engine.config.target_language for translator in translators.values()), ""
    )
    for name, translator in translators.items():
        check_language(name, translator.engine.config.target_language, language)
    references = [texts[path] for path in options.reference]
    check(
        language or not _unspaced(references[0]),
        f"{options.reference[0]}: is in a language without spaces between words; name it with --target-language",
    )
    comparison = Comparison(
        names=list(map(str, options.systems)),
        systems=[
            translate_lines(translators[name], texts[options.source]) if name in translators else texts[name]
            for name in options.systems
        ],
        references=references,
        source=texts[options.source] if options.source else None,
        language=language,
        training=list(read_lines(options.training)) if options.training else None,
    )
    for scores in comparison.scores:
        for sign in signs_of_chance(scores[0]):
            warn(sign)
    if options.output:
        from s2s.views.web_page import write_page

        write_page(options.output, comparison_page(comparison, "Comparison of translations", options.sentences))
    print("\n".join(summary(comparison)))
    return 0


def _check(options: argparse.Namespace, files: Sequence[Path], models: Sequence[Path]) -> None:
    """Check all that can be checked before a file is read."""
    check(
        2 <= len(options.systems) <= SYSTEMS,
        f"{counted(len(options.systems), 'system')} cannot be compared: name 2 to {SYSTEMS}, files of "
        "translations or models",
    )
    given = [] if models else model_options(options)
    check(not given, f"{first_few(given)}: for models that translate, and all systems are files; leave it out")
    check(options.source or not models, f"{', '.join(map(str, models))}: a model needs --source, the text to translate")
    for path in [*files, *([options.training] if options.training else [])]:
        check_readable(path)
    if options.output:
        check_output(options.output, force=options.force, inputs=files)
    if options.target_language:
        checked_subtag(options.target_language)


def _unspaced(lines: Sequence[str]) -> bool:
    """Whether many of the letters of a text are of a script without spaces."""
    letters = [character for character in "".join(lines) if character.isalpha()]
    return sum(bool(_NO_SPACES.match(character)) for character in letters) > len(letters) / 5


def _parser() -> Parser:
    parser = Parser(
        description="Compare translations of the same text. The first system is the baseline: scores, significance "
        "tests, scores by length and by word frequency are printed, and written to a page with the sentences that "
        "differ most.",
    )
    add = parser.add_argument
    add(
        "systems",
        type=Path,
        nargs="+",
        metavar="SYSTEM",
        help="a file with one translation per line, or a model, which translates --source",
    )
    add(
        "--reference",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="one or several reference translations, one per line",
    )
    add("--source", type=Path, metavar="FILE", help="the text that was translated, for the page and for models")
    add("--output", type=Path, metavar="FILE.html", help="write a page")
    add("--force", action="store_true", help="overwrite an existing --output")
    add(
        "--sentences",
        type=positive,
        default=50,
        metavar="N",
        help="how many sentences the page shows in each direction (default: 50)",
    )
    add(
        "--training",
        type=Path,
        metavar="FILE",
        help="a text that says how frequent words are, such as the target side of the training text (default: the "
        "references)",
    )
    add(
        "--target-language",
        metavar="LANG",
        help="language of the translations, for the tokenisation in BLEU (default: that of a model among the systems; "
        "without one there is no tokenised BLEU)",
    )
    add_search_options(parser)
    add_machine_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(compare)


if __name__ == "__main__":
    sys.exit(main())
