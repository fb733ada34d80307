"""BLEU and chrF through sacreBLEU, the lower-cased tokenised BLEU of the Multi30k tables, and their significance.

References are a list of streams, each as long as the hypotheses: `references[k][i]` is reference k of sentence i, and
one reference a sentence is `[references]`. The other nesting, a list of references for each sentence, sacreBLEU would
cut to its first sentences without a word; here it, and every other mismatch, is a `UserError`.

The two kinds of BLEU are not comparable: `bleu` takes cased, detokenised text and tokenises it in its own way, while
`lower_tokenised_bleu` is the figure of the papers that scored lower-cased text in Moses' tokens. Where a language puts
no spaces between words, there is the first alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, cast

from s2s.errors import check, counted
from s2s.text.languages import CHINESE, JAPANESE, checked_subtag, primary_subtag

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric, Signature
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.significance import Result

Streams = Sequence[Sequence[str]]

# What takes the place of tokeniser 13a, which needs spaces: to it a Chinese sentence would be a single word.
UNSPACED = {
    **dict.fromkeys(CHINESE, "zh"),
    **dict.fromkeys((*JAPANESE, "th", "tha", "lo", "lao", "km", "khm", "my", "mya", "bur"), "char"),
    **dict.fromkeys(("bo", "bod", "tib", "dz", "dzo"), "char"),
}


@dataclass(frozen=True)
class Score:
    """A corpus score, 0 to 100, and how it came about.

    `signature` is sacreBLEU's, version included; `detail` its n-gram precisions and lengths, empty for chrF.
    The lengths are in the metric's own tokens, that of the reference (the closest, of several) is what the brevity
    penalty compares with; None for chrF. `matches` counts the matching n-grams of 1 to 4 tokens; empty for chrF.
    As a string it is the line of `sacrebleu --format text --width 2`.
    """

    name: str
    value: float
    signature: str
    detail: str
    hypothesis_length: int | None = None
    reference_length: int | None = None
    matches: Sequence[int] = ()

    def __str__(self) -> str:
        return f"{self.name}|{self.signature} = {self.value:.2f} {self.detail}".rstrip()


@dataclass(frozen=True)
class Estimate:
    """A score with its bootstrap: the middle 95 % of the resampled scores are `mean` ± `half_width`."""

    value: float
    mean: float
    half_width: float


@dataclass(frozen=True)
class Significance:
    """A system against a baseline: `difference` is system minus baseline, `p_value` two-sided."""

    name: str
    baseline: Estimate
    system: Estimate
    difference: float
    p_value: float
    signature: str


def corpus_scores(hypotheses: Sequence[str], references: Streams, language: str) -> list[Score]:
    """Cased detokenised BLEU, chrF, lower-cased tokenised BLEU, in this order.

    The last is left out for a language of `UNSPACED`, of which Moses makes no tokens, and for an unknown one ("").
    """
    scores = [bleu(hypotheses, references, language), chrf(hypotheses, references)]
    if language and has_spaces(language):
        scores.append(lower_tokenised_bleu(hypotheses, references, language))
    return scores


def bleu(hypotheses: Sequence[str], references: Streams, language: str) -> Score:
    """BLEU (Papineni et al., 2002) of cased, detokenised lines, by sacreBLEU's defaults.

    Its tokeniser is 13a, but `zh` for Chinese, and single characters for the other languages of `UNSPACED`.
    """
    return _score(_bleu(language), hypotheses, references)


def chrf(hypotheses: Sequence[str], references: Streams) -> Score:
    """Character n-gram F-score chrF2 (Popović, 2015) of cased, detokenised lines, by sacreBLEU's defaults."""
    return _score(_chrf(), hypotheses, references)


def lower_tokenised_bleu(hypotheses: Sequence[str], references: Streams, language: str) -> Score:
    """BLEU as `multi-bleu.perl` gives it on lower-cased, normalised, tokenised text, from raw detokenised lines.

    `language` is a code such as `de`, `en` or `pt-BR`; see `lowercase_and_tokenise`.
    """
    return _score(_lower_tokenised_bleu(language), hypotheses, references)


