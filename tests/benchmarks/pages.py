"""Times of a page of `s2s export --page` in Chromium, opened from disk: until it is ready, and what it does then.

    python tests/benchmarks/pages.py PAGE --text FILE        a translator's page; FILE has 100 lines to translate
    python tests/benchmarks/pages.py PAGE --pictures FOLDER  a captioner's page; 20 photographs of FOLDER are used
    python tests/benchmarks/pages.py PAGE --prime TEXT       a language model's page

Chromium (`apt-get install chromium`) runs without a window, and knows no host name.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SENTENCES, LINES, PHOTOGRAPHS, TOKENS = 30, 100, 20, 5000
LIMIT = 300_000  # milliseconds until a result is given up
_ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure_translator(page: Page, lines: Sequence[str]) -> dict[str, str]:
    """Type sentences one after the other, then translate many lines at once."""

    def translate(line: str) -> None:
        page.fill("#source", "")
        page.fill("#source", line)
        page.locator("#target p:not(.old) .word").first.wait_for(timeout=LIMIT)

    first = seconds(lambda: translate(lines[0]))
    times = []
    for line in lines[1 : SENTENCES + 1]:
        translate(line)
        times.append(float(page.inner_text("#took").removesuffix(" ms")))  # without the pause before typing counts
    page.click("#lines-tab")
    page.fill("#lines-field", "\n".join(lines))
    page.click("#lines-start")
    many = seconds(lambda: page.locator("#lines-body tr").nth(len(lines) - 1).wait_for(timeout=LIMIT))
    return {
        "seconds for the first translation": f"{first:.1f}",
        f"ms a sentence, median of {len(times)}": f"{statistics.median(times):.0f}",
        f"lines a second, {len(lines)} at once": f"{len(lines) / many:.0f}",
    }


def measure_captioner(page: Page, pictures: Sequence[Path]) -> dict[str, str]:
    """Caption a photograph, then many at once."""
    page.set_input_files("#photo-file", pictures[0])
    first = seconds(lambda: page.locator("#photo-result").wait_for(timeout=LIMIT))
    page.click("#photographs-tab")
    page.set_input_files("#photos-file", pictures)
    many = seconds(lambda: page.locator("#photos-body tr").nth(len(pictures) - 1).wait_for(timeout=LIMIT))
    return {
        "seconds for the first photograph": f"{first:.1f}",
        f"photographs a second, of {len(pictures)}": f"{len(pictures) / many:.1f}",
    }


def measure_language_model(page: Page, prime: str) -> dict[str, str]:
    """Write one token, then many."""

    def write(tokens: int) -> None:
        page.fill("#prime", prime)
        page.fill("#sample-length", str(tokens))
        page.click("#sample-write")
        page.locator("#sample-text:not(.writing) > div").first.wait_for(timeout=LIMIT)

    first = seconds(lambda: write(1))
    many = seconds(lambda: write(TOKENS))
    return {
        "seconds for the prime and a token": f"{first:.1f}",
        f"tokens a second, of {TOKENS}": f"{TOKENS / many:.0f}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--text", type=Path, help="lines to translate")
    inputs.add_argument("--pictures", type=Path, help="a folder of JPEG files")
    inputs.add_argument("--prime", help="what a language model's text begins with")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(arguments.page.resolve().as_uri())
        page.locator("body.ready").wait_for(timeout=LIMIT)
        ready = time.perf_counter() - started
        if arguments.text:
            lines = arguments.text.read_text(encoding="utf-8").split("\n")[:LINES]
            found = measure_translator(page, lines)
        elif arguments.prime is not None:
            found = measure_language_model(page, arguments.prime)
        else:
            found = measure_captioner(page, sorted(arguments.pictures.glob("*.jpg"))[:PHOTOGRAPHS])
        print(f"Chromium {browser.version}, load average {os.getloadavg()[0]:.1f}")
        browser.close()
    found = {"MB": f"{arguments.page.stat().st_size / 1e6:.1f}", "seconds until ready": f"{ready:.1f}", **found}
    print("\n".join(f"{value:>8}  {name}" for name, value in found.items()))


if __name__ == "__main__":
    main()
