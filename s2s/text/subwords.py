"""Subword vocabularies by SentencePiece, trained on raw text so that decoding restores the encoded text exactly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import overload

from s2s.errors import UserError, check
from s2s.text.bpe_dropout import MergeDropout, encode_word
from s2s.text.tokens import END, PAD, PLACEHOLDERS, SPECIALS, START, UNK, UNKNOWN_CHARACTER, Surfaces

# SentencePiece writes a space as U+2581 and reserves U+2585. Neither is in its training text, so U+2585 is always
# unknown. A U+2581 in the user's text is passed to it as U+2585, because it would otherwise be decoded as a space.
_SPACE = "\u2581"
_ALPHABET = 200  # characters at most of a script with an alphabet, with its signs
_FEW = 64  # texts: starting threads takes longer than encoding them
_PLACEHOLDER = re.compile(f"[{PLACEHOLDERS}]")


class SubwordVocabulary(Surfaces):
    """A SentencePiece model that `train_subwords` made.

    All spaces are kept, also at the ends of a text: text of known characters is decoded exactly, and the joined
    `pieces` of any text are the text.

    Sennrich et al., 2016 (BPE); Kudo, 2018 (unigram); Kudo & Richardson, 2018 (SentencePiece).
    """

    def __init__(self, model: bytes, *, kind: str, placeholders: int = 0) -> None:
        """Load a serialised SentencePiece model.

        Raises:
            UserError: the model is damaged, or `train_subwords` did not configure it.
        """
        from sentencepiece import SentencePieceProcessor

        self.kind = kind
        self._model = model
        self._processor = SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise UserError(
                "the subword model is damaged (SentencePiece cannot read it); replace it by a good copy"
            ) from error
        names = [self._processor.id_to_piece(i) for i in range(self._processor.get_piece_size())]
        check(
            tuple(names[: len(SPECIALS)]) == SPECIALS and self._keeps_text(),
            f"the subword model must have the ids 0 to 3 for {' '.join(SPECIALS)}, identity normalisation, a dummy "
            "prefix and all spaces kept; train it with s2s.text.subwords.train_subwords",
        )
        super().__init__((name.replace(_SPACE, " ") for name in names[len(SPECIALS) :]), placeholders)
        self._ids = {surface: i for i, surface in enumerate(self._surfaces) if surface}
        self._whole: dict[str, tuple[list[int], int]] = {}  # ids and number of merges of each word without dropout

    def _keeps_text(self) -> bool:
        probe = " \ufb01  \uff21 "  # a ligature and a wide letter, which NFKC would rewrite, and spaces
        return "".join(self._processor.encode(probe, out_type=str)) == _SPACE + probe.replace(" ", _SPACE)

    def encode(self, text: str) -> list[int]:
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Vocabulary`; many texts are encoded in parallel on all cores."""
        shielded = [_shield(text) for text in texts]
        if len(shielded) < _FEW:
            encoded = [self._processor.encode(text, out_type=int) for text in shielded]
        else:
            encoded = self._processor.encode(shielded, out_type=int)
        for row, text in enumerate(texts):
            if not text.isascii() and _PLACEHOLDER.search(text):
                encoded[row] = [i for i, _ in self._placed(text)]
        return encoded

    @overload
    def encode_sampled(self, texts: str, *, dropout: float, seed: int) -> list[int]: ...
    @overload
    def encode_sampled(self, texts: list[str], *, dropout: float, seed: int) -> list[list[int]]: ...
    def encode_sampled(self, texts: str | list[str], *, dropout: float, seed: int) -> list[int] | list[list[int]]:
        """Encode with BPE-dropout (Provilkov et al., 2020, algorithm 1): each merge is skipped with a probability.

        The result depends on the arguments only. SentencePiece can sample too, but its random numbers differ from
        process to process for the same seed (release 0.2.3), so a resumed training would not be exact.

        Args:
            texts: one text, or several that share one stream of random numbers.
            dropout: the probability that a merge is skipped, 0 to 1.
            seed: of the random numbers.

        Raises:
            UserError: the vocabulary is not of kind bpe, or `dropout` is not a probability.
        """
        check(self.kind == "bpe", f"BPE-dropout needs a vocabulary of kind bpe, but this one is {self.kind}; train one")
        check(0 <= dropout <= 1, f"BPE-dropout is a probability from 0 to 1, not {dropout}; change it")
        merge_dropout = MergeDropout(dropout, seed)
        if isinstance(texts, str):
            return self._sample(texts, merge_dropout)
        return [self._sample(text, merge_dropout) for text in texts]

    def _sample(self, text: str, merge_dropout: MergeDropout) -> list[int]:
        ids: list[int] = []
        for word in re.findall(" [^ ]*", " " + text if text else ""):  # no merge crosses the start of a word
            if word not in self._whole:
                self._whole[word] = encode_word(word, self._ids, MergeDropout(0, seed=0))
            whole, merges = self._whole[word]
            ids += whole if merge_dropout.passes(merges) else encode_word(word, self._ids, merge_dropout)[0]
        return ids

    def pieces(self, text: str) -> list[str]:
        if _PLACEHOLDER.search(text):
            return [piece for _, piece in self._placed(text)]
        return self._plain_pieces(text)

    def _placed(self, text: str) -> Iterator[tuple[int, str]]:
        """The ids and pieces of a text with placeholders.

        SentencePiece takes a run of placeholders and unknown characters for one unknown piece: they are separated here.
        """
        known = PLACEHOLDERS[: self.placeholders]
        for i, piece in zip(self._processor.encode(_shield(text), out_type=int), self._plain_pieces(text)):
            if i == UNK and known:
                yield from ((self._ids.get(part, UNK), part) for part in re.split(f"([{known}])", piece) if part)
            else:
                yield i, piece

    def _plain_pieces(self, text: str) -> list[str]:
        surfaces, start = [], -1  # the dummy prefix is before the text
        for piece in self._processor.encode(_shield(text), out_type=str):
            surfaces.append(text[max(start, 0) : start + len(piece)])
            start += len(piece)
        return surfaces

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """See `Vocabulary`; the label of a word includes the space before it, except at the start of the text."""
        ids = list(ids)
        labels = super().tokens(ids)
        first = next((position for position, i in enumerate(ids) if i >= len(SPECIALS)), None)
        if first is not None:
            labels[first] = labels[first].removeprefix(" ")
        return labels

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        return "".join(self._fill(ids, unknown)).removeprefix(" ")

    def to_bytes(self) -> bytes:
        """See `Vocabulary`; the format is SentencePiece's."""
        return self._model


