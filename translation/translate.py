"""Translate text, one sentence per line.

    translate FILE                        with the bundled English-German model
    translate --model RUN/best FILE       with a model of your own
    some program | translate --to en      as a filter, line by line

Line n of the output is the translation of line n of the input. Input is read and translated as a stream, so that memory
does not grow with it. Files of other formats, such as HTML, are read whole; see translation/formats.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2s.cli import command
from s2s.cli.doubts import report_file
from s2s.errors import check
from s2s.files import text_writer
from translation.account import Account, SideFiles
from translation.arguments import translate_parser
from translation.inputs import jobs
from translation.line_pictures import LinePictures
from translation.loading import bundled, load, model_directory, read_glossary, warn_of_copied_terms
from translation.option_checks import check_confidence, check_options
from translation.output_checks import check_outputs
from translation.prefix_lines import PrefixLines
from translation.resuming import command_record
from translation.run import Run
from translation.working import translate_jobs

if TYPE_CHECKING:
    from s2s.views.attention_output import Write


def translate(arguments: list[str]) -> int:
    """Translate the files that the arguments name, or standard input; return the exit code."""
    options = translate_parser().parse_args(arguments)
    check_options(options)
    planned = jobs(options)
    check_outputs(planned, options)
    glossary = read_glossary(options)
    directories = [model_directory(model) for model in options.model or []] or [bundled(options.to or "de")]
    check_confidence(directories, options)
    translator = load(
        directories,
        options,
        n_best=options.n_best or 1,
        batch_tokens=options.batch_tokens,
        localise_numbers=options.localise_numbers,
        align=options.alignments is not None,
        glossary=glossary,
    )
    warn_of_copied_terms(translator)
    check(
        translator.calibration or options.unsure == "keep",
        f"--unsure {options.unsure}: the calibration of {directories[0]} is of another version; calibrate it again",
    )
    with ExitStack() as stack:
        attention = stack.enter_context(_attention(options.attention)) if options.attention else None
        report = stack.enter_context(report_file(options.report)) if options.report else None
        alignments = stack.enter_context(text_writer(options.alignments)) if options.alignments else None
        quiet = not options.output and sys.stdout.isatty()
        prefixes = stack.enter_context(PrefixLines.opened(options))
        account = Account(translator, SideFiles(attention, report, alignments), unsure=options.unsure, quiet=quiet)
        pictures = LinePictures.of(options, translator, account.warn)
        how: Any = {"unsure": options.unsure, "encoding_errors": options.encoding_errors}
        run = Run(translator, account, prefixes, pictures, n_best=options.n_best is not None, **how)
        translate_jobs(planned, run, options, command_record(options, directories))
        return 1 if account.finish() or (pictures and pictures.failed) else 0


def _attention(path: Path) -> AbstractContextManager[Write]:
    from s2s.views.attention_output import attention_file

    return attention_file(path)


def main() -> int:
    """Entry point."""
    return command.run(translate)


if __name__ == "__main__":
    sys.exit(main())
