"""Score given translations with a model: log-probabilities of sentences and of tokens.

    s2s score translation --source test.en --target test.de --model RUN/best

Line n of the output belongs to line n of both files: the log-probability of the translation, a tab, and its score,
which is the log-probability divided by the length in tokens, END included. Subwords can spell a translation in many
ways: the likeliest one counts. `translate --n-best` writes the same score for a translation that its search spelled so,
and another one if its search spelled it otherwise. A line has no numbers if the model was not asked: it is blank on one
or both sides, or holds nothing to translate, such as a number alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_length_penalty, add_machine_options, positive
from s2s.errors import check, counted, first_few, warn
from s2s.files import check_output, check_readable, text_writer
from s2s.text.file_kinds import replaced_bytes
from s2s.text.lines import LineReader, count_lines
from translation.arguments import add_encoding_errors, add_model
from translation.loading import bundled, model_directory

if TYPE_CHECKING:
    from translation.scoring import ScoredTranslation
    from translation.translator import Translator


def score(arguments: list[str]) -> int:
    """Score the translations that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    _check(options)
    directories = [model_directory(model) for model in options.model or []] or [bundled(options.to or "de")]
    translator = _load(directories, options)
    from translation.scoring import SPELLING_WIDTH

    width = options.beam or SPELLING_WIDTH
    with ExitStack() as stack:
        write = stack.enter_context(text_writer(options.output)) if options.output else sys.stdout.write
        links = stack.enter_context(text_writer(options.alignments)) if options.alignments else None
        flush = None if options.output else sys.stdout.flush
        run = _Scoring(translator, write, links, flush, width=width, json_lines=options.tokens)
        for lines, translations in _windows(options):
            run.score(lines, translations)
    return run.report(options.source, options.target)


def _load(directories: Sequence[Path], options: argparse.Namespace) -> Translator:
    from s2s.decoding.search import BeamOptions
    from translation.translator import Translator

    return Translator.load(
        directories[0],
        BeamOptions(length_penalty=options.length_penalty),
        others=directories[1:],
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch_tokens=options.batch_tokens,
    )


def _check(options: argparse.Namespace) -> None:
    """Check all that can be checked before the model is loaded."""
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    files = [options.source, options.target]
    for path in files:
        check_readable(path)
    written = [path for path in (options.output, options.alignments) if path]
    for path in written:
        check_output(path, force=options.force, inputs=files)
    check(
        len({os.path.realpath(path) for path in written}) == len(written),
        f"--alignments {options.alignments}: this is the file of --output too; choose another name",
    )
    if all(path.is_file() for path in files):  # a pipe can be read once only: its lines are counted on the way
        _check_counts(files, list(map(count_lines, files)))


def _check_counts(files: Sequence[Path], counts: Sequence[int]) -> None:
    check(
        counts[0] == counts[1],
        f"{files[0]} has {counted(counts[0], 'line')} but {files[1]} has {counts[1]:,}; line n of both "
        "files must belong to the "
        "same sentence, blank lines included",
    )


def _windows(options: argparse.Namespace) -> Iterator[tuple[list[str], list[str]]]:
    """The lines of both files, as many at a time as can be read without waiting."""
    files = [options.source, options.target]
    with options.source.open("rb", buffering=0) as source, options.target.open("rb", buffering=0) as target:
        readers = [LineReader(file, errors=options.encoding_errors) for file in (source, target)]
        translations, counts = iter(readers[1]), [0, 0]
        for window in readers[0].windows():
            own = list(islice(translations, len(window)))
            counts = [counts[0] + len(window), counts[1] + len(own)]
            if len(own) == len(window):
                yield window, own
        _check_counts(files, [counts[0], counts[1] + sum(1 for _ in translations)])
    for path, reader in zip(files, readers):
        if reader.replaced:
            warn(replaced_bytes(path, reader.replaced))


