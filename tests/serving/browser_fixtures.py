"""What tests of pages share: the models that they show, and what holds for every page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from s2s.storage.bundled import find_model
from s2s.storage.light_form import has_light

if TYPE_CHECKING:
    from playwright.sync_api import Page

_CHECKS = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
WIDE, NARROW = (1280, 900), (390, 844)
_ROOT = Path(__file__).resolve().parents[2]
_MODELS = {
    "translation": ("en-de", _ROOT / "translation" / "models"),
    "captioning": ("everyday", _ROOT / "captioning" / "models"),
}


def light_model(kind: str) -> Path:
    """The bundled model of a kind; the test is skipped if it has no light form."""
    name, folder = _MODELS[kind]
    model = find_model(name, kind, folder)
    if not has_light(model):
        pytest.skip(f"the bundled model {name} has no light form: s2s export")
    return model


def check_fits(page: Page) -> None:
    """Nothing of the page lies beyond its width."""
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(f"() => {{ {_CHECKS} return wide(); }}") == []


def check_accessible(page: Page) -> None:
    """Each control has a name, and text stands out from what is behind it."""
    assert page.evaluate(f"() => {{ {_CHECKS} return nameless(); }}") == []
    assert page.evaluate(f"() => {{ {_CHECKS} return faint(); }}") == []
