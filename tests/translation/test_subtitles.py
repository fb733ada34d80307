"""Subtitles: which sentences are translated as one, and how their translations stand in the cues."""

from __future__ import annotations

from itertools import pairwise

import pytest

from s2s.errors import UserError
from translation.formats import srt, webvtt
from translation.formats.document import FormatOptions
from translation.formats.line_breaks import break_lines, cut_in_proportion, width


def cues(*texts: str, pause: int = 0) -> bytes:
    """A file in SRT with a cue a second."""
    parts = [
        f"{i}\n00:00:{i * (1 + pause):02},000 --> 00:00:{i * (1 + pause) + 1:02},000\n{text}\n"
        for i, text in enumerate(texts, start=1)
    ]
    return "\n".join(parts).encode()


def translated(content: bytes, translations: dict[str, str], line_length: int = 42) -> list[str]:
    """The texts of the cues with other sentences."""
    document = srt.read(content, FormatOptions(line_length=line_length))
    assert list(document.segments) == list(translations)
    blocks = document.write(list(translations.values())).decode().rstrip("\n").split("\n\n")
    return [block.split("\n", 2)[2] for block in blocks]


def test_a_sentence_over_two_cues_is_translated_as_one_and_cut_in_proportion() -> None:
    assert translated(
        cues("A man in a red shirt", "is walking two dogs\nalong the beach. It rains."),
        {
            "A man in a red shirt is walking two dogs along the beach.": "Ein Mann in einem roten Hemd führt zwei "
            "Hunde am Strand entlang.",
            "It rains.": "Es regnet.",
        },
    ) == ["Ein Mann in einem roten Hemd", "führt zwei Hunde am Strand\nentlang. Es regnet."]


def test_a_cue_whose_sentences_stay_keeps_its_bytes() -> None:
    content = cues("A  man  sleeps. ", "Two dogs play.").replace(b"\n", b"\r\n")
    document = srt.read(content, FormatOptions())
    written = document.write([document.segments[0], "Zwei Hunde spielen."])
    assert written == content.replace(b"Two dogs play.", b"Zwei Hunde spielen.")
    assert document.write(document.segments) == content  # what was written before is forgotten


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("A man", "is sleeping.", True),
        ("I saw", "John yesterday.", True),
        ("Hello,", "John.", True),
        ("A man.", "is sleeping.", False),
        ("A man...", "is sleeping.", False),
        ("A man -", "is sleeping.", False),
        ("A man", "- is sleeping.", False),
        ("A man", "[he sleeps]", False),
        ("Happy birthday to you", "Happy birthday to you", False),
        ("CHAPTER ONE", "A man is sleeping.", False),
        ("♪ la la", "la la ♪", False),
        ("<i>A man</i>", "is sleeping.", False),
        ("<i>A man</i>", "<i>is sleeping.</i>", True),
        ("JOHN: A man", "is sleeping.", True),
        ("A man", "JOHN: Is it so?", False),
    ],
)
def test_which_sentences_go_on_in_the_next_cue(first: str, second: str, joined: bool) -> None:
    assert len(srt.read(cues(first, second), FormatOptions()).segments) == 2 - joined


def test_a_long_pause_ends_a_sentence() -> None:
    assert len(srt.read(cues("A man", "is sleeping.", pause=2), FormatOptions()).segments) == 1
    assert len(srt.read(cues("A man", "is sleeping.", pause=4), FormatOptions()).segments) == 2


def test_speakers_and_sounds_have_lines_of_their_own() -> None:
    assert translated(
        cues("- A man <b>sleeps</b>.\n- JOHN: Two dogs\nplay.\n[DOOR OPENS]"),
        {
            "A man <0>sleeps</0>.": "Ein Mann <0>schläft</0>.",
            "Two dogs play.": "Zwei Hunde spielen.",
            "[DOOR OPENS]": "[TÜR GEHT AUF]",
        },
    ) == ["- Ein Mann <b>schläft</b>.\n- JOHN: Zwei\nHunde spielen.\n[TÜR GEHT AUF]"]


