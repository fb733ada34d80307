"""A model put to work: lines in, hypotheses out, one for one and in order, in batches of like lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from torch import Tensor

from s2s.decoding.generation import generate
from s2s.decoding.results import Translation
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.decoding.workers import parallel_map
from s2s.errors import check
from s2s.models.ensemble import Ensemble
from s2s.models.quantisation import decoding_precision, quantise_for_decoding
from s2s.nn.precision import DecodingPrecision, Precision, choose_device
from s2s.text.languages import CHINESE, JAPANESE, primary_subtag
from s2s.text.padding import pad
from s2s.text.tokens import END
from translation.copying import Source, is_foreign, read, with_copies
from translation.model import TranslationModel
from translation.splitting import split

BATCH_TOKENS = 8192
_LOG_PROBABILITIES = 1 << 22  # of a step, at most: 16 MB a few times over
_WITHOUT_SPACES = CHINESE + JAPANESE  # none between sentences either
_NO_LINE_ENDS = str.maketrans("\n\r", "  ")


class Translator:
    """Translate lines with a model.

    Args:
        model: on its device, in evaluation mode
        others: models with its vocabularies, on its device, that write together with it: an ensemble
        options: of the beam; a width of 1 searches greedily. Of hypotheses that read the same, being cut into other
            subwords, only the best is given: there may be fewer than `n_best`, and a wider beam has more
        precision: of matrix products
        batch_tokens: padded source tokens times hypotheses in a batch, which bounds the memory: each core has one
    """

    def __init__(
        self,
        model: TranslationModel,
        options: SearchOptions | None = None,
        *,
        others: Sequence[TranslationModel] = (),
        precision: Precision = "auto",
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        models = [model, *others]
        self.model, self.options = model, options or SearchOptions()
        several = self.options.n_best > 1  # all are asked for, since some will read the same
        self._search_options = replace(self.options, n_best=self.options.width if several else 1)
        self.precision: Precision = precision
        self.batch_tokens = batch_tokens
        self.max_source_length = min(each.config.max_source_length for each in models)
        self._length_ratio = max(each.config.length_ratio for each in models)
        self._network = Ensemble([each.network for each in models]) if others else model.network
        self.device = next(model.network.parameters()).device
        together = primary_subtag(model.config.target_language) in _WITHOUT_SPACES and model.target.kind != "word"
        self._space = "" if together else " "

    @classmethod
    def load(
        cls,
        directory: Path | str,
        options: SearchOptions | None = None,
        *,
        others: Sequence[Path | str] = (),
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        batch_tokens: int = BATCH_TOKENS,
    ) -> Translator:
        """The translator of a model directory, or of several, quantised to decode where `precision` says so.

        Raises:
            UserError: as `TranslationModel.load`, `choose_device` and `quantise_for_decoding` do; or `others` have
                other languages or vocabularies.
        """
        chosen, models = choose_device(device), list[TranslationModel]()
        products: Precision = "auto"
        for path in (directory, *others):
            model = TranslationModel.load(path)
            if models:
                _check_together(models[0], model, f"{path} with {directory}")
            model.network.to(chosen)
            products = quantise_for_decoding(model.network.decoder, precision, chosen)
            models.append(model)
        return cls(models[0], options, others=models[1:], precision=products, batch_tokens=batch_tokens)

    @property
    def searches_in(self) -> str:
        """The precision of the search's products, for a report."""
        return decoding_precision(self.model.network.decoder, self.precision, self.device)

    def translate(self, lines: Sequence[str]) -> list[list[Translation]]:
        """The n best translations of each line, best first. A blank line gives one empty translation."""
        parts = self._parts([line.strip() for line in lines])
        found = iter(self._translate([(source, len(part)) for part in parts for source in part]))
        return [_joined(list(islice(found, len(part))), self._space) for part in parts]

    def _parts(self, texts: Sequence[str]) -> list[list[Source]]:
        """What to translate of each line: nothing of a blank one, several pieces of one that is too long."""
        vocabulary, limit = self.model.source, self.max_source_length
        parts = []
        for text, ids in zip(texts, vocabulary.encode_all(texts)):
            pieces = split(text, vocabulary, limit) if len(ids) > limit else [text] * bool(text)
            encoded = vocabulary.encode_all(pieces) if len(pieces) > 1 else [ids]
            parts.append([read(*piece, vocabulary) for piece in zip(pieces, encoded)])
        return parts

    def _translate(self, sources: Sequence[tuple[Source, int]]) -> list[list[Translation]]:
        """The translations of each (piece, number of pieces of its line)."""
        found = [[Translation(_plain(source.line), 0.0, [], None, pieces)] for source, pieces in sources]
        translatable = [i for i, (source, _) in enumerate(sources) if not is_foreign(source, self.model.source)]
        batches = list(self._batches(translatable, [len(source.ids) for source, _ in sources]))
        batches.reverse()  # the longest first, so that workers end together
        ids = [[sources[i][0].ids for i in batch] for batch in batches]
        for batch, results in zip(batches, parallel_map(self._search, ids, self.device)):
            for i, hypotheses in zip(batch, results):
                written = (self._written(hypothesis, *sources[i]) for hypothesis in hypotheses)
                found[i] = list(islice(_distinct(written), self.options.n_best))
        return found

    def _batches(self, indices: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
        """The indices by length, within the budget; lengths are those of all lines."""
        width, vocabulary = self.options.width, len(self.model.target)
        most, budget = max(1, _LOG_PROBABILITIES // (width * vocabulary)), self.batch_tokens // width
        batch: list[int] = []
        for i in sorted(indices, key=lambda i: (lengths[i], i)):
            if batch and (len(batch) == most or (len(batch) + 1) * (lengths[i] + 1) > budget):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _search(self, sources: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        source = pad([[*ids, END] for ids in sources]).to(self.device)
        return generate(
            self._network, source, self.limits(source.lengths), self._search_options, precision=self.precision
        )

    def limits(self, lengths: Tensor) -> Tensor:
        """How many tokens at most are written for sources (n,) of such lengths, END counted on both sides."""
        return (lengths * self._length_ratio).long() + 10

    def _written(self, hypothesis: Hypothesis, source: Source, pieces: int) -> Translation:
        text, tokens = with_copies(hypothesis, self.model.target, source, self.model.source)
        attention = hypothesis.attention if pieces == 1 else None  # of a line of a megabyte it is a gigabyte
        return Translation(_plain(text), hypothesis.score, tokens, attention, pieces)


def _check_together(first: TranslationModel, other: TranslationModel, which: str) -> None:
    """Whether two models can write one sentence together. `which` names them."""
    one, two = first.config, other.config
    check(
        (one.source_language, one.target_language) == (two.source_language, two.target_language),
        f"{which}: they cannot write together, since one translates {two.source_language} to {two.target_language}, "
        f"the other {one.source_language} to {one.target_language}; choose models of one direction",
    )
    check(
        first.source.to_bytes() == other.source.to_bytes() and first.target.to_bytes() == other.target.to_bytes(),
        f"{which}: they cannot write together, since their vocabularies differ; train both on the same text, or one "
        "with the other as its recipe's start",
    )


def _plain(text: str) -> str:
    r"""A line's text: `\r` may have been copied from the source, and would look like a line end."""
    return text.translate(_NO_LINE_ENDS).strip()


def _distinct(translations: Iterable[Translation]) -> Iterator[Translation]:
    """The first one of each text."""
    seen = set[str]()
    for each in translations:
        if each.text not in seen:
            seen.add(each.text)
            yield each


def _joined(parts: Sequence[Sequence[Translation]], space: str) -> list[Translation]:
    """The n best translations of a line: the k-th best of each of its pieces, or the last one where that has fewer."""
    if not parts:
        return [Translation("", 0.0, [], None)]
    if len(parts) == 1:
        return list(parts[0])
    joined = []
    for rank in range(max(map(len, parts))):
        chosen = [part[min(rank, len(part) - 1)] for part in parts]
        text = space.join(piece.text for piece in chosen if piece.text)
        tokens = list(chain.from_iterable(piece.tokens for piece in chosen))
        joined.append(Translation(text, sum(piece.score for piece in chosen) / len(chosen), tokens, None, len(parts)))
    return joined
