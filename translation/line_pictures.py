"""The pictures of lines that are translated: from a file with the name of one for each line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.errors import check, counted

if TYPE_CHECKING:
    from s2s.views.attention_view import Photograph
    from s2s.vision.grids import Features
    from translation.translator import Translator


class LinePictures:
    """Gives each line of the input its picture.

    Args:
        translator: sees the pictures
        file: names a picture for each line, relative to its own folder; a blank line names none
        warn: told of each picture that cannot be read; its line is translated without one
        shown: whether views of the attention show the pictures, which have to be measured for it

    Attributes:
        failed: how many pictures could not be read
    """

    def __init__(self, translator: Translator, file: Path, warn: Callable[[str], None], *, shown: bool = False) -> None:
        from translation.pictures import preprocessing, read_names

        config = translator.engine.config.picture
        assert config is not None
        self._preprocessing = preprocessing(config)
        self._translator, self._file, self._warn = translator, file, warn
        self._names = read_names(file)
        self._shown = shown
        self._lines = 0  # that were given a picture, or none
        self.failed = 0

    @classmethod
    def of(
        cls, options: argparse.Namespace, translator: Translator, warn: Callable[[str], None]
    ) -> LinePictures | None:
        """The pictures that `--images` asks for; None without the option.

        Raises:
            UserError: the file cannot be read, or the model sees no pictures.
        """
        if options.images is None:
            return None
        check(
            translator.engine.look,
            "--images: this model sees no pictures; train one with a section [picture] in the recipe, or leave the "
            "option out",
        )
        return cls(translator, options.images, warn, shown=options.attention is not None)

    def take(self, count: int, passed_over: int = 0) -> tuple[list[Photograph | None], list[Features | None]]:
        """The pictures of the next lines: their places in views, if they are shown, and what the model sees of them.

        Args:
            count: of the lines
            passed_over: how many of them need no picture, as they were translated before

        Raises:
            UserError: the file has fewer lines than the input.
        """
        names = self._names[self._lines : self._lines + count]
        self._lines += count
        check(
            len(names) == count,
            f"--images {self._file}: has {counted(len(self._names), 'line')}, and the text has more; each line needs "
            "one, if only a blank one",
        )
        pairs = [(None, None) if name is None else self._seen(name) for name in names[passed_over:]]
        return [photograph for photograph, _ in pairs], [seen for _, seen in pairs]

    def check_end(self) -> None:
        """Raise a UserError if the file has more lines than the input."""
        check(
            self._lines >= len(self._names),
            f"--images {self._file}: has {counted(len(self._names), 'line')}, and the text has {self._lines:,}; each "
            "line needs one",
        )

    def _seen(self, name: Path) -> tuple[Photograph | None, Features | None]:
        from s2s.views.photographs import photograph
        from s2s.vision.images import ImageError, read_image

        try:
            image = read_image(name)
        except ImageError as error:
            self.failed += 1
            self._warn(f"{error}; its line is translated without a picture")
            return None, None
        place = photograph(name, image, self._preprocessing) if self._shown else None
        return place, self._translator.look(image)


def all_pictures(translator: Translator, file: Path, lines: Sequence[str], source: Path) -> list[Features | None]:
    """What the model sees of the picture of each line, for `evaluate`.

    Raises:
        UserError: the counts differ, or the model sees no pictures.
        ImageError: a picture cannot be read: the scores would be those of another model.
    """
    from translation.pictures import check_counts, read_names

    names = read_names(file)
    check_counts(names, file, len(lines), source)
    return [None if name is None else translator.look(name) for name in names]
