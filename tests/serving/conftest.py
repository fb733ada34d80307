"""A server with toy models; and a browser for tests of pages: Debian's Chromium without a network, by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from browser_fixtures import WIDE, light_model
from language_fixtures import tiny_language_model
from serving_fixtures import Server, running, toy_models

from language_model.export import LanguageModelExporter
from s2s import cache
from s2s.export.exporting import export
from serving import onnxruntime_web
from serving.javascript import bundle
from serving.loading import Models
from serving.pages import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_DATA = Path(__file__).resolve().parents[2] / "serving" / "data"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def models() -> Models:
    """The toy models."""
    return toy_models()


@pytest.fixture(scope="module")
def server(models: Models) -> Iterator[Server]:
    """A server with the toy models."""
    with running(models) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; tests are skipped where it or Playwright is missing."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return path


@pytest.fixture(scope="module")  # not longer: while Playwright runs, no other test can run an event loop
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, for which every host name is unknown."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address with a window of some size, in light or dark; no page may leave the device or, if quiet, fail."""
    contexts, problems, requests = [], list[str](), list[str]()

    def _open(
        address: str, size: tuple[int, int] = WIDE, scheme: Literal["light", "dark"] = "light", *, quiet: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if quiet:
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert not problems, problems
    assert {url.partition(":")[0] for url in requests} <= {"file", "blob", "http", "about"}
    assert all(url.startswith("http://127.0.0.1:") for url in requests if url.startswith("http"))


@pytest.fixture
def modules(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Run a module of serving/data: a page in which `exports` holds what it exports."""
    page = browser.new_page()

    def _run(name: str) -> Page:
        path = _DATA / name
        page.add_script_tag(content=f"{bundle(path)}globalThis.exports = {path.parent.name}_{path.stem};")
        return page

    yield _run
    page.close()


@pytest.fixture(scope="session")
def translator_page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of the bundled translator."""
    return _page("translation", tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def captioner_page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of the bundled captioner."""
    return _page("captioning", tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small language model of characters with a light form in float32."""
    model = tmp_path_factory.mktemp("models") / "letters"
    tiny_language_model().save(model, {})
    export(LanguageModelExporter(model), model, model, "float32")
    return model


@pytest.fixture(scope="session")
def language_page(chromium: str, language_model: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of a language model."""
    return _write(language_model, tmp_path_factory.mktemp("pages") / "language.html")


def _page(kind: str, folder: Path) -> str:
    return _write(light_model(kind), folder / f"{kind}.html")


def _write(model: Path, path: Path) -> str:
    if onnxruntime_web._stored(cache.folder() / onnxruntime_web.PACKAGE.replace("@", "-")) is None:
        pytest.skip(f"{onnxruntime_web.PACKAGE} is not in the cache: s2s export MODEL --page FILE fetches it")
    write_page(model, path)
    return path.as_uri()
