"""What all tests of decoding share."""

from __future__ import annotations

import pytest
from search_fixtures import LIBRARIES, Library


@pytest.fixture(scope="session", params=LIBRARIES.values(), ids=list(LIBRARIES))
def library(request: pytest.FixtureRequest) -> Library:
    """Brings a tensor into the library of the search: once torch, once NumPy."""
    return request.param
