"""Parallel text cleaned into files, for those who want to look at it; training cleans raw files by the same rules.

    python -m data_prep.parallel --source raw.en --target raw.de --output DIR --prefix train

writes `DIR/train.en` and `DIR/train.de` and reports what was dropped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from s2s.cli import command
from s2s.errors import check
from s2s.files import atomic_file, check_output, check_readable
from translation.corpus import Cleaning, ParallelText, clean, hold_out, read_parallel


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
    """The command `python -m data_prep.parallel`."""
    options = _parser().parse_args(arguments)
    cleaning = Cleaning(
        max_characters=options.max_characters, max_ratio=options.max_ratio, keep_duplicates=options.keep_duplicates
    )
    languages = _languages(options)
    names = [options.prefix] if options.hold_out is None else [options.prefix, options.hold_out_name]
    check(len(set(names)) == len(names), f"--prefix and --hold-out-name are both {names[0]}; give two names")
    _check_paths(options, [f"{name}.{language}" for name in names for language in languages])

    text, report = clean(read_parallel(options.source, options.target), cleaning)
    print(report, file=sys.stderr)
    check(len(text), f"{options.source}, {options.target}: no pair is left to write; loosen the limits")
    texts = {options.prefix: text}
    if options.hold_out is not None:
        texts[options.prefix], texts[options.hold_out_name] = hold_out(text, options.hold_out, options.seed)
    for path in write_parallel(texts, options.output, *languages):
        print(path)
    return 0


def _check_paths(options: argparse.Namespace, outputs: Sequence[str]) -> None:
    inputs = (options.source, options.target)
    for path in inputs:
        check_readable(path)
    options.output.mkdir(parents=True, exist_ok=True)
    for path in (options.output / name for name in outputs):
        check_output(path, force=options.force, inputs=inputs)


def _languages(options: argparse.Namespace) -> tuple[str, str]:
    source = options.source_language or options.source.suffix.removeprefix(".")
    target = options.target_language or options.target.suffix.removeprefix(".")
    check(
        source and target and source != target,
        f"{options.source}, {options.target}: their suffixes do not name two languages; "
        "give --source-language and --target-language",
    )
    return source, target


def _name(text: str) -> str:
    if not text or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"'{text}' is not the name of a file")
    return text


def _parser() -> command.Parser:
    limits = Cleaning()
    parser = command.Parser(
        prog="python -m data_prep.parallel",
        description="Clean two files, line n of one translating line n of the other. Pairs are dropped, never lines.",
    )
    add = parser.add_argument
    add("--source", type=Path, required=True, metavar="FILE")
    add("--target", type=Path, required=True, metavar="FILE")
    add("--source-language", type=_name, metavar="LANG", help="suffix of the file written; default: that of FILE")
    add("--target-language", type=_name, metavar="LANG", help="likewise")
    add("--output", type=Path, required=True, metavar="DIR", help="folder to write to")
    add("--prefix", type=_name, required=True, metavar="NAME", help="write NAME.LANG, e.g. train.en and train.de")
    add(
        "--max-characters",
        type=int,
        default=limits.max_characters,
        metavar="N",
        help="drop pairs with a longer side (default %(default)s)",
    )
    add(
        "--max-ratio",
        type=float,
        default=limits.max_ratio,
        metavar="R",
        help="drop pairs with one side more than R times as long as the other, in characters (default %(default)s)",
    )
    add("--keep-duplicates", action="store_true", help="keep pairs that occur more than once")
    add("--hold-out", type=int, metavar="N", help="write N random pairs, unlike all others, to files of their own")
    add("--hold-out-name", type=_name, default="val", metavar="NAME", help="their prefix (default %(default)s)")
    add("--seed", type=int, default=1, help="of the random choice (default %(default)s)")
    add("--force", action="store_true", help="replace existing files")
    return parser


def main() -> int:
    """The entry point."""
    return command.run(parallel)


if __name__ == "__main__":
    sys.exit(main())
