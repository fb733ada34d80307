"""Words, subwords or characters as numbers, behind one protocol; the four special tokens live here and nowhere else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import inf, log, log1p
from random import Random
from typing import Protocol, Self, overload

from s2s.errors import UserError, check

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")


class Vocabulary(Protocol):
    """Text to token ids and back. Ids below `len(SPECIALS)` are special tokens and never stand for text, so the text
    `<s>` is text like any other.
    """

    @property
    def kind(self) -> str:
        """Its name for `from_bytes`: "word", "character", "bpe" or "unigram"."""
        ...

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without START and END; what the vocabulary does not know is UNK."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each text; the quick way for many."""
        ...

    def pieces(self, text: str) -> list[str]:
        """What each id of `encode(text)` stands for in `text`, unknown ones included: to copy from and to draw."""
        ...

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        """The text of `ids` without PAD, START and END. An UNK reads `unknown`: one string for all of them (nothing, as
        it stands) or one for each in order, say the `pieces` that attention pointed at; their edge spaces are dropped.
        """
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """One label an id, special ones by their names; on encoded text without unknowns these are its `pieces`."""
        ...

    def to_bytes(self) -> bytes:
        """A file's content for `from_bytes`."""
        ...


@dataclass(frozen=True)
class OutOfVocabulary:
    """How much of a text a vocabulary does not know; `most_frequent` holds (token, count), the most frequent first."""

    tokens: int
    unknown: int
    most_frequent: tuple[tuple[str, int], ...]

    @property
    def rate(self) -> float:
        """The unknown share of the running tokens, 0 to 1."""
        return self.unknown / max(self.tokens, 1)

    def __str__(self) -> str:
        examples = ", ".join(f"{token} {count}" for token, count in self.most_frequent)
        return f"{self.unknown} of {self.tokens} tokens unknown ({self.rate:.2%})" + f": {examples}" * bool(examples)


class _Surfaces:
    """The half from ids to text, which needs only what each id stands for ("" for a special token)."""

    def __init__(self, surfaces: Iterable[str]) -> None:
        self._surfaces = ["" for _ in SPECIALS] + list(surfaces)

    def __len__(self) -> int:
        return len(self._surfaces)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._surfaces[i] if i >= len(SPECIALS) else SPECIALS[i] for i in ids]

    def _fill(self, ids: Iterable[int], unknown: str | Sequence[str]) -> list[str]:
        """The surfaces of `ids` without PAD, START and END, `unknown` in the place of UNK."""
        shown = [i for i in ids if i not in (PAD, START, END)]
        wanted = sum(i == UNK for i in shown)
        copies = [unknown] * wanted if isinstance(unknown, str) else unknown
        if len(copies) != wanted:
            raise ValueError(f"{wanted} unknown tokens, but {len(copies)} strings for them")
        copy = iter(copies)
        return [next(copy).strip(" ") if i == UNK else self._surfaces[i] for i in shown]


