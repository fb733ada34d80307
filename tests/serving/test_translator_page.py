"""The page of a translator, opened from disk in a browser without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits, light_model

from translation.translator import Translator

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

SENTENCE = "Two dogs are playing in the snow."
LADDER = "A man in a blue shirt is standing on a ladder cleaning a window."
UNKNOWN = "Quantum chromodynamics explains asymptotic freedom of quarks."
LINES = [SENTENCE, "", "A woman is riding a bicycle.", "Write to bob@example.org today.", "A MAN IS SLEEPING."]


@pytest.fixture
def page(open_page: Open, translator_page: str) -> Page:
    """The page, its model ready."""
    page = open_page(translator_page)
    page.locator("body.ready").wait_for()
    return page


def type_text(page: Page, text: str) -> None:
    """Type a text, and wait for its translation."""
    page.locator("#source").fill(text)
    page.locator("#target p:not(.old) .word").first.wait_for()
    page.locator("#target p.old").wait_for(state="detached")


def translations(page: Page) -> list[str]:
    """The translation of each line."""
    without_notes = """lines => lines.map(line =>
      [...line.childNodes].filter(node => node.tagName !== "SMALL").map(node => node.textContent).join(""))"""
    return page.locator("#target p").evaluate_all(without_notes)


def test_the_translations_are_those_of_python(page: Page) -> None:
    type_text(page, "\n".join(LINES))
    expected = Translator.load(light_model("translation")).translate(LINES)
    assert translations(page) == [translation.text for translation in expected]


def test_it_is_translated_while_one_types(page: Page) -> None:
    field = page.locator("#source")
    field.press_sequentially("Two dogs")
    page.get_by_text("Zwei Hunde").first.wait_for()
    field.press_sequentially(" are playing in the snow.")
    page.locator("#target", has_text="spielen im Schnee").wait_for()


def test_what_is_typed_before_the_model_is_ready_is_translated(open_page: Open, translator_page: str) -> None:
    page = open_page(translator_page)
    page.locator("#source").fill(SENTENCE)
    page.locator("#target", has_text="Hunde").wait_for()


def lit(page: Page, selector: str) -> dict[str, float]:
    """The words that are lit, with their strength."""
    script = """words => words.map(word =>
      [word.dataset.text ?? word.textContent, Number(word.style.getPropertyValue("--weight"))])"""
    found = page.locator(selector).evaluate_all(script)
    return {word: weight for word, weight in found if weight > 0.3}


def point_at_source(page: Page, word: str) -> None:
    """Move the pointer to a word in the field."""
    middle = """word => {
      const range = document.createRange(), text = document.getElementById("mirror").firstChild;
      range.setStart(text, text.data.indexOf(word));
      range.setEnd(text, text.data.indexOf(word) + word.length);
      const {left, top, width, height} = range.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    }"""
    page.mouse.move(*page.evaluate(middle, word))


def test_pointing_at_a_word_lights_the_words_that_it_was_made_from(page: Page) -> None:
    type_text(page, SENTENCE)
    page.locator("#target .word", has_text="Schnee").hover()
    assert max(found := lit(page, "#glow .word"), key=lambda word: found[word]) == "snow"
    assert "snow" in page.locator("#reading").inner_text()
    point_at_source(page, "dogs")
    assert max(found := lit(page, "#target .word"), key=lambda word: found[word]) == "Hunde"
    page.mouse.move(5, 5)
    assert not lit(page, "#target .word")


def test_the_keyboard_reaches_all_of_it(page: Page) -> None:
    type_text(page, SENTENCE)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")  # the caret stands in the first word of the source
    assert page.locator("#glow .chosen").get_attribute("data-text") == "Two"
    assert "Zwei" in lit(page, "#target .word")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "target":
            break
    assert page.locator("#target .chosen").inner_text() == "Zwei"
    page.keyboard.press("ArrowRight")
    assert page.locator("#target .chosen").inner_text() == "Hunde"
    assert "dogs" in lit(page, "#glow .word")
    page.keyboard.press("Escape")
    assert not lit(page, "#glow .word")


def test_another_of_the_n_best_is_taken_by_keyboard(page: Page) -> None:
    type_text(page, LADDER)
    best = translations(page)
    page.locator("#others button").nth(0).focus()
    page.keyboard.press("Tab")
    other = page.evaluate("document.activeElement.firstChild.textContent")
    page.keyboard.press("Enter")
    assert translations(page) == [other]
    assert best != [other]
    assert page.evaluate("document.activeElement.ariaPressed") == "true"
    page.locator("#target .word", has_text="Leiter").hover()
    assert "ladder" in lit(page, "#glow .word")


def test_a_doubtful_line_says_why(page: Page) -> None:
    type_text(page, f"{SENTENCE}\n{UNKNOWN}")
    lines = page.locator("#target p")
    assert "may be wrong" not in lines.nth(0).inner_text()
    assert "may be wrong: " in lines.nth(1).inner_text()
    expected = Translator.load(light_model("translation")).translate([UNKNOWN])[0]
    assert expected.reasons[0] in lines.nth(1).inner_text()


def test_lines_of_a_file_become_a_table_that_can_be_saved(page: Page, tmp_path: Path) -> None:
    (path := tmp_path / "street.en.txt").write_text("\ufeff" + "\r\n".join(LINES) + "\r\n", encoding="utf-8")
    page.locator("#lines-tab").click()
    page.locator("#lines-file").set_input_files(path)
    page.get_by_text(f"{len(LINES)} of {len(LINES)}").wait_for()
    expected = [each.text for each in Translator.load(light_model("translation")).translate(LINES)]
    assert page.locator("#lines-body td:nth-child(3)").all_inner_texts() == expected
    assert save(page, "#lines-text").splitlines() == expected
    records = [json.loads(line) for line in save(page, "#lines-json").splitlines()]
    assert [record["source"] for record in records] == LINES
    assert [record["line"] for record in records] == [1, 2, 3, 4, 5]
    assert records[1]["score"] is None
    assert 0 < records[0]["confidence"] <= 1
    table = [line.split("\t") for line in save(page, "#lines-tsv").splitlines()]
    assert table[0][:3] == ["line", "source", "translation"]
    assert [row[2] for row in table[1:]] == expected


def save(page: Page, button: str) -> str:
    """The content of the file that a button saves."""
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.path().read_text(encoding="utf-8")


def test_pasted_lines_and_a_stop(page: Page) -> None:
    page.locator("#lines-tab").click()
    page.locator("#lines-field").fill("\n".join([SENTENCE] * 500))
    page.locator("#lines-start").click()
    page.locator("#lines-body tr").first.wait_for()
    page.locator("#lines-stop").click()
    assert page.locator("#lines-body tr").count() < 500


def test_a_file_that_is_no_text_is_refused(page: Page, tmp_path: Path) -> None:
    (path := tmp_path / "latin.txt").write_bytes("Männer".encode("latin-1"))
    page.locator("#lines-tab").click()
    page.locator("#lines-file").set_input_files(path)
    page.get_by_text("latin.txt is not a text in UTF-8. Save it as UTF-8").wait_for()


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_all_of_it_has_a_name(
    open_page: Open,
    translator_page: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    page = open_page(translator_page, size, scheme)
    type_text(page, f"{UNKNOWN}\n{'Donau' * 30}\n{SENTENCE}")
    check_fits(page)
    check_accessible(page)
    page.locator("#lines-tab").click()
    page.locator("#lines-field").fill(f"{UNKNOWN}\n{'Donau' * 30}")
    page.locator("#lines-start").click()
    page.get_by_text("2 of 2").wait_for()
    check_fits(page)
    check_accessible(page)