def test_tags_and_codes_stay_around_their_words() -> None:
    assert translated(
        cues('{\\an8}<i>A <font color="red">man</font></i>', "{\\an8}<i>sleeps.</i>"),
        {"A <0>man</0> sleeps.": "Ein ganz müder <0>Mann</0> schläft."},
    ) == ["{\\an8}<i>Ein ganz</i>", '{\\an8}<i>müder <font color="red">Mann</font> schläft.</i>']


def test_a_tag_that_is_cut_is_closed_and_opened_again() -> None:
    assert translated(
        cues("This is <b>one", "of many</b> days."),
        {"This is <0/>one of many<1/> days.": "Dies ist <0/>einer von vielen<1/> Tagen."},
    ) == ["Dies ist <b>einer", "von vielen</b> Tagen."]


def test_with_fewer_words_than_cues_each_cue_shows_all() -> None:
    assert translated(cues("you", "know", "what."), {"you know what.": "Weißt du?"}) == ["Weißt du?"] * 3


def test_lines_are_as_long_as_allowed_and_as_many_as_needed() -> None:
    text = "Ein Mann in einem roten Hemd führt zwei Hunde am Strand entlang, und die Sonne scheint."
    for limit, lines in ((100, 1), (48, 2), (42, 3), (20, 5)):
        (cue,) = translated(cues("A man walks two dogs."), {"A man walks two dogs.": text}, limit)
        assert cue.replace("\n", " ") == text
        assert cue.count("\n") + 1 == lines
        assert max(map(len, cue.split("\n"))) <= limit
    (cue,) = translated(cues("A man\nwalks\ntwo\ndogs."), {"A man walks two dogs.": text}, 60)
    assert cue.count("\n") == 1


def test_cuts_are_behind_marks_and_not_behind_short_words() -> None:
    assert [
        cut(t, break_lines(t, 24, 1)) for t in ("Er geht in den Park, um zu lesen.", "Donaudampfschifffahrt fährt")
    ] == [
        ["Er geht in den Park,", "um zu lesen."],
        ["Donaudampfschifffahrt", "fährt"],
    ]
    text = "男の人が赤いシャツを着て、二匹の犬と海岸を歩いています。"
    lines = cut(text, break_lines(text, 30, 1))
    assert lines[0].endswith("、")
    assert max(map(width, lines)) <= 42
    assert cut_in_proportion("Hallo", [1, 1]) is None
    assert cut("eins zwei drei vier", cut_in_proportion("eins zwei drei vier", [3, 1]) or []) == [
        "eins zwei drei",
        "vier",
    ]


def cut(text: str, spans: list[tuple[int, int]]) -> list[str]:
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    return [text[start:end] for start, end in spans]


def test_words_behind_a_blank_line_belong_to_the_cue() -> None:
    content = cues("A man sleeps.") + b"\nTwo dogs play.\n"
    document = srt.read(content, FormatOptions())
    assert list(document.segments) == ["A man sleeps.", "Two dogs play."]
    assert document.write(["x", "y"]) == content.replace(b"A man sleeps.", b"x").replace(b"Two dogs play.", b"y")


def test_webvtt_keeps_settings_voices_and_times_inside_of_cues() -> None:
    content = (
        "\ufeffWEBVTT\n\nNOTE A man\n\nintro\n00:01.000 --> 00:02.000 line:0\n"
        "<v Ann Lee>A <c.red>man</c> &amp; a dog.</v>\n<v Bob>He sings.\n\n"
        "00:03.000 --> 00:04.000\nA <00:03.500>man\n\n00:04.000 --> 00:05.000\nsings.\n"
    )
    document = webvtt.read(content.encode(), FormatOptions())
    assert list(document.segments) == ["A <0>man</0> & a dog.", "He sings.", "A <0/>man", "sings."]
    written = document.write(["Ein <0>Mann</0> & <Hund>.", "Er singt.", "<0/>Mann", "singt."]).decode()
    for old, new in (
        ("A <c.red>man</c> &amp; a dog.", "Ein <c.red>Mann</c> &amp; &lt;Hund&gt;."),
        ("He sings.", "Er singt."),
        ("A <00:03.500>man", "<00:03.500>Mann"),
        ("sings.", "singt."),
    ):
        content = content.replace(old, new)
    assert written == content