class _ListVocabulary(_Surfaces):
    """A list of the tokens known, each standing for itself."""

    kind: str
    _separator: str

    def __init__(self, tokens: Iterable[str]) -> None:
        super().__init__(tokens)
        known = self._surfaces[len(SPECIALS) :]
        self._ids = {token: i for i, token in enumerate(known, len(SPECIALS))}
        check(len(self._ids) == len(known), f"the {self.kind} vocabulary lists a token twice; make it anew")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, threshold: int = 1) -> Self:
        """The tokens seen at least `threshold` times, the most frequent first, like ones in the order of their text."""
        kept = [token for token, count in counts.items() if count >= threshold]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, threshold: int = 1) -> Self:
        """`from_counts` of the tokens of `lines`."""
        return cls.from_counts(Counter(token for line in lines for token in cls._split(line)), threshold=threshold)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises `UserError` if `data` is not what `to_bytes` writes."""
        try:
            tokens = json.loads(data)
        except ValueError as error:
            raise UserError(f"the {cls.kind} vocabulary is damaged ({error}); copy or make it anew") from error
        is_list = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        check(is_list, f"the {cls.kind} vocabulary is not a list of strings; copy or make it anew")
        return cls(tokens)

    @staticmethod
    def _split(text: str) -> list[str]:
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        return [self._ids.get(token, UNK) for token in self._split(text)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def pieces(self, text: str) -> list[str]:
        return self._split(text)

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        return self._separator.join(filter(None, self._fill(ids, unknown)))

    def to_bytes(self) -> bytes:
        """See `Vocabulary`; a JSON list in UTF-8, one token a line."""
        return json.dumps(self._surfaces[len(SPECIALS) :], ensure_ascii=False, indent=0).encode()

    def oov_report(self, lines: Iterable[str], *, examples: int = 10) -> OutOfVocabulary:
        """How many running tokens of `lines` are unknown, and which are the most frequent of them."""
        counts = Counter(token for line in lines for token in self._split(line))
        unknown = Counter({token: count for token, count in counts.items() if token not in self._ids})
        return OutOfVocabulary(counts.total(), unknown.total(), tuple(unknown.most_common(examples)))


class WordVocabulary(_ListVocabulary):
    """Words are what white space separates; `decode` joins them by one space each."""

    kind = "word"
    _separator = " "

    @staticmethod
    def _split(text: str) -> list[str]:
        return text.split()


class CharacterVocabulary(_ListVocabulary):
    """Code points, spaces among them; text of known characters comes back exactly."""

    kind = "character"
    _separator = ""

    @staticmethod
    def _split(text: str) -> list[str]:
        return list(text)


# SentencePiece writes a space as U+2581 and keeps U+2585 for itself. Neither is let into its training text, so that
# U+2585 is always unknown; U+2581 in users' text is given to it as U+2585, else it would come back as a space.
_SPACE, UNKNOWN_CHARACTER = "\u2581", "\u2585"


class SubwordVocabulary(_Surfaces):
    """A SentencePiece model as `train_subwords` makes it. Spaces are kept wherever they stand, at the edges too: text
    of known characters comes back exactly, and `pieces` joined are the text whatever its characters.

    Sennrich et al. 2016 (BPE), Kudo 2018 (unigram), Kudo & Richardson 2018 (SentencePiece).
    """

    def __init__(self, model: bytes, *, kind: str) -> None:
        """`model` is a serialised SentencePiece model. Raises `UserError` if it is damaged or otherwise configured."""
        from sentencepiece import SentencePieceProcessor

        self.kind = kind
        self._model = model
        self._processor = SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise UserError("the subword model is damaged (SentencePiece says so); copy or make it anew") from error
        names = [self._processor.id_to_piece(i) for i in range(self._processor.get_piece_size())]
        check(
            tuple(names[: len(SPECIALS)]) == SPECIALS and self._keeps_text(),
            f"the subword model must have the ids 0 to 3 for {' '.join(SPECIALS)}, identity normalisation, a dummy "
            "prefix and all spaces kept; train it with s2s.vocabulary.train_subwords",
        )
        super().__init__(name.replace(_SPACE, " ") for name in names[len(SPECIALS) :])
        self._ids = {surface: i for i, surface in enumerate(self._surfaces) if surface}
        self._whole: dict[str, tuple[list[int], int]] = {}  # words sampled from so far, merged without dropout

    def _keeps_text(self) -> bool:
        probe = " \ufb01  \uff21 "  # a ligature, a wide letter: what NFKC would rewrite; and spaces
        return "".join(self._processor.encode(probe, out_type=str)) == _SPACE + probe.replace(" ", _SPACE)

    def encode(self, text: str) -> list[int]:
        return self._processor.encode(_shield(text), out_type=int)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Vocabulary`; several texts at once, on all cores."""
        return self._processor.encode([_shield(text) for text in texts], out_type=int)

    @overload
    def encode_sampled(self, texts: str, *, dropout: float, seed: int) -> list[int]: ...
    @overload
    def encode_sampled(self, texts: list[str], *, dropout: float, seed: int) -> list[list[int]]: ...
    def encode_sampled(self, texts: str | list[str], *, dropout: float, seed: int) -> list[int] | list[list[int]]:
        """BPE-dropout (Provilkov et al. 2020, algorithm 1): at each step each merge is left out with probability
        `dropout`. The result depends on the arguments alone; a list of texts is one stream of random numbers.

        SentencePiece samples too, but its numbers differ from process to process whatever the seed (release 0.2.3),
        and no resumed training could equal the one that was stopped.
        """
        check(self.kind == "bpe", f"BPE-dropout needs a vocabulary of kind bpe, this one is {self.kind}; train one")
        check(0 <= dropout <= 1, f"BPE-dropout is a probability, from 0 to 1; change {dropout}")
        chance = _Dropout(dropout, seed)
        if isinstance(texts, str):
            return self._sample(texts, chance)
        return [self._sample(text, chance) for text in texts]

    def _sample(self, text: str, chance: _Dropout) -> list[int]:
        ids: list[int] = []
        for word in re.findall(" [^ ]*", " " + text if text else ""):  # no merge crosses the start of a word
            if word not in self._whole:
                self._whole[word] = _merge(word, self._ids, _Dropout(0, seed=0))
            whole, merges = self._whole[word]
            ids += whole if chance.passes(merges) else _merge(word, self._ids, chance)[0]
        return ids

    def pieces(self, text: str) -> list[str]:
        surfaces, start = [], -1  # the dummy prefix stands before the text
        for piece in self._processor.encode(_shield(text), out_type=str):
            surfaces.append(text[max(start, 0) : start + len(piece)])
            start += len(piece)
        return surfaces

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """See `Vocabulary`; a space before a word belongs to its label."""
        ids = list(ids)
        labels = super().tokens(ids)
        first = next((position for position, i in enumerate(ids) if i >= len(SPECIALS)), None)
        if first is not None:
            labels[first] = labels[first].removeprefix(" ")
        return labels

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        return "".join(self._fill(ids, unknown)).removeprefix(" ")

    def to_bytes(self) -> bytes:
        """See `Vocabulary`; SentencePiece's own format."""
        return self._model


