"""The page of a language model, opened from disk in a browser without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits

from language_model.generator import Generator
from s2s.decoding.search import SamplingOptions
from s2s.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

FIELDS = ("temperature", "top-k", "top-p", "seed", "length", "until")
ENDLESS = "1000000000"


@pytest.fixture
def page(open_page: Open, language_page: str) -> Page:
    """The page, its model ready."""
    page = open_page(language_page)
    page.locator("body.ready").wait_for()
    return page


def ask(page: Page, prime: str, **options: str) -> None:
    """Fill in what is to be written, and begin."""
    page.fill("#prime", prime)
    for name, value in options.items():
        page.fill(f"#sample-{name.replace('_', '-')}", value)
    page.click("#sample-write")


def text_of(page: Page) -> str:
    """The text that the page shows."""
    lines = page.locator("#sample-text > div").evaluate_all("lines => lines.map(line => line.textContent)")
    return "\n".join(lines)


def wait_for_text(page: Page) -> str:
    """The text, once all of it is written."""
    page.locator("#sample-text:not(.writing) > div").first.wait_for()
    return text_of(page)


def test_the_text_is_that_of_python(page: Page, language_model: Path) -> None:
    generator = Generator.load(language_model)
    ask(page, "A man\n\nTwo", temperature="0.8", top_p="0.9", seed="5", length="120")
    options = SamplingOptions(temperature=0.8, top_p=0.9, seed=5)
    (expected,) = generator.sample("A man\n\nTwo", length=120, options=options)
    assert wait_for_text(page) == "A man\n\nTwo" + expected.text
    nats = f"{-expected.log_probability / 120:.2f} nats each"
    assert page.inner_text("#sample-count").startswith("120 characters · ")
    assert page.inner_text("#sample-count").endswith(nats)
    ask(page, "", top_k="1", length="40")
    (expected,) = generator.sample(length=40, options=SamplingOptions(top_k=1))
    assert wait_for_text(page) == expected.text


def test_it_ends_with_what_it_is_told_to_end_with(page: Page, language_model: Path) -> None:
    ask(page, "A", until="\\n", length=ENDLESS)
    (expected,) = Generator.load(language_model).sample("A", until="\n", length=10_000)
    assert expected.stopped
    assert wait_for_text(page) == "A" + expected.text


def test_another_text_has_the_next_seed(page: Page, language_model: Path) -> None:
    ask(page, "A man", length="50", seed="41")
    first = wait_for_text(page)
    page.click("#sample-another")
    (expected,) = Generator.load(language_model).sample("A man", length=50, options=SamplingOptions(seed=42))
    assert wait_for_text(page) == "A man" + expected.text != first
    assert page.input_value("#sample-seed") == "42"


def test_an_example_is_offered_while_there_is_no_prime(page: Page, language_model: Path) -> None:
    example = page.get_by_role("button", name="Two dogs")
    page.fill("#prime", "A")
    assert example.is_hidden()
    page.fill("#prime", "")
    page.fill("#sample-length", "30")
    example.click()
    (expected,) = Generator.load(language_model).sample("Two dogs", length=30)
    assert wait_for_text(page) == "Two dogs" + expected.text
    assert page.input_value("#prime") == "Two dogs"
    assert example.is_hidden()


def test_it_is_stopped_by_a_button_or_a_key(page: Page) -> None:
    for stop in (lambda: page.click("#sample-stop"), lambda: page.keyboard.press("Escape")):
        ask(page, "A man", length=ENDLESS)
        page.locator("#sample-count", has_text="characters").wait_for()
        stop()
        written = wait_for_text(page)
        assert written.startswith("A man")
        assert page.inner_text("#sample-count").startswith("stopped after ")
        page.wait_for_timeout(100)
        assert text_of(page) == written
        assert page.locator("#sample-stop").is_hidden()


def test_a_new_text_takes_the_place_of_one_that_is_being_written(page: Page, language_model: Path) -> None:
    ask(page, "A man", length=ENDLESS)
    page.locator("#sample-count", has_text="characters").wait_for()
    ask(page, "Two", length="30")
    (expected,) = Generator.load(language_model).sample("Two", length=30)
    assert wait_for_text(page) == "Two" + expected.text


def test_it_is_used_by_keyboard_alone(page: Page) -> None:
    assert page.evaluate("document.activeElement.id") == "prime"
    reached = []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Two dogs"
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached == [*(f"sample-{name}" for name in FIELDS), "sample-write", "sample-another"]
    page.fill("#sample-length", "30")
    page.focus("#prime")
    page.keyboard.type("A man")
    page.keyboard.press("Control+Enter")
    assert len(wait_for_text(page)) == len("A man") + 30
    page.fill("#sample-length", ENDLESS)
    page.keyboard.press("Enter")
    page.locator("#sample-count", has_text="characters").wait_for()
    page.focus("#sample-stop")
    page.keyboard.press("Enter")
    wait_for_text(page)
    assert page.evaluate("document.activeElement.id") == "sample-write"


def test_a_prime_with_unknown_parts_is_an_error_that_names_them(page: Page, language_model: Path) -> None:
    with pytest.raises(UserError) as found:
        Generator.load(language_model).encode("A 5 € note")
    ask(page, "A 5 € note")
    page.locator("#sample-problem", has_text=str(found.value)).wait_for()
    assert text_of(page) == ""
    ask(page, "A", length="5")
    wait_for_text(page)
    assert page.inner_text("#sample-problem") == ""


def test_an_option_that_cannot_be_is_told_and_nothing_is_written(page: Page) -> None:
    wrong = {
        "temperature": ["0", "warm", ""],
        "top-k": ["0", "1.5"],
        "top-p": ["0", "1.1"],
        "seed": ["-1", ""],
        "length": ["0", ""],
    }
    for name, values in wrong.items():
        right = page.input_value(f"#sample-{name}")
        for value in values:
            ask(page, "A", **{name: value})
            assert page.inner_text("#sample-problem").startswith(f"The {name} is “{value}”: give a ")
            assert page.evaluate("document.activeElement.id") == f"sample-{name}"
            assert page.locator("#sample-stop").is_hidden()
            assert text_of(page) == ""
        page.fill(f"#sample-{name}", right)
    ask(page, "A", length="5")
    assert len(wait_for_text(page)) == 6
    assert page.inner_text("#sample-problem") == ""


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_all_of_it_has_a_name(
    open_page: Open, language_page: str, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(language_page, size, scheme)
    ask(page, "park" * 40, length="300", temperature="0.5")
    assert len(wait_for_text(page)) == 4 * 40 + 300
    page.fill("#sample-temperature", "warm")
    page.click("#sample-write")
    page.locator("#sample-problem", has_text="temperature").wait_for()
    check_fits(page)
    check_accessible(page)
