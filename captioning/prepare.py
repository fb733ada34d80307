"""From the raw files of a recipe to what training reads: pictures, captions and a vocabulary."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from captioning.corpus import CaptionedImage, read_captions
from captioning.recipe import Recipe
from captioning.text import learn_vocabulary, normalise_caption
from s2s import cache
from s2s.errors import check
from s2s.text.vocabulary import Vocabulary, WordVocabulary


@dataclass(frozen=True)
class Example:
    """A picture and what is learned of its captions: normalised texts, and where the user wrote them."""

    picture: CaptionedImage
    captions: tuple[str, ...]


@dataclass(frozen=True)
class PreparedPictures:
    """Training and validation pictures, and the vocabulary."""

    train: Sequence[Example]
    validation: Sequence[Example]
    vocabulary: Vocabulary

    def key(self) -> str:
        """The same for the same names of pictures, captions and vocabulary."""
        sides = (self.train, self.validation)
        captions = [[(str(example.picture.path), example.captions) for example in side] for side in sides]
        return cache.key([captions, self.vocabulary.to_bytes().hex()])


def prepare_pictures(recipe: Recipe, vocabulary: Vocabulary | None = None) -> PreparedPictures:
    """Read captions, leave out those without a word, learn the vocabulary; the report goes to standard error.

    `vocabulary` is that of a model that is gone on from: then none is learned.
    """
    sides = []
    for path, keep in ((recipe.data.train, False), (recipe.data.validation, True)):
        # Two people who say the same count twice where captions are scored.
        sides.append(read_examples(path, recipe.data.images, keep_duplicates=keep))
    train, validation = sides
    shared = {example.picture.path.resolve() for example in train} & {e.picture.path.resolve() for e in validation}
    check(
        not shared,
        f"{recipe.data.validation}: {len(shared):,} of its pictures are trained on too "
        f"({min(shared, default='')}, say): take them out of one of the two",
    )
    captions, validated = ([caption for example in side for caption in example.captions] for side in sides)
    vocabulary = vocabulary or learn_vocabulary(captions, recipe.vocabulary)
    if isinstance(vocabulary, WordVocabulary):
        print(f"{recipe.data.train}: {vocabulary.oov_report(captions)}", file=sys.stderr)
        print(f"{recipe.data.validation}: {vocabulary.oov_report(validated)}", file=sys.stderr)
    return PreparedPictures(train, validation, vocabulary)


def read_examples(source: Path, images: Path | None, *, keep_duplicates: bool) -> list[Example]:
    """Read captions and leave out those without a word; the report goes to standard error. See `read_captions`."""
    pictures, report = read_captions(source, images, keep_duplicates=keep_duplicates)
    print(report, file=sys.stderr)
    return _examples(pictures, str(source))


def _examples(pictures: Sequence[CaptionedImage], name: str) -> list[Example]:
    texts = [(picture, tuple(filter(None, map(normalise_caption, picture.captions)))) for picture in pictures]
    examples = [Example(picture, captions) for picture, captions in texts if captions]
    wordless = [picture.where for picture, captions in texts if not captions]
    if wordless:
        print(f"{name}: left out {len(wordless):,} without any word: {', '.join(wordless[:3])}", file=sys.stderr)
    check(examples, f"{name}: no picture with a caption is left; look at the report above")
    return examples