@pytest.mark.parametrize(
    ("words", "segment", "translation", "written"),
    [
        ("A <ruby>dog<rt>d&ocirc;g</rt></ruby> barks.", "A <0>dog</0> barks.", "Ein <0>Hund</0> & x.",
         "Ein <ruby>Hund<rt>d&ocirc;g</rt></ruby> &amp; x."),
        ("A <ruby.b>dog<rt>x<b>y</ruby> barks.", "A <0>dog</0> barks.", "Ein <0>Hund</0> x.",
         "Ein <ruby.b>Hund<rt>x<b>y</ruby> x."),
        ("A <ruby><i>red</i> dog<rt>x</ruby> or cat.", "A <1><0>red</0> dog</1> or cat.",
         "Ein <1><0>roter</0> Hund</1> x.", "Ein <ruby><i>roter</i> Hund<rt>x</ruby> x."),
        ("A <ruby>red<rt>x</rt>dog<rt>y</rt></ruby>, no.", "A <0>reddog<1/></0>, no.", "Ein <0>Hund<1/></0>.",
         "Ein <ruby>Hund<rt>x</rt><rt>y</rt></ruby>."),
        ("A <ruby>dog<rt>x", "A <0/>dog", "Ein <0/>Hund", "Ein <ruby>Hund<rt>x"),
        ("A <rt>dog</rt> barks.", "A <0>dog</0> barks.", "Ein <0>Hund</0>.", "Ein <rt>Hund</rt>."),
    ],
)  # fmt: skip
def test_webvtt_keeps_ruby_and_its_annotations(words: str, segment: str, translation: str, written: str) -> None:
    head = "WEBVTT\n\n00:01.000 --> 00:02.000\n"
    document = webvtt.read(f"{head}{words}\n".encode(), FormatOptions())
    assert list(document.segments) == [segment]
    assert document.write([segment]).decode() == f"{head}{words}\n"
    assert document.write([translation]).decode() == f"{head}{written}\n"


def test_webvtt_tags_that_are_not_closed_reach_to_the_end_of_the_cue(capsys: pytest.CaptureFixture[str]) -> None:
    head, after = "WEBVTT\n\n00:01.000 --> 00:02.000\n", "\n\n00:03.000 --> 00:04.000\nHe sings.\n"
    document = webvtt.read(f"{head}A man.\nThe dog. <c barks\nloudly{after}".encode(), FormatOptions(name="a.vtt"))
    assert list(document.segments) == ["A man.", "The dog.", "He sings."]
    assert document.write(["Ein Mann.", "Der Hund.", "Er singt."]).decode() == (
        f"{head}Ein Mann.\nDer Hund.<c barks\nloudly{after}".replace("He sings", "Er singt")
    )
    assert capsys.readouterr().err == (
        'warning: a.vtt: a tag is not closed by ">", and so hides the rest of its cue, which is not translated; write '
        "&lt; where < is a sign: line 5\n"
    )


def test_webvtt_has_the_character_references_of_html() -> None:
    content = b"WEBVTT\n\n00:01.000 --> 00:02.000\ncaf&eacute; &#65; &#x42; &lt;b&gt; &nosuch;\n"
    document = webvtt.read(content, FormatOptions())
    assert list(document.segments) == ["café A B <b> &nosuch;"]
    assert document.write(["Café & <b>"]).endswith("\nCafé &amp; &lt;b&gt;\n".encode())


def test_what_is_missing_at_the_start_of_an_srt_file_is_named() -> None:
    for content, complaint in (
        (b"1\n00:00:01 -> 00:00:02\nA man.\n", "line 2: this is no time of a subtitle, such as 00:00:01,000 -->"),
        (b"A man.\n", "line 1: neither the number nor the time of a subtitle"),
    ):
        with pytest.raises(UserError, match=complaint):
            srt.read(content, FormatOptions())


def test_old_line_ends_are_kept() -> None:
    content = cues("A man sleeps.\nHe snores.").replace(b"\n", b"\r")
    document = srt.read(content, FormatOptions())
    assert document.write(["Ein Mann schläft.", "Er schnarcht."]).count(b"\r") == content.count(b"\r")
    with pytest.raises(UserError, match="line 2: the subtitle ends before it begins"):
        srt.read(content.replace(b"00:00:02,000", b"00:00:00,000"), FormatOptions())