def sentence_bleu(hypothesis: str, reference: str | Sequence[str], language: str) -> float:
    """BLEU of one cased, detokenised line, 0 to 100, of the n-grams that a line so short can have; tokens as in `bleu`.

    sacreBLEU's sentence BLEU: effective order, and exponential smoothing of the orders of which no n-gram matches. It
    is 0 where no word matches.
    """
    return _sentence_bleu(sacrebleu_tokeniser(language)).sentence_score(hypothesis, _listed(reference)).score


def sentence_chrf(hypothesis: str, reference: str | Sequence[str]) -> float:
    """chrF2 against one reference, or several, of one cased, detokenised line, 0 to 100, by sacreBLEU's defaults."""
    return _sentence_chrf().sentence_score(hypothesis, _listed(reference)).score


def _listed(reference: str | Sequence[str]) -> Sequence[str]:
    return [reference] if isinstance(reference, str) else reference


def paired_bootstrap(
    baseline: Sequence[str],
    hypotheses: Sequence[str],
    references: Streams,
    language: str,
    *,
    metric: Literal["bleu", "chrf", "lower_tokenised_bleu"] = "bleu",
    samples: int = 1000,
    seed: int = 12345,
) -> Significance:
    """Paired bootstrap resampling (Koehn, 2004) of two outputs for the same sentences, by sacreBLEU's own test.

    `metric` is one of the functions above, and takes raw lines.
    The same `seed` gives the same result. Memory is about `samples` x sentences x 100 bytes.
    Where the two scores are equal the p-value is 1: sacreBLEU's own would call a system different from itself.
    """
    from sacrebleu.significance import PairedTest

    metrics = {"bleu": _bleu, "chrf": lambda _: _chrf(), "lower_tokenised_bleu": _lower_tokenised_bleu}
    check(metric in metrics, f"no significance test for the metric {metric!r}: choose one of {', '.join(metrics)}")
    # sacreBLEU would read 0 samples as 1000, and a seed of 0 as none.
    check(min(samples, seed) >= 1, f"bootstrap of {samples} samples with seed {seed}: both must be 1 or more")
    _check_streams(baseline, references, "baseline hypotheses")
    _check_streams(hypotheses, references)

    by = metrics[metric](language)
    systems = [("baseline", by.transform(baseline)), ("system", by.transform(hypotheses))]
    streams = [by.transform(stream) for stream in references]
    with _sacrebleu_seed(seed):
        test = PairedTest(systems, {metric: by.metric}, streams, test_type="bs", n_samples=samples)
        signatures, results = test()
    [(name, signature)] = signatures.items()
    first, second = cast("list[Result]", results[name])
    difference = second.score - first.score
    p_value = cast(float, second.p_value) if difference else 1.0
    return Significance(by.name or name, _estimate(first), _estimate(second), difference, p_value, by.sign(signature))