class _Scoring:
    """Scores windows of lines, and remembers which lines have no score.

    Args:
        translator: of the model
        write: takes the lines of the result
        links: takes those of the alignments; None for none
        flush: is called behind each window, so that a pipe has its scores at once; None for a file
        width: of the beam that looks for the likeliest subwords
        json_lines: whether a result is an object of JSON
    """

    def __init__(
        self,
        translator: Translator,
        write: Callable[[str], object],
        links: Callable[[str], object] | None,
        flush: Callable[[], object] | None,
        *,
        width: int,
        json_lines: bool,
    ) -> None:
        self._translator, self._write, self._links, self._flush = translator, write, links, flush
        self._width, self._json = width, json_lines
        self._lines = 0
        self._half_blank: list[int] = []  # lines that are blank on one side
        self._not_asked = 0  # lines that hold nothing to translate

    def score(self, lines: Sequence[str], translations: Sequence[str]) -> None:
        """Score and write a window of lines."""
        from translation.alignment import pharaoh

        scored = self._translator.score(lines, translations, width=self._width, align=self._links is not None)
        for number, (line, translation, each) in enumerate(zip(lines, translations, scored), self._lines + 1):
            blank = not line.strip(), not translation.strip()
            if blank[0] != blank[1]:
                self._half_blank.append(number)
            elif each.log_probability is None and not blank[0]:
                self._not_asked += 1
            self._write(f"{_as_json(each) if self._json else _as_columns(each)}\n")
            if self._links:
                self._links(f"{pharaoh(each.alignment or ())}\n")
        self._lines += len(lines)
        if self._flush:
            self._flush()

    def report(self, source: Path, target: Path) -> int:
        """Say which lines have no score; return the exit code."""
        if self._not_asked:
            lines = "line holds nothing to translate, and has", "lines hold nothing to translate, and have"
            print(f"{counted(self._not_asked, *lines)} no score", file=sys.stderr)
        if self._half_blank:
            lines = counted(
                len(self._half_blank), "line is blank on one side, and has", "lines are blank on one side, and have"
            )
            numbers = f"line{'s' * (len(self._half_blank) > 1)} {first_few(self._half_blank)}"
            warn(f"{source}, {target}: {lines} no score ({numbers})")
        return 1 if self._half_blank else 0


def _as_columns(scored: ScoredTranslation) -> str:
    return "" if scored.log_probability is None else f"{scored.log_probability:.4f}\t{scored.score:.4f}"


def _as_json(scored: ScoredTranslation) -> str:
    numbers = [round(value, 4) for value in scored.log_probabilities]
    found = {
        "log_probability": None if scored.log_probability is None else round(scored.log_probability, 4),
        "score": None if scored.score is None else round(scored.score, 4),
        "tokens": list(scored.tokens),
        "log_probabilities": numbers,
    }
    return json.dumps(found, ensure_ascii=False)


def _parser() -> Parser:
    parser = Parser(
        description="Score given translations with a model. Line n of the output belongs to line n of both files: the "
        "log-probability of the translation, a tab, and its score, which is the mean log-probability of a token.",
        epilog="exit codes: 0 success; 1 some lines are blank on one side, and were reported; 2 error, explained by a "
        "message; 130 interrupted",
    )
    add = parser.add_argument
    add("--source", type=Path, required=True, metavar="FILE", help="the text, one sentence per line")
    add("--target", type=Path, required=True, metavar="FILE", help="its translation, line by line")
    add("--output", type=Path, metavar="FILE", help="write the scores to FILE (default: standard output)")
    add(
        "--tokens",
        action="store_true",
        help="write an object of JSON for each line, with the log-probability of each token too",
    )
    add(
        "--alignments",
        type=Path,
        metavar="FILE",
        help="also write which words belong together, as in `translate --alignments`",
    )
    add("--force", action="store_true", help="overwrite the files of --output and --alignments")
    add_model(parser)
    add(
        "--beam",
        type=positive,
        metavar="N",
        help="width of the beam that looks for the likeliest subwords of each translation; 1 takes the fewest subwords "
        "without a search (default: 3)",
    )
    add_length_penalty(parser)
    add_machine_options(parser).add_argument(
        "--batch-tokens",
        type=positive,
        metavar="N",
        help="size of a batch, in letters of the translation times beam width, or in tokens of the source if these are "
        "more; a smaller batch needs less memory",
    )
    add_encoding_errors(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(score)


if __name__ == "__main__":
    sys.exit(main())
