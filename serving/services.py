"""The models of a server behind their queues: `Services.translate` and `Services.caption` take requests."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

from s2s.decoding.results import Caption, Translation
from s2s.text.languages import primary_subtag
from s2s.vision.images import MAX_PIXELS
from s2s.vision.picture_files import FORMATS
from serving.batching import Batcher
from serving.errors import RequestError
from serving.limits import Limits
from serving.loading import Captioning, Models, Translating
from serving.metrics import Metrics

if TYPE_CHECKING:
    from translation.glossary import Glossary
    from translation.translator import Translator

BATCH_LINES = 64  # more do not translate faster, see tests/benchmarks/server_load.py
BATCH_PICTURES = 32
_BATCH_CHARACTERS = 4_096  # a batch of long lines would hold up what comes after it


@dataclass(frozen=True)
class Upload:
    """A picture as a client sent it."""

    name: str
    data: bytes
    pixels: int


@dataclass(frozen=True)
class Line:
    """A line to be translated, with the terms that its request has given."""

    text: str
    glossary: Glossary | None = None


class Services:
    """The models of a server, each behind a queue.

    Args:
        models: those that the server offers
        limits: of the server
        metrics: of the server
    """

    def __init__(self, models: Models, limits: Limits, metrics: Metrics) -> None:
        self.models = models
        self._limits = limits
        self._lines = {each: self._line_queue(each, metrics) for each in models.translating}
        self._pictures = self._picture_queue(models.captioning, metrics) if models.captioning else None

    @property
    def languages(self) -> list[str]:
        """The codes of all languages, those that are translated first."""
        sides = [each.source for each in self.models.translating] + [each.target for each in self.models.translating]
        return list(dict.fromkeys(sides))

    def find(self, source: str, target: str) -> Translating | None:
        """The translator of a direction, whatever the region of its languages."""
        wanted = primary_subtag(source), primary_subtag(target)
        each_direction = (
            (primary_subtag(each.source), primary_subtag(each.target)) for each in self.models.translating
        )
        return dict(zip(each_direction, self.models.translating)).get(wanted)

    async def translate(
        self, translating: Translating, lines: Sequence[str], glossary: Glossary | None = None
    ) -> list[Translation]:
        """Translate each line, with the terms of a glossary.

        Raises:
            RequestError: 413 if there are more lines than may wait; 429 if too many wait already.
        """
        _check_count(len(lines), self._limits.waiting_lines, "lines")
        return await self._lines[translating].run([Line(line, glossary) for line in lines])

    async def caption(self, pictures: Sequence[tuple[str, bytes]]) -> list[Caption]:
        """Caption each picture, given by its name and the content of its file. A bad picture has a `problem`.

        Raises:
            RequestError: 404 without a captioner; 413 if there are more pictures than may wait; 429 if too many wait.
        """
        if self._pictures is None:
            raise RequestError(404, "this server has no captioning model")
        _check_count(len(pictures), self._limits.waiting_pictures, "pictures")
        uploads = [Upload(name, data, _pixels(data)) for name, data in pictures]
        return await self._pictures.run(uploads)

    async def close(self) -> None:
        """Answer what is waiting, then stop."""
        for queue in (*self._lines.values(), *filter(None, (self._pictures,))):
            await asyncio.to_thread(queue.close)

    def _line_queue(self, translating: Translating, metrics: Metrics) -> Batcher[Line, Translation]:
        queue = Batcher(
            partial(_translated, translating.translator),
            name=translating.name,
            most=BATCH_LINES,
            cost=lambda line: len(line.text),
            most_cost=_BATCH_CHARACTERS,
            limit=self._limits.waiting_lines,
            observe=partial(metrics.batch, translating.name),
        )
        metrics.watch(translating.name, lambda: queue.waiting)
        return queue

    def _picture_queue(self, captioning: Captioning, metrics: Metrics) -> Batcher[Upload, Caption]:
        captioner = captioning.captioner

        def compute(uploads: list[Upload]) -> list[Caption]:
            found = captioner.caption([upload.data for upload in uploads])
            return [replace(caption, name=upload.name) for caption, upload in zip(found, uploads)]

        queue = Batcher(
            compute,
            name=captioning.name,
            most=BATCH_PICTURES,
            cost=lambda upload: upload.pixels,
            most_cost=MAX_PIXELS,  # a batch is decoded at once, and takes no more memory than the largest picture
            limit=self._limits.waiting_pictures,
            observe=partial(metrics.batch, captioning.name),
        )
        metrics.watch(captioning.name, lambda: queue.waiting)
        return queue


def _translated(translator: Translator, lines: Sequence[Line]) -> list[Translation]:
    """The translations of lines, those with the same glossary at once."""
    found = dict[int, Translation]()
    for glossary in dict.fromkeys(line.glossary for line in lines):
        chosen = [i for i, line in enumerate(lines) if line.glossary is glossary]
        translating = translator.with_glossary(glossary) if glossary else translator
        found |= zip(chosen, translating.translate([lines[i].text for i in chosen]))
    return [found[i] for i in range(len(lines))]


def _check_count(count: int, most: int, what: str) -> None:
    if count > most:
        raise RequestError(413, f"the request has {count:,} {what}, more than {most:,}; send it in parts")


def _pixels(data: bytes) -> int:
    """How many pixels the picture in a file has; 0 if that cannot be told, so that decoding says what is wrong."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.width * image.height
    except Exception:  # Pillow raises nearly anything for a broken file
        return 0
