"""Translate text, one sentence per line.

    translate FILE                        with the bundled English-German model
    translate --model RUN/best FILE       with a model of your own
    some program | translate --to en      as a filter, line by line

Line n of the output is the translation of line n of the input. Input is read and translated as a stream, so that memory
does not grow with it.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.doubts import report_file
from s2s.errors import check
from s2s.files import atomic_file
from translation.arguments import translate_parser
from translation.loading import bundled, load, model_directory
from translation.option_checks import check_confidence, check_options
from translation.run import Run

if TYPE_CHECKING:
    from translation.attention import Write


def translate(arguments: list[str]) -> int:
    """Translate the files that the arguments name, or standard input; return the exit code."""
    options = translate_parser().parse_args(arguments)
    check_options(options)
    directories = [model_directory(model) for model in options.model or []] or [bundled(options.to or "de")]
    check_confidence(directories, options)
    translator = load(
        directories,
        options,
        n_best=options.n_best or 1,
        batch_tokens=options.batch_tokens,
        localise_numbers=options.localise_numbers,
    )
    check(
        translator.calibration or options.unsure == "keep",
        f"--unsure {options.unsure}: the calibration of {directories[0]} is of another version; calibrate it again",
    )
    with ExitStack() as stack:
        output = sys.stdout
        if options.output:
            aside = stack.enter_context(atomic_file(options.output))
            output = stack.enter_context(aside.open("w", encoding="utf-8", newline="\n"))
        attention = stack.enter_context(_attention(options.attention)) if options.attention else None
        report = stack.enter_context(report_file(options.report)) if options.report else None
        run = Run(translator, output, attention, report, options)
        for path in options.files:
            with path.open("rb", buffering=0) as file:
                run.translate(file, str(path))
        if not options.files:
            if sys.stdin.isatty():
                print("Type a line and press Enter to translate it; end with Ctrl-D.", file=sys.stderr, flush=True)
            run.translate(sys.stdin.buffer, "standard input")
        run.report()
    return 0


def _attention(path: Path) -> AbstractContextManager[Write]:
    from translation.attention import attention_file

    return attention_file(path)


def main() -> int:
    """Entry point."""
    return command.run(translate)


if __name__ == "__main__":
    sys.exit(main())
