"""Clean parallel text, and split off held-out pairs.

    s2s prepare parallel --source raw.en --target raw.de --output DIR --prefix train
    s2s prepare parallel --tsv raw.tsv.gz --source-language en --target-language de --output DIR --prefix train

writes `DIR/train.en` and `DIR/train.de` and reports the pairs that were dropped. Training cleans raw files by the same
rules, and does not need this command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check, warn
from s2s.files import atomic_file, check_output, check_readable
from translation.corpus import Cleaning, ParallelText, clean, hold_out
from translation.corpus_checks import signs_of_equal_sides
from translation.recipe import Corpus, FilesCorpus, TableCorpus


def write_parallel(
    texts: Mapping[str, ParallelText], output: Path, source_language: str, target_language: str
) -> list[Path]:
    """Write each text as `output/NAME.LANGUAGE`, one file a side; return the paths.

    No file appears before all of them are written.
    """
    paths = []
    with ExitStack() as stack:
        for name, text in texts.items():
            for language, sentences in ((source_language, text.source), (target_language, text.target)):
                path = output / f"{name}.{language}"
                aside = stack.enter_context(atomic_file(path))
                with aside.open("w", encoding="utf-8", newline="\n") as file:
                    file.writelines(f"{sentence}\n" for sentence in sentences)
                paths.append(path)
    return paths


def parallel(arguments: list[str]) -> int:
    """Clean the files that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    cleaning = Cleaning(
        max_characters=options.max_characters,
        max_ratio=options.max_ratio,
        keep_duplicates=options.keep_duplicates,
        unescape_entities=options.unescape_entities,
    )
    languages = _languages(options)
    names = [options.prefix] if options.hold_out is None else [options.prefix, options.hold_out_name]
    check(
        len(set(names)) == len(names), f"--prefix and --hold-out-name are both {names[0]}; choose two different names"
    )
    _check_paths(options, [f"{name}.{language}" for name in names for language in languages])

    corpus = _corpus(options)
    text, report = clean(corpus.read(), cleaning)
    print(report, file=sys.stderr)
    for sign in signs_of_equal_sides(*corpus.sides, text):
        warn(sign)
    check(len(text), f"{', '.join(map(str, corpus.paths))}: all pairs were dropped; raise the limits")
    texts = {options.prefix: text}
    if options.hold_out is not None:
        texts[options.prefix], texts[options.hold_out_name] = hold_out(text, options.hold_out, options.seed)
    for path in write_parallel(texts, options.output, *languages):
        print(path)
    return 0


def _corpus(options: argparse.Namespace) -> Corpus:
    """Return the text that the arguments name: two files, or a table.

    Raises:
        UserError: they name both, or neither.
    """
    files = [path for path in (options.source, options.target) if path is not None]
    check(
        len(files) == (0 if options.tsv else 2),
        "name either two files with --source and --target, or one file with --tsv",
    )
    if options.tsv:
        return TableCorpus(options.tsv, tuple(options.columns))
    return FilesCorpus(*files)


def _check_paths(options: argparse.Namespace, outputs: Sequence[str]) -> None:
    inputs = _corpus(options).paths
    for path in inputs:
        check_readable(path)
    options.output.mkdir(parents=True, exist_ok=True)
    for path in (options.output / name for name in outputs):
        check_output(path, force=options.force, inputs=inputs)


def _languages(options: argparse.Namespace) -> tuple[str, str]:
    paths = _corpus(options).paths
    source = options.source_language or (_suffix(paths[0]) if len(paths) == 2 else "")
    target = options.target_language or (_suffix(paths[1]) if len(paths) == 2 else "")
    check(
        source and target and source != target,
        f"{', '.join(map(str, paths))}: the names do not tell two different languages; "
        "give --source-language and --target-language",
    )
    return source, target


def _suffix(path: Path) -> str:
    """Return the suffix of a text, without that of its compression: `en` of `train.en.gz` and `train.en.zst`."""
    return Path(path.name.removesuffix(".gz").removesuffix(".zst")).suffix.removeprefix(".")


def _name(text: str) -> str:
    if not text or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"'{text}' is not the name of a file")
    return text


def _parser() -> Parser:
    limits = Cleaning()
    parser = Parser(
        description="Clean two files, where line n of one translates line n of the other. A line is only dropped "
        "together with its translation.",
    )
    add = parser.add_argument
    add("--source", type=Path, metavar="FILE", help="one sentence per line")
    add("--target", type=Path, metavar="FILE", help="the translations, one per line")
    add("--tsv", type=Path, metavar="FILE", help="both sides of a pair on one line, with a tab between them")
    add(
        "--columns",
        type=positive,
        nargs=2,
        default=(1, 2),
        metavar=("SOURCE", "TARGET"),
        help="columns of --tsv, counted from 1 (default: 1 2)",
    )
    add(
        "--source-language",
        type=_name,
        metavar="LANG",
        help="suffix of the source file to write (default: the suffix of --source)",
    )
    add(
        "--target-language",
        type=_name,
        metavar="LANG",
        help="suffix of the target file to write (default: the suffix of --target)",
    )
    add("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    add("--prefix", type=_name, required=True, metavar="NAME", help="write NAME.LANG, such as train.en and train.de")
    add(
        "--max-characters",
        type=int,
        default=limits.max_characters,
        metavar="N",
        help="drop pairs with more than N characters on one side (default: %(default)s)",
    )
    add(
        "--max-ratio",
        type=float,
        default=limits.max_ratio,
        metavar="R",
        help="drop pairs with one side more than R times as long as the other, in characters (default: %(default)s)",
    )
    add("--keep-duplicates", action="store_true", help="keep all copies of a pair that occurs more than once")
    add("--unescape-entities", action="store_true", help="turn XML entities such as &quot; into their characters")
    add(
        "--hold-out",
        type=int,
        metavar="N",
        help="write N random pairs to separate files; no sentence of theirs is in the other pairs",
    )
    add(
        "--hold-out-name",
        type=_name,
        default="val",
        metavar="NAME",
        help="prefix of the separate files (default: %(default)s)",
    )
    add("--seed", type=int, default=1, help="random seed for --hold-out (default: %(default)s)")
    add("--force", action="store_true", help="overwrite existing files")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(parallel)


if __name__ == "__main__":
    sys.exit(main())
