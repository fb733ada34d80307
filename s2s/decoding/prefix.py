"""Forced tokens: a sentence begins with a given text, and ends at a maximum length.

The text of a prefix may end inside a word, or at a place where the model would not cut a word into tokens: no output
that begins with "Ein Ma" has a token "Ma" where the vocabulary has "Mann". Therefore the last word of a prefix is
forced as characters. Every token is allowed that goes on with them or reaches beyond them, and the model's
probabilities decide. The words before are forced in the vocabulary's own segmentation.

A prefix is a small automaton: each node has the tokens that may follow, and where they lead. That of "Ein Ma":

    node   token     leads to
    0      " Ein"    1
    1      " "       2 (what is left is "Ma")
           " M"      3 (what is left is "a")
           " Ma", " Mann", " Mai", ...    the end of the prefix
    2      "M"       3
           "Ma", "Mann", ...              the end of the prefix
    3      "a", "an", "ann", ...          the end of the prefix
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array, namespace
from s2s.decoding.constraints import Constraint, keep_rows
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import Vocabulary

FREE = -1  # the node of a row that has written its prefix
_LAST_WORD = re.compile(r" ?\w+$| $| ?[^\w ]$")
_LAST_TOKEN = re.compile(r" ?\S+$| $")  # in a vocabulary of words, in which signs are a part of them


@dataclass(frozen=True, eq=False)
class Node:
    """A place in a prefix.

    Attributes:
        tokens: (tokens,) int64, those that may follow
        leads: where those that do not reach the end of the prefix lead to: node numbers of the prefix
    """

    tokens: NDArray[np.int64]
    leads: Mapping[int, int]


@dataclass(frozen=True, eq=False)
class Prefix:
    """What a sentence begins with.

    Attributes:
        nodes: the first one is where it starts; each leads to later ones alone
    """

    nodes: tuple[Node, ...] = ()

    @property
    def steps(self) -> int:
        """How many tokens it has at most."""
        return len(self.nodes)


class PrefixSpeller:
    """Makes prefixes of texts.

    Args:
        vocabulary: of the output
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._before = "" if vocabulary.kind == "character" else " "  # stands before the first word of a text

    @cached_property
    def _exact(self) -> _Surfaces:
        return _Surfaces(self._texts, str)

    @cached_property
    def _folded(self) -> _Surfaces:
        return _Surfaces(self._texts, str.casefold)

    @cached_property
    def _texts(self) -> dict[int, str]:
        """What each token writes, with the space before it; special tokens write nothing."""
        space = " " if self._vocabulary.kind == "word" else ""
        return {i: f"{space}{text}" for i, text in enumerate(self._vocabulary.surfaces) if text}

    def spell(self, text: str, *, folded: bool = False, whole: bool = False) -> Prefix | None:
        """The prefix of a text in which a space at the end says that the last word is complete.

        Args:
            text: without spaces at its start; placeholders stand for themselves
            folded: whether capital letters do not matter
            whole: whether the sentence ends behind the text

        Returns:
            None if the vocabulary cannot write the text.
        """
        text = " ".join(text.split()) + " " * (text[-1:] == " " and not whole)
        last = (_LAST_TOKEN if self._vocabulary.kind == "word" else _LAST_WORD).search(text)
        start = 0 if folded or last is None else last.start()
        head, tail = self._vocabulary.encode(text[:start]), text[start:]
        if UNK in head:
            return None
        nodes = [Node(np.array([token]), {token: i}) for i, token in enumerate(head, 1)]
        tail = self._before + tail if start == 0 and tail else tail
        spelt = (self._folded if folded else self._exact).spell(tail, len(nodes), whole=whole)
        return None if spelt is None else Prefix((*nodes, *spelt))


class _Surfaces:
    """The texts of tokens, to be looked up by how they begin.

    Args:
        texts: what each token writes
        fold: makes texts alike that are taken for the same
    """

    def __init__(self, texts: Mapping[int, str], fold: Callable[[str], str]) -> None:
        pairs = sorted((fold(text), i) for i, text in texts.items() if text)
        self._fold, self._texts, self._ids = fold, [text for text, _ in pairs], [i for _, i in pairs]

    def spell(self, text: str, first: int, *, whole: bool) -> list[Node] | None:
        """The nodes of a text, one for each character, from number `first` on; None if it cannot be written.

        If the text is `whole`, no token reaches beyond it, and one more node has END alone.
        """
        text = self._fold(text)
        count, ends = len(text) + whole, [Node(np.array([END]), {})] if whole else []
        nodes = [*ends]  # from the last to the first
        for start in reversed(range(len(text))):
            leads = dict[int, int]()
            beyond = [] if whole else [*self._beginning_with(text[start:])]
            if beyond and text[start:] == " ":  # the word before is complete: another one begins, or none does
                beyond.append(END)
            for end in range(start + 1, len(text) + whole):
                reached = nodes[count - 1 - end] if end < count else None
                if reached is not None and len(reached.tokens):
                    leads |= dict.fromkeys(self._equal_to(text[start:end]), first + end)
            nodes.append(Node(np.array([*leads, *beyond], dtype=np.int64), leads))
        nodes.reverse()
        return None if nodes and not len(nodes[0].tokens) else nodes

    def _equal_to(self, text: str) -> Sequence[int]:
        start = bisect_left(self._texts, text)
        end = start
        while end < len(self._texts) and self._texts[end] == text:
            end += 1
        return self._ids[start:end]

    def _beginning_with(self, text: str) -> Sequence[int]:
        return self._ids[bisect_left(self._texts, text) : bisect_left(self._texts, f"{text}\U0010ffff")]


