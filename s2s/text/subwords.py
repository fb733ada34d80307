"""Subwords through SentencePiece, trained by us from raw text so that every text comes back as it went in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import overload

from s2s.errors import UserError, check
from s2s.text.bpe_dropout import MergeDropout, encode_word
from s2s.text.tokens import END, PAD, SPECIALS, START, UNK, UNKNOWN_CHARACTER, Surfaces

# SentencePiece writes a space as U+2581 and keeps U+2585 for itself. Neither is let into its training text, so that
# U+2585 is always unknown; U+2581 in users' text is given to it as U+2585, else it would come back as a space.
_SPACE = "\u2581"


class SubwordVocabulary(Surfaces):
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
            "prefix and all spaces kept; train it with s2s.text.subwords.train_subwords",
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
        chance = MergeDropout(dropout, seed)
        if isinstance(texts, str):
            return self._sample(texts, chance)
        return [self._sample(text, chance) for text in texts]

    def _sample(self, text: str, chance: MergeDropout) -> list[int]:
        ids: list[int] = []
        for word in re.findall(" [^ ]*", " " + text if text else ""):  # no merge crosses the start of a word
            if word not in self._whole:
                self._whole[word] = encode_word(word, self._ids, MergeDropout(0, seed=0))
            whole, merges = self._whole[word]
            ids += whole if chance.passes(merges) else encode_word(word, self._ids, chance)[0]
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
