"""From the raw files of a recipe to what training reads: pictures, captions and a vocabulary."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from captioning.corpus import CaptionedImage, read_captions
from captioning.metrics.content import content_words
from captioning.recipe import Recipe, VocabularyConfig
from captioning.text import fitting_threshold, learn_vocabulary
from captioning.writing import Writing
from s2s import cache
from s2s.errors import check, printable, warn
from s2s.text.vocabulary import Vocabulary, WordVocabulary

LEAST_FUNCTION_WORDS = 0.1  # share of function words below which captions are not of the language: English has 0.45
MOST_UNKNOWN = 0.2  # share of unknown words above which a warning is printed


@dataclass(frozen=True)
class Example:
    """A picture and what is learned of its captions: normalised texts, and where the user wrote them.

    `corpus` is the number of the corpus among those of the recipe.
    """

    picture: CaptionedImage
    captions: tuple[str, ...]
    corpus: int = 0


@dataclass(frozen=True)
class PreparedPictures:
    """Training and validation pictures, and the vocabulary. The training pictures lie corpus by corpus."""

    train: Sequence[Example]
    validation: Sequence[Example]
    vocabulary: Vocabulary

    def key(self) -> str:
        """The same for the same names of pictures, captions and vocabulary."""
        sides = (self.train, self.validation)
        captions = [[(str(example.picture.path), example.captions) for example in side] for side in sides]
        corpora = [example.corpus for example in self.train]
        # With a single corpus it is the key of earlier versions, whose runs can be resumed.
        return cache.key([captions, self.vocabulary.to_bytes().hex(), *([corpora] if any(corpora) else [])])


def prepare_pictures(
    recipe: Recipe, vocabulary: Vocabulary | None = None, writing: Writing | None = None
) -> PreparedPictures:
    """Read captions, leave out those without a word, learn the vocabulary; the report goes to standard error.

    The vocabulary counts each caption once, whatever the weight of its corpus: a rare word is worth knowing.
    With a `vocabulary`, that of a model that is gone on from, none is learned. `writing` is that of the captions; by
    default it is the recipe's, of English.
    """
    writing = writing or Writing(recipe.vocabulary.text, words=recipe.vocabulary.kind == "word")
    train: list[Example] = []
    for number, corpus in enumerate(recipe.data.training):
        train += read_examples(corpus.path, corpus.images, writing, keep_duplicates=False, corpus=number)
    # Two people who say the same count twice where captions are scored.
    validation = read_examples(recipe.data.validation, recipe.data.images, writing, keep_duplicates=True)
    shared = {example.picture.path.resolve() for example in train} & {e.picture.path.resolve() for e in validation}
    check(
        not shared,
        f"{recipe.data.validation}: {len(shared):,} of its pictures are trained on too "
        f"({min(shared, default='')}, say): take them out of one of the two",
    )
    _check_language(_captions(train), writing)
    given, vocabulary = vocabulary, vocabulary or _learn_vocabulary(_captions(train), recipe.vocabulary)
    if isinstance(vocabulary, WordVocabulary):
        sides = {corpus.path: [e for e in train if e.corpus == i] for i, corpus in enumerate(recipe.data.training)}
        for path, examples in [*sides.items(), (recipe.data.validation, validation)]:
            unknown = vocabulary.oov_report(_captions(examples))
            print(printable(f"{path}: {unknown}"), file=sys.stderr)
            if unknown.unknown > MOST_UNKNOWN * unknown.tokens:
                advice = 'lower vocabulary.threshold, or set vocabulary.kind = "bpe"'
                if given:
                    advice = "the vocabulary is that of start; without start, a new one is learned"
                elif path == recipe.data.validation and unknown.unknown == len(_unseen(examples, train)):
                    advice = 'the training captions do not have them: add captions, or set vocabulary.kind = "bpe"'
                warn(f"{path}: more than {MOST_UNKNOWN:.0%} of its words are unknown: {advice}")
    return PreparedPictures(train, validation, vocabulary)


def _learn_vocabulary(captions: Sequence[str], config: VocabularyConfig) -> Vocabulary:
    """Learn the vocabulary of a recipe, and tell the threshold if the recipe has none."""
    if config.kind == "word" and config.threshold is None:
        config = replace(config, threshold=fitting_threshold(captions))
        print(f"chosen for {len(captions):,} captions: vocabulary.threshold = {config.threshold}", file=sys.stderr)
    return learn_vocabulary(captions, config)


def _unseen(examples: Sequence[Example], train: Sequence[Example]) -> list[str]:
    """The words of captions that no training caption has."""
    seen = {word for caption in _captions(train) for word in caption.split()}
    return [word for caption in _captions(examples) for word in caption.split() if word not in seen]


def _check_language(captions: Sequence[str], writing: Writing) -> None:
    """Warn where captions do not look like the language that they are said to be in."""
    content = content_words(writing.language)
    if content is None:
        return
    counts = Counter(word for caption in captions for word in writing.metric_words(caption))
    share = sum(counts[word] for word in content.function_words) / max(1, counts.total())
    if share < LEAST_FUNCTION_WORDS:
        few = f"only {share:.0%} of the words of the training captions are function words of {writing.language}"
        warn(f"{few}: if they are in another language, name it by the key language of the recipe")


def _captions(examples: Sequence[Example]) -> list[str]:
    return [caption for example in examples for caption in example.captions]


def read_examples(
    source: Path, images: Path | None, writing: Writing, *, keep_duplicates: bool, corpus: int = 0
) -> list[Example]:
    """Read captions and leave out those without a word; the report goes to standard error. See `read_captions`."""
    pictures, report = read_captions(source, images, keep_duplicates=keep_duplicates)
    print(printable(str(report)), file=sys.stderr)
    return _examples(pictures, str(source), writing, corpus)


def _examples(pictures: Sequence[CaptionedImage], name: str, writing: Writing, corpus: int) -> list[Example]:
    texts = [(picture, tuple(filter(None, map(writing.normalise, picture.captions)))) for picture in pictures]
    examples = [Example(picture, captions, corpus) for picture, captions in texts if captions]
    wordless = [picture.where for picture, captions in texts if not captions]
    if wordless:
        left = f"{name}: left out {len(wordless):,} without any word: {', '.join(wordless[:3])}"
        print(printable(left), file=sys.stderr)
    check(examples, f"{name}: no picture with a caption is left; look at the report above")
    return examples
