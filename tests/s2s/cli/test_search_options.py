"""The options of search: what they become, and which of them do not go together."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from s2s.cli.arguments import Parser
from s2s.cli.search_options import add_search_options, search_in_words, search_options
from s2s.decoding.search import BeamOptions, SamplingOptions, SearchOptions
from s2s.errors import UserError


def parsed(line: str) -> argparse.Namespace:
    parser = Parser(prog="verb")
    add_search_options(parser)
    return parser.parse_args(line.split())


def asked(line: str, **options: Any) -> SearchOptions:
    return search_options(parsed(line), **options)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", BeamOptions(5)),
        ("--beam 1 --length-penalty 0.5", BeamOptions(1, length_penalty=0.5)),
        ("--min-length 0 --max-length 7", BeamOptions(minimum_length=0, maximum_length=7)),
        ("--min-length 3 --allow-loops", BeamOptions(minimum_length=3, guard_loops=False)),
        ("--diverse-groups 5", BeamOptions(5, groups=5)),
        ("--diverse-groups 3 --diversity-penalty 0", BeamOptions(6, groups=3, diversity_penalty=0.0)),
        ("--diverse-groups 6 --beam 12", BeamOptions(12, groups=6)),
        ("--sample", SamplingOptions()),
        ("--sample --draws 4 --seed 7 --temperature 0.5", SamplingOptions(4, seed=7, temperature=0.5)),
        ("--sample --top-k 3 --top-p 0.9 --max-length 2", SamplingOptions(top_k=3, top_p=0.9, maximum_length=2)),
    ],
)
def test_what_is_asked_for_is_searched(line: str, expected: SearchOptions) -> None:
    assert asked(line) == expected


def test_a_command_has_defaults_of_its_own() -> None:
    assert asked("", n_best=3, minimum_length=1, stop_early=True) == BeamOptions(
        5, 3, minimum_length=1, stop_early=True
    )
    assert asked("--min-length 0", minimum_length=1) == BeamOptions(minimum_length=0)
    assert asked("--sample", n_best=3, minimum_length=1) == SamplingOptions(3, 3, minimum_length=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--sample --top-p 0", "argument --top-p: '0' is not a probability above 0, up to 1 (see verb --help)"),
        ("--sample --top-p 1.1", "argument --top-p: '1.1' is not a probability above 0, up to 1 (see verb --help)"),
        ("--sample --top-p most", "argument --top-p: 'most' is not a probability above 0, up to 1 (see verb --help)"),
        ("--min-length 1001", "argument --min-length: '1001' is not a whole number from 0 to 1000 (see verb --help)"),
        ("--sample --top-k 0", "argument --top-k: '0' is not a whole number from 1 (see verb --help)"),
        ("--sample --temperature 0", "argument --temperature: '0' is not a number above 0 (see verb --help)"),
        ("--sample --temperature nan", "argument --temperature: 'nan' is not a number above 0 (see verb --help)"),
        ("--sample --temperature inf", "argument --temperature: 'inf' is not a number above 0 (see verb --help)"),
        ("--sample --seed -1", "argument --seed: '-1' is not a whole number from 0 (see verb --help)"),
        ("--sample --seed 1.5", "argument --seed: '1.5' is not a whole number from 0 (see verb --help)"),
        (
            "--diversity-penalty -1",
            "argument --diversity-penalty: '-1' is not a number from 0 to 100 (see verb --help)",
        ),
        ("--top-k 3", "--top-k is of sampling; add --sample, or leave this option out"),
        ("--seed 3", "--seed is of sampling; add --sample, or leave this option out"),
        ("--sample --beam 3", "--beam is of beam search; leave out --sample, or leave this option out"),
        (
            "--sample --diverse-groups 3",
            "--diverse-groups is of beam search; leave out --sample, or leave this option out",
        ),
        (
            "--diversity-penalty 1",
            "--diversity-penalty is of a diverse beam; add --diverse-groups, or leave this option out",
        ),
        ("--diverse-groups 3 --beam 5", "--diverse-groups 3 does not divide --beam 5; choose a multiple of 3"),
        ("--min-length 9 --max-length 8", "--min-length 9 is more than --max-length 8; change one of them"),
        ("--max-length 0", "argument --max-length: '0' is not a whole number from 1 (see verb --help)"),
        ("--sample --draws 2", "--n-best 3 is more than --draws 2; draw more"),
        ("--beam 2", "--n-best 3 is more than --beam 2; choose a wider beam"),
    ],
)
def test_a_mistake_is_told_by_the_names_of_the_options(line: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        asked(line, n_best=3)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "beam 5, length penalty 1"),
        ("--diverse-groups 2 --length-penalty 0", "beam 6, 2 groups, diversity penalty 0.5, length penalty 0"),
        ("--sample", "sampled, temperature 1, seed 0"),
        (
            "--sample --top-k 5 --top-p 0.9 --draws 8 --seed 3",
            "sampled, temperature 1, top-k 5, top-p 0.9, seed 3, the best of 8",
        ),
    ],
)
def test_a_report_names_the_search(line: str, words: str) -> None:
    assert search_in_words(asked(line)) == words
