"""ForcedPrefix tokens: a sentence begins with a given text, and ends at a maximum length.

The text of a prefix may end inside a word, or at a place where the model would not cut a word into tokens: no output
that begins with "Ein Ma" has a token "Ma" where the vocabulary has "Mann". Therefore every token is allowed that goes
on with the characters of the last word and reaches beyond them. Otherwise a prefix is forced in the vocabulary's own
segmentation: other tokens for the same characters would lead the model astray.

A prefix is a small automaton: each node has the tokens that may follow, and where they lead. That of "Ein Ma", of which
the vocabulary cuts " Ma" into " M" and "a":

    node   token                        leads to
    0      " Ein"                       1
    1      " M"                         2
           " Mann", " Mai", ...         the end of the prefix
    2      "a", "an", "ann", ...        the end of the prefix
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array, namespace, repeat
from s2s.decoding.constraints import Constraint, keep_rows
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import Vocabulary

FREE = -1  # the node of a row that has written its prefix
_LAST_WORD = re.compile(r" ?(\w+|[^\w ])$")
_LAST_TOKEN = re.compile(r" ?\S+$")  # in a vocabulary of words, in which signs are a part of them


@dataclass(frozen=True, eq=False)
class Node:
    """A place in a prefix.

    Attributes:
        tokens: (tokens,) int64, those that may follow
        leads: the nodes of the prefix that they lead to, or FREE; others lead to FREE
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
        space = " " if vocabulary.whole_words else ""
        self._texts = [f"{space}{text}" if text else "" for text in vocabulary.surfaces]  # what each token writes

    @cached_property
    def _exact(self) -> _Beginnings:
        return _Beginnings(self._texts)

    @cached_property
    def _folded(self) -> _Beginnings:
        return _Beginnings([text.casefold() for text in self._texts])

    def spell(self, text: str, *, folded: bool = False, whole: bool = False) -> Prefix | None:
        """The prefix of a text in which a space at the end says that the last word is complete.

        Args:
            text: without spaces at its start; placeholders stand for themselves
            folded: whether capital letters do not matter
            whole: whether the sentence ends behind the text

        Returns:
            None if the vocabulary cannot write the text.
        """
        complete, text = whole or text[-1:] == " ", " ".join(text.split())
        if not text:
            return Prefix()
        pattern = _LAST_TOKEN if self._vocabulary.whole_words else _LAST_WORD
        shown, last = self._before + text, pattern.search(text)
        open_from = len(shown)  # where a token may begin that reaches beyond the text: in the last word
        if last is not None and not complete:
            open_from = len(self._before) + last.start() if last.start() else 0
        path = self._folded.longest(shown.casefold()) if folded else self._segmented(text)
        if path is None and not folded and not complete and last is not None:
            # In a vocabulary of words, the beginning of a word is none itself.
            head = self._segmented(text[: last.start()])
            path = None if head is None else [*head, ([], len(shown))]
        if path is None:
            return None
        beginnings, shown = (self._folded, shown.casefold()) if folded else (self._exact, shown)
        nodes, start = list[Node](), 0
        for number, (tokens, end) in enumerate(path, 1):
            beyond = beginnings.of(shown[start:]) if start >= open_from else []
            leads = dict.fromkeys(tokens, number if complete or number < len(path) else FREE)
            nodes.append(Node(np.array([*{**leads, **dict.fromkeys(beyond)}], dtype=np.int64), leads))
            if not len(nodes[-1].tokens):
                return None
            start = end
        if complete:
            following = [END] if whole else [*self._exact.of(" "), END]  # another word begins, or none does
            nodes.append(Node(np.array(following, dtype=np.int64), {}))
        return Prefix(tuple(nodes))

    def _segmented(self, text: str) -> list[tuple[list[int], int]] | None:
        """The vocabulary's own tokens for a text, and where each of them ends; None if there are unknown ones."""
        ids = self._vocabulary.encode(text)
        ends = accumulate(len(self._texts[token]) for token in ids)
        return None if UNK in ids else [([token], end) for token, end in zip(ids, ends)]


class _Beginnings:
    """The texts of tokens, to be looked up by how they begin.

    Args:
        texts: of each token, by its id; empty for special tokens
    """

    def __init__(self, texts: Sequence[str]) -> None:
        pairs = sorted((text, i) for i, text in enumerate(texts) if text)
        self._texts, self._ids = [text for text, _ in pairs], [i for _, i in pairs]
        self._longest = max(map(len, self._texts), default=0)

    def of(self, text: str) -> Sequence[int]:
        """The tokens that begin with a text, or are it."""
        return self._ids[bisect_left(self._texts, text) : bisect_left(self._texts, f"{text}\U0010ffff")]

    def longest(self, text: str) -> list[tuple[list[int], int]] | None:
        """The longest tokens that make up a text, from left to right, and where they end; None if there are none.

        Several tokens may have the same text.
        """
        path, start = list[tuple[list[int], int]](), 0
        while start < len(text):
            ends = range(min(start + self._longest, len(text)), start, -1)
            found = next(((equal, end) for end in ends if (equal := self._equal_to(text[start:end]))), None)
            if found is None:
                return None
            path.append(found)
            start = found[1]
        return path

    def _equal_to(self, text: str) -> list[int]:
        return [*self._ids[bisect_left(self._texts, text) : bisect_right(self._texts, text)]]