class _Dropout:
    """Leaves out each merge with a probability, by drawing how many go through before the next one that does not
    (geometric): for most words one comparison settles all their merges.
    """

    def __init__(self, probability: float, seed: int) -> None:
        self._random = Random(seed)
        self._log_kept = log1p(-probability) if probability < 1 else -inf
        self._draw()

    def _draw(self) -> None:
        self._passing = log(1 - self._random.random()) // self._log_kept if self._log_kept else inf

    def passes(self, merges: int) -> bool:
        """Whether the next `merges` all go through; if not, none of them is used up."""
        if self._passing < merges:
            return False
        self._passing -= merges
        return True

    def keeps(self) -> bool:
        """Whether the next merge goes through."""
        kept = self.passes(1)
        if not kept:
            self._draw()
        return kept


def _merge(word: str, ids: Mapping[str, int], chance: _Dropout) -> tuple[list[int], int]:
    """The ids of `word` after BPE with dropout, and how many merges it took. Pieces were learned in the order of their
    ids, so the lowest id merges first, the leftmost of equals.
    """
    symbols = list(word)
    merged = [ids.get(left + right, inf) for left, right in pairwise(symbols)]
    left_out: list[tuple[int, float]] = []
    while (best := min(merged, default=inf)) < inf:
        at = merged.index(best)
        if not chance.keeps():
            left_out.append((at, best))
            merged[at] = inf
            continue
        for position, piece in left_out:  # for this step only
            merged[position] = piece
        left_out.clear()
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        del merged[at]
        for position in range(max(at - 1, 0), min(at + 1, len(merged))):
            merged[position] = ids.get(symbols[position] + symbols[position + 1], inf)
    found = [ids.get(symbol, UNK) for symbol in symbols]
    runs = [i for i, before in zip(found, [PAD, *found]) if not i == before == UNK]  # one UNK a run, as encode has it
    return runs, len(word) - len(symbols)


def _shield(text: str) -> str:
    return text.replace(_SPACE, UNKNOWN_CHARACTER)


def train_subwords(lines: Iterable[str], size: int, *, kind: str = "bpe") -> SubwordVocabulary:
    """A subword vocabulary of `size` entries, the special tokens included, learned from raw `lines` (chain both sides
    of a corpus for a joint one). The same lines give the same model.

    `kind` is "bpe" or "unigram". Raises `UserError`, naming the limit, if the text cannot fill `size` or `size` cannot
    hold its characters.
    """
    from sentencepiece import SentencePieceTrainer

    check(kind in ("bpe", "unigram"), f"a subword vocabulary is bpe or unigram, not {kind}; choose one")
    text = list(_training_text(lines))  # read first: what fails in there is no failure of SentencePiece
    model = BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=model,
            model_type=kind,
            vocab_size=max(size, len(SPECIALS) + 1),  # below, it complains of its own special tokens, naming no limit
            character_coverage=1.0,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            pad_id=PAD,
            unk_id=UNK,
            bos_id=START,
            eos_id=END,
            pad_piece=SPECIALS[PAD],
            unk_piece=SPECIALS[UNK],
            bos_piece=SPECIALS[START],
            eos_piece=SPECIALS[END],
            num_threads=8,  # unigram sums floats per thread: the number is part of the result
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(_training_failure(" ".join(str(error).split()), size)) from error
    return SubwordVocabulary(model.getvalue(), kind=kind)


def _training_text(lines: Iterable[str]) -> Iterator[str]:
    """Lines that SentencePiece neither skips nor cuts: it drops lines above 4,192 bytes and lines with U+2585, and
    takes the names of special tokens out of the text.
    """
    specials = re.compile("<(?=(?:pad|unk|s|/s)>)")
    for line in lines:
        line = specials.sub("< ", line.replace(_SPACE, " ").replace(UNKNOWN_CHARACTER, " "))
        yield from (line[start : start + 1000] for start in range(0, len(line), 1000))


def _training_failure(message: str, size: int) -> str:
    if limit := re.search(r"value <= (\d+)", message):
        return f"a subword vocabulary of {size} is too large for this text; set a size of at most {limit[1]}"
    if limit := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return f"a subword vocabulary of {size} cannot hold this text's characters; set a size of at least {limit[1]}"
    if "sentences_.empty()" in message:
        return "there is no text to learn a subword vocabulary from; check the training files"
    return f"SentencePiece could not learn a subword vocabulary of {size}: {message}; check the training files"


def from_bytes(kind: str, data: bytes) -> Vocabulary:
    """The vocabulary that `to_bytes` wrote. Raises `UserError` for an unknown kind or damaged data."""
    if kind in ("bpe", "unigram"):
        return SubwordVocabulary(data, kind=kind)
    classes = {cls.kind: cls for cls in (WordVocabulary, CharacterVocabulary)}
    check(kind in classes, f"no kind of vocabulary is called {kind!r}; choose word, character, bpe or unigram")
    return classes[kind].from_bytes(data)
