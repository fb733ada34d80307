"""Comparison of systems: where their translations of the same text differ, and how much.

The scores and tests are those of translation/metrics.py. Words are those of a pattern, not of a metric's tokeniser:
what stands between spaces, without punctuation, and each sign of scripts without spaces.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise

from translation.metrics import (
    Score,
    Significance,
    bleu,
    corpus_scores,
    has_spaces,
    paired_bootstrap,
    sentence_bleu,
    sentence_chrf,
)
from translation.reading import WORD_OR_SIGN

_LENGTHS = 5  # groups of sentences
_FREQUENCIES = (0, 1, 2, 3, 4, 5, 10, 100, 1000)  # the least of each group of words


@dataclass(frozen=True)
class Group:
    """Some sentences, or some words.

    Attributes:
        label: what they have in common, such as "5-9"
        count: how many there are
        values: a score for each system, 0 to 100
    """

    label: str
    count: int
    values: Sequence[float]


@dataclass(frozen=True)
class ComparedWord:
    """A word, sign or space of a translation.

    Attributes:
        text: as it is
        differs: whether the other system does not have it in this place
        right: whether a reference has it
    """

    text: str
    differs: bool
    right: bool


@dataclass(frozen=True)
class Comparison:
    """Translations of the same lines by several systems; the first one is the baseline.

    Attributes:
        names: of the systems
        systems: the lines of each
        references: streams, as in translation/metrics.py
        source: the lines that were translated; None if they are not known
        language: of the translations, a code; empty if it is not known
        training: a text that says how frequent words are; None for the references
    """

    names: Sequence[str]
    systems: Sequence[Sequence[str]]
    references: Sequence[Sequence[str]]
    source: Sequence[str] | None = None
    language: str = ""
    training: Sequence[str] | None = None

    @cached_property
    def scores(self) -> list[list[Score]]:
        """All corpus scores of each system."""
        return [corpus_scores(lines, self.references, self.language) for lines in self.systems]

    @cached_property
    def tests(self) -> list[list[Significance]]:
        """For each system but the first, the paired bootstrap tests against the first, in the order of its scores."""
        metrics = ["bleu", "chrf"]
        if self.language and has_spaces(self.language):
            metrics.append("lower_tokenised_bleu")
        baseline, *others = self.systems
        return [
            [paired_bootstrap(baseline, lines, self.references, self.language, metric=metric) for metric in metrics]  # type: ignore[arg-type]
            for lines in others
        ]

    @cached_property
    def sentence_chrfs(self) -> list[list[float]]:
        """Of each system, the chrF of each sentence."""
        streams = list(zip(*self.references))
        return [[sentence_chrf(line, streams[i]) for i, line in enumerate(lines)] for lines in self.systems]

    def sentence_bleus(self, line: int) -> list[float]:
        """Of each system, the BLEU of a sentence."""
        references = [stream[line] for stream in self.references]
        return [sentence_bleu(lines[line], references, self.language) for lines in self.systems]

    def changes(self, system: int) -> list[float]:
        """By how much the chrF of each sentence of a system is above that of the first system."""
        return [own - other for own, other in zip(self.sentence_chrfs[system], self.sentence_chrfs[0])]

    def most_different(self, count: int) -> list[int]:
        """The sentences whose chrF differs most from that of the first system, at most `count` in each direction.

        For several systems, there may be as many for each of them.
        """
        found = dict[int, None]()
        for system in range(1, len(self.systems)):
            changes = self.changes(system)
            order = sorted(range(len(changes)), key=changes.__getitem__)
            found |= dict.fromkeys(i for i in order[:count] if changes[i] < 0)
            found |= dict.fromkeys(i for i in order[: -count - 1 : -1] if changes[i] > 0)
        return sorted(found, key=lambda i: -max(abs(own[i] - self.sentence_chrfs[0][i]) for own in self.sentence_chrfs))

    def by_length(self) -> list[Group]:
        """BLEU by the length of the source in words, or of the first reference if there is no source."""
        lengths = [len(words(line)) for line in self.source or self.references[0]]
        ordered = sorted(lengths)
        firsts = sorted({ordered[len(ordered) * i // _LENGTHS] for i in range(_LENGTHS)})
        members: list[list[int]] = [[] for _ in firsts]
        for i, length in enumerate(lengths):
            members[bisect_right(firsts, length) - 1].append(i)
        lasts = [max(lengths[i] for i in of) for of in members]
        return [
            Group(_range(first, last), len(of), [self._bleu(lines, of) for lines in self.systems])
            for first, last, of in zip(firsts, lasts, members)
        ]

    def _bleu(self, lines: Sequence[str], members: Sequence[int]) -> float:
        streams = [[stream[i] for i in members] for stream in self.references]
        return bleu([lines[i] for i in members], streams, self.language).value

    def by_frequency(self) -> list[Group]:
        """The f-measure of words by their frequency in the training text, or in the references.

        A word of a translation is right as often as the reference of the sentence has it; of several references, each
        counts once. `count` is that of the words in the references.
        """
        texts = [self.training] if self.training is not None else self.references
        frequencies = Counter(word for lines in texts for line in lines for word in words(line))
        references = [[Counter(words(line)) for line in stream] for stream in self.references]
        wanted = _sums((bag for stream in references for bag in stream), frequencies)
        values = list[list[float]]()
        for lines in self.systems:
            bags = [Counter(words(line)) for line in lines]
            written = _sums((bag for _ in references for bag in bags), frequencies)
            right = _sums((bag & own for stream in references for bag, own in zip(bags, stream)), frequencies)
            values.append([_f_measure(*sums) for sums in zip(right, written, wanted)])
        labels = [*(_range(first, end - 1) for first, end in pairwise(_FREQUENCIES)), f"{_FREQUENCIES[-1]}+"]
        groups = [Group(*each) for each in zip(labels, wanted, map(list, zip(*values)))]
        return [group for group in groups if group.count]

    def parts(self, system: int, line: int) -> list[ComparedWord]:
        """A translation in parts, compared with that of the first system; that of the first with the second's."""
        own = units(self.systems[system][line])
        other = units(self.systems[0 if system else 1][line])
        same = set[int]()
        for block in SequenceMatcher(None, own, other, autojunk=False).get_matching_blocks():
            same.update(range(block.a, block.a + block.size))
        left = Counter[str]()
        for stream in self.references:
            left |= Counter(units(stream[line]))
        parts = list[ComparedWord]()
        for i, text in enumerate(own):
            parts.append(ComparedWord(text, i not in same and not text.isspace(), left[text] > 0))
            left[text] -= 1
        return parts


