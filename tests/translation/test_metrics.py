"""Scores are sacreBLEU's to the last digit, the lower-cased tokens are Moses', and wrong nesting is refused."""

from __future__ import annotations

import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s2s.errors import UserError
from translation.metrics import (
    Score,
    Significance,
    bleu,
    chrf,
    corpus_scores,
    lower_tokenised_bleu,
    lowercase_and_tokenise,
    paired_bootstrap,
    sentence_bleu,
)

HYPOTHESES = [
    "Ein Mann fährt mit einem roten Fahrrad durch den Park.",
    "Zwei Kinder spielen auf der Straße Ball.",
    "",
    "Eine Frau liest ein Buch, während sie auf den Zug wartet.",
]
BASELINE = [
    "Ein Mann fährt ein Fahrrad im Park.",
    "Zwei Kinder spielen Fußball.",
    "Ein Hund.",
    "Eine Frau wartet auf den Zug.",
]
REFERENCES = [
    "Ein Mann fährt mit seinem roten Fahrrad durch den Park.",
    "Zwei Kinder spielen auf der Straße mit einem Ball.",
    "Ein Hund schläft.",
    "Eine Frau liest ein Buch und wartet auf den Zug.",
]
OTHER_REFERENCES = [
    "Ein Mann ist mit einem roten Rad im Park unterwegs.",
    "Auf der Straße spielen zwei Kinder Ball.",
    "Da schläft ein Hund.",
    "Eine Frau liest, während sie auf den Zug wartet.",
]


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def sacrebleu(*arguments: str) -> str:
    """What sacreBLEU's command line prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SACREBLEU_")}
    command = [sys.executable, "-m", "sacrebleu", *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=environment).stdout


@pytest.mark.oldest
@pytest.mark.parametrize("references", [[REFERENCES], [REFERENCES, OTHER_REFERENCES]], ids=["one", "two"])
def test_scores_and_signatures_equal_sacrebleus_command_line(tmp_path: Path, references: list[list[str]]) -> None:
    files = [write(tmp_path / f"reference{k}", stream) for k, stream in enumerate(references)]
    arguments = [*files, "--input", write(tmp_path / "hypotheses", HYPOTHESES), "--metrics", "bleu", "chrf"]
    ours = [bleu(HYPOTHESES, references, "de"), chrf(HYPOTHESES, references)]

    theirs = json.loads(sacrebleu(*arguments, "--width", "10"))
    assert [score.name for score in ours] == [score["name"] for score in theirs]
    assert [score.signature for score in ours] == [score["signature"] for score in theirs]
    assert [score.detail for score in ours] == [score.get("verbose_score", "") for score in theirs]
    assert [score.value for score in ours] == pytest.approx([score["score"] for score in theirs], abs=1e-9)
    assert 0 < ours[0].value < 100
    assert f"nrefs:{len(references)}|case:mixed" in ours[0].signature

    printed = sacrebleu(*arguments, "--width", "2", "--format", "text").splitlines()
    assert [line.strip() for line in printed] == [str(score) for score in ours]


def test_lower_tokenised_bleu_is_multi_bleu() -> None:
    """By hand: the brevity penalty, the mean of 4/5, 3/4, 2/3 and 1/2, and no smoothing of what never matches."""
    score = lower_tokenised_bleu(["Ein HUND schläft hier"], [["ein Hund schläft hier."]], "de")
    assert score.value == pytest.approx(100 * math.exp(1 - 5 / 4))
    score = lower_tokenised_bleu(["ein Hund schläft hier."], [["Ein Hund schläft hier!"]], "de")
    assert score.value == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert lower_tokenised_bleu(["Ein Hund schläft."], [["Ein Hund bellt."]], "de").value == 0


def test_lower_tokenised_bleu_equals_sacrebleu_on_the_tokens(tmp_path: Path) -> None:
    hypotheses = [*HYPOTHESES, "Er trägt Peter's Hut."]
    references = [*REFERENCES, "Er trägt Peter's alten Hut."]
    files = [
        write(tmp_path / "reference", list(lowercase_and_tokenise(tuple(references), "de"))),
        "--input",
        write(tmp_path / "hypotheses", list(lowercase_and_tokenise(tuple(hypotheses), "de"))),
    ]
    options = ["--tokenize", "none", "--smooth-method", "none", "--force", "--width", "10"]
    score = lower_tokenised_bleu(hypotheses, [references], "de")
    theirs = json.loads(sacrebleu(*files, *options))
    assert score.value == pytest.approx(theirs["score"], abs=1e-9)
    assert score.detail == theirs["verbose_score"]


def test_signature_tells_the_tokens_apart() -> None:
    signature = lower_tokenised_bleu(HYPOTHESES, [REFERENCES], "de").signature
    assert "|case:lc|" in signature
    assert "|tok:moses-de-" in signature
    assert "|smooth:none|" in signature


def test_lower_tokenised_bleu_takes_tokenised_text_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    lines = ["Ein Hund schläft hier ."] * 120
    with caplog.at_level(logging.WARNING):
        assert lower_tokenised_bleu(lines, [lines], "de").value == pytest.approx(100)
    assert not caplog.records


@pytest.mark.oldest
@pytest.mark.parametrize(
    ("language", "line", "tokens"),
    [
        ("de", "Ein Mann ruft: „Hallo, Welt!“", "ein mann ruft : &quot; hallo , welt ! &quot;"),
        ("en", "He doesn't see the girl’s dog.", "he doesn &apos;t see the girl &apos;s dog ."),
        ("fr", "L'homme voit son ami d'ici.", "l&apos; homme voit son ami d&apos; ici ."),
        ("en", "A|B [sic] & <b>", "a &#124; b &#91; sic &#93; &amp; &lt; b &gt;"),
        ("en", "T-Shirts for 3,50 (or so)...", "t-shirts for 3,50 ( or so ) ..."),
        # A full stop leaves the quotation mark in German and French, and stays in English: also at the end of the line.
        ("de", 'Sie sagt "Gut."', "sie sagt &quot; gut &quot; ."),
        ("fr", 'Elle dit "Bien."', "elle dit &quot; bien &quot; ."),
        ("en", 'She says "Good."', "she says &quot; good . &quot;"),
        # The script takes only a to z for letters around a curved apostrophe, and so this one for a quotation mark.
        ("fr", "un coup d’œil", "un coup d &quot; œil"),
        ("de", "", ""),
        ("de", " \u00a0Ein\u2028Hund\t", "ein hund"),
    ],
)
def test_lower_tokens_are_those_of_moses(language: str, line: str, tokens: str) -> None:
    assert lowercase_and_tokenise((line,), language) == (tokens,)


def test_language_codes_are_reduced_and_names_refused() -> None:
    line = ("Das ist z. B. Nr. 5 von Peter's Liste.",)
    assert (
        lowercase_and_tokenise(line, "de-AT")
        == lowercase_and_tokenise(line, "DE")
        == lowercase_and_tokenise(line, "de")
    )
    assert lowercase_and_tokenise(line, "de_CH") != lowercase_and_tokenise(line, "en")
    assert lowercase_and_tokenise(("That's mr. X.",), "xx") == ("that &apos; s mr. x .",)
    for wrong in ("german", "", "d", "12"):
        with pytest.raises(UserError, match="language code"):
            lowercase_and_tokenise(line, wrong)


def test_multi30k_official_files_line_for_line(shared_data: Path) -> None:
    for split in ("test_2016_flickr", "val"):
        for language in ("de", "en", "fr"):
            folder = shared_data / "multi30k"
            raw = (folder / f"{split}.{language}").read_text(encoding="utf-8").split("\n")
            official = (folder / "tok" / f"{split}.lc.norm.tok.{language}").read_text(encoding="utf-8").split("\n")
            assert list(lowercase_and_tokenise(tuple(raw), language)) == official
            score = lower_tokenised_bleu(raw[:-1], [raw[:-1]], language)
            if (split, language) == ("test_2016_flickr", "de"):
                assert score.detail.endswith("ref_len = 12103)")


def test_corpus_scores_in_order() -> None:
    scores = corpus_scores(HYPOTHESES, [REFERENCES], "de")
    assert scores == [
        bleu(HYPOTHESES, [REFERENCES], "de"),
        chrf(HYPOTHESES, [REFERENCES]),
        lower_tokenised_bleu(HYPOTHESES, [REFERENCES], "de"),
    ]
    assert [score.name for score in scores] == ["BLEU", "chrF2", "lc-tok BLEU"]


@pytest.mark.parametrize(
    ("language", "tokeniser"),
    [("zh", "zh"), ("zh-TW", "zh"), ("cmn", "zh"), ("ja", "char"), ("jpn", "char"), ("TH", "char")],
)
def test_a_language_without_spaces_is_not_one_word_a_sentence(language: str, tokeniser: str) -> None:
    hypothesis, reference = "两只狗在草地上玩耍。", "两只狗在草地上奔跑。"
    scores = corpus_scores([hypothesis], [[reference]], language)
    assert [score.name for score in scores] == ["BLEU", "chrF2"]  # Moses makes no tokens of it
    assert f"|tok:{tokeniser}|" in scores[0].signature
    assert scores[0].value == pytest.approx(sentence_bleu(hypothesis, reference, language)) != 0
    assert scores[0].value > 30 > bleu([hypothesis], [[reference]], "en").value


def test_lengths_are_those_of_the_metrics_own_tokens() -> None:
    references = [["Peter's alter Hut.", "Ja."], ["Der Hut.", "Ach, ja."]]
    cased, chars, lower = corpus_scores(["Peter's Hut.", ""], references, "de")
    assert (cased.hypothesis_length, cased.reference_length) == (3, 3 + 2)  # of several references the closest
    assert (lower.hypothesis_length, lower.reference_length) == (5, 6 + 2)  # peter &apos; s hut .
    assert (chars.hypothesis_length, chars.reference_length) == (None, None)
    assert f"hyp_len = {cased.hypothesis_length} ref_len = {cased.reference_length}" in cased.detail


@pytest.mark.parametrize(
    ("hypothesis", "score"),
    [
        ("zwei Hunde spielen", 100.0),
        ("zwei Hunde", 100 * math.exp(1 - 3 / 2)),  # all that is there is right: the brevity penalty alone
        ("zwei Katzen spielen", 100 * (2 / 3 * 1 / 4 * 1 / 4) ** (1 / 3)),  # no pair and no triple: halved, and again
        ("ein Mann", 0.0),
        ("", 0.0),
    ],
)
def test_a_sentences_bleu_is_of_the_orders_that_it_has(hypothesis: str, score: float) -> None:
    assert sentence_bleu(hypothesis, "zwei Hunde spielen", "de") == pytest.approx(score)


def test_blank_output_scores_zero() -> None:
    assert [score.value for score in corpus_scores([""] * 4, [REFERENCES], "de")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (HYPOTHESES, REFERENCES, "flat list of lines: pass a list of streams"),
        (HYPOTHESES, [[line] for line in REFERENCES], "nested per sentence"),
        (HYPOTHESES, list(zip(REFERENCES, OTHER_REFERENCES)), "nested per sentence"),
        (HYPOTHESES, [REFERENCES, OTHER_REFERENCES[:3]], "stream 2 has 3 lines, the .*hypotheses have 4"),
        (HYPOTHESES[:3], [REFERENCES], "stream 1 has 4 lines, the .*hypotheses have 3"),
        (HYPOTHESES, [], "no references"),
        ([], [[]], "no .*hypotheses to score"),
        (HYPOTHESES[0], [REFERENCES], "hypotheses: one string instead of a list"),
        ([line.split() for line in HYPOTHESES], [REFERENCES], "hypotheses, line 1: no string"),
        (HYPOTHESES, [[*REFERENCES[:3], None]], "reference stream 1, line 4: no string"),
    ],
)
def test_wrong_nesting_and_lengths_are_refused(hypotheses, references, message: str) -> None:
    calls = [
        lambda: bleu(hypotheses, references, "de"),
        lambda: chrf(hypotheses, references),
        lambda: lower_tokenised_bleu(hypotheses, references, "de"),
        lambda: paired_bootstrap(hypotheses, hypotheses, references, "de"),
    ]
    for call in calls:
        with pytest.raises(UserError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_baseline_of_another_length_is_refused() -> None:
    with pytest.raises(UserError, match="the baseline hypotheses have 3"):
        paired_bootstrap(BASELINE[:3], HYPOTHESES, [REFERENCES], "de")


def test_paired_bootstrap_equals_sacrebleus_command_line(tmp_path: Path) -> None:
    arguments = [
        write(tmp_path / "reference", REFERENCES * 5),
        "--input",
        write(tmp_path / "baseline", BASELINE * 5),
        write(tmp_path / "system", HYPOTHESES * 5),
    ]
    theirs = json.loads(sacrebleu(*arguments, "--paired-bs", "--paired-bs-n", "200"))
    ours = paired_bootstrap(BASELINE * 5, HYPOTHESES * 5, [REFERENCES * 5], "de", samples=200)

    for row, estimate in zip(theirs, (ours.baseline, ours.system)):
        expected = [row["BLEU"][key] for key in ("score", "mean", "ci")]
        assert [estimate.value, estimate.mean, estimate.half_width] == pytest.approx(expected)
    assert ours.p_value == pytest.approx(theirs[1]["BLEU"]["p_value"])
    assert "|bs:200|seed:12345|" in ours.signature


def test_paired_bootstrap_compares_the_corpus_scores() -> None:
    result = paired_bootstrap(BASELINE, HYPOTHESES, [REFERENCES], "de", samples=20)
    baseline, system = bleu(BASELINE, [REFERENCES], "de"), bleu(HYPOTHESES, [REFERENCES], "de")
    assert (result.name, result.baseline.value, result.system.value) == (baseline.name, baseline.value, system.value)
    assert result.difference == system.value - baseline.value > 0


def test_paired_bootstrap_of_lower_cased_tokens_is_sacrebleus_on_the_tokens(tmp_path: Path) -> None:
    texts = {"reference": REFERENCES, "baseline": BASELINE, "system": HYPOTHESES}
    tokens = {name: list(lowercase_and_tokenise(tuple(lines), "de")) * 5 for name, lines in texts.items()}
    reference, *systems = (write(tmp_path / name, lines) for name, lines in tokens.items())
    options = ["--tokenize", "none", "--smooth-method", "none", "--force", "--paired-bs", "--paired-bs-n", "200"]
    theirs = json.loads(sacrebleu(reference, "--input", *systems, *options))
    ours = paired_bootstrap(
        BASELINE * 5, HYPOTHESES * 5, [REFERENCES * 5], "de", metric="lower_tokenised_bleu", samples=200
    )
    for row, estimate in zip(theirs, (ours.baseline, ours.system)):
        expected = [row["BLEU"][key] for key in ("score", "mean", "ci")]
        assert [estimate.value, estimate.mean, estimate.half_width] == pytest.approx(expected)
    assert ours.p_value == pytest.approx(theirs[1]["BLEU"]["p_value"])
    score = lower_tokenised_bleu(HYPOTHESES * 5, [REFERENCES * 5], "de")
    assert (ours.name, ours.system.value) == (score.name, score.value)
    assert "|bs:200|seed:12345|" in ours.signature
    assert ours.signature.replace("|bs:200|seed:12345", "") == score.signature


def test_paired_bootstrap_depends_on_its_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(seed: int) -> Significance:
        return paired_bootstrap(BASELINE * 5, HYPOTHESES * 5, [REFERENCES * 5], "de", samples=100, seed=seed)

    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    first = run(7)
    assert "SACREBLEU_SEED" not in os.environ
    monkeypatch.setenv("SACREBLEU_SEED", "none")
    assert run(7) == first
    assert os.environ["SACREBLEU_SEED"] == "none"
    assert run(8) != first


def test_equal_outputs_are_not_significantly_different() -> None:
    result = paired_bootstrap(HYPOTHESES, HYPOTHESES, [REFERENCES], "de", samples=100)
    assert (result.difference, result.p_value) == (0, 1)
    assert result.baseline == result.system


def test_a_clear_loss_is_significant_and_negative() -> None:
    reversed_words = [" ".join(reversed(line.split())) for line in REFERENCES]
    result = paired_bootstrap(REFERENCES * 5, reversed_words * 5, [REFERENCES * 5], "de", samples=200)
    assert result.difference < 0
    assert result.p_value < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "0 samples"),
        ({"seed": 0}, "seed 0"),
        ({"metric": "ter"}, "one of bleu, chrf, lower_tokenised_bleu"),
    ],
)
def test_options_sacrebleu_would_take_otherwise_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        paired_bootstrap(BASELINE, HYPOTHESES, [REFERENCES], "de", **options)


def test_score_without_detail_prints_without_trailing_space() -> None:
    assert str(Score("chrF2", 12.345, "nrefs:1", "")) == "chrF2|nrefs:1 = 12.35"


def test_importing_metrics_imports_no_scoring_library() -> None:
    code = "import sys, translation.metrics; print({'sacrebleu', 'sacremoses', 'numpy', 'torch'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root).stdout
    assert printed == "set()\n"