@dataclass(frozen=True)
class Forced:
    """The constraint: each row begins with its prefix, and at the maximum length it ends.

    Other constraints hold behind the prefix and before the maximum length. They read all tokens.

    Attributes:
        nodes: (rows,) int64, where each row is in its prefix, or FREE
        table: the nodes of all prefixes, by numbers that go through all of them
        maximum_length: how many tokens a row has at most; None for no such limit
        end: the token id of END
        others: further constraints
        time: how many tokens were read, START among them
        busy: whether any row has not written its prefix
    """

    nodes: Array
    table: Sequence[Node]
    maximum_length: int | None
    end: int
    others: tuple[Constraint, ...] = ()
    time: int = 0
    busy: bool = field(default=True, kw_only=True)

    @classmethod
    def of(
        cls,
        prefixes: Sequence[Prefix],
        array: Callable[[Any], Array],
        *,
        maximum_length: int | None = None,
        end: int = END,
        others: Sequence[Constraint] = (),
    ) -> Forced:
        """The constraint before the first token.

        Args:
            prefixes: one for each sentence
            array: brings a NumPy array where the search runs (see `Network.array`)
            maximum_length, end, others: see the class
        """
        table, starts = list[Node](), list[int]()
        for prefix in prefixes:
            offset = len(table)
            starts.append(offset if prefix.nodes else FREE)
            table += [replace(node, leads={t: n + offset for t, n in node.leads.items()}) for node in prefix.nodes]
        nodes = array(np.array(starts, dtype=np.int64))
        return cls(nodes, table, maximum_length, end, tuple(others), busy=bool(table))

    def read(self, tokens: Array) -> Forced:
        """See `Constraint`. The first token that is read is START."""
        after = replace(self, others=tuple(other.read(tokens) for other in self.others), time=self.time + 1)
        if not self.busy or self.time == 0:
            return after
        pairs = zip(self.nodes.tolist(), tokens.tolist())
        nodes = [FREE if node == FREE else self.table[node].leads.get(token, FREE) for node, token in pairs]
        xp = namespace(tokens)
        moved = xp.asarray(nodes, dtype=xp.int64, device=tokens.device)
        return replace(after, nodes=moved, busy=any(node != FREE for node in nodes))

    def apply(self, log_probabilities: Array) -> Array:
        """See `Constraint`."""
        scores = log_probabilities
        for other in self.others:
            scores = other.apply(scores)
        ends = self.maximum_length is not None and self.time > self.maximum_length
        if not self.busy and not ends:
            return scores
        nodes = self.nodes.tolist() if self.busy else [FREE] * len(scores)
        free = np.array([self.end] if ends else [], dtype=np.int64)
        allowed = [free if node == FREE else self.table[node].tokens for node in nodes]  # none where all are
        counts = np.array([len(tokens) for tokens in allowed])
        xp, where = namespace(scores), scores.device
        forced = xp.asarray(counts > 0, device=where)  # (rows,)
        rows = xp.asarray(np.repeat(np.arange(len(allowed)), counts), device=where)
        columns = xp.asarray(np.concatenate(allowed), device=where)
        scores = xp.where(forced[:, None], -math.inf, scores)
        scores[rows, columns] = log_probabilities[rows, columns]
        return scores

    def reorder(self, parents: Array) -> Forced:
        """See `Constraint`."""
        return self._moved(self.nodes[parents], lambda other: other.reorder(parents))

    def keep(self, sentences: Array, total: int) -> Forced:
        """See `Constraint`."""
        return self._moved(keep_rows(self.nodes, sentences, total), lambda other: other.keep(sentences, total))

    def repeat(self, times: int) -> Forced:
        """See `Constraint`."""
        nodes = namespace(self.nodes).repeat(self.nodes, times)
        return self._moved(nodes, lambda other: other.repeat(times))

    def _moved(self, nodes: Array, move: Callable[[Constraint], Constraint]) -> Forced:
        return replace(self, nodes=nodes, others=tuple(map(move, self.others)))