def units(text: str) -> list[str]:
    """The words, signs and spaces of a text, which together are the text."""
    return WORD_OR_SIGN.findall(text)


def words(text: str) -> list[str]:
    """The words of a text, without punctuation."""
    return [unit for unit in units(text) if any(map(str.isalnum, unit))]


def _sums(bags: Iterable[Counter[str]], frequencies: Counter[str]) -> list[int]:
    """How many words of each group of frequencies the bags hold."""
    sums = [0] * len(_FREQUENCIES)
    for bag in bags:
        for word, count in bag.items():
            sums[bisect_right(_FREQUENCIES, frequencies[word]) - 1] += count
    return sums


def _f_measure(right: int, written: int, wanted: int) -> float:
    return 200 * right / (written + wanted) if written + wanted else 0.0


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def summary(comparison: Comparison) -> Iterator[str]:
    """The comparison as lines of plain text."""
    letters = [letter(i) for i in range(len(comparison.names))]
    for own, name in zip(letters, comparison.names):
        yield f"{own}  {name}"
    yield ""
    yield _row("", letters)
    for each in zip(*comparison.scores):
        yield _row(each[0].name, [f"{score.value:.2f}" for score in each])
    for own, tests in zip(letters[1:], comparison.tests):
        yield ""
        for test in tests:
            verdict = "significant" if test.p_value < 0.05 else "not significant"
            yield f"{own} - A  {test.name:12} {test.difference:+.2f}, p = {test.p_value:.4f}, {verdict} at 0.05"
    for title, groups in sections(comparison):
        yield f"\n{title}"
        for group in groups:
            yield _row(f"{group.label} ({group.count:,})", [f"{value:.2f}" for value in group.values])


def sections(comparison: Comparison) -> Iterator[tuple[str, list[Group]]]:
    """The titles of the groups of sentences and words, and the groups."""
    side = "source" if comparison.source is not None else "reference"
    yield f"BLEU by length of the {side} in words (number of sentences)", comparison.by_length()
    text = "training text" if comparison.training is not None else "references"
    yield f"F-measure of words by their frequency in the {text} (number of words)", comparison.by_frequency()


def letter(system: int) -> str:
    """What a system is called for short: A, B, C."""
    return chr(ord("A") + system)


def _row(label: str, values: Iterable[str]) -> str:
    return f"{label:18}" + "".join(f"{value:>8}" for value in values)
