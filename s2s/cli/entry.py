"""Run `s2s COMMAND ...`: look up the command under the entry-point group "s2s.commands", and call it.

A name has one word ("translate") or several ("train translation"). The value names a function from the list of
arguments to an exit code, as in s2s/cli/command.py. The first line of the docstring of its module is its description
in `s2s --help`, which imports none of the commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import program_name
from s2s.errors import UserError, check
from s2s.plugins import by_name, load, summary

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "s2s.commands"
_HELP = ("--help", "-h")


def s2s(arguments: list[str]) -> int:
    """Call the command that the first arguments name, with the other arguments; return its exit code.

    Without a command, and for the first word of several commands alone (`s2s train`), list the commands.

    Raises:
        UserError: there is no such command; the message names the ones that are most like it.
    """
    commands = {name: entry for name, entry in by_name(GROUP).items() if name.strip()}
    check(commands, "no commands are installed: run `uv sync`, or `pip install .`, in the folder of the toolkit")
    program = program_name()
    name = _longest_match(arguments, commands)
    if name:
        words = len(name.split())
        function = load(commands[name])
        sys.argv = [f"{program} {name}", *arguments[words:]]  # argparse takes the name of the program from there
        return function(arguments[words:])
    group = [word for word in arguments[:1] if word not in _HELP]
    after = arguments[len(group) :]
    members = {name: entry for name, entry in commands.items() if name.split()[: len(group)] == group}
    if not members or (after and after[0] not in _HELP):
        raise UserError(f"{_unknown(arguments, commands)} (see {program} --help)")
    print("\n".join(_overview(program, group, members)))
    return 0


def _longest_match(arguments: list[str], names: Iterable[str]) -> str:
    """The longest of the names with whose words the arguments begin; empty if there is none."""
    return max((name for name in names if arguments[: len(name.split())] == name.split()), key=len, default="")


def _unknown(arguments: list[str], names: Iterable[str]) -> str:
    """The message for a command that does not exist: it names the first word that is wrong, and words like it."""
    from difflib import get_close_matches

    group = [word for word in arguments[:1] if any(name.startswith(f"{word} ") for name in names)]
    known = {name.split()[len(group)] for name in names if name.split()[: len(group)] == group}
    typed = arguments[len(group)]
    near = [" ".join([*group, word]) for word in get_close_matches(typed, known, cutoff=0.7)]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"unknown command {' '.join([*group, typed])!r}{hint}"


def _overview(program: str, group: list[str], commands: Mapping[str, EntryPoint]) -> Iterator[str]:
    """The lines of `--help`: each command with its description."""
    shown = {" ".join(name.split()[len(group) :]): entry for name, entry in sorted(commands.items())}
    width = max(map(len, shown))
    usage = " ".join([program, *group, "COMMAND"])
    yield f"usage: {usage} ..."
    yield ""
    if not group:
        yield "Train and use sequence-to-sequence models with attention."
        yield ""
    yield from (f"  {name:{width}}  {summary(entry)}" for name, entry in shown.items())
    yield ""
    yield f"`{usage} --help` lists the options of a command."


def main() -> int:
    """Entry point."""
    return command.run(s2s)


if __name__ == "__main__":
    sys.exit(main())
