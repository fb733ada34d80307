"""`s2s compare`: the figures are those of `evaluate`, groups are counted right, and the page holds strangers' text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from s2s.cli import command
from translation.compare import compare
from translation.comparison import Comparison, summary
from translation.comparison_page import comparison_page
from translation.metrics import bleu, chrf, paired_bootstrap, sentence_bleu, sentence_chrf

Compare = Callable[..., tuple[int, str, str]]
SOURCE = ["Two dogs play.", "", "A man is sleeping in the park.", "The woman has a dog.", "This is a big park."]
OURS = ["Zwei Hunde spielen.", "", "Ein Mann schläft im Park.", "Die Frau hat einen Hund.", "Ein großer Park."]
THEIRS = ["Zwei Hunde.", "Nichts.", "Ein Mann im Park.", "Eine Frau, ein Hund.", "Das ist ein großer Park."]
REFERENCE = ["Zwei Hunde spielen.", "", "Ein Mann schläft im Park.", "Die Frau hat einen Hund.", "Das ist ein Park."]
OTHER = ["Hunde spielen.", "", "Da schläft ein Mann im Park.", "Die Frau hat ja einen Hund.", "Ein großer Park."]
EVIL = """</script><script>alert("x")</script> {{title}} <mark class='x'> & "quoted" """


@pytest.fixture(name="run")
def run_compare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Compare:
    """Run the command in this process: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s compare"])

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(compare, list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"source": SOURCE, "ours": OURS, "theirs": THEIRS, "reference": REFERENCE, "other": OTHER}
    return {name: write(tmp_path / f"{name}.txt", lines) for name, lines in texts.items()}


