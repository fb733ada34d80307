"""Parse the arguments of a command: the parser, and the options that several commands share."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from s2s.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser that raises a `UserError` for wrong arguments, and takes no abbreviated options.

    Its `prog` is what the user typed, and `--debug` is among its options.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "prog": program_name(), **options})
        # `command.run` looks for --debug itself, because the parser may be what fails. It is added here for --help.
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )

    def error(self, message: str) -> NoReturn:
        """Raise a `UserError` with the message of argparse."""
        raise UserError(f"{message} (see {self.prog} --help)")


def program_name() -> str:
    """Return what the user typed to start this command, such as "translate" or "python -m translation.train".

    `s2s` puts the name of the sub-command into `sys.argv[0]`, so that this returns "s2s translate".
    """
    started = sys.argv[0]
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.origin == started:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    if started.endswith(".py"):
        return f"python {started}"
    return os.path.basename(started).removesuffix(".exe")  # noqa: PTH119 - pathlib is slower, and this is no path


def positive(text: str) -> int:
    """Convert an argument to an integer of at least 1; the `type` of options that count something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def add_length_penalty(group: argparse._ActionsContainer) -> None:
    """Add `--length-penalty`."""
    group.add_argument(
        "--length-penalty",
        type=_length_penalty,
        default=1.0,
        metavar="A",
        help="divide the log-probability of a hypothesis by its length to the power of A, from 0 to 10 (default: 1)",
    )


def number(text: str) -> float:
    """Convert an argument to a number; NaN for any other text, which is in no range."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _length_penalty(text: str) -> float:
    if not 0 <= number(text) <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 10")
    return number(text)


def add_machine_options(
    parser: argparse.ArgumentParser, precisions: Sequence[str] = ("int8", "bfloat16", "float32")
) -> argparse._ArgumentGroup:
    """Add the options for device, precision and threads; a command may add its own to the group that is returned."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--engine",
        choices=["auto", "onnx", "torch"],
        default="auto",
        help="what computes: ONNX Runtime on the light form of the model, or PyTorch (default: auto, which is onnx "
        "where the model has a light form and neither --device cuda nor a --precision that it lacks is asked for)",
    )
    add_device(group)
    first = "int8 if the processor supports it, else " if "int8" in precisions else ""
    group.add_argument(
        "--precision",
        choices=["auto", *precisions],
        default="auto",
        help=f"precision of matrix products (default: auto, which is {first}bfloat16 if the processor has fast "
        "instructions for it, else float32)",
    )
    add_threads(group)
    return group


def add_device(group: argparse._ActionsContainer) -> None:
    """Add `--device`."""
    group.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: auto, which uses a GPU if available"
    )


def add_threads(group: argparse._ActionsContainer) -> None:
    """Add `--threads`."""
    group.add_argument("--threads", type=positive, metavar="N", help="number of processor cores to use (default: all)")
