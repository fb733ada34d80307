"""Tag schemes: spans survive every conversion, wrong tags are found, and decoding keeps to the scheme."""

from __future__ import annotations

from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.schemes import (
    BestTags,
    SchemeError,
    SchemeName,
    Span,
    all_tags,
    check_tags,
    converted,
    spans_of,
    tags_of,
)

SCHEMES: list[SchemeName] = [name for name in get_args(SchemeName) if name != "none"]


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans that do not overlap, some of them side by side, and the length of their sentence."""
    spans, end = [], 0
    for gap, size, kind in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(["PER", "LOC", "B-x"])), max_size=6)
    ):
        spans.append(Span(kind, end + gap, end + gap + size))
        end += gap + size
    return spans, end + draw(st.integers(0, 2))


@given(sentences(), st.sampled_from(SCHEMES), st.sampled_from(SCHEMES))
def test_spans_survive_every_conversion(
    sentence: tuple[list[Span], int], source: SchemeName, target: SchemeName
) -> None:
    spans, length = sentence
    tags = tags_of(spans, length, source)
    assert len(tags) == length
    assert spans_of(tags, source) == spans
    assert spans_of(converted(tags, source, target), target) == spans
    assert converted(converted(tags, source, target), target, source) == tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_any_tags_either_are_those_of_their_spans_or_are_refused(scheme: SchemeName) -> None:
    """All tags of three words: what is accepted is written back as it was."""
    known = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in "XY")]
    accepted = 0
    for tags in product(known, repeat=3):
        try:
            spans = spans_of(tags, scheme)
        except SchemeError:
            continue
        accepted += 1
        assert tuple(tags_of(spans, 3, scheme)) == tags
    assert accepted > 20


def test_adjacent_spans_of_one_type() -> None:
    spans = [Span("X", 0, 2), Span("X", 2, 3)]
    written = {scheme: " ".join(tags_of(spans, 4, scheme)) for scheme in SCHEMES}
    assert written == {"IOB1": "I-X I-X B-X O", "IOB2": "B-X I-X B-X O", "BIOES": "B-X E-X S-X O"}


@pytest.mark.parametrize(
    ("tags", "scheme", "position", "message"),
    [
        ("O I-X", "IOB2", 1, "the tag I-X cannot stand behind O in IOB2"),
        ("I-X", "IOB2", 0, "the tag I-X cannot stand at the beginning of a sentence in IOB2"),
        ("B-X I-Y", "IOB2", 1, "the tag I-Y cannot stand behind B-X in IOB2"),
        ("I-X O B-X", "IOB1", 2, "the tag B-X cannot stand behind O in IOB1"),
        ("B-X O", "BIOES", 1, "the tag O cannot stand behind B-X in BIOES"),
        ("O B-X", "BIOES", 1, "the tag B-X cannot stand at the end of a sentence in BIOES"),
        ("O U-X", "BIOES", 1, "the tag 'U-X' is none of BIOES, whose tags are O, B-TYPE, I-TYPE, E-TYPE, S-TYPE"),
        ("NOUN", "IOB1", 0, "the tag 'NOUN' is none of IOB1, whose tags are O, I-TYPE, B-TYPE"),
    ],
)
def test_the_first_wrong_tag_is_told(tags: str, scheme: SchemeName, position: int, message: str) -> None:
    with pytest.raises(SchemeError) as caught:
        check_tags(tags.split(), scheme)
    assert (caught.value.position, str(caught.value)) == (position, message)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from(SCHEMES))
def test_decoding_finds_the_likeliest_tags_that_follow_the_scheme(seed: int, words: int, scheme: SchemeName) -> None:
    """Brute force over all tags of up to five words."""
    labels = ["O", "B-X", "I-X", "I-Y"] if scheme != "BIOES" else ["O", "B-X", "E-X", "S-Y"]
    scores = np.random.default_rng(seed).normal(size=(words, len(labels))).astype(np.float32)
    found = BestTags(labels, scheme)(scores)

    def follows(path: tuple[int, ...]) -> bool:
        try:
            check_tags([labels[i] for i in path], scheme)
        except SchemeError:
            return False
        return True

    allowed = filter(follows, product(range(len(labels)), repeat=words))
    best = max(allowed, key=lambda path: sum(float(scores[word, label]) for word, label in enumerate(path)))
    assert tuple(found) == best


def test_a_scheme_has_all_tags_of_the_types_that_occur() -> None:
    """Else a span of one word in the validation text alone would be a label that training never saw."""
    assert all_tags(["B-Y", "E-Y"], "BIOES") == ["O", "B-Y", "E-Y", "I-Y", "S-Y"]
    assert all_tags(["O", "I-X"], "IOB1") == ["O", "B-X", "I-X"]
    assert all_tags(["b", "a", "b"], "none") == ["a", "b"]


def test_without_a_scheme_the_likeliest_label_of_each_word() -> None:
    scores = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    assert BestTags(["I-X", "O"], "none")(scores) == [1, 0]
    assert BestTags(["I-X", "E-X"], "BIOES")(scores) == [1, 0]  # no tags can follow it
    assert converted(["VERB"], "none", "IOB2") == ["VERB"]
