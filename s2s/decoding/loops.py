"""Loops: sentences that repeat words for which their source gives no reason, and a constraint that prevents them.

A decoder may fall into a loop ("red red red red", "ein Mann, ein Mann, ein Mann"). Two measures describe how much a
sentence repeats itself:

    times   how often the same words stand directly after each other: 3 in "very very very big" and in "ho ho ho". A
            sign between two of them does not count, so that it is 2 in "a man, a man".
            It is 2, too, where a word stands again that may stand only once (see `WordTable`)
    words   how many words the longest n-gram has that occurs twice: 2 in "a man sees a man" ("a man")

A source that repeats itself allows its translation to do so. Otherwise the same words may not stand directly after
each other, and no n-gram of more than `WORDS` words occurs twice. This is stricter than banning n-grams of one length
(Paulus et al., 2018, section 2.5) where a loop is tight, and milder elsewhere.

Search runs without the constraint first, and once more, with it, for the few sentences that loop: ordinary sentences
cost nothing and stay as they were.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s2s.arrays import Array, namespace, repeat
from s2s.decoding.constraints import keep_rows
from s2s.text.languages import primary_subtag
from s2s.text.tokens import SPECIALS, UNK
from s2s.text.vocabulary import Vocabulary

# Words that grammar doubles: "die Frau, die die Katze sieht", "he had had it".
_DOUBLED = {"de": ("die", "der", "das", "sie"), "en": ("that", "had"), "fr": ("nous", "vous")}
WORDS = 3  # of the longest n-gram that may occur twice without a reason


@dataclass(frozen=True)
class Repetition:
    """How much a sentence repeats itself, or may; see the module. The default is what every sentence may."""

    times: int = 1
    words: int = WORDS

    def exceeds(self, allowed: Repetition) -> bool:
        """Whether this is more than what is allowed."""
        return self.times > allowed.times or self.words > allowed.words


@dataclass(frozen=True, eq=False)
class WordTable:
    """What the measures know of a vocabulary.

    Attributes:
        starts: for each token id, whether a word or a sign begins with it
        doubled: the ids of words that the language doubles, such as German "die die"
        signs: the ids of commas and other signs
        unique: the ids of words that may stand only once in a sentence: in a caption, all content words
    """

    starts: Sequence[bool]
    doubled: frozenset[int] = frozenset()
    signs: frozenset[int] = frozenset()
    unique: frozenset[int] = frozenset()


def word_table(vocabulary: Vocabulary, language: str = "", unique: Iterable[int] = ()) -> WordTable:
    """What the measures know of a vocabulary of a language, which is given by its code.

    `unique` is as in `WordTable`.
    """
    ids = (vocabulary.encode(word) for word in _DOUBLED.get(primary_subtag(language), ()))
    doubled = frozenset(of[0] for of in ids if len(of) == 1 and of[0] != UNK)
    tokens = enumerate(vocabulary.tokens(range(vocabulary.first_placeholder)))
    signs = frozenset(i for i, token in tokens if i >= len(SPECIALS) and not any(map(str.isalnum, token)))
    return WordTable(vocabulary.word_starts(), doubled, signs, frozenset(unique))


def repetition_of(tokens: Sequence[int], words: WordTable) -> Repetition:
    """Measure how much a sentence repeats itself."""
    if len(set(tokens)) == len(tokens):
        return Repetition(1, 0)
    times, longest = 1, 0
    places = defaultdict[int, list[int]](list)  # where each token stands
    matches = dict[int, tuple[int, int]]()  # earlier place -> tokens of the common suffix there, words that begin in it
    for time, token in enumerate(tokens):
        before, matches = matches, {}
        if places[token] and token in words.unique:
            times = max(times, 2)
        for place in places[token]:
            length, started = before.get(place - 1, (0, 0))
            matches[place] = length, started = length + 1, started + words.starts[token]
            lag = time - place
            longest = max(longest, min(started, lag))
            if length >= lag:  # the last `lag` tokens stand directly before themselves
                whole = words.starts[tokens[time - lag + 1]]
                free = not whole or (lag == 1 and token in words.doubled)
                times = max(times, length // lag + 1 - free)
            elif length == lag - 1 and tokens[place + 1] in words.signs:  # directly, but for a sign between them
                whole = words.starts[tokens[time - lag + 2]]
                times = max(times, 2 if whole and not (lag == 2 and token in words.doubled) else 1)
        places[token].append(time)
    return Repetition(times, longest)


def allowed_by(source: Sequence[int], words: WordTable) -> Repetition:
    """What the translation of a source may repeat: words as often as the source does, and n-grams somewhat longer."""
    found = repetition_of(source, words)
    longest = 2 * found.words + 2 if found.words > 1 else WORDS
    return Repetition(found.times, max(longest, 4 * found.times if found.times > 1 else WORDS))


@dataclass(frozen=True)
class LoopGuard:
    """Finds the sentences of a batch that loop.

    Attributes:
        words: of the target's vocabulary
        sources: the token ids of each source; of a picture, none
        source_words: of the source's vocabulary
    """

    words: WordTable
    sources: Sequence[Sequence[int]]
    source_words: WordTable

    def allowed(self, sentence: int) -> Repetition:
        """What a sentence may repeat."""
        return allowed_by(self.sources[sentence], self.source_words)

    def loops(self, sentence: int, tokens: Sequence[int]) -> bool:
        """Whether these tokens repeat more than the sentence may."""
        found = repetition_of(tokens, self.words)
        return found.exceeds(Repetition()) and found.exceeds(self.allowed(sentence))


@dataclass(frozen=True)
class NoLoops:
    """The constraint: no row repeats more than its sentence allows.

    Attributes:
        starts: (vocabulary,) bool, see `WordTable`
        doubled, signs, unique: (vocabulary,) bool
        times, words: (rows, 1) int64, what is allowed
        history: (rows, time) int64, the tokens so far
        matches: (rows, time) int64: how many tokens before each position, itself included, equal the last tokens
        matched_words: (rows, time) int64: how many words begin in these
    """

    starts: Array
    doubled: Array
    signs: Array
    unique: Array
    times: Array
    words: Array
    history: Array
    matches: Array
    matched_words: Array

    @classmethod
    def of(cls, allowed: Sequence[Repetition], words: WordTable, array: Callable[[Any], Array]) -> NoLoops:
        """The constraint before the first token.

        Args:
            allowed: one entry for each sentence
            words: of the vocabulary
            array: brings a NumPy array where the search runs (see `Network.array`)
        """
        starts = np.array(words.starts)
        marks = np.zeros((3, len(starts)), dtype=bool)  # doubled, signs, unique
        for marked, ids in zip(marks, (words.doubled, words.signs, words.unique)):
            marked[list(ids)] = True
        limits = array(np.array([[each.times, each.words] for each in allowed], dtype=np.int64))
        none = array(np.zeros((len(allowed), 0), dtype=np.int64))
        doubled, signs, unique = map(array, marks)
        return cls(array(starts), doubled, signs, unique, limits[:, :1], limits[:, 1:], none, none, none)

    def read(self, tokens: Array) -> NoLoops:
        """See `Constraint`."""
        xp = namespace(tokens)
        same = xp.astype(self.history == tokens[:, None], xp.int64)  # (rows, time)
        matches = (_behind(self.matches)[:, :-1] + 1) * same
        started = xp.astype(self.starts[tokens], xp.int64)[:, None]
        matched_words = (_behind(self.matched_words)[:, :-1] + started) * same
        last = xp.zeros_like(tokens)[:, None]  # the last position is not compared with itself
        return replace(
            self,
            history=xp.concat((self.history, tokens[:, None]), axis=1),
            matches=xp.concat((matches, last), axis=1),
            matched_words=xp.concat((matched_words, last), axis=1),
        )

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`. A token is banned if it continues a repetition beyond what is allowed."""
        xp, time = namespace(log_probabilities), self.history.shape[1]
        # Position j would be followed, a second time, by the token at j + 1; 0 is the position before the first token.
        matches, matched_words = _behind(self.matches)[:, :time], _behind(self.matched_words)[:, :time]
        places = xp.arange(time, device=self.history.device)  # (time,): j + 1
        lags = time - places  # (time,): how far back the token at j + 1 lies
        # The repeated tokens begin a word.
        whole = self.starts[self.history[:, xp.clip(places - lags + 1, min=0)]]
        free = ~whole | ((lags == 1) & self.doubled[self.history])
        loops = (matches + 1) // lags + 1 - xp.astype(free, xp.int64) > self.times
        # The same with a sign between both, which stands behind j + 1: the repeated tokens are one less.
        nothing = xp.zeros_like(whole[:, :1])
        behind = xp.concat((self.signs[self.history[:, 1:]], nothing), axis=1)
        whole = self.starts[self.history[:, xp.clip(places - lags + 2, min=0, max=time - 1)]]
        parted = (matches + 2 == lags) & behind & whole & ~((lags == 2) & self.doubled[self.history])
        loops = loops | (parted & (lags > 1) & (self.times < 2))
        loops = loops | (self.unique[self.history] & (self.times < 2))
        long = (matched_words >= self.words) & self.starts[self.history]
        rows, columns = xp.nonzero(loops | long)
        scores = xp.asarray(log_probabilities, copy=True)
        scores[rows, self.history[rows, columns]] = -math.inf
        return scores

    def reorder(self, parents: Array) -> NoLoops:
        """See `Constraint`."""
        return self._moved(lambda rows: rows[parents])

    def keep(self, sentences: Array, total: int) -> NoLoops:
        """See `Constraint`."""
        return self._moved(lambda rows: keep_rows(rows, sentences, total))

    def repeat(self, times: int) -> NoLoops:
        """See `Constraint`."""
        return self._moved(lambda rows: repeat(rows, times))

    def _moved(self, move: Callable[[Array], Array]) -> NoLoops:
        return replace(
            self,
            times=move(self.times),
            words=move(self.words),
            history=move(self.history),
            matches=move(self.matches),
            matched_words=move(self.matched_words),
        )


def _behind(values: Array) -> Array:
    """The values one place further on, behind a zero: (rows, time) -> (rows, time + 1)."""
    xp = namespace(values)
    return xp.concat((xp.zeros((len(values), 1), dtype=values.dtype, device=values.device), values), axis=1)