@dataclass(frozen=True)
class ForcedPrefix:
    """The constraint: each row begins with its prefix, and ends between a minimum and a maximum length.

    Other constraints hold behind the prefix and before the maximum length. They read all tokens. A prefix prevails over
    both lengths: it goes on beyond the maximum, and a whole sentence ends before the minimum.

    Attributes:
        nodes: (rows,) int64, where each row is in its prefix, or FREE
        table: the nodes of all prefixes, by numbers that go through all of them
        minimum_length: how many tokens a row has before it may end
        maximum_length: how many tokens a row has at most; None for no such limit
        end: the token id of END
        others: further constraints
        time: how many tokens were read, START among them
        busy: whether any row has not written its prefix
    """

    nodes: Array
    table: Sequence[Node]
    minimum_length: int
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
        minimum_length: int = 0,
        maximum_length: int | None = None,
        end: int = END,
        others: Sequence[Constraint] = (),
    ) -> ForcedPrefix:
        """The constraint before the first token.

        Args:
            prefixes: one for each sentence
            array: brings a NumPy array where the search runs (see `Network.array`)
            minimum_length, maximum_length, end, others: see the class
        """
        table, starts = list[Node](), list[int]()
        for prefix in prefixes:
            offset = len(table)
            starts.append(offset if prefix.nodes else FREE)
            for node in prefix.nodes:
                leads = {token: to if to == FREE else to + offset for token, to in node.leads.items()}
                table.append(Node(node.tokens, leads))
        nodes = array(np.array(starts, dtype=np.int64))
        return cls(nodes, table, minimum_length, maximum_length, end, tuple(others), busy=bool(table))

    def read(self, tokens: Array) -> ForcedPrefix:
        """See `Constraint`. The first token that is read is START."""
        after = replace(self, others=tuple(other.read(tokens) for other in self.others), time=self.time + 1)
        if not self.busy or self.time == 0:
            return after
        pairs = zip(self.nodes.tolist(), tokens.tolist())
        nodes = [FREE if node == FREE else self.table[node].leads.get(token, FREE) for node, token in pairs]
        xp = namespace(tokens)
        moved = xp.asarray(nodes, dtype=xp.int64, device=tokens.device)
        return replace(after, nodes=moved, busy=any(node != FREE for node in nodes))

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`."""
        scores = log_probabilities
        for other in self.others:
            scores = other.apply(scores, attention)
        goes_on = self.time <= self.minimum_length
        ends = self.maximum_length is not None and self.time > self.maximum_length
        if goes_on:
            scores = namespace(scores).asarray(scores, copy=True)
            scores[:, self.end] = -math.inf
        if not self.busy and not ends:
            return scores
        nodes = self.nodes.tolist() if self.busy else [FREE] * len(scores)
        free = np.array([self.end] if ends else [], dtype=np.int64)
        allowed = [free if node == FREE else self._following(node, goes_on) for node in nodes]  # none where all are
        counts = np.array([len(tokens) for tokens in allowed])
        xp, where = namespace(scores), scores.device
        forced = xp.asarray(counts > 0, device=where)  # (rows,)
        rows = xp.asarray(np.repeat(np.arange(len(allowed)), counts), device=where)
        columns = xp.asarray(np.concatenate(allowed), device=where)
        scores = xp.where(forced[:, None], -math.inf, scores)
        scores[rows, columns] = log_probabilities[rows, columns]
        return scores

    def _following(self, node: int, goes_on: bool) -> NDArray[np.int64]:
        """The tokens that may follow a node of the table; END only behind a whole sentence if the row has to go on."""
        tokens = self.table[node].tokens
        others = tokens[tokens != self.end] if goes_on else tokens
        return others if len(others) else tokens

    def reorder(self, parents: Array) -> ForcedPrefix:
        """See `Constraint`."""
        return self._moved(self.nodes[parents], lambda other: other.reorder(parents))

    def keep(self, sentences: Array, total: int) -> ForcedPrefix:
        """See `Constraint`."""
        return self._moved(keep_rows(self.nodes, sentences, total), lambda other: other.keep(sentences, total))

    def repeat(self, times: int) -> ForcedPrefix:
        """See `Constraint`."""
        nodes = repeat(self.nodes, times)
        return self._moved(nodes, lambda other: other.repeat(times))

    def _moved(self, nodes: Array, move: Callable[[Constraint], Constraint]) -> ForcedPrefix:
        return replace(self, nodes=nodes, others=tuple(map(move, self.others)))