class _Elements(HTMLParser):
    """The names of a page's elements, and the texts of its marks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.marks: list[tuple[str, str]] = []
        self._mark = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self._mark = dict(attrs).get("class") or "" if tag == "mark" else ""

    def handle_data(self, data: str) -> None:
        if self._mark:
            self.marks.append((self._mark, data))
            self._mark = ""


def test_the_scores_and_tests_are_those_of_evaluation() -> None:
    comparison = Comparison(["a", "b"], [THEIRS, OURS], [REFERENCE, OTHER], SOURCE, "de")
    assert [[score.name for score in of] for of in comparison.scores] == [["BLEU", "chrF2", "lc-tok BLEU"]] * 2
    assert comparison.scores[1][0] == bleu(OURS, [REFERENCE, OTHER], "de")
    assert comparison.scores[0][1] == chrf(THEIRS, [REFERENCE, OTHER])
    [tests] = comparison.tests
    assert [test.name for test in tests] == ["BLEU", "chrF2", "lc-tok BLEU"]
    assert tests[0] == paired_bootstrap(THEIRS, OURS, [REFERENCE, OTHER], "de")
    assert tests[1].difference == pytest.approx(comparison.scores[1][1].value - comparison.scores[0][1].value)
    unknown = Comparison(["a", "b"], [THEIRS, OURS], [REFERENCE], SOURCE)
    assert [score.name for score in unknown.scores[0]] == ["BLEU", "chrF2"]
    assert len(unknown.tests[0]) == 2


def test_sentences_are_scored_against_all_references() -> None:
    comparison = Comparison(["a", "b"], [THEIRS, OURS], [REFERENCE, OTHER], SOURCE, "de")
    assert comparison.sentence_chrfs[1][4] == sentence_chrf(OURS[4], [REFERENCE[4], OTHER[4]]) == 100
    assert sentence_chrf(OURS[4], REFERENCE[4]) < 100
    assert comparison.sentence_bleus(4)[1] == sentence_bleu(OURS[4], [REFERENCE[4], OTHER[4]], "de")


def test_the_sentences_that_differ_most_come_first() -> None:
    comparison = Comparison(["a", "b"], [THEIRS, OURS], [REFERENCE], SOURCE, "de")
    changes = comparison.changes(1)
    assert changes[4] < 0 < changes[2]
    chosen = comparison.most_different(2)
    assert 4 in chosen
    assert len(chosen) == len(set(chosen)) <= 4
    assert [abs(changes[i]) for i in chosen] == sorted((abs(changes[i]) for i in chosen), reverse=True)
    assert Comparison(["a", "b"], [OURS, OURS], [REFERENCE]).most_different(5) == []


def test_groups_by_length_hold_every_sentence_once() -> None:
    comparison = Comparison(["a", "b"], [THEIRS, OURS], [REFERENCE], SOURCE, "de")
    groups = comparison.by_length()
    assert sum(group.count for group in groups) == len(SOURCE)
    assert [group.label for group in groups] == ["0", "3", "5", "7"]
    assert groups[-1].values[1] == bleu([OURS[2]], [[REFERENCE[2]]], "de").value
    same = Comparison(["a", "b"], [["ja"] * 3] * 2, [["ja"] * 3])
    assert [(group.label, group.count) for group in same.by_length()] == [("1", 3)]


def test_words_are_counted_by_their_frequency() -> None:
    systems = [["der Hund und der Mann", "der Mann"], ["der Hund der der", "ein Mann"]]
    comparison = Comparison(["a", "b"], systems, [["der Hund und der Hund", "der Mann"]])
    groups = {group.label: group for group in comparison.by_frequency()}  # der 3, Hund 2, und 1, Mann 1
    assert {label: group.count for label, group in groups.items()} == {"1": 2, "2": 2, "3": 3}
    assert groups["1"].values == pytest.approx([200 * 2 / (3 + 2), 200 * 1 / (1 + 2)])
    assert groups["2"].values == pytest.approx([200 * 1 / (1 + 2)] * 2)
    assert groups["3"].values == pytest.approx([200 * 3 / (3 + 3), 200 * 2 / (3 + 3)])
    trained = Comparison(["a", "b"], systems, comparison.references, training=["Hund Hund Hund Hund der"])
    assert {group.label: group.count for group in trained.by_frequency()} == {"0": 2, "1": 3, "4": 2}
    doubled = Comparison(["a", "b"], systems, [*comparison.references] * 2)
    assert [group.values for group in doubled.by_frequency()[-1:]] == [groups["3"].values]


def test_words_that_differ_are_marked_as_right_or_wrong() -> None:
    comparison = Comparison(["a", "b"], [["Ein Hund bellt, ja."], ["Ein Hund schläft."]], [["Ein Hund schläft."]])
    parts = comparison.parts(0, 0)
    assert "".join(part.text for part in parts) == "Ein Hund bellt, ja."
    assert [(part.text, part.right) for part in parts if part.differs] == [
        ("bellt", False),
        (",", False),
        ("ja", False),
    ]
    assert [(part.text, part.right) for part in comparison.parts(1, 0) if part.differs] == [("schläft", True)]


def test_a_word_that_a_reference_has_once_is_right_once() -> None:
    comparison = Comparison(["a", "b"], [["ja"], ["ja nein nein"]], [["nein ja"]])
    marked = [(part.text, part.right) for part in comparison.parts(1, 0) if part.differs]
    assert marked == [("nein", True), ("nein", False)]


def test_the_page_has_all_of_it_and_is_safe_from_the_texts() -> None:
    systems = [[*THEIRS, EVIL], [*OURS, f"{EVIL} mehr"]]
    comparison = Comparison([EVIL, "b"], systems, [[*REFERENCE, EVIL]], [*SOURCE, EVIL], "de")
    page = comparison_page(comparison, "Comparison", 10)
    elements = _Elements(page)
    assert elements.names.count("script") == 1
    assert elements.names.count("article") == len(comparison.most_different(10))
    assert ("wrong", "mehr") in elements.marks
    assert ("right", "spielen") in elements.marks
    assert not re.search(r"(?:src|href)=|https?://", page)
    for score in comparison.scores[0]:
        assert f"{score.value:.2f}" in page
        assert score.signature in page


def test_a_page_of_equal_systems_says_so() -> None:
    page = comparison_page(Comparison(["a", "b"], [OURS, OURS], [REFERENCE]), "Comparison", 10)
    assert "No sentence has another chrF in one system than in another." in page
    assert "p = 1.0000, not significant" in page


def test_three_systems_are_each_compared_with_the_first(files: dict[str, Path], run: Compare, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    systems = files["theirs"], files["ours"], files["other"]
    given = ["--reference", files["reference"], "--target-language", "de", "--output", page]
    code, output, _ = run(*systems, *given)
    assert code == 0
    assert [line.split()[:3] for line in output.splitlines() if " - A " in line] == [
        [name, "-", "A"] for name in "BBBCCC"
    ]
    text = page.read_text(encoding="utf-8")
    assert 'value="gainC"' in text
    assert "data-loss-c=" in text


def test_the_summary_and_the_page_agree(files: dict[str, Path], run: Compare, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    given = [files["theirs"], files["ours"], "--reference", files["reference"], files["other"], "--source"]
    code, output, _ = run(*given, files["source"], "--target-language", "de", "--output", page)
    comparison = Comparison(
        [str(files["theirs"]), str(files["ours"])], [THEIRS, OURS], [REFERENCE, OTHER], SOURCE, "de"
    )
    assert (code, output) == (0, "\n".join(summary(comparison)) + "\n")
    assert page.read_text(encoding="utf-8") == comparison_page(comparison, "Comparison of translations", 50)
    assert "nrefs:2" in page.read_text(encoding="utf-8")


def test_a_model_is_a_system_that_translates_the_source(files: dict[str, Path], run: Compare) -> None:
    given = ["--reference", files["reference"], "--source", files["source"]]
    code, output, _ = run(files["ours"], "en-de", *given)
    assert code == 0
    assert "lc-tok BLEU" in output  # the language is that of the model
    assert run("en-de", "de-en", *given)[0] == 2


def test_mistakes_are_told_and_nothing_is_written(files: dict[str, Path], run: Compare, tmp_path: Path) -> None:
    ours, theirs, reference = files["ours"], files["theirs"], files["reference"]
    new, short, empty = tmp_path / "new.html", write(tmp_path / "short", OURS[:3]), write(tmp_path / "empty", [])
    chinese = write(tmp_path / "zh", ["两只狗在玩。"] * 5)
    both = [ours, theirs, "--reference", reference, "--output", new]
    for arguments, message in [
        ([ours, *both[2:]], "1 system cannot be compared: name 2 to 6, files of translations or models"),
        ([ours] * 7 + both[2:], "7 systems cannot be compared"),
        ([ours, short, *both[2:]], f"{short} has 3 lines but {reference} has 5; "),
        ([ours, theirs, "--reference", empty], f"{empty}: is empty"),
        ([ours, tmp_path / "none", *both[2:]], f"{tmp_path / 'none'}: no such file"),
        ([ours, "en-de", *both[2:]], "en-de: a model needs --source, the text to translate"),
        ([*both, "--target-language", "german"], "'german' is not a language code"),
        ([ours, theirs, "--reference", reference, "--output", ours, "--force"], f"{ours}: is an input"),
        ([chinese, chinese, "--reference", chinese], f"{chinese}: is in a language without spaces between words"),
        ([*both, "--beam", "3", "--threads", "1"], "--beam, --threads: for models that translate, and all systems"),
        ([*both, "--training", tmp_path / "none"], f"{tmp_path / 'none'}: no such file"),
    ]:
        code, output, errors = run(*arguments)
        assert (code, output) == (2, "")
        assert errors.splitlines()[-1].startswith(f"error: {message}")
        assert not new.exists()
    assert run(chinese, chinese, "--reference", chinese, "--target-language", "zh")[0] == 0
