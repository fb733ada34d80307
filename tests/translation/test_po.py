"""PO files: which messages get a translation, in what form, and that gettext takes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import polib
import pytest

from s2s.errors import UserError
from translation.formats import po
from translation.formats.document import FormatOptions
from translation.formats.po_text import MessageText

HEADER = """msgid ""
msgstr ""
"Project-Id-Version: x\\n"
"PO-Revision-Date: 2026-01-01 00:00+0000\\n"
"Last-Translator: x\\n"
"Language-Team: x\\n"
"Language: de\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {}\\n"

"""
TWO = "nplurals=2; plural=(n != 1);"
RUSSIAN = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"


def translated(text: str, translations: dict[str, str], *, plural: str = TWO, replace_fuzzy: bool = False) -> str:
    """The file after its header, with these translations."""
    header = HEADER.format(plural)
    document = po.read((header + text).encode(), FormatOptions(replace_fuzzy=replace_fuzzy))
    assert list(document.segments) == list(translations)
    written = document.write(list(translations.values())).decode()
    assert written.startswith(header)
    return written.removeprefix(header)


def test_only_messages_without_a_translation_get_one_and_it_is_fuzzy() -> None:
    old = '#: a.c\n#, c-format\nmsgctxt "x"\nmsgid "A dog"\nmsgstr ""\n\nmsgid "A cat"\nmsgstr "Eine Katze"\n'
    new = old.replace("#, c-format", "#, fuzzy, c-format").replace('msgstr ""', 'msgstr "Ein Hund"')
    assert translated(old, {"A dog": "Ein Hund"}) == new
    old = '#. note\n#| msgid "A"\nmsgid "A dog"\nmsgstr ""\n'
    new = '#. note\n#, fuzzy\n#| msgid "A"\nmsgid "A dog"\nmsgstr "Ein Hund"\n'
    assert translated(old, {"A dog": "Ein Hund"}) == new


def test_fuzzy_messages_get_a_new_translation_if_wanted() -> None:
    old = '#, fuzzy\nmsgid "A dog"\nmsgstr "Hund"\n'
    assert translated(old, {}) == old
    assert translated(old, {"A dog": "Ein Hund"}, replace_fuzzy=True) == old.replace("Hund", "Ein Hund")


def test_obsolete_messages_stay_and_their_flags_are_theirs() -> None:
    old = '#, fuzzy\n#~ msgid "A cat"\n#~ msgstr ""\n\nmsgid "A dog"\nmsgstr ""\n'
    new = old.replace('msgid "A dog"\nmsgstr ""', '#, fuzzy\nmsgid "A dog"\nmsgstr "Ein Hund"')
    assert translated(old, {"A dog": "Ein Hund"}) == new


def test_plural_forms_follow_the_header() -> None:
    old = 'msgid "a dog"\nmsgid_plural "%d dogs"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    new = '#, fuzzy\nmsgid "a dog"\nmsgid_plural "%d dogs"\nmsgstr[0] "ein Hund"\nmsgstr[1] "%d Hunde"\n'
    assert translated(old, {"a dog": "ein Hund", "%d dogs": "%d Hunde"}) == new
    # In Russian the first form is that of 21 and 31 too: "a dog" would be wrong there, and "%d dog" is right.
    old = '#, c-format\nmsgid "a dog"\nmsgid_plural "%d dogs"\nmsgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""\n'
    assert translated(old, {"%1$s dogs": "%1$s X"}, plural=RUSSIAN).count('"%d X"') == 3
    old = old.replace('"a dog', '"%d dog')
    new = translated(old, {"%1$s dog": "%1$s A", "%1$s dogs": "%1$s B"}, plural=RUSSIAN)
    assert new.endswith('msgstr[0] "%d A"\nmsgstr[1] "%d B"\nmsgstr[2] "%d B"\n')
    old = 'msgid "a dog"\nmsgid_plural "dogs"\nmsgstr[0] "x"\nmsgstr[1] ""\n'
    assert translated(old, {"dogs": "Hunde"}, plural="nplurals=INTEGER; plural=EXPRESSION;").endswith(
        '"x"\nmsgstr[1] "Hunde"\n'
    )


@pytest.mark.parametrize(
    ("flag", "source", "segment", "translation", "written"),
    [
        ("c-format", "%s has %d dogs", "%1$s has %2$s dogs", "%1$s hat %2$s Hunde", "%s hat %d Hunde"),
        ("c-format", "%s has %d dogs", "%1$s has %2$s dogs", "%2$s Hunde hat %1$s", "%2$d Hunde hat %1$s"),
        ("python-format", "%s has %d dogs", "%1$s has %2$s dogs", "%2$s Hunde hat %1$s", None),
        ("python-format", "%(a)s has %(b)d", "%1$s has %2$s", "%2$s hat %1$s", "%(b)d hat %(a)s"),
        ("c-format", "%*d dogs of %s", "%1$s dogs of %2$s", "%2$s mit %1$s Hunden", None),
        ("c-format", "%<PRIu64> dogs, 5 %%", "%1$s dogs, 5 %%", "%1$s Hunde, 5 %%", "%<PRIu64> Hunde, 5 %%"),
        ("c-format", "%s has %d dogs", "%1$s has %2$s dogs", "%1$s hat Hunde", None),
        ("c-format", "%s has %d dogs", "%1$s has %2$s dogs", "%1$s hat %2$s Hunde %s", None),
        (
            "python-brace-format",
            "{name} has {0} dogs",
            "{name} has {0} dogs",
            "{0} Hunde hat {name}",
            "{0} Hunde hat {name}",
        ),
        ("python-brace-format", "{name} has {0} dogs", "{name} has {0} dogs", "{0} Hunde", None),
        ("no-c-format", "50 % of it", "50 % of it", "50 % davon", "50 % davon"),
    ],
)
def test_format_directives_stay_or_the_message_is_not_translated(
    flag: str, source: str, segment: str, translation: str, written: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    old = f'#, {flag}\nmsgid "{source}"\nmsgstr ""\n'
    new = old.replace("#, ", "#, fuzzy, ").replace('msgstr ""', f'msgstr "{written}"')
    assert translated(old, {segment: translation}) == (new if written else old)
    told = "warning: 1 message was not translated, because format directives (such as %s) would be lost or out of order"
    assert capsys.readouterr().err == ("" if written else f"{told}: line 14\n")


@pytest.mark.parametrize(
    ("text", "segments", "translations", "written"),
    [
        ("_Open", ["Open"], ["Öffnen"], "_Öffnen"),
        ("Save &As...", ["Save As..."], ["Sichern als..."], "&Sichern als..."),
        ("E_xit", ["Exit"], ["Ende"], "_Ende"),
        ("use snake_case now", ["use snake_case now"], ["nutze snake_case"], "nutze snake_case"),
        ("a &amp; b", ["a &amp; b"], ["x &amp; y"], "x &amp; y"),
        ("\n A dog.\n\n", ["A dog."], ["Ein Hund."], "\n Ein Hund.\n\n"),
        ("  -v, --verbose   print more\n", ["print more"], ["mehr zeigen"], "  -v, --verbose   mehr zeigen\n"),
        ("--help\tHelp", ["Help"], ["Hilfe"], "--help\tHilfe"),
        ("One.  Two.", ["One.", "Two."], ["Eins.", "Zwei."], "Eins.  Zwei."),
        (
            "This program is free software, which\nyou may give to others.\nGood luck\n",
            ["This program is free software, which you may give to others.", "Good luck"],
            ["Dieses Programm ist frei, und man darf es anderen geben.", "Viel Glück"],
            "Dieses Programm ist frei,\nund man darf es anderen geben.\nViel Glück\n",
        ),
        ("%s\n", [], [], "%s\n"),
    ],
)
def test_the_form_of_a_message_stays(text: str, segments: list[str], translations: list[str], written: str) -> None:
    message = MessageText(text, "%")
    assert message.segments == segments
    assert message.restore(translations) == written


def test_strings_are_unescaped_and_written_in_lines_as_gettext_does() -> None:
    old = 'msgid ""\n"a \\"b\\"\\tc\\\\d\\n"\n"e"\nmsgstr ""\n'
    new = '#, fuzzy\nmsgid ""\n"a \\"b\\"\\tc\\\\d\\n"\n"e"\nmsgstr ""\n"A \\"B\\"\\tC\\\\D\\n"\n"E"\n'
    assert translated(old, {'a "b"': 'A "B"', "c\\d": "C\\D", "e": "E"}) == new
    text = " ".join(["Wort"] * 40)
    (*_, last) = lines = translated('msgid "a b"\nmsgstr ""\n', {"a b": text}).split("\n")
    assert (last, max(map(len, lines)) <= 79, lines[2]) == ("", True, 'msgstr ""')
    assert polib.pofile("\n".join(lines))[0].msgstr == text


def test_the_encoding_of_the_header_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    content = HEADER.replace("UTF-8", "ISO-8859-1").format(TWO) + '# Größe\nmsgid "size"\nmsgstr ""\n'
    document = po.read(content.encode("latin-1"), FormatOptions())
    assert document.write(["Größe"]).decode("latin-1").endswith('#, fuzzy\nmsgid "size"\nmsgstr "Größe"\n')
    assert document.write(["→"]).decode("latin-1") == content
    assert capsys.readouterr().err == (
        "warning: 1 message was not translated, because ISO-8859-1 lacks letters of the translation (see msgconv "
        "--to-code=UTF-8): line 14\n"
    )


def test_a_file_that_declares_ascii_gets_no_other_letters(capsys: pytest.CaptureFixture[str]) -> None:
    content = (HEADER.replace("UTF-8", "ASCII").format(TWO) + 'msgid "size"\nmsgstr ""\n').encode()
    document = po.read(content, FormatOptions())
    assert document.write(["Größe"]) == content
    assert "ASCII lacks letters of the translation" in capsys.readouterr().err
    with pytest.raises(UserError, match="not in ASCII, which the header names"):
        po.read(content + "# ö".encode(), FormatOptions())


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")
def test_gettext_takes_what_is_written(tmp_path: Path) -> None:
    text = (
        '#, c-format\nmsgid "%s has %d dogs\\n"\nmsgstr ""\n\n#, c-format\nmsgid "a dog"\nmsgid_plural "%d dogs"\n'
        'msgstr[0] ""\nmsgstr[1] ""\n\nmsgid ""\n"\\n"\n"A long line\\n"\nmsgstr ""\n'
    )
    changed = {
        "%1$s has %2$s dogs": "%2$s Hunde hat %1$s",
        "a dog": "ein Hund",
        "%1$s dogs": "%1$s Hunde",
        "A long line": "Eine lange Zeile",
    }
    path = tmp_path / "a.po"
    path.write_text(HEADER.format(TWO) + translated(text, changed), encoding="utf-8")
    for also in ([], ["--use-fuzzy"]):
        command = ["msgfmt", "--check", "--statistics", *also, "--output-file", tmp_path / "a.mo", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
        assert (done.returncode, done.stderr) == (0, "0 translated messages, 3 fuzzy translations.\n")
