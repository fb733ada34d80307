"""Clients of LibreTranslate that were written for another server."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator

import pytest
from deep_translator import LibreTranslator
from deep_translator.exceptions import AuthorizationException
from libretranslatepy import LibreTranslateAPI
from serving_fixtures import Server, running

from serving.loading import Models

LINE = "A man in a red hat is sleeping in the park ."


@pytest.fixture(scope="module")
def guarded(models: Models) -> Iterator[Server]:
    """A server that asks for a key."""
    with running(models, keys=frozenset({"sesame"})) as server:
        yield server


def test_libretranslatepy(server: Server, guarded: Server, models: Models) -> None:
    expected = models.translating[0].translator.translate([LINE])[0].text
    client = LibreTranslateAPI(server.url)
    assert client.translate(LINE, "en", "de") == expected
    assert client.translate(f"{LINE}\n\n{LINE}", "en", "de") == f"{expected}\n\n{expected}"
    assert client.languages() == server.get("/languages").json
    assert client.detect("A man is sleeping in the park")[0]["language"] == "en"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        client.translate(LINE, "en", "fr")
    assert LibreTranslateAPI(guarded.url, "sesame").translate(LINE, "en", "de") == expected
    with pytest.raises(urllib.error.HTTPError, match="403"):
        LibreTranslateAPI(guarded.url).translate(LINE, "en", "de")


def test_deep_translator(guarded: Server, models: Models) -> None:
    expected = models.translating[0].translator.translate([LINE])[0].text

    def client(key: str) -> LibreTranslator:
        return LibreTranslator("en", "de", api_key=key, custom_url=f"{guarded.url}/")

    assert client("sesame").translate(LINE) == expected
    assert client("sesame").translate_batch([LINE, LINE]) == [expected, expected]
    with pytest.raises(AuthorizationException):
        client("sesam").translate(LINE)
