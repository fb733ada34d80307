"""Searching, the second stage of a translation: the pieces that a model reads to hypotheses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from s2s.decoding.constraints import WriteOnce
from s2s.decoding.generation import generate
from s2s.decoding.loops import LoopGuard, WordTable
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.models.contracts import Network
from s2s.text.padding import Padded, pad
from s2s.text.tokens import END, PAD, START
from s2s.text.vocabulary import Vocabulary
from translation.batching import length_batches
from translation.piece import Piece
from translation.terms import lacks_terms

if TYPE_CHECKING:
    from s2s.decoding.prefix import Prefix
    from s2s.decoding.terms import WordEdges
    from s2s.vision.grids import Features


class _Rules(TypedDict):
    """Arguments of `generate`."""

    banned: Sequence[int]
    constraint: WriteOnce | None
    guard: LoopGuard | None


# The width of the beam over the spellings of a given translation. Of 200 translations, a beam of 10 found no better
# spelling than one of 5, and 0.1 % better ones than one of 3.
SPELLING_WIDTH = 3
MAX_LOG_PROBABILITIES = 1 << 22  # of one step: 16 MB, of which a few copies exist at a time


@dataclass(frozen=True)
class Searcher:
    """Searches for the best hypotheses, in batches of similar lengths, several batches at a time on a CPU.

    Attributes:
        network: of either engine
        options: of the search. If several hypotheses are asked for, all that it finds are returned, because some of
            them may turn out to be the same text.
        source, target: the vocabularies
        word_tables: what the guard against loops knows of the source and of the target; None for no guard
        length_ratio: the longest target, in tokens per token of the source; see `limits`
        batch_tokens: padded source tokens times hypotheses in a batch, which bounds the memory; each core has one batch
        spaces: whether the target language writes spaces between words
    """

    network: Network
    options: SearchOptions
    source: Vocabulary
    target: Vocabulary
    word_tables: tuple[WordTable, WordTable] | None
    length_ratio: float
    batch_tokens: int
    spaces: bool = True

    def search(self, pieces: Sequence[Piece]) -> list[list[Hypothesis]]:
        """The hypotheses for each piece, best first; none for a piece that is not translatable.

        Pieces whose best hypothesis lacks a term of a glossary are searched again, in such a way that none does.
        """
        translatable = [i for i, piece in enumerate(pieces) if piece.translatable]
        hypotheses: list[list[Hypothesis]] = [[] for _ in pieces]
        for i, of_piece in self._in_batches(pieces, translatable, self._search_pieces, self.options.rows):
            hypotheses[i] = of_piece
        lacking = [i for i in translatable if pieces[i].terms and self._lacks_terms(pieces[i], hypotheses[i])]
        if lacking:
            for i, of_piece in self._with_terms(pieces, lacking):
                hypotheses[i] = of_piece
        return hypotheses

    def _with_terms(self, pieces: Sequence[Piece], lacking: Sequence[int]) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Search again for pieces that lack terms; see `_in_batches`."""
        from s2s.decoding.banks import beam_options

        yield from self._in_batches(pieces, lacking, self._search_with_terms, beam_options(self.options).rows)

    def _in_batches(
        self,
        pieces: Sequence[Piece],
        wanted: Sequence[int],
        search: Callable[[Sequence[Piece]], list[list[Hypothesis]]],
        rows: int,
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Search for some pieces, given by their numbers, with so many rows each.

        Yields:
            each number, and what was found
        """
        batches = [[wanted[i] for i in batch] for batch in self.batches([len(pieces[i].ids) for i in wanted], rows)]
        found = self.network.map(search, [[pieces[i] for i in batch] for batch in batches])
        for batch, of_batch in zip(batches, found):
            yield from zip(batch, of_batch)

    def _search_pieces(self, pieces: Sequence[Piece]) -> list[list[Hypothesis]]:
        """The hypotheses for each piece, in one batch."""
        places, prefixes = [piece.place for piece in pieces], [piece.prefix for piece in pieces]
        return self.search_batch(_ids(pieces), places, prefixes, [piece.picture for piece in pieces])

    def search_batch(
        self,
        sources: Sequence[Sequence[int]],
        places: Sequence[Sequence[int]] | None = None,
        prefixes: Sequence[Prefix | None] | None = None,
        pictures: Sequence[Features | None] = (),
    ) -> list[list[Hypothesis]]:
        """The hypotheses for each source, token ids without END, in one batch.

        Args:
            sources: token ids without END
            places, prefixes: see `generate`
            pictures: see `Piece`; empty for none at all
        """
        padded = pad([[*ids, END] for ids in sources])
        inputs, limits = self._inputs(padded, pictures), self.limits(padded.lengths)
        options = replace(self.options, n_best=self.options.rows) if self.options.n_best > 1 else self.options
        how = {"places": places, "prefixes": prefixes}
        return generate(self.network, inputs, limits, options, **how, **self._rules(sources))

    def _search_with_terms(self, pieces: Sequence[Piece]) -> list[list[Hypothesis]]:
        """The hypotheses for each piece, in one batch, with the terms of the pieces in them."""
        from s2s.decoding.banks import beam_options, generate_with_terms
        from translation.wanted_terms import wanted_terms

        padded = pad([[*ids, END] for ids in _ids(pieces)])
        inputs = self._inputs(padded, [piece.picture for piece in pieces])
        limits, options = self.limits(padded.lengths), beam_options(self.options)
        terms = [wanted_terms(piece, self.target) for piece in pieces]
        where = self._edges, padded.ids.shape[1]
        return generate_with_terms(self.network, inputs, limits, options, terms, *where, **self._rules(_ids(pieces)))

    def _inputs(self, padded: Padded, pictures: Sequence[Features | None]) -> Any:
        """What the encoder reads."""
        text = padded.moved(self.network.array)
        if not any(picture is not None for picture in pictures):
            return text
        from s2s.models.pictured_text import PicturedText

        return PicturedText.of(text, pictures)

    def _lacks_terms(self, piece: Piece, hypotheses: Sequence[Hypothesis]) -> bool:
        return lacks_terms(self.target.decode(hypotheses[0].tokens), piece)

    @cached_property
    def _edges(self) -> WordEdges:
        from s2s.decoding.terms import WordEdges

        return WordEdges.of(self.target, spaces=self.spaces)

    def _rules(self, sources: Sequence[Sequence[int]]) -> _Rules:
        """What may be written for sources, besides terms."""
        placeholders = range(self.target.first_placeholder, len(self.target))
        needed = [self._placeholders(ids) for ids in sources]
        return {
            "banned": (PAD, START) if any(needed) else (PAD, START, *placeholders),
            "constraint": self.write_once(needed) if any(needed) else None,
            "guard": self._guard(sources),
        }

    def _placeholders(self, ids: Sequence[int]) -> list[int]:
        """The tokens of the target for the placeholders in a source."""
        first = self.source.first_placeholder
        return [i - first + self.target.first_placeholder for i in ids if i >= first]

    def write_once(self, needed: Sequence[Sequence[int]]) -> WriteOnce:
        """The constraint that the placeholders that each sentence needs are written, and no others."""
        first, count = self.target.first_placeholder, self.target.placeholders
        return WriteOnce.of(needed, self.network.array, first=first, count=count, end=END)

    def _guard(self, sources: Sequence[Sequence[int]]) -> LoopGuard | None:
        if self.word_tables is None:
            return None
        source_words, target_words = self.word_tables
        return LoopGuard(target_words, sources, source_words)

    def batches(self, lengths: Sequence[int], rows: int) -> list[list[int]]:
        """Indices of sources of such lengths, in batches that fit into the memory that is allowed.

        Args:
            lengths: of the sources, in tokens without END
            rows: how many hypotheses of a sentence are continued at each step
        """
        sentences = max(1, MAX_LOG_PROBABILITIES // (rows * len(self.target)))
        return length_batches(lengths, tokens=self.batch_tokens // rows, sentences=sentences)

    def limits(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """The maximum number of tokens written for sources of such lengths, (n,) each, END included on both sides."""
        return (lengths * self.length_ratio).astype(np.int64) + 10


def _ids(pieces: Sequence[Piece]) -> list[list[int]]:
    return [piece.ids for piece in pieces]
