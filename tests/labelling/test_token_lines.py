"""Files of one word a line: their words, and tags that are written while all else stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.corpus import read_table, read_tagged
from labelling.token_lines import Layout, row_of, sentences_of
from s2s.errors import UserError

CONLLU = """\
# text = Don't stop.
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tstop\tstop\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No
3.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_

1\t10 000\t10 000\tNUM\tCD\t_\t0\troot\t_\t_
"""


def test_words_and_tags_of_conllu() -> None:
    rows = list(sentences_of(CONLLU.splitlines(), Layout("conllu"), "f"))
    assert [[row.word for row in each] for each in rows] == [["Do", "n't", "stop", "."], ["10 000"]]
    assert [row.tag for row in rows[0]] == ["AUX", "PART", "VERB", "PUNCT"]
    assert [row.number for row in rows[1]] == [9]
    xpos = sentences_of(CONLLU.splitlines(), Layout("conllu", tag=5), "f")
    assert [row.tag for row in next(xpos)] == ["VB", "RB", "VB", "."]


signs = st.characters(exclude_characters="\t\n\r ", exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"])
field = st.text(signs, min_size=1)


@given(st.lists(field, min_size=2, max_size=5), st.sampled_from(["\t", " ", "  "]), st.integers(2, 5), field)
def test_a_tag_is_written_and_nothing_else_changes(fields: list[str], separator: str, column: int, tag: str) -> None:
    line = separator.join(fields)
    if column > len(fields) + 1:
        with pytest.raises(UserError, match=rf"f: line 7 has {len(fields)} of {column - 1} columns"):
            row_of(line, 7, Layout(tag=column), "f")
        return
    row = row_of(line, 7, Layout(tag=column), "f")
    assert row is not None
    written = row.with_tag(tag)
    if column <= len(fields):
        assert row.tag == fields[column - 1]
        assert written == separator.join([*fields[: column - 1], tag, *fields[column:]])
        assert row.with_tag(str(row.tag)) == line
    else:
        assert row.tag is None
        assert written == f"{line}{'	' if separator == '	' else ' '}{tag}"


@pytest.mark.parametrize(
    ("line", "layout", "message"),
    [
        ("1\tA\tb", Layout("conllu"), "f: line 3 has 3 of 10 columns, which CoNLL-U parts by tabs"),
        ("x\t" + "_\t" * 8 + "_", Layout("conllu"), "f: line 3 begins with 'x', and not with the number of a word"),
        ("a", Layout(word=2, tag=3), "f: line 3 has 1 of 2 columns"),
        ("\tO", Layout(), "f: line 3 has no word in column 1"),
    ],
)
def test_a_wrong_line_is_told(line: str, layout: Layout, message: str) -> None:
    with pytest.raises(UserError) as caught:
        row_of(line, 3, layout, "f")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty: give a file of tagged words"),
        ("a\tO\nb\n", ": line 2 has no tag in column 2; write one"),
        ("a\tO\n\nb\tI-X\n", ": line 3: the tag I-X cannot stand at the beginning of a sentence in IOB2; correct it"),
        ("a\tNN\n", ": line 1: the tag 'NN' is none of IOB2"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(UserError) as caught:
        read_tagged(tmp_path / "a", Layout(), "IOB2", "BIOES")
    assert str(caught.value).startswith(f"{tmp_path / 'a'}{message}")


def test_a_label_is_found_again_behind_comments_and_ranges(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(CONLLU)
    text = read_tagged(tmp_path / "a", Layout("conllu"), "none", "none")
    assert [text.place(0, label) for label in (0, 3)] == [f"{tmp_path / 'a'}: line {line}" for line in (3, 7)]


def test_tags_are_read_in_the_scheme_that_is_learned(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a I-X\nb I-X\nc B-X\n\n\nd O\n")
    text = read_tagged(tmp_path / "a", Layout(), "IOB1", "BIOES")
    assert (text.sentences, text.labels) == ([["a", "b", "c"], ["d"]], [["B-X", "E-X", "S-X"], ["O"]])
    assert (text.place(0, 2), text.place(1, 0)) == (f"{tmp_path / 'a'}: line 3", f"{tmp_path / 'a'}: line 6")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty: give a file of labelled sentences"),
        ("good film\n", ": line 1 has 1 of 2 columns; put a tab between label and sentence"),
        ("good\ta\n\tb\n", ": line 2 has no label; write one in column 1, or remove the line"),
        ("good\ta\nbad\t \n", ": line 2 has a label and no sentence"),
        ("good\ta\n\n", ": line 2 has 1 of 2 columns"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(UserError) as caught:
        read_table(tmp_path / "a", (1, 2), tokenise=True)
    assert str(caught.value).startswith(f"{tmp_path / 'a'}{message}")


def test_a_table_has_its_columns_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("It's good.\tx\tyes\r\n")
    text = read_table(tmp_path / "a", (3, 1), tokenise=True)
    assert (text.sentences, text.labels) == ([["It", "'s", "good", "."]], [["yes"]])
    assert read_table(tmp_path / "a", (3, 1), tokenise=False).sentences == [["It's", "good."]]
