"""Make the reference of commands from their parsers: a page for each first word of the commands of `s2s`.

A command is called without arguments, and stops where it would parse them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

from s2s.plugins import DISTRIBUTION, by_name, load

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


class _Stop(Exception):  # noqa: N818 - no error
    """Carries the parser of a command out of it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def _stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
    raise _Stop(parser)


def commands() -> dict[str, EntryPoint]:
    """This toolkit's own commands by their names."""
    entries = by_name("s2s.commands")
    return {name: entries[name] for name in sorted(entries) if getattr(entries[name].dist, "name", "") == DISTRIBUTION}


def parser_of(name: str, entry: EntryPoint) -> argparse.ArgumentParser:
    """The parser of a command."""
    function = load(entry)
    with patch.object(argparse.ArgumentParser, "parse_args", _stop), patch.object(sys, "argv", [f"s2s {name}"]):
        try:
            function([])
        except _Stop as stop:
            return stop.parser
    raise RuntimeError(f"s2s {name} has parsed no arguments")


def page(names: Sequence[str]) -> str:
    """The page of commands that have their first word in common."""
    first = names[0].split()[0]
    entries = commands()
    parts = [part for name in names for part in _command(name, parser_of(name, entries[name]), alone=len(names) == 1)]
    return "\n\n".join([f"# s2s {first}", *parts]) + "\n"


def _command(name: str, parser: argparse.ArgumentParser, *, alone: bool) -> Iterator[str]:
    if not alone:
        yield f"## s2s {name}"
    if parser.description:
        yield _escaped(parser.description % {"prog": parser.prog})
    with patch.dict("os.environ", {"COLUMNS": "84"}):
        usage = re.sub(r"^(usage: | {7})", "", parser.format_usage().rstrip(), flags=re.M)
    yield f"```text\n{usage}\n```"
    for group in parser._action_groups:
        if rows := [_row(parser, action) for action in group._group_actions if action.help != argparse.SUPPRESS]:
            yield f"**{(group.title or '').capitalize()}**"
            yield "\n".join(["| argument | effect |", "|---|---|", *rows])
    if parser.epilog:
        yield _escaped(parser.epilog)


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the table row of an argument: its spelling on the command line, and its help text."""
    formatter = parser._get_formatter()
    written = formatter._format_action_invocation(action)
    text = formatter._expand_help(action) if action.help else ""
    return f"| `{written.replace('|', '&#124;')}` | {_escaped(text)} |"


def _escaped(text: str) -> str:
    """Help text as Markdown: what stands between backticks stays, and nothing else is markup."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]|#{}])", r"\\\1", part) for part in parts)


def pages() -> dict[str, list[str]]:
    """The commands of each page by their first word."""
    return {first: list(names) for first, names in groupby(commands(), key=lambda name: name.split()[0])}


def on_config(config: MkDocsConfig) -> None:
    """List the pages in the navigation."""
    for section in config.nav or []:
        if "Commands" in section:
            section["Commands"] += [{f"s2s {first}": f"commands/{first}.md"} for first in pages()]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    from mkdocs.structure.files import File

    for first, names in pages().items():
        files.append(File.generated(config, f"commands/{first}.md", content=page(names)))
    return files
