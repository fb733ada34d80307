"""The terms of a glossary that search has to write, for pieces whose first translation lacks them."""

from __future__ import annotations

from s2s.decoding.terms import Form, Term
from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation.piece import Piece
from translation.terms import needed, with_capital


def wanted_terms(piece: Piece, vocabulary: Vocabulary) -> list[Term]:
    """The terms of a piece that search has to write, in the tokens of the target."""
    wanted = needed(term.target for term in piece.terms if not term.copied)
    return [
        Term(tuple(vocabulary.encode(target)), _first_form(target, vocabulary), times, _positions(piece, target))
        for target, times in wanted.items()
    ]


def _positions(piece: Piece, target: str) -> frozenset[int]:
    return frozenset(i for term in piece.terms if term.target == target and not term.copied for i in term.positions)


def _first_form(target: str, vocabulary: Vocabulary) -> Form:
    """Return the tokens of a term with a capital, for the start of a sentence; none if the term has one anyway."""
    capital = with_capital(target)
    ids = vocabulary.encode(capital) if capital != target else []
    return tuple(ids) if UNK not in ids else ()