@lru_cache(maxsize=8)
def lowercase_and_tokenise(lines: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Each line lower-cased, then normalised and tokenised by sacremoses as Moses' scripts do, XML-escaped.

    This reproduces the official `*.lc.norm.tok.*` files of Multi30k line for line. The last few results are kept (hence
    the tuples), so that the references of a run are tokenised once. A language without rules of its own gets what Moses
    gives it: English abbreviations, and every apostrophe a token.
    """
    tokenise = _moses(checked_subtag(language))  # sacremoses knows no other codes
    return tuple(tokenise(line) for line in lines)


@cache
def _moses(tag: str) -> Callable[[str], str]:
    """The function from a line to its lower-cased tokens, joined by spaces."""
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    normaliser = MosesPunctNormalizer(lang=tag, perl_parity=True)
    sacrebleu_tokeniser = MosesTokenizer(lang=tag)

    def tokenise(line: str) -> str:
        # Perl reads a line with its newline, and a rule of normalize-punctuation.perl moves a full stop out of the
        # quotation mark only where a character follows: at the end of a line, the newline.
        return " ".join(sacrebleu_tokeniser.tokenize(normaliser.normalize(line.lower() + "\n"), escape=True))

    return tokenise


def has_spaces(language: str) -> bool:
    """Whether words are written with spaces between them."""
    return primary_subtag(language) not in UNSPACED


def sacrebleu_tokeniser(language: str) -> str:
    """Which of sacreBLEU's tokenisers cuts the language's raw text; its default one if the language is unknown ("")."""
    return "13a" if not language else UNSPACED.get(checked_subtag(language), "13a")


@cache
def _sentence_bleu(tokenize: str) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=tokenize, effective_order=True)


@cache
def _sentence_chrf() -> CHRF:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@dataclass(frozen=True)
class _TextMetric:
    """A metric of sacreBLEU's, and what is done to the lines before it: told by a name and in the signature."""

    metric: Metric
    transform: Callable[[Sequence[str]], Sequence[str]] = list
    name: str = ""  # sacreBLEU's own where empty
    changes: Mapping[str, str] = field(default_factory=dict)

    def sign(self, signature: Signature) -> str:
        """The signature, `changes` in it."""
        for key, value in self.changes.items():
            signature.update(key, value)
        return signature.format()


def _bleu(language: str) -> _TextMetric:
    from sacrebleu.metrics.bleu import BLEU

    return _TextMetric(BLEU(tokenize=sacrebleu_tokeniser(language)))


def _chrf() -> _TextMetric:
    from sacrebleu.metrics.chrf import CHRF

    return _TextMetric(CHRF())


def _lower_tokenised_bleu(language: str) -> _TextMetric:
    from sacrebleu.metrics.bleu import BLEU
    from sacremoses import __version__ as sacremoses_version

    tag = checked_subtag(language)
    return _TextMetric(
        BLEU(tokenize="none", smooth_method="none", force=True),  # force: the text is tokenised on purpose
        lambda lines: lowercase_and_tokenise(tuple(lines), tag),
        "lc-tok BLEU",
        {"case": "lc", "tok": f"moses-{tag}-{sacremoses_version}"},
    )


def _score(by: _TextMetric, hypotheses: Sequence[str], references: Streams) -> Score:
    """The corpus score."""
    _check_streams(hypotheses, references)
    result = by.metric.corpus_score(by.transform(hypotheses), [by.transform(stream) for stream in references])
    signature = by.sign(by.metric.get_signature())
    report = json.loads(result.format(signature=signature, is_json=True))
    lengths = (getattr(result, "sys_len", None), getattr(result, "ref_len", None))  # BLEU's
    matches = tuple(getattr(result, "counts", ()))
    return Score(by.name or result.name, result.score, signature, report.get("verbose_score", ""), *lengths, matches)


def _estimate(result: Result) -> Estimate:
    return Estimate(result.score, float(cast(float, result.mean)), float(cast(float, result.ci)))


@contextmanager
def _sacrebleu_seed(seed: int) -> Iterator[None]:
    """Lend `seed` to sacreBLEU, which takes it from the environment and from nowhere else."""
    before = os.environ.get("SACREBLEU_SEED")
    os.environ["SACREBLEU_SEED"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SACREBLEU_SEED"]
        else:
            os.environ["SACREBLEU_SEED"] = before


def _check_streams(hypotheses: Sequence[str], references: Streams, what: str = "hypotheses") -> None:
    """Refuse what sacreBLEU would score without complaint, though it is not what the caller means.

    As many references a sentence as there are sentences look the same either way, and pass.
    """
    wrap = "pass a list of streams, [references] for one reference a sentence"
    sentences = len(hypotheses)
    check(sentences > 0, f"there are no {what} to score: pass one line for each sentence")
    _check_lines(hypotheses, what)
    check(len(references) > 0, f"there are no references: {wrap}")
    check(not any(isinstance(stream, str) for stream in references), f"the references are a flat list of lines: {wrap}")
    check(
        len(references) != sentences or all(len(stream) == sentences for stream in references),
        "the references are nested per sentence: list(zip(*references)) makes streams of them",
    )
    for number, stream in enumerate(references, start=1):
        check(
            len(stream) == sentences,
            f"reference stream {number} has {counted(len(stream), 'line')}, the {what} have {sentences}: "
            "give both the same sentences, blank lines included",
        )
        _check_lines(stream, f"reference stream {number}")


def _check_lines(lines: Sequence[str], what: str) -> None:
    check(not isinstance(lines, str), f"{what}: one string instead of a list of lines, split it into lines first")
    for number, line in enumerate(lines, start=1):
        check(isinstance(line, str), f"{what}, line {number}: no string, join its tokens to a line of text first")
