"""What a server accepts at most."""

from __future__ import annotations

from dataclasses import dataclass

_BYTES_PER_CHARACTER = 12  # JSON writes a character outside the basic plane as two escapes of six bytes


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        characters: of a request's texts together
        body: bytes of a request
        bodies: bytes of all requests that are being answered
        waiting_lines: lines that wait for one translator; also the most lines of a request
        waiting_pictures: pictures that wait for the captioner; also the most pictures of a request
        seconds: from a request's first byte to its answer
        connections: open at once
        terms: of a request's glossary, with those to keep
        term: characters of a term or its translation
    """

    characters: int = 50_000
    body: int = 32_000_000
    bodies: int = 256_000_000
    waiting_lines: int = 2_000
    waiting_pictures: int = 200
    seconds: float = 60.0
    connections: int = 1_000
    terms: int = 200
    term: int = 100

    @property
    def text_body(self) -> int:
        """The most bytes that a request with texts may have."""
        return min(self.body, _BYTES_PER_CHARACTER * self.characters + 65_536)
