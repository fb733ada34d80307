r"""Write text with a language model, character by character.

    s2s sample --prime "ROMEO:" --length 300
    s2s sample --model RUN/best --prime "def " --until $'\n\n' --temperature 0.7 --n 3

Characters appear as they are written. Several samples are written at once, in one batch; each depends on the seed and
on its number, and not on how many there are.
"""

from __future__ import annotations

import json
import sys

from language_model.configuration import LENGTH
from language_model.loading import add_model, model_directory
from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.cli.search_options import add_drawing, drawing
from s2s.errors import check


def sample(arguments: list[str]) -> int:
    """Write the samples that the arguments ask for; return the exit code."""
    options = _parser().parse_args(arguments)
    check(sys.stdout, "standard output is closed; nothing could be written")
    check(options.until != "", "--until is empty; leave it out, or name the text after which a sample ends")
    for name in ("prime", "until"):
        text = getattr(options, name) or ""
        check(text.encode(errors="ignore").decode() == text, f"--{name}: not UTF-8; check the settings of the terminal")
    directory = model_directory(options.model)

    from language_model.generator import Generator
    from s2s.decoding.search import SamplingOptions

    machine = {name: getattr(options, name) for name in ("engine", "device", "precision", "threads")}
    generator = Generator.load(directory, **machine)
    how = {"length": options.length, "n": options.n, "until": options.until or ""}
    if options.json:
        samples = generator.sample(options.prime, options=SamplingOptions(**drawing(options)), **how)
        for each in samples:
            record = {"prime": options.prime, "text": each.text, "tokens": each.tokens, "stopped": each.stopped}
            record["log_probability"] = round(each.log_probability, 4)
            print(json.dumps(record, ensure_ascii=False))
        return 0
    printer = _Printer(options.prime, options.n)
    generator.encode(options.prime)  # what is wrong with it is told before anything is written
    printer.begin()
    generator.sample(options.prime, options=SamplingOptions(**drawing(options)), follow=printer, **how)
    printer.end()
    return 0


class _Printer:
    """Prints the samples one after the other, each as soon as it can be: the first one while it is written.

    Args:
        prime: what each begins with
        count: how many there are; several get a line with their number before them
    """

    def __init__(self, prime: str, count: int) -> None:
        self._prime, self._count = prime, count
        self._kept = [""] * count  # of samples whose turn has not come
        self._last = "\n"  # the last character that was printed

    def begin(self) -> None:
        """Print the beginning of the first sample."""
        self._begin(0)

    def __call__(self, number: int, text: str) -> None:
        """Take what is written next of a sample."""
        if number == 0:
            self._print(text)
        else:
            self._kept[number] += text

    def end(self) -> None:
        """Print what was kept."""
        for number in range(1, self._count):
            self._end_line()
            self._begin(number)
            self._print(self._kept[number])
        self._end_line()

    def _begin(self, number: int) -> None:
        if self._count > 1:
            self._print(f"=== {number + 1} of {self._count}\n")
        self._print(self._prime)

    def _print(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._last = text[-1]

    def _end_line(self) -> None:
        if self._last != "\n":
            self._print("\n")


def _parser() -> Parser:
    parser = Parser(
        description="Write text with a language model. Characters appear as they are written; a sample starts at the "
        "beginning of a line, with --prime if it is given.",
    )
    add = parser.add_argument
    add_model(parser)
    add("--prime", default="", metavar="TEXT", help="what the text begins with")
    add(
        "--length",
        type=positive,
        default=LENGTH,
        metavar="N",
        help=f"write N tokens at most: characters, words or subwords, as the model has them (default: {LENGTH})",
    )
    add("--until", metavar="TEXT", help="end once the model has written TEXT, such as $'\\n\\n' in bash")
    add("--n", type=positive, default=1, metavar="N", help="write N samples at once (default: 1)")
    add("--json", action="store_true", help="print an object of JSON for each sample, once all are written")
    add_drawing(parser.add_argument_group("sampling"))
    add_machine_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(sample)


if __name__ == "__main__":
    sys.exit(main())
