"""The options of search that commands share: a beam, a diverse beam, or sampling, and lengths."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from s2s.cli.arguments import add_length_penalty, number, positive
from s2s.errors import check

if TYPE_CHECKING:
    from s2s.decoding.search import SearchOptions

_BEAM = 5  # the default width
_SAMPLING = ("draws", "temperature", "top_k", "top_p", "seed")  # options that need --sample
_DIVERSITY = 0.5  # the default penalty
_MOST_FORCED = 1000  # tokens of --min-length: every sentence takes so many steps


def add_search_options(parser: argparse.ArgumentParser, *, ordered: bool = True) -> argparse._ArgumentGroup:
    """Add the options of search; a command may add its own to the group that is returned.

    Args:
        parser: of the command
        ordered: whether the command does its work in one order, as --draw-positions needs it
    """
    group = parser.add_argument_group("search")
    add = group.add_argument
    add("--beam", type=positive, metavar="N", help=f"beam width; 1 is greedy search (default: {_BEAM})")
    add_length_penalty(group)
    add(
        "--min-length",
        type=_least_length,
        metavar="N",
        help=f"write at least N tokens for each sentence, at most {_MOST_FORCED}",
    )
    add(
        "--max-length",
        type=positive,
        metavar="N",
        help="write at most N tokens for each sentence",
    )
    add(
        "--allow-loops",
        action="store_true",
        help="keep sentences that repeat words without a reason (default: search again, in such a way that none does)",
    )
    if ordered:
        add(
            "--draw-positions",
            type=_whole,
            metavar="SEED",
            help="hard attention: draw the positions that are looked at, instead of taking the likeliest; --engine "
            "torch",
        )
    add(
        "--diverse-groups",
        type=positive,
        metavar="N",
        help="divide the beam into N groups that avoid each other's words, so that the hypotheses differ more",
    )
    add(
        "--diversity-penalty",
        type=_penalty,
        metavar="X",
        help="what a word costs for each hypothesis of another group that has it at the same place (default: "
        f"{_DIVERSITY})",
    )
    _add_sampling(parser.add_argument_group("sampling"))
    return group


def _add_sampling(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--sample", action="store_true", help="draw each token at random instead of searching for the best sentence")
    add(
        "--draws",
        type=positive,
        metavar="N",
        help="draw N sentences and keep those with the best scores (default: as many as are written)",
    )
    add_drawing(group)


def add_drawing(group: argparse._ActionsContainer) -> None:
    """Add the options that say which tokens are drawn, and how often."""
    add = group.add_argument
    add("--temperature", type=_above_zero, metavar="T", help="above 1 draws unlikely tokens more often (default: 1)")
    add("--top-k", type=positive, metavar="K", help="draw from the K likeliest tokens only (default: all)")
    add(
        "--top-p",
        type=_probability,
        metavar="P",
        help="draw from the likeliest tokens only, as few as have a probability of P together (default: 1, all)",
    )
    add(
        "--seed",
        type=_whole,
        metavar="N",
        help="of the random numbers: the same seed draws the same (default: 0)",
    )


def search_options(
    options: argparse.Namespace, *, n_best: int = 1, minimum_length: int = 0, stop_early: bool = False
) -> SearchOptions:
    """Return the options of the search that the command line asks for.

    Args:
        options: parsed; they are checked
        n_best: hypotheses that are written of each sentence
        minimum_length: where --min-length is not given
        stop_early: see `BeamOptions`

    Raises:
        UserError: options do not go together.
    """
    from s2s.decoding.search import BeamOptions, SamplingOptions

    common = {
        "length_penalty": options.length_penalty,
        "minimum_length": minimum_length if options.min_length is None else options.min_length,
        "maximum_length": options.max_length,
        "guard_loops": not options.allow_loops,
    }
    longest, shortest = options.max_length, options.min_length
    check(
        longest is None or shortest is None or shortest <= longest,
        f"--min-length {shortest} is more than --max-length {longest}; change one of them",
    )
    if options.sample:
        _check_no(options, ("beam", "diverse_groups", "diversity_penalty"), "is of beam search; leave out --sample")
        draws = options.draws or n_best
        check(n_best <= draws, f"--n-best {n_best} is more than --draws {draws}; draw more")
        return SamplingOptions(draws, n_best, **drawing(options), **common)
    _check_no(options, _SAMPLING, "is of sampling; add --sample")
    groups = options.diverse_groups or 1
    if options.diverse_groups is None:
        _check_no(options, ("diversity_penalty",), "is of a diverse beam; add --diverse-groups")
    beam = options.beam or math.ceil(_BEAM / groups) * groups
    check(beam % groups == 0, f"--diverse-groups {groups} does not divide --beam {beam}; choose a multiple of {groups}")
    check(n_best <= beam, f"--n-best {n_best} is more than --beam {beam}; choose a wider beam")
    penalty = _DIVERSITY if options.diversity_penalty is None else options.diversity_penalty
    diverse = {"groups": groups, "diversity_penalty": penalty}
    return BeamOptions(beam, n_best, stop_early=stop_early, **diverse, **common)


def drawing(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says of `add_drawing`, as arguments of `SamplingOptions`."""
    return {name: getattr(options, name) for name in _SAMPLING[1:] if getattr(options, name) is not None}


def search_in_words(options: SearchOptions) -> str:
    """Name a search for reports, such as "beam 5, length penalty 1"."""
    from s2s.decoding.search import BeamOptions

    if isinstance(options, BeamOptions):
        groups = f", {options.groups} groups, diversity penalty {options.diversity_penalty:g}"
        name = f"beam {options.width}{groups if options.groups > 1 else ''}, length penalty {options.length_penalty:g}"
    else:
        top_k = f", top-k {options.top_k}" if options.top_k else ""
        top_p = f", top-p {options.top_p:g}" if options.top_p < 1 else ""
        best = f", the best of {options.draws}" if options.draws > 1 else ""
        name = f"sampled, temperature {options.temperature:g}{top_k}{top_p}, seed {options.seed}{best}"
    return name


def _check_no(options: argparse.Namespace, names: tuple[str, ...], reason: str) -> None:
    """Check that none of these options is given."""
    for name in names:
        check(getattr(options, name) is None, f"--{name.replace('_', '-')} {reason}, or leave this option out")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _least_length(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST_FORCED:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_MOST_FORCED}")
    return int(text)


def _above_zero(text: str) -> float:
    if not 0 < number(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number(text)


def _probability(text: str) -> float:
    if not 0 < number(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a probability above 0, up to 1")
    return number(text)


def _penalty(text: str) -> float:
    if not 0 <= number(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return number(text)