def _shield(text: str) -> str:
    """The text with all characters that SentencePiece would not take for themselves as an unknown one."""
    if text.isascii():
        return text
    return _PLACEHOLDER.sub(UNKNOWN_CHARACTER, text.replace(_SPACE, UNKNOWN_CHARACTER))


def train_subwords(lines: Iterable[str], size: int, *, kind: str = "bpe") -> SubwordVocabulary:
    """Train a subword vocabulary. The same lines give the same model.

    Args:
        lines: raw text; chain both sides of a corpus for a joint vocabulary.
        size: the number of entries, special tokens included.
        kind: "bpe" or "unigram".

    Raises:
        UserError: the text is too small for `size`, or `size` is too small for its characters; the message names the
            limit.
    """
    from sentencepiece import SentencePieceTrainer

    check(kind in ("bpe", "unigram"), f"the kind of a subword vocabulary must be bpe or unigram, not {kind}")
    # Read before training, so that errors of reading are not taken for errors of SentencePiece.
    text = _without_rarest(list(_training_text(lines)), size)
    model = BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=model,
            model_type=kind,
            vocab_size=max(size, len(SPECIALS) + 1),  # for smaller sizes its message names no limit
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
            num_threads=8,  # a constant, because unigram sums floats per thread and the result depends on it
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(_training_failure(" ".join(str(error).split()), size)) from error
    return SubwordVocabulary(model.getvalue(), kind=kind)


def _training_text(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text in lines that SentencePiece uses completely.

    By itself it drops lines of more than 4,192 bytes and lines with U+2585, and removes the names of special tokens.
    """
    specials = re.compile("<(?=(?:pad|unk|s|/s)>)")
    for line in lines:
        line = specials.sub("< ", line.replace(_SPACE, " ").replace(UNKNOWN_CHARACTER, " "))
        line = _PLACEHOLDER.sub(" ", line)
        yield from (line[start : start + 1000] for start in range(0, len(line), 1000))


def _without_rarest(lines: list[str], size: int) -> list[str]:
    """The lines without the rarest characters, if they would fill more than half of a vocabulary of `size`.

    Chinese text has thousands of characters: with all of them, a vocabulary would have no room for merges.
    """
    counts = Counter(chain.from_iterable(lines))
    room = max(size // 2, _ALPHABET)
    if len(counts) <= room:
        return lines
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    rest = str.maketrans(dict.fromkeys(ranked[room:], " "))
    return [line.translate(rest) for line in lines]


def _training_failure(message: str, size: int) -> str:
    """Return a message for the user from that of SentencePiece."""
    if limit := re.search(r"value <= (\d+)", message):
        return f"a subword vocabulary of {size} is too large for this text; set a size of at most {limit[1]}"
    if limit := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return f"a subword vocabulary of {size} cannot hold this text's characters; set a size of at least {limit[1]}"
    if "sentences_.empty()" in message:
        return "there is no text to learn a subword vocabulary from; check the training files"
    return f"SentencePiece could not learn a subword vocabulary of {size}: {message}; check the training files"
