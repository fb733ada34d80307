"""Terms that an output has to hold: a constraint on the scores of each step, which reads the attention too.

A term is a sequence of tokens that has to stand in the output as whole words, such as the translation that a glossary
asks for. A hypothesis can write neither END nor a full stop before it has written all terms of its sentence. That alone
would put them behind the sentence that the model wants to write; `s2s.decoding.banks` therefore divides the beam among
hypotheses that have written more and fewer of them (Hokamp & Liu, 2017; Post & Vilar, 2018).

Even then a model likes to translate a source word in its own way and to add the term elsewhere ("Der Hund schläft,
Vierbeiner."). Attention tells both mistakes. Let m be the attention of a step to the source words of the terms that are
missing. The scores of this step are multiplied by

    m ** WEIGHT          for a token with which a term begins: it is written where the decoder reads its source
    (1 - m) ** WEIGHT    for any other token with which a word begins: the source is not translated by another word

(Hasler et al., 2018, section 3, use attention to the same end, but as a hard rule). Between the terms, the model's own
probabilities decide: articles and endings fit the term, which a placeholder in its place cannot make them do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from s2s.arrays import Array, namespace, repeat, take
from s2s.decoding.constraints import keep_rows
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import Vocabulary

WEIGHT = 3.0  # of the attention; weights from 2 to 8 were within one BLEU of each other
_STOPS = frozenset(".!?…。！？")
_LEAST = 1e-3  # attention below this is taken as this

Form = tuple[int, ...]  # token ids


@dataclass(frozen=True)
class WordEdges:
    """Where words begin and end in a vocabulary.

    Attributes:
        starts: (vocabulary,) bool, whether a token never continues the word before it
        joins: (vocabulary,) bool, whether the next token may continue the word in which it ends
        stops: (vocabulary,) bool, whether a token ends a sentence, as a full stop does
    """

    starts: Array
    joins: Array
    stops: Array

    @classmethod
    def of(cls, vocabulary: Vocabulary, *, spaces: bool = True) -> WordEdges:
        """Those of a vocabulary of a language with or without spaces between words, as NumPy arrays."""
        starts = np.array(vocabulary.word_starts(), dtype=np.bool_)
        tokens = vocabulary.tokens(range(len(vocabulary)))
        joins = [i >= len(SPECIALS) and not vocabulary.whole_words and t[-1:].isalnum() for i, t in enumerate(tokens)]
        stops = [token.strip() in _STOPS for token in tokens]
        return cls(starts | (not spaces), np.array(joins, dtype=np.bool_) & spaces, np.array(stops, dtype=np.bool_))


@dataclass(frozen=True)
class Term:
    """A term of a sentence.

    Attributes:
        form: its tokens
        first_form: its tokens at the start of an output, where they differ: with a capital; else empty
        times: how often it has to be written
        places: the positions in the source of the words that it translates
    """

    form: Form
    first_form: Form = ()
    times: int = 1
    places: frozenset[int] = field(default_factory=frozenset)

    def steps_in(self, tokens: Sequence[int]) -> list[int]:
        """The steps at which an output writes the term, each time that it does."""
        found, start = list[int](), 0
        while start < len(tokens):
            forms = (self.first_form, self.form) if start == 0 else (self.form,)
            form = next((form for form in forms if form and tuple(tokens[start : start + len(form)]) == form), ())
            found += range(start, start + len(form))
            start += len(form) or 1
        return found

    def is_in(self, tokens: Sequence[int]) -> bool:
        """Whether an output writes the term as often as it has to."""
        return len(self.steps_in(tokens)) >= self.times * min(len(self.form), len(self.first_form) or len(self.form))


class Charges(NamedTuple):
    """What attention adds to the scores of a step; see the module.

    Attributes:
        begin: (rows, terms) float32, for the first token of each term that is to be begun yet; 0 for others
        other: (rows,) float32, for all other tokens with which a word begins
    """

    begin: Array
    other: Array


@dataclass(frozen=True)
class WriteTerms:
    """The constraint: a hypothesis that lacks a term does not end.

    The columns of forms are those of all terms and, behind them, those of their first forms.

    Attributes:
        edges: of the vocabulary
        end: the token id of END
        tokens: (rows, forms, longest) int64; -1 behind the end of a form
        lengths: (rows, forms) int64; 0 where there is no form
        places: (rows, terms, positions) float32, 1 at the positions of the source that a term translates
        missing: (rows, terms) int64, how often a term is to be written yet
        written: (rows, forms) int64, how many tokens of a form the row ends in
        inside: (rows,) bool, whether the next token may continue a word
        time: how many tokens were read, START being one
    """

    edges: WordEdges
    end: int
    tokens: Array
    lengths: Array
    places: Array
    missing: Array
    written: Array
    inside: Array
    time: int = 0

    @classmethod
    def of(
        cls,
        terms: Sequence[Sequence[Term]],
        edges: WordEdges,
        positions: int,
        array: Callable[[Any], Array] = np.asarray,
        *,
        end: int,
    ) -> WriteTerms:
        """The constraint before the first token.

        Args:
            terms: of each sentence
            edges: of the vocabulary, as NumPy arrays
            positions: of the padded source
            array: brings a NumPy array where the search runs (see `Network.array`)
            end: the token id of END
        """
        most = max(map(len, terms), default=0)
        longest = max((len(form) for of in terms for term in of for form in (term.form, term.first_form)), default=1)
        tokens = np.full((len(terms), 2 * most, longest), -1, dtype=np.int64)
        missing = np.zeros((len(terms), most), dtype=np.int64)
        places = np.zeros((len(terms), most, positions), dtype=np.float32)
        for row, of in enumerate(terms):
            for column, term in enumerate(of):
                tokens[row, column, : len(term.form)] = term.form
                tokens[row, most + column, : len(term.first_form)] = term.first_form
                missing[row, column] = term.times
                places[row, column, list(term.places)] = 1
        lengths = (tokens >= 0).sum(axis=2)
        return cls(
            WordEdges(array(edges.starts), array(edges.joins), array(edges.stops)),
            end,
            array(tokens),
            array(lengths),
            array(places),
            array(missing),
            array(np.zeros_like(lengths)),
            array(np.zeros(len(terms), dtype=np.bool_)),
        )

    def read(self, tokens: Array) -> WriteTerms:
        """See `Constraint`."""
        xp, starts = namespace(tokens), self.edges.starts[tokens]
        missing = self.missing - self._by_term(self._complete & starts[:, None])
        goes_on = self._begun & (self._following == tokens[:, None])
        first = self.tokens[:, :, 0] == tokens[:, None]
        begins = first & (starts | ~self.inside)[:, None] & self._may_begin
        written = xp.where(goes_on, self.written + 1, xp.astype(begins, xp.int64))
        inside = self.edges.joins[tokens]
        return replace(self, missing=missing, written=written, inside=inside, time=self.time + 1)

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`."""
        xp = namespace(log_probabilities)
        scores = xp.asarray(log_probabilities, copy=True)
        if attention is not None:
            charges, first = self.charges(attention), self._first_tokens
            charged = scores + xp.where(self.edges.starts, charges.other[:, None], 0.0)
            for column in reversed(range(first.shape[1])):  # of forms that begin alike, the first one counts
                rows = xp.nonzero(first[:, column] >= 0)[0]
                ids, begin = first[rows, column], charges.begin[:, column % self.missing.shape[1]]
                charged[rows, ids] = scores[rows, ids] + begin[rows]
            scores = charged
        ends = self.edges.stops | (xp.arange(scores.shape[1], device=scores.device) == self.end)
        unfinished = xp.any(self.lacking > 0, axis=1)
        return self._as_whole_words(xp.where(unfinished[:, None] & ends, -math.inf, scores))

    def charges(self, attention: Array) -> Charges:
        """What the attention of a step, (rows, positions), adds to its scores."""
        xp, lacking = namespace(attention), self.lacking > 0
        looks = xp.sum(attention[:, None, :] * self.places, axis=2)  # (rows, terms)
        begin = WEIGHT * xp.log(xp.clip(looks, min=_LEAST))
        # A term without a place charges nothing, and nothing is charged while a term is being written.
        placed = lacking & xp.any(self.places > 0, axis=2)
        at_terms = xp.any((attention[:, None, :] * self.places > 0) & placed[:, :, None], axis=1)  # (rows, positions)
        away = xp.sum(xp.where(at_terms, 0.0, attention), axis=1)
        other = WEIGHT * xp.log(xp.clip(away, min=_LEAST))
        begun = xp.any(self._begun, axis=1)
        other = xp.where(begun | ~xp.any(placed, axis=1), 0.0, other)
        return Charges(xp.where(placed & ~begun[:, None], begin, 0.0), other)

    def _as_whole_words(self, scores: Array) -> Array:
        """Bans what would continue the word of a term that was just written, unless a longer term goes on with it."""
        xp = namespace(scores)
        rows = xp.nonzero(xp.any(self._complete, axis=1))[0]
        banned = xp.where(self.edges.starts, scores[rows], -math.inf)
        longer = xp.where(self._begun, self._following, -1)[rows]  # (some rows, forms)
        of, columns = xp.nonzero(longer >= 0)
        banned[of, longer[of, columns]] = scores[rows[of], longer[of, columns]]
        scores[rows] = banned
        return scores

    @property
    def lacking(self) -> Array:
        """(rows, terms) int64, how often a term is to be written yet, without one that may be whole already."""
        return self.missing - self._by_term(self._complete)

    @property
    def progress(self) -> Array:
        """(rows,) int64, 0 where nothing is missing, else less by one for each token of a term that is."""
        xp, most = namespace(self.missing), self.missing.shape[1]
        begun = xp.where(self.missing > 0, xp.maximum(self.written[:, :most], self.written[:, most:]), 0)
        return xp.sum(begun - self.missing * self.lengths[:, :most], axis=1)

    def next_tokens(self) -> Array:
        """(rows, forms) int64: tokens that go on with a term; those that begin one, where none is begun; else -1."""
        xp = namespace(self.tokens)
        any_begun = xp.any(self._begun, axis=1, keepdims=True)
        return xp.where(any_begun, xp.where(self._begun, self._following, -1), self._first_tokens)

    @property
    def _missing_forms(self) -> Array:
        """(rows, forms) bool."""
        return namespace(self.missing).concat((self.missing, self.missing), axis=1) > 0

    @property
    def _complete(self) -> Array:
        """(rows, forms) bool: whether the row ends in a form, which may yet become a part of a longer word."""
        return (self.written == self.lengths) & (self.lengths > 0) & self._missing_forms

    @property
    def _begun(self) -> Array:
        """(rows, forms) bool: whether the row ends in the first tokens of a form, and not in all."""
        return (self.written > 0) & (self.written < self.lengths) & self._missing_forms

    @property
    def _may_begin(self) -> Array:
        """(forms,) bool: a first form begins the output."""
        xp, (_, forms) = namespace(self.lengths), self.lengths.shape
        return (xp.arange(forms, device=self.lengths.device) < forms // 2) | (self.time == 1)

    @property
    def _first_tokens(self) -> Array:
        """(rows, forms) int64: the first token of each form that may begin here; else -1."""
        xp, lacking = namespace(self.lengths), self.lacking > 0
        wanted = xp.concat((lacking, lacking), axis=1) & self._may_begin
        return xp.where(wanted, self.tokens[:, :, 0], -1)

    @property
    def _following(self) -> Array:
        """(rows, forms) int64: the token behind those that are written; -1 where there is none."""
        rows, forms, longest = self.tokens.shape
        place = namespace(self.written).clip(self.written, max=longest - 1).reshape(-1, 1)
        return take(self.tokens.reshape(rows * forms, longest), place).reshape(rows, forms)

    def _by_term(self, of_forms: Array) -> Array:
        """(rows, forms) bool -> (rows, terms) int64: of how many forms of a term it holds."""
        xp, most = namespace(of_forms), self.missing.shape[1]
        return xp.astype(of_forms[:, :most] | of_forms[:, most:], xp.int64)

    def reorder(self, parents: Array) -> WriteTerms:
        """See `Constraint`."""
        return self._moved(lambda rows: rows[parents])

    def keep(self, sentences: Array, total: int) -> WriteTerms:
        """See `Constraint`."""
        return self._moved(lambda rows: keep_rows(rows, sentences, total))

    def repeat(self, times: int) -> WriteTerms:
        """See `Constraint`."""
        return self._moved(lambda rows: repeat(rows, times))

    def _moved(self, move: Callable[[Array], Array]) -> WriteTerms:
        names = ("tokens", "lengths", "places", "missing", "written", "inside")
        return replace(self, **{name: move(getattr(self, name)) for name in names})
